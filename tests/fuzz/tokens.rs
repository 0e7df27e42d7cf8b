//! Tokens, their claims, and keys.

use std::sync::LazyLock;

use auth_exporter::net::ClientIdentity;
use auth_exporter::protocol::certificate::{self, Certificate};
use auth_exporter::protocol::claims::{self, Clock};
use auth_exporter::protocol::id_token::{self, Expected};
use auth_exporter::protocol::jose::{
    self, Algorithm, DecryptionKey, Jws, KeySet, Keys, SigningKey, VerifyingKey,
};
use auth_exporter::protocol::xml::signature::PublicKey;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Target;
use super::seeds::{files, texts};

pub(crate) const NOW: f64 = 1_800_000_000.0;

/// A key pair for signatures, one for encryption, and certificates of them.
pub(crate) struct Pairs {
    pub(crate) signing: SigningKey,
    verifying: VerifyingKey,
    set: String,
    pub(crate) certificate: Vec<u8>,
    certificate_pem: String,
    private_pem: String,
    rsa_pem: String,
    decryption: DecryptionKey,
}

pub(crate) static PAIRS: LazyLock<Pairs> = LazyLock::new(|| {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let rsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let params = rcgen::CertificateParams::new(["id.example".to_owned()]).expect("names");
    let certificate = params.self_signed(&pair).expect("a certificate");
    let point = pair.public_key_raw();
    let set = json!({"keys": [
        {
            "kty": "EC", "crv": "P-256", "kid": "a", "use": "sig", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
            "x5c": [base64::engine::general_purpose::STANDARD.encode(certificate.der())],
            "x5t": "AAAA",
        },
        {"kty": "RSA", "kid": "b", "n": URL_SAFE_NO_PAD.encode([0xab; 256]), "e": "AQAB", "key_ops": ["verify"]},
        {"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([9; 32])},
        {"kty": "oct", "k": "AAAA", "d": "AA"},
    ]});
    Pairs {
        signing: SigningKey::from_pem(&pair.serialize_pem(), None).expect("a private key"),
        verifying: VerifyingKey::from_pem(&pair.public_key_pem()).expect("a public key"),
        set: set.to_string(),
        certificate: certificate.der().to_vec(),
        certificate_pem: certificate.pem(),
        private_pem: pair.serialize_pem(),
        decryption: DecryptionKey::from_pem(&rsa.serialize_pem()).expect("a key"),
        rsa_pem: rsa.serialize_pem(),
    }
});

const CLAIMS_TEXT: &str = r#"{"iss":"https://id.example","sub":"ada","aud":["api","app"],"azp":"app","exp":1800000600,"nbf":1799999990,"iat":1799999990.5,"auth_time":1799999000,"nonce":"n","at_hash":"AAAAAAAAAAAAAAAAAAAAAA","c_hash":"AAAAAAAAAAAAAAAAAAAAAA","acr":"1","scope":"read write","scp":["read"],"jti":"1"}"#;

/// A header and claims that lie bare are encoded and signed first, so that damage reaches what is
/// in them.
fn token(input: &[u8]) -> String {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    let Some(second) = second else { return String::from_utf8_lossy(input).into_owned() };
    let header: Option<Map<String, Value>> = serde_json::from_slice(first).ok();
    let claims: Option<Value> = serde_json::from_slice(second).ok();
    if let (Some(header), Some(claims)) = (header, claims) {
        return PAIRS.signing.sign(header, &claims, &SystemRandom::new()).expect("a signature");
    }
    let parts = [first, second, &[0; 64]].map(|part| URL_SAFE_NO_PAD.encode(part));
    parts.join(".")
}

pub(crate) const SIGNED: Target = Target {
    name: "signed tokens",
    read: |input| {
        static SET: LazyLock<KeySet> =
            LazyLock::new(|| KeySet::parse(&PAIRS.set.clone().into()).expect("a set"));
        let token = token(input);
        let jws = match Jws::parse(&token) {
            Ok(jws) => jws,
            Err(error) => return error.to_string(),
        };
        let allowed = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];
        let algorithm = match jose::algorithm(&jws, &allowed) {
            Ok(algorithm) => algorithm,
            Err(error) => return format!("{error} {jws:?}"),
        };
        let found = [Keys::One(&PAIRS.verifying), Keys::Set(&SET)].map(|keys| {
            let keys = jose::choose(keys, &jws, algorithm, jose::Candidates::Several);
            let verified =
                keys.as_deref().map(|keys| jose::verify(&jws, algorithm, keys).is_some());
            format!("{verified:?}")
        });
        format!("{found:?} {jws:?} {}", judged(&jws.claims))
    },
    seeds: || {
        let claims = CLAIMS_TEXT;
        let mut seeds = texts(&[
            &format!("{{\"alg\":\"ES256\",\"kid\":\"a\",\"typ\":\"JWT\"}}\n{claims}"),
            &format!("{{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\"}}\n{claims}"),
            &format!("{{\"alg\":\"none\"}}\n{claims}"),
            &format!(
                "{{\"alg\":\"RS256\",\"kid\":\"b\",\"crit\":[\"b64\"],\"b64\":false}}\n{claims}"
            ),
            &format!("{{\"alg\":\"HS256\",\"jwk\":{{}},\"x5c\":[]}}\n{claims}"),
        ]);
        seeds.extend(seeds.clone().iter().map(|seed| token(seed).into_bytes()));
        seeds
    },
};

pub(crate) const ENCRYPTED: Target = Target {
    name: "encrypted tokens",
    read: |input| {
        let mut lines = input.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let rest: Vec<String> = lines.map(|line| URL_SAFE_NO_PAD.encode(line)).collect();
        let token = if rest.is_empty() {
            String::from_utf8_lossy(input).into_owned()
        } else {
            format!("{}.{}", URL_SAFE_NO_PAD.encode(first), rest.join("."))
        };
        let found = PAIRS.decryption.decrypt(&token);
        // Nothing of this was encrypted for the key.
        assert!(found.is_err());
        format!("{found:?} {:?}", Jws::parse(&token))
    },
    seeds: || {
        let mut seeds = Vec::new();
        for algorithm in ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "dir"] {
            for encryption in ["A128GCM", "A256GCM", "A128CBC-HS256"] {
                let header = format!(r#"{{"alg":"{algorithm}","enc":"{encryption}","cty":"JWT"}}"#);
                let key = "k".repeat(256);
                seeds.push(format!("{header}\n{key}\n0123456789ab\ntext\n0123456789abcdef"));
            }
        }
        texts(&seeds.iter().map(String::as_str).collect::<Vec<_>>())
    },
};

/// All that is asked of claims.
fn judged(claims: &Map<String, Value>) -> String {
    let clock = Clock { now: NOW, leeway: 30.0 };
    let names = ["sub".to_owned(), "exp".to_owned()];
    let scopes = ["read".to_owned(), "write".to_owned()];
    let audience = ["api".to_owned()];
    let expected = Expected {
        nonce: Some("n"),
        access_token: Some("opaque"),
        code: Some("code"),
        max_age: Some(3600.0),
        earlier: Some(claims),
    };
    for name in ["exp", "nbf", "iat", "auth_time"] {
        if let Ok(Some(date)) = claims::numeric_date(claims, name) {
            assert!(date.is_finite(), "{date}");
        }
    }
    format!(
        "{:?}",
        (
            claims::expiry(claims, clock, true),
            claims::not_before(claims, clock),
            claims::issued_at(claims, clock),
            claims::issuer(claims, "https://id.example"),
            claims::audience(claims, &audience, true),
            claims::required(claims, &names),
            claims::strings(claims),
            claims::scopes(claims, &scopes),
            claims::lifetime(claims, NOW, Some(60.0), Some(3600.0)),
            id_token::issuer(claims),
            id_token::audience(claims, "app", &audience),
            id_token::check(claims, Algorithm::Es256, &expected, clock),
        )
    )
}

pub(crate) const CLAIMS: Target = Target {
    name: "claims",
    read: |input| match serde_json::from_slice(input) {
        Ok(claims) => judged(&claims),
        Err(_) => "no object".to_owned(),
    },
    seeds: || {
        texts(&[
            CLAIMS_TEXT,
            r#"{"aud":"api","exp":"1800000600","iat":-1,"scope":["read"],"sub":""}"#,
            r#"{"aud":[],"exp":1e300,"nbf":0.5,"auth_time":null,"scp":"read"}"#,
        ])
    },
};

pub(crate) const KEY_SETS: Target = Target {
    name: "key sets",
    read: |input| {
        let set = match KeySet::parse(&input.to_vec().into()) {
            Ok(set) => set,
            Err(error) => return error.to_string(),
        };
        assert!(set.usable <= set.keys().len());
        let keys = set.keys().iter().map(|key| {
            let certificate = key.certificate();
            let fits = certificate.as_ref().map(|it| key.has_thumbprints_of(it.der()));
            format!("{:?} {:?} {certificate:?} {fits:?}", key.usability(), key.verifying_key())
        });
        let keys: Vec<_> = keys.collect();
        format!("{} {} {keys:?}", set.has("a"), set.duplicate_key_id)
    },
    seeds: || {
        texts(&[
            &PAIRS.set,
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA","kid":"a"},{"kty":"EC","kid":"a"}]}"#,
        ])
    },
};

pub(crate) const KEYS: Target = Target {
    name: "keys and certificates",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        format!(
            "{:?}",
            (
                Certificate::shown(input),
                Certificate::from_der(input).map(|found| found.subject.len()),
                PublicKey::from_certificate(input).is_ok(),
                PublicKey::from_spki(input).is_ok(),
                Certificate::all_in_file(input).map(|all| all.len()),
                Certificate::from_base64(&text).is_ok(),
                certificate::fingerprint(&text),
                SigningKey::from_pem(&text, None),
                VerifyingKey::from_pem(&text),
                DecryptionKey::from_pem(&text),
                ClientIdentity::from_pem(&PAIRS.certificate_pem, &text).err(),
                ClientIdentity::from_pem(&text, &PAIRS.private_pem).err(),
            )
        )
    },
    seeds: || {
        let mut seeds = files("tests/config/files", ".pem");
        seeds.extend(texts(&[&PAIRS.certificate_pem, &PAIRS.private_pem, &PAIRS.rsa_pem]));
        seeds.extend([PAIRS.certificate.clone(), b"AB:CD:EF:01 23".repeat(7)]);
        seeds
    },
};
