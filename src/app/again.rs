//! Repetition of work that was abandoned as a dead letter.

use anyhow::bail;
use uuid::Uuid;

use super::App;
use crate::commands::CommandContext;
use crate::domain::CommandId;
use crate::domain::certification::import::{Import, ImportCommand};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::workers::dead_letter::{self, Kept};
use crate::workers::flow::{ImporterInput, Input, MailerInput, ProcessesInput, RendererInput};
use crate::workers::retries::repeat;

impl App {
    /// Requests that the workers repeat the work of a dead letter, and settles the letter. Mails
    /// and imports are requested by a command in the log. All other work only follows from its
    /// event, so a timer of its worker repeats it; work that has an outcome by now is not repeated.
    /// Returns a short text about the outcome.
    ///
    /// # Errors
    /// Fails if the command is refused, or if this kind of work can't be repeated.
    pub async fn requeue(&self, kept: &Kept) -> anyhow::Result<&'static str> {
        let log = self.commands.log();
        let letter = &kept.letter;
        let done = match letter.worker.as_str() {
            ProcessesInput::WORKER | RendererInput::WORKER => {
                repeat(log, &letter.worker, letter.position).await?;
                "queued again"
            }
            MailerInput::WORKER => {
                let context = self.requeuing(kept).await?;
                self.commands
                    .execute::<Mail>(&context, &letter.id, MailCommand::Retry)
                    .await?;
                "the mail is queued again"
            }
            ImporterInput::WORKER => {
                let context = self.requeuing(kept).await?;
                self.commands
                    .execute::<Import>(&context, &letter.id, ImportCommand::Retry)
                    .await?;
                "the import is queued again"
            }
            "notifier" => {
                bail!(
                    "a mail about an account can't be retried: if it is still needed, the user must request it again"
                )
            }
            other => bail!("this program has no worker {other}"),
        };
        dead_letter::settle(log, kept).await?;
        Ok(done)
    }

    /// Returns the context of the command for a dead letter. Its id depends on the letter, so that
    /// a repeated request changes nothing.
    async fn requeuing(&self, kept: &Kept) -> anyhow::Result<CommandContext> {
        let event = self.commands.log().event_at(kept.letter.position).await?;
        let about = format!("requeue {}", kept.number);
        let command_id = CommandId(Uuid::new_v5(&event.event_id, about.as_bytes()));
        Ok(CommandContext {
            command_id,
            ..CommandContext::of_process(&event, "requeue", 0)
        })
    }
}
