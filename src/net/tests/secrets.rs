//! Where secrets go, and where not.

use http::{HeaderValue, Method};

use super::server::{Reply, Server};
use super::{Setup, get, reason, request, send, url};
use crate::net::{Origin, SecretTo};
use crate::report::FailureReason;

#[tokio::test]
async fn a_secret_that_metadata_points_elsewhere_is_not_sent_nor_its_host_resolved() {
    let other = Server::http(|_| Reply::ok("")).await;
    let mut setup = Setup::for_target("https://id.example");
    setup.lookup = |host| panic!("{host} was resolved");
    let session = setup.session();
    for to in [other.url("http", "/token"), "https://evil.example/token".into()] {
        let (answer, exchanges) =
            send(&session, request(Method::POST, &to, SecretTo::Discovered)).await;
        assert_eq!(reason(&answer), Some(FailureReason::EndpointRefused));
        assert!(exchanges.is_empty());
    }
    assert_eq!(other.connections(), 0);

    setup.rules.allowed_origins = [Origin::of(&url(&other.url("http", "/")))].into();
    let to = other.url("http", "/token");
    let (answer, _) =
        send(&setup.session(), request(Method::POST, &to, SecretTo::Discovered)).await;
    answer.unwrap();
}

#[tokio::test]
async fn a_localhost_that_is_not_loopback_gets_no_secret() {
    let server = Server::http(|_| Reply::ok("")).await;
    let to = server.named("http", "/");
    let mut setup = Setup::for_target("https://id.example");
    setup.lookup = |_| {
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap()]) })
    };
    let session = setup.session();
    let (answer, exchanges) =
        send(&session, request(Method::POST, &to, SecretTo::Configured)).await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.reason, FailureReason::InsecureTransport);
    assert_eq!(failure.detail, "localhost resolves to 192.0.2.1, which is not loopback");
    assert!(exchanges.is_empty());
    assert_eq!(server.connections(), 0);

    // Nor over the connection that a request without a secret opened.
    let (answer, _) = send(&session, get(&to)).await;
    answer.unwrap();
    let (answer, _) = send(&session, request(Method::POST, &to, SecretTo::Configured)).await;
    assert_eq!(reason(&answer), Some(FailureReason::InsecureTransport));
    assert_eq!(server.heads().len(), 1);

    setup.rules.allow_plain_http = true;
    let (answer, _) =
        send(&setup.session(), request(Method::POST, &to, SecretTo::Configured)).await;
    answer.unwrap();
}

#[tokio::test]
async fn headers_for_the_target_stay_behind_on_a_redirect_to_elsewhere() {
    let other = Server::http(|_| Reply::ok("")).await;
    let elsewhere = other.url("http", "/end");
    let server = Server::http(move |head| {
        if head.starts_with("GET /start ") {
            Reply::redirect(302, "/next")
        } else {
            Reply::redirect(302, &elsewhere)
        }
    })
    .await;
    let mut setup = Setup::for_target(&server.url("http", "/"));
    setup.rules.target_headers.insert("x-key", HeaderValue::from_static("secret"));
    let (answer, exchanges) = setup.get(&server.url("http", "/start")).await;
    answer.unwrap();
    assert_eq!(exchanges.len(), 3);
    let heads = server.heads();
    assert_eq!(heads.len(), 2);
    assert!(heads.iter().all(|head| head.contains("\r\nx-key: secret\r\n")), "{heads:?}");
    let heads = other.heads();
    assert!(!heads[0].contains("x-key"), "{heads:?}");
    for head in server.heads().iter().chain(&heads) {
        for name in ["referer:", "cookie:", "authorization:"] {
            assert!(!head.contains(name), "{head}");
        }
        assert!(head.contains("\r\nuser-agent: net test\r\n"), "{head}");
    }
}

#[tokio::test]
async fn a_request_prints_without_its_secrets() {
    let mut request =
        request(Method::POST, "https://u:p4ss@id.example/token?key=s3cret", SecretTo::Configured);
    request.body = Some("client_secret=s3cret".into());
    request.headers.insert("x-key", HeaderValue::from_static("s3cret"));
    assert_eq!(
        format!("{request:?}"),
        "Request { endpoint: Api, method: POST, url: https://id.example/token, secret_to: Configured, .. }"
    );
}

#[tokio::test]
async fn userinfo_of_a_url_is_not_sent() {
    let server = Server::http(|_| Reply::ok("")).await;
    let to = format!("http://user:pw@127.0.0.1:{}/", server.port);
    let (answer, _) = Setup::for_target(&to).get(&to).await;
    answer.unwrap();
    assert!(!server.heads()[0].contains("authorization"));
}
