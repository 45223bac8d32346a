//! What can go wrong with the stack, and what to do then.

use std::io;
use std::path::PathBuf;

use super::POSTGRES_VARIABLE;

/// Why a stack could not start, or broke. Quotes server logs, which are set up to hold no personal data.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No fitting program was found.
    #[error(
        "no usable {program} (version {minimum} or later) was found. \
         `make setup` installs one here, or let {variable} name yours.{rejected}"
    )]
    Missing {
        /// What was searched for.
        program: &'static str,
        /// The environment variable that may name it.
        variable: &'static str,
        /// The oldest version that will do.
        minimum: String,
        /// One line for each that was found and will not do.
        rejected: String,
    },
    /// Another stack runs on this folder.
    #[error(
        "the data folder {} is in use by another laureate (process {pid}): \
         stop that one, or choose another folder", path.display()
    )]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// Who holds it, as it has written itself.
        pid: String,
    },
    /// The data were written by another major version of PostgreSQL.
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
    /// The data belong to another user of this machine.
    #[error(
        "{} belongs to the user with id {uid}: run as that user (or as root if root made it), \
         or choose another data folder", path.display()
    )]
    OtherOwner {
        /// PostgreSQL's data folder.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// We are root and there is no account to run PostgreSQL as.
    #[error("PostgreSQL refuses to run as root, and /etc/passwd has no other user: run laureate as one")]
    NoOrdinaryUser,
    /// A server ended by itself.
    #[error("{server} has ended; the end of its log:\n{log}")]
    Ended {
        /// Which.
        server: &'static str,
        /// The end of what it logged.
        log: String,
    },
    /// A server did not answer in time.
    #[error("{server} did not answer within {seconds} s; the end of its log:\n{log}")]
    NotReady {
        /// Which.
        server: &'static str,
        /// How long we waited.
        seconds: u64,
        /// The end of what it logged.
        log: String,
    },
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why not.
        source: io::Error,
    },
}
