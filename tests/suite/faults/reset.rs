//! Forgotten password while many certificates wait for the mail server.

use std::time::Duration;

use laureate::app::Role;

use super::installation::{Installation, Topology};
use super::load::{Habits, Load};
use super::oracle::history::{History, stream};
use super::{finish, oracle};
use crate::support::until;

/// Number of mails with certificates.
const MAILS: usize = 400;
/// Time that the mail server takes for each mail. So it limits the rate, and not this machine.
const PACE: Duration = Duration::from_millis(500);

/// Requests a link for a password while mails wait. Returns the violations.
pub async fn run(name: &str, seed: u64) -> Vec<String> {
    let on = Installation::start(Topology::OneServer, &[]).await;
    let mut on = on.expect("one server can be started everywhere");
    let habits = Habits {
        clients: 0,
        greylisted: false,
        retries: false,
    };
    let load = Load::start(&on, seed, habits).await;
    on.program(Role::Mailer).kill();
    load.import(seed, &[("", MAILS)]).await;
    let stream = stream(&on.nats_urls()).await;
    let mut history = History::default();
    until("all mails are queued", async || {
        history.read_on(&stream).await;
        history.mails.len() == MAILS
    })
    .await;
    on.mail.answer_after(PACE);
    on.program(Role::Mailer).start_again();
    until("the mailer sends", async || !on.mail.accepted().is_empty()).await;
    let address = load.forget_password().await;
    let mut before = None;
    until("the link is sent", async || {
        let mails = on.mail.accepted();
        before = mails.iter().position(|mail| mail.to == address);
        before.is_some()
    })
    .await;
    let mut violations = Vec::new();
    if let Some(before) = before.filter(|before| *before > MAILS / 2) {
        violations.push(format!("the link was sent after {before} certificates"));
    }
    on.mail.answer_after(Duration::ZERO);
    on.hold(PACE).await;
    let recorded = load.stop().await;
    let found = oracle::judge(&mut on, &recorded, false).await;
    violations.extend(found.iter().map(ToString::to_string));
    finish(&on, name, seed, &recorded, violations)
}
