//! `auth_exporter`: a Prometheus exporter that tells whether people and programs can
//! still authenticate, and if not, at which step, why, and what runs out next.
//!
//! # The code map
//!
//! Each module is a room. A probe passes through them in one direction:
//!
//! ```text
//! text → config → server → probe → modules → steps → report → exposition → text
//!                                    steps use protocol (pure) and net (the only sockets out)
//! ```
//!
//! | room | what it is for | may name |
//! |---|---|---|
//! | [`secret`] | where secrets come from, and how they are kept out of every text | nothing |
//! | [`report`] | what a probe found, as plain data; the closed lists of reasons and warnings | nothing |
//! | [`protocol`] | OAuth 2, OpenID Connect, JOSE …: bytes in, verdict out; no clock, socket, file or randomness | nothing |
//! | [`settings`] | blocks of the configuration that several probers share, and errors with a path | secret, protocol |
//! | [`net`] | one HTTP session a probe: timings, certificates, limits, where a secret may go | report, secret, settings, protocol |
//! | [`probe`] | budget, record, targets, tokens of earlier probes, the registry entry of a prober | net, report, secret, settings |
//! | [`steps`] | one file a step: build, send, read, map the error to its reason | probe, net, settings, protocol, report, secret |
//! | [`modules`] | one file a prober: its block and a straight line of steps | steps, probe, settings, report, secret, protocol |
//! | [`config`] | from the file to modules that are ready to run; everything that can be wrong with them | settings, probe, net, report, secret |
//! | [`exposition`] | the only place with metric names; both text formats | report |
//! | [`server`] | parse, call, answer, TLS and users of its own port; it knows no step, protocol or metric | config, settings, probe, report, exposition |
//! | [`logging`], [`cli`], [`system`] and the binary | flags, log lines, the `probe` subcommand, systemd | all |
//!
//! `tests/architecture.rs` holds this table against the code.
//!
//! # A new step, a new prober
//!
//! A step is a file in [`steps`], its label in `report::Step`, and a line in the plan of each
//! prober that takes it; what several probers do alike with an access token is in
//! `modules/access.rs`. A prober is a file in [`modules`] and its line in
//! [`modules::PROBERS`]. The compiler names the places where a new step must be judged:
//! whether it proves the flow, and to which part of the duration it belongs.

pub mod cli;
pub mod config;
pub mod exposition;
pub mod logging;
pub mod modules;
pub mod net;
pub mod probe;
pub mod protocol;
pub mod report;
pub mod secret;
pub mod server;
pub mod settings;
pub mod steps;
pub mod system;
