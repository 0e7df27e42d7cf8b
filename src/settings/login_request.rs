//! `login.requests`: the requests of a provider that has an API for logins instead of a form.

use std::collections::BTreeMap;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::json_path::{JsonPath, json_path};
use super::{Error, Headers, HeadersSettings, Location, Path, Transport, method};
use crate::protocol::placeholders;
use crate::secret::Secret;

/// Names that stand for values of the login itself.
const OWN_NAMES: [&str; 3] = ["username", "password", "totp"];

/// One request as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRequestSettings {
    url: Location,
    method: Option<String>,
    #[serde(default)]
    headers: HeadersSettings,
    body: Option<Secret>,
    #[serde(default)]
    capture: BTreeMap<String, String>,
}

/// One request, checked.
#[derive(Debug)]
pub struct LoginRequest {
    /// Where it goes.
    pub url: Location,
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: Headers,
    /// JSON with placeholders as `{username}`.
    pub body: Option<Secret>,
    /// What is taken out of the answer, by the name of its placeholder.
    pub capture: Vec<(String, JsonPath)>,
}

/// Checks the requests, and the names of what they capture.
///
/// # Errors
/// For a bad URL, method, header or path, for a name that is taken, and for a placeholder that
/// stands for nothing.
pub(super) fn compile(
    requests: Vec<LoginRequestSettings>,
    has_totp: bool,
    at: &Path,
    transport: Transport,
) -> Result<Vec<LoginRequest>, Error> {
    let mut names: Vec<String> = OWN_NAMES.map(str::to_owned).to_vec();
    let mut compiled = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let at = at.index(index);
        request.url.check(&at.key("url"), transport)?;
        if let Some(Secret::Inline(body)) = &request.body {
            let at = at.key("body");
            for name in placeholders::names(body.expose()) {
                if name == "totp" && !has_totp {
                    return Err(at.error("{totp} needs totp_secret or totp_secret_file"));
                }
                // The name is not told: it may be part of a secret.
                if !names.iter().any(|known| known == name) {
                    return Err(at.error(
                        "holds a placeholder that is none of {username}, {password}, {totp} and what earlier requests capture",
                    ));
                }
            }
        }
        let mut capture = Vec::with_capacity(request.capture.len());
        for (name, path) in request.capture {
            let at = at.key("capture").key(&name);
            if !placeholders::is_name(&name) {
                return Err(at.error("is no name: letters, digits, _ and - make one"));
            }
            if names.contains(&name) {
                return Err(at.error("stands for another value already"));
            }
            capture.push((name.clone(), json_path(&path, &at)?));
            names.push(name);
        }
        compiled.push(LoginRequest {
            url: request.url,
            method: method(Some(request.method.as_deref().unwrap_or("POST")), &at.key("method"))?,
            headers: request
                .headers
                .compile(&at.key("headers"), &[AUTHORIZATION, CONTENT_TYPE, COOKIE])?,
            body: request.body,
            capture,
        });
    }
    Ok(compiled)
}
