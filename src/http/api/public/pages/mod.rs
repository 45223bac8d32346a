//! Pages about the server itself, and the rendering of HTML pages.

pub mod reset_password;
pub mod start;

use axum::response::Html;
use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_goes_in_is_escaped() {
        let page = render("<p>{{ name }}</p>", &json!({"name": "<script>&\""}))
            .unwrap()
            .0;
        assert_eq!(page, "<p>&lt;script&gt;&amp;&quot;</p>");
    }
}
