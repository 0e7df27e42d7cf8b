//! Bytes as they arrive in, events out (XML 1.0 fifth edition, Namespaces in XML 1.0).

use std::ops::Range;

use super::characters::{self, Place, is_space};
use super::{Bound, Limits, Problem, Scope, XML, XMLNS, XmlError};

/// A part of a document. Texts are as XML means them: references resolved, line ends unified.
#[derive(Debug)]
pub enum Event<'a> {
    /// An element begins. An empty element begins and ends.
    Start(Start<'a>),
    /// An element ends; its name as written.
    End(&'a str),
    /// Text. One text may come in several of them: a CDATA section comes apart.
    Text(&'a str),
    /// A comment.
    Comment(&'a str),
    /// A processing instruction.
    Instruction {
        /// Its name.
        target: &'a str,
        /// What follows it.
        data: &'a str,
    },
}

/// A qualified name (Namespaces §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// Empty without a colon.
    pub prefix: &'a str,
    /// What follows the colon.
    pub local: &'a str,
    /// What the prefix stands for; empty for a name in no namespace.
    pub namespace: &'a str,
}

impl Name<'_> {
    /// Whether it is this name, whatever its prefix.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }
}

/// An attribute that is no namespace declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its name; without a prefix it is in no namespace (Namespaces §6.2).
    pub name: Name<'a>,
    /// Its value, normalised as CDATA (XML §3.3.3).
    pub value: &'a str,
}

/// The start of an element.
#[derive(Debug)]
pub struct Start<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its attributes by namespace and local name, the order of canonical XML.
    pub attributes: Vec<Attribute<'a>>,
    /// The namespaces in force, its own declarations included.
    pub scope: &'a Scope,
}

impl<'a> Start<'a> {
    /// The value of an attribute without prefix.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&'a str> {
        self.attributes.iter().find(|a| a.name.is("", local)).map(|a| a.value)
    }
}

/// Reads a document that arrives piece by piece.
///
/// ```
/// use auth_exporter::protocol::xml::{Event, Limits, Reader};
///
/// let mut reader = Reader::new(Limits::DOCUMENT);
/// let mut names = Vec::new();
/// for piece in ["<a><b", "/>text</a>"] {
///     reader.push(piece.as_bytes())?;
///     while let Some(event) = reader.next()? {
///         if let Event::Start(start) = event {
///             names.push(start.name.local.to_owned());
///         }
///     }
/// }
/// reader.end();
/// assert!(reader.next()?.is_none());
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), auth_exporter::protocol::xml::XmlError>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    /// What has arrived and is not read; what is read is dropped when more arrives.
    buffer: String,
    /// The beginning of a character whose other bytes have not arrived.
    split: Vec<u8>,
    /// Bytes that were dropped.
    dropped: u64,
    /// Where the next token begins in the buffer.
    at: usize,
    /// How much of that token is known not to end it, so that no byte is looked at again
    /// when a token arrives in many pieces.
    seen: usize,
    /// The quote that is open there, in a tag.
    quote: Option<u8>,
    /// Nothing more will arrive.
    ended: bool,
    place: Where,
    nodes: u64,
    scope: Scope,
    /// The names of the open elements, one after the other.
    names: String,
    /// Where each begins.
    open: Vec<usize>,
    /// What is left to do of the last event.
    rest: Rest,
    /// Texts that differ from what stands in the buffer.
    resolved: String,
    attributes: Vec<Raw>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// Before the first byte.
    Beginning,
    /// Before the root element.
    Prolog,
    /// In the root element.
    Content,
    /// After it.
    Epilog,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    /// The element was empty: its end follows its start.
    End,
    /// The element has ended: its namespaces go out of force.
    Close,
}

/// Where a text lies.
#[derive(Debug, Clone)]
enum Lies {
    Buffer(Range<usize>),
    Resolved(Range<usize>),
}

/// An attribute or declaration as written.
#[derive(Debug, Clone)]
struct Raw {
    prefix: Range<usize>,
    local: Range<usize>,
    value: Lies,
}

/// What lies in the buffer next.
enum Token {
    /// Up to this place; the ranges leave out the delimiters.
    Text(Range<usize>),
    Comment(Range<usize>),
    CData(Range<usize>),
    Instruction(Range<usize>),
    Start(Range<usize>),
    End(Range<usize>),
}

impl Reader {
    /// A reader before the first byte of a document.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: String::new(),
            split: Vec::new(),
            dropped: 0,
            at: 0,
            seen: 0,
            quote: None,
            ended: false,
            place: Where::Beginning,
            nodes: 0,
            scope: Scope::default(),
            names: String::new(),
            open: Vec::new(),
            rest: Rest::Nothing,
            resolved: String::new(),
            attributes: Vec::new(),
        }
    }

    /// Takes more bytes. The events so far should be read first: what is not read is kept.
    ///
    /// # Errors
    /// When the document is larger than it may be, or not in UTF-8.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), XmlError> {
        self.buffer.drain(..self.at);
        self.dropped += self.at as u64;
        self.at = 0;
        let arrived = self.buffer.len() + self.split.len() + bytes.len();
        if self.dropped + arrived as u64 > self.limits.bytes {
            return Err(self.limit(Bound::Bytes, self.limits.bytes));
        }
        let joined;
        let bytes = if self.split.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.split).as_slice(), bytes].concat();
            &joined
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => self.buffer.push_str(text),
            Err(error) => {
                let (good, rest) = bytes.split_at(error.valid_up_to());
                if error.error_len().is_some() {
                    return Err(self.error(Problem::Encoding, self.buffer.len() + good.len()));
                }
                self.buffer.push_str(std::str::from_utf8(good).unwrap_or_default());
                self.split = rest.to_vec();
            }
        }
        Ok(())
    }

    /// Says that nothing more will arrive.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Number of elements that are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.open.len() - usize::from(self.rest == Rest::Close)
    }

    /// The next event. `None`: more bytes are needed, or the document has ended as it should.
    ///
    /// # Errors
    /// When the document is refused. The reader must not be used afterwards.
    #[allow(clippy::should_implement_trait)] // an iterator could not lend what it owns
    pub fn next(&mut self) -> Result<Option<Event<'_>>, XmlError> {
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Nothing => {}
            Rest::End => return Ok(Some(self.close())),
            Rest::Close => {
                self.scope.close();
                if let Some(start) = self.open.pop() {
                    self.names.truncate(start);
                }
                if self.open.is_empty() {
                    self.place = Where::Epilog;
                }
            }
        }
        if self.place == Where::Beginning && !self.declaration()? {
            return Ok(None);
        }
        loop {
            self.resolved.clear();
            let from = self.at;
            let Some(token) = self.token()? else { return Ok(None) };
            match &token {
                Token::Text(range) | Token::CData(range) => {
                    if self.place != Where::Content {
                        // Only white space may stand outside of the root element.
                        let outside = self.bytes(range);
                        if matches!(token, Token::Text(_)) && outside.iter().all(|b| is_space(*b)) {
                            continue;
                        }
                        let problem = Problem::Syntax("text outside of the root (XML §2.1)");
                        return Err(self.error(problem, from));
                    }
                    self.count(1, from)?;
                    let place = match token {
                        Token::Text(_) => Place::Content,
                        _ => Place::Literal,
                    };
                    let lies = self.resolve(range.clone(), place, from)?;
                    return Ok(Some(Event::Text(self.text(&lies))));
                }
                Token::Comment(range) => {
                    self.count(1, from)?;
                    let lies = self.resolve(range.clone(), Place::Literal, from)?;
                    return Ok(Some(Event::Comment(self.text(&lies))));
                }
                Token::Instruction(range) => {
                    self.count(1, from)?;
                    let lies = self.resolve(range.clone(), Place::Literal, from)?;
                    let whole = self.text(&lies);
                    let end = whole.find([' ', '\t', '\n']).unwrap_or(whole.len());
                    let (target, data) = whole.split_at(end);
                    if !characters::is_ncname(target) || target.eq_ignore_ascii_case("xml") {
                        let problem = Problem::Syntax("an instruction without name (XML §2.6)");
                        return Err(self.error(problem, from));
                    }
                    let data = data.trim_start_matches([' ', '\t', '\n']);
                    return Ok(Some(Event::Instruction { target, data }));
                }
                Token::Start(range) => return self.start(range.clone(), from).map(Some),
                Token::End(range) => {
                    self.end_tag(range, from)?;
                    return Ok(Some(self.close()));
                }
            }
        }
    }

    fn close(&mut self) -> Event<'_> {
        self.rest = Rest::Close;
        let start = self.open.last().copied().unwrap_or_default();
        Event::End(self.names.get(start..).unwrap_or_default())
    }

    /// What has arrived and is not read.
    fn rest(&self) -> &[u8] {
        self.bytes(&(self.at..self.buffer.len()))
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.as_bytes().get(range.clone()).unwrap_or_default()
    }

    fn error(&self, problem: Problem, at: usize) -> XmlError {
        XmlError { problem, offset: self.dropped + at as u64 }
    }

    fn limit(&self, bound: Bound, most: u64) -> XmlError {
        self.error(Problem::Limit { bound, most }, self.at)
    }

    fn count(&mut self, nodes: usize, from: usize) -> Result<(), XmlError> {
        self.nodes += nodes as u64;
        if self.nodes > self.limits.nodes {
            let problem = Problem::Limit { bound: Bound::Nodes, most: self.limits.nodes };
            return Err(self.error(problem, from));
        }
        Ok(())
    }

    /// Reads the byte order mark and the XML declaration; false when more bytes are needed.
    fn declaration(&mut self) -> Result<bool, XmlError> {
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

    /// The next token, and the place behind it becomes the current one.
    fn token(&mut self) -> Result<Option<Token>, XmlError> {
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

    fn resolve(
        &mut self,
        range: Range<usize>,
        place: Place,
        from: usize,
    ) -> Result<Lies, XmlError> {
        let start = self.resolved.len();
        // Taken out so that it can grow while the buffer is read.
        let mut resolved = std::mem::take(&mut self.resolved);
        let done = characters::resolve(self.slice(&range), place, &mut resolved);
        self.resolved = resolved;
        let differs = done.map_err(|problem| self.error(problem, from))?;
        Ok(if differs { Lies::Resolved(start..self.resolved.len()) } else { Lies::Buffer(range) })
    }

    fn text(&self, lies: &Lies) -> &str {
        match lies {
            Lies::Buffer(range) => self.slice(range),
            Lies::Resolved(range) => self.resolved.get(range.clone()).unwrap_or_default(),
        }
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        self.buffer.get(range.clone()).unwrap_or_default()
    }

    fn end_tag(&self, range: &Range<usize>, from: usize) -> Result<(), XmlError> {
        let bytes = self.bytes(range);
        let spaces = bytes.iter().rev().take_while(|byte| is_space(**byte)).count();
        let name = bytes.get(..bytes.len() - spaces).unwrap_or_default();
        match self.open.last() {
            Some(start) if self.names.as_bytes().get(*start..) == Some(name) => Ok(()),
            _ => Err(self.error(Problem::TagMismatch, from)),
        }
    }

    fn start(&mut self, tag: Range<usize>, from: usize) -> Result<Event<'_>, XmlError> {
        if self.place == Where::Epilog {
            let problem = Problem::Syntax("a second root element (XML §2.1)");
            return Err(self.error(problem, from));
        }
        if self.open.len() >= self.limits.depth {
            return Err(self.limit(Bound::Depth, self.limits.depth as u64));
        }
        let empty = self.bytes(&tag).last() == Some(&b'/');
        let tag = tag.start..tag.end - usize::from(empty);
        let length = self.length_of_name(&tag);
        let whole = tag.start..tag.start + length;
        let (prefix, local) = self.qualified(&whole).map_err(|p| self.error(p, from))?;
        self.read_attributes(whole.end..tag.end, from)?;
        self.count(1 + self.attributes.len(), from)?;
        self.declare(from)?;

        self.place = Where::Content;
        self.rest = if empty { Rest::End } else { Rest::Nothing };
        self.open.push(self.names.len());
        let Self { names, buffer, .. } = self;
        names.push_str(buffer.get(whole).unwrap_or_default());

        let name = self.name(&prefix, &local, true).map_err(|p| self.error(p, from))?;
        let mut attributes = Vec::new();
        for raw in &self.attributes {
            if !self.is_declaration(raw) {
                let name = self.name(&raw.prefix, &raw.local, false);
                let name = name.map_err(|problem| self.error(problem, from))?;
                attributes.push(Attribute { name, value: self.text(&raw.value) });
            }
        }
        let key = |a: &Attribute<'_>, b: &Attribute<'_>| {
            (a.name.namespace, a.name.local).cmp(&(b.name.namespace, b.name.local))
        };
        attributes.sort_unstable_by(key);
        let twice =
            attributes.iter().zip(attributes.iter().skip(1)).any(|(a, b)| key(a, b).is_eq());
        if twice {
            return Err(self.error(Problem::DuplicateAttribute, from));
        }
        Ok(Event::Start(Start { name, attributes, scope: &self.scope }))
    }

    fn length_of_name(&self, range: &Range<usize>) -> usize {
        let bytes = self.bytes(range);
        bytes.iter().position(|b| is_space(*b) || *b == b'=').unwrap_or(bytes.len())
    }

    /// The two parts of a `QName` (Namespaces §4).
    fn qualified(&self, range: &Range<usize>) -> Result<(Range<usize>, Range<usize>), Problem> {
        let name = self.slice(range);
        let colon = name.bytes().position(|byte| byte == b':');
        let (prefix, local) = match colon {
            Some(colon) => (range.start..range.start + colon, range.start + colon + 1..range.end),
            None => (range.start..range.start, range.clone()),
        };
        let good = characters::is_ncname(self.slice(&local))
            && (colon.is_none() || characters::is_ncname(self.slice(&prefix)));
        if good { Ok((prefix, local)) } else { Err(Problem::Name) }
    }

    /// Reads `range`, which follows the name of the element, into `attributes`.
    fn read_attributes(&mut self, range: Range<usize>, from: usize) -> Result<(), XmlError> {
        self.attributes.clear();
        let mut at = range.start;
        loop {
            let rest = self.bytes(&(at..range.end));
            let spaces = rest.iter().take_while(|byte| is_space(**byte)).count();
            if spaces == rest.len() {
                return Ok(());
            }
            if spaces == 0 {
                let problem = Problem::Syntax("no space before an attribute (XML §3.1)");
                return Err(self.error(problem, from));
            }
            if self.attributes.len() >= self.limits.attributes {
                return Err(self.limit(Bound::Attributes, self.limits.attributes as u64));
            }
            at += spaces;
            let name = at..at + self.length_of_name(&(at..range.end));
            let (prefix, local) = self.qualified(&name).map_err(|p| self.error(p, from))?;
            let rest = self.bytes(&(name.end..range.end));
            let Some(value) = quoted(rest) else {
                let problem = Problem::Syntax("an attribute without a quoted value (XML §3.1)");
                return Err(self.error(problem, from));
            };
            let value = name.end + value.start..name.end + value.end;
            at = value.end + 1;
            let value = self.resolve(value, Place::Attribute, from)?;
            self.attributes.push(Raw { prefix, local, value });
        }
    }

    fn is_declaration(&self, raw: &Raw) -> bool {
        match self.slice(&raw.prefix) {
            "" => self.slice(&raw.local) == "xmlns",
            prefix => prefix == "xmlns",
        }
    }

    /// Brings the declarations among the attributes into force.
    fn declare(&mut self, from: usize) -> Result<(), XmlError> {
        let mut scope = std::mem::take(&mut self.scope);
        scope.open();
        let done =
            self.attributes.iter().filter(|raw| self.is_declaration(raw)).try_for_each(|raw| {
                let prefix = if raw.prefix.is_empty() { "" } else { self.slice(&raw.local) };
                let namespace = self.text(&raw.value);
                // Only `xml` may stand for its namespace, and nothing for that of declarations;
                // a prefix cannot be taken back (Namespaces §3, §5).
                let allowed = match prefix {
                    "xml" => namespace == XML,
                    "xmlns" => false,
                    "" => namespace != XML && namespace != XMLNS,
                    _ => namespace != XML && namespace != XMLNS && !namespace.is_empty(),
                };
                if !allowed {
                    return Err(self.error(Problem::Declaration, from));
                }
                if scope.own().any(|(other, _)| other == prefix) {
                    return Err(self.error(Problem::DuplicateAttribute, from));
                }
                scope.declare(prefix, namespace);
                Ok(())
            });
        self.scope = scope;
        done?;
        if self.scope.len() > self.limits.namespaces {
            return Err(self.limit(Bound::Namespaces, self.limits.namespaces as u64));
        }
        Ok(())
    }

    fn name(
        &self,
        prefix: &Range<usize>,
        local: &Range<usize>,
        element: bool,
    ) -> Result<Name<'_>, Problem> {
        let (prefix, local) = (self.slice(prefix), self.slice(local));
        let namespace = match prefix {
            "" if element => self.scope.namespace("").unwrap_or_default(),
            "" => "",
            _ => self.scope.namespace(prefix).ok_or(Problem::UndeclaredPrefix)?,
        };
        Ok(Name { prefix, local, namespace })
    }
}

/// The value after the name of an attribute: `= "…"`, without its quotes.
fn quoted(text: &[u8]) -> Option<Range<usize>> {
    let spaces = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is_space(**byte)).count()
    };
    let equals = spaces(0);
    if text.get(equals) != Some(&b'=') {
        return None;
    }
    let open = spaces(equals + 1);
    let quote = text.get(open).filter(|byte| matches!(byte, b'"' | b'\''))?;
    let length = text.get(open + 1..)?.iter().position(|byte| byte == quote)?;
    Some(open + 1..open + 1 + length)
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

#[cfg(test)]
mod tests;
