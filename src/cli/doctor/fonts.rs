//! Check that the fonts load, and that the newest certificate was rendered with these fonts and
//! this renderer.

use std::sync::Arc;

use super::Context;
use super::finding::Finding;
use crate::certificate_pdf::{RENDERER_VERSION, RENDERER_VERSIONS, Renderer};
use crate::cli::events::newest;
use crate::domain::Event;
use crate::domain::certification::issuance::{CertificateRequested, IssuanceEvent};

const CHECK: &str = "fonts";

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let loaded = tokio::task::spawn_blocking(Renderer::new).await;
    let renderer = match loaded {
        Ok(Ok(renderer)) => renderer,
        Ok(Err(error)) => {
            return vec![Finding::failed(
                CHECK,
                error.to_string(),
                "rebuild the program",
            )];
        }
        Err(_) => {
            return vec![Finding::failed(
                CHECK,
                "loading panicked",
                "report this as a defect",
            )];
        }
    };
    let digest = renderer.fonts_digest().to_owned();
    let pinned = match context.log().await {
        Ok(log) => match newest(log, "CertificateRequested").await {
            Ok(event) => event.and_then(|event| event.decode().ok()),
            Err(_) => None,
        },
        Err(_) => None,
    };
    vec![match pinned {
        Some(Event::Issuance(IssuanceEvent::CertificateRequested(request))) => {
            judge(&digest, &request)
        }
        _ => Finding::ok(
            CHECK,
            format!(
                "loaded, digest {}…; no certificate to compare with",
                &digest[..12]
            ),
        ),
    }]
}

fn judge(digest: &str, newest: &CertificateRequested) -> Finding {
    let page = &newest.page;
    if page.fonts_sha256 == digest && RENDERER_VERSIONS.contains(&page.renderer_version.as_str()) {
        return Finding::ok(
            CHECK,
            format!(
                "loaded, digest {}… as in the newest certificate",
                &digest[..12]
            ),
        );
    }
    Finding::warning(
        CHECK,
        format!(
            "the newest certificate was rendered by {} with other fonts or another renderer than this program ({RENDERER_VERSION})",
            page.renderer_version
        ),
        "keep the stored PDFs: this program can't reproduce them byte for byte",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::domain::certification::issuance::samples::request;

    #[test]
    fn different_fonts_or_renderer_are_a_warning() {
        let mut newest = request("Ada");
        let digest = newest.page.fonts_sha256.clone();
        for version in RENDERER_VERSIONS {
            newest.page.renderer_version = version.to_owned();
            assert_eq!(judge(&digest, &newest).level, Level::Ok);
        }
        assert_eq!(judge(&"cd".repeat(32), &newest).level, Level::Warning);
        newest.page.renderer_version = "typst-0.1+1".to_owned();
        assert_eq!(judge(&digest, &newest).level, Level::Warning);
    }
}
