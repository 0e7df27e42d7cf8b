//! The byte order mark and the XML declaration (XML §2.8, §4.3.3).

use super::tag::quoted;
use super::{Reader, Where};
use crate::protocol::xml::characters::is_space;
use crate::protocol::xml::{Problem, XmlError};

impl Reader {
    /// Reads the byte order mark and the XML declaration; false when more bytes are needed.
    pub(super) fn declaration(&mut self) -> Result<bool, XmlError> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        const START: &[u8] = b"<?xml";
        if self.buffer.len() < MARK.len() + START.len() + 1 && !self.ended {
            return Ok(false);
        }
        // UTF-16 and UTF-32; their byte order marks are no UTF-8.
        if matches!(self.bytes(&(0..2)), [0, _] | [_, 0]) {
            return Err(self.error(Problem::Encoding, 0));
        }
        let from = if self.buffer.as_bytes().starts_with(MARK) { MARK.len() } else { 0 };
        let head = self.bytes(&(from..self.buffer.len()));
        if head.starts_with(START) && head.get(START.len()).copied().is_some_and(is_space) {
            let Some(end) = head.windows(2).position(|two| two == b"?>") else {
                if self.ended || head.len() > 512 {
                    return Err(self.error(Problem::Syntax("the XML declaration (XML §2.8)"), from));
                }
                return Ok(false);
            };
            let inside = head.get(START.len()..end).unwrap_or_default();
            declared(inside).map_err(|problem| self.error(problem, from))?;
            self.at = from + end + 2;
        } else {
            self.at = from;
        }
        self.place = Where::Prolog;
        Ok(true)
    }
}

/// Checks what stands in the XML declaration (XML §2.8).
fn declared(mut text: &[u8]) -> Result<(), Problem> {
    const SYNTAX: Problem = Problem::Syntax("the XML declaration (XML §2.8)");
    let mut names = Vec::new();
    while !text.trim_ascii().is_empty() {
        let trimmed = text.trim_ascii_start();
        if trimmed.len() == text.len() {
            return Err(SYNTAX);
        }
        let length = trimmed.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let (name, rest) = trimmed.split_at(length);
        let value = quoted(rest).ok_or(SYNTAX)?;
        let content = rest.get(value.clone()).unwrap_or_default();
        match name {
            b"version" if content == b"1.0" => {}
            b"version" => return Err(Problem::Version),
            b"encoding" => {
                // ASCII is a part of UTF-8.
                if ![&b"utf-8"[..], b"utf8", b"us-ascii"]
                    .iter()
                    .any(|e| content.eq_ignore_ascii_case(e))
                {
                    return Err(Problem::Encoding);
                }
            }
            b"standalone" if matches!(content, b"yes" | b"no") => {}
            _ => return Err(SYNTAX),
        }
        names.push(name);
        text = rest.get(value.end + 1..).unwrap_or_default();
    }
    let order: [&[&[u8]]; 4] = [
        &[b"version"],
        &[b"version", b"encoding"],
        &[b"version", b"standalone"],
        &[b"version", b"encoding", b"standalone"],
    ];
    if order.contains(&names.as_slice()) { Ok(()) } else { Err(SYNTAX) }
}
