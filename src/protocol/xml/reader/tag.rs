//! Start tags and end tags: names, attributes, declarations (XML §3.1, Namespaces §3 to §6).

use std::ops::Range;

use super::{Attribute, Event, Name, Raw, Reader, Rest, Start, Where};
use crate::protocol::xml::characters::{self, Place, is_space};
use crate::protocol::xml::{Bound, Problem, XML, XMLNS, XmlError};

impl Reader {
    pub(super) fn end_tag(&self, range: &Range<usize>, from: usize) -> Result<(), XmlError> {
        let bytes = self.bytes(range);
        let spaces = bytes.iter().rev().take_while(|byte| is_space(**byte)).count();
        let name = bytes.get(..bytes.len() - spaces).unwrap_or_default();
        match self.open.last() {
            Some(start) if self.names.as_bytes().get(*start..) == Some(name) => Ok(()),
            _ => Err(self.error(Problem::TagMismatch, from)),
        }
    }

    pub(super) fn start(&mut self, tag: Range<usize>, from: usize) -> Result<Event<'_>, XmlError> {
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
pub(super) fn quoted(text: &[u8]) -> Option<Range<usize>> {
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
