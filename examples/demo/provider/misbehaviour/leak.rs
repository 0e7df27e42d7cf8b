//! Answers that repeat the secrets of the request.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use super::super::answer::Answer;
use super::super::received::Received;
use super::super::{Site, echo, page};

/// A token response also for a client that was refused.
pub(super) fn good_or_made_up(good: Answer) -> Answer {
    if good.status == StatusCode::OK {
        return good;
    }
    Answer::json(StatusCode::OK, &json!({"access_token": "made-up", "expires_in": 300}))
}

/// Secrets in an error code, a body and a header.
pub(super) fn repeated(request: &Received) -> Answer {
    let text = echo::text(request);
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let challenge = format!("Bearer error=\"{quoted}\", error_description=\"{quoted}\"");
    Answer::json(StatusCode::FORBIDDEN, &json!({"error": text})).with(WWW_AUTHENTICATE, &challenge)
}

/// A page that repeats secrets wherever a page has text.
pub(super) fn page(request: &Received) -> Answer {
    let text = echo::text(request);
    let escaped = page::escaped(&text);
    let form = format!(
        "<h1>{escaped}</h1>\n<form id=\"{escaped}\" method=\"post\" action=\"/{escaped}\">{}</form>",
        page::hidden(&text, &text)
    );
    page::html(StatusCode::OK, &text, &form)
}

/// A redirect to another origin with secrets as userinfo, in the path, the query and the fragment.
pub(super) fn elsewhere(site: &Site, request: &Received, status: StatusCode) -> Answer {
    let mut url = url::Url::parse(&site.other).expect("our own URL");
    for secret in echo::secrets(request) {
        let _ = url.set_username(&secret);
        let _ = url.set_password(Some(&secret));
        url.path_segments_mut().expect("an http URL").push(&secret);
        url.query_pairs_mut().append_pair("code", &secret);
        url.set_fragment(Some(&secret));
    }
    Answer::redirect(status, url.as_str())
}

/// A redirect that stays at the origin, with secrets in the path and the query.
pub(super) fn within(request: &Received) -> Answer {
    let mut url = url::Url::parse("http://here.invalid").expect("a URL");
    for secret in echo::secrets(request) {
        url.path_segments_mut().expect("an http URL").push(&secret);
        url.query_pairs_mut().append_pair("code", &secret);
    }
    let path = url.as_str().trim_start_matches("http://here.invalid");
    Answer::redirect(StatusCode::FOUND, path)
}
