//! Forgetting what has expired.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_util::sync::CancellationToken;

use crate::database;

/// Forgets what has expired, now and every hour. A database that is away only means later.
pub(super) async fn forget_hourly(
    pool: Pool,
    namespace: String,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let mut hours = tokio::time::interval(Duration::from_secs(3_600));
    while shutdown.run_until_cancelled(hours.tick()).await.is_some() {
        match database::forget_expired_answers(&pool, &namespace).await {
            Ok(0) => {}
            Ok(answers) => tracing::info!(answers, "expired answers are forgotten"),
            Err(error) => tracing::warn!(%error, "expired answers can't be forgotten now"),
        }
    }
    Ok(())
}
