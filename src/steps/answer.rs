//! What every answer is judged by beside its protocol, in the order of the
//! contract: size or format, rate limit, (the protocol), status, assertions.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, DATE, LOCATION, REFRESH, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::net::{Answer, retry_after};
use crate::probe::Context;
use crate::protocol::html::{self, Page, PageTooLarge, Refresh};
use crate::protocol::json::{Document, JsonError};
use crate::protocol::{login, oauth};
use crate::report::{Failure, FailureReason, Warning};
use crate::settings::{Answered, Assertion, Content, Occurrences};

/// An answer with its assertions evaluated and recorded. The checks are called in
/// their order by the step, which puts its protocol between them.
pub(super) struct Judgement<'a> {
    answer: &'a Answer,
    document: Option<Result<Document, JsonError>>,
    failed_assertions: Vec<&'a str>,
    /// Whether assertions judge the status, instead of the rule that it must be 2xx.
    status_judged: bool,
    status_accepted: bool,
    /// Whether they want the status of a redirect, and no 2xx.
    redirect_wanted: bool,
}

/// What a step reads from the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// A JSON object: without one the step cannot succeed.
    Json,
    /// Nothing of its own; JSON only when an assertion asks for it.
    Any,
}

impl<'a> Judgement<'a> {
    pub(super) fn new(
        context: &Context<'_>,
        answer: &'a Answer,
        assertions: &'a [Assertion],
        body: Body,
    ) -> Self {
        let json = body == Body::Json || assertions.iter().any(Assertion::needs_json);
        let document = json.then(|| Document::parse(&answer.body));
        let whole = Content::Whole(&answer.body);
        let judgement = Self::evaluate(context, answer, assertions, document, whole);
        if let Some(document) = judgement.document() {
            if document.duplicate_member {
                context.warn(Warning::DuplicateMember);
            }
            if body == Body::Json && !declared_json(answer) {
                context.warn(Warning::ContentTypeUnexpected);
            }
        }
        judgement
    }

    /// Of an answer whose body passed by.
    pub(super) fn of_passed(
        context: &Context<'_>,
        answer: &'a Answer,
        assertions: &'a [Assertion],
        occurrences: &Occurrences,
    ) -> Self {
        Self::evaluate(context, answer, assertions, None, Content::Passed(occurrences))
    }

    fn evaluate(
        context: &Context<'_>,
        answer: &'a Answer,
        assertions: &'a [Assertion],
        document: Option<Result<Document, JsonError>>,
        body: Content<'_>,
    ) -> Self {
        let json = document.as_ref().and_then(|document| document.as_ref().ok());
        let answered = answered(answer, body, json);
        let mut failed_assertions = Vec::new();
        let mut status_judged = false;
        let mut status_accepted = true;
        for assertion in assertions {
            let holds = assertion.holds(&answered);
            context.assertion(assertion.label(), holds);
            if !holds {
                failed_assertions.push(assertion.label());
            }
            if assertion.judges_status() {
                status_judged = true;
                status_accepted &= holds;
            }
        }
        if !status_judged {
            status_accepted = answer.status.is_success();
        }
        let success = Answered { status: StatusCode::OK, ..answered };
        let redirect_wanted = answer.refused_redirect.is_some()
            && status_judged
            && status_accepted
            && assertions.iter().any(|one| one.judges_status() && !one.holds(&success));
        if answer.status == StatusCode::UNAUTHORIZED
            && !answer.headers.contains_key(WWW_AUTHENTICATE)
        {
            context.warn(Warning::ChallengeMissing);
        }
        Self {
            answer,
            document,
            failed_assertions,
            status_judged,
            status_accepted,
            redirect_wanted,
        }
    }

    /// The body as JSON, when it was read and is.
    pub(super) fn document(&self) -> Option<&Document> {
        self.document.as_ref()?.as_ref().ok()
    }

    /// The body as JSON. Without it, the status says what the answer is.
    pub(super) fn json(&self) -> Result<&Document, Failure> {
        self.document().ok_or_else(|| status_failure(self.answer.status))
    }

    /// All checks of an answer of OAuth before its members: the provider's own error wins over the
    /// status (RFC 6749 §5.2).
    pub(super) fn oauth(&self, context: &Context<'_>) -> Result<(), Failure> {
        self.format()?;
        self.rate_limit()?;
        if let Some(error) = self.document().and_then(oauth::error_response) {
            return Err(super::refused(context, self.answer.status, &error));
        }
        if self.status_accepted {
            return Ok(());
        }
        self.status()?;
        self.assertions()
    }

    /// The provider's own error: any in an answer that succeeds, else a code of OAuth and no text of a
    /// web framework.
    pub(super) fn own_error(&self, context: &Context<'_>) -> Result<(), Failure> {
        let error = self.document().and_then(oauth::error_response);
        let counts = |code: &str| self.status_accepted || oauth::is_error_code(code);
        error
            .filter(|error| counts(&error.code))
            .map_or(Ok(()), |error| Err(super::refused(context, self.answer.status, &error)))
    }

    /// Whether the status is what the step needs: 2xx, or what its status assertions say.
    pub(super) fn status_accepted(&self) -> bool {
        self.status_accepted
    }

    /// A redirect that was not followed, size or format. The redirect may be what its status
    /// assertions ask for, unless it leads to a login. An answer that does not succeed owes no JSON
    /// unless it declares it: an error page of a proxy is judged by its status.
    pub(super) fn format(&self) -> Result<(), Failure> {
        if let Some(refused) = &self.answer.refused_redirect {
            let from = &self.answer.url;
            let to_login = redirect(self.answer).is_some_and(|to| login::leads_to_login(from, &to));
            let without_end = refused.reason == FailureReason::TooManyRedirects;
            if !self.redirect_wanted || to_login || without_end {
                return Err(refused.clone());
            }
        }
        match &self.document {
            Some(Err(error)) => self.format_of(error),
            _ => Ok(()),
        }
    }

    /// The same where the step has read the body itself, and it is no JSON.
    pub(super) fn format_of(&self, error: &JsonError) -> Result<(), Failure> {
        let declared = declared_json(self.answer);
        if !self.status_accepted && (!declared || self.answer.body.is_empty()) {
            return Ok(());
        }
        Err(not_json(self.answer, error))
    }

    /// 429, unless a status assertion asks for it.
    pub(super) fn rate_limit(&self) -> Result<(), Failure> {
        if self.answer.status == StatusCode::TOO_MANY_REQUESTS && !self.status_accepted {
            let again = retry_after(&self.answer.headers, SystemTime::now());
            let again =
                again.map_or(String::new(), |again| format!(", retry after {} s", again.as_secs()));
            return Err(Failure::plain(FailureReason::RateLimited, format!("status 429{again}")));
        }
        Ok(())
    }

    /// The status must be 2xx, unless assertions judge it. One that they do not accept is theirs
    /// to report, but for 4xx and 5xx, which say more than that an assertion does not hold.
    pub(super) fn status(&self) -> Result<(), Failure> {
        let status = self.answer.status;
        let is_error = status.is_client_error() || status.is_server_error();
        if self.status_accepted || (self.status_judged && !is_error) {
            return Ok(());
        }
        Err(status_failure(status))
    }

    /// All assertions.
    pub(super) fn assertions(&self) -> Result<(), Failure> {
        if self.failed_assertions.is_empty() {
            return Ok(());
        }
        Err(Failure::plain(
            FailureReason::AssertionFailed,
            format!("does not hold: {}", self.failed_assertions.join(", ")),
        ))
    }
}

/// An answer as assertions look at it.
fn answered<'a>(answer: &'a Answer, body: Content<'a>, json: Option<&'a Document>) -> Answered<'a> {
    Answered {
        status: answer.status,
        headers: &answer.headers,
        body,
        json: json.map(|document| &document.value),
        response_time: answer.duration,
    }
}

/// Whether a second answer to the same request holds what was asserted of the first, which alone
/// is on record. Times are not compared: they are those of the first.
pub(super) fn hold_again(answer: &Answer, assertions: &[Assertion]) -> bool {
    let needs_json = assertions.iter().any(Assertion::needs_json);
    let document = needs_json.then(|| Document::parse(&answer.body).ok()).flatten();
    let answered = answered(answer, Content::Whole(&answer.body), document.as_ref());
    assertions.iter().filter(|it| !it.judges_time()).all(|assertion| assertion.holds(&answered))
}

/// When it was sent, in seconds since 1970 by the clock of its server (RFC 9110 §6.6.1).
pub(super) fn sent_at(headers: &HeaderMap) -> Option<f64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// The failure that a status means by itself.
pub(super) fn status_failure(status: StatusCode) -> Failure {
    let reason = match status.as_u16() {
        429 => FailureReason::RateLimited,
        400..=499 => FailureReason::Http4xx,
        500..=599 => FailureReason::Http5xx,
        _ => FailureReason::HttpUnexpectedStatus,
    };
    Failure::plain(reason, format!("status {}", status.as_u16()))
}

/// The failure of a body that should be JSON and is not: malformed, or something else altogether.
pub(super) fn not_json(answer: &Answer, error: &JsonError) -> Failure {
    let status = answer.status.as_u16();
    if declared_json(answer) || answer.headers.get(CONTENT_TYPE).is_none() {
        return Failure::new(
            FailureReason::MalformedJson,
            format!("status {status}, the body should be JSON: {error}"),
        );
    }
    Failure::plain(
        FailureReason::ContentType,
        format!("status {status}, the body is not JSON and is not declared as JSON"),
    )
}

/// `application/json` or a type with the suffix `+json` (RFC 6839 §3.1).
pub(super) fn declared_json(answer: &Answer) -> bool {
    media_type(answer)
        .is_some_and(|declared| declared == "application/json" || declared.ends_with("+json"))
}

/// A media type of XML (RFC 7303 §9), as `application/samlmetadata+xml`.
pub(super) fn declared_xml(answer: &Answer) -> bool {
    media_type(answer).is_some_and(|declared| {
        matches!(declared.as_str(), "application/xml" | "text/xml") || declared.ends_with("+xml")
    })
}

/// What is declared as HTML, or declared as nothing and begins as a page does.
pub(super) fn is_html(answer: &Answer) -> bool {
    match media_type(answer) {
        Some(declared) => matches!(declared.as_str(), "text/html" | "application/xhtml+xml"),
        None => !answer.headers.contains_key(CONTENT_TYPE) && begins_as_html(answer),
    }
}

/// WHATWG MIME Sniffing §7.1, which RFC 9110 §8.3 allows where no type is declared.
fn begins_as_html(answer: &Answer) -> bool {
    const TAGS: [&[u8]; 16] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<script",
        b"<iframe",
        b"<h1",
        b"<div",
        b"<font",
        b"<table",
        b"<a",
        b"<style",
        b"<title",
        b"<b",
        b"<body",
        b"<br",
        b"<p",
    ];
    let may_not = answer
        .headers
        .get(X_CONTENT_TYPE_OPTIONS)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"nosniff"));
    let text = answer.body.trim_ascii_start();
    let begins = |tag: &[u8]| {
        text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag))
            && text.get(tag.len()).is_some_and(|end| matches!(end, b' ' | b'>'))
    };
    !may_not && (text.starts_with(b"<!--") || TAGS.into_iter().any(begins))
}

/// The page that an answer shows. Another document shows an empty one, and its header may lead on
/// all the same (WHATWG HTML §7.5.1); a download shows none.
pub(super) fn page(answer: &Answer) -> Result<Page, PageTooLarge> {
    let body = if is_html(answer) { &*answer.body } else { &[] };
    let mut page = html::parse(body, &answer.url)?;
    // It is there before the page is, so that no element of it counts beside it.
    page.refresh = refresh(answer).filter(|_| is_document(answer)).or(page.refresh);
    Ok(page)
}

/// Whether a browser shows what has come, in the place of what it showed before.
fn is_document(answer: &Answer) -> bool {
    let attached = answer
        .headers
        .get(CONTENT_DISPOSITION)
        .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"attachment"));
    let shown = |declared: String| {
        let kind = declared.split('/').next().unwrap_or_default();
        matches!(kind, "text" | "image" | "audio" | "video")
    };
    let shown = is_html(answer)
        || declared_json(answer)
        || declared_xml(answer)
        || media_type(answer).is_none_or(shown);
    shown && !attached && answer.status != StatusCode::NO_CONTENT
}

/// What the header `Refresh` says (WHATWG HTML §4.2.5.3, shared declarative refresh steps).
fn refresh(answer: &Answer) -> Option<Refresh> {
    let content = std::str::from_utf8(answer.headers.get(REFRESH)?.as_bytes()).ok()?;
    let (delay, url) = html::parse_refresh(content, &answer.url)?;
    Some(Refresh { delay, url, in_noscript: false })
}

/// Where a redirect leads a browser, with the fragment.
pub(super) fn redirect(answer: &Answer) -> Option<Url> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers.get(LOCATION)?;
    answer.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

/// The declared media type without its parameters, in lower case.
pub(super) fn media_type(answer: &Answer) -> Option<String> {
    let declared = answer.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::settings::{AssertionSettings, Path, compile_assertions};

    #[test]
    fn where_a_redirect_leads() {
        let from = Url::parse("https://a.example/b/c?d").expect("URL");
        for (status, to, expected) in [
            (301, Some("next"), Some("https://a.example/b/next")),
            (302, Some("?x#y"), Some("https://a.example/b/c?x#y")),
            (303, Some("//b.example"), Some("https://b.example/")),
            (307, Some("https://b.example/"), Some("https://b.example/")),
            (308, Some("/"), Some("https://a.example/")),
            (302, None, None),
            (302, Some("https://["), None),
            (300, Some("/"), None),
            (304, Some("/"), None),
            (200, Some("/"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(to) = to {
                headers.insert(LOCATION, to.parse().expect("a value"));
            }
            let answer = Answer {
                status: StatusCode::from_u16(status).expect("a status"),
                headers,
                body: Bytes::new(),
                url: from.clone(),
                duration: Duration::ZERO,
                refused_redirect: None,
            };
            let found = redirect(&answer);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{status} {to:?}");
        }
    }

    #[test]
    fn what_was_asserted_of_the_first_answer_holds_for_a_second_one_but_for_its_time() {
        let settings: Vec<AssertionSettings> = serde_yaml::from_str(
            "[{type: json_body, path: $.active, value: true}, \
              {type: response_time, operator: less_than, value: 1}]",
        )
        .expect("assertions");
        let assertions = compile_assertions(settings, &Path::default()).expect("assertions");
        let holds = |body: &'static str| {
            let answer = Answer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: body.into(),
                url: Url::parse("https://api.example/me").expect("URL"),
                duration: Duration::from_secs(9),
                refused_redirect: None,
            };
            hold_again(&answer, &assertions)
        };
        assert!(holds(r#"{"active": true}"#));
        for refusal in [r#"{"active": false}"#, r#"{"error": "invalid_token"}"#, "", "sign in"] {
            assert!(!holds(refusal), "{refusal}");
        }
    }
}
