//! The rules and their tests, as they stand in the files.

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::{expression, folder, read};

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The file that it stands in.
    pub(crate) file: String,
    /// Name of the alert or of the recorded series.
    pub(crate) name: String,
    pub(crate) is_alert: bool,
    pub(crate) expr: String,
    /// Names of the series that it asks for.
    pub(crate) asks_for: Vec<String>,
    /// The rule as it is written.
    pub(crate) value: Value,
}

impl Rule {
    pub(crate) fn severity(&self) -> &str {
        self.value["labels"]["severity"].as_str().unwrap_or_default()
    }

    /// `for`.
    pub(crate) fn wait(&self) -> Option<&str> {
        self.value["for"].as_str()
    }

    pub(crate) fn annotation(&self, name: &str) -> &str {
        self.value["annotations"][name].as_str().unwrap_or_default()
    }
}

/// A file of tests.
pub(crate) struct TestFile {
    pub(crate) name: String,
    pub(crate) rule_files: Vec<String>,
    /// The file as it is written.
    pub(crate) value: Value,
    pub(crate) tests: Vec<Test>,
}

/// A test of promtool.
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// Labels and summary of each alert that it expects.
    pub(crate) expected: Vec<(BTreeMap<String, String>, String)>,
}

fn files(suffix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the rules");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<String> =
        names.map(|name| name.expect("UTF-8")).filter(|name| name.ends_with(suffix)).collect();
    names.sort();
    names
}

/// Names of the files of rules.
pub(crate) fn rule_files() -> Vec<String> {
    files(".rules.yml")
}

fn yaml(file: &str) -> Value {
    let mut value: Value = serde_yaml::from_str(&read(&folder().join(file))).expect(file);
    value.apply_merge().expect(file);
    value
}

fn list(value: &Value) -> &[Value] {
    value.as_sequence().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every rule.
pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for file in rule_files() {
        for group in list(&yaml(&file)["groups"]) {
            for value in list(&group["rules"]) {
                let alert = value["alert"].as_str();
                let name = alert.or_else(|| value["record"].as_str()).expect("a name");
                let expr = text(&value["expr"]);
                let series = expression::series(&expr).into_iter();
                rules.push(Rule {
                    file: file.clone(),
                    name: name.to_owned(),
                    is_alert: alert.is_some(),
                    expr,
                    asks_for: series.map(|series| series.name).collect(),
                    value: value.clone(),
                });
            }
        }
    }
    rules
}

/// Every alert.
pub(crate) fn alerts() -> Vec<Rule> {
    rules().into_iter().filter(|rule| rule.is_alert).collect()
}

/// Every file of tests.
pub(crate) fn test_files() -> Vec<TestFile> {
    let files = files(".test.yml").into_iter();
    files
        .map(|name| {
            let value = yaml(&name);
            let tests = list(&value["tests"]).iter().map(test).collect();
            let rule_files = list(&value["rule_files"]).iter().map(text).collect();
            TestFile { name, rule_files, value, tests }
        })
        .collect()
}

fn test(value: &Value) -> Test {
    let checks = list(&value["alert_rule_test"]).iter();
    let expected = checks.flat_map(|check| list(&check["exp_alerts"])).map(|alert| {
        let labels = alert["exp_labels"].as_mapping().into_iter().flatten();
        let labels = labels.map(|(name, value)| (text(name), text(value))).collect();
        (labels, text(&alert["exp_annotations"]["summary"]))
    });
    Test { name: text(&value["name"]), expected: expected.collect(), value: value.clone() }
}
