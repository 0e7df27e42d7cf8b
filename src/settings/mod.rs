//! What several rooms say of a configuration: the blocks that probers share,
//! their rules, and errors that name the path of what is wrong.
//!
//! Each block has two types: what the user wrote (serde, strict) and what it
//! means (compiled, so that a running probe cannot fail on configuration).
//! No socket is opened here, and no file but those of keys and certificates, through the secret room:
//! each is read once at load, so that one that cannot be used is found there, and again in each
//! probe.

mod assertion;
mod call_api;
mod client;
mod discovery;
mod duration;
mod error;
mod expires_at;
mod headers;
mod http;
mod json_path;
mod key_info;
mod location;
mod login;
mod login_request;
mod occurrences;
mod pattern;
mod saml;
mod sso;
mod status_page;
mod token_parameters;
mod validate;

pub use self::http::{Http, HttpSettings, IpProtocol, Tls};
pub use assertion::{
    Answered, Assertion, AssertionSettings, Content, compile as compile_assertions,
    compile_passing as compile_passing_assertions,
};
pub use call_api::{CallApi, CallApiSettings, MustRefuse, RefuseStatus, method};
pub use client::{
    Assertion as ClientAssertion, Audience, Authentication, Client, ClientAuth, ClientSettings,
    one_secret,
};
pub use discovery::{Discovery, DiscoverySetting, Documents, EndpointsSettings};
pub use duration::PromDuration;
pub use error::{Error, Path, Place, Segment, parse};
pub use expires_at::ExpiresAt;
pub use headers::{Header, Headers, HeadersSettings, check_header_value, header_name};
pub use json_path::JsonPath;
pub use key_info::{ExpiryPlace, KeyInfo, KeyInfoSettings};
pub use location::{Location, Transport};
pub use login::{Consent, Login, LoginSettings};
pub use login_request::LoginRequest;
pub use occurrences::Occurrences;
pub use saml::{CertificateFile, CertificateFileError, Pins, Signature, SignatureSettings};
pub use sso::{Binding, Consumer, ResponseRules, Sso, SsoSettings};
pub use status_page::{
    StatusIndicator, StatusPage, StatusPageProblem, StatusPageSettings, StatusReading,
};
pub use token_parameters::{Grant, Parameter, TokenParameters, plain, scopes};
pub use validate::{
    DEFAULT_LEEWAY, KeySource, Subject as ValidateSubject, Validate, ValidateSettings,
};

use serde::{Deserialize, Serialize};

/// One text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Vec<String>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text or a list of texts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![text.to_owned()])
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(texts)
            }
        }
        deserializer.deserialize_any(Either).map(Self)
    }
}
