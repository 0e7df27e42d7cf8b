//! From the errors of reqwest, hyper, rustls and the operating system to reasons.

use std::error::Error;
use std::io::ErrorKind;

use rustls::CertificateError;

use super::trace::Stamps;
use crate::report::{Certificate, Failure, FailureReason, PeerChain};

/// Why a request has no answer. `error` is reqwest's, stripped of its URL.
pub(super) fn of_request(error: &reqwest::Error, stamps: &Stamps) -> Failure {
    if let Some(failure) = &stamps.failure {
        return failure.clone();
    }
    if stamps.in_tls() {
        let detail = sources(error)
            .find_map(|source| source.downcast_ref::<rustls::Error>().map(ToString::to_string))
            .or_else(|| deepest(error));
        return Failure::new(
            FailureReason::TlsHandshake,
            detail.unwrap_or_else(|| "the handshake failed".into()),
        );
    }
    let phase = if stamps.is_connected() { "waiting for the answer" } else { "connecting" };
    of_transport(error, phase)
}

/// Why a body could not be read.
pub(super) fn of_body(error: &reqwest::Error) -> Failure {
    of_transport(error, "reading the body")
}

fn of_transport(error: &reqwest::Error, phase: &str) -> Failure {
    let hyper = sources(error).find_map(|source| source.downcast_ref::<hyper::Error>());
    let io = sources(error).find_map(io_kind);
    let reason = match (hyper, io) {
        (Some(hyper), _) if hyper.is_parse() || hyper.is_parse_too_large() => {
            FailureReason::MalformedHttp
        }
        (Some(hyper), _) if hyper.is_incomplete_message() => FailureReason::ConnectionClosed,
        (_, Some(ErrorKind::ConnectionRefused)) => FailureReason::ConnectionRefused,
        (
            _,
            Some(
                ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable
                | ErrorKind::TimedOut
                | ErrorKind::PermissionDenied,
            ),
        ) => FailureReason::NetworkUnreachable,
        (
            _,
            Some(
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof,
            ),
        ) => FailureReason::ConnectionClosed,
        // What does not inflate, and what HTTP/2 forbids.
        _ if error.is_decode() => FailureReason::MalformedHttp,
        (Some(hyper), _) if hyper.is_closed() || hyper.is_canceled() => {
            FailureReason::ConnectionClosed
        }
        (_, Some(ErrorKind::InvalidData | ErrorKind::InvalidInput)) => FailureReason::MalformedHttp,
        _ if error.is_connect() => FailureReason::NetworkUnreachable,
        _ => FailureReason::ConnectionClosed,
    };
    let cause = deepest(error).unwrap_or_default();
    Failure::new(reason, format!("{phase}: {cause}"))
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind)
        // An io::Error may wrap another; the outer one then says nothing.
        .filter(|kind| *kind != ErrorKind::Other)
}

/// The error and its causes, outermost first, through io errors that wrap.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The text of the innermost cause. The libraries put no URL and no header into it.
fn deepest(error: &reqwest::Error) -> Option<String> {
    sources(error).skip(1).last().map(ToString::to_string)
}

/// Why a certificate was refused. Of a chain that is both expired and untrusted the
/// expiry is reported: renewing it is the first thing to do either way.
pub(super) fn of_certificate(error: &rustls::Error, chain: &PeerChain, now: i64) -> Failure {
    let expired = chain.presented.iter().find(|certificate| certificate.not_after < now);
    let early = chain.presented.iter().find(|certificate| certificate.not_before > now);
    let rustls::Error::InvalidCertificate(error) = error else {
        return Failure::new(FailureReason::CertificateInvalid, error.to_string());
    };
    let untrusted = || {
        let issuer = chain.presented.last().map_or("nobody", |last| last.issuer.as_str());
        Failure::new(
            FailureReason::CertificateUntrusted,
            format!("no trusted root for a chain that ends with issuer {issuer:?}"),
        )
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            of_expired(expired, error)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Failure::new(
            FailureReason::CertificateNotYetValid,
            early.map_or_else(|| error.to_string(), |certificate| {
                format!("{:?} is valid from Unix time {}", certificate.subject, certificate.not_before)
            }),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = chain.presented.first().map(|leaf| leaf.alternative_names.join(", "));
            Failure::new(
                FailureReason::CertificateNameMismatch,
                format!("the certificate is for {}", names.unwrap_or_default()),
            )
        }
        _ if expired.is_some() => of_expired(expired, error),
        CertificateError::UnknownIssuer => untrusted(),
        // A self-signed certificate that calls itself a CA: nobody vouches for it.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            untrusted()
        }
        _ => Failure::new(FailureReason::CertificateInvalid, error.to_string()),
    }
}

fn of_expired(expired: Option<&Certificate>, error: &CertificateError) -> Failure {
    Failure::new(
        FailureReason::CertificateExpired,
        expired.map_or_else(|| error.to_string(), |certificate| {
            format!("{:?} expired at Unix time {}", certificate.subject, certificate.not_after)
        }),
    )
}
