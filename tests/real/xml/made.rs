//! Made-up elements: the same ones on every run, with all that canonicalisation is about.

use std::fmt::Write as _;

/// A source of numbers that look random (xorshift64).
pub(super) struct Maker(u64);

/// Prefixes that are in force, each with its namespace.
type Scope = Vec<(&'static str, &'static str)>;

const PREFIXES: [&str; 4] = ["", "a", "b", "c"];
/// None has an ampersand: libxml2 writes that one as it is, which is no well-formed document any
/// more (Canonical XML §2.3 has a reference there).
const NAMESPACES: [&str; 4] = ["urn:one", "urn:two", "http://three.example/?x='1", "urn:a:four"];
const NAMES: [&str; 5] = ["x", "y", "long-name", "Z", "é"];
const TEXTS: [&str; 12] = [
    "text",
    " ",
    "\n",
    "\r\n",
    "\t",
    "&lt;&amp;&gt;",
    "&#13;",
    "&#xA;&#9;",
    "\u{fc}\u{1d11e}",
    "&apos;&quot;",
    "'",
    "]]",
];

impl Maker {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % end).expect("a small number")
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64)]
    }

    /// Some elements, texts, comments and instructions.
    pub(super) fn content(&mut self) -> String {
        (0..3).map(|_| self.element(4, &Scope::new())).collect()
    }

    /// A document without a document type.
    pub(super) fn document(&mut self) -> String {
        let root = self.element(5, &Scope::new());
        let beside = self.one_of(&["", "<!-- beside -->", "<?beside it?>", "\n"]);
        format!("{beside}{root}{beside}")
    }

    fn element(&mut self, depth: usize, outer: &Scope) -> String {
        let mut scope = outer.clone();
        let mut tag = String::new();
        let mut declared = Vec::new();
        for _ in 0..self.below(3) {
            let prefix = self.one_of(&PREFIXES);
            if declared.contains(&prefix) {
                continue;
            }
            declared.push(prefix);
            // The default namespace may be taken away.
            let away = prefix.is_empty() && self.below(3) == 0;
            let namespace = if away { "" } else { self.one_of(&NAMESPACES) };
            let colon = if prefix.is_empty() { "" } else { ":" };
            let _ = write!(tag, " xmlns{colon}{prefix}=\"{namespace}\"");
            scope.retain(|(known, _)| *known != prefix);
            scope.push((prefix, namespace));
        }
        let mut names = Vec::new();
        for _ in 0..self.below(4) {
            let local = self.one_of(&NAMES);
            if names.contains(&local) {
                continue;
            }
            names.push(local);
            let prefix = self.prefix(&scope);
            let value: String = (0..self.below(3)).map(|_| self.one_of(&TEXTS)).collect();
            let (quote, value) = match self.below(2) {
                0 => ('"', value),
                _ => ('\'', value.replace('\'', "&#39;")),
            };
            let space = self.one_of(&["", " "]);
            let _ = write!(tag, " {prefix}{local}{space}={quote}{value}{quote}");
        }
        if self.below(5) == 0 {
            tag.push_str(self.one_of(&[
                " xml:lang='de'",
                " xml:space=\"preserve\"",
                " xml:lang=\"\"",
            ]));
        }
        let name = format!("{}{}", self.prefix(&scope), self.one_of(&NAMES));
        if depth == 0 {
            return format!("<{name}{tag}/>");
        }
        let content: String = (0..self.below(5)).map(|_| self.node(depth - 1, &scope)).collect();
        format!("<{name}{tag}>{content}</{name}{}>", self.one_of(&["", " ", "\n"]))
    }

    fn node(&mut self, depth: usize, scope: &Scope) -> String {
        match self.below(8) {
            0 => format!("<![CDATA[{}]]>", self.one_of(&["<&>", "", "\r\n", "x"])),
            1 => format!("<!--{}-->", self.one_of(&["", " comment ", "<&>"])),
            2 => self.one_of(&["<?go?>", "<?go on ?>", "<?go  on?>"]).to_owned(),
            3 | 4 => (0..3).map(|_| self.one_of(&TEXTS)).collect(),
            _ => self.element(depth, scope),
        }
    }

    /// One that is in force, with its colon.
    fn prefix(&mut self, scope: &Scope) -> String {
        let known: Vec<&str> =
            scope.iter().map(|(prefix, _)| *prefix).filter(|prefix| !prefix.is_empty()).collect();
        if known.is_empty() || self.below(3) == 0 {
            return String::new();
        }
        format!("{}:", self.one_of(&known))
    }
}
