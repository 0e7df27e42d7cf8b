//! What the log tells of requests that were refused: who asked, and for what. Whoever floods gets
//! no more lines than somebody reads.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::answer::{Answer, Refused};
use super::routes::Query;
use super::web_config::{Bucket, Rate};
use crate::probe::Target;

/// A line a second, and a few at once: what is configured wrongly is often so in several places.
const RATE: Rate = Rate { interval: Duration::from_secs(1), burst: 5 };
/// So many characters of what a client sent.
const CHARACTERS: usize = 200;
/// What stands in the place of what may be a credential.
const LEFT_OUT: &str = "<left out>";

/// Tells of refusals, and counts those that it did not tell of.
#[derive(Default)]
pub(super) struct Refusals {
    bucket: Bucket,
    untold: AtomicU64,
}

impl Refusals {
    /// The answer to a request that names something, and cannot have it.
    pub(super) fn answer(&self, client: IpAddr, query: Option<&Query>, refused: Refused) -> Answer {
        if let Some(untold) = self.turn() {
            let sent = |name| query.and_then(|query| query.first(name)).map(shown);
            tracing::warn!(
                client = %client.to_canonical(),
                module = sent("module"),
                target = sent("target"),
                reason = refused.reason,
                untold,
                "Request refused"
            );
        }
        refused.into()
    }

    /// A credential was wrong. `user` is one that there is: a name that is nobody's may be a password.
    pub(super) fn login(&self, client: IpAddr, user: Option<&str>) {
        if let Some(untold) = self.turn() {
            let client = client.to_canonical();
            tracing::warn!(%client, user, untold, "Login refused");
        }
    }

    /// Whether there may be a line, and how many refusals had none since the last one.
    fn turn(&self) -> Option<u64> {
        if self.bucket.take(&RATE) {
            return Some(self.untold.swap(0, Ordering::Relaxed));
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// What a client sent, without query and userinfo, which may be secret.
fn shown(sent: &str) -> String {
    let cut = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let text = match sent.rsplit_once('@') {
        // In a URL that reads as one, whatever has an `@` is no userinfo.
        Some((before, after)) if Target::parse(sent).is_err() => {
            // It may be of a query, and what is before it a password with a question mark.
            let after = if before.contains(['?', '#']) { String::new() } else { cut(after) };
            format!("{LEFT_OUT}@{after}")
        }
        None if Target::parse(sent).is_err() => without_userinfo(&cut(sent)),
        _ => cut(sent),
    };
    let mut shown = String::new();
    for c in text.chars().take(CHARACTERS) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Without a host whose port is none: it may be a name and a password with an `@` that is missing,
/// or encoded once too often.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = text.split_once("//").unwrap_or(("", text));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let slashes = if scheme.is_empty() { "" } else { "//" };
            format!("{scheme}{slashes}{LEFT_OUT}{path}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn neither_query_nor_userinfo_is_shown() {
        let long = format!("https://example.com/{}", "x".repeat(70_000));
        for (sent, expected) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com/@me/?key=k@y", "https://example.com/@me/"),
            ("https://user:pass@example.com/a?key=k#x", "<left out>@example.com/a"),
            ("https://user:p@ss@example.com", "<left out>@example.com"),
            ("https://user:pa?ss@example.com/", "<left out>@"),
            ("https://user:pa/ss@example.com/", "<left out>@example.com/"),
            ("user:pass@example.com", "<left out>@example.com"),
            ("https://example.com/ ?mail=a@b.example&key=k", "<left out>@"),
            ("example.com/a?key=k", "example.com/a"),
            ("https://user:Hunter2%40h/x", "https://<left out>/x"),
            ("https://user:Hunter2", "https://<left out>"),
            ("user:Hunter2", "<left out>"),
            ("https://example.com/#token", "https://example.com/"),
            ("a\nb\u{9b}c\u{7f}", "a\\nb\\u{9b}c\\u{7f}"),
            (&long, &long[..200]),
        ] {
            assert_eq!(shown(sent), expected, "{sent}");
        }
    }
}
