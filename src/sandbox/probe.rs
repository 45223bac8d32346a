//! Self-test of the protections: a child reports them and tries one operation that they forbid.

use serde::{Deserialize, Serialize};

use super::{Allowance, Protections, Sandbox, SandboxError, Task, ended::Ended, wire};

/// Processor time in seconds for a probe.
const CPU_SECONDS: u64 = 2;
/// Maximum size of a frame of a question or an answer, in bytes.
pub(super) const MAX_JSON: usize = 4 << 10;

/// Forbidden operation that a probe tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attempt {
    /// No operation. The child only reports.
    Nothing,
    /// Opens a folder.
    OpenFile,
    /// Binds a UDP socket on the loopback interface.
    OpenSocket,
    /// Replaces the process with another program.
    Execute,
    /// Starts a thread.
    StartThread,
}

impl Attempt {
    /// Tries the operation in this process. Returns true if it succeeded.
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
    /// The child has answered.
    Alive {
        /// Active protections.
        protections: Protections,
        /// True if the operation succeeded.
        succeeded: bool,
    },
    /// The kernel ended the child because of a forbidden system call.
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
    /// Starts a child that reports its protections and tries an operation.
    ///
    /// # Errors
    /// Fails if no child can be started or used.
    pub async fn probe(&self, attempt: Attempt) -> Result<Probed, SandboxError> {
        let slot = self.slot().await?;
        let mut request = Vec::new();
        wire::write(
            &mut request,
            &serde_json::to_vec(&attempt).map_err(std::io::Error::from)?,
        )?;
        let allowance = Allowance {
            cpu_seconds: CPU_SECONDS,
            answer: MAX_JSON + 4,
        };
        Ok(
            match self.ask(&slot, Task::Probe, &request, allowance).await? {
                Ok(answer) => {
                    let piece = wire::read(&mut answer.as_slice(), MAX_JSON)?;
                    let Report {
                        protections,
                        succeeded,
                    } = serde_json::from_slice(&piece).map_err(std::io::Error::from)?;
                    Probed::Alive {
                        protections,
                        succeeded,
                    }
                }
                Err(Ended::Forbidden) => Probed::Stopped,
                Err(_) => Probed::Ended,
            },
        )
    }
}
