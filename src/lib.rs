//! Laureate: certificates from a spreadsheet to a verified, mailed PDF, event-sourced on NATS
//! JetStream.
//!
//! `ARCHITECTURE.md` has the map and walkthroughs; `src/app.rs` is the composition root.

pub mod app;
pub mod certificate_pdf;
pub mod cli;
pub mod commands;
pub mod config;
pub mod database;
pub mod design_image;
pub mod dev_stack;
pub mod domain;
pub mod event_log;
pub mod http;
pub mod importing;
pub mod mail;
pub mod projection;
pub mod rendering;
pub mod sandbox;
pub mod scheduler;
pub mod spreadsheet;
pub mod storage;
pub mod workers;

/// jemalloc. It limits fragmentation, and is fast if a thread frees memory that another thread has
/// allocated.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
