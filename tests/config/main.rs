//! One bad file an error: `bad/NAME.yml` is refused with the whole message of `bad/NAME.err`,
//! which stands there without the name of the file. And good files, which catch over-strictness.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What every secret of a bad file looks like.
const SECRET: &str = "hunter2";

/// Exit code and standard error of `--config.check`.
fn check(file: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_auth_exporter"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("--config.check")
        .arg(format!("--config.file={}", file.display()))
        .output()
        .expect("the exporter runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

fn bad_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder of bad files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    files
}

#[test]
fn each_bad_file_is_refused_with_its_message() {
    let files = bad_files();
    assert!(files.len() > 80, "{} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let expected = std::fs::read_to_string(file.with_extension("err")).expect("a message");
        let (code, said) = check(&file);
        let said = said.replace(&format!("{}:", file.display()), "");
        if code != Some(2) || said.trim() != expected.trim() {
            wrong.push(format!("{}\n  expected {expected}  found    {said}", file.display()));
        }
        if said.contains(SECRET) {
            wrong.push(format!("{} gives a secret away: {said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file of its own with this text.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, text).expect("a file");
    (folder, file)
}

#[test]
fn every_bad_module_is_reported_at_once() {
    let text = "modules:\n  a: {prober: x}\n  good:\n    prober: oauth_cc\n    \
                oauth_cc: {client: {id: a, auth: none}}\n  b: {}\n";
    let (_folder, file) = written(text);
    let name = file.display();
    let expected = format!(
        "{name}:2: modules.a.prober: unknown prober, expected one of: oauth_cc, apikey\n\
         {name}:6: modules.b: missing field `prober`\n"
    );
    assert_eq!(check(&file), (Some(2), expected));
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let (code, said) = check(Path::new("no/such/file.yml"));
    assert_eq!(code, Some(2));
    assert!(said.starts_with("cannot read no/such/file.yml: "), "{said}");
}

#[test]
fn what_is_unusual_and_right_is_taken() {
    for (what, text) in [
        (
            "durations as Prometheus writes them, a lone dollar and two",
            "modules: {m: {prober: apikey, timeout: 1m30s, targets: [https://a.example],
               apikey: {key: 'pa$$w$ord-x', name: X, assertions: [
                 {type: json_body, path: $.a, operator: exists},
                 {type: response_matches, value: '^x$'}]}}}",
        ),
        (
            "anchors, aliases and merged mappings",
            "modules:
               a: &base
                 prober: apikey
                 targets: [https://a.example]
                 apikey: {key: long-enough-key, name: X}
               b: {<<: *base, timeout: 3s}",
        ),
        (
            "a header out of a file, and one out of the environment",
            "modules: {m: {prober: apikey, targets: [https://a.example],
               http: {headers: {X-A: {file: LICENSE}, X-B: '${PATH}'}},
               apikey: {key_file: Cargo.toml, name: X}}}",
        ),
        (
            "no secret and no list of targets",
            "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: a, auth: none}}}}",
        ),
        (
            "everything that the http block has",
            "modules: {m: {prober: oauth_cc, targets: [https://a.example],
               http: {proxy_url: 'socks5h://user:password-1@proxy.example:1080', no_proxy: '.internal',
                 tls_config: {min_version: TLS13, insecure_skip_verify: true},
                 enable_http2: false, preferred_ip_protocol: ip4, ip_protocol_fallback: false,
                 body_size_limit: 512KB, user_agent: probe, allowed_origins: [https://b.example],
                 allow_plain_http: true},
               oauth_cc: {client: {id: a, auth: none}}}}",
        ),
    ] {
        let (_folder, file) = written(text);
        let (code, said) = check(&file);
        assert_eq!(code, Some(0), "{what}: {said}");
    }
}
