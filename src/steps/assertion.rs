//! `assertion`: judge the response of an identity provider (SAML core, SAML profiles §4.1.4).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::metadata::Described;
use super::sso::PostedResponse;
use crate::probe::Context;
use crate::protocol::saml::response::{self, Accepted, Expected, ResponseError, Subject};
use crate::protocol::xml::signature::{Evidence, Options};
use crate::report::{ClockSource, Failure, FailureReason, Warning};
use crate::settings::Sso;

/// The response is good, and the service provider may have it.
#[derive(Debug)]
pub struct GoodResponse(());

/// Judges the response against the keys of the metadata and the rules of the configuration.
///
/// # Errors
/// With the first rule that is broken.
pub async fn run(
    context: &Context<'_>,
    described: &Described,
    sso: &Sso,
    posted: &PostedResponse,
) -> Result<GoodResponse, Failure> {
    let accepted = accepted(context, described, sso, posted).await?;
    look(context, &accepted, posted.arrived);
    if sso.response.encrypted && !accepted.encrypted {
        return Err(Failure::new(
            FailureReason::AssertionInvalid,
            "the assertion is not encrypted, and validate.encrypted asks for that",
        ));
    }
    // SAML bindings §3.4.3, §3.5.3: it comes back as it was sent.
    if posted.relay_state.as_ref() != Some(&posted.sent_relay_state) {
        return Err(Failure::new(
            FailureReason::StateMismatch,
            "RelayState did not come back as it was sent (SAML bindings §3.5.3)",
        ));
    }
    says(context, sso, &accepted.subject)?;
    Ok(GoodResponse(()))
}

/// The response, verified and judged by what every response must be.
pub(super) async fn accepted(
    context: &Context<'_>,
    described: &Described,
    sso: &Sso,
    posted: &PostedResponse,
) -> Result<Accepted, Failure> {
    let decryption_key = match &sso.decryption {
        None => None,
        Some(decryption) => Some(context.parsed(decryption).await?),
    };
    let rules = &sso.response;
    let expected = Expected {
        now: posted.arrived,
        leeway: rules.leeway,
        in_response_to: Some(&posted.request_id),
        acs_url: &sso.acs_url,
        audience: &sso.sp_entity_id,
        issuer: &described.metadata.entity.entity_id,
        keys: &described.role.signing_keys(),
        options: Options { allow_sha1: rules.allow_sha1 },
        signed: rules.signed,
        decryption_keys: decryption_key.as_deref().map_or(&[], std::slice::from_ref),
    };
    let judged = response::from_post_value(posted.response.expose())
        .and_then(|bytes| response::judge(&bytes, &expected));
    judged.map_err(|error| super::quoting(context, error))
}

/// What the response shows of its identity provider.
fn look(context: &Context<'_>, accepted: &Accepted, arrived: f64) {
    context.clock_skew(ClockSource::IssueInstant, accepted.issue_instant - arrived);
    let signatures = [accepted.response_signature, accepted.assertion_signature];
    if signatures.iter().flatten().any(Evidence::uses_sha1) {
        context.warn(Warning::Sha1Signature);
    }
    let yes = |is: bool| if is { "yes" } else { "no" };
    let names: Vec<&str> =
        accepted.subject.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    context.note(&format!(
        "signed: response {}, assertion {}; encrypted: {}; attributes: {}",
        yes(accepted.response_signature.is_some()),
        yes(accepted.assertion_signature.is_some()),
        yes(accepted.encrypted),
        context.foreign(&names.join(", ")),
    ));
}

/// Whether the assertion says of the user what the configuration asks for.
fn says(context: &Context<'_>, sso: &Sso, subject: &Subject) -> Result<(), Failure> {
    let rules = &sso.response;
    let user = user(subject);
    let mut failed = Vec::new();
    for (label, holds) in rules.asserted(&user) {
        context.assertion(label, holds);
        if !holds {
            failed.push(label);
        }
    }
    let missing = rules.required_attributes.iter().find(|name| !has(subject, name));
    if let Some(name) = missing {
        let detail = format!("the assertion has no value of an attribute {name:?}");
        return Err(Failure::new(FailureReason::MissingClaim, detail));
    }
    if failed.is_empty() {
        return Ok(());
    }
    let detail = format!("does not hold: {}", failed.join(", "));
    Err(Failure::new(FailureReason::AssertionFailed, detail))
}

/// Whether a user has a value of the attribute, which may be empty.
fn has(subject: &Subject, name: &str) -> bool {
    subject.attributes.iter().any(|attribute| {
        let is_meant = attribute.name == name || attribute.friendly_name.as_deref() == Some(name);
        is_meant && !attribute.values.is_empty()
    })
}

/// What is said of the user, for assertions to look at.
fn user(subject: &Subject) -> Value {
    let mut named: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for attribute in &subject.attributes {
        let values = attribute.values.iter().map(Option::as_deref);
        named.entry(&attribute.name).or_default().extend(values);
    }
    // A name for people is a second way to find it, and never hides a formal one (SAML core §2.7.3.1).
    let mut friendly: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for attribute in &subject.attributes {
        if let Some(name) = attribute.friendly_name.as_deref() {
            let values = attribute.values.iter().map(Option::as_deref);
            friendly.entry(name).or_default().extend(values);
        }
    }
    for (name, values) in friendly {
        named.entry(name).or_insert(values);
    }
    let attributes = json!(named);
    json!({
        "name_id": subject.name_id,
        "name_id_format": subject.name_id_format,
        "session_index": subject.session_index,
        "authn_context": subject.authn_context,
        "attributes": attributes,
    })
}

impl From<ResponseError> for Failure {
    fn from(error: ResponseError) -> Self {
        let reason = match &error {
            ResponseError::Base64 | ResponseError::Xml(_) | ResponseError::Root => {
                FailureReason::MalformedXml
            }
            ResponseError::Status { .. } => FailureReason::ResponseStatus,
            ResponseError::Signature(error) => return error.clone().into(),
            ResponseError::Decryption(_) => FailureReason::DecryptionFailed,
            ResponseError::Missing { .. } | ResponseError::Blank(_) => FailureReason::MissingClaim,
            ResponseError::Time { .. } => FailureReason::MalformedClaim,
            ResponseError::IssuedInFuture { .. } => FailureReason::IssuedInFuture,
            ResponseError::Issuer { .. } => FailureReason::IssuerMismatch,
            ResponseError::Audience { .. } => FailureReason::AudienceMismatch,
            ResponseError::NotYetValid { .. } => FailureReason::AssertionNotYetValid,
            ResponseError::Expired { .. } => FailureReason::AssertionExpired,
            ResponseError::Version(_)
            | ResponseError::Assertions(_)
            | ResponseError::Principals
            | ResponseError::Several { .. }
            | ResponseError::Content(_)
            | ResponseError::Never(_)
            | ResponseError::Destination { .. }
            | ResponseError::InResponseTo { .. }
            | ResponseError::Confirmation(_)
            | ResponseError::Condition => FailureReason::AssertionInvalid,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::saml::response::Attribute;

    #[test]
    fn an_attribute_without_a_value_is_missing() {
        let attribute = |friendly: Option<&str>, values: &[Option<&str>]| Attribute {
            name: "urn:mail".to_owned(),
            friendly_name: friendly.map(str::to_owned),
            values: values.iter().map(|value| value.map(str::to_owned)).collect(),
        };
        for (attributes, name, found) in [
            (vec![attribute(None, &[Some("a@x.example")])], "urn:mail", true),
            (vec![attribute(Some("mail"), &[Some("")])], "mail", true),
            (vec![attribute(None, &[None])], "urn:mail", true),
            (vec![attribute(None, &[]), attribute(None, &[Some("a")])], "urn:mail", true),
            (vec![attribute(Some("mail"), &[])], "mail", false),
            (vec![attribute(None, &[Some("a@x.example")])], "mail", false),
        ] {
            let subject = Subject {
                name_id: None,
                name_id_format: None,
                session_index: None,
                authn_context: None,
                attributes,
            };
            assert_eq!(has(&subject, name), found, "{name} {subject:?}");
        }
    }
}
