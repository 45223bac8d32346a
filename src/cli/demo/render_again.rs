//! How fast the renderer is alone, on the very certificates that were issued: it must make the same bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::checks::Issued;
use super::report::RenderedAgain;
use crate::domain::{Locale, Personal};
use crate::render::{Design, RenderJob, Renderer};

/// How long to render.
const FOR: Duration = Duration::from_secs(1);
/// As many as the product renders together.
const BATCH: usize = 50;

/// What all certificates of the demo have in common.
#[derive(Clone)]
pub struct Look {
    /// The theme.
    pub theme: String,
    /// Its version.
    pub version: u32,
    /// The language.
    pub locale: Locale,
    /// The background.
    pub design: bytes::Bytes,
}

/// What a certificate was made of.
///
/// # Errors
/// Its date is none.
pub fn job(look: &Look, issued: &Issued, document: &Personal<String>) -> anyhow::Result<RenderJob> {
    let sha256 = hex(&Sha256::digest(&look.design));
    Ok(RenderJob {
        theme: look.theme.clone(),
        theme_version: look.version,
        locale: look.locale,
        issue_date: issued.date()?,
        public_id: issued.public_id.clone(),
        verification_url: issued.verification_url.clone(),
        full_name: issued.full_name.clone(),
        certificate_name: issued.certificate_name.clone(),
        event_name: issued.event_name.clone(),
        client: issued.client.clone(),
        document_number: Some(document.clone()),
        design: Some(Design { bytes: look.design.clone(), sha256 }),
    })
}

/// Renders these jobs over and over on all cores for a second, each at least once, and compares what
/// comes out with the SHA-256 beside each. Blocks.
pub fn render_again(renderer: &Arc<Renderer>, jobs: &[(RenderJob, String)]) -> RenderedAgain {
    let (count, different) = (AtomicU64::new(0), AtomicU64::new(0));
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let batches: Vec<&[(RenderJob, String)]> = jobs.chunks(BATCH).collect();
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed) as usize;
                    if turn >= batches.len() && begun.elapsed() >= FOR {
                        return;
                    }
                    let batch = batches[turn % batches.len()];
                    different.fetch_add(differing(renderer, batch), Ordering::Relaxed);
                    count.fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
            });
        }
    });
    RenderedAgain {
        count: count.into_inner(),
        seconds: begun.elapsed().as_secs_f64(),
        different: different.into_inner(),
    }
}

fn differing(renderer: &Renderer, batch: &[(RenderJob, String)]) -> u64 {
    let jobs: Vec<RenderJob> = batch.iter().map(|(job, _)| job.clone()).collect();
    let rendered = renderer.render(&jobs);
    let differs = rendered.iter().zip(batch).filter(|(rendered, (_, sha256))| {
        rendered.as_ref().map_or(true, |rendered| rendered.sha256 != *sha256)
    });
    differs.count() as u64
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> RenderJob {
        RenderJob {
            theme: "classic".to_owned(),
            theme_version: 1,
            locale: Locale::En,
            issue_date: time::macros::date!(2026 - 11 - 21),
            public_id: format!("{number:032x}"),
            verification_url: format!("https://example.org/certificate/{number:032x}"),
            full_name: "Ada Lovelace".to_owned().into(),
            certificate_name: "Analytical Engines".to_owned(),
            event_name: "Autumn School".to_owned(),
            client: "Example Academy".to_owned(),
            document_number: None,
            design: None,
        }
    }

    #[test]
    fn other_bytes_than_the_issued_ones_are_counted() {
        let renderer = Arc::new(Renderer::new().expect("bundled fonts"));
        let rendered = renderer.render(&[job(1)]).remove(0).expect("it renders");
        let good = (job(1), rendered.sha256);
        let again = render_again(&renderer, std::slice::from_ref(&good));
        assert!(again.count >= 1 && again.different == 0, "{again:?}");
        // As many of the second as of the first, which is the same job with another SHA-256.
        let again = render_again(&renderer, &[good, (job(1), "00".to_owned())]);
        assert_eq!(again.different * 2, again.count);
    }

    #[test]
    fn nothing_to_render_ends_at_once() {
        let renderer = Arc::new(Renderer::new().expect("bundled fonts"));
        assert_eq!(render_again(&renderer, &[]).count, 0);
    }
}
