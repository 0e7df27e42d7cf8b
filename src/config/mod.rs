//! The configuration: from text to modules that are ready to run.
//!
//! Everything that can be wrong in a configuration is wrong here, at load, with
//! the path and the line; a running probe never fails on configuration.

mod digest;
mod environment;
mod locate;
mod module;
mod parts;
mod store;
mod targets;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

pub use environment::Environment;
pub use store::{ConfigStore, LoadError};

use crate::net::{Networks, SystemRoots};
use crate::probe::{Module, Prober};
use crate::settings::{self, Error, Path};

/// A configuration in force.
pub struct Config {
    /// Every module by its name.
    pub modules: BTreeMap<String, Arc<Module>>,
    /// What else was read of each.
    read: BTreeMap<String, Arc<ReadModule>>,
    /// What is allowed but deserves a word.
    pub warnings: Vec<String>,
}

/// What was read of a module beside the module itself.
struct ReadModule {
    /// As it may be shown, in JSON: that takes less memory than values and less time than YAML.
    shown: Box<str>,
    warnings: Vec<String>,
    /// Hash of what it was read from; `None` when files were read too, which may change.
    source: Option<Source>,
}

/// Of the text of a module, and of the same with the variables of the environment in it.
type Source = [[u8; 32]; 2];

/// What is wrong with a configuration: one entry a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where and what, in the order of the file.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub further: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1, where it can be told.
    pub line: Option<usize>,
    /// Path and message.
    pub message: String,
}

/// Problems beyond these are only counted: to find a line, the text is read once more.
const MOST_PROBLEMS: usize = 20;

/// What loading needs from outside of the text.
pub struct Surroundings<'a> {
    /// The environment variables.
    pub environment: Environment<'a>,
    /// The probers that there are.
    pub probers: &'a [Prober],
    /// Root certificates of the system.
    pub roots: &'a SystemRoots,
    /// Networks that no module may send anything to.
    pub networks: Option<&'a Arc<Networks>>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// With everything that is wrong: the first problem of each module.
    pub fn load(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Invalid> {
        Self::load_after(&Self::empty(), text, surroundings)
    }

    /// What of that is about one module.
    #[must_use]
    pub fn warnings_of(&self, module: &str) -> &[String] {
        self.read.get(module).map_or(&[], |read| &read.warnings)
    }

    const fn empty() -> Self {
        Self { modules: BTreeMap::new(), read: BTreeMap::new(), warnings: Vec::new() }
    }

    /// The same, where `before` is in force: a module that has not changed stays as it is, so
    /// that a reload does not take the memory of two configurations.
    fn load_after(
        before: &Self,
        text: &str,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, Invalid> {
        // With a byte order mark before it, the parser does not know a "---" any more.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(config) = Self::module_by_module(before, text, surroundings) {
            return Ok(config);
        }
        let top = yaml::read(text).map_err(Invalid::from)?;
        let locate = |error: Error| Problem {
            line: locate::line(text, &error.path.segments()),
            message: error.to_string(),
        };
        let modules = modules(top).map_err(|error| Invalid::from(locate(error)))?;
        let mut config = Self::empty();
        let mut errors = Vec::new();
        let mut loader = module::Loader::new(surroundings);
        for (name, at, value) in modules {
            if let Err(error) = config.add(&mut loader, before, name, &at, value) {
                errors.push(error);
            }
        }
        if errors.is_empty() {
            return Ok(config);
        }
        let further = errors.len().saturating_sub(MOST_PROBLEMS);
        let mut problems: Vec<_> = errors.into_iter().take(MOST_PROBLEMS).map(locate).collect();
        problems.sort_by_key(|problem| problem.line);
        Err(Invalid { problems, further })
    }

    /// Where the modules of the text stand each by itself, each is read and forgotten before the
    /// next one: the tree of all of them takes ten times the memory of the text. Whatever is
    /// unusual or wrong is left to who reads the text as a whole, and says what it is.
    fn module_by_module(
        before: &Self,
        text: &str,
        surroundings: &Surroundings<'_>,
    ) -> Option<Self> {
        let mut config = Self::empty();
        let mut loader = module::Loader::new(surroundings);
        let root = Path::default().key("modules");
        for text in parts::modules(text)? {
            let Ok(Value::Mapping(part)) = yaml::read(text) else { return None };
            let mut members = part.into_iter();
            let (Some((name, value)), None) = (members.next(), members.next()) else {
                return None;
            };
            let name = name.as_str()?;
            if !is_name(name) || config.modules.contains_key(name) {
                return None;
            }
            let (name, at) = (name.to_owned(), root.key(name));
            config.add(&mut loader, before, name, &at, value).ok()?;
        }
        Some(config)
    }

    fn add(
        &mut self,
        loader: &mut module::Loader<'_>,
        before: &Self,
        name: String,
        at: &Path,
        value: Value,
    ) -> Result<(), Error> {
        let known = |source: &Source| {
            let read =
                before.read.get(&name).filter(|read| read.source.as_ref() == Some(source))?;
            Some((before.modules.get(&name)?.clone(), read.clone()))
        };
        let (module, read) = loader.load(&name, at, value, known)?;
        self.warnings.extend(read.warnings.iter().cloned());
        self.read.insert(name.clone(), read);
        self.modules.insert(name, module);
        Ok(())
    }

    /// The configuration as YAML, without its secrets. Thousands of modules take a while.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(self.read.iter())
    }

    /// One module as YAML, without its secrets.
    #[must_use]
    pub fn shown_module(&self, name: &str) -> String {
        shown(self.read.get_key_value(name).into_iter())
    }
}

/// Reads another YAML file of the exporter as strictly as its configuration; an empty one is an
/// empty mapping.
///
/// # Errors
/// With what is wrong, and where.
pub fn read_strictly<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    let top = match yaml::read(text.strip_prefix('\u{feff}').unwrap_or(text))? {
        Value::Null => Value::Mapping(Mapping::new()),
        top => top,
    };
    settings::parse(&top, &Path::default()).map_err(|error| located(text, &error))
}

/// An error with the line that its path leads to in the text.
#[must_use]
pub fn located(text: &str, error: &Error) -> Invalid {
    let line = locate::line(text, &error.path.segments());
    Problem { line, message: error.to_string() }.into()
}

/// One by one: the values of all modules take many times the memory of the text.
fn shown<'a>(modules: impl Iterator<Item = (&'a String, &'a Arc<ReadModule>)>) -> String {
    let mut text = "modules:\n".to_owned();
    for (name, read) in modules {
        let value: Value = serde_json::from_str(&read.shown).unwrap_or_default();
        let module = Mapping::from_iter([(Value::from(name.as_str()), value)]);
        let top = Mapping::from_iter([(Value::from("modules"), Value::Mapping(module))]);
        let module = serde_yaml::to_string(&top).unwrap_or_default();
        text.push_str(module.split_once('\n').map_or("", |(_, lines)| lines));
    }
    text
}

/// The modules of the file, which has nothing else at its top.
fn modules(top: Value) -> Result<Vec<(String, Path, Value)>, Error> {
    let root = Path::default();
    let Value::Mapping(top) = top else {
        return Err(root.key("modules").error("is missing: the file is no mapping"));
    };
    let mut found = None;
    for (key, value) in top {
        // Every key is text: the reader sees to it.
        match key.as_str().unwrap_or_default() {
            "modules" => found = Some(value),
            other => return Err(root.key(other).error("unknown field, expected `modules`")),
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
        .map(|(name, value)| {
            let name = name.as_str().unwrap_or_default();
            let at = at.key(name);
            if !is_name(name) {
                return Err(at.error("the name of a module is empty or holds a control character"));
            }
            Ok((name.to_owned(), at, value))
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}

impl From<Problem> for Invalid {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], further: 0 }
    }
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
        let mut lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        lines.extend(self.rest());
        f.write_str(&lines.join("\n"))
    }
}

impl Invalid {
    /// The line that counts what is not listed.
    fn rest(&self) -> Option<String> {
        (self.further > 0).then(|| format!("and {} more modules with a problem", self.further))
    }
}

impl std::error::Error for Invalid {}
