//! What a provider says of itself on its status page: the JSON of Statuspage, and Atom feeds of
//! incidents (RFC 4287), as Okta and Auth0 publish them.

use serde_json::Value;

use super::expiry::date_or_time;
use super::json::{Document, JsonError};
use super::xml::{self, Element, Limits, XmlError};

/// How well the provider says that it is, in the words of Statuspage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Indicator {
    /// All is well.
    None,
    /// Something is announced or worked on.
    Maintenance,
    /// It says something else, and not how bad it is.
    Unknown,
    /// Something works badly.
    Minor,
    /// Something does not work.
    Major,
    /// Nothing works.
    Critical,
}

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// How well the provider is.
    pub indicator: Indicator,
    /// The same in the page's own words.
    pub words: String,
}

/// Why a page cannot be understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatusPageError {
    /// It begins like neither.
    #[error("is neither the JSON of Statuspage nor an Atom feed")]
    Format,
    /// It begins like JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It begins like XML.
    #[error("is no XML: {0}")]
    Xml(#[from] XmlError),
    /// It is JSON of another kind.
    #[error("has no status.indicator")]
    NoIndicator,
    /// An entry of a feed has no time (RFC 4287 §4.2.15), so that nobody knows whether it is over.
    #[error("has an entry without a time in updated (RFC 4287 §4.2.15)")]
    NoTime,
}

const ATOM: &str = "http://www.w3.org/2005/Atom";
/// An incident of which nothing was heard for so many seconds is over: some are never closed.
const FORGOTTEN_AFTER: f64 = 7.0 * 86_400.0;
/// Entries that are looked at. Feeds have the newest first, and Statuspage's has 25.
const MOST_ENTRIES: usize = 100;

/// Reads a page.
///
/// # Errors
/// When it is of no known format.
pub fn read(body: &[u8], now: f64) -> Result<Reading, StatusPageError> {
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    match text.first() {
        Some(b'{') => statuspage(&Document::parse(text)?.value),
        Some(b'<') => feed(text, now),
        _ => Err(StatusPageError::Format),
    }
}

/// `status.json` and `summary.json` of Statuspage.
fn statuspage(page: &Value) -> Result<Reading, StatusPageError> {
    let text = |pointer: &str| page.pointer(pointer).and_then(Value::as_str);
    let indicator = match text("/status/indicator").ok_or(StatusPageError::NoIndicator)? {
        "none" => Indicator::None,
        "maintenance" => Indicator::Maintenance,
        "minor" => Indicator::Minor,
        "major" => Indicator::Major,
        "critical" => Indicator::Critical,
        _ => Indicator::Unknown,
    };
    // The summary lists what is planned, too.
    let planned = page.pointer("/scheduled_maintenances").and_then(Value::as_array);
    let is_under_way = |maintenance: &Value| {
        matches!(maintenance["status"].as_str(), Some("in_progress" | "verifying"))
    };
    let maintained = planned.is_some_and(|planned| planned.iter().any(is_under_way));
    let indicator = if maintained { indicator.max(Indicator::Maintenance) } else { indicator };
    let words = text("/status/description").unwrap_or_default().to_owned();
    Ok(Reading { indicator, words })
}

/// The worst of the incidents that are not over.
fn feed(text: &[u8], now: f64) -> Result<Reading, StatusPageError> {
    let document = xml::Document::parse(text, Limits::DOCUMENT)?;
    let root = document.root();
    if !root.is(ATOM, "feed") {
        return Err(StatusPageError::Format);
    }
    let mut worst = Reading { indicator: Indicator::None, words: String::new() };
    for entry in root.children_named(ATOM, "entry").take(MOST_ENTRIES) {
        let reading = incident(entry, now)?;
        if reading.indicator > worst.indicator {
            worst = reading;
        }
    }
    Ok(worst)
}

/// An incident. What became of it stands at the beginning of its title (Okta), or of its newest
/// update, the first in its content (Auth0, Statuspage): `<strong>Resolved</strong> - …`.
fn incident(entry: Element<'_>, now: f64) -> Result<Reading, StatusPageError> {
    let part = |name| entry.child(ATOM, name).and_then(Element::text).unwrap_or_default();
    let title = part("title").trim().to_owned();
    let updated = date_or_time(part("updated").trim()).ok_or(StatusPageError::NoTime)?;
    let content = part("content");
    let newest = content.split_once("<strong>").and_then(|(_, rest)| rest.split_once("</strong>"));
    let states = [title.as_str(), newest.map_or("", |(state, _)| state)];
    let is_over = states.iter().any(|state| {
        let state = state.trim_start().to_ascii_lowercase();
        let over = ["resolved", "completed", "postmortem", "scheduled"];
        over.iter().any(|word| state.starts_with(word))
    });
    let indicator = if is_over || now - updated > FORGOTTEN_AFTER {
        Indicator::None
    } else {
        weight(&title.to_ascii_lowercase())
    };
    Ok(Reading { indicator, words: title })
}

/// How bad an incident is, by its title: a feed has no field for that.
fn weight(title: &str) -> Indicator {
    let has = |words: &[&str]| words.iter().any(|word| title.contains(word));
    if has(&["maintenance"]) {
        Indicator::Maintenance
    } else if has(&["critical"]) {
        Indicator::Critical
    } else if has(&["outage", "service disruption", "unavailable", "major"]) {
        Indicator::Major
    } else {
        Indicator::Minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01T00:00:00Z
    const NOW: f64 = 1_772_323_200.0;

    fn indicator(body: &str) -> Result<Indicator, String> {
        read(body.as_bytes(), NOW).map(|page| page.indicator).map_err(|error| error.to_string())
    }

    #[test]
    fn statuspage_has_an_indicator() {
        for (text, expected) in [
            ("none", Indicator::None),
            ("minor", Indicator::Minor),
            ("major", Indicator::Major),
            ("critical", Indicator::Critical),
            ("maintenance", Indicator::Maintenance),
            ("<b>on fire</b>", Indicator::Unknown),
        ] {
            let page = format!(
                "\u{feff}\n{{\"page\": {{\"name\": \"A\"}}, \
                 \"status\": {{\"indicator\": \"{text}\", \"description\": \"As it is\"}}}}"
            );
            let expected = Reading { indicator: expected, words: "As it is".into() };
            assert_eq!(read(page.as_bytes(), NOW), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_summary_tells_of_maintenance() {
        let summary = |says: &str, status: &str| {
            indicator(&format!(
                "{{\"status\": {{\"indicator\": \"{says}\"}}, \
                 \"scheduled_maintenances\": [{{\"status\": \"{status}\"}}]}}"
            ))
        };
        assert_eq!(summary("none", "in_progress"), Ok(Indicator::Maintenance));
        assert_eq!(summary("none", "verifying"), Ok(Indicator::Maintenance));
        assert_eq!(summary("none", "scheduled"), Ok(Indicator::None));
        assert_eq!(summary("major", "in_progress"), Ok(Indicator::Major));
    }

    fn feed_of(entries: &[(&str, &str, &str)]) -> String {
        let entries = entries.iter().fold(String::new(), |all, (title, updated, content)| {
            all + &format!(
                "<entry><id>x</id><title>{title}</title><updated>{updated}</updated>\
                 <content type=\"html\"><![CDATA[{content}]]></content></entry>"
            )
        });
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"{ATOM}\">\
             <title>Status</title>{entries}</feed>"
        )
    }

    const TODAY: &str = "2026-02-28T23:00:00.000Z";

    #[test]
    fn a_feed_of_okta_says_in_its_titles_what_is_over() {
        for (title, expected) in [
            ("Service Disruption", Indicator::Major),
            ("Service Degradation", Indicator::Minor),
            ("Feature Disruption", Indicator::Minor),
            ("Planned Maintenance", Indicator::Maintenance),
            ("Resolved Service Disruption", Indicator::None),
        ] {
            let feed = feed_of(&[(title, TODAY, "US Cell 1 …")]);
            assert_eq!(indicator(&feed), Ok(expected), "{title}");
        }
    }

    #[test]
    fn a_feed_of_auth0_says_in_its_newest_update_what_is_over() {
        let update = |state: &str| format!("<p><strong>{state}</strong> - We …</p>");
        let history = |newest: &str| format!("{}{}", update(newest), update("Investigating"));
        for (state, expected) in [
            ("Investigating", Indicator::Minor),
            ("Identified", Indicator::Minor),
            ("Monitoring", Indicator::Minor),
            ("Resolved", Indicator::None),
            ("Postmortem", Indicator::None),
            ("Completed", Indicator::None),
            ("Scheduled", Indicator::None),
        ] {
            let feed = feed_of(&[("Increased latency in US", TODAY, &history(state))]);
            assert_eq!(indicator(&feed), Ok(expected), "{state}");
        }
    }

    #[test]
    fn the_worst_incident_counts_and_one_that_was_forgotten_does_not() {
        let old = "2026-02-20T00:00:00Z";
        let feed = feed_of(&[
            ("Slow logins", TODAY, ""),
            ("Login outage", "2026-02-28T12:00:00+02:00", ""),
            ("Critical outage", old, ""),
        ]);
        let expected = Reading { indicator: Indicator::Major, words: "Login outage".into() };
        assert_eq!(read(feed.as_bytes(), NOW), Ok(expected));
        assert_eq!(indicator(&feed_of(&[])), Ok(Indicator::None));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (body, error) in [
            ("", "is neither the JSON of Statuspage nor an Atom feed"),
            ("All Systems Operational", "is neither the JSON of Statuspage nor an Atom feed"),
            ("[]", "is neither the JSON of Statuspage nor an Atom feed"),
            ("<a/>", "is neither the JSON of Statuspage nor an Atom feed"),
            ("{}", "has no status.indicator"),
            ("{\"status\": {\"indicator\": 1}}", "has no status.indicator"),
            ("{\"status\": ", "the text ends too early at line 1, column 11"),
            ("<!DOCTYPE html><html></html>", "is no XML: "),
            (&feed_of(&[("Slow", "yesterday", "")]), "has an entry without a time in updated"),
        ] {
            let found = indicator(body).expect_err(body);
            assert!(found.starts_with(error), "{body}: {found}");
        }
    }
}
