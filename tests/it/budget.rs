//! Whatever hangs, the answer comes inside the scrape timeout and says how far the flow came.

use std::net::Ipv4Addr;
use std::time::Instant;

use tokio::net::TcpListener;

use crate::exporter::Exporter;
use crate::modules::{configuration, target, told};
use crate::provider::{Fault, Provider};

/// How long a scrape waits, and the budget that it leaves, in seconds.
#[derive(Clone, Copy)]
struct Scrape {
    timeout: f64,
    budget: f64,
}

/// Half of the timeout is the budget, the other half the offset.
const SHORT: Scrape = Scrape { timeout: 1.0, budget: 0.5 };

async fn hangs(exporter: &Exporter, module: &str, target: &str, scrape: Scrape, story: &str) {
    let started = Instant::now();
    let metrics = exporter.probe(module, target, scrape.timeout).await;
    let elapsed = started.elapsed().as_secs_f64();
    assert_eq!(metrics.story(), story);
    assert!(elapsed < scrape.timeout, "{story}: answered after {elapsed} s");
    assert_eq!(metrics.value("probe_success"), Some(0.0), "{story}");
    assert_eq!(metrics.value("probe_timeout_seconds"), Some(scrape.budget), "{story}");
    let duration = metrics.value("probe_duration_seconds").unwrap();
    assert!((scrape.budget..elapsed).contains(&duration), "{story}: {duration} of {elapsed} s");
    for step in metrics.steps() {
        assert_eq!(step.seconds.is_some(), step.reached, "{story}: {step:?}");
    }
    let spent: f64 = metrics.steps().iter().filter_map(|step| step.seconds).sum();
    assert!(spent <= duration, "{story}: steps of {spent} s in {duration} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_at_each_step_of_oauth_cc() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, story) in [
        (
            Fault::DiscoveryHang,
            "discovery timeout, token -, introspect -, call_api -, refuse -, revoke -",
        ),
        (
            Fault::TokenHang,
            "discovery ok, token timeout, introspect -, call_api -, refuse -, revoke -",
        ),
        (
            Fault::TokenSlowBody,
            "discovery ok, token timeout, introspect -, call_api -, refuse -, revoke -",
        ),
        (
            Fault::IntrospectionHang,
            "discovery ok, token ok, introspect timeout, call_api -, refuse -, revoke -",
        ),
        (
            Fault::ApiHang,
            "discovery ok, token ok, introspect ok, call_api timeout, refuse -, revoke -",
        ),
        (
            Fault::ApiHangsWithoutToken,
            "discovery ok, token ok, introspect ok, call_api ok, refuse timeout, revoke -",
        ),
        (
            Fault::RevocationHang,
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke timeout",
        ),
    ] {
        provider.switch_on(fault);
        hangs(&exporter, "flow", &target(&provider, "flow"), SHORT, story).await;
        provider.switch_off(fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_at_each_step_of_apikey() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, story) in [
        (Fault::KeyHang, "request timeout, refuse -, key_info -"),
        (Fault::KeyHangsWithoutKey, "request ok, refuse timeout, key_info -"),
        (Fault::KeyInfoHang, "request ok, refuse ok, key_info timeout"),
    ] {
        provider.switch_on(fault);
        hangs(&exporter, "key", &target(&provider, "key"), SHORT, story).await;
        provider.switch_off(fault);
    }
}

/// A login does more in its half second, so it has two and a half.
#[tokio::test(flavor = "multi_thread")]
async fn a_hang_at_each_step_of_oauth_authcode() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, module, step) in [
        (Fault::DiscoveryHang, "login", "discovery"),
        (Fault::PushedHang, "pushed", "par"),
        (Fault::AuthorizeHang, "login", "authorize"),
        (Fault::LoginSlowPage, "login", "authorize"),
        (Fault::LoginHang, "login", "login"),
        (Fault::TokenHang, "login", "token"),
        (Fault::UserinfoHang, "login", "userinfo"),
        (Fault::ApiHang, "login", "call_api"),
        (Fault::IntrospectionHang, "login", "introspect"),
        (Fault::RevocationHang, "login", "revoke"),
        (Fault::LogoutHang, "login", "logout"),
    ] {
        provider.switch_on(fault);
        let scrape = Scrape { timeout: 3.0, budget: 2.5 };
        let (target, story) = (target(&provider, module), told(module, step, "timeout"));
        hangs(&exporter, module, &target, scrape, &story).await;
        provider.switch_off(fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_accepts_and_says_nothing() {
    // The kernel accepts for it; nobody ever reads.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let exporter = Exporter::start(
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}",
    )
    .await;
    for scheme in ["http", "https"] {
        let target = format!("{scheme}://{address}");
        hangs(&exporter, "m", &target, SHORT, "discovery timeout, token -").await;
    }
}

/// The module's own timeout wins when it is smaller.
#[tokio::test(flavor = "multi_thread")]
async fn the_timeout_of_the_module() {
    let provider = Provider::start().await;
    provider.switch_on(Fault::DiscoveryHang);
    let url = provider.url();
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: oauth_cc, timeout: 200ms, targets: ['{url}'], oauth_cc: {{client: {{id: x, auth: none}}}}}}}}"
    ))
    .await;
    let started = Instant::now();
    let metrics = exporter.probe("m", url, 30.0).await;
    assert_eq!(metrics.value("probe_timeout_seconds"), Some(0.2));
    assert_eq!(metrics.story(), "discovery timeout, token -");
    assert!(started.elapsed().as_secs_f64() < SHORT.timeout);
}
