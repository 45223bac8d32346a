//! Who is to get a certificate: people named one by one, those of an import, or those who meet a filter.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::batch::MAX_ATTENDEES;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeSelection};
use crate::projection::queries::imports;

/// The most people that an import or a filter may come to; they become several batches.
pub(super) const MAX_SELECTED: usize = 100_000;
/// How long the tables may take to show what is in the log now.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// The longest text to search for, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// People who meet all that is given; at least one of these.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"country": "Colombia", "createdAfter": "2026-11-01T00:00:00Z"}))]
pub struct RecipientFilter {
    /// Made known by this import.
    import_id: Option<Uuid>,
    /// Of this country, in whatever case.
    #[schema(example = "Colombia")]
    country: Option<String>,
    /// With this in their name, e-mail address or document number, in whatever case; at most 200 characters.
    #[schema(max_length = 200)]
    search: Option<String>,
    /// Known since this time (RFC 3339).
    #[schema(format = DateTime, example = "2026-11-01T00:00:00Z")]
    created_after: Option<String>,
    /// Known before this time (RFC 3339).
    #[schema(format = DateTime)]
    created_before: Option<String>,
}

/// How people are named.
pub(super) enum Recipients {
    Named(Vec<Uuid>),
    Selected { field: &'static str, selection: AttendeeSelection },
}

impl Recipients {
    /// Exactly one way must be used.
    pub(super) fn of(
        attendee_ids: Option<Vec<Uuid>>,
        import_id: Option<Uuid>,
        filter: Option<RecipientFilter>,
    ) -> Result<Self, ApiError> {
        match (attendee_ids, import_id, filter) {
            (Some(ids), None, None) => Self::named(ids),
            (None, Some(import_id), None) => {
                let selection = AttendeeSelection { import_id: Some(import_id), ..Default::default() };
                Ok(Self::Selected { field: "importId", selection })
            }
            (None, None, Some(filter)) => {
                Ok(Self::Selected { field: "filter", selection: filter.checked()? })
            }
            _ => {
                let message = "is missing or not alone; give one of attendeeIds, importId and filter";
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

    /// The people, each once. A selection is made from the query tables as soon as they show what is in the
    /// log now; whoever becomes known a moment later is not meant, and who is gone is refused by the batch.
    pub(super) async fn resolve(self, http: &HttpState) -> Result<Vec<Uuid>, ApiError> {
        let (field, selection) = match self {
            Self::Named(ids) => return Ok(ids),
            Self::Selected { field, selection } => (field, selection),
        };
        let end = http.commands.log().info().await?.last_position;
        http.readers.wait_for(end, MAX_WAIT).await?;
        let database = http.database().await?;
        if let Some(import) = selection.import_id {
            imports::get(&database, import).await?.ok_or_else(|| ApiError::not_found("import"))?;
        }
        let people = attendees::select(&database, &selection, MAX_SELECTED as i64 + 1).await?;
        if people.is_empty() {
            return Err(ApiError::field(field, "comes to nobody"));
        }
        if people.len() > MAX_SELECTED {
            let message = format!(
                "comes to more than {MAX_SELECTED} people; narrow it, such as by createdAfter and createdBefore"
            );
            return Err(ApiError::field(field, message));
        }
        Ok(people)
    }
}

impl RecipientFilter {
    fn checked(self) -> Result<AttendeeSelection, ApiError> {
        let Self { import_id, country, search, created_after, created_before } = self;
        let text = |name: &str, text: Option<String>| {
            let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if text
                .as_ref()
                .is_some_and(|text| text.chars().count() > MAX_SEARCH_CHARS || text.contains('\0'))
            {
                let message = format!("has more than {MAX_SEARCH_CHARS} characters, or a NUL");
                return Err(ApiError::field(&format!("filter.{name}"), message));
            }
            Ok(text)
        };
        let moment = |name: &str, text: Option<String>| {
            let wrong =
                |_| ApiError::field(&format!("filter.{name}"), "must be a time, as 2026-11-21T12:00:00Z");
            text.map(|text| OffsetDateTime::parse(&text, &Rfc3339).map_err(wrong)).transpose()
        };
        let selection = AttendeeSelection {
            import_id,
            country: text("country", country)?,
            search: text("search", search)?,
            created_after: moment("createdAfter", created_after)?,
            created_before: moment("createdBefore", created_before)?,
        };
        let AttendeeSelection { import_id, country, search, created_after, created_before } = &selection;
        let is_empty = import_id.is_none()
            && country.is_none()
            && search.is_none()
            && created_after.is_none()
            && created_before.is_none();
        if is_empty {
            return Err(ApiError::field("filter", "is empty; give at least one condition"));
        }
        Ok(selection)
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
    fn exactly_one_way_names_people() {
        let id = Uuid::from_u128(1);
        assert!(refused(Recipients::of(None, None, None)).starts_with("attendeeIds: "));
        assert!(refused(Recipients::of(Some(vec![id]), Some(id), None)).starts_with("attendeeIds: "));
        let Ok(Recipients::Named(ids)) = Recipients::of(Some(vec![id, id]), None, None) else {
            panic!("named")
        };
        assert_eq!(ids, [id]);
        let many = (0..=MAX_ATTENDEES as u128).map(Uuid::from_u128).collect();
        assert!(refused(Recipients::of(Some(many), None, None)).contains("at most 10000"));
        assert!(refused(Recipients::of(Some(Vec::new()), None, None)).contains("at least one"));
    }

    #[test]
    fn a_filter_says_something_that_can_be_asked_for() {
        let of = |body| Recipients::of(None, None, Some(filter(body)));
        assert!(refused(of(json!({}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "  "}))).starts_with("filter: "));
        assert!(refused(of(json!({"search": "a".repeat(201)}))).starts_with("filter.search: "));
        assert!(refused(of(json!({"createdAfter": "yesterday"}))).starts_with("filter.createdAfter: "));
        assert!(of(json!({"country": "Perú", "createdBefore": "2026-11-21T12:00:00Z"})).is_ok());
    }
}
