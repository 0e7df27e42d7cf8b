//! `sso`: ask an identity provider to authenticate a user, as a browser would bring the request
//! (SAML profiles §4.1), through `login` and `consent` to the response.

use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Url, form_urlencoded};

use super::browser::{Arrival, Browser, Goal, SecretHosts, Shown, WordOnLogin};
use super::login;
use super::metadata::{self, Described};
use crate::net::SecretTo;
use crate::probe::{Context, Stopped};
use crate::protocol::html::{self, Enctype, Form, Found, Overrides};
use crate::protocol::saml::request::{AuthnRequest, RequestError, id};
use crate::protocol::saml::response;
use crate::protocol::xml::signature::Signer;
use crate::report::{Endpoint, Failure, FailureReason, Step, Warning};
use crate::secret::SecretText;
use crate::settings::{Binding, Login, Sso};

/// A response as it came through the browser, not judged yet.
#[derive(Debug)]
pub struct PostedResponse {
    /// `SAMLResponse`
    pub response: SecretText,
    /// `RelayState`
    pub relay_state: Option<String>,
    /// What must have come back as that.
    pub sent_relay_state: String,
    /// The ID of the request.
    pub request_id: String,
    /// When it arrived, in Unix seconds.
    pub arrived: f64,
}

/// The form that a page posts to the `AssertionConsumerService`.
struct Posted {
    response: String,
    relay_state: Option<String>,
}

/// The way ends where a form is for the `AssertionConsumerService`.
struct AtAcs<'a> {
    acs: &'a Url,
    request_id: &'a str,
}

impl Goal for AtAcs<'_> {
    type Answer = Posted;
    const ENDPOINT: Endpoint = Endpoint::Sso;
    const BACK: &'static str = "acs_url, in a form that is posted url-encoded";

    fn of_redirect(&self, _: &Url) -> Option<Posted> {
        None
    }

    /// As HTML forms are written when they say nothing (SAML bindings §3.5.4).
    fn of_form(&self, form: &Form, entries: &[(&str, &str)]) -> Option<Posted> {
        let is_back = form.enctype == Enctype::UrlEncoded && self.is_for_acs(form);
        let response = one(entries, "SAMLResponse").filter(|_| is_back)?;
        let relay_state = one(entries, "RelayState").map(str::to_owned);
        Some(Posted { response: response.to_owned(), relay_state })
    }

    /// Another binding than the one that was asked for.
    fn is_astray(&self, location: &Url) -> bool {
        is_at(self.acs, location)
            || location.query_pairs().any(|(name, _)| matches!(&*name, "SAMLResponse" | "SAMLart"))
    }

    /// The response to this request, and any at the right place; others may be on their way between
    /// identity providers.
    fn is_form_astray(&self, form: &Form, entries: &[(&str, &str)]) -> bool {
        one(entries, "SAMLResponse").is_some_and(|value| {
            self.is_for_acs(form) || response::mentions(value, self.request_id)
        })
    }

    /// By the status (SAML core §3.2.2.2), which whoever answered may have written.
    fn word_on_login(&self, answer: &Posted) -> WordOnLogin {
        let bytes = response::from_post_value(&answer.response);
        match bytes.and_then(|bytes| response::succeeded(&bytes)) {
            Ok(()) => WordOnLogin::Accepted,
            Err(error) if error.is_about_user() => {
                WordOnLogin::Rejected(FailureReason::ResponseStatus)
            }
            Err(_) => WordOnLogin::None,
        }
    }
}

impl AtAcs<'_> {
    fn is_for_acs(&self, form: &Form) -> bool {
        form.action.as_ref().is_some_and(|action| is_at(self.acs, action))
    }
}

/// The value of an entry.
fn one<'a>(entries: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    entries.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Whether this is the URL, whatever its fragment.
fn is_at(acs: &Url, url: &Url) -> bool {
    let mut url = url.clone();
    url.set_fragment(None);
    url == *acs
}

/// A request that is ready to be sent.
struct Ready {
    url: Url,
    /// The form, with the POST binding.
    form: Option<String>,
}

/// The steps from the request to the response; `None` without a login, when the way ends at a
/// login page as it must.
///
/// # Errors
/// [`Stopped`] when one of them failed.
pub async fn steps(
    context: &Context<'_>,
    described: &Described,
    sso: &Sso,
) -> Result<Option<PostedResponse>, Stopped> {
    let who = sso.login.as_ref();
    let mut attempt = None;
    if let Some(login) = who.filter(|login| !login.requests.is_empty()) {
        let (_, sent) = context.step(Step::Login, login::by_requests(context, login)).await?;
        attempt = Some(sent);
    }
    let fresh = || -> Result<(String, String), Failure> {
        let relay_state = match &sso.relay_state {
            Some(text) => text.clone(),
            None => URL_SAFE_NO_PAD.encode(context.random::<16>()?),
        };
        Ok((id(&context.random::<20>()?), relay_state))
    };
    let (request_id, relay_state) = match fresh() {
        Ok(fresh) => fresh,
        Err(failure) => return context.step(Step::Sso, async { Err(failure) }).await,
    };
    let overrides = Overrides::default();
    let browser = Browser::new(
        context,
        AtAcs { acs: &sso.acs, request_id: &request_id },
        who.map_or(&overrides, |login| &login.overrides),
        SecretHosts { named: None, hosts: who.map_or(&[], |login| &login.allowed_hosts) },
        who.map_or(10, |login| login.max_pages),
    );
    let arrived = |posted: Posted| {
        context.hide(&posted.response);
        PostedResponse {
            response: posted.response.into(),
            relay_state: posted.relay_state,
            sent_relay_state: relay_state.clone(),
            request_id: request_id.clone(),
            arrived: context.unix_now(),
        }
    };
    let open = async {
        let ready = prepare(context, described, sso, &request_id, &relay_state).await?;
        let arrival = match ready.form {
            None => browser.open(ready.url, SecretTo::Nobody).await?,
            Some(form) => browser.post(ready.url, form).await?,
        };
        if let Some(attempt) = &mut attempt {
            login::judge_requests(attempt, &browser, &arrival)?;
        }
        match arrival {
            Arrival::Page(shown) if !waits_for(&shown, who) => Err(login::stuck(&shown)),
            // Somebody was signed on without a login: the response must be good all the same.
            Arrival::Callback(posted) if who.is_none() => {
                let posted = arrived(posted);
                super::assertion::accepted(context, described, sso, &posted).await?;
                Ok(Arrival::Callback(posted))
            }
            Arrival::Callback(posted) => Ok(Arrival::Callback(arrived(posted))),
            Arrival::Page(shown) => Ok(Arrival::Page(shown)),
        }
    };
    let way = context.step(Step::Sso, open).await?;
    if who.is_none() {
        return Ok(None);
    }
    let judge = |posted| Ok(arrived(posted));
    login::through(context, &browser, who, way, judge).await.map(Some)
}

/// Whether a page asks for what the configuration can give. Without a login, the page that asks
/// for one is what is waited for, also where only a person or a script could send it.
fn waits_for(shown: &Shown, who: Option<&Login>) -> bool {
    let asks_user = matches!(shown.found, Found::Login(_) | Found::OneTimeCode(_));
    match who {
        Some(who) if asks_user => who.requests.is_empty(),
        Some(_) => matches!(shown.found, Found::Consent(_)),
        None => asks_user || html::asks_to_log_in(&shown.page),
    }
}

async fn prepare(
    context: &Context<'_>,
    described: &Described,
    sso: &Sso,
    request_id: &str,
    relay_state: &str,
) -> Result<Ready, Failure> {
    let role = &described.role;
    let offered = |binding: &Binding| metadata::endpoint(role, Some(binding.uri())).is_ok();
    let binding = sso.binding.unwrap_or_else(|| {
        let known = [Binding::Redirect, Binding::Post];
        known.into_iter().find(offered).unwrap_or(Binding::Redirect)
    });
    let (url, location) = metadata::endpoint(role, Some(binding.uri()))?;
    let key = match &sso.signing {
        None => None,
        Some(signing) => Some(context.parsed(signing).await?),
    };
    if key.is_none() && role.want_authn_requests_signed {
        context.warn(Warning::RequestUnsigned);
    }
    let request = AuthnRequest {
        id: request_id,
        issue_instant: context.unix_now(),
        destination: &location,
        acs_url: &sso.acs_url,
        issuer: &sso.sp_entity_id,
        name_id_format: sso.name_id_format.as_deref(),
        // The user is asked in every probe: it brings no session.
    };
    let random = SystemRandom::new();
    match binding {
        Binding::Redirect => {
            let text = request.redirect_url(Some(relay_state), key.as_deref(), &random)?;
            let url = Url::parse(&text).map_err(|_| {
                Failure::new(FailureReason::Internal, "the URL of the request is none")
            })?;
            Ok(Ready { url, form: None })
        }
        Binding::Post => {
            let signer = key.as_deref().map(Signer::new);
            let value = request.post_value(signer.as_ref(), &random)?;
            Ok(Ready { url, form: Some(form(("SAMLRequest", &value), Some(relay_state))) })
        }
    }
}

/// A form of the POST binding (SAML bindings §3.5.4).
pub(super) fn form(message: (&str, &str), relay_state: Option<&str>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair(message.0, message.1);
    if let Some(relay_state) = relay_state {
        form.append_pair("RelayState", relay_state);
    }
    form.finish()
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        // The key and the relay state were checked at load.
        Self::new(FailureReason::Internal, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::protocol::html::{Filling, classify, parse};

    /// `SAMLResponse` is no field like another: at the wrong place, and at the right one in the wrong
    /// way, it is told from a form that has nothing to do with the request.
    #[test]
    fn a_response_comes_in_a_form_that_is_posted_url_encoded() {
        let acs = Url::parse("https://sp.example/acs").expect("URL");
        let goal = AtAcs { acs: &acs, request_id: "_q" };
        let answer = STANDARD.encode("<Response InResponseTo=\"_q\"/>");
        let other = STANDARD.encode("<Response/>");
        for (attributes, response, is_back, is_astray) in [
            ("action=https://sp.example/acs", &answer, true, true),
            ("action=https://sp.example/acs#x", &other, true, true),
            ("action=https://sp.example/acs enctype=text/plain", &other, false, true),
            ("action=https://sp.example/acs enctype=multipart/form-data", &answer, false, true),
            ("action=https://sp.example/other", &answer, false, true),
            ("action=https://sp.example/other", &other, false, false),
        ] {
            let html = format!(
                "<form method=post {attributes}><input type=hidden name=SAMLResponse value={response}>"
            );
            let page = parse(html.as_bytes(), &acs).expect("a page");
            let form = page.forms.first().expect("a form");
            let entries = form.entries(&Filling::new());
            let pairs: Vec<(&str, &str)> =
                entries.iter().map(|entry| (&*entry.name, entry.value.as_str())).collect();
            let found = (goal.of_form(form, &pairs).is_some(), goal.is_form_astray(form, &pairs));
            assert_eq!(found, (is_back, is_astray), "{attributes}");
        }
    }

    /// Nothing would be filled in, so that nothing has to be possible.
    #[test]
    fn without_a_login_a_login_page_is_enough() {
        let url = Url::parse("https://idp.example/sso").expect("URL");
        let captcha = "<div class=g-recaptcha></div>";
        let form = |attributes: &str, more: &str| {
            format!(
                "<script src=x></script><form {attributes} action=/login><input name=u>\
                 <input type=password name=p>{more}</form>"
            )
        };
        for (html, waits) in [
            (form("method=post", ""), true),
            (form("method=post", captcha), true),
            (form("", ""), true),
            (captcha.to_owned(), false),
            ("<div id=root></div><script src=x></script>".to_owned(), false),
            ("<h1>Unknown service provider</h1>".to_owned(), false),
        ] {
            let page = parse(html.as_bytes(), &url).expect("a page");
            let found = classify(&page, &Overrides::default());
            let shown = Shown { page, found, status: http::StatusCode::OK };
            assert_eq!(waits_for(&shown, None), waits, "{html}");
        }
    }
}
