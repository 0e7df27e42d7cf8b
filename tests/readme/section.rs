//! The parts of the README that follow from something else.

/// What stands in the README between `<!-- NAME -->` and `<!-- /NAME -->`.
fn section(name: &str) -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(file).expect("the README");
    let (opening, closing) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    readme
        .split_once(&opening)
        .and_then(|(_, rest)| rest.split_once(&closing))
        .unwrap_or_else(|| panic!("the README has no section {name}"))
        .0
        .to_owned()
}

/// Fails with what must stand there when something else does.
pub(crate) fn holds(name: &str, expected: &str) {
    assert!(section(name) == expected, "the section {name} of the README must be:\n{expected}");
}
