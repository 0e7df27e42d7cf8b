//! When a credential ends, in the forms in which services say it.

use serde_json::Value;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

use super::json;

/// How a service writes an expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryFormat {
    /// Told by its look: a date or time as text, a number as Unix seconds or milliseconds.
    #[default]
    Auto,
    /// A date and time (RFC 3339).
    Rfc3339,
    /// A date alone; the credential ends when that day begins, in UTC.
    Date,
    /// Seconds since 1970.
    #[serde(rename = "unix")]
    UnixSeconds,
    /// Milliseconds since 1970.
    #[serde(rename = "unix_ms")]
    UnixMilliseconds,
    /// Seconds from now.
    SecondsLeft,
    /// The date of an HTTP header (RFC 9110 §5.6.7).
    HttpDate,
}

/// Why a value is no expiry. It says what was found, never the value: that is text of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// Another kind of value than the format has.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What the format asks for.
        expected: &'static str,
        /// Kind of the value.
        found: &'static str,
    },
    /// A number that could be a length of time as well as a moment.
    #[error("a number before the year 2001 could be seconds left or a time: say which with format")]
    Ambiguous,
}

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
const FIRST_MILLISECONDS: f64 = 1e11;
/// Numbers below are no plausible time of expiry: the year 2001 in Unix seconds.
const FIRST_SECONDS: f64 = 1e9;
/// The end of the year 9999: no calendar here reaches further.
const LAST: f64 = 253_402_300_799.0;

impl ExpiryFormat {
    /// The moment in Unix seconds; `None` for a JSON null, with which services say that there
    /// is no end. `now` is in Unix seconds.
    ///
    /// # Errors
    /// When the value is not of this format.
    pub fn read(self, value: &Value, now: f64) -> Result<Option<f64>, ExpiryError> {
        let wrong = |expected| ExpiryError::Kind { expected, found: json::kind(value) };
        let text = |parse: fn(&str) -> Option<f64>, expected| {
            value.as_str().and_then(|text| parse(text.trim())).ok_or_else(|| wrong(expected))
        };
        // Headers carry their numbers as text, and so do some bodies.
        let number = || {
            value
                .as_f64()
                .or_else(|| value.as_str()?.trim().parse().ok())
                .filter(|number: &f64| number.is_finite() && number.abs() <= LAST * 1000.0)
        };
        let needs_number = || number().ok_or_else(|| wrong("a number"));
        let moment = match (self, value) {
            (_, Value::Null) => return Ok(None),
            (Self::Rfc3339, _) => text(rfc3339, "a time of RFC 3339")?,
            (Self::Date, _) => text(date, "a date such as 2027-01-31")?,
            (Self::HttpDate, _) => text(http_date, "a date of HTTP (RFC 9110 §5.6.7)")?,
            (Self::UnixSeconds, _) => needs_number()?,
            (Self::UnixMilliseconds, _) => needs_number()? / 1000.0,
            (Self::SecondsLeft, _) => now + needs_number()?,
            (Self::Auto, _) => match number() {
                Some(number) if number >= FIRST_MILLISECONDS => number / 1000.0,
                Some(number) if number >= FIRST_SECONDS => number,
                Some(_) => return Err(ExpiryError::Ambiguous),
                None => text(
                    |text| {
                        date_or_time(text).or_else(|| http_date(text)).or_else(|| with_zone(text))
                    },
                    "a date, a time or a number",
                )?,
            },
        };
        Ok(Some(moment.clamp(-LAST, LAST)))
    }
}

/// A date, or a time of RFC 3339, in Unix seconds.
#[must_use]
pub fn date_or_time(text: &str) -> Option<f64> {
    rfc3339(text).or_else(|| date(text))
}

fn rfc3339(text: &str) -> Option<f64> {
    // RFC 3339 §5.6 lets a space stand for the T, and databases write it so.
    let text = text.replacen(' ', "T", 1);
    OffsetDateTime::parse(&text, &Rfc3339).ok().map(unix_seconds)
}

/// A date, a time and a zone, apart: `2027-01-31 12:00:00 UTC` or `… +0100`, as GitHub writes it.
fn with_zone(text: &str) -> Option<f64> {
    let (moment, zone) = text.rsplit_once(' ')?;
    let zone = match zone {
        "UTC" | "GMT" => "Z".to_owned(),
        zone if zone.len() == "+0100".len() && zone.is_ascii() => {
            let (hours, minutes) = zone.split_at(3);
            format!("{hours}:{minutes}")
        }
        _ => return None,
    };
    rfc3339(&format!("{moment}{zone}"))
}

fn date(text: &str) -> Option<f64> {
    // ISO 8601 has more forms of dates than the full-date of RFC 3339 §5.6.
    if text.len() != "2027-01-31".len() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return None;
    }
    let date = Date::parse(text, &Iso8601::DATE).ok()?;
    Some(unix_seconds(date.midnight().assume_utc()))
}

// Times of the calendar are far below 2^53 seconds.
#[allow(clippy::cast_precision_loss)]
const fn unix_seconds(time: OffsetDateTime) -> f64 {
    time.unix_timestamp() as f64
}

fn http_date(text: &str) -> Option<f64> {
    let time = httpdate::parse_http_date(text).ok()?;
    time.duration_since(std::time::UNIX_EPOCH).ok().map(|time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_format_and_what_it_refuses() {
        use ExpiryFormat::{
            Auto, Date, HttpDate, Rfc3339, SecondsLeft, UnixMilliseconds, UnixSeconds,
        };
        const NOW: f64 = 1_800_000_000.0;
        let moment = 1_801_396_800.0; // 2027-01-31T12:00:00Z
        for (format, value, expected) in [
            (Auto, json!("2027-01-31T12:00:00Z"), Ok(Some(moment))),
            (Auto, json!("2027-01-31 13:00:00+01:00"), Ok(Some(moment))),
            (Auto, json!("2027-01-31"), Ok(Some(moment - 43_200.0))),
            (Auto, json!("2027-01-31 12:00:00 UTC"), Ok(Some(moment))),
            (Auto, json!("2027-01-31 13:00:00 +0100"), Ok(Some(moment))),
            (Auto, json!("2027-01-31 04:00:00 -0800"), Ok(Some(moment))),
            (Auto, json!("Sun, 31 Jan 2027 12:00:00 GMT"), Ok(Some(moment))),
            (Auto, json!(1_801_396_800), Ok(Some(moment))),
            (Auto, json!(1_801_396_800_000_u64), Ok(Some(moment))),
            (Auto, json!("1801396800"), Ok(Some(moment))),
            (Auto, json!(null), Ok(None)),
            (Auto, json!(3600), Err(ExpiryError::Ambiguous)),
            (Rfc3339, json!("2027-01-31T12:00:00.5Z"), Ok(Some(moment))),
            (Date, json!("2027-01-31"), Ok(Some(moment - 43_200.0))),
            (UnixSeconds, json!(1), Ok(Some(1.0))),
            (UnixMilliseconds, json!(1_801_396_800_000_u64), Ok(Some(moment))),
            (SecondsLeft, json!(60), Ok(Some(NOW + 60.0))),
            (SecondsLeft, json!("-60"), Ok(Some(NOW - 60.0))),
            (HttpDate, json!("Sun, 31 Jan 2027 12:00:00 GMT"), Ok(Some(moment))),
        ] {
            assert_eq!(format.read(&value, NOW), expected, "{format:?} {value}");
        }
        for (format, value, found) in [
            (Auto, json!("soon"), "a string"),
            (Auto, json!("2027-01-31 12:00:00 CET"), "a string"),
            (Auto, json!("2027-01-31 12:00:00 0100+"), "a string"),
            (Auto, json!("2027-01-31 12:00:00 é123"), "a string"),
            (Auto, json!(true), "a boolean"),
            (Auto, json!("1e999"), "a string"),
            (Rfc3339, json!("2027-02-30T12:00:00Z"), "a string"),
            (Date, json!("2027-01-31T12:00:00Z"), "a string"),
            (UnixSeconds, json!({}), "an object"),
            (UnixSeconds, json!(1e300), "a number"),
        ] {
            let error = format.read(&value, NOW).expect_err("test input is wrong");
            let ExpiryError::Kind { found: kind, .. } = error else { panic!("{error}") };
            assert_eq!(kind, found, "{format:?} {value}");
        }
    }
}
