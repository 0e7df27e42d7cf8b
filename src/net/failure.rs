//! From the errors of reqwest, hyper, rustls and the operating system to reasons.
//!
//! The details are for a person, and hold nothing of query, headers or body.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::CertificateError;

use super::trace::{Stage, Stamps};
use crate::report::{Certificate, Failure, FailureReason, PeerChain};

/// The deadline cut an exchange.
pub(super) fn of_deadline(stamps: &Stamps) -> Failure {
    Failure::plain(FailureReason::Timeout, format!("the budget was used up {}", stamps.stage()))
}

/// Why an exchange broke. `error` is stripped of its URL.
pub(super) fn of_transport(error: &reqwest::Error, stamps: &Stamps, proxied: bool) -> Failure {
    if let Some(failure) = &stamps.failure {
        return failure.clone();
    }
    let stage = stamps.stage();
    let sources: Vec<_> = sources(error).collect();
    // Where one io error wraps another, the inner one knows the kind.
    let io = sources
        .iter()
        .rev()
        .filter_map(|source| source.downcast_ref::<io::Error>())
        .find(|error| error.kind() != ErrorKind::Other);
    let hyper = sources.iter().find_map(|source| source.downcast_ref::<hyper::Error>());
    let reason = match (io, hyper) {
        // A TLS 1.3 server refuses a client's certificate after the handshake.
        _ if sources.iter().any(|source| source.is::<rustls::Error>()) => {
            FailureReason::TlsHandshake
        }
        (Some(io), _) => of_io(io, stage),
        // The proxy could be reached; that it is a proxy's word is all that its errors say.
        _ if proxied && stage == Stage::Connect => FailureReason::ProxyRefused,
        (None, Some(hyper)) if hyper.is_parse() => FailureReason::MalformedHttp,
        (None, Some(hyper))
            if hyper.is_incomplete_message() || hyper.is_closed() || hyper.is_canceled() =>
        {
            FailureReason::ConnectionClosed
        }
        _ => of_stage(stage, error),
    };
    // The innermost error knows most.
    let cause = sources.last().map(ToString::to_string).unwrap_or_default();
    // HTTP/2 appends what the server wrote into its farewell.
    let cause = cause.split(" (b\"").next().unwrap_or_default();
    Failure::plain(reason, format!("{stage}: {cause}"))
}

fn of_io(error: &io::Error, stage: Stage) -> FailureReason {
    match error.kind() {
        ErrorKind::ConnectionRefused => FailureReason::ConnectionRefused,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => FailureReason::ConnectionClosed,
        // The last one is how a local firewall answers.
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::TimedOut
        | ErrorKind::PermissionDenied => FailureReason::NetworkUnreachable,
        // How hyper speaks of chunks that are none.
        ErrorKind::InvalidData | ErrorKind::InvalidInput
            if matches!(stage, Stage::Processing | Stage::Transfer) =>
        {
            FailureReason::MalformedHttp
        }
        // No socket could be had, as when too many files are open.
        _ if stage == Stage::Connect && error.raw_os_error().is_some() => FailureReason::Internal,
        _ => match stage {
            Stage::Resolve => FailureReason::Dns,
            Stage::Connect | Stage::Tls => FailureReason::TlsHandshake,
            Stage::Processing | Stage::Transfer => FailureReason::ConnectionClosed,
        },
    }
}

/// What is left says nothing of itself but where it happened.
fn of_stage(stage: Stage, error: &reqwest::Error) -> FailureReason {
    match stage {
        Stage::Resolve => FailureReason::Dns,
        // The name of the host is none that a certificate could have.
        Stage::Connect | Stage::Tls => FailureReason::TlsHandshake,
        // HTTP/2: "received" is what the peer sent to end it, "detected" is what it did wrong.
        Stage::Processing | Stage::Transfer => {
            let received =
                sources(error).any(|source| source.to_string().contains("error received"));
            if received { FailureReason::ConnectionClosed } else { FailureReason::MalformedHttp }
        }
    }
}

/// The error and its causes, outermost first, through io errors that wrap.
fn sources<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// Why a certificate was refused.
///
/// When several things are wrong, the verifier names the one nearest to the leaf: it looks at
/// the validity of each certificate before it asks who issued it, and at the host name last.
/// So an expired leaf, or an expired issuer of it, is `certificate_expired` even where the
/// root is unknown as well, and renewing is the first thing to do; but an expired
/// certificate that only lies beside the path (an old cross-signature) does not hide that
/// the root is unknown.
pub(super) fn of_certificate(error: &rustls::Error, chain: &PeerChain, now: i64) -> Failure {
    let rustls::Error::InvalidCertificate(error) = error else {
        return Failure::new(FailureReason::CertificateInvalid, error.to_string());
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Failure::new(
            FailureReason::CertificateExpired,
            first(chain, |certificate| certificate.not_after < now).map_or_else(
                || error.to_string(),
                |found| format!("{:?} expired on {}", found.subject, date(found.not_after)),
            ),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Failure::new(
                FailureReason::CertificateNotYetValid,
                first(chain, |certificate| certificate.not_before > now).map_or_else(
                    || error.to_string(),
                    |found| format!("{:?} is valid from {}", found.subject, date(found.not_before)),
                ),
            )
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let leaf = chain.presented.first();
            let names = leaf.map(|leaf| leaf.alternative_names.join(", ")).unwrap_or_default();
            Failure::new(
                FailureReason::CertificateNameMismatch,
                if names.is_empty() {
                    "the certificate has no subjectAltName".into()
                } else {
                    format!("the certificate is for {names}")
                },
            )
        }
        CertificateError::UnknownIssuer => untrusted(chain),
        // A certificate that was issued by itself and calls itself a CA, as `openssl req -x509`
        // makes them: nobody vouches for it.
        CertificateError::Other(_) if is_self_issued(chain) => untrusted(chain),
        // Nobody vouches either, where the issuer has only the name of one that is trusted.
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            let failure = untrusted(chain);
            let why = "a signature is by another key than that of the issuer of its name, or by one \
                       that is too short, as RSA below 2048 bits";
            Failure { detail: format!("{}: {why}", failure.detail), ..failure }
        }
        _ => Failure::new(FailureReason::CertificateInvalid, error.to_string()),
    }
}

/// The server did not sign the handshake as the key of its certificate signs.
pub(super) fn of_signature(error: &rustls::Error) -> Failure {
    Failure::new(
        FailureReason::CertificateInvalid,
        format!(
            "the handshake is signed with another key than that of the certificate, or with one \
             that is too short, as RSA below 2048 bits: {error}"
        ),
    )
}

fn first(chain: &PeerChain, wanted: impl Fn(&Certificate) -> bool) -> Option<&Certificate> {
    chain.presented.iter().map(Arc::as_ref).find(|certificate| wanted(certificate))
}

fn is_self_issued(chain: &PeerChain) -> bool {
    chain.presented.first().is_some_and(|leaf| leaf.subject == leaf.issuer)
}

fn untrusted(chain: &PeerChain) -> Failure {
    let detail = match chain.presented.first() {
        Some(_) if is_self_issued(chain) => "the certificate was issued by itself".to_owned(),
        Some(leaf) => format!(
            "the chain ends with issuer {:?}, which is not trusted",
            last_issuer(leaf, chain)
        ),
        None => "no certificate of the chain can be read".to_owned(),
    };
    Failure::new(FailureReason::CertificateUntrusted, detail)
}

/// The issuer at which the way from the leaf through the presented certificates ends.
fn last_issuer<'c>(leaf: &'c Certificate, chain: &'c PeerChain) -> &'c str {
    let mut end = leaf;
    // Certificates may issue each other: no more steps than there are certificates.
    for _ in &chain.presented {
        match first(chain, |next| next.subject == end.issuer && next != end) {
            Some(next) => end = next,
            None => break,
        }
    }
    &end.issuer
}

fn date(unix_seconds: i64) -> String {
    let after = Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH
        .checked_add(after)
        // The format ends with the year 9999, as certificates do.
        .filter(|_| unix_seconds < 253_402_300_800)
        .map_or_else(|| "a far day".into(), httpdate::fmt_http_date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_operating_system_are_told_apart() {
        use FailureReason::{ConnectionClosed, ConnectionRefused, Internal, NetworkUnreachable};
        for (number, name, reason) in [
            (111, "ECONNREFUSED", ConnectionRefused),
            (104, "ECONNRESET", ConnectionClosed),
            (32, "EPIPE", ConnectionClosed),
            (113, "EHOSTUNREACH", NetworkUnreachable),
            (101, "ENETUNREACH", NetworkUnreachable),
            (110, "ETIMEDOUT", NetworkUnreachable),
            (13, "EACCES", NetworkUnreachable),
            (24, "EMFILE", Internal),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(of_io(&error, Stage::Connect), reason, "{name}");
        }
    }

    #[test]
    fn dates_are_for_people() {
        assert_eq!(date(1_577_836_800), "Wed, 01 Jan 2020 00:00:00 GMT");
        assert_eq!(date(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(i64::MAX), "a far day");
    }
}
