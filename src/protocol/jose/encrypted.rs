//! Encrypted tokens: compact JWE (RFC 7516 §7.1) that holds a signed JWT (RFC 7519 §11.2), or of
//! userinfo also the claims themselves (OpenID Connect Core §5.3.2).
//!
//! RSA-OAEP, RSA-OAEP-256 and ECDH-ES with the ciphers of RFC 7518 §5. `RSA1_5` is left out: to
//! accept it is to be an oracle for it.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey};
use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::key_wrap::{AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::{cipher, hmac, key_wrap};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value};

use super::jws::{self, decode, nothing_critical, object, object_of};
use super::{Curve, FormatError, Jws};

/// A private key that tokens are encrypted to.
pub struct DecryptionKey(Key);

enum Key {
    Rsa(OaepPrivateDecryptingKey),
    Ec(Curve, agreement::PrivateKey),
}

/// A text holds no key to decrypt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds no private RSA key (PKCS#8) and no private EC key on P-256, P-384 or P-521 in PEM")]
pub struct DecryptionKeyError;

/// Why a token cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptionError {
    /// Its header cannot be read.
    #[error("of the encrypted token: {0}")]
    Format(#[from] FormatError),
    /// A part is not base64url (RFC 7516 §5.2).
    #[error("a part of the encrypted token is not base64url (RFC 7516 §5.2)")]
    Base64,
    /// An algorithm, cipher or extension that is not supported.
    #[error("the encrypted token uses {name} {found:?}, which is not supported")]
    Unsupported {
        /// The header parameter.
        name: &'static str,
        /// Its value.
        found: String,
    },
    /// The configured key is for something else.
    #[error("the configured key is not one for {0:?}")]
    Misfit(String),
    /// The key or the content cannot be decrypted (RFC 7516 §5.2).
    #[error("the token was encrypted to another key, or was changed on its way (RFC 7516 §5.2)")]
    Failed,
    /// Nothing signed is in it, so that anybody may have written it.
    #[error("the encrypted token holds no signed one (RFC 7519 §11.2)")]
    NotSigned,
}

impl DecryptionKey {
    /// The first private key of a PEM text.
    ///
    /// # Errors
    /// When there is none that tokens can be encrypted to.
    pub fn from_pem(pem: &str) -> Result<Self, DecryptionKeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| DecryptionKeyError)?;
        let rsa = PrivateDecryptingKey::from_pkcs8(der.secret_der()).ok();
        if let Some(key) = rsa.and_then(|key| OaepPrivateDecryptingKey::new(key).ok()) {
            return Ok(Self(Key::Rsa(key)));
        }
        [Curve::P256, Curve::P384, Curve::P521]
            .into_iter()
            .find_map(|curve| {
                let algorithm = agreement_on(curve)?;
                let key = agreement::PrivateKey::from_private_key_der(algorithm, der.secret_der());
                Some(Self(Key::Ec(curve, key.ok()?)))
            })
            .ok_or(DecryptionKeyError)
    }

    /// What an encrypted token holds.
    ///
    /// # Errors
    /// When it cannot be decrypted with this key.
    pub fn decrypt(&self, token: &str) -> Result<Decrypted, DecryptionError> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, key, iv, ciphertext, tag] = *parts.as_slice() else {
            return Err(FormatError::Opaque.into());
        };
        let members = object(header, "header")?;
        nothing_critical(&members)?;
        if members.contains_key("zip") {
            return Err(unsupported("zip", &members));
        }
        let bytes = |part| decode(part).ok_or(DecryptionError::Base64);
        let cipher = ContentCipher::of(&members)?;
        let content_key = self.content_key(&members, &bytes(key)?, cipher)?;
        let mut content = bytes(ciphertext)?;
        let (iv, tag) = (bytes(iv)?, bytes(tag)?);
        let plain = cipher
            .decrypt(&content_key, &iv, header.as_bytes(), &mut content, &tag)
            .ok_or(DecryptionError::Failed)?;
        let text = String::from_utf8(plain).map_err(|_| DecryptionError::NotSigned)?;
        Ok(Decrypted { text, says_jwt: says_jwt(&members) })
    }

    /// The key of the content (RFC 7516 §5.2, steps 6 to 11).
    fn content_key(
        &self,
        header: &Map<String, Value>,
        encrypted: &[u8],
        cipher: ContentCipher,
    ) -> Result<Vec<u8>, DecryptionError> {
        let algorithm = text(header, "alg");
        match (&self.0, algorithm) {
            (Key::Rsa(key), "RSA-OAEP" | "RSA-OAEP-256") => {
                let padding = match algorithm {
                    "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
                    _ => &OAEP_SHA256_MGF1SHA256,
                };
                let mut plain = vec![0; key.min_output_size()];
                key.decrypt(padding, encrypted, &mut plain, None)
                    .map(|plain| plain.to_vec())
                    .map_err(|_| DecryptionError::Failed)
            }
            (Key::Ec(curve, key), "ECDH-ES" | "ECDH-ES+A128KW" | "ECDH-ES+A256KW") => {
                let point = ephemeral(header, *curve).ok_or(DecryptionError::Failed)?;
                let (name, length) = match algorithm {
                    "ECDH-ES" => (text(header, "enc"), cipher.key_length()),
                    "ECDH-ES+A128KW" => (algorithm, 16),
                    _ => (algorithm, 32),
                };
                let party = |name| decode(text(header, name)).ok_or(DecryptionError::Base64);
                let (apu, apv) = (party("apu")?, party("apv")?);
                let algorithm_of = agreement_on(*curve).ok_or(DecryptionError::Failed)?;
                let peer = UnparsedPublicKey::new(algorithm_of, point);
                let derived = agreement::agree(key, peer, DecryptionError::Failed, |secret| {
                    Ok(concat_kdf(secret, name, &apu, &apv, length))
                })?;
                let wrapping = match algorithm {
                    "ECDH-ES" => return Ok(derived),
                    "ECDH-ES+A128KW" => &key_wrap::AES_128,
                    _ => &key_wrap::AES_256,
                };
                let mut plain = vec![0; encrypted.len()];
                AesKek::new(wrapping, &derived)
                    .and_then(|kek| kek.unwrap(encrypted, &mut plain).map(|plain| plain.to_vec()))
                    .map_err(|_| DecryptionError::Failed)
            }
            (_, "RSA-OAEP" | "RSA-OAEP-256" | "ECDH-ES" | "ECDH-ES+A128KW" | "ECDH-ES+A256KW") => {
                Err(DecryptionError::Misfit(algorithm.to_owned()))
            }
            _ => Err(unsupported("alg", header)),
        }
    }
}

/// What was encrypted.
pub struct Decrypted {
    text: String,
    /// Whether `cty` says that it is a token, as it must of one (RFC 7519 §5.2).
    pub says_jwt: bool,
}

impl Decrypted {
    /// The text, whatever it is.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signed token in it.
    ///
    /// # Errors
    /// When it is none.
    pub fn signed(&self) -> Result<Jws, DecryptionError> {
        if self.text.split('.').count() != 3 {
            return Err(DecryptionError::NotSigned);
        }
        Ok(Jws::parse(&self.text)?)
    }

    /// The claims, where they were encrypted without a signature (RFC 7519 §7.2, steps 7 and 8);
    /// `None` of a token.
    ///
    /// # Errors
    /// When they are no JSON object without a member twice.
    pub fn claims(&self) -> Option<Result<Map<String, Value>, DecryptionError>> {
        let is_object = self.text.trim_ascii_start().starts_with('{');
        (is_object && !self.says_jwt).then(|| Ok(object_of(self.text.as_bytes(), jws::PAYLOAD)?))
    }
}

/// Keeps the content out of logs and panics.
impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decrypted").field("says_jwt", &self.says_jwt).finish_non_exhaustive()
    }
}

/// `cty` is a media type, whose case and `application/` do not matter (RFC 7515 §4.1.10). Some say
/// what kind of token it is, as `at+jwt`.
fn says_jwt(header: &Map<String, Value>) -> bool {
    let content_type = text(header, "cty").to_ascii_lowercase();
    let content_type = content_type.strip_prefix("application/").unwrap_or(&content_type);
    content_type == "jwt" || content_type.ends_with("+jwt")
}

/// Says what it decrypts, and nothing of the key.
impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Key::Rsa(_) => "DecryptionKey(RSA)",
            Key::Ec(..) => "DecryptionKey(EC)",
        })
    }
}

fn unsupported(name: &'static str, header: &Map<String, Value>) -> DecryptionError {
    let found = header.get(name).map_or_else(String::new, ToString::to_string);
    DecryptionError::Unsupported { name, found: found.trim_matches('"').to_owned() }
}

fn text<'a>(header: &'a Map<String, Value>, name: &str) -> &'a str {
    header.get(name).and_then(Value::as_str).unwrap_or_default()
}

const fn agreement_on(curve: Curve) -> Option<&'static agreement::Algorithm> {
    match curve {
        Curve::P256 => Some(&ECDH_P256),
        Curve::P384 => Some(&ECDH_P384),
        Curve::P521 => Some(&ECDH_P521),
        Curve::Secp256k1 => None,
    }
}

/// The sender's key for this one token, `epk` (RFC 7518 §4.6.1.1), as a point.
fn ephemeral(header: &Map<String, Value>, curve: Curve) -> Option<Vec<u8>> {
    let key = header.get("epk")?.as_object()?;
    if text(key, "kty") != "EC" || Curve::from_name(text(key, "crv")) != Some(curve) {
        return None;
    }
    curve.point(&decode(text(key, "x"))?, &decode(text(key, "y"))?)
}

/// The key derivation of RFC 7518 §4.6.2, with SHA-256.
fn concat_kdf(secret: &[u8], algorithm: &str, apu: &[u8], apv: &[u8], length: usize) -> Vec<u8> {
    let count = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut key = Vec::new();
    let mut round = 1;
    while key.len() < length {
        let mut hash = Context::new(&SHA256);
        hash.update(&count(round));
        hash.update(secret);
        for part in [algorithm.as_bytes(), apu, apv] {
            hash.update(&count(part.len()));
            hash.update(part);
        }
        hash.update(&count(length * 8));
        key.extend_from_slice(hash.finish().as_ref());
        round += 1;
    }
    key.truncate(length);
    key
}

/// How the content is encrypted (RFC 7518 §5).
#[derive(Clone, Copy)]
enum ContentCipher {
    A128Gcm,
    A256Gcm,
    A128CbcHs256,
    A256CbcHs512,
}

impl ContentCipher {
    fn of(header: &Map<String, Value>) -> Result<Self, DecryptionError> {
        Ok(match text(header, "enc") {
            "A128GCM" => Self::A128Gcm,
            "A256GCM" => Self::A256Gcm,
            "A128CBC-HS256" => Self::A128CbcHs256,
            "A256CBC-HS512" => Self::A256CbcHs512,
            _ => return Err(unsupported("enc", header)),
        })
    }

    const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        aad: &[u8],
        content: &mut Vec<u8>,
        tag: &[u8],
    ) -> Option<Vec<u8>> {
        if key.len() != self.key_length() {
            return None;
        }
        match self {
            Self::A128Gcm => gcm(&aead::AES_128_GCM, key, iv, aad, content, tag),
            Self::A256Gcm => gcm(&aead::AES_256_GCM, key, iv, aad, content, tag),
            Self::A128CbcHs256 => {
                cbc(&cipher::AES_128, hmac::HMAC_SHA256, key, iv, aad, content, tag)
            }
            Self::A256CbcHs512 => {
                cbc(&cipher::AES_256, hmac::HMAC_SHA512, key, iv, aad, content, tag)
            }
        }
    }
}

fn gcm(
    algorithm: &'static aead::Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    content: &mut Vec<u8>,
    tag: &[u8],
) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    if tag.len() != algorithm.tag_len() {
        return None;
    }
    content.extend_from_slice(tag);
    key.open_in_place(nonce, Aad::from(aad), content).ok().map(|plain| plain.to_vec())
}

/// AES in CBC mode under an HMAC of half its length (RFC 7518 §5.2.2.2).
fn cbc(
    algorithm: &'static cipher::Algorithm,
    mac: hmac::Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    content: &mut [u8],
    tag: &[u8],
) -> Option<Vec<u8>> {
    let (mac_key, cipher_key) = key.split_at_checked(key.len() / 2)?;
    let bits = u64::try_from(aad.len()).ok()?.checked_mul(8)?;
    let mut computed = hmac::Context::with_key(&hmac::Key::new(mac, mac_key));
    for part in [aad, iv, &*content, &bits.to_be_bytes()] {
        computed.update(part);
    }
    let computed = computed.sign();
    let computed = computed.as_ref().get(..mac_key.len())?;
    verify_slices_are_equal(computed, tag).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    let key =
        PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, cipher_key).ok()?)
            .ok()?;
    key.decrypt(content, DecryptionContext::Iv128(iv.into())).ok().map(|plain| plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_derivation_of_rfc_7518() {
        // RFC 7518 appendix C
        let secret = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49,
            110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let key = concat_kdf(&secret, "A128GCM", b"Alice", b"Bob", 16);
        assert_eq!(key, [86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26]);
    }

    #[test]
    fn a_long_key_takes_two_rounds() {
        let key = concat_kdf(b"secret", "A256CBC-HS512", b"", b"", 64);
        assert_eq!(key.len(), 64);
        assert_ne!(key[..32], key[32..]);
    }

    #[test]
    fn what_was_encrypted_is_a_token_or_claims() {
        let decrypted = |text: &str, cty: &str| {
            let header = serde_json::json!({ "cty": cty });
            let says_jwt = says_jwt(header.as_object().expect("an object"));
            Decrypted { text: text.to_owned(), says_jwt }
        };
        let token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
        for (text, cty, says_jwt, is_signed, claims) in [
            (token, "JWT", true, true, None),
            (token, "application/jwt", true, true, None),
            (token, "at+jwt", true, true, None),
            (token, "", false, true, None),
            (r#"{"sub": "ada"}"#, "", false, false, Some(true)),
            (" {}", "json", false, false, Some(true)),
            (r#"{"sub": "ada", "sub": "eve"}"#, "", false, false, Some(false)),
            (r#"{"sub": "#, "", false, false, Some(false)),
            // It says that somebody signed it.
            (r#"{"sub": "ada"}"#, "JWT", true, false, None),
            ("", "", false, false, None),
        ] {
            let decrypted = decrypted(text, cty);
            assert_eq!(decrypted.says_jwt, says_jwt, "{text} {cty}");
            assert_eq!(decrypted.signed().is_ok(), is_signed, "{text} {cty}");
            assert_eq!(decrypted.claims().map(|claims| claims.is_ok()), claims, "{text} {cty}");
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        use base64::Engine;
        let pem = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        let key = DecryptionKey::from_pem(&pem).expect("a key");
        let error = |header: &str| {
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
            key.decrypt(&format!("{header}.AA.AA.AA.AA")).expect_err(&header).to_string()
        };
        assert_eq!(
            error(r#"{"alg": "RSA1_5", "enc": "A128GCM"}"#),
            r#"the encrypted token uses alg "RSA1_5", which is not supported"#
        );
        assert_eq!(
            error(r#"{"alg": "ECDH-ES", "enc": "A192GCM"}"#),
            r#"the encrypted token uses enc "A192GCM", which is not supported"#
        );
        assert_eq!(
            error(r#"{"alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF"}"#),
            r#"the encrypted token uses zip "DEF", which is not supported"#
        );
        assert_eq!(
            error(r#"{"alg": "ECDH-ES", "enc": "A128GCM", "crit": ["exp"]}"#),
            "of the encrypted token: the header asks for an extension that is not understood, \"exp\" (RFC 7515 §4.1.11)"
        );
        assert_eq!(
            error(r#"{"alg": "ECDH-ES", "enc": "A128GCM", "crit": []}"#),
            "of the encrypted token: the header parameter crit is no list of names (RFC 7515 §4.1)"
        );
        assert_eq!(
            error(r#"{"alg": "RSA-OAEP", "enc": "A128GCM"}"#),
            r#"the configured key is not one for "RSA-OAEP""#
        );
        assert_eq!(
            error(r#"{"alg": "ECDH-ES", "enc": "A128GCM"}"#),
            "the token was encrypted to another key, or was changed on its way (RFC 7516 §5.2)"
        );
        assert_eq!(DecryptionKey::from_pem("no key").err(), Some(DecryptionKeyError));
    }
}
