//! Classification of children that end without an answer.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

/// Reason why a child ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The child exceeded its limit of processor time or wall-clock time.
    TooSlow,
    /// The child ran out of memory or stack.
    TooLarge,
    /// The parent or the system killed the child.
    Killed,
    /// The child made a forbidden system call.
    Forbidden,
    /// The child panicked, or ended in another way.
    Broken,
}

impl Ended {
    /// Derives the reason from an exit status. Both a failed allocation and a stack overflow cause
    /// an abort.
    pub(super) fn of(status: ExitStatus) -> Self {
        match status.signal().and_then(Signal::from_named_raw) {
            Some(Signal::XCPU) => Self::TooSlow,
            Some(Signal::ABORT | Signal::SEGV | Signal::BUS) => Self::TooLarge,
            Some(Signal::KILL) => Self::Killed,
            Some(Signal::SYS) => Self::Forbidden,
            _ => Self::Broken,
        }
    }

    /// Returns the label for metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::TooLarge => "too_large",
            Self::Killed => "killed",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_determines_the_kind_of_end() {
        for (signal, way) in [
            (Signal::XCPU, Ended::TooSlow),
            (Signal::ABORT, Ended::TooLarge),
            (Signal::SEGV, Ended::TooLarge),
            (Signal::KILL, Ended::Killed),
            (Signal::SYS, Ended::Forbidden),
            (Signal::TERM, Ended::Broken),
        ] {
            assert_eq!(
                Ended::of(ExitStatus::from_raw(signal.as_raw())),
                way,
                "{signal:?}"
            );
        }
        // Exit code 101 of a panic, in the second byte of the wait status.
        assert_eq!(Ended::of(ExitStatus::from_raw(101 << 8)), Ended::Broken);
    }
}
