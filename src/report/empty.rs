//! Reports without anything in them, for tests to fill in.

use std::time::{Duration, UNIX_EPOCH};

use super::{Endpoint, Exchange, Phases, ProbeReport, Thresholds};

impl ProbeReport {
    /// A probe that did nothing, in no time.
    pub(crate) fn empty(module: &str, target: &str) -> Self {
        Self {
            module: module.into(),
            prober: "oauth_cc",
            provider: String::new(),
            target: target.into(),
            started: UNIX_EPOCH,
            duration: Duration::ZERO,
            budget: Duration::from_secs(1),
            steps: Vec::new(),
            events: Vec::new(),
            thresholds: Thresholds::default(),
            credentials: Vec::new(),
            certificates: Vec::new(),
            key_set: None,
            saml: None,
            status_page: None,
            result_age: Duration::ZERO,
            min_interval: Duration::ZERO,
            clock_skew: Vec::new(),
        }
    }
}

impl Exchange {
    /// A request that nobody answered.
    pub(crate) fn empty() -> Self {
        Self {
            endpoint: Endpoint::Token,
            method: "POST".into(),
            url: String::new(),
            host: String::new(),
            https: false,
            in_clear: false,
            hop: 0,
            status: None,
            version: None,
            address: None,
            phases: Phases::default(),
            duration: Duration::ZERO,
            chain: None,
            tls: None,
            content_length: None,
            body_length: 0,
            retry_after: None,
            failure: None,
        }
    }
}
