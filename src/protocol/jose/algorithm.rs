//! The signature algorithms by their names in `alg`.

/// What kind of key an algorithm needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// A secret that both sides know (RFC 7518 §3.2).
    Hmac,
    /// RSA with PKCS#1 v1.5 or PSS (RFC 7518 §3.3, §3.5).
    Rsa,
    /// ECDSA, each algorithm with a curve of its own (RFC 7518 §3.4, RFC 8812 §3.2).
    Ec,
    /// `EdDSA` with Ed25519 (RFC 8037 §3.1).
    Okp,
}

macro_rules! algorithms {
    ($($(#[$doc:meta])+ $variant:ident $text:literal $family:ident,)+) => {
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
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family),+ }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    Hs256 "HS256" Hmac,
    /// HMAC with SHA-384.
    Hs384 "HS384" Hmac,
    /// HMAC with SHA-512.
    Hs512 "HS512" Hmac,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 "RS256" Rsa,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 "RS384" Rsa,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 "RS512" Rsa,
    /// RSASSA-PSS with SHA-256.
    Ps256 "PS256" Rsa,
    /// RSASSA-PSS with SHA-384.
    Ps384 "PS384" Rsa,
    /// RSASSA-PSS with SHA-512.
    Ps512 "PS512" Rsa,
    /// ECDSA on P-256 with SHA-256.
    Es256 "ES256" Ec,
    /// ECDSA on P-384 with SHA-384.
    Es384 "ES384" Ec,
    /// ECDSA on P-521 with SHA-512.
    Es512 "ES512" Ec,
    /// ECDSA on secp256k1 with SHA-256.
    Es256K "ES256K" Ec,
    /// `EdDSA` with Ed25519.
    EdDsa "EdDSA" Okp,
}

impl Algorithm {
    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
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
