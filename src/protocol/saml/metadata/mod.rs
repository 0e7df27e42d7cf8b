//! Metadata of SAML 2.0: what an entity says of itself (SAML metadata §2).
//!
//! [`MetadataReader`] takes a document piece by piece and keeps one entity of it; an aggregate
//! of thousands costs no more memory than that entity. With a [`Trust`] it verifies the
//! signature on the way, and what it returns was covered by it.

mod entity;
mod reader;

pub use entity::{Endpoint, Entity, KeyDescriptor, KeyUse, Role, RoleKind, Service};
pub use reader::{Metadata, MetadataReader, SignatureState, Trust};

use super::time::TimeError;
use crate::protocol::xml::XmlError;
use crate::protocol::xml::signature::SignatureError;

/// Why metadata is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// The document is refused.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The signature is refused.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Another document.
    #[error("the root is neither EntityDescriptor nor EntitiesDescriptor (SAML metadata §2.3)")]
    Root,
    /// The entity is not in it.
    #[error("no entity {wanted:?} among {entities}")]
    EntityNotFound {
        /// The entity ID that was asked for.
        wanted: String,
        /// How many there are.
        entities: u64,
        /// Whether a signature over all of the document was verified.
        verified: bool,
    },
    /// Several entities, and none was asked for.
    #[error("{entities} entities: entity_id has to say which")]
    Ambiguous {
        /// How many there are.
        entities: u64,
        /// Whether a signature over all of the document was verified.
        verified: bool,
    },
    /// The same entity twice: which of them is meant, nobody can tell.
    #[error("the entity {0:?} is in it more than once (SAML metadata §2.3.2)")]
    DuplicateEntity(String),
    /// An attribute that is missing.
    #[error("{element} has no {attribute} (SAML metadata §2)")]
    MissingAttribute {
        /// The element.
        element: &'static str,
        /// Its attribute.
        attribute: &'static str,
    },
    /// An attribute that is not what it should be.
    #[error("{attribute} of {element} {problem}")]
    Time {
        /// The element.
        element: &'static str,
        /// Its attribute.
        attribute: &'static str,
        /// What is wrong with it.
        problem: TimeError,
    },
    /// Another value than its type has.
    #[error("{attribute} of {element} is {expected}")]
    Value {
        /// The element.
        element: &'static str,
        /// Its attribute.
        attribute: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The entity has another role.
    #[error("the entity has no {0} for SAML 2.0 (SAML metadata §2.4)")]
    RoleMissing(&'static str),
    /// The role has no such endpoint.
    #[error("there is no {service} with the binding {binding} (SAML metadata §2.4)")]
    EndpointMissing {
        /// Name of the element.
        service: &'static str,
        /// The binding, or `any`.
        binding: String,
    },
}

#[cfg(test)]
mod tests;
