//! Signing: a private key that fits its algorithm, and compact JWS (RFC 7515 §7.1).

use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use super::{Algorithm, KeyKind};

/// A private key or secret, with the algorithm that it signs with.
pub struct SigningKey {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Hmac(Box<hmac::Key>),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a text is no key to sign with. Says nothing of the key itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No private key in it.
    #[error("holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted)")]
    NotPem,
    /// A key for something else.
    #[error("holds no {needed}, which {algorithm} signs with (RFC 7518 §3.1)")]
    Misfit {
        /// The configured algorithm.
        algorithm: Algorithm,
        /// The key that it needs.
        needed: &'static str,
    },
    /// A key for no algorithm that there is here.
    #[error(
        "holds no RSA key of 2048 to 8192 bits, no EC key on P-256, P-384, P-521 or secp256k1, and no Ed25519 key"
    )]
    Unknown,
    /// HMAC has no key pair.
    #[error("{0} signs with a secret and not with a private key")]
    NeedsSecret(Algorithm),
}

/// The cryptographic library failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature could not be made")]
pub struct SigningFailed;

/// What the algorithms take when none is configured, the most widely supported one of each kind of key.
const DEFAULTS: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
    Algorithm::Es256K,
];

impl SigningKey {
    /// Reads the first private key of a PEM text. Without an algorithm, it is the one that the
    /// key is made for: RS256 for RSA, that of its curve otherwise.
    ///
    /// # Errors
    /// When there is none, or it does not fit the algorithm.
    pub fn from_pem(pem: &str, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
        match algorithm {
            Some(algorithm) => Self::fit(&der, algorithm),
            None => DEFAULTS
                .into_iter()
                .find_map(|algorithm| Self::fit(&der, algorithm).ok())
                .ok_or(KeyError::Unknown),
        }
    }

    /// A secret for one of the HMAC algorithms; `None` for another algorithm.
    #[must_use]
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Option<Self> {
        let hash = match algorithm {
            Algorithm::Hs256 => hmac::HMAC_SHA256,
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => return None,
        };
        Some(Self { algorithm, key: Key::Hmac(Box::new(hmac::Key::new(hash, secret))) })
    }

    /// The same for a key in DER (PKCS#8).
    ///
    /// # Errors
    /// When it does not fit the algorithm.
    pub fn from_pkcs8(der: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::fit(&PrivateKeyDer::Pkcs8(der.into()), algorithm)
    }

    fn fit(der: &PrivateKeyDer<'_>, algorithm: Algorithm) -> Result<Self, KeyError> {
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let key = match der {
                PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
                other => RsaKeyPair::from_pkcs8(other.secret_der()),
            };
            key.ok().map(|key| Key::Rsa(key, encoding))
        };
        let ec = |curve: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_der(curve, der.secret_der()).ok().map(Key::Ec)
        };
        let (key, needed) = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                return Err(KeyError::NeedsSecret(algorithm));
            }
            Algorithm::Rs256 => (rsa(&RSA_PKCS1_SHA256), RSA_KEY),
            Algorithm::Rs384 => (rsa(&RSA_PKCS1_SHA384), RSA_KEY),
            Algorithm::Rs512 => (rsa(&RSA_PKCS1_SHA512), RSA_KEY),
            Algorithm::Ps256 => (rsa(&RSA_PSS_SHA256), RSA_KEY),
            Algorithm::Ps384 => (rsa(&RSA_PSS_SHA384), RSA_KEY),
            Algorithm::Ps512 => (rsa(&RSA_PSS_SHA512), RSA_KEY),
            Algorithm::Es256 => (ec(&ECDSA_P256_SHA256_FIXED_SIGNING), "EC key on P-256"),
            Algorithm::Es384 => (ec(&ECDSA_P384_SHA384_FIXED_SIGNING), "EC key on P-384"),
            Algorithm::Es512 => (ec(&ECDSA_P521_SHA512_FIXED_SIGNING), "EC key on P-521"),
            Algorithm::Es256K => (ec(&ECDSA_P256K1_SHA256_FIXED_SIGNING), "EC key on secp256k1"),
            Algorithm::EdDsa | Algorithm::Ed25519 => (
                // Version 1 of PKCS#8 has no public key in it, and is what OpenSSL writes.
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_der()).ok().map(Key::Ed25519),
                "Ed25519 key",
            ),
        };
        let key = key.ok_or(KeyError::Misfit { algorithm, needed })?;
        Ok(Self { algorithm, key })
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A compact JWS over the claims. `alg` is set here; `header` holds the other parameters.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(
        &self,
        mut header: serde_json::Map<String, Value>,
        claims: &Value,
        random: &dyn SecureRandom,
    ) -> Result<String, SigningFailed> {
        header.insert("alg".into(), self.algorithm.as_str().into());
        let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let message = format!("{header}.{claims}");
        let signature = self.signature(message.as_bytes(), random)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The signature alone; of ECDSA the two numbers side by side (RFC 7518 §3.4).
    pub(crate) fn signature(
        &self,
        message: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<Vec<u8>, SigningFailed> {
        let bytes = |signature: &signature::Signature| signature.as_ref().to_vec();
        match &self.key {
            Key::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Key::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, random, message, &mut signature).map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            Key::Ec(key) => key.sign(random, message).map(|s| bytes(&s)).map_err(|_| SigningFailed),
            Key::Ed25519(key) => Ok(bytes(&key.sign(message))),
        }
    }

    /// Whether its family is HMAC, so that both sides hold the same secret.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.algorithm.key_kind(), KeyKind::Secret)
    }
}

const RSA_KEY: &str = "RSA key of 2048 to 8192 bits";

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.algorithm)
    }
}
