//! Metadata that `xmlsec1` signed, at the running exporter: good, changed, of somebody else, and
//! without its signature.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PKCS_RSA_SHA256;
use serde_json::{Value, json};

use super::xmlsec1::{DSIG, Pair};
use crate::exporter::{Exporter, story};

/// Serves each of the documents at `/` and its number, as long as the test runs.
fn serve(documents: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            // The head ends with an empty line.
            let _ = lines.find(String::is_empty);
            let number = first.split(['/', ' ']).find_map(|part| part.parse::<usize>().ok());
            let document = &documents[number.expect("a number")];
            let length = document.len();
            // Whoever has seen enough goes away.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/samlmetadata+xml\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{document}"
            );
        }
    });
    origin
}

/// An aggregate that is to be signed.
fn aggregate(pair: &Pair) -> String {
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
         <DigestValue/></Reference></SignedInfo><SignatureValue/></Signature>{}{}\
         </EntitiesDescriptor>",
        entity(1),
        entity(2)
    )
}

#[test]
fn whether_it_was_changed_or_is_of_somebody_else_or_unsigned_is_told_apart() {
    let (federation, other) = (Pair::new(&PKCS_RSA_SHA256), Pair::new(&PKCS_RSA_SHA256));
    let good = federation.sign(&aggregate(&other));
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
        ("good", 0, block(&federation), "metadata ok, certificates ok", Some("1.0")),
        (
            "changed",
            1,
            block(&federation),
            "metadata signature_invalid, certificates -",
            Some("0.0"),
        ),
        (
            "somebody else's",
            0,
            block(&other),
            "metadata signature_invalid, certificates -",
            Some("0.0"),
        ),
        (
            "unsigned",
            2,
            block(&federation),
            "metadata signature_missing, certificates -",
            Some("0.0"),
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
    for (name, number, _, expected, valid) in rows {
        let metrics = exporter.probe(name, &format!("{origin}/{number}"));
        let found =
            metrics.lines().find_map(|line| line.strip_prefix("probe_auth_saml_signature_valid "));
        assert_eq!((story(&metrics).as_str(), found), (expected, valid), "{name}\n{metrics}");
    }
}
