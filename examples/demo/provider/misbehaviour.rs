//! What each fault does to the answer that a service would have given.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::answer::Answer;
use super::fault::Fault;
use super::received::Received;
use super::server::Closed;
use super::{Site, account, api, client, echo, introspection, keys, metadata, token};

/// Between the parts of a slow body.
const PAUSE: Duration = Duration::from_millis(50);
/// Beyond every limit that is set for bodies here.
const HUGE: usize = 2 * 1024 * 1024;

#[allow(clippy::too_many_lines, reason = "one arm a fault, and no fault without an arm")]
pub(super) async fn apply(
    fault: Fault,
    site: &Site,
    request: &Received,
    good: Answer,
) -> Result<Answer, Closed> {
    Ok(match fault {
        Fault::ConnectionClosed => return Err(Closed),

        Fault::DiscoveryOpenid404 if request.path() == metadata::OAUTH => good,
        Fault::Discovery404 | Fault::DiscoveryOpenid404 => {
            Answer::html(StatusCode::NOT_FOUND, "Not Found")
        }
        Fault::Discovery500 | Fault::Token500 | Fault::Api500 => {
            Answer::html(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        Fault::DiscoveryHang
        | Fault::TokenHang
        | Fault::IntrospectionHang
        | Fault::RevocationHang
        | Fault::ApiHang
        | Fault::KeyHang
        | Fault::KeyInfoHang => std::future::pending().await,
        Fault::DiscoveryHtml | Fault::TokenHtml => Answer::html(StatusCode::OK, "Sign in"),
        Fault::DiscoveryWrongIssuer => good.edit(|document| {
            document.insert("issuer".into(), format!("{}/", site.base).into());
        }),
        Fault::DiscoveryNoTokenEndpoint => good.edit(|document| {
            document.remove("token_endpoint");
        }),
        Fault::DiscoveryForeignTokenEndpoint => good.edit(|document| {
            let elsewhere = format!("{}{}", site.other, token::PATH);
            document.insert("token_endpoint".into(), elsewhere.into());
        }),
        Fault::DiscoveryRedirectLoop => Answer::redirect(StatusCode::FOUND, request.path()),
        Fault::DiscoveryEchoesSecrets => good.edit(|document| {
            document.insert("issuer".into(), echo::text(request).into());
        }),

        Fault::TokenSlow => {
            tokio::time::sleep(Duration::from_millis(2500)).await;
            good
        }
        Fault::TokenSlowBody => good.endless(b" ", PAUSE),
        Fault::Token429 => {
            Answer::text(StatusCode::TOO_MANY_REQUESTS, "Slow down\n").with(RETRY_AFTER, "30")
        }
        Fault::TokenRefusesClient => client::error("invalid_client", "the secret has expired"),
        Fault::TokenErrorWith200 | Fault::RevocationErrorWith200 => {
            let mut answer = client::error("invalid_client", "the secret has expired");
            answer.status = StatusCode::OK;
            answer.without(&WWW_AUTHENTICATE)
        }
        Fault::TokenMalformedJson => good.with_body("{\"access_token\": "),
        Fault::TokenNoAccessToken => good.edit(|response| {
            response.remove("access_token");
        }),
        Fault::TokenTypeMac => good.edit(|response| {
            response.insert("token_type".into(), "mac".into());
        }),
        Fault::TokenExpiresInZero => good.edit(|response| {
            response.insert("expires_in".into(), 0.into());
        }),
        Fault::TokenExpiresInString => good.edit(|response| {
            response.insert("expires_in".into(), "300".into());
        }),
        Fault::TokenNarrowScope => good.edit(|response| {
            response.insert("scope".into(), "openid".into());
        }),
        Fault::TokenScopeList => good.edit(|response| {
            response.insert("scope".into(), json!(token::SCOPES));
        }),
        Fault::TokenDuplicateMember => {
            let body = String::from_utf8_lossy(good.body()).into_owned();
            good.with_body(body.replacen('{', "{\"token_type\":\"mac\",", 1))
        }
        Fault::TokenCacheable => good.without(&CACHE_CONTROL),
        Fault::TokenStatus201 => Answer { status: StatusCode::CREATED, ..good },
        Fault::TokenPlainText => good.with(CONTENT_TYPE, "text/plain"),
        Fault::TokenHugeBody => good.edit(|response| {
            response.insert("padding".into(), "x".repeat(HUGE).into());
        }),
        Fault::TokenEndlessBody => good.endless(&[b' '; 16 * 1024], Duration::ZERO),
        Fault::TokenGzipBomb => good.with_body(gzip(4 * HUGE)).with(CONTENT_ENCODING, "gzip"),
        Fault::TokenTruncated => good.truncated(),
        Fault::TokenRedirect => {
            let elsewhere = format!("{}{}", site.other, token::PATH);
            Answer::redirect(StatusCode::TEMPORARY_REDIRECT, &elsewhere)
        }
        Fault::TokenDescriptionEchoesSecret => {
            client::error("invalid_client", &echo::text(request))
        }
        Fault::TokenErrorEchoesSecret => client::error(&echo::text(request), "try again"),
        Fault::TokenTypeEchoesSecret => good_or_made_up(good).edit(|response| {
            let first = echo::secrets(request).into_iter().next().unwrap_or_default();
            response.insert("token_type".into(), first.into());
        }),
        Fault::TokenRedirectEchoesSecret => leak(site, request, StatusCode::TEMPORARY_REDIRECT),

        Fault::IntrospectionInactive => introspection::inactive(),

        Fault::ApiAcceptsAnything => api::accepted("anybody", ""),
        Fault::Api401 => {
            api::refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\", error=\"invalid_token\"")
        }
        Fault::Api401WithoutChallenge => {
            api::refused(StatusCode::UNAUTHORIZED, "Bearer").without(&WWW_AUTHENTICATE)
        }
        Fault::Api403Scope => api::refused(
            StatusCode::FORBIDDEN,
            "Bearer error=\"insufficient_scope\", scope=\"monitoring:detail\"",
        ),
        Fault::ApiHangsWithoutToken | Fault::KeyHangsWithoutKey if is_refusal(&good) => {
            std::future::pending().await
        }
        Fault::ApiCrashesWithoutToken if is_refusal(&good) => {
            Answer::html(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        Fault::ApiSendsToLogin if is_refusal(&good) => {
            Answer::redirect(StatusCode::FOUND, "/login?next=%2Fapi%2Fme")
        }
        Fault::ApiSendsEverybodyToLogin => {
            Answer::redirect(StatusCode::FOUND, "/login?next=%2Fapi%2Fme")
        }
        Fault::RevocationStatus204 => Answer::text(StatusCode::NO_CONTENT, ""),
        Fault::ApiHangsWithoutToken
        | Fault::KeyHangsWithoutKey
        | Fault::ApiCrashesWithoutToken
        | Fault::ApiSendsToLogin
        // What is revoked is decided where it is kept, and the answer is the same.
        | Fault::RevocationIneffective => good,
        Fault::ApiEchoesSecrets | Fault::KeyEchoesSecrets => repeated(request),
        Fault::ApiRedirectEchoesSecrets | Fault::KeyRedirectEchoesSecrets => leak_within(request),

        Fault::KeyAcceptsAnything => account::accepted("active"),
        Fault::KeyRefuses => account::refused(StatusCode::UNAUTHORIZED),
        Fault::KeyAccountSuspended => account::accepted("suspended"),
        Fault::KeyRedirect => {
            let elsewhere = format!("{}{}", site.other, account::PATH);
            Answer::redirect(StatusCode::TEMPORARY_REDIRECT, &elsewhere)
        }

        Fault::KeyInfoEchoesSecrets => good.edit(|info| {
            info.insert("id".into(), echo::text(request).into());
        }),
        Fault::KeyInfoExpired => account::info(keys::now() - 60),
    })
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED
}

/// A token response also for a client that was refused.
fn good_or_made_up(good: Answer) -> Answer {
    if good.status == StatusCode::OK {
        return good;
    }
    Answer::json(StatusCode::OK, &json!({"access_token": "made-up", "expires_in": 300}))
}

/// Secrets in an error code, a body and a header.
fn repeated(request: &Received) -> Answer {
    let text = echo::text(request);
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let challenge = format!("Bearer error=\"{quoted}\", error_description=\"{quoted}\"");
    Answer::json(StatusCode::FORBIDDEN, &json!({"error": text})).with(WWW_AUTHENTICATE, &challenge)
}

/// A redirect to another origin with secrets as userinfo, in the path, the query and the fragment.
fn leak(site: &Site, request: &Received, status: StatusCode) -> Answer {
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
fn leak_within(request: &Received) -> Answer {
    let mut url = url::Url::parse("http://here.invalid").expect("a URL");
    for secret in echo::secrets(request) {
        url.path_segments_mut().expect("an http URL").push(&secret);
        url.query_pairs_mut().append_pair("code", &secret);
    }
    let path = url.as_str().trim_start_matches("http://here.invalid");
    Answer::redirect(StatusCode::FOUND, path)
}

fn gzip(zeros: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let chunk = vec![0; 64 * 1024];
    for _ in 0..zeros / chunk.len() {
        encoder.write_all(&chunk).expect("memory");
    }
    encoder.finish().expect("memory")
}
