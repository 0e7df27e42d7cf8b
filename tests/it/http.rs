//! The exporter's HTTP interface: paths, methods, parameters, formats.

use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::exporter::Exporter;
use crate::modules::{configuration, target};
use crate::provider::Provider;
use crate::scrape::probe_path;

/// A module without a secret that may be pointed at one closed port.
const CLOSED: &str = "
modules:
  m:
    prober: oauth_cc
    timeout: 1s
    targets: [{url: 'http://127.0.0.1:1/', labels: {team: a}}, 'http://127.0.0.1:1/b']
    oauth_cc: {client: {id: x, auth: none}}
  n:
    prober: apikey
    provider: acme
    targets: ['http://127.0.0.1:1/n?a=1&b=2']
    apikey: {key: the-key-of-n, name: X-API-Key}
";
/// The target that `m` lists first.
const LISTED: &str = "http%3A%2F%2F127.0.0.1%3A1%2F";

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_a_probe_are_checked_in_order() {
    let exporter = Exporter::start(CLOSED).await;
    let timeout = |value: &str| format!("x-prometheus-scrape-timeout-seconds: {value}");
    let garbage = timeout("soon");
    let bad = "X-Prometheus-Scrape-Timeout-Seconds is not a finite positive number\n";
    let refused = "Module \"m\" may not be pointed at this target: it is neither in targets nor in allowed_targets\n";
    for (query, status, message) in [
        ("", 400, "Module parameter is missing\n"),
        ("?target=ftp://x", 400, "Module parameter is missing\n"),
        ("?module=", 400, "Module parameter is missing\n"),
        ("?module=m&module=m", 400, "Parameter module is given more than once\n"),
        ("?module=x%22y", 400, "Unknown module \"x\\\"y\"\n"),
        ("?module=M&target=ftp://x", 400, "Unknown module \"M\"\n"),
        ("?module=m", 400, "Target parameter is missing\n"),
        ("?module=m&target=", 400, "Target parameter is missing\n"),
        ("?module=m&target=a&target=b", 400, "Parameter target is given more than once\n"),
        ("?module=m&target=%FF", 400, "A parameter is not UTF-8\n"),
        (
            "?module=m&target=localhost",
            400,
            "Target parameter is not a URL: relative URL without a base\n",
        ),
        (
            "?module=m&target=ftp://127.0.0.1:1/",
            400,
            "Target parameter is not an http or https URL\n",
        ),
        (
            "?module=m&target=http://user:hidden@127.0.0.1:1/",
            400,
            "Target parameter holds userinfo: a credential belongs into the module\n",
        ),
        ("?module=m&target=http://127.0.0.1:1/%23x", 400, "Target parameter holds a fragment\n"),
        (
            "?module=m&target=http://127.0.0.1:1/%0A",
            400,
            "Target parameter holds a control character or a space\n",
        ),
        (
            &format!("?module=m&target={LISTED}&hostname=a.example"),
            400,
            "Parameter hostname is not supported: the name in the target is the one that is checked\n",
        ),
        (
            &format!("?module=m&target={LISTED}&debug=true&debug=true"),
            400,
            "Parameter debug is given more than once\n",
        ),
        ("?module=m&target=http://127.0.0.1:2/", 403, refused),
        // The same for a URL parser, but not the same text.
        ("?module=m&target=http://127.0.0.1:1", 403, refused),
        ("?module=m&target=HTTP://127.0.0.1:1/", 403, refused),
        (&format!("?module=m&target={LISTED}"), 400, bad),
    ] {
        let answer = exporter.send("GET", &format!("/probe{query}"), &[&garbage]).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, message), "{query}");
    }
    for value in ["0", "-1", "NaN", "inf", "1e999", "", "5s"] {
        let path = format!("/probe?module=m&target={LISTED}");
        let answer = exporter.send("GET", &path, &[&timeout(value)]).await;
        assert_eq!((answer.status, answer.text().as_str()), (400, bad), "{value:?}");
    }
    let path = format!("/probe?module=m&target={LISTED}");
    let answer = exporter.send("GET", &path, &[&timeout("5"), &timeout("5")]).await;
    assert_eq!((answer.status, answer.text().as_str()), (400, bad));
    let metrics = exporter.get("/metrics").await.metrics();
    for (series, count) in [
        ("auth_exporter_module_unknown_total", 2.0),
        ("auth_exporter_target_refused_total{module=\"m\"}", 3.0),
        ("auth_exporter_target_refused_total{module=\"n\"}", 0.0),
        ("auth_exporter_probe_duration_seconds_count{module=\"m\"}", 0.0),
    ] {
        assert_eq!(metrics.value(series), Some(count), "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_target_that_is_not_allowed() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for target in [format!("{}/other", provider.url()), provider.other_url().to_owned()] {
        let answer = exporter.get(&probe_path("flow", &target)).await;
        assert_eq!(answer.status, 403, "{target}");
    }
    assert_eq!(provider.seen(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods() {
    let exporter = Exporter::start(CLOSED).await;
    let probe = format!("/probe?module=m&target={LISTED}");
    for (method, path, status, allow) in [
        ("GET", "/", 200, None),
        ("HEAD", "/", 200, None),
        ("POST", "/", 405, Some("GET, HEAD")),
        ("GET", "/metrics", 200, None),
        ("HEAD", "/metrics", 200, None),
        ("DELETE", "/metrics", 405, Some("GET, HEAD")),
        ("GET", "/sd", 200, None),
        ("PUT", "/sd", 405, Some("GET, HEAD")),
        ("GET", "/config", 200, None),
        ("POST", "/config", 405, Some("GET, HEAD")),
        ("GET", "/-/healthy", 200, None),
        ("HEAD", "/-/ready", 200, None),
        ("OPTIONS", "/-/ready", 405, Some("GET, HEAD")),
        ("GET", &probe, 200, None),
        ("HEAD", &probe, 405, Some("GET")),
        ("POST", &probe, 405, Some("GET")),
        ("GET", "/-/reload", 405, Some("POST, PUT")),
        ("HEAD", "/-/reload", 405, Some("POST, PUT")),
        ("GET", "/logs", 400, None),
        ("HEAD", "/logs?id=1", 200, None),
        ("POST", "/logs?id=1", 405, Some("GET, HEAD")),
        ("GET", "/nothing", 404, None),
        ("POST", "/nothing", 404, None),
        ("GET", "/probe/", 404, None),
        ("GET", "//metrics", 404, None),
        ("GET", "/metrics/../config", 404, None),
        ("GET", "/%6Detrics", 404, None),
    ] {
        let answer = exporter.send(method, path, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        if method == "HEAD" {
            assert_eq!(answer.text(), "", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get() {
    let exporter = Exporter::start(CLOSED).await;
    for path in ["/", "/config", "/sd", "/-/healthy"] {
        let get = exporter.get(path).await;
        let head = exporter.send("HEAD", path, &[]).await;
        for name in ["content-length", "content-type"] {
            assert!(get.header(name).is_some(), "{path} {name}");
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

/// `%252B` in the URL of the scrape is `%2B` in the target, and stays that.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_decoded_once() {
    let provider = Provider::start().await;
    let url = provider.url();
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: apikey, targets: ['{url}/a%2Bb?c=%2B'], apikey: {{key: some-api-key, name: X-API-Key}}}}}}"
    ))
    .await;
    let answer = exporter.get(&format!("/probe?module=m&target={url}/a%252Bb?c=%252B")).await;
    assert_eq!(answer.metrics().story(), "request http_4xx");
    let lines: Vec<_> = provider.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /a%2Bb?c=%2B"]);
    let once = exporter.get(&format!("/probe?module=m&target={url}/a%2Bb?c=%2B")).await;
    assert_eq!(once.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn health() {
    let exporter = Exporter::start(CLOSED).await;
    assert_eq!(exporter.get("/-/healthy").await.text(), "Healthy\n");
    assert_eq!(exporter.get("/-/ready").await.text(), "Ready\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_discovery_lists_every_target() {
    let exporter = Exporter::start(CLOSED).await;
    let entry = |module: &str, target: &str, more: Value| {
        let mut labels = json!({
            "__param_module": module,
            "__param_target": target,
            "__metrics_path__": "/probe",
            "instance": target,
        });
        labels.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"targets": [exporter.address.to_string()], "labels": labels})
    };
    let m = [
        entry("m", "http://127.0.0.1:1/", json!({"team": "a"})),
        entry("m", "http://127.0.0.1:1/b", json!({})),
    ];
    let n = entry("n", "http://127.0.0.1:1/n?a=1&b=2", json!({}));
    for (path, expected) in
        [("/sd", json!([m[0], m[1], n])), ("/sd?module=m", json!(m)), ("/sd?module=n", json!([n]))]
    {
        let answer = exporter.get(path).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected, "{path}");
    }
    for (path, message) in [
        ("/sd?module=x", "Unknown module \"x\"\n"),
        ("/sd?module=m&module=n", "Parameter module is given more than once\n"),
    ] {
        let answer = exporter.get(path).await;
        assert_eq!((answer.status, answer.text().as_str()), (400, message), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_without_its_secrets() {
    let exporter = Exporter::start(
        "modules: {n: {prober: apikey, targets: ['http://127.0.0.1:1/'], apikey: {key: the-key-of-n, name: X-API-Key, must_refuse: [no_key]}}}",
    )
    .await;
    let answer = exporter.get("/config").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        answer.text(),
        "\
modules:
  n:
    prober: apikey
    targets:
    - http://127.0.0.1:1/
    http:
      tls_config:
        insecure_skip_verify: false
      allow_plain_http: false
    apikey:
      key: <secret>
      in: header
      name: X-API-Key
      must_refuse:
      - no_key
"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_good_file_and_keeps_the_old_one_when_it_is_bad() {
    let exporter = Exporter::start(CLOSED).await;
    let reload = async |method, configuration: &str| {
        std::fs::write(&exporter.file, configuration).unwrap();
        let answer = exporter.send(method, "/-/reload", &[]).await;
        let metrics = exporter.get("/metrics").await.metrics();
        let successful = metrics.value("auth_exporter_config_last_reload_successful").unwrap();
        let sd: Value = serde_json::from_slice(&exporter.get("/sd").await.body).unwrap();
        (answer.status, answer.text(), successful, sd.as_array().unwrap().len())
    };
    let smaller = "modules: {m: {prober: oauth_cc, targets: ['http://127.0.0.1:1/'], oauth_cc: {client: {id: x, auth: none}}}}";
    assert_eq!(reload("POST", smaller).await, (200, String::new(), 1.0, 1));
    let file = exporter.file.display();
    assert_eq!(
        reload("PUT", "modules:\n  m:\n    prober: nonsense\n").await,
        (
            500,
            format!(
                "failed to reload config: {file}:3: modules.m.prober: unknown prober, expected one of: oauth_cc, oauth_authcode, jwt, apikey, saml\n"
            ),
            0.0,
            1
        )
    );
    assert_eq!(reload("PUT", CLOSED).await, (200, String::new(), 1.0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_nobody_waits_for_goes_to_its_end_and_is_told() {
    let exporter = Exporter::start(CLOSED).await;
    // So many that the client is gone long before they are read.
    let module = |number| {
        format!(
            "  m{number}: {{prober: oauth_cc, targets: ['http://127.0.0.1:1/'], oauth_cc: {{client: {{id: x, auth: none}}}}}}"
        )
    };
    let many = (0..1000).map(module).collect::<Vec<_>>().join("\n");
    std::fs::write(&exporter.file, format!("modules:\n{many}\n")).unwrap();
    let mut client = TcpStream::connect(exporter.address).await.unwrap();
    client.write_all(b"POST /-/reload HTTP/1.1\r\nHost: e\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(client);
    let begun = Instant::now();
    loop {
        let metrics = exporter.get("/metrics").await.text();
        if metrics.contains("module=\"m999\"") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the reload was not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_without_a_file() {
    let exporter = Exporter::start(CLOSED).await;
    std::fs::remove_file(&exporter.file).unwrap();
    let answer = exporter.send("POST", "/-/reload", &[]).await;
    let expected = format!(
        "failed to reload config: cannot read {}: No such file or directory (os error 2)\n",
        exporter.file.display()
    );
    assert_eq!((answer.status, answer.text()), (500, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_landing_page_links_to_a_probe_of_every_target() {
    let exporter = Exporter::start(CLOSED).await;
    let answer = exporter.get("/").await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let page = answer.text();
    for part in [
        "<tr><td class=\"name\">m</td><td>oauth_cc</td><td class=\"name\"></td><td class=\"target\">\
         <a href=\"probe?module=m&amp;target=http%3A%2F%2F127.0.0.1%3A1%2F&amp;debug=true\">http://127.0.0.1:1/</a><br>\
         <a href=\"probe?module=m&amp;target=http%3A%2F%2F127.0.0.1%3A1%2Fb&amp;debug=true\">http://127.0.0.1:1/b</a>\
         </td></tr>",
        "<tr><td class=\"name\">n</td><td>apikey</td><td class=\"name\">acme</td><td class=\"target\">\
         <a href=\"probe?module=n&amp;target=http%3A%2F%2F127.0.0.1%3A1%2Fn%3Fa%3D1%26b%3D2&amp;debug=true\">http://127.0.0.1:1/n?a=1&amp;b=2</a>\
         </td></tr>",
        "<a href=\"metrics\">",
        "<a href=\"config\">",
        "<a href=\"sd\">",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_cannot_break_out_of_the_landing_page() {
    let exporter = Exporter::start(
        "modules: {'<b>\"&''': {prober: oauth_cc, provider: '<i>', oauth_cc: {client: {id: x, auth: none}}}}",
    )
    .await;
    let page = exporter.get("/").await.text();
    let row = "<tr><td class=\"name\">&lt;b&gt;&quot;&amp;&#39;</td><td>oauth_cc</td><td class=\"name\">&lt;i&gt;</td><td class=\"target\">no listed target</td></tr>";
    assert!(page.contains(row), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_compressed_for_those_who_accept_it() {
    let exporter = Exporter::start(CLOSED).await;
    let probe = format!("/probe?module=m&target={LISTED}");
    for path in ["/metrics", &probe] {
        let answer = exporter.send("GET", path, &["accept-encoding: gzip"]).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"), "{path}");
        let mut text = String::new();
        GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("# HELP "), "{path}: {text}");
        let plain = exporter.send("GET", path, &["accept-encoding: gzip;q=0"]).await;
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert!(plain.text().starts_with("# HELP "), "{path}");
    }
}

/// More metrics than are made at once.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_many_targets_are_whole_in_every_encoding() {
    let targets: Vec<_> = (0..1_000).map(|number| format!("'https://host/{number}'")).collect();
    let configuration = CLOSED.replace("'http://127.0.0.1:1/b'", &targets.join(", "));
    let exporter = Exporter::start(&configuration).await;
    let accept = "accept: application/openmetrics-text;version=1.0.0";
    let plain = exporter.send("GET", "/metrics", &[accept]).await;
    assert_eq!(plain.header("transfer-encoding"), Some("chunked"));
    let text = plain.text();
    assert!(text.ends_with("\n# EOF\n"));
    for number in 0..1_000 {
        let target = format!("target=\"https://host/{number}\",result=\"success\"}} 0\n");
        assert!(text.contains(&target), "{number}");
    }
    let packed = exporter.send("GET", "/metrics", &[accept, "accept-encoding: gzip"]).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < text.len() / 5, "{} bytes", packed.body.len());
    let mut unpacked = String::new();
    GzDecoder::new(packed.body.as_slice()).read_to_string(&mut unpacked).unwrap();
    // What else is in it is of the process.
    let of_targets = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("target=")).map(str::to_owned).collect()
    };
    assert_eq!(of_targets(&unpacked), of_targets(&text));
    let head = exporter.send("HEAD", "/metrics", &[accept]).await;
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(length.abs_diff(text.len()) < 100, "{length} of {}", text.len());
    assert_eq!(head.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_is_negotiated() {
    let exporter = Exporter::start(CLOSED).await;
    let probe = format!("/probe?module=m&target={LISTED}");
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let classic = "text/plain; version=0.0.4; charset=utf-8";
    for path in ["/metrics", &probe] {
        for (accept, content_type, is_terminated) in [
            ("accept: application/openmetrics-text;version=1.0.0", openmetrics, true),
            ("accept: text/plain", classic, false),
            ("accept: */*", classic, false),
            ("accept: text/html", classic, false),
        ] {
            let answer = exporter.send("GET", path, &[accept]).await;
            assert_eq!(answer.header("content-type"), Some(content_type), "{path} {accept}");
            assert_eq!(answer.text().ends_with("\n# EOF\n"), is_terminated, "{path} {accept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_debug_page_tells_the_story() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let path = probe_path("key", &target(&provider, "key"));
    let answer = exporter.get(&format!("{path}&debug=true")).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let page = answer.text();
    let (story, rest) = page.split_once("\n\nMetrics that would have been returned:\n").unwrap();
    let (metrics, module) = rest.split_once("\n\nModule configuration:\n").unwrap();
    let url = provider.url();
    for part in [
        &format!(
            "Logs for the probe:\nprobe id 1, module key (apikey), target {url}/v1/account, budget 119.500 s\n"
        ),
        "  request      begins\n",
        &format!("  request      GET {url}/v1/account at 127.0.0.1: status 200, 45 bytes in "),
        "  refuse       no_key was refused\n",
        "  refuse       wrong_key was refused\n",
        "  key_info     succeeded\n",
        "\nprobe succeeded in ",
    ] {
        assert!(story.contains(part), "{part}\n{story}");
    }
    assert!(metrics.contains("\nprobe_success 1\n"), "{metrics}");
    assert!(module.starts_with("modules:\n  key:\n    prober: apikey\n"), "{module}");
    assert!(module.contains("\n      key: <secret>\n"), "{module}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_counted() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let target = target(&provider, "key");
    provider.switch_on(crate::provider::Fault::KeyRefuses);
    exporter.probe("key", &target, 10.0).await;
    let metrics = exporter.get("/metrics").await.metrics();
    let at = format!("module=\"key\",target=\"{target}\"");
    for (series, count) in [
        (format!("auth_exporter_probes_total{{{at},result=\"success\"}}"), 0.0),
        (format!("auth_exporter_probes_total{{{at},result=\"failure\"}}"), 1.0),
        (format!("auth_exporter_steps_total{{{at},step=\"request\",result=\"failure\"}}"), 1.0),
        (format!("auth_exporter_steps_total{{{at},step=\"refuse\",result=\"failure\"}}"), 0.0),
        (
            format!(
                "auth_exporter_probe_failures_total{{{at},step=\"request\",reason=\"http_4xx\"}}"
            ),
            1.0,
        ),
        ("auth_exporter_probe_duration_seconds_count{module=\"key\"}".to_owned(), 1.0),
        ("auth_exporter_probes_in_flight".to_owned(), 0.0),
    ] {
        assert_eq!(metrics.value(&series), Some(count), "{series}");
    }
}
