use bytes::Bytes;
use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::{
    domain::{Locale, Personal},
    mail::{Attachment, MailVariables},
};

fn settings() -> MailSettings {
    serde_json::from_str(
        r#"{"host": "mail.example.org", "from_name": "Academia Ñandú", "from_address": "hello@example.org",
            "reply_to": "office@example.org"}"#,
    )
    .expect("these settings are complete")
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        message_id: "<0b6f9b1e-3c0e-4b44-9c4b-0c5d8f1f1a11@example.org>".to_owned(),
        to: Recipient {
            name: Personal::new("José Muñoz".to_owned()),
            address: Personal::new("jose@example.net".to_owned()),
        },
        locale: Locale::Es,
        variables: MailVariables {
            attendee_name: Personal::new("José Muñoz".to_owned()),
            certificate_name: "Introducción a Rust".to_owned(),
            event_name: "Escuela de invierno".to_owned(),
            event_link: None,
            download_link: "https://certificates.example.org/certificate/x/download".to_owned(),
            verification_link: "https://certificates.example.org/certificate/x".to_owned(),
            year: 2026,
            client: "Academia Ñandú".to_owned(),
        },
        attachment: Attachment {
            file_name: Personal::new("José Muñoz_certificate.pdf".to_owned()),
            bytes: Bytes::from_static(b"%PDF-1.7 sample"),
        },
        date: datetime!(2026-03-01 12:30:00 UTC),
    }
}

fn try_build(mail: &OutgoingMail) -> Result<String, Unsendable> {
    let sender = Sender::new(&settings()).expect("the settings are valid");
    let templates = Templates::new().expect("the templates parse");
    let message = build(&sender, &templates, mail)?;
    Ok(String::from_utf8(message.formatted()).expect("the message is ASCII"))
}

#[test]
fn message_has_the_required_headers() {
    let text = try_build(&mail()).expect("the sample can be sent");
    assert!(text.is_ascii(), "no 8BITMIME needed");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
    let boundary = head
        .split("boundary=")
        .nth(1)
        .expect("multipart")
        .lines()
        .next()
        .expect("a line");
    insta::assert_snapshot!(head.replace(boundary, "[boundary]").replace("\r\n", "\n"));
}

#[test]
fn field_with_a_line_break_is_refused_by_name_without_its_value() {
    type Edit = fn(&mut OutgoingMail, String);
    let fields: [(&str, Edit); 6] = [
        ("to.name", |mail, text| mail.to.name = text.into()),
        ("attendee_name", |mail, text| {
            mail.variables.attendee_name = text.into()
        }),
        ("certificate_name", |mail, text| {
            mail.variables.certificate_name = text
        }),
        ("event_name", |mail, text| mail.variables.event_name = text),
        ("client", |mail, text| mail.variables.client = text),
        ("attachment.file_name", |mail, text| {
            mail.attachment.file_name = text.into()
        }),
    ];
    for (field, edit) in fields {
        for text in ["Eve\r\nBcc: all@example.org", "Eve\n", "Eve\r", "Eve\0"] {
            let mut mail = mail();
            edit(&mut mail, text.to_owned());
            assert_eq!(try_build(&mail), Err(Unsendable::ControlCharacters(field)));
        }
        let mut mail = mail();
        edit(&mut mail, "x".repeat(MAX_TEXT_CHARS + 1));
        assert_eq!(
            try_build(&mail),
            Err(Unsendable::TooLong(field, MAX_TEXT_CHARS))
        );
    }
    let text = Unsendable::ControlCharacters("to.name").to_string();
    assert!(text.contains("to.name") && !text.contains("Eve"));
}

#[test]
fn invalid_addresses_are_refused() {
    for address in [
        "",
        "jose",
        "jose@",
        "@example.org",
        "a b@example.org",
        "a@exa mple.org",
        "<a@example.org>",
        "a@example.org\r\nRCPT TO:<b@example.org>",
        "\"a\r\n\"@example.org",
        "a@example.org,b@example.org",
    ] {
        let mut mail = mail();
        mail.to.address = Personal::new(address.to_owned());
        assert_eq!(try_build(&mail), Err(Unsendable::Address), "{address:?}");
    }
}

#[test]
fn other_invalid_parts_are_refused() {
    let refused = |edit: fn(&mut OutgoingMail)| {
        let mut mail = mail();
        edit(&mut mail);
        try_build(&mail).expect_err("refused")
    };
    assert_eq!(
        refused(|mail| mail.message_id = "x@example.org".to_owned()),
        Unsendable::MessageId
    );
    assert_eq!(
        refused(|mail| mail.message_id = "<x\r\n@example.org>".to_owned()),
        Unsendable::MessageId
    );
    assert_eq!(
        refused(|mail| mail.date = datetime!(1969-12-31 23:00 UTC)),
        Unsendable::Date
    );
    assert_eq!(
        refused(|mail| mail.attachment.bytes = Bytes::new()),
        Unsendable::EmptyAttachment
    );
    assert_eq!(
        refused(|mail| mail.variables.download_link = "javascript:alert(1)".to_owned()),
        Unsendable::Link("download_link")
    );
    assert_eq!(
        refused(|mail| mail.variables.event_link = Some("https://a b".to_owned())),
        Unsendable::Link("event_link")
    );
    let size = MAX_ATTACHMENT_BYTES + 1;
    let mut large = mail();
    large.attachment.bytes = vec![b'x'; size].into();
    assert_eq!(try_build(&large), Err(Unsendable::LargeAttachment(size)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_name_or_address_panics_or_adds_a_header(name in any::<String>(), address in "\\PC{0,20}@?\\PC{0,20}") {
        let mut with_name = mail();
        with_name.to.name = Personal::new(name.clone());
        with_name.variables.certificate_name = name;
        let mut with_address = mail();
        with_address.to.address = Personal::new(address);
        for mail in [with_name, with_address] {
            let sender = Sender::new(&settings()).expect("the settings are valid");
            let templates = Templates::new().expect("the templates parse");
            let Ok(message) = build(&sender, &templates, &mail) else { continue };
            let bytes = message.formatted();
            let text = String::from_utf8_lossy(&bytes);
            let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
            let names: Vec<_> =
                head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
            prop_assert_eq!(names, ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To", "MIME-Version", "Content-Type"]);
        }
    }
}
