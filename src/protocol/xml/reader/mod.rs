//! Bytes as they arrive in, events out (XML 1.0 fifth edition, Namespaces in XML 1.0).

mod declaration;
mod tag;
mod token;

use std::ops::Range;

use token::Token;

use super::characters::{self, Place, is_space};
use super::{Bound, Limits, Problem, Scope, XmlError};

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
    /// What follows the buffer is not UTF-8.
    broken: Option<XmlError>,
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

impl Reader {
    /// A reader before the first byte of a document.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: String::new(),
            split: Vec::new(),
            broken: None,
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
    /// When the document is larger than it may be. That it is not in UTF-8 is told when what stands
    /// before that has been read, however the bytes arrive.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), XmlError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
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
                self.buffer.push_str(std::str::from_utf8(good).unwrap_or_default());
                if error.error_len().is_some() {
                    self.broken = Some(self.error(Problem::Encoding, self.buffer.len()));
                } else {
                    self.split = rest.to_vec();
                }
            }
        }
        Ok(())
    }

    /// Says that nothing more will arrive.
    pub fn end(&mut self) {
        // Where it is broken, no end is seen.
        self.ended = self.broken.is_none();
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
            return self.nothing_more();
        }
        loop {
            self.resolved.clear();
            let from = self.at;
            let Some(token) = self.token()? else { return self.nothing_more() };
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

    fn nothing_more<T>(&self) -> Result<Option<T>, XmlError> {
        self.broken.map_or(Ok(None), Err)
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
}

#[cfg(test)]
mod tests;
