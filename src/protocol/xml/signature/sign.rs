//! Making enveloped signatures: for requests, and for whoever plays the other side in a test.

use aws_lc_rs::digest;
use aws_lc_rs::rand::SecureRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::algorithm::Scheme;
use super::{DSIG, DigestAlgorithm, SignatureAlgorithm, signature_of};
use crate::protocol::jose::{Algorithm, SigningKey};
use crate::protocol::xml::canonical::{EXCLUSIVE, Method, canonicalize};
use crate::protocol::xml::{Document, Element, Limits, XmlError};

/// Why an element was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The text is no document.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// No element has the ID, the signature would not be its child, or it has no canonical form.
    #[error("the signature would not stand in the element with its ID")]
    Place,
    /// The key signs in a way that XML signatures do not have.
    #[error("XML signatures are not made with {0}")]
    Algorithm(Algorithm),
    /// A canonicalisation that is not supported.
    #[error("the canonicalisation is not supported")]
    Canonicalization,
    /// The cryptographic library failed.
    #[error("the signature could not be made")]
    Failed,
}

/// How to sign.
#[derive(Debug)]
pub struct Signer<'a> {
    /// The key, with its algorithm.
    pub key: &'a SigningKey,
    /// The digest of the content.
    pub digest: DigestAlgorithm,
    /// Identifier of the canonicalisation of `SignedInfo` and of the content.
    pub canonicalization: &'a str,
    /// Prefixes that exclusive canonicalisation treats as the inclusive one does.
    pub inclusive_prefixes: &'a [&'a str],
    /// A certificate in DER to send along in `KeyInfo`.
    pub certificate: Option<&'a [u8]>,
}

impl<'a> Signer<'a> {
    /// The way that SAML recommends: exclusive canonicalisation, SHA-256 (SAML core §5.4).
    #[must_use]
    pub const fn new(key: &'a SigningKey) -> Self {
        Self {
            key,
            digest: DigestAlgorithm::Sha256,
            canonicalization: EXCLUSIVE,
            inclusive_prefixes: &[],
            certificate: None,
        }
    }

    fn method(&self, element: &str, uri: &str) -> String {
        if self.inclusive_prefixes.is_empty() || !uri.starts_with(EXCLUSIVE) {
            return format!("<ds:{element} Algorithm=\"{uri}\"/>");
        }
        let list = self.inclusive_prefixes.join(" ");
        format!(
            "<ds:{element} Algorithm=\"{uri}\"><ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" \
             PrefixList=\"{list}\"/></ds:{element}>"
        )
    }

    fn signature(&self, id: &str, digest: &str, value: &str) -> String {
        let key_info = self.certificate.map(|der| {
            format!(
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
                 </ds:KeyInfo>",
                STANDARD.encode(der)
            )
        });
        let algorithm = algorithm_of(self.key).map_or("", SignatureAlgorithm::uri);
        format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{}\
             <ds:SignatureMethod Algorithm=\"{algorithm}\"/><ds:Reference URI=\"#{id}\">\
             <ds:Transforms><ds:Transform Algorithm=\"{DSIG}enveloped-signature\"/>{}\
             </ds:Transforms><ds:DigestMethod Algorithm=\"{}\"/>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>\
             <ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            self.method("CanonicalizationMethod", self.canonicalization),
            self.method("Transform", self.canonicalization),
            self.digest.uri(),
            key_info.unwrap_or_default(),
        )
    }
}

/// Signs the element with the attribute `ID` of this value; the signature stands between the
/// two texts, as a child of that element.
///
/// # Errors
/// When the texts are no document with such an element, or the key is for something else.
pub fn sign(
    before: &str,
    after: &str,
    id: &str,
    signer: &Signer<'_>,
    random: &dyn SecureRandom,
) -> Result<String, SignError> {
    if algorithm_of(signer.key).is_none() {
        return Err(SignError::Algorithm(signer.key.algorithm()));
    }
    let mut method =
        Method::from_uri(signer.canonicalization).ok_or(SignError::Canonicalization)?;
    for prefix in signer.inclusive_prefixes {
        let prefix = if *prefix == "#default" { "" } else { prefix };
        method.inclusive_prefixes.push(prefix.to_owned());
    }
    // First with empty values, then with the digest, then with the signature over it.
    let with = |digest: &str, value: &str| {
        format!("{before}{}{after}", signer.signature(id, digest, value))
    };
    let draft = Document::parse(with("", "").as_bytes(), Limits::DOCUMENT)?;
    let (element, signature) = find(&draft, id)?;
    let content = Method { comments: false, ..method.clone() };
    let content = canonicalize(element, &content, Some(signature)).map_err(|_| SignError::Place)?;
    let digest = STANDARD.encode(digest::digest(signer.digest.algorithm(), &content));

    let draft = Document::parse(with(&digest, "").as_bytes(), Limits::DOCUMENT)?;
    let (_, signature) = find(&draft, id)?;
    let signed_info = signature.child(DSIG, "SignedInfo").ok_or(SignError::Place)?;
    let message = canonicalize(signed_info, &method, None).map_err(|_| SignError::Place)?;
    let value = signer.key.signature(&message, random).map_err(|_| SignError::Failed)?;
    Ok(with(&digest, &STANDARD.encode(value)))
}

fn find<'a>(document: &'a Document, id: &str) -> Result<(Element<'a>, Element<'a>), SignError> {
    let element = document.elements().find(|element| element.attribute("ID") == Some(id));
    let element = element.ok_or(SignError::Place)?;
    let signature = signature_of(element).map_err(|_| SignError::Place)?;
    Ok((element, signature))
}

/// The algorithm of XML signatures that a key for JWS signs with.
pub(crate) fn algorithm_of(key: &SigningKey) -> Option<SignatureAlgorithm> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    let (scheme, digest) = match key.algorithm() {
        Algorithm::Rs256 => (Scheme::Pkcs1, Sha256),
        Algorithm::Rs384 => (Scheme::Pkcs1, Sha384),
        Algorithm::Rs512 => (Scheme::Pkcs1, Sha512),
        Algorithm::Ps256 => (Scheme::Pss, Sha256),
        Algorithm::Ps384 => (Scheme::Pss, Sha384),
        Algorithm::Ps512 => (Scheme::Pss, Sha512),
        Algorithm::Es256 => (Scheme::Ecdsa, Sha256),
        Algorithm::Es384 => (Scheme::Ecdsa, Sha384),
        Algorithm::Es512 => (Scheme::Ecdsa, Sha512),
        Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512
        | Algorithm::Es256K
        | Algorithm::Ed25519
        | Algorithm::EdDsa => return None,
    };
    Some(SignatureAlgorithm { scheme, digest })
}
