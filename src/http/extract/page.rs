//! Which page of a list is wanted.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::ApiError;
use crate::http::answer::ListMeta;
use crate::projection::queries::Page;

/// Entries of a page where the client says nothing.
const DEFAULT_LIMIT: u32 = 50;
/// The most entries of a page.
const MAX_LIMIT: u32 = 200;

/// A page of a list that has no filters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Where to go on: `meta.nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    pub limit: Option<u32>,
}

/// A page: the cursor as the queries take it, and the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Only entries made before this position.
    pub cursor: Option<i64>,
    /// The most entries.
    pub limit: u32,
}

impl Paging {
    /// Checks what the client gave.
    ///
    /// # Errors
    /// A cursor that we never gave out, or a limit out of range.
    pub fn of(cursor: Option<&str>, limit: Option<u32>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::field("limit", format!("give 1 to {MAX_LIMIT}")));
        }
        let position = |text: &str| text.parse::<i64>().ok().filter(|position| *position >= 0);
        let cursor = cursor
            .map(|text| {
                position(text)
                    .ok_or_else(|| ApiError::field("cursor", "give meta.nextCursor of the page before"))
            })
            .transpose()?;
        Ok(Self { cursor, limit })
    }

    /// The page as the queries take it.
    #[must_use]
    pub fn page(&self) -> Page {
        Page { after: self.cursor, limit: self.limit.into() }
    }

    /// What stands below the page.
    #[must_use]
    pub fn meta(&self, next_cursor: Option<i64>) -> ListMeta {
        ListMeta {
            next_cursor: next_cursor.map(|position| position.to_string()),
            limit: self.limit,
            page: None,
            total: None,
        }
    }
}

impl ListQuery {
    /// The page that is wanted.
    ///
    /// # Errors
    /// A cursor that we never gave out, or a limit out of range.
    pub fn paging(&self) -> Result<Paging, ApiError> {
        Paging::of(self.cursor.as_deref(), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_bounds() {
        assert_eq!(Paging::of(None, None).unwrap(), Paging { cursor: None, limit: 50 });
        assert_eq!(Paging::of(Some("9"), Some(200)).unwrap(), Paging { cursor: Some(9), limit: 200 });
        for (cursor, limit) in [(None, Some(0)), (None, Some(201)), (Some("x"), None), (Some("-1"), None)] {
            assert!(Paging::of(cursor, limit).is_err());
        }
    }
}
