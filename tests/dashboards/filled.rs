//! The dashboards with data: every expression evaluated by a real Prometheus, and what Grafana's
//! transformations make of it.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Value, json};

use crate::board::{Board, Target, boards, filled, list, text};
use crate::form::columns;
use crate::prometheus::{Scraped, now};
use crate::provider::Certificate;
use crate::published::transformed;

/// What need not have data here, and why.
const MAY_BE_EMPTY: [(&str, &str); 1] = [
    // Consent is remembered after the first probe.
    ("target", "Waterfall H"),
];

type Values = BTreeMap<String, String>;

/// The values that the variables of a dashboard can have, as Grafana fills them in.
fn choices(board: &Board, scraped: &Scraped) -> Vec<Values> {
    let built_in = [("__range", "60s"), ("__rate_interval", "15s")];
    let mut choices: Vec<Values> =
        vec![built_in.map(|(name, value)| (name.to_owned(), value.to_owned())).into()];
    let query = Regex::new(r"^label_values\((.+), (\w+)\)$").unwrap();
    for variable in board.variables().iter().filter(|variable| variable["type"] == "query") {
        let asked = text(&variable["query"]["query"]);
        let captures = query.captures(asked).unwrap_or_else(|| panic!("{asked}"));
        let name = text(&variable["name"]);
        choices = choices
            .into_iter()
            .flat_map(|chosen| {
                let values = scraped.label_values(&filled(&captures[1], &chosen), &captures[2]);
                assert!(!values.is_empty(), "{}: nothing to choose for {name}", board.name());
                let each = match (variable["multi"] == true, variable["allValue"].as_str()) {
                    (true, Some(all)) => vec![all.to_owned()],
                    (true, None) => {
                        let escaped: Vec<String> = values
                            .iter()
                            .map(|value| regex::escape(value).replace('\\', "\\\\"))
                            .collect();
                        vec![format!("({})", escaped.join("|"))]
                    }
                    (false, _) => values,
                };
                each.into_iter().map(move |value| {
                    chosen.clone().into_iter().chain([(name.to_owned(), value)]).collect()
                })
            })
            .collect();
    }
    choices
}

/// The series of a query. All queries of a panel are about the same time.
fn answer(target: &Target<'_>, values: &Values, scraped: &Scraped, time: u64) -> Vec<Value> {
    let expression = filled(target.expression(), values);
    if target.json["instant"] == true {
        scraped.instant(&expression, time)
    } else {
        scraped.range(&expression, time)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_expression_is_right_and_has_data() {
    let scraped = Scraped::start().await;
    let mut empty = BTreeSet::new();
    let mut evaluated = 0;
    for board in boards() {
        let choices = choices(&board, &scraped);
        for target in board.targets() {
            // Of the details of a target: some target has each.
            let found =
                choices.iter().any(|values| !answer(&target, values, &scraped, now()).is_empty());
            if !found {
                empty.insert((board.name().to_owned(), target.place()));
            }
            evaluated += 1;
        }
    }
    let expected = MAY_BE_EMPTY.map(|(board, place)| (board.to_owned(), place.to_owned()));
    assert_eq!(empty, expected.into());
    assert!(evaluated > 100, "{evaluated} expressions");
    tables(&scraped);
}

/// What the panels with transformations show.
fn tables(scraped: &Scraped) {
    let boards = boards();
    let time = now();
    let mut asked = Vec::new();
    let mut panels = Vec::new();
    for board in &boards {
        for values in choices(board, scraped) {
            for panel in board.panels().filter(|panel| panel["transformations"].is_array()) {
                let answers: Vec<Vec<Value>> = list(&panel["targets"])
                    .iter()
                    .map(|json| answer(&Target { panel, json }, &values, scraped, time))
                    .collect();
                let (transformations, targets) = (&panel["transformations"], &panel["targets"]);
                asked.push(json!({
                    "transformations": transformations, "targets": targets, "answers": answers,
                }));
                let has_data = answers.iter().any(|series| !series.is_empty());
                panels.push((board, panel, values.clone(), has_data));
            }
        }
    }
    let shown: Vec<_> = panels.into_iter().zip(transformed(&asked)).collect();
    // Only what was asked for, under its own name and in the order asked for; a label that no
    // series has makes no column.
    for ((board, panel, _, has_data), frames) in &shown {
        let place = format!("{}: {}", board.name(), panel["title"]);
        assert!(frames.len() == 1 || (frames.is_empty() && !has_data), "{place}: {frames:?}");
        if *has_data && panel["type"] == "table" {
            let names: Vec<&String> = frames[0].iter().map(|(name, _)| name).collect();
            let columns = columns(panel);
            let wanted: Vec<&String> =
                columns.iter().filter(|column| names.contains(column)).collect();
            assert_eq!(names, wanted, "{place}");
        }
    }
    let of = |board: &str, title: &str, module: &str| -> &crate::published::Shown {
        let (_, frames) = shown
            .iter()
            .find(|((found, panel, values, _), _)| {
                found.name() == board
                    && panel["title"] == title
                    && values.get("module").is_none_or(|found| found == module)
            })
            .unwrap_or_else(|| panic!("no {title} of {module}"));
        &frames[0]
    };
    let failing = of("overview", "Failing steps", ".*");
    let column = |shown: &crate::published::Shown, name: &str| -> Vec<Value> {
        let found = shown.iter().find(|(column, _)| column == name);
        found.unwrap_or_else(|| panic!("no {name} in {shown:?}")).1.clone()
    };
    let (expired, plain) = (scraped.provider.tls_url(Certificate::Expired), scraped.provider.url());
    let account = format!("{plain}/v1/account");
    let mut rows: Vec<String> = (0..column(failing, "Target").len())
        .map(|row| {
            let cells = ["Job", "Module", "Target", "Provider", "Step", "Reason", "Status"];
            cells.map(|name| column(failing, name)[row].to_string().replace('"', "")).join(" ")
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            format!("auth_probe api_key {account} demo request assertion_failed 200"),
            format!("auth_sd api_key {account} demo request assertion_failed 200"),
            // No status: there was no answer.
            format!(
                "auth_sd expired_certificate {expired} demo discovery certificate_expired null"
            ),
        ]
    );
    // One line a target, whatever each of them exports.
    let results = column(of("overview", "Targets", ".*"), "Result");
    assert_eq!(results.len(), 12, "{results:?}");

    let waterfall = of("target", "Waterfall", "login");
    let steps = column(waterfall, "Step");
    let expected = [
        "discovery",
        "authorize",
        "login",
        "token",
        "jwks",
        "validate",
        "userinfo",
        "call_api",
        "refresh",
        "introspect",
        "refuse",
        "revoke",
        "logout",
    ];
    assert_eq!(steps, expected.map(Value::from));
    let numbers = |name: &str| -> Vec<f64> {
        column(waterfall, name).iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let (begins, takes) = (numbers("Begins after"), numbers("Takes"));
    let mut before = 0.0;
    for (begins, takes) in begins.iter().zip(&takes) {
        assert!((begins - before).abs() < 1e-9, "{begins} is not {before}");
        before += takes;
    }

    let stopped = of("target", "Steps", "expired_certificate");
    assert_eq!(column(stopped, "Step"), ["discovery", "token"].map(Value::from));
    // Failed, and not reached.
    assert_eq!(column(stopped, "State"), [1, 0].map(Value::from));
    assert_eq!(column(stopped, "Reason")[0], "certificate_expired");
}
