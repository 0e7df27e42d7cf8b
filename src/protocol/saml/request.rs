//! Requests for authentication (SAML core §3.4.1, SAML profiles §4.1.4.1) and the two bindings
//! that carry them to an identity provider (SAML bindings §3.4, §3.5).

use std::fmt::Write as _;
use std::io::Write as _;

use aws_lc_rs::rand::SecureRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ASSERTION, PROTOCOL, time};
use crate::protocol::hex::hex;
use crate::protocol::jose::{Algorithm, SigningKey};
use crate::protocol::xml::canonical;
use crate::protocol::xml::signature::{SignError, Signer, sign};

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A relay state that is longer than the bindings allow.
    #[error("RelayState is longer than 80 bytes (SAML bindings §3.4.3)")]
    RelayState,
    /// It could not be compressed.
    #[error("the request could not be compressed")]
    Deflate,
}

/// A request for authentication.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthnRequest<'a> {
    /// Its ID, from [`id`].
    pub id: &'a str,
    /// When it is made, in Unix seconds.
    pub issue_instant: f64,
    /// The endpoint that it goes to.
    pub destination: &'a str,
    /// Where the response shall go.
    pub acs_url: &'a str,
    /// The entity ID of the service provider.
    pub issuer: &'a str,
    /// The format of the name that is asked for.
    pub name_id_format: Option<&'a str>,
}

/// An ID out of at least 128 random bits; one must not begin with a digit (SAML core §1.3.4).
#[must_use]
pub fn id(entropy: &[u8; 20]) -> String {
    format!("_{}", hex(entropy))
}

impl AuthnRequest<'_> {
    /// The text before and after the place of a signature: behind `Issuer` (SAML core §3.2.1).
    fn parts(&self) -> (String, String) {
        let mut start =
            format!("<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\"");
        let issue_instant = time::format(self.issue_instant);
        let mut attribute = |name: &str, value: &str| {
            // Writing into a String cannot fail.
            let _ = write!(start, " {name}=\"{}\"", escaped(value, true));
        };
        attribute("ID", self.id);
        attribute("Version", "2.0");
        attribute("IssueInstant", &issue_instant);
        attribute("Destination", self.destination);
        // The response comes through the browser in a form: no other binding carries one.
        attribute("ProtocolBinding", super::binding::HTTP_POST);
        attribute("AssertionConsumerServiceURL", self.acs_url);
        let _ = write!(start, "><saml:Issuer>{}</saml:Issuer>", escaped(self.issuer, false));
        let mut end = String::new();
        if let Some(format) = self.name_id_format {
            let format = escaped(format, true);
            end = format!("<samlp:NameIDPolicy Format=\"{format}\" AllowCreate=\"true\"/>");
        }
        end.push_str("</samlp:AuthnRequest>");
        (start, end)
    }

    /// The URL that carries it, signed when there is a key (SAML bindings §3.4.4).
    ///
    /// # Errors
    /// When it cannot be signed, or `relay_state` is too long.
    pub fn redirect_url(
        &self,
        relay_state: Option<&str>,
        key: Option<&SigningKey>,
        random: &dyn SecureRandom,
    ) -> Result<String, RequestError> {
        bounded(relay_state)?;
        let (start, end) = self.parts();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let deflated = encoder
            .write_all((start + &end).as_bytes())
            .and_then(|()| encoder.finish())
            .map_err(|_| RequestError::Deflate)?;
        let mut query = format!("SAMLRequest={}", encoded(&STANDARD.encode(deflated)));
        if let Some(relay_state) = relay_state {
            let _ = write!(query, "&RelayState={}", encoded(relay_state));
        }
        if let Some(key) = key {
            let uri = signature_uri(key)?;
            let _ = write!(query, "&SigAlg={}", encoded(uri));
            // What is signed is the query as it is sent.
            let signature =
                key.signature(query.as_bytes(), random).map_err(|_| SignError::Failed)?;
            let _ = write!(query, "&Signature={}", encoded(&STANDARD.encode(signature)));
        }
        let separator = match self.destination.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some((_, rest)) if rest.ends_with('&') => "",
            Some(_) => "&",
        };
        Ok(format!("{}{separator}{query}", self.destination))
    }

    /// The value of the form field `SAMLRequest`, signed when there is a signer
    /// (SAML bindings §3.5.4).
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn post_value(
        &self,
        signer: Option<&Signer<'_>>,
        random: &dyn SecureRandom,
    ) -> Result<String, RequestError> {
        let (start, end) = self.parts();
        let text = match signer {
            Some(signer) => sign(&start, &end, self.id, signer, random)?,
            None => start + &end,
        };
        Ok(STANDARD.encode(text))
    }
}

/// Whether requests can be signed with a key: XML signatures have fewer algorithms than JWS.
#[must_use]
pub fn can_sign(key: &SigningKey) -> bool {
    signature_uri(key).is_ok()
}

fn bounded(relay_state: Option<&str>) -> Result<(), RequestError> {
    match relay_state {
        Some(text) if text.len() > 80 => Err(RequestError::RelayState),
        _ => Ok(()),
    }
}

fn signature_uri(key: &SigningKey) -> Result<&'static str, SignError> {
    let algorithm: Algorithm = key.algorithm();
    crate::protocol::xml::signature::algorithm_of(key)
        .map(crate::protocol::xml::signature::SignatureAlgorithm::uri)
        .ok_or(SignError::Algorithm(algorithm))
}

/// What stands for itself in a query (RFC 3986 §2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, UNRESERVED)
}

fn escaped(text: &str, attribute: bool) -> String {
    let mut out = Vec::new();
    canonical::escape(text, attribute, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;
    use crate::protocol::xml::signature::{Options, PublicKey, verify};
    use crate::protocol::xml::{Document, Limits};

    const REQUEST: AuthnRequest<'static> = AuthnRequest {
        id: "_1",
        issue_instant: 1_801_396_800.0,
        destination: "https://idp.example/sso?tenant=a&b=c",
        acs_url: "https://sp.example/acs",
        issuer: "urn:sp<1>",
        name_id_format: None,
    };

    fn key() -> (KeyPair, SigningKey) {
        let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let key = SigningKey::from_pem(&pair.serialize_pem(), Some(Algorithm::Rs256));
        (pair, key.expect("a key to sign with"))
    }

    #[test]
    fn an_id_is_a_name() {
        assert_eq!(id(&[0xab; 20]), format!("_{}", "ab".repeat(20)));
    }

    #[test]
    fn a_form_carries_the_request() {
        let value = REQUEST.post_value(None, &SystemRandom::new()).expect("a request");
        let text = String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text");
        let expected = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
            xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" Version=\"2.0\" \
            IssueInstant=\"2027-01-31T12:00:00Z\" \
            Destination=\"https://idp.example/sso?tenant=a&amp;b=c\" \
            ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
            AssertionConsumerServiceURL=\"https://sp.example/acs\">\
            <saml:Issuer>urn:sp&lt;1&gt;</saml:Issuer></samlp:AuthnRequest>";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_form_carries_a_signed_request() {
        let (pair, key) = key();
        let request = AuthnRequest { name_id_format: Some("urn:f"), ..REQUEST };
        let value = request.post_value(Some(&Signer::new(&key)), &SystemRandom::new());
        let text = STANDARD.decode(value.expect("a request")).expect("base64");
        let document = Document::parse(&text, Limits::DOCUMENT).expect("a document");
        let certificate = CertificateParams::new([]).expect("names").self_signed(&pair);
        let public = PublicKey::from_certificate(certificate.expect("a certificate").der());
        let keys = [public.expect("a key")];
        let verified = verify(document.root(), &keys, Options::default()).expect("verified");
        let root = verified.element();
        let names: Vec<&str> = root.children().map(|child| child.name().local).collect();
        assert_eq!(names, ["Issuer", "Signature", "NameIDPolicy"]);
    }

    #[test]
    fn a_url_carries_the_request_with_a_signature_over_the_query() {
        let (pair, key) = key();
        let random = SystemRandom::new();
        let url = REQUEST.redirect_url(Some("r&1"), Some(&key), &random).expect("a URL");
        let query =
            url.strip_prefix("https://idp.example/sso?tenant=a&b=c&").expect("the endpoint");
        let parts: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
        assert_eq!(parts[1].1, "r&1");
        assert_eq!(parts[2].1, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        let (message, _) = query.rsplit_once("&Signature=").expect("a signature");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.der_bytes())
            .verify(message.as_bytes(), &STANDARD.decode(&parts[3].1).expect("base64"))
            .expect("verified");
        let deflated = STANDARD.decode(&parts[0].1).expect("base64");
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(deflated.as_slice())
            .read_to_string(&mut text)
            .expect("text");
        assert!(
            text.starts_with("<samlp:AuthnRequest ") && text.ends_with("</samlp:AuthnRequest>"),
            "{text}"
        );
    }

    #[test]
    fn a_query_is_added_to_what_the_endpoint_has() {
        for (destination, start) in [
            ("https://a.example/", "https://a.example/?SAMLRequest="),
            ("https://a.example/?", "https://a.example/?SAMLRequest="),
            ("https://a.example/?b", "https://a.example/?b&SAMLRequest="),
            ("https://a.example/?b&", "https://a.example/?b&SAMLRequest="),
        ] {
            let request = AuthnRequest { destination, ..REQUEST };
            let url = request.redirect_url(None, None, &SystemRandom::new()).expect("a URL");
            assert!(url.starts_with(start), "{url}");
        }
    }

    #[test]
    fn a_relay_state_has_at_most_80_bytes() {
        let random = SystemRandom::new();
        assert!(REQUEST.redirect_url(Some(&"r".repeat(80)), None, &random).is_ok());
        let error = REQUEST.redirect_url(Some(&"r".repeat(81)), None, &random);
        assert!(matches!(error, Err(RequestError::RelayState)));
    }
}
