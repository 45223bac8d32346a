//! Mailer role: certificates, notices, and the timers of both.

use std::sync::Arc;
use std::time::Duration;

use super::{App, Running, work};
use crate::workers::WorkLimits;
use crate::workers::mailer::Mailer;
use crate::workers::notifier::{NoticeSettings, Notifier};
use crate::workers::sending::{RECORD_WITHIN, SendingParts};
use crate::workers::timers::{Timers, TimersOf};

/// Time for the end of the process after the last outcome is recorded.
const ENDING: Duration = Duration::from_secs(5);

impl App {
    pub(super) fn start_mailer(&self, running: &mut Running) {
        let log = self.commands.log();
        let at_once = self.config.workers.mailer;
        let mail = &self.config.mail;
        let from = &mail.from_address;
        let first_retry = Duration::from_secs(mail.first_retry_seconds);
        let parts = SendingParts {
            commands: self.commands.clone(),
            provider: self.mailer.clone(),
            message_id_domain: from.rsplit('@').next().unwrap_or("localhost").to_owned(),
            first_retry,
            shutdown: running.shutdown.clone(),
        };
        // No mail is begun after the shutdown. The longest one that is under way then: DATA, the
        // content, and the outcome. Without an answer to the content, its outcome would be unknown.
        let grace = mail.timeout() + mail.message_timeout() + RECORD_WITHIN + ENDING;
        let notices = SendingParts {
            first_retry: first_retry / 4,
            ..parts.clone()
        };
        let notifier = Arc::new(Notifier::new(notices, self.notice_settings()));
        let states = &self.workers;
        // Mails that wait for a slow answer are in addition to the others.
        let slow = mail.max_slow_connections;
        let at_most = 2 * mail.notice_connections + mail.slow_notice_connections();
        let limits = WorkLimits::new(at_most);
        let notifier = work(
            log.clone(),
            notifier,
            limits,
            states,
            running.shutdown.clone(),
        );
        running.spawn_within("notifier", grace, notifier);
        let time_zone = self.config.certificates.time_zone;
        let mailer = Arc::new(Mailer::new(parts, self.rendering(), time_zone));
        let limits = WorkLimits::new(at_once + slow);
        let mailer = work(
            log.clone(),
            mailer,
            limits,
            states,
            running.shutdown.clone(),
        );
        running.spawn_within("mailer", grace, mailer);
        for (name, of) in [
            ("timers", TimersOf::Mails),
            ("notice timers", TimersOf::Notices),
        ] {
            let timers = Timers::new(self.commands.clone(), of, &self.workers);
            let shutdown = running.shutdown.clone();
            running.spawn(name, async move { Ok(timers.run(shutdown).await?) });
        }
    }

    /// Returns the settings for mails to users about their accounts.
    fn notice_settings(&self) -> NoticeSettings {
        let own_page = || format!("{}/reset-password", self.config.http.public_base_url);
        NoticeSettings {
            locale: self.config.auth.locale,
            reset_page: self.config.auth.reset_url.clone().unwrap_or_else(own_page),
            key: self.config.secrets.claim_key.clone(),
            time_zone: self.config.certificates.time_zone,
        }
    }
}
