//! The servers that `node/provider.mjs` starts.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use tempfile::TempDir;

use super::installed;
use super::requests::{self, Seen};
use super::running::Running;

/// RFC 6749 §2.3.1 encodes most of its characters before Basic.
pub(crate) const SECRET: &str = r#"s+cr%t/u &:"=<x>"#;
/// The key of the API with keys.
pub(crate) const API_KEY: &str = "key-0123456789";

/// A running identity server with its APIs.
pub(crate) struct Provider {
    origins: Origins,
    settings: Value,
    folder: TempDir,
    _running: Running,
}

#[derive(Deserialize)]
struct Origins {
    http: String,
    https: Option<String>,
    mutual: Option<String>,
    strict: Option<String>,
}

/// A certificate and its key in PEM.
#[derive(Serialize)]
pub(crate) struct Certificate {
    #[serde(rename = "cert")]
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Keys with which a provider signs, in PEM by their algorithm.
#[derive(Serialize)]
pub(crate) struct SigningKeys(Value);

impl SigningKeys {
    /// New ones.
    pub(crate) fn generate() -> Self {
        let pem = |kind| KeyPair::generate_for(kind).expect("a new key").serialize_pem();
        Self(json!({"RS256": pem(&PKCS_RSA_SHA256), "ES256": pem(&PKCS_ECDSA_P256_SHA256)}))
    }
}

impl Provider {
    /// Starts it without TLS.
    pub(crate) fn start() -> Self {
        Self::run(json!({"clients": clients()}))
    }

    /// Starts it with the same once more over TLS.
    pub(crate) fn start_with(certificate: &Certificate) -> Self {
        Self::run(json!({"clients": clients(), "certificate": certificate}))
    }

    /// Starts it with these clients and a clock that is `ahead` by so many seconds.
    pub(crate) fn start_for(clients: &Value, ahead: i32) -> Self {
        Self::run(json!({"clients": clients, "ahead": ahead}))
    }

    /// Starts it with these clients, over TLS too, and there with mutual TLS for clients whose
    /// certificate a CA issued.
    pub(crate) fn start_mutual(
        clients: &Value,
        certificate: &Certificate,
        client_ca: &str,
    ) -> Self {
        Self::run(json!({"clients": clients, "certificate": certificate, "clientCa": client_ca}))
    }

    /// Starts it with these keys for its tokens.
    pub(crate) fn start_signing(keys: &SigningKeys) -> Self {
        Self::run(json!({"clients": clients(), "signingKeys": [keys]}))
    }

    /// Starts it with these keys for its tokens, which live so many seconds.
    pub(crate) fn start_short(keys: &SigningKeys, lifetime: u32) -> Self {
        Self::run(json!({"clients": clients(), "signingKeys": [keys], "lifetime": lifetime}))
    }

    /// Starts it with private keys in PEM that its APIs decrypt their tokens with, by their paths.
    pub(crate) fn start_encrypting(keys: &Value) -> Self {
        Self::run(json!({"clients": clients(), "decryptionKeys": keys}))
    }

    /// Ends it, and starts it on the same port with these keys. The first ones sign.
    pub(crate) fn restart_signing(self, keys: &[&SigningKeys]) -> Self {
        let (_, port) = self.origins.http.rsplit_once(':').expect("a port");
        let port: u16 = port.parse().expect("a port");
        let mut settings = self.settings.clone();
        drop(self);
        settings["port"] = port.into();
        settings["signingKeys"] = json!(keys);
        Self::run(settings)
    }

    fn run(mut settings: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        settings["apiKey"] = API_KEY.into();
        settings["log"] = json!(folder.path().join("requests"));
        let script = include_str!("node/provider.mjs");
        let mut command = installed::node();
        command.args(["--input-type=module", "--eval", script]).arg(settings.to_string());
        let mut running = Running::start("oidc-provider", &mut command);
        let origins = running.wait_for("origins", |line| serde_json::from_str(line).ok());
        Self { origins, settings, folder, _running: running }
    }

    /// The issuer that gives tokens to clients.
    pub(crate) fn issuer(&self) -> &str {
        &self.origins.http
    }

    /// The same over TLS, another issuer.
    pub(crate) fn issuer_over_tls(&self) -> &str {
        self.origins.https.as_deref().expect("a provider with TLS")
    }

    /// Where that issuer judges certificates of clients.
    pub(crate) fn mutual(&self) -> &str {
        self.origins.mutual.as_deref().expect("a provider with mutual TLS")
    }

    /// Where connections without a good certificate are closed.
    pub(crate) fn strict(&self) -> &str {
        self.origins.strict.as_deref().expect("a provider with mutual TLS")
    }

    /// What it was asked, at least so many requests.
    pub(crate) fn requests(&self, count: usize) -> Vec<Seen> {
        requests::read(&self.folder.path().join("requests"), count)
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
        format!("{}/key", self.issuer_over_tls())
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
