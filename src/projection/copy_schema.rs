//! The schemas that copies are filled in, and the note in each of how far its rows are.
//!
//! Until it is finished, a copy is not logged by PostgreSQL, and its note neither: a server that
//! crashes empties both, and the copy begins anew. A process that dies leaves both as its last
//! transaction made them, and the next one goes on from there.

use deadpool_postgres::Transaction;
use time::OffsetDateTime;

use super::checkpoints::{create_tables, microseconds, to_sql};
use super::set::Member;
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};

/// Half of each page stays free while a copy is filled, so that the next event of a row finds room
/// beside it and no index needs to be told.
const ROOMY: &str = "fillfactor=50";

/// What a copy's note says.
#[derive(Debug)]
pub(super) struct Note {
    /// The last event that the copy's rows contain.
    pub(super) position: Position,
    /// Whether it is logged, and has the indexes that reading needs.
    pub(super) finished: bool,
    log_created: OffsetDateTime,
    purpose: String,
}

/// What a copy is filled for: another piece of work must not go on with it.
#[derive(Debug)]
pub(super) struct Purpose {
    /// `rebuild`, `verify`, or up to when or where.
    pub(super) what: String,
    /// A copy that is beyond this position is of no use.
    pub(super) limit: Position,
}

impl Note {
    /// Whether a copy of this log may go on from here.
    pub(super) fn fits(&self, log: &LogInfo, purpose: &Purpose) -> bool {
        microseconds(self.log_created) == microseconds(log.created)
            && self.purpose == purpose.what
            && self.position <= purpose.limit
    }
}

/// Whether there is a schema of that name.
pub(super) async fn exists(transaction: &Transaction<'_>, schema: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    Ok(transaction.query_one(sql, &[&schema]).await?.try_get(0)?)
}

/// Whether there is an unfinished copy in the schema, of whatever projections.
pub(super) async fn is_copy(transaction: &Transaction<'_>, schema: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT to_regclass(format('%I.copy_progress', $1::text)) IS NOT NULL";
    Ok(transaction.query_one(sql, &[&schema]).await?.try_get(0)?)
}

/// What the note in this schema says about a member, if it is one of the same fingerprint.
pub(super) async fn note(
    transaction: &Transaction<'_>,
    schema: &str,
    member: &Member,
) -> Result<Option<Note>, DatabaseError> {
    if !is_copy(transaction, schema).await? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT position, finished, log_created, purpose FROM \"{schema}\".copy_progress WHERE fingerprint = $1"
    );
    let Some(row) = transaction.query_opt(&sql, &[&member.fingerprint]).await? else { return Ok(None) };
    let position = Position::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
    let (finished, log_created, purpose) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    Ok(Some(Note { position, finished, log_created, purpose }))
}

/// Makes a member's empty tables in a schema, which may hold those of others already.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    schema: &str,
    member: &Member,
    log: &LogInfo,
    purpose: &Purpose,
) -> Result<(), DatabaseError> {
    let before = tables(transaction, schema).await?;
    create_tables(transaction, schema, &member.projection.tables_sql).await?;
    let mut own = tables(transaction, schema).await?;
    own.retain(|table| !before.contains(table));
    for table in &own {
        let sql = format!("ALTER TABLE \"{table}\" SET UNLOGGED; ALTER TABLE \"{table}\" SET ({ROOMY});");
        transaction.batch_execute(&sql).await?;
    }
    let sql = "CREATE UNLOGGED TABLE IF NOT EXISTS copy_progress (
        fingerprint text PRIMARY KEY, tables text[] NOT NULL, log_created timestamptz NOT NULL, purpose text NOT NULL,
        position bigint NOT NULL DEFAULT 0, finished boolean NOT NULL DEFAULT false
    )";
    transaction.batch_execute(sql).await?;
    let sql = "INSERT INTO copy_progress (fingerprint, tables, log_created, purpose) VALUES ($1, $2, $3, $4)";
    transaction.execute(sql, &[&member.fingerprint, &own, &log.created, &purpose.what]).await?;
    Ok(())
}

async fn tables(transaction: &Transaction<'_>, schema: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1";
    let rows = transaction.query(sql, &[&schema]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Notes how far a member's rows are. The search path begins with the copy's schema.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    member: &Member,
    position: Position,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE copy_progress SET position = $2 WHERE fingerprint = $1";
    let statement = transaction.prepare_cached(sql).await?;
    transaction.execute(&statement, &[&member.fingerprint, &to_sql(position)]).await?;
    Ok(())
}

/// Makes a member's tables, which are filled, what live tables are: dense and logged, with the indexes
/// that reading needs, and known to the planner.
pub(super) async fn finish(
    transaction: &Transaction<'_>,
    schema: &str,
    member: &Member,
) -> Result<(), DatabaseError> {
    // Rewriting and sorting millions of rows takes longer than any other statement may.
    let settings = format!(
        "SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '128MB';
         SET LOCAL search_path = \"{schema}\";"
    );
    transaction.batch_execute(&settings).await?;
    let sql = "UPDATE copy_progress SET finished = true WHERE fingerprint = $1 RETURNING tables";
    let own: Vec<String> = transaction.query_one(sql, &[&member.fingerprint]).await?.try_get(0)?;
    for table in &own {
        let sql = format!("ALTER TABLE \"{table}\" RESET (fillfactor); ALTER TABLE \"{table}\" SET LOGGED;");
        transaction.batch_execute(&sql).await?;
    }
    transaction.batch_execute(&member.projection.indexes_sql).await?;
    for table in &own {
        transaction.batch_execute(&format!("ANALYZE \"{table}\"")).await?;
    }
    Ok(())
}

/// Drops a copy: nothing else is in its schema.
pub(super) async fn drop(transaction: &Transaction<'_>, schema: &str) -> Result<(), DatabaseError> {
    Ok(transaction.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")).await?)
}

/// What removes the note, once a copy is one no more.
pub(super) fn forget(schema: &str) -> String {
    format!("DROP TABLE \"{schema}\".copy_progress;")
}
