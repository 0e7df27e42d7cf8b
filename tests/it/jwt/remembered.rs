//! What becomes of a token after its probe: it must verify until it expires, and be refused
//! from then on, or once it is revoked.

use std::time::{Duration, Instant};

use super::{module, probe, written};
use crate::exporter::Exporter;
use crate::modules::VALIDATE;
use crate::provider::{Fault, Provider};

const PREVIOUS: &str = "probe_auth_jwt_check_success{token=\"access_token\",check=\"previous\"}";

const ERRORS: &str = "probe_auth_jwt_validation_errors";

/// The outage that nobody sees who looks at fresh tokens alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_removed_while_its_tokens_live_is_noticed() {
    let provider = Provider::start().await;
    let rest = format!(
        "validate: {}, previous_token: true}}, call_api: {{url: /api/me}}",
        VALIDATE.trim_end_matches('}')
    );
    let exporter =
        Exporter::start(&format!("modules: {{m: {}}}", module(&provider, "", &rest))).await;
    let good = "discovery ok, token ok, jwks ok, validate ok, call_api ok";

    let first = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((first.story().as_str(), first.value(PREVIOUS)), (good, None));
    let second = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((second.story().as_str(), second.value(PREVIOUS)), (good, Some(1.0)));

    for (fault, story) in [
        (
            Fault::KeysRemovedTooEarly,
            "discovery ok, token ok, jwks ok, validate key_not_found, call_api -",
        ),
        (
            Fault::ApiRefusesEarlierTokens,
            "discovery ok, token ok, jwks ok, validate ok, call_api oauth_error",
        ),
    ] {
        provider.switch_on(fault);
        let ill = exporter.probe("m", provider.url(), 10.0).await;
        provider.switch_off(fault);
        assert_eq!(ill.story(), story);
        assert_eq!(ill.failed_checks(), ["previous"], "{}", fault.name());
        let healed = exporter.probe("m", provider.url(), 10.0).await;
        assert_eq!((healed.story().as_str(), healed.value(PREVIOUS)), (good, Some(1.0)));
    }

    // What says nothing of the token is no verdict on it.
    provider.switch_on(Fault::ApiLimitsEarlierTokens);
    let out = exporter.probe("m", provider.url(), 10.0).await;
    provider.switch_off(Fault::ApiLimitsEarlierTokens);
    assert_eq!(out.story(), "discovery ok, token ok, jwks ok, validate ok, call_api rate_limited");
    assert_eq!((out.value(PREVIOUS), out.value(ERRORS)), (None, Some(0.0)));

    // A rotation that keeps the old key is none of these, nor does an earlier token make up for a
    // fresh one.
    provider.switch_on(Fault::KeysRotatedJustNow);
    let rotated = exporter.probe("m", provider.url(), 10.0).await;
    provider.switch_off(Fault::KeysRotatedJustNow);
    assert_eq!((rotated.story().as_str(), rotated.value(PREVIOUS)), (good, Some(1.0)));
    provider.switch_on(Fault::JwtForeignKey);
    let forged = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!(
        forged.story(),
        "discovery ok, token ok, jwks ok, validate signature_invalid, call_api -"
    );
    assert!(!forged.success());
}

/// What is encrypted is the same token inside.
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_token_that_was_encrypted_still_verifies() {
    let provider = Provider::start().await;
    provider.switch_on(Fault::JwtEncrypted);
    let folder = tempfile::tempdir().unwrap();
    let key = written(folder.path(), "key.pem", &Provider::decryption_key_pem());
    let rest = format!(
        "validate: {{algorithms: [RS256], decryption_key_file: {key}, previous_token: true}}"
    );
    let exporter =
        Exporter::start(&format!("modules: {{m: {}}}", module(&provider, "", &rest))).await;
    for previous in [None, Some(1.0)] {
        let metrics = exporter.probe("m", provider.url(), 10.0).await;
        assert_eq!(metrics.story(), "discovery ok, token ok, jwks ok, validate ok");
        assert_eq!(metrics.value(PREVIOUS), previous);
    }
    provider.switch_on(Fault::KeysRemovedTooEarly);
    let ill = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!(ill.story(), "discovery ok, token ok, jwks ok, validate key_not_found");
    assert_eq!(ill.failed_checks(), ["previous"]);
}

/// A token is sent again after it expired, once.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_sent_once_and_must_be_refused() {
    const EXPIRED: &str = "probe_auth_refused{check=\"expired\"}";
    let provider = Provider::start().await;
    for (fault, refused, story) in [
        (None, 1.0, "refuse ok"),
        (Some(Fault::ApiAcceptsExpired), 0.0, "refuse bad_credential_accepted"),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let rest = "validate: {algorithms: [RS256]}, \
             call_api: {url: /api/me, must_refuse: [expired], expired_after: 1s}";
        let module = module(&provider, "params: {token_lifetime: '2'}", rest);
        let exporter = Exporter::start(&format!("modules: {{m: {module}}}")).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        let shown = loop {
            let metrics = exporter.probe("m", provider.url(), 10.0).await;
            if metrics.value(EXPIRED).is_some() {
                break metrics;
            }
            assert!(metrics.success(), "{}", metrics.story());
            assert!(Instant::now() < deadline, "no expired token was sent");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(shown.value(EXPIRED), Some(refused));
        assert_eq!(
            shown.story(),
            format!("discovery ok, token ok, jwks ok, validate ok, call_api ok, {story}")
        );
        fault.inspect(|fault| provider.switch_off(*fault));
    }
}

/// A check that could never run is not green for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_an_end_never_expires() {
    let provider = Provider::start().await;
    provider.switch_on(Fault::JwtNoExp);
    provider.switch_on(Fault::ApiAcceptsAnything);
    let token = crate::tokens::token(&provider, "RS256").await;
    let module = format!(
        "{{prober: jwt, targets: ['{}'], jwt: {{token: {{token: {token}}}, \
         validate: {{algorithms: [RS256], require_exp: false}}, \
         call_api: {{url: /api/me, must_refuse: [expired]}}}}}}",
        provider.url()
    );
    assert_eq!(
        probe(&provider, &module).await.story(),
        "discovery ok, jwks ok, validate ok, call_api ok, refuse expires_in"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_must_be_refused() {
    const REVOKED: &str = "probe_auth_refused{check=\"revoked\"}";
    let provider = Provider::start().await;
    let rest = "validate: {algorithms: [RS256]}, revoke: true, \
         call_api: {url: /api/me, must_refuse: [no_credential, revoked]}";
    let module = module(&provider, "", rest);
    for (fault, refused, story) in [
        (None, 1.0, "refuse ok, revoke ok"),
        (Some(Fault::ApiAcceptsRevoked), 0.0, "refuse ok, revoke bad_credential_accepted"),
        (Some(Fault::RevocationIneffective), 0.0, "refuse ok, revoke bad_credential_accepted"),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let metrics = probe(&provider, &module).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        assert_eq!(
            metrics.story(),
            format!("discovery ok, token ok, jwks ok, validate ok, call_api ok, {story}")
        );
        assert_eq!(metrics.value(REVOKED), Some(refused));
    }
}
