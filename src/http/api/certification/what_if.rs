//! Comparison of issued certificates with the same certificates drawn by another template. Two
//! endpoints use it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::issue::PinnedTemplate;
use crate::commands::{Aggregates, Wanted};
use crate::domain::IssuanceId;
use crate::domain::certification::certificate::Certificate;
use crate::domain::certification::issuance::{CertificateRequested, Issuance};
use crate::event_log::Consistency;
use crate::http::api::certification::generated_certificates::sample::not_drawn;
use crate::http::protocol::cursor;
use crate::http::server::held::held;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances::{self, DrawnRow};
use crate::projection::queries::listing::{self, Last, Order, SortKey, Start};

/// Default and largest number of certificates per request.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;
/// Smallest and largest number of certificates that are drawn together in one group. The number is
/// doubled after each group that takes at most `QUICK`.
const FEWEST: usize = 10;
const LARGEST: usize = 80;
const QUICK: Duration = Duration::from_secs(1);
/// Time after which a request starts no other group.
const GO_ON_FOR: Duration = Duration::from_secs(8);
/// Resolution of the picture that shows a difference, in pixels per inch.
const DPI: u16 = 72;

/// Certificates to compare.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"limit": 100}))]
pub struct WhatIfRequest {
    /// Number of certificates to compare, 1–1,000. The default is 100. If drawing takes long, fewer
    /// are compared.
    #[schema(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
    /// Cursor of the next certificates: `nextCursor` of the previous response.
    pub(super) cursor: Option<String>,
    /// Id of an issued certificate. The response is then a PNG picture, which shows this
    /// certificate as issued, with the new template, and the differences between the two.
    pub(super) picture_of: Option<Uuid>,
}

/// Result of a comparison.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhatIfAnswer {
    /// Number of certificates that were compared.
    #[schema(example = 100)]
    checked: usize,
    /// Number of certificates that would look different.
    #[schema(example = 1)]
    different: usize,
    /// Number of certificates that could not be drawn.
    #[schema(example = 0)]
    failed: usize,
    /// Certificates that were compared. The newest one comes first.
    certificates: Vec<WhatIfOne>,
    /// Cursor of the next certificates. Null if all certificates were compared.
    next_cursor: Option<String>,
}

/// Result for one certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhatIfOne {
    /// Id of the generated certificate.
    generated_certificate_id: Uuid,
    /// True if it would look different; null if it cannot be drawn.
    #[schema(example = true)]
    differs: Option<bool>,
    /// Stable code of the reason why the certificate can't be drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "RENDER_OVERFLOW")]
    code: Option<String>,
}

/// Selection of the certificates to compare, and the template to compare with.
pub(super) struct Change<'a> {
    /// Only certificates of this definition.
    pub(super) certificate: Option<Uuid>,
    /// Only certificates whose definition uses this theme.
    pub(super) theme: Option<&'a str>,
    /// Template to compare with.
    pub(super) template: PinnedTemplate,
    /// True if each certificate keeps the options with which it was issued.
    pub(super) keeps_options: bool,
}

impl Change<'_> {
    /// Returns a certificate as it would be pinned with the other template.
    fn on(&self, was: &CertificateRequested) -> CertificateRequested {
        let mut would_be = was.clone();
        let options = std::mem::take(&mut would_be.page.pdf_template.options);
        would_be.page.pdf_template = self.template.template.clone();
        would_be.page.own_template = self.template.files.clone();
        if self.keeps_options {
            would_be.page.pdf_template.options = options;
        }
        would_be
    }
}

/// Slot of a request. Each drawing of the request has a share of it, so the slot is released after
/// the last drawing.
pub(super) type Slot = Arc<OwnedSemaphorePermit>;

/// Returns the response: the result of the comparison, or the picture of one certificate.
pub(super) async fn answer(
    http: &HttpState,
    slot: &Slot,
    change: &Change<'_>,
    asked: WhatIfRequest,
) -> Result<Response, ApiError> {
    if let Some(id) = asked.picture_of {
        return picture(http, slot, change, id).await;
    }
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::field("limit", format!("give 1 to {MOST}")));
    }
    let conditions = issuances::drawn(change.certificate, change.theme.map(str::to_owned));
    let list = format!("what-if {}", conditions.identity());
    let start = match &asked.cursor {
        Some(cursor) => Start::After(cursor::open(http, &list, cursor)?),
        None => Start::First,
    };
    let database = http.database().await?;
    let newest = Order {
        key: SortKey::Position(issuances::DRAWN.tie),
        descending: true,
    };
    let listed = listing::list::<DrawnRow>(
        &database,
        &issuances::DRAWN,
        &conditions,
        newest,
        &start,
        limit,
    )
    .await?;
    let begun = Instant::now();
    let mut certificates = Vec::new();
    let mut rest = listed.items.as_slice();
    let mut together = FEWEST;
    let mut next = listed.last;
    while !rest.is_empty() {
        let (some, later) = rest.split_at(together.min(rest.len()));
        let group_begun = Instant::now();
        certificates.extend(compare(http, slot, change, some).await?);
        rest = later;
        together = next_group(together, group_begun.elapsed());
        if !rest.is_empty() && begun.elapsed() > GO_ON_FOR {
            next = some.last().map(|row| Last {
                text: None,
                number: row.created_position,
            });
            break;
        }
    }
    let answer = WhatIfAnswer {
        checked: certificates.len(),
        different: certificates
            .iter()
            .filter(|one| one.differs == Some(true))
            .count(),
        failed: certificates
            .iter()
            .filter(|one| one.differs.is_none())
            .count(),
        certificates,
        next_cursor: next
            .map(|last| cursor::seal(http, &list, &last))
            .transpose()?,
    };
    Ok(Answer::ok(&answer)?.into_response())
}

/// Returns the size of the next group. After a slow group, it is the smallest size, so that a
/// request does not exceed [`GO_ON_FOR`] by much.
fn next_group(together: usize, took: Duration) -> usize {
    if took <= QUICK {
        (2 * together).min(LARGEST)
    } else {
        FEWEST
    }
}

async fn compare(
    http: &HttpState,
    slot: &Slot,
    change: &Change<'_>,
    rows: &[DrawnRow],
) -> Result<Vec<WhatIfOne>, ApiError> {
    let mut wanted = Wanted::default();
    for row in rows {
        wanted.add::<Issuance>(row.id);
    }
    let mut loaded = Aggregates::default();
    let at = Consistency::Leader(None);
    http.commands
        .load_together(&mut loaded, wanted, &at)
        .await?;
    let names = http.commands.log().names();
    let mut known = Vec::new();
    let mut pairs = Vec::new();
    for row in rows {
        if let Some(was) = loaded.state::<Issuance>(names, row.id)?.request {
            let would_be = change.on(&was);
            known.push(row.id);
            pairs.push((was, would_be));
        }
    }
    let rendering = http.rendering.clone();
    let outcomes = held(slot.clone(), async move { rendering.what_if(&pairs).await }).await?;
    Ok(known
        .into_iter()
        .zip(outcomes)
        .map(|(id, outcome)| WhatIfOne {
            generated_certificate_id: id,
            code: outcome.as_ref().err().map(|error| error.code().to_owned()),
            differs: outcome.ok(),
        })
        .collect())
}

async fn picture(
    http: &HttpState,
    slot: &Slot,
    change: &Change<'_>,
    id: Uuid,
) -> Result<Response, ApiError> {
    let issuance = http.commands.load::<Issuance>(IssuanceId(id)).await?.state;
    let was = issuance
        .request
        .ok_or_else(|| ApiError::no_such("pictureOf", "generated certificate"))?;
    let definition = http
        .commands
        .load::<Certificate>(was.certificate_id)
        .await?
        .state
        .0;
    let is_meant = change
        .certificate
        .is_none_or(|certificate| was.certificate_id.0 == certificate)
        && change
            .theme
            .is_none_or(|theme| definition.is_some_and(|d| d.pdf_template.theme == theme));
    if !is_meant {
        return Err(ApiError::field(
            "pictureOf",
            "is not one of the certificates that can be compared",
        ));
    }
    let rendering = http.rendering.clone();
    let would_be = change.on(&was);
    let drawing = async move { rendering.what_if_picture(&was, &would_be, DPI).await };
    let drawn = held(slot.clone(), drawing).await?.map_err(not_drawn)?;
    Ok((
        [
            (CONTENT_TYPE, "image/png"),
            (CACHE_CONTROL, "private, no-store"),
        ],
        drawn,
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_size_doubles_while_groups_are_fast() {
        let quick = Duration::from_millis(300);
        let mut sizes = vec![FEWEST];
        for took in [quick, quick, quick, quick, 2 * QUICK, quick] {
            sizes.push(next_group(sizes[sizes.len() - 1], took));
        }
        assert_eq!(sizes, [10, 20, 40, 80, 80, 10, 20]);
    }
}
