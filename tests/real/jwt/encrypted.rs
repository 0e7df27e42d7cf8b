//! Tokens of oidc-provider that are signed, and then encrypted to their API.

use std::path::PathBuf;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::super::provider::Provider;
use super::{HEALTH, assert_probe, exporter, module, token_for, with};

const GREEN: &str = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
const ALL: &str =
    "decode algorithm key signature expiry issued_at issuer audience type claims scopes ttl";

/// How a probe ends whose token cannot be read for this reason.
fn ends(reason: &str) -> String {
    format!("discovery ok, token ok, jwks ok, validate {reason}, call_api -, refuse -")
}

#[test]
fn rsa_oaep_256_and_ecdh_es_with_the_key_without_it_and_with_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |name: &str, kind| -> (PathBuf, String) {
        let pem = KeyPair::generate_for(kind).expect("a new key").serialize_pem();
        let file = folder.path().join(name);
        std::fs::write(&file, &pem).expect("a file");
        (file, pem)
    };
    let [(rsa, rsa_pem), (other_rsa, _)] =
        ["rsa", "other_rsa"].map(|name| key(name, &PKCS_RSA_SHA256));
    let [(ec, ec_pem), (other_ec, _)] =
        ["ec", "other_ec"].map(|name| key(name, &PKCS_ECDSA_P256_SHA256));
    let paths = ["/api/encrypted/rsa", "/api/encrypted/ec"];
    let provider = Provider::start_encrypting(&json!({paths[0]: rsa_pem, paths[1]: ec_pem}));
    let issuer = provider.issuer();
    let block = |path: &str, key: Option<&PathBuf>| -> Value {
        let resource = format!("{issuer}{path}");
        let block = json!({
            "token": token_for(&resource),
            "validate": {
                "audience": resource,
                "typ": "at+jwt",
                "scopes": [HEALTH],
                "previous_token": true,
                "min_ttl": "4m",
                "max_ttl": "5m",
            },
            "call_api": {"url": path, "must_refuse": ["no_credential"]},
        });
        with(&block, &json!({"validate": {"decryption_key_file": key}}))
    };
    let (encrypted, failed) = (ends("encrypted_token"), ends("decryption_failed"));
    let green = [GREEN, ALL, "no_credential"];
    let rows = [
        ("rsa", paths[0], Some(&rsa), green),
        ("rsa_without_key", paths[0], None, [&encrypted, "!decode", ""]),
        ("rsa_with_another", paths[0], Some(&other_rsa), [&failed, "!decode", ""]),
        ("rsa_with_ec", paths[0], Some(&ec), [&failed, "!decode", ""]),
        ("ec", paths[1], Some(&ec), green),
        ("ec_without_key", paths[1], None, [&encrypted, "!decode", ""]),
        ("ec_with_another", paths[1], Some(&other_ec), [&failed, "!decode", ""]),
        ("ec_with_rsa", paths[1], Some(&rsa), [&failed, "!decode", ""]),
    ];
    let exporter =
        exporter(rows.map(|(name, path, key, _)| (name.into(), module(issuer, &block(path, key)))));
    for (name, _, _, expected) in rows {
        assert_probe(&exporter, name, issuer, expected);
    }
    // The token of that probe is decrypted, too, and still good.
    let with_previous = format!("{ALL} previous");
    for module in ["rsa", "ec"] {
        assert_probe(&exporter, module, issuer, [GREEN, &with_previous, "no_credential"]);
    }
    // Another key is in the file from now on.
    std::fs::copy(&ec, &other_ec).expect("a copy");
    assert_probe(&exporter, "ec_with_another", issuer, green);
}

#[test]
fn no_bad_token_is_made_of_an_encrypted_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let pem = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new key").serialize_pem();
    let file = folder.path().join("rsa");
    std::fs::write(&file, &pem).expect("a file");
    let path = "/api/encrypted/rsa";
    let provider = Provider::start_encrypting(&json!({path: pem}));
    let issuer = provider.issuer();
    let resource = format!("{issuer}{path}");
    let forged = ["tampered_signature", "alg_none", "foreign_key", "hs256_public_key"];
    let exporter = exporter(forged.map(|bad| {
        let block = json!({
            "token": token_for(&resource),
            "validate": {"audience": resource, "decryption_key_file": file},
            "call_api": {"url": path, "must_refuse": [bad]},
        });
        (bad.to_owned(), module(issuer, &block))
    }));
    let checks = "decode algorithm key signature expiry issued_at issuer audience claims";
    let story = GREEN.replace("refuse ok", "refuse encrypted_token");
    for bad in forged {
        assert_probe(&exporter, bad, issuer, [&story, checks, ""]);
    }
}
