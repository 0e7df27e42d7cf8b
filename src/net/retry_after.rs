//! `Retry-After` (RFC 9110 §10.2.3): when a server that is overloaded, or tired of us, wants to
//! be asked again.

use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName};

/// How long to wait, from the answer on. A date is read by the clock of the server, where the
/// answer tells it.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = text(headers, &RETRY_AFTER)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = self::text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    until.duration_since(date.unwrap_or(now)).ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT").expect("a date");
        let late = "Thu, 01 Jan 2026 00:01:00 GMT";
        for (value, date, seconds) in [
            ("30", None, Some(30)),
            (" 0 ", None, Some(0)),
            ("99999999999999999999", None, Some(u64::MAX)),
            (late, None, Some(60)),
            // The clock of the server is 50 s ahead of ours.
            (late, Some("Thu, 01 Jan 2026 00:00:50 GMT"), Some(10)),
            (late, Some("Thu, 01 Jan 2026 00:02:00 GMT"), None),
            ("Wed, 31 Dec 2025 23:59:00 GMT", None, None),
            ("", None, None),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().expect("a header"));
            if let Some(date) = date {
                headers.insert(DATE, date.parse().expect("a header"));
            }
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value:?} at {date:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
