//! Finds secrets in text, however they are encoded, and hides them.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use super::PLACEHOLDER;

/// A shorter secret would be found in innocent text. It is hidden by its place
/// alone, and text that came from a server is withheld altogether.
pub const SHORTEST_FOUND_IN_TEXT: usize = 8;

/// Longest text of a server that is kept.
const MAX_FOREIGN: usize = 400;

/// Bytes that are compared for one text: a tenth of a second. Those of a server may be made to be
/// like its cookies.
const MOST_EFFORT: usize = 20_000_000;

/// How often a match turns back at one place of a text.
const MOST_TURNS: usize = 64;

/// Longest hexadecimal reference of one encoded byte that is followed.
const MAX_REFERENCE: usize = 8;

/// The secrets of a module and of one probe, to be hidden in everything that is kept of it.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<Vec<Needle>>,
    /// Values learnt during one probe.
    learnt: Vec<Needle>,
    has_short: bool,
}

#[derive(Clone)]
struct Needle {
    plain: Vec<u8>,
    /// Base64 of the value wherever it begins in a group of three bytes, without
    /// the characters that depend on its neighbours: so it is found in a Basic
    /// pair or any longer text that was encoded as a whole. Worked out for the first text
    /// that is long enough: most tokens are longer than all that is said of their probe.
    base64: OnceLock<Vec<String>>,
}

impl Needle {
    fn new(value: &str) -> Self {
        Self { plain: value.as_bytes().to_vec(), base64: OnceLock::new() }
    }

    fn base64(&self) -> &[String] {
        self.base64.get_or_init(|| {
            let mut forms = Vec::new();
            for offset in 0..3_usize {
                let mut shifted = vec![0; offset];
                shifted.extend_from_slice(&self.plain);
                let encoded = STANDARD_NO_PAD.encode(&shifted);
                // Whole sextets that hold bits of the value alone.
                let start = (offset * 8).div_ceil(6);
                let end = shifted.len() * 8 / 6;
                let inner = encoded.get(start..end).unwrap_or_default();
                forms.push(inner.to_owned());
                // The other alphabet differs in two characters (RFC 4648 §5).
                if inner.contains(['+', '/']) {
                    forms.push(inner.replace('+', "-").replace('/', "_"));
                }
            }
            forms
        })
    }

    /// Length of the text at its beginning that stands for the secret.
    fn match_start(&self, text: &[u8], effort: &Cell<usize>) -> Option<usize> {
        // No encoding is shorter than the value, from the shortest that is looked for on.
        if text.len() < self.plain.len() {
            return None;
        }
        // Asked at each character of each line: the first byte decides nearly always.
        let first = *text.first()?;
        let begins = self.plain.first().is_some_and(|wanted| first.eq_ignore_ascii_case(wanted))
            || matches!(first, b'%' | b'+' | b'\\' | b'&');
        self.base64()
            .iter()
            .find(|encoded| {
                encoded.as_bytes().first() == Some(&first) && text.starts_with(encoded.as_bytes())
            })
            .map(String::len)
            .or_else(|| if begins { self.match_bytes(text, effort) } else { None })
    }

    /// Byte by byte: each may stand for itself, or in one of the encodings. Where both can be, as
    /// with a secret that holds `%25`, the other way is taken when the first one leads nowhere.
    fn match_bytes(&self, text: &[u8], effort: &Cell<usize>) -> Option<usize> {
        let (mut at, mut matched) = (0, 0);
        let mut other_ways = Vec::new();
        let mut turns = MOST_TURNS;
        while let Some(wanted) = self.plain.get(matched) {
            effort.set(effort.get().saturating_sub(1));
            let rest = text.get(at..).unwrap_or_default();
            let itself = rest.first().filter(|found| found.eq_ignore_ascii_case(wanted)).map(|_| 1);
            (at, matched) = match (encoded_byte(rest, *wanted), itself) {
                (Some(length), other) => {
                    if other.is_some_and(|other| other != length) {
                        other_ways.push((at + 1, matched + 1));
                    }
                    (at + length, matched + 1)
                }
                (None, Some(length)) => (at + length, matched + 1),
                (None, None) => {
                    turns -= 1;
                    other_ways.pop().filter(|_| turns > 0)?
                }
            };
        }
        Some(at)
    }
}

/// Length of the text at its beginning that stands for the byte `wanted` in
/// percent-encoding, in form-encoding, escaped in JSON or as an HTML character reference.
fn encoded_byte(text: &[u8], wanted: u8) -> Option<usize> {
    let first = *text.first()?;
    let hex = |digits: Option<&[u8]>| {
        digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .is_some_and(|value| value == u32::from(wanted))
    };
    match first {
        b'%' if hex(text.get(1..3)) => Some(3),
        b'+' if wanted == b' ' => Some(1),
        b'\\' if text.get(1) == Some(&b'u') && hex(text.get(2..6)) => Some(6),
        b'\\' if text.get(1).is_some_and(|c| *c == wanted) && b"\"\\/'".contains(&wanted) => {
            Some(2)
        }
        b'\\' => match (text.get(1), wanted) {
            (Some(b'n'), b'\n') | (Some(b't'), b'\t') | (Some(b'r'), b'\r') => Some(2),
            _ => None,
        },
        b'&' => character_reference(text, wanted),
        _ => None,
    }
}

fn character_reference(text: &[u8], wanted: u8) -> Option<usize> {
    let end = text.iter().take(MAX_REFERENCE).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(text.get(1..end)?).ok()?;
    let value = match name {
        "amp" => u32::from(b'&'),
        "lt" => u32::from(b'<'),
        "gt" => u32::from(b'>'),
        "quot" => u32::from(b'"'),
        "apos" => u32::from(b'\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            }
        }
    };
    (value == u32::from(wanted)).then_some(end + 1)
}

/// The password of a Basic credential (RFC 7617 §2), which a server decodes and may repeat.
fn basic_password(value: &str) -> Option<String> {
    let (scheme, credential) = value.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("Basic");
    let pair = STANDARD.decode(is_basic.then_some(credential)?.trim()).ok()?;
    Some(String::from_utf8(pair).ok()?.split_once(':')?.1.to_owned())
}

/// Secrets within a secret: the credential after its scheme (RFC 9110 §11.4) and the password
/// in it, the values of a form, of cookies, and the texts of a JSON body.
fn parts(value: &str) -> Vec<String> {
    if let Ok(json) = serde_json::from_str::<Value>(value) {
        let mut texts = Vec::new();
        collect_texts(json, &mut texts);
        return texts;
    }
    if let Some((scheme, credential)) = value.split_once(' ')
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        let credential = credential.trim().to_owned();
        return std::iter::once(credential).chain(basic_password(value)).collect();
    }
    let pairs = value.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| -> Option<String> {
        let text = format!("={}", text.trim());
        let mut pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(_, value)| value.into_owned())
    };
    pairs.flat_map(|(_, text)| [Some(text.trim().to_owned()), decoded(text)]).flatten().collect()
}

fn collect_texts(json: Value, texts: &mut Vec<String>) {
    match json {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => {
            members.into_iter().for_each(|(_, member)| collect_texts(member, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Redactor {
    /// Hides these values, and says of the short ones only that there are some.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        for value in values {
            redactor.learn(value);
        }
        redactor.needles = Arc::new(std::mem::take(&mut redactor.learnt));
        redactor
    }

    /// Hides one more value from now on, as a token that was just received, and what it is
    /// made of: a server may repeat a part alone.
    pub fn learn(&mut self, value: &str) {
        if value.len() < SHORTEST_FOUND_IN_TEXT {
            self.has_short |= !value.is_empty();
        } else if !self.knows(value) {
            self.learnt.push(Needle::new(value));
            self.has_short |= basic_password(value)
                .is_some_and(|password| (1..SHORTEST_FOUND_IN_TEXT).contains(&password.len()));
            for part in parts(value) {
                if part.len() >= SHORTEST_FOUND_IN_TEXT && !self.knows(&part) {
                    self.learnt.push(Needle::new(&part));
                }
            }
        }
    }

    /// Hides a one-time code from now on. It is short, but its digits stand in other text too
    /// seldom to withhold all that a server says.
    pub fn learn_code(&mut self, digits: &str) {
        if !digits.is_empty() && !self.knows(digits) {
            self.learnt.push(Needle::new(digits));
        }
    }

    fn knows(&self, value: &str) -> bool {
        self.all().any(|needle| needle.plain == value.as_bytes())
    }

    fn all(&self) -> impl Iterator<Item = &Needle> {
        self.needles.iter().chain(&self.learnt)
    }

    /// The text with every known secret replaced.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        // Where the text begins that is not copied yet.
        let mut begin = 0;
        let effort = Cell::new(MOST_EFFORT);
        for (at, _) in text.char_indices() {
            // Within a secret.
            if at < begin {
                continue;
            }
            let rest = text.as_bytes().get(at..).unwrap_or_default();
            // The longest match, so that of two secrets where one begins the other nothing stays.
            let hidden = self.all().filter_map(|needle| needle.match_start(rest, &effort)).max();
            if effort.get() == 0 {
                // Somebody sent what is like its secrets nearly everywhere: no more of it is shown.
                clean.push_str(text.get(begin..at).unwrap_or_default());
                clean.push_str(PLACEHOLDER);
                return clean;
            }
            // A match ends where a character does, as the secret itself.
            if let Some(after) = hidden.map(|length| at + length)
                && text.is_char_boundary(after)
            {
                clean.push_str(text.get(begin..at).unwrap_or_default());
                clean.push_str(PLACEHOLDER);
                begin = after;
            }
        }
        clean.push_str(text.get(begin..).unwrap_or_default());
        clean
    }

    /// Text that a server sent: on one line, bounded, and redacted; withheld
    /// when the module has a secret too short to be found in it.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        if self.has_short {
            return "(withheld: a secret of this module is too short to be found in text)".into();
        }
        // Redacted before it is cut or cleaned: half a secret is a secret too.
        let bound = text.char_indices().nth(64 * MAX_FOREIGN).map_or(text.len(), |(at, _)| at);
        let mut redacted = self.redact(text.get(..bound).unwrap_or_default());
        if bound < text.len()
            && let Some(last) = redacted.rfind(PLACEHOLDER)
        {
            // What stands behind may be half a secret, and comes into sight when those before it
            // were long.
            redacted.truncate(last + PLACEHOLDER.len());
        }
        if redacted.contains(char::is_control) {
            redacted = redacted.replace(char::is_control, " ");
        }
        if let Some((end, _)) = redacted.char_indices().nth(MAX_FOREIGN) {
            redacted.truncate(end);
            redacted.push('…');
        }
        redacted
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.all().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "s+cr%t/ü &=?\"0123";

    fn hidden(text: &str) -> String {
        Redactor::new([VALUE]).redact(text)
    }

    #[test]
    fn hides_the_plain_value_and_nothing_else() {
        assert_eq!(hidden(&format!("a {VALUE} b")), "a <secret> b");
        assert_eq!(hidden("a s+cr%t b"), "a s+cr%t b");
    }

    #[test]
    fn hides_what_looks_encoded_by_itself() {
        for value in ["a%25b%2541c", r"a\\b\nc\u0041", "a&amp;b&lt;c", "Tenant-ABC"] {
            let redactor = Redactor::new([value]);
            let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let json = serde_json::to_string(value).unwrap_or_default();
            let html = value.replace('&', "&amp;");
            for text in [value.to_owned(), value.to_lowercase(), form, json, html] {
                let clean = redactor.redact(&format!("<{text}>"));
                assert!(["<<secret>>", "<\"<secret>\">"].contains(&&*clean), "{text}: {clean}");
            }
        }
        // Turning back is bounded.
        let slashes = "\\".repeat(2_000);
        let redactor = Redactor::new([format!("{slashes}x").as_str()]);
        assert_eq!(redactor.redact(&slashes.repeat(2)), slashes.repeat(2));
    }

    #[test]
    fn gives_up_on_text_that_is_made_to_be_searched() {
        let like = "a".repeat(4_000);
        let values: Vec<String> = (0..100).map(|number| format!("{like}{number}")).collect();
        let redactor = Redactor::new(values.iter().map(String::as_str));
        let clean = redactor.redact(&"a".repeat(25_000));
        assert!(clean.ends_with("<secret>") && clean.len() < 25_000, "{}", clean.len());
        assert_eq!(redactor.redact(&like), like);
    }

    #[test]
    fn hides_a_code_and_shows_what_is_around_it() {
        let mut redactor = Redactor::new([VALUE]);
        redactor.learn_code("024680");
        assert_eq!(redactor.foreign("Code 024680 is wrong"), "Code <secret> is wrong");
        assert_eq!(redactor.foreign("Authorize App 2024"), "Authorize App 2024");
    }

    #[test]
    fn hides_every_usual_encoding() {
        let form: String = url::form_urlencoded::byte_serialize(VALUE.as_bytes()).collect();
        let json = serde_json::to_string(VALUE).unwrap_or_default();
        for text in [
            form.clone(),
            form.to_lowercase(),
            json,
            VALUE.replace('&', "&amp;").replace('"', "&#34;"),
            VALUE.replace(' ', "%20"),
        ] {
            let clean = hidden(&format!("x{text}y"));
            assert!(clean.contains("<secret>"), "{text} became {clean}");
            assert!(!clean.contains("0123"), "{text} became {clean}");
        }
    }

    #[test]
    fn hides_base64_in_every_alignment() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
        for prefix in ["", "a", "ab", "client:", "a longer user name:"] {
            let pair = format!("{prefix}{VALUE}");
            for encoded in [STANDARD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)] {
                let clean = hidden(&format!("Basic {encoded}"));
                assert!(clean.contains("<secret>"), "{prefix:?} became {clean}");
            }
        }
    }

    #[test]
    fn hides_what_a_secret_is_made_of() {
        for (value, part) in [
            ("Bearer k3y-0123456789", "k3y-0123456789"),
            ("Basic dXNlcjpzM2NyM3Q=", "dXNlcjpzM2NyM3Q="),
            ("Basic dXNlcjpwYTpzc3dvcmQtMQ==", "pa:ssword-1"),
            ("session=k3y-0123456789; lang=en", "k3y-0123456789"),
            ("grant_type=password&password=k3y%2F0123456789", "k3y/0123456789"),
            (r#"{"a": [{"b": "k3y \"0123456789"}], "c": 1}"#, "k3y \"0123456789"),
        ] {
            let redactor = Redactor::new([value]);
            assert_eq!(redactor.redact(&format!("a {part} b")), "a <secret> b", "{value}");
            assert_eq!(redactor.redact("grant_type en Bearer"), "grant_type en Bearer", "{value}");
        }
    }

    #[test]
    fn no_encoding_is_shorter_than_the_value() {
        for length in SHORTEST_FOUND_IN_TEXT..100 {
            let needle = Needle::new(&"~".repeat(length));
            assert!(needle.base64().iter().all(|form| form.len() >= length), "{length}");
        }
    }

    #[test]
    fn the_longest_secret_wins() {
        let redactor = Redactor::new(["abcdefgh", "abcdefghijkl"]);
        assert_eq!(redactor.redact("abcdefghijkl"), "<secret>");
    }

    #[test]
    fn foreign_text_is_one_bounded_line_or_withheld() {
        let mut redactor = Redactor::new([VALUE]);
        assert_eq!(redactor.foreign(&format!("bad\n{VALUE}")), "bad <secret>");
        assert_eq!(redactor.foreign(&"x".repeat(1000)).chars().count(), 401);
        let long = format!("begin{}end", "0123456789".repeat(100));
        redactor.learn(&long);
        assert_eq!(redactor.foreign(&long.repeat(100)), PLACEHOLDER.repeat(25));
        redactor.learn("Basic YWRhOnB3MQ==");
        assert!(redactor.foreign("pw1").contains("withheld"));
        let mut redactor = Redactor::default();
        redactor.learn("short");
        assert!(redactor.foreign("anything").contains("withheld"));
    }
}
