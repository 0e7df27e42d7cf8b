//! What an assertion says (SAML core §2, SAML profiles §4.1.4.2 and §4.1.4.3).

use super::{Expected, ResponseError, at_most_one, id, issuer, made, moment, one, text, version};
use crate::protocol::saml::ASSERTION;
use crate::protocol::xml::{Element, trim};

const NAME: &str = "Assertion";

/// What an assertion says of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The name; `None` when it is encrypted.
    pub name_id: Option<String>,
    /// Its format.
    pub name_id_format: Option<String>,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// How the user authenticated.
    pub authn_context: Option<String>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, often a URN.
    pub name: String,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// The texts of its values; `None` for one of another type, with elements in it. A null value
    /// (`xsi:nil`) is none.
    pub values: Vec<Option<String>>,
}

/// Whom an assertion is about: its `NameID` with all that qualifies it (SAML core §8.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Principal {
    name: String,
    qualifiers: [Option<String>; 4],
}

impl Principal {
    fn of(name_id: Element<'_>) -> Result<Self, ResponseError> {
        let name = text(name_id, "NameID")?;
        if name.is_empty() {
            return Err(ResponseError::Blank("NameID"));
        }
        let qualifiers = ["Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"];
        let qualifiers =
            qualifiers.map(|attribute| name_id.attribute(attribute).map(str::to_owned));
        Ok(Self { name, qualifiers })
    }
}

/// Judges an assertion that a verified signature covers. Without `AuthnStatement` it says nothing
/// of the user, but holds; whom it is about is `None` when that is encrypted.
pub(super) fn judge(
    assertion: Element<'_>,
    expected: &Expected<'_>,
) -> Result<(Option<Subject>, Option<Principal>), ResponseError> {
    version(assertion, NAME)?;
    id(assertion, NAME)?;
    made(assertion, NAME, "IssueInstant", expected)?;
    issuer(one(assertion, NAME, (ASSERTION, "Issuer"))?, expected)?;
    let subject = one(assertion, NAME, (ASSERTION, "Subject"))?;
    confirmed(subject, expected)?;
    hold(one(assertion, NAME, (ASSERTION, "Conditions"))?, expected)?;
    let name_id = at_most_one(subject, "Subject", (ASSERTION, "NameID"))?;
    let principal = name_id.map(Principal::of).transpose()?;
    let Some(authn) = assertion.child(ASSERTION, "AuthnStatement") else {
        return Ok((None, principal));
    };
    let session_end = moment(authn, "AuthnStatement", "SessionNotOnOrAfter")?;
    not_over("AuthnStatement", session_end, expected)?;
    made(authn, "AuthnStatement", "AuthnInstant", expected)?;
    let subject = Subject {
        name_id: principal.as_ref().map(|principal| principal.name.clone()),
        name_id_format: name_id.and_then(|name| name.attribute("Format")).map(str::to_owned),
        session_index: authn.attribute("SessionIndex").map(str::to_owned),
        authn_context: authn_context(authn)?,
        attributes: attributes(assertion),
    };
    Ok((Some(subject), principal))
}

/// The class of how the user authenticated; `None` where a declaration says it (SAML core §2.7.2.2).
fn authn_context(authn: Element<'_>) -> Result<Option<String>, ResponseError> {
    const NAME: &str = "AuthnContext";
    const CLASS: &str = "AuthnContextClassRef";
    let context = one(authn, "AuthnStatement", (ASSERTION, NAME))?;
    let class = at_most_one(context, NAME, (ASSERTION, CLASS))?;
    let class = class.map(|class| text(class, CLASS)).transpose()?;
    let class = class.filter(|text| !text.is_empty());
    let is_declaration = |child: Element<'_>| {
        child.is(ASSERTION, "AuthnContextDecl") || child.is(ASSERTION, "AuthnContextDeclRef")
    };
    if class.is_none() && !context.children().any(is_declaration) {
        return Err(ResponseError::Missing { element: NAME, part: CLASS });
    }
    Ok(class)
}

fn not_over(
    element: &'static str,
    not_on_or_after: Option<f64>,
    expected: &Expected<'_>,
) -> Result<(), ResponseError> {
    match not_on_or_after {
        Some(not_on_or_after) if expected.now - expected.leeway >= not_on_or_after => {
            Err(ResponseError::Expired { element, not_on_or_after, now: expected.now })
        }
        _ => Ok(()),
    }
}

fn not_early(
    element: &'static str,
    not_before: Option<f64>,
    expected: &Expected<'_>,
) -> Result<(), ResponseError> {
    match not_before {
        Some(not_before) if expected.now + expected.leeway < not_before => {
            Err(ResponseError::NotYetValid { element, not_before, now: expected.now })
        }
        _ => Ok(()),
    }
}

/// The subject is confirmed: one of the confirmations has to hold. The reason of the last one is
/// told.
fn confirmed(subject: Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let mut verdict = Err(ResponseError::Confirmation("there is none"));
    for confirmation in subject.children_named(ASSERTION, "SubjectConfirmation") {
        if confirmation.attribute("Method") == Some(BEARER) {
            verdict = confirms(confirmation, expected);
            if verdict.is_ok() {
                break;
            }
        }
    }
    verdict
}

fn confirms(confirmation: Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    const DATA: &str = "SubjectConfirmationData";
    let wrong = |reason| Err(ResponseError::Confirmation(reason));
    let Some(data) = at_most_one(confirmation, "SubjectConfirmation", (ASSERTION, DATA))? else {
        return wrong("it has no SubjectConfirmationData");
    };
    if data.attribute("NotBefore").is_some() {
        return wrong("it has a NotBefore");
    }
    match data.attribute("Recipient").map(trim) {
        Some(found) if found == expected.acs_url => {}
        Some(_) => return wrong("its Recipient is another URL"),
        None => return wrong("it has no Recipient"),
    }
    match (data.attribute("InResponseTo"), expected.in_response_to) {
        (found, request) if found == request => {}
        (Some(_), None) => return wrong("it answers a request, and there was none"),
        (None, _) => return wrong("it has no InResponseTo"),
        (Some(_), Some(_)) => return wrong("its InResponseTo is another request"),
    }
    let Some(not_on_or_after) = moment(data, DATA, "NotOnOrAfter")? else {
        return wrong("it has no NotOnOrAfter");
    };
    not_over(DATA, Some(not_on_or_after), expected)
}

/// The conditions hold (SAML core §2.5.1).
fn hold(conditions: Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    const NAME: &str = "Conditions";
    let not_before = moment(conditions, NAME, "NotBefore")?;
    let not_on_or_after = moment(conditions, NAME, "NotOnOrAfter")?;
    if not_before.zip(not_on_or_after).is_some_and(|(from, until)| from >= until) {
        return Err(ResponseError::Never(NAME));
    }
    not_early(NAME, not_before, expected)?;
    not_over(NAME, not_on_or_after, expected)?;
    let mut restricted = false;
    for condition in conditions.children() {
        if condition.is(ASSERTION, "AudienceRestriction") {
            restricted = true;
            let found: Vec<String> = condition
                .children_named(ASSERTION, "Audience")
                .map(|audience| text(audience, "Audience"))
                .collect::<Result<_, _>>()?;
            if !found.iter().any(|audience| audience == expected.audience) {
                let expected = expected.audience.to_owned();
                return Err(ResponseError::Audience { expected, found });
            }
        } else if !condition.is(ASSERTION, "OneTimeUse")
            && !condition.is(ASSERTION, "ProxyRestriction")
        {
            return Err(ResponseError::Condition);
        }
    }
    if !restricted {
        return Err(ResponseError::Missing { element: NAME, part: "AudienceRestriction" });
    }
    Ok(())
}

fn attributes(assertion: Element<'_>) -> Vec<Attribute> {
    assertion
        .children_named(ASSERTION, "AttributeStatement")
        .flat_map(|statement| statement.children_named(ASSERTION, "Attribute"))
        .map(|attribute| Attribute {
            name: attribute.attribute("Name").unwrap_or_default().to_owned(),
            friendly_name: attribute.attribute("FriendlyName").map(str::to_owned),
            values: attribute
                .children_named(ASSERTION, "AttributeValue")
                .filter(|value| !is_nil(*value))
                .map(Element::text)
                .collect(),
        })
        .collect()
}

/// Whether it says that there is no value (XML Schema 1 §2.6.2, SAML core §2.7.3.1.1).
fn is_nil(value: Element<'_>) -> bool {
    const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
    let nil = value.attributes().find(|attribute| attribute.name.is(XSI, "nil"));
    nil.is_some_and(|nil| matches!(trim(nil.value), "true" | "1"))
}
