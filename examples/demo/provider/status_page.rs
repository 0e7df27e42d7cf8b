//! What the provider says of itself: in the JSON of Statuspage, and as a feed of incidents.

use auth_exporter::protocol::saml::time;
use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::{keys, page};

pub(super) const PATH: &str = "/status/api/v2/status.json";
pub(super) const FEED_PATH: &str = "/status/feed";

/// An incident as both formats tell of it.
#[derive(Clone, Copy)]
pub(super) struct Incident {
    /// The indicator of Statuspage.
    pub(super) indicator: &'static str,
    /// The title in the feed.
    pub(super) title: &'static str,
}

/// What Statuspage says.
pub(super) fn statuspage(incident: Option<Incident>) -> Answer {
    let (indicator, description) = incident
        .map_or(("none", "All Systems Operational"), |incident| {
            (incident.indicator, incident.title)
        });
    let page = json!({
        "page": {"name": "Demo", "url": "https://status.example.com"},
        "status": {"indicator": indicator, "description": description},
    });
    Answer::json(StatusCode::OK, &page)
}

/// The feed: what is going on, and what was.
pub(super) fn feed(incident: Option<Incident>) -> Answer {
    #[allow(clippy::cast_precision_loss, reason = "seconds of this century")]
    let ago = |seconds: u64| time::format((keys::now() - seconds) as f64);
    let entry = |title: &str, updated: &str, state: &str| {
        format!(
            "<entry><id>https://status.example.com/{updated}</id><title>{title}</title>\
             <updated>{updated}</updated><content type=\"html\">&lt;p&gt;&lt;strong&gt;{state}\
             &lt;/strong&gt; - We look into it.&lt;/p&gt;</content></entry>"
        )
    };
    let now = incident.map_or_else(String::new, |incident| {
        entry(&page::escaped(incident.title), &ago(60), "Investigating")
    });
    let feed = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\
         <title>Demo</title><id>https://status.example.com</id><updated>{}</updated>{now}{}{}</feed>",
        ago(60),
        entry("Slow logins", &ago(86_400), "Resolved"),
        entry("Resolved Service Disruption", &ago(2 * 86_400), "Investigating"),
    );
    Answer::new(StatusCode::OK, "application/atom+xml; charset=utf-8", feed)
}

/// The same page or feed with an incident.
pub(super) fn with(incident: Incident, path: &str) -> Answer {
    if path == FEED_PATH { feed(Some(incident)) } else { statuspage(Some(incident)) }
}
