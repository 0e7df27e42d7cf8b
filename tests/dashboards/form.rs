//! What every dashboard must have, without asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use crate::board::{Board, boards, list, named, text, texts};

/// What Grafana fills in itself.
const BUILT_IN: [&str; 4] = ["__all", "__range", "__rate_interval", "__url_time_range"];

#[track_caller]
fn none_wrong(wrong: &[String]) {
    assert_eq!(wrong, <[String; 0]>::default());
}

#[test]
fn there_are_three() {
    let uids: Vec<(String, String)> =
        boards().iter().map(|board| (board.name().to_owned(), board.uid().to_owned())).collect();
    let expected = ["exporter", "overview", "target"]
        .map(|name| (name.to_owned(), format!("auth-exporter-{name}")));
    assert_eq!(uids, expected);
}

/// What of a panel an engineer needs to read it.
fn lacks(panel: &Value) -> Option<&'static str> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let empty = |value: &Value| value.as_str().is_none_or(str::is_empty);
    let description = panel["description"].as_str().unwrap_or_default();
    [
        ("title", empty(&panel["title"])),
        ("description that is a sentence", !description.ends_with('.')),
        ("unit", empty(&defaults["unit"])),
        ("thresholds", list(&defaults["thresholds"]["steps"]).is_empty()),
        ("word for no data", empty(&defaults["noValue"])),
        ("expression", list(&panel["targets"]).is_empty()),
    ]
    .into_iter()
    .find_map(|(what, lacks)| lacks.then_some(what))
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_is_bad() {
    let mut wrong = Vec::new();
    for board in boards() {
        for panel in board.panels() {
            if let Some(what) = lacks(panel) {
                wrong.push(format!("{}: {} has no {what}", board.name(), panel["title"]));
            }
        }
    }
    none_wrong(&wrong);
}

#[test]
fn ids_are_unique_and_panels_lie_side_by_side() {
    let mut wrong = Vec::new();
    for board in boards() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeMap::new();
        for panel in board.panels_and_rows() {
            let title = text(&panel["title"]);
            if !ids.insert(panel["id"].as_u64().unwrap()) {
                wrong.push(format!("{}: the id of {title} is not its own", board.name()));
            }
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            if x + w > 24 {
                wrong.push(format!("{}: {title} is wider than the grid", board.name()));
            }
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                if let Some(other) = taken.insert(cell, title).filter(|other| *other != title) {
                    wrong.push(format!("{}: {title} lies on {other}", board.name()));
                    break;
                }
            }
            let mut letters = BTreeSet::new();
            for target in list(&panel["targets"]) {
                if !letters.insert(text(&target["refId"])) {
                    wrong.push(format!("{}: {title} has a query twice", board.name()));
                }
            }
        }
    }
    none_wrong(&wrong);
}

#[test]
fn the_data_source_is_a_variable_everywhere() {
    for board in boards() {
        assert_eq!(board.variables()[0]["type"], "datasource", "{}", board.name());
        let sources = board
            .panels()
            .map(|panel| &panel["datasource"])
            .chain(board.targets().map(|target| &target.json["datasource"]))
            .chain(board.variables()[1..].iter().map(|variable| &variable["datasource"]));
        for source in sources {
            let expected = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
            assert_eq!(source, &expected, "{}", board.name());
        }
    }
}

#[test]
fn rates_reach_over_several_scrapes() {
    // Four times the interval of the query; that of the data source may be that of other jobs.
    for board in boards() {
        for target in board.targets() {
            if target.expression().contains("$__rate_interval") {
                assert_eq!(target.json["interval"], "1m", "{}: {}", board.name(), target.place());
            }
        }
    }
}

#[test]
fn no_name_of_a_host_job_module_or_target_is_written_down() {
    let names = Regex::new(r#"(job|module|instance|target|provider)(=~?|!~?=?)"[^$"]"#).unwrap();
    let mut wrong = Vec::new();
    for board in boards() {
        for said in texts(&board.json) {
            let address =
                said.contains("://") || said.contains("localhost") || said.contains(":10115");
            if address || names.is_match(said) {
                wrong.push(format!("{}: {said}", board.name()));
            }
        }
    }
    none_wrong(&wrong);
}

#[test]
fn every_variable_is_declared_and_used() {
    let mut wrong = Vec::new();
    for board in boards() {
        let declared: BTreeSet<String> =
            board.variables().iter().map(|variable| text(&variable["name"]).to_owned()).collect();
        let used: BTreeSet<String> = texts(&board.json)
            .into_iter()
            .flat_map(named)
            .filter(|name| !BUILT_IN.contains(&&**name))
            .filter(|name| {
                !name.starts_with("__data.fields.") && !name.starts_with("__field.labels.")
            })
            .collect();
        for name in declared.symmetric_difference(&used) {
            wrong.push(format!("{}: {name}", board.name()));
        }
    }
    none_wrong(&wrong);
}

/// The links of a dashboard: its own, and those of fields in its panels.
fn links(board: &Board) -> Vec<(Option<&Value>, &str)> {
    let own = list(&board.json["links"]).iter().map(|link| (None, text(&link["url"])));
    let of_fields = board.panels().flat_map(|panel| {
        let config = &panel["fieldConfig"];
        let properties = list(&config["overrides"]).iter().flat_map(|one| list(&one["properties"]));
        let overridden = properties.filter(|one| one["id"] == "links").map(|one| &one["value"]);
        overridden
            .chain([&config["defaults"]["links"]])
            .flat_map(list)
            .map(move |link| (Some(panel), text(&link["url"])))
    });
    own.chain(of_fields).collect()
}

#[test]
fn every_link_leads_to_a_dashboard_that_knows_its_variables() {
    let boards = boards();
    let mut wrong = Vec::new();
    let parameter = Regex::new(r"\$\{(\w+):queryparam\}|var-(\w+)=").unwrap();
    for board in &boards {
        let mut reached = BTreeSet::new();
        for (panel, url) in links(board) {
            let uid = url.strip_prefix("/d/").unwrap_or(url).split('?').next().unwrap();
            let Some(to) = boards.iter().find(|board| board.uid() == uid) else {
                wrong.push(format!("{}: {url} leads nowhere", board.name()));
                continue;
            };
            reached.insert(to.name());
            for captures in parameter.captures_iter(url) {
                let name = captures.get(1).or_else(|| captures.get(2)).unwrap().as_str();
                if !to.variables().iter().any(|variable| variable["name"] == name) {
                    wrong.push(format!("{}: {} does not know {name}", board.name(), to.name()));
                }
            }
            // A field that is named must be a column of the table.
            for field in named(url).iter().filter_map(|name| name.strip_prefix("__data.fields.")) {
                let columns = panel.map(columns).unwrap_or_default();
                if !columns.iter().any(|column| column == field) {
                    wrong.push(format!("{}: {url} names {field}", board.name()));
                }
            }
        }
        let others: BTreeSet<&str> =
            boards.iter().map(Board::name).filter(|name| *name != board.name()).collect();
        assert_eq!(reached, others, "what {} links to", board.name());
    }
    none_wrong(&wrong);
}

/// The columns that a table is given, in their order, by the last of its transformations.
pub(crate) fn columns(panel: &Value) -> Vec<String> {
    let options = &list(&panel["transformations"]).last().expect("a transformation")["options"];
    let index = options["indexByName"].as_object().expect("columns");
    let mut columns: Vec<(u64, &String)> =
        index.iter().map(|(name, at)| (at.as_u64().unwrap(), name)).collect();
    columns.sort();
    let shown = |(_, name): (u64, &String)| {
        options["renameByName"].get(name).map_or(name.as_str(), text).to_owned()
    };
    columns.into_iter().map(shown).collect()
}
