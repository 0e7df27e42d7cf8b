//! The keys that sign tokens: one for each algorithm, made when it is first asked for.

use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use aws_lc_rs::{encoding::Pkcs8V1Der, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::random;

/// The algorithm that every OpenID provider has to know (OpenID Connect Discovery §3).
pub(super) const DEFAULT: &str = "RS256";

/// What it takes to sign and to verify.
#[derive(Clone, Copy)]
enum Kind {
    /// The padding, and the same for verification.
    Rsa(&'static dyn signature::RsaEncoding, &'static dyn signature::VerificationAlgorithm),
    /// Name of the curve (RFC 7518 §6.2.1.1), signing, verification.
    Ec(
        &'static str,
        &'static signature::EcdsaSigningAlgorithm,
        &'static dyn signature::VerificationAlgorithm,
    ),
    Ed25519,
    Secret(hmac::Algorithm),
}

/// Every algorithm that a client may ask for.
#[rustfmt::skip]
const ALGORITHMS: [(&str, Kind); 13] = [
    (DEFAULT, Kind::Rsa(&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)),
    ("RS384", Kind::Rsa(&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384)),
    ("RS512", Kind::Rsa(&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512)),
    ("PS256", Kind::Rsa(&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256)),
    ("PS384", Kind::Rsa(&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384)),
    ("PS512", Kind::Rsa(&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512)),
    ("ES256", Kind::Ec("P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING, &signature::ECDSA_P256_SHA256_FIXED)),
    ("ES384", Kind::Ec("P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING, &signature::ECDSA_P384_SHA384_FIXED)),
    ("ES512", Kind::Ec("P-521", &signature::ECDSA_P521_SHA512_FIXED_SIGNING, &signature::ECDSA_P521_SHA512_FIXED)),
    ("ES256K", Kind::Ec("secp256k1", &signature::ECDSA_P256K1_SHA256_FIXED_SIGNING, &signature::ECDSA_P256K1_SHA256_FIXED)),
    ("EdDSA", Kind::Ed25519),
    // With the secret of the client, as OpenID Connect Core §10.1 has it.
    ("HS256", Kind::Secret(hmac::HMAC_SHA256)),
    ("HS512", Kind::Secret(hmac::HMAC_SHA512)),
];

/// Names of the algorithms.
pub(super) fn algorithms() -> impl Iterator<Item = &'static str> {
    ALGORITHMS.iter().map(|(name, _)| *name)
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Box<hmac::Key>),
}

/// A key with its name and its algorithm.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: &'static str,
    kind: Kind,
    pair: Pair,
}

impl Key {
    fn generate((algorithm, kind): (&'static str, Kind), secret: &str) -> Self {
        let pair = match kind {
            Kind::Rsa(..) => {
                Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a new RSA key"))
            }
            Kind::Ec(_, signing, _) => {
                Pair::Ec(EcdsaKeyPair::generate(signing).expect("a new EC key"))
            }
            Kind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().expect("a new Ed25519 key")),
            Kind::Secret(hash) => Pair::Secret(Box::new(hmac::Key::new(hash, secret.as_bytes()))),
        };
        Self { id: URL_SAFE_NO_PAD.encode(random::<6>()), algorithm, kind, pair }
    }

    /// A key that is in no set.
    fn outside(algorithm: &str) -> Self {
        let found = ALGORITHMS.into_iter().find(|(name, _)| *name == algorithm);
        Self::generate(found.expect("an algorithm of the list"), "")
    }

    /// The key (RFC 7517 §4), for verification.
    pub(super) fn jwk(&self) -> Map<String, Value> {
        let mut jwk = self.material();
        for (name, value) in [("kid", self.id.as_str()), ("alg", self.algorithm), ("use", "sig")] {
            jwk.insert(name.into(), value.into());
        }
        jwk
    }

    /// Type and numbers of the public half (RFC 7518 §6, RFC 8037 §2).
    fn material(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = match (&self.pair, self.kind) {
            (Pair::Rsa(_), _) => {
                let der = self.public_der();
                let (_, info) = SubjectPublicKeyInfo::from_der(&der).expect("our own key");
                let Ok(PublicKey::RSA(key)) = info.parsed() else { unreachable!("an RSA key") };
                // DER puts a zero before a number that would look negative.
                let modulus = key.modulus.strip_prefix(&[0]).unwrap_or(key.modulus);
                json!({"kty": "RSA", "n": text(modulus), "e": text(key.exponent)})
            }
            (Pair::Ec(pair), Kind::Ec(curve, ..)) => {
                // Two numbers after the byte that says so (SEC 1 §2.3.3).
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            (Pair::Ed25519(pair), _) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
            _ => unreachable!("a secret is in no set"),
        };
        let Value::Object(jwk) = jwk else { unreachable!("an object") };
        jwk
    }

    /// The public half as `SubjectPublicKeyInfo`.
    pub(super) fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Secret(_) => unreachable!("a secret has no public half"),
        }
        .expect("our own key");
        der.as_ref().to_vec()
    }

    /// The same in PEM.
    pub(super) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_der())
    }

    /// A compact JWS (RFC 7515 §7.1) with this header, whatever it says, over this payload.
    pub(super) fn sign(&self, header: &Map<String, Value>, payload: &str) -> String {
        let message = message(header, payload);
        let signature = URL_SAFE_NO_PAD.encode(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    pub(super) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match (&self.pair, self.kind) {
            (Pair::Rsa(pair), Kind::Rsa(encoding, _)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).expect("a signature");
                signature
            }
            (Pair::Ec(pair), _) => {
                pair.sign(&random, message).expect("a signature").as_ref().to_vec()
            }
            (Pair::Ed25519(pair), _) => pair.sign(message).as_ref().to_vec(),
            (Pair::Secret(key), _) => hmac::sign(key, message).as_ref().to_vec(),
            (Pair::Rsa(_), _) => unreachable!("the kind of an RSA key"),
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signed: &[u8]) -> bool {
        let algorithm = match (&self.pair, self.kind) {
            (Pair::Secret(key), _) => return hmac::verify(key, message, signed).is_ok(),
            (_, Kind::Rsa(_, algorithm) | Kind::Ec(_, _, algorithm)) => algorithm,
            _ => &signature::ED25519,
        };
        let public = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
            Pair::Secret(_) => unreachable!("a secret has no public half"),
        };
        signature::UnparsedPublicKey::new(algorithm, public).verify(message, signed).is_ok()
    }
}

/// Header and payload as they are signed.
pub(super) fn message(header: &Map<String, Value>, payload: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_string(header).expect("JSON"));
    format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload))
}

/// The keys of the provider.
pub(super) struct Ring {
    secret: String,
    keys: Mutex<Vec<Arc<Key>>>,
    spare: OnceLock<Arc<Key>>,
}

impl Ring {
    /// With a key for the default algorithm; the secret is that of the client.
    pub(super) fn generate(secret: &str) -> Self {
        let ring =
            Self { secret: secret.to_owned(), keys: Mutex::default(), spare: OnceLock::new() };
        ring.of(DEFAULT);
        ring
    }

    /// The key of an algorithm.
    pub(super) fn of(&self, algorithm: &str) -> Option<Arc<Key>> {
        let known = ALGORITHMS.into_iter().find(|(name, _)| *name == algorithm)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.iter().find(|key| key.algorithm == algorithm) {
            return Some(key.clone());
        }
        let key = Arc::new(Key::generate(known, &self.secret));
        keys.push(key.clone());
        Some(key)
    }

    /// The key of an algorithm for which there is one.
    pub(super) fn existing(&self, algorithm: &str) -> Option<Arc<Key>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.algorithm == algorithm).cloned()
    }

    /// The one to which some faults move on; it is not in the set.
    pub(super) fn spare(&self) -> Arc<Key> {
        self.spare.get_or_init(|| Arc::new(Key::outside(DEFAULT))).clone()
    }

    /// The key of this name.
    pub(super) fn named(&self, id: &str) -> Option<Arc<Key>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().chain(self.spare.get()).find(|key| key.id == id).cloned()
    }

    /// The key set (RFC 7517 §5).
    pub(super) fn set(&self) -> Value {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let public = keys.iter().filter(|key| !matches!(key.pair, Pair::Secret(_)));
        json!({"keys": public.map(|key| key.jwk()).collect::<Vec<_>>()})
    }
}

/// A key of somebody else.
pub(super) fn foreign() -> Arc<Key> {
    static FOREIGN: LazyLock<Arc<Key>> = LazyLock::new(|| Arc::new(Key::outside(DEFAULT)));
    FOREIGN.clone()
}

/// The key of a partner whose assertions are taken (RFC 7523 §2.1).
pub(super) fn partner() -> &'static Key {
    static PARTNER: LazyLock<Key> = LazyLock::new(|| Key::outside("EdDSA"));
    &PARTNER
}

/// The key to which tokens are encrypted: PKCS#8, and the public half as `SubjectPublicKeyInfo`.
pub(super) fn encryption() -> &'static (Vec<u8>, Vec<u8>) {
    static ENCRYPTION: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a new RSA key");
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("our own key");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("our own key");
        (private.as_ref().to_vec(), public.as_ref().to_vec())
    });
    &ENCRYPTION
}

/// RFC 7468.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Unix time in seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
