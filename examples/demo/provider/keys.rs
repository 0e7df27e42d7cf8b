//! The key that signs tokens, made at start, and the tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::random;

/// The algorithm that every OpenID provider has to know (OpenID Connect Discovery §3).
pub(super) const ALGORITHM: &str = "RS256";
/// Lifetime of an access token in seconds.
pub(super) const LIFETIME: u64 = 300;

pub(super) struct SigningKey {
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
}

/// Claims of an access token (RFC 9068 §2.2).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Vec<String>,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) iat: u64,
    pub(super) exp: u64,
    pub(super) jti: String,
}

impl SigningKey {
    pub(super) fn generate() -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new RSA key");
        let private =
            EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("the new key");
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).expect("its public half");
        jwk.common.key_id = Some(URL_SAFE_NO_PAD.encode(random::<6>()));
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk).expect("the public half");
        Self { private, public, jwk }
    }

    /// The key set (RFC 7517 §5).
    pub(super) fn set(&self) -> Value {
        json!({"keys": [self.jwk]})
    }

    /// An access token (RFC 9068) for a client.
    pub(super) fn sign(
        &self,
        issuer: &str,
        client: &str,
        audience: Vec<String>,
        scope: &str,
    ) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid.clone_from(&self.jwk.common.key_id);
        let iat = now();
        let claims = Claims {
            iss: issuer.to_owned(),
            sub: client.to_owned(),
            aud: audience,
            client_id: client.to_owned(),
            scope: scope.to_owned(),
            iat,
            exp: iat + LIFETIME,
            jti: URL_SAFE_NO_PAD.encode(random::<12>()),
        };
        jsonwebtoken::encode(&header, &claims, &self.private).expect("claims are JSON")
    }

    /// The claims of a token whose signature, expiry and issuer are right.
    pub(super) fn verify(&self, token: &str, issuer: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.set_issuer(&[issuer]);
        Some(jsonwebtoken::decode(token, &self.public, &validation).ok()?.claims)
    }
}

/// Unix time in seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
