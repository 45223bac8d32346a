//! Notifier: sends mails to users about their own accounts.
//!
//! Unlike a mail with a certificate, a notice is sent again if its outcome is unknown. A duplicate
//! does no harm, but without the notice, a user may be locked out. All attempts use the same
//! Message-ID.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::flow::{Input, NotifierInput};
use super::{Away, Delivery, SingleDelivery, Verdict};
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::accounts::notice::link::link_token;
use crate::domain::accounts::notice::{
    Notice, NoticeAbout, NoticeCommand, NoticeFailed, NoticeSent,
};
use crate::domain::accounts::user::{Account, User};
use crate::domain::{CommandId, Locale, NoticeId, Secret, TimeZone};
use crate::event_log::Consistency;
use crate::mail::{MailProvider, NoticeMail, NoticeWords, Recipient, SendOutcome};

/// Maximum number of attempts.
const MAX_ATTEMPTS: u32 = 8;
/// Delay before the second attempt. It doubles with each further attempt. All delays together take
/// about half an hour, which is longer than greylisting servers defer unknown senders.
const AGAIN_AFTER: Duration = Duration::from_secs(15);

/// Settings of account mails.
pub struct NoticeSettings {
    /// Language of the mails.
    pub locale: Locale,
    /// Page on which users set a password. The secret of the link is appended as the fragment of
    /// the URL.
    pub reset_page: String,
    /// Key from which the secrets of links are derived.
    pub key: Secret,
    /// Domain in Message-IDs: the domain of the sender's address.
    pub message_id_domain: String,
    /// Time zone of the issuer. It determines the year in the mail.
    pub time_zone: TimeZone,
}

/// Worker for queued notices.
pub struct Notifier {
    commands: Commands,
    provider: Arc<dyn MailProvider>,
    settings: NoticeSettings,
}

impl Notifier {
    /// Creates a worker that sends notices through `provider`.
    pub fn new(
        commands: Commands,
        provider: Arc<dyn MailProvider>,
        settings: NoticeSettings,
    ) -> Self {
        Self {
            commands,
            provider,
            settings,
        }
    }

    async fn send(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let event = &delivery.event;
        let at = Consistency::leader_after(event);
        let notice = self.commands.load_at::<Notice>(&event.id, &at).await?.state;
        let Some(queued) = notice.queued.filter(|_| !notice.is_settled) else {
            return Ok(Verdict::Done);
        };
        let Ok(id) = event.id.parse::<NoticeId>() else {
            return Ok(Verdict::Done);
        };
        let Some(user) = self
            .commands
            .load_at::<User>(queued.user_id, &at)
            .await?
            .state
            .account()
        else {
            return self.give_up(delivery, "the user was deleted").await;
        };
        let now = self.commands.now();
        let Some(words) = self.words(id, queued.about, event.time, now) else {
            return self.give_up(delivery, "the link has expired").await;
        };
        let outcome = self
            .provider
            .send_notice(&self.mail(id, &user, words, now))
            .await;
        self.record(delivery, outcome).await
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
            message_id: format!("<{id}@{}>", self.settings.message_id_domain),
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

    async fn record(
        &self,
        delivery: &Delivery,
        outcome: SendOutcome,
    ) -> Result<Verdict, CommandError> {
        let (label, answer) = match outcome {
            SendOutcome::Accepted { answer } => {
                count("sent");
                let sent = NoticeCommand::RecordSent(NoticeSent {
                    answer: answer.into(),
                });
                self.execute(delivery, sent).await?;
                return Ok(Verdict::Done);
            }
            SendOutcome::Permanent { answer } => ("permanent", answer),
            SendOutcome::Temporary { answer } => ("temporary", answer),
            SendOutcome::Unknown { detail } => ("unknown", detail),
        };
        count(label);
        if label != "permanent" && delivery.attempt < MAX_ATTEMPTS {
            let after = AGAIN_AFTER * 2_u32.pow(delivery.attempt.saturating_sub(1).min(8));
            return Ok(Verdict::Again {
                after,
                why: format!("{label} failure"),
            });
        }
        let failed = NoticeCommand::RecordFailure(NoticeFailed {
            answer: answer.into(),
        });
        self.execute(delivery, failed).await?;
        Ok(Verdict::GiveUp {
            why: format!("{label} failure"),
        })
    }

    /// Records a failure for a notice that no longer has a purpose.
    async fn give_up(&self, delivery: &Delivery, why: &str) -> Result<Verdict, CommandError> {
        let failed = NoticeFailed {
            answer: why.to_owned().into(),
        };
        self.execute(delivery, NoticeCommand::RecordFailure(failed))
            .await?;
        Ok(Verdict::Done)
    }

    async fn execute(
        &self,
        delivery: &Delivery,
        command: NoticeCommand,
    ) -> Result<(), CommandError> {
        let command_id = CommandId(Uuid::new_v4());
        let context = CommandContext::of_process(&delivery.event, NotifierInput::WORKER, 0);
        let context = CommandContext {
            command_id,
            ..context
        };
        self.commands
            .execute::<Notice>(&context, &delivery.event.id, command)
            .await
            .map(drop)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("laureate_notices_total", "outcome" => outcome).increment(1);
}

impl SingleDelivery for Notifier {
    type Input = NotifierInput;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: NotifierInput,
    ) -> Result<Verdict, CommandError> {
        // The aggregate is loaded, because its state shows whether an earlier delivery sent the
        // notice.
        let NotifierInput::NoticeQueued(_) = input;
        self.send(delivery).await
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        let failed = NoticeFailed {
            answer: why.to_owned().into(),
        };
        self.execute(delivery, NoticeCommand::RecordFailure(failed))
            .await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        match away {
            Away::MailServer => self.provider.check().await.map_err(|e| e.to_string()),
            Away::Log | Away::Storage | Away::Sandbox => Ok(()),
        }
    }
}
