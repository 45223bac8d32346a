//! Certificates: the definitions that are issued to people.

pub mod design;
pub mod designs;
pub(super) mod drawable;
mod own_background;
pub mod preview;
pub mod read;
mod template;
pub mod update;
pub mod upload_design;
pub mod what_if;
pub mod write;

use std::collections::BTreeMap;

use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use self::template::shown_options;
use crate::domain::CertificateId;
use crate::domain::certification::certificate::Definition;
use crate::http::HttpState;
use crate::http::protocol::names::LocaleName;
use crate::http::protocol::timestamp::Timestamp;
use crate::projection::queries::certificates::CertificateRow;

/// Prefix of the object keys of designs. Only these keys are served at
/// `/certificates/design_images/…`.
const DESIGNS: &str = "certificates/design_images/";
/// Maximum size of a design, in bytes.
const MAX_DESIGN_BYTES: u64 = 10 << 20;

/// A certificate: a definition that is issued to people.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAnswer {
    /// Id of the certificate.
    pub id: Uuid,
    /// Issuing organisation.
    pub client: String,
    /// Name of the certificate.
    pub name: String,
    /// Name of the event or course.
    pub event_name: String,
    /// Address of the background design; null for the theme's own background.
    pub base_design_url: Option<String>,
    /// Theme that draws the certificate.
    #[schema(example = "classic")]
    pub pdf_template: String,
    /// Pinned version of the theme.
    pub pdf_template_version: u32,
    /// Values of the theme's options, by name. A picture is given as the `url` of its design.
    #[schema(example = json!({"accent": "#123a5c"}))]
    pub pdf_template_options: BTreeMap<String, String>,
    /// Id of the SendGrid dynamic template for the mail.
    pub sendgrid_template_id: Option<String>,
    /// Link in the mail.
    pub event_link: Option<String>,
    /// Date on the certificates; null for the date of issuing.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    pub issue_date: Option<Date>,
    /// True if people must have a document number, unless an upload specifies this.
    pub requires_document: bool,
    /// Language of certificate and mail: `en` or `es`.
    #[schema(value_type = LocaleName)]
    pub locale: String,
    /// True if the certificate can be issued.
    pub is_active: bool,
    /// Time of definition (RFC 3339); absent in the answer to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Time of the last change (RFC 3339); absent in the answer to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl CertificateAnswer {
    fn of_state(http: &HttpState, id: CertificateId, definition: Definition) -> Self {
        Self {
            id: id.0,
            client: definition.client,
            name: definition.name,
            event_name: definition.event_name,
            base_design_url: definition
                .design
                .map(|design| design_url(http, &design.key)),
            pdf_template: definition.pdf_template.theme,
            pdf_template_version: definition.pdf_template.version,
            pdf_template_options: shown_options(http, definition.pdf_template.options),
            sendgrid_template_id: definition.sendgrid_template_id,
            event_link: definition.event_link,
            issue_date: definition.issue_date,
            requires_document: definition.requires_document,
            locale: definition.locale.to_string(),
            is_active: definition.is_active,
            created_at: None,
            updated_at: None,
        }
    }

    fn of_row(http: &HttpState, row: CertificateRow) -> Self {
        // The table has the options in the same form as the event.
        let options = serde_json::from_value(row.theme_options.into_revealed()).unwrap_or_default();
        Self {
            id: row.id,
            client: row.client,
            name: row.name,
            event_name: row.event_name,
            base_design_url: row.design_key.map(|key| design_url(http, &key)),
            pdf_template: row.theme,
            pdf_template_version: row.theme_version.unsigned_abs(),
            pdf_template_options: shown_options(http, options),
            sendgrid_template_id: row.sendgrid_template_id,
            event_link: row.event_link,
            issue_date: row.issue_date,
            requires_document: row.requires_document,
            locale: row.locale,
            is_active: row.is_active,
            created_at: Some(Timestamp(row.created_at)),
            updated_at: Some(Timestamp(row.updated_at)),
        }
    }
}

fn design_url(http: &HttpState, key: &str) -> String {
    http.public_url(&format!("/{key}"))
}
