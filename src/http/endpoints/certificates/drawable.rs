//! Whether a certificate can be drawn with the options that were set, before anybody is issued it.

use std::sync::Arc;

use uuid::Uuid;

use crate::commands::issue::sample;
use crate::domain::certificate::{Definition, TemplateRef};
use crate::domain::issuance::CertificateRequested;
use crate::domain::manifest::OptionValues;
use crate::domain::{CertificateId, Refusal};
use crate::http::endpoints::generated_certificates::sample::{made_up, not_drawn, pinned};
use crate::http::held::held;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::workers::renderer::RenderingError;

/// Draws a sample as a preview does, and finds the option that is to blame if it can't be drawn. Waits for
/// its turn: what is being written down is not refused because others look at previews.
pub(super) async fn check_options(http: &HttpState, definition: &Definition) -> Result<(), ApiError> {
    let options = &definition.pdf_template.options;
    if options.is_empty() {
        return Ok(());
    }
    let slot = http.sample_slots.clone().acquire_owned().await.map_err(ApiError::internal)?;
    let slot = Arc::new(slot);
    let whole = with_options(http, definition, options.clone()).await?;
    let rendering = http.rendering.clone();
    let error = match held(slot.clone(), async move { rendering.sample(&whole).await }).await? {
        Ok(_) => return Ok(()),
        Err(error @ (RenderingError::Render(_) | RenderingError::Own(_))) => error,
        Err(other) => return Err(not_drawn(other)),
    };
    // None of the options, and each of them alone: a template says only that one of them doesn't fit.
    let mut tries = vec![with_options(http, definition, OptionValues::new()).await?];
    for (name, value) in options {
        let alone = OptionValues::from([(name.clone(), value.clone())]);
        tries.push(with_options(http, definition, alone).await?);
    }
    let rendering = http.rendering.clone();
    let drawing = async move { rendering.samples(&tries.iter().collect::<Vec<_>>()).await };
    let mut drawn = held(slot, drawing).await?.into_iter();
    if let Some(Err(without)) = drawn.next() {
        return Err(of_definition(without));
    }
    let wrong: Vec<String> = options
        .keys()
        .zip(drawn)
        .filter_map(|(name, drawn)| Some(blamed(&format!("pdfTemplate.options.{name}"), &drawn.err()?)))
        .collect();
    let details = if wrong.is_empty() { vec![blamed("pdfTemplate.options", &error)] } else { wrong };
    Err(ApiError {
        details: details.clone(),
        ..ApiError::new(ErrorCode::ValidationError, details.join("; "))
    })
}

/// A certificate of nobody's, with these options and no others.
async fn with_options(
    http: &HttpState,
    definition: &Definition,
    options: OptionValues,
) -> Result<CertificateRequested, ApiError> {
    let named = TemplateRef { options, ..definition.pdf_template.clone() };
    let template = pinned(http, &named).await?;
    let (id, person) = (CertificateId(Uuid::nil()), made_up(definition.locale));
    Ok(sample(definition, template, id, &person, &http.settings.public_base_url, http.now()))
}

/// A field, and what is wrong with it: the renderer calls every option `options`.
fn blamed(field: &str, error: &RenderingError) -> String {
    let reason = error.reason().into_revealed();
    format!("{field}: {}", reason.strip_prefix("options ").unwrap_or(&reason))
}

/// What can't be drawn without any option either is the definition's own text, or the template.
fn of_definition(error: RenderingError) -> ApiError {
    let field = match error.field() {
        Some("client") => "client",
        Some("certificate_name") => "name",
        Some("event_name") => "eventName",
        _ => return not_drawn(error),
    };
    let reason = error.reason().into_revealed();
    let problem = reason.split_once(' ').map_or(reason.as_str(), |(_, problem)| problem);
    Refusal::field(field, problem).into()
}
