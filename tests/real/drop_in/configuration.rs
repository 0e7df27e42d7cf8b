//! Configurations that are taken, and those that are refused.

use crate::both::Program;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Module, PLAIN};

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

/// Whether `--config.check` takes the text, and which of these it names when it does not.
fn check(program: Program, text: &str, names: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(program.file()), text).expect("a file");
    let output = program.command(folder.path()).arg("--config.check").output().expect("a program");
    if output.status.success() {
        return "fine".to_owned();
    }
    let printed = [output.stdout, output.stderr].concat();
    // One names lines as compilers do.
    let file = format!("{}:", program.file());
    let printed = String::from_utf8_lossy(&printed).replace(&file, "line ");
    let found: Vec<&str> = names.iter().copied().filter(|name| printed.contains(name)).collect();
    if found.is_empty() {
        return "refused".to_owned();
    }
    format!("refused, naming {}", found.join(", "))
}

/// The same of a module.
pub(super) fn checked(program: Program, module: Module<'_>, names: &[&str]) -> String {
    check(program, &module.configuration(program, CLOSED), names)
}

/// One with this field.
fn field(program: Program, fields: &str, names: &[&str]) -> String {
    checked(program, Module { fields, ..PLAIN }, names)
}

/// One with this in its block `http`.
fn http(program: Program, http: &str, names: &[&str]) -> String {
    checked(program, Module { http, ..PLAIN }, names)
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a field that there is not, and its line",
        observe: |program| field(program, "nonsense: 1", &["line 2", "nonsense"]),
        expected: Same("refused, naming line 2, nonsense"),
    },
    Row {
        name: "a field that there is not in a block",
        observe: |program| http(program, "nonsense: 1", &["nonsense"]),
        expected: Same("refused, naming nonsense"),
    },
    Row {
        name: "a field beside the modules",
        observe: |program| {
            let text = format!("nonsense: 1\n{}", PLAIN.configuration(program, CLOSED));
            check(program, &text, &["nonsense"])
        },
        expected: Same("refused, naming nonsense"),
    },
    Row {
        name: "a module twice, and its line",
        observe: |program| {
            let module = PLAIN.named("m", program, CLOSED);
            check(program, &format!("modules:\n{module}{module}"), &["line 3"])
        },
        expected: Same("refused, naming line 3"),
    },
    Row {
        name: "a regular expression that is none",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: response_matches, value: ':['}]",
                blackbox_exporter: "fail_if_body_not_matches_regexp: [':[']",
                ..PLAIN
            };
            checked(program, module, &["regular expression"])
        },
        expected: Same("refused, naming regular expression"),
    },
    Row {
        name: "a list where a text is expected, and its line",
        observe: |program| field(program, "timeout: [1]", &["line 2"]),
        expected: Same("refused, naming line 2"),
    },
    Row {
        name: "a time that is none, as `soon`",
        observe: |program| field(program, "timeout: soon", &["timeout"]),
        expected: Differs {
            blackbox: "refused",
            ours: "refused, naming timeout",
            why: "an error names the path of what it is about",
        },
    },
    Row {
        name: "a time in two units",
        observe: |program| field(program, "timeout: 1m30s", &[]),
        expected: Same("fine"),
    },
    Row {
        name: "times of `1.5s` and of `1d`",
        observe: |program| {
            ["1.5s", "1d"].map(|time| field(program, &format!("timeout: {time}"), &[])).join(", ")
        },
        expected: Differs {
            blackbox: "fine, refused",
            ours: "refused, fine",
            why: "as Prometheus writes times, and not Go: `1500ms`",
        },
    },
    Row {
        name: "a prober that there is not, an IP protocol `ip7`, a certificate without a key",
        observe: |program| {
            let prober = check(program, "modules: {m: {prober: nonsense}}", &[]);
            let protocol = http(program, "preferred_ip_protocol: ip7", &[]);
            let pair = http(program, "tls_config: {cert_file: /dev/null}", &[]);
            [prober, protocol, pair].join(", ")
        },
        expected: Differs {
            blackbox: "fine, fine, fine",
            ours: "refused, refused, refused",
            why: "what is wrong is wrong at load, and not at night",
        },
    },
    Row {
        name: "a file without modules",
        observe: |program| check(program, "modules: {}", &[]),
        expected: Differs { blackbox: "fine", ours: "refused", why: "nothing could be probed" },
    },
    Row {
        name: "an empty file at the start",
        observe: |program| check(program, "", &[]),
        expected: Same("refused"),
    },
    Row {
        name: "YAML that ends too early",
        observe: |program| check(program, "modules: [", &[]),
        expected: Same("refused"),
    },
    Row {
        name: "JSON",
        observe: |program| {
            let text = match program {
                Program::AuthExporter => {
                    r#"{"modules": {"m": {"prober": "saml", "saml": {"role": "idp", "entity_id": "a"}}}}"#
                }
                Program::BlackboxExporter => r#"{"modules": {"m": {"prober": "http"}}}"#,
            };
            check(program, text, &[])
        },
        expected: Same("fine"),
    },
    Row {
        name: "anchors and merge keys",
        observe: |program| {
            let first = PLAIN.named("m", program, CLOSED).replace("m: {", "m: &first {");
            let text = format!("modules:\n{first}  n: {{<<: *first, timeout: 5s}}\n");
            check(program, &text, &[])
        },
        expected: Same("fine"),
    },
    Row {
        name: "a block that is empty, as `http:` alone",
        observe: |program| {
            let text = PLAIN.configuration(program, CLOSED).replace("}\n", ", status_page: }\n");
            let text = match program {
                Program::AuthExporter => text,
                Program::BlackboxExporter => "modules: {m: {prober: http, http: }}".to_owned(),
            };
            check(program, &text, &[])
        },
        expected: Differs {
            blackbox: "fine",
            ours: "refused",
            why: "something was left out there",
        },
    },
    Row {
        name: "a secret and a file with one",
        observe: |program| {
            let text = match program {
                Program::AuthExporter => format!(
                    "modules: {{m: {{prober: apikey, targets: ['{CLOSED}'], apikey: {{key: abcdefgh, key_file: /dev/null, in: bearer}}}}}}"
                ),
                Program::BlackboxExporter => {
                    "modules: {m: {prober: http, http: {bearer_token: a, bearer_token_file: b}}}"
                        .to_owned()
                }
            };
            check(program, &text, &["_file"])
        },
        expected: Same("refused, naming _file"),
    },
    Row {
        name: "`${UNSET_VARIABLE}` in a text",
        observe: |program| {
            let settings = "tls_config: {server_name: 'a${UNSET_VARIABLE}'}";
            http(program, settings, &["UNSET_VARIABLE"])
        },
        expected: Differs {
            blackbox: "fine",
            ours: "refused, naming UNSET_VARIABLE",
            why: "variables of the environment are put in, for secrets; `$$` is a dollar",
        },
    },
    Row {
        name: "a `proxy_url` that is no URL",
        observe: |program| http(program, "proxy_url: '::'", &[]),
        expected: Same("refused"),
    },
    Row {
        name: "a size that is none",
        observe: |program| http(program, "body_size_limit: much", &[]),
        expected: Same("refused"),
    },
    Row {
        name: "a size in `KiB`",
        observe: |program| http(program, "body_size_limit: 1KiB", &[]),
        expected: Same("fine"),
    },
];
