//! Which part of a list is wanted, in which order: the same parameters for all nouns.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::clean_line;
use crate::http::answer::ListMeta;
use crate::http::{Answer, ApiError, HttpState, cursor};
use crate::projection::queries::FromRow;
use crate::projection::queries::listing::{self, Conditions, MAX_COUNTED, Order, SortKey, Start, Table};

/// Entries of a page where the client says nothing.
const DEFAULT_LIMIT: u32 = 50;
/// The most entries of a page.
const MAX_LIMIT: u32 = 200;
/// Characters of a text to look for.
const MAX_TEXT: usize = 200;

/// From the smallest to the greatest, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// The smallest, earliest or first in the alphabet comes first.
    Asc,
    /// The greatest, latest or last in the alphabet comes first.
    Desc,
}

/// The parameters that every list takes beside its filters.
#[derive(Clone, Debug)]
pub struct Listing<S> {
    /// Where to go on.
    pub cursor: Option<String>,
    /// Which page, from 1; another way to go on.
    pub page: Option<u32>,
    /// Entries per page.
    pub limit: Option<u32>,
    /// By what.
    pub sort: Option<S>,
    /// Which way round.
    pub order: Option<Direction>,
}

/// What a noun's lists can be sorted by, beside the order in which things were made.
pub trait Sorting: Copy {
    /// The column behind it.
    fn key(self) -> SortKey;
}

/// No choice: things stay in the order in which they were made.
#[derive(Clone, Copy, Debug)]
pub enum Unsorted {}

impl Sorting for Unsorted {
    fn key(self) -> SortKey {
        match self {}
    }
}

/// A list that has no filters, and no order but that in which things were made.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Which way round; from the latest if absent.
    #[param(inline)]
    order: Option<Direction>,
}

impl ListQuery {
    /// The same for any noun.
    #[must_use]
    pub fn listing<S>(self) -> Listing<S> {
        let Self { cursor, page, limit, order } = self;
        Listing { cursor, page, limit, sort: None, order }
    }
}

impl<S: Sorting> Listing<S> {
    /// Texts go from A to Z, times from the latest, where nothing else is said.
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
        fits.then_some(limit).ok_or_else(|| ApiError::field("limit", format!("give 1 to {MAX_LIMIT}")))
    }

    fn start(&self, http: &HttpState, list: &str, limit: u32) -> Result<Start, ApiError> {
        match (&self.cursor, self.page) {
            (None, None) => Ok(Start::First),
            (Some(cursor), None) => cursor::open(http, list, cursor).map(Start::After),
            (Some(_), Some(_)) => Err(ApiError::field("page", "give either a cursor or a page")),
            (None, Some(page)) => skipped(page, limit).map(Start::Skip),
        }
    }

    /// Reads the page and answers it.
    ///
    /// # Errors
    /// A parameter is out of range, the cursor is of another list, or the database is not available.
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

    /// Reads the page: its rows, and what stands below them.
    ///
    /// # Errors
    /// A parameter is out of range, the cursor is of another list, or the database is not available.
    pub async fn read<T: FromRow>(
        &self,
        http: &HttpState,
        table: &Table,
        conditions: Conditions,
    ) -> Result<(Vec<T>, ListMeta), ApiError> {
        let (order, limit) = (self.order(table), self.limit()?);
        let list = format!("{} {order:?} {}", table.from, conditions.told());
        let start = self.start(http, &list, limit)?;
        let database = http.database().await?;
        let part = listing::list::<T>(&database, table, &conditions, order, &start, limit).await?;
        let total = match self.page {
            Some(_) => listing::count(&database, table, &conditions).await?,
            None => None,
        };
        let next_cursor = part.last.map(|last| cursor::seal(http, &list, &last)).transpose()?;
        Ok((part.items, ListMeta { next_cursor, limit, page: self.page, total }))
    }
}

/// A text to look for; a blank one counts as absent.
///
/// # Errors
/// It is longer than any field, or has control characters.
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

/// The rows before a page.
fn skipped(page: u32, limit: u32) -> Result<i64, ApiError> {
    let skipped = i64::from(page.max(1) - 1) * i64::from(limit);
    if page == 0 || skipped > MAX_COUNTED {
        let most = MAX_COUNTED / i64::from(limit) + 1;
        let problem =
            format!("give 1 to {most} with this limit, or follow meta.nextCursor, which has no end");
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

    const TABLE: Table = Table { columns: "t.*", from: "t", tie: "t.made" };

    impl Sorting for Sort {
        fn key(self) -> SortKey {
            match self {
                Self::Changed => SortKey::Position("changed"),
                Self::Name => SortKey::Text("name"),
            }
        }
    }

    fn order(sort: Option<Sort>, order: Option<Direction>) -> Order {
        Listing { sort, ..ListQuery { order, ..ListQuery::default() }.listing() }.order(&TABLE)
    }

    #[test]
    fn times_go_from_the_latest_and_texts_from_a() {
        assert_eq!(order(None, None), Order { key: SortKey::Position("t.made"), descending: true });
        assert!(!order(Some(Sort::Name), None).descending);
        assert!(order(Some(Sort::Name), Some(Direction::Desc)).descending);
        let first = Order { key: SortKey::Position("changed"), descending: false };
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
        let limit = |limit| ListQuery { limit, ..ListQuery::default() }.listing::<Unsorted>().limit();
        assert_eq!((limit(None).unwrap(), limit(Some(1)).unwrap(), limit(Some(200)).unwrap()), (50, 1, 200));
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
        assert_eq!(
            (skipped(1, 50).unwrap(), skipped(3, 50).unwrap(), skipped(201, 50).unwrap()),
            (0, 100, 10_000)
        );
        for (page, limit) in [(0, 50), (202, 50), (u32::MAX, 200)] {
            assert!(skipped(page, limit).is_err(), "{page}");
        }
    }
}
