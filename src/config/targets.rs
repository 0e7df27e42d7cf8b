//! Where a module may be pointed, as it is written: targets with their labels, and patterns.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::probe::{ListedTarget, Pattern, Target, Targets};
use crate::settings::{Error, Path, Transport};

/// A target as text, or with labels.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum TargetSettings {
    Plain(String),
    Labelled(LabelledTarget),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelledTarget {
    url: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for TargetSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TargetVisitor;
        impl<'de> serde::de::Visitor<'de> for TargetVisitor {
            type Value = TargetSettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a URL or {url: …, labels: …}")
            }

            fn visit_str<E>(self, url: &str) -> Result<TargetSettings, E> {
                Ok(TargetSettings::Plain(url.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<TargetSettings, A::Error> {
                let members = serde::de::value::MapAccessDeserializer::new(map);
                LabelledTarget::deserialize(members).map(TargetSettings::Labelled)
            }
        }
        deserializer.deserialize_any(TargetVisitor)
    }
}

/// Labels that the metrics of a probe have themselves, or that Prometheus and the rules set.
const TAKEN_LABELS: [&str; 37] = [
    "alg",
    "assertion",
    "authn_requests_signed",
    "binding",
    "check",
    "cipher",
    "credential",
    "endpoint",
    "fingerprint_sha256",
    "indicator",
    "instance",
    "issuer",
    "job",
    "kid",
    "kty",
    "module",
    "name",
    "part",
    "phase",
    "prober",
    "provider",
    "reason",
    "role",
    "serialnumber",
    "severity",
    "source",
    "state",
    "step",
    "subject",
    "subjectalternative",
    "target",
    "token",
    "use",
    "version",
    "want_assertions_signed",
    "want_authn_requests_signed",
    "warning",
];

/// The targets of a module, written as a list and as patterns.
///
/// # Errors
/// For the first that is none, is listed twice, or has a label that cannot be one.
pub(super) fn compile(
    targets: Vec<TargetSettings>,
    allowed: &[String],
    at: &Path,
    warnings: &mut Vec<String>,
) -> Result<Targets, Error> {
    Ok(Targets::new(
        listed(targets, &at.key("targets"), warnings)?,
        patterns(allowed, &at.key("allowed_targets"))?,
    ))
}

/// Each taken label is told once: thousands of targets may have it.
fn listed(
    targets: Vec<TargetSettings>,
    at: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<ListedTarget>, Error> {
    let mut listed = Vec::with_capacity(targets.len());
    let mut taken: HashSet<&str> = HashSet::new();
    let mut texts: HashSet<Arc<str>> = HashSet::with_capacity(targets.len());
    for (index, setting) in targets.into_iter().enumerate() {
        let at = at.index(index);
        let (url, labels, at_url) = match setting {
            TargetSettings::Plain(url) => (url, BTreeMap::new(), at.clone()),
            TargetSettings::Labelled(target) => (target.url, target.labels, at.key("url")),
        };
        Target::parse(&url).map_err(|error| at_url.error(error.to_string()))?;
        let target: Arc<str> = url.into();
        for label in labels.keys() {
            let at = at.key("labels").key(label);
            if label.starts_with("__") {
                return Err(at.error("labels that begin with __ belong to Prometheus"));
            }
            if !is_label_name(label) {
                return Err(at.error("is not a label name"));
            }
            if let Some(name) = TAKEN_LABELS.iter().find(|name| *name == label)
                && taken.insert(name)
            {
                warnings.push(format!(
                    "{at}: scrapes have a label of this name already, and rules and dashboards mistake one for the other"
                ));
            }
        }
        if !texts.insert(target.clone()) {
            return Err(at_url.error("is listed twice"));
        }
        listed.push(ListedTarget { target, labels });
    }
    Ok(listed)
}

fn is_label_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn patterns(texts: &[String], at: &Path) -> Result<Vec<Pattern>, Error> {
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            Pattern::parse(text).map_err(|error| at.index(index).error(error.to_string()))
        })
        .collect()
}

/// A module with a secret says where it may go, and not in the clear.
///
/// # Errors
/// When it may go anywhere, or over plain http.
pub(super) fn guard(targets: &Targets, at: &Path, transport: Transport) -> Result<(), Error> {
    if targets.listed().is_empty() && targets.patterns().is_empty() {
        return Err(at.error(
            "holds a secret and has neither targets nor allowed_targets: \
             anyone who can reach /probe could have it sent anywhere",
        ));
    }
    for (index, listed) in targets.listed().iter().enumerate() {
        let at = at.key("targets").index(index);
        let target = Target::parse(&listed.target).map_err(|error| at.error(error.to_string()))?;
        transport.check(target.url(), &at)?;
    }
    for (index, pattern) in targets.patterns().iter().enumerate() {
        if let Some(url) = pattern.example() {
            transport.check(&url, &at.key("allowed_targets").index(index))?;
        }
    }
    Ok(())
}
