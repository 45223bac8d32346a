//! Pages about the server itself, and the rendering of HTML pages.

pub mod docs;
pub mod reset_password;
pub mod start;

use axum::response::Html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::http::ApiError;

/// Renders a page from its template. Values are escaped.
pub(in crate::http) fn render(
    template: &str,
    context: &impl Serialize,
) -> Result<Html<String>, ApiError> {
    // The extension `.html` makes the template engine escape the values.
    let page =
        Environment::new().render_named_str("page.html", template, Value::from(Serde(context)));
    // The text of the error may contain personal data, so only the kind of the error is kept.
    page.map(Html).map_err(|error| {
        ApiError::internal(format!("a page's template failed: {:?}", error.kind()))
    })
}

/// Returns a content security policy that allows only this script, requests to the same origin, and
/// inline styles.
fn policy_of(script: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(script));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Asserts that the policy allows the script of a page.
    pub(super) fn assert_allowed(page: &str, policy: &str) {
        let script = page
            .split("<script>")
            .nth(1)
            .and_then(|rest| rest.split("</script>").next());
        let hash = STANDARD.encode(Sha256::digest(script.unwrap()));
        assert!(policy.contains(&format!("'sha256-{hash}'")));
    }

    #[test]
    fn values_in_html_pages_are_escaped() {
        let page = render("<p>{{ name }}</p>", &json!({"name": "<script>&\""}))
            .unwrap()
            .0;
        assert_eq!(page, "<p>&lt;script&gt;&amp;&quot;</p>");
    }
}
