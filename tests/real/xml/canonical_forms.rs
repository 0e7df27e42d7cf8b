//! Canonical forms are those of libxml2.

use std::io::Write;
use std::process::Stdio;

use auth_exporter::protocol::xml::canonical::{EXCLUSIVE, INCLUSIVE, Method, canonicalize};
use auth_exporter::protocol::xml::{Document, Limits};
use serde_json::{Value, json};

use super::made::Maker;
use crate::installed;

const DOCUMENTS: u64 = 1000;
/// lxml passes over the default namespace, `#default`; `xmlsec1` does not.
const PREFIXES: [&str; 2] = ["a", "c"];

fn form(text: &str, uri: &str, prefixes: &[&str]) -> String {
    let document = Document::parse(text.as_bytes(), Limits::DOCUMENT).expect("a document");
    let mut method = Method::from_uri(uri).expect("a method");
    method.inclusive_prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    let bytes = canonicalize(document.root(), &method, None).expect("a canonical form");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Exclusive, exclusive with prefixes, and inclusive; each without comments and with them.
fn forms(text: &str) -> [String; 6] {
    [
        form(text, EXCLUSIVE, &[]),
        form(text, &format!("{EXCLUSIVE}WithComments"), &[]),
        form(text, EXCLUSIVE, &PREFIXES),
        form(text, &format!("{EXCLUSIVE}WithComments"), &PREFIXES),
        form(text, INCLUSIVE, &[]),
        form(text, &format!("{INCLUSIVE}#WithComments"), &[]),
    ]
}

/// The same by libxml2 of the package lxml, for each of the documents.
fn by_libxml2(documents: &[String]) -> Vec<[String; 6]> {
    let program = include_str!("../python/canonical_forms.py");
    let mut command = installed::python();
    command.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python");
    let mut input = child.stdin.take().expect("a pipe");
    let asked: Value = json!({"documents": documents, "prefixes": PREFIXES});
    // It reads all before it writes.
    input.write_all(asked.to_string().as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "canonical_forms.py failed");
    serde_json::from_slice(&output.stdout).expect("its forms")
}

#[test]
fn made_up_documents_have_the_forms_that_libxml2_gives_them() {
    let documents: Vec<String> = (1..=DOCUMENTS).map(|seed| Maker::new(seed).document()).collect();
    let expected = by_libxml2(&documents);
    assert_eq!(expected.len(), documents.len());
    for (document, expected) in documents.iter().zip(&expected) {
        assert_eq!(forms(document), *expected, "{document}");
    }
    // They are documents worth the name.
    let bytes: usize = documents.iter().map(String::len).sum();
    assert!(bytes > 200_000, "{bytes} bytes");
}
