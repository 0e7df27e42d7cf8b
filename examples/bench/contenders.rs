//! Who is measured: the exporter, itself again, `blackbox_exporter`, the bare client.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Result;
use crate::aggregate::Aggregate;
use crate::bare::Order;
use crate::load::{Load, Loaded, scrape};
use crate::process::Process;
use crate::target::Target;
use crate::work::{self, Work};

/// Targets of the exporter where their number is in question.
pub(crate) const MANY_TARGETS: usize = 10_000;

/// How long a contender may take until it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// A contender. The same command named twice is [`Who::Exporter`] and [`Who::Again`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The exporter.
    Exporter,
    /// A second process of it, which shows the noise.
    Again,
    /// The exporter with a hundredth of the targets.
    FewTargets,
    /// `blackbox_exporter`.
    Blackbox,
    /// The bare client.
    Bare,
    /// `xmlsec1`, which is started anew for each document.
    Xmlsec1,
    /// Chromium behind its driver.
    Chromium,
}

impl Who {
    /// Targets of [`Work::Targets`] that it is pointed at.
    pub(crate) const fn targets(self) -> usize {
        match self {
            Self::FewTargets => 100,
            _ => MANY_TARGETS,
        }
    }

    /// Its name in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exporter => "auth_exporter",
            Self::Again => "auth_exporter again",
            Self::FewTargets => "with 100 targets",
            Self::Blackbox => "blackbox_exporter",
            Self::Bare => "bare client",
            Self::Xmlsec1 => "xmlsec1",
            Self::Chromium => "headless Chromium",
        }
    }
}

/// The binaries.
pub(crate) struct Programs {
    exporter: PathBuf,
    again: PathBuf,
    blackbox: PathBuf,
    /// This program, which is also the bare client.
    bare: PathBuf,
}

impl Programs {
    /// The given ones; otherwise this package's exporter is built as this program was, and
    /// `blackbox_exporter` is where install.sh put it.
    pub(crate) fn find(
        exporter: Option<PathBuf>,
        again: Option<PathBuf>,
        blackbox: Option<PathBuf>,
    ) -> Result<Self> {
        let bare = env::current_exe()?;
        // target/release/examples/bench
        let profile = bare.ancestors().nth(2).ok_or("this program is not below target")?;
        let exporter = if let Some(exporter) = exporter {
            exporter
        } else {
            build()?;
            profile.join("auth_exporter")
        };
        let blackbox = blackbox.unwrap_or_else(|| {
            let target = profile.parent().unwrap_or(profile);
            target.join("bench/blackbox/usr/bin/prometheus-blackbox-exporter")
        });
        let again = again.unwrap_or_else(|| exporter.clone());
        for (program, hint) in [
            (&exporter, "--exporter"),
            (&again, "--again"),
            (&blackbox, "examples/bench/install.sh"),
        ] {
            if !program.is_file() {
                return Err(format!("{} is missing: see {hint}", program.display()).into());
            }
        }
        Ok(Self { exporter, again, blackbox, bare })
    }

    /// Size of the binary in bytes.
    pub(crate) fn size(&self, who: Who) -> Result<u64> {
        Ok(fs::metadata(self.program(who))?.len())
    }

    pub(crate) fn program(&self, who: Who) -> &Path {
        match who {
            Who::Exporter | Who::FewTargets => &self.exporter,
            Who::Again => &self.again,
            Who::Blackbox => &self.blackbox,
            // The others are not started so.
            Who::Bare | Who::Xmlsec1 | Who::Chromium => &self.bare,
        }
    }
}

fn build() -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("measure a release build: cargo run --release --example bench".into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--bin", "auth_exporter"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if status.success() { Ok(()) } else { Err("the exporter does not build".into()) }
}

/// What a contender is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The modules of all works. The system's authorities are trusted and the target's, which
    /// each of them loads once; a `ca_file` is read by `blackbox_exporter` on every probe.
    Works,
    /// The module of [`Work::Targets`] alone, of the exporter.
    Targets {
        /// Whether the targets are listed.
        listed: bool,
    },
    /// The module of [`Work::Scheduled`] alone, of the exporter.
    Scheduled,
    /// Many modules.
    Modules,
    /// The module of [`Work::Aggregate`] alone.
    Aggregate,
    /// The modules of all works, and the authorities of the system as they are.
    AsInstalled,
}

/// The configurations, and what else lies in files.
pub(crate) struct Files {
    folder: TempDir,
    aggregate: OnceCell<Aggregate>,
}

impl Files {
    pub(crate) fn write(target: &Target) -> Result<Self> {
        const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
        let files = Self { folder: TempDir::new()?, aggregate: OnceCell::new() };
        let system = fs::read_to_string(SYSTEM_ROOTS)
            .map_err(|error| format!("{SYSTEM_ROOTS}: {error} (Debian: ca-certificates)"))?;
        fs::write(files.roots(), format!("{system}\n{}", target.ca_pem))?;
        Ok(files)
    }

    /// Signed metadata, which is made when it is first asked for.
    pub(crate) fn aggregate(&self) -> Result<&Aggregate> {
        if let Some(aggregate) = self.aggregate.get() {
            return Ok(aggregate);
        }
        let aggregate = Aggregate::new()?;
        Ok(self.aggregate.get_or_init(|| aggregate))
    }

    fn roots(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    /// Writes the configuration that a contender is about to read.
    fn config(&self, who: Who, setup: Setup, target: &Target) -> Result<PathBuf> {
        let config = match (who, setup) {
            (Who::Blackbox, Setup::Modules) => work::many_modules_of_blackbox(target),
            (Who::Blackbox, _) => work::blackbox_config(target),
            (_, Setup::Modules) => work::many_modules(target),
            (_, Setup::Scheduled) => {
                let [first, _] = &target.origins;
                work::scheduled_config(&work::token_urls(first, who.targets()))
            }
            (_, Setup::Aggregate) => {
                let aggregate = self.aggregate()?;
                work::aggregate_config(target, &Aggregate::entity_id(), &aggregate.certificate())
            }
            (_, Setup::Targets { listed }) => work::targets_config(target, listed, who.targets()),
            _ => work::exporter_config(target),
        };
        self.write_config(&config)
    }

    /// Writes a configuration of another kind.
    pub(crate) fn write_config(&self, config: &str) -> Result<PathBuf> {
        let path = self.config_path();
        fs::write(&path, config)?;
        Ok(path)
    }

    /// Changes one module of the configuration that was written last: `blackbox_exporter` does not
    /// read a file again that has not changed.
    pub(crate) fn change_config(&self) -> Result<()> {
        let config = fs::read_to_string(self.config_path())?;
        let changed = config.replacen("timeout: 30s", "timeout: 29s", 1);
        if changed == config {
            return Err("no module is left to be changed".into());
        }
        Ok(fs::write(self.config_path(), changed)?)
    }

    fn config_path(&self) -> PathBuf {
        self.folder.path().join("config.yml")
    }
}

/// A running contender.
pub(crate) struct Contender {
    /// Who it is.
    pub(crate) who: Who,
    /// Its process.
    pub(crate) process: Process,
    /// How long it took from its start until it was ready.
    pub(crate) ready_after: Duration,
    how: How,
}

enum How {
    Scraped { address: SocketAddr, next: Arc<AtomicUsize> },
    Ordered { orders: ChildStdin, answers: BufReader<ChildStdout> },
}

impl Contender {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(
        who: Who,
        setup: Setup,
        programs: &Programs,
        files: &Files,
        target: &Target,
    ) -> Result<Self> {
        let program = programs.program(who);
        if who == Who::Bare {
            let arguments = ["--bare-client".as_ref()];
            let mut process = Process::start(program, &arguments, &[], Stdio::inherit())?;
            let orders = process.0.stdin.take().ok_or("no standard input")?;
            let answers = BufReader::new(process.0.stdout.take().ok_or("no standard output")?);
            let how = How::Ordered { orders, answers };
            return Ok(Self { who, process, ready_after: Duration::ZERO, how });
        }
        let config = files.config(who, setup, target)?;
        let roots = files.roots();
        // blackbox_exporter logs every redirect, whatever the level.
        let quiet = who == Who::Blackbox;
        let complaints = if quiet { Stdio::null() } else { Stdio::inherit() };
        let roots = (setup != Setup::AsInstalled).then_some(&roots);
        Self::start_with(who, program, &config, roots, complaints)
    }

    /// Starts it with a configuration, and with authorities other than the system's.
    pub(crate) fn start_with(
        who: Who,
        program: &Path,
        config: &Path,
        roots: Option<&PathBuf>,
        complaints: Stdio,
    ) -> Result<Self> {
        let address = free_address()?;
        let environment: Vec<(&str, &OsStr)> =
            roots.map(|roots| ("SSL_CERT_FILE", roots.as_os_str())).into_iter().collect();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--web.listen-address={address}"),
            "--log.level=error".to_owned(),
        ];
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let started = Instant::now();
        let mut process = Process::start(program, &arguments, &environment, complaints)?;
        while !is_ready(address) {
            if let Some(status) = process.0.try_wait()? {
                return Err(format!("{} ended at its start: {status}", who.name()).into());
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(format!("{} is not ready in time", who.name()).into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        let how = How::Scraped { address, next: Arc::default() };
        Ok(Self { who, process, ready_after: started.elapsed(), how })
    }

    /// Where it is scraped.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        match &self.how {
            How::Scraped { address, .. } => Ok(*address),
            How::Ordered { .. } => Err("it is not scraped".into()),
        }
    }

    /// The scrapes that are the work, for this contender.
    pub(crate) fn paths(&self, target: &Target, work: Work) -> Vec<String> {
        match self.who {
            Who::Blackbox => work.blackbox_paths(target),
            _ => work.exporter_paths(target, self.who.targets()),
        }
    }

    /// Lets it read its configuration again. How long that took.
    pub(crate) fn reload(&self) -> Result<Duration> {
        let begun = Instant::now();
        let answer = ask(self.address()?, "POST /-/reload")?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(begun.elapsed());
        }
        Err(format!("the reload was answered with {:?}", answer.lines().next()).into())
    }

    /// Lets it do the work so often.
    pub(crate) fn load(
        &mut self,
        runtime: &Runtime,
        target: &Target,
        work: Work,
        load: Load,
    ) -> Result<Loaded> {
        let paths = self.paths(target, work);
        match &mut self.how {
            How::Scraped { address, next } => {
                runtime.block_on(scrape(*address, paths.into(), next.clone(), load))
            }
            How::Ordered { orders, answers } => {
                let origins = target.origins.clone();
                let order = Order { work, load, origins, ca_pem: target.ca_pem.clone() };
                writeln!(orders, "{}", serde_json::to_string(&order)?)?;
                let mut answer = String::new();
                if answers.read_line(&mut answer)? == 0 {
                    return Err("the bare client ended".into());
                }
                Ok(serde_json::from_str(&answer)?)
            }
        }
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    // Both have it.
    ask(address, "GET /-/healthy").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The answer to a request without a body, over a connection of its own.
fn ask(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let head = "HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\nConnection: close";
    stream.write_all(format!("{request} {head}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
