//! Characters, names and references (XML §2.2, §2.3, §4.1).

use super::Problem;

const PLAIN: u8 = 0;
/// Never allowed.
const ILLEGAL: u8 = 1;
/// May need work: references, line ends, the end of a CDATA section, white space of attributes.
const SPECIAL: u8 = 2;
/// The first byte of U+FFFE and U+FFFF, among others.
const HIGH: u8 = 3;

const fn class(byte: u8) -> u8 {
    match byte {
        b'\t' | b'\n' | b'\r' | b'&' | b'<' | b'>' => SPECIAL,
        0..0x20 => ILLEGAL,
        0xef => HIGH,
        _ => PLAIN,
    }
}

/// Where a text stands, which decides what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tags: references are resolved, line ends unified (§2.11).
    Content,
    /// In quotes: white space becomes a space as well (§3.3.3).
    Attribute,
    /// In a CDATA section, comment or instruction: only line ends.
    Literal,
}

/// The value of a text. False: it is the text as it stands. Otherwise it was added to `into`.
pub(super) fn resolve(raw: &str, place: Place, into: &mut String) -> Result<bool, Problem> {
    let mut work = false;
    let bytes = raw.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match class(*byte) {
            HIGH if matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) => {
                return Err(Problem::Character);
            }
            PLAIN | HIGH => {}
            SPECIAL => match (place, byte) {
                (_, b'\r')
                | (Place::Content | Place::Attribute, b'&')
                | (Place::Attribute, b'\t' | b'\n') => work = true,
                (Place::Attribute, b'<') => {
                    return Err(Problem::Syntax("< in an attribute value (XML §3.1)"));
                }
                (Place::Content, b'>') if at >= 2 && bytes.get(at - 2..at) == Some(b"]]") => {
                    return Err(Problem::Syntax("]]> in text (XML §2.4)"));
                }
                _ => {}
            },
            _ => return Err(Problem::Character),
        }
    }
    if !work {
        return Ok(false);
    }
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\r', '\t', '\n']) {
        let (before, found) = rest.split_at(at);
        into.push_str(before);
        let after = found.get(1..).unwrap_or_default();
        rest = match found.as_bytes().first() {
            Some(b'&') if place != Place::Literal => reference(after, into)?,
            Some(b'\r') => {
                into.push(if place == Place::Attribute { ' ' } else { '\n' });
                after.strip_prefix('\n').unwrap_or(after)
            }
            Some(b'\t' | b'\n') if place == Place::Attribute => {
                into.push(' ');
                after
            }
            _ => {
                into.push_str(found.get(..1).unwrap_or_default());
                after
            }
        };
    }
    into.push_str(rest);
    Ok(true)
}

/// Resolves the reference that `text` begins with, after its `&`; what follows it.
fn reference<'a>(text: &'a str, into: &mut String) -> Result<&'a str, Problem> {
    // The longest that means something is #x10FFFF; with leading zeros it may be longer.
    let end = text.bytes().take(64).position(|byte| byte == b';').ok_or(Problem::Entity)?;
    let (name, rest) = (text.get(..end), text.get(end + 1..).unwrap_or_default());
    let name = name.ok_or(Problem::Entity)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let (digits, radix) = match number.strip_prefix('x') {
                Some(digits) => (digits, 16),
                None => (number, 10),
            };
            // from_str_radix would take a sign.
            let code = digits
                .bytes()
                .all(|byte| char::from(byte).is_digit(radix))
                .then(|| u32::from_str_radix(digits, radix).ok())
                .flatten();
            code.and_then(char::from_u32).filter(|c| is_character(*c)).ok_or(Problem::Character)?
        }
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(Problem::Entity),
        },
    };
    into.push(character);
    Ok(rest)
}

/// `Char` (XML §2.2).
const fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `S` (XML §2.3).
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A text without the white space around it: `S` (XML §2.3), and nothing else that Unicode calls so.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Whether it is an `NCName`: a name without colon (Namespaces §4).
pub(super) fn is_ncname(name: &str) -> bool {
    let ascii = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let bytes = name.as_bytes();
    let begins = bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    if begins && bytes.iter().all(|byte| ascii(*byte)) {
        return true;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}'
        | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

const fn is_name_character(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}
