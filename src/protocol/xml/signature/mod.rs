//! Enveloped XML signatures (XML-DSig), in the profile of SAML (SAML core §5.4).
//!
//! A signature says something about one element: the one that it stands in, as a child. It has
//! one reference, to that element by its ID (or to the whole document, when the element is its
//! root), and no other transforms than `enveloped-signature` and a canonicalisation. What
//! SAML does not use is refused, for it is what wrapping attacks are made of: several
//! references, references to other elements, `Object`, `XPath`, XSLT, one ID on two elements.
//!
//! Nothing is looked up by its ID. [`verify()`] is given the element that will be read and
//! answers for that element, as [`Verified`]; a signature elsewhere in the document is content.
//! Keys come from the caller; `KeyInfo` is not looked at.

mod algorithm;
mod digester;
mod key;
mod shape;
mod sign;
mod verify;

pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub(crate) use digester::Digester;
pub use key::{KeyKind, PublicKey, UnusableKey};
pub use shape::Signature;
pub(crate) use sign::algorithm_of;
pub use sign::{SignError, Signer, sign};
pub(crate) use verify::signature_of;
pub use verify::{Evidence, Options, SignatureError, Verified, verify};

/// The namespace of XML signatures.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of what XML Signature 1.1 adds.
pub const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

/// What tests sign with, in files of their own as well.
#[cfg(test)]
pub(crate) fn random() -> aws_lc_rs::rand::SystemRandom {
    aws_lc_rs::rand::SystemRandom::new()
}

#[cfg(test)]
mod tests;
