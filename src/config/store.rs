//! The configuration file: read, kept in force, and read again on request.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Config, Invalid, Surroundings};
use crate::net::SystemRoots;
use crate::probe::Prober;

/// Keeps the configuration in force. A bad file never replaces a good one.
pub struct ConfigStore {
    path: PathBuf,
    probers: &'static [Prober],
    roots: SystemRoots,
    current: RwLock<Arc<Config>>,
}

/// Why a configuration file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is wrong.
    #[error("{}", in_file(path, problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problems: Invalid,
    },
}

/// One line a problem, each as `FILE:LINE: PATH: message`.
fn in_file(path: &Path, invalid: &Invalid) -> String {
    let lines: Vec<String> = invalid
        .problems
        .iter()
        .map(|problem| match problem.line {
            Some(line) => format!("{}:{line}: {}", path.display(), problem.message),
            None => format!("{}: {}", path.display(), problem.message),
        })
        .collect();
    lines.join("\n")
}

impl ConfigStore {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// When it cannot be read or is wrong.
    pub fn open(path: &Path, probers: &'static [Prober]) -> Result<Self, LoadError> {
        let roots = SystemRoots::load();
        let config = read(path, probers, &roots)?;
        Ok(Self { path: path.to_owned(), probers, roots, current: RwLock::new(Arc::new(config)) })
    }

    /// The configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again. It blocks.
    ///
    /// # Errors
    /// When it cannot be read or is wrong; then the old configuration stays in force.
    pub fn reload(&self) -> Result<Arc<Config>, LoadError> {
        let config = Arc::new(read(&self.path, self.probers, &self.roots)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config.clone();
        Ok(config)
    }
}

fn read(path: &Path, probers: &[Prober], roots: &SystemRoots) -> Result<Config, LoadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let surroundings =
        Surroundings { environment: &|name| std::env::var(name).ok(), probers, roots };
    Config::load(&text, &surroundings)
        .map_err(|problems| LoadError::Invalid { path: path.to_owned(), problems })
}
