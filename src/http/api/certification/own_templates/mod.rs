//! Templates that issuers wrote. Every version was drawn with its sample before it was stored.

mod checked;
pub mod read;
pub mod what_if;
pub mod write;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::TemplateId;
use crate::domain::certification::template::{OwnTemplate, Template, TemplateFiles};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::templates::TemplateRow;

/// A template that an issuer wrote.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnTemplateAnswer {
    /// Id of the template.
    pub id: Uuid,
    /// Name of the theme to use in a certificate's `pdfTemplate`.
    #[schema(example = "own:6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6")]
    pub theme: String,
    /// Name of the template.
    #[schema(example = "Diploma 2026")]
    pub name: String,
    /// Version that draws new certificates.
    #[schema(example = 1)]
    pub active_version: u32,
    /// All versions, oldest first.
    pub versions: Vec<OwnTemplateVersion>,
    /// Time of creation (RFC 3339); absent in the answer to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// Time of the last change (RFC 3339); absent in the answer to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// A version of a template. It never changes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"version": 1, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "size": 2140, "addedAt": "2026-11-21T12:00:00.000Z"}))]
pub struct OwnTemplateVersion {
    /// Number of the version, from 1.
    pub version: u32,
    /// SHA-256 of the source, 64 hex digits.
    pub sha256: String,
    /// Size of the source, in bytes.
    pub size: u64,
    /// Time at which it was added (RFC 3339); absent in the answer to a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<Timestamp>,
}

impl OwnTemplateAnswer {
    fn of_state(id: TemplateId, template: OwnTemplate) -> Self {
        let version = |(number, files): (u32, TemplateFiles)| OwnTemplateVersion {
            version: number,
            sha256: files.source_sha256,
            size: files.source_size,
            added_at: None,
        };
        Self {
            id: id.0,
            theme: Template::theme_of(id),
            name: template.name,
            active_version: template.active,
            versions: (1..).zip(template.versions).map(version).collect(),
            created_at: None,
            updated_at: None,
        }
    }

    fn of_row(row: TemplateRow) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id,
            theme: Template::theme_of(TemplateId(row.id)),
            name: row.name,
            active_version: row.active_version.unsigned_abs(),
            versions: serde_json::from_value(row.versions).map_err(ApiError::internal)?,
            created_at: Some(Timestamp(row.created_at)),
            updated_at: Some(Timestamp(row.updated_at)),
        })
    }
}

/// Returns the issuer's own template that `theme` names, or `None` if `theme` is not the name of an
/// own template.
///
/// # Errors
/// 422 if there is no such template.
pub(super) async fn chosen(http: &HttpState, theme: &str) -> Result<Option<OwnTemplate>, ApiError> {
    let Some(id) = Template::id_of_theme(theme) else {
        return Ok(None);
    };
    let template = http
        .commands
        .load::<Template>(id)
        .await?
        .state
        .0
        .filter(|template| !template.is_retired);
    let unknown = || {
        ApiError::field(
            "pdfTemplate",
            "is no template of yours; see GET /templates/own",
        )
    };
    Ok(Some(template.ok_or_else(unknown)?))
}
