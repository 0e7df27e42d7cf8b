//! The metrics of tokens, keys and clocks.

use super::{module, probe};
use crate::exporter::Exporter;
use crate::modules::{configuration, target};
use crate::provider::{Fault, Provider, USERNAME};

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

    for (fault, keys, shown) in [
        (Fault::KeysThousand, 1000.0, 10),
        (Fault::KeysEmpty, 0.0, 0),
        (Fault::KeysWeak, 0.0, 1),
        (Fault::KeysEncryptionFirst, 1.0, 2),
        (Fault::KeysRotatedJustNow, 2.0, 2),
    ] {
        provider.switch_on(fault);
        let metrics = exporter.probe("jwt", &target, 10.0).await;
        provider.switch_off(fault);
        assert_eq!(metrics.value("probe_auth_jwks_keys"), Some(keys), "{}", fault.name());
        let infos = metrics.0.matches("\nprobe_auth_jwks_key_info{").count();
        assert_eq!(infos, shown, "series of {}", fault.name());
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
    for (check, count) in [("audience", 2.0), ("issuer", 0.0), ("ttl", 0.0)] {
        let labels = format!("module=\"jwt\",target=\"{target}\",check=\"{check}\"");
        let series = format!("auth_exporter_jwt_validation_errors_total{{{labels}}}");
        assert_eq!(metrics.value(&series), Some(count), "{series}");
    }
}
