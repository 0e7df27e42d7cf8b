//! The authorization request and its answer: RFC 6749 §4.1, OpenID Connect Core §3.1.2, RFC 7636
//! (PKCE), RFC 9207 (`iss`), and the form post response mode.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

/// The `code_challenge` of a verifier under S256 (RFC 7636 §4.2).
#[must_use]
pub fn s256_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The authorization endpoint with these parameters added to its query (RFC 6749 §3.1).
#[must_use]
pub fn request_url(endpoint: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut url = endpoint.clone();
    url.query_pairs_mut().extend_pairs(parameters);
    url
}

/// How an authorization response comes to the client (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect, as a code does where nothing else is asked for.
    #[default]
    Query,
    /// In a form that is posted (form post response mode §2).
    FormPost,
}

/// An authorization response: how it came, and its parameters in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    mode: ResponseMode,
    parameters: Vec<(String, String)>,
}

/// What is expected of an authorization response.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `state` of the request.
    pub state: &'a str,
    /// How it was asked to come.
    pub mode: ResponseMode,
    /// The issuer, where it is known.
    pub issuer: Option<&'a str>,
    /// Whether the metadata promises `iss` (RFC 9207 §3).
    pub issuer_promised: bool,
}

/// Why an authorization response holds no code that may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The provider's own error (RFC 6749 §4.1.2.1).
    #[error("error {code}{}", description.as_ref().map_or(String::new(), |text| format!(": {text}")))]
    Refused {
        /// `error`
        code: String,
        /// `error_description`
        description: Option<String>,
    },
    /// `state` is another one (RFC 6749 §10.12).
    #[error("the state is {0}, so the answer may belong to another request (RFC 6749 §10.12)")]
    State(&'static str),
    /// `iss` is another one, or missing though it is promised (RFC 9207 §2.4).
    #[error("expected iss {expected:?}, found {found:?} (RFC 9207 §2.4)")]
    Issuer {
        /// The issuer that was asked.
        expected: String,
        /// What the answer says; `None` when it says nothing.
        found: Option<String>,
    },
    /// A parameter occurs twice (RFC 6749 §3.1).
    #[error("the parameter {0} occurs more than once (RFC 6749 §3.1)")]
    Twice(&'static str),
    /// No code and no error (RFC 6749 §4.1.2).
    #[error("the answer holds no code (RFC 6749 §4.1.2)")]
    NoCode,
    /// It did not come as it was asked to: whoever waits for it there does not see it.
    #[error("{0}")]
    Mode(&'static str),
}

impl Callback {
    /// The response in a redirect, when it leads to `redirect_uri`: the same URI but for the query,
    /// which may hold the parameters beside those that the URI has itself. A fragment brings
    /// nothing: servers of web applications never see it.
    #[must_use]
    pub fn of_redirect(redirect_uri: &Url, location: &Url) -> Option<Self> {
        is_at(redirect_uri, location).then(|| Self {
            mode: ResponseMode::Query,
            parameters: location.query_pairs().into_owned().collect(),
        })
    }

    /// The response in a form that a page posts to `redirect_uri` (form post response mode §2).
    #[must_use]
    pub fn of_form<'a>(
        redirect_uri: &Url,
        action: &Url,
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        is_at(redirect_uri, action).then(|| Self {
            mode: ResponseMode::FormPost,
            parameters: entries.into_iter().map(owned).collect(),
        })
    }

    /// Whether this looks like an authorization response that went elsewhere: it has the state of
    /// the request, or goes to the client without any.
    #[must_use]
    pub fn is_astray(redirect_uri: &Url, location: &Url, state: &str) -> bool {
        let has = |wanted: &str| location.query_pairs().any(|(name, _)| name == wanted);
        let to_client = redirect_uri.origin() == location.origin();
        is_answer(location.query_pairs(), state) || (to_client && has("code") && !has("state"))
    }

    /// Whether these look like an authorization response, in a form that goes elsewhere.
    #[must_use]
    pub fn is_form_astray<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
        state: &str,
    ) -> bool {
        is_answer(entries.into_iter(), state)
    }

    fn one(&self, name: &'static str) -> Result<Option<&str>, CallbackError> {
        let mut values = self.parameters.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(CallbackError::Twice(name)),
            (value, None) => Ok(value.map(|(_, value)| value.as_str())),
        }
    }

    /// The provider's own error, where there is one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        let (_, code) =
            self.parameters.iter().find(|(name, code)| name == "error" && !code.is_empty())?;
        Some(code)
    }

    /// What of it is a credential, whether or not it can be used.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|(name, _)| name == "code").map(|(_, code)| code.as_str())
    }

    /// The authorization code.
    ///
    /// # Errors
    /// When the provider refused, or the answer is not one to this request.
    pub fn code(&self, expected: Expected<'_>) -> Result<String, CallbackError> {
        if let Some(code) = self.one("error")?.filter(|code| !code.is_empty()) {
            let description = self.one("error_description")?.map(str::to_owned);
            return Err(CallbackError::Refused { code: code.to_owned(), description });
        }
        let state = self.one("state")?;
        if state.is_none() && self.one("code")?.is_none() {
            // As when it stands in the fragment: it is no answer to any request.
            return Err(CallbackError::NoCode);
        }
        match state {
            Some(state) if state == expected.state => {}
            Some(_) => return Err(CallbackError::State("another one")),
            None => return Err(CallbackError::State("missing")),
        }
        let found = self.one("iss")?;
        if let Some(issuer) = expected.issuer {
            let agrees = found.map_or(!expected.issuer_promised, |found| found == issuer);
            if !agrees {
                return Err(CallbackError::Issuer {
                    expected: issuer.to_owned(),
                    found: found.map(str::to_owned),
                });
            }
        }
        let code = self.one("code")?.filter(|code| !code.is_empty());
        let code = code.ok_or(CallbackError::NoCode)?;
        match (expected.mode, self.mode) {
            (ResponseMode::Query, ResponseMode::FormPost) => Err(CallbackError::Mode(
                "the answer came in a form, and a code comes in the query where nothing else was \
                 asked for (RFC 6749 §4.1.2)",
            )),
            (ResponseMode::FormPost, ResponseMode::Query) => Err(CallbackError::Mode(
                "the answer came in the query, and form_post was asked for (form post response \
                 mode §2)",
            )),
            _ => Ok(code.to_owned()),
        }
    }
}

/// The values are credentials.
impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.parameters.iter().map(|(name, _)| name)).finish()
    }
}

fn is_answer<T: AsRef<str>>(pairs: impl Iterator<Item = (T, T)>, state: &str) -> bool {
    let (mut has_state, mut has_answer) = (false, false);
    for (name, value) in pairs {
        match name.as_ref() {
            "state" => has_state |= value.as_ref() == state,
            "code" | "error" => has_answer = true,
            _ => {}
        }
    }
    has_state && has_answer
}

/// Whether a URL is the redirect URI, whatever its query adds. The parameters that the URI has
/// itself must still be there (RFC 6749 §3.1.2).
fn is_at(redirect_uri: &Url, url: &Url) -> bool {
    let bare = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    let kept =
        redirect_uri.query_pairs().all(|wanted| url.query_pairs().any(|pair| pair == wanted));
    bare(redirect_uri) == bare(url) && kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("URL")
    }

    #[test]
    fn the_challenge_of_rfc_7636() {
        // RFC 7636 appendix B
        assert_eq!(
            s256_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn parameters_join_those_of_the_endpoint() {
        assert_eq!(
            request_url(&url("https://a.example/auth?tenant=1"), &[("scope", "openid a+b")])
                .as_str(),
            "https://a.example/auth?tenant=1&scope=openid+a%2Bb"
        );
    }

    #[test]
    fn a_redirect_leads_to_the_redirect_uri_or_elsewhere() {
        for (redirect_uri, location, leads) in [
            ("https://app.example/cb", "https://app.example/cb?code=1", true),
            ("https://app.example/cb", "https://APP.example:443/cb?code=1#x", true),
            ("https://app.example/cb?t=1", "https://app.example/cb?t=1&code=1", true),
            ("https://app.example/cb?t=1", "https://app.example/cb?code=1", false),
            ("https://app.example/cb", "https://app.example/cb/?code=1", false),
            ("https://app.example/cb", "https://app.example:8443/cb?code=1", false),
            ("https://app.example/cb", "http://app.example/cb?code=1", false),
            ("com.example.app:/cb", "com.example.app:/cb?code=1", true),
        ] {
            let callback = Callback::of_redirect(&url(redirect_uri), &url(location));
            assert_eq!(callback.is_some(), leads, "{location}");
        }
    }

    #[test]
    fn an_answer_that_went_elsewhere_is_recognised() {
        for (location, astray) in [
            ("https://other.example/cb?code=1&state=s", true),
            ("https://other.example/cb?error=x&state=s", true),
            ("https://other.example/cb?code=1&state=other", false),
            ("https://other.example/login?state=s", false),
            ("https://app.example/other?code=1", true),
            ("https://app.example/broker?code=1&state=other", false),
            ("https://app.example/login?next=1", false),
        ] {
            let redirect_uri = url("https://app.example/cb");
            let found = Callback::is_astray(&redirect_uri, &url(location), "s");
            assert_eq!(found, astray, "{location}");
        }
    }

    #[test]
    fn the_code_of_an_answer() {
        let read = |query: &str, issuer_promised| {
            let uri = url("https://app.example/cb");
            let location = url(&format!("https://app.example/cb?{query}"));
            let expected = Expected {
                state: "s",
                mode: ResponseMode::Query,
                issuer: Some("https://a.example"),
                issuer_promised,
            };
            Callback::of_redirect(&uri, &location)
                .expect("the callback")
                .code(expected)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("code=c%2B1&state=s", false), Ok("c+1".into()));
        assert_eq!(
            read("code=c&state=s&iss=https://a.example&session_state=x", true),
            Ok("c".into())
        );
        for (query, promised, message) in [
            (
                "code=c&state=s",
                true,
                r#"expected iss "https://a.example", found None (RFC 9207 §2.4)"#,
            ),
            (
                "code=c&state=s&iss=https://evil.example",
                false,
                r#"expected iss "https://a.example", found Some("https://evil.example") (RFC 9207 §2.4)"#,
            ),
            (
                "code=c&state=t",
                false,
                "the state is another one, so the answer may belong to another request (RFC 6749 §10.12)",
            ),
            (
                "code=c",
                false,
                "the state is missing, so the answer may belong to another request (RFC 6749 §10.12)",
            ),
            ("", true, "the answer holds no code (RFC 6749 §4.1.2)"),
            ("#code=c&state=s", true, "the answer holds no code (RFC 6749 §4.1.2)"),
            ("state=s", false, "the answer holds no code (RFC 6749 §4.1.2)"),
            ("code=&state=s", false, "the answer holds no code (RFC 6749 §4.1.2)"),
            (
                "code=a&code=b&state=s",
                false,
                "the parameter code occurs more than once (RFC 6749 §3.1)",
            ),
            ("error=access_denied&error_description=no&state=s", false, "error access_denied: no"),
        ] {
            assert_eq!(read(query, promised), Err(message.into()), "{query}");
        }
    }
}
