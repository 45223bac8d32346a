//! Work that keeps its slot until it ends, even if its request is cancelled earlier.

use tracing::Instrument as _;

use crate::http::ApiError;

/// Runs `work` in a separate task, and drops `slot` when the work ends. Drawing can't be
/// interrupted. If the request owned the slot, cancelling the request would release the slot while
/// the work is still running.
///
/// # Errors
/// 500 if the work panics or the runtime shuts down.
pub async fn held<T: Send + 'static>(
    slot: impl Send + 'static,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ApiError> {
    let task = async move {
        let done = work.await;
        drop(slot);
        done
    };
    tokio::spawn(task.in_current_span())
        .await
        .map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use futures_util::poll;
    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    #[tokio::test]
    async fn slot_is_held_until_the_work_ends_even_if_the_request_is_dropped() {
        let slots = Arc::new(Semaphore::new(1));
        let (end, ended) = oneshot::channel::<()>();
        let slot = slots.clone().try_acquire_owned().expect("free");
        let mut request = Box::pin(held(slot, ended));
        assert!(matches!(poll!(&mut request), Poll::Pending));
        drop(request);
        assert_eq!(slots.available_permits(), 0);
        end.send(()).expect("the work goes on");
        let _again = slots.acquire().await.expect("free again");
    }
}
