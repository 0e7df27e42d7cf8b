//! Files that must be refused. Each file of `bad/` begins with the whole message that it must
//! cause; `refusals.rs` sees to it that no message is missing.

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

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

/// A key that agrees and does not sign.
const X25519_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIKhsRQ/27HBjBoOgmRrRjJLBRjzay9xAiqZWkHV9UoB9
-----END PRIVATE KEY-----
";

/// A key that signs assertions and no handshakes.
const SECP256K1_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg50JTr8YC4K8YSeE+NMqk
4ZVSp/H9vuzLI836tt5mGeKhRANCAAQvpizH9m6PVVyuh1/CgWaVB3/uZ7jZxuQH
813O+u99rAeRPH06/LOwUMVQu8flN7sys5P0reeb+6UlO2U5bF6A
-----END PRIVATE KEY-----
";

/// A bad file that nobody would want in a repository.
struct Made {
    file: &'static str,
    content: Vec<u8>,
    message: String,
}

fn made() -> Vec<Made> {
    let made = |file: &'static str, content: Vec<u8>, message: &str| Made {
        file,
        content,
        message: format!("{message}\n"),
    };
    let module = |key: &str| {
        format!(
            "modules: {{m: {{prober: apikey, targets: [https://a.example], apikey: {{{key}, in: bearer}}}}}}\n"
        )
    };
    let levels = ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].map(|level| {
        let (inner, outer) = level.split_at(1);
        format!("  {outer}: &{outer} [{}]\n", vec![format!("*{inner}"); 10].join(", "))
    });
    let many: String = (1..=1000).map(|number| format!("  m{number}: {{}}\n")).collect();
    let of_many: Vec<String> = (1..=20)
        .map(|number| format!("many.yml:{}: modules.m{number}: missing field `prober`", number + 1))
        .collect();
    let mut all = vec![
        made(
            "utf16.yml",
            vec![0xff, 0xfe, b'm', 0],
            "cannot read utf16.yml: stream did not contain valid UTF-8",
        ),
        made(
            "large.yml",
            vec![b'#'; 8 * 1024 * 1024 + 1],
            "large.yml is larger than 8388608 bytes",
        ),
        made(
            "braces.yml",
            "{a: ".repeat(100_000).into(),
            "braces.yml:1: bad YAML: more than 1000 brackets are open here",
        ),
        made(
            "brackets.yml",
            format!("modules:\n  m: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)).into(),
            "brackets.yml:2: bad YAML: more than 1000 brackets are open here",
        ),
        made(
            "dashes.yml",
            "- ".repeat(100_000).into(),
            "dashes.yml:1: bad YAML: recursion limit exceeded at line 1 column 257",
        ),
        made(
            "indented.yml",
            (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>().into(),
            "indented.yml:129: bad YAML: recursion limit exceeded at line 129 column 129",
        ),
        made(
            "bomb.yml",
            format!("modules:\n  a: &a [{}]\n{}", "x, ".repeat(10), levels.concat()).into(),
            "bomb.yml: bad YAML: repetition limit exceeded",
        ),
        made(
            "many.yml",
            format!("modules:\n{many}").into(),
            &format!("{}\nand 980 more modules with a problem", of_many.join("\n")),
        ),
        made(
            "large-secret",
            vec![b'x'; 64 * 1024 + 1],
            "large-secret.yml:1: modules.m.apikey.key_file: large-secret is larger than 65536 bytes",
        ),
        made(
            "large-secret.yml",
            module("key_file: large-secret").into(),
            "large-secret.yml:1: modules.m.apikey.key_file: large-secret is larger than 65536 bytes",
        ),
    ];
    // Keys that do not fit; a file without an ending of .yml is only there to be named.
    let new_key = || rcgen::KeyPair::generate().expect("a key");
    let (key, foreign) = (new_key(), new_key());
    let certificate = rcgen::CertificateParams::new(["client.example".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate");
    let x25519 = X25519_KEY.to_owned();
    let secp256k1 = SECP256K1_KEY.to_owned();
    for (file, pem) in [
        ("client.pem", certificate.pem()),
        ("p256.key", foreign.serialize_pem()),
        ("secp256k1.key", secp256k1),
        ("x25519.key", x25519),
    ] {
        all.push(made(file, pem.into(), ""));
    }
    let jwt = |fields: &str| {
        format!(
            "modules:\n  m:\n    prober: oauth_cc\n    targets: [https://a.example]\n    oauth_cc: {{client: {{id: app, auth: private_key_jwt, {fields}}}}}\n"
        )
    };
    let tls = |key: &str| {
        format!(
            "modules:\n  m:\n    prober: oauth_cc\n    targets: [https://a.example]\n    http:\n      tls_config: {{cert_file: client.pem, key_file: {key}}}\n    oauth_cc: {{client: {{id: app, auth: tls_client_auth}}}}\n"
        )
    };
    for (file, text, message) in [
        (
            "jwt_key_of_another_kind.yml",
            jwt("alg: RS256, key_file: p256.key"),
            "jwt_key_of_another_kind.yml:5: modules.m.oauth_cc.client.key_file: holds no RSA key of 2048 to 8192 bits, which RS256 signs with (RFC 7518 §3.1)",
        ),
        (
            "jwt_key_that_does_not_sign.yml",
            jwt("key_file: x25519.key"),
            "jwt_key_that_does_not_sign.yml:5: modules.m.oauth_cc.client.key_file: holds no RSA key of 2048 to 8192 bits, no EC key on P-256, P-384, P-521 or secp256k1, and no Ed25519 key",
        ),
        (
            "tls_key_of_another_certificate.yml",
            tls("p256.key"),
            "tls_key_of_another_certificate.yml:6: modules.m.http.tls_config: the key in key_file is not the key of the certificate in cert_file",
        ),
        (
            "tls_key_that_tls_does_not_know.yml",
            tls("secp256k1.key"),
            "tls_key_that_tls_does_not_know.yml:6: modules.m.http.tls_config: TLS cannot sign with the key in key_file: RSA, P-256, P-384, P-521 and Ed25519 can be used",
        ),
    ] {
        all.push(made(file, text.into(), message));
    }
    all
}

#[test]
fn huge_deep_and_misfitting_files_end_in_an_error_and_soon() {
    let folder = tempfile::tempdir().unwrap();
    let all = made();
    for Made { file, content, .. } in &all {
        std::fs::write(folder.path().join(file), content).unwrap();
    }
    for Made { file, message, .. } in all.iter().filter(|made| made.file.ends_with(".yml")) {
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
