//! Every message with which the sources refuse a configuration, against the bad files: a rule
//! without a file that breaks it is a rule that nobody has seen work.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::bad::expected_messages;
use crate::program::repository;

/// Where configurations are refused.
const SOURCES: [&str; 12] = [
    "src/config",
    "src/settings",
    "src/modules",
    "src/secret/mod.rs",
    "src/probe/targets.rs",
    "src/probe/request.rs",
    "src/net/tls.rs",
    "src/protocol/jose/key.rs",
    "src/protocol/jose/sign.rs",
    "src/protocol/html/selector.rs",
    "src/protocol/totp.rs",
    "src/protocol/certificate.rs",
];

/// What no configuration file causes.
const ELSEWHERE: [&str; 15] = [
    // Signals of a reader to itself.
    "the path leads elsewhere",
    "the place that is sought",
    "refused",
    // Texts that are no messages.
    "<secret>",
    "x--star--x",
    "urn:ietf:params:oauth:token-type:access_token",
    "1.2.840.113549.1.1.10",
    // An error has a path and a message, a YAML error both from elsewhere.
    "{}{message}",
    // The scrape timeout is a header of a request.
    "X-Prometheus-Scrape-Timeout-Seconds is not a finite positive number",
    // The variables of these tests are text.
    "environment variable {name} is no UTF-8 text",
    // Only when the runtime shuts down.
    "reading was cut off",
    // What the settings take is a proxy.
    "is no proxy",
    // The settings refuse it first.
    "{0} signs with a secret and not with a private key",
    // Only when the cryptographic library fails.
    "the signature could not be made",
    // rustls refuses nothing that can be configured today.
    "TLS cannot be set up: {0}",
];

fn sources(path: &Path, texts: &mut Vec<(String, String)>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            sources(&entry.expect("an entry").path(), texts);
        }
    } else {
        let text = std::fs::read_to_string(path).expect("a source");
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
        texts.push((path.display().to_string(), code));
    }
}

/// The literals in errors, and the arms of a match that an error chooses from.
fn messages(code: &str) -> Vec<String> {
    let literal = r#""((?:[^"\\]|\\.)*)""#;
    let calls = r"\.error\(|custom\(|#\[error\(|Err\(";
    let call = Regex::new(&format!(r"(?s)(?:{calls})\s*(?:format!\(\s*)?{literal}"));
    let constant = Regex::new(&format!(r"const [A-Z_]+: &str\s*=\s*{literal}"));
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let mut found = Vec::new();
    for pattern in [call, constant] {
        for captures in pattern.unwrap().captures_iter(code) {
            found.push(continued.replace_all(&captures[1], "").replace("\\\"", "\""));
        }
    }
    found
}

/// Whether the parts of the message between its placeholders stand in the text, in order.
fn occurs(message: &str, text: &str) -> bool {
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^{}]*\}").unwrap());
    let escaped = message.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut rest = text;
    PLACEHOLDER.split(&escaped).all(|part| {
        let part = part.replace('\u{1}', "{").replace('\u{2}', "}");
        match rest.split_once(part.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        }
    })
}

#[test]
fn every_refusal_has_a_bad_file() {
    let mut texts = Vec::new();
    for source in SOURCES {
        sources(&repository().join(source), &mut texts);
    }
    let expected = expected_messages();
    let mut seen = 0;
    let mut missing = Vec::new();
    for (path, code) in &texts {
        for message in messages(code) {
            seen += 1;
            let known = ELSEWHERE.contains(&message.as_str())
                || expected.iter().any(|expected| occurs(&message, expected));
            if !known {
                missing.push(format!("{path}: {message}"));
            }
        }
    }
    assert!(seen > 80, "{seen} messages found in the sources");
    assert!(missing.is_empty(), "no file in tests/config/bad causes\n{}", missing.join("\n"));
}
