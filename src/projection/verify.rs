//! Verify: fills projections anew beside the live tables and compares row by row what both hold.

use std::cmp::Ordering;

use deadpool_postgres::Transaction;
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::Serialize;
use tokio_postgres::{IsolationLevel, Row};

use super::checkpoints;
use super::copy::{Copy, Progress};
use super::maintenance::{Maintenance, MaintenanceError};
use super::set::Member;
use crate::database::DatabaseError;
use crate::event_log::Position;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// One entry per projection.
    pub projections: Vec<Verified>,
}

/// What a verification found about one projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The projection's name.
    pub name: String,
    /// The position at which live tables and copy were compared.
    pub position: Position,
    /// Rows in the live tables.
    pub rows: u64,
    /// Whether every row is as the log says.
    pub equal: bool,
    /// The first difference in each table that differs; no values of rows but their keys.
    pub differences: Vec<Difference>,
}

/// Where a live table differs from what the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The primary key of the first row that differs, as a JSON array.
    pub key: String,
    /// `changed`, `missing` (in the live table) or `unexpected`.
    pub kind: &'static str,
}

/// A table with its primary key.
struct Table {
    name: String,
    /// The key's columns as a JSON array, an SQL expression.
    key: String,
}

impl VerifyReport {
    /// Whether every projection is as the log says.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.projections.iter().all(|projection| projection.equal)
    }
}

impl Maintenance {
    /// Fills these projections (all, where none is named) anew beside the live tables, up to the live
    /// checkpoint, and compares rows. The live side is one snapshot: nobody is held up.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, a name is unknown, the log is not the one that the
    /// tables were filled from, a handler fails, or the database is not available.
    pub async fn verify(
        &self,
        names: &[&str],
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<VerifyReport, MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.verify_all(names, &mut progress).await;
        turn.end().await?;
        result
    }

    async fn verify_all(
        &self,
        names: &[&str],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<VerifyReport, MaintenanceError> {
        let mut projections = Vec::new();
        for group in self.groups(names).await? {
            let copies = || group.iter().map(|member| format!("{}_ver", member.schema));
            self.drop_schemas(copies()).await?;
            let verified = self.verify_group(&group, progress).await;
            self.drop_schemas(copies()).await?;
            projections.extend(verified?);
        }
        projections.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(VerifyReport { projections })
    }

    async fn verify_group(
        &self,
        group: &[&Member],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Vec<Verified>, MaintenanceError> {
        let members = group.iter().map(|member| (*member, format!("{}_ver", member.schema))).collect();
        let mut copy = Copy::create(self, members).await?;
        copy.advance_to(self.lowest(group).await?, progress).await?;

        // From here on the live side stands still: its tables and checkpoints are one snapshot.
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let live = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let live = live.start().await.map_err(DatabaseError::from)?;
        let long = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        live.batch_execute(long).await.map_err(DatabaseError::from)?;
        let mut held = checkpoints::load(&live, &self.set, group).await?;
        held.sort_by_key(|checkpoint| checkpoint.position);
        let mut verified = Vec::new();
        for checkpoint in held {
            copy.advance_to(checkpoint.position, progress).await?;
            let Some(member) = group.iter().find(|m| m.projection.name == checkpoint.projection) else {
                continue;
            };
            verified.push(self.compare(&live, member, checkpoint.position).await?);
            copy.leave(member);
        }
        Ok(verified)
    }

    /// Compares the live tables of a member, as `live` sees them, with its copy.
    async fn compare(
        &self,
        live: &Transaction<'_>,
        member: &Member,
        position: Position,
    ) -> Result<Verified, DatabaseError> {
        let mut client = self.pool.get().await?;
        let fresh = client.build_transaction().read_only(true).start().await?;
        fresh.batch_execute("SET LOCAL statement_timeout = 0").await?;
        let copy = format!("{}_ver", member.schema);
        let (mut rows, mut differences) = (0, Vec::new());
        for table in tables(&fresh, &copy).await? {
            let (count, digest) = digest(live, &member.schema, &table).await?;
            rows += count;
            if self::digest(&fresh, &copy, &table).await? != (count, digest) {
                let left = rows_of(live, &member.schema, &table).await?;
                let right = rows_of(&fresh, &copy, &table).await?;
                let first = first_difference(left, right).await?;
                differences.extend(first.map(|(key, kind)| Difference { table: table.name, key, kind }));
            }
        }
        let name = member.projection.name.clone();
        Ok(Verified { name, position, rows, equal: differences.is_empty(), differences })
    }
}

async fn tables(transaction: &Transaction<'_>, schema: &str) -> Result<Vec<Table>, DatabaseError> {
    let sql = "SELECT class.relname::text, (
             SELECT 'jsonb_build_array(' || string_agg(quote_ident(attname), ', ' ORDER BY place) || ')'
             FROM pg_index, unnest(indkey) WITH ORDINALITY AS part(attnum, place)
             JOIN pg_attribute USING (attnum)
             WHERE indrelid = class.oid AND indisprimary AND attrelid = class.oid
         )
         FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE namespace.nspname = $1 AND class.relkind = 'r' ORDER BY 1";
    let rows = transaction.query(sql, &[&schema]).await?;
    let table = |row: &Row| {
        let key: Option<String> = row.try_get(1)?;
        Ok(Table { name: row.try_get(0)?, key: key.unwrap_or_else(|| "to_jsonb(live)".to_owned()) })
    };
    rows.iter().map(table).collect()
}

/// How many rows a table has, and a number that depends on all of them but not on their order.
async fn digest(
    transaction: &Transaction<'_>,
    schema: &str,
    table: &Table,
) -> Result<(u64, String), DatabaseError> {
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(live::text, 0)::numeric), 0)::text
             || '/' || coalesce(bit_xor(hashtextextended(live::text, 1)), 0)::text
         FROM \"{schema}\".\"{}\" AS live",
        table.name
    );
    let row = transaction.query_one(&sql, &[]).await?;
    Ok((u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0), row.try_get(1)?))
}

/// The rows' keys and hashes, ordered by key.
async fn rows_of(
    transaction: &Transaction<'_>,
    schema: &str,
    table: &Table,
) -> Result<impl Stream<Item = Result<(String, i64), DatabaseError>> + use<>, DatabaseError> {
    let sql = format!(
        "SELECT {key}::text, hashtextextended(live::text, 0) FROM \"{schema}\".\"{}\" AS live
         ORDER BY {key}::text COLLATE \"C\"",
        table.name,
        key = table.key
    );
    let rows = transaction.query_raw(&sql, std::iter::empty::<i32>()).await?;
    Ok(rows.map(|row| {
        let row = row?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }))
}

/// Walks both sides in the order of their keys up to the first difference.
async fn first_difference(
    live: impl Stream<Item = Result<(String, i64), DatabaseError>>,
    fresh: impl Stream<Item = Result<(String, i64), DatabaseError>>,
) -> Result<Option<(String, &'static str)>, DatabaseError> {
    let (mut live, mut fresh) = (std::pin::pin!(live), std::pin::pin!(fresh));
    loop {
        let found = match (live.try_next().await?, fresh.try_next().await?) {
            (None, None) => return Ok(None),
            (Some((key, _)), None) => (key, "unexpected"),
            (None, Some((key, _))) => (key, "missing"),
            (Some((key, hash)), Some((expected, expected_hash))) => {
                match key.as_bytes().cmp(expected.as_bytes()) {
                    Ordering::Less => (key, "unexpected"),
                    Ordering::Greater => (expected, "missing"),
                    Ordering::Equal if hash != expected_hash => (key, "changed"),
                    Ordering::Equal => continue,
                }
            }
        };
        return Ok(Some(found));
    }
}
