//! Logins that do not go through, by what is wrong with the configuration; and where the password
//! goes when a page sends it elsewhere.

use super::{carrying, module, probe, start};
use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_configuration() {
    let provider = start().await;
    for (block, story) in [
        (
            "client: {id: monitor, secret: not-the-secret}, $openid, login: {$user}",
            "discovery ok, authorize ok, login ok, consent ok, token invalid_client, jwks -, \
             validate -",
        ),
        (
            "client: {id: monitor, secret: not-the-secret}, $openid, par: true, login: {$user}",
            "discovery ok, par invalid_client, authorize -, login -, consent -, token -, jwks -, \
             validate -",
        ),
        (
            "client: {id: nobody, secret: $secret}, $openid, login: {$user}",
            "discovery ok, authorize http_4xx, login -, consent -, token -, jwks -, validate -",
        ),
        (
            "$monitor, $openid, redirect_uri: 'https://app.example.com/other', login: {$user}",
            "discovery ok, authorize redirect_mismatch, login -, consent -, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, scopes: [openid, admin], login: {$user}",
            "discovery ok, authorize invalid_scope, login -, consent -, token -, jwks -, validate -",
        ),
        (
            "$public, $openid, pkce: none, login: {$user}",
            "discovery ok, authorize oauth_error, login -, consent -, token -, jwks -, validate -",
        ),
        (
            "$monitor, $openid, params: {prompt: none}, login: {$user}",
            "discovery ok, authorize access_denied, login -, consent -, token -, jwks -, validate -",
        ),
        (
            "$monitor, $openid",
            "discovery ok, authorize login_form_not_found, token -, jwks -, validate -",
        ),
        (
            "$monitor, $openid, params: {prompt: consent}, \
             login: {username: demo-user, password: $password}",
            "discovery ok, authorize ok, login ok, consent consent_required, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, $openid, params: {acr_values: one-time-code}, login: {$user}",
            "discovery ok, authorize ok, login mfa_required, consent -, token -, jwks -, validate -",
        ),
        (
            "$monitor, $openid, params: {login_pages: two-pages}, login: {$user, max_pages: 1}",
            "discovery ok, authorize ok, login too_many_redirects, consent -, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, $openid, params: {login_pages: two-pages, prompt: consent}, \
             login: {$user, max_pages: 2}",
            "discovery ok, authorize ok, login ok, consent too_many_redirects, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, $openid, params: {login_pages: two-pages, prompt: consent}, \
             login: {$user, max_pages: 3}",
            "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok",
        ),
        (
            "$monitor, $openid, login: {username: nobody, password: $password}",
            "discovery ok, authorize ok, login login_rejected, consent -, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, $openid, params: {login_pages: two-pages}, \
             login: {username: demo-user, password: not-the-password}",
            "discovery ok, authorize ok, login login_rejected, consent -, token -, jwks -, \
             validate -",
        ),
        (
            "$monitor, $openid, params: {acr_values: one-time-code}, \
             login: {$user, totp_secret: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ}",
            "discovery ok, authorize ok, login login_rejected, consent -, token -, jwks -, \
             validate -",
        ),
        // The field for a code may stay empty, and so it does.
        (
            "$monitor, $openid, params: {prompt: consent}, login: {$user, totp_secret: $totp}, \
             userinfo: true, refresh: true",
            "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, \
             userinfo ok, refresh ok",
        ),
        // Nobody asked for what is needed here.
        (
            "$monitor, scopes: [openid], login: {$user}, refresh: true",
            "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, \
             refresh missing_refresh_token",
        ),
    ] {
        assert_eq!(probe(&provider, block).await.story(), story, "{block}");
    }
}

/// What is hostile sends the password to another origin, or shows a form there.
const HOSTILE: [(Fault, &str); 9] = [
    (Fault::DiscoveryForeignAuthorization, "endpoint_refused"),
    (Fault::AuthorizeLoginElsewhere, "endpoint_refused"),
    (Fault::LoginFormElsewhere, "endpoint_refused"),
    (Fault::LoginRepeatedElsewhere, "endpoint_refused"),
    (Fault::LoginNestedForm, "logout ok"),
    (Fault::LoginGetForm, "login_form_not_found"),
    (Fault::LoginJavascriptAction, "script_required"),
    (Fault::CallbackElsewhere, "redirect_mismatch"),
    (Fault::CallbackForeignIssuer, "issuer_mismatch"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_password_goes_nowhere_else_and_never_into_a_url() {
    let provider = Provider::start().await;
    let block = "$monitor, $openid, login: {$user}, logout: true";
    let exporter = Exporter::start(&format!("modules: {{m: {}}}", module(&provider, block))).await;
    for (fault, tells) in HOSTILE {
        provider.switch_on(fault);
        let story = exporter.probe("m", provider.url(), 10.0).await.story();
        provider.switch_off(fault);
        assert!(story.contains(tells), "{}: {story}", fault.name());
    }
    let password = &provider.credentials().password;
    let lines: Vec<String> = carrying(&provider, password)
        .into_iter()
        .map(|seen| format!("{} {}", seen.site == provider.url(), seen.line))
        .collect();
    // Those faults that let it through to its own place.
    assert_eq!(lines, ["true POST /login/password?"; 4]);
    let elsewhere: Vec<_> =
        provider.seen().into_iter().filter(|seen| seen.site == provider.other_url()).collect();
    let lines: Vec<&str> =
        elsewhere.iter().map(|seen| seen.line.split('?').next().unwrap_or_default()).collect();
    // The pages are looked at. Nothing is sent to them.
    assert_eq!(lines, ["GET /authorize", "GET /login/password", "GET /login/password"]);
}

/// The other way round: it goes where the configuration says that it may.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_goes_where_the_configuration_lets_it() {
    for (login, http) in [
        ("$user, allowed_hosts: ['127.0.0.1']", String::new()),
        ("$user", "http: {allowed_origins: ['$other']}, ".to_owned()),
    ] {
        for fault in [Fault::LoginFormElsewhere, Fault::LoginRepeatedElsewhere] {
            let provider = start().await;
            provider.switch_on(fault);
            let http = http.replace("$other", provider.other_url());
            let module = module(&provider, &format!("$monitor, $openid, login: {{{login}}}"))
                .replace("prober:", &format!("{http}prober:"));
            let exporter = Exporter::start(&format!("modules: {{m: {module}}}")).await;
            let metrics = exporter.probe("m", provider.url(), 10.0).await;
            let elsewhere = carrying(&provider, &provider.credentials().password)
                .into_iter()
                .filter(|seen| seen.site == provider.other_url())
                .count();
            assert_eq!(elsewhere, 1, "{}: {}", fault.name(), metrics.story());
        }
    }
}
