//! The program under test, run with nothing in its environment but what a test puts there.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in this folder.
pub(crate) fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_auth_exporter"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Checks a configuration file, named as seen from this folder.
pub(crate) fn check(folder: &Path, file: &str, environment: &[(&str, &str)]) -> Ended {
    let file = format!("--config.file={file}");
    run(folder, &["--config.check", "--log.level=error", &file], environment)
}

/// The folder of this test.
pub(crate) fn here() -> PathBuf {
    repository().join("tests/config")
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The YAML files in a folder, by name.
pub(crate) fn yaml_files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "yml"))
        .collect();
    names.sort_unstable();
    names
}

/// What the comment at the beginning of a file says, line by line.
pub(crate) fn leading_comment(text: &str) -> String {
    text.lines().map_while(|line| line.strip_prefix("# ")).flat_map(|line| [line, "\n"]).collect()
}
