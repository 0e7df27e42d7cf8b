//! Certificates: verdicts, and what is known of them whatever the verdict.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa};
use rustls::ServerConfig;

use super::server::{Authority, Reply, Server, ca, early, expired, leaf, self_signed};
use super::{Setup, get, send};
use crate::net::{SystemRoots, TlsOptions, Transport, TransportError};
use crate::report::{Exchange, Failure, FailureReason as R};

/// The failure of a handshake with this server.
async fn refused(setup: impl FnOnce(Setup) -> Setup, config: ServerConfig) -> (Failure, Exchange) {
    let server = Server::https(config, |_| Reply::ok("")).await;
    let to = server.named("https", "/?code=secret");
    let (failure, exchange) = setup(Setup::for_target(&to)).fail(&to).await;
    assert!(server.heads().is_empty());
    (failure, exchange)
}

#[tokio::test]
async fn a_chain_that_verifies_is_recorded_with_its_expiry() {
    let root = Authority::root("root");
    let mut params = ca("intermediate");
    params.not_after = rcgen::date_time_ymd(2089, 1, 1);
    let intermediate = root.issue_ca(params);
    for (version, name) in
        [(&rustls::version::TLS12, "TLS 1.2"), (&rustls::version::TLS13, "TLS 1.3")]
    {
        let config = intermediate.server_for(&leaf("localhost"), &[&intermediate], &[version]);
        let server = Server::https(config, |_| Reply::ok("")).await;
        let to = server.named("https", "/");
        let (answer, exchanges) = Setup::for_target(&to).trusting(&root).get(&to).await;
        answer.unwrap();
        assert_eq!(exchanges[0].tls.as_ref().unwrap().version, Some(name));
        assert!(exchanges[0].phases.tls.is_some());
        let chain = exchanges[0].chain.as_ref().unwrap();
        let subjects: Vec<_> =
            chain.presented.iter().map(|certificate| certificate.subject.as_str()).collect();
        assert_eq!(subjects, ["CN=leaf", "CN=intermediate"]);
        assert_eq!(chain.presented[0].issuer, "CN=intermediate");
        assert_eq!(chain.presented[0].alternative_names, ["localhost"]);
        assert_eq!(chain.presented[0].fingerprint_sha256.len(), 64);
        // 2089-01-01, earlier than the leaf's.
        assert_eq!(chain.verified_not_after, Some(3_755_376_000));
    }
}

/// As `openssl req -x509` makes them: a CA, and the server's certificate at once.
#[tokio::test]
async fn a_certificate_that_is_named_itself_is_trusted_for_its_names_and_its_time() {
    let own = |names: &str, params: CertificateParams| {
        let mut params = params;
        params.subject_alt_names = leaf(names).subject_alt_names;
        Authority::of(params)
    };
    for (own, reason) in [
        (own("localhost", ca("own")), None),
        (own("other.example", ca("own")), Some(R::CertificateNameMismatch)),
        (own("localhost", expired(ca("own"))), Some(R::CertificateExpired)),
        (own("localhost", early(ca("own"))), Some(R::CertificateNotYetValid)),
    ] {
        let server = Server::https(own.server_of_itself(), |_| Reply::ok("")).await;
        let to = server.named("https", "/");
        let (answer, exchanges) = Setup::for_target(&to).trusting(&own).get(&to).await;
        assert_eq!(answer.err().map(|failure| failure.reason), reason);
        let verified = exchanges[0].chain.as_ref().unwrap().verified_not_after;
        assert_eq!(verified.is_some(), reason.is_none());
        // Nobody else's is trusted for it.
        let other = Authority::root("own");
        let (answer, _) = Setup::for_target(&to).trusting(&other).get(&to).await;
        assert!(answer.is_err());
    }
}

/// Each server is refused with this reason and detail, and its certificates are on record.
async fn each_refused(root: &Authority, servers: Vec<(ServerConfig, R, &str, usize)>) {
    for (config, reason, detail, presented) in servers {
        let (failure, exchange) = refused(|setup| setup.trusting(root), config).await;
        assert_eq!((failure.reason, failure.detail.as_str()), (reason, detail));
        let chain = exchange.chain.unwrap();
        assert_eq!((chain.presented.len(), chain.verified_not_after), (presented, None));
        assert!(exchange.phases.tls.is_some());
        assert_eq!((exchange.phases.processing, exchange.status), (None, None));
    }
}

const LEAF_EXPIRED: &str = "\"CN=leaf\" expired on Wed, 01 Jan 2020 00:00:00 GMT";
const BY_ITSELF: &str = "the certificate was issued by itself";

#[tokio::test]
async fn refused_certificates_are_told_apart_and_recorded() {
    let root = Authority::root("root");
    let other = Authority::root("other");
    let intermediate = root.issue_ca(ca("intermediate"));
    let old = root.issue_ca(expired(ca("old")));
    let good = leaf("localhost");
    let mut bare = CertificateParams::default();
    bare.distinguished_name.push(DnType::CommonName, "localhost");
    let mut self_made = good.clone();
    self_made.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let old_expired = "\"CN=old\" expired on Wed, 01 Jan 2020 00:00:00 GMT";
    let leaf_early = "\"CN=leaf\" is valid from Sun, 01 Jan 2090 00:00:00 GMT";
    let incomplete = "the chain ends with issuer \"CN=intermediate\", which is not trusted";
    let foreign = "the chain ends with issuer \"CN=other\", which is not trusted";
    let no_names = "the certificate has no subjectAltName";
    let other_name = "the certificate is for id.example";
    let servers = vec![
        (root.server(&expired(good.clone()), &[]), R::CertificateExpired, LEAF_EXPIRED, 1),
        (old.server(&good, &[&old]), R::CertificateExpired, old_expired, 2),
        (root.server(&early(good.clone()), &[]), R::CertificateNotYetValid, leaf_early, 1),
        (intermediate.server(&good, &[]), R::CertificateUntrusted, incomplete, 1),
        (other.server(&good, &[&other]), R::CertificateUntrusted, foreign, 2),
        (self_signed(&good), R::CertificateUntrusted, BY_ITSELF, 1),
        (self_signed(&self_made), R::CertificateUntrusted, BY_ITSELF, 1),
        (root.server(&leaf("id.example"), &[]), R::CertificateNameMismatch, other_name, 1),
        (root.server(&bare, &[]), R::CertificateNameMismatch, no_names, 1),
    ];
    each_refused(&root, servers).await;

    let mut for_clients = good;
    for_clients.insert_extended_key_usage(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let config = root.server(&for_clients, &[]);
    let (failure, _) = refused(|setup| setup.trusting(&root), config).await;
    assert_eq!(failure.reason, R::CertificateInvalid);
}

/// As with RSA of 1024 bits, whose signatures are not accepted.
#[tokio::test]
async fn a_handshake_is_signed_with_the_key_of_the_certificate() {
    let root = Authority::root("root");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = root.server_of_another_key(&leaf("localhost"), &[version]);
        let (failure, exchange) = refused(|setup| setup.trusting(&root), config).await;
        assert_eq!(failure.reason, R::CertificateInvalid, "{}", failure.detail);
        assert_eq!(exchange.chain.unwrap().presented.len(), 1);
    }
}

#[tokio::test]
async fn of_several_faults_the_nearest_to_the_leaf_is_the_reason() {
    let root = Authority::root("root");
    let other = Authority::root("other");
    let other_old = other.issue_ca(expired(ca("other old")));
    let other_new = other.issue_ca(ca("other new"));
    let beside = root.issue_ca(expired(ca("beside")));
    let good = leaf("localhost");
    let elsewhere = leaf("id.example");
    let old_expired = "\"CN=other old\" expired on Wed, 01 Jan 2020 00:00:00 GMT";
    let foreign = "the chain ends with issuer \"CN=other\", which is not trusted";
    let servers = vec![
        (other.server(&expired(good.clone()), &[]), R::CertificateExpired, LEAF_EXPIRED, 1),
        (self_signed(&expired(good.clone())), R::CertificateExpired, LEAF_EXPIRED, 1),
        (root.server(&expired(elsewhere.clone()), &[]), R::CertificateExpired, LEAF_EXPIRED, 1),
        (other_old.server(&good, &[&other_old]), R::CertificateExpired, old_expired, 2),
        (other.server(&elsewhere, &[]), R::CertificateUntrusted, foreign, 1),
        // Expired, but not on the way from the leaf to its root.
        (other_new.server(&good, &[&other_new, &beside]), R::CertificateUntrusted, foreign, 3),
    ];
    each_refused(&root, servers).await;
}

#[tokio::test]
async fn a_root_with_the_name_of_a_trusted_one_and_another_key_is_not_trusted() {
    let root = Authority::root("root");
    let [namesake, of_another_kind] = [Authority::root("root"), Authority::root_of_ed25519("root")];
    let intermediate = namesake.issue_ca(ca("intermediate"));
    let good = leaf("localhost");
    for config in [
        namesake.server(&good, &[]),
        namesake.server(&good, &[&namesake]),
        of_another_kind.server(&good, &[]),
        intermediate.server(&good, &[&intermediate]),
    ] {
        let (failure, _) = refused(|setup| setup.trusting(&root), config).await;
        assert_eq!(failure.reason, R::CertificateUntrusted, "{}", failure.detail);
        assert!(failure.detail.contains("\"CN=root\""), "{}", failure.detail);
    }
}

#[tokio::test]
async fn without_any_root_nothing_is_trusted() {
    let root = Authority::root("root");
    let (failure, exchange) = refused(|setup| setup, root.server(&leaf("localhost"), &[])).await;
    let expected =
        Failure::new(R::CertificateUntrusted, "this system has no root certificates to trust");
    assert_eq!(failure, expected);
    assert!(exchange.chain.is_some());
}

#[tokio::test]
async fn without_verification_everything_is_accepted_and_recorded() {
    let root = Authority::root("root");
    for config in [root.server(&expired(leaf("id.example")), &[]), self_signed(&leaf("localhost"))]
    {
        let server = Server::https(config, |_| Reply::ok("")).await;
        let to = server.named("https", "/");
        let mut setup = Setup::for_target(&to);
        setup.options.insecure_skip_verify = true;
        let (answer, exchanges) = setup.get(&to).await;
        answer.unwrap();
        let chain = exchanges[0].chain.as_ref().unwrap();
        assert_eq!((chain.presented.len(), chain.verified_not_after), (1, None));
        assert!(exchanges[0].tls.is_some());
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_client_certificate_is_tls_handshake() {
    let root = Authority::root("root");
    let (failure, exchange) = refused(
        |setup| setup.trusting(&root),
        root.demanding_server(&leaf("localhost"), rustls::ALL_VERSIONS),
    )
    .await;
    assert_eq!(failure.reason, R::TlsHandshake, "{}", failure.detail);
    assert!(failure.detail.contains("CertificateRequired"), "{}", failure.detail);
    assert!(exchange.chain.is_some());
}

#[tokio::test]
async fn a_refused_handshake_leaves_the_session_usable() {
    let root = Authority::root("root");
    let bad = Server::https(root.server(&leaf("id.example"), &[]), |_| Reply::ok("")).await;
    let good = Server::https(root.server(&leaf("localhost"), &[]), |_| Reply::ok("")).await;
    let session = Setup::for_target(&bad.named("https", "/")).trusting(&root).session();
    for _ in 0..2 {
        send(&session, get(&bad.named("https", "/"))).await.0.unwrap_err();
        send(&session, get(&good.named("https", "/"))).await.0.unwrap();
    }
    assert_eq!((bad.connections(), good.connections()), (2, 1));
}

#[test]
fn a_ca_file_holds_certificates() {
    let build = |pem: &str| {
        let options = TlsOptions { ca_pem: Some(pem.into()), ..TlsOptions::default() };
        Transport::new(&options, &SystemRoots::none())
    };
    assert!(matches!(build(""), Err(TransportError::NoCertificate)));
    assert!(matches!(build("no PEM"), Err(TransportError::NoCertificate)));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(build(broken), Err(TransportError::BadCertificate)));
    let two = format!("{}{}", Authority::root("a").pem(), Authority::root("b").pem());
    assert!(build(&two).is_ok());
}
