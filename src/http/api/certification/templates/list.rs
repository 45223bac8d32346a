//! `GET /templates`

use axum::extract::State;

use super::TemplateAnswer;
use crate::http::protocol::answer::{ListEnvelope, ListMeta};
use crate::http::{Answer, ApiError, HttpState};

/// Page size that the answer states. It exceeds the number of shipped themes.
const LIMIT: u32 = 200;

/// Lists the themes that certificates can use, each in its newest version.
#[utoipa::path(
    get, path = "/templates",
    responses((status = 200, description = "The themes; there is one page", body = ListEnvelope<TemplateAnswer>))
)]
pub async fn list_templates(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let newest = http
        .templates
        .iter()
        .enumerate()
        .filter(|(n, known)| http.templates.get(n + 1).is_none_or(|next| next.name != known.name));
    let shown: Vec<_> = newest
        .map(|(_, known)| TemplateAnswer::of(&http, &known.name, known.version, &known.manifest))
        .collect();
    Answer::list(&shown, &ListMeta { next_cursor: None, limit: LIMIT, page: None, total: None })
}
