//! The pages for people in Chromium: on a phone and on a desk, in the light and in the dark.
//!
//! The screenshots lie in `target/tmp/pages`, for whoever wants to look.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::blocks::with;
use super::exporter::Exporter;
use super::installed;
use super::login::{block, oidc_provider};

/// What `node/browse.mjs` measures of a page.
#[derive(Debug, Deserialize)]
struct Measured {
    page: String,
    view: String,
    scheme: String,
    /// What the browser complains about: a violated policy, a missing file, a script.
    complaints: Vec<String>,
    title: String,
    width: f64,
    scroll_width: f64,
    /// Elements that stand out at the sides.
    beyond: Vec<String>,
    /// Words that are broken over lines.
    broken: Vec<String>,
    least_contrast: (f64, String),
    smallest_text: f64,
    ground: [f64; 3],
    rows: Vec<String>,
    steps: Vec<Step>,
    lines: usize,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    outcome: String,
    row: Area,
    track: Area,
    bar: Option<Area>,
    fill: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const LONG: &str = "a_name_that_somebody_typed_without_any_space_or_hyphen_where_a_line_could_end";
/// WCAG 2.2, success criterion 1.4.3.
const LEAST_CONTRAST: f64 = 4.5;

fn browse(pages: &Value) -> Vec<Measured> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    // Those of an earlier run are of no use.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let chromium = installed::debian("chromium").get_program().to_owned();
    let settings = json!({
        "chromium": chromium.to_str(),
        "folder": folder,
        "pages": pages,
        "views": [
            {"name": "phone", "width": 360, "height": 740, "mobile": true},
            {"name": "desk", "width": 1280, "height": 800, "mobile": false},
        ],
        "schemes": ["light", "dark"],
    });
    let output = installed::node()
        .args(["--input-type=module", "--eval", include_str!("node/browse.mjs")])
        .arg(settings.to_string())
        .output()
        .expect("Node.js runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// An exporter that has probed: a login that goes through, one that does not, and one that
/// nobody answers to, with names that are hard to lay out.
fn probed() -> (Exporter, Value) {
    let server = oidc_provider::server();
    let module = |target: &str, block: Value| json!({"prober": "oauth_authcode", "targets": [target], "oauth_authcode": block});
    let wrong = with(&block("bob"), &json!({"login": {"password": "another-password"}}));
    let nobody = format!("http://127.0.0.1:1/{LONG}/{LONG}?{LONG}=%3Cb%3E");
    let exporter = Exporter::start(
        &json!({"modules": {
            "login": module(&server.origin, block("ada")),
            "rejected": module(&server.origin, wrong),
            LONG: {
                "prober": "apikey",
                "provider": LONG,
                "targets": [nobody],
                "apikey": {"key": "some-api-key", "in": "bearer"},
            },
        }})
        .to_string(),
    );
    for (module, target) in
        [(LONG, &nobody), ("rejected", &server.origin), ("login", &server.origin)]
    {
        exporter.probe(module, target);
    }
    let page = |name: &str, path: &str| json!({"name": name, "url": format!("http://{}{path}", exporter.address)});
    let pages = json!([
        page("landing", "/"),
        page("unanswered", "/logs?id=1"),
        page("rejected", "/logs?id=2"),
        page("login", "/logs?id=3"),
    ]);
    (exporter, pages)
}

#[test]
fn pages_are_laid_out_for_phones_and_desks_in_light_and_dark() {
    let (_exporter, pages) = probed();
    let measured = browse(&pages);
    assert_eq!(measured.len(), 4 * 2 * 2);
    for page in &measured {
        let at = format!("{} on a {} in the {}", page.page, page.view, page.scheme);
        assert_eq!(page.complaints, [""; 0], "{at}");
        // On a desk the scroll bar takes some of it.
        let widths = if page.view == "phone" { 360.0..=360.0 } else { 1260.0..=1280.0 };
        assert!(widths.contains(&page.width), "{at}: {}", page.width);
        assert_eq!(page.scroll_width, page.width, "{at}");
        assert_eq!(page.beyond, [""; 0], "{at}");
        assert_eq!(page.broken, [""; 0], "{at}");
        assert!(page.least_contrast.0 >= LEAST_CONTRAST, "{at}: {:?}", page.least_contrast);
        assert!(page.smallest_text >= 12.0, "{at}: {}", page.smallest_text);
        let is_dark = page.ground.iter().all(|channel| *channel < 64.0);
        assert_eq!(is_dark, page.scheme == "dark", "{at}: {:?}", page.ground);
        let title = match page.page.as_str() {
            "landing" => "auth_exporter".to_owned(),
            "unanswered" => format!("{LONG} failed – auth_exporter"),
            "rejected" => "rejected failed – auth_exporter".to_owned(),
            _ => "login succeeded – auth_exporter".to_owned(),
        };
        assert_eq!(page.title, title, "{at}");
        if page.page == "landing" {
            assert_eq!(page.rows.len(), 3, "{at}");
            for (row, words) in page.rows.iter().zip([
                ["success", "login"],
                ["failure", "login: login_rejected"],
                ["failure", "request: connection_refused"],
            ]) {
                assert!(words.iter().all(|word| row.contains(word)), "{at}: {row}");
            }
        } else {
            assert!(page.lines > 1, "{at}");
            assert_waterfall(&page.steps, &at);
        }
    }
    let outcomes = |wanted: &str| -> Vec<&str> {
        let page = measured.iter().find(|page| page.page == wanted).expect("the page");
        page.steps.iter().map(|step| step.outcome.as_str()).collect()
    };
    assert_eq!(outcomes("login"), ["ok"; 13]);
    assert_eq!(outcomes("rejected")[..4], ["ok", "ok", "failed", "not reached"]);
    assert_eq!(outcomes("unanswered"), ["failed"]);
}

/// Rows lie below each other, and their bars on one scale of time, each beginning where the last
/// one ended.
fn assert_waterfall(steps: &[Step], at: &str) {
    assert!(!steps.is_empty(), "{at}");
    let tracks: BTreeSet<String> = steps
        .iter()
        .map(|step| format!("{:.1} to {:.1}", step.track.left, step.track.right))
        .collect();
    assert_eq!(tracks.len(), 1, "{at}: one scale for all, not {tracks:?}");
    for pair in steps.windows(2) {
        assert!(pair[1].row.top >= pair[0].row.bottom - 0.5, "{at}: {pair:?}");
    }
    let mut last: Option<Area> = None;
    for step in steps {
        let ran = matches!(step.outcome.as_str(), "ok" | "failed");
        assert_eq!(step.bar.is_some(), ran, "{at}: {step:?}");
        let Some(bar) = step.bar else { continue };
        assert!(bar.left >= step.track.left - 0.5, "{at}: {step:?}");
        assert!(bar.right <= step.track.right + 0.5, "{at}: {step:?}");
        assert!(bar.right - bar.left >= 1.0, "{at}: {step:?} cannot be seen");
        assert!(bar.bottom - bar.top >= 8.0, "{at}: {step:?} cannot be seen");
        assert!(step.track.left + 200.0 < step.track.right, "{at}: {step:?}");
        if let Some(last) = last {
            // The thinnest are drawn thicker than they are.
            let thicker = 0.006 * (step.track.right - step.track.left) + 1.0;
            assert!(bar.left >= last.left - 0.5, "{at}: {} begins before {last:?}", step.name);
            assert!(bar.left >= last.right - thicker, "{at}: {} overlaps {last:?}", step.name);
        }
        last = Some(bar);
    }
    let fills = |outcome: &str| -> BTreeSet<&str> {
        let of_outcome = steps.iter().filter(|step| step.outcome == outcome);
        of_outcome.filter_map(|step| step.fill.as_deref()).collect()
    };
    assert!(fills("ok").is_disjoint(&fills("failed")), "{at}");
}
