//! The `sso` block: a sign-on at a SAML identity provider, as a service provider would ask for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;
use url::Url;

use super::assertion::ClaimAssertionSettings;
use super::{
    Assertion, AssertionSettings, DEFAULT_LEEWAY, Error, Login, LoginSettings, Path, PromDuration,
    Transport, compile_assertions,
};
use crate::protocol::jose::SigningKey;
use crate::protocol::saml::binding::{HTTP_POST, HTTP_REDIRECT};
use crate::protocol::saml::encryption::DecryptionKey;
use crate::protocol::saml::request::can_sign;
use crate::protocol::saml::response::Signed;
use crate::secret::{Parsed, SecretFile};

/// The block as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SsoSettings {
    sp_entity_id: String,
    acs_url: String,
    binding: Option<Binding>,
    relay_state: Option<String>,
    name_id_format: Option<String>,
    signing_key_file: Option<SecretFile>,
    decryption_key_file: Option<SecretFile>,
    login: Option<LoginSettings>,
    validate: Option<ResponseSettings>,
    acs: Option<AcsSettings>,
}

/// What a response must be, as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResponseSettings {
    signed: Signed,
    encrypted: bool,
    allow_sha1: bool,
    leeway: Option<PromDuration>,
    required_attributes: Vec<String>,
    attributes: Vec<ClaimAssertionSettings>,
}

/// The service provider that gets the response, as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AcsSettings {
    assertions: Vec<AssertionSettings>,
    forged_response: Option<bool>,
    replay_response: Option<bool>,
}

/// How the request gets to the identity provider (SAML bindings §3.4, §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// In the query of a URL.
    Redirect,
    /// In a form.
    Post,
}

impl Binding {
    /// Its identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Redirect => HTTP_REDIRECT,
            Self::Post => HTTP_POST,
        }
    }
}

/// The block, checked.
#[derive(Debug)]
pub struct Sso {
    /// Who asks.
    pub sp_entity_id: String,
    /// Where the response shall go, character by character.
    pub acs_url: String,
    /// The same, parsed.
    pub acs: Url,
    /// How the request is sent; redirect, when the identity provider has that, unless given.
    pub binding: Option<Binding>,
    /// What comes back beside the response; random unless given.
    pub relay_state: Option<String>,
    /// The format of the name that is asked for.
    pub name_id_format: Option<String>,
    /// What requests are signed with.
    pub signing: Option<Parsed<SigningKey>>,
    /// What assertions are decrypted with.
    pub decryption: Option<Parsed<DecryptionKey>>,
    /// Who logs in. Without it, the sign-on ends at the login page.
    pub login: Option<Login>,
    /// What the response must be.
    pub response: ResponseRules,
    /// What the service provider must do with it, when it gets it.
    pub consumer: Option<Consumer>,
}

/// What a response must be.
#[derive(Debug, Default)]
pub struct ResponseRules {
    /// What must be signed.
    pub signed: Signed,
    /// Whether its assertion must be encrypted.
    pub encrypted: bool,
    /// Whether SHA-1 is accepted.
    pub allow_sha1: bool,
    /// How far clocks may be apart, in seconds.
    pub leeway: f64,
    /// Names of attributes that must be there.
    pub required_attributes: Vec<String>,
    /// Assertions on what is said of the user.
    pub assertions: Vec<Assertion>,
}

/// What the service provider must do with the response.
#[derive(Debug)]
pub struct Consumer {
    /// Assertions on its answer.
    pub assertions: Vec<Assertion>,
    /// Whether it gets the response with another signature, and must refuse it.
    pub forged: bool,
    /// Whether it gets the same response once more, and must refuse it.
    pub replay: bool,
}

impl SsoSettings {
    /// The checked block.
    ///
    /// # Errors
    /// For names and URLs that are none, keys that cannot be used, and what means nothing without
    /// a login.
    pub fn compile(self, at: &Path, transport: Transport) -> Result<Sso, Error> {
        for (field, text) in [
            ("sp_entity_id", Some(&self.sp_entity_id)),
            ("relay_state", self.relay_state.as_ref()),
            ("name_id_format", self.name_id_format.as_ref()),
        ] {
            if text.is_some_and(|text| text.trim().is_empty()) {
                return Err(at.key(field).error("is empty"));
            }
        }
        if self.relay_state.as_ref().is_some_and(|text| text.len() > 80) {
            let at = at.key("relay_state");
            return Err(at.error("is longer than 80 bytes (SAML bindings §3.4.3)"));
        }
        if self.login.is_none() {
            for (field, given) in
                [("validate", self.validate.is_some()), ("acs", self.acs.is_some())]
            {
                if given {
                    return Err(at
                        .key(field)
                        .error("means nothing without login: nobody signs on"));
                }
            }
        }
        let at_acs = at.key("acs_url");
        let acs = acs_url(&self.acs_url, &at_acs)?;
        if self.acs.is_some() {
            transport.check(&acs, &at_acs)?;
        }
        let signing_key = |text: &str| SigningKey::from_pem(text, None);
        let signing = self.signing_key_file.map(|file| Parsed::secret(file, signing_key));
        if let Some(key) = &signing {
            let at = at.key("signing_key_file");
            let found = key.read_blocking().map_err(|error| at.error(error))?;
            if !can_sign(&found) {
                return Err(at.error(
                    "holds a key that makes no XML signatures: RSA, P-256, P-384 and P-521 do",
                ));
            }
        }
        let decryption =
            self.decryption_key_file.map(|file| Parsed::secret(file, DecryptionKey::from_pem));
        if let Some(key) = &decryption {
            let read = key.read_blocking();
            read.map_err(|error| at.key("decryption_key_file").error(error))?;
        }
        let login =
            self.login.map(|login| login.compile(&at.key("login"), transport)).transpose()?;
        let consumer = self.acs.map(|acs| acs.compile(&at.key("acs"))).transpose()?;
        Ok(Sso {
            sp_entity_id: self.sp_entity_id,
            acs_url: self.acs_url,
            acs,
            binding: self.binding,
            relay_state: self.relay_state,
            name_id_format: self.name_id_format,
            signing,
            decryption,
            login,
            response: self.validate.unwrap_or_default().compile(&at.key("validate"))?,
            consumer,
        })
    }
}

impl ResponseSettings {
    fn compile(self, at: &Path) -> Result<ResponseRules, Error> {
        for (index, name) in self.required_attributes.iter().enumerate() {
            if name.is_empty() {
                return Err(at.key("required_attributes").index(index).error("is empty"));
            }
        }
        let attributes = self.attributes.into_iter().map(Into::into).collect();
        Ok(ResponseRules {
            signed: self.signed,
            encrypted: self.encrypted,
            allow_sha1: self.allow_sha1,
            leeway: self.leeway.map_or(DEFAULT_LEEWAY, |leeway| leeway.0.as_secs_f64()),
            required_attributes: self.required_attributes,
            assertions: compile_assertions(attributes, &at.key("attributes"))?,
        })
    }
}

impl ResponseRules {
    /// Whether the assertions hold; each with its label.
    pub fn asserted<'a>(&'a self, user: &'a Value) -> impl Iterator<Item = (&'a str, bool)> {
        self.assertions.iter().map(|assertion| (assertion.label(), assertion.holds_for(user)))
    }
}

impl AcsSettings {
    fn compile(self, at: &Path) -> Result<Consumer, Error> {
        Ok(Consumer {
            assertions: compile_assertions(self.assertions, &at.key("assertions"))?,
            forged: self.forged_response.unwrap_or(true),
            replay: self.replay_response.unwrap_or(true),
        })
    }
}

/// It is compared with what responses say, so that nothing may be changed in it.
fn acs_url(text: &str, at: &Path) -> Result<Url, Error> {
    super::location::check_text(text, at)?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|url| url.fragment().is_none() && url.username().is_empty()).ok_or_else(|| {
        at.error("is not an absolute http or https URL without userinfo and fragment")
    })
}
