//! The HTTP interface: paths, methods, parameters, formats.

use std::io::Read;

use crate::exporter::{DEMO, Exporter, write};
use crate::http::{probe_path, send};
use crate::provider::Provider;

async fn running() -> (Provider, Exporter) {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&provider, "").await;
    (provider, exporter)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_checked_in_the_order_of_the_contract() {
    let (provider, exporter) = running().await;
    let before = provider.seen().len();
    let module = "client_credentials";
    for (query, status, message) in [
        ("", 400, "Module parameter is missing"),
        ("module=&target=x", 400, "Module parameter is missing"),
        ("module=nobody", 400, "Unknown module \"nobody\""),
        ("module=client_credentials", 400, "Target parameter is missing"),
        ("module=client_credentials&target=", 400, "Target parameter is missing"),
        ("module=a&module=b&target=x", 400, "Parameter module is given more than once"),
        (
            "module=client_credentials&target=a&target=b",
            400,
            "Parameter target is given more than once",
        ),
        (
            "module=client_credentials&target=id.example",
            400,
            "Target parameter is not a URL: relative URL without a base",
        ),
        (
            "module=client_credentials&target=ftp://id.example",
            400,
            "Target parameter is not an http or https URL",
        ),
        (
            "module=client_credentials&target=https://u:p@id.example",
            400,
            "Target parameter holds userinfo: a credential belongs into the module",
        ),
        (
            "module=client_credentials&target=https://id.example%23f",
            400,
            "Target parameter holds a fragment",
        ),
        (
            "module=client_credentials&target=https://id.example%0d",
            400,
            "Target parameter holds a control character or a space",
        ),
        (
            "module=client_credentials&target=https://id.example&hostname=x",
            400,
            "Parameter hostname is not supported: the name in the target is the one that is checked",
        ),
        (
            "module=client_credentials&target=https://id.example",
            403,
            "Module \"client_credentials\" may not be pointed at this target: \
             it is neither in targets nor in allowed_targets",
        ),
    ] {
        let answer = exporter.get(&format!("/probe?{query}")).await;
        assert_eq!(answer.said(), (status, message.to_owned()), "{query}");
    }
    let path = format!("GET {}", probe_path(module, provider.url()));
    for timeout in ["0", "-1", "NaN", "inf", "ten", ""] {
        let header = ("X-Prometheus-Scrape-Timeout-Seconds", timeout);
        let answer = send(&exporter.address, &path, &[header]).await;
        let message = "X-Prometheus-Scrape-Timeout-Seconds is not a finite positive number";
        assert_eq!(answer.said(), (400, message.to_owned()), "{timeout:?}");
    }
    assert_eq!(provider.seen().len(), before, "nothing was sent");
    let metrics = exporter.get("/metrics").await.text();
    for line in [
        "auth_exporter_module_unknown_total 1.0",
        "auth_exporter_target_refused_total{module=\"client_credentials\"} 1.0",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_decoded_once() {
    let provider = Provider::start().await;
    let modules = "
  anywhere:
    prober: oauth_cc
    oauth_cc: {client: {id: monitor-public, auth: none}, discovery: false}
";
    let exporter = Exporter::start(&provider, modules).await;
    let target = format!("{}/a%252Bb", provider.url()).replace(':', "%3A");
    let answer = exporter.get(&format!("/probe?module=anywhere&target={target}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(provider.seen().last().unwrap().line, "POST /a%2Bb");
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_unknown_paths() {
    let (_provider, exporter) = running().await;
    for (line, status, allow) in [
        ("POST /probe", 405, Some("GET")),
        ("HEAD /probe", 405, Some("GET")),
        ("POST /metrics", 405, Some("GET, HEAD")),
        ("GET /-/reload", 405, Some("POST, PUT")),
        ("DELETE /", 405, Some("GET, HEAD")),
        ("GET /nowhere", 404, None),
        ("GET /probe/", 404, None),
        ("POST /nowhere", 404, None),
        ("GET /-/healthy", 200, None),
        ("GET /-/ready", 200, None),
        ("HEAD /metrics", 200, None),
        ("POST /-/reload", 200, None),
        ("PUT /-/reload", 200, None),
    ] {
        let answer = send(&exporter.address, line, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{line}");
        if line.starts_with("HEAD") && status == 200 {
            assert!(
                answer.body.is_empty() && answer.header("content-length") != Some("0"),
                "{line}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_are_negotiated_and_compressed() {
    let (provider, exporter) = running().await;
    let path = format!("GET {}", probe_path("client_credentials", provider.url()));
    let classic = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, content_type, ending) in
        [("*/*", classic, "\n"), ("application/openmetrics-text; version=1.0.0", open, "# EOF\n")]
    {
        let answer = send(&exporter.address, &path, &[("Accept", accept)]).await;
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert!(answer.text().ends_with(ending) && answer.text().contains("probe_success 1.0\n"));
        assert_eq!(answer.text().contains("# EOF"), ending == "# EOF\n");
    }
    let answer = send(&exporter.address, &path, &[("Accept-Encoding", "gzip")]).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    assert!(text.contains("probe_success 1.0\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn service_discovery_lists_every_listed_target() {
    let (provider, exporter) = running().await;
    let answer = exporter.get("/sd?module=client_credentials").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let found: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    let entry = |target: &str, environment: &str| {
        serde_json::json!({
            "targets": [exporter.address],
            "labels": {
                "__param_module": "client_credentials",
                "__param_target": target,
                "__metrics_path__": "/probe",
                "instance": target,
                "environment": environment,
            }
        })
    };
    let tls = provider.tls_url(crate::provider::Certificate::Good);
    assert_eq!(found, serde_json::json!([entry(provider.url(), "demo"), entry(tls, "demo-tls")]));
    let all: serde_json::Value = serde_json::from_str(&exporter.get("/sd").await.text()).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(exporter.get("/sd?module=nobody").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_reload_leaves_the_old_configuration_in_force() {
    let (provider, exporter) = running().await;
    let reload = async || send(&exporter.address, "POST /-/reload", &[]).await;
    write(&provider, &exporter.folder, &format!("{DEMO}  bad: {{prober: nothing}}\n"));
    let answer = reload().await;
    assert_eq!(answer.status, 500);
    let file = exporter.folder.path().join("auth_exporter.yml");
    let lines = DEMO.lines().count();
    assert_eq!(
        answer.text().trim_end(),
        format!(
            "failed to reload config: {}:{}: modules.bad.prober: unknown prober, \
             expected one of: oauth_cc, apikey",
            file.display(),
            lines + 1
        )
    );
    let metric = "auth_exporter_config_last_reload_successful";
    assert!(exporter.get("/metrics").await.text().contains(&format!("\n{metric} 0.0\n")));
    assert!(exporter.probe("client_credentials", provider.url(), "10").await.success());

    let renamed = DEMO.replace("  api_key:\n", "  renamed:\n");
    write(&provider, &exporter.folder, &renamed);
    assert_eq!(reload().await.status, 200);
    assert!(exporter.get("/metrics").await.text().contains(&format!("\n{metric} 1.0\n")));
    let account = format!("{}/v1/account", provider.url());
    assert!(exporter.probe("renamed", &account, "10").await.success());
    assert_eq!(exporter.get(&probe_path("api_key", &account)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_debug_page_tells_the_story() {
    let (provider, exporter) = running().await;
    provider.switch_on(crate::provider::Fault::TokenRefusesClient);
    let path = probe_path("client_credentials", provider.url());
    let page = exporter.get(&format!("{path}&debug=true")).await;
    assert_eq!(page.header("content-type"), Some("text/plain; charset=utf-8"));
    let text = page.text();
    for part in [
        "FAILED, invalid_client: status 401, error invalid_client: the secret has expired",
        "call_api     was not reached",
        "what to do: Check client id, secret and `client.auth`",
        "probe_auth_failure_info{step=\"token\",reason=\"invalid_client\"} 1.0",
        "secret: <secret>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let landing = exporter.get("/").await.text();
    assert!(landing.contains(&path.replacen('/', "", 1).replace('&', "&amp;")), "{landing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_exporter_did_is_counted() {
    let (provider, exporter) = running().await;
    exporter.probe("client_credentials", provider.url(), "10").await;
    provider.switch_on(crate::provider::Fault::Token500);
    exporter.probe("client_credentials", provider.url(), "10").await;
    let metrics = exporter.get("/metrics").await.text();
    let labels = format!("module=\"client_credentials\",target=\"{}\"", provider.url());
    for line in [
        format!("auth_exporter_probes_total{{{labels},result=\"success\"}} 1.0"),
        format!("auth_exporter_probes_total{{{labels},result=\"failure\"}} 1.0"),
        format!("auth_exporter_steps_total{{{labels},step=\"discovery\",result=\"success\"}} 2.0"),
        format!("auth_exporter_steps_total{{{labels},step=\"call_api\",result=\"success\"}} 1.0"),
        format!(
            "auth_exporter_probe_failures_total{{{labels},step=\"token\",reason=\"http_5xx\"}} 1.0"
        ),
        "auth_exporter_probe_duration_seconds_count{module=\"client_credentials\"} 2".to_owned(),
        "auth_exporter_probes_in_flight 0.0".to_owned(),
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}\n{metrics}");
    }
}
