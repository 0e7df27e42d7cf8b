//! A `Signature` element, its parts and what they may hold (XML-DSig §4, SAML core §5.4).

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{
    DSIG, DigestAlgorithm, Evidence, Options, PublicKey, SignatureAlgorithm, SignatureError,
};
use crate::protocol::xml::canonical::{EXCLUSIVE, Method, canonicalize};
use crate::protocol::xml::{Element, Node};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A `Signature` element that has the shape that SAML allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Of the signature.
    pub algorithm: SignatureAlgorithm,
    /// Of the digest.
    pub digest: DigestAlgorithm,
    /// How the content is written before it is digested. Comments are no part of it: a reference
    /// by ID leaves them out (XML-DSig §4.4.3.3).
    pub canonicalization: Method,
    pub(super) reference: String,
    digest_value: Vec<u8>,
    /// In canonical form.
    signed_info: Vec<u8>,
    value: Vec<u8>,
    /// The certificate that it names. It chooses no key: it only tells a stranger from a forger.
    certificate: Option<Vec<u8>>,
}

impl Signature {
    /// Reads a `Signature` element (XML-DSig §4).
    ///
    /// # Errors
    /// When it has another shape.
    pub fn read(element: Element<'_>) -> Result<Self, SignatureError> {
        const SHAPE: SignatureError = SignatureError::Structure(
            "Signature holds something else than SignedInfo, SignatureValue and KeyInfo (XML-DSig §4.2, SAML core §5.4)",
        );
        let parts: Vec<_> = element.children().collect();
        let (signed_info, value, key_info) = match parts.as_slice() {
            [signed_info, value] => (*signed_info, *value, None),
            [signed_info, value, key_info] if key_info.is(DSIG, "KeyInfo") => {
                (*signed_info, *value, Some(*key_info))
            }
            _ => return Err(SHAPE),
        };
        if !signed_info.is(DSIG, "SignedInfo") || !value.is(DSIG, "SignatureValue") {
            return Err(SHAPE);
        }
        let parts: Vec<_> = signed_info.children().collect();
        let [method, signature_method, reference] = parts.as_slice() else {
            return Err(SignatureError::Structure(
                "SignedInfo does not hold exactly one Reference (SAML core §5.4.2)",
            ));
        };
        if !method.is(DSIG, "CanonicalizationMethod")
            || !signature_method.is(DSIG, "SignatureMethod")
            || !reference.is(DSIG, "Reference")
        {
            return Err(SignatureError::Structure(
                "SignedInfo is not CanonicalizationMethod, SignatureMethod and Reference (XML-DSig §4.4)",
            ));
        }
        let form = canonicalization(*method, "CanonicalizationMethod")?;
        let uri = algorithm_of(*signature_method);
        let algorithm = SignatureAlgorithm::from_uri(uri)
            .ok_or_else(|| not_accepted("SignatureMethod", uri))?;
        if signature_method.children().next().is_some() {
            return Err(SignatureError::Structure("SignatureMethod has parameters"));
        }
        let mut signature = Self {
            algorithm,
            digest: DigestAlgorithm::Sha256,
            canonicalization: form.clone(),
            reference: String::new(),
            digest_value: Vec::new(),
            signed_info: canonicalize(signed_info, &form, None)?,
            value: base64(value, "SignatureValue is not base64 (XML-DSig §4.3)")?,
            certificate: key_info.and_then(certificate),
        };
        signature.read_reference(*reference)?;
        Ok(signature)
    }

    fn read_reference(&mut self, reference: Element<'_>) -> Result<(), SignatureError> {
        let parts: Vec<_> = reference.children().collect();
        let [transforms, method, value] = parts.as_slice() else {
            return Err(SignatureError::Structure(
                "Reference is not Transforms, DigestMethod and DigestValue (XML-DSig §4.4.3)",
            ));
        };
        if !transforms.is(DSIG, "Transforms")
            || !method.is(DSIG, "DigestMethod")
            || !value.is(DSIG, "DigestValue")
        {
            return Err(SignatureError::Structure(
                "Reference is not Transforms, DigestMethod and DigestValue (XML-DSig §4.4.3)",
            ));
        }
        // Without URI the reference is for the application to know (XML-DSig §4.4.3.1).
        reference
            .attribute("URI")
            .ok_or(SignatureError::Structure("Reference has no URI (SAML core §5.4.2)"))?
            .clone_into(&mut self.reference);
        self.canonicalization = read_transforms(*transforms)?;
        let uri = algorithm_of(*method);
        self.digest =
            DigestAlgorithm::from_uri(uri).ok_or_else(|| not_accepted("DigestMethod", uri))?;
        self.digest_value = base64(*value, "DigestValue is not base64 (XML-DSig §4.4.3.6)")?;
        Ok(())
    }

    /// Whether its reference means this element.
    pub(crate) fn refers_to(&self, element: Element<'_>) -> Result<(), SignatureError> {
        let expected = match element.attribute("ID") {
            Some(id) => format!("#{id}"),
            None => String::new(),
        };
        // An empty reference is the whole document: the root, and no instruction beside it.
        let whole =
            self.reference.is_empty() && element.parent().is_none() && element.document().whole;
        if whole || (expected.len() > 1 && expected == self.reference) {
            return Ok(());
        }
        Err(SignatureError::Reference { expected, found: self.reference.clone() })
    }

    /// That one of the keys made the signature over `SignedInfo`.
    ///
    /// # Errors
    /// When none did, or an algorithm is not accepted.
    pub fn verify_value(&self, keys: &[PublicKey], options: Options) -> Result<(), SignatureError> {
        if !options.allow_sha1 {
            if self.algorithm.digest == DigestAlgorithm::Sha1 {
                return Err(SignatureError::Sha1("SignatureMethod"));
            }
            if self.digest == DigestAlgorithm::Sha1 {
                return Err(SignatureError::Sha1("DigestMethod"));
            }
        }
        if keys.is_empty() {
            return Err(SignatureError::NoKeys);
        }
        let mut fits = false;
        for key in keys {
            match key.verify(self.algorithm, &self.signed_info, &self.value) {
                Some(true) => return Ok(()),
                Some(false) => fits = true,
                None => {}
            }
        }
        let named = self.certificate.as_ref().and_then(|der| PublicKey::from_certificate(der).ok());
        let by_stranger = named.is_some_and(|key| {
            key.verify(self.algorithm, &self.signed_info, &self.value) == Some(true)
        });
        if by_stranger {
            Err(SignatureError::Stranger)
        } else if fits {
            Err(SignatureError::Value)
        } else {
            Err(SignatureError::KeyKind(self.algorithm.uri()))
        }
    }

    /// How it was made.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence { algorithm: self.algorithm, digest: self.digest }
    }

    /// Whether this is the digest of what was signed.
    pub(crate) fn verify_digest(&self, digest: &digest::Digest) -> Result<(), SignatureError> {
        if digest.as_ref() == self.digest_value { Ok(()) } else { Err(SignatureError::Digest) }
    }
}

/// The first certificate of a `KeyInfo` (XML-DSig §4.5.4).
fn certificate(key_info: Element<'_>) -> Option<Vec<u8>> {
    let data = key_info.children_named(DSIG, "X509Data").next()?;
    let certificate = data.children_named(DSIG, "X509Certificate").next()?;
    base64(certificate, "").ok()
}

fn algorithm_of(element: Element<'_>) -> &str {
    element.attribute("Algorithm").unwrap_or_default()
}

fn not_accepted(element: &'static str, uri: &str) -> SignatureError {
    SignatureError::Algorithm { element, uri: uri.to_owned() }
}

/// `enveloped-signature`, then at most one canonicalisation (SAML core §5.4.4).
fn read_transforms(transforms: Element<'_>) -> Result<Method, SignatureError> {
    let all: Vec<_> = transforms.children().collect();
    if all.is_empty() || all.len() > 2 || !all.iter().all(|one| one.is(DSIG, "Transform")) {
        return Err(SignatureError::Structure(
            "Transforms does not hold one or two Transform elements (SAML core §5.4.4)",
        ));
    }
    let mut all = all.into_iter();
    let Some(enveloped) = all.next() else {
        return Err(SignatureError::Structure("Transforms is empty (SAML core §5.4.4)"));
    };
    // The other way round it would find no signature in what is left: a text.
    if algorithm_of(enveloped) != ENVELOPED {
        return Err(not_accepted("Transform", algorithm_of(enveloped)));
    }
    if enveloped.children().next().is_some() {
        return Err(SignatureError::Structure("enveloped-signature has parameters"));
    }
    let mut method = match all.next() {
        Some(transform) => canonicalization(transform, "Transform")?,
        // What is digested without one is Canonical XML 1.0 (XML-DSig §4.4.3.2).
        None => Method { exclusive: false, comments: false, inclusive_prefixes: Vec::new() },
    };
    method.comments = false;
    Ok(method)
}

/// The method that an element names, with its `InclusiveNamespaces`.
fn canonicalization(element: Element<'_>, name: &'static str) -> Result<Method, SignatureError> {
    let uri = algorithm_of(element);
    let mut method = Method::from_uri(uri).ok_or_else(|| not_accepted(name, uri))?;
    let mut parts = element.children();
    match (parts.next(), parts.next()) {
        (None, _) => {}
        (Some(prefixes), None)
            if method.exclusive && prefixes.is(EXCLUSIVE, "InclusiveNamespaces") =>
        {
            let list = prefixes.attribute("PrefixList").unwrap_or_default();
            method.inclusive_prefixes = list
                .split_ascii_whitespace()
                .map(|prefix| if prefix == "#default" { "" } else { prefix }.to_owned())
                .collect();
            if method.inclusive_prefixes.len() > 32 {
                return Err(SignatureError::Structure("PrefixList holds more than 32 prefixes"));
            }
        }
        _ => {
            return Err(SignatureError::Structure(
                "a canonicalisation has other parameters than InclusiveNamespaces",
            ));
        }
    }
    Ok(method)
}

pub(super) fn base64(element: Element<'_>, wrong: &'static str) -> Result<Vec<u8>, SignatureError> {
    if element.nodes().any(|node| !matches!(node, Node::Text(_))) {
        return Err(SignatureError::Structure(wrong));
    }
    let mut text = element.text().ok_or(SignatureError::Structure(wrong))?;
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).map_err(|_| SignatureError::Structure(wrong))
}
