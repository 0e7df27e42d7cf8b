//! Tokens of npm's oidc-provider, verified against the keys that it publishes.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::super::provider::Provider;
use super::{HEALTH, assert_probe, exporter, module, token_for, with};

const GREEN: &str = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
const AFTER_KEYS: &str = "validate ok, call_api ok, refuse ok";
const ALL: &str = "decode algorithm key signature expiry issued_at issuer audience type \
    claims scopes ttl";

/// Everything that can be asked of a token of this API.
fn block(issuer: &str, path: &str, algorithm: &str) -> Value {
    json!({
        "token": token_for(&format!("{issuer}{path}")),
        "validate": {
            "algorithms": [algorithm],
            "audience": format!("{issuer}{path}"),
            "audience_exact": true,
            "typ": "at+jwt",
            "required_claims": ["iss", "sub", "aud", "iat", "exp", "jti", "client_id", "scope"],
            "claims": [
                {"path": "$.client_id", "value": "public"},
                {"path": "$.scope", "operator": "matches", "value": "^monitoring:"},
            ],
            "scopes": [HEALTH],
            "leeway": "5s",
            "min_ttl": "4m",
            "max_ttl": "5m",
        },
        "call_api": {"url": path, "must_refuse": ["no_credential"]},
    })
}

/// How a probe ends whose token fails this check for this reason.
fn ends(reason: &str, check: &str) -> [String; 3] {
    let story = GREEN.replace(AFTER_KEYS, &format!("validate {reason}, call_api -, refuse -"));
    [story, ALL.replace(check, &format!("!{check}")), String::new()]
}

#[test]
fn each_check_is_green_and_red_with_both_algorithms() {
    let provider = Provider::start();
    let issuer = provider.issuer();
    let folder = tempfile::tempdir().expect("a folder");
    let green = || [GREEN, ALL, "no_credential"].map(str::to_owned);
    let validate = |changes: Value| json!({"validate": changes});
    for (algorithm, kind, other, path) in [
        ("RS256", &PKCS_RSA_SHA256, "ES256", "/api/jwt"),
        ("ES256", &PKCS_ECDSA_P256_SHA256, "RS256", "/api/jwt/es256"),
    ] {
        let block = block(issuer, path, algorithm);
        let audience = format!("{issuer}{path}");
        let other_key = folder.path().join(algorithm);
        let pair = KeyPair::generate_for(kind).expect("a new key");
        std::fs::write(&other_key, pair.public_key_pem()).expect("a file");
        let rows = [
            ("all", json!({}), green()),
            ("every_algorithm", validate(json!({"algorithms": null})), green()),
            (
                "one_of_two_audiences",
                validate(json!({"audience": ["https://elsewhere.example", audience]})),
                green(),
            ),
            ("configured_issuer", validate(json!({"issuer": issuer})), green()),
            (
                "other_algorithm",
                validate(json!({"algorithms": [other]})),
                [&ends("algorithm_refused", "")[0], "decode !algorithm", ""].map(str::to_owned),
            ),
            (
                "other_key",
                validate(json!({"public_key_file": other_key})),
                [
                    "discovery ok, token ok, validate signature_invalid, call_api -, refuse -",
                    "decode algorithm key !signature",
                    "",
                ]
                .map(str::to_owned),
            ),
            (
                "other_audience",
                validate(json!({"audience": format!("{issuer}/api")})),
                ends("audience_mismatch", "audience"),
            ),
            (
                "other_issuer",
                validate(json!({"issuer": format!("{issuer}/")})),
                ends("issuer_mismatch", "issuer"),
            ),
            ("other_type", validate(json!({"typ": "JWT"})), ends("claim_mismatch", "type")),
            (
                "missing_claim",
                validate(json!({"required_claims": ["email"]})),
                ends("missing_claim", "claims"),
            ),
            (
                "other_claim",
                validate(json!({"claims": [{"path": "$.client_id", "value": "private"}]})),
                ends("claim_mismatch", "claims"),
            ),
            (
                "missing_scope",
                validate(json!({"scopes": [HEALTH, "monitoring:more"]})),
                ends("scope_missing", "scopes"),
            ),
            (
                "too_short",
                validate(json!({"min_ttl": "301s", "max_ttl": null})),
                ends("ttl_too_short", "ttl"),
            ),
            (
                "too_long",
                validate(json!({"min_ttl": null, "max_ttl": "299s"})),
                ends("ttl_too_long", "ttl"),
            ),
            (
                "no_key_set",
                validate(json!({"jwks": "/nobody"})),
                ["discovery ok, token ok, jwks http_4xx, validate -, call_api -, refuse -", "", ""]
                    .map(str::to_owned),
            ),
        ];
        let modules = rows
            .iter()
            .map(|(name, changes, _)| ((*name).to_owned(), module(issuer, &with(&block, changes))));
        let exporter = exporter(modules);
        for (name, _, [story, checks, refused]) in &rows {
            assert_probe(&exporter, name, issuer, [story, checks, refused]);
        }
    }
}

#[test]
fn a_client_proves_itself_by_a_jwt_and_gets_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a new key");
        let file = folder.path().join(name);
        std::fs::write(&file, pair.serialize_pem()).expect("a file");
        (file, pair.public_key_pem())
    };
    let ((own, public), (foreign, _)) = (file("own"), file("foreign"));
    let provider = Provider::start_for(
        &json!([{
            "client_id": "signer",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "grant_types": ["client_credentials"],
            "scope": HEALTH,
            "public_key": public,
        }]),
        0,
    );
    let issuer = provider.issuer();
    let signer = |key| {
        let client =
            json!({"id": "signer", "auth": "private_key_jwt", "alg": "ES256", "key_file": key});
        let claims = json!([{"path": "$.client_id", "value": "signer"}]);
        let changes = json!({"token": {"client": client}, "validate": {"claims": claims}});
        module(issuer, &with(&block(issuer, "/api/jwt", "RS256"), &changes))
    };
    let exporter =
        exporter([("own".to_owned(), signer(&own)), ("foreign".into(), signer(&foreign))]);
    assert_probe(&exporter, "own", issuer, [GREEN, ALL, "no_credential"]);
    // The 401 of oidc-provider has a challenge for Basic alone.
    let unknown = "discovery ok, token invalid_client [challenge_missing], jwks -, validate -, \
        call_api -, refuse -";
    assert_probe(&exporter, "foreign", issuer, [unknown, "", ""]);
}
