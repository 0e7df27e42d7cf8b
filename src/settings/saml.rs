//! What a configuration says of SAML: signatures of metadata, files of certificates, fingerprints.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Error, Path};
use crate::protocol::certificate::{Certificate, CertificateError, fingerprint};
use crate::protocol::saml::metadata::Trust;
use crate::protocol::xml::signature::{Options, PublicKey};
use crate::secret::{PublicFile, Unavailable};

/// A file that holds certificates, in PEM or DER. It is read again on each probe.
#[derive(Debug, Clone)]
pub struct CertificateFile(PublicFile);

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFileError {
    /// It cannot be read.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// It holds something else.
    #[error("{} {problem}", path.display())]
    Content {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: CertificateError,
    },
}

impl CertificateFile {
    /// Checks that the file holds certificates now.
    ///
    /// # Errors
    /// When it does not.
    pub fn compile(file: PublicFile, at: &Path) -> Result<Self, Error> {
        let file = Self(file);
        match file.check() {
            Ok(_) => Ok(file),
            Err(error) => Err(at.error(error.to_string())),
        }
    }

    fn check(&self) -> Result<Vec<Certificate>, CertificateFileError> {
        self.parse(&self.0.read_blocking()?)
    }

    /// The certificates that it holds now, in its order.
    ///
    /// # Errors
    /// When it cannot be read or holds none.
    pub async fn read(&self) -> Result<Vec<Certificate>, CertificateFileError> {
        self.parse(&self.0.read().await?)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<Certificate>, CertificateFileError> {
        let path = || self.0.path().to_owned();
        Certificate::all_in_file(bytes)
            .map_err(|problem| CertificateFileError::Content { path: path(), problem })
    }

    /// Its name without the folder.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.0.path().file_name();
        name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// The `signature` block of metadata as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureSettings {
    certificate_file: PublicFile,
    required: Option<bool>,
    #[serde(default)]
    allow_sha1: bool,
}

/// Whose signature metadata must have.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The certificates of those who sign.
    pub certificates: CertificateFile,
    /// Whether metadata without signature is refused.
    pub required: bool,
    /// Whether SHA-1 is accepted.
    pub allow_sha1: bool,
}

impl SignatureSettings {
    /// The checked block.
    ///
    /// # Errors
    /// When the file holds no certificate with which a signature could be verified.
    pub fn compile(self, at: &Path) -> Result<Signature, Error> {
        let at_file = at.key("certificate_file");
        let certificates = CertificateFile::compile(self.certificate_file, &at_file)?;
        let signature = Signature {
            certificates,
            required: self.required.unwrap_or(true),
            allow_sha1: self.allow_sha1,
        };
        let found = signature.certificates.check();
        if signature.trust(&found.unwrap_or_default()).keys.is_empty() {
            return Err(at_file
                .error("holds no key that can verify a signature: RSA, P-256, P-384 or P-521"));
        }
        Ok(signature)
    }
}

impl Signature {
    /// What the metadata is verified with, with these certificates of the file.
    #[must_use]
    pub fn trust(&self, certificates: &[Certificate]) -> Trust {
        let key =
            |certificate: &Certificate| -> Option<PublicKey> { certificate.public_key().ok() };
        Trust {
            keys: certificates.iter().filter_map(key).collect(),
            options: Options { allow_sha1: self.allow_sha1 },
            required: self.required,
        }
    }
}

/// Fingerprints of the certificates that may sign.
#[derive(Debug, Clone, Default)]
pub struct Pins(Vec<String>);

impl Pins {
    /// Reads fingerprints as people write them.
    ///
    /// # Errors
    /// For what is none of SHA-256.
    pub fn compile(texts: &[String], at: &Path) -> Result<Self, Error> {
        let read = |(index, text): (usize, &String)| {
            fingerprint(text).ok_or_else(|| {
                at.index(index).error(
                    "is no SHA-256 fingerprint: 64 hexadecimal digits, with colons or without",
                )
            })
        };
        Ok(Self(texts.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    /// Whether there are none, so that every certificate may sign.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a certificate is one of them.
    #[must_use]
    pub fn has(&self, certificate: &Certificate) -> bool {
        self.0.contains(&certificate.fingerprint_sha256)
    }
}
