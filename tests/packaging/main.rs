//! What is packaged, by the tools of those who run it: systemd, Debian, Docker, Helm, GitHub.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Parser;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn packaging(name: &str) -> PathBuf {
    project().join("packaging").join(name)
}

/// A program of the packages that `tests/packaging/requirements.txt` pins.
fn program(name: &str) -> Command {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let folder = target.join("test-software/packaging");
    let installed = std::fs::read_to_string(folder.join("installed")).unwrap_or_default();
    assert!(
        installed == include_str!("requirements.txt"),
        "PyPI's {name} is missing or not as pinned: tests/install.sh installs it"
    );
    Command::new(folder.join("bin").join(name))
}

/// What a command prints when all is well.
fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn the_service_is_confined() {
    // In tenths: what is left is the network, which it is for.
    printed(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold=12"])
            .arg(packaging("systemd/auth_exporter.service")),
    );
}

/// The flags of a file, each a word that begins with two dashes.
fn flags_are_known(text: &str) {
    let flags: Vec<&str> = text.lines().filter(|line| line.starts_with("--")).collect();
    assert!(!flags.is_empty(), "{text}");
    let arguments = std::iter::once("auth_exporter").chain(flags);
    auth_exporter::cli::Cli::try_parse_from(arguments).expect("flags of the program");
}

#[test]
fn the_service_starts_it_with_flags_that_it_has() {
    let unit = std::fs::read_to_string(packaging("systemd/auth_exporter.service")).expect("a unit");
    let started = unit.lines().filter(|line| line.starts_with("ExecStart"));
    let started = started.filter_map(|line| line.split_once("=/usr/bin/auth_exporter "));
    let flags: Vec<String> =
        started.map(|(_, flags)| flags.replace(" $ARGS", "").replace(' ', "\n")).collect();
    assert_eq!(flags.len(), 2, "{unit}");
    for flags in &flags {
        flags_are_known(flags);
    }
}

#[test]
fn the_image_is_made_as_hadolint_wants_it() {
    assert_eq!(printed(program("hadolint").arg(packaging("Dockerfile"))), "");
}

#[test]
fn what_the_image_is_made_of_is_sent_to_docker() {
    let file = std::fs::read_to_string(packaging("Dockerfile")).expect("a Dockerfile");
    let sent = std::fs::read_to_string(project().join(".dockerignore")).expect("its list");
    let copied: Vec<String> = file
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|copy| !copy.starts_with("--from="))
        .flat_map(|copy| copy.rsplit_once(' ').expect("a source").0.split(' '))
        .map(|source| format!("!{source}"))
        .collect();
    let sent: Vec<&str> = sent.lines().skip(1).collect();
    assert_eq!(copied.len(), 6);
    for source in copied {
        assert!(sent.contains(&source.as_str()), "{source}");
    }
}

#[test]
fn the_workflow_gives_nothing_away() {
    let folder = project().join(".github");
    printed(program("zizmor").args(["--offline", "--quiet"]).arg(&folder));
    let rules = "{extends: default, rules: {line-length: disable, document-start: disable, truthy: disable}}";
    assert_eq!(printed(program("yamllint").args(["--strict", "-d", rules]).arg(&folder)), "");
}

#[test]
fn the_chart_renders_what_kubernetes_takes() {
    let work = tempfile::tempdir().expect("a folder");
    let chart = packaging("helm/auth-exporter");
    let arguments = printed(
        program("python")
            .arg(project().join("tests/packaging/chart.py"))
            .args([&chart, &work.path().to_owned()]),
    );
    flags_are_known(&arguments);
    let values = std::fs::read_to_string(chart.join("values.yaml")).expect("values");
    let version = format!("appVersion: {}\n", env!("CARGO_PKG_VERSION"));
    let about = std::fs::read_to_string(chart.join("Chart.yaml")).expect("a chart");
    assert!(about.contains(&version), "{about}");
    let values: serde_yaml::Value = serde_yaml::from_str(&values).expect("YAML");
    // Its configuration loads as it stands.
    let configuration = work.path().join("auth_exporter.yml");
    let text = serde_yaml::to_string(&values["config"]).expect("YAML");
    std::fs::write(&configuration, text).expect("a file");
    printed(
        Command::new(env!("CARGO_BIN_EXE_auth_exporter"))
            .args(["--config.check", "--config.file"])
            .arg(configuration),
    );
}

#[test]
fn the_debian_package_has_what_it_should_and_is_made_the_same_again() {
    let build = || {
        let folder = tempfile::tempdir().expect("a folder");
        let package = printed(
            Command::new(packaging("debian/build.sh"))
                .arg(env!("CARGO_BIN_EXE_auth_exporter"))
                .arg(folder.path())
                .env("SOURCE_DATE_EPOCH", "1700000000")
                .env("COMPRESSION", "none"),
        );
        (folder, PathBuf::from(package.trim()))
    };
    let (_folder, package) = build();
    let listed = printed(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let files: Vec<String> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (mode, owner) = (words.next()?, words.next()?);
            let path = words.next_back()?;
            let told = !path.ends_with('/')
                && !path.contains("/examples/")
                && !path.contains("/auth_exporter/");
            told.then(|| format!("{mode} {owner} {path}"))
        })
        .collect();
    assert_eq!(
        files,
        [
            "-rw-r----- root/root ./etc/default/auth_exporter",
            "-rwxr-xr-x root/root ./usr/bin/auth_exporter",
            "-rw-r--r-- root/root ./usr/lib/systemd/system/auth_exporter.service",
            "-rw-r--r-- root/root ./usr/lib/systemd/system/auth_exporter.socket",
            "-rw-r--r-- root/root ./usr/share/bash-completion/completions/auth_exporter",
            "-rw-r--r-- root/root ./usr/share/doc/auth-exporter/changelog.gz",
            "-rw-r--r-- root/root ./usr/share/doc/auth-exporter/copyright",
            "-rw-r--r-- root/root ./usr/share/doc/auth-exporter/runbooks.md",
            "-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/auth_exporter.fish",
            "-rw-r--r-- root/root ./usr/share/man/man8/auth_exporter.8.gz",
            "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_auth_exporter",
        ]
    );
    let version = printed(Command::new("dpkg-deb").arg("--field").arg(&package).arg("Version"));
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    let (_other_folder, again) = build();
    let bytes = |path: &Path| std::fs::read(path).expect("a package");
    assert!(bytes(&package) == bytes(&again), "two runs made two packages");
}
