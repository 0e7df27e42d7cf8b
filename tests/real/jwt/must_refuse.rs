//! APIs that refuse bad tokens with npm's jose and with Authlib of `PyPI`, and some that do not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::exporter::story;
use super::super::guarded_api::GuardedApi;
use super::super::provider::{Provider, SigningKeys};
use super::{assert_probe, exporter, module, refused, token_for};

const GREEN: &str = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
const ACCEPTED: &str =
    "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse bad_credential_accepted";
const CHECKS: &str = "decode algorithm key signature expiry issued_at issuer audience type claims";
const FORGED: [&str; 5] =
    ["no_credential", "tampered_signature", "alg_none", "foreign_key", "hs256_public_key"];

/// A block with the token of this resource and the API that takes it.
fn block(resource: &str, api: &str, must_refuse: &[&str]) -> Value {
    json!({
        "token": token_for(resource),
        "validate": {"audience": resource, "typ": "at+jwt"},
        "call_api": {"url": api, "must_refuse": must_refuse},
    })
}

#[test]
fn jose_and_authlib_refuse_every_forged_token_and_a_careless_api_does_not() {
    let provider = Provider::start();
    let issuer = provider.issuer();
    let [rs256, es256] = ["/api/jwt", "/api/jwt/es256"].map(|path| format!("{issuer}{path}"));
    let authlib = [&rs256, &es256].map(|audience| GuardedApi::that_verifies(issuer, audience));
    let good = FORGED.join(" ");
    let bad = good.replace("alg_none", "!alg_none");
    let rows = [
        ("jose_rs256", &rs256, rs256.as_str(), GREEN, &good),
        ("jose_es256", &es256, &es256, GREEN, &good),
        ("authlib_rs256", &rs256, authlib[0].origin(), GREEN, &good),
        ("authlib_es256", &es256, authlib[1].origin(), GREEN, &good),
        ("careless", &rs256, "/api/careless", ACCEPTED, &bad),
    ];
    let exporter = exporter(rows.map(|(name, resource, api, ..)| {
        (name.into(), module(issuer, &block(resource, api, &FORGED)))
    }));
    for (name, _, _, story, refused) in rows {
        assert_probe(&exporter, name, issuer, [story, CHECKS, refused]);
    }
    // The good one, none, one for each of two, `none` in four spellings, and the public key as a
    // secret in three forms.
    let seen = provider.requests(0);
    let calls = |request: &str| {
        seen.iter().filter(|seen| seen.is_of_exporter() && seen.request == request).count()
    };
    assert_eq!(["GET /api/jwt", "GET /api/jwt/es256", "GET /api/careless"].map(calls), [11; 3]);
}

#[test]
fn authlib_wants_the_right_audience() {
    let provider = Provider::start();
    let issuer = provider.issuer();
    let resource = format!("{issuer}/api/jwt");
    let elsewhere = GuardedApi::that_verifies(issuer, "https://elsewhere.example");
    let block = block(&resource, elsewhere.origin(), &["no_credential"]);
    let exporter = exporter([("m".to_owned(), module(issuer, &block))]);
    let story = "discovery ok, token ok, jwks ok, validate ok, call_api oauth_error, refuse -";
    assert_probe(&exporter, "m", issuer, [story, CHECKS, ""]);
}

#[test]
fn an_expired_token_is_sent_once_and_only_a_tolerant_api_takes_it() {
    let provider = Provider::start_short(&SigningKeys::generate(), 3);
    let issuer = provider.issuer();
    let resource = format!("{issuer}/api/jwt");
    let authlib = GuardedApi::that_verifies(issuer, &resource);
    let rows = [
        ("jose", "/api/jwt", GREEN, "expired"),
        ("authlib", authlib.origin(), GREEN, "expired"),
        ("tolerant", "/api/tolerant", ACCEPTED, "!expired"),
    ];
    let exporter = exporter(rows.map(|(name, api, ..)| {
        let mut block = block(&resource, api, &["expired"]);
        block["call_api"]["expired_after"] = "1s".into();
        (name.to_owned(), module(issuer, &block))
    }));
    for (name, ..) in rows {
        // There is none yet that could have expired.
        assert_probe(&exporter, name, issuer, [GREEN, CHECKS, ""]);
    }
    for (name, _, expected, sent) in rows {
        let deadline = Instant::now() + Duration::from_secs(30);
        let metrics = loop {
            let metrics = exporter.probe(name, issuer);
            if !refused(&metrics).is_empty() {
                break metrics;
            }
            assert!(Instant::now() < deadline, "{name}\n{metrics}");
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!([story(&metrics), refused(&metrics)], [expected, sent], "{name}\n{metrics}");
        // What was refused is not sent again; what was taken is.
        let again = if sent == "expired" { "" } else { sent };
        assert_probe(&exporter, name, issuer, [expected, CHECKS, again]);
    }
}
