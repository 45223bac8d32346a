//! `GET /certificate/{publicId}`

use axum::extract::State;
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Personal;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::pages::render;
use crate::http::endpoints::rfc3339;
use crate::http::extract::Path;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances::IssuanceRow;

const TEMPLATE: &str = include_str!("page.html");
const UNKNOWN: &str = include_str!("unknown.html");

/// What anybody may know of a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// `genuine`: it was issued here and counts. `pending`: it was, and its PDF is being made. `revoked`:
    /// it was, and doesn't count any more.
    #[schema(example = "genuine")]
    status: &'static str,
    /// Its public id.
    public_id: String,
    /// To whom.
    #[schema(value_type = String)]
    full_name: Personal<String>,
    /// What.
    certificate_name: String,
    /// For which event or course.
    event_name: String,
    /// By whom.
    issuer: String,
    /// When.
    #[schema(example = "2026-11-21")]
    issue_date: String,
    /// The certificate's language: `en` or `es`.
    locale: String,
    /// Since when it doesn't count any more (RFC 3339).
    revoked_at: Option<String>,
    /// The PDF; null until there is one, and once it is revoked.
    download_url: Option<String>,
    /// SHA-256 of the PDF, 64 hex digits; null until there is one.
    sha256: Option<String>,
}

/// Whether a certificate is genuine.
///
/// A page for people; JSON where `Accept` asks for it.
#[utoipa::path(
    get, path = "/certificate/{publicId}",
    params(("publicId" = String, Path, description = "The public id, 32 hex digits")),
    responses(
        (status = 200, description = "It was issued here", content((String = "text/html"), (Envelope<Verification> = "application/json"))),
        (status = 404, description = "NOT_FOUND: no certificate of this id was issued here", content((String = "text/html"), (ErrorEnvelope = "application/json"))),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Path(public_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let json = wants_json(&headers);
    let Some(row) = super::find(&http, &public_id).await? else {
        let missing = ApiError::not_found("certificate here; check the address");
        let page = (StatusCode::NOT_FOUND, [(VARY, "Accept")], render(UNKNOWN, &())?);
        return if json { Err(missing) } else { Ok(page.into_response()) };
    };
    let verification = verification(&http, row);
    let body = if json {
        Answer::ok(&verification)?.into_response()
    } else {
        let t = texts(&verification.locale);
        render(TEMPLATE, &Page { v: &verification, t })?.into_response()
    };
    Ok(([(VARY, "Accept")], body).into_response())
}

fn verification(http: &HttpState, row: IssuanceRow) -> Verification {
    let is_generated = row.state == "generated";
    let path = format!("/certificate/{}/download", row.public_id);
    Verification {
        status: match row.state.as_str() {
            "generated" => "genuine",
            "revoked" => "revoked",
            _ => "pending",
        },
        public_id: row.public_id,
        full_name: row.full_name,
        certificate_name: row.certificate_name,
        event_name: row.event_name,
        issuer: row.client,
        issue_date: row.issue_date.to_string(),
        locale: row.locale,
        revoked_at: row.revoked_at.map(rfc3339),
        download_url: is_generated.then(|| http.public_url(&path)),
        sha256: row.sha256,
    }
}

/// JSON is for programs: it must be asked for, and not together with a page.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

/// What the page shows, and its own words.
#[derive(Serialize)]
struct Page<'v> {
    v: &'v Verification,
    t: Texts,
}

/// The page's own words.
#[derive(Serialize)]
struct Texts {
    lang: &'static str,
    title: &'static str,
    genuine: &'static str,
    pending: &'static str,
    revoked: &'static str,
    revoked_on: &'static str,
    awarded_to: &'static str,
    certificate: &'static str,
    for_event: &'static str,
    issued_by: &'static str,
    issued_on: &'static str,
    number: &'static str,
    download: &'static str,
    digest: &'static str,
}

const fn english() -> Texts {
    Texts {
        lang: "en",
        title: "Certificate verification",
        genuine: "This certificate is genuine",
        pending: "This certificate was issued; its file is being prepared",
        revoked: "This certificate was revoked and is not valid",
        revoked_on: "Date of revocation",
        awarded_to: "Awarded to",
        certificate: "Certificate",
        for_event: "Event or course",
        issued_by: "Issued by",
        issued_on: "Date of issue",
        number: "Certificate number",
        download: "Download the certificate (PDF)",
        digest: "SHA-256 of the file",
    }
}

const fn spanish() -> Texts {
    Texts {
        lang: "es",
        title: "Verificación de certificado",
        genuine: "Este certificado es auténtico",
        pending: "Este certificado fue emitido; su archivo se está preparando",
        revoked: "Este certificado fue revocado y no es válido",
        revoked_on: "Fecha de revocación",
        awarded_to: "Otorgado a",
        certificate: "Certificado",
        for_event: "Evento o curso",
        issued_by: "Emitido por",
        issued_on: "Fecha de emisión",
        number: "Número de certificado",
        download: "Descargar el certificado (PDF)",
        digest: "SHA-256 del archivo",
    }
}

fn texts(locale: &str) -> Texts {
    if locale == "es" { spanish() } else { english() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(locale: &str) -> Verification {
        Verification {
            status: "genuine",
            public_id: "00112233445566778899aabbccddeeff".to_owned(),
            full_name: "María <b>José</b> Núñez".to_owned().into(),
            certificate_name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            issuer: "Acme & Sons".to_owned(),
            issue_date: "2026-11-21".to_owned(),
            locale: locale.to_owned(),
            revoked_at: None,
            download_url: Some("https://example.com/certificate/00/download".to_owned()),
            sha256: Some("ab".repeat(32)),
        }
    }

    #[test]
    fn the_page_speaks_the_certificates_language() {
        for locale in ["en", "es"] {
            let page = render(TEMPLATE, &Page { v: &sample(locale), t: texts(locale) }).unwrap().0;
            insta::assert_snapshot!(format!("page_{locale}"), page);
            assert!(!page.contains("<b>"));
        }
    }

    #[test]
    fn a_revoked_certificate_says_so_and_is_not_offered() {
        for locale in ["en", "es"] {
            let revoked_at = Some("2026-11-22T10:00:00Z".to_owned());
            let v = Verification { status: "revoked", revoked_at, download_url: None, ..sample(locale) };
            let page = render(TEMPLATE, &Page { v: &v, t: texts(locale) }).unwrap().0;
            let t = texts(locale);
            assert!(page.contains(t.revoked) && page.contains(t.revoked_on) && page.contains("2026-11-22"));
            assert!(!page.contains(t.genuine) && !page.contains(t.download));
        }
    }

    #[test]
    fn browsers_get_the_page_and_programs_json() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            wants_json(&headers)
        };
        assert!(asks("application/json"));
        assert!(!asks("text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"));
        assert!(!asks("*/*"));
        assert!(!wants_json(&HeaderMap::new()));
    }
}
