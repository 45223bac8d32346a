//! Retries while the log is not available. In a cluster, a stream has no leader for some seconds
//! after its node went down. Reads may be retried, and so may writes that were certainly not
//! executed.

use std::time::{Duration, Instant};

use async_nats::jetstream::response::Response;
use async_nats::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::LogError;

/// Total time of retries before the caller gets the error. It is longer than an election takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
const FIRST_ANSWER_WITHIN: Duration = Duration::from_millis(500);
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Timeout for checking that a stream exists.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Retries `attempt` while the log is not available, for at most [`PATIENCE`]. Each attempt gets
/// its timeout as argument: 500 ms at first, because the server may hang, then twice as long each
/// time, up to 5 s.
pub(crate) async fn patiently<T, F>(mut attempt: impl FnMut(Duration) -> F) -> Result<T, LogError>
where
    F: Future<Output = Result<T, LogError>>,
{
    let start = Instant::now();
    let mut tries = 0;
    let mut wait = FIRST_ANSWER_WITHIN;
    loop {
        match attempt(wait).await {
            Err(LogError::Unavailable(_)) if start.elapsed() < PATIENCE => pause(&mut tries).await,
            other => return other,
        }
        wait = (wait * 2).min(LAST_ANSWER_WITHIN);
    }
}

/// Waits 10 ms longer at each call, up to 250 ms.
pub(crate) async fn pause(tries: &mut u32) {
    *tries += 1;
    tokio::time::sleep((Duration::from_millis(10) * *tries).min(LONGEST_PAUSE)).await;
}

/// Parses an answer of the JetStream API.
pub(super) fn parsed<T: DeserializeOwned>(payload: &[u8]) -> Result<Response<T>, LogError> {
    serde_json::from_slice(payload).map_err(|error| {
        LogError::Unavailable(format!("the server's answer is not readable: {error}"))
    })
}

/// Returns the reason for "no responders": the stream does not exist, or it has no leader.
pub(crate) async fn why_nobody_answers(client: &Client, stream: &str) -> LogError {
    #[derive(Deserialize)]
    struct Found {}
    let ask = Request::new().timeout(Some(TOLD_WITHIN));
    let answer = client
        .send_request(format!("$JS.API.STREAM.INFO.{stream}"), ask)
        .await;
    if let Ok(answer) = answer
        && let Ok(Response::Err { error }) = parsed::<Found>(&answer.payload)
    {
        return (&error).into();
    }
    LogError::Unavailable("nobody answers for the stream; it may be electing a leader".to_owned())
}
