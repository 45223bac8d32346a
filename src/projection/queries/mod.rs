//! Typed read queries of the tables that the handlers in `projections/` fill.
//!
//! Connections must have the program's [search
//! path](crate::projection::ProjectionSet::search_path). Every list is declared as a
//! [`listing::List`].

pub mod api_keys;
pub mod attendees;
pub mod batches;
pub mod certificates;
pub mod creation;
pub mod designs;
pub mod filters;
pub mod imports;
pub mod issuances;
pub mod jobs;
pub mod listing;
pub mod search;
pub mod sessions;
pub mod stuck;
pub mod templates;
pub mod users;

use std::error::Error;

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::database::DatabaseError;
use crate::domain::Personal;

/// Struct that is read from the columns of a row.
pub trait FromRow: Sized {
    /// Reads the columns.
    ///
    /// # Errors
    /// Fails if a column is missing or has another type.
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// Implements [`FromRow`] for a struct whose fields have the names of columns.
macro_rules! columns {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::projection::queries::FromRow for $name {
            fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    };
}
use columns;

/// Declares a struct whose fields have the names of columns. Fields after `with` are read from
/// several columns.
macro_rules! row {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty),* $(,)?
    } $(with $(#[$part_meta:meta])* pub $part:ident: $part_type:ty;)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            $($(#[$part_meta])* pub $part: $part_type,)*
        }

        impl $crate::projection::queries::FromRow for $name {
            fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)*
                    $($part: $crate::projection::queries::FromRow::from_row(row)?,)*
                })
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
