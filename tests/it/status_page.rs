//! The status page of the provider: what it says is exported beside the probe, and judges nothing.

use std::time::Instant;

use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};
use crate::scrape::{Metrics, probe_path};

const SUCCESS: &str = "probe_auth_status_page_success";
const STATUS: &str = "probe_auth_provider_status";

/// A module with this status page, whose account service it may not tell any secret.
fn module(provider: &Provider, page: &str) -> String {
    format!(
        "{{prober: apikey, targets: ['{}/v1/account'], http: {{headers: {{X-Extra: hidden-text}}}}, \
         status_page: {{{page}}}, apikey: {{key: {}, name: X-API-Key}}}}",
        provider.url(),
        provider.credentials().api_key,
    )
}

async fn start(provider: &Provider, page: &str) -> Exporter {
    Exporter::start(&format!("modules: {{m: {}}}", module(provider, page))).await
}

async fn probe(exporter: &Exporter, provider: &Provider) -> Metrics {
    let metrics = exporter.probe("m", &format!("{}/v1/account", provider.url()), 10.0).await;
    assert_eq!(metrics.story(), "request ok");
    assert!(metrics.success());
    metrics
}

/// `none`, or `-` when the page could not be read.
fn says(metrics: &Metrics) -> String {
    let all: Vec<(&str, f64)> =
        metrics.series().filter(|(series, _)| series.starts_with(STATUS)).collect();
    match (metrics.value(SUCCESS), all.as_slice()) {
        (Some(1.0), [(series, 1.0)]) => series.split('"').nth(1).unwrap().to_owned(),
        (Some(0.0), []) => "-".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_formats_say_what_is_going_on() {
    let provider = Provider::start().await;
    for (page, unheard_of) in [
        // An incident without a word on its weight is a small one.
        ("url: /status/api/v2/status.json", "unknown"),
        ("url: /status/feed", "minor"),
    ] {
        let exporter = start(&provider, page).await;
        assert_eq!(says(&probe(&exporter, &provider).await), "none", "{page}");
        for (fault, expected) in [
            (Fault::StatusPageMinor, "minor"),
            (Fault::StatusPageMajor, "major"),
            (Fault::StatusPageCritical, "critical"),
            (Fault::StatusPageMaintenance, "maintenance"),
            (Fault::StatusPage500, "-"),
            (Fault::StatusPageHang, "-"),
            (Fault::StatusPageHtml, "-"),
            (Fault::StatusPageEndless, "-"),
            (Fault::StatusPageRedirect, "none"),
            (Fault::StatusPageUnheardOf, unheard_of),
        ] {
            provider.switch_on(fault);
            let found = says(&probe(&exporter, &provider).await);
            provider.switch_off(fault);
            assert_eq!(found, expected, "{page} with {}", fault.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_read_any_other_page() {
    let provider = Provider::start().await;
    let contains = "url: /status/feed, assertions: [{type: response_contains, \
                    operator: not_equals, value: outage}]";
    let exporter = start(&provider, contains).await;
    assert_eq!(says(&probe(&exporter, &provider).await), "none");
    provider.switch_on(Fault::StatusPageMajor);
    assert_eq!(says(&probe(&exporter, &provider).await), "unknown");
    provider.switch_off(Fault::StatusPageMajor);
    provider.switch_on(Fault::StatusPage500);
    assert_eq!(says(&probe(&exporter, &provider).await), "-");
    provider.switch_off(Fault::StatusPage500);

    let json = "url: /status/api/v2/status.json, assertions: [{type: json_body, \
                path: $.status.indicator, operator: one_of, value: [none, minor]}]";
    let exporter = start(&provider, json).await;
    for (fault, expected) in
        [(Fault::StatusPageMinor, "none"), (Fault::StatusPageCritical, "unknown")]
    {
        provider.switch_on(fault);
        assert_eq!(says(&probe(&exporter, &provider).await), expected);
        provider.switch_off(fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_the_module_goes_to_the_page() {
    let provider = Provider::start().await;
    // The page lies at the target's origin, which gets the headers of the module otherwise.
    let exporter = start(&provider, "url: /status/api/v2/status.json").await;
    probe(&exporter, &provider).await;
    let seen = provider.seen();
    let of = |path: &str| -> Vec<Vec<String>> {
        let found = seen.iter().filter(|seen| seen.line == format!("GET {path}"));
        found.map(|seen| seen.secrets.clone()).collect()
    };
    let sent = of("/v1/account").concat();
    assert!(sent.contains(&"hidden-text".to_owned()), "{sent:?}");
    assert_eq!(of("/status/api/v2/status.json"), [Vec::<String>::new()]);
}

/// The page runs beside the flow: it costs no time of the probe, and two seconds of the scrape.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_hangs_has_two_seconds_and_no_more_than_the_budget() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "url: /status/feed").await;
    provider.switch_on(Fault::StatusPageHang);
    let target = format!("{}/v1/account", provider.url());
    for (timeout, least, most) in [(10.0, 2.0, 4.0), (1.0, 0.5, 1.0)] {
        let began = Instant::now();
        let metrics = exporter.probe("m", &target, timeout).await;
        let took = began.elapsed().as_secs_f64();
        assert!((least..most).contains(&took), "{timeout}: {took}");
        assert_eq!((metrics.story().as_str(), says(&metrics).as_str()), ("request ok", "-"));
        let duration = metrics.value("probe_duration_seconds").unwrap();
        assert!(duration < 0.5, "{duration}");
    }
    let debug = exporter.get(&format!("{}&debug=true", probe_path("m", &target))).await.text();
    let line = "the status page of the provider cannot be read: timeout, ";
    assert!(debug.contains(line), "{debug}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_says_is_in_the_story_and_its_words_in_no_label() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "url: /status/api/v2/status.json").await;
    provider.switch_on(Fault::StatusPageUnheardOf);
    let target = format!("{}/v1/account", provider.url());
    let debug = exporter.get(&format!("{}&debug=true", probe_path("m", &target))).await.text();
    let line = "the status page of the provider says unknown (\"}] # HELP <script>)\n";
    assert!(debug.contains(line), "{debug}");
    let metrics = exporter.probe("m", &target, 10.0).await.0;
    assert!(!metrics.contains("script"), "{metrics}");
}

/// Every prober has it, and a failed probe as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_says_it_is_fine_while_the_probe_fails() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: oauth_cc, targets: ['{}'], status_page: {{url: \
         '{}/status/feed'}}, oauth_cc: {{client: {{id: monitor, secret: not-the-secret}}}}}}}}",
        provider.url(),
        provider.other_url(),
    ))
    .await;
    let metrics = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!(metrics.story(), "discovery ok, token invalid_client");
    assert_eq!((metrics.success(), says(&metrics).as_str()), (false, "none"));
}
