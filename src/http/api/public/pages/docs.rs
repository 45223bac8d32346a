//! Page that describes every operation of the API and can send requests.

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Html;
use minijinja::context;
use minijinja::value::{Serde, Value};

use crate::http::protocol::openapi;
use crate::http::{ApiError, HttpState};

const TEMPLATE: &str = include_str!("docs.html");
/// Script that shows the details of an operation from the OpenAPI document, and sends requests.
const SCRIPT: &str = include_str!("docs.js");

/// Shows all operations of the API, grouped by purpose, each with a form to send a request.
#[utoipa::path(
    get, path = "/api/docs",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show_api_docs(
    State(http): State<HttpState>,
) -> Result<([(HeaderName, String); 1], Html<String>), ApiError> {
    let page = page(&http.settings.prefix)?;
    Ok(([(CONTENT_SECURITY_POLICY, super::policy_of(SCRIPT))], page))
}

fn page(prefix: &str) -> Result<Html<String>, ApiError> {
    super::render(
        TEMPLATE,
        &context! {
            version => env!("CARGO_PKG_VERSION"),
            about => openapi::ABOUT.split("\n\n").collect::<Vec<_>>(),
            groups => Value::from(Serde(openapi::groups(prefix))),
            script => Value::from_safe_string(SCRIPT.to_owned()),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::public::pages::tests::assert_allowed;

    #[test]
    fn page_lists_every_operation_once() {
        let page = page("/api/v1").unwrap().0;
        let mut operations = 0;
        for (path, methods) in crate::http::openapi_document()["paths"]
            .as_object()
            .unwrap()
        {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                let entry = format!("<details id=\"{id}\" data-method=\"{method}\" data-path=");
                assert_eq!(page.matches(&entry).count(), 1, "{id}");
                assert!(
                    page.contains(&format!("<code>{}</code>", path.replace('/', "&#x2f;"))),
                    "{path}"
                );
                operations += 1;
            }
        }
        assert_eq!(page.matches("<details id=").count(), operations);
        assert_allowed(&page, &super::super::policy_of(SCRIPT));
        for outside in ["src=", "href=\"http", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn page_begins_with_the_login() {
        let page = page("/api/v1").unwrap().0;
        let place = |id: &str| page.find(&format!("<details id=\"{id}\"")).expect(id);
        let flow = [
            "logIn",
            "createCertificate",
            "uploadAttendees",
            "issueCertificates",
            "listJobs",
            "createUser",
            "createApiKey",
        ];
        assert_eq!(page.find("<details"), Some(place("logIn")));
        assert!(flow.is_sorted_by_key(|id| place(id)));
    }
}
