//! Mails to greylisted recipients beside others, which must keep their rate.

use std::time::{Duration, Instant};

use laureate::app::Role;

use super::installation::{Installation, Topology};
use super::load::{Habits, Load};
use super::mail_server::GREYLISTED;
use super::oracle::{self, history::History};
use super::print;
use crate::support::hold;

/// Number of recipients of each kind.
const RECIPIENTS: usize = 1_000;
/// Start of the addresses of the recipients whose rate is measured.
const FIRST: &str = "first-";
const SECOND: &str = "second-";
/// Time that the mail server takes for each mail. So it limits the rate, and not this machine.
const PACE: Duration = Duration::from_millis(250);
/// Longest time for all mails of one kind.
const WITHIN: Duration = Duration::from_secs(600);
/// Lowest rate beside greylisted recipients, in percent of the rate without them.
const RATE_KEPT: f64 = 95.0;

/// Measures the time of 1,000 mails alone, and then beside 1,000 greylisted ones. Returns the
/// violations.
pub async fn run(seed: u64) -> Vec<String> {
    let on = Installation::start(Topology::OneServer, &[]).await;
    let mut on = on.expect("one server can be started everywhere");
    on.mail.answer_after(PACE);
    let habits = Habits {
        clients: 0,
        greylisted: true,
        retries: false,
    };
    let load = Load::start(&on, seed, habits).await;
    let alone = measure(&mut on, &load, seed, &[(FIRST, RECIPIENTS)]).await;
    let both = [(GREYLISTED, RECIPIENTS), (SECOND, RECIPIENTS)];
    let beside = measure(&mut on, &load, seed + 1, &both).await;
    let kept = 100.0 * alone.as_secs_f64() / beside.as_secs_f64();
    print(&format!(
        "greylisted: {RECIPIENTS} mails alone in {alone:.1?}, beside greylisted ones in {beside:.1?}"
    ));
    let mut found = Vec::new();
    if kept < RATE_KEPT {
        found.push(format!("greylisted: others keep {kept:.0} % of their rate"));
    }
    let recorded = load.stop().await;
    let violations = oracle::judge(&mut on, &recorded, false).await;
    found.extend(
        violations
            .iter()
            .map(|violation| format!("greylisted: {violation}")),
    );
    found
}

/// Imports people while the mailer is down. Starts the mailer when all mails are queued, and
/// returns the time from there until all mails to recipients of the last group are accepted.
async fn measure(
    on: &mut Installation,
    load: &Load,
    seed: u64,
    groups: &[(&str, usize)],
) -> Duration {
    on.program(Role::Mailer).kill();
    let stream = oracle::history::stream(&on.nats_urls()).await;
    let mut history = History::default();
    history.read_on(&stream).await;
    let all = history.mails.len() + groups.iter().map(|(_, count)| count).sum::<usize>();
    load.import(seed, groups).await;
    let start = Instant::now();
    while history.mails.len() < all {
        assert!(
            start.elapsed() < WITHIN,
            "{} mails of {all}",
            history.mails.len()
        );
        hold(PACE).await;
        history.read_on(&stream).await;
    }
    let start = Instant::now();
    on.program(Role::Mailer).start_again();
    let (measured, count) = *groups.last().expect("a group");
    let accepted = |on: &Installation| {
        let mails = on.mail.accepted();
        let mut times: Vec<Instant> = mails
            .iter()
            .filter(|mail| mail.to.starts_with(measured))
            .map(|mail| mail.at)
            .collect();
        times.sort();
        times
    };
    loop {
        let times = accepted(on);
        if times.len() == count {
            return times[count - 1] - start;
        }
        assert!(start.elapsed() < WITHIN, "{} mails of {count}", times.len());
        on.hold(PACE).await;
    }
}
