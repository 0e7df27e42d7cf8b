//! Claims: a check passes exactly when its clause says so.

use auth_exporter::protocol::claims::{self, Clock};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::cases;
use super::json::{object, often, value};

const NOW: f64 = 1_700_000_000.0;
const LEEWAY: f64 = 30.0;
const CLOCK: Clock = Clock { now: NOW, leeway: LEEWAY };

/// A time near now as a number, or any value.
fn time() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-100_i64..100).prop_map(|from_now| json!(1_700_000_000 + from_now)),
        (-100.0..100.0_f64).prop_map(|from_now| json!(NOW + from_now)),
        Just(json!("1700000050")),
        value(),
    ]
}

fn payload() -> impl Strategy<Value = Map<String, Value>> {
    let words =
        || prop::collection::vec(often(&["api", "read", "write"]), 0..3).prop_map(Value::from);
    object(vec![
        ("exp", time().boxed()),
        ("nbf", time().boxed()),
        ("iat", time().boxed()),
        ("iss", often(&["https://a.example", "https://a.example/"]).boxed()),
        ("aud", prop_oneof![often(&["api", "other"]), words()].boxed()),
        ("scope", prop_oneof![often(&["read write", "read", "readwrite"]), words()].boxed()),
        ("scp", prop_oneof![often(&["write"]), words()].boxed()),
    ])
}

/// All of these are texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        value => value.as_str().map(|text| vec![text]),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn each_check_passes_when_its_clause_says_so(payload in payload()) {
        let number = |name: &str| payload.get(name).map(Value::as_f64);
        let passed = |verdict: Option<Result<(), claims::ClaimError>>| verdict.map(|verdict| verdict.is_ok());

        let exp = number("exp").map(|exp| exp.is_some_and(|exp| NOW - LEEWAY < exp));
        prop_assert_eq!(passed(claims::expiry(&payload, CLOCK, true)), Some(exp == Some(true)));
        prop_assert_eq!(passed(claims::expiry(&payload, CLOCK, false)), exp);
        let nbf = number("nbf").map(|nbf| nbf.is_some_and(|nbf| nbf <= NOW + LEEWAY));
        prop_assert_eq!(passed(claims::not_before(&payload, CLOCK)), nbf);
        let iat = number("iat").map(|iat| iat.is_some_and(|iat| iat <= NOW + LEEWAY));
        prop_assert_eq!(passed(claims::issued_at(&payload, CLOCK)), iat);

        let iss = payload.get("iss") == Some(&json!("https://a.example"));
        prop_assert_eq!(claims::issuer(&payload, "https://a.example").is_ok(), iss);

        let aud = payload.get("aud").and_then(texts);
        let named = aud.as_ref().is_some_and(|aud| aud.contains(&"api"));
        prop_assert_eq!(claims::audience(&payload, &["api".into()], false).is_ok(), named);
        let alone = aud.is_some_and(|aud| !aud.is_empty() && aud.iter().all(|name| *name == "api"));
        prop_assert_eq!(claims::audience(&payload, &["api".into()], true).is_ok(), alone);

        let words = |name: &str| match payload.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::String(text)) => Some(text.split_whitespace().collect()),
            Some(value) => texts(value),
        };
        let granted = words("scope").zip(words("scp")).is_some_and(|(scope, scp)| {
            ["read", "write"].iter().all(|wanted| scope.contains(wanted) || scp.contains(wanted))
        });
        prop_assert_eq!(claims::scopes(&payload, &["read".into(), "write".into()]).is_ok(), granted);
    }
}
