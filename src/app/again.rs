//! Repetition of work that was abandoned as a dead letter.

use anyhow::bail;
use uuid::Uuid;

use super::App;
use crate::commands::{CommandContext, CommandError};
use crate::domain::accounts::notice::{Notice, NoticeCommand};
use crate::domain::certification::import::{Import, ImportCommand};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::{CommandId, Decider, Refusal};
use crate::workers::dead_letter::{self, Kept};
use crate::workers::flow::{
    ImporterInput, Input, MailerInput, NotifierInput, ProcessesInput, RendererInput,
};
use crate::workers::retries::repeat;

impl App {
    /// Requests that the workers repeat the work of a dead letter, and settles the letter. Mails
    /// and imports are requested by a command in the log. All other work only follows from its
    /// event, so a timer of its worker repeats it; work that has an outcome by now is not repeated.
    /// A letter is also settled if its work has continued in another way. Returns a short text about
    /// the outcome.
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
                let retry = MailCommand::Retry;
                self.request::<Mail>(kept, retry).await?
            }
            ImporterInput::WORKER => {
                let retry = ImportCommand::Retry;
                self.request::<Import>(kept, retry).await?
            }
            NotifierInput::WORKER => {
                let retry = NoticeCommand::Retry;
                self.request::<Notice>(kept, retry).await?
            }
            other => bail!("this program has no worker {other}"),
        };
        dead_letter::settle(log, kept).await?;
        Ok(done)
    }

    /// Executes a command on the aggregate of a dead letter. The id of the command depends on the
    /// letter, so that a repeated request changes nothing.
    async fn request<D: Decider>(
        &self,
        kept: &Kept,
        command: D::Command,
    ) -> anyhow::Result<&'static str> {
        let event = self.commands.log().event_at(kept.letter.position).await?;
        let about = format!("requeue {}", kept.number);
        let command_id = CommandId(Uuid::new_v5(&event.event_id, about.as_bytes()));
        let context = CommandContext {
            command_id,
            ..CommandContext::of_process(&event, "requeue", 0)
        };
        let id = &kept.letter.id;
        match self.commands.execute::<D>(&context, id, command).await {
            Ok(done) if done.events.is_empty() => Ok("not needed any more, settled"),
            Err(CommandError::Refused(Refusal::WrongState(_))) => {
                Ok("not needed any more, settled")
            }
            Ok(_) => Ok("queued again"),
            Err(error) => Err(error.into()),
        }
    }
}
