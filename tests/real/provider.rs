//! The servers that `node/provider.mjs` starts.

use serde::Deserialize;
use serde_json::{Value, json};

use super::installed;
use super::running::Running;

/// RFC 6749 §2.3.1 encodes most of its characters before Basic.
pub(crate) const SECRET: &str = r#"s+cr%t/u &:"=<x>"#;
/// The key of the API with keys.
pub(crate) const API_KEY: &str = "key-0123456789";

/// A running identity server with its APIs.
pub(crate) struct Provider {
    origins: Origins,
    _running: Running,
}

#[derive(Deserialize)]
struct Origins {
    http: String,
    https: Option<String>,
}

/// A certificate and its key in PEM.
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Provider {
    /// Starts it without TLS.
    pub(crate) fn start() -> Self {
        Self::run(&json!({"apiKey": API_KEY, "clients": clients()}))
    }

    /// Starts it with an API with keys over TLS beside.
    pub(crate) fn start_with(certificate: &Certificate) -> Self {
        let certificate = json!({"cert": certificate.chain, "key": certificate.key});
        Self::run(&json!({"apiKey": API_KEY, "clients": clients(), "certificate": certificate}))
    }

    /// Starts it with these clients and a clock that is `ahead` by so many seconds.
    pub(crate) fn start_for(clients: &Value, ahead: i32) -> Self {
        Self::run(&json!({"apiKey": API_KEY, "clients": clients, "ahead": ahead}))
    }

    fn run(settings: &Value) -> Self {
        let script = include_str!("node/provider.mjs");
        let mut command = installed::node();
        command.args(["--input-type=module", "--eval", script]).arg(settings.to_string());
        let mut running = Running::start("oidc-provider", &mut command);
        let origins = running.wait_for("origins", |line| serde_json::from_str(line).ok());
        Self { origins, _running: running }
    }

    /// The issuer that gives tokens to clients.
    pub(crate) fn issuer(&self) -> &str {
        &self.origins.http
    }

    /// An issuer with a path, which does not know the client credentials grant.
    pub(crate) fn tenant(&self) -> String {
        format!("{}/tenant/one", self.origins.http)
    }

    /// The API with keys.
    pub(crate) fn key(&self) -> String {
        format!("{}/key", self.origins.http)
    }

    /// The same over TLS.
    pub(crate) fn key_over_tls(&self) -> String {
        format!("{}/key", self.origins.https.as_deref().expect("a provider with TLS"))
    }
}

/// The clients that the provider knows.
fn clients() -> Value {
    let (grants, scope) = (["client_credentials"], "monitoring:health");
    json!([
        {
            "client_id": "basic",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": grants,
            "scope": scope,
        },
        {
            "client_id": "post",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": grants,
            "scope": scope,
        },
        {
            "client_id": "public",
            "token_endpoint_auth_method": "none",
            "grant_types": grants,
            "scope": scope,
        },
        {"client_id": "without_grant", "client_secret": SECRET, "grant_types": []},
    ])
}
