//! Lists with filters, sort order and pages, for all tables.
//!
//! SQL consists of constant strings only, and values from clients are bound as parameters. A page
//! starts after the last row of the previous page, which is identified by its sort key and a
//! tie-breaker (keyset pagination). So pages stay correct when rows are added or removed, and every
//! page takes the same time as the first one.

use std::fmt::Write as _;

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::FromRow;
use crate::database::DatabaseError;

/// SQL expression that normalizes a text for search and sorting. It removes accents and case, and
/// replaces letters that have no decomposition with plain letters. Generated columns of the
/// projections use the same expression.
macro_rules! folded {
    ($text:literal) => {
        concat!(
            "CASE WHEN octet_length(",
            $text,
            ") = char_length(",
            $text,
            ") THEN lower(",
            $text,
            " COLLATE \"C\")",
            " ELSE replace(translate(lower(regexp_replace(normalize(",
            $text,
            r", NFKD), '[\u0300-\u036f]+', '', 'g')), 'łøđħı', 'lodhi'), 'ß', 'ss') END"
        )
    };
}
pub(crate) use folded;

/// Maximum number of conditions of a statement that is prepared and cached.
const FEW: usize = 1;
/// Maximum number of search words. Further words are ignored.
const MAX_WORDS: usize = 8;
/// Maximum number of matches that are counted. Exact counts above it would take too long.
pub const MAX_COUNTED: i64 = 10_000;

/// Table or join that a list reads.
#[derive(Clone, Copy, Debug)]
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

#[derive(Debug)]
struct Condition {
    sql: &'static str,
    value: Box<dyn ToSql + Sync + Send>,
    /// True if the value is included in [`Conditions::identity`].
    is_told: bool,
}

impl Conditions {
    /// Adds a condition with one value. `$$` is the placeholder for the value, followed by its
    /// type, for example `$$::uuid`.
    #[must_use]
    pub fn and(mut self, sql: &'static str, value: impl ToSql + Sync + Send + 'static) -> Self {
        self.0.push(Condition {
            sql,
            value: Box::new(value),
            is_told: true,
        });
        self
    }

    /// Adds a condition that compares with the current time. The time is not included in
    /// [`Self::identity`], so that cursors stay valid.
    #[must_use]
    pub fn now(mut self, sql: &'static str, now: OffsetDateTime) -> Self {
        self.0.push(Condition {
            sql,
            value: Box::new(now),
            is_told: false,
        });
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
    pub fn words(self, sql: &'static str, text: Option<&str>) -> Self {
        let words = text.unwrap_or_default().split_whitespace().take(MAX_WORDS);
        words.fold(self, |conditions, word| {
            conditions.and(sql, word.to_owned())
        })
    }

    /// Returns a text that identifies the list by its conditions. It contains values from the
    /// client.
    #[must_use]
    pub fn identity(&self) -> String {
        let identity = |one: &Condition| {
            format!(
                "{:?} {:?}",
                one.sql,
                Some(&one.value).filter(|_| one.is_told)
            )
        };
        self.0.iter().map(identity).collect::<Vec<_>>().join(", ")
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0
            .iter()
            .map(|one| &*one.value as &(dyn ToSql + Sync))
            .collect()
    }

    /// Returns the `WHERE` clause. The values are `$1` and following.
    fn sql(&self) -> String {
        let mut sql = String::from(" WHERE true");
        for (number, condition) in self.0.iter().enumerate() {
            let numbered = condition.sql.replace("$$", &format!("${}", number + 1));
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
    let (sql, number, text) = statement(table, conditions, order, start);
    let mut values = conditions.values();
    values.push(&fetch);
    if let Some(number) = &number {
        values.push(number);
    }
    if let Some(text) = &text {
        values.push(text);
    }
    // Rare combinations of conditions are not worth a prepared statement in each connection.
    let mut rows = if conditions.0.len() <= FEW {
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

/// Returns the statement, and its values that follow those of the conditions and the limit.
fn statement(
    table: &Table,
    conditions: &Conditions,
    order: Order,
    start: &Start,
) -> (String, Option<i64>, Option<String>) {
    let Table { columns, from, tie } = table;
    let column = order.key.column();
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
    let limit = conditions.0.len() + 1;
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
            .words("w($$)", Some(" x  y "));
        statement(&TABLE, &conditions, order, start).0
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
        let at = |now| Conditions::default().now("a > $$", now).identity();
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

    #[test]
    fn tables_and_searches_use_the_same_folding() {
        let attendees = include_str!("../../../projections/attendees/schema.sql");
        let certificates = include_str!("../../../projections/certificates/schema.sql");
        let issuances = include_str!("../../../projections/issuances/schema.sql");
        let words = |sql: &str| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        for (schema, expression) in [
            (attendees, folded!("full_name")),
            (certificates, folded!("name")),
            (certificates, folded!("client")),
            (issuances, folded!("full_name")),
        ] {
            assert!(words(schema).contains(&words(expression)), "{expression}");
        }
    }
}
