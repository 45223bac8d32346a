//! SMTP dialogue that sends one mail over one connection (RFC 5321 section 3.3), in two parts: up to
//! the recipient, and the content.

use std::{
    error::Error as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt, Rset},
        extension::{Extension, MailBodyParameter, MailParameter},
        response::Response,
    },
};
use tokio::time::timeout;

use super::outgoing::SendOutcome;

const MAX_ANSWER_CHARS: usize = 2000;

/// Reply 421 ("service closing transmission channel"). The connection can't be used after it.
const CLOSING: u16 = 421;

/// Formatted mail with its envelope and time limits.
pub(super) struct Parcel {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) content: Vec<u8>,
    /// Time limit for each command before the content.
    pub(super) timeout: Duration,
    /// Time limit for the content and the reply to it.
    pub(super) message_timeout: Duration,
}

/// Result of the first part of a dialogue, up to the recipient.
pub(super) enum Opening {
    /// The server has accepted the recipient and waits for the content.
    Accepted,
    /// The server rejected the mail.
    Refused(Refused),
    /// The server closed the connection or gave no answer, so the mail can be sent over another
    /// connection.
    Closed(String),
}

/// Rejection before the content. The server can't have accepted the mail.
pub(super) struct Refused {
    pub(super) permanent: bool,
    pub(super) answer: String,
    /// True if the connection can be used for another mail.
    pub(super) reusable: bool,
}

/// Result of a whole dialogue.
pub(super) struct Ending {
    pub(super) outcome: SendOutcome,
    /// True if the connection can be used for another mail.
    pub(super) reusable: bool,
}

/// Result of one step.
enum Reply {
    /// Complete reply of the server.
    Answer { code: u16, text: String },
    /// No reply, or an unreadable one.
    None(String),
}

/// Sends the commands before the content: MAIL and RCPT.
pub(super) async fn open(connection: &mut AsyncSmtpConnection, parcel: &Parcel) -> Opening {
    let parameters = match mail_parameters(connection, parcel) {
        Ok(parameters) => parameters,
        Err(answer) => {
            return Opening::Refused(Refused {
                permanent: true,
                answer,
                reusable: true,
            });
        }
    };
    let mail = Mail::new(Some(parcel.from.clone()), parameters);
    match command(connection, mail, "MAIL", parcel.timeout).await {
        Reply::Answer {
            code: 200..=299, ..
        } => {}
        Reply::Answer {
            code: CLOSING,
            text,
        }
        | Reply::None(text) => return Opening::Closed(scrub(&text, &parcel.to)),
        reply => return Opening::Refused(refused(connection, reply, "MAIL", parcel).await),
    }
    let recipient = Rcpt::new(parcel.to.clone(), Vec::new());
    match command(connection, recipient, "RCPT", parcel.timeout).await {
        Reply::Answer {
            code: 200..=299, ..
        } => Opening::Accepted,
        Reply::Answer {
            code: CLOSING,
            text,
        }
        | Reply::None(text) => Opening::Closed(scrub(&text, &parcel.to)),
        reply => Opening::Refused(refused(connection, reply, "RCPT", parcel).await),
    }
}

/// Sends MAIL and RSET. Every answer is good, except that the server closes the connection: a
/// refusal of the sender is an answer to each mail.
///
/// # Errors
/// The server closed the connection, announced that (421), or gave no answer.
pub(super) async fn check_mail(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    timeout: Duration,
) -> Result<(), String> {
    let mail = Mail::new(Some(from), Vec::new());
    match command(connection, mail, "MAIL", timeout).await {
        Reply::Answer {
            code: CLOSING,
            text,
        }
        | Reply::None(text) => return Err(text),
        Reply::Answer { .. } => {}
    }
    match command(connection, Rset, "RSET", timeout).await {
        Reply::Answer {
            code: CLOSING,
            text,
        }
        | Reply::None(text) => Err(text),
        Reply::Answer { .. } => Ok(()),
    }
}

/// Sends DATA and the content.
pub(super) async fn hand_over(connection: &mut AsyncSmtpConnection, parcel: &Parcel) -> Ending {
    match command(connection, Data, "DATA", parcel.timeout).await {
        Reply::Answer { code: 354, .. } => content(connection, parcel).await,
        Reply::Answer {
            code: CLOSING,
            text,
        }
        | Reply::None(text) => unanswered(&text, parcel),
        reply => {
            let Refused {
                permanent,
                answer,
                reusable,
            } = refused(connection, reply, "DATA", parcel).await;
            let outcome = if permanent {
                SendOutcome::Permanent { answer }
            } else {
                SendOutcome::Temporary { answer }
            };
            ended(outcome, reusable)
        }
    }
}

/// Sends the content. After the end-of-data line, only the server's reply determines the outcome.
async fn content(connection: &mut AsyncSmtpConnection, parcel: &Parcel) -> Ending {
    let end_is_next = AtomicBool::new(false);
    // lettre writes the end-of-data line once this iterator returns `None`.
    let mut parts = std::iter::once(parcel.content.as_slice());
    let watched = std::iter::from_fn(|| {
        let part = parts.next();
        end_is_next.store(part.is_none(), Ordering::Relaxed);
        part
    });
    let result = timeout(parcel.message_timeout, connection.message_iter(watched)).await;
    match reply(result, "the message", parcel.message_timeout) {
        Reply::Answer { code, text } => match code {
            200..=299 => ended(
                SendOutcome::Accepted {
                    answer: scrub(&text, &parcel.to),
                },
                true,
            ),
            CLOSING => unanswered(&text, parcel),
            400..=499 => ended(
                SendOutcome::Temporary {
                    answer: scrub(&text, &parcel.to),
                },
                true,
            ),
            500..=599 => ended(
                SendOutcome::Permanent {
                    answer: scrub(&text, &parcel.to),
                },
                true,
            ),
            _ => ended(
                SendOutcome::Unknown {
                    detail: scrub(&text, &parcel.to),
                },
                false,
            ),
        },
        Reply::None(text) if end_is_next.load(Ordering::Relaxed) => ended(
            SendOutcome::Unknown {
                detail: scrub(&text, &parcel.to),
            },
            false,
        ),
        Reply::None(text) => unanswered(&text, parcel),
    }
}

/// Ends a dialogue in which the server closed the connection, or gave no answer, before it had the
/// content.
fn unanswered(text: &str, parcel: &Parcel) -> Ending {
    let detail = scrub(text, &parcel.to);
    ended(SendOutcome::Unanswered { detail }, false)
}

/// Ends a dialogue that the server refused at `step`, before the content.
async fn refused(
    connection: &mut AsyncSmtpConnection,
    answer: Reply,
    step: &str,
    parcel: &Parcel,
) -> Refused {
    let (permanent, answer, may_reset) = match answer {
        Reply::Answer {
            code: code @ 400..=599,
            text,
        } => (code >= 500, scrub(&text, &parcel.to), true),
        Reply::Answer { text, .. } => {
            let text = format!("unexpected answer to {step}: {text}");
            (false, scrub(&text, &parcel.to), false)
        }
        Reply::None(detail) => (false, scrub(&detail, &parcel.to), false),
    };
    let reusable = may_reset
        && matches!(
            command(connection, Rset, "RSET", parcel.timeout).await,
            Reply::Answer { code: 250, .. }
        );
    Refused {
        permanent,
        answer,
        reusable,
    }
}

const fn ended(outcome: SendOutcome, reusable: bool) -> Ending {
    Ending { outcome, reusable }
}

/// Returns the parameters of the MAIL command: SMTPUTF8 (RFC 6531) and 8BITMIME (RFC 6152) if the
/// mail needs them. If the server doesn't support a needed extension, returns an explanation as the
/// error.
fn mail_parameters(
    connection: &AsyncSmtpConnection,
    parcel: &Parcel,
) -> Result<Vec<MailParameter>, String> {
    let server = connection.server_info();
    let mut parameters = Vec::new();
    if !AsRef::<str>::as_ref(&parcel.to).is_ascii()
        || !AsRef::<str>::as_ref(&parcel.from).is_ascii()
    {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(
                "the address has characters beyond ASCII, and the mail server does not offer SMTPUTF8"
                    .to_owned(),
            );
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !parcel.content.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(
                "the message has bytes beyond ASCII, and the mail server does not offer 8BITMIME"
                    .to_owned(),
            );
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

async fn command(
    connection: &mut AsyncSmtpConnection,
    command: impl std::fmt::Display,
    step: &str,
    limit: Duration,
) -> Reply {
    reply(
        timeout(limit, connection.command(command)).await,
        step,
        limit,
    )
}

type Timed = Result<Result<Response, lettre::transport::smtp::Error>, tokio::time::error::Elapsed>;

fn reply(result: Timed, step: &str, limit: Duration) -> Reply {
    match result {
        Ok(Ok(response)) => {
            let code = response.code();
            let lines = response.message().collect::<Vec<_>>().join(" ");
            Reply::Answer {
                code: code.into(),
                text: format!("{code} {lines}"),
            }
        }
        Ok(Err(error)) => match error.status() {
            Some(code) => {
                // The source of a negative reply's error is the text of all its lines.
                let lines = error.source().map(ToString::to_string).unwrap_or_default();
                Reply::Answer {
                    code: code.into(),
                    text: format!("{code} {lines}"),
                }
            }
            None => Reply::None(format!("no answer to {step}: {error}")),
        },
        Err(_) => Reply::None(format!("no answer to {step} within {} s", limit.as_secs())),
    }
}

/// Prepares a server's reply for storage and display. Replaces control characters, shortens the
/// reply to [`MAX_ANSWER_CHARS`], and replaces the recipient's address with `<recipient>`, because
/// servers often repeat it.
pub(super) fn scrub(answer: &str, recipient: &Address) -> String {
    let line: String = answer
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut line = line.trim().to_owned();
    let address: &str = recipient.as_ref();
    for sought in [format!("<{address}>"), address.to_owned()] {
        line = replace_ignoring_case(&line, &sought, |_, _| true);
    }
    // A reply such as "user ada.lovelace unknown" also identifies the person, so the local part is
    // replaced, too. It is only replaced as a whole word, because "info" is also part of other
    // words, and only if it is longer than 3 characters, because shorter ones could be part of the
    // status code.
    if recipient.user().chars().count() > 3 {
        line = replace_ignoring_case(&line, recipient.user(), |before, after| {
            let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !is_word(before) && !is_word(after)
        });
    }
    line.chars().take(MAX_ANSWER_CHARS).collect()
}

fn replace_ignoring_case(
    text: &str,
    sought: &str,
    fits: impl Fn(Option<char>, Option<char>) -> bool,
) -> String {
    // ASCII lower-casing keeps every byte position.
    let haystack = text.to_ascii_lowercase();
    let needle = sought.to_ascii_lowercase();
    let mut result = String::new();
    let mut rest = 0;
    for (start, found) in haystack.match_indices(&needle) {
        let end = start + found.len();
        if fits(
            text[..start].chars().next_back(),
            text[end..].chars().next(),
        ) {
            result.push_str(&text[rest..start]);
            result.push_str("<recipient>");
            rest = end;
        }
    }
    result.push_str(&text[rest..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_kept_except_for_the_recipient() {
        let ada: Address = "Ada.Lovelace@example.org".parse().expect("an address");
        for (answer, expected) in [
            (
                "550 5.1.1 <ada.lovelace@EXAMPLE.org>: no such user",
                "550 5.1.1 <recipient>: no such user",
            ),
            (
                "550 ada.lovelace@example.org unknown",
                "550 <recipient> unknown",
            ),
            (
                "550 user ada.lovelace unknown,\r\n try ada.lovelaces",
                "550 user <recipient> unknown,   try ada.lovelaces",
            ),
            (
                "250 2.0.0 Ok: queued as 4F2A\x1b[31m",
                "250 2.0.0 Ok: queued as 4F2A [31m",
            ),
        ] {
            assert_eq!(scrub(answer, &ada), expected);
        }
        assert_eq!(scrub(&"x".repeat(9000), &ada).len(), MAX_ANSWER_CHARS);
    }

    #[test]
    fn recipient_in_another_script_is_replaced_too() {
        let anna: Address = "анна@пример.рф".parse().expect("an address");
        assert_eq!(
            scrub("550 анна@пример.рф нет", &anna),
            "550 <recipient> нет"
        );
    }
}
