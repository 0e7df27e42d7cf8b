//! `refuse`: send bad credentials where the good one was accepted, and see that
//! each is refused. Anything but a refusal or an acceptance proves nothing and fails.

use http::{Method, StatusCode};
use url::Url;

use super::answer::{redirect, status_failure};
use super::call::{Accepted, challenge_error, not_at_login};
use crate::net::{Answer, Request};
use crate::probe::Context;
use crate::protocol::json::Document;
use crate::protocol::{login, oauth};
use crate::report::{Failure, FailureReason, RefusalCheck};
use crate::settings::RefuseStatus;

/// One request with a bad credential.
#[derive(Debug)]
pub struct Attempt {
    /// Which bad credential.
    check: RefusalCheck,
    /// The request.
    request: Request,
    /// Whether redirects led the good credential on.
    redirected: bool,
}

/// Redirects that a bad credential follows at most.
const MAX_REDIRECTS: usize = 10;

impl Attempt {
    /// An attempt where the good credential was accepted.
    pub(super) fn new(check: RefusalCheck, request: Request, accepted: &Accepted) -> Self {
        Self { check, request, redirected: accepted.redirected }
    }

    /// Sends it, and judges the first answer that is one by itself: a redirect is, unless the good
    /// credential met one too.
    async fn send(self, context: &Context<'_>, rule: &RefuseStatus) -> Result<(), Failure> {
        let mut request = self.request;
        request.follow_redirects = false;
        let requested = request.url.clone();
        let follows = self.redirected && request.method == Method::GET;
        let mut left = if follows { MAX_REDIRECTS } else { 0 };
        loop {
            let answer = context.send(request.clone()).await?;
            match next(&requested, &answer, rule).filter(|_| left > 0) {
                Some(next) => request.url = next,
                None => return judge(&requested, &answer, rule),
            }
            left -= 1;
        }
    }
}

/// Where a redirect leads on within its origin, as the credential may: not to a login, and not
/// where the redirect is the refusal.
fn next(requested: &Url, answer: &Answer, rule: &RefuseStatus) -> Option<Url> {
    let next = redirect(answer)?;
    let leads_on = next.origin() == answer.url.origin()
        && !login::leads_to_login(requested, &next)
        && !is_refused(answer, rule);
    leads_on.then_some(next)
}

/// Sends every attempt. An acceptance is the failure of the step before anything else.
///
/// # Errors
/// When one was accepted, or its answer proves nothing.
pub async fn run(
    context: &Context<'_>,
    attempts: Vec<Attempt>,
    refuse_status: &RefuseStatus,
) -> Result<(), Failure> {
    let mut worst: Option<Failure> = None;
    for attempt in attempts {
        let check = attempt.check;
        let verdict = attempt.send(context, refuse_status).await;
        context.refused(check, verdict.is_ok());
        match verdict {
            Ok(()) => {
                context.note(&format!("{check} was refused"));
                if check == RefusalCheck::Expired {
                    context.expired_token_was_refused();
                }
            }
            Err(failure) => {
                let failure = Failure { detail: format!("{check}: {}", failure.detail), ..failure };
                context.note(&context.told(&failure));
                let accepted = failure.reason == FailureReason::BadCredentialAccepted;
                if accepted || worst.is_none() {
                    worst = Some(failure);
                }
            }
        }
    }
    worst.map_or(Ok(()), Err)
}

fn is_refused(answer: &Answer, rule: &RefuseStatus) -> bool {
    match rule {
        RefuseStatus::Listed(listed) => listed.contains(&answer.status),
        RefuseStatus::Standard => match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
            StatusCode::BAD_REQUEST => states_oauth_error(answer),
            _ => false,
        },
    }
}

fn judge(requested: &Url, answer: &Answer, rule: &RefuseStatus) -> Result<(), Failure> {
    if is_refused(answer, rule) {
        return Ok(());
    }
    let status = answer.status;
    let number = status.as_u16();
    not_at_login(requested, answer)?;
    if status.is_success() {
        return Err(Failure::plain(
            FailureReason::BadCredentialAccepted,
            format!("answered {number}"),
        ));
    }
    if status.is_redirection() {
        // To a login page or an authorization endpoint.
        return Err(if redirect(answer).is_some_and(|location| login::is_login(&location)) {
            Failure::plain(
                FailureReason::RedirectRefused,
                format!(
                    "answered {number}, a redirect to a login; list it in refuse_status if that is how this API refuses"
                ),
            )
        } else {
            Failure::plain(
                FailureReason::BadCredentialAccepted,
                format!("answered {number}, which is no redirect to a login"),
            )
        });
    }
    Err(status_failure(status))
}

/// A 400 refuses when it says so in the terms of OAuth (RFC 6749 §5.2, RFC 6750 §3.1).
fn states_oauth_error(answer: &Answer) -> bool {
    challenge_error(&answer.headers).is_some_and(|code| oauth::is_error_code(&code))
        || Document::parse(&answer.body)
            .ok()
            .and_then(|document| oauth::error_response(&document))
            .is_some_and(|error| oauth::is_error_code(&error.code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;

    fn answer(status: u16, header: Option<(&'static str, &str)>, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("header"));
        }
        Answer {
            status: StatusCode::from_u16(status).expect("status"),
            headers,
            body: body.to_owned().into(),
            url: Url::parse("https://api.example/me").expect("URL"),
            duration: Duration::ZERO,
            refused_redirect: None,
        }
    }

    fn reason(answer: &Answer) -> Option<FailureReason> {
        judge(&answer.url, answer, &RefuseStatus::Standard).err().map(|failure| failure.reason)
    }

    #[test]
    fn refusals_acceptances_and_what_proves_nothing() {
        use FailureReason::{
            BadCredentialAccepted, Http4xx, Http5xx, RateLimited, RedirectRefused,
        };
        let bearer = Some(("www-authenticate", r#"Bearer error="invalid_request""#));
        for (status, header, body, expected) in [
            (401, None, "", None),
            (403, None, "", None),
            (400, bearer, "", None),
            (400, None, r#"{"error": "invalid_token"}"#, None),
            (400, None, r#"{"error": "Bad Request"}"#, Some(Http4xx)),
            (400, None, "", Some(Http4xx)),
            (404, None, "", Some(Http4xx)),
            (429, None, "", Some(RateLimited)),
            (500, None, "", Some(Http5xx)),
            (200, None, "", Some(BadCredentialAccepted)),
            (204, None, "", Some(BadCredentialAccepted)),
            (302, Some(("location", "/welcome")), "", Some(BadCredentialAccepted)),
            (302, Some(("location", "/author/list")), "", Some(BadCredentialAccepted)),
            (302, None, "", Some(BadCredentialAccepted)),
            (304, None, "", Some(BadCredentialAccepted)),
            (302, Some(("location", "/login?next=/me")), "", Some(RedirectRefused)),
            (302, Some(("location", "/login?next=/café")), "", Some(RedirectRefused)),
            (
                302,
                Some(("location", "https://id.example/users/sign_in")),
                "",
                Some(RedirectRefused),
            ),
            (
                302,
                Some(("location", "https://id.example/?response_type=code")),
                "",
                Some(RedirectRefused),
            ),
        ] {
            assert_eq!(
                reason(&answer(status, header, body)),
                expected,
                "{status} {header:?} {body}"
            );
        }
    }

    #[test]
    fn a_list_of_statuses_replaces_the_rule() {
        let listed = RefuseStatus::Listed(vec![StatusCode::NOT_FOUND]);
        for (status, expected) in [(404, Ok(())), (401, Err(FailureReason::Http4xx))] {
            let answer = answer(status, None, "");
            let verdict = judge(&answer.url, &answer, &listed).map_err(|failure| failure.reason);
            assert_eq!(verdict, expected, "{status}");
        }
    }
}
