mod signatures;

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PublicKeyData, date_time_ymd};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey as Parsed;

use super::{
    Endpoint, KeyUse, Metadata, MetadataError, MetadataReader, RoleKind, Service, SignatureState,
    Trust,
};
use crate::protocol::jose::{Algorithm, SigningKey};
use crate::protocol::saml::METADATA;
use crate::protocol::saml::binding::{HTTP_POST, HTTP_REDIRECT};
use crate::protocol::saml::metadata::entity::SigningCertificates;
use crate::protocol::saml::time::TimeError;
use crate::protocol::xml::signature::{
    DigestAlgorithm, Evidence, Options, PublicKey, SignatureAlgorithm, SignatureError, Signer,
    random, sign,
};
use crate::protocol::xml::{Bound, Limits, Problem};

struct Federation {
    pem: String,
    certificate: Vec<u8>,
}

fn certificate(key: &KeyPair, from: i32, to: i32) -> Vec<u8> {
    let mut params = CertificateParams::new([]).expect("names");
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params.self_signed(key).expect("a certificate").der().to_vec()
}

fn federation() -> &'static Federation {
    static FEDERATION: OnceLock<Federation> = OnceLock::new();
    FEDERATION.get_or_init(|| {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        Federation { pem: key.serialize_pem(), certificate: certificate(&key, 2020, 2040) }
    })
}

fn trust(required: bool) -> Trust {
    let key = PublicKey::from_certificate(&federation().certificate).expect("a key");
    Trust { keys: vec![key], options: Options::default(), required }
}

/// Signs the element with this ID between the texts.
fn signed(before: &str, after: &str, id: &str) -> String {
    let key = SigningKey::from_pem(&federation().pem, Some(Algorithm::Rs256)).expect("a key");
    sign(before, after, id, &Signer::new(&key), &random()).expect("a signed document")
}

const VERIFIED: SignatureState = SignatureState::Verified(Evidence {
    algorithm: SignatureAlgorithm::RSA_SHA256,
    digest: DigestAlgorithm::Sha256,
});

/// Reads a document whole and in small pieces, with the same result.
#[allow(clippy::needless_pass_by_value)] // made for each call
fn read(
    text: &str,
    entity_id: Option<&str>,
    trust: Option<Trust>,
) -> Result<Metadata, MetadataError> {
    let in_pieces = |size: usize| {
        let mut reader = MetadataReader::new(entity_id.map(str::to_owned), trust.clone());
        for piece in text.as_bytes().chunks(size) {
            reader.push(piece)?;
        }
        reader.finish()
    };
    let whole = in_pieces(usize::MAX);
    assert_eq!(in_pieces(7), whole);
    whole
}

fn idp(id: &str, attributes: &str) -> String {
    format!(
        "<EntityDescriptor xmlns=\"{METADATA}\" entityID=\"{id}\" {attributes}>\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <SingleSignOnService Binding=\"{HTTP_POST}\" Location=\"https://idp.example/post\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}

const DEFAULT_NS: &str = "xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"";

fn aggregate_of(attributes: &str, content: &str) -> String {
    format!("<EntitiesDescriptor {DEFAULT_NS} {attributes}>{content}</EntitiesDescriptor>")
}

fn signed_aggregate(content: &str) -> String {
    let start =
        format!("<EntitiesDescriptor {DEFAULT_NS} ID=\"m\" validUntil=\"2030-01-01T00:00:00Z\">\n");
    signed(&start, &format!("\n{content}</EntitiesDescriptor>"), "m")
}

#[test]
fn an_identity_provider_with_all_that_is_read() {
    let key = KeyPair::generate().expect("a key");
    let old = STANDARD.encode(certificate(&key, 2000, 2010));
    let new = STANDARD.encode(certificate(&key, 2020, 2040));
    let next = STANDARD.encode(certificate(&key, 2030, 2050));
    let descriptor = |key_use: &str, certificates: &str| {
        format!(
            "<md:KeyDescriptor {key_use}><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data>\
             </ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let x509 = |text: &str| {
        format!(
            "<ds:X509Certificate>\n {}<!-- -->\n</ds:X509Certificate>",
            text.replace('M', "M\n")
        )
    };
    let pem = format!("-----BEGIN CERTIFICATE-----\n{new}\n-----END CERTIFICATE-----");
    let keys = [
        descriptor("use='signing'", &x509(&old)),
        descriptor("", &format!("<ds:X509Certificate>{pem}</ds:X509Certificate>")),
        descriptor("use='signing'", &format!("{}{}", x509(&next), x509("AAAA"))),
        descriptor("use='encryption'", &x509(&old)),
    ]
    .concat();
    let text = format!(
        "<?xml version='1.0'?><md:EntityDescriptor xmlns:md='{METADATA}' \
         xmlns:ds='http://www.w3.org/2000/09/xmldsig#' entityID=' urn:example:idp ' \
         validUntil='2027-01-31T12:00:00Z' cacheDuration='PT6H'>\
         <md:IDPSSODescriptor protocolSupportEnumeration='urn:x urn:oasis:names:tc:SAML:2.0:protocol' \
         WantAuthnRequestsSigned='1' validUntil='2026-12-01T00:00:00Z'>{keys}\
         <md:SingleLogoutService Binding='{HTTP_REDIRECT}' Location='https://idp.example/out'/>\
         <md:SingleSignOnService Binding='{HTTP_POST}' Location='https://idp.example/post'/>\
         <md:SingleSignOnService Binding='{HTTP_REDIRECT}' Location='https://idp.example/go?a=1&amp;b=2'/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    );
    let metadata = read(&text, None, None).expect("metadata");
    let entity = &metadata.entity;
    assert_eq!(entity.entity_id, "urn:example:idp");
    assert_eq!(
        (metadata.valid_until, metadata.cache_duration),
        (Some(1_801_396_800.0), Some(21_600.0))
    );
    assert_eq!(metadata.entities, 1);
    assert_eq!(metadata.signature, SignatureState::Unchecked);

    let role = entity.role(RoleKind::Idp).expect("an identity provider");
    assert!(role.want_authn_requests_signed && !role.authn_requests_signed);
    assert_eq!(role.valid_until, Some(1_796_083_200.0));
    let uses: Vec<KeyUse> = role.keys.iter().map(|key| key.key_use).collect();
    assert_eq!(uses, [KeyUse::Signing, KeyUse::Any, KeyUse::Signing, KeyUse::Encryption]);
    let counts = role.count_signing_certificates(1_767_225_600);
    assert_eq!(counts, SigningCertificates { valid: 1, expired: 1, not_yet_valid: 1 });
    assert_eq!(role.signing_keys().len(), 3);
    assert!(role.keys[2].certificates[1].is_err());
    let armoured: Vec<bool> = role.keys.iter().map(|key| key.armoured).collect();
    assert_eq!(armoured, [false, true, false, false]);

    let sso = Endpoint {
        service: Service::SingleSignOn,
        binding: HTTP_REDIRECT.into(),
        location: "https://idp.example/go?a=1&b=2".into(),
        is_default: None,
    };
    assert_eq!(role.endpoint(Service::SingleSignOn, Some(HTTP_REDIRECT)), Ok(&sso));
    let any = role.endpoint(Service::SingleSignOn, None).expect("the first");
    assert_eq!(any.location, "https://idp.example/post");
    let out = role.endpoint(Service::SingleLogout, None).expect("one");
    assert_eq!(out.location, "https://idp.example/out");
    let missing = MetadataError::EndpointMissing {
        service: "ArtifactResolutionService",
        binding: "any".into(),
    };
    assert_eq!(role.endpoint(Service::ArtifactResolution, None), Err(missing));
    assert_eq!(entity.role(RoleKind::Sp), Err(MetadataError::RoleMissing("SPSSODescriptor")));
}

/// SAML metadata §2.4.1.1 takes any `KeyInfo`, one without certificate too.
#[test]
fn a_key_may_come_as_bare_numbers() {
    let role = |info: &str| {
        let keys = format!(
            "<KeyDescriptor><d:KeyInfo xmlns:d='http://www.w3.org/2000/09/xmldsig#' \
             xmlns:e='http://www.w3.org/2009/xmldsig11#'>{info}</d:KeyInfo></KeyDescriptor>"
        );
        let text = idp("urn:a", "").replace("<SingleSignOn", &format!("{keys}<SingleSignOn"));
        let metadata = read(&text, None, None).expect("metadata");
        metadata.entity.role(RoleKind::Idp).expect("an identity provider").clone()
    };
    let value = |key: &str| format!("<d:KeyValue>{key}</d:KeyValue>");
    let ec = |oid: &str, point: &[u8]| {
        let point = STANDARD.encode(point);
        value(&format!(
            "<e:ECKeyValue><e:NamedCurve URI='urn:oid:{oid}'/><e:PublicKey>\n{point}</e:PublicKey>\
             </e:ECKeyValue>"
        ))
    };

    let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let certified = certificate(&pair, 2020, 2040);
    let info = pair.subject_public_key_info();
    let (_, info) = SubjectPublicKeyInfo::from_der(&info).expect("a key");
    let Ok(Parsed::RSA(numbers)) = info.parsed() else { panic!("no RSA") };
    let (modulus, exponent) = (STANDARD.encode(numbers.modulus), STANDARD.encode(numbers.exponent));
    let rsa = value(&format!(
        "<d:RSAKeyValue><d:Modulus> {modulus}</d:Modulus><d:Exponent>{exponent}</d:Exponent>\
         </d:RSAKeyValue>"
    ));
    let expected = PublicKey::from_certificate(&certified).expect("a key");
    assert_eq!(role(&rsa).signing_keys(), std::slice::from_ref(&expected));
    let beside = format!(
        "{rsa}<d:X509Data><d:X509Certificate>{}</d:X509Certificate></d:X509Data>",
        STANDARD.encode(&certified)
    );
    assert_eq!(role(&beside).signing_keys(), [expected]);

    for (algorithm, oid) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "1.2.840.10045.3.1.7"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "1.3.132.0.34"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "1.3.132.0.35"),
    ] {
        let pair = KeyPair::generate_for(algorithm).expect("a key");
        let expected = PublicKey::from_spki(&pair.subject_public_key_info()).expect("a key");
        let point = pair.public_key_raw();
        assert_eq!(role(&ec(oid, point)).signing_keys(), [expected], "{oid}");
        for wrong in [ec(oid, &point[1..]), ec("1.3.132.0.10", point), ec(oid, &[])] {
            assert_eq!(role(&wrong).signing_keys(), [], "{wrong}");
        }
    }
    let empty = "<d:RSAKeyValue><d:Modulus/><d:Exponent/></d:RSAKeyValue>";
    for wrong in [empty, "<d:DSAKeyValue/>", "<d:RSAKeyValue/>", ""] {
        assert_eq!(role(&value(wrong)).signing_keys(), [], "{wrong}");
    }
}

#[test]
fn the_endpoint_of_a_service_provider_is_the_default_one() {
    let text = |second: &str, third: &str| {
        format!(
            "<EntityDescriptor {DEFAULT_NS} entityID='urn:sp'><SPSSODescriptor \
             protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol' \
             AuthnRequestsSigned='true' WantAssertionsSigned='true'>\
             <AssertionConsumerService index='1' isDefault='false' Binding='{HTTP_POST}' Location='u1'/>\
             <AssertionConsumerService index='2' {second} Binding='{HTTP_POST}' Location='u2'/>\
             <AssertionConsumerService index='3' {third} Binding='{HTTP_POST}' Location='u3'/>\
             </SPSSODescriptor></EntityDescriptor>"
        )
    };
    for (second, third, expected) in [
        ("", "", "u2"),
        ("", "isDefault='true'", "u3"),
        ("isDefault='false'", "isDefault='0'", "u1"),
        ("isDefault='1'", "", "u2"),
    ] {
        let metadata = read(&text(second, third), Some("urn:sp"), None).expect("metadata");
        let role = metadata.entity.role(RoleKind::Sp).expect("a service provider");
        let found = role.endpoint(Service::AssertionConsumer, Some(HTTP_POST)).expect("one");
        assert_eq!(found.location, expected, "{second} {third}");
        assert!(role.authn_requests_signed && role.want_assertions_signed);
    }
}

/// A service for programs may have any URI.
#[test]
fn an_endpoint_that_a_browser_can_be_sent_to_goes_before_others() {
    let sso = |binding: &str, location: &str| {
        format!("<SingleSignOnService Binding='{binding}' Location='{location}'/>")
    };
    let soap = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
    let text = idp("urn:a", "").replace(
        "<SingleSignOn",
        &format!("{}{}<SingleSignOn", sso(soap, "urn:x"), sso(HTTP_POST, "javascript:x")),
    );
    let metadata = read(&text, None, None).expect("metadata");
    let role = metadata.entity.role(RoleKind::Idp).expect("an identity provider");
    for (binding, location) in [
        (None, "https://idp.example/post"),
        (Some(HTTP_POST), "https://idp.example/post"),
        (Some(soap), "urn:x"),
    ] {
        let found = role.endpoint(Service::SingleSignOn, binding).expect("one");
        assert_eq!(found.location, location, "{binding:?}");
    }
}

#[test]
fn a_role_for_another_protocol_does_not_count() {
    let text = idp("urn:a", "").replace("SAML:2.0:protocol", "SAML:1.1:protocol");
    let metadata = read(&text, None, None).expect("metadata");
    assert_eq!(metadata.entity.roles.len(), 1);
    let error = metadata.entity.role(RoleKind::Idp).expect_err("for SAML 1.1");
    assert_eq!(
        error.to_string(),
        "the entity has no IDPSSODescriptor for SAML 2.0 (SAML metadata §2.4)"
    );
}

#[test]
fn one_entity_is_picked_out_of_an_aggregate() {
    let inner = aggregate_of(
        "validUntil='2028-01-01T00:00:00Z' cacheDuration='PT1H'",
        &format!("{}{}", idp("urn:b", "validUntil='2029-01-01T00:00:00Z'"), idp("urn:c", "")),
    );
    let text = aggregate_of(
        "validUntil='2030-01-01T00:00:00Z' cacheDuration='PT6H'",
        &format!(
            "<Extensions><x/></Extensions>{}{inner}{}",
            idp("urn:a", ""),
            idp("urn:d", "cacheDuration='PT2H'")
        ),
    );
    for (id, valid_until, cache_duration) in [
        ("urn:a", 1_893_456_000.0, 21_600.0),
        ("urn:b", 1_830_297_600.0, 3_600.0),
        ("urn:c", 1_830_297_600.0, 3_600.0),
        ("urn:d", 1_893_456_000.0, 7_200.0),
    ] {
        let metadata = read(&text, Some(id), None).expect("metadata");
        assert_eq!(metadata.entity.entity_id, id);
        assert_eq!(metadata.entities, 4);
        assert_eq!(metadata.valid_until, Some(valid_until), "{id}");
        assert_eq!(metadata.cache_duration, Some(cache_duration), "{id}");
    }
    let missing =
        MetadataError::EntityNotFound { wanted: "urn:e".into(), entities: 4, verified: false };
    assert_eq!(read(&text, Some("urn:e"), None), Err(missing));
    assert_eq!(
        read(&text, None, None),
        Err(MetadataError::Ambiguous { entities: 4, verified: false })
    );
    let one = aggregate_of("", &idp("urn:a", ""));
    assert_eq!(read(&one, None, None).expect("the only one").entity.entity_id, "urn:a");
    let none = aggregate_of("", "");
    assert_eq!(
        read(&none, None, None),
        Err(MetadataError::Ambiguous { entities: 0, verified: false })
    );
    let twice = aggregate_of("", &format!("{}{}", idp("urn:a", ""), idp("urn:a", "")));
    assert_eq!(
        read(&twice, Some("urn:a"), None),
        Err(MetadataError::DuplicateEntity("urn:a".into()))
    );
}

/// What looks like an entity elsewhere than in the aggregate itself is none.
#[test]
fn an_entity_in_extensions_is_not_picked() {
    let hidden = format!("<Extensions>{}</Extensions>", idp("urn:evil", ""));
    let text = aggregate_of("", &format!("{hidden}{}", idp("urn:a", "")));
    let missing =
        MetadataError::EntityNotFound { wanted: "urn:evil".into(), entities: 1, verified: false };
    assert_eq!(read(&text, Some("urn:evil"), None), Err(missing));
    let nested = idp("urn:a", "").replace("<IDPSSO", &format!("{hidden}<IDPSSO"));
    let metadata = read(&nested, None, None).expect("metadata");
    assert_eq!((metadata.entities, metadata.entity.entity_id.as_str()), (1, "urn:a"));
}

#[test]
fn other_documents_are_refused_with_what_is_wrong() {
    let entity = idp("urn:a", "");
    let value =
        |element, attribute, expected| MetadataError::Value { element, attribute, expected };
    for (text, expected) in [
        ("<html/>".to_owned(), MetadataError::Root),
        ("<EntityDescriptor entityID='urn:a'/>".to_owned(), MetadataError::Root),
        (
            entity.replace("entityID=\"urn:a\"", ""),
            MetadataError::MissingAttribute { element: "EntityDescriptor", attribute: "entityID" },
        ),
        (
            idp(&format!("urn:{}", "ä".repeat(1021)), ""),
            value(
                "EntityDescriptor",
                "entityID",
                "longer than 1024 characters (SAML metadata §2.2.1)",
            ),
        ),
        (
            entity.replace("Location=\"https://idp.example/post\"", ""),
            MetadataError::MissingAttribute {
                element: "SingleSignOnService",
                attribute: "Location",
            },
        ),
        (
            idp("urn:a", "validUntil='tomorrow'"),
            MetadataError::Time {
                element: "EntityDescriptor",
                attribute: "validUntil",
                problem: TimeError::DateTime,
            },
        ),
        (
            aggregate_of("cacheDuration='6h'", &entity),
            MetadataError::Time {
                element: "EntitiesDescriptor",
                attribute: "cacheDuration",
                problem: TimeError::Duration,
            },
        ),
        (
            entity.replace("<IDPSSODescriptor", "<IDPSSODescriptor WantAuthnRequestsSigned='yes'"),
            value(
                "IDPSSODescriptor",
                "WantAuthnRequestsSigned",
                "neither true nor false (XML Schema 2 §3.2.2)",
            ),
        ),
        (
            entity.replace("<SingleSignOn", "<KeyDescriptor use='sign'/><SingleSignOn"),
            value(
                "KeyDescriptor",
                "use",
                "neither signing nor encryption (SAML metadata §2.4.1.1)",
            ),
        ),
    ] {
        assert_eq!(read(&text, None, None), Err(expected), "{text}");
    }
    assert!(read(&idp(&format!("urn:{}", "ä".repeat(1020)), ""), None, None).is_ok());
    let text = entity.replace("<SingleSignOn", "&x;<SingleSignOn");
    let MetadataError::Xml(error) = read(&text, None, None).expect_err("an entity") else {
        panic!("another error");
    };
    assert_eq!(error.problem, Problem::Entity);
}

/// An aggregate costs what its largest entity costs, and that is bounded.
#[test]
fn an_entity_that_is_too_large_is_refused_only_where_it_is_kept() {
    let many = "<x/>".repeat(usize::try_from(Limits::DOCUMENT.nodes).expect("small"));
    let large =
        idp("urn:large", "").replace("<IDPSSO", &format!("<Extensions>{many}</Extensions><IDPSSO"));
    let text = aggregate_of("", &format!("{large}{}", idp("urn:a", "")));
    let mut reader = MetadataReader::new(Some("urn:a".into()), None);
    reader.push(text.as_bytes()).expect("passes by");
    assert!(reader.finish().is_ok());
    let mut reader = MetadataReader::new(Some("urn:large".into()), None);
    let Err(MetadataError::Xml(error)) = reader.push(text.as_bytes()) else { panic!("accepted") };
    let most = Limits::DOCUMENT.nodes;
    assert_eq!(error.problem, Problem::Limit { bound: Bound::Nodes, most });
}
