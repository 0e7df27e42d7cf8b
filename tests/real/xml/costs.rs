//! What a hostile document costs the running exporter: it is refused early, and in little memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::exporter::{Exporter, probe_path, story};
use crate::http::get;
use crate::served::serve;

/// What any of them may add to an idle exporter.
const MEMORY: u64 = 32 << 20;
/// And take, on a busy machine and without optimisation.
const TIME: Duration = Duration::from_secs(5);

fn entity(content: &str) -> String {
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"https://idp.example\"><Extensions>{content}</Extensions></EntityDescriptor>"
    )
}

/// `text` for each of so many numbers, which stand in place of `#`.
fn repeated(count: usize, text: &str) -> String {
    (0..count).fold(String::new(), |all, number| all + &text.replace('#', &number.to_string()))
}

/// Each entity is ten of the one before: ten thousand million in the end.
fn entity_bomb() -> String {
    let mut declarations = "<!ENTITY e0 'bomb'>".to_owned();
    for number in 1..10 {
        let ten = format!("&e{};", number - 1).repeat(10);
        let _ = write!(declarations, "<!ENTITY e{number} '{ten}'>");
    }
    format!("<!DOCTYPE EntityDescriptor [{declarations}]>{}", entity("&e9;"))
}

#[test]
fn hostile_documents_are_refused_at_a_bounded_cost() {
    let rows = [
        ("an entity bomb", entity_bomb(), "a DOCTYPE"),
        ("an entity without declaration", entity("&e9;"), "an entity that is not declared"),
        (
            "100,000 attributes",
            entity(&format!("<x{}/>", repeated(100_000, " a#=''"))),
            "more than 64 attributes on one element",
        ),
        (
            "1 MB of namespaces on one element",
            entity(&format!("<x{}/>", repeated(40_000, " xmlns:n#='urn:n#'"))),
            "more than 64 attributes on one element",
        ),
        (
            "1 MB of namespaces on elements in each other",
            entity(&repeated(40_000, "<x xmlns:n#='urn:n#'>")),
            "more than 64 namespace declarations in force",
        ),
        (
            "100,000 elements in each other",
            entity(&format!("{}{}", "<x>".repeat(100_000), "</x>".repeat(100_000))),
            "more than 100 elements inside each other",
        ),
        ("a million elements", entity(&"<x/>".repeat(1_000_000)), "more than 50000 nodes"),
        (
            "a name of 1 MB that 1,000 elements have",
            entity(&format!(
                "<x xmlns:n='urn:{}'>{}</x>",
                "n".repeat(1_000_000),
                "<n:x/>".repeat(1000)
            )),
            "more than 8388608 bytes",
        ),
        (
            "50,000 elements in 8 MB",
            entity(&"<long-names:x xmlns:long-names='urn:long:long:long:name'/>".repeat(60_000)),
            "more than",
        ),
        (
            "8 MB in one attribute",
            entity(&format!("<x a='{}'/>", "v".repeat(8 << 20))),
            "bytes in one tag or text",
        ),
        (
            "8 MB in one comment",
            entity(&format!("<!--{}-->", "c".repeat(8 << 20))),
            "bytes in one tag or text",
        ),
    ];
    let origin = serve(rows.iter().map(|(_, document, _)| document.clone()).collect());
    let modules: serde_json::Map<String, Value> = (0..rows.len())
        .map(|number| {
            let module = json!({
                "prober": "saml",
                "targets": [format!("{origin}/{number}")],
                "http": {"body_size_limit": "20MB"},
                "saml": {"role": "idp"},
            });
            (number.to_string(), module)
        })
        .collect();
    let configuration = json!({"modules": modules}).to_string();
    for (number, (name, _, expected)) in rows.iter().enumerate() {
        // A fresh one each: what was freed before would hide what this one takes.
        let exporter = Exporter::start(&configuration);
        let idle = exporter.running.peak_memory();
        let (module, target) = (number.to_string(), format!("{origin}/{number}"));
        let begun = Instant::now();
        let metrics = exporter.probe(&module, &target);
        let (took, more) = (begun.elapsed(), exporter.running.peak_memory() - idle);
        println!("{name}: {took:?}, {more} bytes above idle");
        assert_eq!(story(&metrics), "metadata malformed_xml, certificates -", "{name}\n{metrics}");
        assert!(took < TIME && more < MEMORY, "{name} took {took:?} and {more} bytes");
        let page = format!("{}&debug=true", probe_path(&module, &target));
        let page = get(&exporter.address, &page, "*/*");
        assert!(page.contains(expected), "{name}: {expected}\n{page}");
    }
}
