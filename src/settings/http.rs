//! The `http` block: what holds for every request of a module.

use std::path::PathBuf;

use http::HeaderName;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use url::Url;

use super::location::check_text;
use super::{Error, Headers, HeadersSettings, Path, Transport};
use crate::secret::{Secret, SecretFile};

/// Decoded bodies are read up to this many bytes unless configured.
const DEFAULT_BODY_SIZE_LIMIT: u64 = 1024 * 1024;

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    proxy_url: Option<ProxyUrl>,
    no_proxy: Option<String>,
    tls_config: TlsSettings,
    enable_http2: Option<bool>,
    preferred_ip_protocol: Option<IpProtocol>,
    ip_protocol_fallback: Option<bool>,
    headers: HeadersSettings,
    body_size_limit: Option<ByteSize>,
    user_agent: Option<String>,
    allowed_origins: Vec<String>,
    allow_plain_http: bool,
}

/// `tls_config` as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsSettings {
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<SecretFile>,
    server_name: Option<String>,
    insecure_skip_verify: bool,
    min_version: Option<MinVersion>,
}

/// The oldest TLS version that is offered; older ones than 1.2 are not spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum MinVersion {
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// An IP protocol, as `blackbox_exporter` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpProtocol {
    /// IPv4
    Ip4,
    /// IPv6
    Ip6,
}

/// A proxy; its userinfo is a secret and is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProxyUrl {
    shown: String,
    whole: Secret,
}

impl Serialize for ProxyUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for ProxyUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let mut url = Url::parse(&text).map_err(|_| D::Error::custom("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            let decoded = |text: &str| -> String {
                percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
            };
            // With a password the user is only a name.
            let secret = url.password().unwrap_or(url.username());
            Secret::declare(decoded(secret));
        }
        let whole = Secret::Inline(text.into());
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { shown: url.to_string(), whole })
    }
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct Http {
    /// TLS settings.
    pub tls: Tls,
    /// The files of the client certificate and its key.
    pub client_certificate: Option<(PathBuf, Secret)>,
    /// The proxy's URL with its userinfo, and the hosts that it is kept from.
    pub proxy: Option<(Url, String)>,
    /// The wanted IP protocol, and whether the other one will do.
    pub ip_protocol: Option<(IpProtocol, bool)>,
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

/// `tls_config`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Do not offer TLS 1.2.
    pub tls13_only: bool,
    /// Do not offer HTTP/2.
    pub http1_only: bool,
    /// The name sent and checked in handshakes with the target.
    pub server_name: Option<String>,
}

impl HttpSettings {
    /// What the module lets its secrets travel over.
    #[must_use]
    pub fn transport(&self) -> Transport {
        Transport {
            allow_plain_http: self.allow_plain_http,
            client_certificate: self.tls_config.cert_file.is_some(),
        }
    }

    /// The checked block. `credential` names the headers in which the prober sends its own.
    ///
    /// # Errors
    /// For a bad header, user agent, size, origin, proxy or name, and for settings that
    /// exclude each other.
    pub fn compile(self, at: &Path, credential: &[HeaderName]) -> Result<Http, Error> {
        let at_tls = at.key("tls_config");
        let tls = self.tls_config;
        let client_certificate = match (tls.cert_file, tls.key_file) {
            (Some(cert), Some(key)) => Some((cert, Secret::from(key))),
            (None, None) => None,
            _ => return Err(at_tls.error("cert_file and key_file need each other")),
        };
        if let Some(name) = &tls.server_name {
            let at_name = at_tls.key("server_name");
            if !matches!(url::Host::parse(name), Ok(url::Host::Domain(_))) {
                return Err(at_name.error("is not a host name"));
            }
            if self.proxy_url.is_some() {
                return Err(at_name
                    .error("cannot be used with proxy_url: the proxy would connect to that name"));
            }
        }
        let proxy = match (&self.proxy_url, self.no_proxy) {
            (None, Some(_)) => {
                return Err(at.key("no_proxy").error("means nothing without proxy_url"));
            }
            (None, None) => None,
            (Some(proxy), no_proxy) => {
                let at_proxy = at.key("proxy_url");
                Some((proxy.checked(&at_proxy)?, no_proxy.unwrap_or_default()))
            }
        };
        let ip_protocol = match (self.preferred_ip_protocol, self.ip_protocol_fallback) {
            (None, Some(_)) => {
                return Err(at
                    .key("ip_protocol_fallback")
                    .error("means nothing without preferred_ip_protocol"));
            }
            (protocol, fallback) => protocol.map(|protocol| (protocol, fallback.unwrap_or(true))),
        };
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
            tls: Tls {
                ca_file: tls.ca_file,
                insecure_skip_verify: tls.insecure_skip_verify,
                tls13_only: tls.min_version == Some(MinVersion::Tls13),
                http1_only: self.enable_http2 == Some(false),
                server_name: tls.server_name,
            },
            client_certificate,
            proxy,
            ip_protocol,
            body_size_limit,
            user_agent,
            allowed_origins,
            allow_plain_http: self.allow_plain_http,
        })
    }
}

impl ProxyUrl {
    /// The proxy's URL, with its userinfo.
    fn checked(&self, at: &Path) -> Result<Url, Error> {
        let Secret::Inline(whole) = &self.whole else {
            return Err(at.error("is not a URL"));
        };
        check_text(whole.expose(), at)?;
        let url = Url::parse(whole.expose()).map_err(|_| at.error("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "socks4" | "socks5" | "socks5h") {
            return Err(at.error("must begin with http, socks4, socks5 or socks5h"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(at.error("names no host"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(at.error("has a path, a query or a fragment, which no proxy has"));
        }
        Ok(url)
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
