//! `${NAME}` in the strings of a configuration.

use std::env::VarError;

use serde_yaml::Value;

use crate::settings::{Error, Path, Place};

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// A string that came, at least in part, from the environment.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Expanded {
    /// Its place.
    pub(super) at: Path,
    /// Its value, which may be a secret.
    pub(super) value: String,
    /// The values of the variables in it, which may be secrets by themselves: not those that
    /// the module also has where everybody sees them.
    pub(super) variables: Vec<String>,
    /// Whether texts are withheld where one of these is too short to be found in them.
    pub(super) withholds: bool,
}

/// Fields below which a variable is no secret.
const PUBLIC: [&str; 5] = ["id", "targets", "labels", "scopes", "provider"];

/// Maps whose keys are names that the user chose, and bodies: below them nothing is public, whatever
/// it is called.
const SECRET: [&str; 5] = ["headers", "params", "body", "fields", "capture"];

/// Fields whose text is a name that people read, or no text at all: one that is short is nothing to
/// withhold the texts of servers for.
const HARMLESS: [&str; 13] = [
    "username",
    "auth",
    "in",
    "grant",
    "alg",
    "timeout",
    "min_interval",
    "thresholds",
    "leeway",
    "min_ttl",
    "max_ttl",
    "max_age",
    "expired_after",
];

/// Whether what stands somewhere is public. The outermost of the fields above decides, and without
/// any of them it is a secret.
type Shown = Option<bool>;

/// What was replaced.
#[derive(Default)]
pub(super) struct Replacements {
    /// Whether the value is another one now.
    pub(super) any: bool,
    /// The strings that thereby may hold a secret.
    pub(super) expanded: Vec<Expanded>,
    /// Values of variables in fields that are shown.
    public: Vec<String>,
}

/// Replaces the variables in every string below `value`.
///
/// # Errors
/// For a variable that is not set or no text, a reference that does not end, and one in a
/// field that is shown in a label.
pub(super) fn expand(
    value: &mut Value,
    at: &Path,
    environment: Environment<'_>,
) -> Result<Replacements, Error> {
    let mut found = Replacements::default();
    walk(value, &Place::Below(at), environment, None, &mut found)?;
    for expanded in &mut found.expanded {
        expanded.variables.retain(|variable| !found.public.contains(variable));
    }
    // A variable that the module shows is no secret where it stands by itself either.
    found.expanded.iter_mut().for_each(|expanded| {
        expanded.withholds &= !found.public.contains(&expanded.value);
    });
    Ok(found)
}

fn walk(
    value: &mut Value,
    at: &Place<'_>,
    environment: Environment<'_>,
    shown: Shown,
    found: &mut Replacements,
) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            let Some(replaced) = replace(text, at, environment)? else {
                return Ok(());
            };
            found.any = true;
            if shown == Some(true) {
                found.public.extend(replaced.variables);
            } else if !replaced.variables.is_empty() {
                found.expanded.push(Expanded {
                    at: at.path(),
                    value: replaced.text.clone(),
                    variables: replaced.variables,
                    withholds: shown == Some(false) || !is_harmless(at),
                });
            }
            *text = replaced.text;
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &Place::Index(at, index), environment, shown, found)?;
            }
        }
        Value::Mapping(members) => {
            let is_assertion = is_assertion(at);
            for (key, member) in members.iter_mut() {
                let key = key.as_str().unwrap_or_default();
                let at = Place::Key(at, key);
                if is_assertion
                    && matches!(key, "name" | "path")
                    && member.as_str().is_some_and(|text| refers(text, &at))
                {
                    return Err(
                        at.error("is shown in a label and cannot come from the environment")
                    );
                }
                let decided = || match key {
                    key if PUBLIC.contains(&key) => Some(true),
                    key if SECRET.contains(&key) => Some(false),
                    _ => None,
                };
                walk(member, &at, environment, shown.or_else(decided), found)?;
            }
        }
        Value::Tagged(_) => return Err(at.error("tags are not understood here")),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Whether this is a field of [`HARMLESS`], or within one.
fn is_harmless(at: &Place<'_>) -> bool {
    match at {
        Place::Key(outer, key) => HARMLESS.contains(key) || is_harmless(outer),
        Place::Index(..) | Place::Below(_) => false,
    }
}

/// Whether this is the place of an assertion, whose name or path becomes a label.
fn is_assertion(at: &Place<'_>) -> bool {
    matches!(at, Place::Index(Place::Key(_, "assertions" | "claims" | "attributes"), _))
}

/// Whether the text refers to a variable, be it set or not.
fn refers(text: &str, at: &Place<'_>) -> bool {
    replace(text, at, &|_| Ok(String::new()))
        .is_ok_and(|replaced| replaced.is_some_and(|replaced| !replaced.variables.is_empty()))
}

struct Replaced {
    text: String,
    /// Values of the variables in it.
    variables: Vec<String>,
}

/// The text with its references replaced; `None` when it has none.
fn replace(
    text: &str,
    at: &Place<'_>,
    environment: Environment<'_>,
) -> Result<Option<Replaced>, Error> {
    if !text.contains('$') {
        return Ok(None);
    }
    let mut replaced = Replaced { text: String::with_capacity(text.len()), variables: Vec::new() };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        replaced.text.push_str(before);
        if let Some(after) = from.strip_prefix("$$") {
            replaced.text.push('$');
            rest = after;
        } else if let Some(reference) = from.strip_prefix("${") {
            let (name, after) = reference
                .split_once('}')
                .ok_or_else(|| at.error("`${` without `}`; write $$ for a dollar"))?;
            if !is_variable_name(name) {
                return Err(at.error("`${…}` holds no name of an environment variable"));
            }
            let value = environment(name).map_err(|error| match error {
                VarError::NotPresent => at.error(format!("environment variable {name} is not set")),
                VarError::NotUnicode(_) => {
                    at.error(format!("environment variable {name} is no UTF-8 text"))
                }
            })?;
            replaced.text.push_str(&value);
            replaced.variables.push(value);
            rest = after;
        } else {
            // A lone dollar is itself: JSON paths begin with one.
            replaced.text.push('$');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    replaced.text.push_str(rest);
    Ok(Some(replaced))
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(yaml: &str) -> Result<(String, Vec<String>), String> {
        let mut value: Value = serde_yaml::from_str(yaml).expect("test YAML");
        let lookup = |name: &str| match name {
            "SET" => Ok("value".to_owned()),
            "BYTES" => Err(VarError::NotUnicode("".into())),
            _ => Err(VarError::NotPresent),
        };
        let found = expand(&mut value, &Path::default().key("m"), &lookup)
            .map_err(|error| error.to_string())?;
        let text = serde_yaml::to_string(&value).expect("YAML");
        let places = found.expanded.iter().map(|found| found.at.to_string()).collect();
        Ok((text.trim_end().to_owned(), places))
    }

    #[test]
    fn replaces_variables_and_says_where_secrets_may_be() {
        for (yaml, text, places) in [
            ("a: x${SET}y", "a: xvaluey", vec!["m.a"]),
            ("a: [1, '${SET}']", "a:\n- 1\n- value", vec!["m.a[1]"]),
            ("a: $$5 $.b $${SET}", "a: $5 $.b ${SET}", vec![]),
            ("{client: {id: '${SET}'}}", "client:\n  id: value", vec![]),
            ("targets: [{url: '${SET}'}]", "targets:\n- url: value", vec![]),
            ("a: ^b$", "a: ^b$", vec![]),
            ("assertions: [{name: '$${SET}'}]", "assertions:\n- name: ${SET}", vec![]),
            // Not the label of an assertion, whatever it is called.
            (
                "params: {type: x, name: '${SET}'}",
                "params:\n  type: x\n  name: value",
                vec!["m.params.name"],
            ),
            // A value under a key of the user's is secret, whatever that is called.
            (
                "params: {provider: '${SET}'}",
                "params:\n  provider: value",
                vec!["m.params.provider"],
            ),
            ("headers: {id: 'x ${SET}'}", "headers:\n  id: x value", vec!["m.headers.id"]),
            (
                "fields: {scopes: ['${SET}']}",
                "fields:\n  scopes:\n  - value",
                vec!["m.fields.scopes"],
            ),
            (
                "body: {labels: {a: '${SET}'}}",
                "body:\n  labels:\n    a: value",
                vec!["m.body.labels.a"],
            ),
            (
                "targets: [{url: x, labels: {body: '${SET}'}}]",
                "targets:\n- url: x\n  labels:\n    body: value",
                vec![],
            ),
        ] {
            let places: Vec<String> = places.into_iter().map(str::to_owned).collect();
            assert_eq!(expanded(yaml), Ok((text.to_owned(), places)), "{yaml}");
        }
    }

    #[test]
    fn a_variable_is_a_secret_unless_the_module_shows_it() {
        let yaml = "{targets: ['${HOST}'], url: '${HOST}/${KEY}'}";
        let mut value: Value = serde_yaml::from_str(yaml).expect("test YAML");
        let lookup = |name: &str| Ok(format!("value of {name}"));
        let found = expand(&mut value, &Path::default(), &lookup).expect("variables");
        let secrets: Vec<_> = found
            .expanded
            .iter()
            .map(|found| (found.value.as_str(), found.variables.join(" and ")))
            .collect();
        assert_eq!(secrets, [("value of HOST/value of KEY", "value of KEY".to_owned())]);
    }

    #[test]
    fn what_is_short_and_no_secret_withholds_nothing() {
        for (yaml, withholds) in [
            ("{issuer: '${V}'}", true),
            ("{login: {username: '${V}'}}", false),
            ("{timeout: '${V}', thresholds: {total: '${V}'}}", false),
            ("{client: {auth: '${V}'}}", false),
            ("{params: {auth: '${V}'}}", true),
            ("{client: {id: '${V}'}, audience: '${V}'}", false),
            ("{client: {id: '${V}'}, audience: 'x${V}'}", true),
        ] {
            let mut value: Value = serde_yaml::from_str(yaml).expect("test YAML");
            let found = expand(&mut value, &Path::default(), &|_| Ok("v".to_owned()));
            let found = found.expect("variables").expanded;
            assert_eq!(found.iter().any(|one| one.withholds), withholds, "{yaml}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_replace() {
        for (yaml, message) in [
            ("a: ${UNSET}", "m.a: environment variable UNSET is not set"),
            ("a: ${BYTES}", "m.a: environment variable BYTES is no UTF-8 text"),
            ("a: ${SET", "m.a: `${` without `}`; write $$ for a dollar"),
            ("a: ${}", "m.a: `${…}` holds no name of an environment variable"),
            ("a: ${A B}", "m.a: `${…}` holds no name of an environment variable"),
            (
                "assertions: [{type: header, path: '${SET}'}]",
                "m.assertions[0].path: is shown in a label and cannot come from the environment",
            ),
            (
                "validate: {claims: [{path: $.a}, {path: $.b, name: '${SET}'}]}",
                "m.validate.claims[1].name: is shown in a label and cannot come from the environment",
            ),
            (
                "validate: {attributes: [{path: '$.${SET}'}]}",
                "m.validate.attributes[0].path: is shown in a label and cannot come from the environment",
            ),
        ] {
            assert_eq!(expanded(yaml), Err(message.to_owned()), "{yaml}");
        }
    }
}
