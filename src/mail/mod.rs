//! SMTP client: sends certificates to attendees and account notices to users.
//!
//! Each attempt has one of four outcomes, which depends on the progress of the SMTP dialogue. Until
//! the end-of-data line is sent, the server can't have accepted the message. A failure before that
//! is temporary, or permanent if the server replied with a permanent error. After that line, only
//! the server's reply decides. If there is no reply, the outcome is unknown. lettre's pooled
//! transport doesn't report this difference. It also has no timeout while it waits for a reply, and
//! it returns a connection to its pool even if a send was cancelled. So `connection` and `dialogue`
//! control lettre's single connections instead.
//!
//! The headers contain only the information that the standards require.

mod address;
mod connection;
mod dialogue;
mod disposition;
mod lane;
mod message;
mod notice;
mod outgoing;
mod settings;
mod smtp;
mod templates;

pub use message::MAX_ATTACHMENT_BYTES;
pub use notice::{NoticeMail, NoticeWords};
pub use outgoing::{
    Attachment, Begun, Handover, MailProvider, MailVariables, Outgoing, OutgoingMail, Recipient,
    SendOutcome, ServerSeen, Unavailable,
};
pub use settings::{MailSettings, Security, SettingsError};
pub use smtp::SmtpMailer;
