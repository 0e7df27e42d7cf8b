//! The build script: how the program is linked.
//!
//! A program that may stand anywhere in memory has some 25,000 places that hold an address, and
//! all of them are set when it starts. The list of them takes 610 kB, and as a bitmap (RELR) 10:
//! that much less is read at each start, and stays in memory.

// Cargo reads what it prints.
#![allow(clippy::print_stdout)]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=packaging/link.rs");
    if starts_with_packed_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the program will run where it is built, and that has glibc 2.36 or later: an earlier
/// one refuses the program.
fn starts_with_packed_relocations() -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    variable("TARGET") == variable("HOST")
        && variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
        && glibc().is_some_and(|version| version >= (2, 36))
}

/// The version of glibc here, as getconf(1) says it: `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
