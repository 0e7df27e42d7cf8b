//! The table of rooms in `src/lib.rs` against the code: who names whom.

// Tests say what they expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auth_exporter::report::{FailureReason, Warning};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The rooms that may name every other: the table has one row for all of them.
const TOP: [&str; 4] = ["logging", "cli", "system", "main"];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("folder entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("source text");
            let below = path.strip_prefix(src()).expect("below src").to_owned();
            let first = below.components().next().expect("a name").as_os_str();
            let room = first.to_str().expect("ASCII name").trim_end_matches(".rs").to_owned();
            found.push((room, text));
        }
    }
}

fn src() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn all_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&src(), &mut found);
    found
}

/// The table of the code map. A cell of the first column may name several rooms.
fn allowed() -> Arrows {
    let map = std::fs::read_to_string(src().join("lib.rs")).expect("lib.rs");
    let mut arrows = Arrows::new();
    for line in map.lines() {
        let Some(row) = line.strip_prefix("//! | [`") else { continue };
        let cells: Vec<&str> = row.split('|').collect();
        let [rooms, _, may_name, ..] = cells.as_slice() else { panic!("row {line}") };
        let may_name: BTreeSet<String> = may_name.trim().split(", ").map(str::to_owned).collect();
        for room in rooms.split('`').filter(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
            arrows.insert(room.to_owned(), may_name.clone());
        }
    }
    arrows
}

/// The rooms that a source names: after `crate::`, alone or in a `use` group.
fn named(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let name = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len());
        text[..end].to_owned()
    };
    let mut rooms = BTreeSet::new();
    for prefix in ["crate::", "auth_exporter::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(outermost_parts(group).into_iter().map(name)),
                None => {
                    rooms.insert(name(rest));
                }
            }
        }
    }
    rooms.remove("");
    rooms
}

/// The parts of a group up to its closing brace, split at the commas outside of inner groups.
fn outermost_parts(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            ',' if depth == 0 => {
                parts.push(&group[from..at]);
                from = at + 1;
            }
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    parts
}

#[test]
fn every_room_names_only_the_rooms_that_the_code_map_allows() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for (room, text) in all_sources() {
        if room == "lib" || TOP.contains(&room.as_str()) {
            continue;
        }
        let may_name =
            allowed.get(&room).unwrap_or_else(|| panic!("{room} is not in the code map"));
        for other in named(&text) {
            if other != room && !may_name.contains(&other) {
                wrong.push(format!("{room} names {other}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_code_map_promises_nothing_that_no_code_needs_and_has_no_circle() {
    let allowed = allowed();
    let rooms: BTreeSet<String> =
        all_sources().into_iter().map(|(room, _)| room).filter(|room| room != "lib").collect();
    let mapped: BTreeSet<String> = allowed.keys().cloned().chain(["main".to_owned()]).collect();
    assert_eq!(mapped, rooms, "rooms of the map and of the code");
    // Take away rooms that name only rooms taken before, until nothing is left.
    let mut left: Arrows =
        allowed.into_iter().filter(|(room, _)| !TOP.contains(&room.as_str())).collect();
    while !left.is_empty() {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, may_name| may_name.intersection(&names).next().is_some());
        assert!(left.len() < before, "a circle among {names:?}");
    }
}

#[test]
fn a_wrong_arrow_is_found_however_it_is_written() {
    for (text, rooms) in [
        ("use crate::net::Request;", &["net"][..]),
        ("use crate::{net, report::Step};", &["net", "report"]),
        ("use crate::{\n    net::{self, Answer},\n    steps,\n};", &["net", "steps"]),
        ("fn f(step: crate::report::Step) {}", &["report"]),
        ("use auth_exporter::{logging, server};", &["logging", "server"]),
        ("// crate::net is elsewhere", &[]),
        ("use super::net;", &[]),
    ] {
        let expected: BTreeSet<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        assert_eq!(named(text), expected, "{text}");
    }
}

#[test]
fn every_reason_and_warning_is_given_somewhere() {
    let sources = all_sources();
    let given = |name: &str| {
        sources.iter().any(|(room, text)| {
            let code = text.split("#[cfg(test)]").next().expect("code");
            room != "report" && code.contains(name)
        })
    };
    let reasons = FailureReason::ALL.iter().map(|reason| format!("FailureReason::{reason:?}"));
    let warnings = Warning::ALL.iter().map(|warning| format!("Warning::{warning:?}"));
    let never: Vec<String> = reasons.chain(warnings).filter(|name| !given(name)).collect();
    assert_eq!(never, Vec::<String>::new());
}

/// What the pure rooms may not touch, and who alone opens sockets.
#[test]
fn pure_rooms_touch_no_clock_file_socket_or_randomness() {
    let impure = [
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "tokio",
        "reqwest",
        "std::env",
        "SystemRandom",
        "std::net::Tcp",
    ];
    for (room, text) in all_sources() {
        let code = text.split("#[cfg(test)]").next().expect("code");
        if matches!(room.as_str(), "protocol" | "report" | "settings") {
            for word in impure {
                assert!(!code.contains(word), "{room} holds {word}");
            }
        }
        // The server has the sockets that others open, and TLS on them.
        let sockets: &[&str] = match room.as_str() {
            "net" => &[],
            "server" => &["reqwest", "connect("],
            _ => &["reqwest", "TcpStream", "rustls::"],
        };
        for word in sockets {
            assert!(!code.contains(word), "{room} holds {word}");
        }
        if room != "exposition" {
            for word in ["\"probe_", "\"auth_exporter_"] {
                assert!(!code.contains(word), "{room} holds the metric name {word}");
            }
        }
    }
}
