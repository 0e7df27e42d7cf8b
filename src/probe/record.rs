//! The record of a running probe: what becomes its report.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Target;
use crate::net::Origin;
use crate::report::{
    AssertionResult, Certificate, ClockSource, Credential, CredentialExpiry, Event, Exchange,
    Failure, FailureReason, JwtCheck, PeerChain, ProbeReport, Step, StepOutcome, StepReport,
    WatchedCertificate,
};
use crate::secret::{Redactor, WITHHELD};

/// Longest story that is kept: lines, and bytes in them. How each step ended is told beyond it.
const MAX_EVENTS: usize = 500;
const MAX_STORY_BYTES: usize = 64 * 1024;
/// Bytes of one line, of the detail of a failure, and of a URL. All three hold text of servers.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// Everything that a probe has found so far. Text is redacted on its way in.
pub(super) struct Record {
    /// What becomes of it. It has no duration before the flow has ended.
    pub(super) report: ProbeReport,
    started: Instant,
    target: Target,
    /// Position of the running step, and when it began.
    running: Option<(usize, Instant)>,
    story_bytes: usize,
    pub(super) redactor: Redactor,
}

impl Record {
    /// A record whose report knows the plan, and nothing else of the flow.
    pub(super) fn new(report: ProbeReport, target: &Target, redactor: Redactor) -> Self {
        Self {
            report,
            started: Instant::now(),
            target: target.clone(),
            running: None,
            story_bytes: 0,
            redactor,
        }
    }

    pub(super) fn begin(&mut self, step: Step) {
        let position = self.report.steps.iter().position(|report| report.step == step);
        // A step that nobody planned would be missing from the plan's metrics on every other probe.
        debug_assert!(position.is_some(), "step {step} is not planned");
        let position = position.unwrap_or_else(|| {
            self.report.steps.push(StepReport::planned(step, &[]));
            self.report.steps.len() - 1
        });
        self.running = Some((position, Instant::now()));
        self.note("begins");
    }

    pub(super) fn end(&mut self, failure: Option<Failure>) {
        let failure = failure.map(|failure| Failure { detail: self.told(&failure), ..failure });
        let mut text = "succeeded".to_owned();
        if let Some(failure) = &failure {
            text = format!("FAILED, {}: {}", failure.reason, failure.detail);
        }
        let began = self.running.map(|(_, began)| began);
        let started = self.started;
        if let Some(step) = self.current() {
            step.began = began.map(|began| began.saturating_duration_since(started));
            step.duration = began.map(|began| began.elapsed());
            step.outcome = failure.map_or(StepOutcome::Passed, StepOutcome::Failed);
        }
        self.add(cut(text));
        self.running = None;
    }

    pub(super) fn not_needed(&mut self, step: Step) {
        if let Some(report) = self.report.steps.iter_mut().find(|report| report.step == step) {
            report.outcome = StepOutcome::NotNeeded;
        }
    }

    /// The running step; between steps there is none, and what is said then is lost.
    pub(super) fn current(&mut self) -> Option<&mut StepReport> {
        let (position, _) = self.running?;
        self.report.steps.get_mut(position)
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The first step of the plan, for a failure that came before any began.
    pub(super) fn first(&self) -> Option<Step> {
        self.report.steps.first().map(|report| report.step)
    }

    pub(super) fn assert(&mut self, label: &str, success: bool) {
        let Some(step) = self.current() else { return };
        match step.assertions.iter_mut().find(|known| known.label == label) {
            Some(known) => known.success = success,
            None => step.assertions.push(AssertionResult { label: label.to_owned(), success }),
        }
    }

    pub(super) fn exchanges(&mut self, exchanges: Vec<Exchange>) {
        for mut exchange in exchanges {
            self.clean(&mut exchange);
            self.note_redacted(describe(&exchange));
            if let Some(step) = self.current() {
                step.exchanges.push(exchange);
            }
        }
    }

    /// Leaves nothing secret in an exchange. Its certificates are looked at when the probe ends:
    /// many exchanges share them.
    fn clean(&self, exchange: &mut Exchange) {
        if let Some(failure) = &mut exchange.failure {
            failure.detail = self.told(failure);
        }
        // Where a secret cannot be found in text, the target is the one URL that is known to have
        // none: others are of servers, or of configured text that may be secret.
        if self.redactor.has_short() {
            let url = self.target.url();
            let origin = Origin::of(url).to_string();
            match exchange.url.strip_prefix(&origin) {
                Some(path) if path == url.path() => {}
                Some(path) if path.starts_with('/') => {
                    exchange.url = format!("{origin}/{WITHHELD}");
                }
                _ => exchange.url = WITHHELD.into(),
            }
            if url.host_str() != Some(&exchange.host) {
                exchange.host = WITHHELD.into();
            }
        }
        exchange.url = self.shown(&exchange.url);
        exchange.host = self.redactor.redact(&exchange.host);
    }

    /// The detail of a failure as it may be shown: one that quotes is text of somebody else.
    pub(super) fn told(&self, failure: &Failure) -> String {
        if failure.quotes && self.redactor.has_short() {
            return WITHHELD.into();
        }
        self.shown(&failure.detail)
    }

    /// A text without secrets, cut.
    fn shown(&self, text: &str) -> String {
        cut(self.redactor.redact_to(text, MAX_LINE_BYTES))
    }

    pub(super) fn note(&mut self, text: &str) {
        let text = self.shown(text);
        self.note_redacted(text);
    }

    fn note_redacted(&mut self, text: String) {
        if self.report.events.len() < MAX_EVENTS && self.story_bytes < MAX_STORY_BYTES {
            self.add(cut(text));
        }
    }

    /// Adds a line to the story, however long that is.
    fn add(&mut self, text: String) {
        let step = self.current().map(|step| step.step);
        self.add_of(step, text);
    }

    fn add_of(&mut self, step: Option<Step>, text: String) {
        self.story_bytes += text.len();
        self.report.events.push(Event { at: self.started.elapsed(), step, text });
    }

    /// Notes what happened beside the flow. There is little of it.
    pub(super) fn note_beside(&mut self, text: &str) {
        let text = self.shown(text);
        self.add_of(None, text);
    }

    /// An exchange beside the flow, which proves nothing and counts nowhere.
    pub(super) fn exchange_beside(&mut self, mut exchange: Exchange) {
        self.clean(&mut exchange);
        self.note_beside(&describe(&exchange));
    }

    /// The flow has ended; what runs beside it may take longer.
    pub(super) fn flow_ended(&mut self) {
        self.report.duration = self.started.elapsed();
    }

    /// Notes when a credential ends; a later word on the same one replaces an earlier one.
    pub(super) fn credential(&mut self, credential: CredentialExpiry) {
        self.report.credentials.retain(|known| known.name != credential.name);
        self.report.credentials.push(credential);
    }

    pub(super) fn certificate(&mut self, certificate: WatchedCertificate) {
        let name = self.redactor.foreign(&certificate.name);
        self.report.certificates.push(WatchedCertificate { name, ..certificate });
    }

    /// Forgets what earlier steps said of a check.
    pub(super) fn jwt_check_undecided(&mut self, token: Credential, check: JwtCheck) {
        for step in &mut self.report.steps {
            step.jwt_checks.retain(|(of, made, _)| (*of, *made) != (token, check));
        }
    }

    /// Notes the provider's clock; a later word of the same source replaces an earlier one.
    pub(super) fn clock_skew(&mut self, source: ClockSource, seconds: f64) {
        self.report.clock_skew.retain(|(known, _)| *known != source);
        self.report.clock_skew.push((source, seconds));
    }

    /// Who presents a certificate writes its names.
    fn clean_chains(&mut self) {
        let mut clean: Vec<(Arc<PeerChain>, Arc<PeerChain>)> = Vec::new();
        let exchanges = self.report.steps.iter_mut().flat_map(|step| &mut step.exchanges);
        for chain in exchanges.filter_map(|exchange| exchange.chain.as_mut()) {
            if let Some((_, shown)) = clean.iter().find(|(from, _)| Arc::ptr_eq(from, chain)) {
                *chain = shown.clone();
                continue;
            }
            let shown = Arc::new(clean_chain(&self.redactor, chain));
            clean.push((std::mem::replace(chain, shown.clone()), shown));
        }
    }

    /// What was found. A step that still runs was cut off.
    pub(super) fn finish(mut self) -> ProbeReport {
        if self.is_running() {
            self.end(Some(Failure::new(FailureReason::Internal, "the step did not end")));
        }
        self.clean_chains();
        self.report
    }
}

/// The chain with names that may be shown, and as few of the alternative ones as fit into a line.
fn clean_chain(redactor: &Redactor, chain: &PeerChain) -> PeerChain {
    let clean = |certificate: &Arc<Certificate>| {
        let [subject, issuer] =
            [&certificate.subject, &certificate.issuer].map(|name| redactor.foreign(name));
        let mut room = MAX_LINE_BYTES;
        let names = certificate.alternative_names.iter().map(|name| redactor.foreign(name));
        let mut names: Vec<String> = names
            .map_while(|name| {
                room = room.checked_sub(name.len() + 1)?;
                Some(name)
            })
            .collect();
        // Withheld ones are alike.
        names.dedup();
        let alike = (&subject, &issuer, &names)
            == (&certificate.subject, &certificate.issuer, &certificate.alternative_names);
        if alike {
            return certificate.clone();
        }
        Arc::new(Certificate {
            subject,
            issuer,
            alternative_names: names,
            ..(**certificate).clone()
        })
    };
    PeerChain {
        presented: chain.presented.iter().map(clean).collect(),
        verified_not_after: chain.verified_not_after,
    }
}

/// A text that was redacted, and so may be cut anywhere.
fn cut(mut text: String) -> String {
    if text.len() > MAX_LINE_BYTES {
        let end = (0..=MAX_LINE_BYTES).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

/// One line for the story: no query, no header, no body.
fn describe(exchange: &Exchange) -> String {
    let mut text = String::with_capacity(160);
    // Writing into a String cannot fail.
    let _ = write_line(&mut text, exchange);
    text
}

fn write_line(text: &mut String, exchange: &Exchange) -> std::fmt::Result {
    write!(text, "{} {}", exchange.method, exchange.url)?;
    if let Some(address) = exchange.address {
        write!(text, " at {address}")?;
    }
    match (exchange.status, &exchange.failure) {
        (Some(status), _) => write!(text, ": status {status}, {} bytes", exchange.body_length)?,
        (None, Some(failure)) => write!(text, ": {}", failure.reason)?,
        (None, None) => {}
    }
    write!(text, " in {:.1} ms", milliseconds(exchange.duration))?;
    let phases = &exchange.phases;
    let mut before = " (";
    for (name, time) in [
        ("resolve", phases.resolve),
        ("connect", phases.connect),
        ("tls", phases.tls),
        ("processing", phases.processing),
        ("transfer", phases.transfer),
    ] {
        if let Some(time) = time {
            write!(text, "{before}{name} {:.1}", milliseconds(time))?;
            before = ", ";
        }
    }
    if before == ", " {
        text.push(')');
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(secret: &str) -> Record {
        let target = Target::parse("https://id.example/a").expect("a target");
        let mut report = ProbeReport::empty("m", target.as_str());
        report.steps.push(StepReport::planned(Step::Token, &[]));
        let mut record = Record::new(report, &target, Redactor::new([secret]));
        record.begin(Step::Token);
        record
    }

    fn exchange(url: &str, host: &str) -> Exchange {
        let failure = Failure::new(FailureReason::Dns, format!("no address for {host}"));
        Exchange { url: url.into(), host: host.into(), failure: Some(failure), ..Exchange::empty() }
    }

    #[test]
    fn where_a_secret_is_short_only_the_url_of_the_target_is_shown() {
        let withheld = |before: &str| format!("{before}{WITHHELD}");
        for (url, host, shown, shown_host) in [
            ("https://id.example/a", "id.example", "https://id.example/a".into(), "id.example"),
            ("https://id.example/b", "id.example", withheld("https://id.example/"), "id.example"),
            ("https://id.example.evil/a", "id.example.evil", withheld(""), WITHHELD),
            ("https://id.example:8443/a", "id.example", withheld(""), "id.example"),
        ] {
            let mut record = record("short");
            record.exchanges(vec![exchange(url, host)]);
            let found = record.finish();
            let exchange = &found.steps[0].exchanges[0];
            assert_eq!((&exchange.url, exchange.host.as_str()), (&shown, shown_host), "{url}");
            assert_eq!(exchange.failure.as_ref().map(|it| it.detail.as_str()), Some(WITHHELD));
        }
        let mut record = record("long-enough");
        record.exchanges(vec![exchange("https://id.example/long-enough/b", "id.example")]);
        assert_eq!(record.finish().steps[0].exchanges[0].url, "https://id.example/<secret>/b");
    }

    #[test]
    fn where_a_secret_is_short_details_that_quote_are_withheld() {
        for (secret, literal, quoting, plain) in [
            ("short", "no answer", WITHHELD, "status 401"),
            ("long-enough", "no answer", "found <secret>", "status 401"),
        ] {
            let record = record(secret);
            let told = |failure: Failure| record.told(&failure);
            let reason = FailureReason::Http4xx;
            assert_eq!(told(Failure::new(reason, "no answer")), literal);
            assert_eq!(told(Failure::new(reason, "found long-enough".to_owned())), quoting);
            assert_eq!(told(Failure::plain(reason, "status 401".to_owned())), plain);
        }
    }

    #[test]
    fn names_in_certificates_are_text_of_the_server() {
        let names = |secret: &str, names: Vec<String>| {
            let certificate = Certificate {
                subject: "CN=Canary-Value, O=x".into(),
                issuer: "CN=canary%2Dvalue".into(),
                serial: "01".into(),
                alternative_names: names,
                not_before: 0,
                not_after: 1,
                fingerprint_sha256: "00".into(),
            };
            let presented = vec![Arc::new(certificate)];
            let chain = Arc::new(PeerChain { presented, verified_not_after: None });
            let mut record = record(secret);
            let one =
                Exchange { chain: Some(chain), ..exchange("https://id.example/a", "id.example") };
            record.exchanges(vec![one.clone(), one]);
            let found = record.finish();
            let [first, second] = &found.steps[0].exchanges[..] else { panic!("two exchanges") };
            let [first, second] = [first, second].map(|it| it.chain.clone().expect("a chain"));
            assert!(Arc::ptr_eq(&first, &second));
            let shown = Certificate::clone(&first.presented[0]);
            (shown.subject, shown.issuer, shown.alternative_names)
        };
        assert_eq!(
            names("canary-value", vec!["id.example".into(), "canary-value.example".into()]),
            (
                "CN=<secret>, O=x".into(),
                "CN=<secret>".into(),
                vec!["id.example".into(), "<secret>.example".into()]
            )
        );
        let (subject, _, alternative) =
            names("short", vec!["a.example".into(), "b.example".into()]);
        assert_eq!((subject.as_str(), alternative), (WITHHELD, vec![WITHHELD.to_owned()]));
        let many = (0..1000).map(|number| format!("host-{number:04}.example")).collect();
        let (.., alternative) = names("canary-value", many);
        assert!(alternative.join(",").len() <= MAX_LINE_BYTES);
        assert_eq!(alternative.last().map(String::as_str), Some("host-0226.example"));
    }
}
