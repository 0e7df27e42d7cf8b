//! The deadline, and bounded bodies and headers.

use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::server::{Authority, Reply, Server};
use super::{Setup, get, reason, send};
use crate::net::Answer;
use crate::report::{Exchange, Failure, FailureReason};

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

/// RFC 9112 §5.2: obsolete, and read all the same.
#[tokio::test]
async fn a_folded_header_is_one_line() {
    let answer = b"HTTP/1.1 200 OK\r\nx-a: one\r\n  two\r\ncontent-length: 2\r\n\r\nhi";
    let server = Server::http(|_| Reply::Send(answer.to_vec())).await;
    let to = server.url("http", "/");
    let (answer, _) = Setup::for_target(&to).get(&to).await;
    let answer = answer.unwrap();
    let words: Vec<_> = answer.headers["x-a"].to_str().unwrap().split_whitespace().collect();
    assert_eq!((words, &answer.body[..]), (vec!["one", "two"], &b"hi"[..]));
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

/// The pieces of a body that passes by, at most so many of them, beside the answer.
async fn passing(setup: &Setup, to: &str, most: usize) -> (Passed, Vec<Bytes>) {
    let (body_to, mut pieces) = tokio::sync::mpsc::channel(2);
    let session = setup.session();
    let mut request = get(to);
    request.body_to = Some(body_to);
    let reading = async move {
        let mut read = Vec::new();
        while read.len() < most
            && let Some(piece) = pieces.recv().await
        {
            read.push(piece);
        }
        read
    };
    tokio::join!(send(&session, request), reading)
}

type Passed = (Result<Answer, Failure>, Vec<Exchange>);

#[tokio::test]
async fn a_body_passes_by_in_pieces() {
    let plain: Vec<u8> = (0..90_000_u32).flat_map(u32::to_le_bytes).collect();
    let server = packed(gzip(&plain)).await;
    let to = server.url("http", "/");
    let mut setup = Setup::for_target(&to);
    setup.rules.body_size_limit = 360_000;
    let ((answer, exchanges), pieces) = passing(&setup, &to, usize::MAX).await;
    assert!(answer.unwrap().body.is_empty());
    assert_eq!(exchanges[0].body_length, 360_000);
    assert!(pieces.len() > 1, "{} pieces", pieces.len());
    assert!(pieces.concat() == plain);
}

#[tokio::test]
async fn a_bomb_that_passes_by_is_cut_too() {
    let server = packed(gzip(&vec![0; 50_000_000])).await;
    let to = server.url("http", "/");
    let mut setup = Setup::for_target(&to);
    setup.rules.body_size_limit = 20_000_000;
    let ((answer, exchanges), pieces) = passing(&setup, &to, usize::MAX).await;
    assert_eq!(reason(&answer), Some(FailureReason::BodyTooLarge));
    assert_eq!(exchanges[0].body_length, 20_000_000);
    let largest = pieces.iter().map(Bytes::len).max();
    assert!(largest < Some(5_000_000), "{largest:?}");
}

/// Whoever has read enough does not wait for the end, and the connection is not used again.
#[tokio::test]
async fn a_body_that_nobody_wants_is_not_read() {
    let server = Server::http(|_| Reply::Endless("HTTP/1.1 200 OK\r\n\r\n".into())).await;
    let to = server.url("http", "/");
    let mut setup = Setup::for_target(&to);
    setup.rules.body_size_limit = u64::MAX;
    let ((answer, exchanges), pieces) = passing(&setup, &to, 1).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!((exchanges.len(), pieces.len()), (1, 1));
}

#[tokio::test]
async fn the_body_of_a_redirect_that_is_followed_passes_nowhere() {
    let server = Server::http(|head| {
        if head.starts_with("GET /end ") {
            return Reply::ok("the end");
        }
        let head = "HTTP/1.1 302 Found\r\nlocation: /end\r\ncontent-length: 4\r\n\r\n";
        Reply::Send(format!("{head}here").into())
    })
    .await;
    let to = server.url("http", "/");
    let ((answer, _), pieces) = passing(&Setup::for_target(&to), &to, usize::MAX).await;
    assert_eq!(answer.unwrap().url.path(), "/end");
    assert_eq!(pieces.concat(), b"the end");
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
