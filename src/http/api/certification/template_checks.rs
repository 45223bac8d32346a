//! Checks of a dry run that depend on the template of a certificate. They find names that are too
//! long for their place, and e-mail addresses on the certificate that no font can draw.

use std::collections::BTreeMap;

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

/// Number of names that are laid out in one call.
const TOGETHER: usize = 10;

/// Lays out names with the current template of a definition. Returns one value per name, true if
/// the name is too long. Waits for a free slot, like the checks of definitions.
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
    let slot = http.next_sample_slot().await?;
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

/// Returns true if the name does not fit. The other texts are checked when a certificate is defined
/// or changed.
fn is_overflow(error: &RenderingError) -> bool {
    error.code() == "RENDER_OVERFLOW"
        && error
            .field()
            .is_none_or(|field| ["full_name", "text"].contains(&field))
}

/// Returns true if the template of the certificate shows the e-mail address.
pub(super) async fn shows_email(
    http: &HttpState,
    definition: &Definition,
) -> Result<bool, ApiError> {
    let template = pinned(http, &definition.pdf_template).await?;
    Ok(http.rendering.shows_email(&template).await?)
}

/// Returns the report of an import's dry run, with the warnings that depend on the templates of the
/// certificates.
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
        let certificate = http.load::<Certificate>(certificate_id).await?.0;
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

/// Names and warnings that are checked with the template of one certificate.
#[derive(Default)]
struct ToCheck {
    names: Vec<Personal<String>>,
    /// Warnings for `names`, in the same order.
    too_long: Vec<ErrorDetail>,
    /// Warnings about e-mail addresses that no font can draw.
    emails: Vec<ErrorDetail>,
}
