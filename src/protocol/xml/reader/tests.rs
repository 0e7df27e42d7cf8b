use std::fmt::Write as _;

use super::super::{Bound, Event, Limits, Problem, Reader, XmlError};

/// The events of a document that arrives in pieces of this size, one line each.
fn events_in(text: &[u8], piece: usize, limits: Limits) -> Result<String, XmlError> {
    let mut reader = Reader::new(limits);
    let mut lines = String::new();
    for bytes in text.chunks(piece) {
        reader.push(bytes)?;
        read(&mut reader, &mut lines)?;
    }
    reader.end();
    read(&mut reader, &mut lines)?;
    Ok(lines)
}

fn read(reader: &mut Reader, lines: &mut String) -> Result<(), XmlError> {
    while let Some(event) = reader.next()? {
        let line = match event {
            Event::Start(start) => {
                let mut line = format!("start {}", name(&start.name));
                for attribute in &start.attributes {
                    let name = name(&attribute.name);
                    let _ = write!(line, " {name}={:?}", attribute.value);
                }
                line
            }
            Event::End(name) => format!("end {name}"),
            Event::Text(text) => format!("text {text:?}"),
            Event::Comment(text) => format!("comment {text:?}"),
            Event::Instruction { target, data } => format!("instruction {target} {data:?}"),
        };
        *lines += &line;
        lines.push('\n');
    }
    Ok(())
}

fn name(name: &super::Name<'_>) -> String {
    match name.namespace {
        "" => name.local.to_owned(),
        namespace => format!("{{{namespace}}}{}", name.local),
    }
}

/// The events, the same however the document is cut.
fn events(text: &str) -> Result<String, Problem> {
    let whole = events_in(text.as_bytes(), usize::MAX, Limits::DOCUMENT);
    for piece in 1..8 {
        assert_eq!(events_in(text.as_bytes(), piece, Limits::DOCUMENT), whole, "pieces of {piece}");
    }
    whole.map_err(|error| error.problem)
}

fn refusal(text: &str) -> Problem {
    match events(text) {
        Ok(events) => panic!("{text} was read:\n{events}"),
        Err(problem) => problem,
    }
}

#[test]
fn a_document_becomes_events() {
    let text = "\u{feff}<?xml version=\"1.0\" encoding='UTF-8' standalone=\"yes\" ?>\n\
        <!-- before --><?style a b?>\n\
        <a xmlns='urn:a' xmlns:p=\"urn:p\" p:z='1' b = \"2\">\n\
        <p:b\n/>x<!-- in -->y<![CDATA[<&]]]]><?go?></a >\r\n<!-- after -->\n";
    let expected = "comment \" before \"\n\
        instruction style \"a b\"\n\
        start {urn:a}a b=\"2\" {urn:p}z=\"1\"\n\
        text \"\\n\"\n\
        start {urn:p}b\n\
        end p:b\n\
        text \"x\"\n\
        comment \" in \"\n\
        text \"y\"\n\
        text \"<&]]\"\n\
        instruction go \"\"\n\
        end a\n\
        comment \" after \"\n";
    assert_eq!(events(text), Ok(expected.to_owned()));
}

#[test]
fn references_and_line_ends_are_resolved_and_white_space_of_attributes_becomes_spaces() {
    let text = "<a b='&lt;&#x41;&#66;&amp;lt;\t\r\n\r&#9;&#13;'>&gt;\r\n\r&quot;&apos;&#x1F600;<!--\r\n--></a>";
    let expected = "start a b=\"<AB&lt;   \\t\\r\"\n\
        text \">\\n\\n\\\"'\u{1f600}\"\n\
        comment \"\\n\"\n\
        end a\n";
    assert_eq!(events(text), Ok(expected.to_owned()));
}

#[test]
fn a_default_namespace_holds_for_elements_and_can_be_taken_away() {
    let text = "<a xmlns='urn:a' c='1'><b xmlns=''><c/></b><d/></a>";
    let expected = "start {urn:a}a c=\"1\"\nstart b\nstart c\nend c\nend b\n\
        start {urn:a}d\nend d\nend a\n";
    assert_eq!(events(text), Ok(expected.to_owned()));
}

#[test]
fn a_prefix_is_what_the_nearest_declaration_says() {
    let text = "<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2' p:c=''/><p:d xml:lang='en'/></p:a>";
    let expected = "start {urn:1}a\nstart {urn:2}b {urn:2}c=\"\"\nend p:b\n\
        start {urn:1}d {http://www.w3.org/XML/1998/namespace}lang=\"en\"\nend p:d\nend p:a\n";
    assert_eq!(events(text), Ok(expected.to_owned()));
}

#[test]
fn what_brings_entities_is_refused() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<!doctype a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a><!DOCTYPE a></a>",
    ] {
        assert_eq!(refusal(text), Problem::Doctype, "{text}");
    }
    for text in ["<a>&b;</a>", "<a b='&nbsp;'/>", "<a>&</a>", "<a>& </a>", "<a>&;</a>"] {
        assert_eq!(refusal(text), Problem::Entity, "{text}");
    }
    for text in ["<a><!ENTITY b 'c'></a>", "<!ELEMENT a ANY><a/>", "<a><![INCLUDE[]]></a>"] {
        assert!(matches!(refusal(text), Problem::Syntax(_)), "{text}");
    }
}

#[test]
fn characters_that_xml_does_not_have_are_refused() {
    for text in [
        "<a>\u{0}</a>",
        "<a>\u{8}</a>",
        "<a b='\u{1f}'/>",
        "<a><!--\u{b}--></a>",
        "<a><![CDATA[\u{c}]]></a>",
        "<a>\u{fffe}</a>",
        "<a>\u{ffff}</a>",
        "<a>&#0;</a>",
        "<a>&#x1F;</a>",
        "<a>&#xD800;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#x110000;</a>",
        "<a>&#99999999999999999999;</a>",
        "<a>&#;</a>",
        "<a>&#x;</a>",
        "<a>&#+65;</a>",
        "<a>&#-65;</a>",
        "<a>&#xG;</a>",
        "<a>&#1F;</a>",
    ] {
        assert_eq!(refusal(text), Problem::Character, "{text:?}");
    }
    assert!(events("<a>\u{7f}\u{85}\u{fffd}\u{efff}&#xFFFD;&#x10FFFF;</a>").is_ok());
}

#[test]
fn other_encodings_and_versions_are_refused() {
    let utf16: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [&[0xff, 0xfe], utf16.as_slice()].concat();
    for bytes in [
        utf16.as_slice(),
        marked.as_slice(),
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        b"<?xml version='1.0' encoding='UTF-16'?><a/>",
        b"<a>\xe4</a>",
        b"<a>\xc0\x80</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a/>\xc3",
    ] {
        for piece in [1, 2, 3, 1000] {
            let error = events_in(bytes, piece, Limits::DOCUMENT).map_err(|error| error.problem);
            assert_eq!(error, Err(Problem::Encoding), "{bytes:?} in {piece}");
        }
    }
    assert_eq!(refusal("<?xml version='1.1'?><a/>"), Problem::Version);
}

/// What comes first is told, and not what happens to arrive together.
#[test]
fn an_earlier_mistake_is_told_before_a_wrong_byte() {
    for (bytes, problem, offset) in [
        (&b"<a>0123</b>\xff"[..], Problem::TagMismatch, 7),
        (b"<a>0123</a>x\xff", Problem::Encoding, 12),
        (b"<a>01234567\xff</b>", Problem::Encoding, 11),
        (b"<a b='c' d='\xff", Problem::Encoding, 12),
    ] {
        for piece in [1, 2, 3, 1000] {
            let error = events_in(bytes, piece, Limits::DOCUMENT);
            assert_eq!(error, Err(XmlError { problem, offset }), "{bytes:?} in {piece}");
        }
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "<?xml version='1.0' encoding='UTF-8' encoding='UTF-8'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        " <?xml version='1.0'?><a/>",
        "x<a/>",
        "<a/>x",
        "<a/><b/>",
        "<a/><![CDATA[]]>",
        "<a b></a>",
        "<a b=c></a>",
        "<a b='1'c='2'/>",
        "<a b=\"<\"/>",
        "<a>]]></a>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><?xml version='1.0'?></a>",
        "<a><? b?></a>",
        "<a><??></a>",
    ] {
        let problem = refusal(text);
        assert!(matches!(problem, Problem::Syntax(_)), "{text}: {problem}");
    }
    for text in ["<a></b>", "<a></a b>", "<a></ a>", "<a><b></a></b>", "</a>", "<a/></a>"] {
        assert_eq!(refusal(text), Problem::TagMismatch, "{text}");
    }
    for text in ["", " ", "<", "<a", "<a>", "<a><b/>", "<a><!--", "<a>x", "<!-- -->", "<a b='>"] {
        assert_eq!(refusal(text), Problem::Truncated, "{text}");
    }
}

#[test]
fn names_that_are_none_are_refused() {
    for text in [
        "< a/>",
        "<1/>",
        "<-a/>",
        "<a\u{d7}/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c xmlns:a='urn:a'/>",
        "<a 1='2'/>",
        "<a :b='2'/>",
        "<a ='2'/>",
        "<a/b/>",
        "<a//>",
        "<>",
        "</>",
    ] {
        let problem = refusal(text);
        assert!(matches!(problem, Problem::Name | Problem::TagMismatch), "{text}: {problem}");
    }
    assert!(events("<\u{c4}-1._\u{b7} \u{65e5}='1'/>").is_ok());
}

#[test]
fn namespaces_that_are_not_well_formed_are_refused() {
    for text in ["<p:a/>", "<a p:b='1'/>", "<a><b xmlns:p='urn:p'/><p:c/></a>", "<xmlns:a/>"] {
        assert_eq!(refusal(text), Problem::UndeclaredPrefix, "{text}");
    }
    for text in [
        "<a xmlns:p=''/>",
        "<a xmlns:xml='urn:a'/>",
        "<a xmlns:xmlns='urn:a'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
    ] {
        assert_eq!(refusal(text), Problem::Declaration, "{text}");
    }
    for text in [
        "<a b='1' b='2'/>",
        "<a xmlns='urn:a' xmlns='urn:b'/>",
        "<a xmlns:p='urn:a' xmlns:p='urn:a'/>",
        "<a xmlns:p='urn:a' xmlns:q='urn:a' p:b='1' q:b='2'/>",
    ] {
        assert_eq!(refusal(text), Problem::DuplicateAttribute, "{text}");
    }
    assert!(
        events("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns:p='urn:a' b='' p:b=''/>")
            .is_ok()
    );
}

const SMALL: Limits =
    Limits { bytes: 1000, token: 100, nodes: 20, depth: 5, attributes: 4, namespaces: 6 };

#[test]
fn every_bound_holds_and_is_reached() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let attributes = |names: &str| {
        let all: Vec<String> = names.chars().map(|name| format!("{name}=''")).collect();
        format!("<a {}/>", all.join(" "))
    };
    let namespaces = |prefixes: &str| {
        let all: Vec<String> =
            prefixes.chars().map(|p| format!("<a xmlns:{p}='u' xmlns:{p}2='u'>")).collect();
        format!("{}{}", all.join(""), "</a>".repeat(prefixes.len()))
    };
    let long = |length: usize| format!("<a>{}</a>", "x".repeat(length));
    let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    let bytes = Limits { bytes: 50, ..SMALL };
    let spaced = |count: usize| format!("<a/>{}", " ".repeat(count));
    for (fits, over, limits, bound, most) in [
        (nested(5), nested(6), SMALL, Bound::Depth, 5),
        (attributes("bcde"), attributes("bcdef"), SMALL, Bound::Attributes, 4),
        (namespaces("pqr"), namespaces("pqrs"), SMALL, Bound::Namespaces, 6),
        (long(100), long(101), SMALL, Bound::Token, 100),
        (many(19), many(20), SMALL, Bound::Nodes, 20),
        (spaced(46), spaced(47), bytes, Bound::Bytes, 50),
    ] {
        for piece in [1, 7, 5000] {
            assert!(events_in(fits.as_bytes(), piece, limits).is_ok(), "{fits}");
            let error = events_in(over.as_bytes(), piece, limits).map_err(|error| error.problem);
            assert_eq!(error, Err(Problem::Limit { bound, most }), "{over}");
        }
    }
}

/// A token that never ends is refused as soon as it is longer than it may be.
#[test]
fn what_never_ends_is_bounded() {
    for start in ["<a b='", "<a ", "<!--", "<a><![CDATA[", "<?b ", "<a>", "</a"] {
        let mut reader = Reader::new(SMALL);
        let mut lines = String::new();
        let mut pushed = 0;
        let error = loop {
            let piece = if pushed == 0 { start } else { "x " };
            pushed += piece.len();
            if let Err(error) =
                reader.push(piece.as_bytes()).and_then(|()| read(&mut reader, &mut lines))
            {
                break error.problem;
            }
        };
        assert_eq!(error, Problem::Limit { bound: Bound::Token, most: 100 }, "{start}");
        assert!(pushed < 110, "{start}: {pushed}");
    }
}

#[test]
fn an_error_says_where() {
    let error = events_in(b"<a>\n<b>&x;</b></a>", 3, Limits::DOCUMENT).expect_err("an entity");
    assert_eq!(error, XmlError { problem: Problem::Entity, offset: 7 });
    assert_eq!(
        error.to_string(),
        "a reference to an entity that is not declared (XML §4.1), at byte 7"
    );
}
