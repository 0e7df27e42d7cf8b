//! Bad tokens made of a good one: each is what an attacker would send.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::probe::Context;
use crate::protocol::jose::{Algorithm, Curve, Jws, KeyKind, SigningKey, VerifyingKey};
use crate::report::{Failure, FailureReason};

/// `none` as libraries have been found to accept it: names of algorithms differ in case (RFC 7515
/// §4.1.1), and a check for the one spelling lets the others through.
const SPELLINGS: [&str; 4] = ["none", "None", "NONE", "nOnE"];

/// The token with one bit of its signature turned over.
pub(super) fn tampered(token: &str) -> Option<String> {
    let (input, signature) = token.rsplit_once('.')?;
    let mut signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let middle = signature.len() / 2;
    *signature.get_mut(middle)? ^= 1;
    Some(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims without any signature, under each spelling of `none` (RFC 7519 §6).
pub(super) fn unsigned(jws: &Jws) -> Vec<String> {
    let claims = URL_SAFE_NO_PAD.encode(Value::Object(jws.claims.clone()).to_string());
    let token = |spelling: &&str| {
        let mut header = header(jws);
        header.insert("alg".into(), (*spelling).into());
        let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        format!("{header}.{claims}.")
    };
    SPELLINGS.iter().map(token).collect()
}

/// The token signed with a new key under the old `kid`.
///
/// # Errors
/// `internal` when no key can be made, and when the algorithm is none that is known here.
pub(super) async fn foreign(context: &Context<'_>, jws: &Jws) -> Result<String, Failure> {
    let algorithm = Algorithm::from_name(&jws.header.algorithm).ok_or_else(|| {
        Failure::new(FailureReason::AlgorithmRefused, "no key can be made for the token's alg")
    })?;
    let key = match algorithm.key_kind() {
        KeyKind::Secret => SigningKey::from_secret(&context.random::<64>()?, algorithm),
        kind => {
            // An RSA key takes a tenth of a second, if it is not there yet.
            let der = tokio::task::spawn_blocking(move || new_key(kind)).await.ok().flatten();
            der.and_then(|der| SigningKey::from_pkcs8(&der, algorithm).ok())
        }
    };
    sign(key.as_ref(), jws)
}

/// Begins to make the key that [`foreign`] takes longest for, so that no probe waits for it.
pub(super) fn prepare() {
    // Whoever needs it first waits until it is there.
    let _ =
        std::thread::Builder::new().name("foreign-key".to_owned()).spawn(|| new_key(KeyKind::Rsa));
}

/// The token under an HMAC whose secret is the public key, as verifiers compute it that take a
/// key's text for a secret: in PEM, with and without the last line end, and in DER.
///
/// # Errors
/// `internal` when the key cannot be written.
pub(super) fn under_public_key(jws: &Jws, key: &VerifyingKey) -> Result<Vec<String>, Failure> {
    let der = key
        .spki()
        .ok_or_else(|| Failure::new(FailureReason::Internal, "the key has no public half"))?;
    let pem = pem(&der);
    [pem.as_bytes(), pem.trim_end().as_bytes(), &der]
        .into_iter()
        .map(|secret| sign(SigningKey::from_secret(secret, Algorithm::Hs256).as_ref(), jws))
        .collect()
}

fn sign(key: Option<&SigningKey>, jws: &Jws) -> Result<String, Failure> {
    let failed = || Failure::new(FailureReason::Internal, "the bad token could not be signed");
    let key = key.ok_or_else(failed)?;
    key.sign(header(jws), &Value::Object(jws.claims.clone()), &SystemRandom::new())
        .map_err(|_| failed())
}

/// The header that a verifier chooses its key by, without `alg`.
fn header(jws: &Jws) -> Map<String, Value> {
    let members = [("kid", &jws.header.key_id), ("typ", &jws.header.media_type)];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())))
        .collect()
}

fn pem(spki: &[u8]) -> String {
    let text = STANDARD.encode(spki);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + "-----END PUBLIC KEY-----\n"
}

/// The RSA key that nobody trusts, in PKCS#8, made once a process.
static RSA: OnceLock<Option<Vec<u8>>> = OnceLock::new();

/// Before the program ends: waits for a key that is being made, and lets none be made afterwards.
pub fn make_no_more_keys() {
    RSA.get_or_init(|| None);
}

/// A private key that nobody trusts, in PKCS#8.
fn new_key(kind: KeyKind) -> Option<Vec<u8>> {
    let ecdsa = |algorithm| EcdsaKeyPair::generate(algorithm).ok()?.to_pkcs8v1().ok();
    let document = match kind {
        KeyKind::Secret => return None,
        KeyKind::Rsa => {
            let new = || {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).ok()?;
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Some(der.as_ref().to_vec())
            };
            return RSA.get_or_init(new).clone();
        }
        KeyKind::Ec(Curve::P256) => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        KeyKind::Ec(Curve::P384) => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
        KeyKind::Ec(Curve::P521) => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)?,
        KeyKind::Ec(Curve::Secp256k1) => ecdsa(&ECDSA_P256K1_SHA256_FIXED_SIGNING)?,
        KeyKind::Ed25519 => Ed25519KeyPair::generate().ok()?.to_pkcs8v1().ok()?,
    };
    Some(document.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(algorithm: Algorithm, key: &SigningKey) -> String {
        let header = Map::from_iter([("kid".to_owned(), "k1".into())]);
        let claims = serde_json::json!({"sub": "ada", "n": 1.5});
        let token = key.sign(header, &claims, &SystemRandom::new()).expect("a token");
        assert_eq!(Jws::parse(&token).expect("a JWT").header.algorithm, algorithm.as_str());
        token
    }

    #[test]
    fn a_tampered_token_differs_in_its_signature_alone() {
        let key = SigningKey::from_secret(&[7; 32], Algorithm::Hs256).expect("a key");
        let good = token(Algorithm::Hs256, &key);
        let bad = tampered(&good).expect("a token");
        let split = |token: &str| {
            let (input, signature) = token.rsplit_once('.').expect("three parts");
            (input.to_owned(), URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
        };
        let ((input, signature), (bad_input, bad_signature)) = (split(&good), split(&bad));
        assert_eq!(input, bad_input);
        let differing = signature.iter().zip(&bad_signature).filter(|(a, b)| a != b).count();
        assert_eq!((signature.len(), differing), (bad_signature.len(), 1));
        assert_eq!(tampered("opaque"), None);
    }

    #[test]
    fn an_unsigned_token_says_none_in_every_spelling() {
        let key = SigningKey::from_secret(&[7; 32], Algorithm::Hs256).expect("a key");
        let good = Jws::parse(&token(Algorithm::Hs256, &key)).expect("a JWT");
        let bad = unsigned(&good);
        let spellings: Vec<String> = bad
            .iter()
            .map(|token| {
                assert!(token.ends_with('.'), "{token}");
                let jws = Jws::parse(token).expect("a JWT");
                assert_eq!((&jws.claims, &jws.header.key_id), (&good.claims, &good.header.key_id));
                jws.header.algorithm
            })
            .collect();
        assert_eq!(spellings, SPELLINGS);
    }

    #[test]
    fn a_key_can_be_made_for_every_algorithm() {
        for algorithm in Algorithm::ALL {
            let kind = algorithm.key_kind();
            if kind != KeyKind::Secret {
                let der = new_key(kind).expect("a key");
                token(*algorithm, &SigningKey::from_pkcs8(&der, *algorithm).expect("it fits"));
            }
        }
    }

    #[test]
    fn the_public_key_as_a_secret_is_the_one_in_pem() {
        let pair = rcgen::KeyPair::generate().expect("a pair");
        let key = VerifyingKey::from_pem(&pair.public_key_pem()).expect("a public key");
        assert_eq!(pem(&key.spki().expect("SPKI")), pair.public_key_pem().replace("\r\n", "\n"));
    }
}
