//! The landing page with the last probes, and the story of each at `/logs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use crate::exporter::Exporter;
use crate::modules::{configuration, target};
use crate::provider::{Fault, Provider};
use crate::scrape::{Answer, probe_path};

/// A module without a secret, whose target nobody answers for, and one with a name like markup.
const CLOSED: &str = "
modules:
  m:
    prober: oauth_cc
    timeout: 1s
    oauth_cc: {client: {id: x, auth: none}}
  <b>&amp;:
    prober: oauth_cc
    timeout: 1s
    provider: <i>
    oauth_cc: {client: {id: x, auth: none}}
";

/// The probes of the landing page: number, result, module, target, step and reason.
fn listed(page: &str) -> Vec<[String; 5]> {
    let row = Regex::new(
        "<tr><td><span class=\"badge [a-z]+\">([a-z]+)</span></td><td class=\"name\">([^<]*)</td>\
         <td class=\"target\">([^<]*)</td><td>([^<]*)</td><td class=\"number\">[0-9.]+ m?s</td>\
         <td class=\"began\">[0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT <small>[0-9.]+ [a-z]+ ago</small></td>\
         <td><a href=\"logs\\?id=([0-9]+)\">story</a></td></tr>",
    )
    .unwrap();
    let rows = row.captures_iter(page).map(|captures| {
        let [result, module, target, reason, id] =
            [1, 2, 3, 4, 5].map(|group| captures[group].to_owned());
        [id, result, module, target, reason]
    });
    rows.collect()
}

async fn ids(exporter: &Exporter) -> Vec<u64> {
    let page = exporter.get("/").await.text();
    listed(&page).iter().map(|row| row[0].parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_landing_page_lists_the_last_probes() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    assert!(exporter.get("/").await.text().contains("None yet"));
    let (asserted, key) = (target(&provider, "asserted"), target(&provider, "key"));
    exporter.probe("asserted", &asserted, 10.0).await;
    provider.switch_on(Fault::KeyRefuses);
    exporter.probe("key", &key, 10.0).await;
    let page = exporter.get("/").await.text();
    let row = |cells: [&str; 5]| cells.map(str::to_owned);
    assert_eq!(
        listed(&page),
        [
            row(["2", "failure", "key", &key, "request: http_4xx"]),
            row(["1", "success", "asserted", &asserted, ""]),
        ],
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_for_the_last_and_for_failed_ones_beside_them() {
    let provider = Provider::start().await;
    let exporter = Exporter::start_keeping(&configuration(&provider), 2).await;
    let target = target(&provider, "asserted");
    // The first, the third and the fifth fail.
    for number in 0..7 {
        if number % 2 == 0 && number < 6 {
            provider.switch_on(Fault::Token500);
        }
        exporter.probe("asserted", &target, 10.0).await;
        provider.switch_off(Fault::Token500);
    }
    assert_eq!(ids(&exporter).await, [7, 6, 5, 3]);
    for (id, status) in [(7, 200), (3, 200), (4, 404), (1, 404), (8, 404)] {
        assert_eq!(exporter.get(&format!("/logs?id={id}")).await.status, status, "{id}");
    }

    let none = Exporter::start_keeping(&configuration(&provider), 0).await;
    none.probe("asserted", &target, 10.0).await;
    assert_eq!(ids(&none).await, [0; 0]);
}

/// A run has one story, however many scrapes it answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_again_is_not_listed_again() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: oauth_cc, min_interval: 1h, targets: ['{}'], oauth_cc: \
         {{client: {{id: monitor, secret: {}}}}}}}}}",
        provider.url(),
        provider.credentials().client_secret,
    ))
    .await;
    for _ in 0..3 {
        assert!(exporter.probe("m", provider.url(), 10.0).await.success());
    }
    assert_eq!(ids(&exporter).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_asked_for_by_number_or_by_target() {
    let exporter = Exporter::start(CLOSED).await;
    for (module, target) in [
        ("m", "http://127.0.0.1:1/a"),
        ("<b>&amp;", "http://127.0.0.1:1/a"),
        ("m", "http://127.0.0.1:1/b"),
        ("m", "http://127.0.0.1:1/a"),
        ("<b>&amp;", "http://127.0.0.1:1/b"),
    ] {
        exporter.get(&probe_path(module, target)).await;
    }
    let (a, b) = ("http%3A%2F%2F127.0.0.1%3A1%2Fa", "http%3A%2F%2F127.0.0.1%3A1%2Fb");
    for (query, id) in [
        ("id=1".to_owned(), "1"),
        ("id=5".to_owned(), "5"),
        (format!("target={a}"), "4"),
        (format!("target={b}"), "5"),
        (format!("target={b}&module=m"), "3"),
        (format!("module=%3Cb%3E%26amp%3B&target={a}"), "2"),
    ] {
        let answer = exporter.get(&format!("/logs?{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        let number = format!("<dt>Number</dt><dd>{id}</dd>");
        assert!(answer.text().contains(&number), "{query}: {}", answer.text());
    }
    let gone =
        "There is no such probe, or it was too long ago: the landing page lists the last ones\n";
    for (query, status, message) in [
        ("id=6", 404, gone),
        ("id=0", 404, gone),
        ("target=http%3A%2F%2F127.0.0.1%3A1%2Fc", 404, gone),
        (&format!("target={a}&module=nobody"), 404, gone),
        ("id=x", 400, "Parameter id is not a number\n"),
        ("id=-1", 400, "Parameter id is not a number\n"),
        ("id=99999999999999999999999", 400, "Parameter id is not a number\n"),
        ("id=1&id=2", 400, "Parameter id is given more than once\n"),
        (&format!("id=1&target={a}"), 400, "Parameter id stands alone\n"),
        ("id=1&module=m", 400, "Parameter id stands alone\n"),
        ("", 400, "Parameter id or target is missing\n"),
        ("id=", 400, "Parameter id or target is missing\n"),
        ("module=m", 400, "Parameter id or target is missing\n"),
        (&format!("target={a}&target={b}"), 400, "Parameter target is given more than once\n"),
        ("target=%FF", 400, "A parameter is not UTF-8\n"),
    ] {
        let answer = exporter.get(&format!("/logs?{query}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, message), "{query}");
    }
}

/// The lines of the waterfall: step, outcome, reason, status, and from where to where its bar goes.
fn waterfall(page: &str) -> Vec<(String, f64, f64)> {
    let step = Regex::new(
        "<li><span class=\"step\">([a-z_]+)</span> <span class=\"badge [a-z]+\">([a-z ]+)</span> \
         <span class=\"reason\">([a-z_0-9]*)</span> <span class=\"status\">([a-z 0-9]*)</span> \
         <span class=\"time\">[0-9.ms ]*</span><svg class=\"bar\"[^>]*>(?:<rect class=\"[a-z]+\" \
         x=\"([0-9.]+)%\" width=\"([0-9.]+)%\" height=\"100%\" rx=\"2\"/>)?</svg>",
    )
    .unwrap();
    let steps = step.captures_iter(page).map(|captures| {
        let words = [1, 2, 3, 4].map(|group| &captures[group]).join(" ");
        let number =
            |group| captures.get(group).map_or(-1.0, |text| text.as_str().parse().unwrap());
        (words.trim_end().replace("  ", " "), number(5), number(6))
    });
    steps.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_shows_its_steps_one_after_the_other() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    provider.switch_on(Fault::Api500);
    exporter.probe("flow", provider.url(), 10.0).await;
    let page = exporter.get("/logs?id=1").await.text();
    let steps = waterfall(&page);
    let words: Vec<&str> = steps.iter().map(|(words, ..)| words.as_str()).collect();
    assert_eq!(
        words,
        [
            "discovery ok status 200",
            "token ok status 200",
            "introspect ok status 200",
            "call_api failed http_5xx status 500",
            "refuse not reached",
            "revoke not reached",
        ],
        "{page}"
    );
    let bars: Vec<(f64, f64)> = steps.iter().map(|(_, x, width)| (*x, *width)).collect();
    assert_eq!(bars[4..], [(-1.0, -1.0); 2]);
    assert!(bars[0].0 < 5.0, "{bars:?}");
    for pair in bars[..4].windows(2) {
        // Each begins where the one before it ends, but for thin ones that are drawn thicker.
        assert!(pair[1].0 >= pair[0].0 && pair[1].0 + 1.0 >= pair[0].0 + pair[0].1, "{bars:?}");
    }
    assert!(bars[..4].iter().all(|(x, width)| x + width <= 100.01 && *width >= 0.6), "{bars:?}");
    assert!(page.contains("<p><strong>call_api: http_5xx</strong></p>"), "{page}");
    let story = Regex::new("<li><span class=\"at\">[0-9.]+ ms</span> <span class=\"step\">call_api</span> <span class=\"text\">FAILED, http_5xx: status 500</span></li>").unwrap();
    assert!(story.is_match(&page), "{page}");
    assert!(page.contains("<p>What to do: "), "{page}");
}

fn assert_strict(answer: &Answer, what: &str) {
    let page = answer.text();
    let (_, rest) = page.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(hash)
    );
    assert_eq!(answer.header("content-security-policy"), Some(policy.as_str()), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{what}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{what}");
    let active = Regex::new(
        "(?i)<(script|form|iframe|object|link|base)|<[^>]* (style|on[a-z]+)=|javascript:",
    )
    .unwrap();
    assert_eq!(active.find(&page).map(|found| found.as_str()), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_allow_nothing_and_escape_everything() {
    let exporter = Exporter::start(CLOSED).await;
    let target = "http://127.0.0.1:1/<script>alert(1)</script>?\"'&amp;";
    exporter.get(&probe_path("<b>&amp;", target)).await;
    for path in ["/", "/logs?id=1"] {
        let answer = exporter.get(path).await;
        assert_strict(&answer, path);
        let page = answer.text();
        assert!(
            page.contains(
                "http://127.0.0.1:1/&lt;script&gt;alert(1)&lt;/script&gt;?&quot;&#39;&amp;amp;"
            ),
            "{page}"
        );
        assert!(page.contains("&lt;b&gt;&amp;amp;"), "{page}");
        for raw in ["<b>", "<i>", "<script"] {
            assert!(!page.contains(raw), "{path} holds {raw}");
        }
    }
}
