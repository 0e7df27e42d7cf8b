//! The prober `jwt` beyond one fault at a time: several at once, which checks run and in what
//! order, and what the API refuses.

mod exported;
mod remembered;
mod sources;

use std::path::Path;

use crate::exporter::Exporter;
use crate::modules::{AUDIENCE, VALIDATE, configuration, healthy, target};
use crate::provider::{Fault, Provider};
use crate::scrape::Metrics;

/// A module whose token comes from the client's own credential.
fn module(provider: &Provider, token: &str, rest: &str) -> String {
    let secret = &provider.credentials().client_secret;
    format!(
        "{{prober: jwt, targets: ['{}'], jwt: {{token: {{grant: client_credentials, \
         client: {{id: monitor, secret: {secret}}}, scopes: [monitoring:health], \
         audience: '{AUDIENCE}', {token}}}, {rest}}}}}",
        provider.url()
    )
}

/// Probes a module that nobody probed before.
async fn probe(provider: &Provider, module: &str) -> Metrics {
    let exporter = Exporter::start(&format!("modules: {{m: {module}}}")).await;
    exporter.probe("m", provider.url(), 10.0).await
}

/// How often the key set was asked for.
fn fetches(provider: &Provider) -> usize {
    provider.seen().iter().filter(|seen| seen.line == "GET /jwks").count()
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_faults_at_once() {
    const GOOD: &str = "validate ok, call_api ok, refuse ok";
    const NOT_FOUND: &str = "validate key_not_found, call_api -, refuse -";
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (faults, story, checks) in [
        // Which key it was is only clear when one fits: some are tried, and not a thousand.
        (
            vec![Fault::JwtNoKid, Fault::KeysSeveral],
            "validate ok [kid_missing], call_api ok, refuse ok",
            vec![],
        ),
        (vec![Fault::JwtNoKid, Fault::KeysThousand], NOT_FOUND, vec!["key"]),
        (vec![Fault::JwtNoKid, Fault::KeysEncryptionFirst], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysNoAlg], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysNoKid], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysUnknownMembers], GOOD, vec![]),
        (vec![Fault::JwtUnknownKid, Fault::KeysThousand], NOT_FOUND, vec!["key"]),
        // The signature is right, but this API takes no key for the one that the token names.
        (
            vec![Fault::JwtUnknownKid, Fault::KeysNoKid],
            "validate ok [kid_missing], call_api oauth_error, refuse -",
            vec![],
        ),
        // What is wrong with the signature is not covered up by what is wrong with the set.
        (
            vec![Fault::JwtForeignKey, Fault::KeysNoKid],
            "validate signature_invalid [kid_missing], call_api -, refuse -",
            vec!["signature"],
        ),
    ] {
        let names: Vec<_> = faults.iter().map(|fault| fault.name()).collect();
        for fault in &faults {
            provider.switch_on(*fault);
        }
        let metrics = exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        for fault in &faults {
            provider.switch_off(*fault);
        }
        let story = format!("discovery ok, token ok, jwks ok, {story}");
        assert_eq!(metrics.story(), story, "{names:?}");
        assert_eq!(metrics.failed_checks(), checks, "{names:?}");
    }
    let healed = exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
    assert_eq!(healed.story(), healthy("jwt"));
}

/// One refetch where the key is unknown, and none where a new set could not help.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_set_is_fetched_again_once_at_most() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, expected) in [
        (None, 1),
        (Some(Fault::KeysRotatedJustNow), 2),
        (Some(Fault::JwtUnknownKid), 2),
        (Some(Fault::JwtForeignKey), 1),
        (Some(Fault::JwtUnsigned), 1),
        (Some(Fault::JwtExpired), 1),
        (Some(Fault::JwtNoKid), 1),
        (Some(Fault::KeysThousand), 1),
        (Some(Fault::KeysNoKid), 2),
        (Some(Fault::KeysWeak), 1),
        (Some(Fault::Keys503), 1),
        (Some(Fault::KeysEmpty), 2),
    ] {
        let before = fetches(&provider);
        fault.inspect(|fault| provider.switch_on(*fault));
        exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        assert_eq!(fetches(&provider) - before, expected, "{:?}", fault.map(Fault::name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_of_the_claims_runs_and_the_first_gives_the_reason() {
    let provider = Provider::start().await;
    let validate = "validate: {algorithms: [RS256], issuer: 'https://other.example', \
         audience: 'https://other.example', typ: JWT, required_claims: [sub, tenant], \
         scopes: [admin], max_ttl: 1m}";
    let metrics = probe(&provider, &module(&provider, "", validate)).await;
    assert_eq!(metrics.story(), "discovery ok, token ok, jwks ok, validate issuer_mismatch");
    // The token has no nbf.
    let passed = ["decode", "algorithm", "key", "signature", "expiry", "issued_at"];
    let failed = ["issuer", "audience", "type", "claims", "scopes", "ttl"];
    let expected: Vec<_> = passed
        .into_iter()
        .map(|check| (check, 1.0))
        .chain(failed.into_iter().map(|check| (check, 0.0)))
        .collect();
    assert_eq!(metrics.checks().collect::<Vec<_>>(), expected);
    assert_eq!(metrics.value("probe_auth_jwt_validation_errors"), Some(6.0));
}

/// Nothing is said of claims that nobody signed.
#[tokio::test(flavor = "multi_thread")]
async fn no_claim_is_judged_before_the_signature() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, ran) in [
        (Fault::JwtClaimsArray, vec![("decode", 0.0)]),
        (Fault::JwtUnsigned, vec![("decode", 1.0), ("algorithm", 0.0)]),
        (Fault::JwtUnknownKid, vec![("decode", 1.0), ("algorithm", 1.0), ("key", 0.0)]),
        (
            Fault::JwtWrongSignature,
            vec![("decode", 1.0), ("algorithm", 1.0), ("key", 1.0), ("signature", 0.0)],
        ),
    ] {
        provider.switch_on(fault);
        let metrics = exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        provider.switch_off(fault);
        assert_eq!(metrics.checks().collect::<Vec<_>>(), ran, "{}", fault.name());
        assert_eq!(
            metrics.value("probe_auth_jwt_validation_errors"),
            Some(1.0),
            "{}",
            fault.name()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_additional_audience_is_refused_where_it_must_be_exact() {
    let provider = Provider::start().await;
    provider.switch_on(Fault::JwtMoreAudience);
    for (exact, story) in [(false, "validate ok"), (true, "validate audience_mismatch")] {
        let validate = format!(
            "validate: {{algorithms: [RS256], audience: '{AUDIENCE}', audience_exact: {exact}}}"
        );
        let metrics = probe(&provider, &module(&provider, "", &validate)).await;
        assert_eq!(metrics.story(), format!("discovery ok, token ok, jwks ok, {story}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_one_by_one() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let checks =
        ["no_credential", "tampered_signature", "alg_none", "foreign_key", "hs256_public_key"];
    for (fault, accepted) in [
        (None, None),
        (Some(Fault::ApiAcceptsTampered), Some("tampered_signature")),
        (Some(Fault::ApiAcceptsUnsigned), Some("alg_none")),
        (Some(Fault::ApiAcceptsUnsignedCapitals), Some("alg_none")),
        (Some(Fault::ApiAcceptsForeignKey), Some("foreign_key")),
        (Some(Fault::ApiAcceptsPublicKeyAsSecret), Some("hs256_public_key")),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let metrics = exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        for check in checks {
            let series = format!("probe_auth_refused{{check=\"{check}\"}}");
            let expected = if accepted == Some(check) { 0.0 } else { 1.0 };
            let fault = fault.map(Fault::name);
            assert_eq!(metrics.value(&series), Some(expected), "{check} with {fault:?}");
        }
        // Those that are refused are no errors of validation.
        assert_eq!(metrics.value("probe_auth_jwt_validation_errors"), Some(0.0));
    }
}

/// The same checks where `oauth_cc` gets the token.
#[tokio::test(flavor = "multi_thread")]
async fn oauth_cc_validates_in_the_same_form() {
    let provider = Provider::start().await;
    let secret = &provider.credentials().client_secret;
    let module = format!(
        "{{prober: oauth_cc, targets: ['{}'], oauth_cc: {{client: {{id: monitor, secret: {secret}}}, \
         scopes: [monitoring:health], audience: '{AUDIENCE}', validate: {VALIDATE}, \
         call_api: {{url: /api/me, must_refuse: [no_credential, alg_none]}}}}}}",
        provider.url()
    );
    let exporter = Exporter::start(&format!("modules: {{m: {module}}}")).await;
    for (fault, story, checks) in [
        (None, healthy("jwt"), vec![]),
        (
            Some(Fault::JwtWrongSignature),
            "discovery ok, token ok, jwks ok, validate signature_invalid, call_api -, refuse -",
            vec!["signature"],
        ),
        (
            Some(Fault::KeysEmpty),
            "discovery ok, token ok, jwks no_keys, validate -, call_api -, refuse -",
            vec![],
        ),
        (
            Some(Fault::ApiAcceptsUnsigned),
            "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse bad_credential_accepted",
            vec![],
        ),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let metrics = exporter.probe("m", provider.url(), 10.0).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        assert_eq!(metrics.story(), story);
        assert_eq!(metrics.failed_checks(), checks);
    }
}
