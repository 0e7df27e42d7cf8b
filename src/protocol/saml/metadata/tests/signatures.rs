//! Whose signature counts, and where it has to stand.

use super::*;

#[test]
fn a_signed_aggregate_is_verified_while_it_passes() {
    let text = signed_aggregate(&format!("<!-- c -->{}{}", idp("urn:a", ""), idp("urn:b", "")));
    let metadata = read(&text, Some("urn:b"), Some(trust(true))).expect("verified");
    assert_eq!(metadata.signature, VERIFIED);
    assert_eq!(metadata.valid_until, Some(1_893_456_000.0));

    let changed = text.replacen("urn:a", "urn:x", 1);
    let digest = Err(SignatureError::Digest.into());
    assert_eq!(read(&changed, Some("urn:b"), Some(trust(true))), digest);
    assert_eq!(read(&changed, Some("urn:b"), Some(trust(false))), digest);
    let later = text.replacen("2030-", "2031-", 1);
    assert_eq!(read(&later, Some("urn:b"), Some(trust(true))), digest);
    let cut = text.replacen(&idp("urn:a", ""), "", 1);
    assert_eq!(read(&cut, Some("urn:b"), Some(trust(true))), digest);

    let other = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let other = PublicKey::from_certificate(&certificate(&other, 2020, 2040)).expect("a key");
    let foreign = Trust { keys: vec![other], ..trust(true) };
    assert_eq!(read(&text, Some("urn:b"), Some(foreign)), Err(SignatureError::Value.into()));

    let start = text.find("<ds:Signature").expect("a signature");
    let end = text.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    let unsigned = format!("{}{}", &text[..start], &text[end..]);
    assert_eq!(
        read(&unsigned, Some("urn:b"), Some(trust(true))),
        Err(SignatureError::Missing.into())
    );
    let metadata = read(&unsigned, Some("urn:b"), Some(trust(false))).expect("not required");
    assert_eq!(metadata.signature, SignatureState::Unsigned);
}

/// A signature that stands elsewhere than first would have to be looked for in all of the
/// aggregate, and a second one would be content.
#[test]
fn the_signature_of_an_aggregate_is_its_first_child_and_the_only_one() {
    let text = signed_aggregate(&idp("urn:a", ""));
    let start = text.find("<ds:Signature").expect("a signature");
    let end = text.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    let signature = &text[start..end];
    let twice = text.replacen(signature, &signature.repeat(2), 1);
    assert_eq!(read(&twice, None, Some(trust(true))), Err(SignatureError::Several.into()));
    let last = text.replacen(signature, "", 1).replacen(
        "</EntitiesDescriptor>",
        &format!("{signature}</EntitiesDescriptor>"),
        1,
    );
    assert_eq!(read(&last, None, Some(trust(false))), Err(SignatureError::Misplaced.into()));
    let wrapped = aggregate_of("ID='evil'", &format!("{}{}", idp("urn:evil", ""), text));
    assert_eq!(
        read(&wrapped, Some("urn:evil"), Some(trust(true))),
        Err(SignatureError::Missing.into())
    );
    let moved = aggregate_of("ID='evil'", &format!("{signature}{}", idp("urn:evil", "")));
    let reference = SignatureError::Reference { expected: "#evil".into(), found: "#m".into() };
    assert_eq!(read(&moved, None, Some(trust(true))), Err(reference.into()));
}

#[test]
fn the_signature_of_a_single_entity_may_stand_anywhere_among_its_children() {
    let start = format!("<EntityDescriptor {DEFAULT_NS} entityID=\"urn:a\" ID=\"e\">");
    let role =
        "<IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
    let first = signed(&start, &format!("{role}</EntityDescriptor>"), "e");
    let last = signed(&format!("{start}{role}"), "</EntityDescriptor>", "e");
    for text in [&first, &last] {
        let metadata = read(text, None, Some(trust(true))).expect("verified");
        assert_eq!(metadata.signature, VERIFIED);
        let changed = text.replacen("urn:a", "urn:b", 1);
        assert_eq!(read(&changed, None, Some(trust(true))), Err(SignatureError::Digest.into()));
    }
    let bare = format!("{start}</EntityDescriptor>");
    assert_eq!(read(&bare, None, Some(trust(true))), Err(SignatureError::Missing.into()));
    let metadata = read(&bare, None, Some(trust(false))).expect("not required");
    assert_eq!(metadata.signature, SignatureState::Unsigned);

    // Signed by itself in an aggregate that is not: the end of the aggregate counts all the same
    // (SAML metadata §2.3.1).
    let text =
        aggregate_of("validUntil='2030-01-01T00:00:00Z'", &format!("{}{first}", idp("urn:b", "")));
    let metadata = read(&text, Some("urn:a"), Some(trust(true))).expect("verified");
    assert_eq!((metadata.signature, metadata.valid_until), (VERIFIED, Some(1_893_456_000.0)));
    assert_eq!(read(&text, Some("urn:b"), Some(trust(true))), Err(SignatureError::Missing.into()));
}
