//! What the flags say about how it runs: its log, its addresses and paths, and systemd.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::modules::{configuration, target};
use crate::program::{Program, eventually};
use crate::provider::{Fault, Provider};
use crate::scrape::{self, probe_path};

/// A target where nobody listens.
const CLOSED: &str = "http://127.0.0.1:1/";

fn module(name: &str) -> String {
    format!(
        "modules: {{{name}: {{prober: oauth_cc, targets: ['{CLOSED}'], oauth_cc: {{client: {{id: x, auth: none}}}}}}}}"
    )
}

fn written(configuration: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration).unwrap();
    (folder, file)
}

async fn start(file: &Path, flags: &[&str]) -> Program {
    Program::start(file, flags, &BTreeMap::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_probe_is_in_the_log_with_the_id_of_its_page() {
    let (_folder, file) = written(&module("m"));
    let program = start(&file, &[]).await;
    let page = format!("{}&debug=true", probe_path("m", CLOSED));
    for id in 1..=2 {
        let page = program.get(&page).await.text();
        let first = format!("Logs for the probe:\nprobe id {id}, module m (oauth_cc), ");
        assert!(page.starts_with(&first), "{page}");
        let line = format!(
            "level=ERROR msg=\"Probe failed\" probe_id={id} module=m target={CLOSED} step=discovery reason=connection_refused duration_seconds="
        );
        program.find(&line, |log| log.contains(&line).then_some(())).await;
        let page = program.get(&format!("/logs?id={id}")).await;
        assert_eq!(page.status, 200, "{}", page.text());
    }
    assert!(!program.log().contains("level=DEBUG"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_probes_has_a_level_of_its_own() {
    let (_folder, file) = written(&module("m"));
    for (level, prober, told) in
        [("info", "debug", [true, true, false]), ("debug", "error", [false, true, true])]
    {
        let program = start(&file, &["--log.level", level, "--log.prober", prober]).await;
        program.get(&probe_path("m", CLOSED)).await;
        // One that goes away before it has sent its request.
        drop(tokio::net::TcpStream::connect(program.address).await.unwrap());
        let broken = tokio::net::TcpStream::connect(program.address).await.unwrap();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut { broken }, b"\0\0\r\n\r\n").await;
        program.find("the failed probe", |log| log.contains("Probe failed").then_some(())).await;
        if told[2] {
            program.find("the end", |log| log.contains("connection ended").then_some(())).await;
        }
        let log = program.log();
        let found = [
            log.lines().any(|line| line.contains("level=DEBUG") && line.contains("probe_id=1")),
            log.contains("msg=\"Probe failed\""),
            log.contains("msg=\"connection ended\""),
        ];
        assert_eq!(found, told, "{level} {prober}\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_that_goes_away_is_told_of_and_counted() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/", silent.local_addr().unwrap());
    let (_folder, file) = written(&module("m").replace(CLOSED, &target));
    let program = start(&file, &[]).await;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", probe_path("m", &target));
    let mut scraper = std::net::TcpStream::connect(program.address).unwrap();
    scraper.write_all(request.as_bytes()).unwrap();
    // The probe runs once its connection is there.
    let (mut probe, _) = silent.accept().unwrap();
    probe.read_exact(&mut [0]).unwrap();
    drop(scraper);
    let line = format!(
        "level=WARN msg=\"The scraper went away before the answer\" module=m target={target} after_seconds="
    );
    program.find(&line, |log| log.contains(&line).then_some(())).await;
    let metrics = program.get("/metrics").await.text();
    for sample in
        ["auth_exporter_probes_abandoned_total{module=\"m\"} 1", "auth_exporter_probes_in_flight 0"]
    {
        assert!(metrics.contains(&format!("\n{sample}")), "{sample} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_is_in_the_log_without_what_may_be_secret() {
    let (_folder, file) = written(&module("m"));
    let program = start(&file, &[]).await;
    for (path, line) in [
        (
            "/probe?module=m&target=http://127.0.0.1:1/other?key=hidden",
            "client=127.0.0.1 module=m target=http://127.0.0.1:1/other reason=\"Module \\\"m\\\" may not be pointed at this target: it is neither in targets nor in allowed_targets\" untold=0\n",
        ),
        (
            "/probe?module=m&target=http://user:hidden@127.0.0.1:1/",
            "client=127.0.0.1 module=m target=\"<left out>@127.0.0.1:1/\" reason=\"Target parameter holds userinfo: a credential belongs into the module\" untold=0\n",
        ),
        (
            "/sd?module=http://user:hidden@x",
            "client=127.0.0.1 module=\"<left out>@x\" reason=\"Unknown module\" untold=0\n",
        ),
    ] {
        assert!(program.get(path).await.status >= 400, "{path}");
        let line = format!(" level=WARN msg=\"Request refused\" {line}");
        program.find(&line, |log| log.contains(&line).then_some(())).await;
    }
    assert!(!program.log().contains("hidden"), "{}", program.log());
    // However many there are, each is told of or counted.
    for _ in 0..50 {
        program.get("/probe?module=unknown").await;
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    program.get("/probe?module=last").await;
    let log =
        program.find("the last one", |log| log.contains("module=last").then(|| log.to_owned()));
    let log = log.await;
    let told: Vec<u32> =
        log.lines().filter_map(|line| line.rsplit_once("untold=")?.1.parse().ok()).collect();
    assert_eq!(told.iter().map(|untold| untold + 1).sum::<u32>(), 54, "{log}");
    assert!(told.len() < 40, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_is_read_again() {
    let (_folder, file) = written(&module("first"));
    let flags = ["--config.enable-auto-reload", "--config.auto-reload-interval", "1"];
    let program = start(&file, &flags).await;
    let loaded = |log: &str| log.matches("configuration loaded").count();
    std::fs::write(&file, module("second")).unwrap();
    eventually("the reload", || loaded(&program.log()) == 1).await;
    assert!(program.get("/config").await.text().contains("second:"));
    std::fs::write(&file, "modules: {}").unwrap();
    let refused = |log: &str| log.matches("the new configuration is bad").count();
    eventually("the refusal", || refused(&program.log()) == 1).await;
    std::fs::write(&file, module("third")).unwrap();
    eventually("the next reload", || loaded(&program.log()) == 2).await;
    assert!(program.get("/config").await.text().contains("third:"));
    // The same text is no change, nor is a refused one told twice.
    std::fs::write(&file, module("third")).unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!((loaded(&program.log()), refused(&program.log())), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_listens_on_every_address_that_is_given() {
    let (_folder, file) = written(&module("m"));
    let flags = ["--web.listen-address", "127.0.0.2:0", "--web.listen-address", "[::1]:0"];
    let program = start(&file, &flags).await;
    let addresses = program
        .find("three addresses", |log| {
            let addresses: Vec<SocketAddr> = log
                .lines()
                .filter_map(|line| line.split_once("msg=listening address=")?.1.parse().ok())
                .collect();
            (addresses.len() == 3).then_some(addresses)
        })
        .await;
    let hosts: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    assert_eq!(hosts, ["127.0.0.1", "127.0.0.2", "::1"]);
    for address in addresses {
        let answer = scrape::send(address, "GET", "/-/healthy", &[]).await.unwrap();
        assert_eq!(answer.status, 200, "{address}");
    }
}

/// Without the addresses of IPv6 that somebody else has, half of the clients would come to a stranger.
#[test]
fn a_port_that_somebody_else_has_is_an_error() {
    let (_folder, file) = written(&module("m"));
    let other = TcpListener::bind("[::1]:0").unwrap();
    let address = format!(":{}", other.local_addr().unwrap().port());
    let arguments = ["--config.file", file.to_str().unwrap(), "--web.listen-address", &address];
    let mut child = crate::program::command(&arguments, &BTreeMap::new())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.find(|line| line.contains("listen")).unwrap_or_default();
    child.kill().unwrap();
    child.wait().unwrap();
    let error =
        format!("error=\"cannot listen on {address}: Address already in use (os error 98)\"");
    assert!(told.contains(&error), "{told}");
}

/// At the start a pipe is good, as of a shell's `<(…)`.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_the_file_is_refused_at_a_reload() {
    let (folder, file) = written(&module("m"));
    let piped = folder.path().join("pipe");
    let mkfifo = |path: &Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    mkfifo(&piped);
    let write = std::thread::spawn({
        let piped = piped.clone();
        move || std::fs::write(piped, module("m")).unwrap()
    });
    let flags = ["--config.enable-auto-reload", "--config.auto-reload-interval", "1"];
    let program = start(&piped, &flags).await;
    write.join().unwrap();
    let refused = "no regular file";
    // It stays as good as it was, until somebody asks.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let successful = "auth_exporter_config_last_reload_successful";
    assert_eq!(program.get("/metrics").await.metrics().value(successful), Some(1.0));
    assert_eq!(program.send("POST", "/-/reload", &[]).await.status, 500);

    let program = start(&file, &[]).await;
    std::fs::remove_file(&file).unwrap();
    mkfifo(&file);
    let answer = program.send("POST", "/-/reload", &[]).await;
    let told = format!("failed to reload config: cannot read {}: {refused}\n", file.display());
    assert_eq!((answer.status, answer.text()), (500, told));
    assert_eq!(program.get("/metrics").await.metrics().value(successful), Some(0.0));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, module("m")).unwrap();
    assert_eq!(program.send("POST", "/-/reload", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_it_has_other_paths_and_another_address() {
    let (_folder, file) = written(&module("m"));
    let found = |path: &str, scheme: &str, address: &str| {
        format!(
            r#"[{{"labels":{{"__metrics_path__":"{path}","__param_module":"m","__param_target":"{CLOSED}",{scheme}"instance":"{CLOSED}"}},"targets":["{address}"]}}]"#
        )
    };
    let https = r#""__scheme__":"https","#;
    let external = "--web.external-url=https://example.com/auth/";
    let program = start(&file, &[external]).await;
    for (path, status, location) in [
        ("/", 302, Some("https://example.com/auth/")),
        ("/auth", 302, Some("https://example.com/auth/")),
        ("/auth/", 200, None),
        ("/auth/-/healthy", 200, None),
        ("/-/healthy", 404, None),
        ("/authentic", 404, None),
    ] {
        let answer = program.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (status, location), "{path}");
    }
    assert_eq!(
        program.get("/auth/sd").await.text(),
        found("/auth/probe", https, "example.com:443")
    );
    assert_eq!(program.send("POST", "/", &[]).await.status, 405);

    // A proxy that takes the prefix away.
    let program = start(&file, &[external, "--web.route-prefix=/"]).await;
    assert_eq!(program.get("/sd").await.text(), found("/auth/probe", https, "example.com:443"));

    let program = start(&file, &["--web.route-prefix=x"]).await;
    assert_eq!(program.get("/").await.header("location"), Some("/x/"));
    let own = program.address.to_string();
    assert_eq!(program.get("/x/sd").await.text(), found("/x/probe", "", &own));

    let wrong = crate::program::run(
        &["--config.file", file.to_str().unwrap(), "--web.external-url=example.com"],
        &BTreeMap::new(),
    );
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(
        (wrong.status.code(), told.as_str()),
        (Some(2), "the URL \"example.com\" cannot be read\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_what_happens() {
    let (folder, file) = written(&module("m"));
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned()
    };
    // What comes beside the watchdog's words.
    let next = || std::iter::repeat_with(heard).find(|text| text != "WATCHDOG=1").unwrap();
    let variables = BTreeMap::from([
        ("NOTIFY_SOCKET", path.display().to_string()),
        ("WATCHDOG_USEC", "200000".to_owned()),
    ]);
    let mut program = Program::start(&file, &[], &variables).await;
    assert_eq!(next(), "READY=1");
    for _ in 0..3 {
        assert_eq!(heard(), "WATCHDOG=1");
    }
    program.signal("HUP");
    let reloading = next();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(next(), "READY=1");
    program.signal("TERM");
    assert_eq!(next(), "STOPPING=1");
    assert_eq!(program.exit().await.code(), Some(0));
}

/// Starts it with a socket as descriptor 3 and two variables, as `sd_listen_fds(3)` has it.
fn start_on(listener: TcpListener, file: &Path) -> Child {
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --web.systemd-socket --config.file \"$1\" 3<&0 </dev/null";
    Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_auth_exporter")])
        .arg(file)
        .stdin(OwnedFd::from(listener))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Who was let in is answered by the one that ends, and everybody else by the next.
#[tokio::test(flavor = "multi_thread")]
async fn no_scrape_is_lost_while_it_restarts_on_a_socket_of_its_own() {
    let (_folder, file) = written(&module("m"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let scrapers: Vec<_> = (0..6)
        .map(|_| {
            let over = over.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                while !over.load(Ordering::Relaxed) {
                    // A connection each, and what is written to it after a moment.
                    let answer = scrape::send(address, "GET", "/-/healthy", &[]).await;
                    assert_eq!(answer.expect("an answer").status, 200);
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for _ in 0..8 {
        let mut child = start_on(listener.try_clone().unwrap(), &file);
        let started = scrape::send(address, "GET", "/-/ready", &[]).await.unwrap();
        assert_eq!(started.status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(kill.success());
        assert_eq!(
            tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().code(),
            Some(0)
        );
    }
    // For those that wait.
    let mut last = start_on(listener.try_clone().unwrap(), &file);
    over.store(true, Ordering::Relaxed);
    for scraper in scrapers {
        assert!(scraper.await.unwrap() > 0);
    }
    last.kill().unwrap();
    last.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_on_the_socket_that_it_is_handed() {
    let (_folder, file) = written(&module("m"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut child = start_on(listener, &file);
    // The queue of the socket holds the request until it is served.
    let answer = scrape::send(address, "GET", "/-/healthy", &[]).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(answer.map(|answer| answer.status).ok(), Some(200), "{log}");
    assert!(log.contains(&format!("msg=listening address={address}\n")), "{log}");

    let none = crate::program::run(
        &["--web.systemd-socket", "--config.file", file.to_str().unwrap()],
        &BTreeMap::new(),
    );
    let told = String::from_utf8(none.stderr).unwrap();
    assert_eq!(
        (none.status.code(), told.as_str()),
        (Some(1), "cannot start: systemd handed over no socket\n")
    );
}

/// The provider's answers hang, so whoever has a turn keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn probes_beyond_the_limit_wait_and_then_say_that_they_had_no_turn() {
    let provider = Provider::start().await;
    let (_folder, file) = written(&configuration(&provider));
    let target = target(&provider, "asserted");
    let program = start(&file, &["--probe.max-in-flight", "1"]).await;
    let address = program.address;
    let probe = |seconds: f64| {
        let path = probe_path("asserted", &target);
        tokio::spawn(async move {
            let header = format!("x-prometheus-scrape-timeout-seconds: {seconds}");
            scrape::send(address, "GET", &path, &[&header]).await.unwrap().metrics().story()
        })
    };
    let gauge = async |name: &str| program.get("/metrics").await.metrics().value(name);
    provider.switch_on(Fault::DiscoveryHang);
    let running = probe(8.0);
    eventually("the first probe", || provider.in_flight() == 1).await;
    let waiting = probe(6.0);
    while gauge("auth_exporter_probes_waiting").await != Some(1.0) {}
    // The queue is full, though there would be time.
    let overloaded = "discovery overloaded, token -";
    assert_eq!(probe(60.0).await.unwrap(), overloaded);
    assert_eq!(waiting.await.unwrap(), overloaded);
    assert_eq!(running.await.unwrap(), "discovery timeout, token -");
    assert_eq!(gauge("auth_exporter_probes_in_flight_limit").await, Some(1.0));
    assert_eq!(gauge("auth_exporter_probes_waiting").await, Some(0.0));
    let counted = format!(
        "auth_exporter_probe_failures_total{{module=\"asserted\",target=\"{target}\",step=\"discovery\",reason=\"overloaded\"}}"
    );
    assert_eq!(gauge(&counted).await, Some(2.0));
    provider.switch_off(Fault::DiscoveryHang);
    assert_eq!(probe(8.0).await.unwrap(), "discovery ok, token ok");
}

/// A result that is served again sends nothing, and needs no turn.
#[tokio::test(flavor = "multi_thread")]
async fn what_min_interval_serves_does_not_wait_for_a_turn() {
    let provider = Provider::start().await;
    let module = |more: &str| {
        format!(
            "{{prober: oauth_cc, targets: ['{}'], {more} oauth_cc: {{client: {{id: monitor, secret: {}}}}}}}",
            provider.url(),
            provider.credentials().client_secret
        )
    };
    let (kept, asked) = (module("min_interval: 1h,"), module(""));
    let (_folder, file) = written(&format!("modules: {{kept: {kept}, asked: {asked}}}"));
    let program = start(&file, &["--probe.max-in-flight", "1"]).await;
    let address = program.address;
    let probe = |module: &str| {
        let path = probe_path(module, provider.url());
        tokio::spawn(async move {
            let header = "x-prometheus-scrape-timeout-seconds: 4";
            scrape::send(address, "GET", &path, &[header]).await.unwrap().metrics().story()
        })
    };
    assert_eq!(probe("kept").await.unwrap(), "discovery ok, token ok");
    provider.switch_on(Fault::DiscoveryHang);
    let running = probe("asked");
    eventually("the probe that hangs", || provider.in_flight() == 1).await;
    assert_eq!(probe("kept").await.unwrap(), "discovery ok, token ok");
    assert_eq!(running.await.unwrap(), "discovery timeout, token -");
}

/// Secrets are in no core dump, and as many files are open as the system lets.
#[tokio::test(flavor = "multi_thread")]
async fn it_takes_the_descriptors_that_it_may_have_and_dumps_no_core() {
    let (_folder, file) = written(&module("m"));
    let script = "ulimit -Sn 64; ulimit -Hn 256; exec \"$0\" --web.listen-address=127.0.0.1:0 --config.file \"$1\"";
    let program = Limited::start(script, &file);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(limit("Max open files"), ["256", "256"]);
}

/// More connections than descriptors: it goes on once there are some.
#[tokio::test(flavor = "multi_thread")]
async fn it_outlives_a_want_of_descriptors() {
    let (_folder, file) = written(&module("m"));
    let script = "ulimit -n 40; exec \"$0\" --web.listen-address=127.0.0.1:0 --config.file \"$1\"";
    let program = Limited::start(script, &file);
    let idle: Vec<_> = (0..80)
        .map(|_| std::net::TcpStream::connect(program.address).expect("a place in the queue"))
        .collect();
    program.wait_for("cannot accept a connection");
    drop(idle);
    let answer = scrape::send(program.address, "GET", "/-/healthy", &[]).await.unwrap();
    assert_eq!(answer.status, 200);
    let path = probe_path("m", CLOSED);
    let answer = scrape::send(program.address, "GET", &path, &[]).await.unwrap();
    assert_eq!(answer.metrics().story(), "discovery connection_refused, token -");
}

/// The program under limits of a shell.
struct Limited {
    child: Child,
    address: SocketAddr,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Limited {
    fn start(script: &str, file: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_auth_exporter")])
            .arg(file)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { child, address: unknown, lines };
        let line = program.wait_for("msg=listening address=");
        program.address = line.rsplit('=').next().unwrap().parse().unwrap();
        program
    }

    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
