//! What an answer must say, when the same fault was on from its first byte to its last.

use std::collections::BTreeSet;

use crate::expected::expected;
use crate::modules::healthy;
use crate::provider::{Fault, Service};
use crate::scrape::Metrics;

/// What is known of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It tells the story of the fault, to the letter.
    AsExpected,
    /// It tells that all is well, as it must.
    Healthy,
    /// The login waits after one that was rejected, and says why that was.
    Paused,
    /// The fault may or may not be seen by this module.
    NotJudged,
    /// It says something that it must not say.
    Wrong { told: String, wanted: String },
}

/// Judges the answers of one exporter.
#[derive(Default)]
pub(crate) struct Judge {
    /// Why logins were rejected so far: what a login that waits says again.
    rejected: BTreeSet<String>,
}

/// Modules that log the one user in.
const LOGINS: [&str; 3] = ["login", "pushed", "sign_on"];

impl Judge {
    /// Notes why a login failed, whether or not the answer is judged.
    pub(crate) fn note(&mut self, module: &str, metrics: &Metrics) {
        if LOGINS.contains(&module) && age(metrics) == 0.0 {
            let login = metrics.steps().into_iter().find(|step| step.name == "login");
            self.rejected.extend(login.and_then(|step| step.reason));
        }
    }

    /// The verdict on an answer of this module under this fault.
    pub(crate) fn verdict(&self, module: &str, fault: Option<Fault>, metrics: &Metrics) -> Verdict {
        let told = metrics.story();
        let wrong = |wanted: &str| Verdict::Wrong {
            told: format!("{told} (success {})", metrics.success()),
            wanted: wanted.to_owned(),
        };
        if metrics.success() != metrics.steps().iter().all(|step| step.success) {
            return wrong("a success that its steps bear out");
        }
        if LOGINS.contains(&module) && age(metrics) > 0.0 {
            let login = metrics.steps().into_iter().find(|step| step.name == "login");
            let reason = login.and_then(|step| step.reason);
            return match reason {
                Some(reason) if self.rejected.contains(&reason) => Verdict::Paused,
                _ => wrong("the reason of a rejected login"),
            };
        }
        let expected = fault.map(expected);
        match (expected, fault) {
            // What they answer depends on what others asked in between.
            (
                _,
                Some(
                    Fault::KeysRotatedJustNow
                    | Fault::ApiRefusesEarlierTokens
                    | Fault::ApiLimitsEarlierTokens,
                ),
            ) if module == "jwt" => Verdict::NotJudged,
            (Some(expected), _) if expected.module == module => {
                if told == expected.story && metrics.failed_checks() == expected.checks {
                    Verdict::AsExpected
                } else {
                    wrong(&format!("{} {:?}", expected.story, expected.checks))
                }
            }
            (_, Some(fault)) if touches(fault.service(), module) => Verdict::NotJudged,
            _ => {
                // Whether consent is asked for depends on what was answered before.
                if told == healthy(module) && metrics.failed_checks().is_empty() {
                    Verdict::Healthy
                } else {
                    wrong(healthy(module))
                }
            }
        }
    }
}

/// The age of the result, in seconds: 0 for one of its own.
fn age(metrics: &Metrics) -> f64 {
    metrics.value("probe_auth_result_age_seconds").unwrap_or_default()
}

/// Whether a module of [`crate::modules::configuration`] asks a service.
fn touches(service: Service, module: &str) -> bool {
    let oauth = ["flow", "asserted", "jwt", "login", "pushed"].contains(&module);
    match service {
        Service::Everything => true,
        Service::Discovery | Service::Token | Service::Keys => oauth,
        Service::Authorization
        | Service::Consent
        | Service::Callback
        | Service::Userinfo
        | Service::Logout
        | Service::Pushed => ["login", "pushed"].contains(&module),
        Service::Login => LOGINS.contains(&module),
        Service::Introspection | Service::Revocation => ["flow", "login"].contains(&module),
        Service::Api => ["flow", "jwt", "login"].contains(&module),
        Service::Account | Service::KeyInfo => ["key", "watched"].contains(&module),
        Service::SamlMetadata | Service::SamlSso | Service::SamlResponse | Service::SamlAcs => {
            ["saml", "pinned", "sign_on"].contains(&module)
        }
        Service::StatusPage => module == "watched",
    }
}
