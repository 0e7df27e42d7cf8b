//! Grants of people, and tokens that are taken back, against django-oauth-toolkit of `PyPI` with
//! JWTs of oauthlib, which name no key.

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::super::authorization_server::{AuthorizationServer, client};
use super::super::guarded_api::GuardedApi;
use super::super::http::send;
use super::{HEALTH, assert_probe, exporter, module, with};

const SECRET: &str = "secret-of-the-client";
const PASSWORD: &str = "p ä+ss&w%rd=";
const CHECKS: &str =
    "decode algorithm key signature expiry issued_at issuer audience claims scopes ttl";

/// A server whose tokens are JWTs.
fn server(toolkit: &Value) -> AuthorizationServer {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new key").serialize_pem();
    AuthorizationServer::start(json!({
        "clients": [
            client("monitor", SECRET, "client-credentials"),
            client("people", SECRET, "password"),
            client("api", SECRET, "client-credentials"),
        ],
        "people": [{"username": "ada", "password": PASSWORD}],
        "signing_key": key,
        "toolkit": toolkit,
    }))
}

/// A block for this grant, and what its token must be.
fn block(client: &str, subject: &str, token: &Value) -> Value {
    let common = json!({
        "client": {"id": client, "auth": "client_secret_basic", "secret": SECRET},
        "scopes": [HEALTH],
    });
    json!({
        "token": with(&common, token),
        "validate": {
            "algorithms": ["RS256"],
            "audience": "https://api.example",
            "required_claims": ["jti"],
            "claims": [{"path": "$.sub", "value": subject}],
            "scopes": [HEALTH],
            "min_ttl": "4m",
            "max_ttl": "301s",
        },
        "call_api": {"url": "/api/scoped", "must_refuse": ["no_credential"]},
    })
}

#[test]
fn a_password_is_a_grant() {
    let server = server(&json!({}));
    let issuer = server.issuer();
    let grant = |username, password| {
        let token = json!({"grant": "password", "username": username, "password": password});
        block("people", "ada", &token)
    };
    let refused = "discovery ok, token invalid_grant, jwks -, validate -, call_api -, refuse -";
    let green = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
    let ada = grant("ada", PASSWORD);
    let of_another =
        with(&ada, &json!({"validate": {"claims": [{"path": "$.sub", "value": "eve"}]}}));
    let of_machine = with(&ada, &json!({"token": {"client": {"id": "monitor"}}}));
    let rows = [
        ("ada", &ada, [green, CHECKS, "no_credential"]),
        ("nobody", &grant("nobody", PASSWORD), [refused, "", ""]),
        (
            "of_another",
            &of_another,
            [
                "discovery ok, token ok, jwks ok, validate claim_mismatch, call_api -, refuse -",
                &CHECKS.replace("claims", "!claims"),
                "",
            ],
        ),
        (
            "of_machine",
            &of_machine,
            [&refused.replace("invalid_grant", "unauthorized_client"), "", ""],
        ),
        // Last: after it, nobody tries ada's account again for a while.
        ("wrong_password", &grant("ada", "another"), [refused, "", ""]),
    ];
    let exporter = exporter(rows.map(|(name, block, _)| (name.to_owned(), module(issuer, block))));
    for (name, _, expected) in rows {
        assert_probe(&exporter, name, issuer, expected);
    }
}

/// A refresh token that comes with a password.
fn refresh_token(server: &AuthorizationServer) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("grant_type", "password"),
        ("client_id", "people"),
        ("client_secret", SECRET),
        ("username", "ada"),
        ("password", PASSWORD),
        ("scope", HEALTH),
    ]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let address = server.issuer().trim_start_matches("http://");
    let (status, body) = send(address, "POST /token/", &headers, &form.finish());
    assert_eq!(status, "200", "{body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[test]
fn a_refresh_token_that_stays_is_a_grant_and_one_that_rotates_is_spent() {
    let green = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
    let fails =
        |reason| format!("discovery ok, token {reason}, jwks -, validate -, call_api -, refuse -");
    let (rotated, spent) = (fails("refresh_token_rotated"), fails("invalid_grant"));
    for (rotates, probes) in [
        (false, [[green, CHECKS, "no_credential"]; 2]),
        (true, [[&rotated, "", ""], [&spent, "", ""]]),
    ] {
        let server = server(&json!({"ROTATE_REFRESH_TOKEN": rotates}));
        let issuer = server.issuer();
        let token = json!({"grant": "refresh_token", "refresh_token": refresh_token(&server)});
        let block = block("people", "ada", &token);
        let exporter = exporter([("m".to_owned(), module(issuer, &block))]);
        for expected in probes {
            assert_probe(&exporter, "m", issuer, expected);
        }
    }
}

#[test]
fn a_revoked_token_is_refused_where_the_api_asks_about_it_and_not_where_it_remembers() {
    let server = server(&json!({}));
    let issuer = server.issuer();
    let introspection = format!("{issuer}/introspect/");
    let asks = GuardedApi::that_asks(&introspection, ["api", SECRET]);
    // The toolkit's own views keep what they were told of a token.
    let remembers = AuthorizationServer::start(json!({"toolkit": {
        "RESOURCE_SERVER_INTROSPECTION_URL": introspection,
        "RESOURCE_SERVER_INTROSPECTION_CREDENTIALS": ["api", SECRET],
        "RESOURCE_SERVER_TOKEN_CACHING_SECONDS": 3600,
    }}));
    let bad =
        ["no_credential", "tampered_signature", "alg_none", "foreign_key", "hs256_public_key"];
    let green = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok, revoke ok";
    let accepted = green.replace("revoke ok", "revoke bad_credential_accepted");
    let bad_and = |revoked| format!("{} {revoked}", bad.join(" "));
    let rows = [
        ("its_own", "/api/scoped".to_owned(), green, bad_and("revoked")),
        ("asks", asks.origin().to_owned(), green, bad_and("revoked")),
        ("remembers", format!("{}/api/scoped", remembers.issuer()), &accepted, bad_and("!revoked")),
    ];
    let exporter = exporter(rows.clone().map(|(name, url, ..)| {
        let block = block("monitor", "monitor", &json!({"grant": "client_credentials"}));
        let must_refuse = [&bad[..], &["revoked"]].concat();
        let api = json!({"url": url, "must_refuse": must_refuse});
        (name.to_owned(), module(issuer, &with(&block, &json!({"call_api": api, "revoke": true, "endpoints": {"revocation": "/revoke_token/"}}))))
    }));
    for (name, _, story, refused) in rows {
        assert_probe(&exporter, name, issuer, [story, CHECKS, &refused]);
    }
}
