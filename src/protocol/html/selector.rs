//! How a configuration names a form or a control that detection gets wrong.

use super::{Attributes, Control, Form};

/// A control or form, by its name or by a selector.
///
/// A text is first taken for the `name` of a control (or for the `name` or `id` of a form), as
/// `user[login]`; when nothing is named so, for a selector of CSS, of which there are:
///
/// - `input`, `*`: elements, of `form`, `input`, `button`, `select`, `textarea`;
/// - `#id`, `.class`;
/// - `[attr]`, `[attr=value]`, and `^=`, `$=`, `*=`, `~=`; a value that holds `]`, `"` or white
///   space stands in quotes;
/// - all of these written together, as `input.field[type=email]`;
/// - `form#login input[name=pw]`: a control that the form before it owns, wherever it stands.
///
/// A backslash takes the next character as it is: `#j_id1\:user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    selector: Option<Selector>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Selector {
    form: Option<Compound>,
    subject: Compound,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Compound {
    element: Option<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Has(String),
    Equals(String, String),
    Lists(String, String),
    Begins(String, String),
    Ends(String, String),
    Holds(String, String),
}

/// Why a text names no control.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing in it.
    #[error("is empty: expected the name of a field, or a selector")]
    Empty,
    /// It is meant as a selector, and is none of those that there are.
    #[error(
        "is no selector that is known here: expected element, #id, .class, [attr], [attr=value] and, before a field, its form"
    )]
    Unknown,
}

impl Target {
    /// Reads a name or a selector.
    ///
    /// # Errors
    /// When it is empty, or can be neither.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        let selector = Selector::parse(text);
        // Names with these are not to be met; whoever writes them means a selector.
        let meant = text.starts_with(['#', '.', '[', '*']) || text.contains([' ', '>', '=']);
        if selector.is_none() && meant {
            return Err(SelectorError::Unknown);
        }
        Ok(Self { text: text.to_owned(), selector })
    }

    /// The controls of a form that are meant, by index.
    #[must_use]
    pub fn controls(&self, form: &Form) -> Vec<usize> {
        let those = |is_meant: &dyn Fn(&Control) -> bool| -> Vec<usize> {
            let controls = form.controls.iter().enumerate();
            controls.filter(|(_, control)| is_meant(control)).map(|(index, _)| index).collect()
        };
        let named = those(&|control| control.name == self.text);
        if !named.is_empty() {
            return named;
        }
        let Some(selector) = &self.selector else { return named };
        if selector.form.as_ref().is_some_and(|of| !of.matches("form", &form.attributes)) {
            return named;
        }
        those(&|control| selector.subject.matches(control.element, &control.attributes))
    }

    /// Whether a form is meant.
    #[must_use]
    pub fn is_form(&self, form: &Form) -> bool {
        let named = ["name", "id"].iter().any(|key| form.attributes.value(key) == Some(&self.text));
        let selected = |selector: &Selector| {
            selector.form.is_none() && selector.subject.matches("form", &form.attributes)
        };
        named || self.selector.as_ref().is_some_and(selected)
    }
}

impl Selector {
    fn parse(text: &str) -> Option<Self> {
        let (first, rest) = Compound::parse(text)?;
        let rest = rest.trim_start();
        if rest.is_empty() {
            return Some(Self { form: None, subject: first });
        }
        let (subject, rest) = Compound::parse(rest)?;
        rest.is_empty().then_some(Self { form: Some(first), subject })
    }
}

impl Compound {
    /// A compound selector and what follows it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let mut compound = Self::default();
        let mut rest = text;
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
        } else if !rest.starts_with(['#', '.', '[']) {
            let (element, after) = identifier(rest)?;
            compound.element = Some(element.to_ascii_lowercase());
            rest = after;
        }
        loop {
            let condition = if let Some(after) = rest.strip_prefix('#') {
                let (id, after) = identifier(after)?;
                rest = after;
                Condition::Equals("id".into(), id)
            } else if let Some(after) = rest.strip_prefix('.') {
                let (class, after) = identifier(after)?;
                rest = after;
                Condition::Lists("class".into(), class)
            } else if let Some(after) = rest.strip_prefix('[') {
                let (condition, after) = attribute(after)?;
                rest = after;
                condition
            } else {
                break;
            };
            compound.conditions.push(condition);
        }
        (rest.is_empty() || rest.starts_with(' ')).then_some((compound, rest))
    }

    fn matches(&self, element: &str, attributes: &Attributes) -> bool {
        self.element.as_ref().is_none_or(|name| name == element)
            && self.conditions.iter().all(|condition| condition.holds(attributes))
    }
}

impl Condition {
    fn holds(&self, attributes: &Attributes) -> bool {
        let test =
            |name: &str, test: &dyn Fn(&str) -> bool| attributes.value(name).is_some_and(test);
        match self {
            Self::Has(name) => attributes.has(name),
            // The type of a control is a keyword, in any case.
            Self::Equals(name, value) if name == "type" => attributes.is(name, value),
            Self::Equals(name, value) => test(name, &|text| text == value),
            Self::Lists(name, value) => {
                test(name, &|text| text.split_ascii_whitespace().any(|word| word == value))
            }
            // As in CSS, an empty part is in nothing.
            Self::Begins(name, value) => test(name, &|t| !value.is_empty() && t.starts_with(value)),
            Self::Ends(name, value) => test(name, &|t| !value.is_empty() && t.ends_with(value)),
            Self::Holds(name, value) => test(name, &|t| !value.is_empty() && t.contains(value)),
        }
    }
}

/// `name]` or `name=value]`, and what follows.
fn attribute(text: &str) -> Option<(Condition, &str)> {
    let (name, rest) = identifier(text)?;
    let name = name.to_ascii_lowercase();
    if let Some(rest) = rest.strip_prefix(']') {
        return Some((Condition::Has(name), rest));
    }
    let (operator, rest) = rest.split_once('=')?;
    let (value, rest) = if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\''))
    {
        let (value, rest) = rest.get(1..)?.split_once(quote)?;
        (value.to_owned(), rest.strip_prefix(']')?)
    } else {
        let (value, rest) = rest.split_once(']')?;
        (value.to_owned(), rest)
    };
    let condition = match operator {
        "" => Condition::Equals(name, value),
        "^" => Condition::Begins(name, value),
        "$" => Condition::Ends(name, value),
        "*" => Condition::Holds(name, value),
        "~" => Condition::Lists(name, value),
        _ => return None,
    };
    Some((condition, rest))
}

/// Letters, digits, `-`, `_` and whatever a backslash stands before.
fn identifier(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    let mut end = text.len();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => name.push(c),
            _ => {
                end = at;
                break;
            }
        }
    }
    (!name.is_empty()).then_some((name, text.get(end..)?))
}
