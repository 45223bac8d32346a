//! Locks that show which programs are running, for clean-up. Each program has shared advisory locks
//! on its schemas, which PostgreSQL releases when the connection ends. Clean-up drops only schemas
//! that no program has locked.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object, Pool, Transaction};
use tokio_util::sync::CancellationToken;

use crate::database::DatabaseError;
use crate::projection::set::ProjectionSet;

/// Interval at which the connection with the locks is checked.
const LOOK: Duration = Duration::from_secs(1);

/// Locks that show that this process uses the tables of its projections. Dropping this value
/// releases them.
pub struct Presence {
    pool: Pool,
    set: Arc<ProjectionSet>,
    /// Connection that was removed from the pool.
    client: ClientWrapper,
}

impl Presence {
    /// Acquires the locks. Waits while a clean-up drops tables of these projections.
    ///
    /// # Errors
    /// Fails if the database is unavailable.
    pub async fn announce(pool: Pool, set: Arc<ProjectionSet>) -> Result<Self, DatabaseError> {
        let client = lock(&pool, &set).await?;
        Ok(Self { pool, set, client })
    }

    /// Keeps the locks until `shutdown`. Acquires them again if the connection was lost.
    pub async fn keep(mut self, shutdown: CancellationToken) {
        let keep = async {
            loop {
                tokio::time::sleep(LOOK).await;
                if !self.client.is_closed() {
                    continue;
                }
                match lock(&self.pool, &self.set).await {
                    Ok(client) => self.client = client,
                    Err(error) => tracing::warn!(%error, "presence locks not available, retrying"),
                }
            }
        };
        let _: Option<()> = shutdown.run_until_cancelled(keep).await;
    }
}

async fn lock(pool: &Pool, set: &ProjectionSet) -> Result<ClientWrapper, DatabaseError> {
    let client = pool.get().await?;
    let keys: Vec<String> = set
        .members()
        .iter()
        .map(|member| key(&member.schema))
        .collect();
    let sql =
        "SELECT pg_advisory_lock_shared(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key";
    client.query(sql, &[&keys]).await?;
    Ok(Object::take(client))
}

/// Returns true if no program uses the tables in this schema. In that case, no program can acquire
/// its lock until the end of the transaction.
pub(in crate::projection) async fn is_free(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<bool, DatabaseError> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))";
    Ok(transaction
        .query_one(sql, &[&key(schema)])
        .await?
        .try_get(0)?)
}

fn key(schema: &str) -> String {
    format!("{schema} is in use")
}
