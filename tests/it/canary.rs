//! Secrets planted in every secret field, repeated by the provider in every way that it has,
//! are in no output of the exporter, however encoded.

mod bad_configurations;
mod needle;

use std::collections::BTreeMap;
use std::path::Path;

use needle::{Haystack, found};
use rcgen::{CertificateParams, KeyPair};

use crate::program::{Program, run};
use crate::provider::{Credentials, Fault, Provider};
use crate::scrape::probe_path;

/// A secret with the characters that encoders change, but for those that no header or cookie
/// may have. What is searched for are its letters and digits, which must not show up alone.
fn canary(name: &str) -> String {
    format!("+/{}=%&<'", core(name))
}

fn core(name: &str) -> String {
    format!("canary{name}q7x9z2w5")
}

/// A module with a planted secret.
struct Planted {
    name: &'static str,
    /// What is searched for.
    core: String,
    /// The block of its prober, and what stands beside it.
    module: String,
    path: &'static str,
    /// Whether the secret itself is sent, so that the provider can repeat it.
    is_sent: bool,
}

const OAUTH_FAULTS: [Option<Fault>; 8] = [
    None,
    Some(Fault::DiscoveryEchoesSecrets),
    Some(Fault::TokenDescriptionEchoesSecret),
    Some(Fault::TokenErrorEchoesSecret),
    Some(Fault::TokenTypeEchoesSecret),
    Some(Fault::TokenRedirectEchoesSecret),
    Some(Fault::ApiEchoesSecrets),
    Some(Fault::ApiRedirectEchoesSecrets),
];
const KEY_FAULTS: [Option<Fault>; 4] = [
    None,
    Some(Fault::KeyEchoesSecrets),
    Some(Fault::KeyRedirectEchoesSecrets),
    Some(Fault::KeyInfoEchoesSecrets),
];

/// Under these the `probe` subcommand is run as well.
const TERMINAL_FAULTS: [Fault; 2] = [Fault::TokenDescriptionEchoesSecret, Fault::KeyEchoesSecrets];

impl Planted {
    fn faults(&self) -> &'static [Option<Fault>] {
        if self.path.is_empty() { &OAUTH_FAULTS } else { &KEY_FAULTS }
    }
}

/// One module for each secret field. Files and variables hold what they are named after.
#[allow(clippy::too_many_lines, reason = "one entry a field, side by side")]
fn planted(folder: &Path, other: &str) -> Vec<Planted> {
    let quoted = |name: &str| serde_json::to_string(&canary(name)).unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let secret_file = |name: &str| file(name, &format!("{}\n", canary(name)));
    let public = "client: {id: monitor-public, auth: none}";
    let api = "call_api: {url: /api/me}";
    let oauth = |block: String| format!("prober: oauth_cc, oauth_cc: {{{block}}}");
    let key = |block: String| format!("prober: apikey, apikey: {{{block}}}");
    let key_pair = KeyPair::generate().unwrap();
    let pem = key_pair.serialize_pem();
    let certificate = CertificateParams::default().self_signed(&key_pair).unwrap().pem();
    let (pem_core, pem) = (pem.lines().nth(2).unwrap().to_owned(), file("key.pem", &pem));
    let certificate = file("certificate.pem", &certificate);

    let mut planted = Vec::new();
    let mut plant = |name, canary: &str, module, path, is_sent| {
        planted.push(Planted { name, core: core(canary), module, path, is_sent });
    };
    let (client, api_key) = (quoted("client"), quoted("apikey"));
    for (name, module) in [
        ("secret_basic", format!("client: {{id: monitor, secret: {client}}}, {api}")),
        (
            "secret_post",
            format!("client: {{id: monitor, auth: client_secret_post, secret: {client}}}, {api}"),
        ),
        (
            "secret_file",
            format!("client: {{id: monitor, secret_file: '{}'}}, {api}", secret_file("client")),
        ),
        (
            "secret_variable",
            format!("client: {{id: monitor, secret: '${{CANARY_client}}'}}, {api}"),
        ),
        (
            "every_step",
            format!(
                "client: {{id: monitor, secret: {client}}}, introspect: true, revoke: true, \
                 call_api: {{url: /api/me, must_refuse: [no_credential]}}"
            ),
        ),
    ] {
        plant(name, "client", oauth(module), "", true);
    }
    plant(
        "secret_jwt",
        "client",
        oauth(format!("client: {{id: monitor, auth: client_secret_jwt, secret: {client}}}")),
        "",
        false,
    );
    for (name, canary, block) in [
        ("token_header", "th", format!("{public}, headers: {{X-Canary: {}}}", quoted("th"))),
        (
            "token_header_file",
            "thf",
            format!("{public}, headers: {{X-Canary: {{file: '{}'}}}}", secret_file("thf")),
        ),
        ("parameter", "param", format!("{public}, params: {{ticket: {}}}", quoted("param"))),
        ("audience", "aud", format!("{public}, audience: '${{CANARY_aud}}'")),
        (
            "api_header",
            "ah",
            format!(
                "{public}, call_api: {{url: /api/me, headers: {{X-Canary: {}}}}}",
                quoted("ah")
            ),
        ),
        (
            "api_credential",
            "ac",
            format!(
                "{public}, call_api: {{url: /api/me, headers: {{X-Auth: 'Token {}'}}}}",
                core("ac")
            ),
        ),
        (
            "api_json",
            "aj",
            format!(
                "{public}, call_api: {{url: /api/me, method: POST, body: '{{\"pin\": [\"{}\"]}}'}}",
                core("aj")
            ),
        ),
        (
            "api_body",
            "ab",
            format!("{public}, call_api: {{url: /api/me, method: POST, body: {}}}", quoted("ab")),
        ),
        ("api_url", "url", format!("{public}, call_api: {{url: '/api/me?t=${{CORE_url}}'}}")),
    ] {
        plant(name, canary, oauth(block), "", true);
    }
    plant(
        "assertion_value",
        "av",
        oauth(format!(
            "{public}, assertions: [{{type: json_body, path: '$.scope', value: '${{CANARY_av}}'}}]"
        )),
        "",
        false,
    );
    plant(
        "http_header",
        "hh",
        format!(
            "http: {{headers: {{X-Canary: {}}}}}, {}",
            quoted("hh"),
            oauth(format!("{public}, {api}"))
        ),
        "",
        true,
    );
    for (name, block) in [
        (
            "key_header",
            format!("key: {api_key}, name: X-API-Key, must_refuse: [no_key, wrong_key]"),
        ),
        (
            "key_prefix",
            format!(
                "key: {api_key}, name: Authorization, prefix: 'Bearer ', must_refuse: [no_key]"
            ),
        ),
        ("key_query", format!("key: {api_key}, in: query, name: api_key")),
        ("key_cookie", format!("key: {api_key}, in: cookie, name: api_key")),
        ("key_user", format!("key: {api_key}, in: basic")),
        ("key_password", format!("key: {api_key}, in: basic, name: somebody")),
        ("key_bearer", format!("key: {api_key}, in: bearer")),
        ("key_file", format!("key_file: '{}', name: X-API-Key", secret_file("apikey"))),
        ("key_variable", "key: '${CANARY_apikey}', name: X-API-Key".to_owned()),
        (
            "key_info",
            format!(
                "key: {api_key}, name: X-API-Key, key_info: {{url: /v1/keys/self, \
                 headers: {{X-API-Key: {api_key}}}, expiry: {{path: '$.expires_at'}}, id: '$.id'}}"
            ),
        ),
    ] {
        plant(name, "apikey", key(block), "/v1/account", true);
    }
    for (name, canary, block) in [
        ("request_header", "rh", format!("request: {{headers: {{X-Canary: {}}}}}", quoted("rh"))),
        ("request_body", "rb", format!("request: {{method: PUT, body: {}}}", quoted("rb"))),
    ] {
        let module = key(format!("key: {api_key}, name: X-API-Key, {block}"));
        plant(name, canary, module, "/v1/account", true);
    }
    let at_proxy = format!(
        "http: {{allow_plain_http: true, proxy_url: 'http://somebody:{}@{}'}}, {}",
        core("proxy"),
        other.trim_start_matches("http://"),
        key(format!("key: {api_key}, name: X-API-Key"))
    );
    plant("proxy_password", "proxy", at_proxy, "/v1/account", true);
    for (name, module) in [
        (
            "private_key",
            oauth(format!("client: {{id: monitor, auth: private_key_jwt, key_file: '{pem}'}}")),
        ),
        (
            "tls_key",
            format!(
                "http: {{tls_config: {{cert_file: '{certificate}', key_file: '{pem}'}}}}, {}",
                oauth(public.to_owned())
            ),
        ),
    ] {
        planted.push(Planted { name, core: pem_core.clone(), module, path: "", is_sent: false });
    }
    planted
}

/// Variables by which the configuration names canaries.
fn variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("CANARY_client", canary("client")),
        ("CANARY_apikey", canary("apikey")),
        ("CANARY_aud", canary("aud")),
        ("CANARY_av", canary("av")),
        ("CORE_url", core("url")),
    ])
}

/// An output of the exporter, and what it is called.
type Output = (String, String);

/// What a running exporter tells about a module.
async fn pages(program: &Program, path: &str) -> Vec<Output> {
    let openmetrics = "accept: application/openmetrics-text;version=1.0.0";
    let debug = format!("{path}&debug=true");
    vec![
        ("classic".to_owned(), program.get(path).await.text()),
        ("OpenMetrics".to_owned(), program.send("GET", path, &[openmetrics]).await.text()),
        ("debug page".to_owned(), program.get(&debug).await.text()),
    ]
}

/// What the `probe` subcommand tells about a module.
fn terminal(file: &Path, module: &str, target: &str) -> Vec<Output> {
    let file = file.to_str().unwrap();
    let arguments = ["probe", module, target, "--config.file", file, "--log.level", "debug"];
    let output = run(&arguments, &variables());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    vec![
        ("terminal".to_owned(), text(output.stdout)),
        ("log of the terminal".to_owned(), text(output.stderr)),
    ]
}

/// What is told about the exporter as a whole.
async fn whole(program: &Program) -> Vec<Output> {
    let mut outputs = vec![("log".to_owned(), program.log())];
    for path in ["/", "/config", "/sd", "/metrics"] {
        let answer = program.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        outputs.push((path.to_owned(), answer.text()));
    }
    outputs
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_secret() {
    let credentials = Credentials { client_secret: canary("client"), api_key: canary("apikey") };
    let provider = Provider::start_with(credentials, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let all = planted(folder.path(), provider.other_url());
    let configuration = all.iter().fold("modules:\n".to_owned(), |text, planted| {
        let Planted { name, module, path, .. } = planted;
        format!("{text}  {name}: {{targets: ['{}{path}'], {module}}}\n", provider.url())
    });
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration).unwrap();
    let flags = |format| ["--log.level", "debug", "--log.format", format];
    let logfmt = Program::start(&file, &flags("logfmt"), &variables()).await;
    let json = Program::start(&file, &flags("json"), &variables()).await;

    let mut outputs = Vec::new();
    let mut wrong = Vec::new();
    for planted in &all {
        let target = format!("{}{}", provider.url(), planted.path);
        let path = probe_path(planted.name, &target);
        let before = provider.seen().len();
        for fault in planted.faults() {
            fault.inspect(|fault| provider.switch_on(*fault));
            // Of the other program only the log is looked at.
            let (mut told, _) = tokio::join!(pages(&logfmt, &path), json.get(&path));
            if fault.is_some_and(|fault| TERMINAL_FAULTS.contains(&fault)) {
                told.extend(terminal(&file, planted.name, &target));
            }
            fault.inspect(|fault| provider.switch_off(*fault));
            let fault = fault.map_or("no fault", Fault::name);
            outputs.extend(told.into_iter().map(|(output, text)| {
                (format!("{output} of {} with {fault}", planted.name), text)
            }));
        }
        let seen = provider.seen().split_off(before);
        let holds = |secret: &String| secret.contains(&planted.core);
        if seen.iter().any(|seen| seen.secrets.iter().any(holds)) != planted.is_sent {
            wrong.push(format!("{}: sent {}", planted.name, !planted.is_sent));
        }
    }
    for (format, program) in [("logfmt", &logfmt), ("json", &json)] {
        let told = whole(program).await;
        outputs.extend(told.into_iter().map(|(name, text)| (format!("{name} ({format})"), text)));
        assert!(program.log().contains("issuer_mismatch"), "the {format} log has no story");
    }

    let hidden = outputs.iter().filter(|(_, text)| text.contains("<secret>")).count();
    assert!(hidden > all.len(), "only {hidden} outputs hide something");
    let mut cores: Vec<&str> = all.iter().map(|planted| planted.core.as_str()).collect();
    cores.sort_unstable();
    cores.dedup();
    // Tokens are secrets, too, and every one of them begins like this.
    cores.push("eyJ0eXAiOiJhdCtqd3Q");
    for (output, text) in &outputs {
        let text = Haystack::new(text);
        for core in &cores {
            wrong.extend(text.found(core).map(|how| format!("{output}: {core}, {how}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A credential in the target is refused without being repeated.
#[tokio::test(flavor = "multi_thread")]
async fn userinfo_in_a_target_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(
        &file,
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}",
    )
    .unwrap();
    let program = Program::start(&file, &["--log.level", "debug"], &BTreeMap::new()).await;
    let secret = core("userinfo");
    for target in
        [format!("https://{secret}@127.0.0.1:1"), format!("https://u:{secret}@127.0.0.1:1/x")]
    {
        let answer = program.get(&probe_path("m", &target)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(found(&secret, &answer.text()), None);
        let terminal = run(
            &["probe", "m", &target, "--config.file", file.to_str().unwrap()],
            &BTreeMap::new(),
        );
        assert_eq!(found(&secret, &String::from_utf8(terminal.stderr).unwrap()), None);
    }
    assert_eq!(found(&secret, &program.log()), None);
}
