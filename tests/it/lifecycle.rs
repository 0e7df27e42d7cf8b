//! The program from its start to its end: flags, signals, clients that come and go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::modules::{configuration, healthy, target};
use crate::program::{Program, eventually, run};
use crate::provider::{Fault, Provider};
use crate::scrape::{self, probe_path};

/// A file with this configuration, as long as the folder is kept.
fn written(configuration: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration).unwrap();
    (folder, file)
}

async fn start(file: &Path) -> Program {
    Program::start(file, &[], &BTreeMap::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads() {
    let module = |name: &str| {
        format!(
            "modules: {{{name}: {{prober: oauth_cc, oauth_cc: {{client: {{id: x, auth: none}}}}}}}}"
        )
    };
    let (_folder, file) = written(&module("first"));
    let program = start(&file).await;
    std::fs::write(&file, module("second")).unwrap();
    program.signal("HUP");
    program.find("the reload", |log| log.contains("configuration loaded").then_some(())).await;
    assert!(program.get("/config").await.text().contains("second:"));

    std::fs::write(&file, "modules: {third: {}}").unwrap();
    program.signal("HUP");
    let error = format!("{}:1: modules.third: missing field `prober`", file.display());
    program.find("the refusal", |log| log.contains(&error).then_some(())).await;
    let metrics = program.get("/metrics").await.metrics();
    assert_eq!(metrics.value("auth_exporter_config_last_reload_successful"), Some(0.0));
    assert!(program.get("/config").await.text().contains("second:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_probe_ends_with_its_answer_after_sigterm_and_sigint() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    for signal in ["TERM", "INT"] {
        let mut program = start(&file).await;
        provider.switch_on(Fault::TokenSlow);
        let address = program.address;
        let path = probe_path("flow", &target(&provider, "flow"));
        let probing =
            tokio::spawn(async move { scrape::send(address, "GET", &path, &[]).await.unwrap() });
        eventually("the token request", || provider.in_flight() == 1).await;
        program.signal(signal);
        program.find("the drain", |log| log.contains("msg=\"stopping").then_some(())).await;
        eventually("the listener to close", || std::net::TcpStream::connect(address).is_err())
            .await;
        let answer = probing.await.unwrap();
        assert_eq!(answer.metrics().story(), healthy("flow"), "{signal}");
        let status = program.exit().await;
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_program_ends_at_once_and_cuts_idle_connections() {
    let (_folder, file) =
        written("modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}");
    let mut program = start(&file).await;
    let mut idle = TcpStream::connect(program.address).await.unwrap();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 1024];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let started = Instant::now();
    program.signal("TERM");
    assert_eq!(program.exit().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_probe() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    let program = start(&file).await;
    provider.switch_on(Fault::DiscoveryHang);
    let in_flight = async || {
        let metrics = program.get("/metrics").await.metrics();
        metrics.value("auth_exporter_probes_in_flight").unwrap()
    };
    let mut client = TcpStream::connect(program.address).await.unwrap();
    let path = probe_path("flow", &target(&provider, "flow"));
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    eventually("the probe's request", || provider.in_flight() == 1).await;
    assert_eq!(in_flight().await, 1.0);
    drop(client);
    eventually("the end of that request", || provider.in_flight() == 0).await;
    assert_eq!(in_flight().await, 0.0);
}

/// A client that does not finish its request head is cut off, whether it is silent or drips;
/// others are served meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_while_others_are_served() {
    let (_folder, file) =
        written("modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}");
    let program = start(&file).await;
    let begin = async || {
        let mut client = TcpStream::connect(program.address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
        client
    };
    let (mut silent, dripping) = (begin().await, begin().await);
    let (mut reading, mut writing) = dripping.into_split();
    let drip = async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let cut = async {
        // What is said to them before, as 408, is no answer to a request.
        let mut rest = Vec::new();
        let _ = silent.read_to_end(&mut rest).await;
        let _ = reading.read_to_end(&mut rest).await;
    };
    let served = async {
        for _ in 0..20 {
            assert_eq!(program.get("/-/healthy").await.status, 200);
        }
    };
    let both = async { tokio::join!(cut, served, drip) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("cut off after 10 s");
}

#[test]
fn the_version() {
    let output = run(&["--version"], &BTreeMap::new());
    let expected = format!("auth_exporter {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_configuration_is_checked_without_serving() {
    let (_folder, good) =
        written("modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}");
    let (_other_folder, bad) = written("modules:\n  m:\n    prober: apikey\n    apikey: {}\n");
    let check = |file: &Path| {
        let output =
            run(&["--config.check", "--config.file", file.to_str().unwrap()], &BTreeMap::new());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let fine = format!("{}: 1 module, all fine\n", good.display());
    assert_eq!(check(&good), (Some(0), fine, String::new()));
    let wrong = format!("{}:4: modules.m.apikey: needs key or key_file\n", bad.display());
    assert_eq!(check(&bad), (Some(2), String::new(), wrong));
    let missing = bad.with_file_name("missing.yml");
    let unreadable =
        format!("cannot read {}: No such file or directory (os error 2)\n", missing.display());
    assert_eq!(check(&missing), (Some(2), String::new(), unreadable));
}

/// What the `probe` subcommand prints, with its times as `T`.
fn probe(file: &Path, module: &str, target: &str) -> (Option<i32>, String, String) {
    let output =
        run(&["probe", module, target, "--config.file", file.to_str().unwrap()], &BTreeMap::new());
    let time =
        regex::Regex::new(r"(, [0-9]+ bytes in)? *[0-9]+\.[0-9] ms( \([a-z0-9., ]*\))?").unwrap();
    let text = |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        time.replace_all(&text, " T").into_owned()
    };
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_in_the_terminal_that_succeeds() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    let target = target(&provider, "flow");
    provider.switch_on(Fault::TokenCacheable);
    let table = format!(
        "\
oauth_cc flow → {target}

STEP         RESULT             TIME  STATUS  REASON
discovery    ok T     200
token        ok T     200
introspect   ok T     200
call_api     ok T     200
refuse       ok T     401
revoke       ok T     200

token: warning no_store_missing: The token response lacks `Cache-Control: no-store` (RFC 6749 §5.1).
  What to do: A cache on the way may keep tokens: add the header at the provider or its proxy.

Probe succeeded in T.
"
    );
    assert_eq!(probe(&file, "flow", &target), (Some(0), table, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_in_the_terminal_that_fails() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    let target = target(&provider, "asserted");
    provider.switch_on(Fault::TokenRefusesClient);
    let table = format!(
        "\
oauth_cc asserted → {target}

STEP         RESULT             TIME  STATUS  REASON
discovery    ok T     200
token        FAILED T     401  invalid_client

 T  discovery    begins
 T  discovery    GET {target}/.well-known/openid-configuration at 127.0.0.1: status 200 T
 T  discovery    succeeded
 T  token        begins
 T  token        POST {target}/token at 127.0.0.1: status 401 T
 T  token        assertion status_code:equals does not hold
 T  token        assertion json_body:$.access_token:exists does not hold
 T  token        assertion json_body:$.token_type:equals does not hold
 T  token        assertion json_body:$.expires_in:greater_than does not hold
 T  token        FAILED, invalid_client: status 401, error invalid_client: the secret has expired

token: The provider refused the client's credential (RFC 6749 §5.2).
  status 401, error invalid_client: the secret has expired
  What to do: Check client id, secret and `client.auth`; the secret may have been rotated or expired.

Probe FAILED in T.
"
    );
    assert_eq!(probe(&file, "asserted", &target), (Some(1), table, String::new()));
}

#[test]
fn a_probe_in_the_terminal_that_cannot_begin() {
    let (_folder, file) = written(
        "modules: {m: {prober: oauth_cc, targets: ['http://127.0.0.1:1/'], oauth_cc: {client: {id: x, auth: none}}}}",
    );
    for (module, target, message) in [
        ("x", "http://127.0.0.1:1/", "Unknown module \"x\"; there are: m\n"),
        ("m", "ftp://127.0.0.1:1/", "The target is not an http or https URL\n"),
        (
            "m",
            "http://127.0.0.1:2/",
            "Module \"m\" may not be pointed at this target: it is neither in targets nor in allowed_targets\n",
        ),
    ] {
        let expected = (Some(2), String::new(), message.to_owned());
        assert_eq!(probe(&file, module, target), expected, "{module} {target}");
    }
    let missing = file.with_file_name("missing.yml");
    assert_eq!(probe(&missing, "m", "http://127.0.0.1:1/").0, Some(2));
    assert_eq!(run(&["probe", "m"], &BTreeMap::new()).status.code(), Some(2));
    assert_eq!(run(&["--no.such-flag"], &BTreeMap::new()).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_refused() {
    let (_folder, file) =
        written("modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}");
    let program = start(&file).await;
    let long = "x".repeat(256 * 1024);
    let mut stream = TcpStream::connect(program.address).await.unwrap();
    // The server may close before all is written.
    let _ = stream.write_all(format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    // Either an answer, or a reset while it was still being written.
    assert!(end.is_ok(), "the connection stays open");
    let refused = ["HTTP/1.1 431 ", "HTTP/1.1 414 "];
    let text = String::from_utf8_lossy(&answer);
    assert!(text.is_empty() || refused.iter().any(|start| text.starts_with(start)), "{text}");
    assert_eq!(program.get("/-/ready").await.status, 200);
}

/// At debug level the story of a probe is in the log, each line of it as a message.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_the_story_in_both_formats() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    let target = target(&provider, "asserted");
    for (format, line) in [
        (
            "logfmt",
            format!(
                "level=DEBUG msg=succeeded probe_id=1 module=asserted target={target} step=token\n"
            ),
        ),
        (
            "json",
            format!(
                "\"level\":\"DEBUG\",\"message\":\"succeeded\",\"probe_id\":1,\"module\":\"asserted\",\"target\":\"{target}\",\"step\":\"token\"}}\n"
            ),
        ),
    ] {
        let flags = ["--log.prober", "debug", "--log.format", format];
        let program = Program::start(&file, &flags, &BTreeMap::new()).await;
        program.get(&probe_path("asserted", &target)).await;
        program.find(&line, |log| log.contains(&line).then_some(())).await;
    }
}

/// A key for forgeries is made from the start on, in a thread of its own, which AWS-LC ends with an
/// abort when the program ends meanwhile.
#[test]
fn the_program_ends_in_order_while_a_key_is_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    let api = "{url: /me, must_refuse: [foreign_key]}";
    let block = format!("{{client: {{id: x, auth: none}}, call_api: {api}}}");
    let module =
        format!("{{prober: oauth_cc, targets: ['http://127.0.0.1:1'], oauth_cc: {block}}}");
    std::fs::write(&file, format!("modules: {{m: {module}}}")).unwrap();
    let file = file.to_str().unwrap();
    for _ in 0..20 {
        let checked = run(&["--config.check", "--config.file", file], &BTreeMap::new());
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
        let arguments = ["probe", "m", "http://127.0.0.1:1", "--config.file", file];
        let probed = run(&arguments, &BTreeMap::new());
        assert_eq!(probed.status.code(), Some(1), "{probed:?}");
    }
}
