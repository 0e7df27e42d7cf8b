//! What stands in the files of `grafana/`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// A dashboard.
pub(crate) struct Board {
    pub(crate) file: PathBuf,
    pub(crate) json: Value,
}

/// A query of a panel.
pub(crate) struct Target<'a> {
    pub(crate) panel: &'a Value,
    pub(crate) json: &'a Value,
}

/// Every dashboard.
pub(crate) fn boards() -> Vec<Board> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Board { file, json }
    };
    files.into_iter().map(read).collect()
}

impl Board {
    pub(crate) fn name(&self) -> &str {
        self.file.file_stem().unwrap().to_str().unwrap()
    }

    pub(crate) fn uid(&self) -> &str {
        text(&self.json["uid"])
    }

    /// Panels and the rows between them.
    pub(crate) fn panels_and_rows(&self) -> &[Value] {
        list(&self.json["panels"])
    }

    pub(crate) fn panels(&self) -> impl Iterator<Item = &Value> {
        self.panels_and_rows().iter().filter(|panel| panel["type"] != "row")
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.panels().flat_map(|panel| {
            list(&panel["targets"]).iter().map(move |json| Target { panel, json })
        })
    }

    pub(crate) fn variables(&self) -> &[Value] {
        list(&self.json["templating"]["list"])
    }
}

impl Target<'_> {
    /// Where it stands: `Failing steps B`.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", text(&self.panel["title"]), text(&self.json["refId"]))
    }

    pub(crate) fn expression(&self) -> &str {
        text(&self.json["expr"])
    }
}

/// The text of a value that must be one.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The list of a value that is one or is left out.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Every text in a value, however deep.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// `$1` is none: it stands for a group of a pattern.
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$(?:([A-Za-z_]\w*)|\{([\w.]+)(?::\w+)?\})").unwrap());

fn variable<'a>(captures: &'a Captures<'_>) -> &'a str {
    captures.get(1).or_else(|| captures.get(2)).unwrap().as_str()
}

/// The variables that a text names.
pub(crate) fn named(text: &str) -> Vec<String> {
    VARIABLE.captures_iter(text).map(|captures| variable(&captures).to_owned()).collect()
}

/// The text with its variables filled in.
pub(crate) fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    let value = |captures: &Captures<'_>| {
        let name = variable(captures);
        values.get(name).unwrap_or_else(|| panic!("no value for {name} in {text}")).clone()
    };
    VARIABLE.replace_all(text, value).into_owned()
}
