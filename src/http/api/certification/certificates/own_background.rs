//! Rejects a custom background if the theme does not draw it. Otherwise it would be missing on the
//! certificates, and no error would be shown.

use super::template::takes_design;
use crate::domain::certification::certificate::Definition;
use crate::http::{ApiError, HttpState};

/// Rejects a background that the theme does not draw. The error refers to the field that the
/// request sets: the background if `sets_background`, otherwise the theme.
pub(super) async fn check_background(
    http: &HttpState,
    definition: &Definition,
    sets_background: bool,
) -> Result<(), ApiError> {
    if definition.design.is_none() || takes_design(http, &definition.pdf_template).await? {
        return Ok(());
    }
    let mut others: Vec<&str> = http
        .templates
        .iter()
        .filter(|known| known.manifest.design)
        .map(|known| known.name.as_str())
        .collect();
    others.dedup();
    let others = others.join(" or ");
    Err(if sets_background {
        let problem = format!(
            "the theme of this certificate can't draw a custom background; leave it out, or choose {others}"
        );
        ApiError::field("baseDesignUrl", problem)
    } else {
        let problem = format!(
            "can't draw a custom background, and this certificate has one; set baseDesignUrl to null as well, or choose {others}"
        );
        ApiError::field("pdfTemplate", problem)
    })
}
