//! The integration tests, as one program so that it links once. They run against real servers:
//! `make test` starts these, and plain `cargo test` does so by itself (see `support`).

mod mail_catcher;
mod stack;
mod support;
