//! What a report takes in memory, for those who keep some of them.

use std::mem::size_of;
use std::sync::Arc;

use super::{Certificate, Event, Exchange, PeerChain, ProbeReport, StepReport, WatchedCertificate};

impl ProbeReport {
    /// About as many bytes as it takes: its texts and its lists.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = self.module.len() + self.provider.len() + self.target.len();
        let events = self.events.iter().map(|event| size_of::<Event>() + event.text.len());
        let steps = self.steps.iter().map(step);
        let certificates = self.certificates.iter().map(|watched| {
            size_of::<WatchedCertificate>()
                + watched.name.len()
                + watched.usage.len()
                + certificate(&watched.certificate)
        });
        let credentials = self.credentials.iter().map(|credential| 32 + credential.name.len());
        let keys = self.key_set.iter().flat_map(|set| &set.keys).map(|key| {
            96 + key.key_id.len() + key.key_type.len() + key.algorithm.len() + key.usage.len()
        });
        let bindings = self.saml.iter().filter_map(|saml| saml.role.as_ref());
        let bindings = bindings.flat_map(|role| &role.bindings).map(|binding| 24 + binding.len());
        size_of::<Self>()
            + texts
            + events.sum::<usize>()
            + steps.sum::<usize>()
            + certificates.sum::<usize>()
            + credentials.sum::<usize>()
            + keys.sum::<usize>()
            + bindings.sum::<usize>()
    }
}

fn step(step: &StepReport) -> usize {
    let assertions = step.assertions.iter().map(|assertion| 32 + assertion.label.len());
    let mut known: Option<&Arc<PeerChain>> = None;
    let exchanges = step.exchanges.iter().map(|exchange| {
        // Exchanges of one connection share its chain.
        let chain = exchange.chain.as_ref();
        let shared = chain.zip(known).is_some_and(|(chain, known)| Arc::ptr_eq(chain, known));
        let certificates = chain.filter(|_| !shared).into_iter().flat_map(|c| &c.presented);
        known = chain;
        size_of::<Exchange>()
            + exchange.method.len()
            + exchange.url.len()
            + exchange.host.len()
            + exchange.failure.as_ref().map_or(0, |failure| failure.detail.len())
            + certificates.map(|certificate| self::certificate(certificate)).sum::<usize>()
    });
    size_of::<StepReport>()
        + step.failure().map_or(0, |failure| failure.detail.len())
        + assertions.sum::<usize>()
        + exchanges.sum::<usize>()
        + step.tokens.len() * 56
        + step.warnings.len()
        + (step.refused.len() + step.jwt_checks.len()) * 3
}

fn certificate(certificate: &Certificate) -> usize {
    let names = certificate.alternative_names.iter().map(|name| 24 + name.len());
    size_of::<Certificate>()
        + certificate.subject.len()
        + certificate.issuer.len()
        + certificate.serial.len()
        + certificate.fingerprint_sha256.len()
        + names.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Step;

    #[test]
    fn texts_count_and_a_chain_counts_once() {
        let chain = |name: &str| {
            let certificate =
                Certificate { subject: "x".repeat(10_000), serial: name.into(), ..empty() };
            Arc::new(PeerChain { presented: vec![certificate.into()], verified_not_after: None })
        };
        let size = |chains: &[&Arc<PeerChain>]| {
            let mut step = StepReport::planned(Step::Token, &[]);
            step.exchanges.extend(chains.iter().map(|chain| Exchange {
                chain: Some(Arc::clone(chain)),
                url: "u".repeat(1000),
                ..Exchange::empty()
            }));
            ProbeReport { steps: vec![step], ..ProbeReport::empty("m", "t") }.size()
        };
        let (one, other) = (chain("1"), chain("2"));
        let alone = size(&[&one]);
        assert!((11_000..13_000).contains(&alone), "{alone}");
        assert!(size(&[&one, &one]) - alone < 2_000);
        assert!(size(&[&one, &other]) - alone > 10_000);
    }

    fn empty() -> Certificate {
        Certificate {
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            alternative_names: Vec::new(),
            not_before: 0,
            not_after: 0,
            fingerprint_sha256: String::new(),
        }
    }
}
