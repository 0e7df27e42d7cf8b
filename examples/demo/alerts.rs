//! The alerts of the demo: Prometheus and Alertmanager beside it, and what they say when the
//! provider is broken in one way after the other.
//!
//! The rules and the configuration of Alertmanager are those of alerting-rules/ and examples/, but time
//! runs [`FASTER`] times as fast: every window and every `for` of the rules is so much shorter, and so
//! is Prometheus's lookback. A probe a second stands for one in 40 seconds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use serde_json::Value;

use crate::provider::{Fault, Provider};
use crate::scrape;

/// How much faster time runs.
const FASTER: u64 = 40;

/// How long an alert may take, and a program to start.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often in a row the same alerts must be seen.
const STEADY: usize = 3;

/// What is on from the beginning, since the demo has a target whose certificate has expired.
const ALWAYS: &str = "AuthTlsCertificateAboutToExpire";

/// Alerts that look back over hours and days: a provider that is broken eleven times within what they
/// take for two hours is unstable, and uses up its budget.
const LOOK_BACK: [&str; 2] = ["AuthUnstable", "AuthErrorBudgetBurn"];

/// A fault, and the one alert that it must lead to, with step and reason.
pub(crate) const ROUNDS: [(Fault, &str); 11] = [
    (Fault::Token500, "AuthTokenEndpointDown token http_5xx"),
    (Fault::TokenRefusesClient, "AuthStepFailing token invalid_client"),
    (Fault::Discovery500, "AuthAuthorizationServerUnavailable discovery http_5xx"),
    (Fault::Keys503, "AuthKeySetUnavailable jwks http_5xx"),
    (Fault::IdTokenForeignKey, "AuthForgerySuspected validate signature_invalid"),
    (Fault::Api500, "AuthApiUnavailable call_api http_5xx"),
    (Fault::KeyRefuses, "AuthStepFailing request http_4xx"),
    (Fault::RefreshRefused, "AuthStepFailing refresh invalid_grant"),
    (Fault::Logout500, "AuthFollowUpFailing logout http_5xx"),
    (Fault::Token429, "AuthRateLimited token rate_limited"),
    (Fault::ApiAcceptsAnything, "AuthBadCredentialAccepted refuse bad_credential_accepted"),
];

/// Prometheus and Alertmanager at work.
pub(crate) struct Alerting {
    prometheus: Server,
    alertmanager: Server,
}

impl Alerting {
    /// Starts both; they keep their files in the folder.
    ///
    /// # Errors
    /// What is missing, or did not start.
    pub(crate) fn start(folder: &Path, exporter: SocketAddr) -> Result<Self, String> {
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            std::fs::write(&file, text)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))
        };
        write("alertmanager.yml", include_str!("../alertmanager.yml"))?;
        let mut command = program(&["prometheus-alertmanager", "alertmanager"])?;
        command.current_dir(folder).args([
            "--config.file=alertmanager.yml",
            "--storage.path=alertmanager",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        ]);
        let alertmanager = Server::start("Alertmanager", command)?;

        for (name, rules) in RULES {
            write(name, &faster(rules))?;
        }
        write("prometheus.yml", &configuration(exporter, alertmanager.address))?;
        let mut command = program(&["prometheus"])?;
        command.current_dir(folder).args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=prometheus",
            "--web.listen-address=127.0.0.1:0",
            &format!("--query.lookback-delta={}ms", 5 * 60 * 1000 / FASTER),
        ]);
        let prometheus = Server::start("Prometheus", command)?;
        Ok(Self { prometheus, alertmanager })
    }

    /// Prints where both are.
    pub(crate) fn look_here(&self) {
        println!("Prometheus:   http://{}/alerts", self.prometheus.address);
        println!("Alertmanager: http://{}/#/alerts\n", self.alertmanager.address);
    }

    /// Breaks the provider in one way after the other. Whether each fault led to its alert and to no
    /// other, and whether that ended with the fault.
    ///
    /// # Errors
    /// When Alertmanager does not answer.
    pub(crate) async fn show(&self, provider: &Provider) -> Result<bool, String> {
        println!("Time runs {FASTER} times as fast: a second stands for {FASTER}.\n");
        let always = BTreeSet::from([ALWAYS.to_owned()]);
        let mut as_it_must = self.becomes(&always).await?.is_some();
        for (fault, alert) in ROUNDS {
            println!("{}: {}", fault.name(), fault.does());
            provider.switch_on(fault);
            let expected = BTreeSet::from([ALWAYS.to_owned(), alert.to_owned()]);
            let fired = self.becomes(&expected).await?;
            if let Some(seconds) = fired {
                println!("  fires after {seconds} s: {alert}");
                for summary in self.summaries(alert).await? {
                    println!("    {summary}");
                }
            }
            provider.switch_off(fault);
            let resolved = self.becomes(&always).await?;
            if let Some(seconds) = resolved {
                println!("  resolved after {seconds} s\n");
            }
            as_it_must &= fired.is_some() && resolved.is_some();
        }
        Ok(as_it_must)
    }

    /// Waits until just these alerts are on, and stay: after how many seconds, or says what was on
    /// instead.
    async fn becomes(&self, expected: &BTreeSet<String>) -> Result<Option<u64>, String> {
        let start = Instant::now();
        let mut steady = 0;
        let mut since = start;
        loop {
            let active: BTreeSet<String> = self.active().await?.iter().map(named).collect();
            if active == *expected {
                if steady == 0 {
                    since = Instant::now();
                }
                steady += 1;
                if steady == STEADY {
                    return Ok(Some((since - start).as_secs()));
                }
            } else {
                steady = 0;
                if start.elapsed() > PATIENCE {
                    println!("  WRONG: expected {expected:?}\n         and found {active:?}");
                    return Ok(None);
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The alerts that would be told, as Alertmanager has them: not inhibited, not those that are for
    /// Alertmanager alone, and not those that look back over all that was shown.
    async fn active(&self) -> Result<Vec<Value>, String> {
        let path =
            "/api/v2/alerts?active=true&silenced=false&inhibited=false&filter=severity!=none";
        let answer = scrape::send(self.alertmanager.address, "GET", path, &[])
            .await
            .map_err(|error| format!("Alertmanager does not answer: {error}"))?;
        let mut alerts: Vec<Value> = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("Alertmanager answers no list: {error}"))?;
        alerts.retain(|alert| !LOOK_BACK.iter().any(|name| named(alert).starts_with(name)));
        Ok(alerts)
    }

    async fn summaries(&self, alert: &str) -> Result<Vec<String>, String> {
        let active = self.active().await?;
        let of_it = active.iter().filter(|active| named(active) == alert);
        let mut summaries: Vec<String> = of_it
            .filter_map(|active| active["annotations"]["summary"].as_str().map(str::to_owned))
            .collect();
        summaries.sort();
        Ok(summaries)
    }
}

/// Name, step and reason of an alert.
fn named(alert: &Value) -> String {
    let labels = ["alertname", "step", "reason"].into_iter();
    let labels: Vec<&str> = labels.filter_map(|label| alert["labels"][label].as_str()).collect();
    labels.join(" ")
}

macro_rules! rules {
    ($($name:literal)+) => {
        [$(($name, include_str!(concat!("../../alerting-rules/", $name)))),+]
    };
}

/// The files of the rules.
const RULES: [(&str, &str); 9] = rules! {
    "expiry.rules.yml" "latency.rules.yml" "modules.rules.yml" "monitor.rules.yml"
    "objectives.rules.yml" "rates.rules.yml" "status_page.rules.yml" "steps.rules.yml"
    "tokens.rules.yml"
};

/// The rules with shorter windows, offsets and `for`.
fn faster(rules: &str) -> String {
    let durations = Regex::new(r"(\[|offset |for: )([0-9]+)([mhd])\b").expect("a pattern");
    let shorter = durations.replace_all(rules, |found: &Captures<'_>| {
        let unit = match &found[3] {
            "m" => 60,
            "h" => 3600,
            _ => 86_400,
        };
        let seconds = found[2].parse::<u64>().unwrap_or_default() * unit;
        format!("{}{}ms", &found[1], seconds * 1000 / FASTER)
    });
    shorter.into_owned()
}

/// Scrapes every probe that the exporter lists, and the exporter.
fn configuration(exporter: SocketAddr, alertmanager: SocketAddr) -> String {
    format!(
        r#"
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["*.rules.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: auth_sd
    honor_labels: true
    http_sd_configs: [{{url: "http://{exporter}/sd"}}]
    relabel_configs: [{{source_labels: [__param_module], target_label: module}}]
  - job_name: auth_exporter
    static_configs: [{{targets: ["{exporter}"]}}]
"#
    )
}

/// The first of these programs that there is.
fn program(names: &[&str]) -> Result<Command, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    });
    found.map(Command::new).ok_or_else(|| {
        format!(
            "the program {} is missing: tests/install.sh installs it on Debian",
            names.join(" or ")
        )
    })
}

/// A program that serves HTTP until it is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    /// Keeps its output flowing.
    _lines: Receiver<String>,
}

impl Server {
    /// Starts it, and waits until it says where it listens.
    fn start(name: &str, mut command: Command) -> Result<Self, String> {
        // The other end of the pipes is closed when the demo dies, whichever way.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        let pipe = child.stderr.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || forward(pipe, &sender));
        let mut said = String::new();
        let address = loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} ended or never said where it listens:\n{said}"));
            };
            said.push_str(&line);
            said.push('\n');
            let listening = line.split_once(r#"msg="Listening on" address="#);
            if let Some(address) = listening.and_then(|(_, address)| address.trim().parse().ok()) {
                break address;
            }
        };
        Ok(Self { child, address, _lines: lines })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, whether somebody listens or not.
fn forward(pipe: impl Read, lines: &std::sync::mpsc::Sender<String>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let _ = lines.send(line);
    }
}
