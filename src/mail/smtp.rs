//! Mail provider that sends mails by SMTP.

use futures_util::{FutureExt, future::BoxFuture};
use lettre::{
    Message,
    transport::smtp::{client::AsyncSmtpConnection, commands::Noop, extension::Extension},
};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, time::timeout};
use uuid::Uuid;

use super::{
    connection::{Connector, IdleConnections, quit},
    dialogue::{Ending, Parcel, deliver, scrub},
    message::{self, Sender},
    notice::NoticeMail,
    outgoing::{MailProvider, OutgoingMail, SendOutcome, ServerSeen, Unavailable},
    settings::{MailSettings, SettingsError},
    templates::Templates,
};
use crate::domain::Personal;

/// SMTP mailer with at most `max_connections` simultaneous connections, which are reused.
pub struct SmtpMailer {
    settings: MailSettings,
    sender: Sender,
    templates: Templates,
    connector: Connector,
    permits: Semaphore,
    idle: IdleConnections,
}

impl SmtpMailer {
    /// Checks the settings. Doesn't open a connection.
    pub fn new(settings: &MailSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let sender = Sender::new(settings)?;
        Ok(Self {
            connector: Connector::new(settings, sender.domain())?,
            sender,
            templates: Templates::new()?,
            permits: Semaphore::new(settings.max_connections),
            idle: IdleConnections::default(),
            settings: settings.clone(),
        })
    }

    /// Waits for a free connection and makes one attempt to send a certificate mail.
    ///
    /// The outcome is `Temporary` or `Permanent` only if the server can't have accepted the mail.
    /// If this future is dropped, the connection is closed, and the caller must treat the outcome
    /// as unknown.
    pub async fn send(&self, mail: &OutgoingMail) -> SendOutcome {
        match message::build(&self.sender, &self.templates, mail) {
            Ok(message) => self.hand_over(&message).await,
            Err(unsendable) => SendOutcome::Permanent {
                answer: unsendable.to_string(),
            },
        }
    }

    /// Makes one attempt to send a mail to a user about the user's account. See [`Self::send`].
    pub async fn send_notice(&self, mail: &NoticeMail) -> SendOutcome {
        match message::notice(&self.sender, &self.templates, mail) {
            Ok(message) => self.hand_over(&message).await,
            Err(unsendable) => SendOutcome::Permanent {
                answer: unsendable.to_string(),
            },
        }
    }

    /// Sends a test mail.
    pub async fn send_test(
        &self,
        to: &Personal<String>,
        id: Uuid,
        date: OffsetDateTime,
    ) -> SendOutcome {
        match message::test(&self.sender, to, id, date) {
            Ok(message) => self.hand_over(&message).await,
            Err(unsendable) => SendOutcome::Permanent {
                answer: unsendable.to_string(),
            },
        }
    }

    async fn hand_over(&self, message: &Message) -> SendOutcome {
        let envelope = message.envelope();
        let (Some(from), [to]) = (envelope.from(), envelope.to()) else {
            return SendOutcome::Permanent {
                answer: "the mail must have exactly one sender and one recipient".to_owned(),
            };
        };
        let content = message.formatted();
        let parcel = Parcel {
            from,
            to,
            content: &content,
            timeout: self.settings.timeout(),
            message_timeout: self.settings.message_timeout(),
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return SendOutcome::Temporary {
                answer: "the mailer is shutting down".to_owned(),
            };
        };
        if let Some(connection) = self.idle.take() {
            // A server may close idle connections at any time, and this is only noticed on the next
            // command. No dialogue has begun, so the mail can be sent over another connection.
            let ending = self.deliver_over(connection, &parcel).await;
            if !ending.never_began {
                return ending.outcome;
            }
        }
        match self.connector.connect().await {
            Ok(connection) => self.deliver_over(connection, &parcel).await.outcome,
            Err(answer) => SendOutcome::Temporary {
                answer: scrub(&answer, to),
            },
        }
    }

    async fn deliver_over(
        &self,
        mut connection: AsyncSmtpConnection,
        parcel: &Parcel<'_>,
    ) -> Ending {
        let ending = deliver(&mut connection, parcel).await;
        if ending.reusable && !connection.has_broken() {
            self.idle.put(connection);
        }
        ending
    }

    /// Connects, logs in and sends NOOP. Uses a separate connection, so that busy senders don't
    /// delay the check.
    pub async fn check(&self) -> Result<(), Unavailable> {
        self.look().await.map(|_| ())
    }

    /// Performs the same check as [`Self::check`] and returns the server's properties.
    pub async fn look(&self) -> Result<ServerSeen, Unavailable> {
        let mut connection = self.connector.connect().await.map_err(Unavailable)?;
        let server = connection.server_info();
        let seen = ServerSeen {
            name: server.name().to_owned(),
            is_encrypted: connection.is_encrypted(),
            logged_in: self.settings.username.is_some(),
            takes_utf8_addresses: server.supports_feature(Extension::SmtpUtfEight),
        };
        let limit = self.settings.timeout();
        let answer = timeout(limit, connection.command(Noop)).await;
        quit(connection).await;
        match answer {
            Ok(Ok(_)) => Ok(seen),
            Ok(Err(error)) => Err(Unavailable(format!("NOOP failed: {error}"))),
            Err(_) => Err(Unavailable(format!(
                "no answer to NOOP within {} s",
                limit.as_secs()
            ))),
        }
    }

    /// Rejects further mails and closes the idle connections with QUIT.
    pub async fn close(&self) {
        self.permits.close();
        self.idle.close().await;
    }
}

impl MailProvider for SmtpMailer {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, SendOutcome> {
        Self::send(self, mail).boxed()
    }

    fn send_notice<'a>(&'a self, mail: &'a NoticeMail) -> BoxFuture<'a, SendOutcome> {
        Self::send_notice(self, mail).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        Self::check(self).boxed()
    }
}
