//! Sends certificates by mail, and tells users about their accounts.
//!
//! The caller gets one of four outcomes for each attempt, and the line between them is drawn by how far
//! the SMTP dialogue got, never guessed: up to the end of the message nothing can have been accepted, so
//! a failure there is temporary (or permanent, if the server says so); once the end of the message is on
//! its way, only the server's answer can tell, and without one the outcome is unknown. lettre's pooled
//! transport does not tell the two apart, never times out while it waits for an answer, and puts a
//! connection back into its pool when a send is abandoned half-way. Therefore `connection` and `dialogue`
//! drive lettre's single connections themselves.
//!
//! Nothing in a mail's headers says more than the standards ask for.

mod address;
mod connection;
mod dialogue;
mod disposition;
mod file_name;
mod message;
mod notice;
mod outgoing;
mod settings;
mod smtp;
mod templates;

pub use file_name::{ascii_file_name, attachment_file_name};
pub use message::MAX_ATTACHMENT_BYTES;
pub use notice::{NoticeMail, NoticeWords};
pub use outgoing::{
    Attachment, MailProvider, MailVariables, OutgoingMail, Recipient, SendOutcome, ServerSeen, Unavailable,
};
pub use settings::{MailSettings, Security, SettingsError};
pub use smtp::SmtpMailer;
