//! One HTTP exchange as it went over the wire.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Endpoint, Failure};

/// How long each phase of an exchange took; `None` for one that did not happen,
/// as resolve, connect and tls on a connection that was already open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name resolution.
    pub resolve: Option<Duration>,
    /// TCP connect.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the connection being ready to the response headers.
    pub processing: Option<Duration>,
    /// From the response headers to the end of the body.
    pub transfer: Option<Duration>,
}

/// The HTTP version of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

/// Facts of one X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Distinguished name of the subject, RFC 4514 order as x509-parser prints it.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Serial number in lower-case hexadecimal.
    pub serial: String,
    /// DNS names and addresses of the subjectAltName extension.
    pub alternative_names: Vec<String>,
    /// Start of validity, Unix seconds (RFC 5280 §4.1.2.5).
    pub not_before: i64,
    /// End of validity, Unix seconds.
    pub not_after: i64,
    /// SHA-256 of the DER encoding in lower-case hexadecimal.
    pub fingerprint_sha256: String,
}

/// The certificates that the peer presented, leaf first, also when they were refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerChain {
    /// As presented; a certificate that does not parse is left out.
    pub presented: Vec<Arc<Certificate>>,
    /// Latest expiry among the verified paths: the earliest `not_after` of the
    /// presented chain when it verified, `None` when it did not.
    pub verified_not_after: Option<i64>,
}

/// What was negotiated in a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFacts {
    /// `TLS 1.2` or `TLS 1.3`, as Go and `blackbox_exporter` print it.
    pub version: Option<&'static str>,
    /// Cipher suite as IANA names it.
    pub cipher: Option<&'static str>,
    /// The server asked for a client certificate and got ours.
    pub client_certificate: bool,
}

/// One request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Which endpoint of the provider this was, for its availability.
    pub endpoint: Endpoint,
    /// Request method.
    pub method: String,
    /// Scheme, host, port and path of the URL; never query, fragment or userinfo.
    pub url: String,
    /// Host alone, for the label of its certificate.
    pub host: String,
    /// Whether the connection used TLS.
    pub https: bool,
    /// Whether a credential went over plain http, and not to loopback.
    pub in_clear: bool,
    /// Position in a chain of redirects, 0 for the first request.
    pub hop: usize,
    /// Status of the answer, when there was one.
    pub status: Option<u16>,
    /// HTTP version of the answer.
    pub version: Option<HttpVersion>,
    /// Address that was connected to.
    pub address: Option<IpAddr>,
    /// Time of each phase.
    pub phases: Phases,
    /// From the start of the exchange to its end.
    pub duration: Duration,
    /// Certificates of the connection, also for a connection reused by this exchange.
    pub chain: Option<Arc<PeerChain>>,
    /// Negotiated TLS parameters of the connection.
    pub tls: Option<TlsFacts>,
    /// The `Content-Length` header.
    pub content_length: Option<u64>,
    /// Bytes of the body after decompression, as far as it was read.
    pub body_length: u64,
    /// How long the server wants to be left alone (`Retry-After`), from this answer on.
    pub retry_after: Option<Duration>,
    /// Why there was no usable answer.
    pub failure: Option<Failure>,
}
