//! Verification in its three checks: the algorithm, the key, the signature.

use super::{Algorithm, Jwk, Jws, KeyKind, KeySet, Unusable, VerifyingKey};

/// What a token is verified with.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'a> {
    /// The set of its issuer.
    Set(&'a KeySet),
    /// One key that the configuration names.
    One(&'a VerifyingKey),
}

/// The `alg` of a token is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alg {found:?} is not among the allowed ones: {}", names(allowed))]
pub struct AlgorithmRefused {
    /// What the token says.
    pub found: String,
    /// What is allowed.
    pub allowed: Vec<Algorithm>,
}

fn names(algorithms: &[Algorithm]) -> String {
    let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.as_str()).collect();
    names.join(", ")
}

/// No key to verify the token with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyNotFound {
    /// The set has no key with the id of the token.
    #[error("no key of the set has the kid {0:?} (RFC 7515 §4.1.4)")]
    UnknownId(String),
    /// Keys with the id of the token, but none that may be used.
    #[error("the key with kid {0:?} {1}")]
    Unusable(String, Unusable),
    /// A key with the id of the token, made for something else.
    #[error("the key with kid {0:?} is not one for {1} (RFC 7517 §4.4)")]
    Misfit(String, Algorithm),
    /// The token names no key, and none fits.
    #[error("the token names no key, and none of the set is one for {0}")]
    NoneFits(Algorithm),
    /// The token names no key, and the only ones of its kind are too short.
    #[error("the token names no key, and the one of its kind {0}")]
    OnlyUnusable(Unusable),
    /// The token names no key, and several fit (OpenID Connect Core §10.1).
    #[error("the token names no key, and {0} keys of the set fit (OpenID Connect Core §10.1)")]
    Several(usize),
    /// The configured key is for something else.
    #[error("the configured key is not one for {0}")]
    ConfiguredMisfit(Algorithm),
}

impl KeyNotFound {
    /// Whether the key is too short, and not missing.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        matches!(self, Self::Unusable(_, Unusable::Weak) | Self::OnlyUnusable(Unusable::Weak))
    }
}

/// How many keys are tried that share the id of a token.
const MOST_TRIED: usize = 4;

/// How many are tried of a token that does not say which one is meant. Of more, none is.
const MOST_CANDIDATES: usize = 16;

/// How many keys may fit a token that does not say which of them is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidates {
    /// One: where there are several, OpenID Connect has the token name its own (Core §10.1).
    One,
    /// Several, which are tried in turn (RFC 7515 appendix D): a `kid` is optional there (§4.1.4).
    Several,
}

impl Candidates {
    const fn most(self) -> usize {
        match self {
            Self::One => 1,
            Self::Several => MOST_CANDIDATES,
        }
    }
}

/// The algorithm of a token, which must be an allowed one.
///
/// # Errors
/// When it is another, or none at all.
pub fn algorithm(jws: &Jws, allowed: &[Algorithm]) -> Result<Algorithm, AlgorithmRefused> {
    Algorithm::from_name(&jws.header.algorithm)
        .filter(|algorithm| allowed.contains(algorithm))
        .ok_or_else(|| AlgorithmRefused {
            found: jws.header.algorithm.clone(),
            allowed: allowed.to_vec(),
        })
}

/// The keys that the token may be verified with: one, several that share its `kid`, or as many as
/// may be tried where there is none.
///
/// # Errors
/// When there is none, or none can be told from the others.
pub fn choose(
    keys: Keys<'_>,
    jws: &Jws,
    algorithm: Algorithm,
    candidates: Candidates,
) -> Result<Vec<VerifyingKey>, KeyNotFound> {
    let set = match keys {
        Keys::One(key) if key.fits(algorithm) => return Ok(vec![key.clone()]),
        Keys::One(_) => return Err(KeyNotFound::ConfiguredMisfit(algorithm)),
        Keys::Set(set) => set.keys(),
    };
    match &jws.header.key_id {
        Some(id) => with_id(set, id, algorithm, candidates),
        None => without_id(set, algorithm, candidates),
    }
}

fn with_id(
    set: &[Jwk],
    id: &str,
    algorithm: Algorithm,
    candidates: Candidates,
) -> Result<Vec<VerifyingKey>, KeyNotFound> {
    let named = || set.iter().filter(|key| key.key_id() == Some(id));
    let fitting = named().filter(|key| key.fits(algorithm)).take(MOST_TRIED);
    let keys: Vec<_> = fitting.filter_map(|key| key.verifying_key().ok()).collect();
    if !keys.is_empty() {
        return Ok(keys);
    }
    let Some(key) = named().next() else {
        // A key without a name may be the one (RFC 7517 §4.5: kid is optional there).
        let nameless: Vec<_> = set
            .iter()
            .filter(|key| key.key_id().is_none() && key.fits(algorithm))
            .filter_map(|key| key.verifying_key().ok())
            .take(candidates.most() + 1)
            .collect();
        return if (1..=candidates.most()).contains(&nameless.len()) {
            Ok(nameless)
        } else {
            Err(KeyNotFound::UnknownId(id.to_owned()))
        };
    };
    Err(match key.verifying_key() {
        Err(unusable) => KeyNotFound::Unusable(id.to_owned(), unusable),
        Ok(_) => KeyNotFound::Misfit(id.to_owned(), algorithm),
    })
}

fn without_id(
    set: &[Jwk],
    algorithm: Algorithm,
    candidates: Candidates,
) -> Result<Vec<VerifyingKey>, KeyNotFound> {
    let fitting: Vec<&Jwk> = set.iter().filter(|key| key.fits(algorithm)).collect();
    match fitting.as_slice() {
        [key] => key.verifying_key().map(|key| vec![key]).map_err(KeyNotFound::OnlyUnusable),
        [] => {
            let rsa = algorithm.key_kind() == KeyKind::Rsa;
            let weak = set.iter().any(|key| key.usability() == Err(Unusable::Weak));
            Err(if rsa && weak {
                KeyNotFound::OnlyUnusable(Unusable::Weak)
            } else {
                KeyNotFound::NoneFits(algorithm)
            })
        }
        several if several.len() <= candidates.most() => {
            Ok(several.iter().filter_map(|key| key.verifying_key().ok()).collect())
        }
        several => Err(KeyNotFound::Several(several.len())),
    }
}

/// The key of these under which the signature verifies (RFC 7515 §5.2); `None` when there is none.
#[must_use]
pub fn verify<'k>(
    jws: &Jws,
    algorithm: Algorithm,
    keys: &'k [VerifyingKey],
) -> Option<&'k VerifyingKey> {
    keys.iter().find(|key| key.verifies(algorithm, &jws.signing_input, &jws.signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::jose::SigningKey;
    use bytes::Bytes;

    /// RFC 7515 appendix A.1: HS256 under the key of §A.1.1.
    const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const HS256_KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    /// RFC 7515 appendix A.3: ES256, and its public key.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const ES256_KEY: &str = r#"{"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    fn set(keys: &[&str]) -> KeySet {
        let text = format!(r#"{{"keys": [{}]}}"#, keys.join(","));
        KeySet::parse(&Bytes::from(text)).expect("a set")
    }

    fn choose_in(
        keys: &[&str],
        jws: &Jws,
        algorithm: Algorithm,
        candidates: Candidates,
    ) -> Result<usize, String> {
        choose(Keys::Set(&set(keys)), jws, algorithm, candidates)
            .map(|keys| keys.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_examples_of_rfc_7515() {
        let jws = Jws::parse(HS256).expect("a JWT");
        let key = VerifyingKey::secret(&super::super::jws::decode(HS256_KEY).expect("base64"));
        assert!(verify(&jws, Algorithm::Hs256, std::slice::from_ref(&key)).is_some());
        assert!(verify(&jws, Algorithm::Hs512, &[key]).is_none());
        let jws = Jws::parse(ES256).expect("a JWT");
        let keys = choose(Keys::Set(&set(&[ES256_KEY])), &jws, Algorithm::Es256, Candidates::One)
            .expect("a key");
        assert!(verify(&jws, Algorithm::Es256, &keys).is_some());
        let tampered = ES256.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Yi");
        let jws = Jws::parse(&tampered).expect("a JWT");
        assert!(verify(&jws, Algorithm::Es256, &keys).is_none());
    }

    #[test]
    fn the_algorithm_is_one_of_those_allowed() {
        let allowed = [Algorithm::Rs256, Algorithm::Es256];
        let jws = |alg: &str| {
            let mut jws = Jws::parse(ES256).expect("a JWT");
            jws.header.algorithm = alg.to_owned();
            jws
        };
        assert_eq!(algorithm(&jws("ES256"), &allowed), Ok(Algorithm::Es256));
        for refused in ["none", "None", "NONE", "", "HS256", "es256", "RS512", "ES256 "] {
            let error = algorithm(&jws(refused), &allowed).expect_err(refused);
            assert_eq!(
                error.to_string(),
                format!("alg {refused:?} is not among the allowed ones: RS256, ES256")
            );
        }
    }

    #[test]
    fn the_key_that_the_token_names() {
        let mut jws = Jws::parse(ES256).expect("a JWT");
        let ec = |more: &str| ES256_KEY.replace('}', &format!(", {more}}}"));
        let (a, b) = (ec(r#""kid": "a""#), ec(r#""kid": "b""#));
        let es256 = Algorithm::Es256;
        let mut choose = |kid: Option<&str>, keys: &[&str]| {
            jws.header.key_id = kid.map(str::to_owned);
            choose_in(keys, &jws, es256, Candidates::One)
        };
        assert_eq!(choose(Some("a"), &[&b, &a]), Ok(1));
        assert_eq!(choose(None, &[&a]), Ok(1));
        // A key without a name may be the one that the token means, but not one of several.
        assert_eq!(choose(Some("a"), &[&b, ES256_KEY]), Ok(1));
        assert_eq!(
            choose(Some("a"), &[ES256_KEY, ES256_KEY]),
            Err(r#"no key of the set has the kid "a" (RFC 7515 §4.1.4)"#.to_owned())
        );
        // The encryption key first: it is none to verify with.
        let encryption = ec(r#""use": "enc""#);
        assert_eq!(choose(None, &[&encryption, &a]), Ok(1));
        assert_eq!(choose(Some("a"), &[&a, &a]), Ok(2));
        let error = |result: Result<usize, String>| result.expect_err("no key");
        assert_eq!(
            error(choose(Some("c"), &[&a, &b])),
            r#"no key of the set has the kid "c" (RFC 7515 §4.1.4)"#
        );
        assert_eq!(
            error(choose(None, &[&a, &b])),
            "the token names no key, and 2 keys of the set fit (OpenID Connect Core §10.1)"
        );
        assert_eq!(
            error(choose(None, &[&encryption])),
            "the token names no key, and none of the set is one for ES256"
        );
        let encryption = ec(r#""use": "enc", "kid": "e""#);
        assert_eq!(
            error(choose(Some("e"), &[&encryption, &a])),
            r#"the key with kid "e" is not for verifying, by its use or key_ops (RFC 7517 §4.2, §4.3)"#
        );
        let other = ec(r#""alg": "ES512", "kid": "o""#);
        assert_eq!(
            error(choose(Some("o"), &[&other])),
            r#"the key with kid "o" is not for verifying, by its alg (RFC 7517 §4.4)"#
        );
        let rsa =
            format!(r#"{{"kty": "RSA", "n": "{}w", "e": "AQAB", "kid": "r"}}"#, "_".repeat(341));
        assert_eq!(
            error(choose(Some("r"), &[&rsa])),
            r#"the key with kid "r" is not one for ES256 (RFC 7517 §4.4)"#
        );
        let off = ES256_KEY.replace("f83O", "").replace('}', r#", "kid": "m"}"#);
        assert_eq!(
            error(choose(Some("m"), &[&off])),
            r#"the key with kid "m" is malformed (RFC 7518 §6)"#
        );
        let weak = r#"{"kty": "RSA", "n": "_____w", "e": "AQAB", "kid": "w"}"#;
        jws.header.key_id = Some("w".into());
        let error =
            super::choose(Keys::Set(&set(&[weak])), &jws, Algorithm::Rs256, Candidates::One);
        assert!(error.expect_err("weak").is_weak());
    }

    #[test]
    fn an_access_token_that_names_no_key_is_tried_with_those_that_fit() {
        let mut jws = Jws::parse(ES256).expect("a JWT");
        let ec = |more: &str| ES256_KEY.replace('}', &format!(", {more}}}"));
        let (a, b, encryption) =
            (ec(r#""kid": "a""#), ec(r#""kid": "b""#), ec(r#""use": "enc", "kid": "e""#));
        let many = vec![ES256_KEY; MOST_CANDIDATES + 1];
        for (kid, keys, candidates) in [
            (None, &[a.as_str(), &b, &encryption][..], Some(2)),
            (None, &[&a], Some(1)),
            (None, &[&encryption], None),
            (None, &many[1..], Some(MOST_CANDIDATES)),
            (None, &many, None),
            (Some("c"), &many, None),
            (Some("a"), &[&a, &b, ES256_KEY], Some(1)),
            (Some("c"), &[&a, &b], None),
            (Some("c"), &[&a, ES256_KEY, ES256_KEY], Some(2)),
        ] {
            jws.header.key_id = kid.map(str::to_owned);
            let found = choose_in(keys, &jws, Algorithm::Es256, Candidates::Several);
            assert_eq!(found.ok(), candidates, "{kid:?} {keys:?}");
        }
    }

    #[test]
    fn every_algorithm_verifies_what_it_signs() {
        for algorithm in Algorithm::ALL {
            let (private, public) = pair(*algorithm);
            let random = aws_lc_rs::rand::SystemRandom::new();
            let token = private
                .sign(serde_json::Map::new(), &serde_json::json!({"sub": "ada"}), &random)
                .expect("a signature");
            let jws = Jws::parse(&token).expect("a JWT");
            let keys = [public];
            assert!(verify(&jws, *algorithm, &keys).is_some(), "{algorithm}");
            let (_, foreign) = pair(*algorithm);
            assert!(verify(&jws, *algorithm, &[foreign]).is_none(), "{algorithm}");
            for other in
                Algorithm::ALL.iter().filter(|other| !keys.iter().any(|key| key.fits(**other)))
            {
                assert!(verify(&jws, *other, &keys).is_none(), "{algorithm} as {other}");
            }
        }
    }

    /// A new key pair for the algorithm.
    fn pair(algorithm: Algorithm) -> (SigningKey, VerifyingKey) {
        use aws_lc_rs::encoding::AsDer;
        use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair};
        use rcgen::{
            PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
            PKCS_RSA_SHA256, PublicKeyData,
        };
        let kind = match algorithm.key_kind() {
            KeyKind::Secret => {
                let mut secret = [0; 64];
                aws_lc_rs::rand::fill(&mut secret).expect("random bytes");
                let private = SigningKey::from_secret(&secret, algorithm).expect("a secret");
                return (private, VerifyingKey::secret(&secret));
            }
            KeyKind::Ec(crate::protocol::jose::Curve::Secp256k1) => {
                let pair = EcdsaKeyPair::generate(
                    &aws_lc_rs::signature::ECDSA_P256K1_SHA256_FIXED_SIGNING,
                )
                .expect("a pair");
                let pkcs8 = pair.to_pkcs8v1().expect("PKCS#8");
                let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> =
                    pair.public_key().as_der().expect("SPKI");
                let private = SigningKey::from_pkcs8(pkcs8.as_ref(), algorithm).expect("a key");
                return (private, from_spki(spki.as_ref()));
            }
            KeyKind::Rsa => &PKCS_RSA_SHA256,
            KeyKind::Ec(crate::protocol::jose::Curve::P256) => &PKCS_ECDSA_P256_SHA256,
            KeyKind::Ec(crate::protocol::jose::Curve::P384) => &PKCS_ECDSA_P384_SHA384,
            KeyKind::Ec(crate::protocol::jose::Curve::P521) => &PKCS_ECDSA_P521_SHA512,
            KeyKind::Ed25519 => &PKCS_ED25519,
        };
        let pair = rcgen::KeyPair::generate_for(kind).expect("a pair");
        let private = SigningKey::from_pem(&pair.serialize_pem(), Some(algorithm)).expect("a key");
        (private, from_spki(&pair.subject_public_key_info()))
    }

    fn from_spki(der: &[u8]) -> VerifyingKey {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
        let key = VerifyingKey::from_pem(&pem).expect("a public key");
        assert_eq!(key.spki().as_deref(), Some(der));
        key
    }
}
