//! Algorithms by their identifiers (XML-DSig §6, RFC 9231).

use aws_lc_rs::digest;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// Broken; only where it is allowed.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The identifier in `DigestMethod`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm with this identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    pub(crate) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// How the hash becomes a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Pkcs1,
    Pss,
    Ecdsa,
}

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignatureAlgorithm {
    pub(super) scheme: Scheme,
    /// The hash in it.
    pub digest: DigestAlgorithm,
}

const ALGORITHMS: [(&str, Scheme, DigestAlgorithm); 11] = [
    ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", Scheme::Pkcs1, DigestAlgorithm::Sha1),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", Scheme::Pkcs1, DigestAlgorithm::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Scheme::Pkcs1, DigestAlgorithm::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Scheme::Pkcs1, DigestAlgorithm::Sha512),
    (
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        Scheme::Pss,
        DigestAlgorithm::Sha256,
    ),
    (
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        Scheme::Pss,
        DigestAlgorithm::Sha384,
    ),
    (
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        Scheme::Pss,
        DigestAlgorithm::Sha512,
    ),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", Scheme::Ecdsa, DigestAlgorithm::Sha1),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Scheme::Ecdsa, DigestAlgorithm::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Scheme::Ecdsa, DigestAlgorithm::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", Scheme::Ecdsa, DigestAlgorithm::Sha512),
];

impl SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, the one that everybody verifies.
    pub const RSA_SHA256: Self = Self { scheme: Scheme::Pkcs1, digest: DigestAlgorithm::Sha256 };

    /// The identifier in `SignatureMethod`.
    #[must_use]
    pub fn uri(self) -> &'static str {
        let found = ALGORITHMS.iter().find(|(_, s, d)| *s == self.scheme && *d == self.digest);
        found.map_or("", |(uri, ..)| uri)
    }

    /// The algorithm with this identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let found = ALGORITHMS.iter().find(|(other, ..)| *other == uri);
        found.map(|(_, scheme, digest)| Self { scheme: *scheme, digest: *digest })
    }
}
