//! The times of SAML: `xs:dateTime` and `xs:duration` (SAML core §1.3.3, XML Schema 2 §3.2).

use crate::protocol::xml::trim;

/// What is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a time.
    #[error("is not a time such as 2027-01-31T12:00:00Z (SAML core §1.3.3)")]
    DateTime,
    /// Not a duration.
    #[error("is not a duration such as PT6H (XML Schema 2 §3.2.6)")]
    Duration,
}

/// A moment in Unix seconds. A time without time zone is in UTC, as all times of SAML are.
///
/// # Errors
/// When it is no `xs:dateTime` of the years 1 to 9999.
pub fn date_time(text: &str) -> Result<f64, TimeError> {
    read_date_time(trim(text)).ok_or(TimeError::DateTime)
}

fn read_date_time(text: &str) -> Option<f64> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset) = match time.find(['Z', '+', '-']) {
        None => (time, 0),
        Some(at) => {
            let (time, zone) = time.split_at(at);
            (time, read_zone(zone)?)
        }
    };
    let (time, fraction) = match time.split_once('.') {
        None => (time, 0.0),
        Some((time, digits)) if is_digits(digits) && digits.len() <= 30 => {
            (time, format!("0.{digits}").parse().ok()?)
        }
        Some(_) => return None,
    };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // 24:00:00 is the midnight at which the day ends.
    let end_of_day = hour == 24 && minute == 0 && second == 0 && fraction == 0.0;
    // A leap second counts as the second that follows it.
    let good = year >= 1
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && (hour < 24 || end_of_day)
        && minute < 60
        && (second < 60 || (second == 60 && hour == 23 && minute == 59));
    if !good {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    #[allow(clippy::cast_precision_loss)] // exact up to the year 285 million
    let seconds = (seconds - offset) as f64;
    Some(seconds + fraction)
}

/// The offset of a time zone in seconds.
fn read_zone(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let [hours, minutes] = numbers(rest, ':', [2, 2])?;
    (hours * 60 + minutes <= 14 * 60 && minutes < 60)
        .then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Numbers of fixed lengths between separators.
fn numbers<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next().filter(|part| part.len() == length && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March end with the leap day.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A moment in Unix seconds as `xs:dateTime` in UTC, cut to seconds.
#[must_use]
pub fn format(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // the years that are written are far within
    let seconds = seconds.clamp(FIRST, LAST).floor() as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The inverse of days_from_civil.
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = days.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The first second of the year 1.
const FIRST: f64 = -62_135_596_800.0;
/// The last second of the year 9999.
const LAST: f64 = 253_402_300_799.0;

/// A duration in seconds, negative with a leading minus. A year counts as 365 days and a month
/// as 30: how long they are depends on when they begin.
///
/// # Errors
/// When it is no `xs:duration`.
pub fn duration(text: &str) -> Result<f64, TimeError> {
    read_duration(trim(text)).ok_or(TimeError::Duration)
}

fn read_duration(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date = fields(date, &[('Y', 365.0 * 86_400.0), ('M', 30.0 * 86_400.0), ('D', 86_400.0)])?;
    let time = fields(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    Some(sign * (date + time))
}

/// Numbers with their units, in this order, each at most once.
fn fields(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    for (unit, seconds) in units {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        let Some(rest) = rest.strip_prefix(*unit) else { continue };
        let good = match number.split_once('.') {
            Some((whole, part)) => *unit == 'S' && is_digits(whole) && is_digits(part),
            None => is_digits(number),
        };
        if !good || number.len() > 15 {
            return None;
        }
        sum += number.parse::<f64>().ok()? * seconds;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_to_the_second_and_below() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2027-01-31T12:00:00Z", 1_801_396_800.0),
            (" 2027-01-31T12:00:00Z\n", 1_801_396_800.0),
            ("2027-01-31T12:00:00", 1_801_396_800.0),
            ("2027-01-31T12:00:00.25Z", 1_801_396_800.25),
            ("2027-01-31T13:30:00+01:30", 1_801_396_800.0),
            ("2027-01-31T10:00:00-02:00", 1_801_396_800.0),
            ("2027-01-30T24:00:00Z", 1_801_353_600.0),
            ("2016-12-31T23:59:60Z", 1_483_228_800.0),
            ("2000-02-29T00:00:00Z", 951_782_400.0),
            ("0001-01-01T00:00:00Z", -62_135_596_800.0),
            ("9999-12-31T23:59:59Z", 253_402_300_799.0),
        ] {
            assert_eq!(date_time(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-12-31T12:34:56Z",
            "2100-03-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "1600-12-31T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(format(date_time(text).expect("a moment")), text);
        }
        assert_eq!(format(0.9), "1970-01-01T00:00:00Z");
        assert_eq!(format(f64::INFINITY), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2027-01-31",
            "2027-01-31 12:00:00Z",
            "2027-1-31T12:00:00Z",
            "2027-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2027-13-01T12:00:00Z",
            "2027-01-00T12:00:00Z",
            "0000-01-01T00:00:00Z",
            "2027-01-31T25:00:00Z",
            "2027-01-31T24:00:01Z",
            "2027-01-31T12:60:00Z",
            "2027-01-31T12:00:60Z",
            "2027-01-31T12:00:00.Z",
            "2027-01-31T12:00:00ZZ",
            "2027-01-31T12:00:00+15:00",
            "2027-01-31T12:00:00+1:00",
            "+2027-01-31T12:00:00Z",
            "-2027-01-31T12:00:00Z",
            "20270131T120000Z",
        ] {
            assert_eq!(date_time(text), Err(TimeError::DateTime), "{text}");
        }
    }

    #[test]
    fn a_duration_is_the_sum_of_its_fields() {
        for (text, seconds) in [
            ("PT6H", 21_600.0),
            ("P1DT12H30M5.5S", 86_400.0 + 45_000.0 + 5.5),
            ("P1Y2M3D", (365.0 + 60.0 + 3.0) * 86_400.0),
            ("P0D", 0.0),
            ("PT1M", 60.0),
            ("P1M", 30.0 * 86_400.0),
            ("-PT1S", -1.0),
        ] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for text in ["", "P", "PT", "6H", "PT6", "P6H", "PT1.5H", "PT1H1H", "P1D1Y", "P-1D", "P1DT"]
        {
            assert_eq!(duration(text), Err(TimeError::Duration), "{text}");
        }
    }
}
