//! One-time codes that follow the clock (RFC 6238), from a secret as authenticator apps take
//! it: base32, or an `otpauth://` address.
//!
//! Which step was spent, and that none is spent twice (RFC 6238 §5.2), is for the caller to
//! remember: [`Totp::code`] says the step beside the code.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use url::Url;

/// The hash of the HMAC (RFC 6238 §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TotpAlgorithm {
    /// What apps take when nothing is said.
    #[default]
    Sha1,
    /// HMAC-SHA-256
    Sha256,
    /// HMAC-SHA-512
    Sha512,
}

/// A shared secret with what else makes a code of it.
pub struct Totp {
    identity: [u8; 32],
    key: hmac::Key,
    digits: u32,
    period: u64,
}

/// A code and the time step that it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpCode {
    /// `T` of RFC 6238 §4.2: periods since the epoch.
    pub step: u64,
    /// The digits, with leading zeros.
    pub digits: String,
}

/// Why a text is no secret for codes. Says nothing of the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// Neither base32 nor a URL.
    #[error("is neither base32 (RFC 4648 §6) nor an otpauth:// address")]
    NotBase32,
    /// Nothing in it.
    #[error("holds no secret")]
    Empty,
    /// An address of another kind, as `otpauth://hotp/`.
    #[error("is an address for other codes than otpauth://totp/")]
    NotTotp,
    /// An unknown hash.
    #[error("names an algorithm that is none of SHA1, SHA256 and SHA512 (RFC 6238 §1.2)")]
    Algorithm,
    /// Too short to be safe or longer than RFC 4226 §5.3 has.
    #[error("asks for codes that have not 6, 7 or 8 digits (RFC 4226 §5.3)")]
    Digits,
    /// No time step.
    #[error("has a period that is not a number of seconds above 0")]
    Period,
}

impl Totp {
    /// A secret of bytes.
    ///
    /// # Errors
    /// When it is empty, or digits or period make no code.
    pub fn new(
        secret: &[u8],
        algorithm: TotpAlgorithm,
        digits: u32,
        period: u64,
    ) -> Result<Self, TotpError> {
        if secret.is_empty() {
            return Err(TotpError::Empty);
        }
        if !(6..=8).contains(&digits) {
            return Err(TotpError::Digits);
        }
        if period == 0 {
            return Err(TotpError::Period);
        }
        let hash = match algorithm {
            TotpAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            TotpAlgorithm::Sha256 => hmac::HMAC_SHA256,
            TotpAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(hash, secret);
        let of_key = hmac::sign(&key, format!("{digits} digits every {period} s").as_bytes());
        let identity = digest(&SHA256, of_key.as_ref()).as_ref().try_into().unwrap_or_default();
        Ok(Self { identity, key, digits, period })
    }

    /// The same for all secrets that make the same codes, however they are written, and another
    /// one for others. It tells nothing of the secret.
    #[must_use]
    pub const fn identity(&self) -> [u8; 32] {
        self.identity
    }

    /// Reads what a provider shows when the second factor is set up: a base32 secret (in any
    /// case, with spaces or hyphens between its groups, with or without padding), which makes
    /// 6 digits of SHA-1 every 30 seconds; or the `otpauth://totp/` address of the QR code.
    ///
    /// # Errors
    /// When it is neither, or asks for codes that there are none of.
    pub fn parse(text: &str) -> Result<Self, TotpError> {
        let text = text.trim();
        let is_address = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("otpauth:"));
        if is_address {
            return Self::from_address(text);
        }
        Self::new(&base32(text)?, TotpAlgorithm::Sha1, 6, 30)
    }

    fn from_address(text: &str) -> Result<Self, TotpError> {
        let url = Url::parse(text).map_err(|_| TotpError::NotTotp)?;
        if !url.host_str().is_some_and(|host| host.eq_ignore_ascii_case("totp")) {
            return Err(TotpError::NotTotp);
        }
        let parameter = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into_owned())
        };
        let algorithm = match parameter("algorithm").map(|name| name.to_ascii_uppercase()) {
            None => TotpAlgorithm::Sha1,
            Some(name) => match name.replace('-', "").trim_start_matches("HMAC") {
                "SHA1" => TotpAlgorithm::Sha1,
                "SHA256" => TotpAlgorithm::Sha256,
                "SHA512" => TotpAlgorithm::Sha512,
                _ => return Err(TotpError::Algorithm),
            },
        };
        let digits = parameter("digits")
            .map_or(Ok(6), |digits| digits.parse().map_err(|_| TotpError::Digits))?;
        let period = parameter("period")
            .map_or(Ok(30), |period| period.parse().map_err(|_| TotpError::Period))?;
        Self::new(&base32(&parameter("secret").unwrap_or_default())?, algorithm, digits, period)
    }

    /// The code at a time, in seconds since the epoch, and its step.
    #[must_use]
    pub fn code(&self, now_unix: u64) -> TotpCode {
        let step = now_unix / self.period;
        let tag = hmac::sign(&self.key, &step.to_be_bytes());
        let number = truncate(tag.as_ref()) % 10_u32.pow(self.digits);
        TotpCode { step, digits: format!("{number:0width$}", width = self.digits as usize) }
    }

    /// When a step begins, in seconds since the epoch: until then its code is not valid.
    #[must_use]
    pub const fn begins(&self, step: u64) -> u64 {
        step.saturating_mul(self.period)
    }
}

/// Four bytes from where the last byte says, without their sign (RFC 4226 §5.3).
fn truncate(tag: &[u8]) -> u32 {
    let offset = usize::from(tag.last().map_or(0, |last| last & 0x0f));
    tag.iter().skip(offset).take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
        & 0x7fff_ffff
}

/// RFC 4648 §6, as people copy it. Leftover bits that are not zero are taken, as apps do.
fn base32(text: &str) -> Result<Vec<u8>, TotpError> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    let mut length = 0;
    for c in text.trim_end_matches(|c: char| c == '=' || c.is_whitespace()).chars() {
        let value = match c {
            ' ' | '\t' | '-' => continue,
            'A'..='Z' => u32::from(c) - u32::from('A'),
            'a'..='z' => u32::from(c) - u32::from('a'),
            '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return Err(TotpError::NotBase32),
        };
        length += 1;
        bits = bits << 5 | value;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    // No number of whole bytes ends with these.
    if matches!(length % 8, 1 | 3 | 6) {
        return Err(TotpError::NotBase32);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        b"1234567890".iter().copied().cycle().take(length).collect()
    }

    fn totp(secret: &str) -> Totp {
        Totp::parse(secret).expect("secret")
    }

    /// RFC 6238 appendix B. The secrets are as long as the hash (erratum 2866).
    #[test]
    fn pass_vectors_of_rfc_6238() {
        for (now, step, sha1, sha256, sha512) in [
            (59, 0x1, "94287082", "46119246", "90693936"),
            (1_111_111_109, 0x023_523EC, "07081804", "68084774", "25091201"),
            (1_111_111_111, 0x023_523ED, "14050471", "67062674", "99943326"),
            (1_234_567_890, 0x027_3EF07, "89005924", "91819424", "93441116"),
            (2_000_000_000, 0x03F_940AA, "69279037", "90698825", "38618901"),
            (20_000_000_000, 0x27B_C86AA, "65353130", "77737706", "47863826"),
        ] {
            for (algorithm, length, digits) in [
                (TotpAlgorithm::Sha1, 20, sha1),
                (TotpAlgorithm::Sha256, 32, sha256),
                (TotpAlgorithm::Sha512, 64, sha512),
            ] {
                let code = Totp::new(&text(length), algorithm, 8, 30).expect("secret").code(now);
                assert_eq!(
                    (code.step, code.digits.as_str()),
                    (step, digits),
                    "{algorithm:?} {now}"
                );
            }
        }
    }

    /// RFC 4226 appendix D, with a period of one second for the counter.
    #[test]
    fn pass_vectors_of_rfc_4226() {
        let totp = Totp::new(&text(20), TotpAlgorithm::Sha1, 6, 1).expect("secret");
        let codes: Vec<String> = (0..10).map(|counter| totp.code(counter).digits).collect();
        assert_eq!(
            codes,
            [
                "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
                "399871", "520489"
            ]
        );
    }

    /// The last six digits of the vectors above: the secret is the same, as base32.
    #[test]
    fn pass_secrets_as_people_copy_them() {
        let of_itself = Totp::new(&text(20), TotpAlgorithm::Sha1, 6, 30).expect("secret");
        for secret in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ",
            "  GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n",
            "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example",
            "OTPAUTH://TOTP/alice?Secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq&ALGORITHM=sha1",
            "otpauth://totp/a%20b?digits=6&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        ] {
            assert_eq!(totp(secret).code(1_111_111_109).digits, "081804", "{secret}");
            assert_eq!(totp(secret).identity(), of_itself.identity(), "{secret}");
        }
        for other in ["digits=8", "period=60", "algorithm=SHA256"] {
            let address =
                format!("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&{other}");
            assert_ne!(totp(&address).identity(), of_itself.identity(), "{other}");
        }
    }

    #[test]
    fn pass_padding_that_is_there_missing_or_wrong() {
        // "hello" has 8 letters of base32, "hell" 7 and a padding.
        assert_eq!(base32("NBSWY3DP").expect("base32"), b"hello");
        assert_eq!(base32("NBSWY3A=").expect("base32"), b"hell");
        assert_eq!(base32("NBSWY3A").expect("base32"), b"hell");
        assert_eq!(base32("NBSWY3A = =").expect("base32"), b"hell");
    }

    #[test]
    fn pass_an_address_with_all_parameters() {
        // The SHA-256 secret of RFC 6238.
        let address = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA\
                       &algorithm=SHA256&digits=8&period=60";
        let code = totp(address).code(118);
        assert_eq!((code.step, code.digits.as_str()), (1, "46119246"));
    }

    #[test]
    fn fail_what_makes_no_code() {
        for (secret, error) in [
            ("", TotpError::Empty),
            ("  = ", TotpError::Empty),
            ("NBSWY3D1", TotpError::NotBase32),
            ("NBSWY3DPN", TotpError::NotBase32),
            ("NBSW=Y3DP", TotpError::NotBase32),
            ("ñbswy3dp", TotpError::NotBase32),
            ("https://example.com/", TotpError::NotBase32),
            ("otpauth://totp/x", TotpError::Empty),
            ("otpauth://totp/x?secret=0", TotpError::NotBase32),
            ("otpauth://hotp/x?secret=NBSWY3DP&counter=1", TotpError::NotTotp),
            ("otpauth:NBSWY3DP", TotpError::NotTotp),
            ("otpauth://totp/x?secret=NBSWY3DP&algorithm=MD5", TotpError::Algorithm),
            ("otpauth://totp/x?secret=NBSWY3DP&digits=5", TotpError::Digits),
            ("otpauth://totp/x?secret=NBSWY3DP&digits=10", TotpError::Digits),
            ("otpauth://totp/x?secret=NBSWY3DP&digits=six", TotpError::Digits),
            ("otpauth://totp/x?secret=NBSWY3DP&period=0", TotpError::Period),
            ("otpauth://totp/x?secret=NBSWY3DP&period=-30", TotpError::Period),
        ] {
            assert_eq!(Totp::parse(secret).err(), Some(error), "{secret}");
        }
    }

    #[test]
    fn a_code_lasts_from_the_begin_of_its_step_to_the_next() {
        let totp = totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let steps: Vec<u64> = [89, 90, 119, 120].map(|now| totp.code(now).step).to_vec();
        assert_eq!(steps, [2, 3, 3, 4]);
        assert_eq!(totp.begins(3), 90);
    }
}
