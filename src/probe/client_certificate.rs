//! The certificate with which the exporter proves itself, read again when its files changed.

use std::path::PathBuf;
use std::sync::Arc;

use crate::net::{ClientIdentity, IdentityError};
use crate::secret::{Last, Secret, SecretText, Unavailable};

/// The files of a client certificate.
#[derive(Debug, Clone)]
pub struct ClientCertificate(Arc<Files>);

#[derive(Debug)]
struct Files {
    /// Name of the certificate's file, without its folders.
    name: String,
    certificate: Secret,
    key: Secret,
    identity: Last<ClientIdentity>,
}

/// Why there is no client certificate to be had.
#[derive(Debug, thiserror::Error)]
pub enum ClientCertificateError {
    /// A file cannot be read.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The files do not hold what they should.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl ClientCertificate {
    /// A certificate in these files.
    #[must_use]
    pub fn new(certificate: PathBuf, key: Secret) -> Self {
        let name = certificate.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let certificate = Secret::File(certificate);
        Self(Arc::new(Files { name, certificate, key, identity: Last::default() }))
    }

    /// Name of the certificate's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its private key.
    #[must_use]
    pub fn key(&self) -> &Secret {
        &self.0.key
    }

    /// What the file of the certificate holds now, with this key.
    ///
    /// # Errors
    /// When it cannot be read, or they are no certificate and its key.
    pub async fn read(
        &self,
        key: &SecretText,
    ) -> Result<Arc<ClientIdentity>, ClientCertificateError> {
        self.parse(&self.0.certificate.read().await?, key)
    }

    /// The same on this thread: for the load of a configuration.
    ///
    /// # Errors
    /// As [`ClientCertificate::read`].
    pub fn read_blocking(&self) -> Result<Arc<ClientIdentity>, ClientCertificateError> {
        self.parse(&self.0.certificate.read_blocking()?, &self.0.key.read_blocking()?)
    }

    fn parse(
        &self,
        certificate: &SecretText,
        key: &SecretText,
    ) -> Result<Arc<ClientIdentity>, ClientCertificateError> {
        // Both together, so that a change of either is seen.
        let both = format!("{}\n{}", certificate.expose(), key.expose()).into();
        Ok(self
            .0
            .identity
            .of(&both, |_| ClientIdentity::from_pem(certificate.expose(), key.expose()))?)
    }
}
