//! A response that nobody signed as it is, for service providers to refuse.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::{Captures, Regex};

/// The `SAMLResponse` of a form with a byte of each signature changed, or of what is encrypted where
/// no signature stands outside of that. `None` when it has neither.
#[must_use]
pub fn forged(posted: &str) -> Option<String> {
    static SIGNATURE: LazyLock<Option<Regex>> = LazyLock::new(|| beginning_of("SignatureValue"));
    static ENCRYPTED: LazyLock<Option<Regex>> = LazyLock::new(|| beginning_of("CipherValue"));
    let xml = String::from_utf8(super::from_post_value(posted).ok()?).ok()?;
    let value = [&SIGNATURE, &ENCRYPTED]
        .into_iter()
        .find_map(|value| value.as_ref().filter(|value| value.is_match(&xml)))?;
    let another = |found: &Captures<'_>| {
        let first = if &found[2] == "A" { "B" } else { "A" };
        format!("{}{first}", &found[1])
    };
    Some(STANDARD.encode(value.replace_all(&xml, another).as_ref()))
}

/// The start of such an element and the first character of its base64, which is of its first byte.
fn beginning_of(element: &str) -> Option<Regex> {
    Regex::new(&format!(r"(<(?:[\w.-]+:)?{element}(?:\s[^>]*)?>\s*)([A-Za-z0-9+/])")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(xml: &str) -> Option<String> {
        let forged = forged(&STANDARD.encode(xml))?;
        Some(String::from_utf8(STANDARD.decode(forged).expect("base64")).expect("text"))
    }

    #[test]
    fn every_signature_is_another_one_and_all_else_as_it_was() {
        for (xml, expected) in [
            (
                "<R><ds:SignatureValue>QUJD</ds:SignatureValue><A><SignatureValue Id='x'>\n  ABCD\n</SignatureValue></A></R>",
                Some(
                    "<R><ds:SignatureValue>AUJD</ds:SignatureValue><A><SignatureValue Id='x'>\n  BBCD\n</SignatureValue></A></R>",
                ),
            ),
            (
                "<R><xenc:CipherValue>QUJD</xenc:CipherValue></R>",
                Some("<R><xenc:CipherValue>AUJD</xenc:CipherValue></R>"),
            ),
            ("<R>SignatureValue</R>", None),
            ("<R a=' SignatureValue>x'/>", None),
            ("<R><SignatureValue/></R>", None),
        ] {
            assert_eq!(of(xml).as_deref(), expected, "{xml}");
        }
    }
}
