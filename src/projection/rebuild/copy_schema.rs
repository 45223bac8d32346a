//! Schemas of copies. The table `copy_progress` in each schema stores the position of the copied
//! rows.
//!
//! Until a copy is finished, its tables and `copy_progress` are `UNLOGGED`. If the database server
//! crashes, all of them are emptied, and the copy starts again from the beginning. If only this
//! process ends, they contain its last transaction, and the next process resumes the copy.

use deadpool_postgres::Transaction;
use time::OffsetDateTime;

use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};
use crate::projection::checkpoints::{create_tables, microseconds, to_sql};
use crate::projection::set::Member;

/// Fill factor while a copy is filled. If half of each page is free, an updated row stays on its
/// page and needs no new index entry (heap-only tuple).
const ROOMY: &str = "fillfactor=50";

/// Progress of a copy, as stored in `copy_progress`.
#[derive(Debug)]
pub(in crate::projection) struct Note {
    /// Position of the last event that the copied rows contain.
    pub(in crate::projection) position: Position,
    /// True if the tables are logged and have their indexes.
    pub(in crate::projection) finished: bool,
    log_created: OffsetDateTime,
    purpose: String,
}

/// Purpose of a copy. Only an operation with the same purpose resumes a copy.
#[derive(Debug)]
pub(in crate::projection) struct Purpose {
    /// `rebuild`, `verify`, or the `until` of a
    /// [`Maintenance::rebuild_into`](crate::projection::Maintenance::rebuild_into).
    pub(in crate::projection) what: String,
    /// Highest position that the copy may have. A copy beyond it can't be resumed.
    pub(in crate::projection) limit: Position,
}

impl Note {
    /// Returns true if the copy was filled from this log, has this purpose, and is not beyond the
    /// limit.
    pub(in crate::projection) fn fits(&self, log: &LogInfo, purpose: &Purpose) -> bool {
        microseconds(self.log_created) == microseconds(log.created)
            && self.purpose == purpose.what
            && self.position <= purpose.limit
    }
}

/// Returns true if the schema exists.
pub(in crate::projection) async fn exists(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<bool, DatabaseError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    Ok(transaction.query_one(sql, &[&schema]).await?.try_get(0)?)
}

/// Returns true if the schema contains an unfinished copy of any projections.
pub(in crate::projection) async fn is_copy(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<bool, DatabaseError> {
    let sql = "SELECT to_regclass(format('%I.copy_progress', $1::text)) IS NOT NULL";
    Ok(transaction.query_one(sql, &[&schema]).await?.try_get(0)?)
}

/// Returns the progress of a member, if the schema contains a copy with the member's fingerprint.
pub(in crate::projection) async fn note(
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
    let Some(row) = transaction.query_opt(&sql, &[&member.fingerprint]).await? else {
        return Ok(None);
    };
    let position = Position::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
    let finished = row.try_get(1)?;
    let log_created = row.try_get(2)?;
    let purpose = row.try_get(3)?;
    Ok(Some(Note {
        position,
        finished,
        log_created,
        purpose,
    }))
}

/// Creates the empty tables of a member in a schema, which may already contain tables of other
/// members.
pub(in crate::projection) async fn create(
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
        let sql =
            format!("ALTER TABLE \"{table}\" SET UNLOGGED; ALTER TABLE \"{table}\" SET ({ROOMY});");
        transaction.batch_execute(&sql).await?;
    }
    let sql = "CREATE UNLOGGED TABLE IF NOT EXISTS copy_progress (
        fingerprint text PRIMARY KEY, tables text[] NOT NULL, log_created timestamptz NOT NULL, purpose text NOT NULL,
        position bigint NOT NULL DEFAULT 0, finished boolean NOT NULL DEFAULT false
    )";
    transaction.batch_execute(sql).await?;
    let sql = "INSERT INTO copy_progress (fingerprint, tables, log_created, purpose) VALUES ($1, $2, $3, $4)";
    transaction
        .execute(
            sql,
            &[&member.fingerprint, &own, &log.created, &purpose.what],
        )
        .await?;
    Ok(())
}

async fn tables(transaction: &Transaction<'_>, schema: &str) -> Result<Vec<String>, DatabaseError> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1";
    let rows = transaction.query(sql, &[&schema]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Stores the position of a member's rows. The search path must begin with the schema of the copy.
pub(in crate::projection) async fn advance(
    transaction: &Transaction<'_>,
    member: &Member,
    position: Position,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE copy_progress SET position = $2 WHERE fingerprint = $1";
    let statement = transaction.prepare_cached(sql).await?;
    transaction
        .execute(&statement, &[&member.fingerprint, &to_sql(position)])
        .await?;
    Ok(())
}

/// Converts the filled tables of a member to regular tables: compacted, logged, indexed and
/// analysed.
pub(in crate::projection) async fn finish(
    transaction: &Transaction<'_>,
    schema: &str,
    member: &Member,
) -> Result<(), DatabaseError> {
    // Rewriting and sorting millions of rows may exceed the statement timeout.
    let settings = format!(
        "SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '128MB';
         SET LOCAL search_path = \"{schema}\";"
    );
    transaction.batch_execute(&settings).await?;
    let sql = "UPDATE copy_progress SET finished = true WHERE fingerprint = $1 RETURNING tables";
    let own: Vec<String> = transaction
        .query_one(sql, &[&member.fingerprint])
        .await?
        .try_get(0)?;
    for table in &own {
        let sql = format!(
            "ALTER TABLE \"{table}\" RESET (fillfactor); ALTER TABLE \"{table}\" SET LOGGED;"
        );
        transaction.batch_execute(&sql).await?;
    }
    transaction
        .batch_execute(&member.projection.indexes_sql)
        .await?;
    for table in &own {
        transaction
            .batch_execute(&format!("ANALYZE \"{table}\""))
            .await?;
    }
    Ok(())
}

/// Drops the schema of a copy with all its tables.
pub(in crate::projection) async fn drop(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<(), DatabaseError> {
    Ok(transaction
        .batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE"))
        .await?)
}

/// Returns the SQL that drops `copy_progress`, for a copy that becomes a live schema.
pub(in crate::projection) fn forget(schema: &str) -> String {
    format!("DROP TABLE \"{schema}\".copy_progress;")
}
