//! `metadata`: fetch what a SAML entity says of itself, and check it (SAML metadata §2).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use tokio::sync::{Semaphore, mpsc};
use url::Url;

use super::answer::{Judgement, declared_xml};
use super::certificates;
use crate::net::{Answer, Request, SecretTo};
use crate::probe::Context;
use crate::protocol::saml::metadata::{
    Metadata, MetadataError, MetadataReader, Role, RoleKind, Service, SignatureState,
};
use crate::protocol::xml::signature::SignatureError;
use crate::report::{Endpoint, Failure, FailureReason, SamlFacts, SamlRole, Warning};
use crate::settings::{Assertion, Occurrences, Signature};

/// Pieces of the body that wait for their reader.
const WAITING: usize = 2;
/// Threads that read at once. All else that blocks, such as reading secrets, shares the pool that
/// they are of.
static READERS: Semaphore = Semaphore::const_new(32);
/// Bindings of one role that are shown.
const MOST_SHOWN: usize = 20;

/// What the metadata must be.
#[derive(Debug)]
pub struct Wanted {
    /// The entity, where the document has several.
    pub entity_id: Option<String>,
    /// The role that it must have.
    pub role: RoleKind,
    /// Who must have signed it.
    pub signature: Option<Signature>,
    /// Assertions on the answer.
    pub assertions: Vec<Assertion>,
    /// Whether it decides whom to trust, and nothing else proves that nobody changed it.
    pub authentic: bool,
}

/// An entity with the role that is wanted, good for now.
#[derive(Debug)]
pub struct Described {
    /// What was read.
    pub metadata: Metadata,
    /// The role.
    pub role: Role,
}

/// Fetches the metadata, which passes by its reader and is not kept: aggregates have 80 MB.
///
/// # Errors
/// When the entity is not described there in good order, or has not the role or no endpoint for
/// it.
pub async fn run(context: &Context<'_>, wanted: &Wanted) -> Result<Described, Failure> {
    let trust = match &wanted.signature {
        None => None,
        Some(signature) => {
            let file = &signature.certificates;
            let found = file.read().await.map_err(|error| certificates::unreadable(&error))?;
            certificates::watch_file(context, file, &found);
            Some(signature.trust(&found))
        }
    };
    let (body_to, pieces) = mpsc::channel(WAITING);
    let reading = Reading {
        reader: Ok(MetadataReader::new(wanted.entity_id.clone(), trust)),
        occurrences: Occurrences::sought_by(&wanted.assertions),
    };
    let url = context.target().url().clone();
    let mut request = Request::new(Endpoint::Metadata, Method::GET, url, SecretTo::Nobody);
    let accept = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1";
    request.headers.insert(ACCEPT, HeaderValue::from_static(accept));
    request.authentic = wanted.authentic;
    request.body_to = Some(body_to);
    let (answer, (read, occurrences)) =
        tokio::try_join!(context.send(request), reading.read(pieces))?;

    let judgement = Judgement::of_passed(context, &answer, &wanted.assertions, &occurrences);
    judgement.rate_limit()?;
    if !judgement.status_accepted() {
        judgement.status()?;
        judgement.assertions()?;
    }
    let metadata = match read {
        Ok(metadata) => metadata,
        Err(error) => {
            context.saml(facts_of(&error));
            return Err(refused(context, &answer, error));
        }
    };
    if !declared_xml(&answer) {
        context.warn(Warning::ContentTypeUnexpected);
    }
    let found = look(context, metadata, wanted.role)?;
    judgement.assertions()?;
    Ok(found)
}

/// A document that is being read.
struct Reading {
    reader: Result<MetadataReader, MetadataError>,
    occurrences: Occurrences,
}

impl Reading {
    /// Takes the document piece by piece. Ends early when it is refused and no assertion asks for
    /// the rest.
    async fn read(
        mut self,
        mut pieces: mpsc::Receiver<Bytes>,
    ) -> Result<(Result<Metadata, MetadataError>, Occurrences), Failure> {
        while let Some(piece) = pieces.recv().await {
            self = apart(move || self.push(&piece)).await?;
            if self.reader.is_err() && !self.occurrences.is_open() {
                break;
            }
        }
        apart(move || (self.reader.and_then(MetadataReader::finish), self.occurrences)).await
    }

    fn push(mut self, piece: &[u8]) -> Self {
        self.occurrences.push(piece);
        self.reader = self.reader.and_then(|mut reader| reader.push(piece).map(|()| reader));
        self
    }
}

/// Works on a thread that does not answer scrapes: a large document takes seconds. The thread is
/// had for one piece of the work, and not while the next is on its way.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let internal = |detail: &'static str| Failure::new(FailureReason::Internal, detail);
    let turn = READERS.acquire().await.map_err(|_| internal("nobody may read metadata"))?;
    // The thread keeps its turn when nobody waits for it any more.
    let working = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    working.await.map_err(|_| internal("the reader of the metadata panicked"))
}

/// What a refused document tells all the same.
fn facts_of(error: &MetadataError) -> SamlFacts {
    let (entities, signature_valid) = match error {
        // Of a document that is not signed as a whole, nothing is known without the entity.
        MetadataError::EntityNotFound { entities, verified, .. }
        | MetadataError::Ambiguous { entities, verified } => {
            (Some(*entities), verified.then_some(true))
        }
        MetadataError::Signature(_) => (None, Some(false)),
        _ => (None, None),
    };
    SamlFacts { entities, signature_valid, ..SamlFacts::default() }
}

fn refused(context: &Context<'_>, answer: &Answer, error: MetadataError) -> Failure {
    let is_other = matches!(error, MetadataError::Xml(_) | MetadataError::Root);
    if is_other && answer.headers.contains_key(CONTENT_TYPE) && !declared_xml(answer) {
        return Failure::new(
            FailureReason::ContentType,
            format!("the body is no metadata and is not declared as XML: {error}"),
        );
    }
    super::quoting(context, error)
}

/// Records what the metadata says, and judges it.
fn look(context: &Context<'_>, metadata: Metadata, kind: RoleKind) -> Result<Described, Failure> {
    let now = context.unix_now();
    let role = metadata.entity.role(kind).cloned();
    let known = role.as_ref().ok();
    let earliest = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let valid_until = earliest(metadata.valid_until, known.and_then(|role| role.valid_until));
    context.saml(SamlFacts {
        entities: Some(metadata.entities),
        signature_valid: match metadata.signature {
            SignatureState::Unchecked => None,
            SignatureState::Unsigned => Some(false),
            SignatureState::Verified(_) => Some(true),
        },
        valid_until,
        cache_duration: earliest(
            metadata.cache_duration,
            known.and_then(|role| role.cache_duration),
        ),
        role: known.map(|role| describe(context, role, now)),
    });
    certificates::watch_entity(context, &metadata.entity);
    let entity_id = context.foreign(&metadata.entity.entity_id);
    context.note(&format!("entity {entity_id}, one of {} in the document", metadata.entities));
    if matches!(metadata.signature, SignatureState::Verified(evidence) if evidence.uses_sha1()) {
        context.warn(Warning::Sha1Signature);
    }
    if let Some(end) = valid_until.filter(|end| *end <= now) {
        let ago = now - end;
        let detail = format!("validUntil was {ago:.0} s ago (SAML metadata §2.3.2)");
        return Err(Failure::new(FailureReason::MetadataExpired, detail));
    }
    let role = role?;
    endpoint(&role, None)?;
    Ok(Described { metadata, role })
}

/// The service that a role is for.
const fn service(kind: RoleKind) -> Service {
    match kind {
        RoleKind::Idp => Service::SingleSignOn,
        RoleKind::Sp => Service::AssertionConsumer,
    }
}

/// The URL of the endpoint that the role is for, with a binding or with any; and as it is written,
/// which is what a request names as its destination (SAML core §3.2.1).
///
/// # Errors
/// When there is none, or it is no URL.
pub(super) fn endpoint(role: &Role, binding: Option<&str>) -> Result<(Url, String), Failure> {
    let service = service(role.kind);
    let found = role.endpoint(service, binding)?;
    found.url().map(|url| (url, found.location.clone())).ok_or_else(|| {
        Failure::new(
            FailureReason::EndpointNotFound,
            format!("the Location of {} is no http or https URL", service.element()),
        )
    })
}

fn describe(context: &Context<'_>, role: &Role, now: f64) -> SamlRole {
    let mut bindings: Vec<String> = Vec::new();
    for endpoint in role.endpoints_of(service(role.kind)) {
        let known = endpoint.binding.strip_prefix("urn:oasis:names:tc:SAML:2.0:bindings:");
        let binding = context.foreign(known.unwrap_or(&endpoint.binding));
        if bindings.len() < MOST_SHOWN && !bindings.contains(&binding) {
            bindings.push(binding);
        }
    }
    let count = role.count_signing_certificates(certificates::seconds(now));
    SamlRole {
        name: role.kind.as_str(),
        bindings,
        want_authn_requests_signed: role.want_authn_requests_signed,
        authn_requests_signed: role.authn_requests_signed,
        want_assertions_signed: role.want_assertions_signed,
        signing_certificates: [
            ("valid", count.valid),
            ("expired", count.expired),
            ("not_yet_valid", count.not_yet_valid),
        ],
    }
}

impl From<MetadataError> for Failure {
    fn from(error: MetadataError) -> Self {
        let reason = match &error {
            MetadataError::Xml(_) | MetadataError::Root => FailureReason::MalformedXml,
            MetadataError::Signature(error) => return error.clone().into(),
            MetadataError::EntityNotFound { .. } | MetadataError::Ambiguous { .. } => {
                FailureReason::EntityNotFound
            }
            MetadataError::DuplicateEntity(_) => FailureReason::DuplicateEntity,
            MetadataError::MissingAttribute { .. } => FailureReason::MissingClaim,
            MetadataError::Time { .. } | MetadataError::Value { .. } => {
                FailureReason::MalformedClaim
            }
            MetadataError::RoleMissing(_) | MetadataError::EndpointMissing { .. } => {
                FailureReason::EndpointNotFound
            }
        };
        Self::new(reason, error.to_string())
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let reason = match &error {
            SignatureError::Missing => FailureReason::SignatureMissing,
            SignatureError::Algorithm { .. } | SignatureError::Sha1(_) => {
                FailureReason::AlgorithmRefused
            }
            SignatureError::NoKeys => FailureReason::NoKeys,
            SignatureError::Stranger => FailureReason::KeyNotFound,
            SignatureError::Several
            | SignatureError::Misplaced
            | SignatureError::Structure(_)
            | SignatureError::Reference { .. }
            | SignatureError::DuplicateId(_)
            | SignatureError::KeyKind(_)
            | SignatureError::Value
            | SignatureError::Digest
            | SignatureError::Canonical(_) => FailureReason::SignatureInvalid,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_document_tells_of_its_signature_what_is_known() {
        let not_found = |verified| MetadataError::EntityNotFound {
            wanted: "urn:a".into(),
            entities: 2,
            verified,
        };
        for (error, entities, signature_valid) in [
            (not_found(true), Some(2), Some(true)),
            (not_found(false), Some(2), None),
            (MetadataError::Ambiguous { entities: 3, verified: true }, Some(3), Some(true)),
            (SignatureError::Missing.into(), None, Some(false)),
            (SignatureError::Digest.into(), None, Some(false)),
            (MetadataError::Root, None, None),
        ] {
            let facts = facts_of(&error);
            let found = (facts.entities, facts.signature_valid);
            assert_eq!(found, (entities, signature_valid), "{error}");
        }
    }
}
