//! Servers that do what few do and their specifications allow, and some that only look like it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};

use crate::exporter::Exporter;

/// What was asked.
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) path: String,
    /// By names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    fn bearer(&self) -> Option<&str> {
        self.headers.get("authorization")?.strip_prefix("Bearer ")
    }
}

/// A status, a `Location` or the type of the body, and the body.
pub(crate) type Answer = (u16, &'static str, String);

pub(crate) fn redirect(location: impl Into<String>) -> Answer {
    (302, "location", location.into())
}

pub(crate) fn json_of(value: &Value) -> Answer {
    (200, "application/json", value.to_string())
}

fn refused() -> Answer {
    (401, "text/plain", "no".into())
}

fn token() -> Answer {
    json_of(&json!({"access_token": "good-token-0123", "token_type": "Bearer", "expires_in": 60}))
}

/// A server that answers with what `answer` makes of a request; its port is 127.0.0.1's.
pub(crate) fn serve(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                let lines = reader.by_ref().lines().map_while(Result::ok);
                let headers: HashMap<String, String> = lines
                    .take_while(|line| !line.is_empty())
                    .filter_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
                    })
                    .collect();
                let length = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let body = String::from_utf8(body).unwrap();
                let (status, what, text) = answer(&Asked { path, headers, body });
                let (line, body) = match what {
                    "location" => (format!("location: {text}"), String::new()),
                    kind => (format!("content-type: {kind}"), text),
                };
                let answer = format!(
                    "HTTP/1.1 {status} x\r\n{line}\r\ncache-control: no-store\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                // It may have gone away.
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    port
}

/// The story of one probe of a module, whose block is JSON.
async fn story(prober: &str, block: &Value, target: &str) -> String {
    let module = json!({"prober": prober, "targets": [target], prober: block});
    let exporter = Exporter::start(&json!({"modules": {"m": module}}).to_string()).await;
    exporter.probe("m", target, 10.0).await.story()
}

/// A call of `/me` on this server with a token that is given, and no credential refused after it.
async fn call(port: u16) -> String {
    let block = json!({
        "discovery": false,
        "client": {"id": "app", "auth": "none"},
        "endpoints": {"token": "/token"},
        "call_api": {"url": "/me", "must_refuse": ["no_credential"]},
    });
    story("oauth_cc", &block, &format!("http://127.0.0.1:{port}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canonical_redirect_lets_nobody_in() {
    for (open, expected) in
        [(false, "request ok, refuse ok"), (true, "request ok, refuse bad_credential_accepted")]
    {
        let port = serve(move |asked| match asked.path.split_once('?') {
            Some(("/account", query)) => redirect(format!("/account/?{query}")),
            Some(("/account/", "api_key=right-key-0123")) => json_of(&json!({})),
            Some(("/account/", _)) if open => json_of(&json!({})),
            None if asked.path == "/account" => redirect("/account/"),
            _ => refused(),
        });
        let block = json!({
            "key": "right-key-0123", "in": "query", "name": "api_key",
            "must_refuse": ["no_key", "wrong_key"],
        });
        let target = format!("http://127.0.0.1:{port}/account");
        // Without a key there is no query, and nothing that is open.
        assert_eq!(story("apikey", &block, &target).await, expected, "open: {open}");
    }
}

/// An API that has a canonical URL, and that sends away whom it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_is_not_followed_may_be_what_is_asked_for() {
    let port = serve(|asked| match asked.path.as_str() {
        "/made" => (303, "location", "/made/1".into()),
        "/round" => (303, "location", "/round".into()),
        _ => (303, "location", "/login".into()),
    });
    let target = format!("http://127.0.0.1:{port}");
    for (path, status, expected) in [
        ("/made", Some(303), "request ok"),
        ("/made", Some(201), "request redirect_refused"),
        ("/round", Some(303), "request too_many_redirects"),
        ("/made", None, "request redirect_refused"),
        ("/guarded", Some(303), "request redirect_refused"),
    ] {
        let mut assertions =
            vec![json!({"type": "header", "path": "Location", "operator": "exists"})];
        assertions.extend(status.map(|status| json!({"type": "status_code", "value": status})));
        let block = json!({
            "key": "a-key-of-the-account",
            "name": "X-Key",
            "request": {"method": if path == "/round" { "GET" } else { "POST" }, "path": path},
            "assertions": assertions,
        });
        let module = json!({"prober": "apikey", "targets": [target], "apikey": block});
        let exporter = Exporter::start(&json!({"modules": {"m": module}}).to_string()).await;
        let metrics = exporter.probe("m", &target, 10.0).await;
        assert_eq!(metrics.story(), expected, "{path} {status:?}");
        let exists =
            r#"probe_auth_assertion_success{step="request",assertion="header:Location:exists"}"#;
        assert_eq!(metrics.value(exists), Some(1.0), "{path} {status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_redirect_of_a_bad_credential_is_judged_by_itself() {
    for (to, listed, expected) in [
        ("/login", vec![302], "refuse ok"),
        ("/login", vec![401], "refuse redirect_refused"),
        ("https://elsewhere.example/", vec![401], "refuse bad_credential_accepted"),
        ("/me/", vec![401], "refuse bad_credential_accepted"),
        ("/gone", vec![404], "refuse ok"),
    ] {
        let port = serve(move |asked| match asked.path.as_str() {
            "/token" => token(),
            "/me" => (308, "location", "/me/".into()),
            "/me/" if asked.bearer() != Some("good-token-0123") => redirect(to),
            "/me/" | "/login" => (200, "text/plain", "hello".into()),
            _ => (404, "text/plain", "no".into()),
        });
        let block = json!({
            "discovery": false,
            "client": {"id": "app", "auth": "none"},
            "endpoints": {"token": "/token"},
            "call_api": {"url": "/me", "must_refuse": ["no_credential"], "refuse_status": listed},
        });
        let told = story("oauth_cc", &block, &format!("http://127.0.0.1:{port}")).await;
        assert_eq!(told, format!("token ok, call_api ok, {expected}"), "{to} {listed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_authorised_call_is_led_to_may_be_open() {
    let tickets = Mutex::new(0);
    let port = serve(move |asked| match asked.path.as_str() {
        "/token" => token(),
        "/me" if asked.bearer() == Some("good-token-0123") => {
            let mut tickets = tickets.lock().unwrap();
            *tickets += 1;
            redirect(format!("/result?ticket={tickets}"))
        }
        "/result?ticket=1" => json_of(&json!({"result": 1})),
        _ => refused(),
    });
    assert_eq!(call(port).await, "token ok, call_api ok, refuse ok");
}

/// A token that nobody signed, and an API that takes anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_is_not_there_cannot_be_tampered_with() {
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(r#"{"sub":"ada"}"#)
    );
    let port = serve(move |asked| match asked.path.as_str() {
        "/token" => json_of(&json!({"access_token": unsigned, "token_type": "Bearer"})),
        _ => json_of(&json!({})),
    });
    let block = json!({
        "discovery": false,
        "client": {"id": "app", "auth": "none"},
        "endpoints": {"token": "/token"},
        "call_api": {"url": "/me", "must_refuse": ["tampered_signature"]},
    });
    let told = story("oauth_cc", &block, &format!("http://127.0.0.1:{port}")).await;
    assert_eq!(told, "token ok, call_api ok, refuse signature_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_told_by_what_it_is() {
    let form = "<form method=post><input name=u><input type=password name=p></form>";
    for (to, answer, expected) in [
        ("/oauth2/v3/me", json_of(&json!({})), "call_api ok, refuse ok"),
        ("/api/login", json_of(&json!({})), "call_api redirect_refused, refuse -"),
        ("/pin", (200, "text/html", form.to_owned()), "call_api redirect_refused, refuse -"),
        ("/signon?next=me", (200, "text/html", "x".into()), "call_api redirect_refused, refuse -"),
        ("/welcome", (200, "text/html", "x".into()), "call_api ok, refuse ok"),
    ] {
        let port = serve(move |asked| match asked.path.as_str() {
            "/token" => token(),
            _ if asked.bearer() != Some("good-token-0123") => refused(),
            "/me" => redirect(to),
            _ => answer.clone(),
        });
        assert_eq!(call(port).await, format!("token ok, {expected}"), "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audience_of_an_assertion_is_written_as_the_provider_writes_it() {
    for written in ["http://LOCALHOST:{port}/token", "http://localhost:{port}/a/../token"] {
        let port = Arc::new(Mutex::new(0));
        let known = port.clone();
        let endpoint = move || written.replace("{port}", &known.lock().unwrap().to_string());
        let known = port.clone();
        let bound = serve(move |asked| match asked.path.as_str() {
            "/.well-known/openid-configuration" => json_of(&json!({
                "issuer": format!("http://localhost:{}", known.lock().unwrap()),
                "token_endpoint": endpoint(),
            })),
            "/token" => {
                let assertion = asked.body.split("client_assertion=").nth(1).unwrap_or_default();
                let claims = assertion.split('.').nth(1).unwrap_or_default();
                let claims: Value =
                    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
                if claims["aud"] == endpoint() { token() } else { refused() }
            }
            _ => refused(),
        });
        *port.lock().unwrap() = bound;
        let secret = "a-secret-of-thirty-two-bytes-or-more";
        let block = json!({"client": {"id": "app", "auth": "client_secret_jwt", "secret": secret}});
        let target = format!("http://localhost:{bound}");
        assert_eq!(story("oauth_cc", &block, &target).await, "discovery ok, token ok", "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_a_name_is_no_reason_not_to_fetch_the_set_once_more() {
    let pair = KeyPair::generate().unwrap();
    let key_set = |pair: &KeyPair, kid: &str| {
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&pair.der_bytes()[range]);
        let (x, y) = (coordinate(1..33), coordinate(33..65));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}]})
    };
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("new".into());
    let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let claims = json!({"iss": "x", "exp": 4_102_444_800_u64});
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    // The set of before the rotation has another key, without a name.
    let before = key_set(&KeyPair::generate().unwrap(), "");
    let sets = Mutex::new(vec![key_set(&pair, "new"), before]);
    let port = serve(move |_| json_of(&sets.lock().unwrap().pop().unwrap_or_default()));
    let block = json!({
        "discovery": false,
        "endpoints": {"jwks": "/jwks"},
        "token": {"token": token},
        "validate": {"algorithms": ["ES256"], "issuer": "x"},
    });
    let target = format!("http://127.0.0.1:{port}");
    assert_eq!(story("jwt", &block, &target).await, "jwks ok, validate ok");
}

/// A provider without discovery, whose token endpoint is `/token`.
fn of_client(more: &Value) -> Value {
    let mut block = json!({
        "discovery": false,
        "client": {"id": "app", "auth": "none"},
        "endpoints": {"token": "/token", "introspection": "/introspect"},
    });
    for (name, value) in more.as_object().unwrap() {
        block[name] = value.clone();
    }
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_introspection_says_beside_active_counts() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (answer, expected) in [
        (json!({"active": true, "exp": now - 30, "nbf": null}), "ok"),
        (json!({"active": true, "exp": now - 1000}), "token_expired"),
        (json!({"active": true, "nbf": now + 1000}), "token_not_yet_valid"),
        (json!({"active": true, "exp": "x"}), "malformed_claim"),
        (json!({"active": false, "exp": now - 1000}), "inactive"),
    ] {
        let said = answer.to_string();
        let port = serve(move |asked| match asked.path.as_str() {
            "/token" => token(),
            _ => json_of(&answer),
        });
        let block = of_client(&json!({"introspect": true}));
        let told = story("oauth_cc", &block, &format!("http://127.0.0.1:{port}")).await;
        assert_eq!(told, format!("token ok, introspect {expected}"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_never_end() {
    let port = serve(|asked| match asked.path.as_str() {
        "/token" => json_of(&json!({
            "access_token": "good-token-0123", "token_type": "Bearer", "expires_in": i64::MAX,
        })),
        _ if asked.bearer() == Some("good-token-0123") => json_of(&json!({})),
        _ => refused(),
    });
    let target = format!("http://127.0.0.1:{port}");
    let block = of_client(&json!({
        "endpoints": {"token": "/token"},
        "call_api": {"url": "/me", "must_refuse": ["no_credential", "expired"]},
    }));
    let module = json!({"prober": "oauth_cc", "targets": [target], "oauth_cc": block});
    let exporter = Exporter::start(&json!({"modules": {"m": module}}).to_string()).await;
    for _ in 0..2 {
        let metrics = exporter.probe("m", &target, 10.0).await;
        assert_eq!(metrics.story(), "token ok, call_api ok, refuse ok");
        let ttl = metrics.value("probe_auth_token_ttl_seconds{token=\"access_token\"}");
        // To the precision of floats of this size.
        assert!(ttl.is_some_and(|ttl| (ttl - 9.223_372e18).abs() < 1e13), "{ttl:?}");
    }
}

/// In the body, where others have it in the status or in a header.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_the_provider_names_is_the_failure() {
    let document = |error: Option<&'static str>, status| {
        serve(move |asked| {
            let issuer = format!("http://{}", asked.headers["host"]);
            let mut document =
                json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token")});
            if let Some(error) = error {
                document["error"] = error.into();
            }
            if asked.path == "/token" {
                token()
            } else {
                (status, "application/json", document.to_string())
            }
        })
    };
    let client = json!({"client": {"id": "app", "auth": "none"}});
    for (error, status, expected) in [
        (None, 200, "discovery ok, token ok"),
        (
            Some("temporarily_unavailable"),
            200,
            "discovery oauth_error [status_unexpected], token -",
        ),
        (Some("invalid_client"), 400, "discovery invalid_client, token -"),
        // That of a web framework says no more than the status.
        (Some("Service Unavailable"), 503, "discovery http_5xx, token -"),
    ] {
        let target = format!("http://127.0.0.1:{}", document(error, status));
        assert_eq!(story("oauth_cc", &client, &target).await, expected, "{error:?}");
    }
    for (status, body, expected) in [
        (200, json!({"sub": "alice", "error": "invalid_token"}), "oauth_error [status_unexpected]"),
        (200, json!({"error": "invalid_token"}), "oauth_error [status_unexpected]"),
        (403, json!({"error": "insufficient_scope"}), "scope_missing"),
        (401, json!({"error": "Unauthorized"}), "http_4xx [challenge_missing]"),
    ] {
        let (said, of_userinfo) = (body.to_string(), body.to_string());
        let port = serve(move |asked| match asked.path.as_str() {
            "/token" => token(),
            _ => (status, "application/json", of_userinfo.clone()),
        });
        let target = format!("http://127.0.0.1:{port}");
        let login = of_client(&json!({
            "endpoints": {"token": "/token", "userinfo": "/userinfo"},
            "redirect_uri": "https://app.example.com/callback",
            "scopes": ["profile"],
            "code": "a-code-of-elsewhere",
            "userinfo": true,
        }));
        let told = story("oauth_authcode", &login, &target).await;
        assert_eq!(told, format!("token ok, userinfo {expected}"), "{said}");
        // What an API answers with 200 is its own.
        let api = of_client(&json!({"endpoints": {"token": "/token"}, "call_api": {"url": "/me"}}));
        let expected = if status == 200 { "ok" } else { expected };
        let told = story("oauth_cc", &api, &target).await;
        assert_eq!(told, format!("token ok, call_api {expected}"), "{said}");
    }
}
