//! The deadline, and bounded bodies and headers.

use std::io::Write;
use std::time::{Duration, Instant};

use super::server::{Authority, Reply, Server};
use super::{Setup, get, reason, send};
use crate::report::FailureReason;

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn the_deadline_cuts_every_stage_and_says_which() {
    let ca = Authority::root("root");
    let silent = Server::http(|_| Reply::Stall(Vec::new())).await;
    let half =
        Server::http(|_| Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".into()))
            .await;
    let mute = Server::tcp(|stream, _| async move {
        let _ = stream.readable().await;
        tokio::time::sleep(super::BUDGET).await;
    })
    .await;
    for (to, stage) in [
        ("http://slow.example/".to_owned(), "resolving the name"),
        (mute.named("https", "/"), "in the TLS handshake"),
        (silent.url("http", "/?code=secret"), "waiting for the answer"),
        (half.url("http", "/"), "reading the body"),
    ] {
        let mut setup = Setup::for_target(&to).trusting(&ca);
        setup.budget = SHORT;
        if stage == "resolving the name" {
            setup.lookup = |_| Box::pin(std::future::pending());
        }
        let begun = Instant::now();
        let (failure, exchange) = setup.fail(&to).await;
        assert!(begun.elapsed() < 3 * SHORT, "{stage}");
        assert_eq!(failure.reason, FailureReason::Timeout);
        assert_eq!(failure.detail, format!("the budget was used up {stage}"));
        let phases = exchange.phases;
        let last = match stage {
            "resolving the name" => phases.resolve,
            "in the TLS handshake" => phases.tls,
            "waiting for the answer" => phases.processing,
            _ => phases.transfer,
        };
        assert!(last.is_some_and(|time| time > SHORT / 2), "{stage} {phases:?}");
        let read = stage == "reading the body";
        assert_eq!(
            (exchange.status, exchange.body_length),
            if read { (Some(200), 4) } else { (None, 0) }
        );
    }
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Server::http(|_| Reply::ok("")).await;
    let mut setup = Setup::for_target(&server.url("http", "/"));
    setup.budget = Duration::ZERO;
    let (answer, exchanges) = send(&setup.session(), get(&server.url("http", "/"))).await;
    assert_eq!(reason(&answer), Some(FailureReason::Timeout));
    assert!(exchanges.is_empty());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_its_limit() {
    for head in
        ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"]
    {
        let server = Server::http(|_| Reply::Endless(head.into())).await;
        let to = server.url("http", "/");
        let (failure, exchange) = Setup::for_target(&to).fail(&to).await;
        assert_eq!(failure.reason, FailureReason::BodyTooLarge);
        assert_eq!(failure.detail, "the decoded body is larger than 100000 bytes");
        assert_eq!((exchange.status, exchange.body_length), (Some(200), 100_000));
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A server of a body that is declared as gzip.
async fn packed(body: Vec<u8>) -> Server {
    Server::http(move |_| {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(&body);
        Reply::Send(answer)
    })
    .await
}

#[tokio::test]
async fn gzip_is_asked_for_and_undone() {
    let body = gzip(b"hello hello hello hello");
    let length = body.len() as u64;
    let server = packed(body).await;
    let to = server.url("http", "/");
    let (answer, exchanges) = Setup::for_target(&to).get(&to).await;
    let answer = answer.unwrap();
    assert_eq!(&answer.body[..], b"hello hello hello hello");
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert_eq!((exchanges[0].content_length, exchanges[0].body_length), (Some(length), 23));
    assert!(server.heads()[0].contains("\r\naccept-encoding: gzip\r\n"));
}

#[tokio::test]
async fn a_bomb_is_too_large_and_a_broken_stream_malformed() {
    let mut cut = gzip(b"hello hello hello hello");
    cut.truncate(20);
    for (body, expected) in [
        (gzip(&vec![0; 50_000_000]), FailureReason::BodyTooLarge),
        (b"{\"error\": \"plain\"}".to_vec(), FailureReason::MalformedHttp),
        (cut, FailureReason::MalformedHttp),
    ] {
        let server = packed(body).await;
        let to = server.url("http", "/");
        let (failure, exchange) = Setup::for_target(&to).fail(&to).await;
        assert_eq!(failure.reason, expected, "{}", failure.detail);
        assert!(exchange.body_length <= 100_000);
    }
}

#[tokio::test]
async fn a_flood_of_headers_is_malformed() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-flood: yes\r\n".repeat(1000));
    for reply in [
        (|_: &str| Reply::Endless(b"HTTP/1.1 200 OK\r\nx-flood: ".into())) as fn(&str) -> Reply,
        |_| Reply::Endless(b"HTTP/1.1 200 ".into()),
    ] {
        let server = Server::http(reply).await;
        let to = server.url("http", "/");
        assert_eq!(Setup::for_target(&to).fail(&to).await.0.reason, FailureReason::MalformedHttp);
    }
    let server = Server::http(move |_| Reply::Send(many.clone().into())).await;
    let to = server.url("http", "/");
    assert_eq!(Setup::for_target(&to).fail(&to).await.0.reason, FailureReason::MalformedHttp);
}
