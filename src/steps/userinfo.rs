//! `userinfo`: ask the provider about the user (OpenID Connect Core §5.3).

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::{Body, Judgement, media_type};
use super::call::challenged;
use super::provider::CalledEndpoint;
use super::token::Token;
use super::validate::Validated;
use crate::net::Answer;
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
    let mut request = endpoint.request(Endpoint::Userinfo, Method::GET, true);
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
    let is_jwt = media_type(answer).as_deref() == Some("application/jwt");
    let body = if is_jwt { Body::Any } else { Body::Json };
    let judgement = Judgement::new(context, answer, &[], body);
    judgement.format()?;
    judgement.rate_limit()?;
    if answer.status.is_success() {
        if answer.status != StatusCode::OK {
            context.warn(Warning::StatusUnexpected);
        }
    } else if let Some(refused) = challenged(context, answer) {
        return Err(refused);
    }
    judgement.own_error(context)?;
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
