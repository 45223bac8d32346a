//! Checks that a certificate can be drawn, before it is defined, changed or issued.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::commands::issue::sample;
use crate::domain::certification::certificate::{Definition, TemplateRef};
use crate::domain::certification::issuance::CertificateRequested;
use crate::domain::certification::manifest::{OptionValue, OptionValues};
use crate::domain::{CertificateId, Refusal};
use crate::http::api::certification::generated_certificates::sample::{made_up, not_drawn, pinned};
use crate::http::protocol::field_problem::FieldProblem;
use crate::http::server::held::held;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::rendering::RenderingError;
use crate::rendering::undrawable::{UNDRAWABLE, problem};

/// Fields of a definition whose texts are drawn.
const OWN_TEXTS: [&str; 3] = ["client", "name", "eventName"];

/// Rejects a definition that can't be drawn. The error lists the fields that cause this. First the
/// texts are checked for characters that are not printable or that no font contains, then a sample
/// is drawn. The check waits for a free slot, so that a definition is not rejected while other
/// clients draw previews.
pub(super) async fn check_drawable(
    http: &HttpState,
    definition: &Definition,
) -> Result<(), ApiError> {
    definition.check()?;
    let undrawable: BTreeMap<_, _> = undrawable_texts(http, definition).into_iter().collect();
    let output = |field: &str| {
        undrawable
            .get(field)
            .map(|problem| FieldProblem::new(field, UNDRAWABLE, problem))
    };
    let all_undrawable = || {
        refused(
            undrawable
                .keys()
                .filter_map(|field| output(field))
                .collect(),
        )
    };
    if OWN_TEXTS
        .iter()
        .any(|field| undrawable.contains_key(*field))
    {
        return Err(all_undrawable());
    }
    let options = &definition.pdf_template.options;
    let slot = http.next_sample_slot().await?;
    let whole = with_options(http, definition, options.clone()).await?;
    let rendering = http.rendering.clone();
    let error = match held(slot.clone(), async move { rendering.sample(&whole).await }).await? {
        Ok(_) if undrawable.is_empty() => return Ok(()),
        Ok(_) => return Err(all_undrawable()),
        // This theme is part of a newer version of the program, which runs at the same time.
        Err(RenderingError::Render(error)) if !error.is_permanent() => return Ok(()),
        Err(error @ (RenderingError::Render(_) | RenderingError::Own(_))) => error,
        Err(other) => return Err(not_drawn(other)),
    };
    // Draws without options, then with each option alone, because a template only reports that one
    // of its options does not fit.
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
    let wrong: Vec<FieldProblem> = options
        .keys()
        .zip(drawn)
        .filter_map(|(name, drawn)| {
            let field = format!("pdfTemplate.options.{name}");
            let error = drawn.err()?;
            Some(output(&field).unwrap_or_else(|| blamed(&field, &error)))
        })
        .collect();
    let problems = if wrong.is_empty() {
        vec![blamed("pdfTemplate.options", &error)]
    } else {
        wrong
    };
    Err(refused(problems))
}

/// Returns the texts of a definition that no font can draw: for each, its field and the problem of
/// its characters.
pub(in crate::http::api) fn undrawable_texts(
    http: &HttpState,
    definition: &Definition,
) -> Vec<(String, String)> {
    let texts = [&definition.client, &definition.name, &definition.event_name];
    let own = OWN_TEXTS
        .into_iter()
        .zip(texts)
        .map(|(field, text)| (field.to_owned(), text.as_str()));
    let options = definition
        .pdf_template
        .options
        .iter()
        .filter_map(|(name, value)| match value {
            OptionValue::Text(text) => {
                Some((format!("pdfTemplate.options.{name}"), text.reveal_str()))
            }
            OptionValue::Image(_) => None,
        });
    let renderer = http.rendering.renderer();
    own.chain(options)
        .filter_map(|(field, text)| Some((field, problem(renderer, text)?)))
        .collect()
}

/// Rejects a definition for issuing if no font can draw one of its texts, because then no
/// certificate could be drawn. An older version of the program may have stored such a definition.
/// # Errors
/// [`ErrorCode::NotDrawable`]. The details list the fields and characters.
pub(in crate::http::api) fn check_issuable(
    http: &HttpState,
    definition: &Definition,
) -> Result<(), ApiError> {
    let undrawable = undrawable_texts(http, definition);
    if undrawable.is_empty() {
        return Ok(());
    }
    let problems = undrawable
        .into_iter()
        .map(|(field, problem)| FieldProblem::new(field, UNDRAWABLE, problem))
        .collect();
    let message = "no certificate of this definition can be drawn; correct it first";
    Err(ApiError::new(ErrorCode::NotDrawable, message).with_problems(problems))
}

fn refused(problems: Vec<FieldProblem>) -> ApiError {
    ApiError::of_problems(ErrorCode::ValidationError, problems)
}

/// Returns a sample certificate of an invented person, with only these options.
async fn with_options(
    http: &HttpState,
    definition: &Definition,
    options: OptionValues,
) -> Result<CertificateRequested, ApiError> {
    let named = TemplateRef {
        options,
        ..definition.pdf_template.clone()
    };
    let template = pinned(http, &named).await?;
    let id = CertificateId(Uuid::nil());
    let person = made_up(definition.locale);
    Ok(sample(
        definition,
        template,
        id,
        &person,
        &http.settings.public_base_url,
        http.today(),
    ))
}

/// Returns the problem of a field. The renderer adds the prefix `options` to the names of options.
/// The prefix is removed here.
fn blamed(field: &str, error: &RenderingError) -> FieldProblem {
    let reason = error.reason().into_revealed();
    let reason = reason.strip_prefix("options ").unwrap_or(&reason);
    FieldProblem::new(field, UNDRAWABLE, reason)
}

/// Converts the error of a sample without options. It is caused by a text of the definition or by
/// the template.
fn of_definition(error: RenderingError) -> ApiError {
    let field = match error.field() {
        Some("client") => "client",
        Some("certificate_name") => "name",
        Some("event_name") => "eventName",
        _ => return not_drawn(error),
    };
    let reason = error.reason().into_revealed();
    let problem = reason
        .split_once(' ')
        .map_or(reason.as_str(), |(_, problem)| problem);
    Refusal::field(field, problem).into()
}
