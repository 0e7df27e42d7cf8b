//! What each fault does to the answer that a service would have given.

mod callback;
mod forgery;
mod key_set;
mod leak;
mod login_page;

use std::io::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use serde_json::json;

use super::access_token::{Defect, LIFETIME};
use super::answer::Answer;
use super::fault::Fault;
use super::received::Received;
use super::server::Closed;
use super::{
    Site, account, api, authorize, client, echo, encryption, id_token, introspection, keys,
    metadata, page, random, saml, status_page, token,
};
use forgery::Parts;
use status_page::Incident;

/// Between the parts of a slow body.
const PAUSE: Duration = Duration::from_millis(50);
/// How far a clock is off.
const SKEW: Duration = Duration::from_secs(600);
/// An audience that nobody asked for.
const OTHER_API: &str = "https://other-api.example";
const TEN_YEARS: u64 = 10 * 365 * 24 * 3600;
/// Beyond every limit that is set for bodies here.
const HUGE: usize = 2 * 1024 * 1024;

#[allow(clippy::too_many_lines, reason = "one arm a fault, and no fault without an arm")]
#[expect(clippy::match_same_arms, reason = "the faults stand in the order of the services")]
pub(super) async fn apply(
    fault: Fault,
    site: &Site,
    request: &Received,
    good: Answer,
) -> Result<Answer, Closed> {
    let has = |defect: Defect| api::defect(site, request) == Some(defect);
    let anybody = || api::accepted("anybody", "");
    let incident =
        |indicator, title| status_page::with(Incident { indicator, title }, request.path());
    let is_post = request.method == Method::POST;
    let is_refresh = request.form().contains(&("grant_type".into(), "refresh_token".into()));
    Ok(match fault {
        Fault::ConnectionClosed => return Err(Closed),
        Fault::ClockAhead => {
            let date = httpdate::fmt_http_date(SystemTime::now() + SKEW);
            good.reissue(site, |token| token.shift(600))
                .reissue_id(site, |token| token.shift(600))
                .with(DATE, &date)
        }
        Fault::ClockBehind => {
            let date = httpdate::fmt_http_date(SystemTime::now() - SKEW);
            good.reissue(site, |token| token.shift(-600))
                .reissue_id(site, |token| token.shift(-600))
                .with(DATE, &date)
        }

        Fault::DiscoveryOpenid404 if request.path() == metadata::OAUTH => good,
        Fault::Discovery404 | Fault::DiscoveryOpenid404 => {
            Answer::html(StatusCode::NOT_FOUND, "Not Found")
        }
        Fault::Login500 if !is_post => good,
        Fault::Discovery500
        | Fault::Token500
        | Fault::Api500
        | Fault::Authorize500
        | Fault::Login500
        | Fault::Logout500
        | Fault::SamlMetadata500
        | Fault::StatusPage500
        | Fault::SamlSso500
        | Fault::SamlAcs500 => {
            Answer::html(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
        Fault::LoginHang if !is_post => good,
        Fault::DiscoveryHang
        | Fault::AuthorizeHang
        | Fault::PushedHang
        | Fault::LoginHang
        | Fault::UserinfoHang
        | Fault::LogoutHang
        | Fault::TokenHang
        | Fault::IntrospectionHang
        | Fault::RevocationHang
        | Fault::ApiHang
        | Fault::KeyHang
        | Fault::KeyInfoHang
        | Fault::SamlMetadataHang
        | Fault::StatusPageHang
        | Fault::SamlSsoHang => std::future::pending().await,
        Fault::DiscoveryHtml | Fault::TokenHtml | Fault::StatusPageHtml => Answer::html(StatusCode::OK, "Sign in"),
        Fault::DiscoveryWrongIssuer => good.edit(|document| {
            document.insert("issuer".into(), format!("{}/", site.base).into());
        }),
        Fault::DiscoveryNoTokenEndpoint => good.edit(|document| {
            document.remove("token_endpoint");
        }),
        Fault::DiscoveryForeignAuthorization => good.edit(|document| {
            let elsewhere = format!("{}{}", site.other, authorize::PATH);
            document.insert("authorization_endpoint".into(), elsewhere.into());
        }),
        Fault::DiscoveryForeignTokenEndpoint => good.edit(|document| {
            let elsewhere = format!("{}{}", site.other, token::PATH);
            document.insert("token_endpoint".into(), elsewhere.into());
        }),
        Fault::DiscoveryRedirectLoop | Fault::AuthorizeRedirectLoop => {
            Answer::redirect(StatusCode::FOUND, &request.uri.to_string())
        }
        Fault::DiscoveryEchoesSecrets => good.edit(|document| {
            document.insert("issuer".into(), echo::text(request).into());
        }),

        Fault::TokenSlow => {
            tokio::time::sleep(Duration::from_millis(2500)).await;
            good
        }
        Fault::TokenSlowBody => good.endless(b" ", PAUSE),
        Fault::Login429 if !is_post => good,
        Fault::Token429 | Fault::Authorize429 | Fault::Login429 => {
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
        Fault::TokenTypeEchoesSecret => leak::good_or_made_up(good).edit(|response| {
            let first = echo::secrets(request).into_iter().next().unwrap_or_default();
            response.insert("token_type".into(), first.into());
        }),
        Fault::TokenRedirectEchoesSecret => leak::elsewhere(site, request, StatusCode::TEMPORARY_REDIRECT),

        Fault::TokenTypeOddCase => good.edit(|response| {
            response.insert("token_type".into(), "bEaReR".into());
        }),
        Fault::TokenNoExpiresIn => good.edit(|response| {
            response.remove("expires_in");
        }),
        Fault::TokenUnknownMembers => good.edit(forgery::unknown_members),

        Fault::JwtUnsigned => good.forge(|token| {
            let mut parts = Parts::of(site, token);
            parts.header.insert("alg".into(), "none".into());
            format!("{}.", keys::message(&parts.header, &parts.payload()))
        }),
        Fault::JwtWrongSignature => good.forge(forgery::with_wrong_signature),
        Fault::JwtForeignKey => good.reissue(site, |token| token.key = keys::foreign()),
        Fault::JwtHeaderKey => good.reissue(site, |token| {
            token.key = keys::foreign();
            token.header.insert("jwk".into(), token.key.jwk().into());
        }),
        Fault::JwtPublicKeyAsSecret => good.forge(|token| {
            let mut parts = Parts::of(site, token);
            parts.header.insert("alg".into(), "HS256".into());
            forgery::sign_with_public_key(&parts)
        }),
        Fault::JwtUnknownKid => good.reissue(site, |token| {
            token.header.insert("kid".into(), "unknown".into());
        }),
        Fault::JwtNoKid => good.reissue(site, |token| {
            token.header.remove("kid");
        }),
        Fault::JwtExpired => good.reissue(site, |token| token.shift(-LIFETIME.cast_signed() - 60)),
        Fault::JwtNotYetValid => good.reissue(site, |token| token.claim("nbf", keys::now() + 60)),
        Fault::JwtIssuedInFuture => good.reissue(site, |token| token.claim("iat", keys::now() + 60)),
        Fault::JwtNoSub => good.reissue(site, |token| token.drop("sub")),
        Fault::JwtNoIat => good.reissue(site, |token| token.drop("iat")),
        Fault::JwtNoExp => good.reissue(site, |token| token.drop("exp")),
        Fault::JwtNoAudience => good.reissue(site, |token| token.drop("aud")),
        Fault::JwtNoIssuer => good.reissue(site, |token| token.drop("iss")),
        Fault::JwtExpString => good.reissue(site, |token| {
            token.claim("exp", (keys::now() + LIFETIME).to_string());
        }),
        Fault::JwtNbfString => good.reissue(site, |token| token.claim("nbf", keys::now().to_string())),
        Fault::JwtIatString => good.reissue(site, |token| token.claim("iat", keys::now().to_string())),
        Fault::JwtFloatTimes => good.reissue(site, |token| {
            let iat = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let iat = iat.expect("after 1970").as_secs_f64();
            token.claim("iat", iat);
            token.claim("nbf", iat);
            token.claim("exp", iat + 300.5);
        }),
        Fault::JwtOtherIssuer => good.reissue(site, |token| token.claim("iss", site.other.clone())),
        Fault::JwtIssuerSlash => good.reissue(site, |token| token.claim("iss", format!("{}/", site.base))),
        Fault::JwtOtherAudience => good.reissue(site, |token| token.claim("aud", OTHER_API)),
        Fault::JwtMoreAudience => good.reissue(site, |token| {
            let mut audience = token.claims["aud"].as_array().cloned().unwrap_or_default();
            audience.insert(0, OTHER_API.into());
            token.claim("aud", audience);
        }),
        Fault::JwtAudienceString => good.reissue(site, |token| {
            let first = token.claims["aud"][0].clone();
            token.claim("aud", first);
        }),
        Fault::JwtNoScope => good.reissue(site, |token| token.claim("scope", "")).edit(|response| {
            response.insert("scope".into(), "".into());
        }),
        Fault::JwtScopeList => good.reissue(site, |token| {
            let scopes = token.claims["scope"].as_str().unwrap_or_default().split(' ');
            token.claim("scp", scopes.map(str::to_owned).collect::<Vec<_>>());
            token.drop("scope");
        }),
        Fault::JwtShortLived => good.reissue(site, |token| token.claim("exp", keys::now() + 5)),
        Fault::JwtLongLived => good.reissue(site, |token| token.claim("exp", keys::now() + TEN_YEARS)),
        Fault::JwtWrongType => good.reissue(site, |token| {
            token.header.insert("typ".into(), "JWT".into());
        }),
        Fault::JwtUnknownMembers => good.reissue(site, |token| {
            forgery::unknown_members(&mut token.header);
            forgery::unknown_members(&mut token.claims);
        }),
        Fault::JwtUnknownCritical => good.reissue(site, |token| {
            token.header.insert("crit".into(), json!(["https://provider.example/must"]));
            token.header.insert("https://provider.example/must".into(), true.into());
        }),
        Fault::JwtUnencodedPayload => good.reissue(site, |token| {
            // RFC 7797 §6 wants it to be critical. The payload is encoded all the same: its dots
            // would cut the token.
            token.header.insert("crit".into(), json!(["b64"]));
            token.header.insert("b64".into(), false.into());
        }),
        Fault::JwtClaimsArray => good.rewrite(site, |payload| format!("[{payload}]")),
        Fault::JwtDuplicateClaim => good.rewrite(site, |payload| {
            payload.replacen('{', "{\"sub\":\"somebody-else\",", 1)
        }),
        Fault::JwtDeepClaims => good.rewrite(site, |payload| {
            let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
            payload.replacen('{', &format!("{{\"deep\":{deep},"), 1)
        }),
        Fault::JwtHugeNumber => good.rewrite(site, |payload| {
            let exp = payload.find("\"exp\":").map_or(0, |at| at + "\"exp\":".len());
            let end = payload[exp..].find([',', '}']).map_or(exp, |length| exp + length);
            format!("{}1e400{}", &payload[..exp], &payload[end..])
        }),
        Fault::JwtOpaque => good.forge(|_| URL_SAFE_NO_PAD.encode(random::<24>())),
        Fault::JwtEncrypted => good.forge(|token| encryption::encrypt(token, Some("JWT"))),
        Fault::JwtEncryptedUnsaid => good.forge(|token| encryption::encrypt(token, None)),
        Fault::JwtClaimsEchoSecrets => good.reissue(site, |token| {
            let text = echo::text(request);
            token.header.insert("typ".into(), text.clone().into());
            for name in ["iss", "aud", "sub", "client_id", "scope", "jti"] {
                token.claim(name, text.clone());
            }
        }),
        Fault::JwtAlgorithmEchoesSecrets => good.reissue(site, |token| {
            token.header.insert("alg".into(), echo::text(request).into());
        }),
        Fault::JwtKidEchoesSecrets => good.reissue(site, |token| {
            token.header.insert("kid".into(), echo::text(request).into());
        }),
        Fault::JwtCriticalEchoesSecrets => good.reissue(site, |token| {
            token.header.insert("crit".into(), json!([echo::text(request)]));
        }),

        Fault::Keys503 => {
            let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(120));
            Answer::html(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
                .with(RETRY_AFTER, &later)
        }
        Fault::KeysMalformed => good.with_body("{\"keys\": ["),
        Fault::KeysMalformed500 => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Answer { status, ..good.with_body("{\"keys\": [") }
        }
        Fault::KeysNoMember => good.with_body("{}"),
        Fault::KeysEmpty => good.with_body("{\"keys\": []}"),
        Fault::KeysStale => good.with(AGE, "86400"),
        Fault::KeysWeak => good.keys(key_set::weak),
        Fault::KeysWeakBeside => good.keys(|keys| {
            key_set::weak(keys);
            keys.push(site.shared.ring.spare().jwk().into());
        }),
        Fault::KeysPrivate => good.keys(|keys| key_set::with_private_half(keys)),
        Fault::KeysDuplicateKid => good.keys(|keys| {
            let mut another = site.shared.ring.spare().jwk();
            another.insert("kid".into(), keys[0]["kid"].clone());
            keys.insert(0, another.into());
        }),
        Fault::KeysSeveral => good.keys(|keys| {
            keys.insert(0, site.shared.ring.spare().jwk().into());
        }),
        Fault::KeysEncryptionFirst => good.keys(|keys| keys.insert(0, key_set::encryption())),
        Fault::KeysThousand => good.keys(key_set::thousand),
        Fault::KeysUnknownMembers => key_set::edit_each(good, forgery::unknown_members)
            .edit(forgery::unknown_members),
        Fault::KeysUnknownTypes => good.keys(key_set::with_unknown_types),
        Fault::KeysNoAlg => key_set::edit_each(good, |key| {
            key.remove("alg");
            key.remove("use");
        }),
        Fault::KeysNoKid => key_set::edit_each(good, |key| {
            key.remove("kid");
        }),
        Fault::KeysEchoSecrets => good.keys(|keys| {
            let mut another = site.shared.ring.spare().jwk();
            for name in ["kid", "alg", "use"] {
                another.insert(name.into(), echo::text(request).into());
            }
            keys.insert(0, another.into());
        }),
        Fault::KeysRotatedJustNow => {
            if site.shared.key_sets.fetch_add(1, Ordering::SeqCst) == 0 {
                good
            } else {
                good.keys(|keys| keys.push(site.shared.ring.spare().jwk().into()))
            }
        }
        Fault::KeysRotatedBeforeRefresh if site.shared.refreshed.load(Ordering::SeqCst) => {
            good.keys(|keys| keys.push(site.shared.ring.spare().jwk().into()))
        }
        Fault::KeysRotatedBeforeRefresh => good,
        Fault::KeysRemovedTooEarly => good.keys(|keys| {
            *keys = vec![site.shared.ring.spare().jwk().into()];
        }),

        Fault::AuthorizeNoHtml => Answer::json(StatusCode::OK, &json!({"login": "needed"})),
        Fault::AuthorizeRedirectToFile => Answer::redirect(StatusCode::FOUND, "file:///etc/passwd"),
        Fault::AuthorizeForgetsClient => page::plain(
            StatusCode::BAD_REQUEST,
            "Error",
            "This redirect_uri is not registered for the client.",
        ),
        Fault::AuthorizeLoginElsewhere => good.elsewhere(site),
        // The user is signed in where the request is answered.
        Fault::AuthorizeSignedIn | Fault::LogoutAtOnce | Fault::LogoutKeepsSession => good,

        Fault::PushedRefused => client::error("invalid_request", "nothing is pushed today"),
        Fault::PushedNoUri => good.edit(|response| {
            response.remove("request_uri");
        }),
        Fault::PushedUnknown => good.edit(|response| {
            response.insert("request_uri".into(), "urn:ietf:params:oauth:request_uri:x".into());
        }),
        Fault::PushedStatus200 => Answer { status: StatusCode::OK, ..good },

        Fault::Login401 if is_post => Answer { status: StatusCode::UNAUTHORIZED, ..login_page::again(request) },
        Fault::LoginFormAgain if is_post => login_page::again(request),
        Fault::LoginRepeatedElsewhere if is_post && site.base != site.other => {
            let elsewhere = format!("{}{}", site.other, request.path());
            Answer::redirect(StatusCode::TEMPORARY_REDIRECT, &elsewhere)
        }
        Fault::LoginWebauthn if is_post => login_page::webauthn(),
        Fault::LoginMessageCode if is_post => login_page::message_code(),
        Fault::LoginChangePassword if is_post => login_page::change_password(),
        Fault::LoginRedirectLoop if is_post => {
            Answer::redirect(StatusCode::SEE_OTHER, "/login/redirect_loop")
        }
        Fault::LoginRedirectLoop if request.path() == "/login/redirect_loop" => {
            Answer::redirect(StatusCode::FOUND, "/login/redirect_loop")
        }
        Fault::LoginWithoutEnd => login_page::another_name(),
        Fault::LoginEchoesSecrets if is_post => leak::page(request),
        Fault::LoginRedirectEchoesSecrets if is_post => leak::within(request),
        Fault::Login401
        | Fault::LoginFormAgain
        | Fault::LoginRepeatedElsewhere
        | Fault::LoginWebauthn
        | Fault::LoginMessageCode
        | Fault::LoginChangePassword
        | Fault::LoginRedirectLoop
        | Fault::LoginEchoesSecrets
        | Fault::LoginRedirectEchoesSecrets => good,
        Fault::LoginHugePage => login_page::padded(&good, 20 * 1000 * 1000),
        Fault::LoginEndlessPage => good.endless(&[b'x'; 16 * 1024], Duration::ZERO),
        Fault::LoginSlowPage => good.endless(b"<p>", PAUSE),
        Fault::LoginTenThousandFields => login_page::fields(&good, 10_000),
        Fault::LoginDeepPage => login_page::deep(&good, 10_000),
        Fault::LoginNestedForm => login_page::nested(&good, &site.other),
        Fault::LoginFormElsewhere => login_page::form_to(&good, "post", &format!("{}{}", site.other, request.path())),
        Fault::LoginJavascriptAction => login_page::form_to(&good, "post", "javascript:login()"),
        Fault::LoginGetForm => login_page::form_to(&good, "get", ""),
        Fault::LoginScriptOnly => login_page::script_only(),
        Fault::LoginCaptcha => login_page::captcha(&good),
        Fault::LoginRefreshLoop => login_page::refresh(),

        // It is asked where the answer to it is read.
        Fault::ConsentAgain => good,
        Fault::ConsentButtonUnclear => login_page::unclear(&good),

        Fault::CallbackStateChanged => good.callback(|answer| answer.set("state", "another-state")),
        Fault::CallbackStateDropped => good.callback(|answer| answer.drop("state")),
        Fault::CallbackNoIssuer => good.callback(|answer| answer.drop("iss")),
        Fault::CallbackForeignIssuer => good.callback(|answer| answer.set("iss", &site.other)),
        Fault::CallbackFragment => good.callback(callback::Parameters::move_to_fragment),
        Fault::CallbackNoCode => good.callback(|answer| answer.drop("code")),
        Fault::CallbackTwoCodes => good.callback(|answer| answer.add("code", "another-code")),
        Fault::CallbackWrongCode => good.callback(|answer| answer.set("code", "another-code")),
        Fault::CallbackElsewhere => good.callback(|answer| answer.go_to(&site.other)),
        Fault::CallbackAccessDenied => good.callback(|answer| answer.fail("access_denied")),
        Fault::CallbackUnavailable => good.callback(|answer| answer.fail("temporarily_unavailable")),
        Fault::CallbackUnauthorizedClient => good.callback(|answer| answer.fail("unauthorized_client")),
        Fault::CallbackSessionState => good.callback(|answer| {
            answer.add("session_state", "0a1b2c.3d4e5f");
            answer.add("x-unknown", "");
        }),
        Fault::CallbackEchoesSecrets => good.callback(|answer| {
            let code = answer.one("code");
            let text = format!("{} {code}", echo::text(request));
            answer.fail(&text);
            answer.add("error_description", &text);
        }),

        Fault::IdTokenMissing => good.edit(|response| {
            response.remove("id_token");
        }),
        Fault::IdTokenOtherIssuer => good.reissue_id(site, |token| token.claim("iss", site.other.clone())),
        Fault::IdTokenNoIssuer => good.reissue_id(site, |token| token.drop("iss")),
        Fault::IdTokenNoAudience => good.reissue_id(site, |token| token.drop("aud")),
        Fault::IdTokenOtherAudience => good.reissue_id(site, |token| token.claim("aud", "another-client")),
        Fault::IdTokenMoreAudience => good.reissue_id(site, |token| {
            let client = token.claims["aud"].clone();
            token.claim("aud", json!([client, "another-client"]));
            token.claim("azp", client);
        }),
        Fault::IdTokenOtherParty => good.reissue_id(site, |token| token.claim("azp", "another-client")),
        Fault::IdTokenAudienceList => good.reissue_id(site, |token| {
            let client = token.claims["aud"].clone();
            token.claim("aud", json!([client]));
        }),
        Fault::IdTokenNoIat => good.reissue_id(site, |token| token.drop("iat")),
        Fault::IdTokenNoSub => good.reissue_id(site, |token| token.drop("sub")),
        Fault::IdTokenExpired => good.reissue_id(site, |token| token.shift(-LIFETIME.cast_signed() - 120)),
        Fault::IdTokenNoExp => good.reissue_id(site, |token| token.drop("exp")),
        Fault::IdTokenWrongSignature => good.forge_id(forgery::with_wrong_signature),
        Fault::IdTokenForeignKey => good.reissue_id(site, |token| token.key = keys::foreign()),
        Fault::IdTokenUnsigned => good.forge_id(|token| {
            let mut parts = Parts::of(site, token);
            parts.header.insert("alg".into(), "none".into());
            format!("{}.", keys::message(&parts.header, &parts.payload()))
        }),
        Fault::IdTokenOtherAlgorithm => good.reissue_id(site, |token| {
            let key = site.shared.ring.of("ES256").expect("an algorithm of the list");
            token.header.insert("alg".into(), key.algorithm.into());
            token.header.insert("kid".into(), key.id.clone().into());
            token.key = key;
        }),
        Fault::IdTokenNoKid => good.reissue_id(site, |token| {
            token.header.remove("kid");
        }),
        Fault::IdTokenNoNonce => good.reissue_id(site, |token| token.drop("nonce")),
        Fault::IdTokenOtherNonce => good.reissue_id(site, |token| token.claim("nonce", "another-nonce")),
        Fault::IdTokenWrongHash => good.reissue_id(site, |token| {
            token.claim("at_hash", id_token::left_half("another access token"));
        }),
        Fault::IdTokenWrongCodeHash => good.reissue_id(site, |token| {
            token.claim("c_hash", id_token::left_half("another code"));
        }),
        Fault::IdTokenOldLogin => good.reissue_id(site, |token| {
            token.claim("auth_time", keys::now() - 24 * 3600);
        }),
        Fault::IdTokenEchoesSecrets => good.reissue_id(site, |token| {
            let text = echo::text(request);
            for name in ["iss", "aud", "azp", "sub", "nonce", "at_hash"] {
                token.claim(name, text.clone());
            }
        }),

        Fault::RefreshRefused if is_refresh => client::error("invalid_grant", "the session is over"),
        Fault::RefreshOtherSubject if is_refresh => {
            good.reissue_id(site, |token| token.claim("sub", "somebody-else"))
        }
        Fault::RefreshOtherIssuer if is_refresh => {
            good.reissue_id(site, |token| token.claim("iss", site.other.clone()))
        }
        Fault::RefreshOtherHash if is_refresh => good.reissue_id(site, |token| {
            token.claim("at_hash", id_token::left_half("another token"));
        }),
        Fault::RefreshOtherLogin if is_refresh => good.reissue_id(site, |token| {
            token.claim("auth_time", keys::now() - 3600);
        }),
        Fault::RefreshInFuture if is_refresh => good.reissue_id(site, |token| {
            token.claim("iat", keys::now() + 3600);
        }),
        Fault::RefreshIdTokenNoText if is_refresh => good.edit(|response| {
            response.insert("id_token".into(), json!({"alg": "none"}));
        }),
        Fault::RefreshNoIdToken if is_refresh => good.edit(|response| {
            response.remove("id_token");
        }),
        Fault::RefreshNoToken => good.edit(|response| {
            response.remove("refresh_token");
        }),
        Fault::RefreshRefused
        | Fault::RefreshOtherSubject
        | Fault::RefreshOtherIssuer
        | Fault::RefreshOtherHash
        | Fault::RefreshOtherLogin
        | Fault::RefreshInFuture
        | Fault::RefreshIdTokenNoText
        | Fault::RefreshNoIdToken
        // The tokens are where they are issued.
        | Fault::RefreshSameToken
        | Fault::CodeReplayAccepted => good,

        Fault::Userinfo401 => {
            api::refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\", error=\"invalid_token\"")
        }
        Fault::Userinfo401Jwt => {
            api::refused(StatusCode::UNAUTHORIZED, "Bearer realm=\"demo\", error=\"invalid_token\"")
                .with(CONTENT_TYPE, "application/jwt")
        }
        Fault::UserinfoSigned => good.signed(site, |_| {}),
        Fault::UserinfoEncrypted => {
            let info = encryption::encrypt(&String::from_utf8_lossy(good.body()), None);
            good.with_body(info).with(CONTENT_TYPE, "application/jwt")
        }
        Fault::UserinfoExpired => {
            good.signed(site, |token| token.claim("exp", keys::now() - 24 * 60 * 60))
        }
        Fault::UserinfoForeignKey => good.signed(site, |token| token.key = keys::foreign()),
        Fault::UserinfoOtherSubject => good.edit(|info| {
            info.insert("sub".into(), "somebody-else".into());
        }),
        Fault::UserinfoNoSubject => good.edit(|info| {
            info.remove("sub");
        }),
        Fault::UserinfoEchoesSecrets => good.edit(|info| {
            info.insert("sub".into(), echo::text(request).into());
        }),

        Fault::IntrospectionInactive => introspection::inactive(),

        Fault::ApiAcceptsAnything => anybody(),
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
        Fault::ApiHidesFromBadTokens if is_refusal(&good) => {
            Answer::html(StatusCode::NOT_FOUND, "Not Found")
        }
        Fault::ApiLimitsBadTokens if is_refusal(&good) => {
            Answer::text(StatusCode::TOO_MANY_REQUESTS, "Slow down\n").with(RETRY_AFTER, "30")
        }
        Fault::ApiAcceptsTampered if has(Defect::Signature { nearly: true }) => anybody(),
        Fault::ApiAcceptsForeignKey if has(Defect::Signature { nearly: false }) => anybody(),
        Fault::ApiAcceptsUnsigned if has(Defect::Unsigned { small: true }) => anybody(),
        Fault::ApiAcceptsUnsignedCapitals if has(Defect::Unsigned { small: false }) => anybody(),
        Fault::ApiAcceptsPublicKeyAsSecret if has(Defect::PublicSecret) => anybody(),
        Fault::ApiAcceptsExpired if has(Defect::Expired) => anybody(),
        Fault::ApiAcceptsRevoked if has(Defect::Revoked) => anybody(),
        Fault::ApiRefusesEarlierTokens | Fault::ApiLimitsEarlierTokens => {
            let newest = site.shared.newest.lock().unwrap_or_else(PoisonError::into_inner);
            if request.bearer().is_none_or(|token| token == *newest) {
                good
            } else if fault == Fault::ApiLimitsEarlierTokens {
                Answer::text(StatusCode::TOO_MANY_REQUESTS, "Slow down\n")
            } else {
                api::refused(StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"")
            }
        }
        Fault::RevocationStatus204 => Answer::text(StatusCode::NO_CONTENT, ""),
        Fault::ApiHangsWithoutToken
        | Fault::KeyHangsWithoutKey
        | Fault::ApiCrashesWithoutToken
        | Fault::ApiSendsToLogin
        | Fault::ApiHidesFromBadTokens
        | Fault::ApiLimitsBadTokens
        | Fault::ApiAcceptsTampered
        | Fault::ApiAcceptsForeignKey
        | Fault::ApiAcceptsUnsigned
        | Fault::ApiAcceptsUnsignedCapitals
        | Fault::ApiAcceptsPublicKeyAsSecret
        | Fault::ApiAcceptsExpired
        | Fault::ApiAcceptsRevoked
        // The refresh token is replaced where it is kept.
        | Fault::TokenRotatesRefresh
        // What is revoked is decided where it is kept, and the answer is the same.
        | Fault::RevocationIneffective => good,
        Fault::ApiEchoesSecrets | Fault::KeyEchoesSecrets => leak::repeated(request),
        Fault::ApiRedirectEchoesSecrets | Fault::KeyRedirectEchoesSecrets => leak::within(request),

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

        Fault::SamlMetadataHtml
        | Fault::SamlMetadataPlainText
        | Fault::SamlMetadataDoctype
        | Fault::SamlMetadataCut
        | Fault::SamlMetadataTampered
        | Fault::SamlMetadataUnsigned
        | Fault::SamlMetadataForeignSignature
        | Fault::SamlMetadataExpired
        | Fault::SamlMetadataBadValidUntil
        | Fault::SamlMetadataOtherEntity
        | Fault::SamlMetadataEntityTwice
        | Fault::SamlMetadataNoRole
        | Fault::SamlMetadataNoEndpoint
        | Fault::SamlMetadataNoLocation
        | Fault::SamlCertificateExpired
        | Fault::SamlCertificateRollover
        | Fault::SamlCertificateNotYetValid
        | Fault::SamlCertificatePrepared
        | Fault::SamlCertificateExpiring
        | Fault::SamlCertificateReplaced
        | Fault::SamlCertificateWeak
        | Fault::SamlCertificateMalformed
        | Fault::SamlCertificateMissing => saml::misbehave(fault, site, good),
        // Decided where the response is made and taken.
        Fault::SamlResponseUnsigned
        | Fault::SamlResponseForeignKey
        | Fault::SamlResponseTampered
        | Fault::SamlResponseCommented
        | Fault::SamlResponseFailed
        | Fault::SamlResponseOtherIssuer
        | Fault::SamlResponseOtherAudience
        | Fault::SamlResponseOtherRequest
        | Fault::SamlResponseOtherRecipient
        | Fault::SamlResponseElsewhere
        | Fault::SamlResponseExpired
        | Fault::SamlResponseNotYetValid
        | Fault::SamlResponseIssuedInFuture
        | Fault::SamlResponseBlankName
        | Fault::SamlResponseNoStatement
        | Fault::SamlRelayStateLost
        | Fault::SamlAcsTakesReplay
        | Fault::SamlAcsUnchecked
        | Fault::SamlAcsAlike
        | Fault::SamlAcsNoSession
        | Fault::SamlAcsShowsLogin
        | Fault::SamlAcsForeignCookie
        | Fault::SamlAcsPages => good,
        Fault::StatusPageMinor => incident("minor", "Slow logins"),
        Fault::StatusPageMajor => incident("major", "Login outage"),
        Fault::StatusPageCritical => incident("critical", "Critical outage of everything"),
        Fault::StatusPageMaintenance => incident("maintenance", "Planned maintenance"),
        Fault::StatusPageUnheardOf => incident("<script>", "\"}]\n# HELP <script>"),
        Fault::StatusPageEndless => good.endless(b" ", Duration::ZERO),
        Fault::StatusPageRedirect if site.base == site.other => good,
        Fault::StatusPageRedirect => {
            let elsewhere = format!("{}{}", site.other, request.path());
            Answer::redirect(StatusCode::FOUND, &elsewhere)
        }
        Fault::StatusPageEchoesSecrets if request.path() == status_page::FEED_PATH => good,
        Fault::StatusPageEchoesSecrets => good.edit(|page| {
            let said = echo::text(request);
            page.insert("status".into(), json!({"indicator": said, "description": said}));
        }),
        Fault::SamlSsoWithoutForm => page::plain(StatusCode::OK, "Welcome", "Nothing to do."),
    })
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED
}

fn gzip(zeros: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let chunk = vec![0; 64 * 1024];
    for _ in 0..zeros / chunk.len() {
        encoder.write_all(&chunk).expect("memory");
    }
    encoder.finish().expect("memory")
}
