//! Proof that the protections of a child hold: it reports them and tries something that they forbid.

use serde::{Deserialize, Serialize};

use super::{Allowance, Protections, Sandbox, SandboxError, Task, ended::Ended, wire};

/// Seconds of processor time for a probe.
const CPU_SECONDS: u64 = 2;
/// The largest piece of a question or an answer.
pub(super) const MAX_JSON: usize = 4 << 10;

/// Something that a child may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attempt {
    /// Nothing: the child only reports.
    Nothing,
    /// Opens a folder.
    OpenFile,
    /// Binds a socket on this machine.
    OpenSocket,
    /// Replaces itself by another program.
    Execute,
    /// Starts a thread.
    StartThread,
}

impl Attempt {
    /// Makes the attempt in this process, and returns true if it worked.
    pub(super) fn succeeds(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::OpenFile => std::fs::File::open("/").is_ok(),
            Self::OpenSocket => std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
            Self::Execute => {
                use std::os::unix::process::CommandExt as _;
                // Returns only if it fails.
                let _ = std::process::Command::new("/bin/true").exec();
                false
            }
            Self::StartThread => std::thread::Builder::new().spawn(|| ()).is_ok(),
        }
    }
}

/// Outcome of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The child lived on.
    Alive {
        /// Protections that are active.
        protections: Protections,
        /// True if the attempt succeeded.
        succeeded: bool,
    },
    /// The kernel ended the child at its forbidden system call.
    Stopped,
    /// The child ended in another way.
    Ended,
}

/// Answer of a child to a probe.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) protections: Protections,
    pub(super) succeeded: bool,
}

impl Sandbox {
    /// Starts a child that reports its protections and makes an attempt.
    ///
    /// # Errors
    /// No child can be started.
    pub async fn probe(&self, attempt: Attempt) -> Result<Probed, SandboxError> {
        let slot = self.slot().await?;
        let mut request = Vec::new();
        wire::write(&mut request, &serde_json::to_vec(&attempt).map_err(std::io::Error::from)?)?;
        let allowance = Allowance { cpu_seconds: CPU_SECONDS, answer: MAX_JSON + 4 };
        Ok(match self.ask(&slot, Task::Probe, &request, allowance).await? {
            Ok(answer) => {
                let piece = wire::read(&mut answer.as_slice(), MAX_JSON)?;
                let Report { protections, succeeded } =
                    serde_json::from_slice(&piece).map_err(std::io::Error::from)?;
                Probed::Alive { protections, succeeded }
            }
            Err(Ended::Forbidden) => Probed::Stopped,
            Err(_) => Probed::Ended,
        })
    }
}
