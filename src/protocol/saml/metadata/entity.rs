//! One entity, its roles, endpoints and keys (SAML metadata §2.3.2, §2.4).

use std::collections::HashSet;

use url::Url;

use super::MetadataError;
use crate::protocol::certificate::{self, Certificate, CertificateError, Validity};
use crate::protocol::saml::{METADATA, PROTOCOL, time};
use crate::protocol::xml::signature::{DSIG, PublicKey};
use crate::protocol::xml::{Element, trim};

/// An entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its name, mostly a URL, sometimes a URN.
    pub entity_id: String,
    /// When what is said here ends, in Unix seconds.
    pub valid_until: Option<f64>,
    /// How long it may be kept, in seconds.
    pub cache_duration: Option<f64>,
    /// Its roles of the two kinds that are read.
    pub roles: Vec<Role>,
}

/// The kinds of roles that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// Identity provider.
    Idp,
    /// Service provider.
    Sp,
}

impl RoleKind {
    /// The value of the label `role`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idp => "idp",
            Self::Sp => "sp",
        }
    }

    /// The name of its element.
    #[must_use]
    pub const fn element(self) -> &'static str {
        match self {
            Self::Idp => "IDPSSODescriptor",
            Self::Sp => "SPSSODescriptor",
        }
    }
}

/// A role of an entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Which.
    pub kind: RoleKind,
    /// The protocols that it is for (`protocolSupportEnumeration`).
    pub protocols: Vec<String>,
    /// When it ends, in Unix seconds.
    pub valid_until: Option<f64>,
    /// How long it may be kept, in seconds.
    pub cache_duration: Option<f64>,
    /// An identity provider that takes signed requests alone.
    pub want_authn_requests_signed: bool,
    /// A service provider that signs its requests.
    pub authn_requests_signed: bool,
    /// A service provider that takes signed assertions alone.
    pub want_assertions_signed: bool,
    /// Its keys.
    pub keys: Vec<KeyDescriptor>,
    /// Its endpoints, in the order of the document.
    pub endpoints: Vec<Endpoint>,
}

/// What an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Takes requests for authentication.
    SingleSignOn,
    /// Takes responses.
    AssertionConsumer,
    /// Takes requests to log out, and their answers.
    SingleLogout,
    /// Resolves artifacts.
    ArtifactResolution,
}

impl Service {
    const ALL: [Self; 4] =
        [Self::SingleSignOn, Self::AssertionConsumer, Self::SingleLogout, Self::ArtifactResolution];

    /// The name of its element.
    #[must_use]
    pub const fn element(self) -> &'static str {
        match self {
            Self::SingleSignOn => "SingleSignOnService",
            Self::AssertionConsumer => "AssertionConsumerService",
            Self::SingleLogout => "SingleLogoutService",
            Self::ArtifactResolution => "ArtifactResolutionService",
        }
    }
}

/// An endpoint (SAML metadata §2.2.2, §2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is for.
    pub service: Service,
    /// The identifier of its binding.
    pub binding: String,
    /// Its URL.
    pub location: String,
    /// Whether it is the one to take when none is named.
    pub is_default: Option<bool>,
}

/// What a key is for (SAML metadata §2.4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// Signatures.
    Signing,
    /// Encryption.
    Encryption,
    /// Both, when nothing is said.
    Any,
}

impl KeyUse {
    /// The value of the label `use`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
            Self::Any => "any",
        }
    }
}

/// A key of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescriptor {
    /// What it is for.
    pub key_use: KeyUse,
    /// Its certificates. All that stand in one descriptor hold the same key, or a chain of it.
    pub certificates: Vec<Result<Certificate, CertificateError>>,
    /// Whether one of them stands between the lines of PEM, where base64 alone belongs (XML-DSig
    /// §4.5.4). It is read all the same.
    pub armoured: bool,
    /// Its keys that come without certificate, as bare numbers; those of a kind that nothing is
    /// verified with are left out. They never expire.
    pub bare: Vec<PublicKey>,
}

/// The signing certificates of a role by their validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SigningCertificates {
    /// In force.
    pub valid: usize,
    /// Over.
    pub expired: usize,
    /// Of the future.
    pub not_yet_valid: usize,
}

impl Entity {
    /// Reads an `EntityDescriptor` element.
    ///
    /// # Errors
    /// When something in it that is read has another shape.
    pub fn read(element: Element<'_>) -> Result<Self, MetadataError> {
        const NAME: &str = "EntityDescriptor";
        let entity_id = required(element, NAME, "entityID")?;
        if entity_id.chars().count() > 1024 {
            return Err(MetadataError::Value {
                element: NAME,
                attribute: "entityID",
                expected: "longer than 1024 characters (SAML metadata §2.2.1)",
            });
        }
        let mut roles = Vec::new();
        for child in element.children() {
            for kind in [RoleKind::Idp, RoleKind::Sp] {
                if child.is(METADATA, kind.element()) {
                    roles.push(Role::read(child, kind)?);
                }
            }
        }
        Ok(Self {
            entity_id,
            valid_until: valid_until(element.attribute("validUntil"), NAME)?,
            cache_duration: cache_duration(element.attribute("cacheDuration"), NAME)?,
            roles,
        })
    }

    /// The first role of this kind that is for SAML 2.0.
    ///
    /// # Errors
    /// When there is none.
    pub fn role(&self, kind: RoleKind) -> Result<&Role, MetadataError> {
        let found = self.roles.iter().find(|role| role.kind == kind && role.is_saml2());
        found.ok_or(MetadataError::RoleMissing(kind.element()))
    }
}

impl Role {
    fn read(element: Element<'_>, kind: RoleKind) -> Result<Self, MetadataError> {
        let name = kind.element();
        let protocols = required(element, name, "protocolSupportEnumeration")?;
        let flag = |attribute| boolean(element, name, attribute).map(Option::unwrap_or_default);
        let mut keys = Vec::new();
        let mut endpoints = Vec::new();
        for child in element.children() {
            if child.is(METADATA, "KeyDescriptor") {
                keys.push(KeyDescriptor::read(child)?);
            }
            for service in Service::ALL {
                if child.is(METADATA, service.element()) {
                    endpoints.push(Endpoint::read(child, service)?);
                }
            }
        }
        Ok(Self {
            kind,
            protocols: protocols.split_ascii_whitespace().map(str::to_owned).collect(),
            valid_until: valid_until(element.attribute("validUntil"), name)?,
            cache_duration: cache_duration(element.attribute("cacheDuration"), name)?,
            want_authn_requests_signed: flag("WantAuthnRequestsSigned")?,
            authn_requests_signed: flag("AuthnRequestsSigned")?,
            want_assertions_signed: flag("WantAssertionsSigned")?,
            keys,
            endpoints,
        })
    }

    /// Whether it is for SAML 2.0.
    #[must_use]
    pub fn is_saml2(&self) -> bool {
        self.protocols.iter().any(|protocol| protocol == PROTOCOL)
    }

    /// The endpoints of a service.
    pub fn endpoints_of(&self, service: Service) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(move |endpoint| endpoint.service == service)
    }

    /// The endpoint of a service to take, with a binding or with any: the default one, else the
    /// first that is not said not to be it, else the first (SAML metadata §2.2.3); among those that
    /// a browser can be sent to, where there are any.
    ///
    /// # Errors
    /// When there is none.
    pub fn endpoint(
        &self,
        service: Service,
        binding: Option<&str>,
    ) -> Result<&Endpoint, MetadataError> {
        let fits = |endpoint: &&Endpoint| binding.is_none_or(|name| endpoint.binding == name);
        let mut all: Vec<_> = self.endpoints_of(service).filter(fits).collect();
        if all.iter().any(|endpoint| endpoint.url().is_some()) {
            all.retain(|endpoint| endpoint.url().is_some());
        }
        let found = all
            .iter()
            .find(|endpoint| endpoint.is_default == Some(true))
            .or_else(|| all.iter().find(|endpoint| endpoint.is_default.is_none()))
            .or_else(|| all.first());
        found.copied().ok_or_else(|| MetadataError::EndpointMissing {
            service: service.element(),
            binding: binding.unwrap_or("any").to_owned(),
        })
    }

    /// The certificates that this role signs with; those that do not parse are left out. Of a
    /// descriptor with several, all: which one holds the key is not said.
    pub fn signing_certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.signing().flat_map(|key| key.certificates.iter().flatten())
    }

    /// The keys that this role signs with and that come without certificate.
    pub fn signing_bare_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.signing().flat_map(|key| &key.bare)
    }

    fn signing(&self) -> impl Iterator<Item = &KeyDescriptor> {
        self.keys.iter().filter(|key| key.key_use != KeyUse::Encryption)
    }

    /// The keys that this role signs with. Expired certificates count: a certificate in metadata
    /// only carries a key, and metadata says until when (SAML metadata §2.4.1.1). Kinds of keys
    /// that nothing is verified with are left out.
    #[must_use]
    pub fn signing_keys(&self) -> Vec<PublicKey> {
        let certified = self.signing_certificates().filter_map(|c| c.public_key().ok());
        certified.chain(self.signing_bare_keys().cloned()).collect()
    }

    /// How many of the signing certificates are in force, over or of the future.
    #[must_use]
    pub fn count_signing_certificates(&self, now: i64) -> SigningCertificates {
        let mut count = SigningCertificates::default();
        for certificate in self.signing_certificates() {
            match certificate.validity(now) {
                Validity::Valid => count.valid += 1,
                Validity::Expired => count.expired += 1,
                Validity::NotYetValid => count.not_yet_valid += 1,
            }
        }
        count
    }
}

impl Endpoint {
    /// Its URL, where that is one of http or https.
    #[must_use]
    pub fn url(&self) -> Option<Url> {
        Url::parse(&self.location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }

    fn read(element: Element<'_>, service: Service) -> Result<Self, MetadataError> {
        let name = service.element();
        let index = element.attribute("index").map(|text| trim(text).parse::<u16>());
        if let Some(Err(_)) = index {
            return Err(MetadataError::Value {
                element: name,
                attribute: "index",
                expected: "not a number up to 65535 (SAML metadata §2.2.3)",
            });
        }
        Ok(Self {
            service,
            binding: required(element, name, "Binding")?,
            location: required(element, name, "Location")?,
            is_default: boolean(element, name, "isDefault")?,
        })
    }
}

impl KeyDescriptor {
    fn read(element: Element<'_>) -> Result<Self, MetadataError> {
        let key_use = match element.attribute("use").map(trim) {
            None => KeyUse::Any,
            Some("signing") => KeyUse::Signing,
            Some("encryption") => KeyUse::Encryption,
            Some(_) => {
                return Err(MetadataError::Value {
                    element: "KeyDescriptor",
                    attribute: "use",
                    expected: "neither signing nor encryption (SAML metadata §2.4.1.1)",
                });
            }
        };
        let (mut certificates, mut bare, mut armoured) = (Vec::new(), Vec::new(), false);
        for info in element.children_named(DSIG, "KeyInfo") {
            let before = certificates.len();
            for data in info.children_named(DSIG, "X509Data") {
                let found = data.children_named(DSIG, "X509Certificate");
                // What holds elements is no base64, as what holds nothing.
                let found = found.map(|element| element.text().unwrap_or_default());
                let found: Vec<String> = found.collect();
                armoured |= found.iter().any(|text| certificate::is_armoured(text));
                let read = found.iter().map(|text| Certificate::from_base64(text));
                certificates.extend(leaves(read.collect()));
            }
            // Beside a certificate it is the same key (XML-DSig §4.5).
            if certificates.len() == before {
                let values = info.children_named(DSIG, "KeyValue");
                bare.extend(values.filter_map(|value| PublicKey::from_key_value(value).ok()));
            }
        }
        Ok(Self { key_use, certificates, armoured, bare })
    }
}

/// The certificates that hold keys: what else stands in one `X509Data` is their chain (XML-DSig
/// §4.5.4), whose keys sign nothing here.
fn leaves(
    all: Vec<Result<Certificate, CertificateError>>,
) -> Vec<Result<Certificate, CertificateError>> {
    let above: HashSet<String> = all.iter().flatten().filter_map(Certificate::above).collect();
    let is_chain = |certificate: &Certificate| above.contains(&certificate.subject);
    all.into_iter().filter(|read| !read.as_ref().is_ok_and(is_chain)).collect()
}

/// An attribute that must be there. White space around it is dropped, as `xs:anyURI` has it.
fn required(
    element: Element<'_>,
    name: &'static str,
    attribute: &'static str,
) -> Result<String, MetadataError> {
    let value = element.attribute(attribute).map(trim).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or(MetadataError::MissingAttribute { element: name, attribute })
}

/// `xs:boolean` (XML Schema 2 §3.2.2).
fn boolean(
    element: Element<'_>,
    name: &'static str,
    attribute: &'static str,
) -> Result<Option<bool>, MetadataError> {
    match element.attribute(attribute).map(trim) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(MetadataError::Value {
            element: name,
            attribute,
            expected: "neither true nor false (XML Schema 2 §3.2.2)",
        }),
    }
}

pub(super) fn valid_until(
    value: Option<&str>,
    element: &'static str,
) -> Result<Option<f64>, MetadataError> {
    value.map(time::date_time).transpose().map_err(|problem| MetadataError::Time {
        element,
        attribute: "validUntil",
        problem,
    })
}

pub(super) fn cache_duration(
    value: Option<&str>,
    element: &'static str,
) -> Result<Option<f64>, MetadataError> {
    value.map(time::duration).transpose().map_err(|problem| MetadataError::Time {
        element,
        attribute: "cacheDuration",
        problem,
    })
}
