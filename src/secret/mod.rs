//! Secrets: never printed, read where they are used, found and hidden wherever else they show up.
//!
//! [`Secret`] says where a secret comes from and has no way to print it.
//! [`Redactor`] removes secrets from text by value. Where a secret may be sent
//! is not decided here but in the net room.

mod parsed;
mod redact;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use zeroize::Zeroizing;

pub use parsed::{Last, Parsed};
pub use redact::{Redactor, SHORTEST_FOUND_IN_TEXT, WITHHELD, parts_of_url};

/// What stands in the place of a secret in every output.
pub const PLACEHOLDER: &str = "<secret>";

/// The largest file that is taken for a secret.
const MAX_FILE_BYTES: u64 = 64 * 1024;

thread_local! {
    /// The secrets deserialized since [`collect`] began on this thread.
    static COLLECTED: RefCell<Option<Vec<Secret>>> = const { RefCell::new(None) };
    /// Whether this thread has read a file since [`reads_files`] began.
    static FILE_WAS_READ: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read` and returns, beside its result, whether it tried to read a file: then the
/// result may be another one the next time.
pub fn reads_files<T>(read: impl FnOnce() -> T) -> (T, bool) {
    let outer = FILE_WAS_READ.replace(false);
    let result = read();
    let inner = FILE_WAS_READ.replace(outer);
    FILE_WAS_READ.set(outer || inner);
    (result, inner)
}

/// Runs `parse` and returns, beside its result, every secret that it deserialized.
///
/// So no list of secret fields has to be kept beside the types: a field of type
/// [`Secret`] or [`SecretFile`] cannot be forgotten.
pub fn collect<T>(parse: impl FnOnce() -> T) -> (T, Vec<Secret>) {
    let outer = COLLECTED.replace(Some(Vec::new()));
    let result = parse();
    let secrets = COLLECTED.replace(outer).unwrap_or_default();
    (result, secrets)
}

fn register(secret: &Secret) {
    COLLECTED.with_borrow_mut(|collected| {
        if let Some(secrets) = collected {
            secrets.push(secret.clone());
        }
    });
}

/// The text of a secret, wiped when the last one lets go of it. It has no `Debug` or `Display` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Arc<Zeroizing<String>>);

impl SecretText {
    /// The secret itself, for the one place that sends or compares it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

/// Where a secret comes from: the configuration itself, or a file that is read
/// again on each probe, so that rotation needs no reload.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The text, from the configuration or an environment variable named in it.
    Inline(SecretText),
    /// The file that holds it.
    File(PathBuf),
}

/// Why a secret could not be had. Names the file, never its content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// The file cannot be read.
    #[error("cannot read {}: {}", path.display(), in_words(*kind))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The file holds nothing.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is larger than any secret.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not UTF-8 text.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The reading task was lost, which happens at shutdown only.
    #[error("reading was cut off")]
    Cut,
}

impl Secret {
    /// A secret that is part of a larger text of the configuration, as a password in a URL.
    pub fn declare(text: impl Into<String>) {
        register(&Self::Inline(text.into().into()));
    }

    /// Reads the secret now. Line ends at the end of a file are not part of it.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, too large or no text.
    pub async fn read(&self) -> Result<SecretText, Unavailable> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read_file(&path))
                    .await
                    .unwrap_or(Err(Unavailable::Cut))
            }
        }
    }

    /// Reads the secret on this thread: for the load of a configuration.
    ///
    /// # Errors
    /// As [`Secret::read`].
    pub fn read_blocking(&self) -> Result<SecretText, Unavailable> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => read_file(path),
        }
    }
}

/// The kinds that a person can do something about.
fn in_words(kind: std::io::ErrorKind) -> String {
    match kind {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::InvalidInput => "it is not a regular file".into(),
        other => other.to_string(),
    }
}

/// What secret files hold, or why not.
pub type SecretFiles = HashMap<PathBuf, Result<SecretText, Unavailable>>;

/// Reads several files; `None` when the reading task was lost, which happens at shutdown only.
pub async fn read_files(paths: Box<[PathBuf]>) -> Option<SecretFiles> {
    let read = |path: PathBuf| {
        let text = read_file(&path);
        (path, text)
    };
    tokio::task::spawn_blocking(move || paths.into_iter().map(read).collect()).await.ok()
}

fn read_file(path: &Path) -> Result<SecretText, Unavailable> {
    let bytes = read_bounded(path)?;
    let text = String::from_utf8(bytes).map_err(|_| Unavailable::NotText { path: path.into() })?;
    let text = Zeroizing::new(text);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Unavailable::Empty { path: path.into() });
    }
    Ok(SecretText::from(text.to_owned()))
}

/// Reads a file that the configuration names, up to the bound of a secret file.
///
/// # Errors
/// When it cannot be read or is too large.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, Unavailable> {
    FILE_WAS_READ.set(true);
    let unreadable =
        |error: std::io::Error| Unavailable::Read { path: path.into(), kind: error.kind() };
    // A FIFO or device would block, when it is opened already, or never end: only regular files hold
    // secrets.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Unavailable::Read {
            path: path.into(),
            kind: std::io::ErrorKind::InvalidInput,
        });
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unavailable::TooLarge { path: path.into() });
    }
    Ok(bytes)
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(text) => text.fmt(f),
            Self::File(path) => write!(f, "<secret in {}>", path.display()),
        }
    }
}

/// Prints where the secret comes from, never what it is.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(_) => serializer.serialize_str(PLACEHOLDER),
            Self::File(path) => {
                serializer.collect_map([("file", path.to_string_lossy().into_owned())])
            }
        }
    }
}

/// A secret is written as its text, or as `{file: PATH}`.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecretVisitor;
        impl<'de> Visitor<'de> for SecretVisitor {
            type Value = Secret;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text, or {file: PATH}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
                if text.is_empty() {
                    return Err(E::custom("is empty"));
                }
                Ok(Secret::Inline(SecretText::from(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
                use serde::de::Error;
                let Some(("file", path)) = map
                    .next_entry::<String, PathBuf>()?
                    .as_ref()
                    .map(|(key, path)| (key.as_str(), path.clone()))
                else {
                    return Err(A::Error::custom("expected text, or {file: PATH}"));
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom("expected {file: PATH} and nothing else"));
                }
                if path.as_os_str().is_empty() {
                    return Err(A::Error::custom("the path is empty"));
                }
                Ok(Secret::File(path))
            }
        }
        let secret = deserializer.deserialize_any(SecretVisitor)?;
        register(&secret);
        Ok(secret)
    }
}

/// The `_file` twin of a secret field: the path of the file that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

impl<'de> Deserialize<'de> for SecretFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        if path.as_os_str().is_empty() {
            return Err(serde::de::Error::custom("is empty"));
        }
        register(&Secret::File(path.clone()));
        Ok(Self(path))
    }
}

/// The path of a file with public content, as a key set. It is read like a secret, and is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicFile(PathBuf);

impl<'de> Deserialize<'de> for PublicFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        if path.as_os_str().is_empty() {
            return Err(serde::de::Error::custom("is empty"));
        }
        Ok(Self(path))
    }
}

impl PublicFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its bytes, which need not be text.
    ///
    /// # Errors
    /// When it cannot be read, is empty or too large.
    pub async fn read(&self) -> Result<Vec<u8>, Unavailable> {
        let file = self.clone();
        let read = tokio::task::spawn_blocking(move || file.read_blocking());
        read.await.unwrap_or(Err(Unavailable::Cut))
    }

    /// The same on this thread: for the load of a configuration.
    ///
    /// # Errors
    /// As [`PublicFile::read`].
    pub fn read_blocking(&self) -> Result<Vec<u8>, Unavailable> {
        let bytes = read_bounded(&self.0)?;
        if bytes.is_empty() {
            return Err(Unavailable::Empty { path: self.0.clone() });
        }
        Ok(bytes)
    }
}

impl From<PublicFile> for Secret {
    fn from(PublicFile(path): PublicFile) -> Self {
        Self::File(path)
    }
}

impl From<SecretFile> for Secret {
    fn from(SecretFile(path): SecretFile) -> Self {
        Self::File(path)
    }
}
