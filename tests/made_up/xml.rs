//! XML: documents, canonical forms, metadata and responses. Nothing panics, however a document
//! arrives, and nothing that was not signed counts.

use std::sync::LazyLock;

use auth_exporter::protocol::certificate::Certificate;
use auth_exporter::protocol::jose::{Algorithm, SigningKey};
use auth_exporter::protocol::saml::encryption::DecryptionKey;
use auth_exporter::protocol::saml::metadata::{Metadata, MetadataError, MetadataReader, Trust};
use auth_exporter::protocol::saml::response::{Expected, Signed, Subject, judge};
use auth_exporter::protocol::saml::time;
use auth_exporter::protocol::xml::canonical::{EXCLUSIVE, INCLUSIVE, Method, canonicalize};
use auth_exporter::protocol::xml::signature::{Options, PublicKey, Signer, sign};
use auth_exporter::protocol::xml::{Document, Limits};
use aws_lc_rs::rand::SystemRandom;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::cases;

const NOW: f64 = 1_800_000_000.0;
const IDP: &str = "https://idp.example";
const SP: &str = "https://sp.example";
const ACS: &str = "https://sp.example/acs";

/// A key to sign with, and documents that it signed.
struct Signing {
    public: PublicKey,
    certificate: Vec<u8>,
    decryption: [DecryptionKey; 1],
    metadata: String,
    response: String,
}

static SIGNING: LazyLock<Signing> = LazyLock::new(|| {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let certificate = rcgen::CertificateParams::new([]).expect("names").self_signed(&pair);
    let certificate = certificate.expect("a certificate").der().to_vec();
    let key = SigningKey::from_pem(&pair.serialize_pem(), Some(Algorithm::Rs256)).expect("a key");
    let signed = |before: &str, after: &str, id: &str| {
        sign(before, after, id, &Signer::new(&key), &SystemRandom::new()).expect("a signature")
    };
    let entity = |id: &str| {
        format!(
            "<md:EntityDescriptor entityID=\"{id}\"><md:IDPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:SingleSignOnService Binding=\"urn:x\" Location=\"{id}/sso\"/>\
             </md:IDPSSODescriptor></md:EntityDescriptor>"
        )
    };
    let root = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
                ID=\"m\" validUntil=\"2030-01-01T00:00:00Z\">";
    let entities = format!("{}<!-- -->{}", entity("https://other.example"), entity(IDP));
    let metadata = signed(root, &format!("{entities}</md:EntitiesDescriptor>"), "m");
    let assertion = signed(
        &format!(
            "<a:Assertion xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"a\" \
             Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\"><a:Issuer>{IDP}</a:Issuer>"
        ),
        &format!(
            "<a:Subject><a:NameID>ada</a:NameID><a:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><a:SubjectConfirmationData \
             InResponseTo=\"r\" Recipient=\"{ACS}\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"/>\
             </a:SubjectConfirmation></a:Subject><a:Conditions \
             NotBefore=\"2027-01-15T07:59:00Z\"><a:AudienceRestriction><a:Audience>{SP}\
             </a:Audience></a:AudienceRestriction></a:Conditions><a:AuthnStatement \
             AuthnInstant=\"2027-01-15T08:00:00Z\"><a:AuthnContext><a:AuthnContextClassRef>\
             urn:p</a:AuthnContextClassRef></a:AuthnContext></a:AuthnStatement>\
             <a:AttributeStatement><a:Attribute Name=\"mail\"><a:AttributeValue>ada@x\
             </a:AttributeValue></a:Attribute></a:AttributeStatement></a:Assertion>"
        ),
        "a",
    );
    let response = format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"p\" Version=\"2.0\" \
         IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"{ACS}\" InResponseTo=\"r\">\
         <p:Status><p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>\
         </p:Status>{assertion}</p:Response>"
    );
    Signing {
        public: PublicKey::from_certificate(&certificate).expect("a key"),
        certificate,
        decryption: [DecryptionKey::from_pem(&pair.serialize_pem()).expect("a key")],
        metadata,
        response,
    }
});

fn parse(text: &[u8]) -> Option<Document> {
    Document::parse(text, Limits::DOCUMENT).ok()
}

/// The canonical form of a root.
fn canonical(document: &Document, method: &Method) -> Option<Vec<u8>> {
    canonicalize(document.root(), method, None).ok()
}

/// With comments, so that nothing is lost.
fn methods() -> [Method; 3] {
    let method = |uri: &str| Method::from_uri(&format!("{uri}WithComments")).expect("a method");
    let mut listed = method(EXCLUSIVE);
    listed.inclusive_prefixes = ["", "a", "p"].map(str::to_owned).to_vec();
    [method(EXCLUSIVE), listed, method(&format!("{INCLUSIVE}#"))]
}

/// A canonical form is a document, of which it is the canonical form. And as a tree the document is
/// the same in all of its forms.
fn assert_canonical(text: &[u8]) {
    let Some(document) = parse(text) else { return };
    let [exclusive, ..] = methods();
    let bare = canonical(&document, &exclusive);
    for method in methods() {
        let Some(form) = canonical(&document, &method) else { continue };
        let again = parse(&form).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&form)));
        let found = canonical(&again, &method);
        assert_eq!(found.map(text_of), Some(text_of(form)), "{method:?}");
        if bare.is_some() {
            assert_eq!(canonical(&again, &exclusive), bare, "{method:?}");
        }
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

fn read(text: &[u8], pieces: usize) -> Result<Metadata, MetadataError> {
    let options = Options::default();
    let trust = Trust { keys: vec![SIGNING.public.clone()], options, required: true };
    let mut reader = MetadataReader::new(Some(IDP.to_owned()), Some(trust));
    for piece in text.chunks(pieces.max(1)) {
        reader.push(piece)?;
    }
    reader.finish()
}

fn accepted(text: &[u8]) -> Option<Subject> {
    let expected = Expected {
        now: NOW,
        leeway: 60.0,
        in_response_to: Some("r"),
        acs_url: ACS,
        audience: SP,
        issuer: IDP,
        keys: std::slice::from_ref(&SIGNING.public),
        options: Options::default(),
        signed: Signed::Either,
        decryption_keys: &SIGNING.decryption,
    };
    judge(text, &expected).ok().map(|accepted| accepted.subject)
}

/// Pieces of documents that are easy to get wrong.
const PIECES: [&str; 38] = [
    "<",
    ">",
    "/>",
    "</",
    "<a>",
    "</a>",
    "<a/>",
    "<p:a xmlns:p='urn:p'>",
    "</p:a>",
    "&",
    "&amp;",
    "&#0;",
    "&#x10FFFF;",
    "&#xD;",
    "&lt;",
    "&e;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "--",
    "<?p",
    "?>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]>",
    " xmlns=''",
    " xmlns='urn:d'",
    " xmlns:a='urn:a'",
    " xmlns:xml='urn:x'",
    " ID='a'",
    " ID='m'",
    " xml:id='a'",
    "=",
    "\"",
    "'",
    "\r\n",
    "\u{fffe}",
    "\u{feff}",
];

/// A change of a document.
#[derive(Debug, Clone)]
enum Damage {
    Byte(Index, u8),
    Gone(Index, usize),
    Twice(Index, usize, Index),
    Piece(Index, &'static str),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let index = || any::<Index>();
    let one = prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (index(), 1_usize..80).prop_map(|(at, length)| Damage::Gone(at, length)),
        (index(), 1_usize..400, index()).prop_map(|(at, length, to)| Damage::Twice(at, length, to)),
        (index(), select(&PIECES[..])).prop_map(|(at, piece)| Damage::Piece(at, piece)),
    ];
    prop::collection::vec(one, 1..4)
}

fn damaged(text: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for damage in damages {
        let at = |index: &Index| index.index(bytes.len().max(1)).min(bytes.len());
        match damage {
            Damage::Byte(index, byte) => {
                let at = at(index);
                if let Some(place) = bytes.get_mut(at) {
                    *place = *byte;
                }
            }
            Damage::Gone(index, length) => {
                let from = at(index);
                let to = (from + length).min(bytes.len());
                bytes.drain(from..to);
            }
            Damage::Twice(index, length, to) => {
                let from = at(index);
                let copy = bytes[from..(from + length).min(bytes.len())].to_vec();
                let to = at(to);
                bytes.splice(to..to, copy);
            }
            Damage::Piece(index, piece) => {
                let at = at(index);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

/// Text of such pieces, which is sometimes a document.
fn pieces() -> impl Strategy<Value = String> {
    let any_text = "[a-z:=é<>&;# ]{0,6}";
    let piece = prop_oneof![3 => select(&PIECES[..]).prop_map(str::to_owned), 1 => any_text];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// A document.
fn element() -> impl Strategy<Value = String> {
    let prefix = || select(&["", "a:", "b:"][..]);
    let attribute = (prefix(), select(&["x", "y", "é"][..]), "[ a-z&\"\t\n\r<>é]{0,4}");
    let leaf = prop_oneof![
        "[ a-z&<>\r\n\té]{0,6}".prop_map(|text| escaped(&text)),
        Just("<!-- c -->".to_owned()),
        Just("<?p  q?>".to_owned()),
        Just("<![CDATA[<&\r\n]]>".to_owned()),
    ];
    let content = leaf.prop_recursive(5, 40, 5, move |inner| {
        let declared = prop::collection::vec(
            select(&[" xmlns:a='urn:1'", " xmlns:b='urn:2'", " xmlns=''", " xmlns='urn:3'"][..]),
            0..3,
        );
        let attributes = prop::collection::vec(attribute.clone(), 0..3);
        let parts = (prefix(), declared, attributes, prop::collection::vec(inner, 0..5));
        parts.prop_map(|(prefix, declared, attributes, content)| {
            let attributes = attributes.iter().fold(String::new(), |all, (prefix, name, value)| {
                format!("{all} {prefix}{name}=\"{}\"", escaped(value))
            });
            let (declared, content) = (declared.concat(), content.concat());
            format!("<{prefix}e{declared}{attributes}>{content}</{prefix}e>")
        })
    });
    content.prop_map(|content| {
        format!("<root xmlns:a='urn:a' xmlns:b='urn:b' xmlns='urn:d'>{content}</root>")
    })
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\r', "&#13;")
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_bytes_are_a_document_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_canonical(&bytes);
        prop_assert!(read(&bytes, 7).is_err());
        prop_assert_eq!(accepted(&bytes), None);
    }

    #[test]
    fn any_pieces_are_a_document_or_an_error(text in pieces()) {
        assert_canonical(text.as_bytes());
        prop_assert!(read(text.as_bytes(), 3).is_err());
        prop_assert_eq!(accepted(text.as_bytes()), None);
    }

    #[test]
    fn a_canonical_form_is_its_own(text in element()) {
        assert_canonical(text.as_bytes());
    }

    #[test]
    fn damaged_metadata_says_what_was_signed_or_nothing(damages in damages(), size in 1_usize..600) {
        let good = read(SIGNING.metadata.as_bytes(), size).expect("metadata");
        let text = damaged(&SIGNING.metadata, &damages);
        let found = read(&text, size);
        prop_assert_eq!(&found, &read(&text, usize::MAX), "pieces make a difference");
        if let Ok(found) = found {
            prop_assert_eq!(found, good);
        }
        assert_canonical(&text);
    }

    #[test]
    fn a_damaged_response_says_what_was_signed_or_nothing(damages in damages()) {
        let good = accepted(SIGNING.response.as_bytes()).expect("a response");
        let text = damaged(&SIGNING.response, &damages);
        if let Some(found) = accepted(&text) {
            prop_assert_eq!(found, good);
        }
        assert_canonical(&text);
    }

    #[test]
    fn whatever_is_encrypted_is_refused(
        method in select(&["http://www.w3.org/2001/04/xmlenc#aes128-cbc", "http://www.w3.org/2009/xmlenc11#aes256-gcm", "urn:x"][..]),
        transport in select(&["http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep", ""][..]),
        key in "[A-Za-z0-9+/= \n]{0,400}",
        value in "[A-Za-z0-9+/= \n]{0,200}",
    ) {
        let xenc = "http://www.w3.org/2001/04/xmlenc#";
        let (from, to) = (SIGNING.response.find("<a:Assertion").unwrap(), SIGNING.response.find("</p:Response>").unwrap());
        let encrypted = format!(
            "<a:Issuer xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'>{IDP}</a:Issuer><a:EncryptedAssertion xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'><e:EncryptedData xmlns:e='{xenc}'><e:EncryptionMethod Algorithm='{method}'/><e:CipherData><e:CipherValue>{value}</e:CipherValue></e:CipherData></e:EncryptedData><e:EncryptedKey xmlns:e='{xenc}'><e:EncryptionMethod Algorithm='{transport}'/><e:CipherData><e:CipherValue>{key}</e:CipherValue></e:CipherData></e:EncryptedKey></a:EncryptedAssertion>"
        );
        let text = format!("{}{encrypted}{}", &SIGNING.response[..from], &SIGNING.response[to..]);
        prop_assert_eq!(accepted(text.as_bytes()), None);
    }

    #[test]
    fn a_damaged_certificate_is_one_or_an_error(at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>()) {
        let mut der = SIGNING.certificate.clone();
        let at = at.index(der.len());
        der[at] = byte;
        let cut = cut.index(der.len());
        // Either may be one: a changed name, say. Neither may panic.
        if let Ok(certificate) = Certificate::from_der(&der) {
            prop_assert_eq!(certificate.der(), &der);
            let _ = certificate.public_key();
        }
        prop_assert!(Certificate::from_der(&der[..cut]).is_err());
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in "[-+0-9TZ:.PYMDHS ]{0,30}", other in any::<String>()) {
        for text in [text, other] {
            if let Ok(moment) = time::date_time(&text) {
                prop_assert!((-62_135_596_800.0 - 86_400.0..=253_402_300_800.0 + 86_400.0).contains(&moment), "{}", moment);
            }
            if let Ok(seconds) = time::duration(&text) {
                prop_assert!(seconds.is_finite());
            }
        }
    }
}
