//! Providers that the demo's is not: each is a few answers, written out.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::exporter::Exporter;

/// A server whose answers a test writes, and the requests that it saw: line, cookie and body.
pub(super) struct Written {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Written {
    /// `answers` gets each request, and the number of those before it.
    pub(super) async fn start(
        answers: impl Fn(&str, usize) -> String + Send + Sync + 'static,
    ) -> Self {
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
    pub(super) fn module(&self, more: &str) -> String {
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

pub(super) const LOGIN: &str = "login: {username: ada, password: pa55word}";
pub(super) const BY_REQUESTS: &str = "login: {username: ada, password: pa55word, requests: \
     [{url: /api/login, body: '{\"password\": \"{password}\"}'}]}";

pub(super) fn answer(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{fields}content-length: {length}\r\n\r\n{body}"
    )
}

pub(super) fn page(body: &str) -> String {
    answer("200 OK", "content-type: text/html\r\n", body)
}

/// Back to the client, with the state of the request.
pub(super) fn callback(request: &str, fields: &str) -> String {
    let (_, state) = request.split_once("state=").unwrap();
    let state: String = state.chars().take_while(|c| !matches!(c, '&' | ' ' | '\r')).collect();
    let location = format!("location: https://app.example/callback?code=c&state={state}\r\n");
    answer("302 Found", &format!("{fields}{location}"), "")
}

pub(super) fn form(action: &str, fields: &str) -> String {
    page(&format!(
        "<p>Wrong user name or password</p><form method=post action='{action}'>{fields}</form>"
    ))
}

/// A provider that asks for a login, and answers it with this.
async fn logging_in(after_login: String) -> Written {
    Written::start(move |request, _| {
        if request.starts_with("GET /authorize") {
            form("/login", "<input name=user><input type=password name=pw>")
        } else {
            after_login.clone()
        }
    })
    .await
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

/// An answer to a login by requests owes no body, and that nobody was logged in shows later.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_requests_is_judged_by_where_it_leads() {
    let form = || form("/login", "<input name=user><input type=password name=pw>");
    let script = || page("<div id=root></div><script src=app.js></script>");
    for (way_after, expected, sent) in [
        (None, "login ok, authorize ok, consent unasked, token http_4xx", 2),
        (Some(form()), "login ok, authorize login_rejected, consent -, token -", 1),
        (Some(script()), "login ok, authorize script_required, consent -, token -", 1),
        (
            Some(form().replace("200 OK", "401 Unauthorized")),
            "login ok, authorize login_rejected, consent -, token -",
            1,
        ),
        // It refuses the client, and not the user.
        (
            Some(page("<p>Unknown redirect_uri").replace("200 OK", "400 Bad Request")),
            "login ok, authorize redirect_mismatch, consent -, token -",
            2,
        ),
    ] {
        let server = Written::start(move |request, _| {
            if request.starts_with("POST /api/login") {
                answer("200 OK", "set-cookie: session=1\r\n", "")
            } else if request.starts_with("POST /token") {
                answer("404 Not Found", "", "")
            } else {
                way_after.clone().unwrap_or_else(|| callback(request, ""))
            }
        })
        .await;
        let exporter = Exporter::start(&server.module(BY_REQUESTS)).await;
        assert_eq!(exporter.probe("m", &server.url, 10.0).await.story(), expected);
        exporter.probe("m", &server.url, 10.0).await;
        assert_eq!(server.passwords(), sent, "{expected}");
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
        let server = logging_in(after_login).await;
        let exporter = Exporter::start(&server.module(LOGIN)).await;
        for _ in 0..2 {
            let story = exporter.probe("m", &server.url, 10.0).await.story();
            assert_eq!(story, format!("authorize ok, login {reason}, consent -, token -"));
        }
        assert_eq!(server.passwords(), sent, "{reason}");
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
    let short = sent.replace("pa55word", "pa55");
    for (what, password, after_login) in [
        ("a form that is sent", "pa55word", page(&sent)),
        ("a question for consent", "pa55word", page(&consent)),
        ("a page that leads on", "pa55word", page(&refresh)),
        ("a redirect", "pa55word", location("?x=pa55word")),
        ("one that encodes it", "pa55word", location("?x=cGE1NXdvcmQ")),
        ("a short one in a form", "pa55", page(&short)),
        ("a short one in a redirect", "pa55", location("?x=pa%355")),
    ] {
        let server = logging_in(after_login).await;
        let login = LOGIN.replace("pa55word", password).replace('}', ", consent: accept}");
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

/// An identity provider that refuses a user in its response, and not on a page.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_saml_refuses_is_not_logged_in_again_at_once() {
    let certificate = rcgen::generate_simple_self_signed(["idp".to_owned()]).unwrap().cert;
    let certificate = STANDARD.encode(certificate.der());
    for (cause, sent) in [("AuthnFailed", 1), ("NoAuthnContext", 2)] {
        let certificate = certificate.clone();
        let server = Written::start(move |request, _| {
            let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let path = request.split(' ').nth(1).unwrap();
            if path == "/metadata" {
                return answer("200 OK", "content-type: application/samlmetadata+xml\r\n", &format!(
                    "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' \
                     entityID='http://{host}/metadata'><IDPSSODescriptor \
                     protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
                     <KeyDescriptor use='signing'><KeyInfo xmlns='http://www.w3.org/2000/09/xmldsig#'>\
                     <X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>\
                     </KeyDescriptor><SingleSignOnService Location='http://{host}/sso' \
                     Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'/>\
                     </IDPSSODescriptor></EntityDescriptor>"
                ));
            }
            if path.starts_with("/sso") {
                return form("/login", "<input name=user><input type=password name=pw>");
            }
            let status = "urn:oasis:names:tc:SAML:2.0:status:";
            let response = STANDARD.encode(format!(
                "<p:Response xmlns:p='urn:oasis:names:tc:SAML:2.0:protocol' ID='_1' Version='2.0' \
                 IssueInstant='2026-01-01T00:00:00Z'><p:Status><p:StatusCode \
                 Value='{status}Responder'><p:StatusCode Value='{status}{cause}'/></p:StatusCode>\
                 </p:Status></p:Response>"
            ));
            page(&format!(
                "<body onload='document.forms[0].submit()'><form method=post \
                 action='https://sp.example/acs'><input type=hidden name=SAMLResponse \
                 value='{response}'></form>"
            ))
        })
        .await;
        let target = format!("{}/metadata", server.url);
        let exporter = Exporter::start(&format!(
            "modules: {{m: {{prober: saml, targets: ['{target}'], saml: {{role: idp, sso: {{\
             sp_entity_id: 'https://sp.example', acs_url: 'https://sp.example/acs', {LOGIN}}}}}}}}}"
        ))
        .await;
        let first = exporter.probe("m", &target, 10.0).await.story();
        assert!(first.contains("login ok") && first.contains("response_status"), "{first}");
        let second = exporter.probe("m", &target, 10.0).await.story();
        assert!(second.contains("response_status"), "{cause}: {second}");
        assert_eq!(server.passwords(), sent, "{cause}: {second}");
    }
}

/// A lifetime that the answer to a pushed request must have (RFC 9126 §2.2), and the browser does
/// not need.
#[tokio::test(flavor = "multi_thread")]
async fn the_lifetime_of_a_pushed_request_is_a_positive_integer() {
    for (lifetime, warning) in [
        (r#", "expires_in": 60"#, ""),
        ("", " [expires_in_type]"),
        (r#", "expires_in": null"#, " [expires_in_type]"),
        (r#", "expires_in": 0"#, " [expires_in_type]"),
        (r#", "expires_in": -60"#, " [expires_in_type]"),
        (r#", "expires_in": "60""#, " [expires_in_type]"),
    ] {
        let server = Written::start(move |request, _| {
            let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let json = "content-type: application/json\r\n";
            match request.split([' ', '?']).nth(1).unwrap() {
                "/par" => {
                    let body = format!(r#"{{"request_uri": "urn:example:r3quest"{lifetime}}}"#);
                    answer("201 Created", json, &body)
                }
                "/authorize" => form("/login", "<input name=user><input type=password name=pw>"),
                _ => answer(
                    "200 OK",
                    json,
                    &format!(
                        r#"{{"issuer": "http://{host}",
                        "authorization_endpoint": "http://{host}/authorize",
                        "token_endpoint": "http://{host}/token",
                        "jwks_uri": "http://{host}/jwks",
                        "pushed_authorization_request_endpoint": "http://{host}/par"}}"#
                    ),
                ),
            }
        })
        .await;
        let exporter = Exporter::start(&format!(
            "modules: {{m: {{prober: oauth_authcode, targets: ['{}'], oauth_authcode: {{\
             client: {{id: monitor, auth: none}}, redirect_uri: 'https://app.example/callback', \
             par: true, {LOGIN}}}}}}}",
            server.url
        ))
        .await;
        let story = exporter.probe("m", &server.url, 4.0).await.story();
        let begin = format!("discovery ok, par ok{warning}, authorize ok, login ");
        assert!(story.starts_with(&begin), "{lifetime}: {story}");
    }
}
