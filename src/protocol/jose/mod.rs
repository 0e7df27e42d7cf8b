//! JSON Object Signing: algorithms, keys and signatures (RFC 7515, RFC 7518, RFC 8037, RFC 8812).

mod algorithm;
mod sign;

pub use algorithm::{Algorithm, Family};
pub use sign::{KeyError, SigningFailed, SigningKey};
