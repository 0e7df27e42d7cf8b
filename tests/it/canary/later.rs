//! A server that repeats what it was told in an earlier probe, before the step of this one that
//! needs the secret: also one that has been in a file only since, or is there no more.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::needle::found;
use super::{Output, story, whole};
use crate::exporter::Exporter;
use crate::peculiar::{Answer, Asked, json_of, redirect, serve};
use crate::program::Program;
use crate::scrape::probe_path;

/// What the server does with a secret before it is sent one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// As the issuer of its metadata.
    Issuer,
    /// The Basic pair of RFC 6749 §2.3.1 in the same place.
    Pair,
    /// As the name of a key, which is a label.
    KeyId,
    /// As the title of its login page.
    Title,
}

/// Name of the module, what the server repeats, prober and its block; `FILE` holds the secret.
const MODULES: &[(&str, Repeats, &str, &str)] = &[
    (
        "post",
        Repeats::Issuer,
        "oauth_cc",
        "client: {id: m, auth: client_secret_post, secret_file: FILE}",
    ),
    ("basic", Repeats::Pair, "oauth_cc", "client: {id: m, secret_file: FILE}"),
    (
        "api",
        Repeats::KeyId,
        "oauth_cc",
        "client: {id: m, auth: none}, validate: {algorithms: [RS256]}, \
         call_api: {url: /api, headers: {X-Api-Key: {file: FILE}}}",
    ),
    (
        "login",
        Repeats::Title,
        "oauth_authcode",
        "client: {id: m, auth: none}, redirect_uri: 'https://app.example/callback', \
         login: {username: ada, password_file: FILE}",
    ),
];

fn answer(asked: &Asked, port: u16, repeats: Repeats, secret: &str) -> Answer {
    let url = format!("http://127.0.0.1:{port}");
    let issuer = match repeats {
        Repeats::Issuer => secret.to_owned(),
        Repeats::Pair => {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            format!("Basic {}", STANDARD.encode(format!("m:{encoded}")))
        }
        Repeats::KeyId | Repeats::Title => url.clone(),
    };
    match asked.path.split('?').next().unwrap_or_default() {
        "/.well-known/openid-configuration" => json_of(&json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"),
        })),
        "/keys" => {
            let key = |id: &str| json!({"kty": "RSA", "kid": id, "n": "AQAB", "e": "AQAB"});
            json_of(&json!({"keys": [key("a"), key(secret)]}))
        }
        "/token" => json_of(&json!({
            "access_token": "opaque-token-0123",
            "token_type": "Bearer",
            "expires_in": 60,
        })),
        "/authorize" => {
            let page =
                "<form method=post action=/login><input name=user><input type=password name=pw>";
            (200, "text/html", format!("<title>Hello {secret}</title>{page}</form>"))
        }
        "/login" => redirect("/authorize"),
        _ => json_of(&Value::Null),
    }
}

/// Everything that the exporter tells of a probe.
async fn told(program: &Program, module: &str, target: &str) -> Vec<Output> {
    let path = probe_path(module, target);
    let mut outputs = Vec::new();
    for (name, path) in [("metrics", path.clone()), ("debug page", format!("{path}&debug=true"))] {
        outputs.push((name.to_owned(), program.get(&path).await.text()));
        outputs.push(story(program, &path).await);
    }
    outputs.extend(whole(program).await);
    outputs
}

fn canary(name: &str, number: usize) -> String {
    format!("~{name}{number}q7x9Z2w5~")
}

async fn start(file: &Path) -> Program {
    let flags = ["--log.level", "debug", "--log.prober", "debug"];
    Program::start(file, &flags, &BTreeMap::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_secret_that_was_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, repeats, prober, block) in MODULES {
        let repeated = Arc::new(Mutex::new("nothing".to_owned()));
        let port = Arc::new(Mutex::new(0));
        let (said, own_port) = (repeated.clone(), port.clone());
        *port.lock().unwrap() = serve(move |asked| {
            let secret = said.lock().unwrap().clone();
            let port = *own_port.lock().unwrap();
            answer(asked, port, *repeats, &secret)
        });
        let target = format!("http://127.0.0.1:{}", port.lock().unwrap());
        let secret = folder.path().join(name);
        let write = |number: usize| std::fs::write(&secret, canary(name, number)).unwrap();
        write(0);
        let file = folder.path().join("auth_exporter.yml");
        let block = block.replace("FILE", secret.to_str().unwrap());
        // A result that is served again was found like any other.
        let module = format!("prober: {prober}, min_interval: 1ms, targets: ['{target}']");
        let module = format!("modules:\n  m: {{{module}, {prober}: {{{block}}}}}\n");
        std::fs::write(&file, module).unwrap();
        let program = start(&file).await;

        let mut shown = false;
        // Of this number is the secret in the file, of that the one which is repeated.
        for (now, then) in [(0, 0), (1, 1), (2, 1), (3, 0), (3, 3)] {
            write(now);
            *repeated.lock().unwrap() = canary(name, then);
            if (now, then) == (3, 0) {
                // What was before the reload is known still.
                assert_eq!(program.send("POST", "/-/reload", &[]).await.status, 200);
            }
            for (output, text) in told(&program, "m", &target).await {
                shown |= text.contains("secret>") || text.contains("&lt;secret");
                let core = canary(name, then);
                let how = found(core.trim_matches('~'), &text);
                wrong.extend(how.map(|how| format!("{output} of {name}, {now} {then}: {how}")));
            }
        }
        if !shown {
            wrong.push(format!("{name}: hides nothing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_that_is_gone_fails_the_step_that_needs_it() {
    let port = Arc::new(Mutex::new(0));
    let own_port = port.clone();
    let sound = move |asked: &Asked| answer(asked, *own_port.lock().unwrap(), Repeats::Title, "");
    *port.lock().unwrap() = serve(sound);
    let target = format!("http://127.0.0.1:{}", port.lock().unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), canary("gone", 0)).unwrap();
    let block = format!("client: {{id: m, secret_file: {}}}", file.path().display());
    let module = format!("prober: oauth_cc, targets: ['{target}'], oauth_cc: {{{block}}}");
    let exporter = Exporter::start(&format!("modules: {{m: {{{module}}}}}")).await;
    drop(file);
    let story = exporter.probe("m", &target, 10.0).await.story();
    assert_eq!(story, "discovery ok, token secret_unavailable");
}
