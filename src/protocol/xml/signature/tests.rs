use std::sync::OnceLock;

use rcgen::{CertificateParams, KeyPair};

use super::{
    DSIG, DigestAlgorithm, KeyKind, Options, PublicKey, SignatureError, Signer, UnusableKey,
    random, sign, verify,
};
use crate::protocol::jose::{Algorithm, SigningKey};
use crate::protocol::xml::canonical::{EXCLUSIVE, INCLUSIVE};
use crate::protocol::xml::{Document, Element, Limits};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

struct Pair {
    pem: String,
    certificate: Vec<u8>,
}

impl Pair {
    fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let certificate = CertificateParams::new([]).expect("names").self_signed(&key);
        let certificate = certificate.expect("a certificate").der().to_vec();
        Self { pem: key.serialize_pem(), certificate }
    }

    fn signing(&self, algorithm: Algorithm) -> SigningKey {
        SigningKey::from_pem(&self.pem, Some(algorithm)).expect("a key to sign with")
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_certificate(&self.certificate).expect("a key to verify with")
    }
}

fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(&rcgen::PKCS_RSA_SHA256))
}

fn p256() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(&rcgen::PKCS_ECDSA_P256_SHA256))
}

fn pair_for(algorithm: Algorithm) -> &'static Pair {
    static P384: OnceLock<Pair> = OnceLock::new();
    static P521: OnceLock<Pair> = OnceLock::new();
    match algorithm {
        Algorithm::Es256 => p256(),
        Algorithm::Es384 => P384.get_or_init(|| Pair::new(&rcgen::PKCS_ECDSA_P384_SHA384)),
        Algorithm::Es512 => P521.get_or_init(|| Pair::new(&rcgen::PKCS_ECDSA_P521_SHA512)),
        _ => rsa(),
    }
}

const HEAD: &str = "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"a1\">\
    <saml:Issuer>idp</saml:Issuer>";
const TAIL: &str = "<saml:Subject xmlns:x=\"urn:x\" x:y=\"z\">ada</saml:Subject></saml:Assertion>";

fn signed_by(signer: &Signer<'_>, before: &str, after: &str, id: &str) -> String {
    sign(before, after, id, signer, &random()).expect("a signed document")
}

/// An assertion for `ada`, signed with RS256.
fn assertion() -> String {
    signed_by(&Signer::new(&rsa().signing(Algorithm::Rs256)), HEAD, TAIL, "a1")
}

fn response(content: &str) -> String {
    format!("<samlp:Response xmlns:samlp=\"{PROTOCOL}\" ID=\"r1\">{content}</samlp:Response>")
}

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), Limits::DOCUMENT).expect("a document")
}

/// The verdict on the root.
fn verdict_of(text: &str, keys: &[PublicKey]) -> Result<String, SignatureError> {
    verdict(parse(text).root(), keys)
}

fn verdict(element: Element<'_>, keys: &[PublicKey]) -> Result<String, SignatureError> {
    let verified = verify(element, keys, Options::default())?;
    assert_eq!(verified.element(), element);
    let subject = verified.element().child(ASSERTION, "Subject");
    Ok(subject.and_then(Element::text).unwrap_or_default())
}

#[test]
fn what_was_signed_verifies_with_every_algorithm_digest_and_canonical_form() {
    let algorithms = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
    ];
    let digests = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    for algorithm in algorithms {
        let pair = pair_for(algorithm);
        let key = pair.signing(algorithm);
        for (digest, prefixes) in digests.into_iter().zip([&[][..], &["saml"], &["#default"]]) {
            for base in [EXCLUSIVE.trim_end_matches('#'), INCLUSIVE] {
                for comments in ["", "#WithComments"] {
                    let bare = if base == INCLUSIVE { "" } else { "#" };
                    let comments = if comments.is_empty() { bare } else { comments };
                    let uri = format!("{base}{comments}");
                    let signer = Signer {
                        digest,
                        canonicalization: &uri,
                        inclusive_prefixes: prefixes,
                        certificate: Some(&pair.certificate),
                        ..Signer::new(&key)
                    };
                    let text = signed_by(&signer, HEAD, TAIL, "a1");
                    let found = verdict_of(&text, &[pair.public()]);
                    assert_eq!(found, Ok("ada".to_owned()), "{algorithm} {digest:?} {uri}");
                }
            }
        }
    }
}

#[test]
fn the_key_that_made_it_may_stand_among_others() {
    let text = assertion();
    let document = parse(&text);
    let other = Pair::new(&rcgen::PKCS_RSA_SHA256);
    let keys = [p256().public(), other.public(), rsa().public()];
    let verified = verify(document.root(), &keys, Options::default()).expect("verified");
    let evidence = verified.evidence;
    assert!(!evidence.uses_sha1());
    assert_eq!(evidence.algorithm.uri(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
}

#[test]
fn a_signature_of_somebody_else_is_told_from_a_change_and_from_none() {
    let keys = [rsa().public()];
    let text = assertion();
    let other = Pair::new(&rcgen::PKCS_RSA_SHA256);
    let (start, end) = (text.find("<ds:Signature").unwrap(), text.find("<saml:Subject").unwrap());
    let unsigned = format!("{}{}", &text[..start], &text[end..]);
    assert_eq!(verdict_of(&text, &keys), Ok("ada".into()));
    assert_eq!(verdict_of(&text, &[other.public()]), Err(SignatureError::Value));
    assert_eq!(verdict_of(&text.replace("ada", "eve"), &keys), Err(SignatureError::Digest));
    assert_eq!(verdict_of(&unsigned, &keys), Err(SignatureError::Missing));
    assert_eq!(verdict_of(&text, &[]), Err(SignatureError::NoKeys));
    assert_eq!(
        verdict_of(&text, &[p256().public()]),
        Err(SignatureError::KeyKind("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"))
    );
}

#[test]
fn whoever_sends_a_certificate_along_does_not_choose_the_key() {
    let eve = Pair::new(&rcgen::PKCS_RSA_SHA256);
    let key = eve.signing(Algorithm::Rs256);
    let signer = Signer { certificate: Some(&eve.certificate), ..Signer::new(&key) };
    let text = signed_by(&signer, HEAD, TAIL, "a1");
    // Whole, but of somebody who is not known; changed, it is not even that.
    assert_eq!(verdict_of(&text, &[rsa().public()]), Err(SignatureError::Stranger));
    let changed = text.replace("<ds:SignedInfo>", "<ds:SignedInfo> ");
    assert_eq!(verdict_of(&changed, &[rsa().public()]), Err(SignatureError::Value));
}

#[test]
fn every_byte_of_the_content_counts() {
    let keys = [rsa().public()];
    let text = assertion();
    for (from, to, expected) in [
        ("ada", "ad<b/>a", SignatureError::Digest),
        ("ada", "ada ", SignatureError::Digest),
        ("ada", "<?p?>ada", SignatureError::Digest),
        ("x:y=\"z\"", "x:y=\"Z\"", SignatureError::Digest),
        ("x:y=\"z\"", "x:y=\"z\" a=\"\"", SignatureError::Digest),
        ("urn:x", "urn:X", SignatureError::Digest),
        ("<saml:Issuer>idp", "<saml:Issuer xmlns:q=\"urn:q\" q:r=\"\">idp", SignatureError::Digest),
        ("<ds:SignedInfo>", "<ds:SignedInfo Id=\"\">", SignatureError::Value),
        ("<ds:SignedInfo>", "<ds:SignedInfo> ", SignatureError::Value),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(verdict_of(&text.replacen(from, to, 1), &keys), Err(expected), "{from} {to}");
    }
    // What has no influence on the canonical form, the benign neighbours.
    for (from, to) in [
        ("x:y=\"z\"", "x:y='&#122;'"),
        ("<saml:Issuer>idp", "<saml:Issuer  xmlns:q=\"urn:q\">i<![CDATA[d]]>p"),
        ("<ds:SignedInfo>", "<ds:SignedInfo >"),
        ("<ds:Signature ", "<ds:Signature xmlns:z='urn:z' Id='s' "),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(verdict_of(&text.replacen(from, to, 1), &keys), Ok("ada".into()), "{from} {to}");
    }
}

/// Comments are no part of what is signed, and do not cut short what is read.
#[test]
fn a_comment_truncates_nothing() {
    let keys = [rsa().public()];
    let tail = TAIL.replace("ada", "ada@example.com.evil.example");
    let text = signed_by(&Signer::new(&rsa().signing(Algorithm::Rs256)), HEAD, &tail, "a1");
    let whole = Ok("ada@example.com.evil.example".to_owned());
    assert_eq!(verdict_of(&text, &keys), whole);
    let cut = text.replace("example.com.evil", "example.com<!-- -->.evil");
    assert_eq!(verdict_of(&cut, &keys), whole);
    for part in ["DigestValue>", "SignatureValue>"] {
        let text = text.replacen(&format!("<ds:{part}"), &format!("<ds:{part}<!-- -->"), 1);
        let wrong = verdict_of(&text, &keys);
        assert!(matches!(wrong, Err(SignatureError::Structure(_))), "{part}: {wrong:?}");
    }
}

/// The eight shapes of signature wrapping (Somorovsky and others, USENIX Security 2012). The
/// application reads the root, or the assertions that are its children.
#[test]
fn no_wrapping_makes_anything_unsigned_count() {
    let keys = [rsa().public()];
    let good = assertion();
    let bare = |text: &str| {
        let (start, end) =
            (text.find("<ds:Signature").unwrap(), text.find("</ds:Signature>").unwrap());
        let signature = text[start..end + "</ds:Signature>".len()].to_owned();
        (text.replace(&signature, ""), signature)
    };
    let (original, signature) = bare(&good);
    let evil = original.replace("ada", "eve").replace("a1", "a2");
    let twin = original.replace("ada", "eve");
    let put =
        |into: &str, what: &str| into.replace("</saml:Issuer>", &format!("</saml:Issuer>{what}"));
    let closed =
        |what: &str| signature.replace("</ds:Signature>", &format!("{what}</ds:Signature>"));
    let object = |what: &str| closed(&format!("<ds:Object>{what}</ds:Object>"));

    let key = rsa().signing(Algorithm::Rs256);
    let before = response("").replace("</samlp:Response>", "");
    let after = format!("{original}</samlp:Response>");
    let whole = signed_by(&Signer::new(&key), &before, &after, "r1");
    let (whole, whole_signature) = bare(&whole);
    let evil_response = |inside: &str| {
        let start = format!("<samlp:Response xmlns:samlp=\"{PROTOCOL}\" ID=\"r2\">");
        format!("{start}{inside}{evil}</samlp:Response>")
    };
    let inside_signature = whole_signature
        .replace("</ds:Signature>", &format!("<ds:Object>{whole}</ds:Object></ds:Signature>"));
    let shapes = [
        ("1: the signed response in the signature of another", evil_response(&inside_signature)),
        (
            "2: the signed response beside the signature",
            evil_response(&format!("{whole_signature}{whole}")),
        ),
        ("3: another assertion before the signed one", response(&format!("{evil}{good}"))),
        (
            "4: the signed assertion in another",
            response(&evil.replace("</saml:Assertion>", &format!("{good}</saml:Assertion>"))),
        ),
        (
            "5: the signature in another assertion, the signed one behind it",
            response(&format!("{}{original}", put(&evil, &signature))),
        ),
        (
            "5b: the same with one ID on both",
            response(&format!("{}{original}", put(&twin, &signature))),
        ),
        (
            "6: the signed assertion in the signature of another",
            response(&put(&evil, &closed(&original))),
        ),
        ("6b: the same with one ID on both", response(&put(&twin, &closed(&original)))),
        (
            "7: the signed assertion in extensions",
            response(&format!("<samlp:Extensions>{good}</samlp:Extensions>{evil}")),
        ),
        (
            "7b: the same with one ID on both",
            response(&format!(
                "<samlp:Extensions>{original}</samlp:Extensions>{}",
                put(&twin, &signature)
            )),
        ),
        (
            "8: the signed assertion in an object of the signature",
            response(&put(&evil, &object(&original))),
        ),
        ("8b: the same with one ID on both", response(&put(&twin, &object(&original)))),
    ];
    for (shape, text) in shapes {
        let document = parse(&text);
        let root = verdict(document.root(), &keys);
        assert!(root.is_err(), "{shape}: the root counts: {root:?}");
        for assertion in document.root().children_named(ASSERTION, "Assertion") {
            let found = verdict(assertion, &keys);
            assert_ne!(found, Ok("eve".into()), "{shape}");
            let reads_eve =
                assertion.child(ASSERTION, "Subject").unwrap().text().as_deref() == Some("eve");
            assert_eq!(found.is_ok(), !reads_eve && shape.starts_with('3'), "{shape}: {found:?}");
        }
    }
    // The benign neighbours.
    let document =
        parse(&response(&format!("{good}<saml:Other xmlns:saml=\"{ASSERTION}\" ID=\"o\"/>")));
    assert_eq!(verdict(document.root().children().next().unwrap(), &keys), Ok("ada".into()));
    let document =
        parse(&whole.replacen("<saml:Assertion", &format!("{whole_signature}<saml:Assertion"), 1));
    assert_eq!(verdict(document.root(), &keys), Ok(String::new()));
}

#[test]
fn one_id_on_two_elements_is_refused_wherever_they_stand() {
    let keys = [rsa().public()];
    let good = assertion();
    for twin in [
        "<x ID='a1'/>",
        "<x Id='a1'/>",
        "<x id='a1'/>",
        "<x AssertionID='a1'/>",
        "<x xml:id='a1'/>",
        "<x ID='b'/><y Id='b'/>",
    ] {
        let document = parse(&response(&format!("{good}{twin}")));
        let found = verdict(document.root().children().next().unwrap(), &keys);
        assert!(matches!(found, Err(SignatureError::DuplicateId(_))), "{twin}: {found:?}");
    }
    for neighbour in ["<x ID='a2'/>", "<x InResponseTo='a1'/>", "<x ID='b' xml:id='b'/>"] {
        let document = parse(&response(&format!("{good}{neighbour}")));
        let found = verdict(document.root().children().next().unwrap(), &keys);
        assert_eq!(found, Ok("ada".into()), "{neighbour}");
    }
}

/// What stands in the parts of a signature, with the verdict. Most of these would fail at the
/// signature anyway: it is the reason that shows that they are not evaluated.
#[test]
#[allow(clippy::too_many_lines)] // one table
fn signatures_of_another_shape_are_refused_before_they_are_evaluated() {
    let keys = [rsa().public()];
    let good = assertion();
    let reference = {
        let (start, end) =
            (good.find("<ds:Reference").unwrap(), good.find("</ds:SignedInfo>").unwrap());
        good[start..end].to_owned()
    };
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>true()</ds:XPath></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>";
    let exclusive = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let enveloped =
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let both = format!("{enveloped}{exclusive}");
    let algorithm = |element, uri: &str| SignatureError::Algorithm { element, uri: uri.to_owned() };
    let pointing =
        |found: &str| SignatureError::Reference { expected: "#a1".into(), found: found.into() };
    let structure = |text: &str| text.to_owned();
    let rows: Vec<(String, String, Result<SignatureError, String>)> = vec![
        (reference.clone(), reference.repeat(2), Err(structure("exactly one Reference"))),
        (reference.clone(), String::new(), Err(structure("exactly one Reference"))),
        ("URI=\"#a1\"".into(), "URI=\"#a2\"".into(), Ok(pointing("#a2"))),
        ("URI=\"#a1\"".into(), "URI=\"#\"".into(), Ok(pointing("#"))),
        (
            "URI=\"#a1\"".into(),
            "URI=\"#xpointer(id('a1'))\"".into(),
            Ok(pointing("#xpointer(id('a1'))")),
        ),
        (
            "URI=\"#a1\"".into(),
            "URI=\"http://x.example/#a1\"".into(),
            Ok(pointing("http://x.example/#a1")),
        ),
        (
            "URI=\"#a1\"".into(),
            "URI=\"file:///etc/passwd\"".into(),
            Ok(pointing("file:///etc/passwd")),
        ),
        ("URI=\"#a1\"".into(), String::new(), Err(structure("no URI"))),
        (both.clone(), exclusive.into(), Ok(algorithm("Transform", EXCLUSIVE))),
        (both.clone(), String::new(), Err(structure("one or two Transform"))),
        (both.clone(), format!("{exclusive}{enveloped}"), Ok(algorithm("Transform", EXCLUSIVE))),
        (both.clone(), format!("{both}{exclusive}"), Err(structure("one or two Transform"))),
        (
            both.clone(),
            format!("{enveloped}{xpath}"),
            Ok(algorithm("Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116")),
        ),
        (
            both.clone(),
            format!("{enveloped}{xslt}"),
            Ok(algorithm("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116")),
        ),
        (
            both.clone(),
            format!("{xpath}{exclusive}"),
            Ok(algorithm("Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116")),
        ),
        (
            both.clone(),
            format!("{enveloped}{enveloped}"),
            Ok(algorithm("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature")),
        ),
        (
            "more#rsa-sha256".into(),
            "more#hmac-sha256".into(),
            Ok(algorithm("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")),
        ),
        (
            "xmldsig-more#rsa-sha256".into(),
            "xmldsig-more#rsa-md5".into(),
            Ok(algorithm("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")),
        ),
        (
            "xmlenc#sha256".into(),
            "xmlenc#ripemd160".into(),
            Ok(algorithm("DigestMethod", "http://www.w3.org/2001/04/xmlenc#ripemd160")),
        ),
        (
            "http://www.w3.org/2001/04/xmlenc#sha256".into(),
            "http://www.w3.org/2000/09/xmldsig#sha1".into(),
            Ok(SignatureError::Sha1("DigestMethod")),
        ),
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256".into(),
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1".into(),
            Ok(SignatureError::Sha1("SignatureMethod")),
        ),
        (
            "</ds:Signature>".into(),
            "<ds:Object/></ds:Signature>".into(),
            Err(structure("something else than")),
        ),
        (
            "</ds:Signature>".into(),
            "<x/></ds:Signature>".into(),
            Err(structure("something else than")),
        ),
        ("<ds:SignatureValue>".into(), "<ds:SignatureValue>!".into(), Err(structure("not base64"))),
        ("<ds:DigestValue>".into(), "<ds:DigestValue>!".into(), Err(structure("not base64"))),
        (
            "xml-exc-c14n#\"/><ds:SignatureMethod".into(),
            "xml-exc-c14n#\"><x/></ds:CanonicalizationMethod><ds:SignatureMethod".into(),
            Err(structure("other parameters")),
        ),
    ];
    for (from, to, expected) in rows {
        assert!(good.contains(&from), "{from}");
        let text = good.replacen(&from, &to, 1);
        let found = verdict_of(&text, &keys).expect_err(&to);
        match expected {
            Ok(error) => assert_eq!(found, error, "{to}"),
            Err(part) => {
                let text = found.to_string();
                assert!(matches!(found, SignatureError::Structure(_)), "{to}: {text}");
                assert!(text.contains(&part), "{to}: {text}");
            }
        }
    }
    let twice = good.replacen(
        "<saml:Subject",
        "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/><saml:Subject",
        1,
    );
    assert_eq!(verdict_of(&twice, &keys), Err(SignatureError::Several));
}

/// Each byte in turn is changed, left out or doubled: what still verifies says what it said.
#[test]
fn no_changed_byte_says_something_else() {
    let keys = [rsa().public()];
    let good = assertion().into_bytes();
    let said = |text: &[u8]| {
        let document = Document::parse(text, Limits::DOCUMENT).ok()?;
        let verified = verify(document.root(), &keys, Options::default()).ok()?.element();
        let texts = |name| verified.child(ASSERTION, name).map(Element::text);
        Some((texts("Issuer"), texts("Subject"), verified.attribute("ID").map(str::to_owned)))
    };
    let original = said(&good);
    assert!(original.is_some());
    let mut verified = 0;
    for at in 0..good.len() {
        let mut text = good.clone();
        match at % 4 {
            0 => text[at] ^= 1,
            1 => text[at] = b' ',
            2 => drop(text.remove(at)),
            _ => text.insert(at, good[at]),
        }
        let found = said(&text);
        assert!(found.is_none() || found == original, "byte {at}: {found:?}");
        verified += usize::from(found.is_some());
    }
    // White space in tags and what stands outside of SignedInfo in the signature.
    assert!(verified < good.len() / 10, "{verified} of {} changes verify", good.len());
}

/// An element that was renamed by another declaration of its prefix is another element.
#[test]
fn namespaces_cannot_be_swapped_under_a_signature() {
    let keys = [rsa().public()];
    let good = assertion();
    for text in [
        good.replacen("xmlns:saml=\"urn:oasis", "xmlns:saml=\"URN:oasis", 1),
        good.replacen("<saml:Subject ", "<saml:Subject xmlns:saml='urn:other' ", 1),
        good.replacen(
            "<saml:Subject ",
            "<Subject xmlns='urn:oasis:names:tc:SAML:2.0:assertion' ",
            1,
        )
        .replacen("</saml:Subject>", "</Subject>", 1),
    ] {
        assert!(verdict_of(&text, &keys).is_err(), "{text}");
    }
    // A Signature of another namespace is none.
    let text = good.replacen(DSIG, "urn:other", 1);
    assert_eq!(verdict_of(&text, &keys), Err(SignatureError::Missing));
}

#[test]
fn an_empty_reference_means_a_document_and_nothing_less() {
    // Signed with a reference to the ID, and then the ID is the empty one of the whole document.
    let keys = [rsa().public()];
    let good = assertion();
    let text = good.replacen("URI=\"#a1\"", "URI=\"\"", 1);
    assert_eq!(verdict_of(&text, &keys), Err(SignatureError::Value), "the root may be meant so");
    for around in [response(&text), format!("<?p?>{text}"), format!("{text}<?p?>")] {
        let document = parse(&around);
        let element = document.elements().find(|e| e.is(ASSERTION, "Assertion")).unwrap();
        let expected = SignatureError::Reference { expected: "#a1".into(), found: String::new() };
        assert_eq!(verdict(element, &keys), Err(expected), "{around}");
    }
}

#[test]
fn ecdsa_values_have_one_length() {
    let keys = [p256().public()];
    let key = p256().signing(Algorithm::Es256);
    let good = signed_by(&Signer::new(&key), HEAD, TAIL, "a1");
    assert_eq!(verdict_of(&good, &keys), Ok("ada".into()));
    let start = good.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let end = good.find("</ds:SignatureValue>").unwrap();
    for value in ["", "AAAA", &"A".repeat(86), &"A".repeat(88), &"/".repeat(88)] {
        let value = if value.len() == 86 { format!("{value}==") } else { value.to_owned() };
        let text = format!("{}{value}{}", &good[..start], &good[end..]);
        assert_eq!(verdict_of(&text, &keys), Err(SignatureError::Value), "{value}");
    }
}

#[test]
fn keys_come_from_certificates_and_say_their_size() {
    assert_eq!(rsa().public().kind(), KeyKind::Rsa(2048));
    assert_eq!(p256().public().kind(), KeyKind::P256);
    assert_eq!(p256().public().kind().bits(), Some(256));
    assert_eq!(PublicKey::from_certificate(b"0\x03abc"), Err(UnusableKey::Malformed));
    let ed25519 = Pair::new(&rcgen::PKCS_ED25519);
    assert_eq!(PublicKey::from_certificate(&ed25519.certificate), Err(UnusableKey::Kind));
}

/// Documents that other programs signed (with throw-away keys): name, key, and what is special.
const FOREIGN: [(&str, &str, &str, &str); 8] = [
    (
        include_str!("tests/fixtures/xmlsec1-rsa-sha1-exclusive.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "SHA-1",
    ),
    (
        include_str!("tests/fixtures/xmlsec1-rsa-sha256-inclusive-nested.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "inclusive, with namespaces and xml attributes of two ancestors",
    ),
    (
        include_str!("tests/fixtures/xmlsec1-rsa-sha384-comments-last.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "comments in SignedInfo, the signature as last child",
    ),
    (
        include_str!("tests/fixtures/xmlsec1-rsa-sha512-prefixes.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "lists of prefixes",
    ),
    (
        include_str!("tests/fixtures/xmlsec1-p256-sha512-no-canonicalization.xml"),
        include_str!("tests/fixtures/p256.crt"),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        "no canonicalisation named, and a hash longer than the curve",
    ),
    (
        include_str!("tests/fixtures/xmlsec1-p521-sha256-exclusive.xml"),
        include_str!("tests/fixtures/p521.crt"),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "a hash shorter than the curve",
    ),
    (
        include_str!("tests/fixtures/signxml-pss-sha256.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "PSS",
    ),
    (
        include_str!("tests/fixtures/signxml-pss-sha512.xml"),
        include_str!("tests/fixtures/rsa.crt"),
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        "PSS",
    ),
];

#[test]
fn what_other_programs_signed_verifies_and_a_changed_byte_does_not() {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    for (text, certificate, uri, special) in FOREIGN {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let keys = [PublicKey::from_certificate(&der).expect("a key")];
        let verdict = |text: &str, allow_sha1| {
            let document = parse(text);
            let element = document.elements().find(|e| e.is(ASSERTION, "Assertion")).expect("one");
            verify(element, &keys, Options { allow_sha1 }).map(|v| v.evidence.algorithm.uri())
        };
        assert_eq!(verdict(text, true), Ok(uri), "{special}");
        let changed = text.replacen("z</saml:NameID>", "y</saml:NameID>", 1);
        assert_ne!(changed, text);
        assert_eq!(verdict(&changed, true), Err(SignatureError::Digest), "{special}");
        let without_sha1 =
            if special == "SHA-1" { Err(SignatureError::Sha1("SignatureMethod")) } else { Ok(uri) };
        assert_eq!(verdict(text, false), without_sha1, "{special}");
    }
}
