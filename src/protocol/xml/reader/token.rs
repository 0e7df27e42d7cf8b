//! Where the tags, texts and comments end.

use std::ops::Range;

use super::{Reader, Where};
use crate::protocol::xml::{Bound, Problem, XmlError};

/// What lies in the buffer next.
pub(super) enum Token {
    /// Up to this place; the ranges leave out the delimiters.
    Text(Range<usize>),
    Comment(Range<usize>),
    CData(Range<usize>),
    Instruction(Range<usize>),
    Start(Range<usize>),
    End(Range<usize>),
}

impl Reader {
    /// The next token, and the place behind it becomes the current one.
    pub(super) fn token(&mut self) -> Result<Option<Token>, XmlError> {
        let rest = self.rest();
        let Some(first) = rest.first() else {
            return match self.place {
                _ if !self.ended => Ok(None),
                _ if !self.split.is_empty() => Err(self.error(Problem::Encoding, self.at)),
                Where::Epilog => Ok(None),
                _ => Err(self.error(Problem::Truncated, self.at)),
            };
        };
        let found = if *first == b'<' {
            if rest.len() < 9 && !self.ended && !self.is_decided() {
                return Ok(None);
            }
            let rest = self.rest();
            if rest.starts_with(b"<!--") {
                self.until(b"-->", 4).map(|end| (Token::Comment(self.inside(4, end, 3)), end))
            } else if rest.starts_with(b"<![CDATA[") {
                self.until(b"]]>", 9).map(|end| (Token::CData(self.inside(9, end, 3)), end))
            } else if rest.starts_with(b"<!") {
                let doctype = rest.get(2..9).is_some_and(|w| w.eq_ignore_ascii_case(b"DOCTYPE"));
                let other = Problem::Syntax("a declaration outside of a DOCTYPE (XML §2.8)");
                let problem = if doctype { Problem::Doctype } else { other };
                return Err(self.error(problem, self.at));
            } else if rest.starts_with(b"<?") {
                self.until(b"?>", 2).map(|end| (Token::Instruction(self.inside(2, end, 2)), end))
            } else if rest.starts_with(b"</") {
                self.until(b">", 2).map(|end| (Token::End(self.inside(2, end, 1)), end))
            } else {
                self.tag().map(|end| (Token::Start(self.inside(1, end, 1)), end))
            }
        } else {
            let fresh = self.buffer.get(self.at + self.seen..).unwrap_or_default();
            match fresh.find('<') {
                Some(length) => {
                    let end = self.at + self.seen + length;
                    Some((Token::Text(self.at..end), end))
                }
                // White space after the root element ends with the document.
                None if self.ended => {
                    Some((Token::Text(self.at..self.buffer.len()), self.buffer.len()))
                }
                None => {
                    self.seen = self.buffer.len() - self.at;
                    None
                }
            }
        };
        let length = found.as_ref().map_or(self.buffer.len(), |(_, end)| *end) - self.at;
        if length > self.limits.token {
            return Err(self.limit(Bound::Token, self.limits.token as u64));
        }
        match found {
            Some((token, end)) => {
                if let Token::Comment(range) = &token {
                    let text = self.bytes(range);
                    if text.windows(2).any(|two| two == b"--") || text.last() == Some(&b'-') {
                        let problem = Problem::Syntax("-- in a comment (XML §2.5)");
                        return Err(self.error(problem, self.at));
                    }
                }
                self.at = end;
                self.seen = 0;
                self.quote = None;
                Ok(Some(token))
            }
            None if self.ended => Err(self.error(Problem::Truncated, self.at)),
            None => Ok(None),
        }
    }

    /// Whether the bytes after `<` tell what it begins.
    fn is_decided(&self) -> bool {
        match self.rest() {
            [_, b'!', b'-', b'-', ..] => true,
            [_, b'!', ..] | [_] | [] => false,
            _ => true,
        }
    }

    fn inside(&self, before: usize, end: usize, after: usize) -> Range<usize> {
        self.at + before..end - after
    }

    /// The place behind the terminator of the token, which cannot begin before `skip`.
    fn until(&mut self, terminator: &[u8], skip: usize) -> Option<usize> {
        let from = self.at + self.seen.max(skip);
        let rest = self.bytes(&(from..self.buffer.len()));
        if let Some(length) = rest.windows(terminator.len()).position(|w| w == terminator) {
            return Some(from + length + terminator.len());
        }
        // The terminator may have begun.
        let looked_at = self.buffer.len() - self.at;
        self.seen = looked_at.saturating_sub(terminator.len() - 1).max(skip);
        None
    }

    /// The place behind the `>` that ends a start tag: one in quotes does not.
    fn tag(&mut self) -> Option<usize> {
        let from = self.at + self.seen.max(1);
        let mut quote = self.quote;
        for (length, byte) in self.bytes(&(from..self.buffer.len())).iter().enumerate() {
            match (quote, byte) {
                (None, b'>') => return Some(from + length + 1),
                (None, b'"' | b'\'') => quote = Some(*byte),
                (Some(open), byte) if open == *byte => quote = None,
                _ => {}
            }
        }
        self.quote = quote;
        self.seen = self.buffer.len() - self.at;
        None
    }
}
