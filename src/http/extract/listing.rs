//! Which part of a list is wanted, in which order: the same parameters for all nouns.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
#[derive(Clone, Debug, Default)]
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

/// What a noun's lists can be sorted by.
pub trait Sorting: Copy + Default {
    /// The column behind it.
    fn key(self) -> SortKey;
}

impl<S: Sorting> Listing<S> {
    /// Texts go from A to Z, times from the latest, where nothing else is said.
    fn order(&self) -> Order {
        let key = self.sort.unwrap_or_default().key();
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
        let (order, limit) = (self.order(), self.limit()?);
        let list = format!("{} {order:?} {}", table.from, conditions.told());
        let start = self.start(http, &list, limit)?;
        let database = http.database().await?;
        let part = listing::list::<T>(&database, table, &conditions, order, &start, limit).await?;
        let total = match self.page {
            Some(_) => listing::count(&database, table, &conditions).await?,
            None => None,
        };
        let next_cursor = part.last.map(|last| cursor::seal(http, &list, &last)).transpose()?;
        let items = part.items.into_iter().map(shown).collect::<Vec<_>>();
        Answer::list(&items, &ListMeta { next_cursor, limit, page: self.page, total })
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
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
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

    #[derive(Clone, Copy, Default)]
    enum Sort {
        #[default]
        Made,
        Name,
    }

    impl Sorting for Sort {
        fn key(self) -> SortKey {
            match self {
                Self::Made => SortKey::Position("made"),
                Self::Name => SortKey::Text("name"),
            }
        }
    }

    fn listing(sort: Option<Sort>, order: Option<Direction>) -> Listing<Sort> {
        Listing { sort, order, ..Listing::default() }
    }

    #[test]
    fn times_go_from_the_latest_and_texts_from_a() {
        assert!(listing(None, None).order().descending);
        assert!(!listing(Some(Sort::Name), None).order().descending);
        assert!(listing(Some(Sort::Name), Some(Direction::Desc)).order().descending);
        assert!(!listing(Some(Sort::Made), Some(Direction::Asc)).order().descending);
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
        let limit = |limit| Listing::<Sort> { limit, ..Listing::default() }.limit();
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
