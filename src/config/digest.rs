//! A hash of what a module is configured with.

use aws_lc_rs::digest::{Context, SHA256};
use serde_yaml::Value;
use zeroize::Zeroizing;

/// A hash of everything that a module is configured with, its secrets included.
pub(super) fn digest(value: &Value) -> [u8; 32] {
    let pending = Zeroizing::new(Vec::with_capacity(MOST_PENDING));
    let mut digest = Digest { context: Context::new(&SHA256), pending };
    digest.add(value);
    digest.flush();
    digest.context.finish().as_ref().try_into().unwrap_or_default()
}

/// Small pieces are put together first: each by itself takes longer than to hash it. They never
/// need more room than there is from the beginning, so that no copy of a secret is left behind.
struct Digest {
    context: Context,
    pending: Zeroizing<Vec<u8>>,
}

const MOST_PENDING: usize = 4096;

impl Digest {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.begin(0, 0),
            Value::Bool(value) => self.begin(1, usize::from(*value)),
            Value::Number(number) => self.text(2, &number.to_string()),
            Value::String(text) => self.text(3, text),
            Value::Sequence(elements) => {
                self.begin(4, elements.len());
                for element in elements {
                    self.add(element);
                }
            }
            Value::Mapping(members) => {
                self.begin(5, members.len());
                for (key, member) in members {
                    self.add(key);
                    self.add(member);
                }
            }
            // The reader refuses tags.
            Value::Tagged(tagged) => {
                self.begin(6, 0);
                self.add(&tagged.value);
            }
        }
    }

    /// With its kind and its length before it, no value is hashed as another one.
    fn begin(&mut self, kind: u8, length: usize) {
        self.bytes(&[kind]);
        self.bytes(&length.to_le_bytes());
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.begin(kind, text.len());
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.pending.len() + bytes.len() > MOST_PENDING {
            self.flush();
        }
        if bytes.len() > MOST_PENDING {
            self.context.update(bytes);
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    fn flush(&mut self) {
        self.context.update(&self.pending);
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by the plain way: everything in one piece.
    fn plain(value: &Value, bytes: &mut Vec<u8>) {
        let mut begin = |kind: u8, length: usize| {
            bytes.push(kind);
            bytes.extend_from_slice(&length.to_le_bytes());
        };
        match value {
            Value::String(text) => {
                begin(3, text.len());
                bytes.extend_from_slice(text.as_bytes());
            }
            Value::Sequence(elements) => {
                begin(4, elements.len());
                for element in elements {
                    plain(element, bytes);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        for (count, length) in [(0, 0), (3, 10), (1, 4087), (2, 4096), (2, 4097), (500, 31)] {
            let value = Value::Sequence(vec![Value::from("x".repeat(length)); count]);
            let mut bytes = Vec::new();
            plain(&value, &mut bytes);
            let whole = aws_lc_rs::digest::digest(&SHA256, &bytes);
            assert_eq!(digest(&value), whole.as_ref(), "{count} of {length}");
        }
    }

    #[test]
    fn no_value_is_hashed_as_another_one() {
        let texts = ["[]", "{}", "~", "''", "'1'", "1", "[1, 2]", "[[1], 2]", "['12']", "{a: b}"];
        let digests: std::collections::HashSet<_> = texts
            .iter()
            .map(|text| digest(&serde_yaml::from_str(text).expect("test YAML")))
            .collect();
        assert_eq!(digests.len(), texts.len());
    }
}
