//! The configuration: from text to modules that are ready to run.
//!
//! Everything that can be wrong in a configuration is wrong here, at load, with
//! the path and the line; a running probe never fails on configuration.

mod environment;
mod locate;
mod module;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_yaml::{Mapping, Value};

pub use environment::Environment;
pub use store::{ConfigStore, LoadError};

use crate::net::SystemRoots;
use crate::probe::{Module, Prober};
use crate::settings::{Error, Path};

/// A configuration in force.
pub struct Config {
    /// Every module by its name.
    pub modules: BTreeMap<String, Arc<Module>>,
    /// The configuration as it may be shown, module by module.
    shown: BTreeMap<String, Value>,
    /// What is allowed but deserves a word.
    pub warnings: Vec<String>,
}

/// What is wrong with a configuration: one entry a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where and what, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1, where it can be told.
    pub line: Option<usize>,
    /// Path and message.
    pub message: String,
}

/// What loading needs from outside of the text.
pub struct Surroundings<'a> {
    /// The environment variables.
    pub environment: Environment<'a>,
    /// The probers that there are.
    pub probers: &'a [Prober],
    /// Root certificates of the system.
    pub roots: &'a SystemRoots,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// With everything that is wrong: the first problem of each module.
    pub fn load(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Invalid> {
        let top = parse_yaml(text)?;
        let locate = |error: Error| Problem {
            line: locate::line(text, error.path.segments()),
            message: error.to_string(),
        };
        let modules = modules(top).map_err(|error| Invalid { problems: vec![locate(error)] })?;
        let mut config =
            Self { modules: BTreeMap::new(), shown: BTreeMap::new(), warnings: Vec::new() };
        let mut problems = Vec::new();
        let mut loader = module::Loader::new(surroundings);
        for (name, at, value) in modules {
            match loader.load(&name, &at, value) {
                Ok(read) => {
                    config.warnings.extend(read.warnings);
                    config.shown.insert(name.clone(), read.shown);
                    config.modules.insert(name, Arc::new(read.module));
                }
                Err(error) => problems.push(locate(error)),
            }
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            problems.sort_by_key(|problem| problem.line);
            Err(Invalid { problems })
        }
    }

    /// The configuration as YAML, without its secrets.
    #[must_use]
    pub fn shown(&self) -> String {
        let modules =
            self.shown.iter().map(|(name, module)| (Value::from(name.as_str()), module.clone()));
        yaml("modules", modules.collect())
    }

    /// One module as YAML, without its secrets.
    #[must_use]
    pub fn shown_module(&self, name: &str) -> String {
        let module = self.shown.get(name).cloned().unwrap_or_default();
        yaml("modules", Mapping::from_iter([(name.into(), module)]))
    }
}

fn yaml(key: &str, value: Mapping) -> String {
    let top = Mapping::from_iter([(Value::from(key), Value::Mapping(value))]);
    serde_yaml::to_string(&top).unwrap_or_default()
}

fn parse_yaml(text: &str) -> Result<Value, Invalid> {
    let invalid = |error: serde_yaml::Error| Invalid {
        problems: vec![Problem {
            line: error.location().map(|location| location.line()),
            message: format!("not YAML: {error}"),
        }],
    };
    let mut top: Value = serde_yaml::from_str(text).map_err(invalid)?;
    top.apply_merge().map_err(invalid)?;
    Ok(top)
}

/// The modules of the file, which has nothing else at its top.
fn modules(top: Value) -> Result<Vec<(String, Path, Value)>, Error> {
    let root = Path::default();
    let Value::Mapping(top) = top else {
        return Err(root.key("modules").error("is missing: the file is no mapping"));
    };
    let mut found = None;
    for (key, value) in top {
        match key.as_str() {
            Some("modules") => found = Some(value),
            Some(other) => {
                return Err(root.key(other).error("unknown field, expected `modules`"));
            }
            None => return Err(root.error("a key at the top is no text")),
        }
    }
    let at = root.key("modules");
    let modules = match found {
        None => return Err(at.error("is missing")),
        Some(Value::Mapping(modules)) if !modules.is_empty() => modules,
        Some(_) => return Err(at.error("must be a mapping with at least one module")),
    };
    modules
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            Some(name) if !name.is_empty() && !name.chars().any(char::is_control) => {
                Ok((name.to_owned(), at.key(name), value))
            }
            Some(_) => Err(at.error("the name of a module is empty or holds a control character")),
            None => Err(at.error("the name of a module must be text: put it in quotes")),
        })
        .collect()
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}
