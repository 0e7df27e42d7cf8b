//! The configuration from the outside: files that must be refused, each with the whole
//! message that a user sees, and files that must be taken.

// Tests say what they expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bad;
mod good;
mod made;
mod program;
mod refusals;
