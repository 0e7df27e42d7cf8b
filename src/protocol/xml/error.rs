//! Why a document is refused.

/// A bound of [`Limits`](super::Limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Size of the document.
    Bytes,
    /// Size of one tag, comment, instruction or text.
    Token,
    /// Number of nodes.
    Nodes,
    /// Elements inside each other.
    Depth,
    /// Attributes of one tag.
    Attributes,
    /// Namespace declarations in force.
    Namespaces,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Token => "bytes in one tag or text",
            Self::Nodes => "nodes",
            Self::Depth => "elements inside each other",
            Self::Attributes => "attributes on one element",
            Self::Namespaces => "namespace declarations in force",
        })
    }
}

/// What is wrong with a document. Says nothing of its content: that is text of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It costs more than it may.
    #[error("more than {most} {bound}")]
    Limit {
        /// Which bound.
        bound: Bound,
        /// Its value.
        most: u64,
    },
    /// A document type declaration.
    #[error("a DOCTYPE, which is not read (entities and defaults come with it)")]
    Doctype,
    /// Another entity than the five that need no declaration.
    #[error("a reference to an entity that is not declared (XML §4.1)")]
    Entity,
    /// Another encoding than UTF-8.
    #[error("an encoding other than UTF-8 (XML §4.3.3)")]
    Encoding,
    /// Another version than 1.0.
    #[error("a version of XML other than 1.0 (XML §2.8)")]
    Version,
    /// A character that no document may hold.
    #[error("a character that XML does not allow (XML §2.2)")]
    Character,
    /// A name that is none.
    #[error("a name that is not a qualified name (XML §2.3, Namespaces §4)")]
    Name,
    /// Not well-formed.
    #[error("not well-formed: {0}")]
    Syntax(&'static str),
    /// An end tag for another element.
    #[error("an end tag that does not match its start tag (XML §3)")]
    TagMismatch,
    /// The same attribute twice.
    #[error("an attribute twice on one element (XML §3.1, Namespaces §6.3)")]
    DuplicateAttribute,
    /// A prefix that is bound to nothing.
    #[error("a prefix without declaration (Namespaces §5)")]
    UndeclaredPrefix,
    /// A declaration that is not allowed.
    #[error("a namespace declaration that is not allowed (Namespaces §3, §5)")]
    Declaration,
    /// The document ends too early.
    #[error("ends before its root element does")]
    Truncated,
}

/// Why a document is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, at byte {offset}")]
pub struct XmlError {
    /// What is wrong.
    pub problem: Problem,
    /// Where the tag or text begins that it was found in.
    pub offset: u64,
}
