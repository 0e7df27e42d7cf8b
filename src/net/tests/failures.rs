//! Reasons of connections and messages.

use std::sync::Arc;

use super::server::{Authority, Reply, Server, closed_port, leaf};
use super::{Setup, get, send};
use crate::report::{Failure, FailureReason};

async fn failure(to: &str) -> Failure {
    let failure = Setup::for_target(to).fail(to).await.0;
    assert!(!failure.detail.contains("secret"), "{failure:?}");
    failure
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_dns() {
    let mut setup = Setup::for_target("https://nowhere.example/");
    setup.lookup = |_| Box::pin(async { Err(std::io::Error::other("name or service not known")) });
    let (failure, exchange) = setup.fail("https://nowhere.example/?code=secret").await;
    assert_eq!(failure.reason, FailureReason::Dns);
    assert_eq!(failure.detail, "no address for nowhere.example: name or service not known");
    assert!(exchange.phases.resolve.is_some());
    assert_eq!((exchange.phases.connect, exchange.address, exchange.status), (None, None, None));
}

#[tokio::test]
async fn a_closed_port_is_connection_refused() {
    let port = closed_port().await;
    let to = format!("https://localhost:{port}/?code=secret");
    let (failure, exchange) = Setup::for_target(&to).fail(&to).await;
    assert_eq!(failure.reason, FailureReason::ConnectionRefused);
    assert_eq!(failure.detail, "connecting: Connection refused (os error 111)");
    assert_eq!(exchange.address, Some("127.0.0.1".parse().unwrap()));
    assert!(exchange.phases.resolve.is_some() && exchange.phases.connect.is_some());
    assert_eq!((exchange.phases.tls, exchange.phases.processing), (None, None));
}

#[tokio::test]
async fn an_end_before_or_inside_the_answer_is_connection_closed() {
    for (reply, status) in [
        (&b""[..], None),
        (b"HTTP/1.1 200 OK\r\nconte", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", Some(200)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", Some(200)),
    ] {
        let server = Server::http(move |_| Reply::Last(reply.into())).await;
        let to = server.url("http", "/?code=secret");
        let (failure, exchange) = Setup::for_target(&to).fail(&to).await;
        assert_eq!(failure.reason, FailureReason::ConnectionClosed, "{reply:?} {}", failure.detail);
        assert_eq!(exchange.status, status);
        assert!(exchange.phases.processing.is_some());
    }
}

#[tokio::test]
async fn a_reset_is_connection_closed_in_every_stage() {
    for scheme in ["http", "https"] {
        let server = Server::tcp(|stream, _| async move {
            let _ = stream.readable().await;
            stream.set_zero_linger().unwrap();
        })
        .await;
        let failure = failure(&server.named(scheme, "/?code=secret")).await;
        assert_eq!(failure.reason, FailureReason::ConnectionClosed, "{scheme} {}", failure.detail);
    }
}

#[tokio::test]
async fn an_end_in_the_handshake_is_connection_closed() {
    let server = Server::tcp(|mut stream, _| async move {
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
    })
    .await;
    let failure = failure(&server.named("https", "/?code=secret")).await;
    assert_eq!(failure.reason, FailureReason::ConnectionClosed);
    assert!(failure.detail.starts_with("in the TLS handshake: "), "{}", failure.detail);
}

#[tokio::test]
async fn what_is_not_http_is_malformed() {
    for reply in [
        &b"220 mail.example ESMTP\r\n\r\n"[..],
        b"\x16\x03\x03\x00\x05hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nsecret\r\n",
    ] {
        let server = Server::http(move |_| Reply::Last(reply.into())).await;
        let failure = failure(&server.url("http", "/?code=secret")).await;
        assert_eq!(failure.reason, FailureReason::MalformedHttp, "{reply:?} {}", failure.detail);
    }
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_tls_handshake() {
    let server = Server::tcp(|mut stream, _| async move {
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        let _ = stream.readable().await;
    })
    .await;
    let failure = failure(&server.named("https", "/?code=secret")).await;
    assert_eq!(failure.reason, FailureReason::TlsHandshake);
}

#[tokio::test]
async fn a_request_that_tls_or_http_2_breaks_off_is_told_apart() {
    let ca = Authority::root("root");
    let mut config = ca.server(&leaf("localhost"), &[]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    for (frames, expected) in [
        // SETTINGS, then RST_STREAM of stream 1 with INTERNAL_ERROR.
        (
            &b"\0\0\0\x04\0\0\0\0\0\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02"[..],
            FailureReason::ConnectionClosed,
        ),
        // SETTINGS, then HEADERS with status 200, then RST_STREAM with NO_ERROR.
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x04\x03\0\0\0\0\x01\0\0\0\0",
            FailureReason::ConnectionClosed,
        ),
        // SETTINGS, then GOAWAY with ENHANCE_YOUR_CALM and a text.
        (
            b"\0\0\0\x04\0\0\0\0\0\0\0\x0e\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0bsecret",
            FailureReason::ConnectionClosed,
        ),
        // SETTINGS, then HEADERS with a broken block.
        (b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\xff", FailureReason::MalformedHttp),
        // No frame at all.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", FailureReason::MalformedHttp),
    ] {
        let acceptor = acceptor.clone();
        let server = Server::tcp(move |stream, _| {
            let acceptor = acceptor.clone();
            async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut stream = acceptor.accept(stream).await.unwrap();
                let mut request = Vec::new();
                // The preface, SETTINGS and HEADERS may come in several records.
                while !request
                    .windows(4)
                    .any(|four| four == b"\x01\x25\0\0" || four == b"\0\0\0\x01")
                {
                    stream.read_buf(&mut request).await.unwrap();
                }
                stream.write_all(frames).await.unwrap();
                while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
            }
        })
        .await;
        let to = server.named("https", "/?code=secret");
        let (failure, _) = Setup::for_target(&to).trusting(&ca).fail(&to).await;
        assert_eq!(failure.reason, expected, "{frames:?} {}", failure.detail);
        assert!(!failure.detail.contains("secret"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_failed_attempt_is_not_repeated() {
    let server = Server::http(|_| Reply::Last(Vec::new())).await;
    let to = server.url("http", "/");
    let session = Setup::for_target(&to).session();
    for connections in 1..=2 {
        send(&session, get(&to)).await.0.unwrap_err();
        assert_eq!(server.connections(), connections);
        assert_eq!(server.heads().len(), connections);
    }
}
