//! Logins that go through.

use super::{module, probe, start};
use crate::exporter::Exporter;
use crate::modules::{configuration, healthy, target, told};
use crate::provider::{Fault, Provider};

/// What most of them tell.
const STORY: &str =
    "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok";

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_through_in_every_way() {
    let provider = start().await;
    let pushed = STORY.replace("authorize", "par ok, authorize");
    let ways = [
        ("$monitor, $openid, login: {$user}", STORY),
        ("$monitor, $openid, login: {$user, totp_secret: $totp}", STORY),
        ("$monitor, $openid, params: {login_pages: two-pages}, login: {$user}", STORY),
        (
            "$monitor, $openid, params: {acr_values: one-time-code}, login: {$user, totp_secret: $totp}",
            STORY,
        ),
        (
            "$monitor, $openid, params: {login_pages: all-in-one}, login: {$user, totp_secret: $totp}",
            STORY,
        ),
        (
            "$monitor, $openid, params: {login_pages: two-pages, acr_values: one-time-code}, \
             login: {$user, totp_secret: $totp}",
            STORY,
        ),
        ("$monitor, $openid, response_mode: form_post, login: {$user}", STORY),
        ("$monitor, $openid, par: true, login: {$user}", &pushed),
        ("$public, $openid, par: true, response_mode: form_post, login: {$user}", &pushed),
        ("$public, $openid, login: {$user}", STORY),
        ("$public, $openid, pkce: plain, login: {$user}", STORY),
        ("$monitor, $openid, pkce: plain, login: {$user}", STORY),
        ("$monitor, $openid, pkce: none, login: {$user}", STORY),
        (
            "client: {id: monitor, auth: client_secret_post, secret: $secret}, $openid, \
             login: {$user}",
            STORY,
        ),
        // OAuth alone.
        (
            "$monitor, scopes: ['monitoring:health'], login: {$user}",
            "discovery ok, authorize ok, login ok, consent ok, token ok",
        ),
        // Nothing is discovered.
        (
            "$monitor, $openid, discovery: false, validate: {issuer: $url}, \
             endpoints: {authorization: /authorize, token: /token, jwks: /jwks}, login: {$user}",
            "authorize ok, login ok, consent ok, token ok, jwks ok, validate ok",
        ),
        // What detection finds by itself, named: by name, and by CSS selector.
        (
            "$monitor, $openid, login: {$user, fields: {'#login-form': '{form}', \
             username: '{username}', 'input[type=password]': '{password}'}}",
            STORY,
        ),
    ];
    // Each is asked for consent.
    let blocks = ways.map(|(block, story)| match block.split_once("params: {") {
        Some((before, after)) => (format!("{before}params: {{prompt: consent, {after}"), story),
        None => (format!("{block}, params: {{prompt: consent}}"), story),
    });
    // One exporter, which knows of all the one-time codes that it sent.
    let modules = blocks
        .iter()
        .enumerate()
        .map(|(number, (block, _))| format!("m{number}: {}", module(&provider, block)));
    let configuration = modules.collect::<Vec<_>>().join(", ");
    let exporter = Exporter::start(&format!("modules: {{{configuration}}}")).await;
    for (number, (block, story)) in blocks.iter().enumerate() {
        let metrics = exporter.probe(&format!("m{number}"), provider.url(), 20.0).await;
        assert_eq!(metrics.story(), *story, "{block}");
        assert!(metrics.success(), "{block}");
    }
}

/// One request after the other, with the names of what stands in the query.
#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_the_longest_login() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let metrics = exporter.probe("login", provider.url(), 10.0).await;
    assert_eq!(metrics.story(), healthy("login"));
    let told = |line: String| {
        let (line, query) = line.split_once('?').unwrap_or((&line, ""));
        let names = query.split('&').filter_map(|pair| pair.split('=').next());
        [line]
            .into_iter()
            .chain(names.filter(|name| !name.is_empty()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let lines: Vec<String> = provider.seen().into_iter().map(|seen| told(seen.line)).collect();
    assert_eq!(
        lines,
        [
            "GET /.well-known/openid-configuration",
            "GET /authorize response_type client_id redirect_uri state scope nonce \
             code_challenge code_challenge_method prompt max_age",
            "GET /login/password",
            "POST /login/password",
            "GET /consent",
            "POST /consent",
            "POST /token",
            "GET /jwks",
            "GET /userinfo",
            "GET /api/me",
            // The refresh, and that its token works.
            "POST /token",
            "GET /api/me",
            "POST /introspect",
            // What must be refused: no credential, and the code once more.
            "GET /api/me",
            "POST /token",
            // The refresh token, the access token, and that it is inactive.
            "POST /revoke",
            "POST /revoke",
            "POST /introspect",
            "GET /logout client_id",
            "POST /logout client_id",
            // The session is over.
            "GET /authorize response_type client_id redirect_uri state scope nonce \
             code_challenge code_challenge_method",
            "GET /login/password",
        ]
    );
    for check in ["no_credential", "replayed_code"] {
        let refused = metrics.value(&format!("probe_auth_refused{{check=\"{check}\"}}"));
        assert_eq!(refused, Some(1.0), "{check}");
    }
}

/// A pushed request says nothing in the browser but its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_is_not_in_the_url() {
    let provider = start().await;
    let metrics = probe(&provider, "$monitor, $openid, par: true, login: {$user}").await;
    assert!(metrics.success(), "{}", metrics.story());
    let seen = provider.seen();
    let line = seen.iter().find(|seen| seen.line.contains("/authorize")).unwrap().line.clone();
    let (fixed, name) = line.split_once("demopushed").unwrap();
    assert_eq!(
        fixed,
        "GET /authorize?client_id=monitor&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A"
    );
    assert!(!name.contains('&'), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_remembered_and_then_not_asked_for() {
    let provider = start().await;
    let remembered = STORY.replace("consent ok", "consent unasked");
    for story in [STORY, &remembered, &remembered] {
        let metrics = probe(&provider, "$monitor, $openid, login: {$user}").await;
        assert_eq!(metrics.story(), story);
        assert!(metrics.success());
    }
}

/// The session is over afterwards, and lives on where nobody logs out.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_session() {
    let provider = start().await;
    for (rest, sessions) in [("", 1), ("logout: true", 1), ("", 2), ("logout: true", 2)] {
        let block = format!("$monitor, $openid, login: {{$user}}, {rest}");
        let metrics = probe(&provider, &block).await;
        assert!(metrics.success(), "{}", metrics.story());
        assert_eq!(provider.sessions(), sessions, "{rest}");
    }
}

/// Odd, but right: faults that are shown to another module elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_and_right_goes_through() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let kid = healthy("login").replace("validate ok", "validate ok [kid_missing]");
    for (faults, story) in [
        (vec![Fault::TokenTypeOddCase], healthy("login")),
        (vec![Fault::TokenNoExpiresIn], healthy("login")),
        (vec![Fault::TokenUnknownMembers], healthy("login")),
        (vec![Fault::TokenRotatesRefresh], healthy("login")),
        (vec![Fault::KeysRotatedJustNow], healthy("login")),
        (vec![Fault::KeysSeveral], healthy("login")),
        (vec![Fault::KeysEncryptionFirst, Fault::IdTokenNoKid], healthy("login")),
        (vec![Fault::KeysNoKid], &kid),
        (vec![Fault::UserinfoSigned, Fault::KeysSeveral], healthy("login")),
        (vec![Fault::RefreshNoIdToken, Fault::TokenRotatesRefresh], healthy("login")),
    ] {
        let names: Vec<_> = faults.iter().map(|fault| fault.name()).collect();
        for fault in &faults {
            provider.switch_on(*fault);
        }
        let metrics = exporter.probe("login", &target(&provider, "login"), 10.0).await;
        for fault in &faults {
            provider.switch_off(*fault);
        }
        assert_eq!(metrics.story(), story, "{names:?}");
        assert!(metrics.success(), "{names:?}");
    }
}

/// A key that is new with the refresh is fetched then, once (OpenID Connect Core §10.1.1).
#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_fetched_once_more_for_a_refresh() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    let never = told("login", "refresh", "key_not_found");
    for (faults, story, fetched) in [
        (&[][..], healthy("login"), 1),
        (&[Fault::KeysRotatedBeforeRefresh], healthy("login"), 2),
        (&[Fault::KeysNoAlg, Fault::KeysRotatedBeforeRefresh], &never, 2),
    ] {
        let fetches = || provider.seen().iter().filter(|seen| seen.line == "GET /jwks").count();
        let before = fetches();
        for fault in faults {
            provider.switch_on(*fault);
        }
        let metrics = exporter.probe("login", &target(&provider, "login"), 10.0).await;
        for fault in faults {
            provider.switch_off(*fault);
        }
        assert_eq!((metrics.story().as_str(), fetches() - before), (story, fetched));
    }
}

/// An additional audience is fine when it is trusted.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_audience_may_stand_beside_the_client() {
    let provider = start().await;
    provider.switch_on(Fault::IdTokenMoreAudience);
    for (trusted, verdict) in [("another-client", "ok"), ("a-third", "audience_mismatch")] {
        let block = format!(
            "$monitor, $openid, login: {{$user}}, params: {{prompt: consent}}, \
             validate: {{trusted_audiences: [{trusted}]}}"
        );
        let story = STORY.replace("validate ok", &format!("validate {verdict}"));
        assert_eq!(probe(&provider, &block).await.story(), story);
    }
}

/// Userinfo may be encrypted without a signature (OpenID Connect Core §5.3.2).
#[tokio::test(flavor = "multi_thread")]
async fn userinfo_is_decrypted() {
    let provider = start().await;
    provider.switch_on(Fault::UserinfoEncrypted);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, Provider::decryption_key_pem()).unwrap();
    let block = format!(
        "$monitor, $openid, login: {{$user}}, userinfo: true, \
         validate: {{decryption_key_file: '{}'}}",
        key.display()
    );
    let story = STORY.replace("validate ok", "validate ok [token_not_encrypted], userinfo ok");
    assert_eq!(probe(&provider, &block).await.story(), story);
}

/// The answer comes at once, and no user is configured.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_needs_no_login() {
    let provider = start().await;
    provider.switch_on(Fault::AuthorizeSignedIn);
    for (block, story) in [
        ("$monitor, $openid", "discovery ok, authorize ok, token ok, jwks ok, validate ok"),
        (
            "$public, $openid, response_mode: form_post",
            "discovery ok, authorize ok, token ok, jwks ok, validate ok",
        ),
        (
            "$monitor, $openid, login: {$user}",
            "discovery ok, authorize ok, login unasked, consent unasked, token ok, jwks ok, \
             validate ok",
        ),
    ] {
        let metrics = probe(&provider, block).await;
        assert_eq!(metrics.story(), story, "{block}");
        assert!(metrics.success(), "{block}");
    }
}
