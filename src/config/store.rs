//! The configuration file: read, kept in force, and read again on request.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{Config, Invalid, Surroundings};
use crate::net::{Networks, SystemRoots};
use crate::probe::Prober;

/// The largest configuration that is read, so that a wrong path cannot fill the memory.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Keeps the configuration in force. A bad file never replaces a good one.
pub struct ConfigStore {
    path: PathBuf,
    probers: &'static [Prober],
    roots: SystemRoots,
    networks: Option<Arc<Networks>>,
    current: RwLock<Arc<Config>>,
    /// Of the text that was read last, good or not; `None` when it could not be read.
    last_read: Mutex<Option<Digest>>,
}

/// SHA-256.
type Digest = [u8; 32];

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
    /// Reads the file for the first time. No module of it, now or after a reload, sends anything
    /// to these networks.
    ///
    /// # Errors
    /// When it cannot be read or is wrong.
    pub fn open(
        path: &Path,
        probers: &'static [Prober],
        networks: Option<Networks>,
    ) -> Result<Self, LoadError> {
        let roots = SystemRoots::default();
        let networks = networks.map(Arc::new);
        let text = read(path)?;
        let last_read = Mutex::new(Some(digest(&text)));
        let config = load(path, &text, &Config::empty(), probers, &roots, networks.as_ref())?;
        let current = RwLock::new(Arc::new(config));
        Ok(Self { path: path.to_owned(), probers, roots, networks, current, last_read })
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

    /// Whether the file holds another text than it did when it was read last; a pipe cannot tell. It
    /// blocks.
    pub fn has_changed(&self) -> bool {
        if is_no_file(&self.path) {
            return false;
        }
        let now = read(&self.path).ok().as_deref().map(digest);
        *self.last_read() != now
    }

    fn last_read(&self) -> MutexGuard<'_, Option<Digest>> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again. It blocks.
    ///
    /// # Errors
    /// When it cannot be read or is wrong; then the old configuration stays in force.
    pub fn reload(&self) -> Result<Arc<Config>, LoadError> {
        let text = read_again(&self.path);
        *self.last_read() = text.as_deref().ok().map(digest);
        let before = self.current();
        let networks = self.networks.as_ref();
        let config = load(&self.path, &text?, &before, self.probers, &self.roots, networks)?;
        let config = Arc::new(config);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config.clone();
        Ok(config)
    }
}

fn digest(text: &str) -> Digest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    Digest::try_from(digest.as_ref()).unwrap_or_default()
}

fn read(path: &Path) -> Result<String, LoadError> {
    let text = std::fs::File::open(path).and_then(|file| {
        // Room for all of it at once: growing takes up to three times as much.
        let length = file.metadata()?.len().min(MOST_BYTES);
        let mut text = String::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
        file.take(MOST_BYTES + 1).read_to_string(&mut text)?;
        Ok(text)
    });
    let text = text.map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    if text.len() as u64 > MOST_BYTES {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    Ok(text)
}

/// At the start a pipe may hold it, as of a shell's `<(…)`. Later nobody may write to it any more, and to
/// open it would never end.
fn read_again(path: &Path) -> Result<String, LoadError> {
    if is_no_file(path) {
        let source = std::io::Error::other("no regular file");
        return Err(LoadError::Read { path: path.to_owned(), source });
    }
    read(path)
}

fn is_no_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

fn load(
    path: &Path,
    text: &str,
    before: &Config,
    probers: &[Prober],
    roots: &SystemRoots,
    networks: Option<&Arc<Networks>>,
) -> Result<Config, LoadError> {
    let surroundings =
        Surroundings { environment: &|name| std::env::var(name), probers, roots, networks };
    Config::load_after(before, text, &surroundings)
        .map_err(|problems| LoadError::Invalid { path: path.to_owned(), problems })
}
