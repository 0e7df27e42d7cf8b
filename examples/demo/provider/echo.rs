//! What some servers do: they repeat the secrets that they were sent.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use serde_json::Value;

use super::received::Received;

/// Parameters and headers that hold no secret.
const PUBLIC_PARAMETERS: [&str; 3] = ["grant_type", "scope", "client_id"];
const PUBLIC_HEADERS: [&str; 6] =
    ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];

/// Every value of the request that may be a secret, decoded.
pub(super) fn secrets(request: &Received) -> Vec<String> {
    let mut secrets = Vec::new();
    for (user, password) in [request.basic(), request.proxy_basic()].into_iter().flatten() {
        secrets.extend([user, password]);
    }
    secrets.extend(request.bearer().map(str::to_owned));
    let pairs = [request.cookies(), request.query(), request.form()].concat();
    secrets.extend(
        pairs
            .into_iter()
            .filter(|(name, _)| !PUBLIC_PARAMETERS.contains(&name.as_str()))
            .map(|(_, value)| value),
    );
    for (name, value) in &request.headers {
        let decoded = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name);
        if !decoded && !PUBLIC_HEADERS.contains(&name.as_str()) {
            let value = String::from_utf8_lossy(value.as_bytes());
            secrets.extend(value.split_once(' ').map(|(_, credential)| credential.to_owned()));
            secrets.push(value.into_owned());
        }
    }
    if let Ok(body) = serde_json::from_slice::<Value>(&request.body) {
        secrets.extend(texts(&body));
    }
    if !request.is_form() {
        secrets.push(String::from_utf8_lossy(&request.body).into_owned());
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// Every text in a JSON value.
fn texts(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The secrets in every encoding that a server may choose, on one line.
pub(super) fn text(request: &Received) -> String {
    let mut parts = Vec::new();
    for secret in secrets(request) {
        let pair = format!("user:{secret}");
        parts.extend([
            percent_encoded(&secret),
            STANDARD.encode(&secret),
            URL_SAFE_NO_PAD.encode(&secret),
            format!("Basic {}", STANDARD.encode(pair)),
            secret,
        ]);
    }
    // The header as it came is one more encoding.
    parts.extend(request.header(&AUTHORIZATION).map(str::to_owned));
    parts.join(" ").replace(char::is_control, " ")
}

/// Every byte percent-encoded, as no normal encoder does and any decoder understands.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        // Writing into a String cannot fail.
        let _ = write!(encoded, "%{byte:02x}");
        encoded
    })
}
