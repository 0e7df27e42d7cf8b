//! `par` and `authorize`: ask for a code, as a browser would bring the user (RFC 6749 §4.1,
//! OpenID Connect Core §3.1.2, RFC 7636, RFC 9126), through `login` and `consent` to the answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::answer::{Body, Judgement};
use super::browser::{Arrival, AtRedirectUri, Browser, SecretHosts, Shown, asks_user_again};
use super::client::{Form, authenticate};
use super::login;
use super::provider::{CalledEndpoint, Provider};
use crate::probe::{Context, Stopped};
use crate::protocol::authorization::{self, Callback, CallbackError, Expected, ResponseMode};
use crate::protocol::html::{self, Found, Overrides};
use crate::protocol::json;
use crate::protocol::metadata::EndpointName;
use crate::protocol::placeholders::fill;
use crate::report::{Endpoint, Failure, FailureReason, Step, Warning};
use crate::secret::SecretText;
use crate::settings::{Authentication, Client, Login, Parameter};

/// What is asked of the authorization endpoint.
#[derive(Debug)]
pub struct AuthorizationRequest {
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The same, parsed.
    pub redirect_url: Url,
    /// `scope`
    pub scopes: Vec<String>,
    /// How the code is bound to its verifier.
    pub pkce: Pkce,
    /// Further parameters.
    pub parameters: Vec<(String, Parameter)>,
    /// Whether the request is pushed first.
    pub pushed: bool,
    /// How the answer is asked to come.
    pub mode: ResponseMode,
    /// Who logs in.
    pub login: Option<Login>,
    /// The issuer of the configuration, where none is discovered.
    pub issuer: Option<String>,
}

impl AuthorizationRequest {
    /// Whether it holds more than the client's public words: values of `params`.
    fn carries_secret(&self) -> bool {
        !self.pushed
            && self.parameters.iter().any(|(_, value)| matches!(value, Parameter::Secret(_)))
    }

    /// What its answer is held against.
    fn expected<'a>(&'a self, provider: &'a Provider, fresh: &'a Fresh) -> Expected<'a> {
        Expected {
            state: &fresh.state,
            mode: self.mode,
            issuer: provider.issuer().or(self.issuer.as_deref()),
            issuer_promised: provider.promises_issuer(),
        }
    }
}

/// How the code is bound to its verifier (RFC 7636 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Pkce {
    /// By its hash.
    #[default]
    S256,
    /// By itself.
    #[serde(rename = "plain")]
    Plain,
    /// Not at all.
    #[serde(rename = "none")]
    None,
}

/// A code, and what it must be exchanged with.
#[derive(Debug)]
pub struct AuthorizationCode {
    /// `code`
    pub code: SecretText,
    /// `code_verifier`, when there was a challenge.
    pub verifier: Option<SecretText>,
    /// `nonce` of the request; `None` when the code comes from elsewhere.
    pub nonce: Option<String>,
    /// Whether cookies alone keep the user logged in who had to log in for it.
    pub by_cookies: bool,
}

/// Values that are new in each probe.
struct Fresh {
    state: String,
    nonce: String,
    verifier: Option<SecretText>,
}

impl Fresh {
    fn new(context: &Context<'_>, pkce: Pkce) -> Result<Self, Failure> {
        let text = || context.random::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let verifier = if pkce == Pkce::None { None } else { Some(text()?) };
        let (state, nonce) = (text()?, text()?);
        for value in verifier.iter().chain([&state, &nonce]) {
            context.hide(value);
        }
        Ok(Self { state, nonce, verifier: verifier.map(Into::into) })
    }
}

/// The steps from the request to the code.
///
/// # Errors
/// [`Stopped`] when one of them failed.
pub async fn steps(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<AuthorizationCode, Stopped> {
    let first = if request.pushed { Step::Par } else { Step::Authorize };
    let fresh = match Fresh::new(context, request.pkce) {
        Ok(fresh) => fresh,
        Err(failure) => return context.step(first, async { Err(failure) }).await,
    };
    let endpoint = provider.endpoint(context, EndpointName::Authorization);
    let by_requests = request.login.as_ref().filter(|login| !login.requests.is_empty());
    let (captured, mut attempt) = match by_requests {
        Some(login) => {
            let sent = login::by_requests(context, login);
            let (captured, attempt) = context.step(Step::Login, sent).await?;
            (captured, Some(attempt))
        }
        None => (Vec::new(), None),
    };
    let pushed = if request.pushed {
        let push = async {
            let form = parameters(context, client, request, &fresh, &captured).await?;
            push(context, provider, client, form).await
        };
        Some(context.step(Step::Par, push).await?)
    } else {
        None
    };
    let overrides = Overrides::default();
    let who = request.login.as_ref();
    let browser = Browser::new(
        context,
        AtRedirectUri { redirect_uri: &request.redirect_url, state: &fresh.state },
        who.map_or(&overrides, |login| &login.overrides),
        SecretHosts {
            named: Some(&endpoint.url).filter(|_| !endpoint.discovered),
            hosts: who.map_or(&[], |login| &login.allowed_hosts),
        },
        who.map_or(10, |login| login.max_pages),
    );
    let expected = request.expected(provider, &fresh);
    // The answer is judged in the step that reached it.
    let judge = |callback: Callback| -> Result<SecretText, Failure> {
        code(context, &callback, expected).map(SecretText::from)
    };
    let open = async {
        let parameters = match pushed {
            Some(request_uri) => by_reference(client, request_uri),
            None => parameters(context, client, request, &fresh, &captured).await?,
        };
        let arrival = ask(&browser, &endpoint, &parameters, request.carries_secret()).await?;
        if let Some(attempt) = &mut attempt {
            login::judge_requests(attempt, &browser, &arrival)?;
        }
        match arrival {
            Arrival::Page(shown) if !waits_for(&shown, who) => Err(login::stuck(&shown)),
            Arrival::Page(shown) => Ok(Arrival::Page(shown)),
            Arrival::Callback(callback) => judge(callback).map(Arrival::Callback),
        }
    };
    let way = context.step(Step::Authorize, open).await?;
    let by_cookies = by_requests.is_some() && captured.is_empty()
        || matches!(&way, Arrival::Page(shown) if login::asks_for_login(shown));
    let code = login::through(context, &browser, who, way, judge).await?;
    Ok(AuthorizationCode { code, verifier: fresh.verifier, nonce: Some(fresh.nonce), by_cookies })
}

/// Asks again with the cookies of the session: whether it still brings a code, or at most a
/// question for consent or for a second factor, which are asked of somebody who is known. That it
/// does not is proved by a login page, or by the provider's word that a login is required.
///
/// # Errors
/// When there is no answer, or one that proves neither.
pub(super) async fn is_still_logged_in(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<bool, Failure> {
    let fresh = Fresh::new(context, request.pkce)?;
    let endpoint = provider.endpoint(context, EndpointName::Authorization);
    let overrides = Overrides::default();
    let browser = Browser::new(
        context,
        AtRedirectUri { redirect_uri: &request.redirect_url, state: &fresh.state },
        request.login.as_ref().map_or(&overrides, |login| &login.overrides),
        SecretHosts { named: Some(&endpoint.url).filter(|_| !endpoint.discovered), hosts: &[] },
        10,
    );
    let mut parameters = parameters(context, client, request, &fresh, &[]).await?;
    // With these, whoever is logged in would be asked to log in again.
    parameters.retain(|(name, _)| !matches!(*name, "prompt" | "max_age"));
    if request.pushed {
        let request_uri = push(context, provider, client, parameters).await?;
        parameters = by_reference(client, request_uri);
    }
    match ask(&browser, &endpoint, &parameters, request.carries_secret()).await? {
        Arrival::Callback(callback) => {
            match code(context, &callback, request.expected(provider, &fresh)) {
                Ok(_) => Ok(true),
                // As it is answered to somebody who is not logged in (OpenID Connect Core §3.1.2.6).
                Err(failure) if failure.reason == FailureReason::AccessDenied => Ok(false),
                Err(failure) => Err(failure),
            }
        }
        Arrival::Page(shown) => match shown.found {
            Found::Consent(_) => Ok(true),
            // It brings no code: an account to choose, a login that only scripts would show.
            _ if shown.status.is_success() || html::asks_to_log_in(&shown.page) => Ok(false),
            _ => Err(login::stuck(&shown)),
        },
    }
}

/// Opens the authorization endpoint with the parameters of a request.
async fn ask(
    browser: &Browser<'_, '_, AtRedirectUri<'_>>,
    endpoint: &CalledEndpoint,
    parameters: &Form<'_>,
    carries_secret: bool,
) -> Result<Arrival<Callback>, Failure> {
    let pairs: Vec<(&str, &str)> =
        parameters.iter().map(|(name, value)| (*name, value.expose())).collect();
    let url = authorization::request_url(&endpoint.url, &pairs);
    browser.open(url, endpoint.secret_to(carries_secret)).await
}

/// The parameters where the request was pushed (RFC 9126 §4).
fn by_reference(client: &Client, request_uri: SecretText) -> Form<'static> {
    vec![("client_id", client.id.clone().into()), ("request_uri", request_uri)]
}

/// Whether a page asks for what the configuration can give. Who has logged in by requests is not
/// asked again.
fn waits_for(shown: &Shown, who: Option<&Login>) -> bool {
    match &shown.found {
        Found::Login(_) | Found::OneTimeCode(_) => who.is_some_and(|who| who.requests.is_empty()),
        Found::Consent(_) => who.is_some(),
        _ => false,
    }
}

fn code(
    context: &Context<'_>,
    callback: &Callback,
    expected: Expected<'_>,
) -> Result<String, Failure> {
    callback.hidden().for_each(|code| context.hide(code));
    callback.code(expected).map_err(|error| {
        let reason = match &error {
            CallbackError::Refused { code, .. } => match code.as_str() {
                "consent_required" => FailureReason::ConsentRequired,
                code if asks_user_again(code) => FailureReason::AccessDenied,
                code => super::oauth_reason(code),
            },
            CallbackError::State(_) => FailureReason::StateMismatch,
            CallbackError::Issuer { .. } => FailureReason::IssuerMismatch,
            CallbackError::Twice(_) => FailureReason::MalformedClaim,
            CallbackError::NoCode | CallbackError::Mode(_) => FailureReason::RedirectMismatch,
        };
        Failure::new(reason, context.foreign(&error.to_string()))
    })
}

/// The parameters of the request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
async fn parameters<'a>(
    context: &Context<'_>,
    client: &'a Client,
    request: &'a AuthorizationRequest,
    fresh: &'a Fresh,
    captured: &[(String, SecretText)],
) -> Result<Form<'a>, Failure> {
    let plain = |text: &str| SecretText::from(text.to_owned());
    let mut parameters: Form<'_> = vec![
        ("response_type", plain("code")),
        ("client_id", plain(&client.id)),
        ("redirect_uri", plain(&request.redirect_uri)),
        ("state", plain(&fresh.state)),
    ];
    if !request.scopes.is_empty() {
        parameters.push(("scope", plain(&request.scopes.join(" "))));
    }
    if request.scopes.iter().any(|scope| scope == "openid") {
        parameters.push(("nonce", plain(&fresh.nonce)));
    }
    if let Some(verifier) = &fresh.verifier {
        let (challenge, method) = match request.pkce {
            Pkce::Plain => (verifier.expose().to_owned(), "plain"),
            Pkce::S256 | Pkce::None => (authorization::s256_challenge(verifier.expose()), "S256"),
        };
        parameters.push(("code_challenge", challenge.into()));
        parameters.push(("code_challenge_method", plain(method)));
    }
    for (name, value) in &request.parameters {
        let value = match value {
            Parameter::Plain(text) => plain(text),
            Parameter::Secret(secret) => {
                let text = context.secret(secret).await?;
                let value = |name: &str| {
                    let known = captured.iter().find(|(known, _)| known == name);
                    known.map(|(_, value)| value.expose().to_owned().into())
                };
                fill(text.expose(), value).into()
            }
        };
        parameters.push((name, value));
    }
    Ok(parameters)
}

/// Pushes the request, and returns the `request_uri` that stands for it (RFC 9126 §2).
async fn push(
    context: &Context<'_>,
    provider: &Provider,
    client: &Client,
    mut form: Form<'_>,
) -> Result<SecretText, Failure> {
    let endpoint = provider.endpoint(context, EndpointName::PushedAuthorization);
    let token_endpoint = provider.endpoint(context, EndpointName::Token);
    let mut pushed = endpoint.post(Endpoint::Authorization, true);
    // The client's authentication brings its id where it belongs.
    form.retain(|(name, _)| *name != "client_id");
    let by_header = matches!(client.authentication, Authentication::Basic(_));
    if by_header {
        form.push(("client_id", client.id.clone().into()));
    }
    authenticate(context, Some(client), &token_endpoint, form, &mut pushed).await?;
    let answer = context.send(pushed).await?;
    let judgement = Judgement::new(context, &answer, &[], Body::Json);
    judgement.oauth(context)?;
    if answer.status != StatusCode::CREATED {
        context.warn(Warning::StatusUnexpected);
    }
    let members = judgement.json()?.members()?;
    let request_uri = request_uri(members.get("request_uri"))?;
    // As a positive integer. Whoever sends the browser on at once can do without.
    if members.get("expires_in").and_then(Value::as_u64).is_none_or(|seconds| seconds == 0) {
        context.warn(Warning::ExpiresInType);
    }
    // Good for one request, and whoever has it can make that.
    context.hide(request_uri);
    Ok(request_uri.to_owned().into())
}

/// The reference to a pushed request, which is a text that is not empty (RFC 9126 §2.2).
fn request_uri(value: Option<&Value>) -> Result<&str, Failure> {
    match value {
        Some(Value::String(request_uri)) if !request_uri.is_empty() => Ok(request_uri),
        None | Some(Value::Null | Value::String(_)) => Err(Failure::new(
            FailureReason::MissingClaim,
            "the answer holds no request_uri (RFC 9126 §2.2)",
        )),
        Some(other) => Err(Failure::new(
            FailureReason::MalformedClaim,
            format!("request_uri must be a string, found {} (RFC 9126 §2.2)", json::kind(other)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pushed_request_has_a_reference() {
        use FailureReason::{MalformedClaim, MissingClaim};
        for (value, expected) in [
            (Some(json!("urn:x:1")), Ok("urn:x:1")),
            (Some(json!("")), Err(MissingClaim)),
            (Some(json!(null)), Err(MissingClaim)),
            (None, Err(MissingClaim)),
            (Some(json!(5)), Err(MalformedClaim)),
        ] {
            let found = request_uri(value.as_ref()).map_err(|failure| failure.reason);
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
