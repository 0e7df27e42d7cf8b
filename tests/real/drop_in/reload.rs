//! A new configuration while it runs.

use crate::both::Program;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Exporter, Module, PLAIN, path};
use super::target::{Target, soon};

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

/// A module of another name.
fn other(program: Program) -> String {
    format!("modules:\n{}", PLAIN.named("other", program, CLOSED))
}

/// A field that there is not.
fn bad(program: Program) -> String {
    Module { fields: "nonsense: 1", ..PLAIN }.configuration(program, CLOSED)
}

/// Which modules there are.
fn modules(exporter: &Exporter) -> String {
    let there = |name: &str| {
        let unknown = format!("400 Unknown module \"{name}\"");
        exporter.get(&path(CLOSED).replace("module=m", &format!("module={name}"))).line() != unknown
    };
    let there: Vec<&str> = ["m", "other"].into_iter().filter(|name| there(name)).collect();
    there.join(", ")
}

/// What a reload of this configuration answers, and what there is then.
fn reloaded(program: Program, configuration: &str) -> String {
    let exporter = PLAIN.start(program, CLOSED);
    exporter.write(configuration);
    let status = exporter.ask("POST /-/reload", &[]).status;
    let success = exporter.own("config_last_reload_successful");
    format!("{status}, successful {success}, modules {}", modules(&exporter))
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "GET on `/-/reload`",
        observe: |program| PLAIN.start(program, CLOSED).get("/-/reload").status.to_string(),
        expected: Same("405"),
    },
    Row {
        name: "PUT on `/-/reload`",
        observe: |program| {
            PLAIN.start(program, CLOSED).ask("PUT /-/reload", &[]).status.to_string()
        },
        expected: Differs { blackbox: "405", ours: "200", why: "as Prometheus has it" },
    },
    Row {
        name: "a reload of a good file",
        observe: |program| reloaded(program, &other(program)),
        expected: Same("200, successful 1, modules other"),
    },
    Row {
        name: "a reload of a bad file",
        observe: |program| reloaded(program, &bad(program)),
        expected: Same("500, successful 0, modules m"),
    },
    Row {
        name: "what is said of a bad file",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.write(&bad(program));
            let line = exporter.ask("POST /-/reload", &[]).text();
            let said: Vec<&str> = ["failed to reload config: ", "nonsense"]
                .into_iter()
                .filter(|wanted| line.contains(wanted))
                .collect();
            said.join("… ")
        },
        expected: Same("failed to reload config: … nonsense"),
    },
    Row {
        name: "a file that is no YAML",
        observe: |program| reloaded(program, "modules: ["),
        expected: Same("500, successful 0, modules m"),
    },
    Row {
        name: "a file that is empty now",
        observe: |program| reloaded(program, ""),
        expected: Same("500, successful 0, modules m"),
    },
    Row {
        name: "a file that has gone",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.remove();
            let status = exporter.ask("POST /-/reload", &[]).status;
            let success = exporter.own("config_last_reload_successful");
            format!("{status}, successful {success}, modules {}", modules(&exporter))
        },
        expected: Same("500, successful 0, modules m"),
    },
    Row {
        name: "a good file after a bad one",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.write(&bad(program));
            exporter.ask("POST /-/reload", &[]);
            exporter.write(&other(program));
            let status = exporter.ask("POST /-/reload", &[]).status;
            let success = exporter.own("config_last_reload_successful");
            format!("{status}, successful {success}, modules {}", modules(&exporter))
        },
        expected: Same("200, successful 1, modules other"),
    },
    Row {
        name: "SIGHUP and a good file",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.write(&other(program));
            exporter.running.signal("HUP");
            soon(|| modules(&exporter) == "other").to_string()
        },
        expected: Same("true"),
    },
    Row {
        name: "SIGHUP and a bad file",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.write(&bad(program));
            exporter.running.signal("HUP");
            let told = soon(|| exporter.own("config_last_reload_successful") == "0");
            format!("told {told}, modules {}", modules(&exporter))
        },
        expected: Same("told true, modules m"),
    },
    Row {
        name: "a probe that runs during a reload",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/held");
            let exporter = PLAIN.start(program, &url);
            let client = &exporter.client;
            std::thread::scope(|scope| {
                let probe = scope.spawn(|| client.probe(&url).verdict());
                target.wait_for(1);
                exporter.write(&other(program));
                let status = exporter.ask("POST /-/reload", &[]).status;
                let modules = modules(&exporter);
                target.release();
                format!("{status}, modules {modules}, {}", probe.join().expect("an answer"))
            })
        },
        expected: Same("200, modules other, 200, probe_success 1"),
    },
    Row {
        name: "the history after a reload",
        observe: |program| {
            let exporter = PLAIN.start(program, CLOSED);
            exporter.probe(CLOSED);
            exporter.ask("POST /-/reload", &[]);
            format!("{} kept", exporter.listed().len())
        },
        expected: Same("1 kept"),
    },
];
