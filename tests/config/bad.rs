//! Files that must be refused. Each file of `bad/` begins with the whole message that it must
//! cause; `refusals.rs` sees to it that no message is missing.

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::made::{Made, made};
use crate::program::{Ended, check, here, leading_comment, yaml_files};

/// Secrets of the bad files hold one of these; the second is for places that take a number.
const CANARIES: [&str; 2] = ["canary", "77007700"];

const ENVIRONMENT: [(&str, &str); 2] = [("CANARY", "canary-from-the-environment"), ("EMPTY", "")];

struct Case {
    file: String,
    text: String,
    ended: Ended,
}

/// Every file of `bad/`, checked once for all tests.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let files = yaml_files(&here().join("bad"));
    let run = |name: &String| {
        let file = format!("bad/{name}");
        let text = std::fs::read_to_string(here().join(&file)).expect("a text");
        let ended = check(&here(), &file, &ENVIRONMENT);
        Case { file, text, ended }
    };
    std::thread::scope(|scope| {
        let chunks: Vec<_> = files
            .chunks(files.len().div_ceil(4))
            .map(|chunk| scope.spawn(move || chunk.iter().map(run).collect::<Vec<_>>()))
            .collect();
        chunks.into_iter().flat_map(|chunk| chunk.join().expect("the checks end")).collect()
    })
});

/// What the bad files are expected to cause, and those that a test makes.
pub(crate) fn expected_messages() -> Vec<String> {
    let mut messages: Vec<String> = CASES.iter().map(|case| leading_comment(&case.text)).collect();
    messages.extend(made().into_iter().map(|made| made.message));
    messages
}

#[test]
fn every_bad_file_is_refused_with_its_message() {
    assert!(CASES.len() > 300, "{} bad files", CASES.len());
    let mut wrong = String::new();
    for Case { file, text, ended } in CASES.iter() {
        let expected =
            Ended { code: Some(2), stdout: String::new(), stderr: leading_comment(text) };
        if *ended != expected {
            write!(wrong, "{file}\n  expected {expected:?}\n  found    {ended:?}\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_message_repeats_a_secret() {
    let holds = |text: &str| CANARIES.iter().any(|canary| text.contains(canary));
    let with_secret = CASES.iter().filter(|case| holds(&case.text)).count();
    assert!(with_secret > 300, "{with_secret} files with a secret");
    for Case { file, ended, .. } in CASES.iter() {
        assert!(!holds(&ended.stderr), "{file}: {ended:?}");
    }
}

#[test]
fn huge_deep_and_misfitting_files_end_in_an_error_and_soon() {
    let folder = tempfile::tempdir().unwrap();
    let all = made();
    for Made { file, content, .. } in &all {
        std::fs::write(folder.path().join(file), content).unwrap();
    }
    for Made { file, message, .. } in all.iter().filter(|made| !made.message.trim().is_empty()) {
        let begun = Instant::now();
        let ended = check(folder.path(), file, &[]);
        let expected = Ended { code: Some(2), stdout: String::new(), stderr: message.clone() };
        assert_eq!(ended, expected, "{file}");
        // A second in a debug build on a busy machine; without the limits it was minutes.
        assert!(begun.elapsed() < Duration::from_secs(30), "{file}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (file, message) in [
        ("absent.yml", "cannot read absent.yml: No such file or directory (os error 2)\n"),
        (".", "cannot read .: Is a directory (os error 21)\n"),
    ] {
        let expected = Ended { code: Some(2), stdout: String::new(), stderr: message.to_owned() };
        assert_eq!(check(folder.path(), file, &[]), expected);
    }
}

#[test]
fn serving_and_probing_refuse_a_bad_file_too() {
    let text = std::fs::read_to_string(here().join("bad/timeout_is_zero.yml")).unwrap();
    let file = "--config.file=bad/timeout_is_zero.yml";
    for arguments in [&[file][..], &[file, "probe", "m", "https://api.example.com/me"]] {
        let expected =
            Ended { code: Some(2), stdout: String::new(), stderr: leading_comment(&text) };
        assert_eq!(crate::program::run(&here(), arguments, &[]), expected, "{arguments:?}");
    }
}
