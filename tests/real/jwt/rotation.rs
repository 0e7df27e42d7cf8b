//! The token of an earlier probe, while oidc-provider replaces its keys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::exporter::{Exporter, story};
use super::super::provider::{Provider, SigningKeys};
use super::{assert_probe, checks, exporter, module, token_for};

const GREEN: &str = "discovery ok, token ok, jwks ok, validate ok, call_api ok";
const TOO_EARLY: &str = "discovery ok, token ok, jwks ok, validate key_not_found, call_api -";
const FRESH: &str = "decode algorithm key signature expiry issued_at issuer audience type claims";
const BOTH: &str =
    "decode algorithm key signature expiry issued_at issuer audience type claims previous";
const NOT_BOTH: &str =
    "decode algorithm key signature expiry issued_at issuer audience type claims !previous";

/// A module for the API at each path.
const APIS: [(&str, &str); 2] = [("rs256", "/api/jwt"), ("es256", "/api/jwt/es256")];

fn watch(issuer: &str) -> Exporter {
    let block = |path: &str| -> Value {
        let resource = format!("{issuer}{path}");
        json!({
            "token": token_for(&resource),
            "validate":
                {"audience": resource, "typ": "at+jwt", "leeway": "5s", "previous_token": true},
            "call_api": {"url": path},
        })
    };
    exporter(APIS.map(|(name, path)| (name.to_owned(), module(issuer, &block(path)))))
}

#[test]
fn a_key_that_is_removed_too_early_is_noticed_by_the_previous_token() {
    let [keys, next, last] = [(); 3].map(|()| SigningKeys::generate());
    let mut provider = Provider::start_signing(&keys);
    let issuer = provider.issuer().to_owned();
    let exporter = watch(&issuer);
    let probe = |exporter: &Exporter, story: &str, checks: &str| {
        for (name, _) in APIS {
            assert_probe(exporter, name, &issuer, [story, checks, ""]);
        }
    };
    probe(&exporter, GREEN, FRESH);
    probe(&exporter, GREEN, BOTH);
    provider = provider.restart_signing(&[&next, &keys]);
    probe(&exporter, GREEN, BOTH);
    // The new key signs in the place of the one before, as it should, but the first is gone.
    provider = provider.restart_signing(&[&last, &next]);
    probe(&exporter, TOO_EARLY, NOT_BOTH);
    probe(&exporter, TOO_EARLY, NOT_BOTH);
    // Who remembers no earlier token has nothing to complain about.
    let forgetful = watch(&issuer);
    probe(&forgetful, GREEN, FRESH);
    probe(&forgetful, GREEN, BOTH);
    probe(&exporter, TOO_EARLY, NOT_BOTH);
    // The first is back until its tokens have expired.
    let _provider = provider.restart_signing(&[&last, &next, &keys]);
    probe(&exporter, GREEN, BOTH);
    probe(&forgetful, GREEN, BOTH);
}

#[test]
fn the_alarm_ends_when_the_tokens_of_the_removed_key_have_expired() {
    const LIFETIME: u32 = 20;
    let [keys, other] = [(); 2].map(|()| SigningKeys::generate());
    let provider = Provider::start_short(&keys, LIFETIME);
    let issuer = provider.issuer().to_owned();
    let exporter = watch(&issuer);
    assert_probe(&exporter, "rs256", &issuer, [GREEN, FRESH, ""]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let _provider = provider.restart_signing(&[&other]);
    assert_probe(&exporter, "rs256", &issuer, [TOO_EARLY, NOT_BOTH, ""]);
    loop {
        let metrics = exporter.probe("rs256", &issuer);
        let seen = [story(&metrics), checks(&metrics)];
        if seen == [GREEN, FRESH] {
            break;
        }
        assert_eq!(seen, [TOO_EARLY, NOT_BOTH], "{metrics}");
        assert!(Instant::now() < deadline, "{metrics}");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Failing probes left no token behind; the green one did.
    assert_probe(&exporter, "rs256", &issuer, [GREEN, BOTH, ""]);
}
