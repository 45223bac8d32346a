//! Names that are too long for their place on a certificate, told by a rehearsal.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::generated_certificates::sample::{made_up, pinned};
use crate::commands::issue::sample;
use crate::domain::certificate::{Certificate, Definition};
use crate::domain::issuance::CertificateRequested;
use crate::domain::{CertificateId, Person, Personal};
use crate::http::held::held;
use crate::http::{ApiError, HttpState};
use crate::workers::importer::dry_run::Rehearsed;
use crate::workers::importer::report::ImportReport;
use crate::workers::renderer::RenderingError;

/// Names that are laid out together.
const TOGETHER: usize = 10;

/// Lays out names as a certificate's definition has them now, and returns for each if it is too long. Waits for a
/// slot, as checks of definitions do.
pub(super) async fn are_too_long(
    http: &HttpState,
    definition: &Definition,
    names: &[Personal<String>],
) -> Result<Vec<bool>, ApiError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let template = pinned(http, &definition.pdf_template).await?;
    let (base, nobody) = (&http.settings.public_base_url, CertificateId(Uuid::nil()));
    let request = |name: &Personal<String>| {
        let person = Person { full_name: name.clone(), ..made_up(definition.locale) };
        sample(definition, template.clone(), nobody, &person, base, http.today())
    };
    let slot = http.sample_slots.clone().acquire_owned().await.map_err(ApiError::internal)?;
    let (slot, mut found) = (Arc::new(slot), Vec::with_capacity(names.len()));
    for group in names.chunks(TOGETHER) {
        let requests: Vec<CertificateRequested> = group.iter().map(request).collect();
        let rendering = http.rendering.clone();
        let drawing = async move { rendering.samples(&requests.iter().collect::<Vec<_>>()).await };
        let drawn = held(slot.clone(), drawing).await?;
        found.extend(drawn.iter().map(|one| one.as_ref().is_err_and(is_overflow)));
    }
    Ok(found)
}

/// Returns true if the name has no room. Other texts of a definition are checked when it is made.
fn is_overflow(error: &RenderingError) -> bool {
    error.code() == "RENDER_OVERFLOW"
        && error.field().is_none_or(|field| ["full_name", "text"].contains(&field))
}

/// The report of a rehearsed import, with a warning for each of its names that is too long.
pub(super) async fn with_long_names(
    http: &HttpState,
    rehearsed: Rehearsed,
) -> Result<ImportReport, ApiError> {
    let Rehearsed { mut report, long_names } = rehearsed;
    let mut by_certificate: BTreeMap<Uuid, (Vec<_>, Vec<_>)> = BTreeMap::new();
    for long in long_names.into_longest() {
        let (certificate_id, warning) = long.of;
        let (names, warnings) = by_certificate.entry(certificate_id.0).or_default();
        names.push(long.name);
        warnings.push(warning);
    }
    for (certificate_id, (names, warnings)) in by_certificate {
        let certificate = http.commands.load::<Certificate>(certificate_id).await?.state.0;
        let Some(definition) = certificate else { continue };
        let found = are_too_long(http, &definition, &names).await?;
        let too_long = warnings.into_iter().zip(found).filter(|(_, is_too_long)| *is_too_long);
        too_long.for_each(|(warning, _)| report.warn_also(warning));
    }
    Ok(report)
}
