//! A date that the configuration declares: when a credential ends.

use serde::{Deserialize, Serialize};

use crate::protocol::expiry;

/// When a credential ends, as the configuration says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ExpiresAt {
    written: String,
    #[serde(skip)]
    unix_seconds: f64,
}

impl ExpiresAt {
    /// The moment in Unix seconds.
    #[must_use]
    pub const fn unix_seconds(&self) -> f64 {
        self.unix_seconds
    }
}

impl<'de> Deserialize<'de> for ExpiresAt {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let written = String::deserialize(deserializer)?;
        let unix_seconds = expiry::date_or_time(&written).ok_or_else(|| {
            D::Error::custom(
                "is not a date as 2027-01-31 or a time as 2027-01-31T12:00:00Z (RFC 3339)",
            )
        })?;
        Ok(Self { written, unix_seconds })
    }
}
