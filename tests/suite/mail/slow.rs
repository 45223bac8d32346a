//! Servers that answer late or not at all.

use laureate::domain::Locale;
use laureate::mail::{
    Begun, MailProvider, MailSettings, NoticeMail, NoticeWords, Outgoing, SendOutcome, SmtpMailer,
};

use super::peer::{Content, Peer, Script};
use super::{mail_to, settings};

#[tokio::test]
async fn slow_domain_does_not_delay_other_mails() {
    let peer = Peer::start(Script {
        content: Content::SilentTo("@silent.example"),
        ..Script::default()
    })
    .await;
    let settings = MailSettings {
        max_connections: 2,
        slow_after_seconds: 1,
        message_timeout_seconds: 600,
        ..settings(peer.address)
    };
    let mailer = SmtpMailer::new(&settings).expect("the settings are valid");
    let silent = [mail_to("a@silent.example"), mail_to("b@silent.example")];
    let good = mail_to("ada@example.net");
    let third = Outgoing::Certificate(Box::new(mail_to("c@silent.example")));
    let notice = Outgoing::Notice(NoticeMail {
        message_id: good.message_id.clone(),
        to: good.to.clone(),
        locale: Locale::En,
        words: NoticeWords::PasswordChanged { at: good.date },
        date: good.date,
        year: 2026,
    });
    let provider: &dyn MailProvider = &mailer;
    let others = async {
        // The notice has a connection although all others are in use.
        let outcome = provider.send(&notice).await;
        assert!(
            matches!(outcome, SendOutcome::Accepted { .. }),
            "{outcome:?}"
        );
        for _ in 0..3 {
            let outcome = mailer.send(&good).await;
            assert!(
                matches!(outcome, SendOutcome::Accepted { .. }),
                "{outcome:?}"
            );
        }
        let begun = provider.begin(&third).await;
        assert!(matches!(begun, Ok(Begun::Busy)), "the domain is slow");
    };
    tokio::select! {
        biased;
        _ = mailer.send(&silent[0]) => panic!("the peer never answers"),
        _ = mailer.send(&silent[1]) => panic!("the peer never answers"),
        () = others => {}
    }
}
