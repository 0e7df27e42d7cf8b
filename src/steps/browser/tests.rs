//! The browser against servers on loopback: where it goes, and what it takes along.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::net::tests::server::{Authority, Reply, Server, leaf};
use crate::net::{Route, SystemRoots, TlsOptions, Transport};
use crate::probe::{
    self, Http, Memory, Module, Planned, Probe, Running, Stopped, Target, Targets, planned,
};
use crate::protocol::authorization::{Expected, ResponseMode};
use crate::report::{Step, Thresholds};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The callback of all tests, at which nobody listens.
const REDIRECT_URI: &str = "https://app.example/callback";

/// A visit: the URL is opened, and a login that it asks for is filled in once.
#[derive(Clone)]
struct Visit {
    start: String,
    /// `login.allowed_hosts`
    hosts: Vec<String>,
    /// `http.allowed_origins`
    origins: Vec<String>,
    /// `endpoints.authorization`
    named: Option<Url>,
    max_pages: usize,
    ca_pem: Option<Vec<u8>>,
}

impl Visit {
    fn to(start: &str) -> Self {
        let start = start.to_owned();
        Self { start, hosts: vec![], origins: vec![], named: None, max_pages: 5, ca_pem: None }
    }

    /// Where it ends, in words: the code that came back, the page that is shown, or the failure.
    async fn end(self) -> String {
        let target = Target::parse(&self.start).unwrap();
        let options = TlsOptions { ca_pem: self.ca_pem.clone(), ..TlsOptions::default() };
        let http = Http {
            transport: Transport::new(&options, &SystemRoots::none()).unwrap(),
            route: Route::default(),
            client_certificate: None,
            headers: Vec::new(),
            body_size_limit: 100_000,
            user_agent: HeaderValue::from_static("test"),
            allowed_origins: self.origins.iter().map(|text| Origin::of(&url(text))).collect(),
            allow_plain_http: false,
        };
        let probe = Arc::new(Visiting { visit: self, end: Mutex::default() });
        let module = Module {
            name: "m".into(),
            prober: "test",
            provider: String::new(),
            timeout: None,
            targets: Targets::default(),
            status_page: None,
            min_interval: Duration::ZERO,
            thresholds: Thresholds::default(),
            http,
            redactor: Redactor::default(),
            secret_files: [].into(),
            configuration: [0; 32],
            probe: probe.clone(),
        };
        let budget = Duration::from_secs(20);
        let report =
            probe::run(&Arc::new(module), &target, budget, &Arc::<Memory>::default()).await;
        match report.report.failure() {
            Some((_, failure)) => format!("{}: {}", failure.reason, failure.detail),
            None => probe.end.lock().unwrap().take().unwrap(),
        }
    }
}

struct Visiting {
    visit: Visit,
    end: Mutex<Option<String>>,
}

impl Probe for Visiting {
    fn plan(&self) -> Vec<Planned> {
        vec![planned(Step::Authorize, [])]
    }

    fn run<'a>(&'a self, context: &'a Context<'a>) -> Running<'a> {
        Box::pin(async move {
            let end = context.step(Step::Authorize, self.visit(context)).await?;
            *self.end.lock().unwrap() = Some(end);
            Ok::<(), Stopped>(())
        })
    }
}

impl Visiting {
    async fn visit(&self, context: &Context<'_>) -> Result<String, Failure> {
        let redirect_uri = url(REDIRECT_URI);
        let overrides = Overrides::default();
        let visit = &self.visit;
        let secrets_to = SecretHosts { named: visit.named.as_ref(), hosts: &visit.hosts };
        let goal = AtRedirectUri { redirect_uri: &redirect_uri, state: "s" };
        let browser = Browser::new(context, goal, &overrides, secrets_to, visit.max_pages);
        let mut arrival = browser.open(url(&visit.start), SecretTo::Nobody).await?;
        if let Arrival::Page(shown) = &arrival
            && let Found::Login(login) = &shown.found
        {
            let filling = Filling::new()
                .text(login.identifier.unwrap(), "ada")
                .secret(login.password.unwrap(), "pa55word");
            arrival = browser.send(&shown.page, login.form, &filling, true).await?;
        }
        Ok(match arrival {
            Arrival::Callback(callback) => {
                let code = |mode| {
                    let expected =
                        Expected { state: "s", mode, issuer: None, issuer_promised: false };
                    callback.code(expected)
                };
                format!(
                    "code {}",
                    code(ResponseMode::Query).or(code(ResponseMode::FormPost)).unwrap()
                )
            }
            Arrival::Page(shown) => format!("page {}", shown.page.url.path()),
        })
    }
}

/// An answer with a body and these header fields.
fn reply(status: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Send(
        format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}").into(),
    )
}

fn page(body: &str) -> Reply {
    reply("200 OK", "content-type: text/html; charset=utf-8\r\n", body)
}

/// A login page whose form goes to this URL.
fn login(action: &str) -> Reply {
    page(&format!(
        "<form method=post action='{action}'><input name=user><input type=password name=pw></form>"
    ))
}

/// A server that answers each path as listed, and anything else with a page that says so.
async fn serving(pages: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::http(move |head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        pages(path).unwrap_or_else(|| page("<p>Nothing here"))
    })
    .await
}

#[tokio::test]
async fn the_callback_is_recognised_and_never_called() {
    for (name, answer) in [
        ("a redirect", Reply::redirect(302, "https://app.example/callback?code=c&state=s")),
        ("one of 307", Reply::redirect(307, "https://app.example/callback?state=s&code=c")),
        (
            "a refresh",
            page(
                "<meta http-equiv=refresh content='0;url=https://app.example/callback?code=c&amp;state=s'>",
            ),
        ),
        (
            "a refresh by the header",
            reply(
                "200 OK",
                "content-type: text/html\r\nrefresh: 0; url=https://app.example/callback?code=c&state=s\r\n",
                "<meta http-equiv=refresh content='0;url=/elsewhere'><p>Please wait",
            ),
        ),
        (
            "a refresh by the element, where the header says nothing",
            reply(
                "200 OK",
                "content-type: text/html\r\nrefresh: soon\r\n",
                "<meta http-equiv=refresh content='0;url=https://app.example/callback?code=c&amp;state=s'>",
            ),
        ),
        (
            "a form that a script sends",
            page(
                "<body onload='document.forms[0].submit()'><form method=post action='https://app.example/callback'>
                <input type=hidden name=code value=c><input type=hidden name=state value=s></form>",
            ),
        ),
    ] {
        let answer = Mutex::new(Some(answer));
        let server = serving(move |_| answer.lock().unwrap().take()).await;
        assert_eq!(Visit::to(&server.url("http", "/auth")).end().await, "code c", "{name}");
        assert_eq!(server.requests(), ["get /auth"], "{name}");
    }
}

#[tokio::test]
async fn an_answer_in_a_form_of_the_method_get_is_that_of_a_redirect() {
    for (action, text, expected) in [
        (REDIRECT_URI, "", "code c"),
        (REDIRECT_URI, "<button>Continue</button>", "code c"),
        (
            "https://other.example/callback",
            "",
            "redirect_mismatch: the answer went to https://other.example/callback instead of redirect_uri",
        ),
    ] {
        let server = serving(move |_| {
            Some(page(&format!(
                "<body onload='document.forms[0].submit()'><form action='{action}'>
                <input type=hidden name=code value=c><input type=hidden name=state value=s>{text}</form>"
            )))
        })
        .await;
        assert_eq!(Visit::to(&server.url("http", "/auth")).end().await, expected, "{text}");
        assert_eq!(server.requests(), ["get /auth"]);
    }
}

#[tokio::test]
async fn a_header_leads_on_from_any_document_and_from_no_download() {
    let refresh = format!("refresh: 0;url={REDIRECT_URI}?code=c&state=s\r\n");
    for (status, fields, expected) in [
        ("200 OK", "", "code c"),
        ("200 OK", "content-type: text/plain\r\n", "code c"),
        ("200 OK", "content-type: application/json\r\n", "code c"),
        ("200 OK", "content-type: image/png\r\n", "code c"),
        ("403 Forbidden", "content-type: text/plain\r\n", "code c"),
        (
            "200 OK",
            "content-type: application/octet-stream\r\n",
            "content_type: status 200, the body is no HTML page",
        ),
        (
            "200 OK",
            "content-type: text/plain\r\ncontent-disposition: attachment; filename=a\r\n",
            "content_type: status 200, the body is no HTML page",
        ),
    ] {
        let answer = format!("{fields}{refresh}");
        let server = serving(move |_| Some(reply(status, &answer, "{}"))).await;
        assert_eq!(Visit::to(&server.url("http", "/auth")).end().await, expected, "{fields}");
    }
}

#[tokio::test]
async fn an_answer_that_goes_elsewhere_is_not_followed() {
    let other = serving(|_| None).await;
    let to = other.url("http", "/callback");
    for by_form in [false, true] {
        let elsewhere = to.clone();
        let server = serving(move |_| {
            Some(if by_form {
                page(&format!(
                    "<body onload='document.forms[0].submit()'><form method=post action='{elsewhere}'>
                    <input type=hidden name=code value=c><input type=hidden name=state value=s></form>"
                ))
            } else {
                Reply::redirect(302, &format!("{elsewhere}?code=c&state=s"))
            })
        })
        .await;
        assert_eq!(
            Visit::to(&server.url("http", "/auth")).end().await,
            format!("redirect_mismatch: the answer went to {to} instead of redirect_uri")
        );
        assert_eq!(other.connections(), 0);
    }
}

#[tokio::test]
async fn the_password_goes_where_it_may_and_nowhere_else() {
    let other =
        serving(|_| Some(Reply::redirect(302, "https://app.example/callback?code=c&state=s")))
            .await;
    let action = other.url("http", "/login");
    let to = action.clone();
    let server = serving(move |_| Some(login(&to))).await;
    let visit = Visit::to(&server.url("http", "/auth"));
    let origin = other.url("http", "");
    assert_eq!(
        visit.clone().end().await,
        format!(
            "endpoint_refused: a secret would go to {origin}, which is neither the target's origin nor in allowed_origins or allowed_hosts"
        )
    );
    assert_eq!(other.connections(), 0);
    for allowed in [
        Visit { hosts: vec!["127.0.0.1".into()], ..visit.clone() },
        Visit { origins: vec![origin.clone()], ..visit.clone() },
        Visit { named: Some(url(&origin).join("/authorize").unwrap()), ..visit.clone() },
    ] {
        assert_eq!(allowed.end().await, "code c");
    }
    assert_eq!(other.requests(), ["post /login user=ada&pw=pa55word"; 3]);
    // Hosts are compared whole.
    for host in ["localhost", "127.0.0", "7.0.0.1"] {
        let refused = Visit { hosts: vec![host.into()], ..visit.clone() };
        assert!(refused.end().await.starts_with("endpoint_refused: "), "{host}");
    }
}

#[tokio::test]
async fn a_redirect_repeats_the_form_only_where_it_says_so_and_may() {
    for (status, second) in [
        (302, "get /next"),
        (303, "get /next"),
        (307, "post /next user=ada&pw=pa55word"),
        (308, "post /next user=ada&pw=pa55word"),
    ] {
        let server = serving(move |path| match path {
            "/auth" => Some(login("/login")),
            "/login" => Some(Reply::redirect(status, "/next")),
            _ => None,
        })
        .await;
        assert_eq!(Visit::to(&server.url("http", "/auth")).end().await, "page /next");
        assert_eq!(server.requests(), ["get /auth", "post /login user=ada&pw=pa55word", second]);
        let heads = server.heads();
        let form = "\r\ncontent-type: application/x-www-form-urlencoded\r\n";
        assert_eq!(heads[2].contains(form), status >= 307, "{heads:?}");
        assert!(heads[1].contains(&format!("\r\norigin: {}\r\n", server.url("http", ""))));
        assert!(heads[1].contains(&format!("\r\nreferer: {}\r\n", server.url("http", "/auth"))));
    }

    let other = serving(|_| None).await;
    for (status, expected, taken_along) in [
        (303, "page /next", Some("get /next")),
        (307, "endpoint_refused: ", None),
        (308, "endpoint_refused: ", None),
    ] {
        let elsewhere = other.url("http", "/next");
        let before = other.requests().len();
        let server = serving(move |path| match path {
            "/auth" => Some(login("/login")),
            _ => Some(Reply::redirect(status, &elsewhere)),
        })
        .await;
        let end = Visit::to(&server.url("http", "/auth")).end().await;
        assert!(end.starts_with(expected), "{end}");
        assert_eq!(other.requests().get(before).map(String::as_str), taken_along, "{status}");
    }
}

#[tokio::test]
async fn a_form_of_an_https_page_is_not_sent_over_http() {
    let plain = serving(|_| None).await;
    let to = plain.url("http", "/login");
    let ca = Authority::root("ca");
    let server = Server::https(ca.server(&leaf("127.0.0.1"), &[]), move |_| login(&to)).await;
    let visit = Visit {
        ca_pem: Some(ca.pem().into_bytes()),
        hosts: vec!["127.0.0.1".into()],
        ..Visit::to(&server.url("https", "/auth"))
    };
    assert_eq!(
        visit.end().await,
        "redirect_refused: the form of an https page would be sent over http"
    );
    assert_eq!(plain.connections(), 0);
}

#[tokio::test]
async fn a_form_that_would_put_the_password_into_a_url_is_not_sent() {
    let server = serving(|_| {
        Some(page("<form action=/login><input name=user><input type=password name=pw></form>"))
    })
    .await;
    assert_eq!(
        Visit::to(&server.url("http", "/auth")).end().await,
        "login_form_not_found: the form has the method GET, which would put the password into the URL"
    );
    assert_eq!(server.requests(), ["get /auth"]);
}

#[tokio::test]
async fn ways_without_end_end() {
    let sends_itself = "<body onload='document.forms[0].submit()'>
        <form method=post action=/auth><input type=hidden name=SAMLRequest value=x></form>";
    for (answer, max_pages, expected, requests) in [
        (None, 5, "too_many_redirects: more than 20 redirects in a row", 21),
        (
            Some("<meta http-equiv=refresh content='1;url=/auth?again'>"),
            5,
            "too_many_redirects: more than 10 pages in a row that lead on by themselves",
            11,
        ),
        (
            Some(sends_itself),
            50,
            "too_many_redirects: more than 10 pages in a row that lead on by themselves",
            11,
        ),
        (Some(sends_itself), 3, "too_many_redirects: the login takes more pages than max_pages", 4),
    ] {
        let at = AtomicUsize::new(0);
        let server = serving(move |_| {
            // Each URL is another one, so that no loop can be told by it.
            let number = at.fetch_add(1, Ordering::SeqCst);
            Some(match answer {
                None => Reply::redirect(302, &format!("/auth?{number}")),
                Some(html) => page(&html.replace("again", &number.to_string())),
            })
        })
        .await;
        let visit = Visit { max_pages, ..Visit::to(&server.url("http", "/auth")) };
        assert_eq!(visit.end().await, expected);
        assert_eq!(server.requests().len(), requests, "{expected}");
    }
}

#[tokio::test]
async fn cookies_go_along() {
    let server = serving(|path| match path {
        "/auth" => {
            Some(reply("302 Found", "location: /a/login\r\nset-cookie: one=1; Path=/\r\n", ""))
        }
        "/a/login" => Some(reply(
            "200 OK",
            "content-type: text/html\r\nset-cookie: two=2\r\n",
            "<form method=post action=/end><input name=user><input type=password name=pw></form>",
        )),
        _ => None,
    })
    .await;
    assert_eq!(Visit::to(&server.url("http", "/auth")).end().await, "page /end");
    let cookies: Vec<Option<String>> = server
        .heads()
        .iter()
        .map(|head| head.lines().find_map(|line| line.strip_prefix("cookie: ")).map(str::to_owned))
        .collect();
    assert_eq!(cookies, [None, Some("one=1".into()), Some("one=1".into())]);
}

#[tokio::test]
async fn what_is_no_page_to_fill_in_has_its_reason() {
    for (status, content_type, body, expected) in [
        ("200 OK", "application/json", "{}", "content_type: status 200, the body is no HTML page"),
        ("200 OK", "text/plain", "<form>", "content_type: status 200, the body is no HTML page"),
        ("200 OK", "application/xhtml+xml", "<p>Hello</p>", "page /auth"),
        ("200 OK", "Text/HTML;charset=UTF-8", "<p>Hello</p>", "page /auth"),
        ("400 Bad Request", "text/html", "<p>Hello</p>", "page /auth"),
        (
            "400 Bad Request",
            "application/json",
            r#"{"error": "invalid_request"}"#,
            "http_4xx: status 400",
        ),
        (
            "400 Bad Request",
            "text/plain",
            "Unknown Redirect URI",
            "redirect_mismatch: status 400, the provider refuses redirect_uri (RFC 6749 §4.1.2.1)",
        ),
        ("429 Too Many Requests", "text/html", "<p>Later</p>", "rate_limited: status 429"),
        ("503 Service Unavailable", "text/html", "<p>Later</p>", "http_5xx: status 503"),
    ] {
        let server = serving(move |_| {
            Some(reply(status, &format!("content-type: {content_type}\r\n"), body))
        })
        .await;
        let end = Visit::to(&server.url("http", "/auth")).end().await;
        assert_eq!(end, expected, "{status} {content_type}");
    }
}

#[test]
fn where_a_page_may_lead() {
    for (from, to, why) in [
        ("https://a.example/x", "https://b.example/y", None),
        ("http://a.example/x", "https://b.example/y", None),
        ("http://a.example/x", "http://b.example/y", None),
        ("https://a.example/x", "http://a.example/x", Some("it leads from https to http")),
        ("https://a.example/x", "javascript:alert(1)", Some("it is not http or https")),
        (
            "https://a.example/x",
            "com.example.app:/callback?code=c",
            Some("it is not http or https"),
        ),
        ("https://a.example/x", "https://ada:pw@b.example/y?code=c", Some("it holds userinfo")),
        ("https://a.example/x", "https://ada@b.example/y", Some("it holds userinfo")),
    ] {
        assert_eq!(not_followed(&url(from), &url(to)), why, "{to}");
    }
    for (to, shown) in [
        ("https://ada:pw@b.example/y?code=c", "https://b.example/y"),
        ("com.example.app:/callback?code=c", "com.example.app:/callback"),
        ("javascript:alert(1)", "a javascript: URL"),
    ] {
        assert_eq!(place(&url(to)), shown);
    }
}

#[test]
fn the_story_names_fields_and_no_values() {
    let page = html::parse(
        b"<form><input type=hidden name=csrf value=t0ken><input name=user value=ada>
          <input type=password name=pw value=s3cret><button>Go</button></form><form></form>",
        &url("https://a.example/"),
    )
    .unwrap();
    let found = html::classify(&page, &Overrides::default());
    assert_eq!(told(&page, &found), "asks for a login, 2 forms form [csrf user pw], form []");
}
