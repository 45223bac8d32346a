//! Recipients of a certificate: people whom the client lists by id, the people of an import, or the
//! people who meet a filter.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::certification::batch::MAX_ATTENDEES;
use crate::http::protocol::extract::FilterBody;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeRow};
use crate::projection::queries::imports::ImportRow;
use crate::projection::queries::listing::{self, Conditions};

/// Largest number of people that an import or a filter may select.
pub(super) const MAX_SELECTED: usize = 100_000;
/// Filter of people. At least one condition is required.
pub type RecipientFilter = FilterBody<AttendeeRow>;

/// Recipients. They are listed by id, or selected by a filter.
pub(super) enum Recipients {
    Named(Vec<Uuid>),
    Selected {
        field: &'static str,
        /// Import that must exist.
        import: Option<Uuid>,
        people: Conditions,
    },
}

impl Recipients {
    /// Creates the recipients from the three parameters, of which exactly one must be given.
    ///
    /// # Errors
    /// None or several of the parameters are given, or the given one is empty, too long or invalid.
    pub(super) fn of(
        attendee_ids: Option<Vec<Uuid>>,
        import_id: Option<Uuid>,
        filter: Option<RecipientFilter>,
        now: OffsetDateTime,
    ) -> Result<Self, ApiError> {
        match (attendee_ids, import_id, filter) {
            (Some(ids), None, None) => Self::named(ids),
            (None, Some(import_id), None) => Ok(Self::Selected {
                field: "importId",
                import: Some(import_id),
                people: attendees::of_import(import_id),
            }),
            (None, None, Some(filter)) => {
                let people = filter.conditions(now)?;
                if people.is_empty() {
                    let problem = "is empty; give at least one condition";
                    return Err(ApiError::field("filter", problem));
                }
                Ok(Self::Selected {
                    field: "filter",
                    import: None,
                    people,
                })
            }
            _ => {
                let message = "give exactly one of attendeeIds, importId and filter";
                Err(ApiError::field("attendeeIds", message))
            }
        }
    }

    fn named(ids: Vec<Uuid>) -> Result<Self, ApiError> {
        let mut seen = HashSet::new();
        let ids: Vec<Uuid> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
        if ids.is_empty() {
            return Err(ApiError::field("attendeeIds", "name at least one attendee"));
        }
        if ids.len() > MAX_ATTENDEES {
            let message = format!("name at most {MAX_ATTENDEES} attendees per request");
            return Err(ApiError::field("attendeeIds", message));
        }
        Ok(Self::Named(ids))
    }

    /// Returns the ids of the people, each of them once. Waits until the query tables contain all
    /// events that are now in the log, and then applies the filter. People who are created later
    /// are not included. The batch refuses people who no longer exist.
    ///
    /// # Errors
    /// The import does not exist, the filter selects no people or too many, or the query tables are
    /// not current.
    pub(super) async fn resolve(self, http: &HttpState) -> Result<Vec<Uuid>, ApiError> {
        match self {
            Self::Named(ids) => Ok(ids),
            Self::Selected {
                field,
                import,
                people,
            } => select(http, field, import, &people).await,
        }
    }
}

async fn select(
    http: &HttpState,
    field: &str,
    import: Option<Uuid>,
    people: &Conditions,
) -> Result<Vec<Uuid>, ApiError> {
    http.wait_until_caught_up().await?;
    let database = http.database().await?;
    if let Some(import) = import {
        let found = listing::get::<ImportRow>(&database, import).await?;
        found.ok_or_else(|| ApiError::no_such(field, "import"))?;
    }
    let people = attendees::ids(&database, people, MAX_SELECTED + 1).await?;
    if people.is_empty() {
        return Err(ApiError::field(field, "selects nobody"));
    }
    if people.len() > MAX_SELECTED {
        let message = format!(
            "selects more than {MAX_SELECTED} people; narrow it, for example by createdFrom and createdTo"
        );
        return Err(ApiError::field(field, message));
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::ErrorCode;

    fn filter(body: serde_json::Value) -> RecipientFilter {
        serde_json::from_value(body).expect("the form is right")
    }

    fn recipients(
        ids: Option<Vec<Uuid>>,
        import_id: Option<Uuid>,
        filter: Option<RecipientFilter>,
    ) -> Result<Recipients, ApiError> {
        Recipients::of(ids, import_id, filter, OffsetDateTime::UNIX_EPOCH)
    }

    fn refused(recipients: Result<Recipients, ApiError>) -> String {
        let error = recipients.err().expect("refused");
        assert_eq!(error.code, ErrorCode::ValidationError);
        error.details[0].clone()
    }

    #[test]
    fn exactly_one_kind_of_recipients_is_accepted() {
        let id = Uuid::from_u128(1);
        assert!(refused(recipients(None, None, None)).starts_with("attendeeIds: "));
        assert!(refused(recipients(Some(vec![id]), Some(id), None)).starts_with("attendeeIds: "));
        let Ok(Recipients::Named(ids)) = recipients(Some(vec![id, id]), None, None) else {
            panic!("named")
        };
        assert_eq!(ids, [id]);
        let many = (0..=MAX_ATTENDEES as u128).map(Uuid::from_u128).collect();
        assert!(refused(recipients(Some(many), None, None)).contains("at most 10000"));
        assert!(refused(recipients(Some(Vec::new()), None, None)).contains("at least one"));
    }

    #[test]
    fn empty_or_invalid_filter_is_rejected() {
        let of = |body| recipients(None, None, Some(filter(body)));
        assert!(refused(of(json!({}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "  "}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "a".repeat(201)}))).starts_with("filter.search: "));
        assert!(of(json!({"country": ["Perú"], "createdTo": "2026-11-21T12:00:00Z"})).is_ok());
    }
}
