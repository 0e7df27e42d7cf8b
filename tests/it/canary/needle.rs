//! Looks for a secret in a text, however it is encoded.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A text, and what percent-decoding makes of it: that encoding may be nested.
pub(super) struct Haystack(Vec<String>);

impl Haystack {
    pub(super) fn new(text: &str) -> Self {
        let mut layers = vec![text.to_owned()];
        for _ in 0..2 {
            let decoded = percent_decoded(layers.last().expect("a layer"));
            if layers.last() == Some(&decoded) {
                break;
            }
            layers.push(decoded);
        }
        Self(layers)
    }

    /// How the secret is in the text, if it is. The secret has letters and digits alone, which
    /// JSON, HTML, form and logfmt leave as they are.
    pub(super) fn found(&self, secret: &str) -> Option<&'static str> {
        let encodings = encodings(secret);
        self.0.iter().find_map(|text| {
            let found = encodings.iter().find(|(_, encoded)| text.contains(encoded));
            found.map(|(encoding, _)| *encoding)
        })
    }
}

/// How the secret is in the text, if it is.
pub(super) fn found(secret: &str, text: &str) -> Option<&'static str> {
    Haystack::new(text).found(secret)
}

fn encodings(secret: &str) -> Vec<(&'static str, String)> {
    let mut encodings = vec![
        ("plain", secret.to_owned()),
        ("lower case", secret.to_lowercase()),
        ("hexadecimal", format!("{:02x?}", secret.as_bytes()).replace(['[', ']', ',', ' '], "")),
    ];
    // Where the secret stands in a longer text decides how its bytes meet the groups of three.
    for before in ["", "x", "xx"] {
        let text = format!("{before}{secret}");
        // The first and last characters of a group depend on what is beside the secret.
        let inner = |encoded: String| {
            let first = (before.len() * 8).div_ceil(6);
            encoded[first..text.len() * 8 / 6].to_owned()
        };
        encodings.push(("base64", inner(STANDARD_NO_PAD.encode(&text))));
        encodings.push(("base64url", inner(URL_SAFE_NO_PAD.encode(&text))));
    }
    encodings
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[test]
fn the_needle_is_found_in_every_encoding() {
    let secret = "canary1q7x9";
    for text in [
        "a canary1q7x9 b",
        "a=%63anary1q7x9",
        "%2563anary1q7x9",
        "63616e6172793171377839",
        // "canary1q7x9", "user:canary1q7x9" and "ab:canary1q7x9!" in base64
        "Y2FuYXJ5MXE3eDk=",
        "Basic dXNlcjpjYW5hcnkxcTd4OQ==",
        "YWI6Y2FuYXJ5MXE3eDkh",
        "Basic%20dXNlcjpjYW5hcnkxcTd4OQ%3D%3D",
    ] {
        assert!(found(secret, text).is_some(), "{text}");
    }
    for text in ["", "canary1q7x", "<secret>"] {
        assert_eq!(found(secret, text), None);
    }
}
