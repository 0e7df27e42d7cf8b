//! Tokens: whatever they are, only the very token that was signed verifies.

use std::sync::LazyLock;

use auth_exporter::protocol::jose::{self, Algorithm, Jws, KeySet, Keys, SigningKey, VerifyingKey};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::cases;
use super::json::{object, often, value};

/// A key pair, and a set with its public half.
struct Issuer {
    private: SigningKey,
    public: VerifyingKey,
    set: KeySet,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let private = SigningKey::from_pem(&pair.serialize_pem(), None).expect("a private key");
    let public = VerifyingKey::from_pem(&pair.public_key_pem()).expect("a public key");
    let point = pair.public_key_raw();
    let set = json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "k",
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
    }]});
    Issuer { private, public, set: KeySet::parse(&set.to_string().into()).expect("a set") }
});

fn sign(header: Map<String, Value>, claims: &Value) -> String {
    ISSUER.private.sign(header, claims, &SystemRandom::new()).expect("a signature")
}

/// Whether a relying party would take it, by the one key and by the set.
fn verifies(token: &str) -> bool {
    let Ok(jws) = Jws::parse(token) else { return false };
    let Ok(algorithm) = jose::algorithm(&jws, &[Algorithm::Es256]) else { return false };
    let by = |keys: Keys<'_>| {
        jose::choose(keys, &jws, algorithm, jose::Candidates::One)
            .is_ok_and(|keys| jose::verify(&jws, algorithm, &keys).is_some())
    };
    let (one, set) = (by(Keys::One(&ISSUER.public)), by(Keys::Set(&ISSUER.set)));
    // The set also asks for the right kid, and for nothing more.
    let names_it = jws.header.key_id.as_deref().is_none_or(|kid| kid == "k");
    assert_eq!(set, one && names_it, "{token}");
    one
}

fn header() -> impl Strategy<Value = Map<String, Value>> {
    object(vec![
        ("alg", often(&["ES256", "RS256", "HS256", "none", "None"]).boxed()),
        ("kid", often(&["k", "other"]).boxed()),
        ("typ", often(&["JWT", "at+jwt"]).boxed()),
        ("crit", value().boxed()),
        ("b64", value().boxed()),
        ("jwk", value().boxed()),
    ])
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_text_is_a_token_or_an_error(text in any::<String>()) {
        prop_assert!(!verifies(&text));
    }

    #[test]
    fn any_three_parts_are_a_token_or_an_error(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 2..6)
    ) {
        let parts: Vec<_> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        prop_assert!(!verifies(&parts.join(".")));
    }

    #[test]
    fn a_forged_header_opens_nothing(header in header(), claims in value(), signature in any::<[u8; 64]>()) {
        let parts = [Value::Object(header).to_string().into_bytes(), claims.to_string().into_bytes(), signature.to_vec()];
        let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part));
        prop_assert!(!verifies(&parts.join(".")));
    }

    #[test]
    fn what_is_signed_is_read_as_it_is(claims in value(), header in header()) {
        let extended = header.get("crit").is_some()
            || header.get("b64").is_some_and(|b64| *b64 != Value::Bool(true));
        let odd = ["kid", "typ"].iter().any(|name| header.get(*name).is_some_and(|v| !v.is_string()));
        let token = sign(header, &claims);
        // As it was written: the library rounds the last digit of long numbers.
        let claims: Value = serde_json::from_str(&claims.to_string()).expect("JSON");
        match Jws::parse(&token) {
            Ok(jws) => {
                prop_assert!(claims.is_object() && !extended && !odd);
                prop_assert_eq!(Value::Object(jws.claims), claims);
                prop_assert!(verifies(&token));
            }
            Err(error) => prop_assert!(!claims.is_object() || extended || odd, "{}", error),
        }
    }

    #[test]
    fn a_changed_token_does_not_verify(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.=+ -]{0,3}") {
        static TOKEN: LazyLock<String> =
            LazyLock::new(|| sign(Map::from_iter([("kid".into(), "k".into())]), &json!({"sub": "ada"})));
        let token = TOKEN.as_str();
        prop_assert!(verifies(token));
        let at = at.index(token.len());
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(verifies(&changed), changed == token, "{}", changed);
    }
}
