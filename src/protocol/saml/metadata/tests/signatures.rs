//! Whose signature counts, and where it has to stand.

use super::*;

#[test]
fn a_signed_aggregate_is_verified_while_it_passes() {
    let text = signed_aggregate(&format!("<!-- c -->{}{}", idp("urn:a", ""), idp("urn:b", "")));
    let metadata = read(&text, Some("urn:b"), Some(trust(true))).expect("verified");
    assert_eq!(metadata.signature, VERIFIED);
    assert_eq!(metadata.valid_until, Some(1_893_456_000.0));

    let missing =
        MetadataError::EntityNotFound { wanted: "urn:c".into(), entities: 2, verified: true };
    assert_eq!(read(&text, Some("urn:c"), Some(trust(true))), Err(missing));

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

/// What republishes the aggregate of somebody else may be unsigned itself.
#[test]
fn the_signature_of_an_inner_aggregate_counts_for_what_is_in_it() {
    let inner = signed_aggregate(&format!("{}{}", idp("urn:a", ""), idp("urn:b", "")));
    // A prefix that is bound outside of what is signed.
    let bound = format!(" xmlns:md=\"{METADATA}\"");
    let prefixed = signed(
        &format!("<md:EntitiesDescriptor{bound} ID=\"p\">"),
        &format!(
            "{}<md:EntityDescriptor entityID=\"urn:p\"/></md:EntitiesDescriptor>",
            // Whose own signature is wrong, and is not looked at.
            signed_aggregate(&idp("urn:d", "")).replace("urn:d", "urn:e")
        ),
        "p",
    )
    .replacen(&bound, "", 1);
    let unsigned = aggregate_of("", &idp("urn:u", ""));
    let outer = |content: &str| {
        let text = format!("{}<Extensions/>{content}{unsigned}", idp("urn:o", ""));
        aggregate_of(&bound, &text)
    };
    let whole = outer(&format!("{}{prefixed}", aggregate_of("", &inner)));
    let missing = Err(SignatureError::Missing.into());
    let state = |text: &str, id, required| {
        read(text, Some(id), Some(trust(required))).map(|metadata| metadata.signature)
    };
    for id in ["urn:a", "urn:b", "urn:p", "urn:e"] {
        assert_eq!(state(&whole, id, true), Ok(VERIFIED), "{id}");
        assert_eq!(state(&whole, id, false), Ok(VERIFIED), "{id}");
    }
    for id in ["urn:o", "urn:u"] {
        assert_eq!(state(&whole, id, true), missing, "{id}");
        assert_eq!(state(&whole, id, false), Ok(SignatureState::Unsigned), "{id}");
    }

    let start = inner.find("<ds:Signature").expect("a signature");
    let end = inner.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    let signature = &inner[start..end];
    for (bad, error) in [
        (inner.replacen("/post", "/p0st", 1), SignatureError::Digest),
        (
            inner.replacen("<ds:SignatureValue>", "<ds:SignatureValue>AAAA", 1),
            SignatureError::Value,
        ),
        (inner.replacen(signature, &signature.repeat(2), 1), SignatureError::Several),
        (
            inner.replacen(signature, "", 1).replacen(
                &idp("urn:b", ""),
                &format!("{signature}{}", idp("urn:b", "")),
                1,
            ),
            SignatureError::Misplaced,
        ),
    ] {
        let text = outer(&bad);
        for required in [true, false] {
            let verdict = state(&text, "urn:b", required);
            assert_eq!(verdict, Err(error.clone().into()), "{required}");
        }
        // Of another one it says nothing.
        assert_eq!(state(&text, "urn:u", false), Ok(SignatureState::Unsigned), "{error}");
    }
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

/// Whoever collected it may have signed with a key that nobody told us of.
#[test]
fn an_entity_that_is_signed_by_itself_counts_in_an_aggregate_of_a_stranger() {
    let stranger = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let known = certificate(&stranger, 2020, 2040);
    let key = SigningKey::from_pem(&stranger.serialize_pem(), Some(Algorithm::Rs256));
    let key = key.expect("a key");
    let signer = Signer { certificate: Some(&known), ..Signer::new(&key) };
    let entity = signed(
        &format!("<EntityDescriptor {DEFAULT_NS} entityID=\"urn:a\" ID=\"e\">"),
        "<IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>\
         </EntityDescriptor>",
        "e",
    );
    let start = format!("<EntitiesDescriptor {DEFAULT_NS} ID=\"s\">");
    let content = format!("{entity}{}</EntitiesDescriptor>", idp("urn:b", ""));
    let collected =
        |content: &str| sign(&start, content, "s", &signer, &random()).expect("a signed document");
    let root = collected(&content);
    for text in [&aggregate_of("", &root), &root] {
        let changed = text.replacen("urn:a", "urn:x", 1);
        for required in [true, false] {
            let state = |text: &str, id| {
                read(text, Some(id), Some(trust(required))).map(|metadata| metadata.signature)
            };
            assert_eq!(state(text, "urn:a"), Ok(VERIFIED), "{required}");
            assert_eq!(state(text, "urn:b"), Err(SignatureError::Stranger.into()), "{required}");
            // One that was changed is worse than one of somebody unknown.
            assert_eq!(state(&changed, "urn:x"), Err(SignatureError::Digest.into()), "{required}");
        }
    }
    // Without the entity that is asked for, it is still the root that somebody unknown signed.
    for id in [Some("urn:c"), None] {
        assert_eq!(read(&root, id, Some(trust(true))), Err(SignatureError::Stranger.into()));
    }
    // A good signature of an aggregate further in counts too, and a bad one, wherever it stands.
    let state = |text: &str| {
        read(text, Some("urn:a"), Some(trust(true))).map(|metadata| metadata.signature)
    };
    let known = signed_aggregate(&entity);
    assert_eq!(state(&collected(&format!("{known}</EntitiesDescriptor>"))), Ok(VERIFIED));
    for (from, to, error) in [
        ("2030-", "2031-", SignatureError::Digest),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA", SignatureError::Value),
    ] {
        let bad = known.replacen(from, to, 1);
        assert_eq!(state(&bad), Err(error.clone().into()));
        let text = collected(&format!("{bad}</EntitiesDescriptor>"));
        assert_eq!(state(&text), Err(error.into()));
    }
}
