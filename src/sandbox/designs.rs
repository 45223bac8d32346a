//! Preparation of uploaded designs: the part in the parent process.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ended::Ended;
use super::{Allowance, Sandbox, SandboxError, Task, limits, wire};
use crate::design_image::{Kind, MAX_BYTES, NotTaken, Prepared};

/// Processor time in seconds for one design. The largest accepted image needs about 2 s.
const CPU_SECONDS: u64 = 10;
/// Maximum size of the JSON frame of the answer, in bytes.
const MAX_JSON: usize = 64 << 10;

/// Properties of a prepared design. The frames of its two pictures follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    kind: Kind,
    width: u32,
    height: u32,
}

impl Measured {
    pub(super) const fn of(prepared: &Prepared) -> Self {
        Self {
            kind: prepared.kind,
            width: prepared.width,
            height: prepared.height,
        }
    }
}

impl Sandbox {
    /// Prepares an uploaded design in a child. Waits for a free slot before it reads the file.
    ///
    /// # Errors
    /// Fails if no child can be started or used, if the file can't be read, or if it is larger than
    /// [`MAX_BYTES`]. Defects of the design are part of the result.
    pub async fn prepare_design(
        &self,
        file: &Path,
    ) -> Result<Result<Prepared, NotTaken>, SandboxError> {
        let slot = self.slot().await?;
        if tokio::fs::metadata(file).await?.len() > MAX_BYTES {
            return Err(io::Error::other("the design exceeds the maximum size").into());
        }
        let mut request = Vec::new();
        wire::write(&mut request, &tokio::fs::read(file).await?)?;
        let allowance = Allowance {
            cpu_seconds: CPU_SECONDS,
            answer: MAX_JSON + 2 * (MAX_BYTES as usize + 4),
        };
        Ok(
            match self
                .ask(&slot, Task::PrepareDesign, &request, allowance)
                .await?
            {
                Ok(answer) => answered(&answer)?,
                Err(ended) => Err(not_taken(ended)),
            },
        )
    }
}

fn answered(mut answer: &[u8]) -> io::Result<Result<Prepared, NotTaken>> {
    let outcome: Result<Measured, NotTaken> =
        serde_json::from_slice(&wire::read(&mut answer, MAX_JSON)?)?;
    let Measured {
        kind,
        width,
        height,
    } = match outcome {
        Ok(measured) => measured,
        Err(problem) => return Ok(Err(problem)),
    };
    let bytes = wire::read(&mut answer, MAX_BYTES as usize)?;
    let small = wire::read(&mut answer, MAX_BYTES as usize)?;
    Ok(Ok(Prepared {
        kind,
        bytes,
        width,
        height,
        small,
    }))
}

const fn not_taken(ended: Ended) -> NotTaken {
    match ended {
        Ended::TooSlow | Ended::TooLarge | Ended::Killed => NotTaken::TooCostly {
            seconds: CPU_SECONDS,
            mebibytes: limits::MEMORY >> 20,
        },
        Ended::Forbidden | Ended::Broken => NotTaken::Broken,
    }
}
