//! Logouts, and what proves that the session is over.

use std::net::Ipv4Addr;
use std::sync::Mutex;

use tokio::net::TcpListener;

use super::by_hand::{BY_REQUESTS, LOGIN, Written, answer, callback, form, page};
use crate::exporter::Exporter;

/// Logged in by what the answer holds, and not by cookies alone.
const CAPTURED: &str = "params: {token: '{token}'}, login: {username: ada, password: pa55word, requests: \
     [{url: /api/login, body: '{\"password\": \"{password}\"}', capture: {token: $.token}}]}";

/// A provider that says goodbye in this way, and ends the session or not.
async fn with_logout(goodbye: String, ends: bool) -> Written {
    with_afterwards(
        goodbye,
        move |request| {
            if ends { login_page(request) } else { callback(request, "") }
        },
    )
    .await
}

/// The page that asks who the user is, and keeps the query.
fn login_page(request: &str) -> String {
    let (_, query) = request.split(' ').nth(1).unwrap().split_once('?').unwrap();
    form(&format!("/login?{query}"), "<input name=user><input type=password name=pw>")
}

/// A provider that says goodbye in this way, and then answers the next request like this.
async fn with_afterwards(
    goodbye: String,
    afterwards: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Written {
    let (signed_in, signed_out) = (Mutex::new(false), Mutex::new(false));
    Written::start(move |request, _| {
        let mut signed_in = signed_in.lock().unwrap();
        let mut signed_out = signed_out.lock().unwrap();
        let path = request.split(' ').nth(1).unwrap();
        match path.split('?').next().unwrap() {
            "/authorize" if *signed_out => afterwards(request),
            "/authorize" if !*signed_in => login_page(request),
            "/authorize" => callback(request, ""),
            "/login" => {
                *signed_in = true;
                callback(request, "")
            }
            "/api/login" => {
                *signed_in = true;
                answer(
                    "200 OK",
                    "content-type: application/json\r\n",
                    r#"{"token": "of-the-login"}"#,
                )
            }
            "/token" => answer(
                "200 OK",
                "content-type: application/json\r\ncache-control: no-store\r\n",
                r#"{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60}"#,
            ),
            "/logout" => {
                *signed_out = true;
                goodbye.clone()
            }
            _ => answer("500 Internal Server Error", "", ""),
        }
    })
    .await
}

/// What a provider says when the session is over is its own affair.
#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_may_be_anything_where_the_session_is_over() {
    const APP: &str = "<script src=a.js></script><noscript>You need to enable JavaScript</noscript>\
         <div id=root></div>";
    let no_content = || answer("204 No Content", "", "");
    for (login, goodbye, ends, verdict) in [
        (LOGIN, no_content(), true, "ok"),
        (LOGIN, no_content(), false, "session_not_ended"),
        (LOGIN, page(APP), true, "ok"),
        (LOGIN, page(APP), false, "script_required"),
        (LOGIN, page(APP).replace("200 OK", "403 Forbidden"), true, "script_required"),
        (BY_REQUESTS, no_content(), true, "ok"),
        (BY_REQUESTS, no_content(), false, "session_not_ended"),
        (BY_REQUESTS, page(APP), true, "ok"),
        // It may be the question whether to log out, and nothing tells whether it is over.
        (CAPTURED, page(APP), true, "script_required"),
    ] {
        let what = format!("{login} {goodbye} {ends}");
        let server = with_logout(goodbye, ends).await;
        let exporter = Exporter::start(&server.module(&format!("{login}, logout: true"))).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(story.ends_with(&format!("logout {verdict}")), "{what}: {story}");
    }
}

/// That the session is over is proved by a login page, or in so many words.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_logout_the_provider_asks_who_the_user_is() {
    type Afterwards = fn(&str) -> String;
    let cases: [(Afterwards, &str); 11] = [
        (login_page, "ok"),
        (|_| form("/login", "<input type=password name=pw>"), "ok"),
        (
            |_| {
                form(
                    "/login",
                    "<input name=user><input type=password name=pw><div class=g-recaptcha>",
                )
            },
            "ok",
        ),
        (|request| callback(request, "").replace("code=c", "error=login_required"), "ok"),
        (|request| callback(request, ""), "session_not_ended"),
        (
            |_| {
                page(
                    "<form method=post><p>The app asks for your profile\
                     <button name=consent value=yes>Allow</button>\
                     <button name=consent value=no>Deny</button></form>",
                )
            },
            "session_not_ended",
        ),
        // These bring no code.
        (|_| form("/otp", "<input name=otp autocomplete=one-time-code>"), "ok"),
        (|_| page(""), "ok"),
        (|_| page("<p>Signed out</p><a href=/a>ada</a><a href=/other>another user</a>"), "ok"),
        (|_| page("<noscript>needs scripts</noscript><script src=a></script>"), "ok"),
        (|_| answer("503 Service Unavailable", "", ""), "http_5xx"),
    ];
    for (afterwards, verdict) in cases {
        let server = with_afterwards(page("bye"), afterwards).await;
        let exporter = Exporter::start(&server.module(&format!("{LOGIN}, logout: true"))).await;
        let story = exporter.probe("m", &server.url, 10.0).await.story();
        assert!(story.ends_with(&format!("logout {verdict}")), "{verdict}: {story}");
    }
}

/// The page that says goodbye may be one that only its own people can reach.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_may_lead_to_where_nothing_is_where_the_session_is_over() {
    let broken = Written::start(|request, _| match request.split(' ').nth(1).unwrap() {
        "/missing" => answer("404 Not Found", "content-type: text/html\r\n", "<p>Nothing here"),
        _ => answer("500 Internal Server Error", "", ""),
    })
    .await;
    // The kernel accepts for it; nobody ever reads.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    for (location, ends, verdict) in [
        (format!("http://{closed}/"), true, "ok"),
        (format!("http://{closed}/"), false, "session_not_ended"),
        (format!("http://{}/", silent.local_addr().unwrap()), true, "ok"),
        (format!("{}/missing", broken.url), true, "ok"),
        (format!("{}/broken", broken.url), true, "ok"),
        ("com.example.app:/goodbye".to_owned(), true, "ok"),
        // At its own origin it is the provider's.
        ("/broken".to_owned(), true, "http_5xx"),
    ] {
        let goodbye = answer("302 Found", &format!("location: {location}\r\n"), "");
        let server = with_logout(goodbye, ends).await;
        let exporter = Exporter::start(&server.module(&format!("{LOGIN}, logout: true"))).await;
        let metrics = exporter.probe("m", &server.url, 4.0).await;
        let story = metrics.story();
        assert!(story.ends_with(&format!("logout {verdict}")), "{location} {ends}: {story}");
        let available = metrics.value("probe_auth_endpoint_available{endpoint=\"authorization\"}");
        assert_eq!(available, Some(1.0), "{location}");
    }
    // Nothing tells whether it is over.
    let goodbye = answer("302 Found", &format!("location: http://{closed}/\r\n"), "");
    let server = with_logout(goodbye, true).await;
    let exporter = Exporter::start(&server.module(&format!("{CAPTURED}, logout: true"))).await;
    let story = exporter.probe("m", &server.url, 4.0).await.story();
    assert!(story.ends_with("logout connection_refused"), "{story}");
}
