//! Sets as they are published, and sets that are none.

use super::*;

/// P-256 (RFC 7517 appendix A.1).
const EC: &str = r#""kty": "EC", "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
/// Ed25519 (RFC 8037 appendix A.2).
const ED: &str = r#""kty": "OKP", "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

fn rsa(bits: usize) -> String {
    let modulus = "_".repeat(bits / 6) + if bits.is_multiple_of(6) { "" } else { "w" };
    format!(r#""kty": "RSA", "n": "{modulus}", "e": "AQAB""#)
}

fn set(keys: &[&str]) -> KeySet {
    let keys: Vec<_> = keys.iter().map(|key| format!("{{{key}}}")).collect();
    KeySet::parse(&format!(r#"{{"keys": [{}], "x": [1]}}"#, keys.join(",")).into()).expect("a set")
}

#[test]
fn usable_and_unusable_keys() {
    for (key, expected) in [
        (EC.to_owned(), Ok(KeyKind::Ec(Curve::P256))),
        (format!(r#"{EC}, "use": "sig", "key_ops": ["verify"]"#), Ok(KeyKind::Ec(Curve::P256))),
        (ED.to_owned(), Ok(KeyKind::Ed25519)),
        (rsa(2048), Ok(KeyKind::Rsa)),
        (format!(r#"{}, "future": {{"a": [1, null]}}"#, rsa(2048)), Ok(KeyKind::Rsa)),
        (rsa(1024), Err(Unusable::Weak)),
        (format!(r#"{EC}, "use": "enc""#), Err(Unusable::OtherUse)),
        (format!(r#"{EC}, "key_ops": ["deriveKey"]"#), Err(Unusable::OtherUse)),
        (format!(r#"{EC}, "key_ops": "verify""#), Err(Unusable::Malformed)),
        (r#""kty": "oct", "k": "c2VjcmV0""#.to_owned(), Err(Unusable::Secret)),
        (r#""kty": "OKP", "crv": "Ed448", "x": "AA""#.to_owned(), Err(Unusable::Unknown)),
        (r#""kty": "AKP", "alg": "ML-DSA-44", "pub": "AA""#.to_owned(), Err(Unusable::Unknown)),
        (r#""kty": "RSA", "e": "AQAB""#.to_owned(), Err(Unusable::Malformed)),
        // Members of other types are none of this one's business (RFC 7517 §4).
        (format!(r#"{}, "x": "AA", "y": 1, "crv": null"#, rsa(2048)), Ok(KeyKind::Rsa)),
        // As writers put what is not there.
        (
            format!(r#"{}, "use": null, "alg": null, "kid": null, "key_ops": null"#, rsa(2048)),
            Ok(KeyKind::Rsa),
        ),
        (format!(r#"{}, "d": null, "x5c": null"#, rsa(2048)), Ok(KeyKind::Rsa)),
        (format!(r#"{EC}, "n": "AA", "e": []"#), Ok(KeyKind::Ec(Curve::P256))),
        (EC.replace("\"MK", "[],\"z\": \"MK"), Err(Unusable::Malformed)),
        (format!(r#"{EC}, "kid": 7"#), Err(Unusable::Malformed)),
        (String::new(), Err(Unusable::Unknown)),
    ] {
        let set = set(&[&key]);
        assert_eq!(set.keys().first().expect("a key").usability(), expected, "{key}");
        assert_eq!(set.usable, usize::from(expected.is_ok()), "{key}");
    }
}

#[test]
fn the_length_of_a_modulus_forgets_leading_zeros() {
    for (text, bits) in [
        ("gAAAAAAAAAAA", 72),
        ("AIAAAAAAAAAA", 64),
        ("AAAAAAAAAAAA", 0),
        ("AAAACAAAAAAA", 44),
        ("", 0),
    ] {
        assert_eq!(modulus_bits(text.as_bytes()), bits, "{text}");
    }
}

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let text = format!(
        r#"{{"keys": [1, null, "x", [{{}}], {{"kid": 7}}, {{"x5c": "MII"}}, {{{EC}, "kid": "good"}}]}}"#
    );
    let set = KeySet::parse(&text.into()).expect("a set");
    assert_eq!(set.keys().len(), 7);
    assert_eq!(set.usable, 1);
    assert!(set.has("good"));
}

#[test]
fn what_is_no_key_set() {
    let error =
        |text: &str| KeySet::parse(&Bytes::from(text.to_owned())).expect_err(text).to_string();
    let no_keys = "the key set has no array keys (RFC 7517 §5)";
    assert_eq!(error("{}"), no_keys);
    assert_eq!(error(r#"{"keys": {}}"#), no_keys);
    assert_eq!(error(r#"{"keys": null}"#), no_keys);
    let latin =
        KeySet::parse(&Bytes::from_static(b"{\"keys\":\n [\"\xe4\"]}")).expect_err("an error");
    assert!(latin.to_string().contains("not UTF-8 at line 2, column 4"), "{latin}");
    assert_eq!(
        error("[]"),
        "the key set is no JSON object: expected an object, found an array (RFC 7517 §5)"
    );
    assert_eq!(
        error("<html>"),
        "the key set is no JSON object: not JSON at line 1, column 1 (RFC 7517 §5)"
    );
    assert_eq!(
        error(r#"{"keys": ["#),
        "the key set is no JSON object: the text ends too early at line 1, column 10 (RFC 7517 §5)"
    );
    let deep = format!(r#"{{"keys": [{{"a": {}"#, "[".repeat(100_000));
    assert!(error(&deep).contains("ends too early"));
}

#[test]
fn private_members_are_noticed() {
    for (key, private) in [
        (format!(r#"{EC}, "d": "AA""#), true),
        (format!(r#"{}, "p": "AA""#, rsa(2048)), true),
        (r#""kty": "oct", "k": "c2VjcmV0""#.to_owned(), true),
        (format!(r#"{EC}, "k": "v""#), false),
        (EC.to_owned(), false),
    ] {
        assert_eq!(set(&[&key]).keys().first().expect("a key").is_private(), private, "{key}");
    }
}

#[test]
fn duplicates_are_noticed() {
    let with_id = |key: &str| format!(r#"{key}, "kid": "a""#);
    assert!(set(&[&with_id(EC), &with_id(EC)]).duplicate_key_id);
    // RFC 7517 §4.5: the same id for equivalent keys of another type.
    assert!(!set(&[&with_id(EC), &with_id(ED)]).duplicate_key_id);
    assert!(!set(&[EC, EC]).duplicate_key_id);
    assert!(set(&[&format!(r#"{EC}, "kty": "EC""#)]).duplicate_member);
    assert!(!set(&[EC, ED]).duplicate_member);
}

#[test]
fn the_hash_follows_the_keys_and_not_their_order() {
    let with_id = format!(r#"{ED}, "kid": "a""#);
    assert_eq!(set(&[EC, ED]).hash, set(&[ED, EC]).hash);
    assert_ne!(set(&[EC, ED]).hash, set(&[EC]).hash);
    assert_ne!(set(&[ED]).hash, set(&[&with_id]).hash);
    assert_ne!(set(&[EC]).hash, set(&[]).hash);
}

#[test]
fn keys_with_escapes_are_read() {
    let set = set(&[&format!(r#"{EC}, "k\u0069d": "\u00fc\u006b""#)]);
    assert_eq!(set.keys().first().and_then(Jwk::key_id), Some("ük"));
}
