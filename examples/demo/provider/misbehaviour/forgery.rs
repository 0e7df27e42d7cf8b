//! Tokens taken apart and put together wrongly.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::keys::{self, Key};
use super::super::{CLIENT_ID, Site};

/// The parts of a token, and the key that signs them.
pub(super) struct Parts {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) key: Arc<Key>,
}

impl Parts {
    /// Those of a token that the provider issued.
    pub(super) fn of(site: &Site, token: &str) -> Self {
        let object = |part: Option<&str>| {
            let bytes = URL_SAFE_NO_PAD.decode(part.expect("three parts")).expect("base64");
            serde_json::from_slice::<Map<String, Value>>(&bytes).expect("an object")
        };
        let mut parts = token.split('.');
        let (header, claims) = (object(parts.next()), object(parts.next()));
        let id = header["kid"].as_str().expect("a name");
        let key = site.shared.ring.named(id).expect("a key of the provider");
        Self { header, claims, key }
    }

    pub(super) fn claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.into(), value.into());
    }

    pub(super) fn drop(&mut self, name: &str) {
        self.claims.remove(name);
    }

    /// Moves both times by these seconds.
    pub(super) fn shift(&mut self, seconds: i64) {
        for name in ["iat", "exp"] {
            let time = self.claims[name].as_i64().expect("a whole number");
            self.claim(name, time + seconds);
        }
    }

    pub(super) fn payload(&self) -> String {
        serde_json::to_string(&self.claims).expect("JSON")
    }
}

impl Answer {
    /// The same with another access token. An answer without one stays as it is.
    pub(super) fn forge(self, make: impl FnOnce(&str) -> String) -> Self {
        self.forge_member("access_token", make)
    }

    /// The same with another ID token.
    pub(super) fn forge_id(self, make: impl FnOnce(&str) -> String) -> Self {
        self.forge_member("id_token", make)
    }

    fn forge_member(self, name: &str, make: impl FnOnce(&str) -> String) -> Self {
        let Ok(Value::Object(mut response)) = serde_json::from_slice(self.body()) else {
            return self;
        };
        let Some(token) = response.get(name).and_then(Value::as_str) else {
            return self;
        };
        let forged = make(token);
        response.insert(name.into(), forged.into());
        self.with_body(Value::Object(response).to_string())
    }

    /// The same with its ID token changed, and signed again.
    pub(super) fn reissue_id(self, site: &Site, change: impl FnOnce(&mut Parts)) -> Self {
        self.forge_id(|token| {
            let mut parts = Parts::of(site, token);
            change(&mut parts);
            parts.key.sign(&parts.header, &parts.payload())
        })
    }

    /// Its JSON as the claims of something signed (OpenID Connect Core §5.3.2).
    pub(super) fn signed(self, site: &Site, change: impl FnOnce(&mut Parts)) -> Self {
        let claims = serde_json::from_slice(self.body()).expect("a JSON object");
        let key = site.shared.ring.of(keys::DEFAULT).expect("the default algorithm");
        let header = json!({"alg": key.algorithm, "kid": key.id});
        let mut parts =
            Parts { header: header.as_object().expect("an object").clone(), claims, key };
        parts.claim("iss", site.base.clone());
        parts.claim("aud", CLIENT_ID);
        change(&mut parts);
        let jwt = parts.key.sign(&parts.header, &parts.payload());
        self.with_body(jwt).with(CONTENT_TYPE, "application/jwt")
    }

    /// The same with its token changed, and signed again.
    pub(super) fn reissue(self, site: &Site, change: impl FnOnce(&mut Parts)) -> Self {
        self.forge(|token| {
            let mut parts = Parts::of(site, token);
            change(&mut parts);
            parts.key.sign(&parts.header, &parts.payload())
        })
    }

    /// The same with the text of the claims changed, and signed again.
    pub(super) fn rewrite(self, site: &Site, change: impl FnOnce(String) -> String) -> Self {
        self.forge(|token| {
            let parts = Parts::of(site, token);
            parts.key.sign(&parts.header, &change(parts.payload()))
        })
    }
}

pub(super) fn with_wrong_signature(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let middle = signature.len() / 2;
    signature[middle] ^= 1;
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// HMAC with the public key in PEM, which everybody has.
pub(super) fn sign_with_public_key(parts: &Parts) -> String {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, parts.key.public_pem().as_bytes());
    let message = keys::message(&parts.header, &parts.payload());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, message.as_bytes()));
    format!("{message}.{signature}")
}

/// Members that are in no specification, of every type.
pub(super) fn unknown_members(object: &mut Map<String, Value>) {
    for (name, value) in [
        ("x-null", Value::Null),
        ("x-flag", true.into()),
        ("x-number", json!(1.5)),
        ("x-text", "\u{1f511}".into()),
        ("x-list", json!([1, "two", [3]])),
        ("https://provider.example/object", json!({"sub": {"exp": "never"}})),
    ] {
        object.insert(name.into(), value);
    }
}
