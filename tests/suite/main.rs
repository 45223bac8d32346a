//! Integration tests. They are one program, so that only one has to be linked. They run on real
//! servers. `make test` starts the servers. With plain `cargo test`, the tests start them (see
//! `support`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows these only in test functions, not in the functions that tests call"
)]

mod cli;
mod commands;
mod database;
mod demo;
mod faults;
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
