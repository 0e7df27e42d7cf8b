//! Secrets that are too short to be found in text: nothing is shown that may hold one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{Output, story, whole};
use crate::peculiar::{Answer, Asked, json_of, redirect, serve};
use crate::program::{Program, run};
use crate::provider::Provider;
use crate::scrape::probe_path;

const SHORT: &str = "q7Zx9";

fn variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([("SHORT", SHORT.to_owned())])
}

/// Everything that is told of these modules, which have this target. All but `succeeding` fail.
async fn told(modules: &[(String, String)], target: &str, succeeding: &[&str]) -> Vec<Output> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    let text = modules.iter().fold("modules:\n".to_owned(), |text, (name, module)| {
        format!("{text}  {name}: {{targets: ['{target}'], timeout: 5s, {module}}}\n")
    });
    std::fs::write(&file, text).unwrap();
    let flags = ["--log.level", "debug", "--log.prober", "debug"];
    let program = Program::start(&file, &flags, &variables()).await;
    let mut outputs = Vec::new();
    for (name, _) in modules {
        let path = probe_path(name, target);
        let mut add = |output: &str, text| outputs.push((format!("{output} of {name}"), text));
        let metrics = program.get(&path).await.text();
        let succeeded = metrics.contains("\nprobe_success 1\n");
        assert_eq!(succeeded, succeeding.contains(&name.as_str()), "{name}: {metrics}");
        add("metrics", metrics);
        add("debug page", program.get(&format!("{path}&debug=true")).await.text());
        add("story", story(&program, &path).await.1);
        for format in ["text", "json"] {
            let file = file.to_str().unwrap();
            let arguments = [
                "probe",
                name,
                target,
                "--config.file",
                file,
                "--log.level",
                "debug",
                "--format",
                format,
            ];
            let output = run(&arguments, &variables());
            add(format, String::from_utf8(output.stdout).unwrap());
            add("log of the terminal", String::from_utf8(output.stderr).unwrap());
        }
    }
    outputs.extend(whole(&program).await);
    outputs
}

fn assert_hidden(outputs: &[Output]) {
    let lines = outputs.iter().flat_map(|(output, text)| text.lines().map(move |l| (output, l)));
    let wrong: Vec<String> = lines
        .filter(|(_, line)| line.to_lowercase().contains(&SHORT.to_lowercase()))
        .map(|(output, line)| format!("{output}: {line}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let withheld = outputs.iter().filter(|(_, text)| text.contains("withheld"));
    assert!(withheld.count() > 0, "nothing was withheld");
}

/// Where the server puts the secret.
const PLACES: [&str; 6] = ["token", "keys", "host", "redirect", "loop", "api"];

fn answer(asked: &Asked, port: u16, place: &str) -> Answer {
    let url = format!("http://127.0.0.1:{port}");
    let at = |name: &str, path: &str| {
        let secret = if place == name { format!("/{SHORT}") } else { String::new() };
        format!("{url}{secret}{path}")
    };
    let path = asked.path.split('?').next().unwrap_or_default();
    match path {
        "/.well-known/openid-configuration" | "/q7Zx9" if place == "loop" => {
            redirect(format!("/{SHORT}"))
        }
        "/.well-known/openid-configuration" if place == "redirect" => {
            redirect(format!("ftp://{SHORT}.example/{SHORT}"))
        }
        "/.well-known/openid-configuration" => json_of(&json!({
            "issuer": url,
            "token_endpoint": match place {
                "host" => format!("https://{SHORT}.invalid/token"),
                _ => at("token", "/token"),
            },
            "jwks_uri": at("keys", "/keys"),
        })),
        "/token" => json_of(&json!({
            "access_token": "opaque-token-0123",
            "token_type": "Bearer",
            "expires_in": 60,
        })),
        "/api" if place == "api" => redirect(format!("http://127.0.0.2/{SHORT}")),
        _ => (404, "text/plain", String::new()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_short_secret_that_a_server_puts_into_a_url() {
    for place in PLACES {
        let port = Arc::new(Mutex::new(0));
        let own_port = port.clone();
        *port.lock().unwrap() = serve(move |asked| answer(asked, *own_port.lock().unwrap(), place));
        let target = format!("http://127.0.0.1:{}", port.lock().unwrap());
        let validate = if place == "keys" { "validate: {algorithms: [RS256]}, " } else { "" };
        let module = format!(
            "prober: oauth_cc, oauth_cc: {{client: {{id: m, secret: {SHORT}}}, {validate}call_api: {{url: /api}}}}"
        );
        assert_hidden(&told(&[(place.to_owned(), module)], &target, &[]).await);
    }
}

/// Name of the module, and what it is made of.
const VARIABLES: &[(&str, &str)] = &[
    ("audience", "*jwt, validate: {algorithms: [RS256], audience: '${SHORT}'}}"),
    ("issuer", "*jwt, validate: {algorithms: [RS256], issuer: '${SHORT}'}}"),
    ("typ", "*jwt, validate: {algorithms: [RS256], typ: '${SHORT}'}}"),
    ("claim", "*jwt, validate: {algorithms: [RS256], required_claims: ['${SHORT}']}}"),
    ("path", "*jwt, call_api: {url: '/${SHORT}'}}"),
    ("host", "*jwt, call_api: {url: 'https://${SHORT}.invalid/'}}"),
    (
        "discovery",
        "prober: oauth_cc, oauth_cc: {client: *public, discovery: 'https://${SHORT}.invalid/'}",
    ),
    ("proxy", "*jwt}, http: {allow_plain_http: true, proxy_url: 'http://${SHORT}.invalid:1'}"),
    (
        "status_page",
        "prober: oauth_cc, oauth_cc: {client: *public}, status_page: {url: 'https://127.0.0.1:1/${SHORT}'}",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_short_variable_in_its_own_place() {
    let provider = Provider::start().await;
    let modules: Vec<(String, String)> = VARIABLES
        .iter()
        .map(|(name, module)| {
            let module = module
                .replace(
                    "*jwt",
                    "prober: jwt, jwt: {token: {grant: client_credentials, client: *public}",
                )
                .replace("*public", "{id: monitor-public, auth: none}");
            ((*name).to_owned(), module)
        })
        .collect();
    assert_hidden(&told(&modules, provider.url(), &["status_page"]).await);
    let module = "prober: saml, saml: {role: idp, entity_id: '${SHORT}'}";
    let target = format!("{}/saml/metadata", provider.url());
    assert_hidden(&told(&[("entity".to_owned(), module.to_owned())], &target, &[]).await);
}
