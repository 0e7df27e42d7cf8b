//! From the report of a probe to its samples.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::catalogue as m;
use super::{Sample, Samples, number, truth, unix_seconds};
use crate::report::{
    Certificate, CertificateSource, Credential, Endpoint, Exchange, FailureReason, HttpVersion,
    JwtCheck, Phases, ProbeReport, StatusPage, Step, StepReport, TokenFacts, WatchedCertificate,
};

const SECONDS_PER_DAY: f64 = 86_400.0;
const PHASES: [&str; 5] = ["resolve", "connect", "tls", "processing", "transfer"];

/// The samples of one probe, in the order of the catalogue.
#[must_use]
pub fn samples(report: &ProbeReport) -> Vec<Sample> {
    let mut samples = Samples(Vec::with_capacity(80));
    samples.flag(&m::SUCCESS, report.success());
    samples.set(&m::DURATION, report.duration.as_secs_f64());
    samples.set(&m::TIMEOUT, report.budget.as_secs_f64());
    http(&mut samples, report);
    tls(&mut samples, report);
    samples.with(
        &m::MODULE_INFO,
        [report.module.clone().into(), report.prober.into(), report.provider.clone().into()],
        1.0,
    );
    steps(&mut samples, report);
    endpoints(&mut samples, report);
    durations(&mut samples, report);
    findings(&mut samples, report);
    saml(&mut samples, report);
    certificates(&mut samples, report);
    credentials(&mut samples, report);
    status_page(&mut samples, report);
    samples.set(&m::RESULT_AGE, report.result_age.as_secs_f64());
    if !report.min_interval.is_zero() {
        samples.set(&m::MIN_INTERVAL, report.min_interval.as_secs_f64());
    }
    samples.0
}

/// The exchanges that tell how the flow went, in order.
fn proving(report: &ProbeReport) -> impl DoubleEndedIterator<Item = &Exchange> {
    report.steps.iter().filter(|step| step.step.proves_flow()).flat_map(|step| &step.exchanges)
}

fn http(samples: &mut Samples, report: &ProbeReport) {
    let last = proving(report).next_back();
    let of_last = |value: fn(&Exchange) -> f64| last.map_or(0.0, value);
    samples.set(&m::HTTP_STATUS, of_last(|exchange| exchange.status.map_or(0.0, f64::from)));
    samples.set(
        &m::HTTP_VERSION,
        of_last(|exchange| match exchange.version {
            Some(HttpVersion::Http10) => 1.0,
            Some(HttpVersion::Http11) => 1.1,
            Some(HttpVersion::Http2) => 2.0,
            None => 0.0,
        }),
    );
    samples.set(&m::HTTP_REDIRECTS, of_last(|exchange| count(exchange.hop)));
    samples.set(&m::HTTP_SSL, of_last(|exchange| truth(exchange.https)));
    samples.set(
        &m::HTTP_CONTENT_LENGTH,
        of_last(|exchange| match (exchange.status, exchange.content_length) {
            (None, _) => 0.0,
            (Some(_), None) => -1.0,
            (Some(_), Some(length)) => number(length),
        }),
    );
    samples.set(&m::HTTP_BODY_LENGTH, of_last(|exchange| number(exchange.body_length)));
    let all = report.steps.iter().flat_map(|step| &step.exchanges);
    let sums = sum_phases(all);
    for (phase, sum) in PHASES.into_iter().zip(sums) {
        let sum = sum.unwrap_or_default().as_secs_f64();
        samples.with(&m::HTTP_DURATION, [phase.into()], sum);
    }
    samples.set(
        &m::IP_PROTOCOL,
        of_last(|exchange| match exchange.address {
            Some(IpAddr::V4(_)) => 4.0,
            Some(IpAddr::V6(_)) => 6.0,
            None => 0.0,
        }),
    );
    samples.set(
        &m::IP_ADDR_HASH,
        of_last(|exchange| exchange.address.map_or(0.0, |address| f64::from(hash(address)))),
    );
    samples.set(
        &m::DNS_LOOKUP,
        of_last(|exchange| exchange.phases.resolve.unwrap_or_default().as_secs_f64()),
    );
}

/// FNV-1a of 32 bits over the bytes of the address, as in `blackbox_exporter`.
fn hash(address: IpAddr) -> u32 {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    bytes
        .iter()
        .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn sum_phases<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> [Option<Duration>; 5] {
    let mut sums = [None; 5];
    for exchange in exchanges {
        let Phases { resolve, connect, tls, processing, transfer } = exchange.phases;
        for (sum, phase) in sums.iter_mut().zip([resolve, connect, tls, processing, transfer]) {
            if let Some(time) = phase {
                *sum = Some(sum.unwrap_or_default() + time);
            }
        }
    }
    sums
}

fn tls(samples: &mut Samples, report: &ProbeReport) {
    let presented = || {
        proving(report)
            .filter_map(|exchange| exchange.chain.as_ref())
            .filter(|chain| !chain.presented.is_empty())
    };
    let earliest = presented()
        .flat_map(|chain| &chain.presented)
        .map(|certificate| certificate.not_after)
        .min();
    if let Some(earliest) = earliest {
        samples.set(&m::SSL_EARLIEST_EXPIRY, timestamp(earliest));
    }
    if let Some(chain) = presented().next_back()
        && let Some(leaf) = chain.presented.first()
    {
        let presented = chain.presented.iter().map(|certificate| certificate.not_after).min();
        if let Some(expiry) = chain.verified_not_after.or(presented) {
            samples.set(&m::SSL_LAST_CHAIN_EXPIRY, timestamp(expiry));
        }
        samples.with(
            &m::SSL_LAST_CHAIN_INFO,
            [
                leaf.fingerprint_sha256.clone().into(),
                leaf.subject.clone().into(),
                leaf.issuer.clone().into(),
                leaf.alternative_names.join(",").into(),
                leaf.serial.clone().into(),
            ],
            1.0,
        );
    }
    let version = proving(report).rev().find_map(|exchange| exchange.tls.as_ref()?.version);
    if let Some(version) = version {
        samples.with(&m::TLS_VERSION, [version.into()], 1.0);
    }
    let cipher = proving(report).rev().find_map(|exchange| exchange.tls.as_ref()?.cipher);
    if let Some(cipher) = cipher {
        samples.with(&m::TLS_CIPHER, [cipher.into()], 1.0);
    }
}

fn steps(samples: &mut Samples, report: &ProbeReport) {
    let step_label = |step: &StepReport| Cow::from(step.step.as_str());
    for step in &report.steps {
        samples.with(&m::STEP_SUCCESS, [step_label(step)], truth(step.success()));
    }
    for step in &report.steps {
        samples.with(&m::STEP_REACHED, [step_label(step)], truth(step.reached()));
    }
    for step in &report.steps {
        if let Some(duration) = step.duration {
            samples.with(&m::STEP_DURATION, [step_label(step)], duration.as_secs_f64());
        }
    }
    for step in &report.steps {
        if let Some(status) = step.last_status() {
            samples.with(&m::STEP_STATUS, [step_label(step)], f64::from(status));
        }
    }
    for step in &report.steps {
        for (phase, sum) in PHASES.into_iter().zip(sum_phases(step.exchanges.iter())) {
            if let Some(sum) = sum {
                let labels = [step_label(step), phase.into()];
                samples.with(&m::STEP_HTTP_DURATION, labels, sum.as_secs_f64());
            }
        }
    }
    for step in &report.steps {
        if let Some(failure) = step.failure() {
            let labels = [step_label(step), failure.reason.as_str().into()];
            samples.with(&m::FAILURE, labels, 1.0);
        }
    }
    for step in &report.steps {
        for warning in &step.warnings {
            let labels = [step_label(step), warning.as_str().into()];
            samples.with(&m::WARNING, labels, 1.0);
        }
    }
}

fn endpoints(samples: &mut Samples, report: &ProbeReport) {
    for endpoint in Endpoint::ALL {
        // Bad credentials and the credential of key_info say nothing of the flow's endpoints.
        let of_flow = report
            .steps
            .iter()
            .filter(|step| !matches!(step.step, Step::Refuse | Step::Logout | Step::KeyInfo))
            .flat_map(|step| &step.exchanges);
        let last = of_flow.rev().find(|exchange| exchange.endpoint == *endpoint);
        if let Some(exchange) = last {
            let label = [endpoint.as_str().into()];
            samples.with(&m::ENDPOINT_AVAILABLE, label, truth(is_available(exchange)));
        }
    }
}

/// Whether an HTTP answer below 500 came, whole or cut only by our own limits.
fn is_available(exchange: &Exchange) -> bool {
    let cut = exchange.failure.as_ref().is_some_and(|failure| {
        !matches!(
            failure.reason,
            FailureReason::BodyTooLarge
                | FailureReason::RedirectRefused
                | FailureReason::TooManyRedirects
        )
    });
    !cut && exchange.status.is_some_and(|status| status < 500)
}

/// Whether a step counts as authentication or as use of the credential; a refusal is neither.
const fn part(step: Step) -> Option<&'static str> {
    match step {
        Step::Discovery
        | Step::Par
        | Step::Authorize
        | Step::Login
        | Step::Consent
        | Step::Token
        | Step::Jwks
        | Step::Validate
        | Step::Userinfo
        | Step::Refresh
        | Step::Introspect
        | Step::Metadata
        | Step::Certificates
        | Step::Sso
        | Step::Assertion => Some("auth"),
        Step::CallApi | Step::Request | Step::Acs => Some("api"),
        Step::Refuse | Step::Revoke | Step::Logout | Step::KeyInfo => None,
    }
}

fn durations(samples: &mut Samples, report: &ProbeReport) {
    for wanted in ["auth", "api"] {
        let of_part = report.steps.iter().filter(|step| part(step.step) == Some(wanted));
        let times: Vec<Duration> = of_part.filter_map(|step| step.duration).collect();
        if !times.is_empty() {
            let sum: Duration = times.iter().sum();
            samples.with(&m::AUTH_DURATION, [wanted.into()], sum.as_secs_f64());
        }
    }
    let thresholds = &report.thresholds;
    for (step, limit) in &thresholds.steps {
        samples.with(&m::THRESHOLD, [step.as_str().into()], limit.as_secs_f64());
    }
    if let Some(total) = thresholds.total {
        samples.with(&m::THRESHOLD, ["total".into()], total.as_secs_f64());
    }
    if let Some(share) = thresholds.auth_share {
        samples.set(&m::SHARE_THRESHOLD, share);
    }
}

fn findings(samples: &mut Samples, report: &ProbeReport) {
    for step in &report.steps {
        for assertion in &step.assertions {
            let labels = [step.step.as_str().into(), assertion.label.clone().into()];
            samples.with(&m::ASSERTION, labels, truth(assertion.success));
        }
    }
    // A refresh brings another token of the same name: the last one counts.
    let last = |credential: &Credential| {
        let all = report.steps.iter().flat_map(|step| &step.tokens);
        all.rev().find(|facts| facts.token == *credential)
    };
    let tokens: Vec<&TokenFacts> = Credential::ALL.iter().filter_map(last).collect();
    let mut times = |metric, time: fn(&TokenFacts) -> Option<f64>| {
        for token in &tokens {
            if let Some(time) = time(token) {
                samples.with(metric, [token.token.as_str().into()], time);
            }
        }
    };
    times(&m::TOKEN_TTL, |token| token.ttl);
    times(&m::TOKEN_EXPIRY, |token| token.expires_at);
    times(&m::TOKEN_ISSUED, |token| token.issued_at);
    for (source, seconds) in &report.clock_skew {
        samples.with(&m::CLOCK_SKEW, [source.as_str().into()], *seconds);
    }
    tokens_checked(samples, report);
    for (check, refused) in report.steps.iter().flat_map(|step| &step.refused) {
        samples.with(&m::REFUSED, [check.as_str().into()], truth(*refused));
    }
}

/// The checks of tokens, and the keys that they were made with.
fn tokens_checked(samples: &mut Samples, report: &ProbeReport) {
    // One check may be made in several steps: it passes when it passes in each.
    let checks = jwt_checks(report);
    for ((token, check), passed) in &checks {
        let labels = [token.as_str().into(), check.as_str().into()];
        samples.with(&m::JWT_CHECK, labels, truth(*passed));
    }
    if report.steps.iter().any(|step| step.step == Step::Validate) {
        let failed = checks.values().filter(|passed| !**passed).count();
        samples.set(&m::JWT_ERRORS, count(failed));
    }
    if let Some(set) = &report.key_set {
        samples.set(&m::JWKS_KEYS, count(set.usable));
        samples.set(&m::JWKS_HASH, f64::from(set.hash));
        for key in &set.keys {
            let labels = [&key.key_id, &key.key_type, &key.algorithm, &key.usage];
            samples.with(&m::JWKS_KEY_INFO, labels.map(|label| label.clone().into()), 1.0);
        }
    }
}

/// What SAML metadata says of an entity.
fn saml(samples: &mut Samples, report: &ProbeReport) {
    let Some(facts) = &report.saml else { return };
    if let Some(entities) = facts.entities {
        samples.set(&m::SAML_ENTITIES, number(entities));
    }
    if let Some(valid) = facts.signature_valid {
        samples.flag(&m::SAML_SIGNATURE, valid);
    }
    if let Some(valid_until) = facts.valid_until {
        samples.set(&m::SAML_VALID_UNTIL, valid_until);
        let days = (valid_until - end(report)) / SECONDS_PER_DAY;
        samples.set(&m::SAML_VALID_UNTIL_DAYS, days);
    }
    if let Some(duration) = facts.cache_duration {
        samples.set(&m::SAML_CACHE_DURATION, duration);
    }
    let Some(role) = &facts.role else { return };
    let flag = |value: bool| if value { "true" } else { "false" };
    let labels = [
        role.name,
        flag(role.want_authn_requests_signed),
        flag(role.authn_requests_signed),
        flag(role.want_assertions_signed),
    ];
    samples.with(&m::SAML_ROLE_INFO, labels.map(Cow::from), 1.0);
    for binding in &role.bindings {
        let labels = [role.name.into(), binding.clone().into()];
        samples.with(&m::SAML_ENDPOINT_INFO, labels, 1.0);
    }
    for (state, certificates) in role.signing_certificates {
        samples.with(&m::SAML_SIGNING_CERTIFICATES, [state.into()], count(certificates));
    }
}

/// Each check of a token by itself.
pub(super) fn jwt_checks(report: &ProbeReport) -> BTreeMap<(Credential, JwtCheck), bool> {
    let mut checks = BTreeMap::new();
    for (token, check, passed) in report.steps.iter().flat_map(|step| &step.jwt_checks) {
        *checks.entry((*token, *check)).or_insert(true) &= passed;
    }
    checks
}

/// Source, name, role, use and facts of a certificate.
type Watched<'a> = (CertificateSource, &'a str, &'static str, &'a str, &'a Certificate);

/// The leaf that each origin presented, and the module's own certificates.
fn certificates(samples: &mut Samples, report: &ProbeReport) {
    let presented = proving(report).filter_map(|exchange| {
        let leaf = exchange.chain.as_ref()?.presented.first()?.as_ref();
        Some((CertificateSource::Tls, exchange.host.as_str(), "", "", leaf))
    });
    let own = report.certificates.iter().map(|watched| {
        let WatchedCertificate { source, name, role, usage, certificate } = watched;
        (*source, name.as_str(), *role, usage.as_str(), certificate)
    });
    let mut watched: Vec<Watched<'_>> = Vec::new();
    for certificate in presented.chain(own) {
        if !watched.contains(&certificate) {
            watched.push(certificate);
        }
    }
    let labels = |(source, name, role, usage, certificate): &Watched<'_>| {
        [
            source.as_str().into(),
            (*name).to_owned().into(),
            (*role).into(),
            (*usage).to_owned().into(),
            certificate.fingerprint_sha256.clone().into(),
        ]
    };
    for one in &watched {
        samples.with(&m::CERTIFICATE_NOT_AFTER, labels(one), timestamp(one.4.not_after));
    }
    let now = end(report);
    for one in &watched {
        let days = (timestamp(one.4.not_after) - now) / SECONDS_PER_DAY;
        samples.with(&m::CERTIFICATE_DAYS, labels(one), days);
    }
}

fn credentials(samples: &mut Samples, report: &ProbeReport) {
    for credential in &report.credentials {
        let label = [credential.name.clone().into()];
        samples.with(&m::CREDENTIAL_EXPIRY, label, credential.expires_at);
    }
    let now = end(report);
    for credential in &report.credentials {
        let days = (credential.expires_at - now) / SECONDS_PER_DAY;
        samples.with(&m::CREDENTIAL_DAYS, [credential.name.clone().into()], days);
    }
}

/// What the provider says of itself.
fn status_page(samples: &mut Samples, report: &ProbeReport) {
    let Some(page) = report.status_page else { return };
    samples.flag(&m::STATUS_PAGE, page != StatusPage::Unreadable);
    if let StatusPage::Shows(indicator) = page {
        samples.with(&m::PROVIDER_STATUS, [indicator.as_str().into()], 1.0);
    }
}

/// When the probe ended, in Unix seconds.
fn end(report: &ProbeReport) -> f64 {
    unix_seconds(report.started + report.duration)
}

// Values of metrics are floats; beyond 2^53 they are inexact, which no length or time reaches.
#[allow(clippy::cast_precision_loss)]
const fn timestamp(seconds: i64) -> f64 {
    seconds as f64
}

const fn count(value: usize) -> f64 {
    number(value as u64)
}

#[cfg(test)]
mod most;
