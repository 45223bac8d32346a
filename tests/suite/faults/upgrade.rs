//! An old and a new program side by side under load, as during an upgrade. The new program writes one
//! more event type and raised versions, and its certificates pin a raised renderer.

use std::path::Path;

use laureate::app::Role;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::fault::{DOWN, ROLLING};
use super::installation::{Installation, Topology};
use super::load::Load;
use super::oracle::history::{History, stream};
use super::scenario::USUAL;
use super::{REQUESTS, acknowledged, finish, oracle, print, program};
use crate::support::{laureate, until};

/// Order in which the programs start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    OldFirst,
    NewFirst,
    /// Both start before the first request.
    Both,
    /// Each role of the old program is replaced by that of the new one, one after the other.
    Rolling,
}

/// Event type that only the new program knows.
const ONLY_NEW: &str = "BatchSettled";

/// Names of the scenarios.
pub const ORDERS: [(&str, Order); 4] = [
    ("upgrade_old_first", Order::OldFirst),
    ("upgrade_new_first", Order::NewFirst),
    ("upgrade_both", Order::Both),
    ("upgrade_rolling", Order::Rolling),
];

/// Runs an upgrade. Returns the violations, or `None` without an executable of the next version.
pub async fn run(name: &str, order: Order, seed: u64) -> Option<Vec<String>> {
    let Some(new) = program::next_build() else {
        print(&format!(
            "{name} is left out, because LAUREATE_TEST_FAULTS_NEXT is missing"
        ));
        return None;
    };
    let old = laureate();
    let on = Installation::without_programs(Topology::OneServer, &[]).await;
    let mut on = on.expect("one server can be started everywhere");
    let first = if order == Order::NewFirst { &new } else { old };
    on.begin_with(first).await;
    if order == Order::Both {
        add_all(&mut on, &new).await;
    }
    let load = Load::start(&on, seed, USUAL).await;
    acknowledged(&load, REQUESTS).await;
    match order {
        Order::OldFirst => add_all(&mut on, &new).await,
        // The new program has prepared the servers. The old one may never be ready, because its
        // tables can't contain the new events.
        Order::NewFirst => Role::ALL.into_iter().for_each(|role| on.add(role, old)),
        Order::Both => {}
        Order::Rolling => roll(&mut on, &load, &new).await,
    }
    load.send_to(on.urls());
    print(&format!("{name}: the new program runs"));
    let before = load.count();
    acknowledged(&load, before + 2 * REQUESTS).await;
    kill_each(&mut on, seed).await;
    let before = load.count();
    acknowledged(&load, before + 2 * REQUESTS).await;
    let mut found = Vec::new();
    let recorded = load.stop().await;
    if order != Order::Rolling {
        // The new program does all work while the old one is running.
        found.extend(oracle::unfinished_work(&mut on).await);
        for role in Role::ALL {
            on.retire(role, old).await;
        }
    }
    until("the tables of the old program are dropped", async || {
        let (code, out) = on.run(&["rebuild", "--drop-unused"], "").await;
        assert_eq!(code, 0, "{out}");
        !out.contains("kept")
    })
    .await;
    let violations = oracle::judge(&mut on, &recorded, false).await;
    found.extend(violations.iter().map(ToString::to_string));
    let mut history = History::default();
    history.read_on(&stream(&on.nats_urls()).await).await;
    if !history.names.contains(ONLY_NEW) {
        found.push("the new program wrote no event of its own".to_owned());
    }
    Some(finish(&on, name, seed, &recorded, found))
}

/// Starts the new program beside the old one.
async fn add_all(on: &mut Installation, new: &Path) {
    on.prepare_for(new).await;
    for role in Role::ALL {
        on.add(role, new);
    }
    on.ready().await;
}

/// Replaces one role after the other. The order is not that of the work, so that old and new roles
/// get each other's events.
async fn roll(on: &mut Installation, load: &Load, new: &Path) {
    on.prepare_for(new).await;
    for role in Role::ALL {
        on.add(role, new);
        let added = on.programs.len() - 1;
        until(&format!("the new {role:?} answers"), async || {
            on.programs[added].readiness(&on.client).await.is_some()
        })
        .await;
        load.send_to(on.urls());
        on.hold(ROLLING).await;
        if role == Role::Api {
            load.send_to(on.urls().split_off(1));
        }
        on.retire(role, laureate()).await;
    }
    on.ready().await;
}

/// Kills each process once and starts it again.
async fn kill_each(on: &mut Installation, seed: u64) {
    let mut order: Vec<usize> = (0..on.programs.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    for n in order {
        on.programs[n].kill();
        on.hold(DOWN).await;
        on.programs[n].start_again();
    }
}
