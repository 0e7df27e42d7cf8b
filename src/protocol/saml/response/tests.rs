mod several;

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};

use super::{
    Accepted, Attribute, Expected, ResponseError, Signed, Subject, from_post_value, judge,
    mentions, succeeded,
};
use crate::protocol::jose::{Algorithm, SigningKey};
use crate::protocol::saml::encryption::tests::{encrypted, pair};
use crate::protocol::saml::encryption::{DecryptionError, DecryptionKey};
use crate::protocol::saml::{ASSERTION, PROTOCOL};
use crate::protocol::xml::signature::{
    DigestAlgorithm, Evidence, Options, PublicKey, SignatureAlgorithm, SignatureError, Signer,
    random, sign,
};

const ACS: &str = "https://sp.example/acs";
/// 2027-01-31T12:00:00Z
const NOW: f64 = 1_801_396_800.0;

struct Idp {
    key: SigningKey,
    public: [PublicKey; 1],
}

fn idp() -> &'static Idp {
    static IDP: OnceLock<Idp> = OnceLock::new();
    IDP.get_or_init(|| {
        let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let certificate = CertificateParams::new([]).expect("names").self_signed(&pair);
        let public = PublicKey::from_certificate(certificate.expect("a certificate").der());
        let key = SigningKey::from_pem(&pair.serialize_pem(), Some(Algorithm::Rs256));
        Idp { key: key.expect("a key"), public: [public.expect("a key")] }
    })
}

fn expected() -> Expected<'static> {
    Expected {
        now: NOW,
        leeway: 30.0,
        in_response_to: Some("_q"),
        acs_url: ACS,
        audience: "urn:sp",
        issuer: "urn:idp",
        keys: &idp().public,
        options: Options::default(),
        signed: Signed::Either,
        decryption_keys: &[],
    }
}

/// An assertion with a place for its signature.
fn assertion() -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"_a\" Version=\"2.0\" \
         IssueInstant=\"2027-01-31T11:59:59Z\"><saml:Issuer>urn:idp</saml:Issuer>@assertion@\
         <saml:Subject><saml:NameID Format=\"urn:f\">ada</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData Recipient=\"{ACS}\" InResponseTo=\"_q\" \
         NotOnOrAfter=\"2027-01-31T12:05:00Z\"/></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"2027-01-31T11:59:00Z\" NotOnOrAfter=\"2027-01-31T12:10:00Z\">\
         <saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience>\
         <saml:Audience>urn:sp</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"2027-01-31T11:00:00Z\" SessionIndex=\"s\">\
         <saml:AuthnContext><saml:AuthnContextClassRef>urn:password</saml:AuthnContextClassRef>\
         </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>\
         <saml:Attribute Name=\"urn:mail\" FriendlyName=\"mail\"><saml:AttributeValue>a@x.example\
         </saml:AttributeValue><saml:AttributeValue>b@x.example</saml:AttributeValue>\
         </saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )
}

/// A response with a place for its signature.
fn response(assertion: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_r\" \
         Version=\"2.0\" IssueInstant=\"2027-01-31T12:00:01Z\" Destination=\"{ACS}\" \
         InResponseTo=\"_q\"><saml:Issuer>urn:idp</saml:Issuer>@response@<samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
         {assertion}</samlp:Response>"
    )
}

/// Signs at the place `@…@`, when it is there.
fn signed(text: &str, place: &str, id: &str) -> String {
    let (before, after) = text.split_once(place).expect("a place");
    let signer = Signer::new(&idp().key);
    // The other place is no part of the document.
    let clean = |text: &str| text.replace("@assertion@", "").replace("@response@", "");
    sign(&clean(before), &clean(after), id, &signer, &random()).expect("signed")
}

/// A response whose assertion is signed, after these replacements.
fn with(replacements: &[(&str, &str)]) -> String {
    let mut text = response(&assertion());
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    signed(&text, "@assertion@", "_a")
}

fn judged(text: &str) -> Result<Accepted, ResponseError> {
    judge(text.as_bytes(), &expected())
}

#[test]
fn a_response_with_a_signed_assertion_is_accepted() {
    let subject = Subject {
        name_id: Some("ada".into()),
        name_id_format: Some("urn:f".into()),
        session_index: Some("s".into()),
        authn_context: Some("urn:password".into()),
        attributes: vec![Attribute {
            name: "urn:mail".into(),
            friendly_name: Some("mail".into()),
            values: vec![Some("a@x.example".into()), Some("b@x.example".into())],
        }],
    };
    let accepted = Accepted {
        subject,
        issue_instant: NOW + 1.0,
        response_signature: None,
        assertion_signature: Some(Evidence {
            algorithm: SignatureAlgorithm::RSA_SHA256,
            digest: DigestAlgorithm::Sha256,
        }),
        encrypted: false,
    };
    assert_eq!(judged(&with(&[])), Ok(accepted));
    let value = STANDARD.encode(with(&[]));
    let value = format!("{}\r\n{}", &value[..64], &value[64..]);
    assert_eq!(from_post_value(&value), Ok(with(&[]).into_bytes()));
    assert_eq!(from_post_value("<Response/>"), Err(ResponseError::Base64));
}

#[test]
fn what_is_wanted_signed_has_to_be() {
    let inner = assertion();
    let text = response(&inner);
    let none = text.replace("@assertion@", "").replace("@response@", "");
    let outer_only = signed(&text, "@response@", "_r");
    let inner_only = with(&[]);
    let signed_inner = signed(&inner, "@assertion@", "_a");
    let both = signed(&response(&signed_inner), "@response@", "_r");
    for (text, found, accepting) in [
        (&none, (false, false), &[][..]),
        (&outer_only, (true, false), &[Signed::Either, Signed::Response]),
        (&inner_only, (false, true), &[Signed::Either, Signed::Assertion]),
        (&both, (true, true), &[Signed::Either, Signed::Response, Signed::Assertion, Signed::Both]),
    ] {
        for wanted in [Signed::Either, Signed::Response, Signed::Assertion, Signed::Both] {
            let verdict = judge(text.as_bytes(), &Expected { signed: wanted, ..expected() });
            let verdict =
                verdict.map(|a| (a.response_signature.is_some(), a.assertion_signature.is_some()));
            let missing = Err(SignatureError::Missing.into());
            let right = if accepting.contains(&wanted) { Ok(found) } else { missing };
            assert_eq!(verdict, right, "{wanted:?} {found:?}");
        }
    }
    // A bad signature counts even where a good one would be enough.
    let changed = both.replacen("ID=\"_r\"", "ID=\"_r\" Consent=\"urn:x\"", 1);
    assert_eq!(judged(&changed), Err(SignatureError::Digest.into()));
}

#[test]
#[allow(clippy::too_many_lines)] // one table
fn every_rule_has_its_own_refusal_and_a_neighbour_that_is_fine() {
    let missing = |element, part| ResponseError::Missing { element, part };
    let over =
        |element, not_on_or_after| ResponseError::Expired { element, not_on_or_after, now: NOW };
    let confirmation = ResponseError::Confirmation;
    let acs_attribute = format!("Destination=\"{ACS}\"");
    let recipient = format!("Recipient=\"{ACS}\"");
    let audience = "<saml:Audience>urn:sp</saml:Audience>";
    let several = |element, part| ResponseError::Several { element, part };
    let context = "<saml:AuthnContext><saml:AuthnContextClassRef>urn:password\
        </saml:AuthnContextClassRef></saml:AuthnContext>";
    let twice = context.repeat(2);
    let rows: Vec<(&str, &str, ResponseError)> = vec![
        ("samlp:Response", "samlp:LogoutResponse", ResponseError::Root),
        (
            "ID=\"_r\" Version=\"2.0\"",
            "ID=\"_r\" Version=\"1.1\"",
            ResponseError::Version("Response"),
        ),
        ("ID=\"_a\" Version=\"2.0\"", "ID=\"_a\"", ResponseError::Version("Assertion")),
        (
            "2027-01-31T12:00:01Z",
            "2027-01-31T12:00:31Z",
            ResponseError::IssuedInFuture { element: "Response", found: NOW + 31.0, now: NOW },
        ),
        (
            "2027-01-31T11:59:59Z",
            "2027-01-31T12:00:31Z",
            ResponseError::IssuedInFuture { element: "Assertion", found: NOW + 31.0, now: NOW },
        ),
        (
            "2027-01-31T11:00:00Z",
            "2027-01-31T12:00:31Z",
            ResponseError::IssuedInFuture {
                element: "AuthnStatement",
                found: NOW + 31.0,
                now: NOW,
            },
        ),
        ("IssueInstant=\"2027-01-31T12:00:01Z\"", "", missing("Response", "IssueInstant")),
        (
            "2027-01-31T12:00:01Z",
            "noon",
            ResponseError::Time { element: "Response", attribute: "IssueInstant" },
        ),
        (
            &acs_attribute,
            "Destination=\"https://sp.example/acs/\"",
            ResponseError::Destination {
                expected: ACS.into(),
                found: Some("https://sp.example/acs/".into()),
            },
        ),
        (
            "InResponseTo=\"_q\"><saml:Issuer>",
            "><saml:Issuer>",
            ResponseError::InResponseTo { expected: Some("_q".into()), found: None },
        ),
        (
            "InResponseTo=\"_q\"><saml:Issuer>",
            "InResponseTo=\"_x\"><saml:Issuer>",
            ResponseError::InResponseTo { expected: Some("_q".into()), found: Some("_x".into()) },
        ),
        (
            "urn:idp</saml:Issuer>@response@",
            "urn:x</saml:Issuer>",
            ResponseError::Issuer { expected: "urn:idp".into(), found: "urn:x".into() },
        ),
        (
            "urn:idp</saml:Issuer>@assertion@",
            "urn:x</saml:Issuer>@assertion@",
            ResponseError::Issuer { expected: "urn:idp".into(), found: "urn:x".into() },
        ),
        (
            "<saml:Issuer>urn:idp</saml:Issuer>@assertion@",
            "@assertion@",
            missing("Assertion", "Issuer"),
        ),
        (
            "status:Success",
            "status:Responder",
            ResponseError::Status {
                code: "urn:oasis:names:tc:SAML:2.0:status:Responder".into(),
                second: None,
                message: None,
            },
        ),
        ("samlp:StatusCode", "samlp:Code", missing("Status", "StatusCode")),
        ("cm:bearer", "cm:sender-vouches", confirmation("there is none")),
        (
            &recipient,
            "Recipient=\"https://evil.example/\"",
            confirmation("its Recipient is another URL"),
        ),
        (&recipient, "", confirmation("it has no Recipient")),
        (
            &recipient,
            "Recipient=\"https://sp.example/acs\" NotBefore=\"2020-01-01T00:00:00Z\"",
            confirmation("it has a NotBefore"),
        ),
        (
            "InResponseTo=\"_q\" NotOnOrAfter",
            "NotOnOrAfter",
            confirmation("it has no InResponseTo"),
        ),
        (
            "InResponseTo=\"_q\" NotOnOrAfter",
            "InResponseTo=\"_x\" NotOnOrAfter",
            confirmation("its InResponseTo is another request"),
        ),
        ("NotOnOrAfter=\"2027-01-31T12:05:00Z\"", "", confirmation("it has no NotOnOrAfter")),
        (
            "2027-01-31T12:05:00Z",
            "2027-01-31T11:59:30Z",
            over("SubjectConfirmationData", NOW - 30.0),
        ),
        ("2027-01-31T12:10:00Z", "2027-01-31T11:59:30Z", over("Conditions", NOW - 30.0)),
        (
            "2027-01-31T11:59:00Z",
            "2027-01-31T12:00:31Z",
            ResponseError::NotYetValid { element: "Conditions", not_before: NOW + 31.0, now: NOW },
        ),
        // Both within the leeway.
        ("2027-01-31T12:10:00Z", "2027-01-31T11:59:00Z", ResponseError::Never("Conditions")),
        (
            "SessionIndex=\"s\"",
            "SessionNotOnOrAfter=\"2027-01-31T11:59:30Z\"",
            over("AuthnStatement", NOW - 30.0),
        ),
        (
            audience,
            "",
            ResponseError::Audience { expected: "urn:sp".into(), found: vec!["urn:other".into()] },
        ),
        (
            audience,
            "<saml:Audience>urn:sp/</saml:Audience>",
            ResponseError::Audience {
                expected: "urn:sp".into(),
                found: vec!["urn:other".into(), "urn:sp/".into()],
            },
        ),
        (
            "saml:AudienceRestriction",
            "saml:OneTimeUse",
            missing("Conditions", "AudienceRestriction"),
        ),
        (
            "<saml:AudienceRestriction>",
            "<saml:Condition/><saml:AudienceRestriction>",
            ResponseError::Condition,
        ),
        ("saml:AuthnStatement", "saml:AuthzStatement", missing("Assertion", "AuthnStatement")),
        ("AuthnInstant=\"2027-01-31T11:00:00Z\"", "", missing("AuthnStatement", "AuthnInstant")),
        ("saml:Conditions", "saml:Nothing", missing("Assertion", "Conditions")),
        ("saml:Subject>", "saml:Nobody>", missing("Assertion", "Subject")),
        ("ID=\"_r\"", "", missing("Response", "ID")),
        ("ID=\"_r\"", "ID=\"\"", missing("Response", "ID")),
        (context, "", missing("AuthnStatement", "AuthnContext")),
        (context, "<saml:AuthnContext/>", missing("AuthnContext", "AuthnContextClassRef")),
        (">urn:password<", "> <", missing("AuthnContext", "AuthnContextClassRef")),
        (
            "<samlp:Status>",
            "<samlp:Status><samlp:StatusCode Value=\"urn:x\"/></samlp:Status><samlp:Status>",
            several("Response", "Status"),
        ),
        (
            "<samlp:StatusCode",
            "<samlp:StatusCode Value=\"urn:x\"/><samlp:StatusCode",
            several("Status", "StatusCode"),
        ),
        (
            "<saml:Issuer>urn:idp</saml:Issuer>@response@",
            "<saml:Issuer>urn:idp</saml:Issuer><saml:Issuer>urn:x</saml:Issuer>",
            several("Response", "Issuer"),
        ),
        (
            "<saml:Issuer>urn:idp</saml:Issuer>@assertion@",
            "<saml:Issuer>urn:idp</saml:Issuer><saml:Issuer>urn:x</saml:Issuer>@assertion@",
            several("Assertion", "Issuer"),
        ),
        ("</saml:Subject>", "</saml:Subject><saml:Subject/>", several("Assertion", "Subject")),
        (
            "</saml:Conditions>",
            "</saml:Conditions><saml:Conditions/>",
            several("Assertion", "Conditions"),
        ),
        (
            "</saml:NameID>",
            "</saml:NameID><saml:NameID>eve</saml:NameID>",
            several("Subject", "NameID"),
        ),
        (context, &twice, several("AuthnStatement", "AuthnContext")),
        (
            "<saml:SubjectConfirmationData",
            "<saml:SubjectConfirmationData/><saml:SubjectConfirmationData",
            several("SubjectConfirmation", "SubjectConfirmationData"),
        ),
        (
            ">urn:idp</saml:Issuer>@assertion@",
            ">urn:<b xmlns=\"urn:x\">evil</b>idp</saml:Issuer>@assertion@",
            ResponseError::Content("Issuer"),
        ),
        (
            ">urn:idp</saml:Issuer>@response@",
            ">urn:idp<b/></saml:Issuer>",
            ResponseError::Content("Issuer"),
        ),
        (">urn:sp<", ">urn:<b>evil</b>sp<", ResponseError::Content("Audience")),
        (">ada<", ">ada<b>.evil</b><", ResponseError::Content("NameID")),
        (">urn:password<", ">urn:password<b/><", ResponseError::Content("AuthnContextClassRef")),
        (
            ">urn:sp<",
            ">\u{a0}urn:sp\u{2003}<",
            ResponseError::Audience {
                expected: "urn:sp".into(),
                found: vec!["urn:other".into(), "\u{a0}urn:sp\u{2003}".into()],
            },
        ),
        (">ada<", "><", ResponseError::Blank("NameID")),
        (">ada<", ">\n <!-- ada -->\t<", ResponseError::Blank("NameID")),
    ];
    for (from, to, refusal) in rows {
        assert_eq!(judged(&with(&[(from, to)])), Err(refusal), "{from} -> {to}");
    }
    for (from, to) in [
        ("2027-01-31T12:00:01Z", "2027-01-31T12:00:30Z"),
        ("2027-01-31T11:59:59Z", "2027-01-31T12:00:30Z"),
        ("2027-01-31T11:00:00Z", "2027-01-31T12:00:30Z"),
        ("2027-01-31T12:05:00Z", "2027-01-31T11:59:31Z"),
        ("2027-01-31T12:10:00Z", "2027-01-31T11:59:31Z"),
        ("NotOnOrAfter=\"2027-01-31T12:10:00Z\"", ""),
        ("2027-01-31T11:59:00Z", "2027-01-31T12:00:30Z"),
        ("SessionIndex=\"s\"", "SessionNotOnOrAfter=\"2027-01-31T11:59:31Z\""),
        (acs_attribute.as_str(), ""),
        ("<saml:Issuer>urn:idp</saml:Issuer>@response@", ""),
        ("<saml:NameID Format=\"urn:f\">ada</saml:NameID>", ""),
        ("saml:AuthnContextClassRef", "saml:AuthnContextDeclRef"),
        ("<saml:AudienceRestriction>", "<saml:OneTimeUse/><saml:AudienceRestriction>"),
        (
            "<saml:SubjectConfirmation ",
            "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/><saml:SubjectConfirmation ",
        ),
    ] {
        let verdict = judged(&with(&[(from, to)]));
        assert!(verdict.is_ok(), "{from} -> {to}: {verdict:?}");
    }
}

#[test]
fn a_failure_of_the_identity_provider_is_told_with_its_codes() {
    let text = response("").replace("@response@", "").replace(
        "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>",
        "<samlp:StatusCode Value=\"urn:r\"><samlp:StatusCode Value=\"urn:s\"/></samlp:StatusCode>\
         <samlp:StatusMessage>no</samlp:StatusMessage>",
    );
    let error = judged(&text).expect_err("a failure");
    assert_eq!(error.to_string(), "the status is urn:r, urn:s, no");
}

#[test]
fn a_signed_response_says_where_it_was_sent() {
    let text = response(&assertion()).replace(&format!("Destination=\"{ACS}\""), "");
    let destination = ResponseError::Destination { expected: ACS.into(), found: None };
    assert_eq!(judged(&signed(&text, "@response@", "_r")), Err(destination));
}

#[test]
fn an_assertion_in_a_signed_response_has_an_id() {
    for id in ["", "ID=\"\""] {
        let text = response(&assertion().replace("ID=\"_a\"", id));
        let missing = ResponseError::Missing { element: "Assertion", part: "ID" };
        assert_eq!(judged(&signed(&text, "@response@", "_r")), Err(missing), "{id}");
    }
}

#[test]
fn a_response_to_nothing_is_accepted_where_nothing_was_asked() {
    let nothing = Expected { in_response_to: None, ..expected() };
    let text = with(&[("InResponseTo=\"_q\"", "")]);
    assert!(judge(text.as_bytes(), &nothing).is_ok());
    let found = judge(with(&[]).as_bytes(), &nothing);
    assert_eq!(
        found,
        Err(ResponseError::InResponseTo { expected: None, found: Some("_q".into()) })
    );
}

#[test]
fn an_encrypted_assertion_is_judged_like_another() {
    let (pair, key) = pair();
    let gcm = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
    let encrypt = |plain: &str| {
        let data = encrypted(&pair, plain, gcm, "sha1");
        response(&format!("<saml:EncryptedAssertion>{data}</saml:EncryptedAssertion>"))
    };
    let keys: [DecryptionKey; 1] = [key];
    let with_keys = Expected { decryption_keys: &keys, ..expected() };
    let judge =
        |text: &str| judge(text.as_bytes(), &with_keys).map(|a| (a.subject.name_id, a.encrypted));
    let ada = Ok((Some("ada".to_owned()), true));

    let signed_inside =
        encrypt(&signed(&assertion(), "@assertion@", "_a")).replace("@response@", "");
    assert_eq!(judge(&signed_inside), ada);
    let unsigned = assertion().replace("@assertion@", "");
    let signed_outside = signed(&encrypt(&unsigned), "@response@", "_r");
    assert_eq!(judge(&signed_outside), ada);
    let nothing_signed = encrypt(&unsigned).replace("@response@", "");
    assert_eq!(judge(&nothing_signed), Err(SignatureError::Missing.into()));
    let changed = signed(&assertion(), "@assertion@", "_a").replace(">ada<", ">eve<");
    let changed = encrypt(&changed).replace("@response@", "");
    assert_eq!(judge(&changed), Err(SignatureError::Digest.into()));
    let no_key = judged(&signed_inside);
    assert_eq!(no_key, Err(DecryptionError::NoKey.into()));
    let no_assertion = encrypt("<saml:Advice/>").replace("@response@", "");
    assert_eq!(judge(&no_assertion), Err(ResponseError::Assertions(0)));
}

#[test]
fn a_comment_in_a_name_cuts_nothing() {
    let text = with(&[(">ada<", ">ada@x.example<!-- -->.evil<![CDATA[.example]]><")]);
    let subject = judged(&text).expect("accepted").subject;
    assert_eq!(subject.name_id.as_deref(), Some("ada@x.example.evil.example"));
}

#[test]
fn a_value_that_is_null_is_none() {
    let values = |value: &str| {
        let text = with(&[
            ("<saml:AttributeValue>a@x.example</saml:AttributeValue>", ""),
            ("<saml:AttributeValue>b@x.example</saml:AttributeValue>", value),
        ]);
        judged(&text).expect("accepted").subject.attributes.remove(0).values
    };
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let nil = |nil: &str| format!("<saml:AttributeValue {xsi} xsi:nil=\"{nil}\"/>");
    let empty = [Some(String::new())];
    for (value, expected) in [
        (nil("true"), &[][..]),
        (nil("1"), &[]),
        (nil("false"), &empty),
        ("<saml:AttributeValue nil=\"true\"/>".to_owned(), &empty),
        (String::new(), &[]),
    ] {
        assert_eq!(values(&value), expected, "{value}");
    }
}

/// Values of attributes are of any type (SAML core §2.7.3.1.1).
#[test]
fn a_value_with_elements_in_it_is_no_text() {
    let text = with(&[(">b@x.example<", ">b@x.example<b>.evil</b><")]);
    let attributes = judged(&text).expect("accepted").subject.attributes;
    assert_eq!(attributes[0].values, [Some("a@x.example".to_owned()), None]);
}

#[test]
fn what_a_response_says_before_it_is_judged() {
    let good = response("");
    assert_eq!(succeeded(good.as_bytes()), Ok(()));
    let failed = good.replace("status:Success", "status:Responder");
    let code = "urn:oasis:names:tc:SAML:2.0:status:Responder".to_owned();
    let status = ResponseError::Status { code, second: None, message: None };
    assert_eq!(succeeded(failed.as_bytes()), Err(status));
    let other = good.replace("samlp:Response", "samlp:ArtifactResponse");
    assert_eq!(succeeded(other.as_bytes()), Err(ResponseError::Root));

    let value = STANDARD.encode(&good);
    assert!(mentions(&value, "_q"));
    assert!(!mentions(&value, "_another"));
    assert!(!mentions("no base64", "_q"));
}
