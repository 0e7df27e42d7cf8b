//! Where each module of a text begins and ends, for texts of the usual form.

/// The text of each module, which is YAML by itself: a key and its value. `None` when the
/// text has another form, or holds no module.
///
/// The usual form is a line `modules:` and below it lines that are all indented; those with the
/// least indent, which the first one has, begin a module. Where such a line is really
/// within something that is open (a text in quotes, brackets), the part before it has no end, and
/// an alias whose anchor stands in another part has none: neither can be read by itself.
pub(super) fn modules(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut top = None;
    let mut indent = None;
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, content) = (at, line.trim_end_matches(['\n', '\r', ' ']));
        at += line.len();
        let spaces = content.len() - content.trim_start_matches(' ').len();
        let rest = content.get(spaces..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        if top.is_none() {
            top = (content == "modules:").then_some(());
            top?;
            continue;
        }
        let indent = *indent.get_or_insert(spaces);
        if spaces < indent || indent == 0 {
            return None;
        }
        if spaces == indent
            && let Some(begun) = begin.replace(start)
        {
            parts.push(text.get(begun..start)?);
        }
    }
    parts.push(text.get(begin?..)?);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_the_next_one_begins() {
        let text = "# c\n\nmodules:\n  # d\n  a:\n    x: |\n      # e\n\n      f\n  \n  b: {y: 1}\n# g\n  c: 1";
        assert_eq!(
            modules(text),
            Some(vec![
                "  a:\n    x: |\n      # e\n\n      f\n  \n",
                "  b: {y: 1}\n# g\n",
                "  c: 1"
            ])
        );
    }

    #[test]
    fn other_forms_are_left_to_others() {
        for text in [
            "",
            "modules:",
            "modules:\n# nothing",
            "modules: {a: 1}",
            "---\nmodules:\n  a: 1",
            "x: &x 1\nmodules:\n  a: *x",
            "modules:\n  a: 1\nx: 1",
            "modules:\n  a: 1\n...\n",
            "modules:\n    a: 1\n  b: 1",
            "modules:\n- a",
            "modules:\na: 1",
            "modules:\n\ta: 1",
        ] {
            assert_eq!(modules(text), None, "{text}");
        }
    }
}
