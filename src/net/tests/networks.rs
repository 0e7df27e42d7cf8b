//! Networks that nothing is sent to.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;

use super::server::{Authority, Reply, Server, leaf};
use super::{Setup, get, reason, request, send, url};
use crate::net::{Family, Proxy, SecretTo};
use crate::report::FailureReason;

/// What the lookup of a test finds.
fn addresses(found: &[&str]) -> Vec<IpAddr> {
    found.iter().map(|address| address.parse().unwrap()).collect()
}

/// Sends a secret, and says how that was refused before anything was sent.
async fn refusal(setup: &Setup, to: &str) -> String {
    let secret = request(Method::POST, to, SecretTo::Configured);
    let (answer, exchanges) = send(&setup.session(), secret).await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.reason, FailureReason::NetworkBlocked, "{}", failure.detail);
    assert!(exchanges.is_empty());
    failure.detail
}

#[tokio::test]
async fn nothing_is_sent_to_a_blocked_network_by_address_or_by_name() {
    let server = Server::http(|_| Reply::ok("")).await;
    let target = server.url("http", "/");
    let mut setup = Setup::for_target(&target).blocking(&["private"]);
    setup.rules.allow_plain_http = true;
    assert_eq!(
        refusal(&setup, &target).await,
        "127.0.0.1 is 127.0.0.1, of the blocked network 127.0.0.0/8"
    );
    setup.lookup = |_| Box::pin(async { Ok(addresses(&["::ffff:127.0.0.1", "127.0.0.1"])) });
    assert_eq!(
        refusal(&setup, &format!("http://id.example:{}/", server.port)).await,
        "id.example is ::ffff:127.0.0.1, of the blocked network 127.0.0.0/8"
    );
    assert_eq!(
        refusal(&setup, &server.named("http", "/")).await,
        "localhost is 127.0.0.1, of the blocked network 127.0.0.0/8"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn of_several_addresses_one_that_is_free_is_taken() {
    let server = Server::http(|_| Reply::ok("")).await;
    let target = format!("http://id.example:{}/", server.port);
    let mut setup = Setup::for_target(&target).blocking(&["10.0.0.0/8", "::1"]);
    setup.lookup = |_| Box::pin(async { Ok(addresses(&["10.0.0.1", "::1", "127.0.0.1"])) });
    let (answer, exchanges) = setup.get(&target).await;
    answer.unwrap();
    assert_eq!(exchanges[0].address, Some("127.0.0.1".parse().unwrap()));

    // Nor is one taken that the module does not want.
    setup.route.family = Family::Ipv6 { fallback: false };
    setup.rules.allow_plain_http = true;
    assert_eq!(refusal(&setup, &target).await, "id.example is ::1, of the blocked network ::1/128");
    // Where nothing of that protocol is blocked, the protocol is what is missing.
    setup.route.family = Family::Ipv6 { fallback: false };
    setup.lookup = |_| Box::pin(async { Ok(addresses(&["10.0.0.1"])) });
    assert_eq!(setup.fail(&target).await.0.reason, FailureReason::Dns);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_looked_at_for_each_connection() {
    static REBOUND: AtomicBool = AtomicBool::new(false);
    let server = Server::http(|_| {
        Reply::Last(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".into())
    })
    .await;
    let target = format!("http://id.example:{}/", server.port);
    let mut setup = Setup::for_target(&target).blocking(&["127.0.0.2"]);
    setup.lookup = |_| {
        let first = !REBOUND.swap(true, Ordering::SeqCst);
        Box::pin(async move { Ok(addresses(&[if first { "127.0.0.1" } else { "127.0.0.2" }])) })
    };
    let session = setup.session();
    send(&session, get(&target)).await.0.unwrap();
    let (answer, exchanges) = send(&session, get(&target)).await;
    assert_eq!(reason(&answer), Some(FailureReason::NetworkBlocked));
    assert!(exchanges.is_empty());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_into_a_blocked_network_is_not_followed() {
    for to in ["http://127.0.0.2/", "http://2130706434/", "http://internal.example/"] {
        let server = Server::http(move |_| Reply::redirect(302, to)).await;
        let target = server.url("http", "/");
        let mut setup = Setup::for_target(&target).blocking(&["127.0.0.2"]);
        setup.lookup = |_| Box::pin(async { Ok(addresses(&["127.0.0.2"])) });
        let (answer, exchanges) = setup.get(&target).await;
        assert_eq!(reason(&answer), Some(FailureReason::NetworkBlocked), "{to}");
        // The redirect itself is on record, and what it asked for is not.
        assert_eq!(exchanges.len(), 1);
        assert_eq!(exchanges[0].status, Some(302));
    }
}

#[tokio::test]
async fn a_server_name_hides_no_address() {
    let root = Authority::root("root");
    let server = Server::https(root.server(&leaf("id.example"), &[]), |_| Reply::ok("")).await;
    for target in [server.url("https", "/"), server.named("https", "/")] {
        let mut setup = Setup::for_target(&target).trusting(&root).blocking(&["private"]);
        setup.route.server_name = Some("id.example".to_owned());
        let detail = refusal(&setup, &target).await;
        assert!(detail.ends_with(", of the blocked network 127.0.0.0/8"), "{detail}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_proxy_may_lie_in_a_blocked_network_and_what_it_is_asked_for_may_not() {
    let proxy = Server::http(|_| Reply::ok("")).await;
    let through = |proxy: &str, target: &str| {
        let mut setup = Setup::for_target(target).blocking(&["private"]);
        setup.route.proxy = Some(Proxy::new(url(proxy), "").unwrap());
        setup.rules.allow_plain_http = true;
        setup
    };
    for at in [proxy.url("http", ""), proxy.named("http", "")] {
        let target = "http://id.example/";
        through(&at, target).get(target).await.0.unwrap();
        for target in ["http://10.0.0.1/", "https://[fd00::1]/", "http://localhost/"] {
            refusal(&through(&at, target), target).await;
        }
    }
    assert_eq!(proxy.connections(), 2);

    // The exception is for the proxy, and not for all that its host has.
    let at = proxy.url("http", "").replace("127.0.0.1", "both.example");
    let mut setup = through(&at, "http://id.example/");
    setup.lookup = |_| Box::pin(async { Ok(addresses(&["127.0.0.1"])) });
    setup.get("http://id.example/").await.0.unwrap();
    refusal(&setup, "http://both.example:9/").await;
    assert_eq!(proxy.connections(), 3);
}

#[tokio::test]
async fn what_is_resolved_here_for_a_socks_proxy_is_looked_at() {
    let proxy = Server::http(|_| Reply::ok("")).await;
    for scheme in ["socks4", "socks5"] {
        let target = "https://id.example/";
        let mut setup = Setup::for_target(target).blocking(&["private"]);
        setup.route.proxy = Some(Proxy::new(url(&proxy.url(scheme, "")), "").unwrap());
        setup.lookup = |_| Box::pin(async { Ok(addresses(&["10.0.0.1"])) });
        assert_eq!(
            refusal(&setup, target).await,
            "id.example is 10.0.0.1, of the blocked network 10.0.0.0/8"
        );
    }
    assert_eq!(proxy.connections(), 0);
}
