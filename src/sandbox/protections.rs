//! Rights that a child drops before it reads the question: privileges, the file system, the network and most system
//! calls. All of it is Linux's; elsewhere only the [limits] hold.

use std::io;

use serde::{Deserialize, Serialize};

use super::limits;

/// Protections that are active in a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protections {
    /// `no_new_privs`: no program that it starts has more rights.
    pub no_new_privileges: bool,
    /// No access to the file system and the network, by Landlock.
    pub landlock: Landlock,
    /// Only the system calls of an allow-list, by seccomp.
    pub system_calls: bool,
}

/// How much of the Landlock rules the kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Landlock {
    /// All of them.
    Full,
    /// Those that this kernel knows.
    Partial,
    /// None.
    Absent,
}

/// Takes on every limit and protection. One that the kernel doesn't have is left out and reported.
///
/// # Errors
/// The system refuses a limit that it has, or a thread pool exists already.
pub(super) fn take_on(cpu_seconds: u64) -> io::Result<Protections> {
    let no_new_privileges = no_new_privileges();
    // Its rule set is a file descriptor, of which the limits allow no more.
    let landlock = landlock();
    limits::take_on(cpu_seconds)?;
    // typst would start threads, which this process may not have.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .map_err(io::Error::other)?;
    Ok(Protections { no_new_privileges, landlock, system_calls: restrict_system_calls() })
}

#[cfg(target_os = "linux")]
fn no_new_privileges() -> bool {
    rustix::thread::set_no_new_privs(true).is_ok()
}

#[cfg(not(target_os = "linux"))]
const fn no_new_privileges() -> bool {
    false
}

/// Denies every path, every TCP port, and signals and abstract sockets of other processes.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn landlock() -> Landlock {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
    };
    let restrict = || -> Result<RulesetStatus, RulesetError> {
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?;
        Ok(rules.create()?.restrict_self()?.ruleset)
    };
    match restrict() {
        Ok(RulesetStatus::FullyEnforced) => Landlock::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Landlock::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Landlock::Absent,
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn landlock() -> Landlock {
    Landlock::Absent
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn restrict_system_calls() -> bool {
    super::system_calls::restrict().is_ok()
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn restrict_system_calls() -> bool {
    false
}
