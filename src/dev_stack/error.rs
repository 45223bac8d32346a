//! Errors of the embedded stack. Each message says how to solve the problem.

use std::io;
use std::path::PathBuf;

use super::POSTGRES_VARIABLE;

/// Reason why a stack failed or could not start. It may quote server logs, which are configured to
/// contain no personal data.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No suitable program was found.
    #[error(
        "no usable {program} (version {minimum} or later) was found. \
         `make setup` installs one here, or let {variable} name yours.{rejected}"
    )]
    Missing {
        /// Name of the program.
        program: &'static str,
        /// Environment variable that can give its path.
        variable: &'static str,
        /// Oldest supported version.
        minimum: String,
        /// One line for each program that was found and rejected.
        rejected: String,
    },
    /// Another stack uses this data folder.
    #[error(
        "the data folder {} is in use by another laureate (process {pid}): \
         stop that one, or choose another folder", path.display()
    )]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// Process id of the other stack, from the lock file.
        pid: String,
    },
    /// The data was written by another major version of PostgreSQL.
    #[error(
        "{} was written by PostgreSQL {found}, but the installed version is {ours}: \
         let {POSTGRES_VARIABLE} name a PostgreSQL {found}, or start with another data folder",
        path.display()
    )]
    OtherVersion {
        /// PostgreSQL's data folder.
        path: PathBuf,
        /// Major version of the data.
        found: String,
        /// Major version of the installed PostgreSQL.
        ours: u32,
    },
    /// The data belongs to another user of the operating system.
    #[error(
        "{} belongs to the user with id {uid}: run as that user (or as root if root created it), \
         or choose another data folder", path.display()
    )]
    OtherOwner {
        /// PostgreSQL's data folder.
        path: PathBuf,
        /// Owner of the folder.
        uid: u32,
    },
    /// The current user is root, and there is no unprivileged account to run PostgreSQL.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has no other user: create one and run laureate as that user"
    )]
    NoOrdinaryUser,
    /// A server has ended unexpectedly.
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
        /// Time limit that was exceeded.
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
