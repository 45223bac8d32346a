//! How a child ends that gives no answer.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

/// Way in which a child ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its processor time or its time by the clock was over.
    TooSlow,
    /// It had no more memory or stack.
    TooLarge,
    /// It was killed, by us or by the system.
    Killed,
    /// It made a system call that is forbidden.
    Forbidden,
    /// It panicked or ended in another way.
    Broken,
}

impl Ended {
    /// Reads the way from an exit status. Memory that isn't there and a full stack both end in an abort.
    pub(super) fn of(status: ExitStatus) -> Self {
        match status.signal().and_then(Signal::from_named_raw) {
            Some(Signal::XCPU) => Self::TooSlow,
            Some(Signal::ABORT | Signal::SEGV | Signal::BUS) => Self::TooLarge,
            Some(Signal::KILL) => Self::Killed,
            Some(Signal::SYS) => Self::Forbidden,
            _ => Self::Broken,
        }
    }

    /// Label in metrics.
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
    fn signal_names_the_way() {
        for (signal, way) in [
            (Signal::XCPU, Ended::TooSlow),
            (Signal::ABORT, Ended::TooLarge),
            (Signal::SEGV, Ended::TooLarge),
            (Signal::KILL, Ended::Killed),
            (Signal::SYS, Ended::Forbidden),
            (Signal::TERM, Ended::Broken),
        ] {
            assert_eq!(Ended::of(ExitStatus::from_raw(signal.as_raw())), way, "{signal:?}");
        }
        // A panic's exit code, 101, in the second byte of the wait status.
        assert_eq!(Ended::of(ExitStatus::from_raw(101 << 8)), Ended::Broken);
    }
}
