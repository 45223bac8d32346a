//! Retries while the log is not available. In a cluster, a stream has no leader for some seconds
//! after the node of its leader has failed. Reads are retried. Writes are retried only if they were
//! certainly not executed.

use std::time::{Duration, Instant};

use async_nats::jetstream::response::Response;
use async_nats::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::LogError;

/// Time during which an operation is retried before the caller gets the error. It is longer than an
/// election takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
const FIRST_ANSWER_WITHIN: Duration = Duration::from_millis(500);
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Timeout for checking that a stream exists.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Retries `attempt` while the log is not available, for at most [`PATIENCE`]. The argument of
/// `attempt` is its timeout. It is 500 ms at first, because the server may hang, and doubles after
/// each attempt that took that long, up to 5 s.
pub(crate) async fn patiently<T, F>(mut attempt: impl FnMut(Duration) -> F) -> Result<T, LogError>
where
    F: Future<Output = Result<T, LogError>>,
{
    let start = Instant::now();
    let mut tries = 0;
    let mut wait = FIRST_ANSWER_WITHIN;
    loop {
        let begun = Instant::now();
        let outcome = attempt(wait).await;
        if begun.elapsed() >= wait {
            wait = (wait * 2).min(LAST_ANSWER_WITHIN);
        }
        match outcome {
            Err(LogError::Unavailable(_)) if start.elapsed() < PATIENCE => pause(&mut tries).await,
            other => return other,
        }
    }
}

/// Waits 10 ms at the first call and 10 ms longer at each further call, up to 250 ms.
pub(crate) async fn pause(tries: &mut u32) {
    *tries += 1;
    tokio::time::sleep((Duration::from_millis(10) * *tries).min(LONGEST_PAUSE)).await;
}

/// Parses a response of the JetStream API.
pub(super) fn parsed<T: DeserializeOwned>(payload: &[u8]) -> Result<Response<T>, LogError> {
    serde_json::from_slice(payload).map_err(|error| {
        LogError::Unavailable(format!("the server's response is not readable: {error}"))
    })
}

/// Finds the cause of a "no responders" error: the stream does not exist, or it has no leader.
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
    LogError::Unavailable("the stream does not respond; it may be electing a leader".to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn timeout_grows_only_after_a_timeout() {
        let waits = RefCell::new(Vec::new());
        let outcome = patiently(|wait| {
            waits.borrow_mut().push(wait);
            let count = waits.borrow().len();
            async move {
                match count {
                    5 => Ok(()),
                    4 => {
                        let answer = std::future::pending::<()>();
                        let late = tokio::time::timeout(wait, answer).await;
                        late.map_err(|error| LogError::Unavailable(error.to_string()))
                    }
                    _ => Err(LogError::Unavailable("lagging".to_owned())),
                }
            }
        });
        outcome.await.expect("the last attempt succeeds");
        let [quick @ .., last] = &*waits.borrow() else {
            panic!("no attempt")
        };
        assert!(quick.iter().all(|wait| *wait == FIRST_ANSWER_WITHIN));
        assert_eq!(*last, FIRST_ANSWER_WITHIN * 2);
    }
}
