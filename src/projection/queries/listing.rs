//! Lists with filters, sort order and pages, for all tables.
//!
//! SQL consists of constant strings only, and values from clients are bound as parameters. A page
//! starts after the last row of the previous page, which is identified by its sort key and a
//! tie-breaker (keyset pagination). So pages stay correct when rows are added or removed, and every
//! page takes the same time as the first one.

use std::borrow::Cow;
use std::fmt::Write as _;

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::creation::Growing;
use super::filters::Filter;
use super::{FromRow, query_opt};
use crate::database::DatabaseError;

/// Maximum number of search words. Further words are ignored.
const MAX_WORDS: usize = 8;
/// Maximum number of rows that are sorted for a page, according to the planner's estimate.
const MAX_SORTED: i64 = 100_000;
/// The same for the order of creation, which the indexes of most filters have.
const MAX_SORTED_BY_CREATION: i64 = 20_000;
/// Maximum number of matches that are counted. Exact counts above it would take too long.
pub const MAX_COUNTED: i64 = 10_000;

/// Declaration of a list. Its query parameters, the fields of its JSON filter, its SQL statements
/// and its description in the OpenAPI document are derived from it.
#[derive(Debug)]
pub struct List {
    /// Source of the rows.
    pub table: Table,
    /// Plural noun of the rows in names of schemas, such as `Jobs`.
    pub noun: &'static str,
    /// Column with the time of creation.
    pub created: &'static str,
    /// Column with the position of the last change.
    pub changed: &'static str,
    /// Texts to sort by: the name of the sort key, and a text without nulls, collated by bytes. That
    /// is a column with an index, or an expression if there are few rows.
    pub texts: &'static [(&'static str, &'static str)],
    /// Filters, besides those by the time of creation.
    pub filters: &'static [Filter],
}

/// Row of a list that the API serves.
pub trait Listed: FromRow {
    /// Declaration of the list.
    const LIST: &'static List;
}

impl List {
    /// Returns all filters.
    pub fn filters(&self) -> impl Iterator<Item = Filter> {
        let growing = Growing {
            table: self.table,
            changed: self.changed,
        };
        let created = Filter::created(self.created, Some(growing));
        self.filters.iter().copied().chain(created)
    }

    /// Returns the names of the sort keys.
    pub fn sort_names(&self) -> impl Iterator<Item = &'static str> {
        let texts = self.texts.iter().map(|(name, _)| *name);
        ["createdAt", "updatedAt"].into_iter().chain(texts)
    }

    /// Returns the sort key with this name, if any.
    #[must_use]
    pub fn sort_key(&self, name: &str) -> Option<SortKey> {
        match name {
            "createdAt" => Some(SortKey::Position(self.table.tie)),
            "updatedAt" => Some(SortKey::Position(self.changed)),
            _ => {
                let text = self.texts.iter().find(|(text, _)| *text == name);
                text.map(|(_, column)| SortKey::Text(column))
            }
        }
    }
}

/// Returns the row with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get<T: Listed>(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<T>, DatabaseError> {
    let Table { columns, from, .. } = T::LIST.table;
    let name = from.split(' ').next().unwrap_or(from);
    query_opt(
        client,
        &format!("SELECT {columns} FROM {from} WHERE {name}.id = $1"),
        &[&id],
    )
    .await
}

/// Source of a list's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// SQL of the columns, as after `SELECT`.
    pub columns: &'static str,
    /// SQL of the table, as after `FROM`.
    pub from: &'static str,
    /// Tie-breaker: a unique `bigint` column that never changes. Newer rows have greater values.
    pub tie: &'static str,
}

/// Sort key of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// Unique `bigint` column that is a position in the log.
    Position(&'static str),
    /// Text without nulls in byte order. Either a column with an index, or an expression if there
    /// are only few rows.
    Text(&'static str),
}

/// Order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Sort key.
    pub key: SortKey,
    /// True if the greatest value is first.
    pub descending: bool,
}

/// Last row of a page. The next page starts after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// Sort key of the row, if it is a text.
    pub text: Option<String>,
    /// Sort key of the row if it is a position, otherwise the tie-breaker.
    pub number: i64,
}

/// Start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The first row.
    First,
    /// The row after this one.
    After(Last),
    /// Skips this number of rows. Use it for small numbers only, because skipped rows are also
    /// read.
    Skip(i64),
}

/// Page of a list.
#[derive(Clone, Debug)]
pub struct Part<T> {
    /// Rows of the page.
    pub items: Vec<T>,
    /// Last row of the page, if more rows follow.
    pub last: Option<Last>,
}

/// Filter of a list. A row must meet all conditions.
#[derive(Debug, Default)]
pub struct Conditions(Vec<Condition>);

/// Type of a condition's value.
pub(super) type BoundValue = Box<dyn ToSql + Sync + Send>;

#[derive(Debug)]
struct Condition {
    /// `$$` is the placeholder of the value, and `$now` that of the current time.
    sql: Cow<'static, str>,
    value: Option<BoundValue>,
    now: Option<OffsetDateTime>,
}

impl Conditions {
    /// Adds a condition with one value. `$$` is the placeholder for the value, followed by its
    /// type, for example `$$::uuid`.
    #[must_use]
    pub fn and(self, sql: &'static str, value: impl ToSql + Sync + Send + 'static) -> Self {
        self.add(sql, Some(Box::new(value)), None)
    }

    /// Adds a condition on the current time, `$now`. The time is not part of the list's identity,
    /// so that a cursor stays valid.
    #[must_use]
    pub fn now(self, sql: &'static str, now: OffsetDateTime) -> Self {
        self.add(sql, None, Some(now))
    }

    pub(super) fn add(
        mut self,
        sql: impl Into<Cow<'static, str>>,
        value: Option<BoundValue>,
        now: Option<OffsetDateTime>,
    ) -> Self {
        let sql = sql.into();
        self.0.push(Condition { sql, value, now });
        self
    }

    /// Adds a condition if `value` is given.
    #[must_use]
    pub fn maybe(
        self,
        sql: &'static str,
        value: Option<impl ToSql + Sync + Send + 'static>,
    ) -> Self {
        match value {
            Some(value) => self.and(sql, value),
            None => self,
        }
    }

    /// Adds the condition once for each word in `text`.
    #[must_use]
    pub fn words(self, sql: &'static str, text: &str) -> Self {
        let words = text.split_whitespace().take(MAX_WORDS);
        words.fold(self, |conditions, word| {
            conditions.and(sql, word.to_owned())
        })
    }

    /// Returns true if there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a description of the conditions that identifies the list. It contains values from
    /// the client.
    #[must_use]
    pub fn identity(&self) -> String {
        let identity = |one: &Condition| format!("{:?} {:?}", one.sql, one.value);
        self.0.iter().map(identity).collect::<Vec<_>>().join(", ")
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut values: Vec<&(dyn ToSql + Sync)> = Vec::new();
        for condition in &self.0 {
            if let Some(value) = &condition.value {
                values.push(&**value);
            }
            if let Some(now) = &condition.now {
                values.push(now);
            }
        }
        values
    }

    /// Returns the `WHERE` clause. The values are `$1` and following.
    fn sql(&self) -> String {
        let mut sql = String::from(" WHERE true");
        let mut number = 0;
        for condition in &self.0 {
            let mut numbered = condition.sql.to_string();
            if condition.value.is_some() {
                number += 1;
                numbered = numbered.replace("$$", &format!("${number}"));
            }
            if condition.now.is_some() {
                number += 1;
                numbered = numbered.replace("$now", &format!("${number}"));
            }
            // Writing into a String can't fail.
            let _ = write!(sql, " AND ({numbered})");
        }
        sql
    }
}

impl SortKey {
    const fn column(self) -> &'static str {
        match self {
            Self::Position(column) | Self::Text(column) => column,
        }
    }
}

/// Returns a page of at most `limit` rows.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn list<T: FromRow>(
    client: &impl GenericClient,
    table: &Table,
    conditions: &Conditions,
    order: Order,
    start: &Start,
    limit: u32,
) -> Result<Part<T>, DatabaseError> {
    // One row more than `limit` shows that another page follows.
    let fetch = i64::from(limit) + 1;
    let sorts = sorts(client, table, conditions, order).await?;
    let (sql, number, text) = statement(table, conditions, order, start, sorts);
    let mut values = conditions.values();
    values.push(&fetch);
    if let Some(number) = &number {
        values.push(number);
    }
    if let Some(text) = &text {
        values.push(text);
    }
    // The best plan depends on the values of the conditions, and a cached plan doesn't.
    let mut rows = if conditions.is_empty() {
        client
            .query(&client.prepare_cached(&sql).await?, &values)
            .await?
    } else {
        client.query(&sql, &values).await?
    };
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows
        .last()
        .filter(|_| more)
        .map(|row| last_of(row, order.key))
        .transpose()?;
    Ok(Part {
        items: rows.iter().map(T::from_row).collect::<Result<_, _>>()?,
        last,
    })
}

/// Returns the number of rows that meet the conditions, or `None` if there are more than
/// [`MAX_COUNTED`].
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn count(
    client: &impl GenericClient,
    table: &Table,
    conditions: &Conditions,
) -> Result<Option<i64>, DatabaseError> {
    let from = table.from;
    let conditions_sql = conditions.sql();
    let most = MAX_COUNTED + 1;
    let sql =
        format!("SELECT count(*) FROM (SELECT FROM {from}{conditions_sql} LIMIT {most}) AS found");
    let found: i64 = client
        .query_one(&sql, &conditions.values())
        .await?
        .try_get(0)?;
    Ok((found < most).then_some(found))
}

/// Returns the statement that reads all rows, oldest first, and its values. Use it to stream the
/// rows.
pub fn all<'c>(table: &Table, conditions: &'c Conditions) -> (String, Vec<&'c (dyn ToSql + Sync)>) {
    let Table { columns, from, tie } = table;
    let sql = format!(
        "SELECT {columns} FROM {from}{} ORDER BY {tie}",
        conditions.sql()
    );
    (sql, conditions.values())
}

/// Returns the values of the first column, which must be an id, for the oldest `most` rows.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn ids(
    client: &impl GenericClient,
    table: &Table,
    conditions: &Conditions,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    let (sql, values) = all(table, conditions);
    let rows = client
        .query(&format!("{sql} LIMIT {most}"), &values)
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?)
}

/// Returns true if the rows that meet the conditions must be sorted for a page.
///
/// The planner expects such rows anywhere in an index of the sort key and reads the index until it
/// has found a page. But the rows of a batch are next to each other in the order of changes, and
/// equal first names in that of names, so the whole index may have to be read. Its estimate of the
/// number of rows is good.
async fn sorts(
    client: &impl GenericClient,
    table: &Table,
    conditions: &Conditions,
    order: Order,
) -> Result<bool, DatabaseError> {
    if conditions.is_empty() {
        return Ok(false);
    }
    let most = if order.key == SortKey::Position(table.tie) {
        MAX_SORTED_BY_CREATION
    } else {
        MAX_SORTED
    };
    let sql = format!(
        "EXPLAIN (FORMAT JSON) SELECT FROM {}{}",
        table.from,
        conditions.sql()
    );
    let row = client.query_one(&sql, &conditions.values()).await?;
    let plan: serde_json::Value = row.try_get(0)?;
    let rows = plan.pointer("/0/Plan/Plan Rows");
    let rows = rows.and_then(serde_json::Value::as_i64);
    // No index finds the rows, so all would be read.
    let reads_all = plan.to_string().contains("Seq Scan");
    Ok(!reads_all && rows.is_some_and(|rows| rows <= most))
}

/// Returns the statement, and its values that follow those of the conditions and the limit. If
/// `sorts` is true, the statement can't use an index of the sort key.
fn statement(
    table: &Table,
    conditions: &Conditions,
    order: Order,
    start: &Start,
    sorts: bool,
) -> (String, Option<i64>, Option<String>) {
    let Table { columns, from, tie } = table;
    // An expression that no index has.
    let column = match order.key {
        SortKey::Text(column) if sorts => Cow::from(format!("({column} || '')")),
        SortKey::Position(column) if sorts => Cow::from(format!("({column} + 0)")),
        key => Cow::from(key.column()),
    };
    let (direction, beyond) = if order.descending {
        ("DESC", "<")
    } else {
        ("ASC", ">")
    };
    let mut sql = format!("SELECT {columns}");
    let sorted = match order.key {
        SortKey::Position(_) => {
            let _ = write!(sql, ", {column} AS sort_number");
            format!("{column} {direction}")
        }
        SortKey::Text(_) => {
            let _ = write!(sql, ", {column} AS sort_text, {tie} AS sort_number");
            format!("{column} {direction}, {tie} {direction}")
        }
    };
    let _ = write!(sql, " FROM {from}{}", conditions.sql());
    let limit = conditions.values().len() + 1;
    let next = limit + 1;
    let mut number = None;
    let mut text = None;
    let mut skip = String::new();
    match (start, order.key) {
        (Start::First, _) => {}
        (Start::Skip(rows), _) => {
            number = Some(*rows);
            skip = format!(" OFFSET ${next}::bigint");
        }
        (Start::After(last), SortKey::Position(_)) => {
            number = Some(last.number);
            let _ = write!(sql, " AND {column} {beyond} ${next}::bigint");
        }
        (Start::After(last), SortKey::Text(_)) => {
            number = Some(last.number);
            text = Some(last.text.clone().unwrap_or_default());
            let _ = write!(
                sql,
                " AND ({column}, {tie}) {beyond} (${}::text, ${next}::bigint)",
                next + 1
            );
        }
    }
    let _ = write!(sql, " ORDER BY {sorted} LIMIT ${limit}::bigint{skip}");
    (sql, number, text)
}

fn last_of(row: &Row, key: SortKey) -> Result<Last, tokio_postgres::Error> {
    let text = match key {
        SortKey::Position(_) => None,
        SortKey::Text(_) => Some(row.try_get("sort_text")?),
    };
    Ok(Last {
        text,
        number: row.try_get("sort_number")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        columns: "t.*",
        from: "t",
        tie: "t.made",
    };

    fn asked(order: Order, start: &Start) -> String {
        let conditions = Conditions::default()
            .and("a = $$::uuid OR b = $$::uuid", 1_i64)
            .words("w($$)", " x  y ");
        statement(&TABLE, &conditions, order, start, false).0
    }

    #[test]
    fn statements_contain_no_client_values() {
        let by_name = Order {
            key: SortKey::Text("t.name"),
            descending: false,
        };
        let last = Last {
            text: Some("Ada'; --".to_owned()),
            number: 7,
        };
        assert_eq!(
            asked(by_name, &Start::After(last)),
            "SELECT t.*, t.name AS sort_text, t.made AS sort_number FROM t WHERE true AND (a = $1::uuid OR b = $1::uuid) \
             AND (w($2)) AND (w($3)) AND (t.name, t.made) > ($6::text, $5::bigint) ORDER BY t.name ASC, t.made ASC \
             LIMIT $4::bigint"
        );
        let conditions = Conditions::default();
        assert_eq!(
            statement(&TABLE, &conditions, by_name, &Start::First, true).0,
            "SELECT t.*, (t.name || '') AS sort_text, t.made AS sort_number FROM t WHERE true \
             ORDER BY (t.name || '') ASC, t.made ASC LIMIT $1::bigint"
        );
        let newest = Order {
            key: SortKey::Position("t.made"),
            descending: true,
        };
        assert_eq!(
            asked(
                newest,
                &Start::After(Last {
                    text: None,
                    number: 7
                })
            ),
            "SELECT t.*, t.made AS sort_number FROM t WHERE true AND (a = $1::uuid OR b = $1::uuid) AND (w($2)) \
             AND (w($3)) AND t.made < $5::bigint ORDER BY t.made DESC LIMIT $4::bigint"
        );
        assert!(asked(newest, &Start::Skip(20)).ends_with("LIMIT $4::bigint OFFSET $5::bigint"));
    }

    #[test]
    fn different_filter_values_are_different_lists() {
        let of = |value: Option<i64>| Conditions::default().maybe("a = $$", value).identity();
        assert_ne!(of(Some(1)), of(Some(2)));
        assert_ne!(of(Some(1)), of(None));
        assert_eq!(of(Some(1)), of(Some(1)));
        let at = |now| Conditions::default().now("a > $now", now).identity();
        let later = OffsetDateTime::UNIX_EPOCH + time::Duration::DAY;
        assert_eq!(
            at(OffsetDateTime::UNIX_EPOCH),
            at(later),
            "the current time is not part of the list"
        );
        assert_ne!(
            at(later),
            Conditions::default().now("a <= $$", later).identity()
        );
    }
}
