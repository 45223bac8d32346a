//! Connection that fails if its client reads nothing for a while, or reads too slowly.
//!
//! Data that a client does not read stays in memory. Only writes are limited here: hyper limits the
//! time of request heads, and the arrival layer limits the time of request bodies.
//!
//! The crate `tokio-io-timeout` does not fit, because it restarts its timeout after each byte. A
//! deadline for a whole response does not fit either, because it would also end large downloads and
//! event streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Stream whose writes fail if they have to wait too long.
///
/// Writes have a time budget. Waiting reduces the budget. Written bytes increase it again, at the
/// slowest allowed rate. So the connection also fails if the client reads only a byte now and then.
pub(in crate::http) struct Stalling<S> {
    stream: S,
    patience: Duration,
    /// Slowest rate at which a client may read a response, in bytes per second.
    least_rate: u32,
    /// Remaining time for which writes may wait.
    budget: Duration,
    /// Start and timer of the current wait.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Stalling<S> {
    /// Creates a stream. The budget is at most `patience`, and `least_rate` written bytes add one
    /// second to it.
    pub(in crate::http) fn new(stream: S, patience: Duration, least_rate: u32) -> Self {
        Self {
            stream,
            patience,
            least_rate: least_rate.max(1),
            budget: patience,
            waiting: None,
        }
    }

    /// Subtracts the time of the current wait from the budget, and adds the time for the written
    /// bytes.
    fn taken(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.budget = self.budget.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let refill = Duration::from_secs(bytes.into()) / self.least_rate;
        self.budget = self.patience.min(self.budget.saturating_add(refill));
    }

    /// Ends the current wait if the operation is complete. Otherwise starts or continues a wait,
    /// and fails with `TimedOut` when the budget is used up.
    fn judged<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = written {
            self.taken(done.as_ref().map_or(0, bytes));
            return Poll::Ready(done);
        }
        let now = Instant::now();
        let budget = self.budget;
        let begin = || (now, Box::pin(tokio::time::sleep_until(now + budget)));
        let (_, waiting) = self.waiting.get_or_insert_with(begin);
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(context, written, |taken| *taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judged(context, written, |taken| *taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(context, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judged(context, ended, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn write_to_a_stalled_client_times_out() {
        let (_open, ours) = tokio::io::duplex(8);
        let mut stream = Stalling::new(ours, Duration::from_millis(10), 1);
        stream.write_all(&[1; 8]).await.unwrap();
        let given_up = stream.write_all(&[2; 1]).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn write_to_a_reading_client_completes() {
        let (mut other, ours) = tokio::io::duplex(8);
        let mut stream = Stalling::new(ours, Duration::from_secs(60), 1);
        let reading = tokio::spawn(async move {
            let mut pieces = [0; 16];
            other.read_exact(&mut pieces).await.unwrap();
            pieces
        });
        stream.write_all(&[1; 16]).await.unwrap();
        assert_eq!(reading.await.unwrap(), [1; 16]);
        assert!(stream.waiting.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn write_to_a_too_slow_client_times_out() {
        let given_up_after = async |bytes_a_second: usize| {
            let (mut other, ours) = tokio::io::duplex(8);
            let mut stream = Stalling::new(ours, Duration::from_secs(20), 100);
            let reading = tokio::spawn(async move {
                let mut piece = vec![0; bytes_a_second];
                let mut seconds = tokio::time::interval(Duration::from_secs(1));
                loop {
                    seconds.tick().await;
                    if other.read(&mut piece).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
            });
            let begun = Instant::now();
            let written = stream.write_all(&[1; 3_000]).await;
            let after = begun.elapsed().as_secs();
            drop(stream);
            reading.await.unwrap();
            written.is_err().then_some(after)
        };
        let slow = given_up_after(1).await.expect("too slow");
        assert!((20..=22).contains(&slow), "{slow}");
        // The pipe accepts 8 bytes at a time, so the client reads 8 bytes per second.
        assert!(given_up_after(50).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn long_write_to_a_fast_enough_client_completes() {
        let (mut other, ours) = tokio::io::duplex(200);
        let mut stream = Stalling::new(ours, Duration::from_secs(5), 100);
        let reading = tokio::spawn(async move {
            let mut piece = vec![0; 200];
            let mut taken = 0;
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            while taken < 20_000 {
                seconds.tick().await;
                taken += other.read(&mut piece).await.unwrap();
            }
        });
        let begun = Instant::now();
        stream.write_all(&[1; 20_000]).await.unwrap();
        assert!(begun.elapsed() > Duration::from_secs(60));
        reading.await.unwrap();
    }
}
