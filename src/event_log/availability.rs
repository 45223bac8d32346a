//! A log that is not there just now: in a cluster, a stream has no leader for some seconds after its
//! node went down. Reading may be tried again at will, and so may whatever was certainly not written.

use std::time::{Duration, Instant};

use async_nats::jetstream::response::Response;
use async_nats::{Client, Request};
use serde::Deserialize;

use super::LogError;

/// How long something is tried again before its caller hears of it: longer than an election takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How long the server may take to tell whether a stream exists.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Tries again while the log is not available, for as long as [`PATIENCE`] lasts.
pub(crate) async fn patiently<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, LogError>
where
    F: Future<Output = Result<T, LogError>>,
{
    let start = Instant::now();
    let mut tries = 0;
    loop {
        match attempt().await {
            Err(LogError::Unavailable(_)) if start.elapsed() < PATIENCE => pause(&mut tries).await,
            other => return other,
        }
    }
}

/// Waits 10 ms more each time, up to a quarter of a second.
pub(crate) async fn pause(tries: &mut u32) {
    *tries += 1;
    tokio::time::sleep((Duration::from_millis(10) * *tries).min(LONGEST_PAUSE)).await;
}

/// Why nobody answers for a stream: there is none of that name, or it has no leader just now.
pub(crate) async fn why_nobody_answers(client: &Client, stream: &str) -> LogError {
    #[derive(Deserialize)]
    struct Found {}
    let ask = Request::new().timeout(Some(TOLD_WITHIN));
    let answer = client.send_request(format!("$JS.API.STREAM.INFO.{stream}"), ask).await;
    if let Ok(answer) = answer
        && let Ok(Response::Err { error }) = serde_json::from_slice::<Response<Found>>(&answer.payload)
    {
        return (&error).into();
    }
    LogError::Unavailable("nobody answers for the stream; it may be electing a leader".to_owned())
}
