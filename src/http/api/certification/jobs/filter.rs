//! Filter of jobs.

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::ApiError;
use crate::http::protocol::extract::filter_text;
use crate::projection::queries::jobs::JobFilter;

const STATUSES: [&str; 4] = ["pending", "sent", "error", "cancelled"];
/// States of a job, as named in answers.
pub(super) const STATES: [&str; 9] = [
    "queued",
    "claimed",
    "retrying",
    "sent",
    "failed",
    "unknown",
    "held",
    "scheduled",
    "cancelled",
];

/// Filter of jobs. A job must meet all given conditions.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobsFilter {
    /// Words that the recipient's name or address contains. Case and accents are ignored.
    #[schema(max_length = 200, example = "ada")]
    #[serde(default)]
    pub search: Option<String>,
    /// Status: `pending`, `sent`, `error` or `cancelled`.
    #[schema(example = "pending")]
    #[serde(default)]
    pub status: Option<String>,
    /// State: `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
    /// `cancelled`. Several states are separated by commas.
    #[schema(example = "held")]
    #[serde(default)]
    pub state: Option<String>,
    /// Only jobs about generated certificates of this certificate.
    #[serde(default)]
    pub certificate_id: Option<Uuid>,
    /// Only jobs about generated certificates that this batch created.
    #[serde(default)]
    pub batch_id: Option<Uuid>,
    /// Only jobs about this generated certificate; also named `issuanceId`.
    #[serde(default, alias = "issuanceId")]
    pub generated_certificate_id: Option<Uuid>,
    /// Queued at this time (RFC 3339) or later.
    #[schema(example = "2026-11-01T00:00:00Z")]
    #[serde(default)]
    pub from: Option<String>,
    /// Queued before this time (RFC 3339).
    #[schema(example = "2026-12-01T00:00:00Z")]
    #[serde(default)]
    pub to: Option<String>,
}

impl JobsFilter {
    /// Checks the filter and converts it for the queries.
    ///
    /// # Errors
    /// 400 for an unknown status or state or a malformed time; 422 for an invalid time range or search
    /// text.
    pub fn checked(&self) -> Result<JobFilter, ApiError> {
        if self
            .status
            .as_ref()
            .is_some_and(|status| !STATUSES.contains(&status.as_str()))
        {
            return Err(ApiError::wrong_type(
                "status",
                format!("give one of {}", STATUSES.join(", ")),
            ));
        }
        let stages: Option<Vec<String>> = self.state.as_ref().map(|text| {
            text.split(',')
                .map(|state| state.trim().to_owned())
                .collect()
        });
        if stages
            .iter()
            .flatten()
            .any(|state| !STATES.contains(&state.as_str()))
        {
            return Err(ApiError::wrong_type(
                "state",
                format!("give one or more of {}", STATES.join(", ")),
            ));
        }
        let from = moment("from", self.from.as_deref())?;
        let to = moment("to", self.to.as_deref())?;
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(ApiError::field("to", "must not be before from"));
        }
        Ok(JobFilter {
            search: filter_text("search", self.search.clone())?,
            status: self.status.clone(),
            stages,
            issuance_id: self.generated_certificate_id,
            certificate_id: self.certificate_id,
            batch_id: self.batch_id,
            from,
            to,
        })
    }
}

fn moment(field: &str, text: Option<&str>) -> Result<Option<OffsetDateTime>, ApiError> {
    let wrong =
        |_| ApiError::wrong_type(field, "give a time such as 2026-11-21T09:00:00Z (RFC 3339)");
    text.map(|text| OffsetDateTime::parse(text, &Rfc3339).map_err(wrong))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> Result<JobFilter, ApiError> {
        serde_json::from_str::<JobsFilter>(json)
            .expect("the shape is right")
            .checked()
    }

    #[test]
    fn what_is_given_narrows_and_nothing_else() {
        let filter =
            checked(r#"{"state": "held, scheduled", "from": "2026-11-21T09:00:00+01:00"}"#)
                .unwrap();
        assert_eq!(filter.stages.unwrap(), ["held", "scheduled"]);
        assert_eq!(
            filter.from,
            Some(time::macros::datetime!(2026-11-21 08:00 UTC))
        );
        assert!(filter.status.is_none() && filter.to.is_none() && filter.batch_id.is_none());
        let id = Uuid::from_u128(7);
        let of = |field: &str| {
            checked(&format!(r#"{{"{field}": "{id}"}}"#))
                .unwrap()
                .issuance_id
        };
        assert_eq!(
            (of("issuanceId"), of("generatedCertificateId")),
            (Some(id), Some(id))
        );
    }

    #[test]
    fn what_there_is_not_is_refused_by_name() {
        for (json, field) in [
            (r#"{"status": "done"}"#, "status"),
            (r#"{"state": "held,lost"}"#, "state"),
            (r#"{"state": ""}"#, "state"),
            (r#"{"from": "yesterday"}"#, "from"),
            (r#"{"to": "2026-11-21"}"#, "to"),
            (
                r#"{"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}"#,
                "to",
            ),
        ] {
            let error = checked(json).expect_err(json);
            assert!(
                error.details[0].starts_with(&format!("{field}: ")),
                "{json}: {:?}",
                error.details
            );
        }
    }
}
