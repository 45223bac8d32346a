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
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use self::template::shown_options;
use crate::commands::History;
use crate::domain::CertificateId;
use crate::domain::certification::certificate::{Certificate, Definition, TemplateRef};
use crate::domain::certification::template::Template;
use crate::event_log::Position;
use crate::http::protocol::names::LocaleName;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates::CertificateRow;

/// Prefix of the object keys of designs. Only objects with this prefix are served at
/// `/certificates/design_images/…`.
const DESIGNS: &str = "certificates/design_images/";
/// Largest size of a design, in bytes.
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
    /// URL of the background design. Null for the background of the theme.
    pub base_design_url: Option<String>,
    /// Template that draws the certificate. Requests accept it in the same form.
    pub pdf_template: PdfTemplate,
    /// Id of the SendGrid dynamic template for the mail.
    pub sendgrid_template_id: Option<String>,
    /// Link in the mail.
    pub event_link: Option<String>,
    /// Date on the certificates; null for the date of issuing.
    #[schema(value_type = Option<String>, format = Date, example = "2026-11-20")]
    pub issue_date: Option<Date>,
    /// True if people must have a document number. An upload can override this.
    pub requires_document: bool,
    /// Language of certificate and mail: `en` or `es`.
    #[schema(value_type = LocaleName)]
    pub locale: String,
    /// True if the certificate can be issued.
    pub is_active: bool,
    /// Time of definition (RFC 3339).
    pub created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    pub updated_at: Timestamp,
}

/// Template of a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PdfTemplate {
    /// Theme, or a template of your own.
    #[schema(example = "corporate")]
    pub theme: String,
    /// Pinned version of the theme. Null for a template of your own: its active version draws new
    /// certificates.
    #[schema(example = 1)]
    pub version: Option<u32>,
    /// Values of the options that are set, by name. A picture is given as the `url` of its design.
    #[schema(example = json!({"accent": "#123a5c"}))]
    pub options: BTreeMap<String, String>,
}

impl PdfTemplate {
    fn of(http: &HttpState, template: TemplateRef) -> Self {
        let is_own = Template::id_of_theme(&template.theme).is_some();
        Self {
            theme: template.theme,
            version: (!is_own).then_some(template.version),
            options: shown_options(http, template.options),
        }
    }
}

impl CertificateAnswer {
    /// Returns the certificate from its events in the log.
    ///
    /// # Errors
    /// 404 if it was deleted.
    fn of_history(
        http: &HttpState,
        id: CertificateId,
        history: History<Certificate>,
    ) -> Result<Self, ApiError> {
        let definition = history.state.0.filter(|_| history.latest.0.is_some());
        let definition = definition.ok_or_else(|| ApiError::not_found("certificate"))?;
        Ok(Self::of(
            http,
            id.0,
            definition,
            history.created_at,
            history.updated_at,
        ))
    }

    /// Returns the certificate from its row in the query tables.
    fn of_row(http: &HttpState, row: CertificateRow) -> Self {
        Self::of(http, row.id, row.definition, row.created_at, row.updated_at)
    }

    fn of(
        http: &HttpState,
        id: Uuid,
        definition: Definition,
        created_at: OffsetDateTime,
        updated_at: OffsetDateTime,
    ) -> Self {
        let design = definition.design;
        Self {
            id,
            client: definition.client,
            name: definition.name,
            event_name: definition.event_name,
            base_design_url: design.map(|design| design_url(http, &design.key)),
            pdf_template: PdfTemplate::of(http, definition.pdf_template),
            sendgrid_template_id: definition.sendgrid_template_id,
            event_link: definition.event_link,
            issue_date: definition.issue_date,
            requires_document: definition.requires_document,
            locale: definition.locale.to_string(),
            is_active: definition.is_active,
            created_at: Timestamp(created_at),
            updated_at: Timestamp(updated_at),
        }
    }
}

/// Returns the certificate in this version.
async fn answer(
    http: &HttpState,
    id: CertificateId,
    version: Position,
) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Certificate>(id, version).await?;
    Ok(Answer::ok(&CertificateAnswer::of_history(http, id, history)?)?.version(version))
}

fn design_url(http: &HttpState, key: &str) -> String {
    http.public_url(&format!("/{key}"))
}
