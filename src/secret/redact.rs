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

/// Comparisons that are made for one text: some milliseconds. That of a server may be made to be
/// like its cookies.
const MOST_EFFORT: usize = 500_000;

/// Values that are learnt during one probe at most: a server may set any number of cookies. Behind
/// them nothing is shown any more.
const MOST_LEARNT: usize = 1000;

/// How often a match turns back before it gets farther.
const MOST_TURNS: usize = 64;

/// How often a text may have been percent-encoded.
const PERCENT_LEVELS: usize = 3;

/// Longest HTML character reference that is followed: that of the last code point.
const MAX_REFERENCE: usize = 10;

/// The secrets of a module and of one probe, to be hidden in everything that is kept of it.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<Needles>,
    /// Values learnt during one probe.
    learnt: Needles,
    has_short: bool,
    /// There was more to learn than is searched for.
    has_more: bool,
}

/// Values, and what they begin with: a text is compared with few of them at each place.
#[derive(Clone, Default)]
struct Needles {
    all: Vec<Needle>,
    /// In order.
    starts: Vec<Start>,
    /// A bit for each byte that is the first of a start, but for its highest bit.
    firsts: u128,
}

/// How one form of a needle may begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Start {
    /// In lower case.
    begin: [u8; 2],
    form: Form,
    needle: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Plain,
    /// Base64 of a value that begins as this byte of a group of three.
    First,
    Second,
    Third,
}

#[derive(Clone)]
struct Needle {
    plain: Vec<u8>,
    /// Worked out for the first text that is long enough and begins like one of them: most tokens
    /// are longer than all that is said of their probe.
    base64: OnceLock<Box<[Vec<u8>; 3]>>,
}

/// Base64 of a value behind so many bytes, without the characters that depend on its
/// neighbours: so it is found in a Basic pair or any longer text that was encoded as a whole.
fn base64_inner(value: &[u8], offset: usize) -> Vec<u8> {
    let mut shifted = vec![0; offset];
    shifted.extend_from_slice(value);
    // Whole sextets that hold bits of the value alone.
    let (start, end) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
    let mut encoded = STANDARD_NO_PAD.encode(&shifted).into_bytes();
    encoded.truncate(end);
    encoded.drain(..start.min(end));
    encoded
}

/// How the forms of a value begin.
fn begins(value: &[u8]) -> [(Form, [u8; 2]); 4] {
    let byte = |at: usize| value.get(at).copied().unwrap_or_default();
    let (a, b) = (byte(0), byte(1));
    let mut base64 = [0; 16];
    // It fits.
    let groups = [a, b, 0, 0, a, b, 0, 0, a, b, 0, 0];
    let _: Result<_, _> = STANDARD_NO_PAD.encode_slice(groups, &mut base64);
    [
        (Form::Plain, [a, b]),
        (Form::First, [base64[0], base64[1]]),
        (Form::Second, [base64[6], base64[7]]),
        (Form::Third, [base64[11], base64[12]]),
    ]
}

impl Needles {
    fn push(&mut self, value: &str) {
        let needle = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        for (form, [first, second]) in begins(value.as_bytes()) {
            let other = OTHERWISE.iter().find(|(wanted, _)| *wanted == first).map(|other| other.1);
            for first in std::iter::once(first).chain(other) {
                let begin = [first, second].map(|byte| byte.to_ascii_lowercase());
                let start = Start { begin, form, needle };
                self.starts.insert(self.starts.partition_point(|known| *known < start), start);
                self.firsts |= bit(first);
            }
        }
        self.all.push(Needle { plain: value.as_bytes().to_vec(), base64: OnceLock::new() });
    }

    /// What may begin with this reading of a text. A letter or digit behind it, that stands for
    /// nothing else, leaves few.
    fn starting(&self, reading: Reading, text: &[u8]) -> impl Iterator<Item = (&Needle, Form)> {
        let [first, ..] = reading.bytes.map(|byte| byte.to_ascii_lowercase());
        let second = text
            .get(reading.length)
            .filter(|next| reading.width == 1 && next.is_ascii_alphanumeric())
            .map(u8::to_ascii_lowercase);
        let starts = if self.firsts & bit(first) == 0 { &[] } else { self.starts.as_slice() };
        let least = [first, second.unwrap_or_default()];
        let from = starts.partition_point(|start| start.begin < least);
        let starts = starts.get(from..).unwrap_or_default().iter();
        let alike = move |start: &&Start| match second {
            Some(_) => start.begin == least,
            None => start.begin.starts_with(&[first]),
        };
        starts.take_while(alike).filter_map(|start| {
            Some((self.all.get(usize::try_from(start.needle).ok()?)?, start.form))
        })
    }
}

fn bit(byte: u8) -> u128 {
    1 << (byte.to_ascii_lowercase() & 127)
}

/// Nothing when there is none left.
fn spend(effort: &Cell<usize>) -> Option<()> {
    effort.set(effort.get().checked_sub(1)?);
    Some(())
}

impl Needle {
    fn form(&self, form: Form) -> &[u8] {
        let base64 = || {
            self.base64.get_or_init(|| Box::new([0, 1, 2].map(|o| base64_inner(&self.plain, o))))
        };
        match form {
            Form::Plain => return &self.plain,
            Form::First => base64().first(),
            Form::Second => base64().get(1),
            Form::Third => base64().get(2),
        }
        .map(Vec::as_slice)
        .unwrap_or_default()
    }

    /// Length of the text at its beginning that stands for this form of the secret. Each
    /// byte may stand for itself, or in one of the encodings. Where more than one can be, as
    /// with a secret that holds `%25`, another way is taken when the first one leads nowhere.
    fn match_start(&self, form: Form, text: &[u8], effort: &Cell<usize>) -> Option<usize> {
        spend(effort)?;
        // No encoding is shorter than the value, from the shortest that is looked for on.
        if text.len() < self.plain.len() {
            return None;
        }
        let form = self.form(form);
        let (mut at, mut matched, mut farthest) = (0, 0, 0);
        let mut other_ways = Vec::new();
        let mut turns = MOST_TURNS;
        while let Some(wanted) = form.get(matched..).filter(|wanted| !wanted.is_empty()) {
            spend(effort)?;
            let rest = text.get(at..).unwrap_or_default();
            let step = |reading: Reading| {
                let ahead = (at + reading.length, matched + reading.width);
                reading.stands_for(wanted).then_some(ahead)
            };
            let way = match rest.first() {
                Some(first) if ENCODES.contains(first) => {
                    let mut ways = readings(rest).filter_map(step);
                    let way = ways.next();
                    other_ways.extend(ways);
                    way
                }
                first => first.and_then(|first| step(Reading::of_byte(*first, 1))),
            };
            if way.is_none() {
                turns -= 1;
            } else if matched > farthest {
                (farthest, turns) = (matched, MOST_TURNS);
            }
            (at, matched) = way.or_else(|| other_ways.pop().filter(|_| turns > 0))?;
        }
        (at > 0).then_some(at)
    }
}

/// Bytes that stand for others: a space in a form, and the other alphabet of base64, which differs
/// in two characters (RFC 4648 §5).
const OTHERWISE: [(u8, u8); 3] = [(b' ', b'+'), (b'+', b'-'), (b'/', b'_')];

/// What a text may begin with: the bytes of a character that is encoded, or the first of its own.
#[derive(Clone, Copy)]
struct Reading {
    /// In the text.
    length: usize,
    bytes: [u8; 4],
    /// How many of them there are.
    width: usize,
}

impl Reading {
    fn of_byte(byte: u8, length: usize) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], width: 1 }
    }

    fn of_char(character: char, length: usize) -> Self {
        let mut bytes = [0; 4];
        let width = character.encode_utf8(&mut bytes).len();
        Self { length, bytes, width }
    }

    fn stands_for(&self, wanted: &[u8]) -> bool {
        let same = |(found, wanted): (&u8, &u8)| {
            found.eq_ignore_ascii_case(wanted) || OTHERWISE.contains(&(*wanted, *found))
        };
        wanted.len() >= self.width && self.bytes.iter().zip(wanted).take(self.width).all(same)
    }
}

/// What an encoding begins with.
const ENCODES: &[u8] = b"%\\&";

/// All that a text may begin with, that which takes most of it first.
fn readings(text: &[u8]) -> impl Iterator<Item = Reading> {
    let encoded = text.first().is_some_and(|first| ENCODES.contains(first)).then(|| {
        let percent = (0..PERCENT_LEVELS).rev().filter_map(|level| percent_encoded(text, level));
        percent.chain(escaped(text)).chain(character_reference(text))
    });
    let itself = text.first().map(|byte| Reading::of_byte(*byte, 1));
    encoded.into_iter().flatten().chain(itself)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, digit| Some(value * radix + char::from(*digit).to_digit(radix)?))
}

/// Percent-encoding, whose percent sign was encoded so many times more.
fn percent_encoded(text: &[u8], level: usize) -> Option<Reading> {
    let mut digits = text.strip_prefix(b"%")?;
    for _ in 0..level {
        digits = digits.strip_prefix(b"25")?;
    }
    let byte = u8::try_from(number(digits.get(..2)?, 16)?).ok()?;
    Some(Reading::of_byte(byte, 3 + 2 * level))
}

/// An escape of JSON or JavaScript; two of them make a character outside the basic plane.
fn escaped(text: &[u8]) -> Option<Reading> {
    let byte = match text.strip_prefix(b"\\")?.first()? {
        b'u' => {
            let unit = |at: usize| {
                let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
                u16::try_from(number(digits, 16)?).ok()
            };
            let units = [0, 6].into_iter().map_while(unit);
            let character = char::decode_utf16(units).next()?.ok()?;
            return Some(Reading::of_char(character, 6 * character.len_utf16()));
        }
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        mark @ (b'"' | b'\\' | b'/' | b'\'') => *mark,
        _ => return None,
    };
    Some(Reading::of_byte(byte, 2))
}

fn character_reference(text: &[u8]) -> Option<Reading> {
    let name = text.strip_prefix(b"&")?;
    let end = name.iter().take(MAX_REFERENCE - 1).position(|byte| *byte == b';')?;
    let character = match name.get(..end)? {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some(Reading::of_char(character, end + 2))
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
            redactor.add(value, usize::MAX);
        }
        let mut needles = std::mem::take(&mut redactor.learnt);
        needles.all.shrink_to_fit();
        needles.starts.shrink_to_fit();
        redactor.needles = Arc::new(needles);
        redactor
    }

    /// Hides one more value from now on, as a token that was just received, and what it is
    /// made of: a server may repeat a part alone.
    pub fn learn(&mut self, value: &str) {
        self.add(value, MOST_LEARNT);
    }

    fn add(&mut self, value: &str, most: usize) {
        if value.len() < SHORTEST_FOUND_IN_TEXT {
            self.has_short |= !value.is_empty();
        } else if self.add_needle(value, most) {
            self.has_short |= basic_password(value)
                .is_some_and(|password| (1..SHORTEST_FOUND_IN_TEXT).contains(&password.len()));
            for part in parts(value) {
                if part.len() >= SHORTEST_FOUND_IN_TEXT {
                    self.add_needle(&part, most);
                }
            }
        }
    }

    /// Whether it is a new one.
    fn add_needle(&mut self, value: &str, most: usize) -> bool {
        let is_new = !self.has_more && !self.knows(value);
        if is_new && self.learnt.all.len() >= most {
            self.has_more = true;
        } else if is_new {
            self.learnt.push(value);
        }
        is_new
    }

    /// Hides a one-time code from now on. It is short, but its digits stand in other text too
    /// seldom to withhold all that a server says.
    pub fn learn_code(&mut self, digits: &str) {
        if !digits.is_empty() {
            self.add_needle(digits, MOST_LEARNT);
        }
    }

    fn knows(&self, value: &str) -> bool {
        self.all().any(|needle| needle.plain == value.as_bytes())
    }

    fn all(&self) -> impl Iterator<Item = &Needle> {
        self.needles.all.iter().chain(&self.learnt.all)
    }

    /// Length of the longest secret that the text begins with, so that of two where one begins
    /// the other nothing stays.
    fn match_start(&self, text: &[u8], effort: &Cell<usize>) -> Option<usize> {
        readings(text)
            .flat_map(|reading| {
                let needles = self.needles.starting(reading, text);
                needles.chain(self.learnt.starting(reading, text))
            })
            .filter_map(|(needle, form)| needle.match_start(form, text, effort))
            .max()
    }

    /// The text with every known secret replaced.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redact_to(text, usize::MAX)
    }

    /// The same of the beginning of a text, up to a bit more than so many bytes of what is left:
    /// cut behind the search, where nobody sees half a secret.
    #[must_use]
    pub fn redact_to(&self, text: &str, most: usize) -> String {
        if self.has_more {
            return PLACEHOLDER.into();
        }
        let mut clean = String::with_capacity(text.len().min(most));
        // Where the text begins that is not copied yet.
        let mut begin = 0;
        let effort = Cell::new(MOST_EFFORT);
        // Most characters begin neither a secret nor an encoding.
        let firsts = ENCODES.iter().map(|first| bit(*first)).sum::<u128>()
            | self.needles.firsts
            | self.learnt.firsts;
        for (at, _) in text.char_indices() {
            if at < begin {
                // Within a secret.
                continue;
            }
            let plain = text.get(begin..at).unwrap_or_default();
            if clean.len() + plain.len() > most {
                clean.push_str(plain);
                return clean;
            }
            let rest = text.as_bytes().get(at..).unwrap_or_default();
            if rest.first().is_none_or(|first| firsts & bit(*first) == 0) {
                continue;
            }
            let hidden = self.match_start(rest, &effort);
            if effort.get() == 0 {
                // Somebody sent what is like its secrets nearly everywhere: no more of it is shown.
                clean.push_str(plain);
                clean.push_str(PLACEHOLDER);
                return clean;
            }
            // A match ends where a character does, as the secret itself.
            if let Some(after) = hidden.map(|length| at + length)
                && text.is_char_boundary(after)
            {
                clean.push_str(plain);
                clean.push_str(PLACEHOLDER);
                begin = after;
            }
        }
        clean.push_str(text.get(begin..).unwrap_or_default());
        clean
    }

    /// Text that a server sent: on one line, bounded, and redacted; withheld
    /// when there is a secret that cannot be found in it.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        if self.has_short {
            return "(withheld: a secret of this module is too short to be found in text)".into();
        }
        if self.has_more {
            return "(withheld: servers sent more cookies or tokens than are searched for)".into();
        }
        // Redacted before it is cut or cleaned: half a secret is a secret too.
        let mut redacted = self.redact_to(text, MAX_FOREIGN * char::MAX.len_utf8());
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
        let slashes = "\\".repeat(300);
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
            let value = "~".repeat(length);
            let form = |offset| base64_inner(value.as_bytes(), offset);
            assert!((0..3).all(|offset| form(offset).len() >= length), "{length}");
        }
    }

    #[test]
    fn hides_what_is_not_ascii_wherever_a_server_escapes_it() {
        for (value, texts) in [
            (
                "pässwort+über/geheim=",
                &[
                    r"p\u00e4sswort+\u00fcber/geheim=",
                    r"p\u00E4sswort\u002b\u00FCber\/geheim\u003D",
                    "p&#228;sswort+&#252;ber/geheim=",
                    "p&#xE4;sswort&#43;&#x0000fc;ber/geheim&#x3d;",
                    "p%C3%A4sswort%2B%c3%bcber%2Fgeheim%3D",
                ][..],
            ),
            (
                "クッキー🍪🍪",
                &[
                    r"\u30af\u30c3\u30ad\u30fc\ud83c\udf6a\uD83C\uDF6A",
                    "&#12463;&#x30C3;&#x30ad;&#12540;&#127850;&#x01F36A;",
                    "&#12463;ッ%E3%82%ADー🍪%25F0%259F%258D%25AA",
                ],
            ),
        ] {
            let redactor = Redactor::new([value]);
            for text in texts {
                assert_eq!(redactor.redact(&format!("bad {text} é")), "bad <secret> é", "{text}");
            }
        }
        // Half a pair is no character, and half a character none either.
        for text in [r"secrets \ud83c", r"secrets \ud83c\u0041", "secrets &#xD83C;", "secrets ÃÃ"]
        {
            assert_eq!(Redactor::new(["secrets 🍪", "secrets é"]).redact(text), text);
        }
    }

    #[test]
    fn hides_what_is_encoded_more_than_once() {
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        for value in
            [VALUE, "key=Zm9v+YmFy/==", "50%25 of %2541 %252B", "+a b/c-d_e+", "a~~>>>???b>>"]
        {
            let redactor = Redactor::new([value]);
            let base64 = STANDARD.encode(value);
            for text in [value, &base64] {
                let once = encoded(text);
                let twice = encoded(&once);
                for text in [text, &once, &twice, &encoded(&twice)] {
                    let clean = redactor.redact(text);
                    assert!(clean.starts_with(PLACEHOLDER) && clean.len() < 40, "{text}: {clean}");
                }
            }
        }
        let redactor = Redactor::new(["key=Zm9v+YmFy"]);
        assert_eq!(redactor.redact("/a?to=key%3DZm9v%252BYmFy"), "/a?to=<secret>");
        // However often it turns back, as long as it gets farther.
        let cookie = encoded(&encoded(&"{\"}".repeat(200)));
        assert_eq!(Redactor::new([cookie.as_str()]).redact(&cookie), PLACEHOLDER);
    }

    #[test]
    fn its_search_does_not_grow_with_what_it_knows() {
        let mut redactor = Redactor::new([VALUE]);
        let value = |number: usize| format!("{:08x}", number.wrapping_mul(0x9E37_79B1) % (1 << 32));
        (1..MOST_LEARNT).for_each(|number| redactor.learn(&value(number)));
        let text = "/abcdefghijklmnopqrstuvwxyz".repeat(2_000);
        let effort = Cell::new(usize::MAX);
        for at in 0..text.len() {
            assert_eq!(redactor.match_start(&text.as_bytes()[at..], &effort), None);
        }
        let spent = usize::MAX - effort.get();
        assert!(spent < 100 * text.len(), "{spent}");
        for number in 1..MOST_LEARNT {
            assert_eq!(redactor.redact(&format!("a/{}/b", value(number))), "a/<secret>/b");
        }
        // No more is read than is shown.
        assert!(redactor.redact_to(&text, 100).len() < 110);
        assert_eq!(redactor.foreign(&text).chars().count(), 401);
    }

    #[test]
    fn hides_all_when_there_is_more_than_it_searches_for() {
        let mut redactor = Redactor::new([VALUE]);
        let values: Vec<String> = (0..=MOST_LEARNT).map(|n| format!("a=cookie-{n:05}")).collect();
        values.iter().take(MOST_LEARNT / 2).for_each(|value| redactor.learn(value));
        // One that is known is no further one.
        values.iter().take(MOST_LEARNT / 2).for_each(|value| redactor.learn(value));
        assert_eq!(redactor.redact("see cookie-00001"), "see <secret>");
        assert_eq!(redactor.foreign("no"), "no");
        for value in &values {
            redactor.learn(value);
        }
        assert_eq!(redactor.redact("see cookie-01000"), PLACEHOLDER);
        assert!(redactor.foreign("see cookie-01000").starts_with("(withheld"));
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
        assert_eq!(redactor.foreign(&long.repeat(100)), format!("{}…", PLACEHOLDER.repeat(50)));
        redactor.learn("Basic YWRhOnB3MQ==");
        assert!(redactor.foreign("pw1").contains("withheld"));
        let mut redactor = Redactor::default();
        redactor.learn("short");
        assert!(redactor.foreign("anything").contains("withheld"));
    }
}
