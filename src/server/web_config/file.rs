//! The file as it is written: the web configuration of the Prometheus exporter-toolkit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::PromDuration;

/// The whole file. An empty block is as good as none.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) tls_server_config: Option<Tls>,
    pub(super) http_server_config: Option<Http>,
    pub(super) basic_auth_users: Option<BTreeMap<String, String>>,
    pub(super) rate_limit: Option<RateLimit>,
}

/// `tls_server_config`.
#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) client_ca: Option<String>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) client_auth_type: Option<ClientAuth>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<Version>,
    pub(super) max_version: Option<Version>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) curve_preferences: Option<Vec<Curve>>,
}

/// What is asked of clients, in the words of Go's crypto/tls.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    #[default]
    #[serde(alias = "")]
    NoClientCert,
    RequestClientCert,
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    /// Whether a client without a certificate is refused.
    pub(super) const fn is_mandatory(self) -> bool {
        matches!(self, Self::RequireAnyClientCert | Self::RequireAndVerifyClientCert)
    }
}

/// A version of TLS.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Version {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// A group of the key exchange, named as in Go.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    X25519,
    CurveP256,
    CurveP384,
    CurveP521,
    X25519MLKEM768,
}

/// `http_server_config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Http {
    pub(super) http2: bool,
    pub(super) headers: Option<BTreeMap<String, String>>,
}

impl Default for Http {
    fn default() -> Self {
        Self { http2: true, headers: None }
    }
}

/// `rate_limit`: a token bucket for all requests together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateLimit {
    pub(super) interval: PromDuration,
    pub(super) burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { interval: PromDuration(std::time::Duration::ZERO), burst: 0 }
    }
}
