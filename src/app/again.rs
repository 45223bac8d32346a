//! Retries of work that was abandoned as a dead letter.

use std::time::Duration;

use anyhow::{anyhow, bail};
use uuid::Uuid;

use super::App;
use crate::commands::CommandContext;
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::event_log::RecordedEvent;
use crate::workers::dead_letter::DeadLetter;
use crate::workers::processes::Processes;
use crate::workers::renderer::RendererWorker;
use crate::workers::{Delivery, Verdict, Worker};

/// Maximum time to wait for the log to return the event of a dead letter.
const WITHIN: Duration = Duration::from_secs(5);

impl App {
    /// Retries the work of a dead letter in this process, or queues its mail again. Returns a short
    /// text about the outcome. Work that has been completed since then is not repeated.
    ///
    /// # Errors
    /// Fails if the event is not in the log, if the work fails again, or if this kind of work can't
    /// be retried.
    pub async fn act_again(&self, letter: &DeadLetter) -> anyhow::Result<String> {
        let event = self.event_at(letter).await?;
        let verdict = match letter.worker.as_str() {
            "processes" => {
                act(
                    &Processes::new(self.commands.clone(), self.issuing_facts()),
                    event,
                )
                .await
            }
            "renderer" => act(&RendererWorker(self.rendering()), event).await,
            "mailer" => {
                let mut context = CommandContext::of_process(&event, "requeue", 0);
                context.command_id = Uuid::new_v4().into();
                self.commands
                    .execute::<Mail>(&context, &letter.id, MailCommand::Retry)
                    .await?;
                return Ok("the mail is queued again".to_owned());
            }
            "notifier" => {
                bail!(
                    "a mail about an account can't be retried: if it is still needed, the user must request it again"
                )
            }
            "importer" => bail!("a failed import can't be retried: upload the file again"),
            other => bail!("this program has no worker {other}"),
        };
        match verdict {
            Verdict::Done => Ok("done".to_owned()),
            Verdict::Again { why, .. } | Verdict::Unavailable { why } | Verdict::GiveUp { why } => {
                Err(anyhow!(why))
            }
        }
    }

    async fn event_at(&self, letter: &DeadLetter) -> anyhow::Result<RecordedEvent> {
        let before = letter.position.saturating_sub(1);
        let found = self
            .commands
            .log()
            .read_after(before)
            .next_batch(1, WITHIN)
            .await?;
        let event = found
            .into_iter()
            .find(|event| event.event_id == letter.event_id);
        event.ok_or_else(|| anyhow!("the event of this dead letter is not in the log"))
    }
}

async fn act<W: Worker>(worker: &W, event: RecordedEvent) -> Verdict {
    let verdicts = worker.work(&[Delivery { event, attempt: 1 }]).await;
    let none = || Verdict::GiveUp {
        why: "the worker returned no verdict".to_owned(),
    };
    verdicts.into_iter().next().unwrap_or_else(none)
}
