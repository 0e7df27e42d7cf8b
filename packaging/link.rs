//! The build script: how the program is linked.
//!
//! A program that may stand anywhere in memory has some 25,000 places that hold an address, and
//! all of them are set when it starts. The list of them takes 610 kB, and as a bitmap (RELR) 7:
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

/// Whether the C library that starts the program knows them; an earlier one refuses it.
fn starts_with_packed_relocations() -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    match (variable("CARGO_CFG_TARGET_OS").as_str(), variable("CARGO_CFG_TARGET_ENV").as_str()) {
        // That of this machine, where it is built for it.
        ("linux", "gnu") if variable("TARGET") == variable("HOST") => {
            version("getconf", "GNU_LIBC_VERSION", "glibc ").is_some_and(|it| it >= (2, 36))
        }
        // The one that comes with Rust: musl 1.2.5 since 1.93.
        ("linux", "musl") => {
            version(&variable("RUSTC"), "--version", "rustc ").is_some_and(|it| it >= (1, 93))
        }
        _ => false,
    }
}

/// The version that a program says of itself, as `rustc 1.95.0 (…)`.
fn version(program: &str, argument: &str, name: &str) -> Option<(u32, u32)> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix(name)?.split(['.', ' ']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
