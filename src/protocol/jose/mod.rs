//! JSON Object Signing and Encryption: tokens, algorithms, keys and signatures (RFC 7515 to
//! RFC 7518, RFC 8037, RFC 8812, RFC 9864).
//!
//! ```text
//! jws      a token taken apart ──┐
//! key_set  the keys in public  ──┴─ verify   algorithm, key, signature: each a check of its own
//! key      a key to verify with, from a set, PEM or a secret
//! sign     a key to sign with
//! encrypted  what is inside of an encrypted token
//! ```

mod algorithm;
mod encrypted;
mod jws;
mod key;
mod key_set;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use encrypted::{Decrypted, DecryptionError, DecryptionKey, DecryptionKeyError};
pub use jws::{FormatError, Header, Jws};
pub use key::{Curve, KeyKind, PublicKeyError, SHORTEST_RSA, VerifyingKey};
pub(crate) use key::{bit_length, rsa_spki};
pub use key_set::{Jwk, KeySet, KeySetError, Unusable};
pub use sign::{KeyError, SigningFailed, SigningKey};
pub use verify::{AlgorithmRefused, Candidates, KeyNotFound, Keys, algorithm, choose, verify};
