//! Assertions on an answer: written, compiled, and evaluated without any coercion.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::json_path::{JsonPath, json_path};
use super::{Error, Occurrences, Path};

/// What an assertion looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    StatusCode,
    Header,
    JsonBody,
    ResponseTime,
    ResponseContains,
    ResponseMatches,
}

/// How it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operator {
    #[default]
    Equals,
    NotEquals,
    Exists,
    NotExists,
    GreaterThan,
    LessThan,
    Contains,
    Matches,
    OneOf,
}

impl Type {
    const fn as_str(self) -> &'static str {
        match self {
            Self::StatusCode => "status_code",
            Self::Header => "header",
            Self::JsonBody => "json_body",
            Self::ResponseTime => "response_time",
            Self::ResponseContains => "response_contains",
            Self::ResponseMatches => "response_matches",
        }
    }

    /// The operators that mean something for it.
    const fn operators(self) -> &'static [Operator] {
        use Operator as O;
        match self {
            Self::StatusCode => &[O::Equals, O::NotEquals, O::GreaterThan, O::LessThan, O::OneOf],
            Self::Header => &[
                O::Equals,
                O::NotEquals,
                O::Exists,
                O::NotExists,
                O::Contains,
                O::Matches,
                O::OneOf,
            ],
            Self::JsonBody => &[
                O::Equals,
                O::NotEquals,
                O::Exists,
                O::NotExists,
                O::GreaterThan,
                O::LessThan,
                O::Contains,
                O::Matches,
                O::OneOf,
            ],
            Self::ResponseTime => &[O::LessThan, O::GreaterThan],
            Self::ResponseContains | Self::ResponseMatches => &[O::Equals, O::NotEquals],
        }
    }
}

impl Operator {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "not_equals",
            Self::Exists => "exists",
            Self::NotExists => "not_exists",
            Self::GreaterThan => "greater_than",
            Self::LessThan => "less_than",
            Self::Contains => "contains",
            Self::Matches => "matches",
            Self::OneOf => "one_of",
        }
    }
}

/// One assertion as written.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionSettings {
    r#type: Type,
    path: Option<String>,
    #[serde(default)]
    operator: Operator,
    // An explicit null is a value to compare with, an absent member is none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    name: Option<String>,
}

/// An assertion on the claims of a token as written. What it looks at needs no saying.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimAssertionSettings {
    #[serde(default)]
    r#type: ClaimType,
    path: Option<String>,
    #[serde(default)]
    operator: Operator,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    name: Option<String>,
}

/// Claims are JSON, so this is the only type.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClaimType {
    #[default]
    JsonBody,
}

impl From<ClaimAssertionSettings> for AssertionSettings {
    fn from(claim: ClaimAssertionSettings) -> Self {
        let ClaimAssertionSettings { r#type: ClaimType::JsonBody, path, operator, value, name } =
            claim;
        Self { r#type: Type::JsonBody, path, operator, value, name }
    }
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    use serde::de::Error;
    let value = serde_yaml::Value::deserialize(deserializer)?;
    if !is_json(&value) {
        // A conversion would make a null of it, which is something else to compare with.
        return Err(D::Error::custom("holds a number that JSON does not have"));
    }
    serde_json::to_value(value).map(Some).map_err(D::Error::custom)
}

/// Whether every number is finite.
fn is_json(value: &serde_yaml::Value) -> bool {
    match value {
        serde_yaml::Value::Number(number) => number.as_f64().is_none_or(f64::is_finite),
        serde_yaml::Value::Sequence(elements) => elements.iter().all(is_json),
        serde_yaml::Value::Mapping(members) => members.values().all(is_json),
        _ => true,
    }
}

/// A compiled assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    label: String,
    subject: Subject,
    comparison: Comparison,
}

#[derive(Debug, Clone)]
enum Subject {
    Status,
    Header(HeaderName),
    JsonBody(Box<JsonPath>),
    ResponseTime,
    Body,
}

#[derive(Debug, Clone)]
enum Comparison {
    Equals(Value),
    NotEquals(Value),
    Exists,
    NotExists,
    GreaterThan(f64),
    LessThan(f64),
    Contains(Value),
    NotContains(Value),
    Matches(Arc<Regex>),
    NotMatches(Arc<Regex>),
    OneOf(Vec<Value>),
}

/// The answer that assertions look at.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: Content<'a>,
    /// The body as JSON, when it is.
    pub json: Option<&'a Value>,
    /// How long the exchange took.
    pub response_time: Duration,
}

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// All of it, decoded.
    Whole(&'a [u8]),
    /// It passed by.
    Passed(&'a Occurrences),
}

/// Compiles the assertions of a step whose answer is XML that passes by.
///
/// # Errors
/// As [`compile`], and for those that need the whole body or JSON.
pub fn compile_passing(
    settings: Vec<AssertionSettings>,
    at: &Path,
) -> Result<Vec<Assertion>, Error> {
    for (index, setting) in settings.iter().enumerate() {
        let message = match setting.r#type {
            Type::JsonBody => "json_body means nothing here: the answer is XML",
            Type::ResponseMatches => {
                "response_matches needs the whole answer, which is read as it passes by: use response_contains"
            }
            Type::StatusCode | Type::Header | Type::ResponseTime | Type::ResponseContains => {
                continue;
            }
        };
        return Err(at.index(index).key("type").error(message));
    }
    compile(settings, at)
}

/// Compiles the assertions of one step and gives each its label.
///
/// # Errors
/// For a combination of type, operator, path and value that means nothing, a bad
/// JSON path or regular expression, and for two equal names.
pub fn compile(settings: Vec<AssertionSettings>, at: &Path) -> Result<Vec<Assertion>, Error> {
    let mut assertions: Vec<Assertion> = Vec::with_capacity(settings.len());
    for (index, setting) in settings.into_iter().enumerate() {
        let at = at.index(index);
        let (named, mut assertion) = setting.compile(&at)?;
        let taken = |label: &str| assertions.iter().any(|known| known.label == label);
        if taken(&assertion.label) {
            if named {
                return Err(at.key("name").error("is the label of an earlier assertion"));
            }
            let numbered = (2..assertions.len() + 3)
                .map(|number| format!("{}#{number}", assertion.label))
                .find(|label| !taken(label));
            assertion.label = numbered.unwrap_or_default();
        }
        assertions.push(assertion);
    }
    Ok(assertions)
}

impl AssertionSettings {
    fn compile(self, at: &Path) -> Result<(bool, Assertion), Error> {
        if !self.r#type.operators().contains(&self.operator) {
            let allowed: Vec<_> = self.r#type.operators().iter().map(|o| o.as_str()).collect();
            return Err(at.key("operator").error(format!(
                "{} takes {}",
                self.r#type.as_str(),
                allowed.join(", ")
            )));
        }
        let subject = self.subject(at)?;
        let mut label = self.r#type.as_str().to_owned();
        if let Some(path) = &self.path {
            label = format!("{label}:{path}");
        }
        label = format!("{label}:{}", self.operator.as_str());
        let named = self.name.is_some();
        if self.name.as_deref() == Some("") {
            return Err(at.key("name").error("is empty"));
        }
        Ok((
            named,
            Assertion {
                label: self.name.clone().unwrap_or(label),
                subject,
                comparison: self.comparison(at)?,
            },
        ))
    }

    fn subject(&self, at: &Path) -> Result<Subject, Error> {
        let at_path = at.key("path");
        let subject = match (self.r#type, &self.path) {
            (Type::Header, Some(name)) => Subject::Header(
                HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| at_path.error("is not a header name (RFC 9110 §5.1)"))?,
            ),
            (Type::JsonBody, Some(path)) => Subject::JsonBody(Box::new(json_path(path, &at_path)?)),
            (Type::Header, None) => return Err(at.error("header needs path, the header's name")),
            (Type::JsonBody, None) => return Err(at.error("json_body needs path, a JSONPath")),
            (_, Some(_)) => {
                return Err(at_path.error(format!("means nothing for {}", self.r#type.as_str())));
            }
            (Type::StatusCode, None) => Subject::Status,
            (Type::ResponseTime, None) => Subject::ResponseTime,
            (Type::ResponseContains | Type::ResponseMatches, None) => Subject::Body,
        };
        Ok(subject)
    }

    fn comparison(self, at: &Path) -> Result<Comparison, Error> {
        let at_value = at.key("value");
        let value = match (self.operator, self.value) {
            (Operator::Exists, None) => return Ok(Comparison::Exists),
            (Operator::NotExists, None) => return Ok(Comparison::NotExists),
            (Operator::Exists | Operator::NotExists, Some(_)) => {
                return Err(at_value.error("means nothing for exists and not_exists"));
            }
            (operator, None) => {
                return Err(at.error(format!("{} needs value", operator.as_str())));
            }
            (_, Some(value)) => value,
        };
        let allowed = match (self.r#type, &value) {
            (Type::StatusCode | Type::ResponseTime, Value::Number(_))
            | (Type::Header | Type::ResponseContains | Type::ResponseMatches, Value::String(_))
            | (Type::JsonBody, _) => true,
            (Type::StatusCode, Value::Array(items)) => items.iter().all(Value::is_number),
            (Type::Header, Value::Array(items)) => items.iter().all(Value::is_string),
            _ => false,
        };
        if !allowed {
            return Err(at_value.error(match self.r#type {
                Type::StatusCode | Type::ResponseTime => "must be a number",
                _ => "must be text",
            }));
        }
        match (self.r#type, self.operator) {
            (Type::ResponseContains | Type::ResponseMatches, _) if value == "" => {
                return Err(at_value.error("is empty: every body fits"));
            }
            (Type::StatusCode, Operator::Equals | Operator::NotEquals | Operator::OneOf)
                if !are_status_codes(&value) =>
            {
                return Err(at_value.error("is not a status code"));
            }
            _ => {}
        }
        let number =
            |value: &Value| value.as_f64().ok_or_else(|| at_value.error("must be a number"));
        let pattern = |value: &Value| {
            let text =
                value.as_str().ok_or_else(|| at_value.error("must be a regular expression"))?;
            super::pattern::pattern(text).map_err(|error| {
                at_value.error(format!("is not a regular expression: {}", regex_problem(&error)))
            })
        };
        Ok(match (self.r#type, self.operator) {
            (Type::ResponseContains, Operator::Equals) => Comparison::Contains(value),
            (Type::ResponseContains, _) => Comparison::NotContains(value),
            (Type::ResponseMatches, Operator::Equals) => Comparison::Matches(pattern(&value)?),
            (Type::ResponseMatches, _) => Comparison::NotMatches(pattern(&value)?),
            (_, Operator::OneOf) => match value {
                Value::Array(items) if !items.is_empty() => Comparison::OneOf(items),
                _ => return Err(at_value.error("must be a list of values")),
            },
            (Type::StatusCode | Type::Header, _) if value.is_array() => {
                return Err(at_value.error("is a list, which only one_of takes"));
            }
            (_, Operator::NotEquals) => Comparison::NotEquals(value),
            (_, Operator::GreaterThan) => Comparison::GreaterThan(number(&value)?),
            (_, Operator::LessThan) => Comparison::LessThan(number(&value)?),
            (_, Operator::Contains) => Comparison::Contains(value),
            (_, Operator::Matches) => Comparison::Matches(pattern(&value)?),
            (_, Operator::Equals | Operator::Exists | Operator::NotExists) => {
                Comparison::Equals(value)
            }
        })
    }
}

/// One number or several that an answer can have.
fn are_status_codes(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(are_status_codes),
        value => value.as_u64().is_some_and(|number| (100..1000).contains(&number)),
    }
}

/// What is wrong with a pattern, in one line. The library prints the pattern too, which may
/// hold a value of the environment.
fn regex_problem(error: &regex::Error) -> String {
    let text = match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes"),
        error => error.to_string(),
    };
    text.rsplit("error: ").next().unwrap_or_default().to_owned()
}

impl Assertion {
    /// The value of the `assertion` label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it judges the status, and so replaces the rule that a step needs 2xx.
    #[must_use]
    pub fn judges_status(&self) -> bool {
        matches!(self.subject, Subject::Status)
    }

    /// Whether it judges how long the answer took.
    #[must_use]
    pub fn judges_time(&self) -> bool {
        matches!(self.subject, Subject::ResponseTime)
    }

    /// Whether it needs the body to be JSON.
    #[must_use]
    pub fn needs_json(&self) -> bool {
        matches!(self.subject, Subject::JsonBody(_))
    }

    /// The text that the body must hold, or must not.
    #[must_use]
    pub fn contained(&self) -> Option<&str> {
        match (&self.subject, &self.comparison) {
            (
                Subject::Body,
                Comparison::Contains(Value::String(text))
                | Comparison::NotContains(Value::String(text)),
            ) => Some(text),
            _ => None,
        }
    }

    /// Whether it holds for this answer.
    #[must_use]
    pub fn holds(&self, answer: &Answered<'_>) -> bool {
        match &self.subject {
            Subject::Status => self.comparison.of_one(&answer.status.as_u16().into()),
            Subject::ResponseTime => {
                let milliseconds = answer.response_time.as_secs_f64() * 1000.0;
                self.comparison.of_one(&milliseconds.into())
            }
            Subject::Body => match answer.body {
                Content::Whole(body) => {
                    let text = String::from_utf8_lossy(body).into_owned();
                    self.comparison.of_one(&Value::String(text))
                }
                Content::Passed(occurrences) => {
                    let contains = matches!(self.comparison, Comparison::Contains(_));
                    self.contained().is_some_and(|text| occurrences.has(text) == contains)
                }
            },
            Subject::Header(name) => {
                let values: Vec<Value> = answer
                    .headers
                    .get_all(name)
                    .iter()
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into())
                    .collect();
                self.comparison.of_any(&values)
            }
            Subject::JsonBody(_) => answer.json.is_some_and(|json| self.holds_for(json)),
        }
    }

    /// Whether it holds for this JSON value. Only an assertion of the type `json_body` can.
    #[must_use]
    pub fn holds_for(&self, json: &Value) -> bool {
        let Subject::JsonBody(path) = &self.subject else { return false };
        let nodes = path.query(json);
        match &self.comparison {
            Comparison::Exists => !nodes.is_empty(),
            Comparison::NotExists => nodes.is_empty(),
            comparison => nodes.exactly_one().is_ok_and(|node| comparison.of_one(node)),
        }
    }
}

impl Comparison {
    /// For a header: its values are alternatives, so one that fits suffices, and
    /// a denial must hold for all of them.
    fn of_any(&self, values: &[Value]) -> bool {
        match self {
            Self::NotExists => values.is_empty(),
            Self::NotEquals(_) | Self::NotContains(_) | Self::NotMatches(_) => {
                !values.is_empty() && values.iter().all(|value| self.of_one(value))
            }
            Self::Exists
            | Self::Equals(_)
            | Self::GreaterThan(_)
            | Self::LessThan(_)
            | Self::Contains(_)
            | Self::Matches(_)
            | Self::OneOf(_) => values.iter().any(|value| self.of_one(value)),
        }
    }

    fn of_one(&self, found: &Value) -> bool {
        match self {
            Self::Equals(wanted) => equal(found, wanted),
            Self::NotEquals(wanted) => !equal(found, wanted),
            Self::Exists => true,
            Self::NotExists => false,
            Self::GreaterThan(limit) => found.as_f64().is_some_and(|number| number > *limit),
            Self::LessThan(limit) => found.as_f64().is_some_and(|number| number < *limit),
            Self::Contains(wanted) => contains(found, wanted),
            Self::NotContains(wanted) => !contains(found, wanted),
            Self::Matches(pattern) => found.as_str().is_some_and(|text| pattern.is_match(text)),
            Self::NotMatches(pattern) => found.as_str().is_some_and(|text| !pattern.is_match(text)),
            Self::OneOf(wanted) => wanted.iter().any(|wanted| equal(found, wanted)),
        }
    }
}

/// Text contains text; a list contains an element.
fn contains(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), wanted) => items.iter().any(|item| equal(item, wanted)),
        _ => false,
    }
}

/// Equality of JSON values; JSON has one kind of number, so 1 equals 1.0.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && !(both_integers(a, b))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// Integers are compared exactly: as floats, large ones would run together.
fn both_integers(a: &serde_json::Number, b: &serde_json::Number) -> bool {
    !a.is_f64() && !b.is_f64()
}
#[cfg(test)]
mod tests;
