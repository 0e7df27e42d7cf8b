//! Canonical XML, inclusive and exclusive, of one element and all that is in it
//! (Canonical XML 1.0; Exclusive XML Canonicalization 1.0).

use super::{Document, Element, Name, Node, Scope, Start};

/// Canonical XML 1.0.
pub const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Exclusive XML canonicalization 1.0; also the namespace of `InclusiveNamespaces`.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A canonicalisation method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Only the namespaces that are used are written (exclusive).
    pub exclusive: bool,
    /// Comments are kept.
    pub comments: bool,
    /// Prefixes that the exclusive method treats as the inclusive one does
    /// (`InclusiveNamespaces`); the empty one is the default namespace.
    pub inclusive_prefixes: Vec<String>,
}

impl Method {
    /// The method with this identifier; `None` for one that is not supported, Canonical XML 1.1
    /// among them.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let (method, comments) = match uri.strip_suffix("WithComments") {
            Some(method) => (method, true),
            None => (uri, false),
        };
        let exclusive = match (method, comments) {
            (EXCLUSIVE, _) => true,
            (INCLUSIVE, false) => false,
            _ if comments && method.strip_suffix('#') == Some(INCLUSIVE) => false,
            _ => return None,
        };
        Some(Self { exclusive, comments, inclusive_prefixes: Vec::new() })
    }
}

/// A namespace that is a relative reference has no canonical form (Canonical XML §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a namespace that is a relative reference (Canonical XML §1.3)")]
pub struct RelativeNamespace;

/// Writes the canonical form of an element while its events pass by.
#[derive(Debug)]
pub struct Canonicalizer {
    method: Method,
    /// The declarations that were written.
    written: Scope,
    depth: usize,
}

impl Canonicalizer {
    /// For one element; its start is the first event.
    #[must_use]
    pub fn new(method: Method) -> Self {
        Self { method, written: Scope::default(), depth: 0 }
    }

    /// An element begins.
    ///
    /// # Errors
    /// When it has no canonical form.
    pub fn start(&mut self, start: &Start<'_>, out: &mut Vec<u8>) -> Result<(), RelativeNamespace> {
        out.push(b'<');
        write_name(&start.name, out);
        let mut declarations = self.declarations(start);
        declarations.sort_unstable();
        declarations.dedup();
        self.written.open();
        for (prefix, namespace) in declarations {
            let known = self.written.namespace(prefix).filter(|_| prefix != "xml");
            if known.unwrap_or_default() == namespace {
                continue;
            }
            if !namespace.is_empty() && !is_absolute(namespace) {
                return Err(RelativeNamespace);
            }
            self.written.declare(prefix, namespace);
            out.extend_from_slice(b" xmlns");
            if !prefix.is_empty() {
                out.push(b':');
                out.extend_from_slice(prefix.as_bytes());
            }
            out.extend_from_slice(b"=\"");
            escape(namespace, true, out);
            out.push(b'"');
        }
        for attribute in &start.attributes {
            out.push(b' ');
            write_name(&attribute.name, out);
            out.extend_from_slice(b"=\"");
            escape(attribute.value, true, out);
            out.push(b'"');
        }
        out.push(b'>');
        self.depth += 1;
        Ok(())
    }

    /// The declarations that may have to be written: those that no ancestor wrote are.
    fn declarations<'a>(&self, start: &Start<'a>) -> Vec<(&'a str, &'a str)> {
        let scope = start.scope;
        // `xml` needs no declaration and gets none (Canonical XML §2.3).
        let not_xml = |(prefix, _): &(&str, &str)| *prefix != "xml";
        if !self.method.exclusive {
            return if self.depth == 0 {
                scope.in_force().filter(not_xml).collect()
            } else {
                scope.own().filter(not_xml).collect()
            };
        }
        let mut used = Vec::new();
        used.push((start.name.prefix, start.name.namespace));
        let prefixed = start.attributes.iter().filter(|a| !a.name.prefix.is_empty());
        used.extend(prefixed.map(|a| (a.name.prefix, a.name.namespace)));
        for prefix in &self.method.inclusive_prefixes {
            // The prefix as the scope holds it, which lives as long as the element.
            used.extend(scope.binding(prefix));
        }
        used.retain(not_xml);
        used
    }

    /// An element ends; its name as written.
    pub fn end(&mut self, name: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</");
        out.extend_from_slice(name.as_bytes());
        out.push(b'>');
        self.written.close();
        self.depth = self.depth.saturating_sub(1);
    }

    /// Text, references resolved.
    pub fn text(text: &str, out: &mut Vec<u8>) {
        escape(text, false, out);
    }

    /// A comment.
    pub fn comment(&self, text: &str, out: &mut Vec<u8>) {
        if self.method.comments {
            out.extend_from_slice(b"<!--");
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b"-->");
        }
    }

    /// A processing instruction.
    pub fn instruction(target: &str, data: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<?");
        out.extend_from_slice(target.as_bytes());
        if !data.is_empty() {
            out.push(b' ');
            out.extend_from_slice(data.as_bytes());
        }
        out.extend_from_slice(b"?>");
    }
}

/// The canonical form of an element of a tree, without the element `except`.
///
/// # Errors
/// When there is none.
pub fn canonicalize(
    element: Element<'_>,
    method: &Method,
    except: Option<Element<'_>>,
) -> Result<Vec<u8>, RelativeNamespace> {
    let mut canonicalizer = Canonicalizer::new(method.clone());
    let mut out = Vec::new();
    let mut scope = element.scope_of_parent();
    let inherited = if method.exclusive { Vec::new() } else { element.inherited_attributes() };
    walk(&mut canonicalizer, element, &inherited, except, &mut scope, &mut out)?;
    Ok(out)
}

/// The canonical form of the beginning of a document, or of an element of one, that is still being
/// read: the start of its root and what follows, without the element `except` and without the end of the root.
///
/// # Errors
/// When there is none.
pub(crate) fn canonicalize_head(
    canonicalizer: &mut Canonicalizer,
    head: &Document,
    except: Element<'_>,
) -> Result<Vec<u8>, RelativeNamespace> {
    let mut out = Vec::new();
    let root = head.root();
    let mut scope = root.scope_of_parent();
    let name = walk(canonicalizer, root, &[], Some(except), &mut scope, &mut out)?;
    // The walk has closed the root; it is opened again for what follows.
    out.truncate(out.len() - name.len());
    root.with_start(&[], &mut scope, |start| canonicalizer.start(start, &mut Vec::new()))?;
    Ok(out)
}

/// Writes an element and what is in it; its end tag is returned as well.
fn walk(
    canonicalizer: &mut Canonicalizer,
    element: Element<'_>,
    inherited: &[super::Attribute<'_>],
    except: Option<Element<'_>>,
    scope: &mut Scope,
    out: &mut Vec<u8>,
) -> Result<Vec<u8>, RelativeNamespace> {
    element.with_start(inherited, scope, |start| canonicalizer.start(start, out))?;
    for node in element.nodes() {
        match node {
            Node::Element(child) if Some(child) == except => {}
            Node::Element(child) => {
                walk(canonicalizer, child, &[], except, scope, out)?;
            }
            Node::Text(text) => Canonicalizer::text(text, out),
            Node::Comment(text) => canonicalizer.comment(text, out),
            Node::Instruction { target, data } => Canonicalizer::instruction(target, data, out),
        }
    }
    scope.close();
    let from = out.len();
    canonicalizer.end(&element.qualified_name(), out);
    Ok(out.get(from..).unwrap_or_default().to_vec())
}

fn write_name(name: &Name<'_>, out: &mut Vec<u8>) {
    if !name.prefix.is_empty() {
        out.extend_from_slice(name.prefix.as_bytes());
        out.push(b':');
    }
    out.extend_from_slice(name.local.as_bytes());
}

/// Whether it begins with a scheme (RFC 3986 §3.1).
fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Text and attribute values, with what cannot stand for itself as a reference
/// (Canonical XML §2.3).
pub(crate) fn escape(text: &str, attribute: bool, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // Few bytes are below `>`, other than spaces and digits: look closer only then.
        if *byte > b'>' {
            continue;
        }
        let reference: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'\r' => b"&#xD;",
            b'>' if !attribute => b"&gt;",
            b'"' if attribute => b"&quot;",
            b'\t' if attribute => b"&#x9;",
            b'\n' if attribute => b"&#xA;",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        out.extend_from_slice(reference);
        from = at + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
