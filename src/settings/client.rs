//! The `client` block: who asks for a token and how it proves itself.

use serde::{Deserialize, Serialize};

use super::{Error, Path};
use crate::secret::{Secret, SecretFile};

/// Client authentication methods of RFC 6749 §2.3 and OpenID Connect Core §9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic with form-encoded id and secret (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// Id and secret in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A public client: the id alone.
    None,
}

/// The block as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    id: String,
    auth: Option<ClientAuth>,
    secret: Option<Secret>,
    secret_file: Option<SecretFile>,
}

/// A client whose method has what it needs.
#[derive(Debug, Clone)]
pub enum Client {
    /// `client_secret_basic`
    Basic {
        /// `client_id`
        id: String,
        /// `client_secret`
        secret: Secret,
    },
    /// `client_secret_post`
    Post {
        /// `client_id`
        id: String,
        /// `client_secret`
        secret: Secret,
    },
    /// `none`
    Public {
        /// `client_id`
        id: String,
    },
}

impl ClientSettings {
    /// The client.
    ///
    /// # Errors
    /// When id or secret are missing or empty, or the method has no use for the secret.
    pub fn compile(self, at: &Path) -> Result<Client, Error> {
        let id = self.id;
        if id.is_empty() {
            return Err(at.key("id").error("is empty"));
        }
        let secret = one_secret(self.secret, self.secret_file, at, "secret")?;
        match (self.auth.unwrap_or_default(), secret) {
            (ClientAuth::ClientSecretBasic, Some(secret)) => Ok(Client::Basic { id, secret }),
            (ClientAuth::ClientSecretPost, Some(secret)) => Ok(Client::Post { id, secret }),
            (ClientAuth::None, None) => Ok(Client::Public { id }),
            (ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost, None) => {
                Err(at.error("this auth needs secret or secret_file"))
            }
            (ClientAuth::None, Some(_)) => {
                Err(at.error("auth none sends no secret: remove it or choose another auth"))
            }
        }
    }
}

/// A secret field or its `_file` twin.
///
/// # Errors
/// When both are given.
pub fn one_secret(
    inline: Option<Secret>,
    file: Option<SecretFile>,
    at: &Path,
    field: &str,
) -> Result<Option<Secret>, Error> {
    match (inline, file) {
        (Some(_), Some(_)) => {
            Err(at.error(format!("{field} and {field}_file exclude each other: give one")))
        }
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(file)) => Ok(Some(file.into())),
        (None, None) => Ok(None),
    }
}
