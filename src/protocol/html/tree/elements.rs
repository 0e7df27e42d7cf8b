//! What the HTML standard says of elements by name, as far as the place of a form control
//! depends on it (WHATWG HTML §13.2.4.2, §13.2.6.4.7).

/// The elements that are kept on the stack. Others, custom elements among them, hold nothing
/// back and close nothing but themselves. Sorted, to be searched.
const KNOWN: [&str; 87] = [
    "a",
    "address",
    "applet",
    "article",
    "aside",
    "audio",
    "b",
    "big",
    "blockquote",
    "button",
    "canvas",
    "caption",
    "center",
    "code",
    "datalist",
    "dd",
    "desc",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "foreignobject",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "i",
    "label",
    "legend",
    "li",
    "listing",
    "main",
    "marquee",
    "math",
    "menu",
    "nav",
    "nobr",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "picture",
    "pre",
    "ruby",
    "s",
    "search",
    "section",
    "select",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
];

/// The name of an element that is kept on the stack.
pub(super) fn known(name: &str) -> Option<&'static str> {
    KNOWN.binary_search(&name).ok().and_then(|at| KNOWN.get(at).copied())
}

/// Elements without content and end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that an end tag of an ordinary element does not reach over (§13.2.6.4.7, "any other
/// end tag").
pub(super) fn is_special(name: &str) -> bool {
    !matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "datalist"
            | "em"
            | "font"
            | "i"
            | "label"
            | "legend"
            | "math"
            | "nobr"
            | "noscript"
            | "optgroup"
            | "option"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "svg"
            | "tt"
            | "u"
            | "var"
            | "canvas"
            | "video"
            | "audio"
            | "output"
            | "picture"
    )
}

/// What bounds the scope in which an end tag looks for its element (§13.2.4.2).
pub(super) fn bounds_scope(name: &str) -> bool {
    matches!(
        name,
        "applet"
            | "caption"
            | "desc"
            | "foreignobject"
            | "marquee"
            | "object"
            | "select"
            | "table"
            | "td"
            | "template"
            | "th"
            | "title"
    )
}

/// Elements whose start ends an open paragraph.
pub(super) fn closes_paragraph(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "ul"
            | "xmp"
    )
}

/// The nearest of these is what a part of a table stands in (§13.2.6.4.9 to .14).
pub(super) fn table_context(part: &str) -> &'static [&'static str] {
    match part {
        "td" | "th" => &["tr", "tbody", "tfoot", "thead", "table", "template"],
        "tr" => &["tbody", "tfoot", "thead", "table", "template"],
        _ => &["table", "template"],
    }
}

/// Where a form that begins holds nothing.
pub(super) fn is_table_context(name: &str) -> bool {
    matches!(name, "table" | "tbody" | "tfoot" | "thead" | "tr")
}

/// Elements that end foreign content, SVG and formulas, when they stand in it (§13.2.6.5).
pub(super) fn breaks_out_of_foreign_content(name: &str) -> bool {
    matches!(
        name,
        "b" | "big"
            | "blockquote"
            | "body"
            | "br"
            | "center"
            | "code"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "em"
            | "embed"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "hr"
            | "i"
            | "img"
            | "li"
            | "listing"
            | "menu"
            | "meta"
            | "nobr"
            | "ol"
            | "p"
            | "pre"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "table"
            | "tt"
            | "u"
            | "ul"
            | "var"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_elements_are_sorted() {
        assert!(KNOWN.is_sorted());
        assert_eq!(known("form"), Some("form"));
        assert_eq!(known("app-root"), None);
    }
}
