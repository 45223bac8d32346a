//! Mail provider that sends mails by SMTP.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use lettre::{
    Message,
    transport::smtp::{client::AsyncSmtpConnection, commands::Noop, extension::Extension},
};
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    address::wire_address,
    connection::{Connector, quit},
    dialogue::{Opening, Parcel, Refused, check_mail, hand_over, open},
    lane::{Admission, Connected, Lane, Place},
    message::{self, Sender, Unsendable},
    outgoing::{
        Begun, Handover, MailProvider, Outgoing, OutgoingMail, SendOutcome, ServerSeen, Unavailable,
    },
    settings::{MailSettings, SettingsError},
    templates::Templates,
};
use crate::domain::Personal;

/// SMTP mailer. Its connections are reused. Mails about issuances and notices have separate ones, so
/// that notices never wait for a large number of other mails.
pub struct SmtpMailer {
    settings: MailSettings,
    sender: Sender,
    templates: Templates,
    connector: Connector,
    mails: Arc<Lane>,
    notices: Arc<Lane>,
}

impl SmtpMailer {
    /// Checks the settings. Doesn't open a connection.
    pub fn new(settings: &MailSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let sender = Sender::new(settings)?;
        let slow_after = settings.slow_after();
        let (mails, notices) = (settings.max_connections, settings.notice_connections);
        let slow_mails = settings.max_slow_connections;
        let slow_notices = settings.slow_notice_connections();
        let connected = Connected::default();
        Ok(Self {
            connector: Connector::new(settings, sender.domain())?,
            sender,
            templates: Templates::new()?,
            mails: Lane::new(mails, slow_mails, slow_after, &connected),
            notices: Lane::new(notices, slow_notices, slow_after, &connected),
            settings: settings.clone(),
        })
    }

    /// Makes one attempt to send a certificate mail.
    ///
    /// The outcome is `Temporary` or `Permanent` only if the server can't have accepted the mail.
    /// If this future is dropped, the connection is closed, and the caller must treat the outcome
    /// as unknown.
    pub async fn send(&self, mail: &OutgoingMail) -> SendOutcome {
        let message = message::build(&self.sender, &self.templates, mail);
        self.send_at_once(message).await
    }

    /// Sends a test mail.
    pub async fn send_test(
        &self,
        to: &Personal<String>,
        id: Uuid,
        date: OffsetDateTime,
    ) -> SendOutcome {
        self.send_at_once(message::test(&self.sender, to, id, date))
            .await
    }

    async fn send_at_once(&self, message: Result<Message, Unsendable>) -> SendOutcome {
        match self.open(&self.mails, message).await {
            Ok(begun) => begun.finish().await,
            Err(Unavailable(detail)) => SendOutcome::Unanswered { detail },
        }
    }

    async fn begin(&self, mail: &Outgoing) -> Result<Begun, Unavailable> {
        match mail {
            Outgoing::Certificate(mail) => {
                let message = message::build(&self.sender, &self.templates, mail);
                self.open(&self.mails, message).await
            }
            Outgoing::Notice(notice) => {
                let message = message::notice(&self.sender, &self.templates, notice);
                self.open(&self.notices, message).await
            }
        }
    }

    async fn open(
        &self,
        lane: &Arc<Lane>,
        message: Result<Message, Unsendable>,
    ) -> Result<Begun, Unavailable> {
        let parcel = match message {
            Ok(message) => self.parcel(&message),
            Err(unsendable) => Err(unsendable.to_string()),
        };
        let parcel = match parcel {
            Ok(parcel) => parcel,
            Err(answer) => {
                return Ok(Begun::Refused {
                    permanent: true,
                    answer,
                });
            }
        };
        let mut place = match lane.place(parcel.to.domain()).await {
            Admission::Place(place) => place,
            Admission::Busy => return Ok(Begun::Busy),
            Admission::Closed => {
                return Err(Unavailable("the mailer is shutting down".to_owned()));
            }
        };
        loop {
            if let Some(mut connection) = lane.idle.take() {
                place.connected();
                // A server may close idle connections at any time, and this is only noticed on the
                // next command. No dialogue has begun, so the mail can be sent over another
                // connection.
                let opening = place.watch(open(&mut connection, &parcel)).await;
                if !matches!(opening, Opening::Closed(_)) {
                    return Ok(begun(opening, place, connection, parcel));
                }
                place.disconnected();
            }
            match self.connector.connect().await {
                Ok(mut connection) => {
                    place.connected();
                    let opening = place.watch(open(&mut connection, &parcel)).await;
                    return Ok(begun(opening, place, connection, parcel));
                }
                // The server may limit the number of connections.
                Err(_) if lane.has_connections() => lane.idle_soon().await,
                Err(why) => return Err(Unavailable(why)),
            }
        }
    }

    /// Returns the formatted mail, or the reason why it can't be sent.
    fn parcel(&self, message: &Message) -> Result<Parcel, String> {
        let envelope = message.envelope();
        let (Some(from), [to]) = (envelope.from(), envelope.to()) else {
            return Err("the mail must have exactly one sender and one recipient".to_owned());
        };
        Ok(Parcel {
            from: from.clone(),
            to: to.clone(),
            content: message.formatted(),
            timeout: self.settings.timeout(),
            message_timeout: self.settings.message_timeout(),
        })
    }

    /// Connects, logs in and sends NOOP. Uses a separate connection, so that busy senders don't
    /// delay the check.
    pub async fn check(&self) -> Result<(), Unavailable> {
        self.look().await.map(|_| ())
    }

    /// Like [`Self::check`], but sends MAIL and RSET, so that a server that closes the connection
    /// at the beginning of a mail counts as not available.
    pub async fn probe(&self) -> Result<(), Unavailable> {
        let mut connection = self.connector.connect().await.map_err(Unavailable)?;
        let limit = self.settings.timeout();
        let checked = check_mail(&mut connection, self.sender.address(), limit).await;
        quit(connection).await;
        checked.map_err(Unavailable)
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
        self.mails.close().await;
        self.notices.close().await;
    }
}

impl MailProvider for SmtpMailer {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn begin<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<Begun, Unavailable>> {
        Self::begin(self, mail).boxed()
    }

    fn is_busy(&self, address: &Personal<String>) -> bool {
        let address = wire_address(address.reveal_str());
        address.is_some_and(|address| self.mails.is_busy(address.domain()))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        Self::check(self).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Unavailable>> {
        Self::probe(self).boxed()
    }
}

fn begun(opening: Opening, place: Place, connection: AsyncSmtpConnection, parcel: Parcel) -> Begun {
    match opening {
        Opening::Accepted => Begun::Accepted(Box::new(OpenDialogue {
            place,
            connection,
            parcel,
        })),
        Opening::Refused(Refused {
            permanent,
            answer,
            reusable,
        }) => {
            place.give_back(connection, reusable);
            Begun::Refused { permanent, answer }
        }
        Opening::Closed(detail) => Begun::Unanswered { detail },
    }
}

/// Dialogue in which the server has accepted the recipient.
struct OpenDialogue {
    place: Place,
    connection: AsyncSmtpConnection,
    parcel: Parcel,
}

impl Handover for OpenDialogue {
    fn send(mut self: Box<Self>) -> BoxFuture<'static, SendOutcome> {
        async move {
            let dialogue = hand_over(&mut self.connection, &self.parcel);
            let ending = self.place.watch(dialogue).await;
            self.place.give_back(self.connection, ending.reusable);
            ending.outcome
        }
        .boxed()
    }
}
