//! How much time a probe has, and what happens when it is over.

use std::time::{Duration, Instant};

use super::Expected::{Differs, Same};
use super::Row;
use super::calls::with_token;
use super::exporter::{Module, PLAIN, path};
use super::target::Target;
use crate::both::Program;

/// The seconds that the page of `debug=true` names, or the status when there is none.
fn budget(program: Program, fields: &str, flags: &[&str], header: Option<&str>) -> String {
    let target = Target::start();
    let url = target.url("/");
    let exporter = Module { fields, ..PLAIN }.start_with(program, &url, flags);
    let request = format!("GET {}&debug=true", path(&url));
    let headers: Vec<_> =
        header.map(|header| ("X-Prometheus-Scrape-Timeout-Seconds", header)).into_iter().collect();
    let answer = exporter.ask(&request, &headers);
    let page = answer.text();
    let written = match program {
        Program::AuthExporter => "budget ",
        Program::BlackboxExporter => "timeout_seconds=",
    };
    let seconds = page.split_once(written).map(|(_, rest)| {
        let number: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || "-.".contains(*c)).collect();
        number.parse::<f64>().expect("a number")
    });
    seconds.map_or_else(|| answer.status.to_string(), |seconds| format!("{seconds} s"))
}

/// Leaves two seconds for a machine that is busy.
const EARLY: &str = "--timeout-offset=2";

/// Whether an answer came within a scrape timeout.
fn in_time(begun: Instant, seconds: u64) -> &'static str {
    if begun.elapsed() < Duration::from_secs(seconds) { "in time" } else { "too late" }
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a probe without any timeout",
        observe: |program| budget(program, "", &[], None),
        expected: Same("119.5 s"),
    },
    Row {
        name: "a probe without any timeout, and `--timeout-offset=0`",
        observe: |program| budget(program, "", &["--timeout-offset=0"], None),
        expected: Same("120 s"),
    },
    Row {
        name: "a `timeout` alone",
        observe: |program| budget(program, "timeout: 10s", &[], None),
        expected: Same("10 s"),
    },
    Row {
        name: "a `timeout` alone and a larger offset",
        observe: |program| budget(program, "timeout: 9500ms", &["--timeout-offset=1"], None),
        expected: Same("9.5 s"),
    },
    Row {
        name: "a scrape timeout alone",
        observe: |program| budget(program, "", &[], Some("15")),
        expected: Same("14.5 s"),
    },
    Row {
        name: "a scrape timeout of 12.5 s and an offset of 2",
        observe: |program| budget(program, "", &["--timeout-offset=2"], Some("12.5")),
        expected: Same("10.5 s"),
    },
    Row {
        name: "a `timeout` above the scrape timeout",
        observe: |program| budget(program, "timeout: 20s", &[], Some("15")),
        expected: Same("14.5 s"),
    },
    Row {
        name: "a `timeout` below the scrape timeout",
        observe: |program| budget(program, "timeout: 5s", &[], Some("15")),
        expected: Same("5 s"),
    },
    Row {
        name: "a `timeout` as long as the scrape timeout",
        observe: |program| budget(program, "timeout: 10s", &[], Some("10")),
        expected: Same("9.5 s"),
    },
    Row {
        name: "a scrape timeout of 0.4 s, and a `timeout` of 10 s",
        observe: |program| budget(program, "timeout: 10s", &[], Some("0.4")),
        expected: Differs {
            blackbox: "10 s",
            ours: "0.2 s",
            why: "an answer after the scrape is lost: the offset takes half of it at most",
        },
    },
    Row {
        name: "scrape timeouts of `0`, `-1`, `ten`, and an empty one",
        observe: |program| {
            ["0", "-1", "ten", ""].map(|header| budget(program, "", &[], Some(header))).join(", ")
        },
        expected: Differs {
            blackbox: "119.5 s, 0 s, 500, 119.5 s",
            ours: "400, 400, 400, 400",
            why: "a bad request is told, and does not look like an outage",
        },
    },
    Row {
        name: "a target that hangs",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/hang");
            let exporter = PLAIN.start_with(program, &url, &[EARLY]);
            let begun = Instant::now();
            let answer = exporter.probe_within(&url, "3");
            format!("{}, {}", answer.verdict(), in_time(begun, 3))
        },
        expected: Same("200, probe_success 0, in time"),
    },
    Row {
        name: "a token endpoint that hangs, and a scrape timeout of 3 s",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/hang");
            let (exporter, probed) = with_token(program, &url, &target.url("/"), &[EARLY]);
            let begun = Instant::now();
            let asked = std::thread::spawn(move || exporter.probe_within(&probed, "3").verdict());
            while !asked.is_finished() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if asked.is_finished() {
                format!("{}, {}", asked.join().expect("an answer"), in_time(begun, 3))
            } else {
                "no answer in 5 s".to_owned()
            }
        },
        expected: Differs {
            blackbox: "no answer in 5 s",
            ours: "200, probe_success 0, in time",
            why: "without an answer there is no `probe_success` to alert on",
        },
    },
];
