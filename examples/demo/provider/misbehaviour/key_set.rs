//! Key sets that hold what they should not, or what few expect.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::super::answer::Answer;
use super::super::{keys, random};

impl Answer {
    /// The same with the keys of its set changed.
    pub(super) fn keys(self, change: impl FnOnce(&mut Vec<Value>)) -> Self {
        self.edit(|set| change(set["keys"].as_array_mut().expect("a key set")))
    }
}

/// The same with each key changed.
pub(super) fn edit_each(good: Answer, change: impl Fn(&mut Map<String, Value>)) -> Answer {
    good.keys(|keys| {
        for key in keys {
            change(key.as_object_mut().expect("a key"));
        }
    })
}

/// An odd number of so many bytes whose first bit is set: nobody has to factor it.
fn modulus<const N: usize>() -> String {
    let mut number = random::<N>();
    number[0] |= 0x80;
    number[N - 1] |= 1;
    URL_SAFE_NO_PAD.encode(number)
}

/// 1024 bits in the place of the first key, and nothing else.
pub(super) fn weak(keys: &mut Vec<Value>) {
    keys.truncate(1);
    keys[0]["n"] = modulus::<128>().into();
}

/// The exponent that signs is not the right one: whoever sees the member has to raise the alarm.
pub(super) fn with_private_half(keys: &mut [Value]) {
    keys[0]["d"] = URL_SAFE_NO_PAD.encode(random::<256>()).into();
}

pub(super) fn encryption() -> Value {
    let (_, public) = keys::encryption();
    let (_, info) = SubjectPublicKeyInfo::from_der(public).expect("our own key");
    let Ok(PublicKey::RSA(key)) = info.parsed() else { unreachable!("an RSA key") };
    let modulus = key.modulus.strip_prefix(&[0]).unwrap_or(key.modulus);
    json!({
        "kty": "RSA",
        "kid": "for-encryption",
        "use": "enc",
        "alg": "RSA-OAEP-256",
        "n": URL_SAFE_NO_PAD.encode(modulus),
        "e": URL_SAFE_NO_PAD.encode(key.exponent),
    })
}

/// The good keys come last.
pub(super) fn thousand(keys: &mut Vec<Value>) {
    static OTHERS: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let key = |number| {
            json!({
                "kty": "RSA",
                "kid": format!("key-{number}"),
                "use": "sig",
                "alg": "RS256",
                "n": modulus::<256>(),
                "e": "AQAB",
            })
        };
        (0..1000).map(key).collect()
    });
    let others = OTHERS[..1000 - keys.len()].iter().cloned();
    keys.splice(0..0, others);
}

/// RFC 7517 §5: what is not understood is ignored.
pub(super) fn with_unknown_types(keys: &mut Vec<Value>) {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let unknown = [
        json!({"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-44", "pub": text(&random::<64>())}),
        json!({"kty": "OKP", "kid": "ed448", "crv": "Ed448", "x": text(&random::<57>())}),
        json!({"kty": "EC", "kid": "no-curve", "crv": "P-1024", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "kid": "no-point", "crv": "P-256", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA", "kid": 7, "alg": "RS256", "n": modulus::<256>(), "e": "AQAB"}),
        json!({
            "kty": "RSA",
            "kid": "chain-of-one",
            "n": modulus::<256>(),
            "e": "AQAB",
            "x5c": STANDARD.encode(random::<64>()),
        }),
        json!({"kty": "RSA", "kid": "no-modulus", "e": "AQAB"}),
        json!({"kid": "no-type"}),
    ];
    keys.splice(0..0, unknown);
}
