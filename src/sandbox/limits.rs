//! What a child may use. It sets these for itself before it reads anything that a stranger wrote; a limit
//! that was lowered can't be raised again.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::process::{Signal, set_parent_process_death_signal};

/// Address space, in bytes. The program itself takes about 200 MiB of it.
pub(super) const MEMORY: u64 = 1 << 30;
/// The stack of the one thread. typst bounds its own recursion; this is what that needs, with room.
const STACK: u64 = 64 << 20;
/// Standard input, output and error, and not one more.
const OPEN_FILES: u64 = 3;

/// Gives up everything that drawing doesn't need.
///
/// Not even without these limits could a template open a file or a connection: it sees nothing but what
/// [`crate::render`] hands to it by fixed virtual names. They bound what it can use up, and what a mistake
/// in typst could do.
///
/// # Errors
/// The system refuses a limit that it has.
pub(super) fn take_on(cpu_seconds: u64) -> io::Result<()> {
    // Linux only: elsewhere the processor time below ends a child whose parent is gone.
    #[cfg(target_os = "linux")]
    set_parent_process_death_signal(Some(Signal::KILL))?;
    at_most(Resource::Core, 0)?;
    // The first limit ends it with a signal of its own, by which we know; the second one with KILL.
    let limit = Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds.saturating_add(1)) };
    setrlimit(Resource::Cpu, limit)?;
    at_most(Resource::Fsize, 0)?;
    at_most(Resource::Nofile, OPEN_FILES)?;
    at_most(Resource::Stack, STACK)?;
    // No thread and no process; a privileged user is not bound by it.
    at_most(Resource::Nproc, 0)?;
    let memory = at_most(Resource::As, MEMORY);
    // macOS doesn't know this limit as Linux does; time and output are bounded there all the same.
    if cfg!(target_os = "linux") { memory } else { Ok(()) }
}

/// Lowers a limit for good; one that is lower already stays.
fn at_most(resource: Resource, most: u64) -> io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let limit = Some(hard.map_or(most, |hard| hard.min(most)));
    Ok(setrlimit(resource, Rlimit { current: limit, maximum: limit })?)
}
