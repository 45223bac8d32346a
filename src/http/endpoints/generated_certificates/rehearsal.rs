//! What issuing would do, told without doing it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::endpoints::batches::get::RefusalAnswer;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::issuances;

/// Refusals that are shown.
const MAX_SHOWN: usize = 1_000;

/// What issuing would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRehearsed {
    /// What they would earn.
    certificate_id: Uuid,
    /// Always `rehearsed`.
    #[schema(example = "rehearsed")]
    state: &'static str,
    /// People in it, each counted once.
    total: usize,
    /// Certificates that it would make, also in place of those that were revoked or could not be drawn.
    #[schema(example = 3)]
    new: usize,
    /// People who hold it already.
    existing: usize,
    /// People for whom nothing could be issued.
    refused: usize,
    /// The first 1,000 of them.
    refusals: Vec<RefusalAnswer>,
    /// Where a sample can be asked for, with `POST`.
    #[schema(example = "/api/v1/generated-certificates/generate/sample")]
    sample_url: String,
}

/// Tells from the query tables, which may be a moment old; the batch itself decides on the log.
pub(super) async fn rehearse(
    http: &HttpState,
    certificate_id: Uuid,
    people: &[Uuid],
) -> Result<BatchRehearsed, ApiError> {
    let rows = issuances::rehearse(&http.database().await?, certificate_id, people).await?;
    let (mut new, mut existing, mut refused, mut refusals) = (0, 0, 0, Vec::new());
    for row in rows {
        match (row.is_held, row.is_known) {
            (true, _) => existing += 1,
            (false, true) => new += 1,
            (false, false) => {
                refused += 1;
                if refusals.len() < MAX_SHOWN {
                    refusals.push(RefusalAnswer { attendee_id: row.id, code: "NOT_FOUND".to_owned() });
                }
            }
        }
    }
    let sample_url = http.api_path("/generated-certificates/generate/sample");
    let (state, total) = ("rehearsed", people.len());
    Ok(BatchRehearsed { certificate_id, state, total, new, existing, refused, refusals, sample_url })
}
