use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::domain::CommandId;

fn event(minute: i64, event_type: &str, body: &str) -> RecordedEvent {
    RecordedEvent {
        time: datetime!(2026-11-21 12:00 UTC) + Duration::minutes(minute),
        id: Uuid::from_u128(1).to_string(),
        event_type: event_type.to_owned(),
        command_id: CommandId(Uuid::from_u128(4)),
        correlation_id: Uuid::from_u128(4),
        actor: "mailer".to_owned(),
        body: body.to_owned().into(),
        ..RecordedEvent::sample(41 + minute.unsigned_abs(), "")
    }
}

#[test]
fn pause_of_at_least_one_minute_is_printed() {
    let first = event(
        0,
        "SendClaimed",
        r#"{"attempt":1,"messageId":"<a@example.org>"}"#,
    );
    let late = event(
        185,
        "EmailFailed",
        r#"{"attempt":1,"permanent":false,"willRetry":true,"answer":"450 x"}"#,
    );
    assert_eq!(
        paragraph(&late, Some(&first), None, false),
        "\n  … 3 h 5 min later\n\
         \n2026-11-21T15:05:00.000Z  226      EmailFailed by mailer\n  attempt 1 failed; a retry follows\n  answer ***\n  \
         starts correlation 00000000-0000-0000-0000-000000000004\n"
    );
    let soon = RecordedEvent {
        time: first.time + Duration::seconds(59),
        ..late
    };
    assert!(!paragraph(&soon, Some(&first), None, true).contains("later"));
    assert!(paragraph(&soon, Some(&first), None, true).contains("answer 450 x"));
}

#[test]
fn control_characters_are_not_printed() {
    let nasty = event(
        0,
        "SendClaimed",
        r#"{"attempt":1,"messageId":"\u001b[2J\n<a@example.org>"}"#,
    );
    let text = paragraph(&nasty, None, None, true);
    assert!(text.contains("Message-ID  [2J <a@example.org>"), "{text:?}");
}
