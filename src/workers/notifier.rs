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
use crate::domain::accounts::notice::{Notice, NoticeAbout};
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
        let Some(notice) = self.sending.load::<Notice>(delivery).await? else {
            return Ok(Verdict::Done);
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
            let why = "the user was deleted";
            return self.sending.end::<Notice>(delivery, why).await;
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
        let Some(words) = self.words(id, queued.about, &user, queued_at, now) else {
            let why = "the link is no longer valid";
            return self.sending.end::<Notice>(delivery, why).await;
        };
        let mail = Outgoing::Notice(self.mail(id, &user, words, now));
        match self.sending.begin(delivery, &notice, &mail).await? {
            Beginning::Accepted(handover) => {
                let wanted = |_| std::future::ready(Ok(None));
                self.sending
                    .hand_over(delivery, notice, handover, wanted)
                    .await
            }
            Beginning::Ended(verdict) => Ok(verdict),
        }
    }

    /// Returns the content of the mail, or `None` if its link can't be used any more.
    fn words(
        &self,
        id: NoticeId,
        about: NoticeAbout,
        user: &Account,
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
                let opens = user.is_active && about.opens(now, user.link_epoch()) && minutes > 0;
                opens.then_some(NoticeWords::PasswordReset { link, minutes })
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
        match self.sending.wait::<Notice>(delivery, waits_for).await? {
            Some(verdict) => Ok(verdict),
            None => self.send(delivery).await,
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
