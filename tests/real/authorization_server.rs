//! The project of django-oauth-toolkit in `python/authorization_server`.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::installed;
use super::requests::{self, Seen};
use super::running::Running;

/// A running authorization server, or an API that asks one about tokens.
pub(crate) struct AuthorizationServer {
    origins: Origins,
    folder: TempDir,
    _running: Running,
}

#[derive(Deserialize)]
struct Origins {
    http: String,
    https: Option<String>,
}

impl AuthorizationServer {
    /// Starts it with settings of `__main__.py`.
    pub(crate) fn start(mut settings: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        settings["folder"] = json!(folder.path());
        let mut command = installed::python();
        command
            .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-m", "authorization_server"])
            .arg(settings.to_string());
        let mut running = Running::start("django-oauth-toolkit", &mut command);
        let origins = running.wait_for("origins", |line| serde_json::from_str(line).ok());
        Self { origins, folder, _running: running }
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> &str {
        &self.origins.http
    }

    /// The same over TLS.
    pub(crate) fn issuer_over_tls(&self) -> &str {
        self.origins.https.as_deref().expect("a server with TLS")
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        requests::read(&self.folder.path().join("requests"))
    }
}

/// A client that may use this grant.
pub(crate) fn client(id: &str, secret: &str, grant: &str) -> Value {
    json!({
        "client_id": id,
        "client_secret": secret,
        "client_type": "confidential",
        "authorization_grant_type": grant,
    })
}
