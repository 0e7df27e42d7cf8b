//! `token`: ask for an access token and judge the answer (RFC 6749 §4.3, §4.4, §5, §6, RFC 7523
//! §2.1, RFC 8693 §2).

use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};

use super::answer::{Body, Judgement, sent_at};
use super::client::{Form, authenticate};
use super::provider::CalledEndpoint;
use crate::net::{Answer, Request};
use crate::probe::{Account, Context};
use crate::protocol::claims::numeric_date;
use crate::protocol::jose::{FormatError, Jws};
use crate::protocol::oauth;
use crate::report::{
    ClockSource, Credential, Endpoint, Failure, FailureReason, TokenFacts, Warning,
};
use crate::secret::SecretText;
use crate::settings::{Assertion, Authentication, Client, Grant, Headers, Parameter};

/// What is asked of the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// The grant.
    pub grant: Grant,
    /// Its parameters, in order.
    pub parameters: Vec<(String, Parameter)>,
    /// The scopes that were asked for, to compare with those granted.
    pub scopes: Vec<String>,
    /// Headers of the configuration.
    pub headers: Headers,
    /// Assertions on the answer.
    pub assertions: Vec<Assertion>,
}

/// A token, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Token {
    credential: Credential,
    text: SecretText,
    jwt: Result<Jws, FormatError>,
    origin: TokenOrigin,
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy)]
enum TokenOrigin {
    /// The configuration.
    Given,
    /// The token endpoint, in this probe.
    Issued {
        /// When it ends by `expires_in`, in Unix seconds.
        expires_at: Option<f64>,
        /// The clock of the answer that brought it, minus ours.
        clock_skew: Option<f64>,
    },
}

impl Token {
    /// An access token of the configuration.
    #[must_use]
    pub fn given(text: SecretText) -> Self {
        Self::new(Credential::AccessToken, text, TokenOrigin::Given)
    }

    fn new(credential: Credential, text: SecretText, origin: TokenOrigin) -> Self {
        Self { credential, jwt: Jws::parse(text.expose()), text, origin }
    }

    /// Which of the tokens it is.
    pub(super) const fn credential(&self) -> Credential {
        self.credential
    }

    /// The token, for the Authorization header.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The token taken apart.
    pub(super) const fn jwt(&self) -> Result<&Jws, &FormatError> {
        self.jwt.as_ref()
    }

    /// Whether it stands in the configuration.
    pub(super) const fn is_given(&self) -> bool {
        matches!(self.origin, TokenOrigin::Given)
    }

    /// The clock of its provider minus ours, in seconds.
    pub(super) const fn clock_skew(&self) -> Option<f64> {
        match self.origin {
            TokenOrigin::Given => None,
            TokenOrigin::Issued { clock_skew, .. } => clock_skew,
        }
    }

    /// A time that the token states of itself, unverified.
    fn states(&self, claim: &'static str) -> Option<f64> {
        numeric_date(&self.jwt.as_ref().ok()?.claims, claim).ok().flatten()
    }

    /// The end of its lifetime: `exp` when it states one, else what `expires_in` said.
    pub(super) fn expires_at(&self) -> Option<f64> {
        let by_answer = match self.origin {
            TokenOrigin::Given => None,
            TokenOrigin::Issued { expires_at, .. } => expires_at,
        };
        self.states("exp").or(by_answer)
    }

    /// Its lifetime, as it is now.
    pub(super) fn facts(&self, now: f64) -> TokenFacts {
        let expires_at = self.expires_at();
        TokenFacts {
            token: self.credential,
            ttl: expires_at.map(|at| at - now),
            expires_at,
            issued_at: self.states("iat"),
        }
    }

    /// Leaves it to later probes, which see that it stays good until it ends, and that it is
    /// refused from then on. For this it must have been accepted everywhere in this probe.
    pub fn leave_to_later_probes(&self, context: &Context<'_>, stays_good: bool, ends: bool) {
        let Some(expires_at) = self.expires_at() else { return };
        if stays_good {
            context.keep_token(&self.text, expires_at);
        }
        if ends {
            context.await_expiry(&self.text, expires_at);
        }
    }
}

/// What the token endpoint issued.
#[derive(Debug)]
pub struct Tokens {
    /// `access_token`
    pub access: Token,
    /// `id_token`
    pub id: Option<Token>,
    /// `refresh_token`
    pub refresh: Option<SecretText>,
}

impl TokenRequest {
    fn carries_secret(&self, client: Option<&Client>) -> bool {
        client.is_some_and(|client| !matches!(client.authentication, Authentication::Public))
            || !self.headers.is_empty()
            || self.parameters.iter().any(|(_, value)| matches!(value, Parameter::Secret(_)))
    }
}

/// An ID token comes with the tokens of a login that asked for one.
///
/// # Errors
/// `missing_id_token` when it does not.
pub fn has_id_token(tokens: &Tokens, asked_for: bool) -> Result<(), Failure> {
    if asked_for && tokens.id.is_none() {
        return Err(Failure::new(
            FailureReason::MissingIdToken,
            "the answer holds no id_token, though openid was asked for (OpenID Connect Core §3.1.3.3)",
        ));
    }
    Ok(())
}

/// A parameter that only the running probe knows.
pub type Fresh<'a> = (&'a str, SecretText);

/// Requests tokens. `fresh` are parameters beside the configured ones.
///
/// # Errors
/// With the reason for which a client would have no token.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_request: &TokenRequest,
    client: Option<&Client>,
    fresh: &[Fresh<'_>],
) -> Result<Tokens, Failure> {
    let Built { request, refresh_token, account } =
        build(context, endpoint, token_request, client, fresh).await?;
    let mut attempt = account.map(|account| context.logs_in(account)).transpose()?;
    if matches!(
        token_request.grant,
        Grant::Password | Grant::RefreshToken | Grant::AuthorizationCode
    ) {
        context.commit().await;
    }
    if let Some(attempt) = &mut attempt {
        attempt.sends_password();
    }
    let answer = context.send(request).await?;
    let tokens = judge(context, &answer, token_request, refresh_token.as_ref());
    if let Some(attempt) = &mut attempt {
        match &tokens {
            Ok(_) => attempt.accepted(),
            Err(failure) if refuses_password(failure.reason, answer.status) => {
                attempt.rejected(failure.reason);
            }
            Err(_) => {}
        }
    }
    tokens
}

/// Whether a failure may be a word on the password (RFC 6749 §4.3.2, §5.2).
fn refuses_password(reason: FailureReason, status: StatusCode) -> bool {
    match reason {
        FailureReason::InvalidGrant | FailureReason::AccessDenied => true,
        FailureReason::OauthError | FailureReason::Http4xx => super::login::may_judge_user(status),
        _ => false,
    }
}

/// A request, and what of the configuration is in it.
struct Built {
    request: Request,
    /// One of this probe may be rotated, and is not here.
    refresh_token: Option<SecretText>,
    /// Whose password is sent.
    account: Option<Account>,
}

async fn build(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token_request: &TokenRequest,
    client: Option<&Client>,
    fresh: &[Fresh<'_>],
) -> Result<Built, Failure> {
    let carries_secret = !fresh.is_empty() || token_request.carries_secret(client);
    let mut request = endpoint.post(Endpoint::Token, carries_secret);
    request.judges_redirects = !token_request.assertions.is_empty();
    let mut form: Form<'_> = Vec::new();
    for (name, value) in &token_request.parameters {
        let value = match value {
            Parameter::Plain(text) => text.clone().into(),
            Parameter::Secret(secret) => context.secret(secret).await?,
        };
        form.push((name, value));
    }
    let sent = |wanted: &str| {
        form.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
    };
    let is_refresh = token_request.grant == Grant::RefreshToken;
    let refresh_token = is_refresh.then(|| sent("refresh_token")).flatten();
    let is_password = token_request.grant == Grant::Password;
    let login = is_password.then(|| sent("username").zip(sent("password"))).flatten();
    let account = login.map(|(username, password)| {
        let origin = endpoint.url.origin().ascii_serialization();
        Account::new(&origin, username.expose(), password.expose())
    });
    form.extend(fresh.iter().map(|(name, value)| (*name, value.clone())));
    authenticate(context, client, endpoint, form, &mut request).await?;
    for header in &token_request.headers {
        let value = context.header_value(&header.name, &header.value).await?;
        request.headers.insert(header.name.clone(), value);
    }
    Ok(Built { request, refresh_token, account })
}

fn judge(
    context: &Context<'_>,
    answer: &Answer,
    token_request: &TokenRequest,
    sent_refresh_token: Option<&SecretText>,
) -> Result<Tokens, Failure> {
    let judgement = Judgement::new(context, answer, &token_request.assertions, Body::Json);
    judgement.oauth(context)?;
    let members = judgement.json()?.members()?;
    let exchange = token_request.grant == Grant::TokenExchange;
    let token = oauth::judge_token(members, &token_request.scopes, exchange)
        .map_err(|error| super::quoting(context, error))?;
    context.hide(&token.access_token);
    for further in [&token.refresh_token, &token.id_token].into_iter().flatten() {
        context.hide(further);
    }
    for oddity in &token.oddities {
        context.warn(match oddity {
            oauth::Oddity::ExpiresInType => Warning::ExpiresInType,
            oauth::Oddity::ScopeType => Warning::ScopeType,
            oauth::Oddity::ScopeNarrowed => Warning::ScopeNarrowed,
            oauth::Oddity::IssuedTokenType => Warning::IssuedTokenTypeMissing,
        });
    }
    if answer.status != StatusCode::OK {
        context.warn(Warning::StatusUnexpected);
    }
    if !forbids_storing(answer) {
        context.warn(Warning::NoStoreMissing);
    }
    let now = context.unix_now();
    let clock_skew = clock_skew(&answer.headers, now);
    let expires_at = token.expires_in.map(|seconds| now + seconds);
    let origin = TokenOrigin::Issued { expires_at, clock_skew };
    let issued = Token::new(Credential::AccessToken, token.access_token.into(), origin);
    let id = token.id_token.map(|text| {
        // `expires_in` is that of the access token.
        let origin = TokenOrigin::Issued { expires_at: None, clock_skew };
        Token::new(Credential::IdToken, text.into(), origin)
    });
    let clocks = [
        (ClockSource::Date, clock_skew),
        (ClockSource::Iat, issued.states("iat").map(|iat| apart(iat, now))),
        (ClockSource::Nbf, issued.states("nbf").map(|nbf| apart(nbf, now))),
    ];
    for (source, skew) in clocks {
        if let Some(skew) = skew {
            context.clock_skew(source, skew);
        }
    }
    context.token(issued.facts(now));
    if let Some(id) = &id {
        context.token(id.facts(now));
    }
    let refresh = token.refresh_token.map(|text| {
        let origin = TokenOrigin::Issued { expires_at: None, clock_skew: None };
        Token::new(Credential::RefreshToken, text.into(), origin)
    });
    if let Some(refresh) = &refresh
        && refresh.expires_at().is_some()
    {
        context.token(refresh.facts(now));
    }
    let refresh = refresh.map(|token| token.text);
    if let (Some(sent), Some(received)) = (sent_refresh_token, &refresh)
        && sent != received
    {
        return Err(Failure::new(
            FailureReason::RefreshTokenRotated,
            "the answer brings another refresh token than the one in the configuration (RFC 6749 §6)",
        ));
    }
    judgement.assertions()?;
    Ok(Tokens { access: issued, id, refresh })
}

/// The clock of an answer minus ours.
fn clock_skew(headers: &HeaderMap, now: f64) -> Option<f64> {
    Some(apart(sent_at(headers)?, now))
}

/// A time of the provider minus ours. Where it has whole seconds, ours is cut likewise.
fn apart(theirs: f64, ours: f64) -> f64 {
    theirs - if theirs.fract() == 0.0 { ours.floor() } else { ours }
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
