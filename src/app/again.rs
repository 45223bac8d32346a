//! Retries of work that was given up.

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

/// Longest wait for the event of a dead letter.
const WITHIN: Duration = Duration::from_secs(5);

impl App {
    /// Retries the work of a dead letter in this process, or queues its mail again. Returns a short
    /// text about the outcome. Work that was done in the meantime is not repeated.
    ///
    /// # Errors
    /// Fails if the work fails again, or if work of this kind can't be retried.
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
            "notifier" => bail!("such a mail is asked for again, or is news no more"),
            "importer" => bail!("an import that has failed is over; upload the file again"),
            other => bail!("no worker of this program is called {other}"),
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
        event.ok_or_else(|| anyhow!("its event is not in this log"))
    }
}

async fn act<W: Worker>(worker: &W, event: RecordedEvent) -> Verdict {
    let verdicts = worker.work(&[Delivery { event, attempt: 1 }]).await;
    let none = || Verdict::GiveUp {
        why: "the worker gave no verdict".to_owned(),
    };
    verdicts.into_iter().next().unwrap_or_else(none)
}
