//! Connections, phases and redirects.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::server::{Authority, Reply, Server, leaf};
use super::{Setup, get, reason, request, send};
use crate::net::SecretTo;
use crate::report::{FailureReason, HttpVersion};

#[tokio::test]
async fn an_exchange_over_tls_has_all_phases_and_its_successor_reuses_the_connection() {
    let ca = Authority::root("root");
    let server = Server::https(ca.server(&leaf("localhost"), &[]), |_| Reply::ok("hello")).await;
    let session = Setup::for_target(&server.named("https", "/")).trusting(&ca).session();

    let (answer, exchanges) = send(&session, get(&server.named("https", "/a?code=secret#f"))).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"hello"[..]));
    let first = &exchanges[0];
    assert_eq!(first.url, server.named("https", "/a"));
    assert_eq!((first.host.as_str(), first.https, first.hop), ("localhost", true, 0));
    assert_eq!((first.status, first.version), (Some(200), Some(HttpVersion::Http11)));
    assert_eq!((first.content_length, first.body_length), (Some(5), 5));
    assert_eq!(first.address, Some("127.0.0.1".parse().unwrap()));
    let phases = first.phases;
    for phase in [phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer] {
        assert!(phase.is_some_and(|time| time > Duration::ZERO), "{phases:?}");
    }
    assert_eq!(answer.duration, first.duration);

    let (answer, exchanges) = send(&session, get(&server.named("https", "/b"))).await;
    answer.unwrap();
    let second = &exchanges[0];
    assert_eq!(
        (second.phases.resolve, second.phases.connect, second.phases.tls),
        (None, None, None)
    );
    assert!(second.phases.processing.is_some() && second.phases.transfer.is_some());
    assert_eq!(
        (&second.chain, &second.tls, second.address),
        (&first.chain, &first.tls, first.address)
    );
    assert!(second.chain.is_some() && second.tls.is_some());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn plain_http_to_an_address_neither_resolves_nor_shakes_hands() {
    let server = Server::http(|_| Reply::ok("")).await;
    let to = server.url("http", "/");
    let (answer, exchanges) = Setup::for_target(&to).get(&to).await;
    answer.unwrap();
    let phases = exchanges[0].phases;
    assert_eq!((phases.resolve, phases.tls), (None, None));
    assert!(phases.connect.is_some());
    assert_eq!(exchanges[0].address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!((&exchanges[0].chain, &exchanges[0].tls), (&None, &None));
}

/// The pool of hyper gets a connection back from a task of its own, so a fast successor
/// may come too early for it.
#[tokio::test]
async fn exchanges_in_quick_succession_share_one_connection() {
    let ca = Authority::root("root");
    let server = Server::https(ca.server(&leaf("localhost"), &[]), |_| Reply::ok("hello")).await;
    let to = server.named("https", "/");
    let setup = Arc::new(Setup::for_target(&to).trusting(&ca));
    let probes: Vec<_> = (0..8)
        .map(|_| {
            let (setup, to) = (setup.clone(), to.clone());
            tokio::spawn(async move {
                let session = setup.session();
                for number in 0..50 {
                    let (answer, exchanges) = send(&session, get(&to)).await;
                    answer.unwrap();
                    assert_eq!(exchanges[0].phases.connect.is_some(), number == 0, "{number}");
                    assert!(exchanges[0].chain.is_some());
                }
            })
        })
        .collect();
    for probe in probes {
        probe.await.unwrap();
    }
    assert_eq!(server.connections(), 8);
}

#[tokio::test]
async fn sessions_share_no_connection_and_close_theirs() {
    let ca = Authority::root("root");
    // The server asserts that no handshake resumes another.
    let server = Server::https(ca.server(&leaf("localhost"), &[]), |_| Reply::ok("")).await;
    let to = server.named("https", "/");
    let setup = Setup::for_target(&to).trusting(&ca);
    for connections in 1..=3 {
        let (answer, exchanges) = setup.get(&to).await;
        answer.unwrap();
        assert!(exchanges[0].phases.tls.is_some());
        assert_eq!(server.connections(), connections);
    }
    tokio::time::timeout(super::BUDGET, async {
        while server.open() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again() {
    let server = Server::http(|_| {
        Reply::Last(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".into())
    })
    .await;
    let to = server.url("http", "/");
    let session = Setup::for_target(&to).session();
    for _ in 0..2 {
        let (answer, exchanges) = send(&session, get(&to)).await;
        answer.unwrap();
        assert!(exchanges[0].phases.connect.is_some());
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn ten_redirects_are_followed_on_one_connection_and_an_eleventh_is_not() {
    let server = Server::http(|head| {
        let path = head.split([' ', '?']).nth(1).unwrap();
        let left: usize = path[1..].parse().unwrap();
        let status = [301, 302, 303, 307, 308][left % 5];
        match left.checked_sub(1) {
            Some(next) => Reply::redirect(status, &format!("{next}?code=secret")),
            None => Reply::ok("end"),
        }
    })
    .await;
    let setup = Setup::for_target(&server.url("http", "/"));

    let (answer, exchanges) = setup.get(&server.url("http", "/10")).await;
    let answer = answer.unwrap();
    assert_eq!((&answer.body[..], answer.url.path()), (&b"end"[..], "/0"));
    let hops: Vec<_> = exchanges.iter().map(|exchange| exchange.hop).collect();
    assert_eq!(hops, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(server.connections(), 1);

    let (answer, exchanges) = setup.get(&server.url("http", "/11")).await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.reason, FailureReason::TooManyRedirects);
    assert!(!failure.detail.contains("secret"), "{}", failure.detail);
    assert_eq!(exchanges.len(), 11);
    assert_eq!(exchanges[10].failure, Some(failure));
}

#[tokio::test]
async fn a_refused_redirect_is_on_record_and_one_that_is_asked_for_is_an_answer() {
    let other = Server::http(|_| Reply::ok("")).await;
    let elsewhere = other.url("http", "/x?code=secret");
    let server = Server::http(move |_| Reply::redirect(307, &elsewhere)).await;
    let to = server.url("http", "/");
    let session = Setup::for_target(&to).session();
    for refused in [
        request(Method::POST, &to, SecretTo::Nobody),
        request(Method::GET, &to, SecretTo::Configured),
    ] {
        let (answer, exchanges) = send(&session, refused).await;
        assert_eq!(reason(&answer), Some(FailureReason::RedirectRefused));
        assert_eq!(exchanges[0].status, Some(307));
        assert_eq!(exchanges[0].failure, answer.err());
    }
    assert_eq!(other.connections(), 0);

    let mut asked = request(Method::POST, &to, SecretTo::Configured);
    asked.follow_redirects = false;
    let (answer, exchanges) = send(&session, asked).await;
    assert_eq!(answer.unwrap().status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(exchanges[0].failure, None);
}

#[tokio::test]
async fn a_redirect_without_location_is_an_answer() {
    for status in [300, 302, 304] {
        let server = Server::http(move |_| {
            Reply::Send(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").into())
        })
        .await;
        let to = server.url("http", "/");
        let (answer, _) = Setup::for_target(&to).get(&to).await;
        assert_eq!(answer.unwrap().status.as_u16(), status);
    }
}

#[tokio::test]
async fn http2_is_spoken_when_the_server_offers_it() {
    let ca = Authority::root("root");
    let mut config = ca.server(&leaf("localhost"), &[]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let server = Server::tcp(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let stream = hyper_util::rt::TokioIo::new(acceptor.accept(stream).await.unwrap());
            let service = hyper::service::service_fn(|_| async {
                Ok::<_, std::convert::Infallible>(hyper::Response::new(String::from("two")))
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            let _ = hyper::server::conn::http2::Builder::new(executor)
                .serve_connection(stream, service)
                .await;
        }
    })
    .await;
    let to = server.named("https", "/");
    let session = Setup::for_target(&to).trusting(&ca).session();
    for fresh in [true, false] {
        let (answer, exchanges) = send(&session, get(&to)).await;
        assert_eq!(&answer.unwrap().body[..], b"two");
        assert_eq!(exchanges[0].version, Some(HttpVersion::Http2));
        assert_eq!(exchanges[0].phases.tls.is_some(), fresh);
        assert!(exchanges[0].chain.is_some());
    }
    assert_eq!(server.connections(), 1);
}
