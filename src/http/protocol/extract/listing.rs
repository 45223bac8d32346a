//! Paging and sorting parameters that all lists share.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::clean_line;
use crate::http::protocol::answer::ListMeta;
use crate::http::protocol::cursor;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::FromRow;
use crate::projection::queries::listing::{
    self, Conditions, MAX_COUNTED, Order, SortKey, Start, Table,
};

/// Entries per page if the client gives no limit.
const DEFAULT_LIMIT: u32 = 50;
/// Largest number of entries per page.
const MAX_LIMIT: u32 = 200;
/// Longest search text, in characters.
const MAX_TEXT: usize = 200;

/// Sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Ascending: the smallest, the earliest or the first in the alphabet comes first.
    Asc,
    /// Descending: the greatest, the latest or the last in the alphabet comes first.
    Desc,
}

/// Parameters that every list accepts beside its filters.
#[derive(Clone, Debug)]
pub struct Listing<S> {
    /// Cursor of the page.
    pub cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor.
    pub page: Option<u32>,
    /// Entries per page.
    pub limit: Option<u32>,
    /// Sort key.
    pub sort: Option<S>,
    /// Sort direction.
    pub order: Option<Direction>,
}

/// Sort keys of a resource's lists, beside the order of creation.
pub trait Sorting: Copy {
    /// Returns the column to sort by.
    fn key(self) -> SortKey;
}

/// Empty set of sort keys: the list is in the order of creation.
#[derive(Clone, Copy, Debug)]
pub enum Unsorted {}

impl Sorting for Unsorted {
    fn key(self) -> SortKey {
        match self {}
    }
}

/// Query parameters of a list without filters, in the order of creation.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same `order`
    /// only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry
    /// 10,000, cursors do not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort direction; latest first if absent.
    #[param(inline)]
    order: Option<Direction>,
}

impl ListQuery {
    /// Converts to the parameters of any resource's list.
    #[must_use]
    pub fn listing<S>(self) -> Listing<S> {
        let Self {
            cursor,
            page,
            limit,
            order,
        } = self;
        Listing {
            cursor,
            page,
            limit,
            sort: None,
            order,
        }
    }
}

impl<S: Sorting> Listing<S> {
    /// Returns the order of the list. By default, texts are ascending and positions are descending.
    fn order(&self, table: &Table) -> Order {
        let key = self.sort.map_or(SortKey::Position(table.tie), Sorting::key);
        let descending = match (self.order, key) {
            (Some(direction), _) => direction == Direction::Desc,
            (None, SortKey::Position(_)) => true,
            (None, SortKey::Text(_)) => false,
        };
        Order { key, descending }
    }

    fn limit(&self) -> Result<u32, ApiError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let fits = (1..=MAX_LIMIT).contains(&limit);
        fits.then_some(limit)
            .ok_or_else(|| ApiError::field("limit", format!("give 1 to {MAX_LIMIT}")))
    }

    fn start(&self, http: &HttpState, list: &str, limit: u32) -> Result<Start, ApiError> {
        match (&self.cursor, self.page) {
            (None, None) => Ok(Start::First),
            (Some(cursor), None) => cursor::open(http, list, cursor).map(Start::After),
            (Some(_), Some(_)) => Err(ApiError::field("page", "give either a cursor or a page")),
            (None, Some(page)) => skipped(page, limit).map(Start::Skip),
        }
    }

    /// Reads the page and returns the response.
    ///
    /// # Errors
    /// 422 if a parameter is out of range or the cursor belongs to another list; 503 if the
    /// database is unavailable.
    pub async fn answer<T: FromRow, A: Serialize>(
        &self,
        http: &HttpState,
        table: &Table,
        conditions: Conditions,
        shown: impl Fn(T) -> A,
    ) -> Result<Answer, ApiError> {
        let (rows, meta) = self.read(http, table, conditions).await?;
        Answer::list(&rows.into_iter().map(shown).collect::<Vec<_>>(), &meta)
    }

    /// Reads the page and returns its rows and paging information.
    ///
    /// # Errors
    /// 422 if a parameter is out of range or the cursor belongs to another list; 503 if the
    /// database is unavailable.
    pub async fn read<T: FromRow>(
        &self,
        http: &HttpState,
        table: &Table,
        conditions: Conditions,
    ) -> Result<(Vec<T>, ListMeta), ApiError> {
        let order = self.order(table);
        let limit = self.limit()?;
        let list = format!("{} {order:?} {}", table.from, conditions.identity());
        let start = self.start(http, &list, limit)?;
        let database = http.database().await?;
        let part = listing::list::<T>(&database, table, &conditions, order, &start, limit).await?;
        let total = match self.page {
            Some(_) => listing::count(&database, table, &conditions).await?,
            None => None,
        };
        let next_cursor = part
            .last
            .map(|last| cursor::seal(http, &list, &last))
            .transpose()?;
        Ok((
            part.items,
            ListMeta {
                next_cursor,
                limit,
                page: self.page,
                total,
            },
        ))
    }
}

/// Normalizes a search text. A blank text counts as absent.
///
/// # Errors
/// 422 if the text has more than 200 characters or contains control characters.
pub fn filter_text(field: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(ApiError::field(
            field,
            format!("give at most {MAX_TEXT} characters, without control characters"),
        ));
    }
    Ok(Some(clean_line(&text)).filter(|text| !text.is_empty()))
}

/// Returns the number of rows before a page.
fn skipped(page: u32, limit: u32) -> Result<i64, ApiError> {
    let skipped = i64::from(page.max(1) - 1) * i64::from(limit);
    if page == 0 || skipped > MAX_COUNTED {
        let most = MAX_COUNTED / i64::from(limit) + 1;
        let problem = format!(
            "give 1 to {most} with this limit, or follow meta.nextCursor, which has no end"
        );
        return Err(ApiError::field("page", problem));
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Sort {
        Changed,
        Name,
    }

    const TABLE: Table = Table {
        columns: "t.*",
        from: "t",
        tie: "t.made",
    };

    impl Sorting for Sort {
        fn key(self) -> SortKey {
            match self {
                Self::Changed => SortKey::Position("changed"),
                Self::Name => SortKey::Text("name"),
            }
        }
    }

    fn order(sort: Option<Sort>, order: Option<Direction>) -> Order {
        Listing {
            sort,
            ..ListQuery {
                order,
                ..ListQuery::default()
            }
            .listing()
        }
        .order(&TABLE)
    }

    #[test]
    fn times_go_from_the_latest_and_texts_from_a() {
        assert_eq!(
            order(None, None),
            Order {
                key: SortKey::Position("t.made"),
                descending: true
            }
        );
        assert!(!order(Some(Sort::Name), None).descending);
        assert!(order(Some(Sort::Name), Some(Direction::Desc)).descending);
        let first = Order {
            key: SortKey::Position("changed"),
            descending: false,
        };
        assert_eq!(order(Some(Sort::Changed), Some(Direction::Asc)), first);
    }

    #[test]
    fn texts_to_look_for_have_bounds() {
        let looked_for = |text: &str| filter_text("search", Some(text.to_owned()));
        assert_eq!(looked_for(" Ada ").unwrap().as_deref(), Some("Ada"));
        assert_eq!(looked_for("  ").unwrap(), None);
        assert_eq!(filter_text("search", None).unwrap(), None);
        assert!(looked_for("a\0b").is_err() && looked_for(&"é".repeat(201)).is_err());
    }

    #[test]
    fn pages_have_bounds() {
        let limit = |limit| {
            ListQuery {
                limit,
                ..ListQuery::default()
            }
            .listing::<Unsorted>()
            .limit()
        };
        assert_eq!(
            (
                limit(None).unwrap(),
                limit(Some(1)).unwrap(),
                limit(Some(200)).unwrap()
            ),
            (50, 1, 200)
        );
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
        assert_eq!(
            (
                skipped(1, 50).unwrap(),
                skipped(3, 50).unwrap(),
                skipped(201, 50).unwrap()
            ),
            (0, 100, 10_000)
        );
        for (page, limit) in [(0, 50), (202, 50), (u32::MAX, 200)] {
            assert!(skipped(page, limit).is_err(), "{page}");
        }
    }
}
