//! Proxies, server name, TLS options and client certificates.

use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::{Authority, Reply, Server, leaf};
use super::{Setup, get, reason, request, send, url};
use crate::net::{ClientIdentity, IdentityError, Proxy, Route, SecretTo};
use crate::report::FailureReason;

/// The target is reached under another name than that of its URL.
fn named(mut setup: Setup, name: &str) -> Setup {
    setup.route.server_name = Some(name.to_owned());
    setup
}

#[tokio::test]
async fn a_server_name_is_sent_and_checked_and_the_host_stays_what_it_is() {
    let root = Authority::root("root");
    let server = Server::https(root.server(&leaf("id.example"), &[]), |_| Reply::ok("hello")).await;
    for target in [server.url("https", "/a"), server.named("https", "/a")] {
        let setup = Setup::for_target(&target).trusting(&root);
        let (failure, _) = setup.fail(&target).await;
        assert_eq!(failure.reason, FailureReason::CertificateNameMismatch);

        let (answer, exchanges) = named(setup, "id.example").get(&target).await;
        assert_eq!(&answer.unwrap().body[..], b"hello");
        assert_eq!(exchanges[0].url, target);
        assert_eq!(exchanges[0].address, Some("127.0.0.1".parse().unwrap()));
        let authority = target.trim_start_matches("https://").trim_end_matches("/a");
        let head = server.heads().pop().unwrap();
        assert!(head.contains(&format!("\r\nhost: {authority}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn a_server_name_is_for_the_target_alone() {
    let root = Authority::root("root");
    let server = Server::https(root.server(&leaf("id.example"), &[]), |_| Reply::ok("")).await;
    let setup = named(Setup::for_target(&server.url("https", "/")).trusting(&root), "id.example");
    let (failure, _) = setup.fail(&server.named("https", "/")).await;
    assert_eq!(failure.reason, FailureReason::CertificateNameMismatch);
}

#[tokio::test]
async fn the_cipher_suite_is_named_as_iana_does() {
    let root = Authority::root("root");
    for (version, cipher) in
        [(&TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), (&TLS13, "TLS_AES_128_GCM_SHA256")]
    {
        let config = root.server_for(&leaf("localhost"), &[], &[version]);
        let server = Server::https(config, |_| Reply::ok("")).await;
        let target = server.named("https", "/");
        let (answer, exchanges) = Setup::for_target(&target).trusting(&root).get(&target).await;
        answer.unwrap();
        assert_eq!(exchanges[0].tls.as_ref().unwrap().cipher, Some(cipher));
    }
}

#[tokio::test]
async fn tls_1_2_and_http_2_are_offered_unless_they_are_off() {
    let root = Authority::root("root");
    let old = root.server_for(&leaf("localhost"), &[], &[&TLS12]);
    let server = Server::https(old, |_| Reply::ok("")).await;
    let target = server.named("https", "/");
    let mut setup = Setup::for_target(&target).trusting(&root);
    assert!(setup.get(&target).await.0.is_ok());
    setup.options.tls13_only = true;
    assert_eq!(setup.fail(&target).await.0.reason, FailureReason::TlsHandshake);

    // A server that speaks HTTP/1.1 and says that it would rather speak HTTP/2.
    let mut config = root.server(&leaf("localhost"), &[]);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = Server::https(config, |_| Reply::ok("")).await;
    let target = server.named("https", "/");
    let mut setup = Setup::for_target(&target).trusting(&root);
    assert!(setup.get(&target).await.0.is_err());
    setup.options.http1_only = true;
    assert!(setup.get(&target).await.0.is_ok());
}

#[tokio::test]
async fn the_client_certificate_is_shown_to_the_target_and_where_a_request_asks_for_it() {
    let root = Authority::root("root");
    let mut both = leaf("localhost");
    both.subject_alt_names.push(rcgen::SanType::IpAddress("127.0.0.1".parse().unwrap()));
    let server =
        Server::https(root.demanding_server(&both, rustls::ALL_VERSIONS), |_| Reply::ok("")).await;
    let (target, other) = (server.named("https", "/"), server.url("https", "/"));
    let mut setup = Setup::for_target(&target).trusting(&root);
    assert_eq!(setup.fail(&target).await.0.reason, FailureReason::TlsHandshake);

    setup.identity = Some(Arc::new(root.identity()));
    let session = setup.session();
    send(&session, get(&target)).await.0.unwrap();
    let refused = send(&session, get(&other)).await.0;
    assert_eq!(reason(&refused), Some(FailureReason::TlsHandshake));
    let mut asking = get(&other);
    asking.client_certificate = true;
    send(&session, asking).await.0.unwrap();
}

#[tokio::test]
async fn whether_the_client_certificate_was_asked_for_is_known() {
    let root = Authority::root("root");
    let localhost = leaf("localhost");
    for version in [&TLS12, &TLS13] {
        for (config, presented) in [
            (root.demanding_server(&localhost, &[version]), true),
            (root.server_for(&localhost, &[], &[version]), false),
        ] {
            let server = Server::https(config, |_| Reply::ok("")).await;
            let to = server.named("https", "/");
            let mut setup = Setup::for_target(&to).trusting(&root);
            setup.identity = Some(Arc::new(root.identity()));
            let session = setup.session();
            // The second exchange takes the connection of the first.
            for _ in 0..2 {
                let (answer, exchanges) = send(&session, get(&to)).await;
                answer.unwrap();
                let tls = exchanges[0].tls.as_ref().unwrap();
                assert_eq!(tls.client_certificate, presented, "{:?}", tls.version);
            }
            assert_eq!(server.connections(), 1);
        }
    }
}

#[test]
fn a_client_certificate_needs_its_own_key() {
    let pem = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        (leaf(name).self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let ((certificate, key), (_, other)) = (pem("a.example"), pem("b.example"));
    let error = |certificate: &str, key: &str| ClientIdentity::from_pem(certificate, key).err();
    assert_eq!(error(&certificate, &key), None);
    assert_eq!(error(&certificate, &other), Some(IdentityError::NoPair));
    assert_eq!(error(&key, &key), Some(IdentityError::Certificate));
    assert_eq!(error(&certificate, &certificate), Some(IdentityError::Key));
}

fn through(mut setup: Setup, proxy: &str) -> Setup {
    setup.route.proxy = Some(Proxy::new(url(proxy), "").unwrap());
    setup
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_apart() {
    for answer in [
        &b"HTTP/1.1 403 Forbidden\r\n\r\n"[..],
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"nonsense\r\n\r\n",
    ] {
        let proxy = Server::tcp(move |mut stream, _| async move {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let target = "https://id.example/";
        let setup = through(Setup::for_target(target), &proxy.url("http", ""));
        let (failure, exchange) = setup.fail(target).await;
        assert_eq!(failure.reason, FailureReason::ProxyRefused, "{failure:?}");
        assert_eq!((exchange.phases.tls, exchange.status), (None, None));
    }
}

#[tokio::test]
async fn a_secret_in_plain_http_is_kept_from_a_proxy() {
    let server = Server::http(|_| Reply::ok("")).await;
    let proxy = Server::http(|_| Reply::ok("")).await;
    let target = server.url("http", "/");
    let setup = through(Setup::for_target(&target), &proxy.url("http", ""));
    let secret = request(http::Method::POST, &target, SecretTo::Configured);
    let refused = send(&setup.session(), secret).await.0;
    assert_eq!(reason(&refused), Some(FailureReason::InsecureTransport));
    assert_eq!((proxy.connections(), server.connections()), (0, 0));
    // What holds no secret goes to the proxy, and to nobody else.
    let (answer, exchanges) = setup.get(&target).await;
    answer.unwrap();
    assert!(!exchanges[0].in_clear);
    assert_eq!((proxy.connections(), server.connections()), (1, 0));

    let mut setup = setup;
    setup.rules.allow_plain_http = true;
    for (route, in_clear) in [(setup.route.clone(), true), (Route::default(), false)] {
        setup.route = route;
        let secret = request(http::Method::POST, &target, SecretTo::Configured);
        let (answer, exchanges) = send(&setup.session(), secret).await;
        answer.unwrap();
        assert_eq!(exchanges[0].in_clear, in_clear);
    }
}

#[tokio::test]
async fn a_proxy_that_hands_requests_on_gets_one_a_connection() {
    let proxy = Server::http(|_| Reply::ok("")).await;
    let target = "http://id.example/";
    let session = through(Setup::for_target(target), &proxy.url("http", "")).session();
    for _ in 0..2 {
        send(&session, get(target)).await.0.unwrap();
    }
    assert_eq!(proxy.connections(), 2);
    let heads = proxy.heads();
    assert!(heads.iter().all(|head| head.contains("\r\nconnection: close\r\n")), "{heads:?}");
}

#[tokio::test]
async fn socks_5_carries_tls_to_the_end() {
    let root = Authority::root("root");
    let server = Server::https(root.server(&leaf("localhost"), &[]), |_| Reply::ok("hello")).await;
    let port = server.port;
    // RFC 1928: no authentication, and a name that the proxy resolves.
    let proxy = Server::tcp(move |mut stream, _| async move {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!(greeting, [5, 1, 0]);
        stream.write_all(&[5, 0]).await.unwrap();
        let mut start = [0; 5];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(start[..4], [5, 1, 0, 3]);
        let mut rest = vec![0; usize::from(start[4]) + 2];
        stream.read_exact(&mut rest).await.unwrap();
        assert_eq!(rest, [&b"localhost"[..], &port.to_be_bytes()].concat());
        let mut end = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut end).await;
    })
    .await;
    let target = server.named("https", "/");
    let setup = Setup::for_target(&target).trusting(&root);
    let (answer, exchanges) = through(setup, &proxy.url("socks5h", "")).get(&target).await;
    assert_eq!(&answer.unwrap().body[..], b"hello");
    assert!(exchanges[0].phases.tls.is_some());
    assert_eq!(exchanges[0].chain.as_ref().unwrap().presented.len(), 1);
    assert_eq!(proxy.connections(), 1);
}
