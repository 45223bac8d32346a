//! Notifier: mails users about their own accounts.
//!
//! Other than a certificate's mail, such a mail is sent again where nobody knows what became of it: twice
//! the same words do no harm, and none may leave somebody locked out. The Message-ID is the same each time.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Delivery, Verdict, Worker};
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::notice::{Notice, NoticeAbout, NoticeCommand, NoticeFailed, NoticeSent, link::link_token};
use crate::domain::user::{Account, User};
use crate::domain::{CommandId, Locale, NoticeId, Secret, TimeZone};
use crate::mail::{MailProvider, NoticeMail, NoticeWords, Recipient, SendOutcome};

/// How often a mail is tried at the most.
const MAX_ATTEMPTS: u32 = 8;
/// How long until the second try; each one after it waits twice as long. All together take half an hour,
/// which is more than servers put off those that they don't know.
const AGAIN_AFTER: Duration = Duration::from_secs(15);

/// What such mails are made with.
pub struct NoticeSettings {
    /// The language.
    pub locale: Locale,
    /// The page where a password is set; the link's secret follows in the fragment.
    pub reset_page: String,
    /// Makes the links' secrets.
    pub key: Secret,
    /// The right-hand side of Message-IDs: the sender's domain.
    pub message_id_domain: String,
    /// The issuer's time zone, for the year.
    pub time_zone: TimeZone,
}

/// The worker on queued notices.
pub struct Notifier {
    commands: Commands,
    provider: Arc<dyn MailProvider>,
    settings: NoticeSettings,
}

impl Notifier {
    /// One on a log and a mail provider.
    pub fn new(commands: Commands, provider: Arc<dyn MailProvider>, settings: NoticeSettings) -> Self {
        Self { commands, provider, settings }
    }

    async fn send(&self, delivery: &Delivery) -> Result<Verdict, CommandError> {
        let event = &delivery.event;
        let notice = self.commands.load::<Notice>(&event.id).await?.state;
        let Some(queued) = notice.queued.filter(|_| !notice.is_settled) else { return Ok(Verdict::Done) };
        let Ok(id) = event.id.parse::<NoticeId>() else { return Ok(Verdict::Done) };
        let Some(user) = self.commands.load::<User>(queued.user_id).await?.state.account() else {
            return self.give_up(delivery, "the user is gone").await;
        };
        let now = self.commands.now();
        let Some(words) = self.words(id, queued.about, event.time, now) else {
            return self.give_up(delivery, "the link would have expired").await;
        };
        let outcome = self.provider.send_notice(&self.mail(id, &user, words, now)).await;
        self.record(delivery, outcome).await
    }

    /// What the mail says; nothing, where it is too late for that.
    fn words(
        &self,
        id: NoticeId,
        about: NoticeAbout,
        queued_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Option<NoticeWords> {
        match about {
            NoticeAbout::PasswordReset { expires_at, .. } => {
                // To the nearest: the seconds that the mail took so far are nobody's concern.
                let minutes = ((expires_at - now).whole_seconds() + 30) / 60;
                let token = link_token(id, &self.settings.key);
                let link = Secret::new(format!("{}#token={}", self.settings.reset_page, token.reveal()));
                (minutes > 0).then_some(NoticeWords::PasswordReset { link, minutes })
            }
            NoticeAbout::PasswordChanged => Some(NoticeWords::PasswordChanged { at: queued_at }),
        }
    }

    fn mail(&self, id: NoticeId, user: &Account, words: NoticeWords, date: OffsetDateTime) -> NoticeMail {
        let profile = &user.profile;
        NoticeMail {
            message_id: format!("<{id}@{}>", self.settings.message_id_domain),
            to: Recipient { name: profile.name.clone(), address: profile.email.clone() },
            locale: self.settings.locale,
            words,
            date,
            year: self.settings.time_zone.date_at(date).year(),
        }
    }

    async fn record(&self, delivery: &Delivery, outcome: SendOutcome) -> Result<Verdict, CommandError> {
        let (label, answer) = match outcome {
            SendOutcome::Accepted { answer } => {
                count("sent");
                let sent = NoticeCommand::RecordSent(NoticeSent { answer: answer.into() });
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
            return Ok(Verdict::Again { after, why: format!("{label} failure") });
        }
        let failed = NoticeCommand::RecordFailure(NoticeFailed { answer: answer.into() });
        self.execute(delivery, failed).await?;
        Ok(Verdict::GiveUp { why: format!("{label} failure") })
    }

    /// Ends a mail that nobody needs any more.
    async fn give_up(&self, delivery: &Delivery, why: &str) -> Result<Verdict, CommandError> {
        let failed = NoticeFailed { answer: why.to_owned().into() };
        self.execute(delivery, NoticeCommand::RecordFailure(failed)).await?;
        Ok(Verdict::Done)
    }

    async fn execute(&self, delivery: &Delivery, command: NoticeCommand) -> Result<(), CommandError> {
        let command_id = CommandId(Uuid::new_v4());
        let context = CommandContext::of_process(&delivery.event, Self::NAME, 0);
        let context = CommandContext { command_id, ..context };
        self.commands.execute::<Notice>(&context, &delivery.event.id, command).await.map(drop)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("laureate_notices_total", "outcome" => outcome).increment(1);
}

impl Worker for Notifier {
    const NAME: &'static str = "notifier";

    fn wants(event_type: &str) -> bool {
        event_type == "NoticeQueued"
    }

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            verdicts.push(match self.send(delivery).await {
                Ok(verdict) => verdict,
                Err(CommandError::Refused(refusal)) => Verdict::GiveUp { why: refusal.code().to_owned() },
                Err(error) => Verdict::unavailable(delivery.attempt, &error),
            });
        }
        verdicts
    }
}
