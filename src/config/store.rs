//! The configuration file: read, kept in force, and read again on request.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Config, Invalid, Surroundings};
use crate::net::SystemRoots;
use crate::probe::Prober;

/// The largest configuration that is read, so that a wrong path cannot fill the memory.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

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
    /// It is larger than anybody's configuration.
    #[error("{} is larger than {MOST_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
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
    let mut lines: Vec<String> = invalid
        .problems
        .iter()
        .map(|problem| match problem.line {
            Some(line) => format!("{}:{line}: {}", path.display(), problem.message),
            None => format!("{}: {}", path.display(), problem.message),
        })
        .collect();
    lines.extend(invalid.rest());
    lines.join("\n")
}

impl ConfigStore {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// When it cannot be read or is wrong.
    pub fn open(path: &Path, probers: &'static [Prober]) -> Result<Self, LoadError> {
        let roots = SystemRoots::default();
        let config = read(path, probers, &roots)?;
        Ok(Self { path: path.to_owned(), probers, roots, current: RwLock::new(Arc::new(config)) })
    }

    /// The configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads the root certificates of the system, unless a probe did so already. It blocks.
    pub fn load_roots(&self) {
        self.roots.load();
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
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    if text.len() as u64 > MOST_BYTES {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    let surroundings =
        Surroundings { environment: &|name| std::env::var(name).ok(), probers, roots };
    Config::load(&text, &surroundings)
        .map_err(|problems| LoadError::Invalid { path: path.to_owned(), problems })
}
