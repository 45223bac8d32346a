//! Standard output. Errors of a closed reader are marked, so that they differ from a broken network
//! connection.

use std::io::{self, Write};

use thiserror::Error;

/// Marker in an [`io::Error`]: the reader of stdout, such as `head`, has closed it.
#[derive(Debug, Error)]
#[error("stdout is closed")]
pub(super) struct StdoutClosed;

/// Standard output, or its lock.
pub struct Stdout<W>(W);

/// Returns standard output.
#[must_use]
pub fn stdout() -> Stdout<io::Stdout> {
    Stdout(io::stdout())
}

impl Stdout<io::Stdout> {
    /// Locks standard output until the returned value is dropped.
    #[must_use]
    pub fn lock(&self) -> Stdout<io::StdoutLock<'static>> {
        Stdout(self.0.lock())
    }
}

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

fn marked(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, StdoutClosed),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::is_closed_pipe;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_closed_stdout_is_recognised_as_a_closed_pipe() {
        let closed = io::ErrorKind::BrokenPipe;
        let full = io::ErrorKind::StorageFull;
        let of_stdout =
            |kind| anyhow::Error::from(Stdout(Failing(kind)).write_all(b"x").expect_err("fails"));
        assert!(is_closed_pipe(&of_stdout(closed)));
        assert!(is_closed_pipe(
            &Stdout(Failing(closed)).flush().expect_err("fails").into()
        ));
        assert!(is_closed_pipe(&of_stdout(closed).context("the report")));
        assert!(!is_closed_pipe(&of_stdout(full)));
        let connection = || io::Error::new(closed, "the server has closed the connection");
        assert!(!is_closed_pipe(&connection().into()));
        assert!(!is_closed_pipe(&io::Error::from(closed).into()));
        assert!(!is_closed_pipe(&anyhow::anyhow!("another error")));
    }
}
