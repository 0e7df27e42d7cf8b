//! Whatever hangs, the answer comes inside the budget, with the finished steps on record.

use std::time::{Duration, Instant};

use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_at_each_step_ends_inside_the_budget() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&provider, "").await;
    let account = format!("{}/v1/account", provider.url());
    for (fault, module, target, steps, reason) in [
        (
            Fault::DiscoveryHang,
            "client_credentials",
            provider.url(),
            &["call_api?", "discovery!", "refuse?", "token?"][..],
            "discovery timeout",
        ),
        (
            Fault::TokenHang,
            "client_credentials",
            provider.url(),
            &["call_api?", "discovery", "refuse?", "token!"],
            "token timeout",
        ),
        (
            Fault::TokenSlowBody,
            "client_credentials",
            provider.url(),
            &["call_api?", "discovery", "refuse?", "token!"],
            "token timeout",
        ),
        (
            Fault::ApiHang,
            "client_credentials",
            provider.url(),
            &["call_api!", "discovery", "refuse?", "token"],
            "call_api timeout",
        ),
        (
            Fault::ApiHangsWithoutToken,
            "client_credentials",
            provider.url(),
            &["call_api", "discovery", "refuse!", "token"],
            "refuse timeout",
        ),
        (Fault::KeyHang, "api_key", &account, &["refuse?", "request!"], "request timeout"),
        (Fault::KeyHangsWithoutKey, "api_key", &account, &["refuse!", "request"], "refuse timeout"),
    ] {
        provider.switch_on(fault);
        let began = Instant::now();
        // The budget is half of the scrape timeout at least: here 0.5 s.
        let probe = exporter.probe(module, target, "0.9").await;
        let took = began.elapsed();
        provider.switch_off(fault);
        assert_eq!(
            (probe.steps(), probe.failures()),
            (strings(steps), strings(&[reason])),
            "{fault:?}"
        );
        assert!(took >= Duration::from_millis(440), "{fault:?} took {took:?}");
        assert!(took < Duration::from_millis(900), "{fault:?} took {took:?}");
        assert_eq!(probe.value("probe_timeout_seconds"), Some(0.45), "{fault:?}");
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
