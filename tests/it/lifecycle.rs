//! The exporter as a program: signals, clients that go away or are slow, flags, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exporter::{DEMO, write};
use crate::http::{get, probe_path, send};
use crate::provider::{Fault, Provider};

/// No test waits longer for something that should come at once.
const SOON: Duration = Duration::from_secs(20);

/// A running program, killed when it is dropped.
pub(crate) struct Program {
    pub(crate) address: String,
    pub(crate) folder: TempDir,
    child: Child,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Program {
    pub(crate) fn start(provider: &Provider, configuration: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = write(provider, &folder, configuration);
        let mut child = exporter(&file)
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut log, mut address) = (String::new(), None);
        while address.is_none() {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {log}");
            address = ["msg=listening address=", "\"address\":\""].iter().find_map(|opening| {
                let (_, rest) = line.split_once(opening)?;
                Some(rest.trim().split('"').next()?.to_owned())
            });
            log.push_str(&line);
        }
        let log = std::thread::spawn(move || {
            let _ = stderr.read_to_string(&mut log);
            log
        });
        Self { address: address.unwrap(), folder, child, log: Some(log) }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("the program kill").success());
    }

    /// Ends it and returns all that it logged.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exporter(file: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth_exporter"));
    command.arg("--config.file").arg(file);
    command
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads() {
    let provider = Provider::start().await;
    let program = Program::start(&provider, DEMO, &[]);
    write(&provider, &program.folder, &DEMO.replace("  api_key:\n", "  renamed:\n"));
    program.signal("HUP");
    until("the new module never came", async || {
        get(&program.address, "/config").await.text().contains("renamed:")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_a_running_probe_end_with_its_answer() {
    let provider = Provider::start().await;
    let mut program = Program::start(&provider, DEMO, &[]);
    provider.switch_on(Fault::TokenSlow);
    let (address, path) =
        (program.address.clone(), probe_path("client_credentials", provider.url()));
    let probing = tokio::spawn(async move { get(&address, &path).await });
    until("the probe never began", async || provider.in_flight() == 1).await;
    program.signal("TERM");
    until("it still accepts", async || TcpStream::connect(&program.address).await.is_err()).await;
    assert!(program.child.try_wait().unwrap().is_none(), "it ended before its probe did");
    let answer = probing.await.unwrap();
    assert!(answer.text().contains("probe_success 1.0\n"), "{}", answer.text());
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_probe() {
    let provider = Provider::start().await;
    let program = Program::start(&provider, DEMO, &[]);
    provider.switch_on(Fault::TokenHang);
    let mut stream = TcpStream::connect(&program.address).await.unwrap();
    let path = probe_path("client_credentials", provider.url());
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    until("the probe never began", async || provider.in_flight() == 1).await;
    let began = Instant::now();
    drop(stream);
    until("the provider is still asked", async || provider.in_flight() == 0).await;
    assert!(began.elapsed() < Duration::from_secs(3), "the module's timeout ended it");
    let in_flight = "\nauth_exporter_probes_in_flight 0.0\n";
    assert!(get(&program.address, "/metrics").await.text().contains(in_flight));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_ends_its_request_is_cut_off_and_holds_nobody_up() {
    let provider = Provider::start().await;
    let program = Program::start(&provider, DEMO, &[]);
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(&program.address).await.unwrap();
        stream.write_all(b"GET /metrics HT").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(get(&program.address, "/-/healthy").await.status, 200);
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(SOON, slow[0].read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "the connection stays open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_refused() {
    let provider = Provider::start().await;
    let program = Program::start(&provider, DEMO, &[]);
    let long = "x".repeat(256 * 1024);
    let mut stream = TcpStream::connect(&program.address).await.unwrap();
    // The server may close before all is written.
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nX-Long: {long}\r\n\r\n").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an end");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{answer:?}");
    assert_eq!(send(&program.address, "GET /-/ready", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_in_the_terminal() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(&provider, &folder, DEMO);
    let probe = async |module: &str, target: &str| {
        let mut command = exporter(&file);
        command.args(["probe", module, target]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, err) = probe("client_credentials", provider.url()).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let table: Vec<Vec<String>> = out.lines().skip(2).take(5).map(words).collect();
    assert_eq!(table[0], ["STEP", "RESULT", "TIME", "STATUS", "REASON"]);
    for (row, (step, status)) in table[1..].iter().zip([
        ("discovery", "200"),
        ("token", "200"),
        ("call_api", "200"),
        ("refuse", "401"),
    ]) {
        assert_eq!((row[0].as_str(), row[1].as_str(), row[4].as_str()), (step, "ok", status));
    }

    provider.switch_on(Fault::TokenRefusesClient);
    let (code, out, _) = probe("client_credentials", provider.url()).await;
    assert_eq!(code, Some(1));
    for part in [
        "token        FAILED",
        "invalid_client\n",
        "call_api     not reached",
        "What to do: Check client id, secret and `client.auth`",
        "Probe FAILED in ",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }

    for (module, target, message) in [
        (
            "nobody",
            provider.url(),
            "Unknown module \"nobody\"; there are: api_key, client_credentials\n",
        ),
        ("api_key", "nowhere", "The target is not a URL: relative URL without a base\n"),
        (
            "api_key",
            "https://id.example",
            "Module \"api_key\" may not be pointed at this target: it is neither in targets nor in allowed_targets\n",
        ),
    ] {
        let (code, out, err) = probe(module, target).await;
        assert_eq!((code, out.as_str(), err.as_str()), (Some(2), "", message));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_can_be_checked() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let check = |file: &Path| {
        let output = exporter(file).arg("--config.check").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let file = write(&provider, &folder, DEMO);
    let checked = format!("{}: 2 modules, all fine\n", file.display());
    assert_eq!(check(&file), (Some(0), checked, String::new()));
    let file = write(&provider, &folder, "modules: {}\n");
    let wrong =
        format!("{}:1: modules: must be a mapping with at least one module\n", file.display());
    assert_eq!(check(&file), (Some(2), String::new(), wrong));
}

#[test]
fn it_knows_its_version() {
    let output = exporter(Path::new("x")).arg("--version").output().unwrap();
    let version = concat!("auth_exporter ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
}
