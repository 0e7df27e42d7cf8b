//! Where the token and the keys come from.

use super::{fetches, module, probe, written};
use crate::exporter::Exporter;
use crate::provider::{Fault, Provider, USERNAME};

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_is_verified_and_taken_only_where_it_is_allowed() {
    let provider = Provider::start().await;
    let secret = &provider.credentials().client_secret;
    for algorithm in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
        "EdDSA",
    ] {
        let token = format!("params: {{token_alg: {algorithm}}}");
        let other = if algorithm == "RS256" { "ES256" } else { "RS256" };
        for (allowed, story) in [(algorithm, "validate ok"), (other, "validate algorithm_refused")]
        {
            let validate = format!("validate: {{algorithms: [{allowed}]}}");
            let metrics = probe(&provider, &module(&provider, &token, &validate)).await;
            let story = format!("discovery ok, token ok, jwks ok, {story}");
            assert_eq!(metrics.story(), story, "{algorithm} where {allowed} is allowed");
        }
    }
    // With a secret that both know, which needs no key set.
    for (algorithm, algorithms, secret, story) in [
        ("HS256", "[HS256]", secret.as_str(), "validate ok"),
        ("HS256", "[HS256, HS512]", secret, "validate ok"),
        // It has 32 bytes, and this hash 64 (RFC 7518 §3.2).
        ("HS512", "[HS256, HS512]", secret, "validate ok [weak_key]"),
        ("HS256", "[HS256]", "another-secret-of-thirty-two-bytes", "validate signature_invalid"),
        ("HS256", "[HS512]", &secret.repeat(2), "validate algorithm_refused"),
    ] {
        let validate = format!("validate: {{algorithms: {algorithms}, secret: '{secret}'}}");
        let token = format!("params: {{token_alg: {algorithm}}}");
        let metrics = probe(&provider, &module(&provider, &token, &validate)).await;
        assert_eq!(metrics.story(), format!("discovery ok, token ok, {story}"), "{algorithms}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_from_files_too() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let public = written(folder.path(), "public.pem", &provider.public_key_pem());
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let foreign = written(folder.path(), "foreign.pem", &other.public_key_pem());
    let address = provider.url().trim_start_matches("http://").parse().unwrap();
    let set = crate::scrape::send(address, "GET", "/jwks", &[]).await.unwrap().text();
    let set = written(folder.path(), "jwks.json", &set);
    for (keys, story) in [
        (format!("public_key_file: {public}"), "validate ok"),
        (format!("public_key_file: {foreign}"), "validate signature_invalid"),
        (format!("jwks_file: {set}"), "validate ok"),
    ] {
        let validate = format!("validate: {{algorithms: [RS256], {keys}}}");
        let metrics = probe(&provider, &module(&provider, "", &validate)).await;
        assert_eq!(metrics.story(), format!("discovery ok, token ok, {story}"), "{keys}");
    }
    assert_eq!(fetches(&provider), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_token_is_decrypted_with_its_key_alone() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let right = written(folder.path(), "right.pem", &Provider::decryption_key_pem());
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let wrong = written(folder.path(), "wrong.pem", &other.serialize_pem());
    for (fault, file, story, checks) in [
        (Fault::JwtEncrypted, &right, "validate ok", vec![]),
        (Fault::JwtEncryptedUnsaid, &right, "validate ok [cty_missing]", vec![]),
        (Fault::JwtEncrypted, &wrong, "validate decryption_failed", vec!["decode"]),
    ] {
        provider.switch_on(fault);
        let validate = format!("validate: {{algorithms: [RS256], decryption_key_file: {file}}}");
        let metrics = probe(&provider, &module(&provider, "", &validate)).await;
        provider.switch_off(fault);
        assert_eq!(metrics.story(), format!("discovery ok, token ok, jwks ok, {story}"));
        assert_eq!(metrics.failed_checks(), checks);
    }
}

/// Tokens of each grant, and those that are given.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_from_every_grant() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let client =
        format!("client: {{id: monitor, secret: {}}}", provider.credentials().client_secret);
    let password = &provider.credentials().password;
    let (refresh, assertion) = (provider.refresh_token(), provider.assertion());
    let subject = provider.subject_token();
    let file = written(folder.path(), "token", &subject);
    let exchanged = "urn:ietf:params:oauth:token-type:access_token";
    let good = "discovery ok, token ok, jwks ok, validate ok";
    let refused = "discovery ok, token invalid_grant, jwks -, validate -";
    for (token, story) in [
        (format!("grant: password, {client}, username: {USERNAME}, password: {password}"), good),
        (format!("grant: password, {client}, username: {USERNAME}, password: wrong"), refused),
        (format!("grant: refresh_token, {client}, refresh_token: {refresh}"), good),
        (format!("grant: refresh_token, {client}, refresh_token: not-a-token"), refused),
        (format!("grant: jwt_bearer, {client}, assertion: {assertion}"), good),
        (format!("grant: jwt_bearer, {client}, assertion: {subject}"), refused),
        (
            format!(
                "grant: token_exchange, {client}, subject_token: {subject}, \
                 subject_token_type: '{exchanged}'"
            ),
            good,
        ),
        (format!("token: {subject}"), "discovery ok, jwks ok, validate ok"),
        (format!("token_file: {file}"), "discovery ok, jwks ok, validate ok"),
    ] {
        let module = format!(
            "{{prober: jwt, targets: ['{}'], jwt: {{token: {{{token}}}, validate: \
             {{algorithms: [RS256], claims: [{{type: json_body, path: $.sub, value: {USERNAME}}}]}}}}}}",
            provider.url()
        );
        let metrics = probe(&provider, &module).await;
        assert_eq!(metrics.story(), story, "{token}");
    }

    let rejected = format!(
        "modules: {{m: {{prober: jwt, targets: ['{}'], jwt: {{token: {{grant: password, {client}, \
         username: {USERNAME}, password: not-the-password}}, validate: {{algorithms: [RS256]}}}}}}}}",
        provider.url()
    );
    let exporter = Exporter::start(&rejected).await;
    let sent = || {
        let seen = provider.seen();
        seen.iter().filter(|seen| seen.secrets.iter().any(|s| s == "not-the-password")).count()
    };
    for _ in 0..3 {
        assert_eq!(exporter.probe("m", provider.url(), 10.0).await.story(), refused);
        assert_eq!(sent(), 1, "a rejected password is not sent again");
    }

    provider.switch_on(Fault::TokenRotatesRefresh);
    let module = format!(
        "{{prober: jwt, targets: ['{}'], jwt: {{token: {{grant: refresh_token, {client}, \
         refresh_token: {refresh}}}, validate: {{algorithms: [RS256]}}}}}}",
        provider.url()
    );
    assert_eq!(
        probe(&provider, &module).await.story(),
        "discovery ok, token refresh_token_rotated, jwks -, validate -"
    );
}
