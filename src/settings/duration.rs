//! Durations as Prometheus writes them: `1h30m`, `500ms`, `0`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration in the grammar of Prometheus: numbers with units, largest unit
/// first, each unit once; a year is 365 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromDuration(pub Duration);

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3600 * 1000),
    ("w", 7 * 24 * 3600 * 1000),
    ("d", 24 * 3600 * 1000),
    ("h", 3600 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

impl PromDuration {
    fn from_text(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self(Duration::ZERO));
        }
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest.get(..digits)?.parse().ok()?;
            rest = rest.get(digits..)?;
            let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let name = rest.get(..unit)?;
            let (_, milliseconds) = units.find(|(known, _)| *known == name)?;
            total = total.checked_add(number.checked_mul(*milliseconds)?)?;
            rest = rest.get(unit..)?;
        }
        (!text.is_empty()).then(|| Self(Duration::from_millis(total)))
    }
}

impl std::fmt::Display for PromDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, milliseconds) in UNITS {
            if rest >= milliseconds {
                write!(f, "{}{name}", rest / milliseconds)?;
                rest %= milliseconds;
            }
        }
        Ok(())
    }
}

impl Serialize for PromDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DurationVisitor;
        impl serde::de::Visitor<'_> for DurationVisitor {
            type Value = PromDuration;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as 500ms, 10s or 1h30m")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PromDuration, E> {
                PromDuration::from_text(text)
                    .ok_or_else(|| E::custom("is not a duration such as 500ms, 10s or 1h30m"))
            }

            // The one duration without a unit, which YAML takes for a number.
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<PromDuration, E> {
                if number == 0 {
                    return Ok(PromDuration(Duration::ZERO));
                }
                Err(E::invalid_type(serde::de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_any(DurationVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("1m1s1ms", 61_001),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1y", 31_536_000_000),
        ] {
            assert_eq!(
                PromDuration::from_text(text),
                Some(PromDuration(Duration::from_millis(milliseconds))),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in [
            "",
            "1",
            "s",
            "1.5s",
            "1h 5m",
            "1M",
            "5m1h",
            "1s1s",
            "-1s",
            "+1s",
            " 1s",
            "99999999999999999999s",
            "9999999999y",
        ] {
            assert_eq!(PromDuration::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["0s", "500ms", "10s", "1h30m", "1d", "1y2w3d"] {
            let read = PromDuration::from_text(text).map(|duration| duration.to_string());
            assert_eq!(read.as_deref(), Some(text));
        }
    }
}
