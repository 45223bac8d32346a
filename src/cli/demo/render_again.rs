//! Checks of the renderer alone. It must reproduce the bytes of issued certificates. Its speed is
//! measured on new certificates, because typst caches recent layouts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::checks::Issued;
use super::report::RenderedAgain;
use crate::certificate_pdf::{Design, RENDERER_VERSION, RenderJob, Renderer};
use crate::domain::{Locale, Personal};

/// Duration of rendering new certificates.
const FRESH_DURATION: Duration = Duration::from_secs(1);
/// Batch size, the same as in the product.
const BATCH: usize = 50;

/// Common properties of the demo's certificates.
#[derive(Clone)]
pub struct Look {
    /// Name of the theme.
    pub theme: String,
    /// Version of the theme.
    pub version: u32,
    /// Language.
    pub locale: Locale,
    /// Background image.
    pub design: bytes::Bytes,
}

/// Returns the job that a certificate was rendered from.
///
/// # Errors
/// Fails if the date of issue is not a date.
pub fn job(look: &Look, issued: &Issued, document: &Personal<String>) -> anyhow::Result<RenderJob> {
    let sha256 = HEXLOWER.encode(&Sha256::digest(&look.design));
    Ok(RenderJob {
        theme: look.theme.clone(),
        theme_version: look.version,
        renderer_version: RENDERER_VERSION.to_owned(),
        options: BTreeMap::new(),
        locale: look.locale,
        issue_date: issued.date()?,
        public_id: issued.public_id.clone(),
        verification_url: issued.verification_url.clone(),
        full_name: issued.full_name.clone(),
        certificate_name: issued.certificate_name.clone(),
        event_name: issued.event_name.clone(),
        client: issued.client.clone(),
        document_number: Some(document.clone()),
        event_link: None,
        email: None,
        design: Some(Design {
            bytes: look.design.clone(),
            sha256,
        }),
    })
}

/// Renders these jobs once on all cores and compares the results with the SHA-256 of each. Then
/// renders new certificates of the same kind for 1 s. Blocks.
pub fn render_again(renderer: &Arc<Renderer>, jobs: &[(RenderJob, String)]) -> RenderedAgain {
    let different = AtomicU64::new(0);
    let batches: Vec<&[(RenderJob, String)]> = jobs.chunks(BATCH).collect();
    on_all_cores(|turn| {
        let batch = batches.get(turn)?;
        different.fetch_add(differing(renderer, batch), Ordering::Relaxed);
        Some(())
    });
    let fresh = AtomicU64::new(0);
    let begun = Instant::now();
    on_all_cores(|turn| {
        let batch = batches.get(turn.checked_rem(batches.len())?)?;
        let others: Vec<RenderJob> = batch
            .iter()
            .enumerate()
            .map(|(n, (job, _))| other(job, turn, n))
            .collect();
        let rendered = renderer
            .render(&others)
            .iter()
            .filter(|result| result.is_ok())
            .count();
        fresh.fetch_add(rendered as u64, Ordering::Relaxed);
        (begun.elapsed() < FRESH_DURATION).then_some(())
    });
    RenderedAgain {
        checked: jobs.len() as u64,
        different: different.into_inner(),
        fresh: fresh.into_inner(),
        seconds: begun.elapsed().as_secs_f64(),
    }
}

/// Calls `work` with 0, 1, 2… on all cores. A thread ends when its call returns `None`.
fn on_all_cores(work: impl Fn(usize) -> Option<()> + Sync) {
    let next = AtomicUsize::new(0);
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| while work(next.fetch_add(1, Ordering::Relaxed)).is_some() {});
        }
    });
}

/// Returns a job like this one for another person, so that the renderer has no cached layout.
fn other(job: &RenderJob, turn: usize, n: usize) -> RenderJob {
    let number = turn * BATCH + n;
    let letters: String = format!("{number:x}")
        .bytes()
        .map(|digit| char::from(b'a' + digit % 26))
        .collect();
    let public_id = format!("{:032x}", u128::MAX / 3 + number as u128);
    RenderJob {
        full_name: format!("{} {letters}", job.full_name.reveal_str()).into(),
        document_number: Some(format!("{number:09}").into()),
        verification_url: job.verification_url.replace(&job.public_id, &public_id),
        public_id,
        ..job.clone()
    }
}

fn differing(renderer: &Renderer, batch: &[(RenderJob, String)]) -> u64 {
    let jobs: Vec<RenderJob> = batch.iter().map(|(job, _)| job.clone()).collect();
    let rendered = renderer.render(&jobs);
    let differs = rendered
        .iter()
        .zip(batch)
        .filter(|(rendered, (_, sha256))| {
            rendered
                .as_ref()
                .map_or(true, |rendered| rendered.sha256 != *sha256)
        });
    differs.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> RenderJob {
        RenderJob {
            theme: "classic".to_owned(),
            theme_version: 1,
            renderer_version: RENDERER_VERSION.to_owned(),
            options: BTreeMap::new(),
            locale: Locale::En,
            issue_date: time::macros::date!(2026 - 11 - 21),
            public_id: format!("{number:032x}"),
            verification_url: format!("https://example.org/certificate/{number:032x}"),
            full_name: "Ada Lovelace".to_owned().into(),
            certificate_name: "Analytical Engines".to_owned(),
            event_name: "Autumn School".to_owned(),
            client: "Example Academy".to_owned(),
            document_number: None,
            event_link: None,
            email: None,
            design: None,
        }
    }

    #[test]
    fn different_bytes_are_counted() {
        let renderer = Arc::new(Renderer::new().expect("bundled fonts"));
        let rendered = renderer.render(&[job(1)]).remove(0).expect("it renders");
        let good = (job(1), rendered.sha256);
        let again = render_again(&renderer, std::slice::from_ref(&good));
        assert!(again.fresh >= 1 && again.different == 0, "{again:?}");
        let again = render_again(&renderer, &[good, (job(1), "00".to_owned())]);
        assert_eq!((again.checked, again.different), (2, 1));
    }

    #[test]
    fn additional_jobs_differ_from_the_issued_ones_and_each_other() {
        let issued = job(1);
        let one = other(&issued, 0, 1);
        let two = other(&issued, 1, 1);
        assert_ne!(one.public_id, two.public_id);
        assert_ne!(one.full_name, two.full_name);
        assert!(two.verification_url.ends_with(&two.public_id));
    }

    #[test]
    fn no_jobs_render_nothing() {
        let renderer = Arc::new(Renderer::new().expect("bundled fonts"));
        assert_eq!(render_again(&renderer, &[]).fresh, 0);
    }
}
