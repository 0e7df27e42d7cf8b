//! The prober `jwt` beyond one fault at a time: several at once, every algorithm and grant,
//! what it remembers between probes, and what it exports.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::exporter::Exporter;
use crate::modules::{AUDIENCE, VALIDATE, configuration, healthy, target};
use crate::provider::{Fault, Provider, USERNAME};
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
        // Which key it was is only clear when one fits.
        (vec![Fault::JwtNoKid, Fault::KeysSeveral], NOT_FOUND, vec!["key"]),
        (vec![Fault::JwtNoKid, Fault::KeysThousand], NOT_FOUND, vec!["key"]),
        (vec![Fault::JwtNoKid, Fault::KeysEncryptionFirst], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysNoAlg], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysNoKid], GOOD, vec![]),
        (vec![Fault::JwtNoKid, Fault::KeysUnknownMembers], GOOD, vec![]),
        (vec![Fault::JwtUnknownKid, Fault::KeysThousand], NOT_FOUND, vec!["key"]),
        (vec![Fault::JwtUnknownKid, Fault::KeysNoKid], GOOD, vec![]),
        (
            vec![Fault::JwtNoKid, Fault::KeysWeak],
            "validate weak_key, call_api -, refuse -",
            vec!["key"],
        ),
        // What is wrong with the signature is not covered up by what is wrong with the set.
        (
            vec![Fault::JwtForeignKey, Fault::KeysNoKid],
            "validate signature_invalid, call_api -, refuse -",
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
        (Some(Fault::KeysWeak), 1),
        (Some(Fault::Keys503), 1),
        (Some(Fault::KeysEmpty), 1),
    ] {
        let before = fetches(&provider);
        fault.inspect(|fault| provider.switch_on(*fault));
        exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        assert_eq!(fetches(&provider) - before, expected, "{:?}", fault.map(Fault::name));
    }
}

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
    for (algorithms, secret, story) in [
        ("[HS256]", secret.as_str(), "validate ok"),
        ("[HS256]", "another-secret-of-thirty-two-bytes", "validate signature_invalid"),
        ("[HS512]", &secret.repeat(2), "validate algorithm_refused"),
    ] {
        let validate = format!("validate: {{algorithms: {algorithms}, secret: '{secret}'}}");
        let token = "params: {token_alg: HS256}";
        let metrics = probe(&provider, &module(&provider, token, &validate)).await;
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
        (format!("jwks_file: {set}"), "jwks ok, validate ok"),
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
    provider.switch_on(Fault::JwtEncrypted);
    let folder = tempfile::tempdir().unwrap();
    let right = written(folder.path(), "right.pem", &Provider::decryption_key_pem());
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let wrong = written(folder.path(), "wrong.pem", &other.serialize_pem());
    for (file, story, checks) in
        [(right, "validate ok", vec![]), (wrong, "validate decryption_failed", vec!["decode"])]
    {
        let validate = format!("validate: {{algorithms: [RS256], decryption_key_file: {file}}}");
        let metrics = probe(&provider, &module(&provider, "", &validate)).await;
        assert_eq!(metrics.story(), format!("discovery ok, token ok, jwks ok, {story}"));
        assert_eq!(metrics.failed_checks(), checks);
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
async fn assertions_on_claims_are_exported_and_judged() {
    let provider = Provider::start().await;
    let validate = format!(
        "validate: {{algorithms: [RS256], claims: [\
         {{type: json_body, path: $.client_id, value: monitor}}, \
         {{type: json_body, path: $.sub, value: {USERNAME}, name: subject}}]}}"
    );
    let metrics = probe(&provider, &module(&provider, "", &validate)).await;
    assert_eq!(metrics.story(), "discovery ok, token ok, jwks ok, validate claim_mismatch");
    assert_eq!(metrics.failed_checks(), ["claims"]);
    for (assertion, value) in [("json_body:$.client_id:equals", 1.0), ("subject", 0.0)] {
        let series =
            format!("probe_auth_assertion_success{{step=\"validate\",assertion=\"{assertion}\"}}");
        assert_eq!(metrics.value(&series), Some(value), "{series}");
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

/// The outage that nobody sees who looks at fresh tokens alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_removed_while_its_tokens_live_is_noticed() {
    const PREVIOUS: &str =
        "probe_auth_jwt_check_success{token=\"access_token\",check=\"previous\"}";
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_of_token_and_keys() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let target = target(&provider, "jwt");
    let good = exporter.probe("jwt", &target, 10.0).await;
    assert_eq!(good.value("probe_auth_jwt_validation_errors"), Some(0.0));
    assert_eq!(good.value("probe_auth_jwks_keys"), Some(1.0));
    assert_eq!(good.value("probe_auth_endpoint_available{endpoint=\"jwks\"}"), Some(1.0));
    let info = good.0.lines().filter(|line| line.starts_with("probe_auth_jwks_key_info{"));
    let info: Vec<_> = info.collect();
    assert_eq!(info.len(), 1);
    assert!(info[0].ends_with(",kty=\"RSA\",alg=\"RS256\",use=\"sig\"} 1"), "{info:?}");
    let passed: Vec<_> = good.checks().map(|(check, _)| check).collect();
    assert_eq!(
        passed,
        [
            "decode",
            "algorithm",
            "key",
            "signature",
            "expiry",
            "issued_at",
            "issuer",
            "audience",
            "type",
            "claims",
            "scopes",
            "ttl"
        ]
    );

    let hash = good.value("probe_auth_jwks_hash").unwrap();
    let again = exporter.probe("jwt", &target, 10.0).await;
    assert_eq!(again.value("probe_auth_jwks_hash"), Some(hash));
    provider.switch_on(Fault::KeysRemovedTooEarly);
    let moved_on = exporter.probe("jwt", &target, 10.0).await;
    provider.switch_off(Fault::KeysRemovedTooEarly);
    assert_ne!(moved_on.value("probe_auth_jwks_hash"), Some(hash));

    for (fault, keys) in [
        (Fault::KeysThousand, 1000.0),
        (Fault::KeysEmpty, 0.0),
        (Fault::KeysWeak, 0.0),
        (Fault::KeysEncryptionFirst, 1.0),
        (Fault::KeysRotatedJustNow, 2.0),
    ] {
        provider.switch_on(fault);
        let metrics = exporter.probe("jwt", &target, 10.0).await;
        provider.switch_off(fault);
        assert_eq!(metrics.value("probe_auth_jwks_keys"), Some(keys), "{}", fault.name());
        let infos = metrics.0.matches("\nprobe_auth_jwks_key_info{").count();
        assert!(infos <= 50, "{infos} series of {}", fault.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clocks_are_compared() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, expected) in
        [(None, 0.0), (Some(Fault::ClockAhead), 600.0), (Some(Fault::ClockBehind), -600.0)]
    {
        fault.inspect(|fault| provider.switch_on(*fault));
        let metrics = exporter.probe("jwt", &target(&provider, "jwt"), 10.0).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        for source in ["date", "iat"] {
            let series = format!("probe_auth_clock_skew_seconds{{source=\"{source}\"}}");
            let skew = metrics.value(&series).unwrap();
            assert!((skew - expected).abs() <= 5.0, "{source}: {skew} instead of {expected}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_for_the_alert() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let target = target(&provider, "jwt");
    provider.switch_on(Fault::JwtOtherAudience);
    for _ in 0..2 {
        exporter.probe("jwt", &target, 10.0).await;
    }
    provider.switch_off(Fault::JwtOtherAudience);
    exporter.probe("jwt", &target, 10.0).await;
    let metrics = exporter.get("/metrics").await.metrics();
    for (check, count) in [("audience", 2.0), ("issuer", 0.0), ("previous", 0.0)] {
        let labels = format!("module=\"jwt\",target=\"{target}\",check=\"{check}\"");
        let series = format!("auth_exporter_jwt_validation_errors_total{{{labels}}}");
        assert_eq!(metrics.value(&series), Some(count), "{series}");
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
