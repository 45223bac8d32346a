//! Who reads these tables? Each running program says so by locks that PostgreSQL takes back when the
//! program ends, however it ends. Clean-up drops only what nobody holds.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object, Pool, Transaction};
use tokio_util::sync::CancellationToken;

use super::set::ProjectionSet;
use crate::database::DatabaseError;

/// How often to look whether the connection that holds the locks is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Says that this process reads, or keeps, the tables of its projections. Ends when dropped.
pub struct Presence {
    pool: Pool,
    set: Arc<ProjectionSet>,
    /// A connection that belongs to no pool any more.
    client: ClientWrapper,
}

impl Presence {
    /// Takes the locks. Waits where a clean-up is just dropping tables of these projections.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn announce(pool: Pool, set: Arc<ProjectionSet>) -> Result<Self, DatabaseError> {
        let client = lock(&pool, &set).await?;
        Ok(Self { pool, set, client })
    }

    /// Keeps the locks until `shutdown`, and takes them again after the database was away.
    pub async fn keep(mut self, shutdown: CancellationToken) {
        let keep = async {
            loop {
                tokio::time::sleep(LOOK).await;
                if !self.client.is_closed() {
                    continue;
                }
                match lock(&self.pool, &self.set).await {
                    Ok(client) => self.client = client,
                    Err(error) => tracing::warn!(%error, "can't tell clean-up which tables are in use"),
                }
            }
        };
        let _: Option<()> = shutdown.run_until_cancelled(keep).await;
    }
}

async fn lock(pool: &Pool, set: &ProjectionSet) -> Result<ClientWrapper, DatabaseError> {
    let client = pool.get().await?;
    let keys: Vec<String> = set.members().iter().map(|member| key(&member.schema)).collect();
    let sql = "SELECT pg_advisory_lock_shared(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key";
    client.query(sql, &[&keys]).await?;
    Ok(Object::take(client))
}

/// Whether no program reads or keeps the tables in this schema; until the transaction ends, none
/// that begins to gets any further.
pub(super) async fn is_free(transaction: &Transaction<'_>, schema: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))";
    Ok(transaction.query_one(sql, &[&key(schema)]).await?.try_get(0)?)
}

fn key(schema: &str) -> String {
    format!("{schema} is in use")
}
