//! TLS of the exporter's own port.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::file::{ClientAuth, Curve, Tls, Version};
use super::seen::Seen;
use crate::settings;

type Error = settings::Error;

/// Cipher suites of Go for TLS 1.2 that rustls does not speak: without authentication of the data
/// before its decryption, or without forward secrecy.
const NOT_SPOKEN: [&str; 8] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Builds the configuration, with the files that stand in it relative to `folder`. What is
/// allowed but deserves a word goes to `warnings`.
pub(super) fn build(
    tls: &Tls,
    http2: bool,
    folder: &Path,
    seen: &mut Seen,
    warnings: &mut Vec<String>,
) -> Result<Arc<ServerConfig>, Error> {
    let at = settings::Path::default().key("tls_server_config");
    let mut files = Files { folder, seen, at: &at };
    let chain = files.one_of("cert", tls.cert.as_ref(), tls.cert_file.as_ref())?;
    let key = files.one_of("key", tls.key.as_ref(), tls.key_file.as_ref())?;
    let ca = files.optional("client_ca", tls.client_ca.as_ref(), tls.client_ca_file.as_ref())?;

    let versions = versions(tls, &at, warnings)?;
    let provider = Arc::new(CryptoProvider {
        cipher_suites: cipher_suites(tls, &versions, &at, warnings)?,
        kx_groups: kx_groups(tls, &at)?,
        ..aws_lc_rs::default_provider()
    });
    let clients = client_verifier(tls, ca, &provider, &at, warnings)?;
    let Pem { field, text } = chain;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| at.key(field).error("holds no PEM certificate that can be read"))?;
    let Pem { field, text } = key;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let what = "holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted)";
        at.key(field).error(what)
    })?;

    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| at.error(format!("cannot be set up: {error}")))?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        let at = at.key(field);
        match error {
            rustls::Error::InconsistentKeys(_) => at.error("is not the key of the certificate"),
            rustls::Error::InvalidCertificate(_) => at.error("stands beside a certificate that cannot be read"),
            _ => at.error("is a key that TLS cannot sign with: RSA, P-256, P-384, P-521 and Ed25519 can be used"),
        }
    })?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    // A resumed session shows no certificate: who lost his would stay.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// PEM, and the field that it comes from.
struct Pem {
    field: &'static str,
    text: Vec<u8>,
}

/// Reads what stands in the file or in files beside it.
struct Files<'a> {
    folder: &'a Path,
    seen: &'a mut Seen,
    at: &'a settings::Path,
}

impl Files<'_> {
    fn one_of(
        &mut self,
        field: &'static str,
        inline: Option<&String>,
        file: Option<&std::path::PathBuf>,
    ) -> Result<Pem, Error> {
        let pem = self.optional(field, inline, file)?;
        pem.ok_or_else(|| self.at.error(format!("needs {field}_file (or {field})")))
    }

    fn optional(
        &mut self,
        field: &'static str,
        inline: Option<&String>,
        file: Option<&std::path::PathBuf>,
    ) -> Result<Option<Pem>, Error> {
        let file_field = match field {
            "cert" => "cert_file",
            "key" => "key_file",
            _ => "client_ca_file",
        };
        // The toolkit takes an empty text for none.
        let inline = inline.filter(|text| !text.is_empty());
        let file = file.filter(|path| !path.as_os_str().is_empty());
        match (inline, file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(self.at.key(field).error(format!("stands beside {file_field}: give one")))
            }
            (Some(text), None) => Ok(Some(Pem { field, text: text.clone().into_bytes() })),
            (None, Some(path)) => {
                let path = self.folder.join(path);
                let text = self.seen.read(&path).map_err(|error| {
                    let message = format!("cannot read {}: {error}", path.display());
                    self.at.key(file_field).error(message)
                })?;
                Ok(Some(Pem { field: file_field, text }))
            }
        }
    }
}

fn versions(
    tls: &Tls,
    at: &settings::Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
    let min = tls.min_version.unwrap_or(Version::Tls12);
    let max = tls.max_version.unwrap_or(Version::Tls13);
    if max < Version::Tls12 {
        return Err(at.key("max_version").error("is older than TLS12: nothing could be spoken"));
    }
    if max < min {
        return Err(at.key("max_version").error("is older than min_version"));
    }
    if min < Version::Tls12 {
        warnings
            .push("tls_server_config.min_version: nothing older than TLS12 is spoken".to_owned());
    }
    let spoken = [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)];
    let spoken = spoken.into_iter().filter(|(version, _)| (min..=max).contains(version));
    Ok(spoken.map(|(_, version)| version).collect())
}

/// The list chooses among the suites of TLS 1.2, as in Go: those of 1.3 are always there.
fn cipher_suites(
    tls: &Tls,
    versions: &[&SupportedProtocolVersion],
    at: &settings::Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, Error> {
    let names = tls.cipher_suites.as_deref().unwrap_or_default();
    if names.is_empty() {
        return Ok(aws_lc_rs::DEFAULT_CIPHER_SUITES.to_vec());
    }
    let at = at.key("cipher_suites");
    let is_modern = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    let (modern, older): (Vec<_>, Vec<_>) =
        aws_lc_rs::ALL_CIPHER_SUITES.iter().copied().partition(is_modern);
    let mut chosen = modern.clone();
    for (index, name) in names.iter().enumerate() {
        let is_it = |suite: &&SupportedCipherSuite| go_name(suite) == *name;
        if let Some(suite) = older.iter().find(is_it) {
            chosen.push(*suite);
        } else if NOT_SPOKEN.contains(&name.as_str()) {
            warnings.push(format!("tls_server_config.cipher_suites: {name} is not spoken"));
        } else if !modern.iter().any(|suite| is_it(&suite)) {
            return Err(at.index(index).error("is no cipher suite that is known"));
        }
    }
    if versions.iter().all(|version| **version == TLS12) && chosen.len() == modern.len() {
        return Err(at.error("names no suite of TLS12 that is spoken"));
    }
    Ok(chosen)
}

/// The suite as Go and IANA write it.
fn go_name(suite: &SupportedCipherSuite) -> String {
    let name = format!("{:?}", suite.suite());
    name.replace("TLS13_", "TLS_")
}

fn kx_groups(tls: &Tls, at: &settings::Path) -> Result<Vec<&'static dyn SupportedKxGroup>, Error> {
    let curves = tls.curve_preferences.as_deref().unwrap_or_default();
    if curves.is_empty() {
        return Ok(aws_lc_rs::DEFAULT_KX_GROUPS.to_vec());
    }
    let at = at.key("curve_preferences");
    curves
        .iter()
        .enumerate()
        .map(|(index, curve)| match curve {
            Curve::X25519 => Ok(aws_lc_rs::kx_group::X25519),
            Curve::CurveP256 => Ok(aws_lc_rs::kx_group::SECP256R1),
            Curve::CurveP384 => Ok(aws_lc_rs::kx_group::SECP384R1),
            Curve::X25519MLKEM768 => Ok(aws_lc_rs::kx_group::X25519MLKEM768),
            Curve::CurveP521 => Err(at.index(index).error("is not spoken here")),
        })
        .collect()
}

fn client_verifier(
    tls: &Tls,
    ca: Option<Pem>,
    provider: &Arc<CryptoProvider>,
    at: &settings::Path,
    warnings: &mut Vec<String>,
) -> Result<Option<ClientVerifier>, Error> {
    let auth = tls.client_auth_type.unwrap_or_default();
    let mandatory = auth.is_mandatory();
    let verified = matches!(
        auth,
        ClientAuth::VerifyClientCertIfGiven | ClientAuth::RequireAndVerifyClientCert
    );
    if tls.client_allowed_sans.is_some() && !mandatory {
        return Err(at
            .key("client_allowed_sans")
            .error("needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert"));
    }
    if tls.client_allowed_sans.is_some() && !verified {
        warnings.push("tls_server_config.client_allowed_sans: anybody can make a certificate with such a name, and none is verified with this client_auth_type".to_owned());
    }
    if auth == ClientAuth::NoClientCert {
        return match ca {
            None => Ok(None),
            Some(ca) => Err(at.key(ca.field).error("needs a client_auth_type")),
        };
    }
    let issued = match ca {
        Some(ca) if verified => Some(issued_by(&ca, provider, at)?),
        // Go would take everybody's certificate of a public authority.
        None if verified => {
            return Err(at.key("client_auth_type").error("needs client_ca_file (or client_ca)"));
        }
        // As the toolkit has it.
        ca => {
            if let Some(ca) = ca {
                let field = ca.field;
                warnings.push(format!("tls_server_config.{field}: no certificate is verified with this client_auth_type"));
            }
            None
        }
    };
    let allowed_sans = tls.client_allowed_sans.clone();
    Ok(Some(ClientVerifier { mandatory, issued, allowed_sans, provider: provider.clone() }))
}

/// A verifier of certificates that these authorities issued.
fn issued_by(
    ca: &Pem,
    provider: &Arc<CryptoProvider>,
    at: &settings::Path,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let unreadable = || at.key(ca.field).error("holds no PEM certificate that can be read");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&ca.text) {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| unreadable())
}

/// What a client must show.
#[derive(Debug)]
struct ClientVerifier {
    mandatory: bool,
    /// Who must have issued its certificate; without, any will do.
    issued: Option<Arc<dyn ClientCertVerifier>>,
    /// Of which alternative names it must have one.
    allowed_sans: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.issued.as_ref().map_or(&[], |issued| issued.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if let Some(issued) = &self.issued {
            issued.verify_client_cert(end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed_sans {
            let names = alternative_names(end_entity).ok_or(CertificateError::BadEncoding)?;
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// DNS names, mail addresses, IP addresses and URIs, as text.
fn alternative_names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let Some(extension) = certificate.subject_alternative_name().ok()? else {
        return Some(Vec::new());
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(octets) => <[u8; 4]>::try_from(*octets)
            .map(|octets| std::net::Ipv4Addr::from(octets).to_string())
            .or_else(|_| {
                let octets = <[u8; 16]>::try_from(*octets)?;
                Ok::<_, std::array::TryFromSliceError>(std::net::Ipv6Addr::from(octets).to_string())
            })
            .ok(),
        _ => None,
    };
    Some(extension.value.general_names.iter().filter_map(name).collect())
}
