//! Why a response is refused.

use crate::protocol::saml::encryption::DecryptionError;
use crate::protocol::xml::XmlError;
use crate::protocol::xml::signature::SignatureError;

/// Why a response is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// The form field is not base64.
    #[error("SAMLResponse is not base64 (SAML bindings §3.5.4)")]
    Base64,
    /// The document is refused.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Another document.
    #[error("the root is no Response (SAML core §3.3.3)")]
    Root,
    /// Another version of SAML.
    #[error("{0} is not of version 2.0 (SAML core §2.3.3, §3.2.2)")]
    Version(&'static str),
    /// The identity provider says that it failed.
    #[error("the status is {code}{}{}", suffix(second.as_ref()), suffix(message.as_ref()))]
    Status {
        /// The code.
        code: String,
        /// The code below it, which says more.
        second: Option<String>,
        /// A text for people.
        message: Option<String>,
    },
    /// A signature is missing or refused.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An encrypted assertion that was not decrypted.
    #[error(transparent)]
    Decryption(#[from] DecryptionError),
    /// No assertion, or more than are judged.
    #[error("{0} assertions in place of one or a few (SAML profiles §4.1.4.2)")]
    Assertions(usize),
    /// Several assertions that are not about one user, or do not say so in clear.
    #[error("the assertions do not all name the same NameID (SAML profiles §4.1.4.2)")]
    Principals,
    /// A part that must be there.
    #[error("{element} has no {part} (SAML core §2, §3.2; SAML profiles §4.1.4.2)")]
    Missing {
        /// The element.
        element: &'static str,
        /// What it lacks.
        part: &'static str,
    },
    /// A part of which there is one, and which is there again.
    #[error("{element} has more than one {part} (SAML core §2, §3.2)")]
    Several {
        /// The element.
        element: &'static str,
        /// What it repeats.
        part: &'static str,
    },
    /// Elements in place of a text.
    #[error("elements stand in {0}, which is a text (SAML core §2.2, §2.5.1.4)")]
    Content(&'static str),
    /// A text that says nothing.
    #[error("{0} is blank, and a string holds more than white space (SAML core §1.3.1)")]
    Blank(&'static str),
    /// A time that is none.
    #[error("{attribute} of {element} is not a time (SAML core §1.3.3)")]
    Time {
        /// The element.
        element: &'static str,
        /// Its attribute.
        attribute: &'static str,
    },
    /// Made later than now, or telling of a login later than now.
    #[error(
        "{element} is of {found} and now is {now}: the clocks differ (SAML core §2.3.3, §2.7.2)"
    )]
    IssuedInFuture {
        /// The element.
        element: &'static str,
        /// Its `IssueInstant` or `AuthnInstant`.
        found: f64,
        /// The time here.
        now: f64,
    },
    /// It was sent elsewhere, or a signed one does not say where to.
    #[error("Destination is {found:?}, not {expected:?} (SAML bindings §3.5.5.2)")]
    Destination {
        /// Where it arrived.
        expected: String,
        /// Where it was sent.
        found: Option<String>,
    },
    /// The answer to another request.
    #[error("InResponseTo is {found:?}, not {expected:?} (SAML core §3.2.2)")]
    InResponseTo {
        /// The ID of the request.
        expected: Option<String>,
        /// What stands there.
        found: Option<String>,
    },
    /// Another issuer.
    #[error("Issuer is {found:?}, not {expected:?} (SAML profiles §4.1.4.2)")]
    Issuer {
        /// The entity ID of the identity provider.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// For somebody else.
    #[error("the audience is {found:?}, without {expected:?} (SAML core §2.5.1.4)")]
    Audience {
        /// The entity ID of the service provider.
        expected: String,
        /// The audiences of a restriction.
        found: Vec<String>,
    },
    /// No confirmation of the subject holds.
    #[error("no bearer SubjectConfirmation holds: {0} (SAML profiles §4.1.4.2)")]
    Confirmation(&'static str),
    /// Valid at no time.
    #[error("{0} ends before it begins (SAML core §2.5.1.2)")]
    Never(&'static str),
    /// Not valid yet.
    #[error("{element} is valid from {not_before} and now is {now} (SAML core §2.5.1.2)")]
    NotYetValid {
        /// The element.
        element: &'static str,
        /// From when, in Unix seconds.
        not_before: f64,
        /// The time here.
        now: f64,
    },
    /// No longer valid.
    #[error("{element} was valid until {not_on_or_after} and now is {now} (SAML core §2.5.1.2)")]
    Expired {
        /// The element.
        element: &'static str,
        /// Until when, in Unix seconds.
        not_on_or_after: f64,
        /// The time here.
        now: f64,
    },
    /// A condition that is not understood makes an assertion indeterminate.
    #[error("a condition that is not understood (SAML core §2.5.1.1)")]
    Condition,
}

impl ResponseError {
    /// Whether the identity provider says that the user did not come through (SAML core §3.2.2.2).
    #[must_use]
    pub fn is_about_user(&self) -> bool {
        let Self::Status { second, .. } = self else { return false };
        let cause = second.as_deref().and_then(|code| code.rsplit(':').next());
        matches!(cause, Some("AuthnFailed" | "UnknownPrincipal"))
    }
}

fn suffix(text: Option<&String>) -> String {
    text.map(|text| format!(", {}", text.trim())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_about_the_user_where_it_says_so() {
        let code = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{name}");
        let status = |second: Option<&str>| ResponseError::Status {
            code: code("Responder"),
            second: second.map(code),
            message: None,
        };
        for (error, about_user) in [
            (status(None), false),
            (status(Some("AuthnFailed")), true),
            (status(Some("UnknownPrincipal")), true),
            (status(Some("RequestDenied")), false),
            (status(Some("NoAuthnContext")), false),
            (status(Some("InvalidNameIDPolicy")), false),
            (ResponseError::Root, false),
        ] {
            assert_eq!(error.is_about_user(), about_user, "{error}");
        }
    }
}
