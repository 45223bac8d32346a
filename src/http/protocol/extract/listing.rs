//! Query parameters of lists and exports, and the filter of a JSON body. All of them are derived
//! from the declaration of the list.

use std::borrow::Cow;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::given::Given;
use crate::http::protocol::answer::ListMeta;
use crate::http::protocol::cursor;
use crate::http::protocol::export::{Export, ExportRow};
use crate::http::protocol::openapi::filters;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::listing::{
    self, Conditions, List, Listed, MAX_COUNTED, Order, SortKey, Start,
};
use crate::spreadsheet::export::ExportFormat;

/// Entries per page if the client gives no limit.
pub const DEFAULT_LIMIT: u32 = 50;
/// Largest number of entries per page.
pub const MAX_LIMIT: u32 = 200;

/// Page of a list, as requested.
struct Page {
    cursor: Option<String>,
    number: Option<u32>,
    limit: u32,
    order: Order,
}

impl Page {
    fn take(given: &mut Given, list: &List) -> Result<Self, ApiError> {
        let cursor = given.one("cursor")?;
        let number = given.parsed("page", "give a number from 1")?;
        let limit = limit(given)?;
        let key = match given.one("sort")? {
            None => SortKey::Position(list.table.tie),
            Some(name) => list.sort_key(&name).ok_or_else(|| {
                let known: Vec<_> = list.sort_names().collect();
                given.wrong_type("sort", &format!("give one of {}", known.join(", ")))
            })?,
        };
        // By default, texts are ascending and positions are descending.
        let descending = match given.one("order")?.as_deref() {
            None => matches!(key, SortKey::Position(_)),
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(given.wrong_type("order", "give asc or desc")),
        };
        Ok(Self {
            cursor,
            number,
            limit,
            order: Order { key, descending },
        })
    }

    fn start(&self, http: &HttpState, list: &str) -> Result<Start, ApiError> {
        match (&self.cursor, self.number) {
            (None, None) => Ok(Start::First),
            (Some(cursor), None) => cursor::open(http, list, cursor).map(Start::After),
            (Some(_), Some(_)) => Err(ApiError::field("page", "give either a cursor or a page")),
            (None, Some(page)) => skipped(page, self.limit).map(Start::Skip),
        }
    }
}

/// Takes the number of entries per page.
///
/// # Errors
/// 400 if the value is not a number; 422 if it is out of range.
pub fn limit(given: &mut Given) -> Result<u32, ApiError> {
    let problem = format!("give 1 to {MAX_LIMIT}");
    let limit = given.parsed("limit", &problem)?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(given.invalid("limit", &problem));
    }
    Ok(limit)
}

/// Query parameters of a list of `T`: page, sort key, direction and filters.
pub struct ListQuery<T> {
    page: Page,
    conditions: Conditions,
    row: PhantomData<fn() -> T>,
}

impl<T: Listed> FromRequestParts<HttpState> for ListQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &HttpState) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default(), http.now())
    }
}

impl<T: Listed> IntoParams for ListQuery<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        filters::list_parameters(T::LIST)
    }
}

impl<T: Listed> ListQuery<T> {
    fn parse(query: &str, now: OffsetDateTime) -> Result<Self, ApiError> {
        let mut given = Given::of_query(query);
        let page = Page::take(&mut given, T::LIST)?;
        let conditions = given.conditions(T::LIST, now)?;
        given.end()?;
        Ok(Self {
            page,
            conditions,
            row: PhantomData,
        })
    }

    /// Adds conditions that the client can't change.
    #[must_use]
    pub fn restricted(self, restrict: impl FnOnce(Conditions) -> Conditions) -> Self {
        Self {
            conditions: restrict(self.conditions),
            ..self
        }
    }

    /// Reads the page, converts each row with `shown`, and returns the response.
    ///
    /// # Errors
    /// 422 if the page is out of range or the cursor belongs to another list; 503 if the database
    /// is unavailable.
    pub async fn answer<A: Serialize>(
        self,
        http: &HttpState,
        shown: impl Fn(T) -> A,
    ) -> Result<Answer, ApiError> {
        let (rows, meta) = self.read(http).await?;
        Answer::list(&rows.into_iter().map(shown).collect::<Vec<_>>(), &meta)
    }

    /// Reads the page and returns its rows and paging information.
    ///
    /// # Errors
    /// 422 if the page is out of range or the cursor belongs to another list; 503 if the database
    /// is unavailable.
    pub async fn read(self, http: &HttpState) -> Result<(Vec<T>, ListMeta), ApiError> {
        let table = &T::LIST.table;
        let page = self.page;
        let conditions = &self.conditions;
        let order = page.order;
        let list = format!("{} {order:?} {}", table.from, conditions.identity());
        let start = page.start(http, &list)?;
        let database = http.database().await?;
        let part = listing::list::<T>(&database, table, conditions, order, &start, page.limit);
        let part = part.await?;
        let total = match page.number {
            Some(_) => listing::count(&database, table, conditions).await?,
            None => None,
        };
        let next_cursor = part
            .last
            .map(|last| cursor::seal(http, &list, &last))
            .transpose()?;
        let meta = ListMeta {
            next_cursor,
            limit: page.limit,
            page: page.number,
            total,
        };
        Ok((part.items, meta))
    }
}

/// Query parameters of an export of `T`: format and filters.
pub struct ExportQuery<T> {
    format: ExportFormat,
    conditions: Conditions,
    row: PhantomData<fn() -> T>,
}

impl<T: Listed> FromRequestParts<HttpState> for ExportQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, http: &HttpState) -> Result<Self, ApiError> {
        let mut given = Given::of_query(parts.uri.query().unwrap_or_default());
        let format = match given.one("format")?.as_deref() {
            None | Some("csv") => ExportFormat::Csv,
            Some("xlsx") => ExportFormat::Xlsx,
            Some(_) => return Err(given.wrong_type("format", "give csv or xlsx")),
        };
        let conditions = given.conditions(T::LIST, http.now())?;
        given.end()?;
        Ok(Self {
            format,
            conditions,
            row: PhantomData,
        })
    }
}

impl<T: Listed> IntoParams for ExportQuery<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        filters::export_parameters(T::LIST)
    }
}

impl<T: Listed + Send + 'static> ExportQuery<T> {
    /// Starts the export and returns a response that streams it. `name` begins the file's name,
    /// `sheet` is the name of the sheet, and `shown` converts each row.
    ///
    /// # Errors
    /// 503 if too many exports are running or the database is unavailable.
    pub async fn answer<R: ExportRow>(
        self,
        http: &HttpState,
        name: &'static str,
        sheet: &'static str,
        shown: impl Fn(T) -> R + Send + Sync + 'static,
    ) -> Result<Response, ApiError> {
        let export = Export {
            name,
            sheet,
            table: &T::LIST.table,
            conditions: self.conditions,
            format: self.format,
        };
        export.answer(http, shown).await
    }
}

/// Filter of a list of `T` in a JSON body. A row must meet all given conditions.
pub struct FilterBody<T> {
    fields: Map<String, Value>,
    row: PhantomData<fn() -> T>,
}

impl<T> Default for FilterBody<T> {
    fn default() -> Self {
        Self {
            fields: Map::new(),
            row: PhantomData,
        }
    }
}

impl<'de, T> Deserialize<'de> for FilterBody<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            fields: Map::deserialize(deserializer)?,
            row: PhantomData,
        })
    }
}

impl<T: Listed> PartialSchema for FilterBody<T> {
    fn schema() -> RefOr<Schema> {
        filters::filter_schema(T::LIST)
    }
}

impl<T: Listed> ToSchema for FilterBody<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Filter", T::LIST.noun).into()
    }
}

impl<T: Listed> FilterBody<T> {
    /// Returns the conditions of the filter.
    ///
    /// # Errors
    /// 400 if a field is unknown or has the wrong type; 422 if a value is out of range.
    pub fn conditions(&self, now: OffsetDateTime) -> Result<Conditions, ApiError> {
        let mut given = Given::of_json(&self.fields, "filter.", T::LIST)?;
        let conditions = given.conditions(T::LIST, now)?;
        given.end()?;
        Ok(conditions)
    }
}

/// Returns the number of rows before page `page`.
fn skipped(page: u32, limit: u32) -> Result<i64, ApiError> {
    let skipped = i64::from(page.max(1) - 1) * i64::from(limit);
    if page == 0 || skipped > MAX_COUNTED {
        let most = MAX_COUNTED / i64::from(limit) + 1;
        let problem =
            format!("give 1 to {most} with this limit, or use meta.nextCursor, which has no limit");
        return Err(ApiError::field("page", problem));
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::queries::attendees::AttendeeRow;

    fn page(query: &str) -> Result<Page, ApiError> {
        let parsed = ListQuery::<AttendeeRow>::parse(query, OffsetDateTime::UNIX_EPOCH);
        parsed.map(|query| query.page)
    }

    #[test]
    fn times_sort_descending_and_texts_ascending_by_default() {
        let order = |query: &str| page(query).expect(query).order;
        let newest = Order {
            key: SortKey::Position("attendees.created_position"),
            descending: true,
        };
        assert_eq!(order(""), newest);
        assert_eq!(order("sort=createdAt"), newest);
        assert!(!order("sort=fullName").descending);
        assert!(order("sort=fullName&order=desc").descending);
        let first = Order {
            key: SortKey::Position("attendees.position"),
            descending: false,
        };
        assert_eq!(order("sort=updatedAt&order=asc"), first);
        assert!(page("sort=password").is_err() && page("order=up").is_err());
    }

    #[test]
    fn page_size_and_page_number_are_limited() {
        let limit = |query: &str| page(query).expect(query).limit;
        assert_eq!(limit(""), 50);
        assert_eq!(limit("limit=1"), 1);
        assert_eq!(limit("limit=200"), 200);
        for wrong in [
            "limit=0",
            "limit=201",
            "limit=many",
            "limit=1&limit=2",
            "page=-1",
        ] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
        assert_eq!(skipped(1, 50).unwrap(), 0);
        assert_eq!(skipped(3, 50).unwrap(), 100);
        assert_eq!(skipped(201, 50).unwrap(), 10_000);
        for (page, limit) in [(0, 50), (202, 50), (u32::MAX, 200)] {
            assert!(skipped(page, limit).is_err(), "{page}");
        }
    }
}
