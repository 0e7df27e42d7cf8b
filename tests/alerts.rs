//! The rules and the example of Alertmanager at work: the demo runs with Prometheus and Alertmanager,
//! breaks its provider in one way after the other, and sees just the right alert fire and end.
//!
//! It is a test binary of its own, so that nothing runs beside it: time runs 40 times as fast, and
//! what is slow is taken for an outage.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

/// The demo, which `cargo test` builds.
fn demo() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let profile = test.parent().and_then(|folder| folder.parent()).expect("a target folder");
    let demo = profile.join("examples/demo");
    assert!(demo.is_file(), "{} is missing: cargo build --example demo", demo.display());
    demo
}

#[test]
fn each_fault_leads_to_its_alert_and_to_no_other_and_ends_with_it() {
    let arguments = ["--web.listen-address", "127.0.0.1:0", "--once", "--alerts"];
    let output = Command::new(demo()).args(arguments).output().expect("the demo runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    // The name of a fault stands at the beginning of a line, and below it when the alert fired and
    // when it ended. The seconds depend on the machine.
    let mut story = Vec::new();
    let mut fault = "";
    for line in shown.lines() {
        if let Some((_, alert)) =
            line.strip_prefix("  fires after ").and_then(|l| l.split_once(": "))
        {
            story.push(format!("{fault}: {alert}"));
        } else if line.starts_with("  resolved after ") {
            story.push(format!("{fault}: resolved"));
        } else if let Some((name, _)) = line.split_once(": ")
            && !line.starts_with(' ')
        {
            fault = name;
        }
    }
    let expected = [
        ("token_500", "AuthTokenEndpointDown token http_5xx"),
        ("token_refuses_client", "AuthStepFailing token invalid_client"),
        ("discovery_500", "AuthAuthorizationServerUnavailable discovery http_5xx"),
        ("keys_503", "AuthKeySetUnavailable jwks http_5xx"),
        ("id_token_foreign_key", "AuthForgerySuspected validate signature_invalid"),
        ("api_500", "AuthApiUnavailable call_api http_5xx"),
        ("key_refuses", "AuthStepFailing request http_4xx"),
        ("refresh_refused", "AuthStepFailing refresh invalid_grant"),
        ("logout_500", "AuthFollowUpFailing logout http_5xx"),
        ("token_429", "AuthRateLimited token rate_limited"),
        ("api_accepts_anything", "AuthBadCredentialAccepted refuse bad_credential_accepted"),
    ];
    let expected: Vec<String> = expected
        .iter()
        .flat_map(|(fault, alert)| [format!("{fault}: {alert}"), format!("{fault}: resolved")])
        .collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(story, expected, "{shown}\n{said}");
    assert!(output.status.success(), "{shown}\n{said}");
}
