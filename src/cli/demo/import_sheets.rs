//! First stage: imports people from spreadsheets.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::client::{Client, ClientError};
use super::patience::{Patience, polling_interval};
use super::progress::{Progress, Track};
use super::report::{Outcome, Rejection};
use super::sheets::Sheet;

/// Maximum number of rejected rows that are kept for the summary.
const REJECTIONS_KEPT: usize = 100;

/// Response of `GET /imports/{id}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Import {
    state: String,
    created: u64,
    updated: u64,
    errors: u64,
    #[serde(default)]
    error_details: Vec<RowErrors>,
    failure: Option<Failure>,
}

/// Errors of one row. The values of the row are left out.
#[derive(Deserialize)]
struct RowErrors {
    row: u64,
    errors: Vec<RowError>,
}

#[derive(Deserialize)]
struct RowError {
    column: Option<String>,
    field: Option<String>,
    code: String,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    reason: String,
}

/// File that was uploaded.
struct Uploaded {
    name: String,
    location: Option<String>,
    import: Import,
}

impl Import {
    fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "completed" | "failed" | "cancelled")
    }

    const fn done(&self) -> u64 {
        self.created + self.updated + self.errors
    }
}

/// Uploads the files and waits until every row is processed.
///
/// # Errors
/// Fails if the API rejects a file or doesn't respond.
pub async fn import_sheets(
    client: &Client,
    progress: &Progress,
    sheets: Vec<Sheet>,
    patience: Duration,
    outcome: &mut Outcome,
) -> Result<(), ClientError> {
    outcome.rows = sheets.iter().map(|sheet| sheet.rows).sum();
    progress.begin(Track::Imported, outcome.rows);
    let mut uploads = Vec::new();
    for sheet in sheets {
        let file = (sheet.name.as_str(), "text/csv", sheet.bytes);
        let mut answer = client
            .upload("/attendees/bulk-upload", file, Vec::new())
            .await?;
        let location = answer.location.take();
        let import: Import = answer.data()?;
        if location.is_none() && !import.has_ended() {
            return Err(answer.unexpected("the import is not finished and has no Location"));
        }
        uploads.push(Uploaded {
            name: sheet.name,
            location,
            import,
        });
    }
    follow(client, progress, &mut uploads, patience, outcome).await?;
    progress.end(Track::Imported);
    for upload in uploads {
        count(upload, outcome);
    }
    Ok(())
}

async fn follow(
    client: &Client,
    progress: &Progress,
    uploads: &mut [Uploaded],
    patience: Duration,
    outcome: &mut Outcome,
) -> Result<(), ClientError> {
    let mut patience = Patience::new(patience, Instant::now());
    loop {
        for upload in uploads
            .iter_mut()
            .filter(|upload| !upload.import.has_ended())
        {
            let Some(location) = &upload.location else {
                continue;
            };
            upload.import = client.get(location).await?.data()?;
        }
        let done = uploads.iter().map(|upload| upload.import.done()).sum();
        progress.set(Track::Imported, done);
        if uploads.iter().all(|upload| upload.import.has_ended()) {
            return Ok(());
        }
        if !patience.lasts(done, Instant::now()) {
            outcome
                .problems
                .push("the import makes no progress".to_owned());
            return Ok(());
        }
        tokio::time::sleep(polling_interval(outcome.rows)).await;
    }
}

/// Adds the rows of a file to the outcome.
fn count(upload: Uploaded, outcome: &mut Outcome) {
    let Uploaded {
        name: file, import, ..
    } = upload;
    if let Some(Failure { code, reason }) = import.failure {
        outcome.problems.push(format!(
            "{file} could not be imported completely: {code}, {reason}"
        ));
    }
    if import.state == "cancelled" {
        outcome
            .problems
            .push(format!("the import of {file} was cancelled"));
    }
    outcome.people += import.created;
    outcome.rejected += import.errors;
    for row in import.error_details {
        for error in row.errors {
            if outcome.rejections.len() < REJECTIONS_KEPT {
                let code = error.code;
                let message = error.message.unwrap_or_default();
                let column = error.column.or(error.field);
                outcome.rejections.push(Rejection {
                    file: file.clone(),
                    row: row.row,
                    column,
                    code,
                    message,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upload(import: serde_json::Value) -> Uploaded {
        let import = serde_json::from_value(import).expect("an import");
        Uploaded {
            name: "people.csv".to_owned(),
            location: None,
            import,
        }
    }

    #[test]
    fn rows_are_counted_and_rejections_recorded_without_their_data() {
        let errors = json!([{"column": "Email", "field": "email", "code": "INVALID", "message": "no address"},
                            {"field": "documentNumber", "code": "REQUIRED"}]);
        let details = json!([{"row": 5, "data": {"Email": "x"}, "errors": errors}]);
        let import = json!({"state": "completed", "created": 3, "updated": 0, "errors": 1, "errorDetails": details});
        let mut outcome = Outcome::default();
        count(upload(import), &mut outcome);
        assert_eq!(
            (outcome.people, outcome.rejected, outcome.problems.len()),
            (3, 1, 0)
        );
        let columns: Vec<_> = outcome
            .rejections
            .iter()
            .map(|rejection| rejection.column.as_deref())
            .collect();
        assert_eq!(columns, [Some("Email"), Some("documentNumber")]);
    }

    #[test]
    fn import_ends_completed_failed_or_cancelled() {
        let has_ended = |state: &str| {
            upload(json!({"state": state, "created": 0, "updated": 0, "errors": 0}))
                .import
                .has_ended()
        };
        for state in ["completed", "failed", "cancelled"] {
            assert!(has_ended(state), "{state}");
        }
        for state in ["requested", "running", "cancelling"] {
            assert!(!has_ended(state), "{state}");
        }
    }

    #[test]
    fn cancelled_import_is_a_problem() {
        let import = json!({"state": "cancelled", "created": 1, "updated": 0, "errors": 0});
        let mut outcome = Outcome::default();
        count(upload(import), &mut outcome);
        assert_eq!(
            (outcome.people, outcome.problems.as_slice()),
            (
                1,
                &["the import of people.csv was cancelled".to_owned()][..]
            )
        );
    }

    #[test]
    fn unreadable_file_is_a_problem() {
        let failure = json!({"code": "BROKEN_FILE", "reason": "it ends early"});
        let import =
            json!({"state": "failed", "created": 1, "updated": 0, "errors": 0, "failure": failure});
        let mut outcome = Outcome::default();
        count(upload(import), &mut outcome);
        assert_eq!(
            outcome.problems,
            ["people.csv could not be imported completely: BROKEN_FILE, it ends early"]
        );
    }
}
