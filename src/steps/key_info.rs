//! `key_info`: ask the service when the API key ends, with a credential of its own.

use serde_json::Value;

use super::answer::{Body, Judgement};
use super::call;
use crate::net::Answer;
use crate::probe::Context;
use crate::report::{Failure, FailureReason};
use crate::secret::Secret;
use crate::settings::{ExpiryPlace, JsonPath, KeyInfo};

/// Longest id that is taken for a label.
const MAX_ID: usize = 128;

/// Asks, and requires that the key has not ended.
///
/// # Errors
/// `credential_expired`, or why there is no expiry to be had.
pub async fn run(context: &Context<'_>, info: &KeyInfo, key: &Secret) -> Result<(), Failure> {
    // Known before the answer is: the id may hold it.
    context.secret(key).await?;
    let url = info.url.resolve(context.target().url()).ok_or_else(|| {
        Failure::new(FailureReason::Internal, "the URL of key_info does not resolve")
    })?;
    let request = call::build(context, url, &info.method, &info.headers, None).await?;
    let answer = context.send(request).await?;
    let reads_body = info.id.is_some() || matches!(info.expiry, ExpiryPlace::Body(_));
    let body = if reads_body { Body::Json } else { Body::Any };
    let judgement = Judgement::new(context, &answer, &[], body);
    judgement.format()?;
    judgement.rate_limit()?;
    judgement.status()?;
    let document = judgement.document().map(|document| &document.value);

    let now = context.unix_now();
    let Some(expires_at) = info.format.read(&expiry(info, &answer, document)?, now)? else {
        context.note("the key has no end");
        return Ok(());
    };
    context.credential(id(context, info, document), expires_at);
    if expires_at <= now {
        return Err(Failure::plain(
            FailureReason::CredentialExpired,
            format!("the key ended {:.0} s ago", now - expires_at),
        ));
    }
    Ok(())
}

fn expiry(info: &KeyInfo, answer: &Answer, document: Option<&Value>) -> Result<Value, Failure> {
    let missing = |place: &str| {
        Failure::new(FailureReason::MissingClaim, format!("the answer has no expiry {place}"))
    };
    match &info.expiry {
        ExpiryPlace::Body(path) => {
            single(path, document).ok_or_else(|| missing("at the configured path"))
        }
        ExpiryPlace::Header(name) => answer
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into())
            .ok_or_else(|| missing("in the configured header")),
    }
}

/// The id of the key as a label: text or a number, bounded, and never the key itself.
fn id(context: &Context<'_>, info: &KeyInfo, document: Option<&Value>) -> Option<String> {
    let id = match single(info.id.as_ref()?, document)? {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    // Judged before it is cut: part of a key is a key's part.
    if !context.is_clean(&id) {
        return Some("redacted".to_owned());
    }
    Some(context.foreign(&id).chars().take(MAX_ID).collect())
}

/// The one value at the path.
fn single(path: &JsonPath, document: Option<&Value>) -> Option<Value> {
    path.query(document?).exactly_one().ok().cloned()
}
