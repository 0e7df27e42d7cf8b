//! A response that nobody signed as it is, for service providers to refuse.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::{Captures, Regex};

/// The `SAMLResponse` of a form with other IDs, as of a message that nobody has seen yet, and with a
/// byte of each signature changed, and of what is encrypted, since signatures stand in there too.
/// `None` for what is no XML in UTF-8, or has no ID.
#[must_use]
pub fn forged(posted: &str) -> Option<String> {
    static ID: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"\sID\s*=\s*["']([^"'&]+)["']"#).ok());
    static SIGNATURE: LazyLock<Option<Regex>> = LazyLock::new(|| beginning_of("SignatureValue"));
    static ENCRYPTED: LazyLock<Option<Regex>> = LazyLock::new(|| beginning_of("CipherValue"));
    let mut xml = String::from_utf8(super::from_post_value(posted).ok()?).ok()?;
    let encrypted = xml.contains("EncryptedAssertion");
    let another = |found: &Captures<'_>| {
        let first = if &found[2] == "A" { "B" } else { "A" };
        format!("{}{first}", &found[1])
    };
    xml = SIGNATURE.as_ref()?.replace_all(&xml, another).into_owned();
    if encrypted {
        xml = ENCRYPTED.as_ref()?.replace_all(&xml, another).into_owned();
    }
    let ids: Vec<String> =
        ID.as_ref()?.captures_iter(&xml).map(|found| found[1].to_owned()).collect();
    for id in &ids {
        // Where it is named, as in what the signature refers to, it is another one too.
        xml = xml.replace(id.as_str(), &format!("{id}f"));
    }
    (!ids.is_empty()).then(|| STANDARD.encode(xml))
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
    fn every_signature_and_id_is_another_one_and_all_else_as_it_was() {
        for (xml, expected) in [
            (
                "<R ID='_r'><ds:Reference URI='#_r'/><ds:SignatureValue>QUJD</ds:SignatureValue>\
                 <A\n ID=\"_a\"><SignatureValue Id='x'>\n  ABCD\n</SignatureValue></A></R>",
                Some(
                    "<R ID='_rf'><ds:Reference URI='#_rf'/><ds:SignatureValue>AUJD</ds:SignatureValue>\
                     <A\n ID=\"_af\"><SignatureValue Id='x'>\n  BBCD\n</SignatureValue></A></R>",
                ),
            ),
            (
                "<R ID='_r'><SignatureValue>QUJD</SignatureValue><EncryptedAssertion>\
                 <xenc:CipherValue>QUJD</xenc:CipherValue></EncryptedAssertion></R>",
                Some(
                    "<R ID='_rf'><SignatureValue>AUJD</SignatureValue><EncryptedAssertion>\
                     <xenc:CipherValue>AUJD</xenc:CipherValue></EncryptedAssertion></R>",
                ),
            ),
            // Its signature does not fit any more, however it is written.
            (
                "<R ID='_r'><SignatureValue>&#65;UJD</SignatureValue></R>",
                Some("<R ID='_rf'><SignatureValue>&#65;UJD</SignatureValue></R>"),
            ),
            ("<R><SignatureValue>QUJD</SignatureValue></R>", None),
        ] {
            assert_eq!(of(xml).as_deref(), expected, "{xml}");
        }
    }
}
