//! Read query for work without progress.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{query, row};
use crate::database::DatabaseError;

row! {
    /// Aggregate whose work may be lost.
    pub struct StuckRow {
        /// Name of the worker.
        pub worker: String,
        /// Kind of the aggregate.
        pub aggregate: String,
        /// Id of the aggregate.
        pub id: Uuid,
    }
}

/// Positions up to which the workers have acknowledged all events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Position of the renderer.
    pub renderer: i64,
    /// Position of the importer.
    pub importer: i64,
    /// Position of the process managers.
    pub processes: i64,
    /// Position of the mailer.
    pub mailer: i64,
}

/// Returns work that is unchanged since `before`, at most `most` of each kind, oldest first.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn stuck(
    client: &impl GenericClient,
    before: OffsetDateTime,
    most: i64,
    acknowledged: Acknowledged,
) -> Result<Vec<StuckRow>, DatabaseError> {
    let Acknowledged {
        renderer,
        importer,
        processes,
        mailer,
    } = acknowledged;
    let sql = include_str!("../../../projections/overview/list_stuck_work.sql");
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&before, &most, &renderer, &importer, &processes, &mailer];
    query(client, sql, &parameters).await
}
