//! Responses and the assertions in them (SAML core §2, §3.3.3; SAML profiles §4.1.4).
//!
//! [`judge`] reads a response and answers once: with what the identity provider says of the
//! user, or with the first rule that is broken. Every value that it returns stands in an
//! element that a verified signature covers: the assertion, or the response around it.

mod assertion;
mod error;
mod forged;

use assertion::Principal;
pub use assertion::{Attribute, Subject};
pub use error::ResponseError;
pub use forged::forged;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encryption::{self, DecryptionKey};
use super::{ASSERTION, PROTOCOL, time};
use crate::protocol::xml::signature::{Evidence, Options, PublicKey, SignatureError, verify};
use crate::protocol::xml::{Document, Element, Limits, trim};

/// What must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    /// The assertion or the response around it.
    #[default]
    Either,
    /// The response.
    Response,
    /// The assertion.
    Assertion,
    /// Both.
    Both,
}

/// What a response has to fit.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// The time, in Unix seconds.
    pub now: f64,
    /// How far clocks may be apart, in seconds.
    pub leeway: f64,
    /// The ID of the request; without one the response must answer none.
    pub in_response_to: Option<&'a str>,
    /// The URL that the response was sent to.
    pub acs_url: &'a str,
    /// The entity ID of the service provider.
    pub audience: &'a str,
    /// The entity ID of the identity provider.
    pub issuer: &'a str,
    /// The signing keys of its metadata.
    pub keys: &'a [PublicKey],
    /// Which algorithms are accepted.
    pub options: Options,
    /// What must be signed.
    pub signed: Signed,
    /// The keys that assertions are encrypted for.
    pub decryption_keys: &'a [DecryptionKey],
}

/// A response that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// What it says of the user.
    pub subject: Subject,
    /// When it was made, by the clock of the identity provider, in Unix seconds.
    pub issue_instant: f64,
    /// The signature of the response.
    pub response_signature: Option<Evidence>,
    /// The signature of the assertion that says so.
    pub assertion_signature: Option<Evidence>,
    /// Whether every assertion was encrypted.
    pub encrypted: bool,
}

/// An assertion that holds, by itself.
struct Judged {
    /// `None` when it does not say that the user authenticated.
    subject: Option<Subject>,
    principal: Option<Principal>,
    signature: Option<Evidence>,
    encrypted: bool,
}

/// Assertions of one response that are judged: each costs a verification, or decrypting a key.
const MOST_ASSERTIONS: usize = 8;

/// The bytes of the form field `SAMLResponse` (SAML bindings §3.5.4).
///
/// # Errors
/// When it is not base64.
pub fn from_post_value(value: &str) -> Result<Vec<u8>, ResponseError> {
    let mut text = value.to_owned();
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).map_err(|_| ResponseError::Base64)
}

/// Whether a form field `SAMLResponse` has something to do with a request.
#[must_use]
pub fn mentions(value: &str, request_id: &str) -> bool {
    let id = request_id.as_bytes();
    from_post_value(value).is_ok_and(|bytes| bytes.windows(id.len()).any(|part| part == id))
}

/// Whether the identity provider says that it succeeded. Nothing else is looked at, so that
/// nothing may be read from such a response.
///
/// # Errors
/// When it says something else, or is no response.
pub fn succeeded(bytes: &[u8]) -> Result<(), ResponseError> {
    let document = Document::parse(bytes, Limits::DOCUMENT)?;
    let response = document.root();
    if !response.is(PROTOCOL, "Response") {
        return Err(ResponseError::Root);
    }
    version(response, "Response")?;
    status(response)
}

/// Judges a response that came through the browser. Of several assertions each has to hold by
/// itself, and all are about one principal; the first that says that the user authenticated counts.
///
/// # Errors
/// With the first rule that is broken: the document, its status, what the response says of
/// itself, its signature, the encryption, the assertion's signature, what the assertion says.
pub fn judge(bytes: &[u8], expected: &Expected<'_>) -> Result<Accepted, ResponseError> {
    let document = Document::parse(bytes, Limits::DOCUMENT)?;
    let response = document.root();
    if !response.is(PROTOCOL, "Response") {
        return Err(ResponseError::Root);
    }
    version(response, "Response")?;
    status(response)?;
    id(response, "Response")?;
    let issue_instant = made(response, "Response", "IssueInstant", expected)?;
    let signature = signature(response, expected)?;
    addressed(response, expected, signature.is_some())?;

    let found: Vec<_> = response
        .children()
        .filter(|e| e.is(ASSERTION, "Assertion") || e.is(ASSERTION, "EncryptedAssertion"))
        .collect();
    if !(1..=MOST_ASSERTIONS).contains(&found.len()) {
        return Err(ResponseError::Assertions(found.len()));
    }
    let judged = found.into_iter().map(|found| judge_one(found, signature.is_some(), expected));
    let judged: Vec<Judged> = judged.collect::<Result<_, _>>()?;
    let same = |pair: &[Judged]| match pair {
        [one, next] => one.principal.is_some() && one.principal == next.principal,
        _ => false,
    };
    if !judged.windows(2).all(same) {
        return Err(ResponseError::Principals);
    }
    let encrypted = judged.iter().all(|one| one.encrypted);
    let (subject, own) = judged
        .into_iter()
        .find_map(|one| Some((one.subject?, one.signature)))
        .ok_or(ResponseError::Missing { element: "Assertion", part: "AuthnStatement" })?;
    Ok(Accepted {
        subject,
        issue_instant,
        response_signature: signature,
        assertion_signature: own,
        encrypted,
    })
}

/// Judges an `Assertion` or `EncryptedAssertion` of a response that is signed or not.
fn judge_one(
    found: Element<'_>,
    response_signed: bool,
    expected: &Expected<'_>,
) -> Result<Judged, ResponseError> {
    let decrypted;
    let encrypted = found.is(ASSERTION, "EncryptedAssertion");
    let assertion = if encrypted {
        decrypted = encryption::decrypt(found, expected.decryption_keys, Limits::DOCUMENT)?;
        let inside = decrypted.root().child(ASSERTION, "Assertion");
        inside.ok_or(ResponseError::Assertions(0))?
    } else {
        found
    };
    let own = signature(assertion, expected)?;
    let missing = match expected.signed {
        Signed::Either => !response_signed && own.is_none(),
        Signed::Response => !response_signed,
        Signed::Assertion => own.is_none(),
        Signed::Both => !response_signed || own.is_none(),
    };
    if missing {
        return Err(SignatureError::Missing.into());
    }
    // Covered by its own signature or by that of the response that it stands in.
    let (subject, principal) = assertion::judge(assertion, expected)?;
    Ok(Judged { subject, principal, signature: own, encrypted })
}

/// The signature of an element, when it has one: one that is there has to be good.
fn signature(
    element: Element<'_>,
    expected: &Expected<'_>,
) -> Result<Option<Evidence>, ResponseError> {
    match verify(element, expected.keys, expected.options) {
        Ok(verified) => Ok(Some(verified.evidence)),
        Err(SignatureError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn version(element: Element<'_>, name: &'static str) -> Result<(), ResponseError> {
    if element.attribute("Version") == Some("2.0") {
        Ok(())
    } else {
        Err(ResponseError::Version(name))
    }
}

/// `Success`, or the code and the one below it that says more (SAML core §3.2.2.2).
fn status(response: Element<'_>) -> Result<(), ResponseError> {
    const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    let status = one(response, "Response", (PROTOCOL, "Status"))?;
    let found = one(status, "Status", (PROTOCOL, "StatusCode"))?;
    let value = |code: Element<'_>| code.attribute("Value").map(|value| trim(value).to_owned());
    let missing = ResponseError::Missing { element: "StatusCode", part: "Value" };
    let code = value(found).ok_or(missing)?;
    if code == SUCCESS {
        return Ok(());
    }
    let second = found.child(PROTOCOL, "StatusCode").and_then(value);
    let message = status.child(PROTOCOL, "StatusMessage").and_then(Element::text);
    Err(ResponseError::Status { code, second, message })
}

/// What an element is told from all others by (SAML core §1.3.4).
fn id<'a>(element: Element<'a>, name: &'static str) -> Result<&'a str, ResponseError> {
    let id = element.attribute("ID").filter(|id| !id.is_empty());
    id.ok_or(ResponseError::Missing { element: name, part: "ID" })
}

/// A child that may be there once: of two, others might read the one that is not read here.
fn at_most_one<'a>(
    element: Element<'a>,
    name: &'static str,
    (namespace, part): (&'static str, &'static str),
) -> Result<Option<Element<'a>>, ResponseError> {
    let mut all = element.children_named(namespace, part);
    let first = all.next();
    match all.next() {
        Some(_) => Err(ResponseError::Several { element: name, part }),
        None => Ok(first),
    }
}

/// A child that must be there, once.
fn one<'a>(
    element: Element<'a>,
    name: &'static str,
    child: (&'static str, &'static str),
) -> Result<Element<'a>, ResponseError> {
    let missing = ResponseError::Missing { element: name, part: child.1 };
    at_most_one(element, name, child)?.ok_or(missing)
}

/// The text of an element of a simple type: elements in it would be read by one and not by another.
fn text(element: Element<'_>, name: &'static str) -> Result<String, ResponseError> {
    let text = element.text().ok_or(ResponseError::Content(name))?;
    Ok(trim(&text).to_owned())
}

/// When an element was made, or what it tells happened: not later than now.
fn made(
    element: Element<'_>,
    name: &'static str,
    attribute: &'static str,
    expected: &Expected<'_>,
) -> Result<f64, ResponseError> {
    let found = moment(element, name, attribute)?
        .ok_or(ResponseError::Missing { element: name, part: attribute })?;
    if found > expected.now + expected.leeway {
        return Err(ResponseError::IssuedInFuture { element: name, found, now: expected.now });
    }
    Ok(found)
}

fn moment(
    element: Element<'_>,
    name: &'static str,
    attribute: &'static str,
) -> Result<Option<f64>, ResponseError> {
    let value = element.attribute(attribute).map(time::date_time).transpose();
    value.map_err(|_| ResponseError::Time { element: name, attribute })
}

/// For whom the response is and from whom (SAML core §3.2.2, SAML bindings §3.5.5.2).
fn addressed(
    response: Element<'_>,
    expected: &Expected<'_>,
    signed: bool,
) -> Result<(), ResponseError> {
    match response.attribute("Destination").map(trim) {
        Some(found) if found == expected.acs_url => {}
        None | Some("") if !signed => {}
        found => {
            return Err(ResponseError::Destination {
                expected: expected.acs_url.to_owned(),
                found: found.map(str::to_owned),
            });
        }
    }
    let found = response.attribute("InResponseTo");
    if found != expected.in_response_to {
        return Err(ResponseError::InResponseTo {
            expected: expected.in_response_to.map(str::to_owned),
            found: found.map(str::to_owned),
        });
    }
    let encrypted = response.child(ASSERTION, "EncryptedAssertion").is_some();
    match at_most_one(response, "Response", (ASSERTION, "Issuer"))? {
        Some(element) => issuer(element, expected),
        // SAML profiles §4.1.4.2, as amended.
        None if signed || encrypted => {
            Err(ResponseError::Missing { element: "Response", part: "Issuer" })
        }
        None => Ok(()),
    }
}

/// An issuer has to be the identity provider (SAML profiles §4.1.4.2).
fn issuer(element: Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    let found = text(element, "Issuer")?;
    let format = element.attribute("Format").is_none_or(|format| format == ENTITY);
    if format && found == expected.issuer {
        Ok(())
    } else {
        Err(ResponseError::Issuer { expected: expected.issuer.to_owned(), found })
    }
}

#[cfg(test)]
mod tests;
