//! seccomp filters: an allow-list of the system calls that a child may make after its setup.
//!
//! Computation needs memory, the two pipes, the clock and random numbers. Opening a file and
//! starting a thread return an error, because libraries try both and can handle the error. For
//! example, glibc tries to read `/proc/self/maps` to determine the size of the stack. Any other
//! call ends the process with SIGSYS, for example opening a socket, executing a program or mapping
//! executable memory.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

/// Calls that are allowed with any arguments.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
/// Calls that map memory. Their third argument is the protection.
const MAPPING: &[i64] = &[libc::SYS_mmap, libc::SYS_mprotect];
/// Calls that fail, with their error numbers. `EACCES` means that a file can't be opened, `EAGAIN`
/// that the limit of threads is reached.
const FAILING: &[(i64, i32)] = &[
    (libc::SYS_openat, libc::EACCES),
    (libc::SYS_clone, libc::EAGAIN),
    (libc::SYS_clone3, libc::EAGAIN),
];

/// Restricts all threads of this process permanently.
///
/// # Errors
/// The kernel doesn't support seccomp filters, or the architecture is unsupported.
pub(super) fn restrict() -> Result<(), Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let allowing = allowing(arch)?;
    for (call, error) in FAILING {
        apply_filter_all_threads(&failing(arch, *call, *error)?)?;
    }
    // This filter comes last, because it forbids the installation of further filters.
    apply_filter_all_threads(&allowing)
}

/// Creates a filter that makes `call` fail with `error`. It allows all other calls, because the
/// kernel applies the strictest result of all filters.
fn failing(arch: TargetArch, call: i64, error: i32) -> Result<BpfProgram, BackendError> {
    let rules = BTreeMap::from([(call, Vec::new())]);
    let errno = SeccompAction::Errno(error.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, errno, arch)?.try_into()
}

/// Creates a filter that ends the process at every call that is not on one of the lists above.
fn allowing(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in ALLOWED.iter().chain(FAILING.iter().map(|(call, _)| call)) {
        rules.insert(*call, Vec::new());
    }
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    for call in MAPPING {
        let not_executable = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(executable),
            0,
        )?;
        rules.insert(*call, vec![SeccompRule::new(vec![not_executable])?]);
    }
    // Needed by `abort`, which sends a signal to its own process.
    let itself = u64::from(std::process::id());
    let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, itself)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself])?]);
    SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    )?
    .try_into()
}
