//! What `/probe` is asked, and in which form it answers.

use std::io::Read;

use flate2::read::GzDecoder;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{PLAIN, path};
use super::target::Target;
use crate::both::Program;
use crate::http::{Answer, with_query};

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

/// A request to a program with module `m` for this target.
fn asked(program: Program, target: &str, request: &str) -> Answer {
    PLAIN.start(program, target).ask(request, &[])
}

/// Asks for a probe of a target that lets everybody in, with a change to the path.
fn changed(program: Program, change: fn(String) -> String) -> String {
    let target = Target::start();
    let url = target.url("/");
    let request = format!("GET {}", change(path(&url)));
    asked(program, &url, &request).verdict()
}

/// The media type of an answer to a scraper that accepts this.
fn negotiated(program: Program, path_of: fn(&str) -> String, accept: &str) -> String {
    let target = Target::start();
    let url = target.url("/");
    let request = format!("GET {}", path_of(&url));
    let answer = PLAIN.start(program, &url).ask(&request, &[("Accept", accept)]);
    answer.header("content-type").unwrap_or("-").to_owned()
}

/// What Prometheus asks for first.
const OPENMETRICS: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a module that there is not",
        observe: |program| asked(program, CLOSED, "GET /probe?module=x&target=y").line(),
        expected: Same("400 Unknown module \"x\""),
    },
    Row {
        name: "such a module and no target",
        observe: |program| asked(program, CLOSED, "GET /probe?module=x").line(),
        expected: Same("400 Unknown module \"x\""),
    },
    Row {
        name: "no target",
        observe: |program| asked(program, CLOSED, "GET /probe?module=m").line(),
        expected: Same("400 Target parameter is missing"),
    },
    Row {
        name: "an empty target",
        observe: |program| asked(program, CLOSED, "GET /probe?module=m&target=").line(),
        expected: Same("400 Target parameter is missing"),
    },
    Row {
        name: "no module, with one that is called `http_2xx`",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let configuration = format!("modules:\n{}", PLAIN.named("http_2xx", program, &url));
            let exporter = super::exporter::Exporter::start(program, &configuration, &[]);
            exporter.get(&with_query("/probe", &[("target", &url)])).verdict()
        },
        expected: Differs {
            blackbox: "200, probe_success 1",
            ours: "400 Module parameter is missing",
            why: "no flow fits every target, so no module is taken unasked",
        },
    },
    Row {
        name: "a parameter that nobody knows",
        observe: |program| changed(program, |path| format!("{path}&x=y")),
        expected: Same("200, probe_success 1"),
    },
    Row {
        name: "two modules, or two targets, in one request",
        observe: |program| {
            let modules = changed(program, |path| format!("{path}&module=x"));
            let targets = changed(program, |path| format!("{path}&target=x"));
            let status =
                |verdict: String| verdict.split([' ', ',']).next().unwrap_or_default().to_owned();
            format!("{}, {}", status(modules), status(targets))
        },
        expected: Differs {
            blackbox: "200, 200",
            ours: "400, 400",
            why: "one of them would be left out in silence",
        },
    },
    Row {
        name: "a target without a scheme",
        observe: |program| {
            let target = Target::start();
            let host = target.origin.trim_start_matches("http://").to_owned();
            let exporter = PLAIN.start(program, &target.url("/"));
            exporter.probe(&host).verdict()
        },
        expected: Differs {
            blackbox: "200, probe_success 1",
            ours: "400 Target parameter is not a URL: relative URL without a base",
            why: "targets are compared as text, and no credential goes over plain http by a guess",
        },
    },
    Row {
        name: "a target with a percent sign",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/a%2Bb?c=%2520");
            PLAIN.probe(program, &url);
            target.requests()
        },
        expected: Same("GET /a%2Bb?c=%2520"),
    },
    Row {
        name: "a target with a password",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/").replace("http://", "http://user:pass@");
            let answer = PLAIN.start(program, &target.url("/")).probe(&url);
            let sent = target.seen().first().map(|seen| seen.header("authorization"));
            let sent =
                sent.map_or_else(|| "nothing sent".to_owned(), |sent| format!("sent {sent}"));
            format!("{}, {sent}", answer.verdict())
        },
        expected: Differs {
            blackbox: "200, probe_success 1, sent Basic dXNlcjpwYXNz",
            ours: "400 Target parameter holds userinfo: a credential belongs into the module, nothing sent",
            why: "targets are labels, and stand in logs and pages",
        },
    },
    Row {
        name: "a target of another scheme",
        observe: |program| asked(program, CLOSED, "GET /probe?module=m&target=ftp://a/").verdict(),
        expected: Differs {
            blackbox: "200, probe_success 0",
            ours: "400 Target parameter is not an http or https URL",
            why: "a mistake in the scrape configuration is no outage",
        },
    },
    Row {
        name: "a target that the module does not list",
        observe: |program| {
            let (listed, other) = (Target::start(), Target::start());
            let answer = PLAIN.start(program, &listed.url("/")).probe(&other.url("/"));
            format!("{}, {}", answer.status, other.requests())
        },
        expected: Differs {
            blackbox: "200, GET /",
            ours: "403, no request",
            why: "whoever reaches `/probe` could have the credential sent anywhere",
        },
    },
    Row {
        name: "the parameter `hostname`",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let request = format!("GET {}&hostname=other.example", path(&url));
            let answer = asked(program, &url, &request);
            let host = target.seen().first().map(|seen| seen.header("host"));
            format!("{}, Host {}", answer.status, host.as_deref().unwrap_or("-"))
        },
        expected: Differs {
            blackbox: "200, Host other.example",
            ours: "400, Host -",
            why: "whose certificate is checked does not follow from a parameter: see `tls_config.server_name`",
        },
    },
    Row {
        name: "HEAD and POST on `/probe`",
        observe: |program| {
            let target = Target::start();
            let exporter = PLAIN.start(program, &target.url("/"));
            let [head, post] = ["HEAD", "POST"].map(|method| {
                exporter.ask(&format!("{method} {}", path(&target.url("/"))), &[]).status
            });
            format!("{head} and {post}, {}", target.requests())
        },
        expected: Differs {
            blackbox: "200 and 200, GET /, GET /",
            ours: "405 and 405, no request",
            why: "a probe logs in: what looks whether a path is there, or posts a form, starts none",
        },
    },
    Row {
        name: "an IPv6 address as target",
        observe: |program| {
            let target = Target::start_at("[::1]:0");
            let answer = PLAIN.probe(program, &target.url("/"));
            answer.values(&["probe_success", "probe_ip_protocol"])
        },
        expected: Same("probe_success 1, probe_ip_protocol 6"),
    },
    Row {
        name: "a probe that fails",
        observe: |program| PLAIN.probe(program, CLOSED).verdict(),
        expected: Same("200, probe_success 0"),
    },
    Row {
        name: "twenty probes at once",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/held");
            let exporter = PLAIN.start(program, &url);
            let client = &exporter.client;
            std::thread::scope(|scope| {
                let all: Vec<_> =
                    (0..20).map(|_| scope.spawn(|| client.probe(&url).verdict())).collect();
                target.wait_for(20);
                let begun = target.seen().len();
                target.release();
                let verdicts = all.into_iter().map(|probe| probe.join().expect("an answer"));
                let good = verdicts.filter(|verdict| verdict == "200, probe_success 1").count();
                format!("{begun} begin before one ends, {good} succeed")
            })
        },
        expected: Same("20 begin before one ends, 20 succeed"),
    },
    Row {
        name: "a scraper that takes anything",
        observe: |program| negotiated(program, path, "*/*"),
        expected: Same("text/plain; version=0.0.4; charset=utf-8"),
    },
    Row {
        name: "a scraper that prefers OpenMetrics, on `/probe` and `/metrics`",
        observe: |program| {
            let probe = negotiated(program, path, OPENMETRICS);
            let own = negotiated(program, |_| "/metrics".to_owned(), OPENMETRICS);
            let types =
                [probe, own].map(|found| found.split(';').next().unwrap_or_default().to_owned());
            types.join(", ")
        },
        expected: Differs {
            blackbox: "text/plain, text/plain",
            ours: "application/openmetrics-text, application/openmetrics-text",
            why: "whoever asks for it gets it",
        },
    },
    Row {
        name: "gzip where it is accepted",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let exporter = PLAIN.start(program, &url);
            let request = format!("GET {}", path(&url));
            let answer = exporter.ask(&request, &[("Accept-Encoding", "gzip")]);
            let mut text = String::new();
            GzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("gzip");
            let coding = answer.header("content-encoding").unwrap_or("-");
            format!("{coding}, {}", text.contains("\nprobe_success 1"))
        },
        expected: Same("gzip, true"),
    },
    Row {
        name: "gzip where it is not asked for",
        observe: |program| {
            let target = Target::start();
            let answer = PLAIN.probe(program, &target.url("/"));
            answer.header("content-encoding").unwrap_or("-").to_owned()
        },
        expected: Same("-"),
    },
];
