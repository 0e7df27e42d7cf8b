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
        (format!(r#"{EC}, "alg": "ES256""#), Ok(KeyKind::Ec(Curve::P256))),
        (format!(r#"{ED}, "alg": "EdDSA""#), Ok(KeyKind::Ed25519)),
        // Those of other keys, of encryption, and of the future.
        (format!(r#"{EC}, "alg": "ES384""#), Err(Unusable::OtherAlgorithm)),
        (format!(r#"{}, "alg": "HS256""#, rsa(2048)), Err(Unusable::OtherAlgorithm)),
        (format!(r#"{}, "alg": "RSA-OAEP""#, rsa(2048)), Err(Unusable::OtherAlgorithm)),
        (
            format!(r#"{}, "alg": "RSA-OAEP", "use": "sig""#, rsa(2048)),
            Err(Unusable::OtherAlgorithm),
        ),
        (format!(r#"{}, "alg": "RS1""#, rsa(2048)), Err(Unusable::OtherAlgorithm)),
        // What cannot be read as base64url, or not as such a key.
        (rsa(2048).replace("w\", \"e", "w==\", \"e"), Err(Unusable::Malformed)),
        (rsa(2048).replace("__w", "_/w"), Err(Unusable::Malformed)),
        (rsa(2048).replace("__w", "__x"), Err(Unusable::Malformed)),
        (rsa(2048).replace("AQAB", "!!"), Err(Unusable::Malformed)),
        (rsa(2048).replace("AQAB", "AQ"), Err(Unusable::Malformed)),
        (rsa(2048).replace("AQAB", "AQAA"), Err(Unusable::Malformed)),
        (rsa(2048).replace("AQAB", "AAAA"), Err(Unusable::Malformed)),
        (rsa(2048).replace("AQAB", "AAEAAQ"), Ok(KeyKind::Rsa)),
        (EC.replace("MKBC", ""), Err(Unusable::Malformed)),
        (EC.replace("\"MKBC", "\"AMKBC"), Err(Unusable::Malformed)),
        (ED.replace("11qY", ""), Err(Unusable::Malformed)),
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
    for (modulus, expected) in [
        // 2048 bits, also after the sign byte of DER; 2047, and none at all.
        ([&[0x80][..], &[0; 255]].concat(), Ok(KeyKind::Rsa)),
        ([&[0, 0x80][..], &[0; 255]].concat(), Ok(KeyKind::Rsa)),
        ([&[0x7f][..], &[0xff; 255]].concat(), Err(Unusable::Weak)),
        (vec![0; 256], Err(Unusable::Weak)),
    ] {
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&modulus);
        let set = set(&[&format!(r#""kty": "RSA", "n": "{text}", "e": "AQAB""#)]);
        assert_eq!(set.keys().first().expect("a key").usability(), expected, "{text}");
    }
}

#[test]
fn a_point_lies_on_its_curve() {
    let y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
    for (key, expected) in [
        (EC.to_owned(), None),
        (EC.replace(y, "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"), Some(Unusable::Malformed)),
    ] {
        let set = set(&[&key]);
        // Which is calculated for a key that a token asks for, and not for a thousand others.
        assert_eq!(set.usable, 1);
        assert_eq!(set.keys().first().expect("a key").verifying_key().err(), expected, "{key}");
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
    // And what they are good for.
    let of = |more: &str| set(&[&format!("{EC}{more}")]).hash;
    assert_ne!(of(r#", "use": "enc""#), of(r#", "use": "sig""#));
    assert_ne!(of(r#", "key_ops": ["verify"]"#), of(r#", "key_ops": ["sign"]"#));
    assert_ne!(of(""), set(&[&EC.replace("P-256", "P-384")]).hash);
    let akp = |key: &str| set(&[&format!(r#""kty": "AKP", "alg": "ML-DSA-44", "pub": "{key}""#)]);
    assert_ne!(akp("AAAA").hash, akp("BBBB").hash);
}

#[test]
fn keys_with_escapes_are_read() {
    let set = set(&[&format!(r#"{EC}, "k\u0069d": "\u00fc\u006b""#)]);
    assert_eq!(set.keys().first().and_then(Jwk::key_id), Some("ük"));
}

#[test]
fn a_certificate_is_that_of_its_key() {
    let own = |algorithm| rcgen::KeyPair::generate_for(algorithm).expect("a key");
    let certified = |key: &rcgen::KeyPair| {
        let certificate = rcgen::CertificateParams::default().self_signed(key);
        certificate.expect("a certificate").der().to_vec()
    };
    let base64url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let foreign = certified(&own(&rcgen::PKCS_ECDSA_P256_SHA256));
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519, &rcgen::PKCS_RSA_SHA256]
    {
        let key = own(algorithm);
        let der = certified(&key);
        let raw = rcgen::PublicKeyData::der_bytes(&key).to_vec();
        let text = |bytes: &[u8]| base64url.encode(bytes);
        let members = match RSAPublicKey::from_der(&raw) {
            Ok((_, rsa)) => {
                let (n, e) = (text(without_leading_zeros(rsa.modulus)), text(rsa.exponent));
                format!(r#""kty": "RSA", "n": "{n}", "e": "{e}""#)
            }
            Err(_) if raw.len() == 65 => {
                let (x, y) = (text(&raw[1..33]), text(&raw[33..]));
                format!(r#""kty": "EC", "crv": "P-256", "x": "{x}", "y": "{y}""#)
            }
            Err(_) => format!(r#""kty": "OKP", "crv": "Ed25519", "x": "{}""#, text(&raw)),
        };
        let with = |der: &[u8], more: &str| {
            let x5c = STANDARD.encode(der);
            let set = set(&[&format!(r#"{members}, "x5c": ["{x5c}"]{more}"#)]);
            assert_eq!(set.usable, 1, "{members}");
            let key = &set.keys()[0];
            let certificate = key.certificate().map(|it| it.der().to_vec());
            assert!(key.has_x5c());
            (certificate, key.has_thumbprints_of(der))
        };
        assert_eq!(with(&der, ""), (Some(der.clone()), true), "{members}");
        assert_eq!(with(&foreign, "").0, None, "{members}");
        assert_eq!(with(&[0; 3], "").0, None, "{members}");
        let sha1 = text(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref());
        let sha256 = text(digest(&SHA256, &der).as_ref());
        for (more, fits) in [
            (format!(r#", "x5t": "{sha1}", "x5t#S256": "{sha256}""#), true),
            (format!(r#", "x5t": "{sha256}""#), false),
            (format!(r#", "x5t#S256": "{sha1}""#), false),
            (r#", "x5t": 5"#.to_owned(), true),
        ] {
            assert_eq!(with(&der, &more), (Some(der.clone()), fits), "{more}");
        }
    }
    assert!(!set(&[EC]).keys()[0].has_x5c());
}
