//! Protections that a child applies before it reads the question. It gives up privileges and access
//! to the file system, the network and most system calls. Protections exist only on Linux. On other
//! systems, only the [limits] apply.

use std::io;

use serde::{Deserialize, Serialize};

use super::limits;

/// Active protections of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protections {
    /// `no_new_privs`: the child and its children can't gain privileges.
    pub no_new_privileges: bool,
    /// Landlock: no access to the file system or the network.
    pub landlock: Landlock,
    /// seccomp: only system calls on an allow-list.
    pub system_calls: bool,
}

/// Extent to which the kernel enforces the Landlock rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Landlock {
    /// All rules are enforced.
    Full,
    /// Only the rules that this kernel supports are enforced.
    Partial,
    /// No rules are enforced.
    Absent,
}

/// Applies all limits and protections. A protection that the kernel doesn't support is skipped, and
/// the result reports this.
///
/// # Errors
/// Fails if the system rejects a limit that it supports, or if a thread pool already exists.
pub(super) fn apply(cpu_seconds: u64) -> io::Result<Protections> {
    let no_new_privileges = no_new_privileges();
    // Landlock comes before the limits, because its rule set needs a file descriptor and the limits
    // forbid more of these.
    let landlock = landlock();
    limits::apply(cpu_seconds)?;
    // typst would start threads, which this process must not do.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()
        .map_err(io::Error::other)?;
    Ok(Protections {
        no_new_privileges,
        landlock,
        system_calls: restrict_system_calls(),
    })
}

#[cfg(target_os = "linux")]
fn no_new_privileges() -> bool {
    rustix::thread::set_no_new_privs(true).is_ok()
}

#[cfg(not(target_os = "linux"))]
const fn no_new_privileges() -> bool {
    false
}

/// Denies access to all paths and TCP ports, and to the signals and abstract sockets of other
/// processes.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn landlock() -> Landlock {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError,
        RulesetStatus, Scope,
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

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
const fn landlock() -> Landlock {
    Landlock::Absent
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn restrict_system_calls() -> bool {
    super::system_calls::restrict().is_ok()
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
const fn restrict_system_calls() -> bool {
    false
}
