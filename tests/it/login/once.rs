//! What is not done twice: a rejected password, a one-time code, a code.

use super::{carrying, module, probe, start};
use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};
use crate::scrape;

/// The one-time codes that the provider saw.
fn codes(provider: &Provider) -> Vec<String> {
    let is_code = |text: &String| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    provider.seen().into_iter().flat_map(|seen| seen.secrets).filter(is_code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_password_is_not_sent_again() {
    const REJECTED: &str =
        "discovery ok, authorize ok, login login_rejected, consent -, token -, jwks -, validate -";
    let provider = start().await;
    let wrong = "login: {username: demo-user, password: not-the-password}";
    let exporter = Exporter::start(&format!(
        "modules: {{wrong: {}, again: {}, right: {}, other: {}}}",
        module(&provider, &format!("$monitor, $openid, {wrong}")),
        module(&provider, &format!("$monitor, $openid, {wrong}, userinfo: false")),
        module(&provider, "$monitor, $openid, login: {$user}"),
        module(&provider, "$monitor, $openid, login: {username: nobody, password: $password}"),
    ))
    .await;
    let sent = |password: &str| carrying(&provider, password).len();
    for _ in 0..3 {
        assert_eq!(exporter.probe("wrong", provider.url(), 10.0).await.story(), REJECTED);
        assert_eq!(sent("not-the-password"), 1);
    }
    // Whichever module knows of it.
    assert_eq!(exporter.probe("again", provider.url(), 10.0).await.story(), REJECTED);
    assert_eq!(sent("not-the-password"), 1);
    // Another account is another matter.
    let password = provider.credentials().password.clone();
    assert_eq!(exporter.probe("other", provider.url(), 10.0).await.story(), REJECTED);
    assert_eq!(sent(&password), 1);
    // The right password of another module is one more try at the same account.
    assert_eq!(exporter.probe("right", provider.url(), 10.0).await.story(), REJECTED);
    assert_eq!(sent(&password), 1);
    let page = exporter
        .get(&format!("{}&debug=true", scrape::probe_path("wrong", provider.url())))
        .await
        .text();
    assert!(page.contains("so as not to lock the account"), "{page}");
}

/// Nobody waits for an hour after the right password was written.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_of_the_module_is_tried_at_once() {
    let provider = start().await;
    let password = tempfile::NamedTempFile::new().unwrap();
    let write = |text: &str| std::fs::write(password.path(), text).unwrap();
    write("any-password");
    let login = format!(
        "login: {{username: demo-user, password_file: {:?}, consent: accept}}",
        password.path()
    );
    let block = format!("$monitor, $openid, {login}");
    let exporter =
        Exporter::start(&format!("modules: {{login: {}}}", module(&provider, &block))).await;
    for (text, success) in [
        ("not-the-password", false),
        ("neither-this-one", false),
        (provider.credentials().password.as_str(), true),
        // Nothing is left of the pause.
        ("not-the-password", false),
    ] {
        write(text);
        let metrics = exporter.probe("login", provider.url(), 10.0).await;
        assert_eq!(metrics.success(), success, "{text}: {}", metrics.story());
        assert!(!carrying(&provider, text).is_empty(), "{text} was not tried");
    }
    assert_eq!(carrying(&provider, "not-the-password").len(), 2);
}

/// Two modules know the same secret, each as it wrote it down, and probe at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_is_not_sent_twice() {
    let provider = start().await;
    let block = "$monitor, $openid, params: {acr_values: one-time-code}, \
         login: {$user, totp_secret: $totp}";
    let secret = &provider.credentials().totp_secret;
    let exporter = Exporter::start(&format!(
        "modules: {{a: {}, b: {}}}",
        module(&provider, block),
        module(&provider, block).replace(secret, &secret.to_lowercase()),
    ))
    .await;
    let (a, b) = tokio::join!(
        exporter.probe("a", provider.url(), 20.0),
        exporter.probe("b", provider.url(), 20.0)
    );
    let third = exporter.probe("a", provider.url(), 20.0).await;
    for metrics in [a, b, third] {
        assert!(metrics.success(), "{}", metrics.story());
    }
    let codes = codes(&provider);
    let mut different = codes.clone();
    different.sort();
    different.dedup();
    assert_eq!((codes.len(), different.len()), (3, 3), "{codes:?}");
}

/// A code obtained elsewhere is exchanged once.
#[tokio::test(flavor = "multi_thread")]
async fn a_given_code_is_good_for_one_probe() {
    let provider = start().await;
    provider.switch_on(Fault::AuthorizeSignedIn);
    let address = provider.url().trim_start_matches("http://").parse().unwrap();
    let path = "/authorize?response_type=code&client_id=monitor&scope=openid\
         &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback";
    let answer = scrape::send(address, "GET", path, &[]).await.unwrap();
    let (_, code) = answer.header("location").unwrap().split_once("code=").unwrap();
    let code = code.split('&').next().unwrap();
    let block = format!("$monitor, scopes: [openid], code: {code}, userinfo: true");
    for story in [
        "discovery ok, token ok, jwks ok, validate ok, userinfo ok",
        "discovery ok, token invalid_grant, jwks -, validate -, userinfo -",
    ] {
        assert_eq!(probe(&provider, &block).await.story(), story);
    }
}
