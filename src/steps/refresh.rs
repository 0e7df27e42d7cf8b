//! `refresh`: have a new access token for the refresh token of this login (RFC 6749 §6, OpenID
//! Connect Core §12).

use super::call_api;
use super::provider::CalledEndpoint;
use super::quoting;
use super::token::{self, Token, TokenRequest, Tokens};
use super::validate::{IdTokenRules, Validated};
use crate::probe::Context;
use crate::protocol::claims::{self, ClaimError, Clock};
use crate::protocol::id_token;
use crate::report::{Failure, FailureReason};
use crate::secret::SecretText;
use crate::settings::{CallApi, Client, Validate};

/// What a refreshed ID token is held against.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The configuration.
    pub validate: &'a Validate,
    /// The ID token of the login.
    pub validated: &'a Validated,
    /// Whom it is for.
    pub rules: IdTokenRules<'a>,
}

/// Refreshes. The access token must be a new one, and one that works where there is an API; a new
/// ID token must be about the same subject.
///
/// # Errors
/// When no new access token can be had, or it does not work.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    request: &TokenRequest,
    client: &Client,
    before: (&Token, Option<&SecretText>, Option<Before<'_>>),
    api: Option<&CallApi>,
) -> Result<Tokens, Failure> {
    let (old, refresh_token, of_login) = before;
    let refresh_token = refresh_token.ok_or_else(|| {
        Failure::new(
            FailureReason::MissingRefreshToken,
            "the token response of the login holds no refresh_token",
        )
    })?;
    let fresh = [("refresh_token", refresh_token.clone())];
    let tokens = token::run(context, endpoint, request, Some(client), &fresh).await?;
    if tokens.access.expose() == old.expose() && !may_be_new(context, &tokens.access) {
        return Err(Failure::new(
            FailureReason::MissingAccessToken,
            "the refresh brought the old access token again, and no new one",
        ));
    }
    match &tokens.refresh {
        Some(new) if new != refresh_token => context.note("the refresh token was rotated"),
        _ => context.note("the refresh token stays as it is"),
    }
    if let (Some(id), Some(of_login)) = (&tokens.id, of_login) {
        same_login(context, id, &tokens.access, &of_login).await?;
    }
    if let Some(api) = api {
        call_api::run(context, api, &tokens.access, None).await?;
    }
    Ok(tokens)
}

/// Whether a token that is the old one to the byte may have been issued anew: one that names nothing
/// but its second (RFC 7519 §4.1.6) and has no number of its own (§4.1.7), in that second.
fn may_be_new(context: &Context<'_>, token: &Token) -> bool {
    let now = context.unix_now();
    let theirs = now + token.clock_skew().unwrap_or(0.0);
    let numbered = token.jwt().is_ok_and(|jwt| jwt.claims.contains_key("jti"));
    !numbered && token.facts(now).issued_at.is_some_and(|at| (theirs - at).abs() < 2.0)
}

/// OpenID Connect Core §12.2: the token is good, and about the login that was refreshed.
async fn same_login(
    context: &Context<'_>,
    id: &Token,
    access: &Token,
    of_login: &Before<'_>,
) -> Result<(), Failure> {
    let Before { validate, validated, rules } = of_login;
    let verified = validated.verify(context, validate, id.expose()).await?;
    let claims = &verified.claims;
    let clock = Clock { now: context.unix_now(), leeway: validate.leeway };
    let expected = id_token::Expected {
        access_token: Some(access.expose()),
        earlier: Some(&validated.claims),
        ..Default::default()
    };
    let checks = || -> Result<(), ClaimError> {
        id_token::check(claims, verified.algorithm, &expected, clock)?;
        id_token::audience(claims, rules.client_id, rules.trusted_audiences)?;
        let times = [
            claims::expiry(claims, clock, validate.require_exp),
            claims::not_before(claims, clock),
            claims::issued_at(claims, clock),
        ];
        times.into_iter().flatten().collect()
    };
    checks().map_err(|error| {
        let failure = quoting(context, error);
        Failure { detail: format!("the refreshed ID token: {}", failure.detail), ..failure }
    })
}
