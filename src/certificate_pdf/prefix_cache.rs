//! Cache of template prefixes, and the jobs from which prefixes (samples) and shared layouts
//! (specimens) are created.

use std::sync::{Arc, OnceLock};

use time::{Date, Month};

use super::RenderJob;
use super::batch::BatchKey;
use super::lru_cache::LruCache;
use super::pdf::{TemplatePrefix, Unsupported};
use crate::domain::Personal;

/// Maximum number of prefixes in the cache, and their maximum total size in bytes. A prefix
/// contains a background and a few fonts, typically 1 MB.
const KEPT: usize = 32;
const KEPT_BYTES: usize = 64 << 20;

/// Letters of names and titles in Latin script, which every prefix contains. A page with other
/// letters gets an additional small font.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\
    .,:;-–—'’‘“”\"()[]/&+%#@°ºª!?¡¿_*·|«»\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ\
    ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŸŹźŻżŽžȘșȚț";
/// Letter sequences for which fonts have ligatures.
const JOINED: &str = "fi fl ff ffi ffl Th fj ft tt";
/// Number of letters on one sample page. They fit into every text field.
const ON_A_PAGE: usize = 48;
/// Number of letters per word on a sample page. Between words, lines can break.
const WORD: usize = 8;

/// Template prefix, or the reason why there is none. The cell is empty until the prefix has been
/// created.
type Cell = Arc<OnceLock<Result<Arc<TemplatePrefix>, Unsupported>>>;

/// Cache of prefixes by look.
pub(super) struct PrefixCache(LruCache<BatchKey, Cell>);

impl Default for PrefixCache {
    fn default() -> Self {
        Self(LruCache::new(KEPT, KEPT_BYTES, |cell| match cell.get() {
            Some(Ok(prefix)) => prefix.size(),
            Some(Err(_)) | None => 0,
        }))
    }
}

impl PrefixCache {
    /// Returns the prefix for a look. Calls `make` if the cache doesn't contain it.
    pub(super) fn get(
        &self,
        key: &BatchKey,
        make: impl FnOnce() -> Result<TemplatePrefix, Unsupported>,
    ) -> Result<Arc<TemplatePrefix>, Unsupported> {
        // Only callers for the same key wait while the prefix is made.
        self.0
            .get_or_insert(key, Cell::default)
            .get_or_init(|| make().map(Arc::new))
            .clone()
    }
}

/// Returns texts with all letters and ligatures that every prefix contains.
pub(super) fn letters() -> Vec<String> {
    let letters: Vec<char> = LETTERS.chars().collect();
    let words = |letters: &[char]| {
        letters
            .chunks(WORD)
            .map(String::from_iter)
            .collect::<Vec<_>>()
            .join(" ")
    };
    letters
        .chunks(ON_A_PAGE)
        .map(words)
        .chain([JOINED.to_owned()])
        .collect()
}

/// Returns two jobs of the same look as `job`. Their texts differ wherever definitions, days or
/// people can differ. One has short texts and one has long texts, so that everything that moves
/// with a text has two different positions.
pub(super) fn samples_like(job: &RenderJob) -> Vec<RenderJob> {
    let long = letters().swap_remove(0);
    vec![
        sample_like(job, Month::January, "Ax"),
        sample_like(job, Month::August, &long),
    ]
}

fn sample_like(job: &RenderJob, month: Month, text: &str) -> RenderJob {
    let id: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .chain(['-', '_'])
        .collect();
    RenderJob {
        issue_date: Date::from_calendar_date(2034, month, 15).unwrap_or(job.issue_date),
        verification_url: format!("https://{id}.example.org/certificate/{id}"),
        full_name: Personal::new(text.to_owned()),
        certificate_name: text.to_owned(),
        event_name: text.to_owned(),
        client: text.to_owned(),
        document_number: Some(Personal::new(text.to_owned())),
        event_link: Some(format!("https://{id}")),
        email: Some(Personal::new(format!("{id}@example.org"))),
        public_id: id,
        ..job.clone()
    }
}

/// Returns two flags: true if the job has a document number, and true if it has an e-mail address.
pub(super) fn optional_texts_of(job: &RenderJob) -> [bool; 2] {
    let there = |text: &Option<Personal<String>>| {
        text.as_ref()
            .is_some_and(|text| !text.reveal_str().trim().is_empty())
    };
    [there(&job.document_number), there(&job.email)]
}

/// Returns two jobs of the same definition and day as `job`, for invented people. All their
/// personal texts differ, and no text is part of another one. The second job has ligatures and
/// digits.
pub(super) fn specimens_like(job: &RenderJob) -> [RenderJob; 2] {
    let [has_document, has_email] = optional_texts_of(job);
    // The page prints the site of the definition, so the specimens have the same one.
    let site = job
        .verification_url
        .rsplit_once('/')
        .map_or("", |(site, _)| site);
    let specimen = |name: &str, document: &str, email: &str, id: &str| RenderJob {
        public_id: id.to_owned(),
        verification_url: format!("{site}/{id}"),
        full_name: Personal::new(name.to_owned()),
        document_number: has_document.then(|| Personal::new(document.to_owned())),
        email: has_email.then(|| Personal::new(email.to_owned())),
        ..job.clone()
    };
    [
        specimen("Ann Lee", "A1B2", "q.v@one.test", "aB3dE5fG7hJ9kL1mN3pQ5r"),
        specimen("Thfj Offi 80", "fi 4567", "zz@two.example", "xY7"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_no_duplicates() {
        let mut letters: Vec<char> = LETTERS.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), LETTERS.chars().count());
    }

    #[test]
    fn samples_contain_no_text_of_the_certificate() {
        let job = |name: &str, id: &str| RenderJob {
            verification_url: format!("https://{id}.example.net/certificate/{id}"),
            public_id: id.to_owned(),
            certificate_name: name.to_owned(),
            event_name: name.to_owned(),
            client: name.to_owned(),
            document_number: None,
            event_link: Some(id.to_owned()),
            email: Some(Personal::new(id.to_owned())),
            ..crate::certificate_pdf::tests::job(name)
        };
        let samples = |name, id| {
            format!(
                "{:?}",
                samples_like(&job(name, id))
                    .iter()
                    .map(reveal)
                    .collect::<Vec<_>>()
            )
        };
        assert_eq!(samples("Ada", "q3XbH1yR0u"), samples("Grace", "AAAAAAAAAA"));
    }

    /// Returns all texts that a page can show.
    fn reveal(job: &RenderJob) -> Vec<String> {
        let personal = |text: &Option<Personal<String>>| {
            text.as_ref().map(|text| text.reveal_str().to_owned())
        };
        let plain = [
            &job.public_id,
            &job.verification_url,
            &job.certificate_name,
            &job.event_name,
            &job.client,
        ];
        plain
            .into_iter()
            .cloned()
            .chain([
                job.issue_date.to_string(),
                job.full_name.reveal_str().to_owned(),
            ])
            .chain(personal(&job.document_number))
            .chain(personal(&job.email))
            .chain(job.event_link.clone())
            .collect()
    }
}
