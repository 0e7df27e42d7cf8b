//! The `key_info` block: where a service says when an API key ends.

use http::{HeaderName, Method};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::json_path::{JsonPath, json_path};
use super::{Error, Headers, HeadersSettings, Location, Path, Transport};
use crate::protocol::expiry::ExpiryFormat;

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyInfoSettings {
    url: Location,
    method: Option<String>,
    #[serde(default)]
    headers: HeadersSettings,
    expiry: ExpirySettings,
    id: Option<String>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpirySettings {
    path: Option<String>,
    header: Option<String>,
    #[serde(default)]
    format: ExpiryFormat,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// What is called.
    pub url: Location,
    /// Request method.
    pub method: Method,
    /// Headers, the credential of the call among them.
    pub headers: Headers,
    /// Where the expiry stands in the answer.
    pub expiry: ExpiryPlace,
    /// How it is written.
    pub format: ExpiryFormat,
    /// Where the id of the key stands.
    pub id: Option<JsonPath>,
}

/// Where an expiry stands.
#[derive(Debug, Clone)]
pub enum ExpiryPlace {
    /// In the JSON body.
    Body(JsonPath),
    /// In a header.
    Header(HeaderName),
}

impl KeyInfoSettings {
    /// The checked block.
    ///
    /// # Errors
    /// For a bad URL, method, header or path, and for an expiry that stands nowhere or twice.
    pub fn compile(self, at: &Path, transport: Transport) -> Result<KeyInfo, Error> {
        self.url.check(&at.key("url"), transport)?;
        let at_expiry = at.key("expiry");
        let expiry = match (self.expiry.path, self.expiry.header) {
            (Some(path), None) => ExpiryPlace::Body(json_path(&path, &at_expiry.key("path"))?),
            (None, Some(name)) => {
                ExpiryPlace::Header(HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                    at_expiry.key("header").error("is not a header name (RFC 9110 §5.1)")
                })?)
            }
            _ => return Err(at_expiry.error("needs either path or header")),
        };
        Ok(KeyInfo {
            url: self.url,
            method: super::method(self.method.as_deref(), &at.key("method"))?,
            headers: self.headers.compile(&at.key("headers"), &[])?,
            expiry,
            format: self.expiry.format,
            id: self.id.map(|path| json_path(&path, &at.key("id"))).transpose()?,
        })
    }
}
