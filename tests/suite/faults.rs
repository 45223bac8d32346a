//! Faults: an installation of real processes and servers works under load while processes are
//! killed and servers fail. Afterwards an oracle checks what must hold.
//!
//! `make test` runs some scenarios with a fixed seed. `make faults` runs all of them with a random
//! seed, which it prints. `LAUREATE_TEST_FAULTS_SEED` repeats a run, and `LAUREATE_TEST_FAULTS`
//! names the scenarios, separated by commas, or is `all`. `LAUREATE_TEST_FAULTS_NEXT` is the path of
//! the executable with the feature `next-version`, which runs beside this one in upgrades.

mod fault;
mod greylisting;
mod installation;
mod load;
mod mail_server;
mod oracle;
mod program;
mod reset;
mod scenario;
mod small_disk;
mod upgrade;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use installation::Installation;
use load::{Load, Recorded};
use scenario::{SCENARIOS, Scenario};

use crate::support::until;

/// Seed in `make test`.
const SEED: u64 = 1;
/// Number of requests that are acknowledged before the first fault, and after the last one.
const REQUESTS: usize = 15;
/// Folder for the logs of runs that violate an invariant.
const KEPT: &str = "target/faults";

/// Prints a line at once, also if the test passes.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "faults: {line}");
}

/// Runs a scenario. Returns the violations as lines, or `None` if this machine can't run it.
async fn run(scenario: &Scenario, seed: u64) -> Option<Vec<String>> {
    let name = scenario.name;
    let begin = Instant::now();
    let Some(mut on) = Installation::start(scenario.topology, scenario.settings).await else {
        print(&format!(
            "{name} is left out, because mounting is not permitted"
        ));
        return None;
    };
    let load = Load::start(&on, seed, scenario.habits).await;
    acknowledged(&load, REQUESTS).await;
    for (before, fault) in scenario.schedule(seed) {
        on.hold(Duration::from_millis(before)).await;
        print(&format!("{:6.1} s  {fault}", begin.elapsed().as_secs_f64()));
        fault.happen(&mut on).await;
    }
    let before = load.count();
    print(&format!("{:6.1} s  healed", begin.elapsed().as_secs_f64()));
    acknowledged(&load, before + REQUESTS).await;
    let recorded = load.stop().await;
    let violations = oracle::judge(&mut on, &recorded, scenario.mails_may_fail()).await;
    let violations = violations.iter().map(ToString::to_string).collect();
    Some(finish(&on, name, seed, &recorded, violations))
}

/// Prints the result of a run, and keeps its logs if there are violations. Returns them with the
/// name of the scenario.
fn finish(
    on: &Installation,
    name: &str,
    seed: u64,
    recorded: &Recorded,
    violations: Vec<String>,
) -> Vec<String> {
    let requests = recorded.written.len();
    let mails = on.mail.accepted().len();
    let count = violations.len();
    print(&format!(
        "{name} with seed {seed}: {requests} requests, {mails} mails, {count} violations"
    ));
    if count > 0 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
        on.keep_logs(&folder.join(format!("{name}-{seed}")));
    }
    let lines = violations.iter().map(|violation| {
        let line = format!("{name}: {violation}");
        print(&line);
        line
    });
    lines.collect()
}

async fn acknowledged(load: &Load, count: usize) {
    until("requests are acknowledged", async || load.count() >= count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariants_hold_after_faults() {
    let names = std::env::var("LAUREATE_TEST_FAULTS").ok();
    let seed = std::env::var("LAUREATE_TEST_FAULTS_SEED").ok();
    let seed = match (&names, seed) {
        (_, Some(seed)) => seed.parse().expect("LAUREATE_TEST_FAULTS_SEED is a number"),
        (Some(_), None) => rand::random_range(0..1_000_000),
        (None, None) => SEED,
    };
    let is_wanted = |name: &str, selected: bool| match &names {
        None => selected,
        Some(names) => names == "all" || names.split(',').any(|wanted| wanted == name),
    };
    print(&format!("seed {seed}"));
    let mut violations = Vec::new();
    let mut runs = 0;
    for scenario in SCENARIOS {
        if is_wanted(scenario.name, scenario.selected)
            && let Some(found) = run(scenario, seed).await
        {
            violations.extend(found);
            runs += 1;
        }
    }
    for (name, order) in upgrade::ORDERS {
        if is_wanted(name, false)
            && let Some(found) = upgrade::run(name, order, seed).await
        {
            violations.extend(found);
            runs += 1;
        }
    }
    if is_wanted("forgotten_password", false) {
        violations.extend(reset::run("forgotten_password", seed).await);
        runs += 1;
    }
    if is_wanted("greylisted", false) {
        violations.extend(greylisting::run(seed).await);
        runs += 1;
    }
    assert!(runs > 0, "no scenario was run");
    let violations = violations.join("\n");
    assert!(violations.is_empty(), "with seed {seed}:\n{violations}");
}
