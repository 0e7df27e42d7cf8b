//! The tokens of the provider itself: read by a library that nobody here wrote, and taken or
//! refused by its API.

use std::net::SocketAddr;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::provider::{CLIENT_ID, Fault, Provider, USERNAME};
use crate::scrape::{self, Answer};

fn address(provider: &Provider) -> SocketAddr {
    provider.url().trim_start_matches("http://").parse().unwrap()
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Asks for a token with these parameters beside the client's.
async fn ask(provider: &Provider, parameters: &[(&str, &str)]) -> Answer {
    let secret = provider.credentials().client_secret.clone();
    let client = [("client_id", CLIENT_ID), ("client_secret", &secret)];
    let form = [&client, parameters].concat();
    scrape::post(address(provider), "/token", &[], &form).await.unwrap()
}

pub(crate) async fn token(provider: &Provider, algorithm: &str) -> String {
    let parameters = [("grant_type", "client_credentials"), ("token_alg", algorithm)];
    let answer = json(&ask(provider, &parameters).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

/// What the API answers to a token.
async fn status(provider: &Provider, token: &str) -> u16 {
    let header = format!("authorization: Bearer {token}");
    scrape::send(address(provider), "GET", "/api/me", &[&header]).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn another_library_verifies_the_tokens_with_the_key_set() {
    let provider = Provider::start().await;
    for (name, algorithm) in [
        ("RS256", Algorithm::RS256),
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS384", Algorithm::PS384),
        ("PS512", Algorithm::PS512),
        ("ES256", Algorithm::ES256),
        ("ES384", Algorithm::ES384),
        ("EdDSA", Algorithm::EdDSA),
    ] {
        let token = token(&provider, name).await;
        let answer = scrape::send(address(&provider), "GET", "/jwks", &[]).await.unwrap();
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let set: JwkSet = serde_json::from_slice(&answer.body).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.alg, algorithm);
        let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[provider.url()]);
        validation.set_audience(&[format!("{}/api", provider.url())]);
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], CLIENT_ID);
        assert_eq!(status(&provider, &token).await, 200, "{name}");
    }
    // That library does not know these.
    for name in ["ES512", "ES256K", "HS256"] {
        let token = token(&provider, name).await;
        assert_eq!(status(&provider, &token).await, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_grant_is_given_for_what_it_asks_and_refused_for_less() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    const TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
    let provider = Provider::start().await;
    let password = provider.credentials().password.clone();
    let (refresh, assertion) = (provider.refresh_token(), provider.assertion());
    let subject = provider.subject_token();
    let user = ("username", USERNAME);
    for (grant, parameters, expected) in [
        ("client_credentials", vec![], CLIENT_ID),
        ("password", vec![user, ("password", &password)], USERNAME),
        ("password", vec![user, ("password", "wrong")], "invalid_grant"),
        ("password", vec![user], "invalid_request"),
        ("refresh_token", vec![("refresh_token", &refresh)], USERNAME),
        ("refresh_token", vec![("refresh_token", "wrong")], "invalid_grant"),
        (
            "refresh_token",
            vec![("refresh_token", &refresh), ("scope", "monitoring:detail")],
            "invalid_scope",
        ),
        (BEARER, vec![("assertion", &assertion)], USERNAME),
        (BEARER, vec![("assertion", &subject)], "invalid_grant"),
        (EXCHANGE, vec![("subject_token", &subject), ("subject_token_type", TYPE)], USERNAME),
        (
            EXCHANGE,
            vec![("subject_token", &assertion), ("subject_token_type", TYPE)],
            "invalid_request",
        ),
        (EXCHANGE, vec![("subject_token", &subject)], "invalid_request"),
        ("authorization_code", vec![], "invalid_request"),
        ("device_code", vec![], "unsupported_grant_type"),
    ] {
        let form = [vec![("grant_type", grant)], parameters.clone()].concat();
        let answer = json(&ask(&provider, &form).await);
        let found = match answer["access_token"].as_str() {
            None => answer["error"].clone(),
            Some(token) => {
                assert_eq!(status(&provider, token).await, 200, "{grant}");
                jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims["sub"]
                    .clone()
            }
        };
        assert_eq!(found, expected, "{grant} {parameters:?}");
        let issued = (grant == EXCHANGE && expected == USERNAME).then_some(TYPE);
        assert_eq!(answer["issued_token_type"].as_str(), issued, "{grant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_comes_with_offline_access_and_may_be_good_once() {
    let provider = Provider::start().await;
    let password = provider.credentials().password.clone();
    let login = [
        ("grant_type", "password"),
        ("username", USERNAME),
        ("password", &password),
        ("scope", "monitoring:health offline_access"),
    ];
    let refresh = async |token: &str| {
        json(&ask(&provider, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await)
    };
    assert_eq!(json(&ask(&provider, &login[..3]).await)["refresh_token"], Value::Null);
    let first = json(&ask(&provider, &login).await)["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&first).await["refresh_token"], Value::Null);
    provider.switch_on(Fault::TokenRotatesRefresh);
    let second = refresh(&first).await["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&first).await["error"], "invalid_grant");
    assert!(refresh(&second).await["access_token"].is_string());
}

/// Bad tokens are refused by the API, and taken by one with the fault that is made for them.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_refuses_bad_tokens_and_each_of_its_faults_takes_one() {
    let provider = Provider::start().await;
    for (forged, taken) in [
        (Fault::JwtUnsigned, Fault::ApiAcceptsUnsigned),
        (Fault::JwtWrongSignature, Fault::ApiAcceptsTampered),
        (Fault::JwtForeignKey, Fault::ApiAcceptsForeignKey),
        (Fault::JwtHeaderKey, Fault::ApiAcceptsForeignKey),
        (Fault::JwtPublicKeyAsSecret, Fault::ApiAcceptsPublicKeyAsSecret),
        (Fault::JwtExpired, Fault::ApiAcceptsExpired),
    ] {
        provider.switch_on(forged);
        let token = token(&provider, "RS256").await;
        provider.switch_off(forged);
        let mut found = vec![status(&provider, &token).await];
        for fault in [
            Fault::ApiAcceptsUnsigned,
            Fault::ApiAcceptsTampered,
            Fault::ApiAcceptsForeignKey,
            Fault::ApiAcceptsPublicKeyAsSecret,
            Fault::ApiAcceptsExpired,
            Fault::ApiAcceptsRevoked,
        ] {
            provider.switch_on(fault);
            if status(&provider, &token).await == 200 {
                found.push(200);
                assert_eq!(fault, taken, "{}", forged.name());
            }
            provider.switch_off(fault);
        }
        assert_eq!(found, [401, 200], "{}", forged.name());
    }
    for (spelling, capitals) in [("none", 401), ("None", 200), ("NONE", 200), ("nOnE", 200)] {
        let header = format!(r#"{{"alg":"{spelling}"}}"#);
        let token = format!("{}.e30.", base64url(&header));
        assert_eq!(status(&provider, &token).await, 401, "{spelling}");
        provider.switch_on(Fault::ApiAcceptsUnsignedCapitals);
        assert_eq!(status(&provider, &token).await, capitals, "{spelling}");
        provider.switch_off(Fault::ApiAcceptsUnsignedCapitals);
    }
}

fn base64url(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_refuses_a_revoked_token() {
    let provider = Provider::start().await;
    let token = token(&provider, "RS256").await;
    assert_eq!(status(&provider, &token).await, 200);
    let secret = provider.credentials().client_secret.clone();
    let form = [("client_id", CLIENT_ID), ("client_secret", &secret), ("token", &token)];
    let revoked = scrape::post(address(&provider), "/revoke", &[], &form).await.unwrap();
    assert_eq!(revoked.status, 200);
    assert_eq!(status(&provider, &token).await, 401);
    provider.switch_on(Fault::ApiAcceptsRevoked);
    assert_eq!(status(&provider, &token).await, 200);
}

/// What the faults of the key set and of the token do, as they are seen from outside.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_shown_by_the_second_fetch() {
    let provider = Provider::start().await;
    let kids = async || {
        let set = json(&scrape::send(address(&provider), "GET", "/jwks", &[]).await.unwrap());
        let keys = set["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let old = kid(&token(&provider, "RS256").await);
    provider.switch_on(Fault::KeysRotatedJustNow);
    for _ in 0..2 {
        let new = kid(&token(&provider, "RS256").await);
        assert_eq!(kids().await, [old.as_str()]);
        assert_eq!(kids().await, [old.as_str(), &new]);
        assert_eq!(kids().await, [old.as_str(), &new]);
    }
    provider.switch_off(Fault::KeysRotatedJustNow);
    assert_eq!(kid(&token(&provider, "RS256").await), old);

    provider.switch_on(Fault::KeysRemovedTooEarly);
    let new = kid(&token(&provider, "RS256").await);
    assert_eq!(kids().await, [new]);
}
