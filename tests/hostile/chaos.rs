//! What the exporter stands on is taken away while it works: it goes on, says what is wrong, and
//! is well again when all is there again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::exporter::Exporter;
use crate::modules::{configuration, healthy, target};
use crate::provider::{Fault, Provider};
use crate::scrape::{self, Metrics, probe_path};
use crate::{alone, program};

/// Scrapes in the background, twenty a second.
struct Load {
    scraping: JoinHandle<()>,
    told: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Load {
    fn start(address: SocketAddr, provider: &Provider, modules: &'static [&'static str]) -> Self {
        let told: Arc<Mutex<BTreeMap<_, _>>> = Arc::default();
        let paths: Vec<_> = modules
            .iter()
            .map(|module| (*module, probe_path(module, &target(provider, module))))
            .collect();
        let count = told.clone();
        let scraping = tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(50));
            for (module, path) in paths.iter().cycle() {
                clock.tick().await;
                let (module, path, told) = (*module, path.clone(), count.clone());
                tokio::spawn(async move {
                    let header = "x-prometheus-scrape-timeout-seconds: 20";
                    let story = match scrape::send(address, "GET", &path, &[header]).await {
                        Ok(answer) => answer.metrics().story(),
                        Err(_) => "no answer".to_owned(),
                    };
                    *told.lock().unwrap().entry(format!("{module}: {story}")).or_default() += 1;
                });
            }
        });
        Self { scraping, told }
    }

    /// What was told since the last call, and how often.
    fn told(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.scraping.abort();
    }
}

/// A provider, and a folder with a configuration.
struct Ground {
    provider: Provider,
    folder: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let ground =
            Self { provider: Provider::start().await, folder: tempfile::tempdir().unwrap() };
        ground.write("auth_exporter.yml", &configuration(&ground.provider));
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A command that starts the exporter, after what is put in front of it.
    fn command(&self, before: &[&str], binary: &Path, address: &str) -> Command {
        let mut words = before.iter().copied().chain([binary.to_str().unwrap()]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .arg("--config.file")
            .arg(self.path("auth_exporter.yml"))
            .args(["--web.listen-address", address]);
        command
    }

    async fn probe(&self, address: SocketAddr, module: &str) -> Metrics {
        probe(address, module, &target(&self.provider, module)).await
    }
}

async fn probe(address: SocketAddr, module: &str, target: &str) -> Metrics {
    // The first probe that forges tokens makes a key, which takes its time in a debug build.
    let header = "x-prometheus-scrape-timeout-seconds: 20";
    let began = Instant::now();
    let answer =
        scrape::send(address, "GET", &probe_path(module, target), &[header]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(22), "{:?}", began.elapsed());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.metrics()
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where nobody listens now.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_is_back_at_once_and_right() {
    let _alone = alone().await;
    let ground = Ground::new().await;
    let address = free_address();
    let exporter = Exporter::spawn(ground.command(&["env"], program(), &address));
    let load = Load::start(exporter.address, &ground.provider, &["key", "flow", "login", "saml"]);
    eventually("the load", async || load.told.lock().unwrap().len() >= 4).await;
    let killed = Command::new("kill").args(["-9", &exporter.id().to_string()]).status().unwrap();
    assert!(killed.success());
    drop(exporter);
    let began = Instant::now();
    let exporter = Exporter::spawn(ground.command(&["env"], program(), &address));
    let ready = scrape::send(exporter.address, "GET", "/-/ready", &[]).await.unwrap();
    assert_eq!(ready.status, 200);
    println!("ready {:?} after it was started again", began.elapsed());
    load.told();
    for module in ["jwt", "sign_on"] {
        assert_eq!(ground.probe(exporter.address, module).await.story(), healthy(module));
    }
    eventually("the load", async || load.told.lock().unwrap().len() >= 4).await;
    let told: Vec<_> = load.told().into_keys().filter(|told| !told.contains("no answer")).collect();
    let only = |module: &str| format!("{module}: {}", healthy(module));
    assert_eq!(told, ["flow", "key", "login", "saml"].map(only));
}

/// Nothing that is logged can be written, and a secret that was replaced on the full disk is empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_log_and_nothing_else() {
    let _alone = alone().await;
    let ground = Ground::new().await;
    let key = ground.provider.credentials().api_key.clone();
    ground.write("key", &key);
    let text = configuration(&ground.provider)
        .replace(&format!("key: {key}"), &format!("key_file: {}", ground.path("key").display()));
    ground.write("auth_exporter.yml", &text);
    let address = free_address();
    let mut command = ground.command(&["env"], program(), &address);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    command.args(["--log.level", "debug", "--log.prober", "debug"]);
    command.stdin(Stdio::null()).stdout(full.try_clone().unwrap()).stderr(full);
    let mut child = command.spawn().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    eventually("the exporter", async || tokio::net::TcpStream::connect(address).await.is_ok())
        .await;
    let load = Load::start(address, &ground.provider, &["flow", "saml"]);
    assert_eq!(ground.probe(address, "key").await.story(), healthy("key"));
    ground.provider.switch_on(Fault::Token500);
    let story = ground.probe(address, "asserted").await.story();
    ground.provider.switch_off(Fault::Token500);
    assert_eq!(story, "discovery ok, token http_5xx");
    ground.write("key", "");
    let story = ground.probe(address, "key").await.story();
    assert_eq!(story, "request secret_unavailable, refuse -, key_info secret_unavailable");
    ground.write("key", &key);
    assert_eq!(ground.probe(address, "key").await.story(), healthy("key"));
    assert!(!load.told().contains_key("flow: no answer"));
    assert_eq!(child.try_wait().unwrap(), None, "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// As nobody, since root may read everything.
#[tokio::test(flavor = "multi_thread")]
async fn revoked_permissions_are_told_and_what_was_read_stays_in_force() {
    let _alone = alone().await;
    let ground = Ground::new().await;
    let key = ground.provider.credentials().api_key.clone();
    ground.write("key", &key);
    let text = configuration(&ground.provider)
        .replace(&format!("key: {key}"), &format!("key_file: {}", ground.path("key").display()));
    ground.write("auth_exporter.yml", &text);
    ground.write("web.yml", "http_server_config: {headers: {X-Frame-Options: deny}}");
    let binary = ground.path("auth_exporter");
    std::fs::copy(program(), &binary).unwrap();
    let allow = |name: &str, mode: u32| {
        std::fs::set_permissions(ground.path(name), Permissions::from_mode(mode)).unwrap();
    };
    allow("", 0o755);
    for (name, mode) in
        [("auth_exporter", 0o755), ("key", 0o644), ("auth_exporter.yml", 0o644), ("web.yml", 0o644)]
    {
        allow(name, mode);
    }
    // What the provider wrote for the exporter is for this user alone.
    for file in [ground.provider.federation_file(), ground.provider.saml_sp_key_file()] {
        let parent = file.parent().unwrap().to_owned();
        std::fs::set_permissions(parent, Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    let is_root = rustix::process::getuid().is_root();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let before = if is_root { &nobody[..] } else { &["env"] };
    let mut command = ground.command(before, &binary, "127.0.0.1:0");
    command.arg("--web.config.file").arg(ground.path("web.yml"));
    let exporter = Exporter::spawn(command);
    let address = exporter.address;
    let load = Load::start(address, &ground.provider, &["flow", "saml"]);
    assert_eq!(ground.probe(address, "key").await.story(), healthy("key"));

    for name in ["key", "auth_exporter.yml", "web.yml"] {
        allow(name, 0);
    }
    let story = ground.probe(address, "key").await.story();
    assert_eq!(story, "request secret_unavailable, refuse -, key_info secret_unavailable");
    let reload = scrape::send(address, "POST", "/-/reload", &[]).await.unwrap();
    assert_eq!(reload.status, 500);
    assert!(reload.text().contains("Permission denied"), "{}", reload.text());
    let answer = scrape::send(address, "GET", "/metrics", &[]).await.unwrap();
    assert_eq!(answer.header("x-frame-options"), Some("deny"));
    let metrics = answer.metrics();
    assert_eq!(metrics.value("auth_exporter_config_last_reload_successful"), Some(0.0));
    assert_eq!(ground.probe(address, "flow").await.story(), healthy("flow"));

    for name in ["key", "auth_exporter.yml", "web.yml"] {
        allow(name, 0o644);
    }
    let reload = scrape::send(address, "POST", "/-/reload", &[]).await.unwrap();
    assert_eq!(reload.status, 200, "{}", reload.text());
    assert_eq!(ground.probe(address, "key").await.story(), healthy("key"));
    let only = |module: &str| format!("{module}: {}", healthy(module));
    let mut told = BTreeSet::new();
    while told.len() < 2 {
        told.extend(load.told().into_keys());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(Vec::from_iter(told), [only("flow"), only("saml")]);
    let log = exporter.log().join("\n");
    assert!(log.contains("the new web configuration is bad, the old one stays in force"), "{log}");
}

/// The clock of the exporter, which the tests set.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_an_hour_is_told_and_nothing_hangs() {
    let _alone = alone().await;
    assert!(Path::new(FAKETIME).exists(), "{FAKETIME} is missing: install Debian's faketime");
    let ground = Ground::new().await;
    let guarded = format!(
        "  guarded: {{prober: oauth_cc, targets: ['{}'], min_interval: 1s, oauth_cc: {{client: {{id: monitor, secret: {}}}}}}}\n",
        ground.provider.url(),
        ground.provider.credentials().client_secret
    );
    ground.write("auth_exporter.yml", &format!("{}\n{guarded}", configuration(&ground.provider)));
    let clock = ground.path("clock");
    let set = |offset: &str| {
        // At once, and never empty.
        std::fs::write(ground.path("clock.new"), format!("{offset}\n")).unwrap();
        std::fs::rename(ground.path("clock.new"), &clock).unwrap();
    };
    set("+0s");
    let mut command = ground.command(&["env"], program(), "127.0.0.1:0");
    command
        .env("LD_PRELOAD", FAKETIME)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let exporter = Exporter::spawn(command);
    let address = exporter.address;
    let load = Load::start(address, &ground.provider, &["key", "flow", "login", "guarded"]);
    assert_eq!(ground.probe(address, "jwt").await.story(), healthy("jwt"));

    for (offset, told) in [
        ("+3600s", "validate token_expired [clock_skew]"),
        ("+0s", "validate ok"),
        ("-3600s", "validate issued_in_future [clock_skew]"),
        ("+0s", "validate ok"),
    ] {
        // One probe is under way while the clock jumps.
        ground.provider.switch_on(Fault::TokenSlow);
        let target = target(&ground.provider, "pinned");
        let (running, began) = (ground.probe(address, "flow"), Instant::now());
        let (running, ()) = tokio::join!(running, async {
            eventually("its token request", async || ground.provider.in_flight() > 0).await;
            set(offset);
        });
        ground.provider.switch_off(Fault::TokenSlow);
        assert_eq!(running.story(), healthy("flow"), "{offset}");
        let duration = running.value("probe_duration_seconds").unwrap();
        let really = began.elapsed().as_secs_f64();
        assert!((2.4..=really).contains(&duration), "{offset}: {duration} s of {really} s");
        for step in running.steps() {
            assert!((0.0..=really).contains(&step.seconds.unwrap()), "{offset}: {step:?}");
        }
        let story = ground.probe(address, "jwt").await.story();
        assert!(story.contains(told), "{offset}: {story}");
        assert_eq!(probe(address, "pinned", &target).await.story(), healthy("pinned"), "{offset}");
        // Its last result is served for a second, whatever the clock says.
        eventually("a new result", async || {
            let guarded = probe(address, "guarded", ground.provider.url()).await;
            assert!(guarded.success(), "{offset}: {}", guarded.story());
            let age = guarded.value("probe_auth_result_age_seconds").unwrap();
            assert!((0.0..3.0).contains(&age), "{offset}: {age}");
            age == 0.0
        })
        .await;
    }
    assert!(!load.told().keys().any(|told| told.contains("no answer")));
    let log = exporter.log().join("\n");
    assert!(!log.contains("panicked"), "{log}");
}

/// The resolver asks a name server that keeps silent; what needs no name goes on.
#[tokio::test(flavor = "multi_thread")]
async fn silent_name_servers_stop_only_what_needs_names() {
    let _alone = alone().await;
    assert!(rustix::process::getuid().is_root(), "a file system of its own needs root");
    let ground = Ground::new().await;
    let silent = UdpSocket::bind("127.0.0.77:53").unwrap();
    ground.write("resolv.conf", "nameserver 127.0.0.77\n");
    let key = ground.provider.credentials().api_key.clone();
    ground.write("key", &key);
    let text = configuration(&ground.provider)
        .replace(&format!("key: {key}"), &format!("key_file: {}", ground.path("key").display()));
    let named = "  named: {prober: oauth_cc, targets: ['http://idp.example.com'], http: {allow_plain_http: true}, oauth_cc: {client: {id: x, auth: none}}}\n";
    ground.write("auth_exporter.yml", &format!("{text}\n{named}"));
    let mount = format!(
        "mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"",
        ground.path("resolv.conf").display()
    );
    let before = ["unshare", "--mount", "sh", "-c", &mount];
    let exporter = Exporter::spawn(ground.command(&before, program(), "127.0.0.1:0"));
    let address = exporter.address;
    let load = Load::start(address, &ground.provider, &["key", "flow", "saml"]);
    // More lookups than may run at once.
    let named: Vec<_> = (0..300)
        .map(|_| {
            tokio::spawn(async move {
                let path = probe_path("named", "http://idp.example.com");
                let headers = ["x-prometheus-scrape-timeout-seconds: 3"];
                let began = Instant::now();
                let answer = scrape::send(address, "GET", &path, &headers).await.unwrap();
                let duration = answer.metrics().value("probe_duration_seconds").unwrap();
                (answer.metrics().story(), duration, began.elapsed())
            })
        })
        .collect();
    for named in named {
        let (story, duration, took) = named.await.unwrap();
        // The budget is over before the resolver gives up.
        assert_eq!(story, "discovery timeout, token -");
        assert!(duration < 3.0, "{duration}");
        // They all begin at once.
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    let mut asked = [0; 512];
    silent.set_nonblocking(true).unwrap();
    assert!(silent.recv(&mut asked).is_ok(), "the name server was not asked");
    let told: Vec<_> = load.told().into_keys().collect();
    let only = |module: &str| format!("{module}: {}", healthy(module));
    assert_eq!(told, [only("flow"), only("key"), only("saml")]);
}

/// Sixty descriptors: probes fail with a reason, none is silent, and then all is well.
#[tokio::test(flavor = "multi_thread")]
async fn without_descriptors_probes_fail_with_a_reason_and_recover() {
    let _alone = alone().await;
    let ground = Ground::new().await;
    let before = ["sh", "-c", "ulimit -n 60; exec \"$0\" \"$@\""];
    let exporter = Exporter::spawn(ground.command(&before, program(), "127.0.0.1:0"));
    let address = exporter.address;
    ground.provider.switch_on(Fault::TokenHang);
    let target = target(&ground.provider, "asserted");
    let probes: Vec<_> = (0..200)
        .map(|_| {
            let path = probe_path("asserted", &target);
            tokio::spawn(async move {
                let headers = ["x-prometheus-scrape-timeout-seconds: 3"];
                let sent = scrape::send(address, "GET", &path, &headers);
                let answer = tokio::time::timeout(Duration::from_secs(60), sent).await;
                answer.expect("a hang").expect("an answer").metrics().story()
            })
        })
        .collect();
    let mut told = BTreeMap::new();
    for probe in probes {
        *told.entry(probe.await.unwrap()).or_insert(0) += 1;
    }
    println!("{told:?}");
    ground.provider.switch_off(Fault::TokenHang);
    assert!(
        told.keys().all(|story| story.contains("timeout") || story.contains("internal")),
        "{told:?}"
    );
    for module in ["asserted", "key", "saml"] {
        assert_eq!(ground.probe(address, module).await.story(), healthy(module));
    }
    let log = exporter.log().join("\n");
    assert!(log.contains("cannot accept a connection"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}
