//! Where the software is that `tests/install.sh` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to do about a missing program.
const ADVICE: &str = "run tests/install.sh, which installs it";

/// A program of a Debian package.
pub(crate) fn debian(program: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found, "the program {program} is missing: {ADVICE}");
    Command::new(program)
}

/// Node.js in a folder where it finds the packages of `node/package-lock.json`.
pub(crate) fn node() -> Command {
    let folder = from("node", include_str!("node/package-lock.json"));
    let mut command = program(&folder.join("node_modules/.bin/node"));
    command.current_dir(folder);
    command
}

/// Python with the packages of `python/requirements.txt`.
pub(crate) fn python() -> Command {
    program(&from("python", include_str!("python/requirements.txt")).join("bin/python"))
}

/// The folder of an ecosystem, when what was installed there is what is asked for now.
fn from(ecosystem: &str, wanted: &str) -> PathBuf {
    // Cargo's folder for the files of tests lies in the target folder.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let folder = target.join("test-software").join(ecosystem);
    let installed = std::fs::read_to_string(folder.join("installed")).unwrap_or_default();
    assert!(installed == wanted, "packages for {ecosystem} are missing or old: {ADVICE}");
    folder
}

fn program(path: &Path) -> Command {
    assert!(path.is_file(), "the program {} is missing: {ADVICE}", path.display());
    Command::new(path)
}
