//! The signature algorithms by their names in `alg`.

use super::key::{Curve, KeyKind};

macro_rules! algorithms {
    ($($(#[$doc:meta])+ $variant:ident $text:literal $kind:expr,)+) => {
        /// A signature algorithm. `none` is not among them: nothing signed with it is signed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Algorithm { $($(#[$doc])+ $variant,)+ }

        impl Algorithm {
            /// Every algorithm.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in `alg`; names differ in case (RFC 7515 §4.1.1).
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What kind of key it needs.
            #[must_use]
            pub const fn key_kind(self) -> KeyKind {
                match self { $(Self::$variant => $kind),+ }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    Hs256 "HS256" KeyKind::Secret,
    /// HMAC with SHA-384.
    Hs384 "HS384" KeyKind::Secret,
    /// HMAC with SHA-512.
    Hs512 "HS512" KeyKind::Secret,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 "RS256" KeyKind::Rsa,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 "RS384" KeyKind::Rsa,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 "RS512" KeyKind::Rsa,
    /// RSASSA-PSS with SHA-256.
    Ps256 "PS256" KeyKind::Rsa,
    /// RSASSA-PSS with SHA-384.
    Ps384 "PS384" KeyKind::Rsa,
    /// RSASSA-PSS with SHA-512.
    Ps512 "PS512" KeyKind::Rsa,
    /// ECDSA on P-256 with SHA-256.
    Es256 "ES256" KeyKind::Ec(Curve::P256),
    /// ECDSA on P-384 with SHA-384.
    Es384 "ES384" KeyKind::Ec(Curve::P384),
    /// ECDSA on P-521 with SHA-512.
    Es512 "ES512" KeyKind::Ec(Curve::P521),
    /// ECDSA on secp256k1 with SHA-256.
    Es256K "ES256K" KeyKind::Ec(Curve::Secp256k1),
    /// `EdDSA` with Ed25519 (RFC 8037 §3.1).
    EdDsa "EdDSA" KeyKind::Ed25519,
    /// The same under the name that says the curve (RFC 9864 §2.2).
    Ed25519 "Ed25519" KeyKind::Ed25519,
}

impl Algorithm {
    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// The algorithm as the library for JWTs calls it; `None` for one that it does not know.
    pub(super) const fn of_library(self) -> Option<jsonwebtoken::Algorithm> {
        Some(match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Hs384 => jsonwebtoken::Algorithm::HS384,
            Self::Hs512 => jsonwebtoken::Algorithm::HS512,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Rs384 => jsonwebtoken::Algorithm::RS384,
            Self::Rs512 => jsonwebtoken::Algorithm::RS512,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Ps384 => jsonwebtoken::Algorithm::PS384,
            Self::Ps512 => jsonwebtoken::Algorithm::PS512,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa | Self::Ed25519 => jsonwebtoken::Algorithm::EdDSA,
            Self::Es512 | Self::Es256K => return None,
        })
    }

    /// Shortest secret in bytes with which HMAC may be used: the length of its hash
    /// (RFC 7518 §3.2). 0 for the other families.
    #[must_use]
    pub const fn shortest_secret(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
