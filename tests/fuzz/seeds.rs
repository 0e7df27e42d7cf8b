//! Where seeds come from: texts, and files of this repository.

use std::path::PathBuf;

pub(crate) fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// These texts.
pub(crate) fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The files of a folder whose names end so, but for those that are long: much of them would have
/// to be damaged before anything new happens.
pub(crate) fn files(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let folder = here().join(folder);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    let read = paths.iter().map(|path| std::fs::read(path).unwrap());
    let files: Vec<_> = read.filter(|file| file.len() <= 16 * 1024).collect();
    assert!(!files.is_empty(), "{} holds no *{end}", folder.display());
    files
}
