//! Secrets in every place that may hold one, and a provider that repeats all of them in every
//! place that it can: none comes out anywhere, plain or encoded.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::http::{get, probe_path, send};
use crate::lifecycle::Program;
use crate::provider::{Credentials, Fault, Provider};

/// What headers, forms, cookies and queries may hold, with characters that each encoding changes.
fn canary(place: &str) -> String {
    format!("canary+{place}/%7e&4c19={place}")
}

/// Every field that may hold a secret, one canary each.
fn configuration(folder: &std::path::Path) -> String {
    let file = folder.join("secret-in-a-file");
    std::fs::write(&file, canary("file") + "\n").unwrap();
    let account = |name: &str, how: &str| {
        format!(
            "
  {name}:
    prober: apikey
    timeout: 2s
    targets: ['${{DEMO_PROVIDER}}/v1/account']
    apikey:
      key: '${{DEMO_API_KEY}}'
      {how}
      request: {{headers: {{X-Request: '{}'}}}}
      must_refuse: [no_key, wrong_key]
",
            canary("request-header")
        )
    };
    let client = |name: &str, client: &str| {
        format!(
            "
  {name}:
    prober: oauth_cc
    timeout: 2s
    targets: ['${{DEMO_PROVIDER}}']
    http: {{headers: {{X-Target: '{}'}}}}
    oauth_cc:
      client: {{id: monitor, {client}}}
      scopes: [monitoring:health]
      params: {{extra: '{}'}}
      headers: {{X-Token: '{}', X-File: {{file: {}}}}}
      call_api:
        url: /api/me
        method: POST
        headers: {{X-Api: '{}'}}
        body: '{}'
        must_refuse: [no_credential]
",
            canary("target-header"),
            canary("params"),
            canary("token-header"),
            file.display(),
            canary("api-header"),
            canary("api-body"),
        )
    };
    [
        "modules:".to_owned(),
        client("basic", "secret: '${DEMO_CLIENT_SECRET}'"),
        client("post", "auth: client_secret_post, secret: '${DEMO_CLIENT_SECRET}'"),
        client("jwt", "auth: client_secret_jwt, secret: '${DEMO_CLIENT_SECRET}'"),
        account("in_header", "in: header\n      name: X-API-Key"),
        account("in_query", "in: query\n      name: api_key"),
        account("in_bearer", "in: bearer"),
        account("in_basic", "in: basic\n      name: user"),
    ]
    .concat()
}

/// The secret in the text, however it is encoded: as it stands, percent-encoded, or in base64 at any
/// alignment within a longer text.
fn leaks(text: &str, secret: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let spaced = decoded.replace('+', " ");
    let holds = |text: &str| text.contains(secret) || text.contains(&secret.replace('+', " "));
    if holds(text) || holds(&decoded) || holds(&spaced) {
        return true;
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    text.split(|c: char| !is_base64(c)).filter(|run| run.len() >= secret.len()).any(|run| {
        // Where the base64 begins and ends in the run is not known.
        (0..4).flat_map(|start| (0..4).map(move |end| (start, end))).any(|(start, end)| {
            let part = &run[start..run.len() - end];
            [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].iter().any(|engine| {
                let bytes = engine.decode(part).unwrap_or_default();
                bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
            })
        })
    })
}

#[test]
fn the_search_finds_each_encoding() {
    let secret = canary("x");
    let percent =
        percent_encoding::percent_encode(secret.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
    for text in [
        format!("a {secret} b"),
        format!("a={percent}&b"),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        format!("Basic {}", STANDARD_NO_PAD.encode(format!("user:{secret}"))),
        format!("x{}", URL_SAFE_NO_PAD.encode(&secret)),
    ] {
        assert!(leaks(&text, &secret), "{text}");
    }
    assert!(!leaks("canary+y/%7e", &secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_anywhere() {
    let credentials =
        Credentials { client_secret: canary("client-secret"), api_key: canary("api-key") };
    let secrets: Vec<String> = [
        "client-secret",
        "api-key",
        "request-header",
        "target-header",
        "params",
        "token-header",
        "file",
        "api-header",
        "api-body",
    ]
    .map(canary)
    .into();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let provider = Provider::start_with(credentials, any).await.unwrap();
    let beside = tempfile::tempdir().unwrap();
    let configuration = configuration(beside.path());
    let account = format!("{}/v1/account", provider.url());
    let modules: Vec<(&str, &str)> = ["basic", "post", "jwt"]
        .map(|module| (module, provider.url()))
        .into_iter()
        .chain(["in_header", "in_query", "in_bearer", "in_basic"].map(|m| (m, account.as_str())))
        .collect();
    let faults: Vec<Option<Fault>> = Fault::ALL
        .iter()
        .filter(|fault| fault.name().contains("echoes"))
        .map(|fault| Some(*fault))
        .chain([None])
        .collect();
    assert_eq!(faults.len(), 10, "the faults that repeat secrets");

    let mut outputs: Vec<(String, String)> = Vec::new();
    for format in ["logfmt", "json"] {
        let flags = ["--log.level", "debug", "--log.format", format];
        let program = Program::start(&provider, &configuration, &flags);
        for fault in &faults {
            fault.inspect(|fault| provider.switch_on(*fault));
            for (module, target) in &modules {
                let path = probe_path(module, target);
                let name = |what: &str| format!("{what} of {module} with {fault:?}");
                let classic = get(&program.address, &path).await.text();
                outputs.push((name("probe"), classic));
                let accept = ("Accept", "application/openmetrics-text; version=1.0.0");
                let open = send(&program.address, &format!("GET {path}"), &[accept]).await.text();
                outputs.push((name("OpenMetrics probe"), open));
                let debug = get(&program.address, &format!("{path}&debug=true")).await.text();
                outputs.push((name("debug page"), debug));
            }
            fault.inspect(|fault| provider.switch_off(*fault));
        }
        for path in ["/config", "/metrics", "/", "/sd"] {
            outputs.push((path.to_owned(), get(&program.address, path).await.text()));
        }
        // A configuration that is wrong beside each secret.
        let file = program.folder.path().join("auth_exporter.yml");
        let wrong =
            std::fs::read_to_string(&file).unwrap().replace("must_refuse: [", "must_refuse: [x, ");
        std::fs::write(&file, wrong).unwrap();
        let reload = send(&program.address, "POST /-/reload", &[]).await;
        assert_eq!(reload.status, 500);
        outputs.push(("the reload".into(), reload.text()));
        outputs.push((format!("the {format} log"), program.end().1));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = crate::exporter::write(&provider, &folder, &configuration);
    provider.switch_on(Fault::TokenDescriptionEchoesSecret);
    let mut probe = Command::new(env!("CARGO_BIN_EXE_auth_exporter"));
    probe.arg("--config.file").arg(file).args(["probe", "post", provider.url()]);
    let output = tokio::task::spawn_blocking(move || probe.output()).await.unwrap().unwrap();
    let terminal = [output.stdout, output.stderr].concat();
    outputs.push(("the terminal".into(), String::from_utf8(terminal).unwrap()));

    // The secrets did travel, and were repeated: otherwise nothing was tested.
    let sent: Vec<String> = provider.seen().into_iter().flat_map(|seen| seen.secrets).collect();
    for secret in &secrets {
        assert!(sent.contains(secret), "{secret} was never sent");
    }
    let placeholder = outputs.iter().filter(|(_, text)| text.contains("<secret>")).count();
    assert!(placeholder > 30, "{placeholder} outputs hold what was hidden");
    for (output, text) in &outputs {
        for secret in &secrets {
            assert!(!leaks(text, secret), "{secret} in {output}:\n{text}");
        }
        // Tokens are secrets too: every JWT of the provider begins like this.
        assert!(!text.contains("eyJ"), "a token in {output}:\n{text}");
    }
}
