//! Notifier: sends mails to users about their own accounts.
//!
//! [`Sending`] claims, sends and records. The notifier adds the content: the user's address and the
//! link.

use std::time::Duration;

use time::OffsetDateTime;

use super::flow::{Input, NotifierInput};
use super::sending::{Beginning, DEADLINE, Sending, SendingParts};
use super::{Away, Delivery, SingleDelivery, Verdict};
use crate::commands::CommandError;
use crate::domain::accounts::notice::link::link_token;
use crate::domain::accounts::notice::{Notice, NoticeAbout, NoticeCommand};
use crate::domain::accounts::user::{Account, User};
use crate::domain::kernel::sending::MailDelivery;
use crate::domain::{Decider, Locale, NoticeId, Secret, TimeZone};
use crate::event_log::Consistency;
use crate::mail::{NoticeMail, NoticeWords, Outgoing, Recipient};

/// Settings of account mails.
pub struct NoticeSettings {
    /// Language of the mails.
    pub locale: Locale,
    /// Page on which users set a password. The secret of the link is appended as the fragment of
    /// the URL.
    pub reset_page: String,
    /// Key from which the secrets of links are derived.
    pub key: Secret,
    /// Time zone of the issuer. It determines the year in the mail.
    pub time_zone: TimeZone,
}

/// Worker for notices.
pub struct Notifier {
    sending: Sending,
    settings: NoticeSettings,
}

impl Notifier {
    /// Creates a worker.
    #[must_use]
    pub const fn new(parts: SendingParts, settings: NoticeSettings) -> Self {
        Self {
            sending: Sending::new(parts, NotifierInput::WORKER, "laureate_notices_total"),
            settings,
        }
    }

    async fn send(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let event = &delivery.event;
        let notice = match self.sending.load::<Notice>(delivery).await? {
            Ok(notice) => notice,
            Err(verdict) => return Ok(verdict),
        };
        let Some(queued) = notice.state.mail.clone() else {
            return Ok(Verdict::Done);
        };
        let Ok(id) = event.id.parse::<NoticeId>() else {
            return Ok(Verdict::Done);
        };
        let commands = self.sending.commands();
        let at = Consistency::leader_after(event);
        let user = commands.load_at::<User>(queued.user_id, &at).await?.state;
        let Some(user) = user.account() else {
            return self.cancel(delivery, "the user was deleted").await;
        };
        let now = commands.now();
        let queued_at = match event.event_type.as_str() {
            "NoticeQueued" => event.time,
            _ => {
                let log = commands.log();
                let first = log.first(Notice::AGGREGATE, &event.id, event.position);
                first.await?.time
            }
        };
        let Some(words) = self.words(id, queued.about, queued_at, now) else {
            return self.cancel(delivery, "the link has expired").await;
        };
        let mail = Outgoing::Notice(self.mail(id, &user, words, now));
        match self.sending.begin(delivery, &notice, &mail).await? {
            Beginning::Accepted(handover) => {
                self.sending.hand_over(delivery, notice, handover).await
            }
            Beginning::Ended(verdict) => Ok(verdict),
        }
    }

    /// Returns the content of the mail, or `None` if its link has expired.
    fn words(
        &self,
        id: NoticeId,
        about: NoticeAbout,
        queued_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Option<NoticeWords> {
        match about {
            NoticeAbout::PasswordReset { expires_at, .. } => {
                // Rounded to the nearest minute, so that the seconds that passed in the queue don't
                // reduce the number.
                let minutes = ((expires_at - now).whole_seconds() + 30) / 60;
                let token = link_token(id, &self.settings.key);
                let link = Secret::new(format!(
                    "{}#token={}",
                    self.settings.reset_page,
                    token.reveal()
                ));
                (minutes > 0).then_some(NoticeWords::PasswordReset { link, minutes })
            }
            NoticeAbout::PasswordChanged => Some(NoticeWords::PasswordChanged { at: queued_at }),
        }
    }

    fn mail(
        &self,
        id: NoticeId,
        user: &Account,
        words: NoticeWords,
        date: OffsetDateTime,
    ) -> NoticeMail {
        let profile = &user.profile;
        NoticeMail {
            message_id: self.sending.message_id(&id.to_string()),
            to: Recipient {
                name: profile.name.clone(),
                address: profile.email.clone(),
            },
            locale: self.settings.locale,
            words,
            date,
            year: self.settings.time_zone.date_at(date).year(),
        }
    }

    /// Ends a notice that no longer has a purpose. A notice that may have been sent is abandoned.
    async fn cancel(&self, delivery: &Delivery, why: &str) -> Result<Verdict, CommandError> {
        let commands = self.sending.commands();
        let context = self.sending.context(delivery);
        let id = &delivery.event.id;
        let reason = why.to_owned().into();
        let cancel = NoticeCommand::Cancel { reason };
        match commands.execute::<Notice>(&context, id, cancel).await {
            Err(CommandError::Refused(_)) => {
                let why = why.to_owned();
                let abandon = NoticeCommand::Abandon { why };
                commands.execute::<Notice>(&context, id, abandon).await?;
            }
            done => drop(done?),
        }
        Ok(Verdict::Done)
    }
}

impl SingleDelivery for Notifier {
    type Input = NotifierInput;
    const DEADLINE: Duration = DEADLINE;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: NotifierInput,
    ) -> Result<Verdict, CommandError> {
        let next = |retry_at: Option<_>| retry_at.map_or(MailDelivery::Held, MailDelivery::At);
        let waits_for = match &input {
            NotifierInput::NoticeQueued(_)
            | NotifierInput::NoticeReleased(_)
            | NotifierInput::NoticeRetryRequested(_) => MailDelivery::Immediate,
            NotifierInput::NoticeRescheduled(other) => other.delivery,
            NotifierInput::NoticeFailed(failure) => next(failure.retry_at),
            NotifierInput::NoticeOutcomeUnknown(unknown) => next(unknown.retry_at),
        };
        match waits_for {
            MailDelivery::Immediate => self.send(delivery).await,
            MailDelivery::Held => Ok(Verdict::Done),
            MailDelivery::At(due) => {
                let position = delivery.event.position;
                self.sending
                    .set_timer::<Notice>(delivery, position, due)
                    .await
            }
        }
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        self.sending.abandon::<Notice>(delivery, why).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        match away {
            Away::MailServer => self.sending.probe().await,
            Away::Log | Away::Storage | Away::Sandbox => Ok(()),
        }
    }
}
