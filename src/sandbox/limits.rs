//! Resource limits of a child. The child sets them before it reads untrusted data. A limit that was
//! lowered can't be raised again.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::process::{Signal, set_parent_process_death_signal};

/// Maximum address space in bytes. The program without a task uses about 200 MiB.
pub(super) const MEMORY: u64 = 1 << 30;
/// Maximum stack of the only thread, in bytes. typst limits its recursion and needs less.
const STACK: u64 = 64 << 20;
/// Maximum number of open files: standard input, output and error.
const OPEN_FILES: u64 = 3;

/// Applies all limits.
///
/// Without these limits, a template could not open files or connections either, because it can
/// access only the virtual files that [`crate::certificate_pdf`] provides. The limits restrict the
/// resources that a template can use, and the effects of a defect in typst.
///
/// # Errors
/// Fails if the system rejects a limit that it supports.
pub(super) fn apply(cpu_seconds: u64) -> io::Result<()> {
    // Linux only. On other systems, a child whose parent has ended is stopped by the limit of
    // processor time below.
    #[cfg(target_os = "linux")]
    set_parent_process_death_signal(Some(Signal::KILL))?;
    at_most(Resource::Core, 0)?;
    // At the first limit, the kernel sends SIGXCPU, which identifies the cause. At the second one,
    // it sends SIGKILL.
    let limit = Rlimit {
        current: Some(cpu_seconds),
        maximum: Some(cpu_seconds.saturating_add(1)),
    };
    setrlimit(Resource::Cpu, limit)?;
    at_most(Resource::Fsize, 0)?;
    at_most(Resource::Nofile, OPEN_FILES)?;
    at_most(Resource::Stack, STACK)?;
    // Forbids threads and processes. This limit doesn't apply to privileged users.
    at_most(Resource::Nproc, 0)?;
    let memory = at_most(Resource::As, MEMORY);
    // macOS doesn't support this limit as Linux does. Time and output are limited there, too.
    if cfg!(target_os = "linux") {
        memory
    } else {
        Ok(())
    }
}

/// Lowers a limit permanently. A limit that is already lower is not changed.
fn at_most(resource: Resource, most: u64) -> io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let limit = Some(hard.map_or(most, |hard| hard.min(most)));
    Ok(setrlimit(
        resource,
        Rlimit {
            current: limit,
            maximum: limit,
        },
    )?)
}
