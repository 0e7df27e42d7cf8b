//! A metadata document that passes by.

use super::entity::{cache_duration, valid_until};
use super::{Entity, MetadataError};
use crate::protocol::saml::METADATA;
use crate::protocol::xml::signature::{
    self, DSIG, Digester, Evidence, Options, PublicKey, Signature, SignatureError, signature_of,
};
use crate::protocol::xml::{Builder, Document, Event, Limits, Reader, Start, trim};

/// Whose signature counts. Without keys nothing does.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The keys of the federation, from configured certificates.
    pub keys: Vec<PublicKey>,
    /// Which algorithms are accepted.
    pub options: Options,
    /// Whether a document without signature is refused.
    pub required: bool,
}

/// What is known about the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// Nobody asked; it may have one.
    Unchecked,
    /// There is none.
    Unsigned,
    /// It was verified and covers all that is returned.
    Verified(Evidence),
}

/// One entity, and what the document says around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The entity.
    pub entity: Entity,
    /// How many entities the document holds.
    pub entities: u64,
    /// The earliest `validUntil` of the entity and of the aggregates around it, in Unix seconds.
    pub valid_until: Option<f64>,
    /// The shortest `cacheDuration` of them, in seconds.
    pub cache_duration: Option<f64>,
    /// What is known about the signature. When the entity or an aggregate inside of another is
    /// signed, an end of the aggregates around that still counts: it can only make the verdict
    /// stricter.
    pub signature: SignatureState,
}

/// Reads one entity out of a document that arrives piece by piece, verifying on the way the
/// signature of the root; when that has none, or one of a key that is not known, of the outermost
/// aggregate around the entity that has another; when none has, of the entity.
///
/// The signature of an aggregate has to be its first child, where the schema has it
/// (SAML metadata §2.3.1): it tells how to digest what follows.
///
/// ```
/// use auth_exporter::protocol::saml::metadata::MetadataReader;
///
/// let mut reader = MetadataReader::new(None, None);
/// reader.push(br#"<EntityDescriptor entityID="urn:example:idp""#)?;
/// reader.push(br#" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>"#)?;
/// assert_eq!(reader.finish()?.entity.entity_id, "urn:example:idp");
/// # Ok::<(), auth_exporter::protocol::saml::metadata::MetadataError>(())
/// ```
#[derive(Debug)]
pub struct MetadataReader {
    reader: Reader,
    walk: Walk,
}

/// The part that reads events; apart from the reader that lends them.
#[derive(Debug)]
struct Walk {
    wanted: Option<String>,
    trust: Option<Trust>,
    stage: Stage,
    /// The open aggregates, the outermost first.
    groups: Vec<Group>,
    entities: u64,
    /// Depth at which the entity that is being kept began, and its tree.
    building: Option<(usize, Builder)>,
    found: Option<Found>,
    /// Whether the signature of the root was set aside, for somebody unknown made it.
    root_by_stranger: bool,
    instruction_outside: bool,
}

/// Where the walk is in the outermost aggregate that has a signature, or may have one.
#[derive(Debug)]
enum Stage {
    /// It begins at this depth, and its first child has not ended.
    Head(Builder, usize),
    /// Its signature was read, which one of the keys made; and it began at this depth.
    Digesting(Box<Digester>, usize),
    /// Nothing to verify on the way.
    Passing,
}

/// An aggregate that is open.
#[derive(Debug)]
struct Group {
    facts: Facts,
    /// Whether the entity that is kept stood in it.
    holds_entity: bool,
    /// Why its signature is refused, should the entity stand in it.
    refused: Option<SignatureError>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    valid_until: Option<f64>,
    cache_duration: Option<f64>,
}

impl Facts {
    fn read(start: &Start<'_>) -> Result<Self, MetadataError> {
        const NAME: &str = "EntitiesDescriptor";
        Ok(Self {
            valid_until: valid_until(start.attribute("validUntil"), NAME)?,
            cache_duration: cache_duration(start.attribute("cacheDuration"), NAME)?,
        })
    }

    fn least(self, other: Self) -> Self {
        let least = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            valid_until: least(self.valid_until, other.valid_until),
            cache_duration: least(self.cache_duration, other.cache_duration),
        }
    }
}

#[derive(Debug)]
struct Found {
    entity: Entity,
    around: Facts,
    /// The verdict on the signature of the entity itself or of an aggregate inside of the root, when
    /// that is the one that counts.
    own: Option<SignatureState>,
}

/// The start of an aggregate and its signature; generous for chains of certificates in `KeyInfo`.
const HEAD: Limits = Limits { nodes: 10_000, bytes: 1 << 20, ..Limits::DOCUMENT };

impl MetadataReader {
    /// Reads the entity with this ID; without one, the only one. Without trust, a signature is
    /// not looked at.
    #[must_use]
    pub fn new(entity_id: Option<String>, trust: Option<Trust>) -> Self {
        let stage = match trust {
            Some(_) => Stage::Head(Builder::new(HEAD), 0),
            None => Stage::Passing,
        };
        Self {
            reader: Reader::new(Limits::STREAM),
            walk: Walk {
                wanted: entity_id,
                trust,
                stage,
                groups: Vec::new(),
                entities: 0,
                building: None,
                found: None,
                root_by_stranger: false,
                instruction_outside: false,
            },
        }
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// As soon as the document is refused.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        self.reader.push(bytes)?;
        self.read()
    }

    fn read(&mut self) -> Result<(), MetadataError> {
        loop {
            // Of an element that ends, the depth is what it was inside.
            let before = self.reader.depth();
            let Some(event) = self.reader.next()? else { return Ok(()) };
            let depth = match event {
                Event::End(_) => before.saturating_sub(1),
                _ => before,
            };
            self.walk.event(&event, depth)?;
        }
    }

    /// The document has ended.
    ///
    /// # Errors
    /// When it is refused, or holds not exactly one entity that was asked for.
    pub fn finish(mut self) -> Result<Metadata, MetadataError> {
        self.reader.end();
        self.read()?;
        self.walk.finish()
    }
}

impl Walk {
    /// `depth` is the number of elements around the event.
    fn event(&mut self, event: &Event<'_>, depth: usize) -> Result<(), MetadataError> {
        if depth == 0 && matches!(event, Event::Instruction { .. }) {
            self.instruction_outside = true;
        }
        if let Event::Start(start) = event {
            self.start(start, depth)?;
        }
        self.stage(event, depth)?;
        if let Some((from, builder)) = &mut self.building {
            builder.add(event)?;
            if matches!(event, Event::End(_)) && depth == *from {
                self.entity()?;
            }
        }
        if matches!(event, Event::End(_)) {
            self.end(depth)?;
            // Aggregates stand in aggregates alone, so that they nest from the root on.
            self.groups.truncate(depth);
        }
        Ok(())
    }

    fn start(&mut self, start: &Start<'_>, depth: usize) -> Result<(), MetadataError> {
        let in_groups = self.groups.len() == depth;
        if in_groups && start.name.is(METADATA, "EntitiesDescriptor") {
            let facts = Facts::read(start)?;
            self.groups.push(Group { facts, holds_entity: false, refused: None });
        } else if in_groups && start.name.is(METADATA, "EntityDescriptor") {
            self.entities += 1;
            let id = start.attribute("entityID").map(trim);
            let is_wanted = match &self.wanted {
                Some(wanted) => id == Some(wanted),
                None => self.entities == 1,
            };
            if is_wanted {
                if let Some(found) = &self.found {
                    return Err(MetadataError::DuplicateEntity(found.entity.entity_id.clone()));
                }
                self.building = Some((depth, Builder::new(Limits::DOCUMENT)));
            }
        } else if depth == 0 {
            return Err(MetadataError::Root);
        }
        Ok(())
    }

    /// What the signature of an aggregate has to do with an event.
    fn stage(&mut self, event: &Event<'_>, depth: usize) -> Result<(), MetadataError> {
        if let Event::Start(start) = event
            && self.trust.is_some()
        {
            self.child(start, depth)?;
        }
        match &mut self.stage {
            Stage::Passing => {}
            Stage::Digesting(digester, from) => {
                // The white space after the root is no part of it, and no event either.
                let is_inside = depth > *from || matches!(event, Event::End(_));
                if is_inside && let Err(error) = digester.add(event) {
                    let from = *from;
                    return self.refuse(from, error);
                }
            }
            Stage::Head(head, from) => {
                head.add(event)?;
                if depth == *from + 1 && matches!(event, Event::End(_)) {
                    self.signature()?;
                }
            }
        }
        Ok(())
    }

    /// An element begins. A single entity is verified as a tree when it is complete, wherever its
    /// signature stands.
    fn child(&mut self, start: &Start<'_>, depth: usize) -> Result<(), MetadataError> {
        let in_group = depth > 0 && self.groups.len() == depth;
        let is_signature = in_group && start.name.is(DSIG, "Signature");
        match &self.stage {
            Stage::Head(_, from) if depth == from + 1 => {
                if is_signature {
                    return Ok(());
                }
                self.stage = Stage::Passing;
            }
            Stage::Digesting(_, from) if is_signature && depth == from + 1 => {
                return self.refuse(*from, SignatureError::Several);
            }
            Stage::Passing if is_signature => {
                return self.refuse(depth - 1, SignatureError::Misplaced);
            }
            _ => {}
        }
        let is_aggregate = self.groups.len() > depth;
        if is_aggregate && matches!(self.stage, Stage::Passing) {
            self.stage = Stage::Head(Builder::new(HEAD), depth);
        }
        Ok(())
    }

    /// The first child of an aggregate, its signature, has ended.
    fn signature(&mut self) -> Result<(), MetadataError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Passing);
        let (Stage::Head(head, from), Some(trust)) = (stage, &self.trust) else { return Ok(()) };
        let whole = from == 0 && !self.instruction_outside;
        let Some(document) = head.finish(whole) else { return Ok(()) };
        match digesting(&document, trust) {
            Ok(digester) => {
                self.stage = Stage::Digesting(Box::new(digester), from);
                Ok(())
            }
            Err(error) => self.refuse(from, error),
        }
    }

    /// The signature of an aggregate is wrong. That of one inside of the root matters only where the
    /// entity stands in it; and that of somebody whose key nobody here knows, the root's too, only
    /// where nothing further in is signed with one that is known.
    fn refuse(&mut self, depth: usize, error: SignatureError) -> Result<(), MetadataError> {
        let may_not_matter = depth > 0 || error == SignatureError::Stranger;
        match self.groups.get_mut(depth) {
            Some(group) if may_not_matter && !group.holds_entity => {
                self.root_by_stranger |= depth == 0;
                group.refused = Some(error);
                self.stage = Stage::Passing;
                Ok(())
            }
            _ => Err(error.into()),
        }
    }

    /// An element ends. With an aggregate inside of the root ends what its signature covers.
    fn end(&mut self, depth: usize) -> Result<(), MetadataError> {
        let (Stage::Head(_, from) | Stage::Digesting(_, from)) = &self.stage else {
            return Ok(());
        };
        if depth == 0 || depth != *from {
            return Ok(());
        }
        let holds_entity = self.groups.get(depth).is_some_and(|group| group.holds_entity);
        let stage = std::mem::replace(&mut self.stage, Stage::Passing);
        if let (Stage::Digesting(digester, _), Some(found)) = (stage, &mut self.found)
            && holds_entity
        {
            let signature = digester.finish(false)?;
            found.own = Some(SignatureState::Verified(signature.evidence()));
        }
        Ok(())
    }

    /// The entity that is kept is complete.
    fn entity(&mut self) -> Result<(), MetadataError> {
        let Some((depth, builder)) = self.building.take() else { return Ok(()) };
        let whole = depth == 0 && !self.instruction_outside;
        let Some(document) = builder.finish(whole) else { return Ok(()) };
        let mut stranger = None;
        for error in self.groups.iter_mut().filter_map(|group| group.refused.take()) {
            if error != SignatureError::Stranger {
                return Err(error.into());
            }
            stranger = Some(error);
        }
        let mut around = Facts::default();
        for group in &mut self.groups {
            group.holds_entity = true;
            around = around.least(group.facts);
        }
        let mut own = None;
        let is_covered = matches!(self.stage, Stage::Digesting(..));
        if let Some(trust) = self.trust.as_ref().filter(|_| !is_covered) {
            match (signature::verify(document.root(), &trust.keys, trust.options), stranger) {
                // All that is read stands in it, whoever signed around it too.
                (Ok(verified), _) => {
                    own = Some(SignatureState::Verified(verified.evidence));
                }
                (Err(SignatureError::Missing), Some(stranger)) => return Err(stranger.into()),
                (Err(SignatureError::Missing), None) if !trust.required => {
                    own = Some(SignatureState::Unsigned);
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
        self.found = Some(Found { entity: Entity::read(document.root())?, around, own });
        Ok(())
    }

    fn finish(self) -> Result<Metadata, MetadataError> {
        let state = match self.stage {
            Stage::Digesting(digester, _) => {
                let signature = digester.finish(!self.instruction_outside)?;
                SignatureState::Verified(signature.evidence())
            }
            Stage::Head(..) | Stage::Passing => SignatureState::Unchecked,
        };
        let entities = self.entities;
        let verified = matches!(state, SignatureState::Verified(_));
        let found = self.found.filter(|_| self.wanted.is_some() || entities == 1);
        let Some(found) = found else {
            return Err(match self.wanted {
                // Nothing that counts is signed with a key that is known.
                _ if self.root_by_stranger => SignatureError::Stranger.into(),
                Some(wanted) => MetadataError::EntityNotFound { wanted, entities, verified },
                None => MetadataError::Ambiguous { entities, verified },
            });
        };
        let own = Facts {
            valid_until: found.entity.valid_until,
            cache_duration: found.entity.cache_duration,
        };
        let least = own.least(found.around);
        Ok(Metadata {
            entity: found.entity,
            entities,
            valid_until: least.valid_until,
            cache_duration: least.cache_duration,
            signature: found.own.unwrap_or(state),
        })
    }
}

/// Begins to digest an aggregate, of which the beginning was read up to the end of its signature.
fn digesting(head: &Document, trust: &Trust) -> Result<Digester, SignatureError> {
    let element = signature_of(head.root())?;
    let signature = Signature::read(element)?;
    signature.refers_to(head.root())?;
    signature.verify_value(&trust.keys, trust.options)?;
    Digester::new(head, element, signature)
}
