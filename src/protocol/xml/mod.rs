//! XML as SAML needs it: a strict reader that bounds what a document may cost, a small tree,
//! canonicalisation and enveloped signatures.
//!
//! [`Reader`] takes bytes as they arrive and hands out events; nothing here needs the whole
//! document. What XML allows and SAML has no use for is refused with the rule that says so:
//! a DOCTYPE with all that comes with it (entities, default attributes, external files), any
//! encoding but UTF-8, XML 1.1. Every cost is linear in the bytes and has a bound in [`Limits`].
//!
//! # Why not a library
//!
//! Tried on a signed aggregate of 82 MB and 15,000 entities, and on an element of 60,000
//! attributes (release build, one of two shared cores, medians of 5):
//!
//! | | CPU | peak memory | 60,000 attributes |
//! |---|---|---|---|
//! | bergshamra-dsig 0.11.1 on uppsala (47 packages, BSD-2-Clause, 4 minutes to build) | 1.6 s | 436 MB | 17 s |
//! | xmlsec1 1.2.37 on libxml2 | 2.4 s | 433 MB | |
//! | this module, with the entity picked on the way | 0.9 s | 3.4 MB | refused after 2 ms |
//!
//! Both build a tree of the document before they look at the signature, which is thirteen times
//! the 32 MB that an aggregate may take. A canonicaliser that streams was needed in any case;
//! with one way for everything there is one piece of code to test against xmlsec1 and signxml,
//! and no second parser that might read a document in another way than the first.
//!
//! The reader is here for the same reason. quick-xml 0.42, which streams, is lenient where a
//! signature must not be: it passes control characters, names such as `1`, `]]>` and `<` in
//! places where XML has none, leaves line ends and attribute values as they stand, and holds one
//! token of any size. Putting the rules on top takes more code than finding the ends of tokens.
//!
//! What it is compared with on every run of the tests (`tests/real/xml`): the canonical forms of
//! 1,000 made-up documents in six methods with libxml2; 210 documents signed by xmlsec1 in all
//! algorithms, canonical forms and places, verified here and refused with one byte changed; 240
//! signed here that xmlsec1 verifies. Once, the verdict on 100,000 damaged documents was compared
//! with that of libxml2: the same but for namespace names that are no URI (accepted here),
//! `version="1."` and an attribute `:r` (refused here). An ampersand in the name of a namespace is
//! written as a reference here (Canonical XML §2.3), and as it is by libxml2. P-384 with SHA-1 is
//! not verified.

pub mod canonical;
mod characters;
mod error;
mod reader;
mod scope;
pub mod signature;
mod tree;

pub use characters::trim;
pub use error::{Bound, Problem, XmlError};
pub use reader::{Attribute, Event, Name, Reader, Start};
pub use scope::Scope;
pub use tree::{Builder, Document, Element, Node};

/// The namespace of the prefix `xml`, which is bound without a declaration (Namespaces §3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations; nothing may be bound to it (Namespaces §3).
pub(crate) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// What a document may cost. The work for one tag grows with `attributes` × `namespaces`, so
/// that both are small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the whole document.
    pub bytes: u64,
    /// Size of one tag, comment, instruction or text between two of them.
    pub token: usize,
    /// Elements, attributes, texts, comments and instructions.
    pub nodes: u64,
    /// Elements inside each other.
    pub depth: usize,
    /// Attributes and declarations of one tag.
    pub attributes: usize,
    /// Namespace declarations of an element and its ancestors.
    pub namespaces: usize,
}

impl Limits {
    /// For a document that is kept as a tree: a response, the metadata of one entity.
    pub const DOCUMENT: Self = Self {
        bytes: 8 << 20,
        token: 4 << 20,
        // Some 300 bytes each, so that the tree of a document stays below what an aggregate may take.
        nodes: 50_000,
        depth: 100,
        attributes: 64,
        namespaces: 64,
    };
    /// For a document that passes by: an aggregate of thousands of entities.
    pub const STREAM: Self =
        Self { bytes: 512 << 20, token: 1 << 20, nodes: 20_000_000, ..Self::DOCUMENT };
}
