//! Limit of file descriptors. It is raised at start, as far as the system permits.

use std::sync::Once;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Number of descriptors reserved for uses other than connections, such as files and libraries.
const BESIDES: u64 = 512;
/// Highest limit that is requested. The program never needs more, and some systems allow a billion.
const ENOUGH: u64 = 1 << 20;

/// Raises the soft limit to the hard limit, once per process. Logs the limit, and whether it is
/// high enough for `connections`.
pub(super) fn raise(connections: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = getrlimit(Resource::Nofile);
        let Some(current) = before.current else {
            return;
        };
        let wanted = before
            .maximum
            .map_or(ENOUGH, |maximum| maximum.min(ENOUGH))
            .max(current);
        let raised = Rlimit {
            current: Some(wanted),
            maximum: before.maximum,
        };
        let limit = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => wanted,
            Err(error) => {
                tracing::info!(%error, limit = current, "file descriptor limit not raised");
                current
            }
        };
        let needed = connections as u64 + BESIDES;
        let suffices = limit >= needed;
        tracing::info!(
            before = current,
            limit,
            needed,
            suffices,
            "limit of file descriptors"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_descriptor_limit_is_raised_to_the_hard_limit() {
        let before = getrlimit(Resource::Nofile);
        raise(1);
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.maximum, before.maximum, "the hard limit stays");
        let highest = after.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
        assert!(
            after.current.is_none_or(|current| current >= highest),
            "{after:?}"
        );
    }
}
