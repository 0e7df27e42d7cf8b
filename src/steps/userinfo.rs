//! `userinfo`: ask the provider about the user (OpenID Connect Core §5.3).

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::{Body, Judgement};
use super::call::challenge_error;
use super::provider::CalledEndpoint;
use super::token::Token;
use super::validate::Validated;
use crate::net::{Answer, Request, SecretTo};
use crate::probe::{Context, header_value};
use crate::protocol::claims::{self, ClaimError, Claims, Clock};
use crate::protocol::json;
use crate::report::{Endpoint, Failure, FailureReason, Warning};
use crate::secret::SHORTEST_FOUND_IN_TEXT;
use crate::settings::{Authentication, Client, Validate};

/// Asks with the access token. The answer must be about the subject of the ID token, and where it
/// is signed, the signature must verify; it may be encrypted alone.
///
/// # Errors
/// When the provider refuses the token, or the answer is about somebody else.
pub async fn run(
    context: &Context<'_>,
    endpoint: &CalledEndpoint,
    token: &Token,
    client: &Client,
    validated: Option<(&Validate, &Validated)>,
) -> Result<(), Failure> {
    let secret_to = if endpoint.discovered { SecretTo::Discovered } else { SecretTo::Configured };
    let mut request =
        Request::new(Endpoint::Userinfo, Method::GET, endpoint.url.clone(), secret_to);
    request.accept_json();
    // The token may be bound to the certificate (RFC 8705 §3).
    request.client_certificate = matches!(client.authentication, Authentication::Certificate);
    request.headers.insert(AUTHORIZATION, header_value(&format!("Bearer {}", token.expose()))?);
    let answer = context.send(request).await?;
    judge(context, &answer, &client.id, validated)
        .await
        .map_err(|failure| super::quoting(context, failure))
}

async fn judge(
    context: &Context<'_>,
    answer: &Answer,
    client_id: &str,
    validated: Option<(&Validate, &Validated)>,
) -> Result<(), Failure> {
    let body = if is_jwt(answer) { Body::Any } else { Body::Json };
    let judgement = Judgement::new(context, answer, &[], body);
    judgement.format()?;
    judgement.rate_limit()?;
    refused(context, answer)?;
    judgement.status()?;
    let claims = match body {
        Body::Any => of_jwt(context, answer, client_id, validated).await?,
        Body::Json => judgement.json()?.members()?.clone(),
    };
    let subject = match claims.get("sub") {
        Some(Value::String(subject)) if !subject.is_empty() => subject,
        Some(Value::String(_)) | None => return Err(ClaimError::Missing("sub".into()).into()),
        Some(other) => {
            return Err(ClaimError::Type {
                name: "sub",
                expected: "a string (OpenID Connect Core §5.3.2)",
                found: json::kind(other),
            }
            .into());
        }
    };
    let logged_in = validated.and_then(|(_, validated)| validated.claims.get("sub"));
    if logged_in.is_some_and(|logged_in| logged_in.as_str() != Some(subject)) {
        return Err(ClaimError::Subject.into());
    }
    Ok(())
}

/// An answer that is signed, encrypted or both (OpenID Connect Core §5.3.2).
async fn of_jwt(
    context: &Context<'_>,
    answer: &Answer,
    client_id: &str,
    validated: Option<(&Validate, &Validated)>,
) -> Result<Claims, Failure> {
    let text = String::from_utf8_lossy(&answer.body);
    if text.trim().len() >= SHORTEST_FOUND_IN_TEXT {
        context.hide(text.trim());
    }
    match validated {
        Some((validate, validated)) => {
            let claims = validated.claims_of(context, validate, text.trim()).await?;
            // Where they are there, they name the issuer and the client (§5.3.2).
            if claims.contains_key("iss") {
                let issuer = validated.claims.get("iss").and_then(Value::as_str);
                claims::issuer(&claims, issuer.unwrap_or_default())?;
            }
            // An answer of another time says nothing about now (RFC 7519 §4.1.4, §4.1.5).
            let clock = Clock { now: context.unix_now(), leeway: validate.leeway };
            claims::expiry(&claims, clock, false).transpose()?;
            claims::not_before(&claims, clock).transpose()?;
            if claims.contains_key("aud") {
                claims::audience(&claims, &[client_id.to_owned()], false)?;
            }
            Ok(claims)
        }
        None => Err(Failure::new(
            FailureReason::KeyNotFound,
            "the answer is signed or encrypted, and without an ID token no keys are known",
        )),
    }
}

/// The provider's word that it refuses the token (RFC 6750 §3.1).
fn refused(context: &Context<'_>, answer: &Answer) -> Result<(), Failure> {
    if answer.status.is_success() {
        if answer.status != StatusCode::OK {
            context.warn(Warning::StatusUnexpected);
        }
        return Ok(());
    }
    match challenge_error(&answer.headers) {
        Some(code) => Err(Failure::new(
            super::oauth_reason(&code),
            format!(
                "status {}, error {} in WWW-Authenticate",
                answer.status.as_u16(),
                context.foreign(&code)
            ),
        )),
        None => Ok(()),
    }
}

fn is_jwt(answer: &Answer) -> bool {
    let declared = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/jwt")
}
