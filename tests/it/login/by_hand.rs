//! Providers that the demo's is not: each is a few answers, written out.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::exporter::Exporter;

/// A server whose answers a test writes, and the requests that it saw: line, cookie and body.
struct Written {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Written {
    /// `answers` gets each request, and the number of those before it.
    async fn start(answers: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = vec![0; 16_384];
                let mut length = 0;
                let request = loop {
                    let read = stream.read(&mut bytes[length..]).await.unwrap_or(0);
                    length += read;
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        if read == 0 {
                            break text;
                        }
                        continue;
                    };
                    let wanted = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(": ")?;
                        name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
                    });
                    if read == 0 || body.len() >= wanted.unwrap_or(0) {
                        break text;
                    }
                };
                let number = {
                    let mut seen = noted.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let _ = stream.write_all(answers(&request, number).as_bytes()).await;
            }
        });
        Self { url, seen }
    }

    /// A module without discovery, with what else it has.
    fn module(&self, more: &str) -> String {
        let url = &self.url;
        let end_session = if more.contains("logout") {
            format!(", end_session: '{url}/logout'")
        } else {
            String::new()
        };
        format!(
            "modules: {{m: {{prober: oauth_authcode, targets: ['{url}'], oauth_authcode: {{\
             discovery: false, client: {{id: monitor, auth: none}}, \
             redirect_uri: 'https://app.example/callback', endpoints: {{\
             authorization: '{url}/authorize', token: '{url}/token'{end_session}}}, \
             {more}}}}}}}"
        )
    }

    /// How many requests hold the password.
    fn passwords(&self) -> usize {
        self.seen.lock().unwrap().iter().filter(|request| request.contains("pa55word")).count()
    }
}

const LOGIN: &str = "login: {username: ada, password: pa55word}";

fn answer(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{fields}content-length: {length}\r\n\r\n{body}"
    )
}

fn page(body: &str) -> String {
    answer("200 OK", "content-type: text/html\r\n", body)
}

/// Back to the client, with the state of the request.
fn callback(request: &str, fields: &str) -> String {
    let (_, state) = request.split_once("state=").unwrap();
    let state: String = state.chars().take_while(|c| !matches!(c, '&' | ' ' | '\r')).collect();
    let location = format!("location: https://app.example/callback?code=c&state={state}\r\n");
    answer("302 Found", &format!("{fields}{location}"), "")
}

fn form(action: &str, fields: &str) -> String {
    page(&format!(
        "<p>Wrong user name or password</p><form method=post action='{action}'>{fields}</form>"
    ))
}

/// However little the page looks like the last one.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_sent_once_whatever_the_next_page_is_called() {
    type Answers = fn(&str, usize) -> String;
    let all_new: Answers = |_, number| {
        let fields = format!("<input name=user{number}><input type=password name=pw{number}>");
        form(&format!("/login/{number}"), &fields)
    };
    let box_then_page: Answers = |request, _| {
        if request.starts_with("GET") {
            form("/quick", "<input name=user><input type=password name=pass>")
        } else {
            form("/full", "<input name=login><input type=password name=password>")
        }
    };
    // After a page in between.
    let by_name: Answers = |request, number| {
        if request.starts_with("GET") || request.contains("pa55word") {
            form(&format!("/name/{number}"), &format!("<input name=user{number}>"))
        } else {
            form(&format!("/pw/{number}"), &format!("<input type=password name=pw{number}>"))
        }
    };
    for answers in [all_new, box_then_page, by_name] {
        let server = Written::start(answers).await;
        let exporter = Exporter::start(&server.module(LOGIN)).await;
        for _ in 0..2 {
            let story = exporter.probe("m", &server.url, 10.0).await.story();
            assert_eq!(story, "authorize ok, login login_rejected, consent -, token -");
            assert_eq!(server.passwords(), 1);
        }
    }
}

/// What is no word on the password may be one all the same; an outage is none.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_way_that_leads_nowhere_the_next_login_waits() {
    for (after_login, reason, sent) in [
        (answer("302 Found", "location: /round\r\n", ""), "too_many_redirects", 1),
        (answer("200 OK", "content-type: text/plain\r\n", "Locked"), "content_type", 1),
        (answer("503 Service Unavailable", "", ""), "http_5xx", 2),
        (answer("429 Too Many Requests", "", ""), "rate_limited", 2),
    ] {
        let server = Written::start(move |request, _| {
            if request.starts_with("GET /authorize") {
                form("/login", "<input name=user><input type=password name=pw>")
            } else {
                after_login.clone()
            }
        })
        .await;
        let exporter = Exporter::start(&server.module(LOGIN)).await;
        for _ in 0..2 {
            let story = exporter.probe("m", &server.url, 10.0).await.story();
            assert_eq!(story, format!("authorize ok, login {reason}, consent -, token -"));
        }
        assert_eq!(server.passwords(), sent, "{reason}");
    }
}

/// What a provider says when the session is over is its own affair.
#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_may_be_anything_where_the_session_is_over() {
    const APP: &str = "<script src=a.js></script><noscript>You need to enable JavaScript</noscript>\
         <div id=root></div>";
    const BY_REQUESTS: &str = "login: {username: ada, password: pa55word, requests: \
         [{url: /api/login, body: '{\"password\": \"{password}\"}'}]}";
    let no_content = || answer("204 No Content", "", "");
    for (login, goodbye, ends, verdict) in [
        (LOGIN, no_content(), true, "ok"),
        (LOGIN, no_content(), false, "session_not_ended"),
        (LOGIN, page(APP), true, "ok"),
        (LOGIN, page(APP), false, "script_required"),
        (LOGIN, page(APP).replace("200 OK", "403 Forbidden"), true, "script_required"),
        (BY_REQUESTS, no_content(), true, "ok"),
        // It may be the question whether to log out, and nothing tells whether it is over.
        (BY_REQUESTS, page(APP), true, "script_required"),
    ] {
        let what = format!("{login} {goodbye} {ends}");
        let signed_in = Mutex::new(false);
        let server = Written::start(move |request, _| {
            let mut signed_in = signed_in.lock().unwrap();
            let path = request.split(' ').nth(1).unwrap();
            match path.split('?').next().unwrap() {
                "/authorize" if !*signed_in => {
                    let (_, query) = path.split_once('?').unwrap();
                    let fields = "<input name=user><input type=password name=pw>";
                    form(&format!("/login?{query}"), fields)
                }
                "/authorize" => callback(request, ""),
                "/login" => {
                    *signed_in = true;
                    callback(request, "")
                }
                "/api/login" => {
                    *signed_in = true;
                    answer("200 OK", "content-type: application/json\r\n", "{}")
                }
                "/token" => answer(
                    "200 OK",
                    "content-type: application/json\r\ncache-control: no-store\r\n",
                    r#"{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60}"#,
                ),
                _ => {
                    *signed_in = !ends;
                    goodbye.clone()
                }
            }
        })
        .await;
        let exporter = Exporter::start(&server.module(&format!("{login}, logout: true"))).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(story.ends_with(&format!("logout {verdict}")), "{what}: {story}");
    }
}

/// What the answer says of the user is a word on the login too.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_the_answer_refuses_is_not_logged_in_again_at_once() {
    for (error, reason, sent) in [
        ("access_denied", "access_denied", 1),
        ("login_required", "access_denied", 1),
        ("temporarily_unavailable", "oauth_error", 2),
        ("invalid_scope", "invalid_scope", 2),
    ] {
        let server = Written::start(move |request, _| {
            let (_, query) = request.lines().next().unwrap().split_once('?').unwrap();
            if request.starts_with("GET /authorize") {
                let fields = "<input name=user><input type=password name=pw>";
                form(&format!("/login?{}", query.split(' ').next().unwrap()), fields)
            } else {
                callback(request, "").replace("code=c", &format!("error={error}"))
            }
        })
        .await;
        let exporter = Exporter::start(&server.module(LOGIN)).await;
        for _ in 0..2 {
            let story = exporter.probe("m", &server.url, 10.0).await.story();
            assert_eq!(story, format!("authorize ok, login {reason}, consent -, token -"));
        }
        assert_eq!(server.passwords(), sent, "{error}");
    }
}

/// The origin that got it may have it; no other gets it from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_a_page_repeats_stays_where_it_may_be() {
    let elsewhere = Written::start(|_, _| page("<p>Thanks")).await;
    let to = &elsewhere.url;
    let field = "<input type=hidden name=state value=s><input type=hidden name=x value=pa55word>";
    let sent = format!(
        "<body onload='document.forms[0].submit()'><form method=post action='{to}/'>{field}</form>"
    );
    let consent = format!(
        "<form method=post action='{to}/'>{field}<p>The app asks for your profile\
         <button name=consent value=yes>Allow</button><button name=consent value=no>Deny\
         </button></form>"
    );
    let refresh = format!("<meta http-equiv=refresh content='0;url={to}/?x=pa55%77ord'>");
    let location = |query: &str| answer("302 Found", &format!("location: {to}/{query}\r\n"), "");
    for (what, after_login) in [
        ("a form that is sent", page(&sent)),
        ("a question for consent", page(&consent)),
        ("a page that leads on", page(&refresh)),
        ("a redirect", location("?x=pa55word")),
        ("one that encodes it", location("?x=cGE1NXdvcmQ")),
    ] {
        let server = Written::start(move |request, _| {
            if request.starts_with("GET /authorize") {
                form("/login", "<input name=user><input type=password name=pw>")
            } else {
                after_login.clone()
            }
        })
        .await;
        let login = LOGIN.replace('}', ", consent: accept}");
        let exporter = Exporter::start(&server.module(&login)).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(story.contains("endpoint_refused"), "{what}: {story}");
        assert!(elsewhere.seen.lock().unwrap().is_empty(), "{what}");
        // Where the configuration lets it go.
        let exporter = Exporter::start(&server.module(&login).replace(
            "oauth_authcode: {",
            &format!("http: {{allowed_origins: ['{}']}}, oauth_authcode: {{", elsewhere.url),
        ))
        .await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(!story.contains("endpoint_refused"), "{what}: {story}");
        assert_eq!(elsewhere.seen.lock().unwrap().drain(..).len(), 1, "{what}");
    }
}

/// RFC 9700 §4.12: with 307, a browser would post the password to the client.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_answered_with_307_to_the_client_is_refused() {
    for (status, verdict) in [
        ("302 Found", "login ok, consent unasked"),
        ("303 See Other", "login ok, consent unasked"),
        ("307 Temporary Redirect", "login redirect_refused, consent -"),
        ("308 Permanent Redirect", "login redirect_refused, consent -"),
    ] {
        let server = Written::start(move |request, _| {
            let path = request.split(' ').nth(1).unwrap();
            match path.split_once('?') {
                Some(("/authorize", query)) => {
                    let fields = "<input name=user><input type=password name=pw>";
                    form(&format!("/login?{query}"), fields)
                }
                Some(_) => callback(request, "").replace("302 Found", status),
                None => answer("500 Internal Server Error", "", ""),
            }
        })
        .await;
        let exporter = Exporter::start(&server.module(LOGIN)).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(story.starts_with(&format!("authorize ok, {verdict}")), "{status}: {story}");
    }
}

/// Form post response mode §2: whoever waits for it there does not see what comes elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_as_it_was_asked_to() {
    const POST: &str = "method=post";
    for (mode, comes, good) in [
        ("query", "", true),
        ("form_post", "", false),
        ("query", POST, false),
        ("form_post", POST, true),
        ("form_post", "method=post enctype=multipart/form-data", false),
        ("form_post", "method=post enctype=text/plain", false),
    ] {
        let server = Written::start(move |request, _| {
            let back = callback(request, "");
            let (_, query) = back.split_once("code=c&state=").unwrap();
            let state = query.lines().next().unwrap();
            if comes.is_empty() {
                back
            } else {
                page(&format!(
                    "<body onload='document.forms[0].submit()'><form {comes} \
                     action='https://app.example/callback'><input type=hidden name=code value=c>\
                     <input type=hidden name=state value='{state}'></form>"
                ))
            }
        })
        .await;
        let more = format!("response_mode: {mode}");
        let exporter = Exporter::start(&server.module(&more)).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        let verdict = if good { "ok" } else { "redirect_mismatch" };
        assert!(story.starts_with(&format!("authorize {verdict}")), "{mode} {comes}: {story}");
    }
}
