//! Blocking work on several items. A panic at one item does not affect the others.

use std::sync::Arc;

use tokio::task::spawn_blocking;

/// Runs `work` on a blocking thread and returns one result per item, in order. If `work` panics, it
/// is run again for each item alone, and an item at which it panics yields `None`. Returns an empty
/// vector during shutdown.
pub(super) async fn apart<T, R>(
    pieces: Vec<T>,
    work: impl Fn(&[T]) -> Vec<R> + Send + Sync + 'static,
) -> Vec<Option<R>>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
{
    let pieces = Arc::new(pieces);
    let work = Arc::new(work);
    let of = |range: std::ops::Range<usize>| {
        let pieces = pieces.clone();
        let work = work.clone();
        spawn_blocking(move || work(&pieces[range]))
    };
    match of(0..pieces.len()).await {
        Ok(done) => return done.into_iter().map(Some).collect(),
        Err(error) if !error.is_panic() => return Vec::new(),
        Err(_) => {}
    }
    tracing::error!(
        pieces = pieces.len(),
        "drawing panicked, retrying one by one"
    );
    let mut done = Vec::with_capacity(pieces.len());
    for n in 0..pieces.len() {
        done.push(of(n..n + 1).await.ok().and_then(|mut one| one.pop()));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panicking_item_does_not_affect_others() {
        let half = |numbers: &[u32]| {
            numbers
                .iter()
                .map(|n| {
                    assert!(n % 2 == 0, "odd");
                    n / 2
                })
                .collect()
        };
        assert_eq!(apart(vec![2, 4], half).await, [Some(1), Some(2)]);
        assert_eq!(apart(vec![2, 3, 8], half).await, [Some(1), None, Some(4)]);
        assert_eq!(apart(Vec::new(), half).await, []);
    }
}
