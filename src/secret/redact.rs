//! Finds secrets in text, however they are encoded, and hides them.

mod encodings;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use super::PLACEHOLDER;
use encodings::{ENCODES, OTHERWISE, Reading, readings};

/// A shorter secret would be found in innocent text. It is hidden by its place
/// alone, and text that came from a server is withheld altogether.
pub const SHORTEST_FOUND_IN_TEXT: usize = 8;

/// What stands for a text in which a secret could not be found.
pub const WITHHELD: &str = "(withheld: a secret of this module is too short to be found in text)";

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
    fn push(&mut self, value: &[u8]) {
        let needle = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        for (form, [first, second]) in begins(value) {
            let other = OTHERWISE.iter().find(|(wanted, _)| *wanted == first).map(|other| other.1);
            for first in std::iter::once(first).chain(other) {
                let begin = [first, second].map(|byte| byte.to_ascii_lowercase());
                let start = Start { begin, form, needle };
                self.starts.insert(self.starts.partition_point(|known| *known < start), start);
                self.firsts |= bit(first);
            }
        }
        self.all.push(Needle { plain: value.to_vec(), base64: OnceLock::new() });
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

/// Host, path and parts of the path of a URL, with or without its scheme: whoever is asked for it
/// repeats one of them. Words of a path, as `token`, stand in other texts too.
pub fn parts_of_url(value: &str) -> impl Iterator<Item = &str> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let (rest, _) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // Without a scheme it may be the address of a person.
    let userinfo =
        if value.contains("://") { authority.rfind('@').map_or(0, |at| at + 1) } else { 0 };
    let (_, host) = authority.split_at(userinfo);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_url = !value.contains(char::is_whitespace) && host.len() < value.len();
    let parts = path.split('/').filter(|part| part.contains(|c: char| c.is_ascii_digit()));
    let parts = [host, path].into_iter().chain(parts);
    parts.filter(move |part| is_url && part.len() >= SHORTEST_FOUND_IN_TEXT)
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
        Self::default().with(values)
    }

    /// Hides these values too.
    #[must_use]
    pub fn with<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = self.clone();
        for value in values {
            redactor.add(value, usize::MAX);
            redactor.add_encoded(value);
        }
        let new = std::mem::take(&mut redactor.learnt);
        if !new.all.is_empty() {
            let mut needles = new;
            self.needles.all.iter().for_each(|known| needles.push(&known.plain));
            needles.all.shrink_to_fit();
            needles.starts.shrink_to_fit();
            redactor.needles = Arc::new(needles);
        }
        redactor
    }

    /// Within a Basic pair, a client's secret is form-encoded before it is encoded in base64
    /// (RFC 6749 §2.3.1). A text of several lines, as a key, is none.
    fn add_encoded(&mut self, value: &str) {
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        if value.len() >= SHORTEST_FOUND_IN_TEXT && !value.contains(char::is_control) {
            self.add_needle(&encoded, usize::MAX);
        }
    }

    /// Whether there is a secret that cannot be found in text.
    #[must_use]
    pub fn has_short(&self) -> bool {
        self.has_short
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
            self.learnt.push(value.as_bytes());
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

    /// Whether a text is known to hold no secret.
    #[must_use]
    pub fn is_clean(&self, text: &str) -> bool {
        !self.has_short && self.redact(text) == text
    }

    /// Text that a server sent: on one line, bounded, and redacted; withheld
    /// when there is a secret that cannot be found in it.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        if self.has_short {
            return WITHHELD.into();
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
