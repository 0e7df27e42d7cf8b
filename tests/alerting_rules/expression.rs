//! What can be read off a `PromQL` expression without a parser: the series that it asks for, the
//! labels that it groups and joins by, and its comparisons.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern")
}

/// A series that an expression asks for, with the labels that it is selected by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
}

static STRING: LazyLock<Regex> = LazyLock::new(|| regex(r#""[^"]*""#));
static GROUPING: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"));
static SELECTOR: LazyLock<Regex> =
    LazyLock::new(|| regex(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(\s*\()?"));
static MATCHER: LazyLock<Regex> = LazyLock::new(|| regex(r#"(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)""#));
static COMPARISON: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(==|!=|>=|<=|>|<)(\s*)(-?[0-9]+(?:\.[0-9]+)?\b)?"));
static RANGE: LazyLock<Regex> = LazyLock::new(|| regex(r"\[[^\]]*\]|offset \w+"));
static BRACES: LazyLock<Regex> = LazyLock::new(|| regex(r"\{[^}]*\}"));

const KEYWORDS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "group_left"];

/// The series that an expression asks for.
pub(crate) fn series(expr: &str) -> Vec<Series> {
    let without_groups = GROUPING.replace_all(expr, " ");
    let without_ranges = RANGE.replace_all(&without_groups, " ");
    // Names inside strings are no series, but those of labels in braces are needed.
    let mut found = Vec::new();
    let bare = STRING.replace_all(&without_ranges, "\"\"");
    for capture in SELECTOR.captures_iter(&bare) {
        let name = &capture[1];
        let is_call = capture.get(3).is_some() && capture.get(2).is_none();
        if is_call || KEYWORDS.contains(&name) {
            continue;
        }
        let matchers = capture.get(2).map_or("", |matchers| matchers.as_str());
        let labels = MATCHER.captures_iter(matchers).map(|matcher| matcher[1].to_owned());
        found.push(Series { name: name.to_owned(), labels: labels.collect() });
    }
    found
}

/// The labels that an expression groups or joins by.
pub(crate) fn grouping_labels(expr: &str) -> BTreeSet<String> {
    let lists = GROUPING.captures_iter(expr).map(|capture| capture[1].to_owned());
    let labels: Vec<String> = lists
        .flat_map(|list| list.split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    labels.into_iter().filter(|label| !label.is_empty()).collect()
}

/// Label and value of each matcher.
pub(crate) fn matchers(expr: &str) -> Vec<(String, String)> {
    let pairs = MATCHER.captures_iter(expr);
    pairs.map(|pair| (pair[1].to_owned(), pair[2].to_owned())).collect()
}

/// The expression with one comparison changed, in each way: the number doubled, halved or, where it
/// is 0 or 1, replaced by the other; and the operator turned round.
pub(crate) fn changed(expr: &str) -> Vec<String> {
    // Operators of matchers are no comparisons: hide the braces, keeping every position.
    let hidden =
        BRACES.replace_all(expr, |braces: &regex::Captures<'_>| " ".repeat(braces[0].len()));
    let mut all = Vec::new();
    for comparison in COMPARISON.captures_iter(&hidden) {
        let whole = comparison.get(0).expect("the match");
        let with = |text: &str| format!("{}{text}{}", &expr[..whole.start()], &expr[whole.end()..]);
        let (operator, space) = (&comparison[1], &comparison[2]);
        let number = comparison.get(3).map_or("", |number| number.as_str());
        let turned = match operator {
            "==" => "!=",
            "!=" => "==",
            ">" | ">=" => "<",
            _ => ">",
        };
        all.push(with(&format!("{turned}{space}{number}")));
        let Ok(value) = number.parse::<f64>() else { continue };
        let others = match (operator, number) {
            (_, "0") => vec![1.0],
            ("==" | "!=", "1") => vec![0.0],
            _ => vec![value * 2.0, value / 2.0],
        };
        all.extend(others.iter().map(|other| with(&format!("{operator}{space}{other}"))));
    }
    all
}

#[test]
fn series_labels_and_comparisons_are_read_off_an_expression() {
    let expr = r#"sum by (module) (rate(a_total{x!="b>1", y=~"c|d"}[5m] offset 1h)) / on (job) group_left (z) e:f >= 2 and up == 0"#;
    let found = |name: &str, labels: &[&str]| Series {
        name: name.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    assert_eq!(series(expr), [found("a_total", &["x", "y"]), found("e:f", &[]), found("up", &[])]);
    assert_eq!(grouping_labels(expr).into_iter().collect::<Vec<_>>(), ["job", "module", "z"]);
    assert_eq!(
        changed(r#"a{x!="1"} >= 2 and b == 0"#),
        [
            r#"a{x!="1"} < 2 and b == 0"#,
            r#"a{x!="1"} >= 4 and b == 0"#,
            r#"a{x!="1"} >= 1 and b == 0"#,
            r#"a{x!="1"} >= 2 and b != 0"#,
            r#"a{x!="1"} >= 2 and b == 1"#,
        ]
    );
}
