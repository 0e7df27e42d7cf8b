//! What a running prober and its steps may use: the target, the session, the
//! secrets, and the record to which they report.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::flight::Fate;
use super::login::LoginAttempt;
use super::memory::{Account, Key};
use super::record::Record;
use super::{Memory, Module, Target};
use crate::net::{Answer, ClientIdentity, HttpSession, Origin, Request, Rules};
use crate::report::{
    CertificateSource, ClockSource, Credential, CredentialExpiry, Endpoint, Exchange, Failure,
    FailureReason, JwtCheck, KeySetFacts, ProbeReport, RefusalCheck, SamlFacts, Step, TokenFacts,
    Warning, WatchedCertificate,
};
use crate::secret::{self, Parsed, SHORTEST_FOUND_IN_TEXT, Secret, SecretFiles, SecretText};

/// The flow ended because a step failed. The failure is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// The surroundings of one running probe.
pub struct Context<'m> {
    module: &'m Module,
    target: &'m Target,
    deadline: Instant,
    /// Opened by the first request, so that a missing header secret is the failure of its step.
    session: OnceCell<HttpSession>,
    /// What the files of the module's secrets hold in this probe.
    secret_files: OnceLock<SecretFiles>,
    record: Mutex<Record>,
    memory: &'m Memory,
    fate: &'m OnceLock<Fate>,
}

impl<'m> Context<'m> {
    pub(super) fn new(
        module: &'m Module,
        target: &'m Target,
        budget: Duration,
        memory: &'m Memory,
        fate: &'m OnceLock<Fate>,
    ) -> Self {
        Self {
            module,
            target,
            deadline: Instant::now() + budget,
            session: OnceCell::new(),
            secret_files: OnceLock::new(),
            record: Mutex::new(Record::new(
                module.report(target, budget),
                target,
                module.redactor.clone(),
            )),
            memory,
            fate,
        }
    }

    pub(super) fn finish(self) -> ProbeReport {
        self.record.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }

    /// Fails the running step or, when there is none, the first of the plan.
    pub(super) fn fail_running(&self, failure: Failure) {
        let mut record = self.record();
        if !record.is_running()
            && let Some(first) = record.first()
        {
            record.begin(first);
        }
        record.end(Some(failure));
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        // The record stays whole when a prober panics: each change to it is one call.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn module(&self) -> &'m Module {
        self.module
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is left of the probe's budget.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The target of this probe.
    #[must_use]
    pub fn target(&self) -> &'m Target {
        self.target
    }

    /// Runs the work of one step: records when it began, how long it took and how it
    /// ended, and ends it at the deadline of the probe.
    ///
    /// # Errors
    /// [`Stopped`] when the work failed; the failure is on record.
    pub fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, Stopped>> {
        // A probe that held the work of all its steps would take some kilobytes more.
        let work = Box::pin(work);
        async move {
            if Instant::now() >= self.deadline && self.record().report.failure().is_some() {
                // An earlier step used the budget up: this one is not reached.
                return Err(Stopped);
            }
            self.record().begin(step);
            let late = || Err(Failure::new(FailureReason::Timeout, "the budget is used up"));
            let result = match tokio::time::timeout_at(self.deadline, work).await {
                // Work that waits for nothing is not cut off.
                Ok(Ok(_)) if Instant::now() > self.deadline => late(),
                Ok(result) => result,
                Err(_) => late(),
            };
            match result {
                Ok(value) => {
                    self.record().end(None);
                    Ok(value)
                }
                Err(failure) => {
                    self.record().end(Some(failure));
                    Err(Stopped)
                }
            }
        }
    }

    /// A planned step for which the provider did not ask.
    pub fn not_needed(&self, step: Step) {
        self.record().not_needed(step);
    }

    /// Sends a request with the session of this probe. Its exchanges are on record
    /// in the running step, also when it fails.
    ///
    /// # Errors
    /// When there is no answer, or when the request may not be sent.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let session = self.session.get_or_try_init(|| self.open()).await?;
        // With userinfo it is the token that may need it.
        let by_certificate = request.client_certificate && request.endpoint != Endpoint::Userinfo;
        let mut exchanges = Vec::new();
        let answer = session.send(request, &mut exchanges).await;
        let presented =
            |exchange: &Exchange| exchange.tls.as_ref().is_some_and(|tls| tls.client_certificate);
        if let Ok(answer) = &answer {
            self.hide_cookies(answer);
        }
        let unused = by_certificate && answer.is_ok() && !exchanges.last().is_some_and(presented);
        let in_clear = exchanges.iter().any(|exchange| exchange.in_clear);
        self.record().exchanges(exchanges);
        // What must be refused is no credential of anybody.
        let refuses = self.record().current().is_some_and(|step| step.step == Step::Refuse);
        if in_clear && !refuses {
            self.warn(Warning::PlainHttp);
        }
        if unused {
            self.warn(Warning::ClientCertificateUnused);
        }
        answer
    }

    /// The values of cookies are credentials of a session.
    fn hide_cookies(&self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap_or_default();
            let pair = text.split(';').next().unwrap_or_default();
            if let Some((_, value)) = pair.split_once('=')
                && value.trim().len() >= SHORTEST_FOUND_IN_TEXT
            {
                self.hide(value.trim());
            }
        }
    }

    async fn open(&self) -> Result<HttpSession, Failure> {
        let http = &self.module.http;
        let mut target_headers = HeaderMap::with_capacity(http.headers.len());
        for (name, secret) in &http.headers {
            target_headers.insert(name.clone(), self.header_value(name, secret).await?);
        }
        let rules = Rules {
            target: Origin::of(self.target.url()),
            allowed_origins: http.allowed_origins.clone(),
            allow_plain_http: http.allow_plain_http,
            body_size_limit: http.body_size_limit,
            user_agent: http.user_agent.clone(),
            target_headers,
        };
        let identity = self.identity().await?;
        Ok(HttpSession::new(&http.transport, http.route.clone(), identity, rules, self.deadline))
    }

    async fn identity(&self) -> Result<Option<Arc<ClientIdentity>>, Failure> {
        let Some(certificate) = &self.module.http.client_certificate else {
            return Ok(None);
        };
        let key = self.secret(certificate.key()).await?;
        let identity = certificate
            .read(&key)
            .await
            .map_err(|error| Failure::new(FailureReason::SecretUnavailable, error.to_string()))?;
        self.record().certificate(WatchedCertificate {
            source: CertificateSource::Client,
            name: certificate.name().to_owned(),
            role: "",
            usage: String::new(),
            certificate: identity.certificate().clone(),
        });
        Ok(Some(identity))
    }

    /// Reads the files of the module's secrets, before anything is sent: a server may repeat in its
    /// first answer what it was given in the probe before, or what was in a file until then. What
    /// cannot be read is the failure of the step that needs it.
    pub(super) async fn read_secret_files(&self) {
        if self.module.secret_files.is_empty() {
            return;
        }
        let read = secret::read_files(self.module.secret_files.clone());
        // Of a file system that hangs nothing is known; the step that needs it is cut off, too.
        let read = tokio::time::timeout_at(self.deadline, read).await;
        let files = read.ok().flatten().unwrap_or_default();
        let texts = files.values().flatten();
        let Module { name, configuration, redactor, .. } = self.module;
        self.record().redactor =
            self.memory.rotation.redactor((name, *configuration), redactor, texts);
        let _ = self.secret_files.set(files);
    }

    /// Reads a secret, which from then on is hidden in everything recorded.
    ///
    /// # Errors
    /// `secret_unavailable` when its file cannot be read.
    pub async fn secret(&self, secret: &Secret) -> Result<SecretText, Failure> {
        let text = self.read(secret).await?;
        self.hide(text.expose());
        Ok(text)
    }

    /// What a secret means now. It is hidden like every secret, unless it is public.
    ///
    /// # Errors
    /// `secret_unavailable` when its file cannot be read, or holds something else.
    pub async fn parsed<T>(&self, parsed: &Parsed<T>) -> Result<Arc<T>, Failure> {
        let source = parsed.source();
        let text =
            if parsed.is_public() { self.read(source).await? } else { self.secret(source).await? };
        parsed.of(&text).map_err(|problem| {
            let name = match source {
                Secret::File(path) => path.display().to_string(),
                Secret::Inline(_) => "the value".to_owned(),
            };
            Failure::new(FailureReason::SecretUnavailable, format!("{name} {problem}"))
        })
    }

    async fn read(&self, secret: &Secret) -> Result<SecretText, Failure> {
        let known = match secret {
            Secret::File(path) => self.secret_files.get().and_then(|files| files.get(path)),
            Secret::Inline(_) => None,
        };
        // A file system that hangs is cut off like a server.
        let read = match known {
            Some(known) => Ok(known.clone()),
            None => tokio::time::timeout_at(self.deadline, secret.read()).await,
        };
        match read {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(error)) => {
                Err(Failure::new(FailureReason::SecretUnavailable, error.to_string()))
            }
            Err(_) => Err(Failure::new(FailureReason::Timeout, "a secret was not read in time")),
        }
    }

    /// Reads a secret that is sent as a header.
    ///
    /// # Errors
    /// `secret_unavailable` when it cannot be read, or holds what no header may hold.
    pub async fn header_value(
        &self,
        name: &HeaderName,
        secret: &Secret,
    ) -> Result<HeaderValue, Failure> {
        let text = self.secret(secret).await?;
        header_value(text.expose())
            .map_err(|failure| Failure { detail: format!("{name}: {}", failure.detail), ..failure })
    }

    /// Hides a value that was just learnt, as a token, in everything recorded from now on.
    pub fn hide(&self, value: &str) {
        self.record().redactor.learn(value);
    }

    /// Hides a one-time code in the same.
    pub fn hide_code(&self, digits: &str) {
        self.record().redactor.learn_code(digits);
    }

    /// The detail of a failure as it may be shown.
    #[must_use]
    pub fn told(&self, failure: &Failure) -> String {
        self.record().told(failure)
    }

    /// Adds a line to the story.
    pub fn note(&self, text: &str) {
        self.record().note(text);
    }

    /// Text of a server, fit to be shown: redacted, bounded, on one line.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        self.record().redactor.foreign(text)
    }

    /// Whether a text of a server holds no secret, as far as can be known.
    #[must_use]
    pub fn is_clean(&self, text: &str) -> bool {
        self.record().redactor.is_clean(text)
    }

    /// Records something that works but breaks a specification.
    pub fn warn(&self, warning: Warning) {
        let mut record = self.record();
        if let Some(step) = record.current()
            && !step.warnings.contains(&warning)
        {
            step.warnings.push(warning);
            record.note(&format!("warning {warning}: {}", warning.meaning()));
        }
    }

    /// Records whether an assertion of the running step held.
    pub fn assertion(&self, label: &str, success: bool) {
        let mut record = self.record();
        record.assert(label, success);
        if !success {
            record.note(&format!("assertion {label} does not hold"));
        }
    }

    /// Records whether a bad credential was refused.
    pub fn refused(&self, check: RefusalCheck, refused: bool) {
        let mut record = self.record();
        let Some(step) = record.current() else { return };
        // Several spellings of one bad credential are one check.
        match step.refused.iter_mut().find(|(known, _)| *known == check) {
            Some((_, all)) => *all &= refused,
            None => step.refused.push((check, refused)),
        }
    }

    /// Records whether a check of a JWT passed. One that could not run is not recorded.
    pub fn jwt_check(&self, token: Credential, check: JwtCheck, passed: bool) {
        if let Some(step) = self.record().current() {
            step.jwt_checks.push((token, check, passed));
        }
    }

    /// Takes a check of earlier steps back, since one that belongs to it could not run: it neither
    /// passes nor fails.
    pub fn jwt_check_undecided(&self, token: Credential, check: JwtCheck) {
        self.record().jwt_check_undecided(token, check);
    }

    /// Records the keys that the issuer publishes.
    pub fn key_set(&self, facts: KeySetFacts) {
        self.record().report.key_set = Some(facts);
    }

    /// Records what SAML metadata says.
    pub fn saml(&self, facts: SamlFacts) {
        self.record().report.saml = Some(facts);
    }

    /// Records a certificate beside those of the connections.
    pub fn certificate(&self, certificate: WatchedCertificate) {
        self.record().certificate(certificate);
    }

    /// Records how far the provider's clock is ahead of ours, in seconds.
    pub fn clock_skew(&self, source: ClockSource, seconds: f64) {
        self.record().clock_skew(source, seconds);
    }

    /// Whether a secret may go to an origin that a document of the target names.
    #[must_use]
    pub fn allows(&self, origin: &Origin) -> bool {
        Origin::of(self.target.url()) == *origin
            || self.module.http.allowed_origins.contains(origin)
    }

    /// From now on the probe goes to its end, whoever waits for it: a password, code or refresh
    /// token is about to be sent. Where nobody waits any more, it ends here.
    pub async fn commit(&self) {
        if *self.fate.get_or_init(|| Fate::Committed) == Fate::Abandoned {
            // It is being cut off.
            std::future::pending::<()>().await;
        }
    }

    /// Begins a login.
    ///
    /// # Errors
    /// With the reason of the last login while this one must wait: the verdict is as old as that.
    pub fn logs_in(&self, account: Account) -> Result<LoginAttempt<'m>, Failure> {
        let module = &self.module.name;
        let now = std::time::Instant::now();
        let Some(pause) = self.memory.login_pause(&account, module, now) else {
            return Ok(LoginAttempt::new(self.memory, module, account));
        };
        self.record().report.result_age = pause.since;
        Err(Failure::new(
            pause.reason,
            format!(
                "so ended the last login, {:.0} s ago; the next try is in {:.0} s, so as not to lock the account",
                pause.since.as_secs_f64(),
                pause.left.as_secs_f64()
            ),
        ))
    }

    /// Whether a one-time code of this secret, known by its hash, and time step is still unspent;
    /// from now on it is not.
    #[must_use]
    pub fn spend_code(&self, secret: [u8; 32], step: u64, until: u64, now: u64) -> bool {
        self.memory.spend_code(secret, step, until, now)
    }

    /// Now, in Unix seconds.
    #[must_use]
    pub fn unix_now(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
    }

    fn key(&self) -> Key {
        Key::of(self.module, self.target)
    }

    /// The oldest token of earlier probes that is still valid for so many seconds.
    #[must_use]
    pub fn previous_token(&self, margin: f64) -> Option<SecretText> {
        let token = self.memory.previous(&self.key(), self.unix_now() + margin)?;
        self.hide(token.expose());
        Some(token)
    }

    /// Keeps a good token for later probes, until it expires.
    pub fn keep_token(&self, token: &SecretText, expires_at: f64) {
        self.memory.keep(&self.key(), token, self.unix_now(), expires_at);
    }

    /// Keeps a token to see later that it is refused once it has expired.
    pub fn await_expiry(&self, token: &SecretText, expires_at: f64) {
        self.memory.await_expiry(&self.key(), token, self.unix_now(), expires_at);
    }

    /// A token of an earlier probe that expired at least `ago` before now.
    #[must_use]
    pub fn expired_token(&self, ago: Duration) -> Option<SecretText> {
        let token = self.memory.expired(&self.key(), self.unix_now(), ago.as_secs_f64())?;
        self.hide(token.expose());
        Some(token)
    }

    /// The expired token was refused: another one may take its place.
    pub fn expired_token_was_refused(&self) {
        self.memory.expired_was_refused(&self.key());
    }

    /// Records what is known of a token.
    pub fn token(&self, facts: TokenFacts) {
        if let Some(step) = self.record().current() {
            step.tokens.push(facts);
        }
    }

    /// Records when a credential ends, in Unix seconds. Without a name it is that of the module.
    pub fn credential(&self, name: Option<String>, expires_at: f64) {
        let name = name.unwrap_or_else(|| self.module.name.clone());
        self.record().credential(CredentialExpiry { name, expires_at });
    }

    /// Random bytes from the operating system's generator.
    ///
    /// # Errors
    /// `internal` when it fails.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        let mut bytes = [0; N];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Failure::new(FailureReason::Internal, "no random bytes"))?;
        Ok(bytes)
    }
}

/// A secret as the value of a header, marked so that the HTTP library does not show it.
///
/// # Errors
/// `secret_unavailable` when it holds what no header may hold.
pub fn header_value(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::new(
            FailureReason::SecretUnavailable,
            "the secret holds a character that no header value may have",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
