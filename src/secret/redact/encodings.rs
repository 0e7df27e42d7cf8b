//! What a text may stand for: the encodings in which a secret is found.

/// How often a text may have been percent-encoded.
const PERCENT_LEVELS: usize = 3;

/// Longest HTML character reference that is followed: that of the last code point.
const MAX_REFERENCE: usize = 10;

/// Bytes that stand for others: a space in a form, and the other alphabet of base64, which differs
/// in two characters (RFC 4648 §5).
pub(super) const OTHERWISE: [(u8, u8); 3] = [(b' ', b'+'), (b'+', b'-'), (b'/', b'_')];

/// What a text may begin with: the bytes of a character that is encoded, or the first of its own.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// In the text.
    pub(super) length: usize,
    pub(super) bytes: [u8; 4],
    /// How many of them there are.
    pub(super) width: usize,
}

impl Reading {
    pub(super) fn of_byte(byte: u8, length: usize) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], width: 1 }
    }

    fn of_char(character: char, length: usize) -> Self {
        let mut bytes = [0; 4];
        let width = character.encode_utf8(&mut bytes).len();
        Self { length, bytes, width }
    }

    pub(super) fn stands_for(&self, wanted: &[u8]) -> bool {
        let same = |(found, wanted): (&u8, &u8)| {
            found.eq_ignore_ascii_case(wanted) || OTHERWISE.contains(&(*wanted, *found))
        };
        wanted.len() >= self.width && self.bytes.iter().zip(wanted).take(self.width).all(same)
    }
}

/// What an encoding begins with.
pub(super) const ENCODES: &[u8] = b"%\\&";

/// All that a text may begin with, that which takes most of it first.
pub(super) fn readings(text: &[u8]) -> impl Iterator<Item = Reading> {
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
