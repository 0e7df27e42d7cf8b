//! Tokens of oidc-provider that are signed, and then encrypted to their API.

use std::path::PathBuf;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::super::provider::Provider;
use super::{HEALTH, assert_probe, exporter, module, token_for, with};

const GREEN: &str = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
const ALL: &str = "decode algorithm key signature expiry issued_at issuer audience type scopes ttl";

fn ends(reason: &str) -> String {
    GREEN.replace(
        "validate ok, call_api ok, refuse ok",
        &format!("validate {reason}, call_api -, refuse -"),
    )
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
    // Another key is in the file from now on.
    std::fs::copy(&ec, &other_ec).expect("a copy");
    assert_probe(&exporter, "ec_with_another", issuer, green);
}
