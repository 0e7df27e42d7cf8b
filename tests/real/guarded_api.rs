//! The API of `python/guarded_api.py`, which judges tokens with Authlib of `PyPI`.

use std::path::PathBuf;

use serde_json::json;

use super::installed;
use super::running::Running;

/// A running API.
pub(crate) struct GuardedApi {
    origin: String,
    _running: Running,
}

impl GuardedApi {
    /// Starts it for the tokens of this issuer that are for this audience.
    pub(crate) fn start(issuer: &str, audience: &str) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/python");
        let mut command = installed::python();
        command.arg(script.join("guarded_api.py"));
        command.arg(json!({"issuer": issuer, "audience": audience}).to_string());
        let mut running = Running::start("Authlib", &mut command);
        let origin = running.wait_for("origin", |line| serde_json::from_str(line).ok());
        Self { origin, _running: running }
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}
