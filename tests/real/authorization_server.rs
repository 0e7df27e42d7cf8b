//! The project of django-oauth-toolkit in `python/authorization_server`.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::authority::Authority;
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
    pub(crate) fn start(settings: Value) -> Self {
        Self::run(settings, tempfile::tempdir().expect("a folder"))
    }

    /// Starts it with the same once more over TLS.
    pub(crate) fn start_with(mut settings: Value, servers: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        servers.issue(folder.path(), "server", 2060);
        let file = |name| folder.path().join(name);
        settings["certificate"] = json!({"chain": file("server.pem"), "key": file("server.key")});
        Self::run(settings, folder)
    }

    fn run(mut settings: Value, folder: TempDir) -> Self {
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

    /// What it was asked, at least so many requests.
    pub(crate) fn requests(&self, count: usize) -> Vec<Seen> {
        requests::read(&self.folder.path().join("requests"), count)
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
