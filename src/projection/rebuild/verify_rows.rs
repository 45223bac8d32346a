//! Compares a table with its copy. First compares digests; if they differ, compares keys to find
//! the first row that differs.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio_postgres::Row;

use super::verify::Difference;
use crate::database::DatabaseError;
use crate::event_log::Position;

/// Table and its primary key.
pub(in crate::projection) struct Table {
    name: String,
    /// SQL expression that gives the key columns as a JSON array.
    key: String,
}

/// One side of the comparison: a transaction, and the schema that it reads.
pub(in crate::projection) type Side<'a> = (&'a Transaction<'a>, &'a str);

/// Returns the tables of a copy.
pub(in crate::projection) async fn tables(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<Vec<Table>, DatabaseError> {
    let sql = "SELECT class.relname::text, (
             SELECT 'jsonb_build_array(' || string_agg(quote_ident(attname), ', ' ORDER BY place) || ')'
             FROM pg_index, unnest(indkey) WITH ORDINALITY AS part(attnum, place)
             JOIN pg_attribute USING (attnum)
             WHERE indrelid = class.oid AND indisprimary AND attrelid = class.oid
         )
         FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE namespace.nspname = $1 AND class.relkind = 'r' AND relname <> 'copy_progress' ORDER BY 1";
    let rows = transaction.query(sql, &[&schema]).await?;
    let table = |row: &Row| {
        let key: Option<String> = row.try_get(1)?;
        // Without a primary key, the hash of the row identifies it and reveals no values.
        let hash = || "jsonb_build_array(hashtextextended(side::text, 0))".to_owned();
        Ok(Table {
            name: row.try_get(0)?,
            key: key.unwrap_or_else(hash),
        })
    };
    rows.iter().map(table).collect()
}

/// Returns the number of rows of a table, and a digest of all rows. The digest doesn't depend on
/// the order of the rows.
pub(in crate::projection) async fn digest(
    transaction: &Transaction<'_>,
    schema: &str,
    table: &Table,
) -> Result<(u64, String), DatabaseError> {
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(side::text, 0)::numeric), 0)::text
             || '/' || coalesce(bit_xor(hashtextextended(side::text, 1)), 0)::text
         FROM \"{schema}\".\"{}\" AS side",
        table.name
    );
    let row = transaction.query_one(&sql, &[]).await?;
    Ok((
        u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0),
        row.try_get(1)?,
    ))
}

/// Returns the first difference between both sides, in key order.
pub(in crate::projection) async fn first_difference(
    live: Side<'_>,
    fresh: Side<'_>,
    table: &Table,
) -> Result<Option<Difference>, DatabaseError> {
    let left = keys_of(live, table).await?;
    let right = keys_of(fresh, table).await?;
    let Some((key, kind)) = first_key(left, right).await? else {
        return Ok(None);
    };
    let live = columns(live, table, &key).await?;
    let fresh = columns(fresh, table, &key).await?;
    let differ =
        |name: &&String| kind == "changed" && live.hashes.get(*name) != fresh.hashes.get(*name);
    Ok(Some(Difference {
        table: table.name.clone(),
        kind,
        columns: live.hashes.keys().filter(differ).cloned().collect(),
        live_position: live.position,
        log_position: fresh.position,
        key,
    }))
}

/// Hashes of the columns of a row, and the position of the row.
#[derive(Default)]
struct Columns {
    hashes: BTreeMap<String, Option<i64>>,
    position: Option<Position>,
}

/// Returns the hashes of the columns of a row, and the position of the last event in the row. The
/// values are not sent by the database.
async fn columns(
    (transaction, schema): Side<'_>,
    table: &Table,
    key: &str,
) -> Result<Columns, DatabaseError> {
    let sql = format!(
        "SELECT field.key, hashtextextended(field.value, 0),
             CASE field.key WHEN 'position' THEN field.value::bigint END
         FROM \"{schema}\".\"{}\" AS side, jsonb_each_text(to_jsonb(side)) AS field
         WHERE {}::text = $1",
        table.name, table.key
    );
    let mut columns = Columns::default();
    for row in transaction.query(&sql, &[&key]).await? {
        columns.hashes.insert(row.try_get(0)?, row.try_get(1)?);
        if let Some(position) = row.try_get::<_, Option<i64>>(2)? {
            columns.position = Position::try_from(position).ok();
        }
    }
    Ok(columns)
}

/// Streams the keys and the hashes of the rows in key order.
async fn keys_of(
    (transaction, schema): Side<'_>,
    table: &Table,
) -> Result<impl Stream<Item = Result<(String, i64), DatabaseError>> + use<>, DatabaseError> {
    let sql = format!(
        "SELECT {key}::text, hashtextextended(side::text, 0) FROM \"{schema}\".\"{}\" AS side
         ORDER BY {key}::text COLLATE \"C\"",
        table.name,
        key = table.key
    );
    let rows = transaction
        .query_raw(&sql, std::iter::empty::<i32>())
        .await?;
    Ok(rows.map(|row| {
        let row = row?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }))
}

/// Compares both sides in key order. Returns the first key that differs, and the kind of
/// difference.
async fn first_key(
    live: impl Stream<Item = Result<(String, i64), DatabaseError>>,
    fresh: impl Stream<Item = Result<(String, i64), DatabaseError>>,
) -> Result<Option<(String, &'static str)>, DatabaseError> {
    let mut live = std::pin::pin!(live);
    let mut fresh = std::pin::pin!(fresh);
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
