//! The web configuration: TLS, users, response headers and the rate limit of the exporter's own
//! port, in the format of the Prometheus exporter-toolkit (`--web.config.file`).
//!
//! The files are looked at on each connection and on each request, and read again when they
//! changed. What is wrong then is logged, and the last good state stays in force: so a
//! certificate and its key may be replaced one after the other.

mod file;
mod rate;
mod seen;
mod tls;
mod users;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio_rustls::rustls::ServerConfig;

use self::file::{File, Http, Tls};
use self::seen::Seen;
use self::users::{Gate, Users, Verdict};
use super::answer::{self, Answer};
use super::refusals::Refusals;
use crate::config::{self, LoadError};
use crate::settings;

pub(super) use self::rate::{Bucket, Rate};

/// What holds for connections and requests.
pub struct WebConfig {
    /// `None` without a file: plain HTTP for everybody.
    path: Option<PathBuf>,
    current: RwLock<Current>,
    gate: Gate,
    bucket: Bucket,
    /// One at a time reads the files.
    reading: Arc<tokio::sync::Mutex<()>>,
}

struct Current {
    rules: Arc<Rules>,
    /// What was read last, whether it was good or not.
    seen: Seen,
    /// What is wrong with that.
    problem: Option<String>,
}

/// The file's meaning.
#[derive(Default)]
struct Rules {
    tls: Option<Arc<ServerConfig>>,
    headers: HeaderMap,
    users: Arc<Users>,
    rate: Option<Rate>,
    /// Whether clients must have a certificate.
    certified: bool,
    warnings: Vec<String>,
}

impl Rules {
    /// What a file that is half written must not do to those that are served.
    fn opens(&self, before: &Self) -> Option<&'static str> {
        if self.tls.is_some() != before.tls.is_some() {
            Some("tls_server_config: TLS is switched on and off")
        } else if before.certified && !self.certified {
            Some("tls_server_config.client_auth_type: certificates of clients are given up")
        } else if !before.users.is_empty() && self.users.is_empty() {
            Some("basic_auth_users: users are given up")
        } else {
            None
        }
    }
}

impl Default for WebConfig {
    /// Plain HTTP for everybody.
    fn default() -> Self {
        Self {
            path: None,
            current: RwLock::new(Current {
                rules: Arc::default(),
                seen: Seen::default(),
                problem: None,
            }),
            gate: Gate::default(),
            bucket: Bucket::default(),
            reading: Arc::default(),
        }
    }
}

impl WebConfig {
    /// Reads the file, and the certificates that it names. It blocks.
    ///
    /// # Errors
    /// When one cannot be read or is wrong.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let mut seen = Seen::default();
        let rules = Arc::new(read(path, &mut seen)?);
        let current = RwLock::new(Current { rules, seen, problem: None });
        Ok(Self { path: Some(path.to_owned()), current, ..Self::default() })
    }

    /// Whether it speaks TLS. That does not change while it runs.
    pub fn has_tls(&self) -> bool {
        self.rules().tls.is_some()
    }

    /// What is allowed but deserves a word.
    pub fn warnings(&self) -> Vec<String> {
        self.rules().warnings.clone()
    }

    /// What is wrong with the files as they were read last; `None` when they are in force.
    pub(super) fn problem(&self) -> Option<String> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Reads the files again when they changed. What was wrong before and still is, is told again.
    ///
    /// # Errors
    /// With what is wrong.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let before = self.problem();
        self.fresh().await;
        let Some(problem) = self.problem() else { return Ok(()) };
        if before.as_ref() == Some(&problem) {
            tracing::error!(
                error = problem,
                "the web configuration is still bad, the last good one stays in force"
            );
        }
        Err(problem)
    }

    fn rules(&self) -> Arc<Rules> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).rules.clone()
    }

    fn may_have_changed(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).seen.may_have_changed()
    }

    /// The rules of now.
    async fn fresh(self: &Arc<Self>) -> Arc<Rules> {
        if self.path.is_some() && self.may_have_changed() {
            let one = self.reading.clone().lock_owned().await;
            // Another one may have read them meanwhile.
            if self.may_have_changed() {
                let web = self.clone();
                // Reading files and keys blocks.
                let read = move || {
                    let _one = one;
                    web.read_again();
                };
                let _ = tokio::task::spawn_blocking(read).await;
            }
        }
        self.rules()
    }

    fn read_again(&self) {
        let Some(path) = &self.path else { return };
        let mut seen = Seen::default();
        let before = self.rules();
        let read =
            read(path, &mut seen).map_err(|error| error.to_string()).and_then(|rules| match rules
                .opens(&before)
            {
                None => Ok(rules),
                Some(what) => Err(format!("{}: {what} by a restart alone", path.display())),
            });
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // An error is told once and not for each request.
        let again = current.seen.is_the_same(&seen);
        match read {
            Ok(rules) => {
                if !again {
                    for warning in &rules.warnings {
                        tracing::warn!(warning, "web configuration");
                    }
                    tracing::info!("web configuration loaded");
                }
                current.rules = Arc::new(rules);
                current.problem = None;
            }
            Err(error) => {
                if !again {
                    tracing::error!(
                        error,
                        "the new web configuration is bad, the old one stays in force"
                    );
                }
                current.problem = Some(error);
            }
        }
        current.seen = seen;
    }

    /// The TLS configuration for a new connection; `None` for plain HTTP.
    pub(super) async fn tls(self: &Arc<Self>) -> Option<Arc<ServerConfig>> {
        if !self.has_tls() {
            return None;
        }
        self.fresh().await.tls.clone()
    }

    /// The answer to a request that is not let in. A wrong credential is told.
    pub(super) async fn refusal(
        self: &Arc<Self>,
        request: &HeaderMap,
        client: IpAddr,
        refusals: &Refusals,
    ) -> (Option<Answer>, Decoration) {
        let rules = self.fresh().await;
        let decoration = Decoration(rules.clone());
        if let Some(rate) = &rules.rate
            && !self.bucket.take(rate)
        {
            return (
                Some(answer::error(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")),
                decoration,
            );
        }
        let authorization = request.get(http::header::AUTHORIZATION);
        let refusal = match self.gate.judge(&rules.users, authorization, client).await {
            Verdict::Admitted => None,
            Verdict::Refused => {
                // A browser asks without one first.
                if let Some(authorization) = authorization {
                    refusals.login(client, rules.users.named(authorization));
                }
                let mut refusal = answer::error(StatusCode::UNAUTHORIZED, "Unauthorized");
                let challenge = HeaderValue::from_static("Basic realm=\"auth_exporter\"");
                refusal.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
                Some(refusal)
            }
            Verdict::Busy => {
                let message = "Too many logins of this client wait to be checked";
                let mut refusal = answer::error(StatusCode::SERVICE_UNAVAILABLE, message);
                refusal
                    .headers_mut()
                    .insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
                Some(refusal)
            }
        };
        (refusal, decoration)
    }
}

/// The headers that every answer has.
pub(super) struct Decoration(Arc<Rules>);

impl Decoration {
    pub(super) fn apply(&self, answer: &mut Answer) {
        for (name, value) in &self.0.headers {
            answer.headers_mut().insert(name, value.clone());
        }
    }
}

fn read(path: &Path, seen: &mut Seen) -> Result<Rules, LoadError> {
    let bytes =
        seen.read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| LoadError::Read {
        path: path.to_owned(),
        source: std::io::Error::other("the file is not UTF-8"),
    })?;
    let invalid = |problems| LoadError::Invalid { path: path.to_owned(), problems };
    let file = config::read_strictly(&text).map_err(invalid)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    rules(file, folder, seen).map_err(|error| invalid(config::located(&text, &error)))
}

fn rules(file: File, folder: &Path, seen: &mut Seen) -> Result<Rules, settings::Error> {
    let mut warnings = Vec::new();
    let http = file.http_server_config.unwrap_or_default();
    let tls = file.tls_server_config.filter(|tls| *tls != Tls::default());
    let certified = tls
        .as_ref()
        .and_then(|tls| tls.client_auth_type)
        .is_some_and(file::ClientAuth::is_mandatory);
    let tls =
        tls.map(|tls| tls::build(&tls, http.http2, folder, seen, &mut warnings)).transpose()?;
    let headers = headers(&http)?;
    let users = Users::new(file.basic_auth_users.unwrap_or_default(), &mut warnings)?;
    if tls.is_none() && !users.is_empty() {
        warnings.push(
            "basic_auth_users: passwords are sent in plain text without tls_server_config"
                .to_owned(),
        );
    }
    let rate = file.rate_limit.map(|limit| Rate::new(&limit)).transpose()?.flatten();
    Ok(Rules { tls, headers, users: Arc::new(users), rate, certified, warnings })
}

/// The headers that may be set, and the values of those that have a choice.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

fn headers(http: &Http) -> Result<HeaderMap, settings::Error> {
    let at = settings::Path::default().key("http_server_config").key("headers");
    let mut headers = HeaderMap::new();
    for (name, value) in http.headers.iter().flatten() {
        let at = at.key(name);
        let Some((_, values)) = HEADERS.iter().find(|(known, _)| known == name) else {
            let known = HEADERS.map(|(known, _)| known).join(", ");
            return Err(at.error(format!("cannot be set, only: {known}")));
        };
        if !values.is_empty() && !values.contains(&value.as_str()) {
            return Err(at.error(format!("must be {}", values.join(" or "))));
        }
        let value =
            HeaderValue::try_from(value).map_err(|_| at.error("is no value of a header"))?;
        // An empty text leaves the header out.
        if let (Ok(name), false) = (HeaderName::try_from(name), value.is_empty()) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
