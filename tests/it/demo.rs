//! The configuration of the demo loads, runs, and shows a fault that is switched over HTTP.

use std::net::SocketAddr;

use crate::exporter::Exporter;
use crate::provider::{Certificate, Fault, Provider};
use crate::scrape;

const CONFIGURATION: &str = include_str!("../../examples/demo/auth_exporter.yml");

async fn start(provider: &Provider) -> Exporter {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, provider.ca_pem()).unwrap();
    // The CA is read at load.
    Exporter::start(&provider.fill_in(CONFIGURATION, &ca_file)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_demo_runs() {
    let provider = Provider::start().await;
    let exporter = start(&provider).await;
    let account = format!("{}/v1/account", provider.url());
    let healthy = "discovery ok, token ok, call_api ok, refuse ok";
    let tokens = "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok";
    let login = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, \
         validate ok, userinfo ok, call_api ok, refresh ok, introspect ok, refuse ok, revoke ok, \
         logout ok";
    for (module, target, story) in [
        ("client_credentials", provider.url(), healthy),
        ("client_credentials", provider.tls_url(Certificate::Good), healthy),
        ("tokens", provider.url(), tokens),
        // The second time there is an earlier token.
        ("tokens", provider.url(), tokens),
        ("login", provider.url(), login),
        // The second time consent is remembered.
        ("login", provider.url(), &login.replace("consent ok", "consent unasked")),
        ("api_key", &account, "request ok, refuse ok"),
        (
            "expired_certificate",
            provider.tls_url(Certificate::Expired),
            "discovery certificate_expired, token -",
        ),
    ] {
        assert_eq!(exporter.probe(module, target, 10.0).await.story(), story, "{module}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_probe_shows_all_that_it_found() {
    let provider = Provider::start().await;
    let exporter = start(&provider).await;
    let target = provider.tls_url(Certificate::Good);
    let metrics = exporter.probe("client_credentials", target, 10.0).await;
    assert!(metrics.success(), "{}", metrics.story());
    for (series, value) in [
        ("probe_http_status_code", 200.0),
        ("probe_http_ssl", 1.0),
        ("probe_ip_protocol", 4.0),
        ("probe_auth_refused{check=\"no_credential\"}", 1.0),
        ("probe_auth_endpoint_available{endpoint=\"token\"}", 1.0),
        ("probe_auth_threshold_seconds{step=\"token\"}", 0.5),
        ("probe_auth_share_threshold_ratio", 0.99),
        ("probe_auth_step_http_status_code{step=\"refuse\"}", 401.0),
        ("probe_tls_version_info{version=\"TLS 1.3\"}", 1.0),
        (
            "probe_auth_module_info{module=\"client_credentials\",prober=\"oauth_cc\",provider=\"demo\"}",
            1.0,
        ),
        (
            "probe_auth_assertion_success{step=\"token\",assertion=\"json_body:$.expires_in:greater_than\"}",
            1.0,
        ),
    ] {
        assert_eq!(metrics.value(series), Some(value), "{series}");
    }
    let ttl = metrics.value("probe_auth_token_ttl_seconds{token=\"access_token\"}").unwrap();
    assert!((290.0..=300.0).contains(&ttl), "{ttl}");
    assert!(metrics.value("probe_ssl_earliest_cert_expiry").unwrap() > 2e9);
}

async fn switch(provider: &Provider, method: &str, path: &str) -> (u16, String) {
    let address: SocketAddr = provider.url().trim_start_matches("http://").parse().unwrap();
    let answer = scrape::send(address, method, path, &[]).await.unwrap();
    (answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_switched_over_http() {
    let provider = Provider::start().await;
    let line =
        |state: &str, fault: Fault| format!("{state:<4} {:<34} {}\n", fault.name(), fault.does());
    let all_off: String = Fault::ALL.iter().map(|fault| line("off", *fault)).collect();
    let one_on = all_off.replace(&line("off", Fault::Api500), &line("on", Fault::Api500));
    for (method, path, status, body) in [
        ("GET", "/faults", 200, all_off.as_str()),
        ("PUT", "/faults/api_500", 200, "api_500 is on: the API answers 500\n"),
        ("GET", "/faults", 200, &one_on),
        ("DELETE", "/faults/api_500", 200, "api_500 is off\n"),
        ("GET", "/faults", 200, &all_off),
        (
            "PUT",
            "/faults/connection_closed",
            200,
            &format!("connection_closed is on: {}\n", Fault::ConnectionClosed.does()),
        ),
        ("DELETE", "/faults", 200, "all faults are off\n"),
        ("GET", "/faults", 200, &all_off),
        (
            "PUT",
            "/faults/nonsense",
            404,
            "There is no fault \"nonsense\"; GET /faults lists them\n",
        ),
        ("POST", "/faults", 405, "Method not allowed\n"),
    ] {
        assert_eq!(
            switch(&provider, method, path).await,
            (status, body.to_owned()),
            "{method} {path}"
        );
    }
}
