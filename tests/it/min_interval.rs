//! `min_interval`: how often a provider is asked, whoever scrapes how often.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};
use crate::scrape::{Metrics, probe_path};

const OK: &str = "discovery ok, token ok";
const LIMITED: &str = "discovery ok, token rate_limited";
const AGE: &str = "probe_auth_result_age_seconds";

/// A module that asks for metadata and a token, with `more` beside its block.
fn module(provider: &Provider, more: &str) -> String {
    format!(
        "{{prober: oauth_cc, targets: ['{}', '{}'], {more}, \
         oauth_cc: {{client: {{id: monitor, secret: {}}}}}}}",
        provider.url(),
        provider.other_url(),
        provider.credentials().client_secret,
    )
}

async fn start(provider: &Provider, more: &str) -> Exporter {
    Exporter::start(&format!("modules: {{m: {}}}", module(provider, more))).await
}

/// How many tokens were asked for.
fn tokens(provider: &Provider) -> usize {
    provider.seen().iter().filter(|seen| seen.line == "POST /token").count()
}

fn age(metrics: &Metrics) -> f64 {
    metrics.value(AGE).unwrap()
}

/// Probes until it tells this story.
async fn until(exporter: &Exporter, provider: &Provider, story: &str) -> Metrics {
    let begun = Instant::now();
    loop {
        let metrics = exporter.probe("m", provider.url(), 10.0).await;
        if metrics.story() == story {
            return metrics;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "still {}", metrics.story());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_interval_the_last_result_is_served_with_its_age() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "min_interval: 1h").await;
    let first = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((first.story().as_str(), age(&first)), (OK, 0.0));
    assert_eq!(first.value("probe_auth_min_interval_seconds"), Some(3600.0));
    let asked = provider.seen();

    let mut ages = vec![0.0];
    for _ in 0..3 {
        let again = exporter.probe("m", provider.url(), 10.0).await;
        ages.push(age(&again));
        let other_than_the_age =
            |metrics: &Metrics| metrics.0.lines().filter(|l| !l.starts_with(AGE)).count();
        assert_eq!(again.story(), OK);
        assert_eq!(other_than_the_age(&again), other_than_the_age(&first));
        for series in ["probe_duration_seconds", "probe_auth_step_duration_seconds{step=\"token\"}"]
        {
            assert_eq!(again.value(series), first.value(series), "{series}");
        }
    }
    assert!(ages.is_sorted_by(|a, b| a < b), "{ages:?}");
    // The debug page is no way around it, and says so.
    let debug = exporter.get(&format!("{}&debug=true", probe_path("m", provider.url()))).await;
    assert!(
        debug.text().contains("  nothing was sent for this scrape: min_interval "),
        "{}",
        debug.text()
    );
    assert_eq!(provider.seen(), asked);

    let own = exporter.get("/metrics").await.metrics();
    let target = provider.url();
    for (series, count) in [
        (
            format!(
                "auth_exporter_probes_total{{module=\"m\",target=\"{target}\",result=\"success\"}}"
            ),
            1.0,
        ),
        ("auth_exporter_probe_duration_seconds_count{module=\"m\"}".to_owned(), 1.0),
    ] {
        assert_eq!(own.value(&series), Some(count), "{series}");
    }

    // Another target, and another configuration of the module, are asked anew.
    let other = exporter.probe("m", provider.other_url(), 10.0).await;
    assert_eq!((other.story().as_str(), age(&other), tokens(&provider)), (OK, 0.0, 2));
    let changed = format!("modules: {{m: {}}}", module(&provider, "min_interval: 2h"));
    std::fs::write(&exporter.file, changed).unwrap();
    assert_eq!(exporter.send("POST", "/-/reload", &[]).await.status, 200);
    let reloaded = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((reloaded.story().as_str(), age(&reloaded), tokens(&provider)), (OK, 0.0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_served_as_well_and_no_older_success_hides_it() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "min_interval: 1s").await;
    until(&exporter, &provider, OK).await;
    provider.switch_on(Fault::TokenRefusesClient);
    let refused = "discovery ok, token invalid_client";
    let failed = until(&exporter, &provider, refused).await;
    // The first answer that differs comes of a new run.
    assert_eq!(age(&failed), 0.0);
    provider.switch_off(Fault::TokenRefusesClient);
    let asked = tokens(&provider);
    let again = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((again.story().as_str(), tokens(&provider)), (refused, asked));
    assert!(age(&again) > 0.0);
    let healed = until(&exporter, &provider, OK).await;
    assert_eq!((age(&healed), tokens(&provider)), (0.0, asked + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_scrapes_share_one_run() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "min_interval: 1h").await;
    let probe = || exporter.probe("m", provider.url(), 10.0);
    let (a, b, c) = tokio::join!(probe(), probe(), probe());
    assert_eq!([a, b, c].map(|metrics| metrics.story()), [OK, OK, OK]);
    assert_eq!(tokens(&provider), 1);
    let own = exporter.get("/metrics").await.metrics();
    let count = own.value("auth_exporter_probe_duration_seconds_count{module=\"m\"}");
    assert_eq!(count, Some(1.0));
}

/// Other modules ask at each scrape, whatever the provider says, so that its recovery is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_provider_asks_for_is_kept() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&format!(
        "modules: {{m: {}, each_time: {}}}",
        module(&provider, "min_interval: 1ms"),
        module(&provider, "min_interval: 0s")
    ))
    .await;
    provider.switch_on(Fault::Token429);
    let limited = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((limited.story().as_str(), age(&limited)), (LIMITED, 0.0));
    let each_time = exporter.probe("each_time", provider.url(), 10.0).await;
    assert_eq!(each_time.story(), LIMITED);
    provider.switch_off(Fault::Token429);

    let asked = tokens(&provider);
    let again = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((again.story().as_str(), tokens(&provider)), (LIMITED, asked));
    assert!(age(&again) > 0.0);
    let debug = exporter.get(&format!("{}&debug=true", probe_path("m", provider.url()))).await;
    let why = "the provider wants to be left alone (Retry-After): the next probe runs in 30 s at \
               the earliest, and until then this result is served\n";
    assert!(debug.text().contains(why), "{}", debug.text());
    let each_time = exporter.probe("each_time", provider.url(), 10.0).await;
    assert_eq!(each_time.story(), OK);
}

/// `Retry-After` may be a date, and 503 may have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_may_end_at_a_date() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: jwt, targets: ['{}'], min_interval: 1ms, jwt: {{token: {{grant: \
         client_credentials, client: {{id: monitor, secret: {}}}}}, validate: {{algorithms: \
         [RS256]}}}}}}}}",
        provider.url(),
        provider.credentials().client_secret,
    ))
    .await;
    provider.switch_on(Fault::Keys503);
    let unavailable = "discovery ok, token ok, jwks http_5xx, validate -";
    let first = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((first.story().as_str(), age(&first)), (unavailable, 0.0));
    provider.switch_off(Fault::Keys503);
    let asked = tokens(&provider);
    let again = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((again.story().as_str(), tokens(&provider)), (unavailable, asked));
    assert!(age(&again) > 0.0);
}

/// A run that was cut off has no result to serve.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waited_for_is_not_served() {
    let provider = Provider::start().await;
    let exporter = start(&provider, "min_interval: 1h").await;
    provider.switch_on(Fault::TokenHang);
    let mut scrape = TcpStream::connect(exporter.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", probe_path("m", provider.url()));
    scrape.write_all(request.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let soon = || assert!(begun.elapsed() < Duration::from_secs(20));
    while tokens(&provider) == 0 {
        soon();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(scrape);
    while provider.in_flight() > 0 {
        soon();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    provider.switch_off(Fault::TokenHang);
    let next = exporter.probe("m", provider.url(), 10.0).await;
    assert_eq!((next.story().as_str(), age(&next), tokens(&provider)), (OK, 0.0, 2));
}
