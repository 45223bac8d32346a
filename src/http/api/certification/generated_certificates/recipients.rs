//! Recipients of a certificate: people listed by id, the people of an import, or the people who
//! meet a filter.

use std::collections::HashSet;

use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::certification::batch::MAX_ATTENDEES;
use crate::http::protocol::extract::filter_text;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeFilter};
use crate::projection::queries::imports;

/// Maximum number of people that an import or a filter may select.
pub(super) const MAX_SELECTED: usize = 100_000;
/// Filter of people. A person must meet all given conditions, and at least one is required. The
/// conditions have the same meaning as in the list of attendees.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"country": "Colombia", "createdAfter": "2026-11-01T00:00:00Z"}))]
pub struct RecipientFilter {
    /// Words that the full name, e-mail address or document number contains. Case and accents are
    /// ignored.
    #[schema(max_length = 200)]
    search: Option<String>,
    /// Country. Case and accents are ignored.
    #[schema(max_length = 200, example = "Colombia")]
    country: Option<String>,
    /// Type of the identity document. Case and accents are ignored.
    #[schema(max_length = 200)]
    document_type: Option<String>,
    /// Id of an import that accepted the person, new or known before.
    import_id: Option<Uuid>,
    /// Id of another certificate that was issued to the person.
    certificate_id: Option<Uuid>,
    /// The person was created at or after this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(example = "2026-11-01T00:00:00Z")]
    created_after: Option<OffsetDateTime>,
    /// The person was created before this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// Recipients, listed by id or selected by a filter.
pub(super) enum Recipients {
    Named(Vec<Uuid>),
    Selected {
        field: &'static str,
        filter: AttendeeFilter,
    },
}

impl Recipients {
    /// Creates recipients from exactly one of the three parameters.
    ///
    /// # Errors
    /// None or several are given, or the given one is empty, too long or invalid.
    pub(super) fn of(
        attendee_ids: Option<Vec<Uuid>>,
        import_id: Option<Uuid>,
        filter: Option<RecipientFilter>,
    ) -> Result<Self, ApiError> {
        match (attendee_ids, import_id, filter) {
            (Some(ids), None, None) => Self::named(ids),
            (None, Some(import_id), None) => {
                let filter = AttendeeFilter {
                    import_id: Some(import_id),
                    ..Default::default()
                };
                Ok(Self::Selected {
                    field: "importId",
                    filter,
                })
            }
            (None, None, Some(filter)) => Ok(Self::Selected {
                field: "filter",
                filter: filter.checked()?,
            }),
            _ => {
                let message =
                    "is missing or not alone; give one of attendeeIds, importId and filter";
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
            let message = format!("name at most {MAX_ATTENDEES} attendees a call");
            return Err(ApiError::field("attendeeIds", message));
        }
        Ok(Self::Named(ids))
    }

    /// Returns the ids of the people, each once. Waits until the query tables contain the current
    /// log, and then applies the filter to them. People who are created later are not included. The
    /// batch refuses people who no longer exist.
    ///
    /// # Errors
    /// The import doesn't exist, the filter selects nobody or too many, or the query tables are not
    /// up to date.
    pub(super) async fn resolve(self, http: &HttpState) -> Result<Vec<Uuid>, ApiError> {
        let (field, filter) = match self {
            Self::Named(ids) => return Ok(ids),
            Self::Selected { field, filter } => (field, filter),
        };
        http.wait_until_caught_up().await?;
        let database = http.database().await?;
        if let Some(import) = filter.import_id
            && imports::get(&database, import).await?.is_none()
        {
            let named = if field == "filter" {
                "filter.importId"
            } else {
                field
            };
            return Err(ApiError::no_such(named, "import"));
        }
        let people = attendees::ids(&database, filter, MAX_SELECTED + 1).await?;
        if people.is_empty() {
            return Err(ApiError::field(field, "selects nobody"));
        }
        if people.len() > MAX_SELECTED {
            let message = format!(
                "selects more than {MAX_SELECTED} people; narrow it, for example by createdAfter and createdBefore"
            );
            return Err(ApiError::field(field, message));
        }
        Ok(people)
    }
}

impl RecipientFilter {
    fn checked(self) -> Result<AttendeeFilter, ApiError> {
        let filter = AttendeeFilter {
            search: filter_text("filter.search", self.search)?,
            country: filter_text("filter.country", self.country)?,
            document_type: filter_text("filter.documentType", self.document_type)?,
            import_id: self.import_id,
            certificate_id: self.certificate_id,
            created_after: self.created_after,
            created_before: self.created_before,
        };
        if filter == AttendeeFilter::default() {
            return Err(ApiError::field(
                "filter",
                "is empty; give at least one condition",
            ));
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::ErrorCode;

    fn filter(body: serde_json::Value) -> RecipientFilter {
        serde_json::from_value(body).expect("the form is right")
    }

    fn refused(recipients: Result<Recipients, ApiError>) -> String {
        let error = recipients.err().expect("refused");
        assert_eq!(error.code, ErrorCode::ValidationError);
        error.details[0].clone()
    }

    #[test]
    fn exactly_one_kind_of_recipients_is_accepted() {
        let id = Uuid::from_u128(1);
        assert!(refused(Recipients::of(None, None, None)).starts_with("attendeeIds: "));
        assert!(
            refused(Recipients::of(Some(vec![id]), Some(id), None)).starts_with("attendeeIds: ")
        );
        let Ok(Recipients::Named(ids)) = Recipients::of(Some(vec![id, id]), None, None) else {
            panic!("named")
        };
        assert_eq!(ids, [id]);
        let many = (0..=MAX_ATTENDEES as u128).map(Uuid::from_u128).collect();
        assert!(refused(Recipients::of(Some(many), None, None)).contains("at most 10000"));
        assert!(refused(Recipients::of(Some(Vec::new()), None, None)).contains("at least one"));
    }

    #[test]
    fn empty_or_invalid_filter_is_rejected() {
        let of = |body| Recipients::of(None, None, Some(filter(body)));
        assert!(refused(of(json!({}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "  "}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "a".repeat(201)}))).starts_with("filter.search: "));
        assert!(of(json!({"country": "Perú", "createdBefore": "2026-11-21T12:00:00Z"})).is_ok());
    }
}
