//! Pages for people: the landing page, the story of a probe, and what `debug=true` answers.
//!
//! HTML comes whole from here: no script, no file beside it, and a policy that lets the browser
//! load none. Every text in it that is not ours is escaped.

mod debug;
mod landing;
mod logs;

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use super::answer::{self, Answer};
use super::history::Kept;
use crate::config::Config;

pub(super) use debug::debug;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded or sent, and no style applies but ours, which the hash names.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The landing page.
pub(super) fn landing(config: &Config, recent: &[Kept]) -> Answer {
    html("auth_exporter", &landing::body(config, recent))
}

/// The story of a probe.
pub(super) fn logs(kept: &Kept) -> Answer {
    let report = &kept.report;
    let verdict = if report.success() { "succeeded" } else { "failed" };
    let title = format!("{} {verdict} – auth_exporter", report.module);
    html(&title, &logs::body(kept))
}

fn html(title: &str, body: &str) -> Answer {
    let page = format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{}</title>
<style>{STYLE}</style>
</head>
<body>
{body}</body>
</html>
",
        escape(title),
    );
    let mut answer = answer::content(StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    // The address of a page may hold a target.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .into()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A time as a person reads it.
fn length(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", milliseconds(time))
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// A moment, as `26 Nov 2026 06:54:24 GMT`.
fn date(time: SystemTime) -> String {
    let date = httpdate::fmt_http_date(time);
    date.split_once(", ").map_or(date.as_str(), |(_, date)| date).to_owned()
}

/// How long ago something was, which nobody needs to know better.
fn age(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A link with parameters.
fn link(path: &str, parameters: &[(&str, &str)], text: &str) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("<a href=\"{path}?{}\">{}</a>", escape(&query), escape(text))
}

/// The word for the result of a probe or a step, with its colour.
fn badge(class: &str, text: &str) -> String {
    format!("<span class=\"badge {class}\">{text}</span>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, text) in
            [(0.000_04, "0.0 ms"), (0.012_34, "12.3 ms"), (1.5, "1.50 s"), (119.5, "119.50 s")]
        {
            assert_eq!(length(Duration::from_secs_f64(seconds)), text);
        }
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (7300, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            escape("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
        assert_eq!(
            link("logs", &[("target", "https://a.example/?x=\"<&")], "<b>"),
            "<a href=\"logs?target=https%3A%2F%2Fa.example%2F%3Fx%3D%22%3C%26\">&lt;b&gt;</a>"
        );
    }
}
