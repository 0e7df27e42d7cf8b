//! What a login leads to: the answer, how it comes, and what it says of the user.

use url::Url;

use crate::protocol::authorization::Callback;
use crate::protocol::html::{Enctype, Form};
use crate::report::{Endpoint, FailureReason};

/// What ends a login: the answer to the request, on its way back to the client.
pub(in crate::steps) trait Goal {
    /// The answer.
    type Answer;
    /// What the requests are counted as.
    const ENDPOINT: Endpoint;
    /// What the answer should have come in.
    const BACK: &'static str;

    /// The answer in a redirect.
    fn of_redirect(&self, location: &Url) -> Option<Self::Answer>;

    /// The answer in a form that is posted, by its action.
    fn of_form(&self, form: &Form, entries: &[(&str, &str)]) -> Option<Self::Answer>;

    /// Whether a redirect elsewhere looks like the answer.
    fn is_astray(&self, location: &Url) -> bool;

    /// Whether a form that does not bring the answer to the client looks like it.
    fn is_form_astray(&self, form: &Form, entries: &[(&str, &str)]) -> bool;

    /// What the answer says of the login that led to it.
    fn word_on_login(&self, answer: &Self::Answer) -> WordOnLogin;
}

/// What an answer says of the login that led to it, before it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::steps) enum WordOnLogin {
    /// The user came through.
    Accepted,
    /// The user did not.
    Rejected(FailureReason),
    /// It failed for another cause.
    None,
}

/// The answer of an authorization endpoint.
pub(in crate::steps) struct AtRedirectUri<'a> {
    /// Where it goes.
    pub(in crate::steps) redirect_uri: &'a Url,
    /// `state` of the request.
    pub(in crate::steps) state: &'a str,
}

impl Goal for AtRedirectUri<'_> {
    type Answer = Callback;
    const ENDPOINT: Endpoint = Endpoint::Authorization;
    const BACK: &'static str = "redirect_uri";

    fn of_redirect(&self, location: &Url) -> Option<Callback> {
        Callback::of_redirect(self.redirect_uri, location)
    }

    /// A form that is written otherwise holds nothing for who reads it (form post response mode §2).
    fn of_form(&self, form: &Form, entries: &[(&str, &str)]) -> Option<Callback> {
        let read = if form.enctype == Enctype::UrlEncoded { entries } else { &[] };
        Callback::of_form(self.redirect_uri, form.action.as_ref()?, read.iter().copied())
    }

    fn is_astray(&self, location: &Url) -> bool {
        Callback::is_astray(self.redirect_uri, location, self.state)
    }

    fn is_form_astray(&self, _: &Form, entries: &[(&str, &str)]) -> bool {
        Callback::is_form_astray(entries.iter().copied(), self.state)
    }

    /// By the errors of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6.
    fn word_on_login(&self, answer: &Callback) -> WordOnLogin {
        match answer.error() {
            None => WordOnLogin::Accepted,
            Some(code) if asks_user_again(code) => {
                WordOnLogin::Rejected(FailureReason::AccessDenied)
            }
            Some(_) => WordOnLogin::None,
        }
    }
}

/// Whether an error of the authorization endpoint says that the user has not come through.
pub(in crate::steps) fn asks_user_again(code: &str) -> bool {
    matches!(
        code,
        "access_denied" | "login_required" | "interaction_required" | "account_selection_required"
    )
}
