//! How many series a probe has at most.

use std::sync::Arc;
use std::time::Duration;

use super::samples;
use crate::report::{
    AssertionResult, Certificate, CertificateSource, ClockSource, Credential, CredentialExpiry,
    Endpoint, Exchange, JwtCheck, KeyFacts, KeySetFacts, PeerChain, Phases, ProbeReport,
    RefusalCheck, StatusIndicator, StatusPage, Step, StepOutcome, StepReport, TlsFacts, TokenFacts,
    WatchedCertificate,
};

/// What a host presents, or a key set holds.
fn certificate(name: &str) -> Certificate {
    Certificate {
        subject: name.into(),
        issuer: String::new(),
        serial: String::new(),
        alternative_names: Vec::new(),
        not_before: 0,
        not_after: 0,
        fingerprint_sha256: name.into(),
    }
}

/// The first request to a host, for which a connection is opened.
fn first(endpoint: Endpoint, host: &str) -> Exchange {
    let time = Some(Duration::from_millis(1));
    let presented = vec![certificate(host).into()];
    Exchange {
        endpoint,
        host: host.into(),
        https: true,
        status: Some(200),
        phases: Phases {
            resolve: time,
            connect: time,
            tls: time,
            processing: time,
            transfer: time,
        },
        chain: Some(Arc::new(PeerChain { presented, verified_not_after: Some(1) })),
        tls: Some(TlsFacts { version: Some("TLS 1.3"), cipher: Some("x"), ..TlsFacts::default() }),
        ..Exchange::empty()
    }
}

/// One more, on a connection that is open.
fn more(endpoint: Endpoint, host: &str) -> Exchange {
    let Phases { processing, transfer, .. } = first(endpoint, host).phases;
    let phases = Phases { processing, transfer, ..Phases::default() };
    Exchange { phases, ..first(endpoint, host) }
}

/// Every step of a login that goes well, with a host for each endpoint.
fn longest_flow() -> Vec<StepReport> {
    use Endpoint as E;
    [
        (Step::Discovery, Some(first(E::Discovery, "issuer"))),
        (Step::Par, Some(first(E::Authorization, "par"))),
        (Step::Authorize, Some(first(E::Authorization, "authorize"))),
        (Step::Login, Some(more(E::Authorization, "authorize"))),
        (Step::Consent, Some(more(E::Authorization, "authorize"))),
        (Step::Token, Some(first(E::Token, "token"))),
        (Step::Jwks, Some(first(E::Jwks, "jwks"))),
        (Step::Validate, None),
        (Step::Userinfo, Some(first(E::Userinfo, "userinfo"))),
        (Step::CallApi, Some(first(E::Api, "api"))),
        (Step::Refresh, Some(more(E::Token, "token"))),
        (Step::Introspect, Some(first(E::Introspection, "introspect"))),
        (Step::Refuse, Some(more(E::Api, "api"))),
        (Step::Revoke, Some(first(E::Revocation, "revoke"))),
        (Step::Logout, Some(first(E::Authorization, "logout"))),
    ]
    .map(|(step, exchange)| StepReport {
        outcome: StepOutcome::Passed,
        duration: Some(Duration::from_millis(1)),
        exchanges: exchange.into_iter().collect(),
        ..StepReport::planned(step, &[])
    })
    .into()
}

/// With all that can be asked of it, and a key set as large as any.
#[test]
fn the_longest_flow_stays_under_250_series() {
    let mut report = ProbeReport::empty("m", "t");
    report.steps = longest_flow();
    let everything = report.steps.first_mut().expect("a step");
    let at = Some(1.0);
    everything.tokens = Credential::ALL
        .iter()
        .map(|token| TokenFacts { token: *token, ttl: at, expires_at: at, issued_at: at })
        .collect();
    // Those that an ID token has not are of access tokens.
    let of_id_token = |check: &&JwtCheck| !matches!(check, JwtCheck::Scopes | JwtCheck::Previous);
    everything.jwt_checks = JwtCheck::ALL
        .iter()
        .filter(of_id_token)
        .map(|check| (Credential::IdToken, *check, true))
        .collect();
    everything.refused = [
        RefusalCheck::NoCredential,
        RefusalCheck::TamperedSignature,
        RefusalCheck::AlgNone,
        RefusalCheck::ForeignKey,
        RefusalCheck::Hs256PublicKey,
        RefusalCheck::Revoked,
        RefusalCheck::ReplayedCode,
    ]
    .map(|check| (check, true))
    .into();
    everything.assertions =
        (0..6).map(|it| AssertionResult { label: it.to_string(), success: true }).collect();
    let limit = Duration::from_secs(1);
    report.thresholds.steps = report.steps.iter().map(|step| (step.step, limit)).collect();
    report.thresholds.total = Some(limit);
    report.thresholds.auth_share = Some(0.5);
    report.credentials = vec![CredentialExpiry { name: "m".into(), expires_at: 1.0 }];
    report.status_page = Some(StatusPage::Shows(StatusIndicator::ALL[0]));
    report.min_interval = limit;
    report.clock_skew =
        [ClockSource::Date, ClockSource::Iat, ClockSource::Nbf].map(|it| (it, 0.0)).into();
    let watched = |source, name: String| WatchedCertificate {
        source,
        certificate: certificate(&name),
        name,
        role: "",
        usage: String::new(),
    };
    let of_keys = (0..KeySetFacts::MOST_CERTIFICATES)
        .map(|number| watched(CertificateSource::Jwks, number.to_string()));
    let own = watched(CertificateSource::Client, "client".into());
    report.certificates = of_keys.chain([own]).collect();
    let key = |number: usize| KeyFacts {
        key_id: number.to_string(),
        key_type: String::new(),
        algorithm: String::new(),
        usage: String::new(),
    };
    let keys = (0..KeySetFacts::MOST_KEYS).map(key).collect();
    report.key_set = Some(KeySetFacts { usable: 1000, hash: 0, keys });
    let series = samples(&report).len();
    assert!(series < 250, "{series}");
}
