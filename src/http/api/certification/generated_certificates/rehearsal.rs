//! Dry run of issuing a certificate to people.

use std::collections::HashSet;

use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Personal;
use crate::domain::certification::certificate::Definition;
use crate::http::api::certification::batches::read::RefusalAnswer;
use crate::http::api::certification::certificates::drawable::undrawable_texts;
use crate::http::api::certification::template_checks::{are_too_long, shows_email};
use crate::http::protocol::names::{RehearsedName, RehearsedOutcomeName};
use crate::http::{ApiError, HttpState};
use crate::projection::queries::issuances::{self, RehearsedRow};
use crate::rendering::long_names::{LongNames, NAME_TOO_LONG};
use crate::rendering::undrawable::{UNDRAWABLE, of_fields, problem};

/// Largest number of people, and of refusals, in the response.
const MAX_SHOWN: usize = 1_000;

/// Result of a dry run of issuing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRehearsed {
    /// Id of the certificate that would be issued.
    certificate_id: Uuid,
    /// Always `rehearsed`.
    #[schema(value_type = RehearsedName)]
    state: &'static str,
    /// Date on the certificates if they were issued now.
    #[schema(value_type = String, format = Date, example = "2026-11-20")]
    issue_date: Date,
    /// Number of people. A person who is listed twice is counted once.
    total: usize,
    /// Number of certificates that would be created. This includes new certificates for people
    /// whose certificate was revoked or has failed.
    #[schema(example = 3)]
    new: usize,
    /// Number of people who already have the certificate.
    existing: usize,
    /// Number of people whose certificate would fail. Either no font contains a character of a text
    /// (code `UNDRAWABLE`), or the name is too long for its place (code `NAME_TOO_LONG`). Only the
    /// 50 longest of the names with more than 40 characters are checked. Correct the data of these
    /// people first.
    undrawable: usize,
    /// Number of people for whom nothing could be issued.
    refused: usize,
    /// The first 1,000 people for whom nothing could be issued.
    refusals: Vec<RefusalAnswer>,
    /// The first 1,000 people, in the order of the request.
    attendees: Vec<RehearsedAttendee>,
    /// Texts of the certificate that no font can draw. With such a text, all certificates would
    /// fail.
    undrawable_texts: Vec<String>,
    /// URL to which a `POST` request returns a sample.
    #[schema(example = "/api/v1/generated-certificates/generate/sample")]
    sample_url: String,
}

/// Result of issuing the certificate to one person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedAttendee {
    /// Id of the person.
    attendee_id: Uuid,
    /// `new`, `existing`, `undrawable` or `refused`.
    #[schema(value_type = RehearsedOutcomeName)]
    outcome: &'static str,
    /// Reason why nothing would be issued, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "UNDRAWABLE")]
    code: Option<&'static str>,
    /// Text for people: the reason why nothing would be issued, and how to correct it. It lists the
    /// characters that no font contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    message: Option<Personal<String>>,
}

/// Results for one person that depend on the template of the certificate.
#[derive(Clone, Copy)]
struct PageOf {
    /// True if the template shows the e-mail address.
    shows_email: bool,
    /// True if the name is too long for its place.
    is_name_too_long: bool,
}

impl RehearsedAttendee {
    /// Creates the result for one person. `texts` are the texts of the certificate that no font can
    /// draw. A name that is too long is reported only if all texts can be drawn.
    fn of(http: &HttpState, row: RehearsedRow, texts: &[String], page: PageOf) -> Self {
        let attendee_id = row.id;
        let without = |outcome| Self {
            attendee_id,
            outcome,
            code: None,
            message: None,
        };
        let not = |outcome, code, message: String| Self {
            attendee_id,
            outcome,
            code: Some(code),
            message: Some(message.into()),
        };
        if row.is_held {
            return without("existing");
        }
        let Some(name) = &row.full_name else {
            let message = "there is no such attendee".to_owned();
            return not("refused", "NOT_FOUND", message);
        };
        let document = row.document_number.as_ref().map(Personal::reveal_str);
        let own = of_fields(http.rendering.renderer(), name.reveal_str(), document);
        let own = own
            .into_iter()
            .map(|undrawable| format!("{} {}", undrawable.field, undrawable.problem));
        let email = row.email.as_ref().filter(|_| page.shows_email);
        let email = email.and_then(|email| problem(http.rendering.renderer(), email.reveal_str()));
        let own = own.chain(email.map(|problem| format!("email {problem}")));
        let problems: Vec<String> = own.chain(texts.iter().cloned()).collect();
        if !problems.is_empty() {
            not("undrawable", UNDRAWABLE, problems.join("; "))
        } else if page.is_name_too_long {
            let problem = "fullName is too long for its place on the certificate; shorten it, or choose another \
                           template";
            not("undrawable", NAME_TOO_LONG, problem.to_owned())
        } else {
            without("new")
        }
    }
}

/// Returns the result of a dry run. It is based on the query tables, which may be behind the log. A
/// real batch is based on the log.
pub(super) async fn rehearse(
    http: &HttpState,
    certificate_id: Uuid,
    definition: &Definition,
    issue_date: Option<Date>,
    people: &[Uuid],
) -> Result<BatchRehearsed, ApiError> {
    let rows = issuances::rehearse(&http.database().await?, certificate_id, people).await?;
    let undrawable = undrawable_texts(http, definition).into_iter();
    let undrawable_texts: Vec<String> = undrawable
        .map(|(field, problem)| format!("the certificate's {field} {problem}"))
        .collect();
    let mut rehearsed = BatchRehearsed {
        certificate_id,
        state: "rehearsed",
        issue_date: issue_date
            .or(definition.issue_date)
            .unwrap_or_else(|| http.today()),
        total: people.len(),
        new: 0,
        existing: 0,
        undrawable: 0,
        refused: 0,
        refusals: Vec::new(),
        attendees: Vec::new(),
        undrawable_texts: Vec::new(),
        sample_url: http.api_path("/generated-certificates/generate/sample"),
    };
    let too_long = too_long(http, definition, &rows).await?;
    let shows_email = shows_email(http, definition).await?;
    for row in rows {
        let page = PageOf {
            shows_email,
            is_name_too_long: too_long.contains(&row.id),
        };
        rehearsed.add(RehearsedAttendee::of(http, row, &undrawable_texts, page));
    }
    Ok(BatchRehearsed {
        undrawable_texts,
        ..rehearsed
    })
}

/// Returns the people who would get a certificate but whose names are too long for it.
async fn too_long(
    http: &HttpState,
    definition: &Definition,
    rows: &[RehearsedRow],
) -> Result<HashSet<Uuid>, ApiError> {
    let mut names = LongNames::default();
    for row in rows.iter().filter(|row| !row.is_held) {
        if let Some(name) = &row.full_name {
            names.add(name.reveal_str(), || row.id);
        }
    }
    let (names, ids): (Vec<_>, Vec<_>) = names
        .into_longest()
        .into_iter()
        .map(|long| (long.name, long.of))
        .unzip();
    let found = are_too_long(http, definition, &names).await?;
    Ok(ids
        .into_iter()
        .zip(found)
        .filter_map(|(id, is_too_long)| is_too_long.then_some(id))
        .collect())
}

impl BatchRehearsed {
    fn add(&mut self, attendee: RehearsedAttendee) {
        let count = match attendee.outcome {
            "new" => &mut self.new,
            "existing" => &mut self.existing,
            "undrawable" => &mut self.undrawable,
            _ => &mut self.refused,
        };
        *count += 1;
        if let (Some(code), "refused") = (attendee.code, attendee.outcome)
            && self.refusals.len() < MAX_SHOWN
        {
            let code = code.to_owned();
            self.refusals.push(RefusalAnswer {
                attendee_id: attendee.attendee_id,
                code,
            });
        }
        if self.attendees.len() < MAX_SHOWN {
            self.attendees.push(attendee);
        }
    }
}
