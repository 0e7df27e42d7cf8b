use super::super::{Document, Limits};
use super::{EXCLUSIVE, INCLUSIVE, Method, RelativeNamespace, canonicalize};

/// The canonical form of the element `c`, or of the root.
fn form(uri: &str, prefixes: &[&str], text: &str) -> Result<String, RelativeNamespace> {
    let document = Document::parse(text.as_bytes(), Limits::DOCUMENT).expect("a document");
    let element = document.elements().find(|e| e.name().local == "c").unwrap_or(document.root());
    let mut method = Method::from_uri(uri).expect("a method");
    method.inclusive_prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    let bytes = canonicalize(element, &method, None)?;
    Ok(String::from_utf8(bytes).expect("UTF-8"))
}

fn is(uri: &str, prefixes: &[&str], text: &str, expected: &str) {
    assert_eq!(form(uri, prefixes, text), Ok(expected.to_owned()), "{uri} {prefixes:?} of {text}");
}

#[test]
fn methods_have_their_identifiers() {
    let method =
        |exclusive, comments| Some(Method { exclusive, comments, inclusive_prefixes: Vec::new() });
    for (uri, expected) in [
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", method(false, false)),
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments", method(false, true)),
        ("http://www.w3.org/2001/10/xml-exc-c14n#", method(true, false)),
        ("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", method(true, true)),
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315WithComments", None),
        ("http://www.w3.org/2001/10/xml-exc-c14n", None),
        ("http://www.w3.org/2006/12/xml-c14n11", None),
        ("", None),
    ] {
        assert_eq!(Method::from_uri(uri), expected, "{uri}");
    }
}

#[test]
fn tags_and_references_are_written_in_one_way() {
    let text = "<?xml version='1.0'?><!-- x --><a  d='&quot;&lt;>&amp;&#9;&#10;&#13;&apos;'\n\
        b = '1' ><b/>&#x26;&lt;&gt;&quot;&#13;\r\n<![CDATA[<>&]]><?p  q ?><?r?><!-- y --></a >";
    let expected = "<a b=\"1\" d=\"&quot;&lt;>&amp;&#x9;&#xA;&#xD;'\"><b></b>&amp;&lt;&gt;\"&#xD;\n\
        &lt;&gt;&amp;<?p q ?><?r?></a>";
    is(EXCLUSIVE, &[], text, expected);
    is(INCLUSIVE, &[], text, expected);
    let expected = expected.replace("</a>", "<!-- y --></a>");
    is("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", &[], text, &expected);
}

#[test]
fn attributes_are_in_the_order_of_their_namespaces() {
    let text = "<a xmlns:p='urn:2' xmlns:q='urn:1' p:b='' q:z='' d='' xml:lang='en' C=''/>";
    let expected = "<a xmlns:p=\"urn:2\" xmlns:q=\"urn:1\" C=\"\" d=\"\" xml:lang=\"en\" q:z=\"\" \
        p:b=\"\"></a>";
    is(EXCLUSIVE, &[], text, expected);
}

#[test]
fn the_exclusive_form_has_the_namespaces_that_are_used() {
    let text =
        "<a xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q'><p:c r='1'><d q:e=''/><p:f/></p:c></a>";
    let expected = "<p:c xmlns:p=\"urn:p\" r=\"1\"><d xmlns=\"urn:d\" xmlns:q=\"urn:q\" q:e=\"\"></d>\
        <p:f></p:f></p:c>";
    is(EXCLUSIVE, &[], text, expected);
}

#[test]
fn prefixes_of_the_list_are_written_where_they_are_in_force() {
    let text =
        "<a xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q'><p:c><d xmlns:q='urn:z'/></p:c></a>";
    let expected = "<p:c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\">\
        <d xmlns:q=\"urn:z\"></d></p:c>";
    is(EXCLUSIVE, &["", "q", "unknown", "xml"], text, expected);
}

#[test]
fn the_inclusive_form_has_all_namespaces_and_what_xml_attributes_ancestors_have() {
    let text = "<a xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q' xml:lang='en' xml:base='u'>\
        <b xml:lang='de' xmlns:q='urn:r'><p:c xml:space='preserve' z='1'><d xmlns:q='urn:r' \
        xmlns:p='urn:s'/></p:c></b></a>";
    let expected = "<p:c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:r\" z=\"1\" \
        xml:base=\"u\" xml:lang=\"de\" xml:space=\"preserve\"><d xmlns:p=\"urn:s\"></d></p:c>";
    is(INCLUSIVE, &[], text, expected);
}

#[test]
fn a_default_namespace_that_was_taken_away_is_said_once() {
    let text = "<a xmlns='urn:d'><b xmlns=''><c/></b></a>";
    is(EXCLUSIVE, &[], text, "<c></c>");
    is(INCLUSIVE, &[], text, "<c></c>");
    let text = "<c xmlns='urn:d'><b xmlns=''><e xmlns=''/><f xmlns='urn:d'/></b></c>";
    let expected = "<c xmlns=\"urn:d\"><b xmlns=\"\"><e></e><f xmlns=\"urn:d\"></f></b></c>";
    is(EXCLUSIVE, &[], text, expected);
    is(INCLUSIVE, &[], text, expected);
}

#[test]
fn a_prefix_is_written_again_where_it_means_something_else() {
    let text = "<p:c xmlns:p='urn:1'><p:d xmlns:p='urn:2'><p:e xmlns:p='urn:1'/></p:d><p:f/></p:c>";
    let expected = "<p:c xmlns:p=\"urn:1\"><p:d xmlns:p=\"urn:2\"><p:e xmlns:p=\"urn:1\"></p:e></p:d>\
        <p:f></p:f></p:c>";
    is(EXCLUSIVE, &[], text, expected);
    is(INCLUSIVE, &[], text, expected);
}

#[test]
fn a_relative_namespace_has_no_canonical_form() {
    for text in ["<c xmlns='relative'/>", "<c xmlns:p='../x' p:a=''/>", "<c xmlns='1a:b'/>"] {
        assert_eq!(form(EXCLUSIVE, &[], text), Err(RelativeNamespace), "{text}");
    }
    is(EXCLUSIVE, &[], "<c xmlns:p='relative'/>", "<c></c>");
}

/// The example of Exclusive XML Canonicalization §2.2, in other words: the same element in two
/// surroundings has one exclusive form and two inclusive ones.
#[test]
fn the_exclusive_form_does_not_depend_on_the_surroundings() {
    let one = "<n:a xmlns:n='urn:1' xml:lang='en'><m:c xmlns:m='urn:m' b='x'/></n:a>";
    let two = "<z:a xmlns:z='urn:2'><m:c xmlns:m='urn:m' b='x'/></z:a>";
    let expected = "<m:c xmlns:m=\"urn:m\" b=\"x\"></m:c>";
    is(EXCLUSIVE, &[], one, expected);
    is(EXCLUSIVE, &[], two, expected);
    let expected = "<m:c xmlns:m=\"urn:m\" xmlns:n=\"urn:1\" b=\"x\" xml:lang=\"en\"></m:c>";
    is(INCLUSIVE, &[], one, expected);
    let expected = "<m:c xmlns:m=\"urn:m\" xmlns:z=\"urn:2\" b=\"x\"></m:c>";
    is(INCLUSIVE, &[], two, expected);
}
