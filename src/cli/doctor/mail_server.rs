//! Check of the mail server: connect, greet, encrypt and log in as configured. Sends a test mail if
//! requested.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::Context;
use super::finding::Finding;
use crate::domain::Personal;
use crate::mail::{SendOutcome, SmtpMailer};

const CHECK: &str = "mail";

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let settings = &context.config.mail;
    let mailer = match SmtpMailer::new(settings) {
        Ok(mailer) => mailer,
        Err(error) => return vec![Finding::failed(CHECK, error.to_string(), "correct [mail]")],
    };
    let place = format!("{}:{}", settings.host, settings.port);
    let mut findings = vec![match mailer.look().await {
        Ok(seen) => {
            let mut found = format!("{place} ({})", seen.name);
            found.push_str(if seen.is_encrypted {
                ", encrypted"
            } else {
                ", not encrypted"
            });
            found.push_str(if seen.logged_in {
                ", logged in"
            } else {
                ", without log-in"
            });
            if !seen.takes_utf8_addresses {
                found.push_str("; non-ASCII addresses are rejected (no SMTPUTF8)");
            }
            Finding::ok(CHECK, found)
        }
        Err(error) => {
            let advice = "check that the server runs, and correct mail.host, port, security, username and password";
            Finding::failed(CHECK, format!("{place}: {error}"), advice)
        }
    }];
    if let Some(address) = &context.args.send_to {
        findings.push(send(&mailer, address.clone().into()).await);
    }
    findings
}

async fn send(mailer: &SmtpMailer, address: Personal<String>) -> Finding {
    const CHECK: &str = "mail.test";
    let advice = "read the server's answer; it may not accept mails from mail.from_address";
    match mailer
        .send_test(&address, Uuid::new_v4(), OffsetDateTime::now_utc())
        .await
    {
        SendOutcome::Accepted { answer } => {
            Finding::ok(CHECK, format!("the server accepted it: {answer}"))
        }
        SendOutcome::Temporary { answer }
        | SendOutcome::Permanent { answer }
        | SendOutcome::Unanswered { detail: answer } => {
            Finding::failed(CHECK, format!("not sent: {answer}"), advice)
        }
        SendOutcome::Unknown { detail } => Finding::failed(
            CHECK,
            format!("outcome unknown: {detail}"),
            "check whether it has arrived",
        ),
    }
}
