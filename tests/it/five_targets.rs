//! What `blackbox_exporter` shows as the same zeros: six targets, six different answers.

use std::net::Ipv4Addr;
use std::time::Instant;

use tokio::net::TcpListener;

use crate::exporter::Exporter;
use crate::provider::{Certificate, Fault, Provider};

/// New Year 2020, when the expired certificate did.
const EXPIRED: f64 = 1_577_836_800.0;
const SCRAPE_TIMEOUT: f64 = 1.0;

#[tokio::test(flavor = "multi_thread")]
async fn each_target_gets_its_own_answer_inside_the_budget() {
    let (good, hanging, redirecting, refusing) =
        tokio::join!(Provider::start(), Provider::start(), Provider::start(), Provider::start());
    hanging.switch_on(Fault::TokenHang);
    redirecting.switch_on(Fault::TokenRedirect);
    refusing.switch_on(Fault::TokenRefusesClient);
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, good.ca_pem()).unwrap();
    // Without a secret it may be pointed anywhere.
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: oauth_cc, http: {{tls_config: {{ca_file: '{}'}}}}, oauth_cc: {{client: {{id: monitor-public, auth: none}}, call_api: {{url: /api/me}}}}}}}}",
        ca_file.display()
    ))
    .await;
    let healthy = "discovery ok, token ok, call_api ok";
    for (target, story, expiry) in [
        (good.url(), healthy, None),
        (good.tls_url(Certificate::Good), healthy, Some(false)),
        (&closed, "discovery connection_refused, token -, call_api -", None),
        (refusing.url(), "discovery ok, token invalid_client, call_api -", None),
        (hanging.url(), "discovery ok, token timeout, call_api -", None),
        (
            good.tls_url(Certificate::Expired),
            "discovery certificate_expired, token -, call_api -",
            Some(true),
        ),
        (redirecting.url(), "discovery ok, token redirect_refused, call_api -", None),
    ] {
        let started = Instant::now();
        let metrics = exporter.probe("m", target, SCRAPE_TIMEOUT).await;
        let elapsed = started.elapsed().as_secs_f64();
        assert_eq!(metrics.story(), story);
        assert_eq!(metrics.success(), story == healthy, "{story}");
        assert!(elapsed < SCRAPE_TIMEOUT, "{story}: answered after {elapsed} s");
        let not_after = metrics.value("probe_ssl_earliest_cert_expiry");
        assert_eq!(not_after.map(|not_after| not_after == EXPIRED), expiry, "{story}");
    }
}

/// A CA that is not trusted is another answer than an expired certificate.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_ca_is_told_from_an_expired_certificate() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: monitor-public, auth: none}}}}",
    )
    .await;
    let metrics = exporter.probe("m", provider.tls_url(Certificate::Good), 10.0).await;
    assert_eq!(metrics.story(), "discovery certificate_untrusted, token -");
    assert!(metrics.value("probe_ssl_earliest_cert_expiry").is_some());
}
