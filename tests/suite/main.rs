//! The integration tests, as one program so that it links once. They run against real servers:
//! `make test` starts these, and plain `cargo test` does so by itself (see `support`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows these in test functions only, not in what they call"
)]

mod cli;
mod commands;
mod database;
mod demo;
mod http;
mod log;
mod mail;
mod mail_catcher;
mod names;
mod pdf;
mod projection;
mod sandbox;
mod scheduler;
mod stack;
mod storage;
mod support;
mod tidy;
mod tidy_diagram;
mod tidy_flow;
mod workers;
