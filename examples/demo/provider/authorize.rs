//! The authorization endpoint (RFC 6749 §4.1, OpenID Connect Core §3.1.2, RFC 7636, RFC 9207),
//! requests that were pushed (RFC 9126), and the codes that are issued.
//!
//! A client may ask for the pages of its login with the parameter `login_pages`: `one-page` (name and
//! password), `two-pages` (first the name), or `all-in-one` (name, password and one-time code). With
//! `acr_values=one-time-code` the code is asked for on a page of its own. Consent is remembered;
//! `prompt=consent` asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::json;
use url::Url;

use super::answer::Answer;
use super::client::{self, ClientForm, Refusal, refusal};
use super::fault::{Fault, Service};
use super::logout;
use super::received::Received;
use super::{
    CLIENT_ID, Mark, PUBLIC_CLIENT_ID, REDIRECT_URI, Shared, Site, keys, login, page, token,
};

pub(super) const PATH: &str = "/authorize";
pub(super) const PUSHED_PATH: &str = "/par";
/// What a pushed request is called (RFC 9126 §2.2).
const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a pushed request is kept, in seconds. Nobody here waits so long.
const EXPIRES_IN: u64 = 60;
pub(super) const CHALLENGE_METHODS: [&str; 2] = ["S256", "plain"];

/// The pages of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    /// Name and password.
    One,
    /// The name, then the password.
    Two,
    /// Name, password and one-time code.
    All,
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client: &'static str,
    state: Option<String>,
    nonce: Option<String>,
    pub(super) scope: String,
    /// Method and challenge (RFC 7636 §4.3).
    challenge: Option<(String, String)>,
    form_post: bool,
    pub(super) asks_consent: bool,
    pub(super) pages: Pages,
    pub(super) one_time_code: bool,
}

/// A word of `prompt` (OpenID Connect Core §3.1.2.1).
fn prompts(parameters: &[(String, String)], wanted: &str) -> bool {
    client::one(parameters, "prompt")
        .is_some_and(|prompt| prompt.split(' ').any(|word| word == wanted))
}

/// Why a request is not answered as it wants.
enum Refused {
    /// The user is told, and the client is not: nobody knows whose the request is (RFC 6749
    /// §4.1.2.1).
    Shown(&'static str),
    /// The client is told.
    Back(Box<AuthorizationRequest>, &'static str),
}

impl AuthorizationRequest {
    fn read(parameters: &[(String, String)]) -> Result<Self, Refused> {
        let one = |name| client::one(parameters, name);
        let client = match one("client_id") {
            Some(CLIENT_ID) => CLIENT_ID,
            Some(PUBLIC_CLIENT_ID) => PUBLIC_CLIENT_ID,
            _ => return Err(Refused::Shown("This client_id is not known.")),
        };
        if one("redirect_uri") != Some(REDIRECT_URI) {
            return Err(Refused::Shown("This redirect_uri is not registered for the client."));
        }
        let owned = |name| one(name).map(str::to_owned);
        let challenge = owned("code_challenge");
        let method = owned("code_challenge_method").unwrap_or_else(|| "plain".to_owned());
        let request = Self {
            client,
            state: owned("state"),
            nonce: owned("nonce"),
            scope: owned("scope").unwrap_or_default(),
            challenge: challenge.map(|challenge| (method, challenge)),
            form_post: one("response_mode") == Some("form_post"),
            asks_consent: prompts(parameters, "consent"),
            pages: match one("login_pages") {
                Some("two-pages") => Pages::Two,
                Some("all-in-one") => Pages::All,
                _ => Pages::One,
            },
            one_time_code: one("acr_values") == Some("one-time-code"),
        };
        match request.error(parameters) {
            Some(error) => Err(Refused::Back(Box::new(request), error)),
            None => Ok(request),
        }
    }

    /// RFC 6749 §4.1.2.1, RFC 7636 §4.4.1, OpenID Connect Core §3.1.2.6.
    fn error(&self, parameters: &[(String, String)]) -> Option<&'static str> {
        let one = |name| client::one(parameters, name);
        let mut names = BTreeSet::new();
        let bad_challenge = match &self.challenge {
            Some((method, _)) => !CHALLENGE_METHODS.contains(&method.as_str()),
            // RFC 9700 §2.1.1.
            None => self.client == PUBLIC_CLIENT_ID,
        };
        let bad_mode = !matches!(one("response_mode"), None | Some("query" | "form_post"));
        if parameters.iter().any(|(name, _)| !names.insert(name)) || bad_challenge || bad_mode {
            Some("invalid_request")
        } else if one("response_type") != Some("code") {
            Some("unsupported_response_type")
        } else if !token::is_for_users(&self.scope) {
            Some("invalid_scope")
        } else if prompts(parameters, "none") {
            Some("login_required")
        } else {
            None
        }
    }

    /// The way back to the client, with these parameters.
    fn back(&self, site: &Site, parameters: &[(&str, &str)]) -> (Service, Answer) {
        let state = self.state.iter().map(|state| ("state", state.as_str()));
        let all = parameters.iter().copied().chain(state).chain([("iss", site.base.as_str())]);
        let answer = if self.form_post {
            page::form_post(REDIRECT_URI, all)
        } else {
            let mut url = Url::parse(REDIRECT_URI).expect("our own URL");
            url.query_pairs_mut().extend_pairs(all);
            Answer::redirect(StatusCode::SEE_OTHER, url.as_str())
        };
        (Service::Callback, answer)
    }

    /// The user said no.
    pub(super) fn deny(&self, site: &Site) -> (Service, Answer) {
        self.back(site, &[("error", "access_denied")])
    }

    /// A code for this user, who logged in at this time.
    pub(super) fn grant(&self, site: &Site, auth_time: u64) -> (Service, Answer) {
        let code = Mark::Code.random();
        let issued = Issued { request: self.clone(), auth_time, spent: false, tokens: Vec::new() };
        issued_codes(&site.shared).insert(code.clone(), issued);
        self.back(site, &[("code", &code)])
    }

    /// RFC 7636 §4.6; a verifier without a challenge is one of another request (RFC 9700 §4.8.2).
    fn is_proved_by(&self, verifier: Option<&str>) -> bool {
        match (&self.challenge, verifier) {
            (Some((method, challenge)), Some(verifier)) if method == "S256" => {
                *challenge == URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
            }
            (Some((_, challenge)), Some(verifier)) => challenge == verifier,
            (None, None) => true,
            _ => false,
        }
    }
}

pub(super) fn answer(site: &Site, request: &Received) -> (Service, Answer) {
    let mut parameters = request.query();
    if let Some(name) = client::one(&parameters, "request_uri") {
        // Good once (RFC 9126 §7.3), and for the client that pushed it.
        let pushed = pushed_requests(&site.shared).remove(name);
        let client = client::one(&parameters, "client_id").map(str::to_owned);
        match pushed.filter(|pushed| client.as_deref() == client::one(pushed, "client_id")) {
            Some(pushed) => parameters = pushed,
            None => return shown("This request_uri is not known."),
        }
    }
    match AuthorizationRequest::read(&parameters) {
        Ok(asked) if site.shared.faults.is_on(Fault::AuthorizeSignedIn) => {
            asked.grant(site, keys::now())
        }
        Ok(asked)
            if site.shared.faults.is_on(Fault::LogoutKeepsSession)
                && logout::is_in_session(site, request) =>
        {
            asked.grant(site, keys::now())
        }
        Ok(asked) => login::begin(site, asked),
        Err(Refused::Shown(why)) => shown(why),
        Err(Refused::Back(asked, error)) => asked.back(site, &[("error", error)]),
    }
}

fn shown(why: &str) -> (Service, Answer) {
    (Service::Authorization, page::plain(StatusCode::BAD_REQUEST, "Error", why))
}

/// RFC 9126 §2.
pub(super) fn push(site: &Site, request: &Received) -> Answer {
    client::answer(site, request, |form| {
        let mut parameters = form.parameters().to_vec();
        parameters.retain(|(name, _)| name != "client_id" && name != "client_secret");
        parameters.push(("client_id".to_owned(), form.client.to_owned()));
        if client::one(&parameters, "request_uri").is_some() {
            return Err(refusal("invalid_request", "a pushed request names no other"));
        }
        if let Err(Refused::Shown(_)) = AuthorizationRequest::read(&parameters) {
            return Err(refusal("invalid_request", "redirect_uri is not registered"));
        }
        let name = format!("{REQUEST_URI}{}", Mark::Pushed.random());
        pushed_requests(&site.shared).insert(name.clone(), parameters);
        let body = json!({"request_uri": name, "expires_in": EXPIRES_IN});
        Ok(client::not_stored(Answer::json(StatusCode::CREATED, &body)))
    })
}

/// Requests that were pushed and not yet made.
pub(super) type Pushed = BTreeMap<String, Vec<(String, String)>>;

fn pushed_requests(shared: &Shared) -> MutexGuard<'_, Pushed> {
    shared.pushed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Codes that were issued, the spent ones too.
pub(super) type Codes = BTreeMap<String, Issued>;

fn issued_codes(shared: &Shared) -> MutexGuard<'_, Codes> {
    shared.codes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A code, and what it was issued for.
pub(super) struct Issued {
    request: AuthorizationRequest,
    auth_time: u64,
    spent: bool,
    /// `jti` of the access tokens that were issued for it.
    tokens: Vec<String>,
}

/// Who logged in, and how.
#[derive(Debug, Clone)]
pub(super) struct Login {
    /// The code by which the client learnt of it.
    pub(super) code: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) auth_time: u64,
    pub(super) one_time_code: bool,
}

/// RFC 6749 §4.1.3. A code that comes twice takes its tokens along (§4.1.2).
pub(super) fn redeem(site: &Site, form: &ClientForm) -> Result<Login, Refusal> {
    let unknown = refusal("invalid_grant", "the code is not known, or not this client's");
    let code = form.one("code").ok_or_else(|| refusal("invalid_request", "code is missing"))?;
    let mut codes = issued_codes(&site.shared);
    let issued = codes.get_mut(code).filter(|issued| issued.request.client == form.client);
    let issued = issued.ok_or(unknown)?;
    if form.one("redirect_uri") != Some(REDIRECT_URI) {
        return Err(refusal("invalid_grant", "redirect_uri is not that of the request"));
    }
    if !issued.request.is_proved_by(form.one("code_verifier")) {
        return Err(refusal("invalid_grant", "code_verifier does not fit the challenge"));
    }
    if issued.spent && !site.shared.faults.is_on(Fault::CodeReplayAccepted) {
        let tokens = std::mem::take(&mut issued.tokens);
        drop(codes);
        token::revoke_all(&site.shared, code, tokens);
        return Err(refusal("invalid_grant", "the code was spent before"));
    }
    issued.spent = true;
    let request = &issued.request;
    Ok(Login {
        code: code.to_owned(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        auth_time: issued.auth_time,
        one_time_code: request.one_time_code || request.pages == Pages::All,
    })
}

/// Remembers an access token that goes when the code comes twice.
pub(super) fn remember(shared: &Shared, code: &str, jti: String) {
    if let Some(issued) = issued_codes(shared).get_mut(code) {
        issued.tokens.push(jti);
    }
}
