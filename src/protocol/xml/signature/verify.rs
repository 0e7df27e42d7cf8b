//! From a `Signature` element to a verdict.

use std::collections::HashSet;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{DSIG, DigestAlgorithm, PublicKey, SignatureAlgorithm};
use crate::protocol::xml::canonical::{
    self, Canonicalizer, EXCLUSIVE, Method, RelativeNamespace, canonicalize,
};
use crate::protocol::xml::{Attribute, Document, Element, Event, Node, XML};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

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
    /// The content was changed.
    #[error("the digest is not that of the content: it was changed (XML-DSig §3.2.1)")]
    Digest,
    /// The content has no canonical form.
    #[error("{0}")]
    Canonical(#[from] RelativeNamespace),
}

/// An element whose signature was verified: what is read from it was signed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verified<'a> {
    element: Element<'a>,
    /// The algorithm of the signature.
    pub algorithm: SignatureAlgorithm,
    /// The algorithm of the digest.
    pub digest: DigestAlgorithm,
    /// Which of the keys made it.
    pub key: usize,
}

impl<'a> Verified<'a> {
    /// The element.
    #[must_use]
    pub const fn element(&self) -> Element<'a> {
        self.element
    }

    /// Whether SHA-1 is part of it.
    #[must_use]
    pub fn uses_sha1(&self) -> bool {
        self.digest == DigestAlgorithm::Sha1 || self.algorithm.digest == DigestAlgorithm::Sha1
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
    let key = signature.verify_value(keys, options)?;
    let content = canonicalize(element, &signature.canonicalization, Some(found))?;
    signature.verify_digest(&digest::digest(signature.digest.algorithm(), &content))?;
    Ok(Verified { element, algorithm: signature.algorithm, digest: signature.digest, key })
}

/// The `Signature` among the children of an element.
pub(crate) fn signature_of(element: Element<'_>) -> Result<Element<'_>, SignatureError> {
    let mut all = element.children_named(DSIG, "Signature");
    let first = all.next().ok_or(SignatureError::Missing)?;
    if all.next().is_some() { Err(SignatureError::Several) } else { Ok(first) }
}

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
    reference: String,
    digest_value: Vec<u8>,
    /// In canonical form.
    signed_info: Vec<u8>,
    value: Vec<u8>,
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
        let (signed_info, value) = match parts.as_slice() {
            [signed_info, value] => (*signed_info, *value),
            [signed_info, value, key_info] if key_info.is(DSIG, "KeyInfo") => {
                (*signed_info, *value)
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

    /// Which of the keys made the signature over `SignedInfo`.
    ///
    /// # Errors
    /// When none did, or an algorithm is not accepted.
    pub fn verify_value(
        &self,
        keys: &[PublicKey],
        options: Options,
    ) -> Result<usize, SignatureError> {
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
        for (index, key) in keys.iter().enumerate() {
            match key.verify(self.algorithm, &self.signed_info, &self.value) {
                Some(true) => return Ok(index),
                Some(false) => fits = true,
                None => {}
            }
        }
        if fits {
            Err(SignatureError::Value)
        } else {
            Err(SignatureError::KeyKind(self.algorithm.uri()))
        }
    }

    /// Whether this is the digest of what was signed.
    pub(crate) fn verify_digest(&self, digest: &digest::Digest) -> Result<(), SignatureError> {
        if digest.as_ref() == self.digest_value { Ok(()) } else { Err(SignatureError::Digest) }
    }
}

/// Digests a root element while it passes by.
pub(crate) struct Digester {
    signature: Signature,
    canonicalizer: Canonicalizer,
    digest: digest::Context,
    written: Vec<u8>,
}

/// The digest takes its bytes in pieces of this size.
const PIECE: usize = 16 << 10;

impl Digester {
    /// `head` is a document of which the beginning was read, up to the end of `signature`.
    pub(crate) fn new(
        head: &Document,
        element: Element<'_>,
        signature: Signature,
    ) -> Result<Self, SignatureError> {
        let mut canonicalizer = Canonicalizer::new(signature.canonicalization.clone());
        let written = canonical::canonicalize_head(&mut canonicalizer, head, element)?;
        let digest = digest::Context::new(signature.digest.algorithm());
        Ok(Self { signature, canonicalizer, digest, written })
    }

    pub(crate) fn add(&mut self, event: &Event<'_>) -> Result<(), SignatureError> {
        match event {
            Event::Start(start) => self.canonicalizer.start(start, &mut self.written)?,
            Event::End(name) => self.canonicalizer.end(name, &mut self.written),
            Event::Text(text) => Canonicalizer::text(text, &mut self.written),
            Event::Comment(text) => self.canonicalizer.comment(text, &mut self.written),
            Event::Instruction { target, data } => {
                Canonicalizer::instruction(target, data, &mut self.written);
            }
        }
        if self.written.len() >= PIECE {
            self.digest.update(&self.written);
            self.written.clear();
        }
        Ok(())
    }

    /// The root has ended; `whole` says that no instruction stood beside it.
    pub(crate) fn finish(mut self, whole: bool) -> Result<Signature, SignatureError> {
        if self.signature.reference.is_empty() && !whole {
            let (expected, found) = (String::new(), String::new());
            return Err(SignatureError::Reference { expected, found });
        }
        self.digest.update(&self.written);
        self.signature.verify_digest(&self.digest.finish())?;
        Ok(self.signature)
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester")
    }
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
            if method.inclusive_prefixes.len() > 100 {
                return Err(SignatureError::Structure("PrefixList holds more than 100 prefixes"));
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

fn base64(element: Element<'_>, wrong: &'static str) -> Result<Vec<u8>, SignatureError> {
    if element.nodes().any(|node| !matches!(node, Node::Text(_))) {
        return Err(SignatureError::Structure(wrong));
    }
    let mut text = element.text();
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).map_err(|_| SignatureError::Structure(wrong))
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
