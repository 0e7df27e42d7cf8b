//! `token`: ask for an access token and judge the answer (RFC 6749 §4.4, §5).

use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use http::header::CACHE_CONTROL;

use super::answer::{Body, Judgement};
use super::client::{Form, authenticate};
use super::provider::CalledEndpoint;
use crate::net::{Answer, Request};
use crate::probe::Context;
use crate::protocol::{jwt, oauth};
use crate::report::{Credential, Endpoint, Failure, TokenFacts, Warning};
use crate::secret::{Secret, SecretText};
use crate::settings::{Assertion, Authentication, Client, Headers};

/// What is asked of the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// Who asks.
    pub client: Client,
    /// Parameters of the grant, in order.
    pub parameters: Vec<(String, Parameter)>,
    /// The scopes that were asked for, to compare with those granted.
    pub scopes: Vec<String>,
    /// Headers of the configuration.
    pub headers: Headers,
    /// Assertions on the answer.
    pub assertions: Vec<Assertion>,
}

/// The value of a parameter.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// Shown by nobody, but no secret.
    Plain(String),
    /// A value of `params`.
    Secret(Secret),
}

/// A token that the provider issued in this probe.
#[derive(Debug, Clone)]
pub struct AccessToken(SecretText);

impl AccessToken {
    /// The token, for the Authorization header.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl TokenRequest {
    fn carries_secret(&self) -> bool {
        !matches!(self.client.authentication, Authentication::Public)
            || !self.headers.is_empty()
            || self.parameters.iter().any(|(_, value)| matches!(value, Parameter::Secret(_)))
    }
}

/// Requests a token.
///
/// # Errors
/// With the reason for which a client would have no token.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_request: &TokenRequest,
) -> Result<AccessToken, Failure> {
    let answer = context.send(build(context, endpoint, token_request).await?).await?;
    judge(context, &answer, token_request)
}

async fn build(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_request: &TokenRequest,
) -> Result<Request, Failure> {
    let mut request = endpoint.post(Endpoint::Token, token_request.carries_secret());
    let mut form: Form<'_> = Vec::new();
    for (name, value) in &token_request.parameters {
        let value = match value {
            Parameter::Plain(text) => text.clone().into(),
            Parameter::Secret(secret) => context.secret(secret).await?,
        };
        form.push((name, value));
    }
    authenticate(context, &token_request.client, endpoint, form, &mut request).await?;
    for header in &token_request.headers {
        let value = context.header_value(&header.name, &header.value).await?;
        request.headers.insert(header.name.clone(), value);
    }
    Ok(request)
}

fn judge(
    context: &Context<'_>,
    answer: &Answer,
    token_request: &TokenRequest,
) -> Result<AccessToken, Failure> {
    let judgement = Judgement::new(context, answer, &token_request.assertions, Body::Json);
    judgement.format()?;
    judgement.rate_limit()?;
    if let Some(error) = judgement.document().and_then(oauth::error_response) {
        return Err(super::refused(context, answer.status, &error));
    }
    if !judgement.status_accepted() {
        judgement.status()?;
        judgement.assertions()?;
    }
    let members = judgement
        .document()
        .ok_or_else(|| super::answer::status_failure(answer.status))?
        .members()?;
    let token = oauth::judge_token(members, &token_request.scopes)?;
    context.hide(&token.access_token);
    for oddity in &token.oddities {
        context.warn(match oddity {
            oauth::Oddity::ExpiresInType => Warning::ExpiresInType,
            oauth::Oddity::ScopeType => Warning::ScopeType,
            oauth::Oddity::ScopeNarrowed => Warning::ScopeNarrowed,
        });
    }
    if answer.status != StatusCode::OK {
        context.warn(Warning::StatusUnexpected);
    }
    if !forbids_storing(answer) {
        context.warn(Warning::NoStoreMissing);
    }
    context.token(facts(&token));
    judgement.assertions()?;
    Ok(AccessToken(token.access_token.into()))
}

/// `Cache-Control: no-store` (RFC 6749 §5.1; directives do not differ in case, RFC 9111 §5.2).
fn forbids_storing(answer: &Answer) -> bool {
    answer
        .headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}

/// The lifetime: from `exp` when the token is a JWT that states one, else from `expires_in`.
fn facts(token: &oauth::TokenResponse) -> TokenFacts {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let stated = jwt::stated_times(&token.access_token).unwrap_or_default();
    let expires_at = stated.expires_at.or(token.expires_in.map(|seconds| now + seconds));
    TokenFacts {
        token: Credential::AccessToken,
        ttl: expires_at.map(|at| at - now),
        expires_at,
        issued_at: stated.issued_at,
    }
}
