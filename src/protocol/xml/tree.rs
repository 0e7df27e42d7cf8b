//! A document as a tree that is not changed.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Attribute, Bound, Event, Limits, Name, Problem, Reader, Scope, Start, XML, XmlError};

/// A document, or an element that was cut out of one.
#[derive(Debug)]
pub struct Document {
    elements: Vec<Data>,
    /// The namespaces that the root inherits, when it was cut out.
    context: Vec<(Arc<str>, Arc<str>)>,
    /// Whether it is all of a document: not cut out, and no instruction beside the root.
    pub(super) whole: bool,
}

/// An element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'a> {
    document: &'a Document,
    index: usize,
}

/// What stands in an element.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    /// An element.
    Element(Element<'a>),
    /// Text.
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

#[derive(Debug)]
struct Data {
    parent: Option<usize>,
    name: NameData,
    attributes: Vec<AttributeData>,
    declarations: Vec<(Arc<str>, Arc<str>)>,
    content: Vec<Content>,
}

#[derive(Debug)]
struct AttributeData {
    name: NameData,
    value: String,
}

#[derive(Debug)]
struct NameData {
    prefix: Arc<str>,
    local: Arc<str>,
    namespace: Arc<str>,
}

impl NameData {
    fn name(&self) -> Name<'_> {
        Name { prefix: &self.prefix, local: &self.local, namespace: &self.namespace }
    }
}

#[derive(Debug)]
enum Content {
    Element(usize),
    Text(String),
    Comment(String),
    Instruction(String, String),
}

impl Document {
    /// Reads a whole document.
    ///
    /// # Errors
    /// When it is refused.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, XmlError> {
        let mut reader = Reader::new(limits);
        let mut builder = Builder::new(limits);
        reader.push(bytes)?;
        reader.end();
        let mut instruction_outside = false;
        loop {
            let depth = reader.depth();
            let Some(event) = reader.next()? else { break };
            instruction_outside |= depth == 0 && matches!(event, Event::Instruction { .. });
            builder.add(&event)?;
        }
        let missing = XmlError { problem: Problem::Truncated, offset: bytes.len() as u64 };
        builder.finish(!instruction_outside).ok_or(missing)
    }

    /// The outermost element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: 0 }
    }

    /// All elements in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.elements.len()).map(|index| Element { document: self, index })
    }
}

impl<'a> Element<'a> {
    fn data(self) -> &'a Data {
        // An index is made from the length of the list alone, and the list is never shortened.
        #[allow(clippy::indexing_slicing)]
        &self.document.elements[self.index]
    }

    /// The document that it stands in.
    #[must_use]
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Name<'a> {
        self.data().name.name()
    }

    /// Whether it has this name, whatever its prefix.
    #[must_use]
    pub fn is(self, namespace: &str, local: &str) -> bool {
        self.name().is(namespace, local)
    }

    pub(super) fn qualified_name(self) -> String {
        let name = self.name();
        if name.prefix.is_empty() {
            name.local.to_owned()
        } else {
            format!("{}:{}", name.prefix, name.local)
        }
    }

    /// The value of an attribute without prefix.
    #[must_use]
    pub fn attribute(self, local: &str) -> Option<&'a str> {
        self.attributes().find(|a| a.name.is("", local)).map(|a| a.value)
    }

    /// Its attributes, in canonical order.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'a>> {
        let attributes = self.data().attributes.iter();
        attributes.map(|a| Attribute { name: a.name.name(), value: &a.value })
    }

    /// The element around it.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.data().parent.map(|index| Self { index, ..self })
    }

    /// All that stands in it.
    pub fn nodes(self) -> impl Iterator<Item = Node<'a>> {
        self.data().content.iter().map(move |content| match content {
            Content::Element(index) => Node::Element(Self { index: *index, ..self }),
            Content::Text(text) => Node::Text(text),
            Content::Comment(text) => Node::Comment(text),
            Content::Instruction(target, data) => Node::Instruction { target, data },
        })
    }

    /// The elements in it.
    pub fn children(self) -> impl Iterator<Item = Self> {
        self.nodes().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The elements in it that have this name.
    pub fn children_named(self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The first element in it that has this name.
    #[must_use]
    pub fn child(self, namespace: &str, local: &str) -> Option<Self> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// Its text; `None` where elements stand in it. A comment does not cut it short.
    #[must_use]
    pub fn text(self) -> Option<String> {
        let mut whole = String::new();
        for node in self.nodes() {
            match node {
                Node::Text(text) => whole.push_str(text),
                Node::Element(_) => return None,
                Node::Comment(_) | Node::Instruction { .. } => {}
            }
        }
        Some(whole)
    }

    /// The namespaces in force around it.
    pub(super) fn scope_of_parent(self) -> Scope {
        let mut ancestors = Vec::new();
        let mut next = self.parent();
        while let Some(element) = next {
            ancestors.push(element);
            next = element.parent();
        }
        let mut scope = Scope::default();
        scope.open();
        for (prefix, namespace) in &self.document.context {
            scope.declare(prefix, namespace);
        }
        for element in ancestors.into_iter().rev() {
            element.declare(&mut scope);
        }
        scope
    }

    /// The namespaces in force in it.
    pub(crate) fn scope(self) -> Scope {
        let mut scope = self.scope_of_parent();
        self.declare(&mut scope);
        scope
    }

    fn declare(self, scope: &mut Scope) {
        scope.open();
        for (prefix, namespace) in &self.data().declarations {
            scope.declare(prefix, namespace);
        }
    }

    /// The attributes of ancestors in the namespace `xml` that it does not have itself
    /// (Canonical XML §2.4).
    pub(super) fn inherited_attributes(self) -> Vec<Attribute<'a>> {
        let mut found: Vec<Attribute<'a>> = Vec::new();
        let mut next = self.parent();
        while let Some(element) = next {
            for attribute in element.attributes().filter(|a| a.name.namespace == XML) {
                let known = |other: &Attribute<'_>| other.name.is(XML, attribute.name.local);
                if !self.attributes().any(|a| known(&a)) && !found.iter().any(known) {
                    found.push(attribute);
                }
            }
            next = element.parent();
        }
        found
    }

    /// Opens it in the scope and hands out its start, with more attributes.
    pub(super) fn with_start<R>(
        self,
        more: &[Attribute<'_>],
        scope: &mut Scope,
        then: impl FnOnce(&Start<'_>) -> R,
    ) -> R {
        self.declare(scope);
        let mut attributes: Vec<Attribute<'_>> = self.attributes().collect();
        if !more.is_empty() {
            attributes.extend_from_slice(more);
            attributes.sort_unstable_by(|a, b| {
                (a.name.namespace, a.name.local).cmp(&(b.name.namespace, b.name.local))
            });
        }
        then(&Start { name: self.name(), attributes, scope })
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.index == other.index
    }
}

impl std::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}>", self.qualified_name())
    }
}

/// Builds a tree from the events of a reader.
#[derive(Debug)]
pub struct Builder {
    document: Document,
    names: Names,
    open: Vec<usize>,
    nodes: u64,
    bytes: u64,
    limits: Limits,
}

impl Builder {
    /// For a tree of at most so many nodes and bytes.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let document = Document { elements: Vec::new(), context: Vec::new(), whole: false };
        let names = Names::default();
        Self { document, names, open: Vec::new(), nodes: 0, bytes: 0, limits }
    }

    /// Adds an event. What stands outside of the root is left out.
    ///
    /// # Errors
    /// When the tree is larger than it may be.
    pub fn add(&mut self, event: &Event<'_>) -> Result<(), XmlError> {
        let (nodes, bytes) = cost(event);
        self.nodes += nodes;
        self.bytes += bytes as u64;
        let over = |bound, most| XmlError { problem: Problem::Limit { bound, most }, offset: 0 };
        if self.nodes > self.limits.nodes {
            return Err(over(Bound::Nodes, self.limits.nodes));
        }
        if self.bytes > self.limits.bytes {
            return Err(over(Bound::Bytes, self.limits.bytes));
        }
        let content = match event {
            Event::Start(start) => {
                self.start(start);
                return Ok(());
            }
            Event::End(_) => {
                self.open.pop();
                return Ok(());
            }
            Event::Text(text) => Content::Text((*text).to_owned()),
            Event::Comment(text) => Content::Comment((*text).to_owned()),
            Event::Instruction { target, data } => {
                Content::Instruction((*target).to_owned(), (*data).to_owned())
            }
        };
        if let Some(open) = self.open.last().and_then(|at| self.document.elements.get_mut(*at)) {
            open.content.push(content);
        }
        Ok(())
    }

    fn start(&mut self, start: &Start<'_>) {
        let index = self.document.elements.len();
        let parent = self.open.last().copied();
        let names = &mut self.names;
        let mut pair = |(a, b): (&str, &str)| (names.share(a), names.share(b));
        let declarations: Vec<_> = start.scope.own().map(&mut pair).collect();
        if index == 0 {
            let own = |prefix: &str| declarations.iter().any(|(other, _)| **other == *prefix);
            self.document.context =
                start.scope.in_force().filter(|(prefix, _)| !own(prefix)).map(&mut pair).collect();
        }
        if let Some(parent) = parent.and_then(|at| self.document.elements.get_mut(at)) {
            parent.content.push(Content::Element(index));
        }
        self.document.elements.push(Data {
            parent,
            name: self.names.data(&start.name),
            attributes: start
                .attributes
                .iter()
                .map(|a| AttributeData {
                    name: self.names.data(&a.name),
                    value: a.value.to_owned(),
                })
                .collect(),
            declarations,
            content: Vec::new(),
        });
        self.open.push(index);
    }

    /// The tree; `None` when no element began. Elements that are open end here. `whole` says that
    /// it is all of a document.
    #[must_use]
    pub fn finish(self, whole: bool) -> Option<Document> {
        let Self { mut document, .. } = self;
        document.whole = whole;
        (!document.elements.is_empty()).then_some(document)
    }
}

/// The texts of names, each kept once: a document has few names and many elements.
#[derive(Debug, Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }

    fn data(&mut self, name: &Name<'_>) -> NameData {
        NameData {
            prefix: self.share(name.prefix),
            local: self.share(name.local),
            namespace: self.share(name.namespace),
        }
    }
}

/// What an event adds to a tree, in nodes and in bytes.
fn cost(event: &Event<'_>) -> (u64, usize) {
    let name = |name: &Name<'_>| name.prefix.len() + name.local.len() + name.namespace.len();
    match event {
        Event::Start(start) => {
            let attributes = start.attributes.iter();
            let bytes: usize = attributes.map(|a| name(&a.name) + a.value.len()).sum();
            let declarations: usize = start.scope.own().map(|(a, b)| a.len() + b.len()).sum();
            let nodes = 1 + start.attributes.len() as u64;
            (nodes, name(&start.name) + bytes + declarations)
        }
        Event::End(_) => (0, 0),
        Event::Text(text) | Event::Comment(text) => (1, text.len()),
        Event::Instruction { target, data } => (1, target.len() + data.len()),
    }
}
