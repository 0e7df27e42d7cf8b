//! A call of a protected API: how it is built and how its answer is judged.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::answer::{self, Body, Judgement, declared_json};
use crate::net::{Answer, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::json::Document;
use crate::protocol::{challenge, login, oauth};
use crate::report::{Endpoint, Failure, FailureReason};
use crate::secret::Secret;
use crate::settings::{Assertion, Headers};

/// The good credential was accepted here: bad ones are sent to the same place, and follow the
/// redirects that it followed.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The URL that was called, without a credential.
    pub(super) url: Url,
    /// Whether redirects led on from there.
    pub(super) redirected: bool,
}

/// A call without its credential. The configuration named the URL, so the credential may go there.
pub(super) async fn build(
    context: &Context<'_>,
    url: Url,
    method: &Method,
    headers: &Headers,
    body: Option<&Secret>,
) -> Result<Request, Failure> {
    let mut request = Request::new(Endpoint::Api, method.clone(), url, SecretTo::Configured);
    request.judges_redirects = true;
    for header in headers {
        let value = context.header_value(&header.name, &header.value).await?;
        request.headers.insert(header.name.clone(), value);
    }
    if let Some(body) = body {
        request.body = Some(context.secret(body).await?.expose().to_owned().into());
    }
    Ok(request)
}

/// Judges the answer to a good credential, sent to the URL `requested`.
pub(super) fn judge(
    context: &Context<'_>,
    requested: &Url,
    answer: &Answer,
    assertions: &[Assertion],
) -> Result<(), Failure> {
    let judgement = Judgement::new(context, answer, assertions, Body::Any);
    judgement.format()?;
    judgement.rate_limit()?;
    if !judgement.status_accepted()
        && let Some(refused) = challenged(context, answer)
    {
        return Err(refused);
    }
    not_at_login(requested, answer)?;
    judgement.status()?;
    judgement.assertions()
}

/// A login page answers 200 to everybody: whoever is sent there was not let in.
///
/// # Errors
/// `redirect_refused` when redirects led from the URL to a login.
pub(super) fn not_at_login(requested: &Url, answer: &Answer) -> Result<(), Failure> {
    if led_to_login(requested, answer) {
        return Err(Failure::new(
            FailureReason::RedirectRefused,
            format!("a redirect leads to the login {}", answer.url.path()),
        ));
    }
    Ok(())
}

/// Whether redirects led from the URL to a login, by its URL or by what is there. JSON is what an
/// API answers, whatever `auth` or `oauth2` its path has; at `/login` it is none of what was asked.
fn led_to_login(requested: &Url, answer: &Answer) -> bool {
    if answer.url == *requested {
        return false;
    }
    let is_json = answer.status.is_success() && declared_json(answer);
    answer::page(answer).is_ok_and(|page| login::page_leads_to_login(&page))
        || login::leads_to_login(requested, &answer.url)
            && (!is_json || login::asks_for_login(&answer.url))
}

/// The service's word that it refuses the credential (RFC 6750 §3.1); some say it in the body alone.
pub(super) fn challenged(context: &Context<'_>, answer: &Answer) -> Option<Failure> {
    let (code, place) = match challenge_error(&answer.headers) {
        Some(code) => (code, "WWW-Authenticate"),
        None => (refusal_in_body(answer)?, "the body"),
    };
    let (status, shown) = (answer.status.as_u16(), context.foreign(&code));
    let detail = format!("status {status}, error {shown} in {place}");
    Some(Failure::new(super::oauth_reason(&code), detail))
}

fn refusal_in_body(answer: &Answer) -> Option<String> {
    let refuses = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let document = refuses.then(|| Document::parse(&answer.body).ok()).flatten()?;
    let code = oauth::error_response(&document)?.code;
    matches!(&*code, "invalid_token" | "insufficient_scope").then_some(code)
}

/// The error code of a challenge (RFC 6750 §3).
pub(super) fn challenge_error(headers: &HeaderMap) -> Option<String> {
    challenge::error_code(
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()),
    )
}
