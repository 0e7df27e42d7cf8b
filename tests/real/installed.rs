//! Where the software is that `tests/install.sh` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to do about what is missing.
const ADVICE: &str = "tests/install.sh installs it";

/// A program of a Debian package.
pub(crate) fn debian(program: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers lie where only root's path leads.
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let found = folders.into_iter().map(|folder| folder.join(program)).find(|file| file.is_file());
    Command::new(found.unwrap_or_else(|| panic!("the program {program} is missing: {ADVICE}")))
}

/// Perl with the portal of `LemonLDAP::NG`.
pub(crate) fn perl() -> Command {
    let portal = Path::new("/usr/share/perl5/Lemonldap/NG/Portal/Main.pm");
    assert!(portal.is_file(), "liblemonldap-ng-portal-perl of Debian is missing: {ADVICE}");
    debian("perl")
}

/// Node.js in a folder where it finds the packages of `node/package-lock.json`.
pub(crate) fn node() -> Command {
    let folder = from(
        "node",
        "oidc-provider, saml-idp or node-saml",
        include_str!("node/package-lock.json"),
    );
    let mut command = program(&folder.join("node"));
    command.current_dir(folder);
    command
}

/// Python with the packages of `python/requirements.txt`.
pub(crate) fn python() -> Command {
    let wanted = include_str!("python/requirements.txt");
    program(
        &from(
            "python",
            "django-oauth-toolkit, django-allauth, Canaille, Authlib, pysaml2, python3-saml or prometheus-client",
            wanted,
        )
        .join("bin/python"),
    )
}

/// The folder with a package, when what was installed there is what is asked for now.
pub(crate) fn from(ecosystem: &str, package: &str, wanted: &str) -> PathBuf {
    // Cargo's folder for the files of tests lies in the target folder.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let folder = target.join("test-software").join(ecosystem);
    let installed = std::fs::read_to_string(folder.join("installed")).unwrap_or_default();
    assert!(installed == wanted, "{ecosystem}'s {package} is missing or not as pinned: {ADVICE}");
    folder
}

fn program(path: &Path) -> Command {
    assert!(path.is_file(), "the program {} is missing: {ADVICE}", path.display());
    Command::new(path)
}
