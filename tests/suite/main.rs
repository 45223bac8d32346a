//! The tests against real servers, in one program. `make unit` starts the servers.

mod mail;
mod storage;
