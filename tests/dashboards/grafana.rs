//! What Grafana's own code says, as far as it is published.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::board::boards;
use crate::installed;

const LOCK: &str = include_str!("grafana/package-lock.json");

/// Node.js where it finds the packages of `grafana/package-lock.json`, with this script.
fn node(script: &str) -> Command {
    let folder = installed::from("grafana", "@grafana/data, @grafana/schema or typescript", LOCK);
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
        printed(node(include_str!("grafana/transform.mjs")), &Value::from(panels).to_string());
    serde_json::from_str(&printed).expect("frames")
}

#[test]
fn the_dashboards_are_as_the_types_of_grafana_ask_for() {
    let mut command = node(include_str!("grafana/check.mjs"));
    command.args(boards().iter().map(|board| &board.file));
    assert_eq!(printed(command, ""), "");
}

#[test]
fn what_the_types_do_not_ask_for_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut overview = boards().into_iter().find(|board| board.name() == "overview").unwrap().json;
    overview["schemaVersion"] = 1.into();
    overview["links"][0]["typ"] = "link".into();
    let panels = overview["panels"].as_array_mut().unwrap();
    panels[0]["options"]["colorMode"] = "valeu".into();
    panels[1]["fieldConfig"]["defaults"]["unit"] = "parsec".into();
    panels[2]["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] = "orangee".into();
    let table = panels.iter_mut().find(|panel| panel["title"] == "Failing steps").unwrap();
    table["fieldConfig"]["overrides"][0]["properties"][0]["id"] = "custom.nowhere".into();
    let file = folder.path().join("overview.json");
    std::fs::write(&file, overview.to_string()).unwrap();

    let mut command = node(include_str!("grafana/check.mjs"));
    command.arg(&file);
    let said = printed(command, "");
    for wrong in ["schemaVersion 1", "'\"typ\"'", "'\"valeu\"'", "parsec", "orangee", "'nowhere'"] {
        assert!(said.contains(wrong), "{wrong} is not in\n{said}");
    }
}
