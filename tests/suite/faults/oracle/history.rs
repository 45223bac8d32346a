//! Events as the oracle reads them, and its own fold. It doesn't use the program's types, so that
//! an error in them is not repeated here.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::StreamExt;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::faults::installation::NAMESPACE;

/// Event of the log.
pub struct Event {
    pub position: u64,
    /// Kind and id of the aggregate, from the subject.
    pub kind: String,
    pub id: String,
    pub name: String,
    pub time: OffsetDateTime,
    pub data: Value,
}

#[derive(Debug, Default)]
pub struct Issuance {
    pub certificate: String,
    pub attendee: String,
    /// Ids of the batches and imports that requested it.
    pub origins: Vec<String>,
    /// Object key and SHA-256 of the PDF.
    pub pdf: Option<(String, String)>,
    /// Code of the failure.
    pub failed: Option<String>,
    /// Time of the revocation.
    pub revoked: Option<OffsetDateTime>,
}

#[derive(Debug, Default)]
pub struct Batch {
    pub is_dispatched: bool,
    /// True if a user has cancelled or undone it.
    pub is_stopping: bool,
    /// Name of the event that ended it after that.
    pub stopped: Option<String>,
}

#[derive(Debug, Default)]
pub struct Mail {
    pub issuance: String,
    pub address: String,
    /// State as in the table `jobs`.
    pub state: &'static str,
    pub accepted: usize,
    /// Number of attempts that a user requested, or that followed an unknown outcome.
    pub requested_again: usize,
    /// Time of the last claim.
    pub claimed: Option<OffsetDateTime>,
    /// True if a claim without an outcome is sent again.
    is_sent_again: bool,
}

/// State of all aggregates that the oracle checks.
#[derive(Default)]
pub struct History {
    pub last_position: u64,
    /// Names of all events.
    pub names: BTreeSet<String>,
    pub issuances: BTreeMap<String, Issuance>,
    pub mails: BTreeMap<String, Mail>,
    /// Mails to users. They have no issuance and no address.
    pub notices: BTreeMap<String, Mail>,
    /// State of each import: the name of its last event, and the code of a failure.
    pub imports: BTreeMap<String, (String, String)>,
    pub batches: BTreeMap<String, Batch>,
    /// First position of each aggregate.
    pub first: BTreeMap<String, u64>,
}

/// Returns the stream of events, as its leader describes it.
pub async fn stream(urls: &[String]) -> jetstream::stream::Stream {
    let client = async_nats::connect(urls)
        .await
        .expect("nats-server answers");
    let context = jetstream::new(client);
    let name = format!("{NAMESPACE}_EVENTS");
    context.get_stream(name).await.expect("provisioned")
}

impl History {
    /// Reads events after the last one that was read.
    pub async fn read_on(&mut self, stream: &jetstream::stream::Stream) {
        let end = stream
            .get_info()
            .await
            .expect("answered")
            .state
            .last_sequence;
        if self.last_position >= end {
            return;
        }
        let config = pull::OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: self.last_position + 1,
            },
            ..Default::default()
        };
        let consumer = stream.create_consumer(config).await.expect("created");
        let mut messages = consumer.messages().await.expect("opened");
        while self.last_position < end {
            let message = messages.next().await.expect("more").expect("a message");
            let position = message.info().expect("of a stream").stream_sequence;
            let subject = message.subject.to_string();
            let mut parts = subject.split('.').skip(2).map(str::to_owned);
            let headers = message.headers.clone().unwrap_or_default();
            let name = headers.get("ce-type").expect("a type").to_string();
            let time = headers.get("ce-time").expect("a time").as_str();
            let time = OffsetDateTime::parse(time, &Rfc3339).expect("RFC 3339");
            let data = serde_json::from_slice(&message.payload).expect("JSON");
            let event = Event {
                position,
                kind: parts.next().unwrap_or_default(),
                id: parts.next().unwrap_or_default(),
                name,
                time,
                data,
            };
            self.apply(event);
        }
    }

    /// Adds the next event.
    pub fn apply(&mut self, event: Event) {
        self.last_position = event.position;
        self.names.insert(event.name.clone());
        self.first.entry(event.id.clone()).or_insert(event.position);
        match event.kind.as_str() {
            "issuance" => self.issuance(event),
            "import" => {
                let code = text(&event.data, "code");
                self.imports.insert(event.id, (event.name, code));
            }
            "batch" => {
                let batch = self.batches.entry(event.id).or_default();
                match event.name.as_str() {
                    // The second name is that of the next version of the program.
                    "BatchDispatched" | "BatchSettled" => batch.is_dispatched = true,
                    "BatchCancelRequested" | "BatchUndoRequested" => {
                        batch.is_stopping = true;
                        batch.stopped = None;
                    }
                    "BatchCancelled" | "BatchUndone" => batch.stopped = Some(event.name),
                    _ => {}
                }
            }
            "notice" => {
                let name = match event.name.strip_prefix("Notice") {
                    Some("Claimed") => "SendClaimed".to_owned(),
                    Some(end) => format!("Email{end}"),
                    None => event.name.clone(),
                };
                self.notices
                    .entry(event.id.clone())
                    .or_default()
                    .apply(&name, &event);
            }
            _ if event.name.starts_with("Email") || event.name == "SendClaimed" => {
                self.mails
                    .entry(event.id.clone())
                    .or_default()
                    .apply(&event.name, &event);
            }
            _ => {}
        }
    }

    fn issuance(&mut self, event: Event) {
        let issuance = self.issuances.entry(event.id).or_default();
        match event.name.as_str() {
            "CertificateRequested" => {
                issuance.certificate = text(&event.data, "certificateId");
                issuance.attendee = text(&event.data, "attendeeId");
                let origins = event.data["origins"].as_array();
                let ids = origins.into_iter().flatten().map(|one| text(one, "id"));
                issuance.origins = ids.collect();
            }
            "CertificateGenerated" => {
                let key = text(&event.data, "objectKey");
                issuance.pdf = Some((key, text(&event.data, "sha256")));
            }
            "CertificateGenerationFailed" => issuance.failed = Some(text(&event.data, "code")),
            "CertificateRevoked" => issuance.revoked = Some(event.time),
            _ => {}
        }
    }
}

impl Mail {
    /// Adds the next event. `name` is that of an event about a mail.
    fn apply(&mut self, name: &str, event: &Event) {
        self.state = match name {
            "EmailQueued" => {
                self.issuance = text(&event.data, "issuanceId");
                self.address = text(&event.data, "toAddress");
                self.is_sent_again =
                    event.kind == "notice" || text(&event.data, "onUnknown") == "retry";
                "queued"
            }
            "SendClaimed" => {
                self.claimed = Some(event.time);
                let is_again = self.state == "claimed" && self.is_sent_again;
                self.requested_again += usize::from(is_again);
                "claimed"
            }
            "EmailSent" => {
                self.accepted += 1;
                "sent"
            }
            "EmailFailed" if is_retried(&event.data) => "retrying",
            "EmailFailed" => "failed",
            "EmailOutcomeUnknown" if is_retried(&event.data) => {
                self.requested_again += 1;
                "retrying"
            }
            "EmailOutcomeUnknown" => "unknown",
            "EmailRetryRequested" => {
                self.requested_again += 1;
                "queued"
            }
            "EmailReleased" => "queued",
            "EmailCancelled" => "cancelled",
            _ => self.state,
        };
    }
}

/// Returns true if another attempt follows by itself.
fn is_retried(outcome: &Value) -> bool {
    outcome["retryAt"].is_string()
}

fn text(data: &Value, field: &str) -> String {
    data[field].as_str().unwrap_or_default().to_owned()
}
