//! Second stage: issues certificates to people and sends mails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::backstage::Backstage;
use super::client::Client;
use super::patience::{Patience, polling_interval};
use super::progress::{Progress, Track};
use super::report::Outcome;

/// People per request, the maximum of the API.
const PER_REQUEST: usize = 10_000;
/// Entries per page, the maximum of the API.
const PER_PAGE: usize = 200;
/// Maximum number of batches per poll that lack PDFs, and of batches that lack mails. The oldest
/// ones are polled first.
const BATCHES_PER_POLL: usize = 4;

/// Person who gets a certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attendee {
    /// Id of the person.
    pub id: Uuid,
    /// Document number, which is printed on the certificate.
    pub document_number: crate::domain::Personal<String>,
}

/// Response of `GET /batches/{id}`.
#[derive(Clone, Default, Deserialize)]
struct Batch {
    #[serde(default)]
    state: String,
    requested: Option<u64>,
    refused: Option<u64>,
    #[serde(default)]
    progress: BatchProgress,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchProgress {
    generated: u64,
    generation_failed: u64,
    mails_sent: u64,
    mails_failed: u64,
    mails_cancelled: u64,
}

impl BatchProgress {
    /// Returns the number of mails that have an outcome.
    const fn mailed(&self) -> u64 {
        self.mails_sent + self.mails_failed + self.mails_cancelled
    }
}

/// Batch that was requested.
#[derive(Clone)]
struct RequestedBatch {
    location: String,
    batch: Batch,
}

impl Batch {
    const fn rendered(&self) -> u64 {
        self.progress.generated + self.progress.generation_failed
    }

    /// Returns true if nothing is left to render.
    fn is_rendered(&self) -> bool {
        self.state == "dispatched"
            && self
                .requested
                .is_some_and(|requested| self.rendered() >= requested)
    }

    /// Returns true if nothing is left to render or to mail.
    fn is_mailed(&self) -> bool {
        self.is_rendered() && self.progress.mailed() >= self.progress.generated
    }
}

/// Issuing to all people, in progress.
pub struct Issuing<'a> {
    client: &'a Client,
    progress: &'a Progress,
    backstage: &'a Backstage<'a>,
    patience: Duration,
    certificate_id: Uuid,
    batches: Mutex<Vec<RequestedBatch>>,
    all_requested: AtomicBool,
}

/// Durations since the first request.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    rendered: Option<Duration>,
    mailed: Option<Duration>,
}

impl<'a> Issuing<'a> {
    /// Creates the state for issuing this certificate.
    pub fn new(
        client: &'a Client,
        progress: &'a Progress,
        backstage: &'a Backstage<'a>,
        patience: Duration,
        certificate_id: Uuid,
    ) -> Self {
        let batches = Mutex::new(Vec::new());
        let all_requested = AtomicBool::new(false);
        Self {
            client,
            progress,
            backstage,
            patience,
            certificate_id,
            batches,
            all_requested,
        }
    }

    /// Issues to all known people and waits for PDFs, mails and tables. Returns these people.
    ///
    /// # Errors
    /// Fails if the API rejects a request or doesn't respond, or if a projection has stopped.
    pub async fn run(&self, outcome: &mut Outcome) -> anyhow::Result<Vec<Attendee>> {
        let begun = Instant::now();
        for track in [Track::Rendered, Track::Mailed] {
            self.progress.begin(track, outcome.people);
        }
        let (people, times) = try_join(self.request_for_all(), self.follow(outcome, begun)).await?;
        outcome.people = people.len() as u64;
        let issued = begun.elapsed();
        let rendered = times.rendered.unwrap_or(issued);
        let mailed = times.mailed.unwrap_or(issued);
        self.progress.end(Track::Rendered);
        self.progress.end(Track::Mailed);
        self.wait_for_tables(outcome).await?;
        let rest = begun.elapsed().saturating_sub(rendered.max(mailed));
        outcome.seconds.generate = rendered.as_secs_f64();
        outcome.seconds.mail = mailed.as_secs_f64();
        outcome.seconds.project = rest.as_secs_f64();
        outcome.mails_caught = self.backstage.mails_caught();
        Ok(people)
    }

    /// Pages through all people and requests their certificates.
    async fn request_for_all(&self) -> anyhow::Result<Vec<Attendee>> {
        let mut people = Vec::<Attendee>::new();
        let mut requested = 0;
        let mut cursor = None;
        loop {
            let from = cursor
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let mut page = self
                .client
                .get(&format!("/attendees?limit={PER_PAGE}{from}"))
                .await?;
            cursor = page.next_cursor();
            people.extend(page.data::<Vec<Attendee>>()?);
            while people.len() - requested >= PER_REQUEST
                || (cursor.is_none() && requested < people.len())
            {
                let until = people.len().min(requested + PER_REQUEST);
                self.request(&people[requested..until]).await?;
                requested = until;
            }
            if cursor.is_none() {
                self.all_requested.store(true, Ordering::Release);
                return Ok(people);
            }
        }
    }

    async fn request(&self, people: &[Attendee]) -> anyhow::Result<()> {
        let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        let body = json!({"certificateId": self.certificate_id, "attendeeIds": ids});
        let mut answer = self
            .client
            .post("/generated-certificates/generate", body)
            .await?;
        let location = answer
            .location
            .take()
            .ok_or_else(|| answer.unexpected("the response has no Location"))?;
        self.batches().push(RequestedBatch {
            location,
            batch: Batch::default(),
        });
        Ok(())
    }

    /// Polls the progress until everything is done, or until nothing has changed for
    /// `self.patience`.
    async fn follow(&self, outcome: &mut Outcome, begun: Instant) -> anyhow::Result<Times> {
        let mut times = Times::default();
        let mut patience = Patience::new(self.patience, begun);
        loop {
            let all_requested = self.all_requested.load(Ordering::Acquire);
            self.poll_batches().await?;
            let (rendered, mailed, all_rendered, all_mailed) = self.totals();
            let now = begun.elapsed();
            let caught = self.backstage.mails_caught();
            self.progress.set(Track::Rendered, rendered);
            self.progress
                .set(Track::Mailed, caught.min(outcome.people.max(mailed)));
            let tables = self.backstage.tables().await?;
            self.progress.begin(Track::Projected, tables.log_end);
            self.progress.set(Track::Projected, tables.position);
            if all_requested && all_rendered {
                times.rendered.get_or_insert(now);
                self.progress.end(Track::Rendered);
                // The mailbox has the mails before the tables show them.
                if caught >= rendered {
                    times.mailed.get_or_insert(now);
                    self.progress.end(Track::Mailed);
                }
            }
            if all_requested && all_mailed {
                times.mailed.get_or_insert(now);
                return Ok(times);
            }
            if !patience.lasts(rendered + mailed + caught, Instant::now()) {
                let text = format!("no progress for {} s", self.patience.as_secs());
                outcome.problems.push(text);
                return Ok(times);
            }
            tokio::time::sleep(polling_interval(outcome.people)).await;
        }
    }

    /// Fetches the state of the oldest batches that are not done.
    async fn poll_batches(&self) -> anyhow::Result<()> {
        let known = self.batches().clone();
        let unrendered = known
            .iter()
            .enumerate()
            .filter(|(_, requested)| !requested.batch.is_rendered())
            .take(BATCHES_PER_POLL);
        let unmailed = known
            .iter()
            .enumerate()
            .filter(|(_, requested)| !requested.batch.is_mailed())
            .take(BATCHES_PER_POLL);
        let mut wanted: Vec<_> = unrendered.chain(unmailed).collect();
        wanted.sort_by_key(|(n, _)| *n);
        wanted.dedup_by_key(|(n, _)| *n);
        for (n, requested) in wanted {
            let batch: Batch = self.client.get(&requested.location).await?.data()?;
            if let Some(known) = self.batches().get_mut(n) {
                known.batch = batch;
            }
        }
        Ok(())
    }

    /// Returns the number of PDFs and the number of mails with an outcome, and then, for each of
    /// the two, true if none is missing.
    fn totals(&self) -> (u64, u64, bool, bool) {
        let batches = self.batches();
        (
            batches
                .iter()
                .map(|requested| requested.batch.rendered())
                .sum(),
            batches
                .iter()
                .map(|requested| requested.batch.progress.mailed())
                .sum(),
            batches
                .iter()
                .all(|requested| requested.batch.is_rendered()),
            batches.iter().all(|requested| requested.batch.is_mailed()),
        )
    }

    /// Waits until the tables contain the log as it is now. It may still grow, because work of
    /// earlier runs in this folder continues.
    async fn wait_for_tables(&self, outcome: &mut Outcome) -> anyhow::Result<()> {
        let refused: u64 = self
            .batches()
            .iter()
            .filter_map(|requested| requested.batch.refused)
            .sum();
        if refused > 0 {
            outcome
                .problems
                .push(format!("{refused} people were refused a certificate"));
        }
        let mut patience = Patience::new(self.patience, Instant::now());
        let end = self.backstage.tables().await?.log_end;
        self.progress.begin(Track::Projected, end);
        loop {
            let tables = self.backstage.tables().await?;
            self.progress
                .set(Track::Projected, tables.position.min(end));
            if tables.position >= end {
                break;
            }
            if !patience.lasts(tables.position, Instant::now()) {
                outcome
                    .problems
                    .push("the tables do not catch up with the log".to_owned());
                break;
            }
            tokio::time::sleep(polling_interval(0)).await;
        }
        self.progress.end(Track::Projected);
        Ok(())
    }

    fn batches(&self) -> std::sync::MutexGuard<'_, Vec<RequestedBatch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(
        state: &str,
        requested: Option<u64>,
        [generated, failed, sent, mails_failed]: [u64; 4],
    ) -> Batch {
        let progress = BatchProgress {
            generated,
            generation_failed: failed,
            mails_sent: sent,
            mails_failed,
            mails_cancelled: 0,
        };
        Batch {
            state: state.to_owned(),
            requested,
            refused: Some(0),
            progress,
        }
    }

    #[test]
    fn batch_is_done_when_each_certificate_and_mail_has_an_outcome() {
        let cases = [
            (batch("requested", None, [0, 0, 0, 0]), false, false),
            (batch("requested", None, [3, 0, 3, 0]), false, false),
            (batch("dispatched", Some(3), [2, 0, 2, 0]), false, false),
            (batch("dispatched", Some(3), [2, 1, 1, 0]), true, false),
            (batch("dispatched", Some(3), [2, 1, 1, 1]), true, true),
            (batch("dispatched", Some(0), [0, 0, 0, 0]), true, true),
        ];
        for (n, (batch, rendered, mailed)) in cases.into_iter().enumerate() {
            assert_eq!(
                (batch.is_rendered(), batch.is_mailed()),
                (rendered, mailed),
                "case {n}"
            );
        }
    }
}
