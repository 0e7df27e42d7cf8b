//! stub
#![allow(missing_docs)]
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
