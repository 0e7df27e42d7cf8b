//! Either program with a module that calls a URL with a key, and what it answers.

use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;

use crate::both::Program;
use crate::http::{Answer, exchange, try_exchange, with_query};
use crate::running::Running;

/// The key that the module sends as `X-API-Key`.
pub(super) const KEY: &str = "key-0123456789";

/// A module, in YAML: what both write alike, and what each has in a way of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Module<'a> {
    /// Fields of the module.
    pub(super) fields: &'a str,
    /// Fields of its block `http`.
    pub(super) http: &'a str,
    /// Fields of the block `apikey` of `auth_exporter`.
    pub(super) auth_exporter: &'a str,
    /// Fields that only the block `http` of `blackbox_exporter` has.
    pub(super) blackbox_exporter: &'a str,
}

/// One that has nothing but the key.
pub(super) const PLAIN: Module<'_> =
    Module { fields: "", http: "", auth_exporter: "", blackbox_exporter: "" };

impl Module<'_> {
    /// As an entry of `modules`.
    pub(super) fn named(&self, name: &str, program: Program, target: &str) -> String {
        let joined = |parts: &[&str]| {
            let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
            parts.join(", ")
        };
        match program {
            Program::AuthExporter => {
                let target = format!("targets: ['{target}']");
                let key = format!("key: {KEY}, in: header, name: X-API-Key");
                format!(
                    "  {name}: {{{}, http: {{{}}}, apikey: {{{}}}}}\n",
                    joined(&["prober: apikey", &target, self.fields]),
                    self.http,
                    joined(&[&key, self.auth_exporter]),
                )
            }
            Program::BlackboxExporter => {
                let key = format!("headers: {{X-API-Key: {KEY}}}");
                format!(
                    "  {name}: {{{}, http: {{{}}}}}\n",
                    joined(&["prober: http", self.fields]),
                    joined(&[&key, self.http, self.blackbox_exporter]),
                )
            }
        }
    }

    /// A configuration with this module alone, named `m`.
    pub(super) fn configuration(&self, program: Program, target: &str) -> String {
        format!("modules:\n{}", self.named("m", program, target))
    }

    /// Starts the program with it.
    pub(super) fn start(&self, program: Program, target: &str) -> Exporter {
        self.start_with(program, target, &[])
    }

    /// The same with flags.
    pub(super) fn start_with(&self, program: Program, target: &str, flags: &[&str]) -> Exporter {
        Exporter::start(program, &self.configuration(program, target), flags)
    }

    /// Starts the program, probes the target once and returns what came.
    pub(super) fn probe(&self, program: Program, target: &str) -> Answer {
        self.start(program, target).probe(target)
    }
}

/// A running program.
pub(super) struct Exporter {
    pub(super) running: Running,
    /// Who asks it.
    pub(super) client: Client,
    folder: TempDir,
}

impl Exporter {
    /// Starts it.
    pub(super) fn start(program: Program, configuration: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write(program, folder.path(), configuration);
        let mut command = program.command(folder.path());
        command.args(flags);
        let (address, running) = program.start(&mut command);
        Self { running, client: Client { program, address }, folder }
    }

    /// Writes it another configuration.
    pub(super) fn write(&self, configuration: &str) {
        write(self.client.program, self.folder.path(), configuration);
    }

    /// Takes its configuration away.
    pub(super) fn remove(&self) {
        std::fs::remove_file(self.folder.path().join(self.client.program.file())).expect("a file");
    }
}

impl std::ops::Deref for Exporter {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Asks a running program.
pub(super) struct Client {
    program: Program,
    address: String,
}

impl Client {
    /// Method and path, with headers.
    pub(super) fn ask(&self, request: &str, headers: &[(&str, &str)]) -> Answer {
        exchange(&self.address, request, headers, "")
    }

    /// GET.
    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[])
    }

    /// Module `m` against this target.
    pub(super) fn probe(&self, target: &str) -> Answer {
        self.get(&path(target))
    }

    /// The same, if an answer comes.
    pub(super) fn probe_if_answered(&self, target: &str) -> Option<Answer> {
        try_exchange(&self.address, &format!("GET {}", path(target)), &[], "").ok()
    }

    /// Whether it takes connections.
    pub(super) fn is_listening(&self) -> bool {
        TcpStream::connect(&self.address).is_ok()
    }

    /// A probe with a scrape timeout.
    pub(super) fn probe_within(&self, target: &str, seconds: &str) -> Answer {
        let request = format!("GET {}", path(target));
        self.ask(&request, &[("X-Prometheus-Scrape-Timeout-Seconds", seconds)])
    }

    /// A probe as a page for people.
    pub(super) fn debug(&self, target: &str) -> Answer {
        self.get(&format!("{}&debug=true", path(target)))
    }

    /// The numbers of the probes on the landing page, the newest first.
    pub(super) fn listed(&self) -> Vec<String> {
        let page = self.get("/").text();
        let links = page.split("logs?id=").skip(1);
        links.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect()).collect()
    }

    /// A metric of its own, by the name without the program's prefix.
    pub(super) fn own(&self, name: &str) -> String {
        self.get("/metrics").value(&format!("{}_{name}", self.program.name()))
    }
}

fn write(program: Program, folder: &Path, configuration: &str) {
    std::fs::write(folder.join(program.file()), configuration).expect("a file");
}

/// The path of a probe with module `m`.
pub(super) fn path(target: &str) -> String {
    with_query("/probe", &[("module", "m"), ("target", target)])
}

impl Answer {
    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status and the first line of the body.
    pub(super) fn line(&self) -> String {
        let text = self.text();
        format!("{} {}", self.status, text.lines().next().unwrap_or_default()).trim().to_owned()
    }

    /// The value of a series without labels, or `-`.
    pub(super) fn value(&self, name: &str) -> String {
        let text = self.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or("-".to_owned(), |value| value.parse::<f64>().expect("a number").to_string())
    }

    /// Such series with their values: `probe_success 1, probe_http_ssl 0`.
    pub(super) fn values(&self, names: &[&str]) -> String {
        let values = names.iter().map(|name| format!("{name} {}", self.value(name)));
        values.collect::<Vec<_>>().join(", ")
    }

    /// The status and whether the probe succeeded.
    pub(super) fn verdict(&self) -> String {
        match self.status {
            200 => format!("200, {}", self.values(&["probe_success"])),
            _ => self.line(),
        }
    }

    /// The media type, without its parameters.
    pub(super) fn media_type(&self) -> &str {
        let media_type = self.header("content-type").unwrap_or("-");
        media_type.split(';').next().unwrap_or_default()
    }

    /// The labels of the first series of a metric, with their values.
    pub(super) fn labels(&self, metric: &str) -> Vec<(String, String)> {
        let text = self.text();
        let series = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
        let (labels, _) = series.and_then(|series| series.rsplit_once("\"} ")).unwrap_or_default();
        let pairs = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
