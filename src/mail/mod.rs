//! SMTP client: sends certificates to attendees and account notices to users.
//!
//! Each attempt has one of four outcomes. The outcome depends on how far the SMTP dialogue got.
//! Before the end-of-data line is sent, the server can't have accepted the message, so a failure is
//! temporary, or permanent if the server replies with a permanent error. After that line, only the
//! server's reply decides; without one, the outcome is unknown. lettre's pooled transport can't be
//! used, because it doesn't report this difference, has no timeout while it waits for a reply, and
//! returns a connection to its pool when a send is cancelled half-way. Therefore `connection` and
//! `dialogue` drive lettre's single connections.
//!
//! The headers contain no more information than the standards require.

mod address;
mod connection;
mod dialogue;
mod disposition;
mod message;
mod notice;
mod outgoing;
mod settings;
mod smtp;
mod templates;

pub use message::MAX_ATTACHMENT_BYTES;
pub use notice::{NoticeMail, NoticeWords};
pub use outgoing::{
    Attachment, MailProvider, MailVariables, OutgoingMail, Recipient, SendOutcome, ServerSeen,
    Unavailable,
};
pub use settings::{MailSettings, Security, SettingsError};
pub use smtp::SmtpMailer;
