//! From an element to the verdict on its signature.

use std::collections::HashSet;

use aws_lc_rs::digest;

use super::{DSIG, DigestAlgorithm, PublicKey, Signature, SignatureAlgorithm};
use crate::protocol::xml::canonical::{RelativeNamespace, canonicalize};
use crate::protocol::xml::{Attribute, Document, Element, XML};

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// SHA-1, in the digest and in the signature.
    pub allow_sha1: bool,
}

/// Why an element does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature among the children of the element.
    #[error("it is not signed: no Signature is among its children (SAML core §5.4.1)")]
    Missing,
    /// More than one.
    #[error("more than one Signature among its children (SAML core §5.4.1)")]
    Several,
    /// Not where it has to be for a document that passes by.
    #[error("the Signature is not the first child (SAML metadata §2.3.1)")]
    Misplaced,
    /// A part that is missing or has no business there.
    #[error("{0}")]
    Structure(&'static str),
    /// An algorithm that is not supported, or has no place in SAML.
    #[error("{element} names the algorithm {uri:?}, which is not accepted")]
    Algorithm {
        /// The element that names it.
        element: &'static str,
        /// Its identifier.
        uri: String,
    },
    /// SHA-1 where it is not allowed.
    #[error("{0} uses SHA-1, which is broken")]
    Sha1(&'static str),
    /// A reference to something else than the element.
    #[error(
        "the Reference points at {found:?} and not at the element itself, {expected:?} (SAML core §5.4.2)"
    )]
    Reference {
        /// The element's own ID, as a reference.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// One ID on two elements.
    #[error("the ID {0:?} stands on more than one element (XML §3.3.1)")]
    DuplicateId(String),
    /// No key to verify with.
    #[error("there is no key to verify with")]
    NoKeys,
    /// Keys, but for other algorithms.
    #[error("none of the keys is for {0}")]
    KeyKind(&'static str),
    /// No key made this signature, or its `SignedInfo` was changed.
    #[error(
        "the signature was made by none of the keys, or SignedInfo was changed (XML-DSig §3.2.2)"
    )]
    Value,
    /// The signature is whole, by the certificate that it names, which nobody told us of.
    #[error(
        "the signature was made by the key of the certificate in its KeyInfo, which is none of the keys that are known"
    )]
    Stranger,
    /// The content was changed.
    #[error("the digest is not that of the content: it was changed (XML-DSig §3.2.1)")]
    Digest,
    /// The content has no canonical form.
    #[error("{0}")]
    Canonical(#[from] RelativeNamespace),
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The algorithm of the signature.
    pub algorithm: SignatureAlgorithm,
    /// The algorithm of the digest.
    pub digest: DigestAlgorithm,
}

impl Evidence {
    /// Whether SHA-1 is part of it.
    #[must_use]
    pub fn uses_sha1(&self) -> bool {
        self.digest == DigestAlgorithm::Sha1 || self.algorithm.digest == DigestAlgorithm::Sha1
    }
}

/// An element whose signature was verified: what is read from it was signed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verified<'a> {
    element: Element<'a>,
    /// How it was signed.
    pub evidence: Evidence,
}

impl<'a> Verified<'a> {
    /// The element.
    #[must_use]
    pub const fn element(&self) -> Element<'a> {
        self.element
    }
}

/// Verifies the signature of an element that stands in it as a child.
///
/// # Errors
/// When the element does not count as signed by one of the keys.
pub fn verify<'a>(
    element: Element<'a>,
    keys: &[PublicKey],
    options: Options,
) -> Result<Verified<'a>, SignatureError> {
    let found = signature_of(element)?;
    let signature = Signature::read(found)?;
    unique_ids(element.document())?;
    signature.refers_to(element)?;
    signature.verify_value(keys, options)?;
    let content = canonicalize(element, &signature.canonicalization, Some(found))?;
    signature.verify_digest(&digest::digest(signature.digest.algorithm(), &content))?;
    Ok(Verified { element, evidence: signature.evidence() })
}

/// The `Signature` among the children of an element.
pub(crate) fn signature_of(element: Element<'_>) -> Result<Element<'_>, SignatureError> {
    let mut all = element.children_named(DSIG, "Signature");
    let first = all.next().ok_or(SignatureError::Missing)?;
    if all.next().is_some() { Err(SignatureError::Several) } else { Ok(first) }
}

/// No ID stands on two elements. Which attributes are IDs only a DTD or a schema can tell; these
/// are the names that SAML, XML signatures and XML itself give them.
fn unique_ids(document: &Document) -> Result<(), SignatureError> {
    let mut ids = HashSet::new();
    for element in document.elements() {
        // One element may say its own ID under two names.
        let own: HashSet<&str> = element.attributes().filter(is_id).map(|a| a.value).collect();
        for id in own {
            if !ids.insert(id) {
                return Err(SignatureError::DuplicateId(id.to_owned()));
            }
        }
    }
    Ok(())
}

fn is_id(attribute: &Attribute<'_>) -> bool {
    match attribute.name.namespace {
        "" => matches!(
            attribute.name.local,
            "ID" | "Id" | "id" | "AssertionID" | "ResponseID" | "RequestID"
        ),
        XML => attribute.name.local == "id",
        _ => false,
    }
}
