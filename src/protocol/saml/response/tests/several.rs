//! Several assertions, and what an attacker makes of one.

use super::*;

/// The profile asks for one assertion or more, one of them with an `AuthnStatement`.
#[test]
fn each_of_several_assertions_has_to_hold() {
    let one = signed(&assertion(), "@assertion@", "_a");
    // Another one, signed after these replacements.
    let other = |replacements: &[(&str, &str)]| {
        let mut text = assertion().replace("\"_a\"", "\"_b\"");
        for (from, to) in replacements {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        signed(&text, "@assertion@", "_b")
    };
    let whole = |assertions: &str| response(assertions).replace("@response@", "");
    let statement = assertion();
    let start = statement.find("<saml:AuthnStatement").expect("a statement");
    let end = statement.find("<saml:AttributeStatement").expect("what follows it");
    let statement = &statement[start..end];

    let mut bare = other(&[(statement, ""), ("a@x.example", "eve@x.example")]);
    for text in [format!("{one}{bare}"), format!("{bare}{one}")] {
        let accepted = judged(&whole(&text)).expect("accepted");
        assert_eq!(accepted.subject.attributes.len(), 1);
        assert_eq!(accepted.subject.attributes[0].values[0].as_deref(), Some("a@x.example"));
        assert!(accepted.assertion_signature.is_some());
    }
    let missing = ResponseError::Missing { element: "Assertion", part: "AuthnStatement" };
    assert_eq!(judged(&whole(&bare)), Err(missing));

    for (from, to, error) in [
        (">ada<", ">eve<", ResponseError::Principals),
        ("Format=\"urn:f\"", "Format=\"urn:g\"", ResponseError::Principals),
        ("Format=\"urn:f\"", "Format=\"urn:f\" NameQualifier=\"q\"", ResponseError::Principals),
        ("saml:NameID", "saml:EncryptedID", ResponseError::Principals),
        (
            "urn:sp<",
            "urn:third<",
            ResponseError::Audience {
                expected: "urn:sp".into(),
                found: vec!["urn:other".into(), "urn:third".into()],
            },
        ),
        (
            "InResponseTo=\"_q\"",
            "InResponseTo=\"_p\"",
            ResponseError::Confirmation("its InResponseTo is another request"),
        ),
    ] {
        for other in [other(&[(from, to)]), other(&[(from, to), (statement, "")])] {
            assert_eq!(judged(&whole(&format!("{one}{other}"))), Err(error.clone()), "{to}");
            assert_eq!(judged(&whole(&format!("{other}{one}"))), Err(error.clone()), "{to}");
        }
    }
    let unsigned = assertion().replace("@assertion@", "").replace("\"_a\"", "\"_b\"");
    let text = whole(&format!("{one}{unsigned}"));
    assert_eq!(judged(&text), Err(SignatureError::Missing.into()));
    bare = bare.replace("eve@x.example", "ada@x.example");
    assert_eq!(judged(&whole(&format!("{one}{bare}"))), Err(SignatureError::Digest.into()));

    assert_eq!(judged(&whole("")), Err(ResponseError::Assertions(0)));
    assert_eq!(judged(&whole(&one.repeat(9))), Err(ResponseError::Assertions(9)));
}

/// What an attacker makes of a response that was signed: nobody becomes `eve`.
#[test]
fn no_wrapping_makes_another_user() {
    let good = signed(&assertion(), "@assertion@", "_a");
    let start = good.find("<ds:Signature").expect("a signature");
    let end = good.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    let signature = &good[start..end];
    let original = good.replace(signature, "");
    let twin = original.replace(">ada<", ">eve<");
    let evil = twin.replace("\"_a\"", "\"_e\"");
    let after_issuer = |text: &str, what: &str| {
        text.replacen("</saml:Issuer>", &format!("</saml:Issuer>{what}"), 1)
    };
    let in_signature =
        |what: &str| signature.replace("</ds:Signature>", &format!("{what}</ds:Signature>"));
    let in_object = |what: &str| in_signature(&format!("<ds:Object>{what}</ds:Object>"));
    let extensions = |what: &str| format!("<samlp:Extensions>{what}</samlp:Extensions>");
    for (shape, inside) in [
        ("beside", format!("{evil}{good}")),
        ("beside, behind", format!("{good}{evil}")),
        ("around", evil.replace("</saml:Assertion>", &format!("{good}</saml:Assertion>"))),
        ("signature taken", after_issuer(&evil, signature)),
        ("signature taken with the ID", after_issuer(&twin, signature)),
        ("original in the signature", after_issuer(&evil, &in_signature(&original))),
        ("original in an object", after_issuer(&evil, &in_object(&original))),
        ("original in an object, one ID", after_issuer(&twin, &in_object(&original))),
        ("original in extensions", format!("{}{evil}", extensions(&good))),
        (
            "original in extensions, one ID",
            format!("{}{}", extensions(&original), after_issuer(&twin, signature)),
        ),
        (
            "original in the subject",
            after_issuer(&twin, signature)
                .replace("<saml:Subject>", &format!("<saml:Subject>{original}")),
        ),
        (
            "original in an encrypted assertion",
            format!("<saml:EncryptedAssertion>{good}</saml:EncryptedAssertion>"),
        ),
        ("no signature", evil),
    ] {
        let text = response(&inside).replace("@response@", "");
        let verdict = judged(&text);
        assert!(verdict.is_err(), "{shape}: {verdict:?}");
    }
    let whole = signed(&response(&original), "@response@", "_r");
    let evil = response(&twin).replace("@response@", "").replace("\"_r\"", "\"_e\"");
    for (shape, text) in [
        (
            "signed response in extensions",
            evil.replacen("</samlp:Status>", &format!("</samlp:Status>{}", extensions(&whole)), 1),
        ),
        (
            "signed response at the end",
            evil.replace("</samlp:Response>", &format!("{whole}</samlp:Response>")),
        ),
    ] {
        let verdict = judged(&text);
        assert!(verdict.is_err(), "{shape}: {verdict:?}");
    }
    assert!(judged(&whole).is_ok());
    let fine = response(&good).replace("@response@", "");
    let fine =
        fine.replacen("</samlp:Status>", &format!("</samlp:Status>{}", extensions("<x/>")), 1);
    assert!(judged(&fine).is_ok());
}
