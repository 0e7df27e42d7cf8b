//! Header maps of the configuration: every value is a secret.

use std::collections::BTreeMap;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::{Error, Path};
use crate::secret::Secret;

/// A map of header names and values as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeadersSettings(BTreeMap<String, Secret>);

/// One header with its secret value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value, read when it is sent.
    pub value: Secret,
}

/// Headers that a request carries.
pub type Headers = Vec<Header>;

/// What frames a message is the business of the HTTP library alone.
const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header that the configuration may set.
///
/// # Errors
/// For text that is no header name, and for a name that frames the message.
pub fn header_name(text: &str, at: &Path) -> Result<HeaderName, Error> {
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| at.error("is not a header name (RFC 9110 §5.1)"))?;
    if FRAMING.contains(&name.as_str()) {
        return Err(at.error("is set by the HTTP library and cannot be configured"));
    }
    Ok(name)
}

/// Refuses a value that no header may have.
///
/// # Errors
/// For text with such a character.
pub fn check_header_value(text: &str, at: &Path) -> Result<(), Error> {
    match http::HeaderValue::from_str(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(at.error("holds a character that no header value may have")),
    }
}

impl HeadersSettings {
    /// The headers, with names checked. `taken` are those that the exporter sets itself.
    ///
    /// # Errors
    /// For a name that is no header name, frames the message, is taken, or occurs twice.
    pub fn compile(self, at: &Path, taken: &[HeaderName]) -> Result<Headers, Error> {
        let mut headers: Headers = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let at = at.key(&name);
            let name = header_name(&name, &at)?;
            if taken.contains(&name) {
                return Err(at.error("is set by the exporter from another field"));
            }
            if headers.iter().any(|known| known.name == name) {
                return Err(at.error("occurs twice: header names do not differ in case"));
            }
            if let Secret::Inline(text) = &value {
                check_header_value(text.expose(), &at)?;
            }
            headers.push(Header { name, value });
        }
        Ok(headers)
    }
}
