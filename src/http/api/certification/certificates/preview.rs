//! Preview of a certificate.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::template::{TemplateChoice, pin_any_version};
use super::write::parse_locale;
use crate::commands::issue::sample;
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::{CertificateId, Person, clean_line};
use crate::http::api::certification::generated_certificates::sample::{
    made_up, not_drawn, pinned, pinned_at,
};
use crate::http::protocol::extract::{Json, Path};
use crate::http::protocol::names::LocaleName;
use crate::http::server::held::held;
use crate::http::{ApiError, HttpState};

/// Resolution of pictures, in pixels per inch. Screens then show the certificate in its actual
/// size.
const DPI: u16 = 96;
/// Maximum length of a text, in characters.
const MAX_TEXT: usize = 600;
/// Names of the variables that a request can set. Some variables also have other names, which are
/// not listed here.
const GIVEN: &str =
    "full_name, certificate_name, event_name, client, document_number, learner_email, eventLink";

/// Format and content of a preview.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"format": "png", "locale": "es", "data": {"full_name": "Ada Lovelace"}}))]
pub struct PreviewRequest {
    /// `png` or `pdf`.
    format: PreviewFormat,
    /// Language, `en` or `es`; that of the certificate if absent.
    #[schema(value_type = Option<LocaleName>)]
    locale: Option<String>,
    /// Texts, by the name of the variable. Other texts are those of the certificate, or invented.
    #[serde(default)]
    data: BTreeMap<String, String>,
    /// Another theme, or any version of your own template. The default is the template of the
    /// certificate.
    #[schema(value_type = Option<TemplateChoice>)]
    pdf_template: Option<TemplateChoice>,
}

/// Format of a preview.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PreviewFormat {
    /// Picture with 96 pixels per inch.
    Png,
    /// PDF like an issued one.
    Pdf,
}

/// Returns a preview of a certificate as a picture or a PDF.
///
/// Nothing is stored, and no mail is sent. The preview is drawn like an issued certificate, but its
/// number is `SAMPLE-NOT-VALID`. Its QR code leads to a page which says that no such certificate
/// was issued.
#[utoipa::path(
    post, path = "/certificates/{id}/preview",
    responses(
        (status = 200, description = "The preview", content((Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"))),
        (status = 422, description = "NOT_DRAWABLE: issuing it would fail; the message or the details give the reason"),
        (status = 503, description = "BUSY: too many samples are being drawn; try again"),
    )
)]
pub async fn preview_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<PreviewRequest>,
) -> Result<Response, ApiError> {
    let id = CertificateId(id);
    let definition = http.load::<Certificate>(id).await?.0;
    let mut definition = definition.ok_or_else(|| ApiError::not_found("certificate"))?;
    if let Some(locale) = &value.locale {
        definition.locale = parse_locale(locale)?;
    }
    let mut person = made_up(definition.locale);
    fill_in(&mut definition, &mut person, value.data)?;
    let slot = http.sample_slot()?;
    let template = match value.pdf_template {
        Some(choice) => pinned_at(&http, pin_any_version(&http, choice).await?).await?,
        None => pinned(&http, &definition.pdf_template).await?,
    };
    let base = &http.settings.public_base_url;
    let request = sample(&definition, template, id, &person, base, http.today());
    let rendering = http.rendering.clone();
    let format = value.format;
    let drawing = async move {
        match format {
            PreviewFormat::Pdf => rendering.sample(&request).await,
            PreviewFormat::Png => rendering.picture(&request, DPI).await,
        }
    };
    let drawn = held(slot, drawing).await?;
    let (kind, name) = match format {
        PreviewFormat::Pdf => ("application/pdf", "preview.pdf"),
        PreviewFormat::Png => ("image/png", "preview.png"),
    };
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, drawn.map_err(not_drawn)?).into_response())
}

/// Replaces texts of the certificate and of the invented person by those in `data`.
fn fill_in(
    definition: &mut Definition,
    person: &mut Person,
    data: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    for (name, text) in data {
        if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            let problem =
                format!("{name}: give at most {MAX_TEXT} characters, without control characters");
            return Err(ApiError::field("data", problem));
        }
        let text = clean_line(&text);
        match name.as_str() {
            "full_name" | "attendeeName" | "learner_name" => person.full_name = text.into(),
            "document_number" => person.document_number = Some(text.into()),
            "learner_email" => person.email = text.into(),
            "certificate_name" | "certificateName" | "course_name" => definition.name = text,
            "event_name" | "eventName" => definition.event_name = text,
            "client" | "organization" => definition.client = text,
            "eventLink" => definition.event_link = Some(text),
            _ => {
                // A key that can't be the name of a variable may be personal data, so the error
                // does not contain it.
                let is_name = name.len() <= 40
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                let field = if is_name {
                    format!("data.{name}")
                } else {
                    "data".to_owned()
                };
                return Err(ApiError::field(
                    &field,
                    format!("can't be set; the texts that can be set are {GIVEN}"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Locale;
    use crate::domain::certification::certificate::samples::definition;
    use crate::http::ErrorCode;

    fn filled(name: &str, text: &str) -> Result<(Definition, Person), ApiError> {
        let mut definition = definition();
        let mut person = made_up(Locale::En);
        fill_in(
            &mut definition,
            &mut person,
            BTreeMap::from([(name.to_owned(), text.to_owned())]),
        )?;
        Ok((definition, person))
    }

    #[test]
    fn preview_text_replaces_the_value_of_its_field() {
        assert_eq!(
            filled("full_name", "Ada").unwrap().1.full_name.reveal_str(),
            "Ada"
        );
        assert_eq!(filled("course_name", "Engines").unwrap().0.name, "Engines");
        assert_eq!(
            filled("year", "1843").unwrap_err().code,
            ErrorCode::ValidationError
        );
        assert_eq!(
            filled("client", &"x".repeat(601)).unwrap_err().code,
            ErrorCode::ValidationError
        );
        assert_eq!(
            filled("client", "a\nb").unwrap_err().code,
            ErrorCode::ValidationError
        );
    }
}
