//! Mailer: sends each queued mail exactly once, as far as SMTP allows, and sets timers for
//! scheduled mails.
//!
//! The mailer appends `SendClaimed` to the event log before it calls the mail server. If a delivery
//! finds a claim without an outcome, the decider applies the mail's policy for unknown outcomes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::flow::{Input, MailerInput};
use super::{Away, Delivery, SingleDelivery, Verdict};
use crate::commands::stop_mails::is_revoked;
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::certification::file_name::attachment_file_name;
use crate::domain::certification::mail::{
    EmailFailed, EmailOutcomeUnknown, EmailQueued, EmailSent, Mail, MailCommand, MailDelivery,
    MailEvent, SendClaimed, Stage,
};
use crate::domain::{CommandId, Refusal, TimeZone};
use crate::event_log::Consistency;
use crate::mail::{Attachment, MailProvider, MailVariables, OutgoingMail, Recipient, SendOutcome};
use crate::rendering::Rendering;

/// Maximum number of attempts to send a mail.
const MAX_ATTEMPTS: u32 = 6;

/// Worker for events that queue, release, reschedule or retry a mail.
pub struct Mailer {
    commands: Commands,
    rendering: Rendering,
    provider: Arc<dyn MailProvider>,
    settings: MailSettings,
}

/// Settings of mails with certificates.
pub struct MailSettings {
    /// Domain in Message-IDs: the domain of the sender's address.
    pub message_id_domain: String,
    /// Time zone of the issuer. It determines the year in the mail.
    pub time_zone: TimeZone,
}

impl Mailer {
    /// Creates a worker that sends mails through `provider`.
    pub fn new(
        commands: Commands,
        rendering: Rendering,
        provider: Arc<dyn MailProvider>,
        settings: MailSettings,
    ) -> Self {
        Self {
            commands,
            rendering,
            provider,
            settings,
        }
    }

    async fn send(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let email = self.email(delivery).await?;
        let Some(mail) = email.state.mail.clone() else {
            return Ok(Verdict::Done);
        };
        if !matches!(
            email.state.stage,
            Stage::Queued | Stage::Retrying | Stage::Claimed
        ) {
            return Ok(Verdict::Done);
        }
        // Final check: the mail of a revoked certificate is never sent.
        let at = Consistency::leader_after(&delivery.event);
        if is_revoked(&self.commands, mail.issuance_id, &at).await? {
            return self.end_revoked(delivery, email.state.stage).await;
        }
        // Steps that can fail before the mail server is called are executed before the claim. So
        // their failure doesn't count as an attempt.
        let key = &mail.object_key;
        let sha256 = &mail.sha256;
        let pdf = match self
            .rendering
            .issued_pdf_at(key, sha256, mail.issuance_id)
            .await
        {
            Ok(Some(pdf)) => pdf,
            Ok(None) => return self.fail_unsent(delivery, "NOT_ISSUED").await,
            Err(error) if error.is_permanent() => {
                return self.fail_unsent(delivery, error.code()).await;
            }
            Err(error) => return Ok(error.into()),
        };
        let Some((claim, email)) = self.claim(delivery, email).await? else {
            return Ok(Verdict::Done);
        };
        let now = self.commands.now();
        let time_zone = self.settings.time_zone;
        let outgoing = outgoing(&mail, claim.message_id.clone(), pdf, now, time_zone);
        let outcome = self.provider.send(&outgoing).await;
        self.record(delivery, &claim, email, outcome).await
    }

    /// Sets the timer to the mail's current due time, which may differ from the time in this event.
    async fn set_timer(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let id = &delivery.event.id;
        let at = Consistency::after(&delivery.event);
        if let Some(due) = self.commands.load_at::<Mail>(id, &at).await?.state.due {
            self.commands.log().set_timer(&timer_of(id), due).await?;
        }
        Ok(Verdict::Done)
    }

    /// Returns the mail's state. On the first delivery of `EmailQueued`, this assumes that no other
    /// event of the mail exists. If the assumption is wrong, the log rejects the claim, and the
    /// command is decided again on the loaded state.
    async fn email(&self, delivery: &Delivery) -> Result<Loaded<Mail>, CommandError> {
        let event = &delivery.event;
        if delivery.attempt == 1 && event.event_type == "EmailQueued" {
            return Ok(Loaded::begun_by(event)?);
        }
        let at = Consistency::after(event);
        self.commands.load_at::<Mail>(&event.id, &at).await
    }

    /// Claims the next attempt. Returns `None` if the mail was sent or given up meanwhile. Also
    /// returns `None` if the mail is parked because of a claim without an outcome.
    async fn claim(
        &self,
        delivery: &Delivery,
        email: Loaded<Mail>,
    ) -> Result<Option<(SendClaimed, Loaded<Mail>)>, CommandError> {
        let id = &delivery.event.id;
        let message_id = format!("<{id}@{}>", self.settings.message_id_domain);
        let command = MailCommand::Claim { message_id };
        let context = Self::context(delivery);
        let done = self
            .commands
            .execute_assuming::<Mail>(&context, id, email, command)
            .await?;
        match done.events.last() {
            Some(MailEvent::SendClaimed(claim)) => Ok(Some((claim.clone(), done.into()))),
            _ => Ok(None),
        }
    }

    /// Ends the mail of a revoked certificate, without a dead letter. A mail in the stage `Claimed`
    /// is abandoned instead of cancelled, because it may have been sent before a worker crashed.
    async fn end_revoked(
        &self,
        delivery: &Delivery,
        stage: Stage,
    ) -> Result<Verdict, CommandError> {
        let why = "the certificate was revoked".to_owned();
        let end = match stage {
            Stage::Claimed => MailCommand::Abandon { why },
            _ => MailCommand::Cancel { reason: why.into() },
        };
        let context = Self::context(delivery);
        let id = &delivery.event.id;
        self.commands.execute::<Mail>(&context, id, end).await?;
        Ok(Verdict::Done)
    }

    /// Abandons a mail whose PDF is unavailable. So the log contains the failure, and a user can
    /// retry the mail.
    async fn fail_unsent(&self, delivery: &Delivery, code: &str) -> Result<Verdict, CommandError> {
        let why = format!("not sent, because the PDF is not available: {code}");
        let context = Self::context(delivery);
        let id = &delivery.event.id;
        self.commands
            .execute::<Mail>(&context, id, MailCommand::Abandon { why })
            .await?;
        Ok(Verdict::GiveUp {
            why: code.to_owned(),
        })
    }

    async fn record(
        &self,
        delivery: &Delivery,
        claim: &SendClaimed,
        email: Loaded<Mail>,
        outcome: SendOutcome,
    ) -> Result<Verdict, CommandError> {
        let attempt = claim.attempt;
        let (command, label, verdict) = match outcome {
            SendOutcome::Accepted { answer } => (
                MailCommand::RecordSent(EmailSent {
                    attempt,
                    answer: answer.into(),
                }),
                "sent",
                Verdict::Done,
            ),
            SendOutcome::Temporary { answer } => {
                let will_retry = attempt < MAX_ATTEMPTS;
                let verdict = if will_retry {
                    Verdict::Again {
                        after: retry_after(attempt),
                        why: "temporary failure".to_owned(),
                    }
                } else {
                    Verdict::GiveUp {
                        why: format!("temporary failure at each of {attempt} attempts"),
                    }
                };
                let failed = EmailFailed {
                    attempt,
                    permanent: false,
                    will_retry,
                    answer: answer.into(),
                };
                (MailCommand::RecordFailure(failed), "temporary", verdict)
            }
            SendOutcome::Permanent { answer } => {
                let failed = EmailFailed {
                    attempt,
                    permanent: true,
                    will_retry: false,
                    answer: answer.into(),
                };
                let verdict = Verdict::Bounced {
                    why: "permanent failure".to_owned(),
                };
                (MailCommand::RecordFailure(failed), "permanent", verdict)
            }
            SendOutcome::Unknown { detail } => {
                let unknown = EmailOutcomeUnknown {
                    attempt,
                    detail: detail.into(),
                };
                (
                    MailCommand::RecordUnknown(unknown),
                    "unknown",
                    Verdict::Done,
                )
            }
        };
        metrics::counter!("laureate_mails_total", "outcome" => label).increment(1);
        let context = Self::context(delivery);
        let id = &delivery.event.id;
        match self
            .commands
            .execute_assuming::<Mail>(&context, id, email, command)
            .await
        {
            Ok(_) => Ok(verdict),
            // Another delivery of the same mail has already recorded an outcome.
            Err(CommandError::Refused(Refusal::WrongState(_))) => Ok(Verdict::Done),
            Err(error) => Err(error),
        }
    }

    /// Creates a context with a random command id for each claim and outcome. An id derived from
    /// the delivery count could repeat, because a killed server loses the count. A second worker
    /// would then mistake the first worker's claim for its own and send the mail again.
    fn context(delivery: &Delivery) -> CommandContext {
        let command_id = CommandId(Uuid::new_v4());
        CommandContext {
            command_id,
            ..CommandContext::of_process(&delivery.event, MailerInput::WORKER, 0)
        }
    }
}

/// Returns the name of a mail's timer.
#[must_use]
pub fn timer_of(id: &str) -> String {
    format!("email.{id}")
}

/// Builds the mail from the queued mail and its PDF. `now` is its date. The year is that of `now`
/// in the time zone.
#[must_use]
pub fn outgoing(
    mail: &EmailQueued,
    message_id: String,
    pdf: Bytes,
    now: OffsetDateTime,
    time_zone: TimeZone,
) -> OutgoingMail {
    OutgoingMail {
        message_id,
        to: Recipient {
            name: mail.to_name.clone(),
            address: mail.to_address.clone(),
        },
        locale: mail.locale,
        variables: MailVariables {
            attendee_name: mail.to_name.clone(),
            certificate_name: mail.certificate_name.clone(),
            event_name: mail.event_name.clone(),
            event_link: mail.event_link.clone(),
            verification_link: page_of(&mail.download_link).to_owned(),
            download_link: mail.download_link.clone(),
            year: time_zone.date_at(now).year(),
            client: mail.client.clone(),
        },
        attachment: Attachment {
            file_name: attachment_file_name(mail.to_name.reveal_str()).into(),
            bytes: pdf,
        },
        date: now,
    }
}

/// Returns the address of the certificate's page. The download address is this address with the
/// suffix `/download`.
fn page_of(download_link: &str) -> &str {
    download_link
        .strip_suffix("/download")
        .unwrap_or(download_link)
}

/// Returns the delay before the next attempt: 5 s, 20 s, 80 s and so on, up to one hour.
fn retry_after(attempt: u32) -> Duration {
    Duration::from_secs(5 * 4_u64.pow(attempt.saturating_sub(1).min(5)))
        .min(Duration::from_secs(3_600))
}

impl SingleDelivery for Mailer {
    type Input = MailerInput;
    // Equals the number of mails sent at the same time, because two of three events about a mail
    // need no work.
    const AHEAD: usize = 16;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: MailerInput,
    ) -> Result<Verdict, CommandError> {
        let due = match &input {
            MailerInput::EmailQueued(mail) => mail.delivery,
            MailerInput::EmailRescheduled(other) => other.delivery,
            MailerInput::EmailReleased(_) | MailerInput::EmailRetryRequested(_) => {
                MailDelivery::Immediate
            }
        };
        match due {
            MailDelivery::Immediate => self.send(delivery).await,
            // The mail must not be sent yet. Its release is a separate event, so that only one
            // delivery at a time may send the mail.
            MailDelivery::Held => Ok(Verdict::Done),
            MailDelivery::At(_) => self.set_timer(delivery).await,
        }
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        let context = Self::context(delivery);
        let id = &delivery.event.id;
        let why = why.to_owned();
        self.commands
            .execute::<Mail>(&context, id, MailCommand::Abandon { why })
            .await
            .map(drop)
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        match away {
            Away::Storage => {
                let storage = self.rendering.storage();
                storage.probe().await.map_err(|e| e.to_string())
            }
            Away::Sandbox => {
                let checked = self.rendering.check_sandbox().await;
                checked.map_err(|e| e.to_string())
            }
            Away::MailServer => self.provider.check().await.map_err(|e| e.to_string()),
            Away::Log => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn year_in_a_mail_depends_on_the_time_zone() {
        let mail = crate::domain::certification::mail::samples::queued(
            crate::domain::certification::mail::OnUnknown::Park,
        );
        let bogota: TimeZone = "America/Bogota".parse().expect("a time zone");
        let first_hours = time::macros::datetime!(2027-01-01 03:00 UTC);
        let year = |zone| {
            outgoing(
                &mail,
                "<1@example.org>".to_owned(),
                Bytes::new(),
                first_hours,
                zone,
            )
            .variables
            .year
        };
        assert_eq!((year(bogota), year(TimeZone::default())), (2026, 2027));
    }

    #[test]
    fn retry_delays_grow_up_to_one_hour() {
        let seconds: Vec<_> = (1..=MAX_ATTEMPTS)
            .map(|n| retry_after(n).as_secs())
            .collect();
        assert_eq!(seconds, [5, 20, 80, 320, 1280, 3600]);
    }
}
