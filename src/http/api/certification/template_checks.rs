//! Checks of a dry run that depend on the certificate's template: names that are too long for their
//! place, and e-mail addresses that the template shows but no font draws.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::generated_certificates::sample::{made_up, pinned};
use crate::commands::issue::sample;
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::certification::issuance::CertificateRequested;
use crate::domain::{CertificateId, Person, Personal};
use crate::http::server::held::held;
use crate::http::{ApiError, HttpState};
use crate::importing::dry_run::Rehearsed;
use crate::importing::report::{ErrorDetail, ImportReport};
use crate::rendering::RenderingError;

/// Number of names that are laid out together.
const TOGETHER: usize = 10;

/// Lays out names with the current template of a definition, and returns for each true if it is too
/// long. Waits for a slot, as checks of definitions do.
pub(super) async fn are_too_long(
    http: &HttpState,
    definition: &Definition,
    names: &[Personal<String>],
) -> Result<Vec<bool>, ApiError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let template = pinned(http, &definition.pdf_template).await?;
    let base = &http.settings.public_base_url;
    let nobody = CertificateId(Uuid::nil());
    let request = |name: &Personal<String>| {
        let person = Person {
            full_name: name.clone(),
            ..made_up(definition.locale)
        };
        sample(
            definition,
            template.clone(),
            nobody,
            &person,
            base,
            http.today(),
        )
    };
    let slot = http
        .sample_slots
        .clone()
        .acquire_owned()
        .await
        .map_err(ApiError::internal)?;
    let slot = Arc::new(slot);
    let mut found = Vec::with_capacity(names.len());
    for group in names.chunks(TOGETHER) {
        let requests: Vec<CertificateRequested> = group.iter().map(request).collect();
        let rendering = http.rendering.clone();
        let drawing = async move {
            rendering
                .samples(&requests.iter().collect::<Vec<_>>())
                .await
        };
        let drawn = held(slot.clone(), drawing).await?;
        found.extend(drawn.iter().map(|one| one.as_ref().is_err_and(is_overflow)));
    }
    Ok(found)
}

/// Returns true if the name doesn't fit. The other texts of a definition are checked when it is
/// defined or changed.
fn is_overflow(error: &RenderingError) -> bool {
    error.code() == "RENDER_OVERFLOW"
        && error
            .field()
            .is_none_or(|field| ["full_name", "text"].contains(&field))
}

/// Returns true if the certificate's template shows the e-mail address.
pub(super) async fn shows_email(
    http: &HttpState,
    definition: &Definition,
) -> Result<bool, ApiError> {
    let template = pinned(http, &definition.pdf_template).await?;
    Ok(http.rendering.shows_email(&template).await?)
}

/// Returns the report of a dry run of an import, with the warnings that depend on the certificates'
/// templates.
pub(super) async fn checked(
    http: &HttpState,
    rehearsed: Rehearsed,
) -> Result<ImportReport, ApiError> {
    let Rehearsed {
        mut report,
        long_names,
        undrawable_emails,
    } = rehearsed;
    let mut by_certificate: BTreeMap<Uuid, ToCheck> = BTreeMap::new();
    for long in long_names.into_longest() {
        let (certificate_id, warning) = long.of;
        let to_check = by_certificate.entry(certificate_id.0).or_default();
        to_check.names.push(long.name);
        to_check.too_long.push(warning);
    }
    for (certificate_id, warning) in undrawable_emails {
        by_certificate
            .entry(certificate_id.0)
            .or_default()
            .emails
            .push(warning);
    }
    for (certificate_id, to_check) in by_certificate {
        let certificate = http
            .commands
            .load::<Certificate>(certificate_id)
            .await?
            .state
            .0;
        let Some(definition) = certificate else {
            continue;
        };
        let found = are_too_long(http, &definition, &to_check.names).await?;
        let too_long = to_check
            .too_long
            .into_iter()
            .zip(found)
            .filter(|(_, is_too_long)| *is_too_long);
        too_long.for_each(|(warning, _)| report.warn_also(warning));
        if !to_check.emails.is_empty() && shows_email(http, &definition).await? {
            to_check
                .emails
                .into_iter()
                .for_each(|warning| report.warn_also(warning));
        }
    }
    Ok(report)
}

/// Names and warnings to check with the template of one certificate.
#[derive(Default)]
struct ToCheck {
    names: Vec<Personal<String>>,
    /// Warnings for `names`, in the same order.
    too_long: Vec<ErrorDetail>,
    /// Warnings about addresses that no font draws.
    emails: Vec<ErrorDetail>,
}
