//! Pages for people and paths for machines: debug, history, configuration, health.

use crate::both::Program;
use crate::http::{Answer, with_query};

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Exporter, KEY, Module, PLAIN};
use super::target::Target;

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

fn ask(program: Program, request: &str) -> Answer {
    PLAIN.start(program, CLOSED).ask(request, &[])
}

/// Which of these stand in a text.
fn found(text: &str, wanted: &[&str]) -> String {
    let found: Vec<&str> = wanted.iter().copied().filter(|wanted| text.contains(wanted)).collect();
    if found.is_empty() { "-".to_owned() } else { found.join(", ") }
}

/// The page of `debug=true` for a target that lets everybody in.
fn debug(program: Program, module: Module<'_>) -> Answer {
    let target = Target::start();
    let url = target.url("/");
    module.start(program, &url).debug(&url)
}

/// A module whose secret is one for both.
fn with_bearer(program: Program, target: &str) -> String {
    match program {
        Program::AuthExporter => format!(
            "modules: {{m: {{prober: apikey, targets: ['{target}'], apikey: {{key: {KEY}, in: bearer}}}}}}"
        ),
        Program::BlackboxExporter => {
            format!("modules: {{m: {{prober: http, http: {{bearer_token: {KEY}}}}}}}")
        }
    }
}

/// Whether a page shows the key, or that there is one.
fn shows_key(page: &str) -> String {
    found(page, &[KEY, "<secret>"]).replace(KEY, "the key")
}

/// Probes that succeed and that fail, as `+` and `-` say; then how many of the oldest are left.
/// The first one is number 0.
fn kept(program: Program, limit: &str, probes: &str) -> String {
    let target = Target::start();
    let (good, bad) = (target.url("/"), target.url("/status/500"));
    let configuration = format!(
        "modules:\n{}{}",
        PLAIN.named("m", program, &good),
        PLAIN.named("n", program, &bad)
    );
    let exporter = Exporter::start(program, &configuration, &[&format!("--history.limit={limit}")]);
    for probe in probes.chars() {
        let path = match probe {
            '+' => super::exporter::path(&good),
            _ => super::exporter::path(&bad).replace("module=m", "module=n"),
        };
        assert_eq!(exporter.get(&path).status, 200);
    }
    let first = first_number(program);
    let listed = exporter.listed().into_iter();
    let numbers = listed.map(|id| id.parse::<usize>().expect("a number") - first);
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    if numbers.is_empty() { "none".to_owned() } else { numbers.join(" ") }
}

/// What the first probe is called.
const fn first_number(program: Program) -> usize {
    match program {
        Program::AuthExporter => 1,
        Program::BlackboxExporter => 0,
    }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "the page of `debug=true`",
        observe: |program| {
            let answer = debug(program, PLAIN);
            format!("{} {}", answer.status, answer.media_type())
        },
        expected: Same("200 text/plain"),
    },
    Row {
        name: "its headings, in their order",
        observe: |program| {
            let text = debug(program, PLAIN).text();
            let headings: Vec<&str> = text
                .lines()
                .filter(|line| line.ends_with(':') && line.starts_with(['L', 'M']))
                .collect();
            headings.join(" ")
        },
        expected: Same(
            "Logs for the probe: Metrics that would have been returned: Module configuration:",
        ),
    },
    Row {
        name: "its metrics",
        observe: |program| {
            debug(program, PLAIN).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 1, probe_http_status_code 200"),
    },
    Row {
        name: "a probe that fails, with `debug=true`",
        observe: |program| {
            let answer = PLAIN.start(program, CLOSED).debug(CLOSED);
            let cause = found(&answer.text().replace('_', " "), &["connection refused"]);
            format!("{}, {}, {cause}", answer.status, answer.values(&["probe_success"]))
        },
        expected: Same("200, probe_success 0, connection refused"),
    },
    Row {
        name: "`debug=1`",
        observe: |program| {
            let target = Target::start();
            let exporter = PLAIN.start(program, &target.url("/"));
            let path = super::exporter::path(&target.url("/"));
            exporter
                .get(&format!("{path}&debug=1"))
                .text()
                .lines()
                .next()
                .map_or_else(String::new, |line| {
                    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
                })
        },
        expected: Same("# HELP"),
    },
    Row {
        name: "a bearer token on the page of `debug=true`",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let exporter = Exporter::start(program, &with_bearer(program, &url), &[]);
            shows_key(&exporter.debug(&url).text())
        },
        expected: Same("<secret>"),
    },
    Row {
        name: "a bearer token on `/config`",
        observe: |program| {
            let exporter = Exporter::start(program, &with_bearer(program, CLOSED), &[]);
            shows_key(&exporter.get("/config").text())
        },
        expected: Same("<secret>"),
    },
    Row {
        name: "a key in a header on the page of `debug=true`, and on `/config`",
        observe: |program| {
            let page = shows_key(&debug(program, PLAIN).text());
            format!("{page}, {}", shows_key(&ask(program, "GET /config").text()))
        },
        expected: Differs {
            blackbox: "the key, the key",
            ours: "<secret>, <secret>",
            why: "every header that is configured counts as a secret",
        },
    },
    Row {
        name: "`/config`",
        observe: |program| {
            let module = Module { fields: "timeout: 7s", ..PLAIN };
            let answer = module.start(program, CLOSED).get("/config");
            let text = answer.text();
            let shown = found(&text, &["modules:\n", "  m:\n", " timeout: 7s\n"]).replace('\n', "");
            format!("{} {}: {shown}", answer.status, answer.media_type())
        },
        expected: Same("200 text/plain: modules:,   m:,  timeout: 7s"),
    },
    Row {
        name: "the landing page",
        observe: |program| {
            let target = Target::start();
            let exporter = PLAIN.start(program, &target.url("/"));
            exporter.probe(&target.url("/"));
            let answer = exporter.get("/");
            let links = ["href=\"metrics\"", "href=\"config\"", "logs?id=", target.origin.as_str()];
            let links = links.into_iter().filter(|link| answer.text().contains(link)).count();
            format!("{} {}, {links} of 4", answer.status, answer.media_type())
        },
        expected: Same("200 text/html, 4 of 4"),
    },
    Row {
        name: "the numbers of the first two probes",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.probe(CLOSED);
            exporter.probe(CLOSED);
            exporter.listed().join(" ")
        },
        expected: Differs { blackbox: "1 0", ours: "2 1", why: "as people count" },
    },
    Row {
        name: "`/logs` of a probe",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.probe(CLOSED);
            let answer = exporter.get(&format!("/logs?id={}", exporter.listed()[0]));
            let cause = found(&answer.text().replace('_', " "), &["connection refused"]);
            format!("{} {}, {cause}", answer.status, answer.media_type())
        },
        expected: Differs {
            blackbox: "200 text/plain, connection refused",
            ours: "200 text/html, connection refused",
            why: "the steps are drawn over time",
        },
    },
    Row {
        name: "`/logs` of a probe that there was not",
        observe: |program| ask(program, "GET /logs?id=77").status.to_string(),
        expected: Same("404"),
    },
    Row {
        name: "`/logs?id=x`, and `/logs` alone",
        observe: |program| {
            ["/logs?id=x", "/logs"]
                .map(|path| ask(program, &format!("GET {path}")).status.to_string())
                .join(", ")
        },
        expected: Differs {
            blackbox: "500, 500",
            ours: "400, 400",
            why: "the mistake is in the request",
        },
    },
    Row {
        name: "`/logs?target=T`",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.probe(CLOSED);
            exporter.get(&with_query("/logs", &[("target", CLOSED)])).status.to_string()
        },
        expected: Differs {
            blackbox: "500",
            ours: "200",
            why: "the newest probe of a target, for links in alerts",
        },
    },
    Row {
        name: "a limit of 3, and four probes that succeed",
        observe: |program| kept(program, "3", "++++"),
        expected: Same("3 2 1"),
    },
    Row {
        name: "a limit of 3, and three that fail after three that succeed",
        observe: |program| kept(program, "3", "+++---"),
        expected: Same("5 4 3"),
    },
    Row {
        name: "a limit of 3, and failed ones that are older than that",
        observe: |program| kept(program, "3", "-+-+++++"),
        expected: Same("7 6 5 2 0"),
    },
    Row {
        name: "a limit of 3, and more failed ones than that",
        observe: |program| kept(program, "3", "------+++"),
        expected: Same("8 7 6 5 4 3"),
    },
    Row {
        name: "a limit of 0",
        observe: |program| kept(program, "0", "+-"),
        expected: Same("none"),
    },
    Row {
        name: "`/-/healthy`",
        observe: |program| ask(program, "GET /-/healthy").line(),
        expected: Same("200 Healthy"),
    },
    Row {
        name: "`/-/ready`",
        observe: |program| ask(program, "GET /-/ready").media_type().to_owned(),
        expected: Differs {
            blackbox: "text/html",
            ours: "text/plain",
            why: "it answers, and is not the landing page",
        },
    },
    Row {
        name: "a path that there is not",
        observe: |program| {
            let answer = ask(program, "GET /prob?module=m");
            format!("{} {}", answer.status, answer.media_type())
        },
        expected: Differs {
            blackbox: "200 text/html",
            ours: "404 text/plain",
            why: "a slip in a scrape configuration is told at once",
        },
    },
    Row {
        name: "POST on `/metrics`",
        observe: |program| ask(program, "POST /metrics").status.to_string(),
        expected: Differs {
            blackbox: "200",
            ours: "405",
            why: "a method that a path does not have is told",
        },
    },
    Row {
        name: "HEAD on `/metrics`",
        observe: |program| {
            let answer = ask(program, "HEAD /metrics");
            format!("{}, {} bytes", answer.status, answer.body.len())
        },
        expected: Same("200, 0 bytes"),
    },
    Row {
        name: "`/debug/pprof/`",
        observe: |program| ask(program, "GET /debug/pprof/").status.to_string(),
        expected: Differs {
            blackbox: "200",
            ours: "404",
            why: "a process that holds secrets shows its memory to nobody",
        },
    },
];
