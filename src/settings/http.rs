//! The `http` block: what holds for every request of a module.

use http::HeaderName;
use serde::{Deserialize, Serialize};
use url::Url;

use super::location::check_text;
use super::{Error, Headers, HeadersSettings, Path, Transport};

/// Decoded bodies are read up to this many bytes unless configured.
const DEFAULT_BODY_SIZE_LIMIT: u64 = 1024 * 1024;

/// The block as written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    tls_config: TlsSettings,
    headers: HeadersSettings,
    body_size_limit: Option<ByteSize>,
    user_agent: Option<String>,
    allowed_origins: Vec<String>,
    allow_plain_http: bool,
}

/// `tls_config` as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<std::path::PathBuf>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct Http {
    /// TLS settings.
    pub tls: TlsSettings,
    /// Headers for the target's origin.
    pub headers: Headers,
    /// Limit of a decoded body in bytes.
    pub body_size_limit: u64,
    /// `User-Agent` when it is not the default.
    pub user_agent: Option<http::HeaderValue>,
    /// Origins beside the target's to which metadata may point a credential.
    pub allowed_origins: Vec<Url>,
    /// Whether secrets may travel over plain http off loopback.
    pub allow_plain_http: bool,
}

impl HttpSettings {
    /// What the module lets its secrets travel over.
    #[must_use]
    pub fn transport(&self) -> Transport {
        Transport { allow_plain_http: self.allow_plain_http }
    }

    /// The checked block. `credential` names the headers in which the prober sends its own.
    ///
    /// # Errors
    /// For a bad header, user agent, size or origin.
    pub fn compile(self, at: &Path, credential: &[HeaderName]) -> Result<Http, Error> {
        let allowed_origins = self
            .allowed_origins
            .iter()
            .enumerate()
            .map(|(index, text)| origin(text, &at.key("allowed_origins").index(index)))
            .collect::<Result<_, _>>()?;
        let user_agent = self
            .user_agent
            .map(|text| {
                let at = at.key("user_agent");
                if text.is_empty() {
                    return Err(at.error("is empty"));
                }
                http::HeaderValue::from_str(&text)
                    .map_err(|_| at.error("holds a character that no header value may have"))
            })
            .transpose()?;
        let body_size_limit = self.body_size_limit.map_or(DEFAULT_BODY_SIZE_LIMIT, |size| size.0);
        if body_size_limit == 0 {
            return Err(at.key("body_size_limit").error("must be more than 0"));
        }
        let mut taken = vec![http::header::USER_AGENT];
        taken.extend_from_slice(credential);
        Ok(Http {
            headers: self.headers.compile(&at.key("headers"), &taken)?,
            tls: self.tls_config,
            body_size_limit,
            user_agent,
            allowed_origins,
            allow_plain_http: self.allow_plain_http,
        })
    }
}

fn origin(text: &str, at: &Path) -> Result<Url, Error> {
    check_text(text, at)?;
    let url = Url::parse(text).map_err(|error| at.error(format!("is not a URL: {error}")))?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare { Ok(url) } else { Err(at.error("is not an origin such as https://login.example.com")) }
}

/// A number of bytes, or text with a unit of 1024: `512KB`, `10MB`, `1GB`, as Prometheus writes sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ByteSize(u64);

const SIZE_UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1 << 10),
    ("MB", 1 << 20),
    ("GB", 1 << 30),
    ("B", 1),
];

impl Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl serde::de::Visitor<'_> for SizeVisitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of bytes, or a size such as 512KB or 10MB")
            }

            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
                SIZE_UNITS
                    .iter()
                    .find_map(|(unit, factor)| {
                        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
                        number.checked_mul(*factor)
                    })
                    .map(ByteSize)
                    .ok_or_else(|| E::custom("is not a size such as 512KB or 10MB"))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}
