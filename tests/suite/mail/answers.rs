//! Tests of the replies of a mail server in the form in which they are stored.

use laureate::mail::SendOutcome;

use super::peer::{Content, Script};
use super::{mail_to, outcome_with};

#[tokio::test]
async fn answer_at_each_step_is_one_short_line_without_the_recipient() {
    let mail = mail_to("ada@example.net");
    let lines = |code: &str| -> &'static str {
        let line = format!("<ada@example.net>\u{1b}[31m {}", "x".repeat(400));
        format!("{}{code} {line}", format!("{code}-{line}\r\n").repeat(9)).leak()
    };
    let plain = Script::default();
    for script in [
        Script {
            mail: lines("421"),
            ..plain
        },
        Script {
            mail: lines("450"),
            ..plain
        },
        Script {
            mail: lines("550"),
            ..plain
        },
        Script {
            rcpt: lines("421"),
            ..plain
        },
        Script {
            data: lines("250"),
            ..plain
        },
        Script {
            content: Content::Answer(lines("250")),
            ..plain
        },
        Script {
            content: Content::Answer(lines("554")),
            ..plain
        },
    ] {
        let (SendOutcome::Temporary { answer: text }
        | SendOutcome::Permanent { answer: text }
        | SendOutcome::Accepted { answer: text }
        | SendOutcome::Unanswered { detail: text }
        | SendOutcome::Unknown { detail: text }) = outcome_with(script, &mail).await;
        assert!(text.contains("<recipient> [31m xxx"), "{text}");
        assert!(
            !text.contains(char::is_control) && !text.contains("ada"),
            "{text}"
        );
        assert_eq!(text.chars().count(), 2000);
    }
}
