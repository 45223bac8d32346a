//! Mailer: sends queued mails, and sets timers for mails that wait. No mail is sent twice, except
//! if its policy for an unknown outcome is to send it again.
//!
//! [`Sending`] claims and sends a mail, and records the outcome. The mailer provides the content:
//! the certificate, which must not be revoked.

use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;

use super::flow::{Input, MailerInput};
use super::sending::{Beginning, DEADLINE, Sending, SendingParts};
use super::{Away, Delivery, SingleDelivery, Verdict};
use crate::commands::stop_mails::is_revoked;
use crate::commands::{CommandError, Loaded};
use crate::domain::TimeZone;
use crate::domain::certification::file_name::attachment_file_name;
use crate::domain::certification::mail::{EmailQueued, Mail, MailDelivery, OnUnknown, Stage};
use crate::event_log::Consistency;
use crate::mail::{Attachment, MailVariables, Outgoing, OutgoingMail, Recipient};
use crate::rendering::{Rendering, RenderingError};

/// Reason for which the mail of a revoked certificate ends.
const REVOKED: &str = "the certificate was revoked";

/// Worker for mails with certificates.
pub struct Mailer {
    sending: Sending,
    rendering: Rendering,
    time_zone: TimeZone,
}

impl Mailer {
    /// Creates a worker. The time zone of the issuer determines the year in the mails.
    #[must_use]
    pub const fn new(parts: SendingParts, rendering: Rendering, time_zone: TimeZone) -> Self {
        Self {
            sending: Sending::new(parts, MailerInput::WORKER, "laureate_mails_total"),
            rendering,
            time_zone,
        }
    }

    async fn send(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let Some(email) = self.email(delivery).await? else {
            return Ok(Verdict::Done);
        };
        let Some(mail) = email.state.mail.clone() else {
            return Ok(Verdict::Done);
        };
        if email.state.stage == Stage::Claimed && mail.on_unknown == OnUnknown::Park {
            return self.sending.park(delivery, email).await;
        }
        if let Some(verdict) = self.sending.busy::<Mail>(delivery, &mail.to_address) {
            return Ok(verdict);
        }
        // The PDF is loaded before the mail is claimed, so a failure doesn't count as an attempt.
        let key = &mail.object_key;
        let sha256 = &mail.sha256;
        let pdf = match self
            .rendering
            .issued_pdf_at(key, sha256, mail.issuance_id)
            .await
        {
            Ok(Some(pdf)) => pdf,
            Ok(None) => return self.fail_unsent(delivery, "NOT_ISSUED").await,
            Err(RenderingError::Revoked) => {
                return self.sending.end::<Mail>(delivery, REVOKED).await;
            }
            Err(error) if error.is_permanent() => {
                return self.fail_unsent(delivery, error.code()).await;
            }
            Err(error) => return Ok(error.into()),
        };
        let now = self.sending.commands().now();
        let message_id = self.sending.message_id(&delivery.event.id);
        let outgoing = outgoing(&mail, message_id, pdf, now, self.time_zone);
        let outgoing = Outgoing::Certificate(Box::new(outgoing));
        let handover = match self.sending.begin(delivery, &email, &outgoing).await? {
            Beginning::Accepted(handover) => handover,
            Beginning::Ended(verdict) => return Ok(verdict),
        };
        let commands = self.sending.commands();
        let event = &delivery.event;
        let cause = event
            .caused_by
            .filter(|_| event.event_type == "EmailQueued");
        let generated = cause.map(|cause| cause.position);
        let unwanted = |at: Consistency| async move {
            let is_revoked = is_revoked(commands, mail.issuance_id, generated, &at).await?;
            Ok(is_revoked.then_some(REVOKED))
        };
        self.sending
            .hand_over(delivery, email, handover, unwanted)
            .await
    }

    /// Loads the mail, if it waits for this worker. On the first delivery of `EmailQueued`, this
    /// assumes that no other event of the mail exists. If the assumption is wrong, the log rejects
    /// the claim, and the command is decided again on the loaded state.
    async fn email(&self, delivery: &Delivery) -> Result<Option<Loaded<Mail>>, CommandError> {
        let event = &delivery.event;
        if delivery.attempt == 1 && event.event_type == "EmailQueued" {
            return Ok(Some(Loaded::begun_by(event)?));
        }
        self.sending.load::<Mail>(delivery).await
    }

    /// Abandons a mail whose PDF is unavailable. So the log contains the failure, and a user can
    /// retry the mail.
    async fn fail_unsent(&self, delivery: &Delivery, code: &str) -> Result<Verdict, CommandError> {
        let why = format!("not sent, because the PDF is not available: {code}");
        self.sending.abandon::<Mail>(delivery, &why).await?;
        let why = code.to_owned();
        Ok(Verdict::GiveUp { why })
    }
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

impl SingleDelivery for Mailer {
    type Input = MailerInput;
    // Equals the default number of mails that are sent at the same time. Two of three events about
    // a mail need no work.
    const AHEAD: usize = 16;
    const DEADLINE: Duration = DEADLINE;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: MailerInput,
    ) -> Result<Verdict, CommandError> {
        let next = |retry_at: Option<_>| retry_at.map_or(MailDelivery::Held, MailDelivery::At);
        let waits_for = match &input {
            MailerInput::EmailQueued(mail) => mail.delivery,
            MailerInput::EmailRescheduled(other) => other.delivery,
            MailerInput::EmailReleased(_) | MailerInput::EmailRetryRequested(_) => {
                MailDelivery::Immediate
            }
            MailerInput::EmailFailed(failure) => next(failure.retry_at),
            MailerInput::EmailOutcomeUnknown(unknown) => next(unknown.retry_at),
        };
        match self.sending.wait::<Mail>(delivery, waits_for).await? {
            Some(verdict) => Ok(verdict),
            None => self.send(delivery).await,
        }
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        self.sending.abandon::<Mail>(delivery, why).await
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
            Away::MailServer => self.sending.probe().await,
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
}
