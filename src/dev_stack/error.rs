//! Errors of the stack, each with a remedy.

use std::io;
use std::path::PathBuf;

use super::POSTGRES_VARIABLE;

/// Reason why a stack could not start or failed. Quotes server logs, which are configured to hold
/// no personal data.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No usable program was found.
    #[error(
        "no usable {program} (version {minimum} or later) was found. \
         `make setup` installs one here, or let {variable} name yours.{rejected}"
    )]
    Missing {
        /// Name of the program.
        program: &'static str,
        /// Environment variable that may name it.
        variable: &'static str,
        /// Oldest usable version.
        minimum: String,
        /// One line for each program that was found and rejected.
        rejected: String,
    },
    /// Another stack uses this folder.
    #[error(
        "the data folder {} is in use by another laureate (process {pid}): \
         stop that one, or choose another folder", path.display()
    )]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// Process id of the other stack, as it wrote it into the lock file.
        pid: String,
    },
    /// The data was written by another major version of PostgreSQL.
    #[error(
        "{} was written by PostgreSQL {found}, but the one found is {ours}: \
         let {POSTGRES_VARIABLE} name a PostgreSQL {found}, or start with another data folder",
        path.display()
    )]
    OtherVersion {
        /// PostgreSQL's data folder.
        path: PathBuf,
        /// Major version of the data.
        found: String,
        /// Major version of the program.
        ours: u32,
    },
    /// The data belongs to another user of this machine.
    #[error(
        "{} belongs to the user with id {uid}: run as that user (or as root if root made it), \
         or choose another data folder", path.display()
    )]
    OtherOwner {
        /// PostgreSQL's data folder.
        path: PathBuf,
        /// Owner of the folder.
        uid: u32,
    },
    /// We are root, and there is no unprivileged account to run PostgreSQL.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has no other user: run laureate as one"
    )]
    NoOrdinaryUser,
    /// A server ended by itself.
    #[error("{server} has ended; the end of its log:\n{log}")]
    Ended {
        /// Name of the server.
        server: &'static str,
        /// End of its log.
        log: String,
    },
    /// A server did not answer in time.
    #[error("{server} did not answer within {seconds} s; the end of its log:\n{log}")]
    NotReady {
        /// Name of the server.
        server: &'static str,
        /// Time that we waited.
        seconds: u64,
        /// End of its log.
        log: String,
    },
    /// The operating system refused an operation.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// Error of the operating system.
        source: io::Error,
    },
}
