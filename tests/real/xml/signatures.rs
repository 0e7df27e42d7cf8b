//! What `xmlsec1` signs verifies here, and what is signed here it verifies: in all algorithms,
//! canonical forms and places.

use std::sync::LazyLock;

use auth_exporter::protocol::jose::{Algorithm, SigningKey};
use auth_exporter::protocol::saml::metadata::{MetadataReader, SignatureState, Trust};
use auth_exporter::protocol::xml::signature::{
    DigestAlgorithm, Options, PublicKey, SignatureError, Signer, sign, verify,
};
use auth_exporter::protocol::xml::{Document, Limits};
use aws_lc_rs::rand::SystemRandom;
use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_RSA_SHA256,
};

use super::made::Maker;
use super::xmlsec1::{DSIG, Pair};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

static RSA: LazyLock<Pair> = LazyLock::new(|| Pair::new(&PKCS_RSA_SHA256));
static P256: LazyLock<Pair> = LazyLock::new(|| Pair::new(&PKCS_ECDSA_P256_SHA256));
static P384: LazyLock<Pair> = LazyLock::new(|| Pair::new(&PKCS_ECDSA_P384_SHA384));
static P521: LazyLock<Pair> = LazyLock::new(|| Pair::new(&PKCS_ECDSA_P521_SHA512));

/// Each algorithm of a signature with a key for it. Not P-384 with SHA-1, which is not verified
/// here, and not PSS, which this `xmlsec1` does not have.
fn algorithms() -> Vec<(String, &'static Pair)> {
    let rsa = ["2000/09/xmldsig#rsa-sha1", "2001/04/xmldsig-more#rsa-sha256"]
        .into_iter()
        .chain(["2001/04/xmldsig-more#rsa-sha384", "2001/04/xmldsig-more#rsa-sha512"])
        .map(|algorithm| (algorithm.to_owned(), &*RSA));
    let curves = [&P256, &P384, &P521].into_iter().enumerate().flat_map(|(curve, pair)| {
        let digests = ["sha1", "sha256", "sha384", "sha512"].into_iter();
        let digests = digests.filter(move |digest| curve != 1 || *digest != "sha1");
        digests.map(move |digest| (format!("2001/04/xmldsig-more#ecdsa-{digest}"), &**pair))
    });
    rsa.chain(curves).map(|(name, pair)| (format!("http://www.w3.org/{name}"), pair)).collect()
}

/// How a document is written before it is signed.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Of `SignedInfo`.
    method: &'static str,
    /// Of the content; without one it is the inclusive form.
    transform: Option<&'static str>,
    prefixes: &'static str,
}

const fn form(
    method: &'static str,
    transform: Option<&'static str>,
    prefixes: &'static str,
) -> Form {
    Form { method, transform, prefixes }
}

const EXCLUSIVE_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const INCLUSIVE_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";

const FORMS: [Form; 7] = [
    form(EXCLUSIVE, Some(EXCLUSIVE), ""),
    form(EXCLUSIVE_COMMENTS, Some(EXCLUSIVE_COMMENTS), ""),
    form(INCLUSIVE, Some(INCLUSIVE), ""),
    form(INCLUSIVE_COMMENTS, Some(INCLUSIVE_COMMENTS), ""),
    form(EXCLUSIVE, Some(EXCLUSIVE), "a c #default saml unknown"),
    form(INCLUSIVE, Some(EXCLUSIVE), "b"),
    form(EXCLUSIVE, None, ""),
];

impl Form {
    fn element(&self, name: &str, uri: &str) -> String {
        if self.prefixes.is_empty() || !uri.starts_with(EXCLUSIVE) {
            return format!("<{name} Algorithm=\"{uri}\"/>");
        }
        let list = self.prefixes;
        format!(
            "<{name} Algorithm=\"{uri}\"><i:InclusiveNamespaces xmlns:i=\"{EXCLUSIVE}\" \
             PrefixList=\"{list}\"/></{name}>"
        )
    }
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// In a root, as SAML says.
    First,
    /// In a root, behind all else.
    Last,
    /// In an element in others.
    Nested,
    /// In an aggregate that is read as a stream.
    Aggregate,
    /// In a root without ID.
    Whole,
}

const PLACES: [Place; 5] =
    [Place::First, Place::Last, Place::Nested, Place::Aggregate, Place::Whole];

const MARK: &str = "<mark>z</mark>";
const ENTITY: &str = "https://idp.example";

impl Place {
    const fn id(self) -> &'static str {
        if matches!(self, Self::Whole) { "" } else { "the-id" }
    }

    /// A document that is to be signed between the two texts.
    fn document(self, seed: u64) -> (String, String) {
        let mut made = Maker::new(seed);
        let saml = "urn:oasis:names:tc:SAML:2.0:assertion";
        let id = if self == Self::Whole { "" } else { " ID=\"the-id\"" };
        let assertion = format!("<saml:Assertion xmlns:saml=\"{saml}\" xmlns:c='urn:c'{id}>");
        let issuer = format!("<saml:Issuer>{ENTITY}</saml:Issuer>");
        let before = format!("{assertion}{issuer}");
        let after = "</saml:Assertion>";
        match self {
            Self::First | Self::Whole => (before, format!("{}{MARK}{after}", made.content())),
            Self::Last => (format!("{before}{}{MARK}", made.content()), after.to_owned()),
            Self::Nested => (
                format!(
                    "<o xmlns='urn:o' xmlns:a='urn:a' xml:lang='de'>{}<p xmlns:b='urn:b' a:q='' \
                     xml:space='preserve'>{before}",
                    made.content()
                ),
                format!("{}{MARK}{after}{}</p></o>", made.content(), made.content()),
            ),
            Self::Aggregate => (
                format!(
                    "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
                     xmlns:a='urn:a'{id}>"
                ),
                format!(
                    "<md:Extensions>{}{MARK}</md:Extensions><md:EntityDescriptor \
                     entityID=\"{ENTITY}\"><md:Extensions>{}</md:Extensions>\
                     <md:IDPSSODescriptor protocolSupportEnumeration=\
                     \"urn:oasis:names:tc:SAML:2.0:protocol\"/></md:EntityDescriptor>\
                     </md:EntitiesDescriptor>",
                    made.content(),
                    made.content()
                ),
            ),
        }
    }
}

/// A signature without its values.
fn template(algorithm: &str, digest: &str, form: &Form, place: Place) -> String {
    let reference = if place.id().is_empty() { String::new() } else { format!("#{}", place.id()) };
    let transform = form.transform.map(|uri| form.element("Transform", uri)).unwrap_or_default();
    format!(
        "<Signature xmlns=\"{DSIG}\"><SignedInfo>\n  {}\n<SignatureMethod \
         Algorithm=\"{algorithm}\"/><Reference URI=\"{reference}\"><Transforms><Transform \
         Algorithm=\"{DSIG}enveloped-signature\"/>{transform}</Transforms><DigestMethod \
         Algorithm=\"{digest}\"/><DigestValue/></Reference><!-- -->\n</SignedInfo>\
         <SignatureValue/></Signature>",
        form.element("CanonicalizationMethod", form.method)
    )
}

/// What the exporter says of the document, as a tree and, where it is metadata, as a stream.
fn verdict(document: &str, place: Place, pair: &Pair) -> Result<(), SignatureError> {
    let key = PublicKey::from_certificate(&pair.certificate).expect("a key");
    let options = Options { allow_sha1: true };
    let tree = Document::parse(document.as_bytes(), Limits::DOCUMENT).expect("a document");
    let signed = tree
        .elements()
        .find(|element| element.attribute("ID").unwrap_or_default() == place.id())
        .expect("the element");
    let verdict = verify(signed, std::slice::from_ref(&key), options).map(|_| ());
    if place == Place::Aggregate {
        let trust = Trust { keys: vec![key], options, required: true };
        let mut reader = MetadataReader::new(Some(ENTITY.to_owned()), Some(trust));
        let read = document.as_bytes().chunks(100).try_for_each(|piece| reader.push(piece));
        let read = read.and_then(|()| reader.finish());
        let verified = read.is_ok_and(|read| matches!(read.signature, SignatureState::Verified(_)));
        assert_eq!(verified, verdict.is_ok(), "the stream is not of one mind with the tree");
    }
    verdict
}

/// Runs the same for each of the cases, on two threads.
fn for_each<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            let check = &check;
            scope.spawn(move || half.iter().for_each(check));
        }
    });
}

#[test]
fn what_xmlsec1_signs_verifies_and_a_changed_byte_does_not() {
    let mut cases = Vec::new();
    for (number, (algorithm, pair)) in algorithms().into_iter().enumerate() {
        for form in FORMS {
            // Two places in turn, so that each form comes in each of them.
            for turn in 0..2 {
                let place = PLACES[(number + turn * 2) % PLACES.len()];
                let digest = [SHA1, SHA256, SHA384, SHA512][(number + cases.len()) % 4];
                cases.push((cases.len() as u64 + 1, algorithm.clone(), digest, form, place, pair));
            }
        }
    }
    assert_eq!(cases.len(), 15 * 7 * 2);
    for_each(&cases, |(seed, algorithm, digest, form, place, pair)| {
        let (before, after) = place.document(*seed);
        let signature = template(algorithm, digest, form, *place);
        let signed = pair.sign(&format!("{before}{signature}{after}"));
        let told = format!("{algorithm} {digest} {form:?} {place:?}\n{signed}");
        assert_eq!(verdict(&signed, *place, pair), Ok(()), "{told}");
        let changed = signed.replace(MARK, "<mark>y</mark>");
        assert_eq!(verdict(&changed, *place, pair), Err(SignatureError::Digest), "{told}");
    });
}

#[test]
fn xmlsec1_verifies_what_is_signed_here_and_not_a_changed_byte() {
    let algorithms = [
        (Algorithm::Rs256, &*RSA),
        (Algorithm::Rs384, &*RSA),
        (Algorithm::Rs512, &*RSA),
        (Algorithm::Es256, &*P256),
        (Algorithm::Es384, &*P384),
        (Algorithm::Es512, &*P521),
    ];
    let prefixes: [&[&str]; 2] = [&[], &["a", "c", "#default", "saml"]];
    let forms = [EXCLUSIVE, EXCLUSIVE_COMMENTS, INCLUSIVE, INCLUSIVE_COMMENTS];
    let mut cases = Vec::new();
    for (algorithm, pair) in algorithms {
        for (form, prefixes) in
            forms.map(|form| (form, prefixes[0])).into_iter().chain([(EXCLUSIVE, prefixes[1])])
        {
            for digest in DigestAlgorithm::ALL {
                let places = [Place::First, Place::Last, Place::Nested, Place::Aggregate];
                for place in [cases.len() / 2 % 4, (cases.len() / 2 + 1) % 4].map(|at| places[at]) {
                    let seed = cases.len() as u64 + 1;
                    cases.push((seed, algorithm, digest, form, prefixes, place, pair));
                }
            }
        }
    }
    assert_eq!(cases.len(), 6 * 5 * 4 * 2);
    for_each(&cases, |(seed, algorithm, digest, form, prefixes, place, pair)| {
        let key = SigningKey::from_pem(&pair.pem, Some(*algorithm)).expect("a key");
        let signer = Signer {
            digest: *digest,
            canonicalization: form,
            inclusive_prefixes: prefixes,
            ..Signer::new(&key)
        };
        let (before, after) = place.document(*seed);
        let document = sign(&before, &after, place.id(), &signer, &SystemRandom::new());
        let document = document.expect("a signed document");
        let told = format!("{algorithm} {digest:?} {form} {prefixes:?} {place:?}\n{document}");
        assert!(pair.verifies(&document), "{told}");
        // Not each of them: a start of xmlsec1 is what takes the time here.
        if seed % 8 == 0 {
            assert!(!pair.verifies(&document.replace(MARK, "<mark>y</mark>")), "{told}");
        }
    });
}
