//! The API of `python/guarded_api.py`, which Authlib of `PyPI` guards.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::installed;
use super::running::Running;

/// A running API.
pub(crate) struct GuardedApi {
    origin: String,
    _running: Running,
}

impl GuardedApi {
    /// Starts one that verifies the tokens of this issuer, for this audience.
    pub(crate) fn that_verifies(issuer: &str, audience: &str) -> Self {
        Self::start(&json!({"issuer": issuer, "audience": audience}))
    }

    /// Starts one that asks this endpoint about each token, as a client with a secret.
    pub(crate) fn that_asks(introspection_endpoint: &str, credential: [&str; 2]) -> Self {
        Self::start(&json!({
            "introspection_endpoint": introspection_endpoint,
            "credential": credential,
        }))
    }

    fn start(settings: &Value) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/python");
        let mut command = installed::python();
        command.arg(script.join("guarded_api.py"));
        command.arg(settings.to_string());
        let mut running = Running::start("Authlib", &mut command);
        let origin = running.wait_for("origin", |line| serde_json::from_str(line).ok());
        Self { origin, _running: running }
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}
