//! What a browser does between the authorization request and the redirect back: it follows
//! redirects, keeps cookies, sends forms and shows pages. It runs no scripts.
//!
//! What leads back to the client, a redirect to `redirect_uri` or a form for the
//! `AssertionConsumerService`, is recognised and never followed: nothing has to listen there.

mod back;
mod goal;

use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::answer::{self, is_html, status_failure};
use crate::net::{Answer, Origin, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::hex::hex;
use crate::protocol::html::{self, Filling, Found, Overrides, Page, Submission};
use crate::report::{Endpoint, Failure, FailureReason};
use crate::secret::{Redactor, SecretText};

pub(super) use goal::{AtRedirectUri, Goal, WordOnLogin, asks_user_again};

/// Redirects in a row.
const MAX_REDIRECTS: usize = 20;
/// Pages that lead on by themselves, in a row.
const MAX_UNATTENDED: usize = 10;

/// A browser without scripts, for one login.
pub(super) struct Browser<'a, 'm, G> {
    context: &'a Context<'m>,
    goal: G,
    overrides: &'a Overrides,
    /// Where a secret may be sent, as the configuration has it.
    secrets_to: SecretHosts<'a>,
    /// Forms that may still be sent.
    forms_left: AtomicUsize,
    last_status: AtomicU16,
    /// Where the last form with a secret went: to its action, and where a redirect repeated it.
    received: Mutex<Vec<Origin>>,
    /// What was filled in that is secret: a page may repeat it in a form or an address of its own.
    filled_in: Mutex<Vec<SecretText>>,
    /// Where it was led last, whether or not it came there.
    place: Mutex<Option<Origin>>,
}

/// Where the password and codes may go.
#[derive(Clone, Copy)]
pub(super) struct SecretHosts<'a> {
    /// The authorization endpoint, when the configuration names it.
    pub(super) named: Option<&'a Url>,
    /// `login.allowed_hosts`.
    pub(super) hosts: &'a [String],
}

/// Where the browser came to.
pub(super) enum Arrival<A> {
    /// Back at the client, with the answer to its request.
    Callback(A),
    /// At a page that asks for something.
    Page(Box<Shown>),
}

/// A page that a person would look at.
pub(super) struct Shown {
    pub(super) page: Page,
    pub(super) found: Found,
    /// The status that it came with.
    pub(super) status: StatusCode,
}

impl<'a, 'm, G: Goal> Browser<'a, 'm, G> {
    pub(super) fn new(
        context: &'a Context<'m>,
        goal: G,
        overrides: &'a Overrides,
        secrets_to: SecretHosts<'a>,
        max_pages: usize,
    ) -> Self {
        let forms_left = AtomicUsize::new(max_pages);
        let last_status = AtomicU16::default();
        let (received, filled_in, place) = Default::default();
        Self {
            context,
            goal,
            overrides,
            secrets_to,
            forms_left,
            last_status,
            received,
            filled_in,
            place,
        }
    }

    /// The status of the last answer.
    pub(super) fn last_status(&self) -> u16 {
        self.last_status.load(Ordering::Relaxed)
    }

    /// The origins that got the last form with a secret, and forgets them.
    pub(super) fn take_received(&self) -> Vec<Origin> {
        std::mem::take(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What an answer says of the login that led to it.
    pub(super) fn word_on_login(&self, answer: &G::Answer) -> WordOnLogin {
        self.goal.word_on_login(answer)
    }

    /// A secret that is filled in from now on.
    pub(super) fn fills_in(&self, secret: &str) {
        let mut filled_in = self.filled_in.lock().unwrap_or_else(PoisonError::into_inner);
        filled_in.push(secret.to_owned().into());
    }

    /// Whether a request holds a secret that was filled in before: anywhere and however encoded, or,
    /// of those too short to be told from innocent text, as a whole parameter.
    fn repeats_secret(&self, request: &Request) -> bool {
        let filled_in = self.filled_in.lock().unwrap_or_else(PoisonError::into_inner);
        let redactor = Redactor::new(filled_in.iter().map(SecretText::expose));
        let holds = |text: &str| redactor.redact(text) != text;
        let is_one = |value: &str| filled_in.iter().any(|secret| secret.expose() == value);
        let body = request.body.as_deref().unwrap_or_default();
        holds(request.url.as_str())
            || holds(&String::from_utf8_lossy(body))
            || request.url.query_pairs().any(|(_, value)| is_one(&value))
            || url::form_urlencoded::parse(body).any(|(_, value)| is_one(&value))
    }

    /// Whether it was led away from the origin of a URL, and not back.
    pub(super) fn is_away_from(&self, url: &Url) -> bool {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.as_ref().is_some_and(|place| *place != Origin::of(url))
    }

    fn is_led_to(&self, url: &Url) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Origin::of(url));
    }

    /// Opens a URL, with what it may hold.
    pub(super) async fn open(
        &self,
        url: Url,
        secret_to: SecretTo,
    ) -> Result<Arrival<G::Answer>, Failure> {
        let request = Request::new(G::ENDPOINT, Method::GET, url, secret_to);
        self.settle(request).await
    }

    /// Begins with a form that the client's own page would send.
    pub(super) async fn post(&self, url: Url, form: String) -> Result<Arrival<G::Answer>, Failure> {
        let mut request = Request::new(G::ENDPOINT, Method::POST, url, SecretTo::Nobody);
        request.carry_form(form);
        self.settle(request).await
    }

    /// Sends a form of a page. With a secret in it, it goes only where secrets may go.
    pub(super) async fn send(
        &self,
        page: &Page,
        form: usize,
        filling: &Filling<'_>,
        secret: bool,
    ) -> Result<Arrival<G::Answer>, Failure> {
        let request = match self.submit(page, form, filling, secret)? {
            Sending::Request(request) => *request,
            Sending::Back(callback) => return Ok(Arrival::Callback(callback)),
        };
        self.settle(request).await
    }

    fn submit(
        &self,
        page: &Page,
        form: usize,
        filling: &Filling<'_>,
        secret: bool,
    ) -> Result<Sending<G::Answer>, Failure> {
        if let Some(callback) = self.back_by_form(page, form, filling) {
            return Ok(Sending::Back(callback));
        }
        let left = self.forms_left.load(Ordering::Relaxed).checked_sub(1).ok_or_else(|| {
            Failure::new(
                FailureReason::TooManyRedirects,
                "the login takes more pages than max_pages",
            )
        })?;
        self.forms_left.store(left, Ordering::Relaxed);
        let boundary = boundary(self.context)?;
        let submission = page
            .submission(form, filling, &boundary)
            .map_err(|error| Failure::new(FailureReason::LoginFormNotFound, error.to_string()))?;
        if secret {
            self.may_receive_secret(&submission.url)?;
        }
        if page.url.scheme() == "https" && submission.url.scheme() == "http" {
            return Err(Failure::new(
                FailureReason::RedirectRefused,
                "the form of an https page would be sent over http",
            ));
        }
        let mut request = request(submission, secret, page)?;
        request.endpoint = G::ENDPOINT;
        Ok(Sending::Request(Box::new(request)))
    }

    /// Whether a password, code or other secret may be sent to a URL.
    fn may_receive_secret(&self, url: &Url) -> Result<(), Failure> {
        let origin = Origin::of(url);
        let named = self.secrets_to.named.is_some_and(|named| Origin::of(named) == origin);
        let host = url.host_str().unwrap_or_default();
        let by_host = self.secrets_to.hosts.iter().any(|allowed| allowed == host);
        if named || by_host || self.context.allows(&origin) {
            return Ok(());
        }
        Err(Failure::new(
            FailureReason::EndpointRefused,
            format!(
                "a secret would go to {origin}, which is neither the target's origin nor in allowed_origins or allowed_hosts"
            ),
        ))
    }

    /// Follows what leads on without a person: redirects, refreshes, forms that scripts send.
    async fn settle(&self, request: Request) -> Result<Arrival<G::Answer>, Failure> {
        let mut request = request;
        for _ in 0..=MAX_UNATTENDED {
            let shown = match self.follow(request).await? {
                Arrival::Page(shown) => shown,
                callback @ Arrival::Callback(_) => return Ok(callback),
            };
            if let Some(form) = self.unattended_form(&shown) {
                if let Some(failure) = self.form_astray(&shown.page, form) {
                    return Err(failure);
                }
                match self.submit(&shown.page, form, &Filling::new(), false)? {
                    Sending::Request(next) => request = *next,
                    Sending::Back(callback) => return Ok(Arrival::Callback(callback)),
                }
                continue;
            }
            request = match &shown.found {
                Found::Refresh => match &shown.page.refresh {
                    Some(refresh) => {
                        if let Some(callback) = self.goal.of_redirect(&refresh.url) {
                            return Ok(Arrival::Callback(callback));
                        }
                        self.may_lead(&shown.page.url, &refresh.url)?;
                        let url = refresh.url.clone();
                        Request::new(G::ENDPOINT, Method::GET, url, SecretTo::Nobody)
                    }
                    None => return Ok(Arrival::Page(shown)),
                },
                _ => return Ok(Arrival::Page(shown)),
            };
        }
        Err(Failure::new(
            FailureReason::TooManyRedirects,
            format!("more than {MAX_UNATTENDED} pages in a row that lead on by themselves"),
        ))
    }

    /// Sends a request and follows its redirects to a page, or back to the client.
    async fn follow(&self, request: Request) -> Result<Arrival<G::Answer>, Failure> {
        let (mut request, mut repeated) = (request, false);
        self.is_led_to(&request.url);
        for _ in 0..=MAX_REDIRECTS {
            request.cookies = true;
            request.follow_redirects = false;
            let accept = HeaderValue::from_static("text/html, application/xhtml+xml, */*;q=0.1");
            request.headers.insert(ACCEPT, accept);
            if request.secret_to == SecretTo::Nobody && self.repeats_secret(&request) {
                self.may_receive_secret(&request.url)?;
                request.secret_to = SecretTo::Configured;
            }
            let (method, secret_to, from) =
                (request.method.clone(), request.secret_to, request.url.clone());
            let (body, content_type) =
                (request.body.clone(), request.headers.get(CONTENT_TYPE).cloned());
            if secret_to != SecretTo::Nobody {
                let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
                received.push(Origin::of(&from));
            }
            let answer = self.context.send(request).await?;
            self.last_status.store(answer.status.as_u16(), Ordering::Relaxed);
            let Some(location) = answer::redirect(&answer) else {
                return self.show(&answer).map(Arrival::Page);
            };
            // RFC 9110 §15.4: 307 and 308 repeat the request, the others become a GET.
            let repeats = matches!(answer.status.as_u16(), 307 | 308) && method != Method::GET;
            if let Some(callback) = self.goal.of_redirect(&location) {
                if repeats && secret_to != SecretTo::Nobody {
                    return Err(Failure::new(
                        FailureReason::RedirectRefused,
                        "a browser would post the password to the client: the login is answered \
                         with 307 or 308 (RFC 9700 §4.12)",
                    ));
                }
                return Ok(Arrival::Callback(callback));
            }
            if self.goal.is_astray(&location) {
                return Err(self.astray(&location));
            }
            self.may_lead(&from, &location)?;
            if repeats && secret_to != SecretTo::Nobody {
                self.may_receive_secret(&location)?;
                // A form moves to another place once. Further hops would only repeat the password.
                if std::mem::replace(&mut repeated, true) {
                    return Err(Failure::new(
                        FailureReason::RedirectRefused,
                        "the password would be sent a third time: a redirect repeats it again",
                    ));
                }
            }
            let (method, secret_to) =
                if repeats { (method, secret_to) } else { (Method::GET, SecretTo::Nobody) };
            request = Request::new(G::ENDPOINT, method, location, secret_to);
            if repeats {
                request.body = body;
                if let Some(content_type) = content_type {
                    request.headers.insert(CONTENT_TYPE, content_type);
                }
            }
        }
        Err(Failure::new(
            FailureReason::TooManyRedirects,
            format!("more than {MAX_REDIRECTS} redirects in a row"),
        ))
    }

    fn may_lead(&self, from: &Url, to: &Url) -> Result<(), Failure> {
        self.is_led_to(to);
        let Some(why) = not_followed(from, to) else { return Ok(()) };
        let place = self.context.foreign(&place(to));
        Err(Failure::new(
            FailureReason::RedirectRefused,
            format!("the redirect to {place} is not followed: {why}"),
        ))
    }

    fn astray(&self, to: &Url) -> Failure {
        let place = self.context.foreign(&place(to));
        Failure::new(
            FailureReason::RedirectMismatch,
            format!("the answer went to {place} instead of {}", G::BACK),
        )
    }

    /// Reads a page, and says in the story what is on it.
    fn show(&self, answer: &Answer) -> Result<Box<Shown>, Failure> {
        if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
            return Err(status_failure(answer.status));
        }
        let page = answer::page(answer)
            .map_err(|error| Failure::new(FailureReason::BodyTooLarge, error.to_string()))?;
        if !is_html(answer) && html::soon_left_for(&page).is_none() {
            if answer.status.is_success() {
                return Err(Failure::new(
                    FailureReason::ContentType,
                    format!("status {}, the body is no HTML page", answer.status.as_u16()),
                ));
            }
            return Err(self.refused_without_page(answer));
        }
        let found = html::classify(&page, self.overrides);
        self.context.note(&format!(
            "page {:?}: {}",
            self.context.foreign(&page.title),
            self.context.foreign(&told(&page, &found)),
        ));
        Ok(Box::new(Shown { page, found, status: answer.status }))
    }

    fn refused_without_page(&self, answer: &Answer) -> Failure {
        let text = String::from_utf8_lossy(&answer.body);
        refused_at_authorization(answer.status, &self.context.foreign(&text))
    }
}

/// A form that is sent, or one that leads back to the client.
enum Sending<A> {
    Request(Box<Request>),
    Back(A),
}

/// An error that the authorization endpoint shows and does not redirect: by RFC 6749 §4.1.2.1 the
/// client or its redirect URI is not known there.
pub(super) fn refused_at_authorization(status: StatusCode, text: &str) -> Failure {
    if status.is_client_error() {
        redirect_uri_refused(status, text).unwrap_or_else(|| status_failure(status))
    } else {
        status_failure(status)
    }
}

/// The failure of a page that speaks of the redirect URI, which no login or consent page does.
pub(super) fn redirect_uri_refused(status: StatusCode, text: &str) -> Option<Failure> {
    let text = text.to_ascii_lowercase().replace("post_logout_redirect_uri", "");
    (text.contains("redirect_uri") || text.contains("redirect uri")).then(|| {
        Failure::new(
            FailureReason::RedirectMismatch,
            format!(
                "status {}, the provider refuses redirect_uri (RFC 6749 §4.1.2.1)",
                status.as_u16()
            ),
        )
    })
}

fn request(submission: Submission, secret: bool, page: &Page) -> Result<Request, Failure> {
    let method = match submission.method {
        html::Method::Get => Method::GET,
        _ => Method::POST,
    };
    let secret_to = if secret { SecretTo::Configured } else { SecretTo::Nobody };
    let mut request = Request::new(Endpoint::Authorization, method, submission.url, secret_to);
    if let Some(body) = submission.body {
        request.body = Some(body.into());
        // Some frameworks check where a form comes from (Django over TLS, for one).
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| Failure::new(FailureReason::Internal, "a URL that no header holds"))
        };
        let origin = Origin::of(&page.url);
        // The path may be that of one login; as from browsers, only its own origin gets it.
        let path = if Origin::of(&request.url) == origin { page.url.path() } else { "/" };
        let referer = header(&format!("{origin}{path}"))?;
        request.headers.insert(http::header::REFERER, referer);
        request.headers.insert(http::header::ORIGIN, header(&origin.to_string())?);
    }
    if let Some(content_type) = submission.content_type {
        let value = HeaderValue::from_str(&content_type)
            .map_err(|_| Failure::new(FailureReason::Internal, "the content type is no header"))?;
        request.headers.insert(CONTENT_TYPE, value);
    }
    Ok(request)
}

/// Why a page may not lead to this URL.
fn not_followed(from: &Url, to: &Url) -> Option<&'static str> {
    if !matches!(to.scheme(), "http" | "https") {
        Some("it is not http or https")
    } else if from.scheme() == "https" && to.scheme() == "http" {
        Some("it leads from https to http")
    } else if !to.username().is_empty() || to.password().is_some() {
        Some("it holds userinfo")
    } else {
        None
    }
}

/// A URL without its query, which may be a credential.
fn place(url: &Url) -> String {
    if matches!(url.scheme(), "http" | "https") {
        format!("{}{}", Origin::of(url), url.path())
    } else if url.cannot_be_a_base() {
        format!("a {}: URL", url.scheme())
    } else {
        format!("{}:{}", url.scheme(), url.path())
    }
}

fn boundary(context: &Context<'_>) -> Result<String, Failure> {
    Ok(format!("form-{}", hex(&context.random::<16>()?)))
}

/// What is on a page, in names and never in values.
fn told(page: &Page, found: &Found) -> String {
    let forms: Vec<String> = page
        .forms
        .iter()
        .take(5)
        .map(|form| {
            let names: Vec<&str> = form
                .controls
                .iter()
                .map(|control| control.name.as_str())
                .filter(|name| !name.is_empty())
                .take(12)
                .collect();
            format!("form [{}]", names.join(" "))
        })
        .collect();
    let what = match found {
        Found::Login(_) => "asks for a login",
        Found::OneTimeCode(_) => "asks for a one-time code",
        Found::Consent(_) => "asks for consent",
        Found::AutoPost { .. } => "a script would send its form",
        Found::Refresh => "leads on by itself",
        Found::ScriptRequired => "works with scripts only",
        Found::CaptchaRequired => "shows a captcha",
        Found::MfaRequired => "asks for a second factor",
        Found::LoginFormNotFound => "asks for nothing that is known here",
    };
    format!("{what}, {} forms {}", page.forms.len(), forms.join(", "))
}

#[cfg(test)]
mod tests;
