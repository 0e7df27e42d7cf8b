//! Metadata that `xmlsec1` signed, at the running exporter: good, changed, of somebody else, and
//! without its signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PKCS_RSA_SHA256;
use serde_json::{Value, json};

use super::xmlsec1::{DSIG, Pair};
use crate::exporter::{Exporter, probe_path, story};
use crate::http::get;
use crate::served::serve;

/// An aggregate that is to be signed, and names its signer.
fn aggregate(signer: &Pair, pair: &Pair) -> String {
    let signer = STANDARD.encode(&signer.certificate);
    let certificate = STANDARD.encode(&pair.certificate);
    let entity = |number: u32| {
        format!(
            "<EntityDescriptor entityID=\"https://idp{number}.example\"><IDPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <KeyDescriptor><KeyInfo xmlns=\"{DSIG}\"><X509Data><X509Certificate>\
             {certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
             <SingleSignOnService Location=\"https://idp{number}.example/sso\" \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"/></IDPSSODescriptor>\
             </EntityDescriptor>"
        )
    };
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    format!(
        "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"federation\">\
         <Signature xmlns=\"{DSIG}\"><SignedInfo><CanonicalizationMethod \
         Algorithm=\"{exclusive}\"/><SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><Reference \
         URI=\"#federation\"><Transforms><Transform \
         Algorithm=\"{DSIG}enveloped-signature\"/><Transform Algorithm=\"{exclusive}\"/>\
         </Transforms><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <DigestValue/></Reference></SignedInfo><SignatureValue/><KeyInfo><X509Data>\
         <X509Certificate>{signer}</X509Certificate></X509Data></KeyInfo></Signature>{}{}\
         </EntitiesDescriptor>",
        entity(1),
        entity(2)
    )
}

#[test]
fn whether_it_was_changed_or_is_of_somebody_else_or_unsigned_is_told_apart() {
    let (federation, other) = (Pair::new(&PKCS_RSA_SHA256), Pair::new(&PKCS_RSA_SHA256));
    let good = federation.sign(&aggregate(&federation, &other));
    assert!(federation.verifies(&good) && !other.verifies(&good));
    let changed = good.replace("idp2.example/sso", "idp2.example/ssO");
    assert!(!federation.verifies(&changed));
    let (start, end) = (good.find("<Signature ").expect("one"), good.find("</Signature>"));
    let unsigned = format!("{}{}", &good[..start], &good[end.expect("one") + 12..]);
    let origin = serve(vec![good, changed, unsigned]);

    let block = |pair: &Pair| {
        json!({
            "role": "idp",
            "entity_id": "https://idp2.example",
            "signature": {"certificate_file": pair.certificate_file()},
        })
    };
    let rows = [
        ("good", 0, block(&federation), "metadata ok, certificates ok", "1", "succeeded"),
        (
            "changed",
            1,
            block(&federation),
            "metadata signature_invalid, certificates -",
            "0",
            "the digest is not that of the content: it was changed",
        ),
        (
            "somebody else's",
            0,
            block(&other),
            "metadata key_not_found, certificates -",
            "0",
            "by the key of the certificate in its KeyInfo, which is none of the keys that are known",
        ),
        (
            "unsigned",
            2,
            block(&federation),
            "metadata signature_missing, certificates -",
            "0",
            "it is not signed",
        ),
    ];
    let modules: serde_json::Map<String, Value> = rows
        .iter()
        .map(|(name, number, block, ..)| {
            let targets = json!([format!("{origin}/{number}")]);
            ((*name).to_owned(), json!({"prober": "saml", "targets": targets, "saml": block}))
        })
        .collect();
    let exporter = Exporter::start(&json!({"modules": modules}).to_string());
    for (name, number, _, expected, valid, told) in rows {
        let target = format!("{origin}/{number}");
        let metrics = exporter.probe(name, &target);
        let found =
            metrics.lines().find_map(|line| line.strip_prefix("probe_auth_saml_signature_valid "));
        assert_eq!((story(&metrics).as_str(), found), (expected, Some(valid)), "{name}\n{metrics}");
        // What the label does not tell apart, the page does.
        let page = format!("{}&debug=true", probe_path(name, &target));
        let page = get(&exporter.address, &page, "*/*");
        assert!(page.contains(told), "{name}: {told}\n{page}");
    }
}
