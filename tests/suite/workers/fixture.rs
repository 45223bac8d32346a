//! Event log and storage, with workers that run until the end of the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use laureate::commands::CommandError;
use laureate::event_log::{EventLog, Position, RecordedEvent};
use laureate::storage::{ObjectStorage, StorageSettings};
use laureate::workers::dead_letter::DeadLetter;
use laureate::workers::{self, Away, Delivery, StateHandle, Verdict, WorkLimits, Worker};
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::log::fixture::Log;
use crate::support::until;

pub struct Plant {
    _ends_with_the_test: DropGuard,
    pub shutdown: CancellationToken,
    pub log: Log,
    pub storage: ObjectStorage,
    _folder: tempfile::TempDir,
}

impl Plant {
    pub async fn new() -> Self {
        Self::on(Log::provisioned().await)
    }

    pub fn on(log: Log) -> Self {
        let shutdown = CancellationToken::new();
        let folder = tempfile::tempdir().unwrap();
        let storage = ObjectStorage::open(&StorageSettings::folder(folder.path())).unwrap();
        Self {
            _ends_with_the_test: shutdown.clone().drop_guard(),
            shutdown,
            log,
            storage,
            _folder: folder,
        }
    }

    /// Starts a worker that works on at most eight batches at the same time.
    pub fn run<W: Worker>(&self, worker: Arc<W>) -> JoinHandle<()> {
        self.run_on(self.log.log.clone(), worker, 8)
    }

    pub fn run_on<W: Worker>(
        &self,
        log: EventLog,
        worker: Arc<W>,
        concurrency: usize,
    ) -> JoinHandle<()> {
        self.run_within(log, worker, WorkLimits::new(concurrency)).1
    }

    /// Starts a worker with other limits. Also returns its state.
    pub fn run_within<W: Worker>(
        &self,
        log: EventLog,
        worker: Arc<W>,
        limits: WorkLimits,
    ) -> (StateHandle, JoinHandle<()>) {
        let shutdown = self.shutdown.clone();
        let state = StateHandle::new(W::NAME);
        let handle = state.clone();
        let running = tokio::spawn(async move {
            workers::run(log, worker, limits, handle, shutdown)
                .await
                .unwrap()
        });
        (state, running)
    }

    /// Returns the information that the server has about a consumer.
    pub async fn consumer(&self, name: &str) -> Value {
        let subject = format!(
            "$JS.API.CONSUMER.INFO.{}.{name}",
            self.log.log.names().events()
        );
        api(&self.log.log, subject, json!({})).await
    }

    /// Changes the configuration of a consumer. Times are in nanoseconds.
    pub async fn set_consumer(&self, name: &str, changes: Value) {
        let stream = self.log.log.names().events();
        let mut config = self.consumer(name).await["config"].clone();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        let ask = json!({ "stream_name": stream, "config": config });
        api(
            &self.log.log,
            format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"),
            ask,
        )
        .await;
    }

    /// Changes the configuration of the stream of events.
    pub async fn set_events(&self, changes: Value) {
        self.set_stream("EVENTS", changes).await;
    }

    /// Changes the configuration of a stream.
    pub async fn set_stream(&self, name: &str, changes: Value) {
        let log = &self.log.log;
        let stream = log.names().stream(name);
        let info = api(log, format!("$JS.API.STREAM.INFO.{stream}"), json!({})).await;
        let mut config = info["config"].clone();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        api(log, format!("$JS.API.STREAM.UPDATE.{stream}"), config).await;
    }

    /// Waits until all messages of a consumer are delivered and acknowledged.
    pub async fn settled(&self, name: &str) {
        until(&format!("{name} has acknowledged everything"), async || {
            let info = self.consumer(name).await;
            info["num_pending"] == 0 && info["num_ack_pending"] == 0
        })
        .await;
    }

    /// Returns the stored dead letters, in order.
    pub async fn dead_letters(&self) -> Vec<Bytes> {
        let log = &self.log.log;
        let stream = log
            .context()
            .get_stream(log.names().stream("DEADLETTERS"))
            .await
            .unwrap();
        let last = stream.cached_info().state.last_sequence;
        let mut letters = Vec::new();
        for sequence in 1..=last {
            letters.push(stream.get_raw_message(sequence).await.unwrap().payload);
        }
        letters
    }

    /// Waits until there are exactly `count` dead letters.
    pub async fn until_dead_letters(&self, count: usize) -> Vec<DeadLetter> {
        until("dead letters are stored", async || {
            self.dead_letters().await.len() >= count
        })
        .await;
        let letters = self.dead_letters().await;
        assert_eq!(letters.len(), count);
        letters
            .iter()
            .map(|letter| serde_json::from_slice(letter).unwrap())
            .collect()
    }

    /// Returns the types of all events of an aggregate, in order.
    pub async fn history(&self, aggregate: &str, id: impl ToString) -> Vec<String> {
        let events = self
            .log
            .log
            .load(aggregate, &id.to_string(), 0)
            .await
            .unwrap();
        events.into_iter().map(|event| event.event_type).collect()
    }
}

async fn api(log: &EventLog, subject: String, ask: Value) -> Value {
    let answer = log
        .client()
        .request(subject, ask.to_string().into())
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

pub fn first_delivery(event: RecordedEvent) -> Delivery {
    Delivery { event, attempt: 1 }
}

type Act = dyn Fn(Delivery) -> BoxFuture<'static, Verdict> + Send + Sync;

/// Worker on the consumer of the renderer. It records its deliveries and calls a function for each.
pub struct Probe {
    act: Box<Act>,
    seen: Mutex<Vec<(Position, u32)>>,
    abandoned: Mutex<Vec<(Position, String)>>,
    /// True while the object storage, or whatever the verdicts report, is away.
    pub is_storage_away: AtomicBool,
    /// True if the next check panics.
    pub next_check_panics: AtomicBool,
}

impl Probe {
    pub fn new<F: Future<Output = Verdict> + Send + 'static>(
        act: impl Fn(Delivery) -> F + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            act: Box::new(move |delivery| Box::pin(act(delivery))),
            seen: Mutex::default(),
            abandoned: Mutex::default(),
            is_storage_away: AtomicBool::new(false),
            next_check_panics: AtomicBool::new(false),
        })
    }

    /// Returns the sorted positions and attempts.
    pub fn seen(&self) -> Vec<(Position, u32)> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort_unstable();
        seen
    }

    /// Returns the positions of the abandoned deliveries, with the causes.
    pub fn abandoned(&self) -> Vec<(Position, String)> {
        self.abandoned.lock().unwrap().clone()
    }
}

impl Worker for Probe {
    const NAME: &'static str = "renderer";
    const TYPES: &'static [&'static str] = &["Tested", "CertificateRequested"];

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for delivery in deliveries {
            self.seen
                .lock()
                .unwrap()
                .push((delivery.event.position, delivery.attempt));
            verdicts.push((self.act)(delivery.clone()).await);
        }
        verdicts
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        let abandoned = (delivery.event.position, why.to_owned());
        self.abandoned.lock().unwrap().push(abandoned);
        Ok(())
    }

    async fn probe(&self, _away: Away) -> Result<(), String> {
        let panics = self.next_check_panics.swap(false, Ordering::Relaxed);
        assert!(!panics, "simulated panic of the check");
        if self.is_storage_away.load(Ordering::Relaxed) {
            Err("not mounted".to_owned())
        } else {
            Ok(())
        }
    }
}
