//! One-time codes that follow the clock (RFC 6238): SHA-1 and six digits, as apps take it.

use std::sync::PoisonError;

use aws_lc_rs::hmac;

use super::{Shared, keys};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret in base32 (RFC 4648 §6): 32 letters and digits for 20 bytes.
pub(super) fn secret(random: [u8; 32]) -> String {
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

fn decoded(secret: &str) -> Vec<u8> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in secret.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).expect("base32");
        buffer = buffer << 5 | u32::try_from(value).expect("below 32");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xff).expect("a byte"));
        }
    }
    bytes
}

fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    // RFC 4226 §5.3.
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes"));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Whether this is the code of now, or of a step beside it, and of none that was spent (RFC 6238
/// §5.2). From now on it is spent.
pub(super) fn spend(shared: &Shared, given: &str) -> bool {
    let secret = decoded(&shared.credentials.totp_secret);
    let now = keys::now() / shared.credentials.totp_period;
    let mut spent = shared.spent_step.lock().unwrap_or_else(PoisonError::into_inner);
    let found = (now - 1..=now + 1).find(|step| *step > *spent && code(&secret, *step) == given);
    if let Some(step) = found {
        *spent = step;
    }
    found.is_some()
}
