//! Templates that an issuer has written. Each version was drawn with its sample before it was
//! stored.

mod checked;
pub mod read;
pub mod what_if;
pub mod write;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::History;
use crate::domain::TemplateId;
use crate::domain::certification::template::{OwnTemplate, Template, TemplateEvent, TemplateFiles};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::templates::TemplateRow;

/// A template that an issuer has written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnTemplateAnswer {
    /// Id of the template.
    pub id: Uuid,
    /// Name of the theme, for `pdfTemplate` of a certificate.
    #[schema(example = "own:6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6")]
    pub theme: String,
    /// Name of the template.
    #[schema(example = "Diploma 2026")]
    pub name: String,
    /// Version that draws new certificates.
    #[schema(example = 1)]
    pub active_version: u32,
    /// All versions. The oldest one comes first.
    pub versions: Vec<OwnTemplateVersion>,
    /// Time of creation (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub updated_at: Timestamp,
}

/// A version of a template. It never changes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"version": 1, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "size": 2140, "addedAt": "2026-11-21T12:00:00.000Z"}))]
pub struct OwnTemplateVersion {
    /// Number of the version, from 1.
    pub version: u32,
    /// SHA-256 of the source as 64 hex digits.
    pub sha256: String,
    /// Size of the source, in bytes.
    pub size: u64,
    /// Time at which it was added (RFC 3339).
    pub added_at: Timestamp,
}

impl OwnTemplateVersion {
    /// Returns the versions of a template, oldest first.
    fn all(history: &History<Template>) -> Vec<Self> {
        let added = history.events.iter().filter_map(|(time, event)| {
            let files = match event {
                TemplateEvent::TemplateCreated(created) => &created.files,
                TemplateEvent::TemplateVersionAdded(added) => &added.files,
                TemplateEvent::TemplateActivated(_) | TemplateEvent::TemplateRetired(_) => {
                    return None;
                }
            };
            Some((*time, files))
        });
        let version = |(number, (time, files)): (u32, (OffsetDateTime, &TemplateFiles))| Self {
            version: number,
            sha256: files.source_sha256.clone(),
            size: files.source_size,
            added_at: Timestamp(time),
        };
        (1..).zip(added).map(version).collect()
    }
}

impl OwnTemplateAnswer {
    /// Returns the template from its events in the log.
    ///
    /// # Errors
    /// 404 if it was deleted.
    fn of_history(id: TemplateId, history: &History<Template>) -> Result<Self, ApiError> {
        let template = present(history)?;
        Ok(Self {
            id: id.0,
            theme: Template::theme_of(id),
            name: template.name.clone(),
            active_version: template.active,
            versions: OwnTemplateVersion::all(history),
            created_at: Timestamp(history.created_at),
            updated_at: Timestamp(history.updated_at),
        })
    }

    /// Returns the template from its row in the query tables.
    fn of_row(row: TemplateRow) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id,
            theme: Template::theme_of(TemplateId(row.id)),
            name: row.name,
            active_version: row.active_version.unsigned_abs(),
            versions: serde_json::from_value(row.versions).map_err(ApiError::internal)?,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

/// Returns the state of a template that is not deleted.
fn present(history: &History<Template>) -> Result<&OwnTemplate, ApiError> {
    let template = history.state.0.as_ref();
    template
        .filter(|template| !template.is_retired)
        .ok_or_else(|| ApiError::not_found("template"))
}

/// Returns the issuer's own template that `theme` names, or `None` if `theme` is not the name of an
/// own template.
///
/// # Errors
/// 422 if the template does not exist.
pub(super) async fn chosen(http: &HttpState, theme: &str) -> Result<Option<OwnTemplate>, ApiError> {
    let Some(id) = Template::id_of_theme(theme) else {
        return Ok(None);
    };
    let template = http
        .load::<Template>(id)
        .await?
        .0
        .filter(|template| !template.is_retired);
    let unknown = || {
        ApiError::field(
            "pdfTemplate",
            "is not one of your own templates; see GET /templates/own",
        )
    };
    Ok(Some(template.ok_or_else(unknown)?))
}
