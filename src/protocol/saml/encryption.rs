//! Decrypting encrypted assertions (XML Encryption 1.1, SAML core §6).
//!
//! The key is transported with RSA-OAEP; RSA-PKCS1 v1.5 is refused, for whoever tells failures
//! apart decrypts with it. Every failure after the algorithms are known is one and the same.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::protocol::xml::signature::{DSIG, DigestAlgorithm};
use crate::protocol::xml::{Document, Element, Limits, Node, XmlError, trim};

/// The namespace of XML Encryption 1.0.
pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The namespace of what XML Encryption 1.1 adds.
pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// An RSA key that assertions are encrypted for.
#[derive(Clone)]
pub struct DecryptionKey(PrivateDecryptingKey);

/// The text holds no such key. Says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds no RSA private key of 2048 to 8192 bits in PEM (PKCS#8 or PKCS#1, not encrypted)")]
pub struct DecryptionKeyError;

/// Why nothing was decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptionError {
    /// No key to decrypt with.
    #[error("the assertion is encrypted, and there is no key to decrypt it with")]
    NoKey,
    /// Another shape than XML Encryption has.
    #[error("{0}")]
    Structure(&'static str),
    /// An algorithm that is not supported or not accepted.
    #[error("{element} names the algorithm {uri:?}, which is not accepted")]
    Algorithm {
        /// The element that names it.
        element: &'static str,
        /// Its identifier.
        uri: String,
    },
    /// Hashes of RSA-OAEP that do not go together here: the cryptographic library has one for both.
    #[error(
        "RSA-OAEP with the digest {} and the mask of {} is not supported, though XML Encryption \
         §5.5.2 has it: both hashes have to be the same", digest.uri(), mask.uri()
    )]
    Hashes {
        /// Of the label.
        digest: DigestAlgorithm,
        /// Of the mask generation function.
        mask: DigestAlgorithm,
    },
    /// It is encrypted for another key, or was changed.
    #[error("it is encrypted for another key, or was changed (XML Encryption §4.4)")]
    Failed,
    /// What was encrypted is no element.
    #[error("what was encrypted is refused: {0}")]
    Content(XmlError),
}

impl DecryptionKey {
    /// Reads the first private key of a PEM text.
    ///
    /// # Errors
    /// When there is none that fits.
    pub fn from_pem(pem: &str) -> Result<Self, DecryptionKeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| DecryptionKeyError)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(key) => {
                PrivateDecryptingKey::from_pkcs8(&pkcs8(key.secret_pkcs1_der()))
            }
            other => PrivateDecryptingKey::from_pkcs8(other.secret_der()),
        };
        key.map(Self).map_err(|_| DecryptionKeyError)
    }
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DecryptionKey")
    }
}

/// A key of PKCS#1 in the envelope of PKCS#8 (RFC 5208 §5).
fn pkcs8(pkcs1: &[u8]) -> Vec<u8> {
    const VERSION_AND_RSA: &[u8] = &[
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let wrap = |tag: u8, content: &[u8]| {
        let length = content.len().to_be_bytes();
        let first = length.iter().position(|byte| *byte != 0).unwrap_or(length.len());
        let length = length.get(first..).unwrap_or_default();
        // The long form is fine for every length that a key has.
        let mut der = vec![tag, 0x80 | u8::try_from(length.len()).unwrap_or_default()];
        der.extend_from_slice(length);
        der.extend_from_slice(content);
        der
    };
    wrap(0x30, &[VERSION_AND_RSA, &wrap(0x04, pkcs1)].concat())
}

/// The algorithms that content is encrypted with.
#[derive(Clone, Copy)]
enum Content {
    Cbc(&'static cipher::Algorithm),
    Gcm(&'static aead::Algorithm),
}

fn content_algorithm(uri: &str) -> Option<Content> {
    Some(match uri {
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Content::Cbc(&cipher::AES_128),
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => Content::Cbc(&cipher::AES_192),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Content::Cbc(&cipher::AES_256),
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Content::Gcm(&aead::AES_128_GCM),
        "http://www.w3.org/2009/xmlenc11#aes192-gcm" => Content::Gcm(&aead::AES_192_GCM),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Content::Gcm(&aead::AES_256_GCM),
        _ => return None,
    })
}

/// Decrypts an element such as `EncryptedAssertion`. The document that comes back holds the
/// element that was encrypted as the only child of its root.
///
/// # Errors
/// When it cannot be decrypted with any of the keys.
pub fn decrypt(
    encrypted: Element<'_>,
    keys: &[DecryptionKey],
    limits: Limits,
) -> Result<Document, DecryptionError> {
    if keys.is_empty() {
        return Err(DecryptionError::NoKey);
    }
    let data = encrypted
        .child(XENC, "EncryptedData")
        .ok_or(DecryptionError::Structure("there is no EncryptedData (SAML core §6.1)"))?;
    let (uri, _) = method(data)?;
    let algorithm = content_algorithm(uri).ok_or_else(|| not_accepted("EncryptedData", uri))?;
    let content = cipher_value(data)?;
    // In KeyInfo, or beside the data (SAML core §6.1).
    let inside = data.child(DSIG, "KeyInfo").into_iter();
    let inside = inside.flat_map(|info| info.children_named(XENC, "EncryptedKey"));
    let transported: Vec<_> =
        inside.chain(encrypted.children_named(XENC, "EncryptedKey")).take(8).collect();
    if transported.is_empty() {
        return Err(DecryptionError::Structure("there is no EncryptedKey (SAML core §6.1)"));
    }
    // Several are the same key for several recipients: one that is not for us may be in any form.
    let mut refused = None;
    for element in transported {
        let transport = key_algorithm(element).and_then(|oaep| Ok((oaep, cipher_value(element)?)));
        let (oaep, value) = match transport {
            Ok(transport) => transport,
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        for key in keys {
            if let Some(secret) = unwrap_key(key, oaep, &value)
                && let Some(plain) = decrypt_content(algorithm, &secret, &content)
            {
                return read(encrypted, &plain, limits);
            }
        }
    }
    Err(refused.unwrap_or(DecryptionError::Failed))
}

/// What was encrypted stands where `EncryptedAssertion` stands: its namespaces are in force.
fn read(encrypted: Element<'_>, plain: &[u8], limits: Limits) -> Result<Document, DecryptionError> {
    let mut text = b"<encrypted".to_vec();
    for (prefix, namespace) in encrypted.scope().in_force() {
        text.extend_from_slice(b" xmlns");
        if !prefix.is_empty() {
            text.push(b':');
            text.extend_from_slice(prefix.as_bytes());
        }
        text.extend_from_slice(b"=\"");
        crate::protocol::xml::canonical::escape(namespace, true, &mut text);
        text.push(b'"');
    }
    text.push(b'>');
    text.extend_from_slice(plain);
    text.extend_from_slice(b"</encrypted>");
    let document = Document::parse(&text, limits).map_err(DecryptionError::Content)?;
    let elements = document.root().children().count();
    let texts = document.root().nodes().any(|node| match node {
        Node::Text(text) => !trim(text).is_empty(),
        _ => false,
    });
    if elements != 1 || texts {
        return Err(DecryptionError::Structure(
            "what was encrypted is not one element (SAML core §6.1)",
        ));
    }
    Ok(document)
}

fn not_accepted(element: &'static str, uri: &str) -> DecryptionError {
    DecryptionError::Algorithm { element, uri: uri.to_owned() }
}

fn method(element: Element<'_>) -> Result<(&str, Element<'_>), DecryptionError> {
    let method = element.child(XENC, "EncryptionMethod");
    let method = method
        .ok_or(DecryptionError::Structure("there is no EncryptionMethod (XML Encryption §3.2)"))?;
    Ok((method.attribute("Algorithm").unwrap_or_default(), method))
}

fn cipher_value(element: Element<'_>) -> Result<Vec<u8>, DecryptionError> {
    let value = element.child(XENC, "CipherData").and_then(|data| data.child(XENC, "CipherValue"));
    let value = value.ok_or(DecryptionError::Structure(
        "there is no CipherValue (XML Encryption §3.3); references are not followed",
    ))?;
    let wrong = DecryptionError::Structure("CipherValue is not base64 (XML Encryption §3.3)");
    let mut text = value.text().ok_or_else(|| wrong.clone())?;
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).map_err(|_| wrong)
}

/// How the key is transported (XML Encryption §5.5).
fn key_algorithm(element: Element<'_>) -> Result<&'static OaepAlgorithm, DecryptionError> {
    const NAME: &str = "EncryptedKey";
    let (uri, method) = method(element)?;
    let digest = match method.child(DSIG, "DigestMethod") {
        None => DigestAlgorithm::Sha1,
        Some(digest) => {
            let uri = digest.attribute("Algorithm").unwrap_or_default();
            DigestAlgorithm::from_uri(uri).ok_or_else(|| not_accepted("DigestMethod", uri))?
        }
    };
    let mask = match uri {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => DigestAlgorithm::Sha1,
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => match method.child(XENC11, "MGF") {
            None => DigestAlgorithm::Sha1,
            Some(mask) => match mask.attribute("Algorithm").unwrap_or_default() {
                "http://www.w3.org/2009/xmlenc11#mgf1sha1" => DigestAlgorithm::Sha1,
                "http://www.w3.org/2009/xmlenc11#mgf1sha256" => DigestAlgorithm::Sha256,
                "http://www.w3.org/2009/xmlenc11#mgf1sha384" => DigestAlgorithm::Sha384,
                "http://www.w3.org/2009/xmlenc11#mgf1sha512" => DigestAlgorithm::Sha512,
                uri => return Err(not_accepted("MGF", uri)),
            },
        },
        uri => return Err(not_accepted(NAME, uri)),
    };
    let is_blank = |params: Element<'_>| params.text().is_some_and(|text| trim(&text).is_empty());
    if method.child(XENC, "OAEPparams").is_some_and(|params| !is_blank(params)) {
        return Err(DecryptionError::Structure(
            "OAEPparams is not supported (XML Encryption §5.5.2)",
        ));
    }
    match (digest, mask) {
        (DigestAlgorithm::Sha1, DigestAlgorithm::Sha1) => Ok(&OAEP_SHA1_MGF1SHA1),
        (DigestAlgorithm::Sha256, DigestAlgorithm::Sha256) => Ok(&OAEP_SHA256_MGF1SHA256),
        (DigestAlgorithm::Sha384, DigestAlgorithm::Sha384) => Ok(&OAEP_SHA384_MGF1SHA384),
        (DigestAlgorithm::Sha512, DigestAlgorithm::Sha512) => Ok(&OAEP_SHA512_MGF1SHA512),
        (digest, mask) => Err(DecryptionError::Hashes { digest, mask }),
    }
}

fn unwrap_key(
    key: &DecryptionKey,
    algorithm: &'static OaepAlgorithm,
    value: &[u8],
) -> Option<Vec<u8>> {
    let key = OaepPrivateDecryptingKey::new(key.0.clone()).ok()?;
    let mut secret = vec![0; key.min_output_size()];
    let length = key.decrypt(algorithm, value, &mut secret, None).ok()?.len();
    secret.truncate(length);
    Some(secret)
}

fn decrypt_content(algorithm: Content, secret: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        Content::Gcm(algorithm) => {
            let (nonce, rest) = value.split_at_checked(aead::NONCE_LEN)?;
            let key = LessSafeKey::new(UnboundKey::new(algorithm, secret).ok()?);
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut rest = rest.to_vec();
            let length = key.open_in_place(nonce, Aad::empty(), &mut rest).ok()?.len();
            rest.truncate(length);
            Some(rest)
        }
        Content::Cbc(algorithm) => {
            let (iv, rest) = value.split_at_checked(16)?;
            let iv: [u8; 16] = iv.try_into().ok()?;
            let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, secret).ok()?).ok()?;
            let mut rest = rest.to_vec();
            let plain = key.decrypt(&mut rest, DecryptionContext::Iv128(iv.into())).ok()?;
            // Of the padding only the last byte says something: its length (XML Encryption §5.2).
            let padding = usize::from(*plain.last()?);
            let length =
                plain.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding))?;
            plain.get(..length).map(<[u8]>::to_vec)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
    use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
    use rcgen::{KeyPair, PublicKeyData};

    use super::*;

    pub(in super::super) fn pair() -> (KeyPair, DecryptionKey) {
        let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let key = DecryptionKey::from_pem(&pair.serialize_pem()).expect("a key to decrypt with");
        (pair, key)
    }

    /// An `EncryptedData` element for the holder of the key.
    pub(in super::super) fn encrypted(
        pair: &KeyPair,
        plain: &str,
        content: &str,
        hash: &str,
    ) -> String {
        let length = if content.contains("128") {
            16
        } else if content.contains("192") {
            24
        } else {
            32
        };
        let secret = vec![7; length];
        let value = match content_algorithm(content).expect("an algorithm") {
            Content::Gcm(algorithm) => {
                let key = LessSafeKey::new(UnboundKey::new(algorithm, &secret).expect("a key"));
                let mut text = plain.as_bytes().to_vec();
                let nonce = Nonce::assume_unique_for_key([3; 12]);
                key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text).expect("sealed");
                [&[3; 12], text.as_slice()].concat()
            }
            Content::Cbc(algorithm) => {
                let padding = 16 - plain.len() % 16;
                let mut text = plain.as_bytes().to_vec();
                text.extend(std::iter::repeat_n(0xaa, padding - 1));
                text.push(u8::try_from(padding).expect("small"));
                let key = UnboundCipherKey::new(algorithm, &secret).expect("a key");
                let key = EncryptingKey::cbc(key).expect("a key");
                let iv = [5; 16];
                key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(iv.into()))
                    .expect("encrypted");
                [&iv, text.as_slice()].concat()
            }
        };
        let public = PublicEncryptingKey::from_der(&pair.subject_public_key_info()).expect("a key");
        let public = OaepPublicEncryptingKey::new(public).expect("a key");
        let (oaep, method) = match hash {
            "sha1" => (
                &OAEP_SHA1_MGF1SHA1,
                format!("<e:EncryptionMethod Algorithm=\"{XENC}rsa-oaep-mgf1p\"/>"),
            ),
            _ => (
                &OAEP_SHA256_MGF1SHA256,
                format!(
                    "<e:EncryptionMethod Algorithm=\"{XENC11}rsa-oaep\"><d:DigestMethod \
                     Algorithm=\"{XENC}sha256\"/><f:MGF xmlns:f=\"{XENC11}\" \
                     Algorithm=\"{XENC11}mgf1sha256\"/></e:EncryptionMethod>"
                ),
            ),
        };
        let mut wrapped = vec![0; public.key_size_bytes()];
        public.encrypt(oaep, &secret, &mut wrapped, None).expect("wrapped");
        format!(
            "<e:EncryptedData xmlns:e=\"{XENC}\" xmlns:d=\"{DSIG}\"><e:EncryptionMethod \
             Algorithm=\"{content}\"/><d:KeyInfo><e:EncryptedKey>{method}<e:CipherData>\
             <e:CipherValue>{}</e:CipherValue></e:CipherData></e:EncryptedKey></d:KeyInfo>\
             <e:CipherData><e:CipherValue>{}\n</e:CipherValue></e:CipherData></e:EncryptedData>",
            STANDARD.encode(wrapped),
            STANDARD.encode(value)
        )
    }

    fn decrypted(text: &str, keys: &[DecryptionKey]) -> Result<String, DecryptionError> {
        let document = Document::parse(text.as_bytes(), Limits::DOCUMENT).expect("a document");
        let inside = decrypt(document.root(), keys, Limits::DOCUMENT)?;
        let element = inside.root().children().next().expect("an element");
        Ok(format!("{} {}", element.name().namespace, element.text().expect("a text")))
    }

    const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
    const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";

    fn wrapped(data: &str) -> String {
        format!("<x:EncryptedAssertion xmlns:x=\"urn:x\">{data}</x:EncryptedAssertion>")
    }

    #[test]
    fn what_was_encrypted_is_read_in_the_namespaces_around_it() {
        let (pair, key) = pair();
        for content in [
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            "http://www.w3.org/2009/xmlenc11#aes192-gcm",
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        ] {
            for hash in ["sha1", "sha256"] {
                let text = wrapped(&encrypted(&pair, "<x:a>ada</x:a>", content, hash));
                let found = decrypted(&text, std::slice::from_ref(&key));
                assert_eq!(found, Ok("urn:x ada".into()), "{content} {hash}");
            }
        }
    }

    #[test]
    fn another_key_and_a_change_are_one_failure() {
        let (pair, key) = pair();
        let (_, other) = self::pair();
        let text = wrapped(&encrypted(&pair, "<a/>", GCM, "sha1"));
        assert_eq!(decrypted(&text, &[]), Err(DecryptionError::NoKey));
        assert_eq!(decrypted(&text, std::slice::from_ref(&other)), Err(DecryptionError::Failed));
        assert_eq!(decrypted(&text, &[other, key.clone()]), Ok(" ".into()));
        let at = text.rfind("\n</e:CipherValue>").expect("the value") - 6;
        let byte = if &text[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
        assert_eq!(decrypted(&changed, &[key]), Err(DecryptionError::Failed));
    }

    #[test]
    fn what_comes_out_is_one_element() {
        let (pair, key) = pair();
        for plain in ["<a/><b/>", "<a/>x", "", "x"] {
            let text = wrapped(&encrypted(&pair, plain, CBC, "sha1"));
            let found = decrypted(&text, std::slice::from_ref(&key));
            assert!(matches!(found, Err(DecryptionError::Structure(_))), "{plain}: {found:?}");
        }
        for plain in ["<a>", "</encrypted><a/><encrypted>", "<!DOCTYPE a><a/>"] {
            let text = wrapped(&encrypted(&pair, plain, CBC, "sha1"));
            let found = decrypted(&text, std::slice::from_ref(&key));
            assert!(matches!(found, Err(DecryptionError::Content(_))), "{plain}: {found:?}");
        }
    }

    #[test]
    fn other_algorithms_are_refused_by_name() {
        let (pair, key) = pair();
        let text = wrapped(&encrypted(&pair, "<a/>", CBC, "sha1"));
        for (from, to, element) in [
            ("rsa-oaep-mgf1p", "rsa-1_5", "EncryptedKey"),
            ("aes128-cbc", "tripledes-cbc", "EncryptedData"),
        ] {
            let uri = format!("{XENC}{to}");
            let found = decrypted(&text.replace(from, to), std::slice::from_ref(&key));
            assert_eq!(found, Err(DecryptionError::Algorithm { element, uri }));
        }
    }

    /// Without MGF the mask is that of SHA-1, whatever the digest (XML Encryption §5.5.2).
    #[test]
    fn different_hashes_of_a_transported_key_are_told() {
        let (pair, key) = pair();
        let text = wrapped(&encrypted(&pair, "<a/>", GCM, "sha256"));
        let mask = format!("<f:MGF xmlns:f=\"{XENC11}\" Algorithm=\"{XENC11}mgf1sha256\"/>");
        let without = text.replace(&mask, "");
        let old = without.replace(&format!("{XENC11}rsa-oaep"), &format!("{XENC}rsa-oaep-mgf1p"));
        assert!(text.len() > without.len() && old.contains("rsa-oaep-mgf1p"));
        for text in [without, old] {
            let error = decrypted(&text, std::slice::from_ref(&key)).expect_err("two hashes");
            let (digest, mask) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1);
            assert_eq!(error, DecryptionError::Hashes { digest, mask });
            let told = error.to_string();
            assert!(
                told.contains(
                    "xmlenc#sha256 and the mask of http://www.w3.org/2000/09/xmldsig#sha1"
                ),
                "{told}"
            );
        }
    }

    #[test]
    fn keys_are_read_from_both_forms_of_pem() {
        use base64::engine::general_purpose::STANDARD as B64;
        let (pair, _) = pair();
        // PKCS#8 of RSA: the key of PKCS#1 begins behind 26 bytes.
        let pkcs1 = &pair.serialize_der()[26..];
        let pem = format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
            B64.encode(pkcs1)
        );
        let key = DecryptionKey::from_pem(&pem).expect("a key");
        let text = wrapped(&encrypted(&pair, "<a>b</a>", GCM, "sha1"));
        assert_eq!(decrypted(&text, &[key]), Ok(" b".into()));
        let ec = KeyPair::generate().expect("a key").serialize_pem();
        assert_eq!(DecryptionKey::from_pem(&ec).expect_err("an EC key"), DecryptionKeyError);
    }
}
