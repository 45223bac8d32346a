//! The read queries that stand beside the handlers, typed.
//!
//! Connections must have the program's [search path](crate::projection::ProjectionSet::search_path).
//! Lists go from the newest to the oldest; a page begins after a cursor, the position of the last
//! item's first event, so pages stay right while items are added.

pub mod api_keys;
pub mod attendees;
pub mod batches;
pub mod certificates;
pub mod designs;
pub mod imports;
pub mod issuances;
pub mod jobs;
pub mod listing;
pub mod overview;
pub mod sessions;
pub mod templates;
pub mod users;

use std::error::Error;

use deadpool_postgres::GenericClient;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::database::DatabaseError;
use crate::domain::Personal;

/// The most items of one page.
pub const MAX_LIMIT: i64 = 1_000;

/// Which part of a list to give.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The `next_cursor` of the page before; absent for the first page.
    pub after: Option<i64>,
    /// How many items at most; 1 to [`MAX_LIMIT`], other values count as the nearer of the two.
    pub limit: i64,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<i64>,
}

impl Page {
    fn limit(self) -> i64 {
        self.limit.clamp(1, MAX_LIMIT)
    }

    /// One more than asked for, to see whether there is a next page.
    fn fetch(self) -> i64 {
        self.limit() + 1
    }

    fn listed<T>(self, mut items: Vec<T>, cursor: impl Fn(&T) -> i64) -> Listed<T> {
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last().map(cursor) } else { None };
        Listed { items, next_cursor }
    }
}

/// A struct that is made of a row's columns.
pub trait FromRow: Sized {
    /// Reads the columns.
    ///
    /// # Errors
    /// A column is missing or of another type.
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// Declares a struct whose fields are columns of the same names. It serialises in camelCase.
macro_rules! row {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type),+
        }

        impl $crate::projection::queries::FromRow for $name {
            fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    };
}
use row;

async fn query<T: FromRow>(
    client: &impl GenericClient,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<T>, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, parameters).await?;
    Ok(rows.iter().map(T::from_row).collect::<Result<_, _>>()?)
}

async fn query_opt<T: FromRow>(
    client: &impl GenericClient,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<T>, DatabaseError> {
    Ok(query(client, sql, parameters).await?.into_iter().next())
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Personal<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        T::from_sql(ty, raw).map(Self::new)
    }

    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_another_follows() {
        let page = Page { after: None, limit: 2 };
        let listed = page.listed(vec![9, 8, 7], |item| *item);
        assert_eq!((listed.items, listed.next_cursor), (vec![9, 8], Some(8)));
        let listed = page.listed(vec![9, 8], |item| *item);
        assert_eq!((listed.items, listed.next_cursor), (vec![9, 8], None));
    }

    #[test]
    fn limits_out_of_range_count_as_the_nearest() {
        let fetch = |limit| Page { after: None, limit }.fetch();
        assert_eq!((fetch(-5), fetch(0), fetch(50), fetch(i64::MAX)), (2, 2, 51, MAX_LIMIT + 1));
    }
}
