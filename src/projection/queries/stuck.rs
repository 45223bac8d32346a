//! Read query for work that should be under way or done and isn't.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{query, row};
use crate::database::DatabaseError;

row! {
    /// Work that may be stuck.
    pub struct StuckRow {
        /// Name of the worker.
        pub worker: String,
        /// Id of the aggregate.
        pub id: Uuid,
        /// Position of the event from which the work follows.
        pub position: i64,
        /// True if a user wants the work to be stopped.
        pub is_stopping: bool,
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
