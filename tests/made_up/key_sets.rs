//! Key sets.

use auth_exporter::protocol::jose::{Jwk, KeySet};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases;
use super::json::{object, often, value};

fn key() -> impl Strategy<Value = Value> {
    let long = URL_SAFE_NO_PAD.encode([0xab; 256]);
    let short = URL_SAFE_NO_PAD.encode([0xab; 128]);
    let (long, short): (&'static str, &'static str) = (long.leak(), short.leak());
    let coordinate = URL_SAFE_NO_PAD.encode([0xab; 32]).leak();
    let lists = prop_oneof![
        Just(json!(["verify"])),
        Just(json!(["sign", "verify"])),
        Just(json!(["encrypt"])),
        Just(json!([])),
        value(),
    ];
    let members = vec![
        ("kid", often(&["a", "b", "ü"]).boxed()),
        ("kty", often(&["RSA", "EC", "OKP", "oct", "AKP"]).boxed()),
        ("crv", often(&["P-256", "P-384", "P-521", "secp256k1", "Ed25519", "Ed448"]).boxed()),
        ("alg", often(&["RS256", "ES256", "EdDSA", "RSA-OAEP"]).boxed()),
        ("use", often(&["sig", "sig", "sig", "enc"]).boxed()),
        ("n", often(&[long, long, short]).boxed()),
        ("e", often(&["AQAB", "AQAB", "AQ", "!!"]).boxed()),
        ("x", often(&[coordinate, coordinate, "AAAA"]).boxed()),
        ("y", often(&[coordinate, coordinate, "AAAA"]).boxed()),
        ("key_ops", lists.boxed()),
        ("x5c", value().boxed()),
        ("x5t", value().boxed()),
        ("d", prop::option::weighted(0.1, Just("AA")).prop_map(Value::from).boxed()),
        ("future", value().boxed()),
    ];
    prop_oneof![9 => object(members).prop_map(Value::Object), 1 => value()]
}

/// Whether a key can verify signatures, by RFC 7517 and RFC 7518 read slowly.
fn is_usable(key: &Value) -> bool {
    let Value::Object(members) = key else { return false };
    let names = ["kid", "kty", "alg", "use"];
    if names.iter().any(|name| members.get(*name).is_some_and(|value| !value.is_string())) {
        return false;
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let verifies = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => {
            operations.iter().all(Value::is_string) && operations.contains(&json!("verify"))
        }
        Some(_) => false,
    };
    let for_signatures = ["", "sig"].contains(&text("use"));
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).unwrap_or_default();
    let (algorithms, complete): (&[&str], bool) = match (text("kty"), text("crv")) {
        ("RSA", _) => {
            let exponent = bytes("e").iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            let is_odd = exponent > 1 && exponent % 2 == 1;
            (
                &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
                is_odd && bytes("n").len() >= 256,
            )
        }
        ("EC", curve) => {
            let (algorithm, length): (&[&str], _) = match curve {
                "P-256" => (&["ES256"], 32),
                "P-384" => (&["ES384"], 48),
                "P-521" => (&["ES512"], 66),
                "secp256k1" => (&["ES256K"], 32),
                _ => return false,
            };
            (algorithm, bytes("x").len() == length && bytes("y").len() == length)
        }
        ("OKP", "Ed25519") => (&["EdDSA", "Ed25519"], bytes("x").len() == 32),
        _ => return false,
    };
    let algorithm = text("alg");
    verifies
        && for_signatures
        && complete
        && (algorithm.is_empty() || algorithms.contains(&algorithm))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_bytes_are_a_set_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let valid = serde_json::from_slice::<Value>(&bytes).is_ok();
        let parsed = KeySet::parse(&bytes.into());
        prop_assert!(valid || parsed.is_err());
    }

    #[test]
    fn any_value_is_a_set_when_it_holds_keys(value in value()) {
        let has_keys = value.get("keys").is_some_and(Value::is_array);
        let parsed = KeySet::parse(&value.to_string().into());
        prop_assert_eq!(parsed.is_ok(), has_keys);
    }

    #[test]
    fn the_keys_that_can_verify(keys in prop::collection::vec(key(), 0..6), more in value()) {
        let text = json!({"keys": keys, "more": more}).to_string();
        let set = KeySet::parse(&text.into()).expect("a set");
        prop_assert_eq!(set.keys().len(), keys.len());
        for (read, made) in set.keys().iter().zip(&keys) {
            prop_assert_eq!(read.usability().is_ok(), is_usable(made), "{}", made);
            // The key itself may still be none on its curve; it must only never panic.
            let _: Result<_, _> = read.verifying_key();
            let kid = made.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
            prop_assert_eq!(Jwk::key_id(read), kid);
        }
        prop_assert!(!set.duplicate_member);
        let reversed: Vec<_> = keys.iter().rev().collect();
        let reversed = KeySet::parse(&json!({"keys": reversed}).to_string().into()).expect("a set");
        prop_assert_eq!(set.hash, reversed.hash);
        prop_assert_eq!(set.usable, reversed.usable);
    }
}
