//! The names of metrics and labels, against the exporter's catalogue.

use std::collections::{BTreeMap, BTreeSet};

use auth_exporter::exposition::{CATALOGUE, Kind};
use auth_exporter::report::Step;
use regex::Regex;

use crate::board::{boards, list, text};
use crate::expression::names;
use crate::form::columns;

/// Labels that the scrape configuration of `examples/prometheus.yml` sets.
const SCRAPED: [&str; 3] = ["job", "instance", "module"];

/// What Prometheus makes itself, with labels beside those of the series.
const OF_PROMETHEUS: [(&str, &[&str]); 3] = [
    ("up", &[]),
    ("scrape_samples_scraped", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity", "step", "reason"]),
];

/// Names of series as Prometheus stores them, with their labels.
fn known() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut known = BTreeMap::new();
    for metric in CATALOGUE {
        let labels: BTreeSet<&str> = metric.labels.iter().copied().chain(SCRAPED).collect();
        let mut add = |suffix: &str, more: Option<&'static str>| {
            let labels = labels.iter().copied().chain(more).collect();
            known.insert(format!("{}{suffix}", metric.name), labels);
        };
        match metric.kind {
            Kind::Gauge => add("", None),
            Kind::Counter => add("_total", None),
            Kind::Histogram => {
                add("_bucket", Some("le"));
                add("_sum", None);
                add("_count", None);
            }
        }
    }
    for (name, labels) in OF_PROMETHEUS {
        known.insert(name.to_owned(), labels.iter().copied().chain(SCRAPED).collect());
    }
    known
}

/// What is wrong with the names in an expression, and the labels that its result can have.
fn judged(expression: &str) -> (Vec<String>, BTreeSet<String>) {
    let known = known();
    let names = names(expression);
    let mut wrong = Vec::new();
    let mut labels = names.made.clone();
    for (metric, selectors) in &names.metrics {
        let Some(has) = known.get(metric) else {
            wrong.push(format!("there is no metric {metric}"));
            continue;
        };
        labels.extend(has.iter().map(|label| (*label).to_owned()));
        for label in selectors.iter().filter(|label| !has.contains(label.as_str())) {
            wrong.push(format!("{metric} has no label {label}"));
        }
    }
    for label in names.groups.difference(&labels) {
        wrong.push(format!("nothing has a label {label}"));
    }
    (wrong, labels)
}

#[test]
fn every_metric_and_label_is_in_the_catalogue() {
    let legend = Regex::new(r"\{\{(\w+)\}\}").unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for board in boards() {
        let queries = board.variables().iter().filter_map(|one| one["query"]["query"].as_str());
        // `label_values(SELECTOR, LABEL)` reads as a function of a series by a label.
        let queries =
            queries.map(|query| query.replace(", ", ") by (").replace("label_values", "max"));
        let expressions = board.targets().map(|target| target.expression().to_owned());
        for expression in queries.chain(expressions) {
            count += 1;
            wrong.extend(
                judged(&expression).0.into_iter().map(|said| format!("{said}: {expression}")),
            );
        }
        for target in board.targets() {
            let labels = judged(target.expression()).1;
            let legend_format = target.json["legendFormat"].as_str().unwrap_or_default();
            for captures in legend.captures_iter(legend_format) {
                if !labels.contains(&captures[1]) {
                    wrong.push(format!(
                        "{}: nothing has the label of {legend_format}",
                        target.place()
                    ));
                }
            }
        }
        // What the columns of tables are made of.
        for panel in board.panels().filter(|panel| panel["type"] == "table") {
            let targets = list(&panel["targets"]);
            let mut sources: BTreeSet<String> =
                targets.iter().flat_map(|target| judged(text(&target["expr"])).1).collect();
            sources.extend(["Value", "Time", "__name__"].map(str::to_owned));
            sources
                .extend(targets.iter().map(|target| format!("Value #{}", text(&target["refId"]))));
            let options = &list(&panel["transformations"]).last().unwrap()["options"];
            for member in ["indexByName", "renameByName", "excludeByName"] {
                for name in options[member].as_object().unwrap().keys() {
                    if !sources.contains(name) {
                        wrong.push(format!("{}: {} has no {name}", board.name(), panel["title"]));
                    }
                }
            }
            let columns = columns(panel);
            for one in list(&panel["fieldConfig"]["overrides"]) {
                let name = text(&one["matcher"]["options"]);
                if !columns.iter().any(|column| column == name) {
                    wrong.push(format!(
                        "{}: {} has no column {name}",
                        board.name(),
                        panel["title"]
                    ));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(count > 100, "{count} expressions");
}

#[test]
fn a_wrong_name_is_found() {
    let wrong = |expression: &str| judged(expression).0;
    assert_eq!(wrong("probe_sucess"), ["there is no metric probe_sucess"]);
    assert_eq!(wrong("auth_exporter_probes"), ["there is no metric auth_exporter_probes"]);
    assert_eq!(wrong(r#"probe_success{stepp="x"}"#), ["probe_success has no label stepp"]);
    assert_eq!(wrong("max by (reason) (probe_success)"), ["nothing has a label reason"]);
    assert_eq!(wrong("max by (reason) (probe_auth_failure_info)"), Vec::<String>::new());
}

#[test]
fn every_metric_is_on_a_dashboard() {
    let boards = boards();
    let shown: BTreeSet<String> = boards
        .iter()
        .flat_map(crate::board::Board::targets)
        .flat_map(|target| names(target.expression()).metrics)
        .map(|(metric, _)| metric)
        .collect();
    let missing: Vec<&str> = CATALOGUE
        .iter()
        .filter(|metric| {
            let suffixes = ["", "_total", "_bucket"];
            !suffixes.iter().any(|suffix| shown.contains(&format!("{}{suffix}", metric.name)))
        })
        .map(|metric| metric.name)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn the_waterfall_has_every_step() {
    let boards = boards();
    let target = boards.iter().find(|board| board.name() == "target").unwrap();
    let waterfall = target.panels().find(|panel| panel["title"] == "Waterfall").unwrap();
    let shown: BTreeSet<&str> =
        list(&waterfall["targets"]).iter().map(|target| text(&target["legendFormat"])).collect();
    let steps: BTreeSet<&str> = Step::ALL.iter().map(|step| step.as_str()).collect();
    assert_eq!(shown, steps);
    for target in list(&waterfall["targets"]) {
        let step = format!("step=\"{}\"", text(&target["legendFormat"]));
        assert!(text(&target["expr"]).contains(&step), "{target}");
    }
}
