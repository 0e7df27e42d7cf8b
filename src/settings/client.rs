//! The `client` block: who asks for a token and how it proves itself.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Error, ExpiresAt, Path};
use crate::protocol::jose::{Algorithm, KeyError, KeyKind, SigningKey};
use crate::secret::{Parsed, Secret, SecretFile};

/// Client authentication methods of RFC 6749 §2.3, OpenID Connect Core §9 and RFC 8705 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic with form-encoded id and secret (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// Id and secret in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A JWT under an HMAC of the secret (OpenID Connect Core §9).
    ClientSecretJwt,
    /// A JWT signed with a private key (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A client certificate that a CA vouches for (RFC 8705 §2.1).
    TlsClientAuth,
    /// A client certificate that the provider knows (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// A public client: the id alone.
    None,
}

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    id: String,
    auth: Option<ClientAuth>,
    secret: Option<Secret>,
    secret_file: Option<SecretFile>,
    key_file: Option<SecretFile>,
    key_id: Option<String>,
    alg: Option<String>,
    assertion_audience: Option<String>,
    expires_at: Option<ExpiresAt>,
}

/// A client whose method has what it needs.
#[derive(Debug)]
pub struct Client {
    /// `client_id`
    pub id: String,
    /// How it proves itself.
    pub authentication: Authentication,
    /// When its credential ends, as the configuration declares it.
    pub expires_at: Option<ExpiresAt>,
}

/// How a client proves itself, with what it needs for that.
#[derive(Debug)]
pub enum Authentication {
    /// `client_secret_basic`
    Basic(Secret),
    /// `client_secret_post`
    Post(Secret),
    /// `client_secret_jwt` and `private_key_jwt`
    Assertion(Assertion),
    /// `tls_client_auth` and `self_signed_tls_client_auth`: the handshake proves it.
    Certificate,
    /// `none`
    Public,
}

/// How a client's assertions are made.
#[derive(Debug)]
pub struct Assertion {
    /// The key: the secret, or a private key in PEM.
    pub key: Parsed<SigningKey>,
    /// Whom the assertion is for.
    pub audience: Audience,
    /// `kid` of its header.
    pub key_id: Option<String>,
}

/// The `aud` of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The URL of the token endpoint (RFC 7523 §3).
    TokenEndpoint,
    /// The issuer, that is the target.
    Issuer,
    /// This text.
    Other(String),
}

fn signing_key(text: &str, algorithm: Option<Algorithm>) -> Result<SigningKey, KeyError> {
    match algorithm {
        Some(algorithm) if algorithm.key_kind() == KeyKind::Secret => {
            SigningKey::from_secret(text.as_bytes(), algorithm)
                .ok_or(KeyError::NeedsSecret(algorithm))
        }
        algorithm => SigningKey::from_pem(text, algorithm),
    }
}

impl ClientSettings {
    /// The client. A private key is read, so that one that does not fit is found at load.
    ///
    /// # Errors
    /// When the id is empty, the method lacks what it needs, or has no use for what it is
    /// given. `client_certificate` says whether `http.tls_config` has one.
    pub fn compile(self, client_certificate: bool, at: &Path) -> Result<Client, Error> {
        if self.id.is_empty() {
            return Err(at.key("id").error("is empty"));
        }
        let auth = self.auth.unwrap_or_default();
        let secret = one_secret(self.secret, self.secret_file, at, "secret")?;
        let signs = matches!(auth, ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt);
        for (field, given) in [
            ("key_id", self.key_id.is_some()),
            ("alg", self.alg.is_some()),
            ("assertion_audience", self.assertion_audience.is_some()),
        ] {
            if given && !signs {
                return Err(at
                    .key(field)
                    .error("means nothing but for client_secret_jwt and private_key_jwt"));
            }
        }
        if self.key_file.is_some() && auth != ClientAuth::PrivateKeyJwt {
            return Err(at.key("key_file").error(
                "means nothing but for private_key_jwt; the certificate's key is http.tls_config.key_file",
            ));
        }
        let algorithm = self.alg.map(|name| algorithm(&name, &at.key("alg"))).transpose()?;
        let audience = match self.assertion_audience.as_deref() {
            None | Some("token_endpoint") => Audience::TokenEndpoint,
            Some("issuer") => Audience::Issuer,
            Some("") => return Err(at.key("assertion_audience").error("is empty")),
            Some(other) => Audience::Other(other.to_owned()),
        };
        let assertion = |source: Secret, algorithm| Assertion {
            key: Parsed::secret(source, move |text| signing_key(text, algorithm)),
            audience,
            key_id: self.key_id,
        };
        let authentication = match (auth, secret) {
            (ClientAuth::ClientSecretBasic, Some(secret)) => Authentication::Basic(secret),
            (ClientAuth::ClientSecretPost, Some(secret)) => Authentication::Post(secret),
            (ClientAuth::ClientSecretJwt, Some(secret)) => {
                let algorithm = algorithm.unwrap_or(Algorithm::Hs256);
                if algorithm.key_kind() != KeyKind::Secret {
                    return Err(at.key("alg").error(
                        "client_secret_jwt signs with HS256, HS384 or HS512 (OpenID Connect Core §9)",
                    ));
                }
                Authentication::Assertion(assertion(secret, Some(algorithm)))
            }
            (
                ClientAuth::ClientSecretBasic
                | ClientAuth::ClientSecretPost
                | ClientAuth::ClientSecretJwt,
                None,
            ) => return Err(at.error("this auth needs secret or secret_file")),
            (_, Some(_)) => {
                return Err(at.error("this auth sends no secret: remove it or choose another auth"));
            }
            // Otherwise the key's text would be the secret of an HMAC.
            (ClientAuth::PrivateKeyJwt, None)
                if algorithm.is_some_and(|algorithm| algorithm.key_kind() == KeyKind::Secret) =>
            {
                return Err(at.key("alg").error(
                    "private_key_jwt signs with a private key, which HS256, HS384 and HS512 do not (OpenID Connect Core §9)",
                ));
            }
            (ClientAuth::PrivateKeyJwt, None) => {
                let key_file =
                    self.key_file.ok_or_else(|| at.error("private_key_jwt needs key_file"))?;
                let assertion = assertion(key_file.into(), algorithm);
                let read = assertion.key.read_blocking();
                read.map_err(|error| at.key("key_file").error(error))?;
                Authentication::Assertion(assertion)
            }
            (ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth, None) => {
                if !client_certificate {
                    return Err(
                        at.error("this auth needs http.tls_config with cert_file and key_file")
                    );
                }
                Authentication::Certificate
            }
            (ClientAuth::None, None) => Authentication::Public,
        };
        Ok(Client { id: self.id, authentication, expires_at: self.expires_at })
    }
}

/// The signature algorithm of this name.
///
/// # Errors
/// For a name that none has.
pub(super) fn algorithm(name: &str, at: &Path) -> Result<Algorithm, Error> {
    Algorithm::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Algorithm::ALL.iter().map(|known| known.as_str()).collect();
        at.error(format!("unknown algorithm, expected one of: {}", names.join(", ")))
    })
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
