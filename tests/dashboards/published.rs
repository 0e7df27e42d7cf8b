//! What Grafana's own code, and that of the Prometheus Operator, says, as far as it is published.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::board::boards;
use crate::installed;

const LOCK: &str = include_str!("node/package-lock.json");

/// Node.js where it finds the packages of `node/package-lock.json`, with this script.
fn node(script: &str) -> Command {
    let folder =
        installed::from("dashboards", "@grafana/data, @kubernetes-models or typescript", LOCK);
    let mut command = installed::node();
    command.current_dir(folder).args(["--input-type=module", "--eval", script]);
    command
}

/// Runs it with this input, and reads what it prints.
fn printed(mut command: Command, input: &str) -> String {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Node.js starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It reads all before it writes.
    stdin.write_all(input.as_bytes()).expect("Node.js reads");
    drop(stdin);
    let output = child.wait_with_output().expect("Node.js ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The columns that a panel shows, each with its values.
pub(crate) type Shown = Vec<(String, Vec<Value>)>;

/// The frames that Grafana's transformations make of panels with the answers to their queries.
pub(crate) fn transformed(panels: &[Value]) -> Vec<Vec<Shown>> {
    let printed =
        printed(node(include_str!("node/transform.mjs")), &Value::from(panels).to_string());
    serde_json::from_str(&printed).expect("frames")
}

/// The overview with something wrong of each kind.
fn wrong_overview() -> Value {
    let mut overview = boards().into_iter().find(|board| board.name() == "overview").unwrap().json;
    overview["schemaVersion"] = 1.into();
    overview["links"][0]["typ"] = "link".into();
    let panels = overview["panels"].as_array_mut().unwrap();
    panels[0]["options"]["colorMode"] = "valeu".into();
    panels[1]["fieldConfig"]["defaults"]["unit"] = "parsec".into();
    panels[2]["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] = "orangee".into();
    let table = panels.iter_mut().find(|panel| panel["title"] == "Failing steps").unwrap();
    table["fieldConfig"]["overrides"][0]["properties"][0]["id"] = "custom.nowhere".into();
    overview
}

/// Those of the lines that are about something made wrong here, and the others.
fn about_wrong(said: &str) -> (Vec<&str>, Vec<&str>) {
    said.lines().partition(|line| line.starts_with("wrong"))
}

// Once for all: the compiler takes its time.
#[test]
fn the_dashboards_are_as_the_types_of_grafana_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.json");
    std::fs::write(&wrong, wrong_overview().to_string()).unwrap();
    let mut command = node(include_str!("node/check.mjs"));
    command.args(boards().iter().map(|board| &board.file)).arg(wrong);
    let said = printed(command, "");
    let (found, others) = about_wrong(&said);
    assert_eq!(others, Vec::<&str>::new());
    for wrong in ["schemaVersion 1", "'\"typ\"'", "'\"valeu\"'", "parsec", "orangee", "'nowhere'"] {
        assert!(found.iter().any(|line| line.contains(wrong)), "{wrong} is not in {found:#?}");
    }
}

/// The manifests of the Prometheus Operator among the examples.
fn manifests() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut manifests = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains("\nkind: ") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let manifest = Value::deserialize(document).unwrap();
            manifests.push(json!({"name": name, "manifest": manifest}));
        }
    }
    manifests
}

#[test]
fn the_manifests_are_as_the_prometheus_operator_asks_for() {
    let mut manifests = manifests();
    let kinds: Vec<&Value> = manifests.iter().map(|one| &one["manifest"]["kind"]).collect();
    assert!(kinds.contains(&&json!("Probe")), "{kinds:?}");
    let mut wrong =
        manifests.iter().find(|one| one["manifest"]["kind"] == "Probe").unwrap().clone();
    wrong["name"] = "wrong".into();
    wrong["manifest"]["spec"]["interval"] = "1 minute".into();
    wrong["manifest"]["spec"]["targetz"] = json!({});
    manifests.push(wrong);
    let said =
        printed(node(include_str!("node/manifests.mjs")), &Value::from(manifests).to_string());
    let (found, others) = about_wrong(&said);
    assert_eq!(others, Vec::<&str>::new());
    for wrong in ["data/spec/interval must match pattern", "'\"targetz\"'"] {
        assert!(found.iter().any(|line| line.contains(wrong)), "{wrong} is not in {found:#?}");
    }
}
