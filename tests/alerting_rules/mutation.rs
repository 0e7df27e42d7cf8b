//! Changes each rule in small ways, and looks whether a test of promtool notices.
//!
//! Of a changed alert only its own tests run, together with the recordings that it is made of; of a
//! changed recording those of the alerts that are made of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_yaml::Value;

use super::rule::{Rule, TestFile, rule_files, rules, test_files};
use super::{expression, run as run_program};

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) count: usize,
    /// The changes that no test noticed.
    pub(crate) survivors: Vec<String>,
}

/// A rule that was changed.
struct Mutation {
    rule: Rule,
    what: String,
    /// The tests that mostly suffice to notice it, each to be run before all the others.
    first: &'static [&'static str],
}

/// Calls the function for each item, on as many threads as there are processors.
pub(crate) fn for_each_in_parallel<T: Sync>(items: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(item);
                }
            });
        }
    });
}

/// Changes and tests them all.
pub(crate) fn run() -> Outcome {
    let (rules, tests) = (rules(), test_files());
    let mutations: Vec<Mutation> = rules.iter().flat_map(mutations).collect();
    let survivors = Mutex::new(Vec::new());
    for_each_in_parallel(&mutations, |mutation| {
        if !is_noticed(mutation, &rules, &tests) {
            let survivor = format!("{}: {}", mutation.rule.name, mutation.what);
            eprintln!("no test notices {survivor}");
            survivors.lock().expect("no panic").push(survivor);
        }
    });
    let mut survivors = survivors.into_inner().expect("no panic");
    survivors.sort();
    Outcome { count: mutations.len(), survivors }
}

fn mutations(rule: &Rule) -> Vec<Mutation> {
    let with = |what: String, first, change: &dyn Fn(&mut Value)| {
        let mut rule = rule.clone();
        change(&mut rule.value);
        rule.expr = rule.value["expr"].as_str().expect("an expression").to_owned();
        Mutation { rule, what, first }
    };
    let mut all: Vec<Mutation> = expression::changed(&rule.expr)
        .into_iter()
        .map(|expr| {
            with(expr.clone(), &["fires", "stays quiet"], &|value| {
                value["expr"] = expr.clone().into();
            })
        })
        .collect();
    if rule.is_alert {
        let other = if rule.severity() == "critical" { "warning" } else { "critical" };
        all.push(with(format!("severity {other}"), &["fires"], &|value| {
            value["labels"]["severity"] = other.into();
        }));
        if let Some(wait) = rule.wait() {
            let halved = halved(wait);
            all.push(with(format!("for: {halved}"), &["waits"], &|value| {
                value["for"] = halved.clone().into();
            }));
            all.push(with("no for".to_owned(), &["waits"], &|value| {
                value.as_mapping_mut().expect("a rule").remove("for");
            }));
        }
    }
    all
}

/// Half of a duration of one unit.
fn halved(duration: &str) -> String {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let seconds = match unit {
        "h" => 3600,
        "m" => 60,
        _ => panic!("the duration {duration}"),
    };
    format!("{}s", number.parse::<u32>().expect("a number") * seconds / 2)
}

/// Whether a test fails.
fn is_noticed(mutation: &Mutation, rules: &[Rule], files: &[TestFile]) -> bool {
    let changed = &mutation.rule;
    let made_of_it: Vec<&Rule> =
        rules.iter().filter(|rule| is_made_of(rule, changed, rules)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    for rule in made_of_it.iter().filter(|rule| rule.is_alert) {
        write_rules(folder.path(), rule, changed, rules);
        let first = mutation.first.iter().map(|kind| format!("{}: {kind}", rule.name));
        let first: Vec<String> = first.collect();
        let own = format!("{}: ", rule.name);
        let named = first.iter().any(|name| any_fails(folder.path(), files, |test| test == name));
        let rest = |test: &str| test.starts_with(&own) && !first.iter().any(|name| test == name);
        if named || any_fails(folder.path(), files, rest) {
            return true;
        }
    }
    // Tests of a recording by its own name.
    if changed.is_alert {
        return false;
    }
    write_rules(folder.path(), changed, changed, rules);
    any_fails(folder.path(), files, |test| test.starts_with(&format!("{}: ", changed.name)))
}

/// Whether one of the tests with a wanted name fails.
fn any_fails(folder: &Path, files: &[TestFile], wanted: impl Fn(&str) -> bool) -> bool {
    files.iter().any(|file| {
        let tests = file.tests.iter().filter(|test| wanted(&test.name));
        let tests: Vec<Value> = tests.map(|test| test.value.clone()).collect();
        !tests.is_empty() && fails(folder, file, tests)
    })
}

/// Whether a rule is the other one, or asks for it, or for what asks for it.
fn is_made_of(rule: &Rule, other: &Rule, rules: &[Rule]) -> bool {
    needed(rule, rules).contains(other.name.as_str())
}

/// The names of a rule and of all recordings that it is made of.
fn needed<'r>(rule: &'r Rule, rules: &'r [Rule]) -> BTreeSet<&'r str> {
    let mut names = BTreeSet::from([rule.name.as_str()]);
    loop {
        let before = names.len();
        let in_it = rules.iter().chain([rule]).filter(|rule| names.contains(rule.name.as_str()));
        let asked_for: BTreeSet<&str> =
            in_it.flat_map(|rule| &rule.asks_for).map(String::as_str).collect();
        names.extend(
            rules.iter().map(|rule| rule.name.as_str()).filter(|name| asked_for.contains(name)),
        );
        if names.len() == before {
            return names;
        }
    }
}

/// Writes the rules that an alert is made of, one of them changed, into the files of their names.
fn write_rules(folder: &Path, alert: &Rule, changed: &Rule, rules: &[Rule]) {
    let needed = needed(alert, rules);
    for file in rule_files() {
        let in_file =
            rules.iter().filter(|rule| rule.file == file && needed.contains(rule.name.as_str()));
        let values: Vec<Value> = in_file
            .map(|rule| {
                if rule.name == changed.name { &changed.value } else { &rule.value }.clone()
            })
            .collect();
        let name = format!("auth_{}", file.split('.').next().expect("a name"));
        let group = yaml(&[("name", name.into()), ("rules", values.into())]);
        write(&folder.join(&file), &yaml(&[("groups", vec![group].into())]));
    }
}

/// Whether promtool finds one of the tests failing.
fn fails(folder: &Path, file: &TestFile, tests: Vec<Value>) -> bool {
    let mut value = file.value.clone();
    value["tests"] = tests.into();
    assert!(!file.rule_files.is_empty(), "{}", file.name);
    write(&folder.join("mutation.test.yml"), &value);
    let (passed, said) = run_program("promtool", &["test", "rules", "mutation.test.yml"], folder);
    // A file that promtool cannot read would be noticed by nothing.
    assert!(passed || said.contains("FAILED:\n    "), "{said}");
    !passed
}

fn yaml(members: &[(&str, Value)]) -> Value {
    let pairs = members.iter().map(|(name, value)| (Value::from(*name), value.clone()));
    Value::Mapping(pairs.collect())
}

fn write(path: &Path, value: &Value) {
    std::fs::write(path, serde_yaml::to_string(value).expect("YAML")).expect("a file");
}
