//! SAML 2.0 as pure functions: metadata, requests and responses.
//!
//! What is read comes from a [`Document`](super::xml::Document) or passes by as events; what was
//! signed is told by [`xml::signature`](super::xml::signature). Times are Unix seconds, and `now`
//! is given.

pub mod encryption;
pub mod metadata;
pub mod request;
pub mod response;
pub mod time;

/// The namespace of metadata.
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// The namespace of assertions.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// The namespace of requests and responses; also the name of the protocol in metadata.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// The bindings that carry messages here, by their identifiers (SAML bindings §3).
pub mod binding {
    /// HTTP Redirect: the message in the query.
    pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    /// HTTP POST: the message in a form.
    pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
}
