//! Designs: uploaded background images of certificates.

pub mod delete;
pub mod read;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DESIGNS, design_url};
use crate::commands::History;
use crate::domain::DesignId;
use crate::domain::certification::design::{Design, DesignImage, DesignState, id_of_key};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::designs::DesignRow;
use crate::storage::ObjectKey;

/// A design and its metadata.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DesignAnswer {
    /// Id of the design.
    pub id: Uuid,
    /// URL of the image. Use it as `baseDesignUrl` of a certificate.
    #[schema(
        example = "https://certificates.example.com/certificates/design_images/acme_2026/gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg"
    )]
    pub url: String,
    /// URL of the thumbnail, whose sides have at most 320 pixels.
    #[schema(
        example = "https://certificates.example.com/certificates/design_images/acme_2026/gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6_small.jpg"
    )]
    pub thumbnail_url: String,
    /// Key in the object storage.
    #[schema(
        example = "certificates/design_images/acme_2026/gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg"
    )]
    pub key: String,
    /// Client that the design belongs to.
    #[schema(example = "Acme")]
    pub client: String,
    /// Name of the design.
    #[schema(example = "Gold frame")]
    pub name: String,
    /// Description for people.
    #[schema(example = "The frame of 2026")]
    pub description: Option<String>,
    /// Name of the uploaded file.
    #[schema(example = "Gold Frame.png")]
    pub original_name: String,
    /// Size of the stored image, in bytes.
    #[schema(example = 408_000)]
    pub size: u64,
    /// Media type of the stored image: `image/jpeg`, or `image/png` if it is transparent.
    #[schema(example = "image/jpeg")]
    pub mime_type: String,
    /// Width of the stored image, in pixels.
    #[schema(example = 3508)]
    pub width: u32,
    /// Height of the stored image, in pixels.
    #[schema(example = 2480)]
    pub height: u32,
    /// True if a certificate uses or has used the design. Such a design can't be deleted.
    #[schema(example = false)]
    pub in_use: bool,
    /// Time of the upload (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub uploaded_at: Timestamp,
}

impl DesignAnswer {
    pub(super) fn uploaded(
        http: &HttpState,
        id: DesignId,
        image: DesignImage,
        history: &History<Design>,
    ) -> Self {
        Self {
            id: id.0,
            url: design_url(http, &image.key),
            thumbnail_url: design_url(http, &image.thumbnail_key),
            key: image.key,
            client: image.client,
            name: image.name,
            description: image.description,
            original_name: image.original_name,
            size: image.size,
            mime_type: image.mime_type,
            width: image.width,
            height: image.height,
            in_use: matches!(history.state, DesignState::InUse(_)),
            uploaded_at: Timestamp(history.created_at),
        }
    }

    fn of_row(http: &HttpState, row: DesignRow) -> Self {
        Self {
            id: row.id,
            url: design_url(http, &row.key),
            thumbnail_url: design_url(http, &row.thumbnail_key),
            key: row.key,
            client: row.client,
            name: row.name,
            description: row.description,
            original_name: row.original_name,
            size: row.size.unsigned_abs(),
            mime_type: row.mime_type,
            width: row.width.unsigned_abs(),
            height: row.height.unsigned_abs(),
            in_use: row.in_use,
            uploaded_at: Timestamp(row.uploaded_at),
        }
    }
}

/// Returns the object key for the URL of a design on this server. Returns `None` for any other URL.
pub(super) fn key_of_url(http: &HttpState, url: &str) -> Option<ObjectKey> {
    let path = url
        .strip_prefix(http.settings.public_base_url.as_str())?
        .strip_prefix('/')?;
    let inside = path.strip_prefix(DESIGNS)?;
    let key = ObjectKey::parse(path).ok()?;
    (inside.split('/').count() == 2).then_some(key)
}

/// Returns true if the design with this key was deleted. Its files may still exist for a short
/// time.
pub(super) async fn is_deleted(http: &HttpState, key: &ObjectKey) -> Result<bool, ApiError> {
    let Some(id) = id_of_key(key.as_str()) else {
        return Ok(false);
    };
    Ok(matches!(
        http.load::<Design>(id).await?,
        DesignState::Deleted(_)
    ))
}
