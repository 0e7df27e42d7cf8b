//! The provider itself: it takes what is right, and refuses what is not. Whoever is green here
//! by accident would be green everywhere.

use std::net::SocketAddr;

use serde_json::Value;

use super::start;
use crate::provider::{Fault, Provider};
use crate::scrape::{self, Answer};

const REDIRECT_URI: (&str, &str) = ("redirect_uri", "https://app.example.com/callback");
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn address(provider: &Provider) -> SocketAddr {
    provider.url().trim_start_matches("http://").parse().unwrap()
}

/// A code for a user who is signed in already.
async fn code(provider: &Provider, more: &str) -> String {
    provider.switch_on(Fault::AuthorizeSignedIn);
    let path = format!(
        "/authorize?response_type=code&client_id=monitor&scope=openid+offline_access\
         &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback{more}"
    );
    let answer = scrape::send(address(provider), "GET", &path, &[]).await.unwrap();
    provider.switch_off(Fault::AuthorizeSignedIn);
    let location = url::Url::parse(answer.header("location").unwrap()).unwrap();
    location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

async fn exchange(provider: &Provider, code: &str, more: &[(&str, &str)]) -> Value {
    let secret = &provider.credentials().client_secret;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "monitor"),
        ("client_secret", secret),
    ];
    form.extend(more);
    let answer = scrape::post(address(provider), "/token", &[], &form).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

async fn with_token(provider: &Provider, path: &str, token: &str) -> Answer {
    let header = format!("authorization: Bearer {token}");
    scrape::send(address(provider), "GET", path, &[&header]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_exchanged_for_what_it_was_issued_for() {
    let provider = start().await;
    let (s256, plain) = (
        format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"),
        format!("&code_challenge={VERIFIER}"),
    );
    let verifier = ("code_verifier", VERIFIER);
    for (asked, sent, error) in [
        ("", vec![REDIRECT_URI], None),
        (&*s256, vec![REDIRECT_URI, verifier], None),
        (&plain, vec![REDIRECT_URI, verifier], None),
        (&s256, vec![REDIRECT_URI], Some("invalid_grant")),
        (&s256, vec![REDIRECT_URI, ("code_verifier", CHALLENGE)], Some("invalid_grant")),
        (&plain, vec![REDIRECT_URI, ("code_verifier", CHALLENGE)], Some("invalid_grant")),
        ("", vec![REDIRECT_URI, verifier], Some("invalid_grant")),
        ("", vec![("redirect_uri", "https://app.example.com/other")], Some("invalid_grant")),
        ("", vec![], Some("invalid_grant")),
    ] {
        let code = code(&provider, asked).await;
        let answer = exchange(&provider, &code, &sent).await;
        assert_eq!(answer["error"].as_str(), error, "{asked} {sent:?}");
        assert_eq!(answer["id_token"].is_string(), error.is_none(), "{asked} {sent:?}");
    }
    let unknown = exchange(&provider, "unknown", &[REDIRECT_URI]).await;
    assert_eq!(unknown["error"], "invalid_grant");
}

/// RFC 6749 §4.1.2.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_twice_takes_its_tokens_along() {
    let provider = start().await;
    let code = code(&provider, "").await;
    let first = exchange(&provider, &code, &[REDIRECT_URI]).await;
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(with_token(&provider, "/api/me", token).await.status, 200);
    assert_eq!(with_token(&provider, "/userinfo", token).await.status, 200);
    let again = exchange(&provider, &code, &[REDIRECT_URI]).await;
    assert_eq!(again["error"], "invalid_grant");
    for path in ["/api/me", "/userinfo"] {
        assert_eq!(with_token(&provider, path, token).await.status, 401, "{path}");
    }
    let refresh_token = first["refresh_token"].as_str().unwrap();
    let secret = &provider.credentials().client_secret;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("client_id", "monitor"),
        ("client_secret", secret),
    ];
    let refreshed = scrape::post(address(&provider), "/token", &[], &form).await.unwrap();
    let refreshed: Value = serde_json::from_slice(&refreshed.body).unwrap();
    assert_eq!(refreshed["error"], "invalid_grant");
}

/// Another library reads the ID token.
#[tokio::test(flavor = "multi_thread")]
async fn the_id_token_is_what_the_login_was() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    let provider = start().await;
    let code = code(&provider, "&nonce=n-1&acr_values=one-time-code").await;
    let answer = exchange(&provider, &code, &[REDIRECT_URI]).await;
    let token = answer["id_token"].as_str().unwrap();
    let pem = provider.public_key_pem();
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[provider.url()]);
    validation.set_audience(&["monitor"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "demo-user");
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["acr"], "one-time-code");
    let info = with_token(&provider, "/userinfo", answer["access_token"].as_str().unwrap()).await;
    let info: Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(info["sub"], "demo-user");
}

/// What each form needs: the cookie of its path, the token that was in it, the right words.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_good_once_and_with_its_cookie() {
    let provider = start().await;
    let password = provider.credentials().password.clone();
    let begun = scrape::send(
        address(&provider),
        "GET",
        "/authorize?response_type=code&client_id=monitor&scope=openid\
         &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback",
        &[],
    )
    .await
    .unwrap();
    let cookies: Vec<&str> = begun
        .head
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "))
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect();
    let [right, decoy] = cookies[..] else { panic!("{cookies:?}") };
    let (right, both) = (format!("cookie: {right}"), format!("cookie: {decoy}; {right}"));
    let get = async |cookie: &str| {
        scrape::send(address(&provider), "GET", "/login/password", &[cookie]).await.unwrap()
    };
    assert_eq!(get(&both).await.status, 400);
    assert_eq!(get("x: y").await.status, 400);
    let page = get(&right).await.text();
    let (_, token) = page.split_once("name=\"form_token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let post = async |token: &str, password: &str, code: &str| {
        let form = [
            ("form_token", token),
            ("username", "demo-user"),
            ("password", password),
            ("code", code),
        ];
        scrape::post(address(&provider), "/login/password", &[&right], &form).await.unwrap()
    };
    assert_eq!(post("wrong", &password, "").await.status, 403);
    let again = post(token, "wrong", "").await;
    assert!(again.status == 200 && again.text().contains("Wrong name"), "{}", again.text());
    assert_eq!(post(token, &password, "").await.status, 403);
    let fresh = again.text();
    let (_, token) = fresh.split_once("name=\"form_token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    // The field for a code must stay empty.
    let filled = post(token, &password, "123456").await;
    assert!(filled.text().contains("Wrong name"), "{}", filled.text());
    let fresh = filled.text();
    let (_, token) = fresh.split_once("name=\"form_token\" value=\"").unwrap();
    let answer = post(token.split('"').next().unwrap(), &password, "").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/consent")));
}
