//! A node that was frozen answers, once it goes on, with what it knew before. Nobody may be refused for
//! that, or be told that there is nothing to do.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::future::join_all;
use laureate::commands::CommandError;
use laureate::domain::claim::{Claim, ClaimCommand, ClaimEvent, ClaimKind, ClaimReleased, ClaimTaken};
use laureate::domain::{DomainEvent, Refusal};
use laureate::event_log::{Append, Commit, EventLog, NewEvent, Position};
use rustix::process::Signal;
use uuid::Uuid;

use super::fixture::{append, commands, event_with, person};
use super::nodes::Nodes;
use crate::support::until;

const KIND: ClaimKind = ClaimKind::UserName;
/// How many claims change hands while a node is frozen.
const CLAIMS: usize = 20;
/// What a frozen node has to take in before it hears of the claims.
const BALLAST: usize = 3_000;

struct Owners {
    first: Uuid,
    second: Uuid,
}

impl Owners {
    fn new() -> Self {
        Self { first: Uuid::new_v4(), second: Uuid::new_v4() }
    }
}

async fn take(log: &EventLog, id: &str, owner: Uuid) -> Result<Position, CommandError> {
    let take = ClaimCommand::Take { kind: KIND, owner };
    commands(log).execute::<Claim>(&person(), id, take).await.map(|done| done.position)
}

/// Every claim is the first owner's; tells where each says so.
async fn take_all(log: &EventLog, ids: &[String], owners: &Owners) -> Vec<Position> {
    let done = join_all(ids.iter().map(|id| take(log, id, owners.first))).await;
    done.into_iter().map(Result::unwrap).collect()
}

/// The first owner lets all go, and the second takes every other one. Nothing is loaded for it: that
/// would wait for the frozen node.
async fn change_hands(log: &EventLog, round: &str, ids: &[String], last: &[Position], owners: &Owners) {
    let subject = |n| log.names().aggregate("ballast", &format!("{round}-{n}"));
    // Plainly, one by one: a batch is taken in at one stroke, and answers wait for it.
    let sent = join_all((0..BALLAST).map(|n| log.context().publish(subject(n), "ballast".into()))).await;
    for stored in join_all(sent.into_iter().map(|acknowledged| acknowledged.unwrap().into_future())).await {
        stored.unwrap();
    }
    join_all(ids.iter().zip(last).enumerate().map(async |(n, (id, last))| {
        let released = claim_event(ClaimReleased { kind: KIND, owner: owners.first }.into());
        let taken = claim_event(ClaimTaken { kind: KIND, owner: owners.second }.into());
        let events = if n % 2 == 1 { vec![released, taken] } else { vec![released] };
        let append = Append { aggregate: "claim", ..append(id, *last, events) };
        log.append(Commit::new(log.names(), vec![append])).await.unwrap();
    }))
    .await;
}

fn claim_event(event: ClaimEvent) -> NewEvent {
    let body = Bytes::from(event.encode());
    NewEvent { event_type: event.event_type(), ..event_with(body) }
}

/// Through a frozen node, somebody wants the claims that are free now (it knows them as taken), and the
/// first owner those of the second (it knows them as the first owner's). The node goes on when all
/// have asked. Tells how many of its own answers were old.
async fn ask_frozen(nodes: &Nodes, node: usize, log: &EventLog, ids: &[String], owners: &Owners) -> usize {
    let sent = || log.client().statistics().out_messages.load(Ordering::Relaxed);
    let before = sent();
    let third = Uuid::new_v4();
    let wishes = join_all(ids.iter().enumerate().map(|(n, id)| {
        let owner = if n % 2 == 1 { owners.first } else { third };
        take(log, id, owner)
    }));
    let answers = join_all(ids.iter().map(|id| log.load("claim", id, 0)));
    let goes_on = async {
        until("all have asked", async || sent() >= before + 2 * ids.len() as u64).await;
        nodes.signal(node, Signal::CONT);
    };
    let (wishes, answers, ()) = tokio::join!(wishes, answers, goes_on);
    for (n, wish) in wishes.into_iter().enumerate() {
        match wish {
            Ok(_) => assert_eq!(n % 2, 0, "told that it still had what another one has"),
            Err(CommandError::Refused(Refusal::Taken(_))) => assert_eq!(n % 2, 1, "refused what was free"),
            Err(error) => panic!("{error}"),
        }
    }
    answers.iter().filter(|answer| answer.as_ref().is_ok_and(|events| events.len() == 1)).count()
}

/// A follower that lags. Nearly always it gives an old answer in the first round.
async fn freeze_a_follower(nodes: &Nodes, leader: usize) {
    let frozen = (leader + 1) % 3;
    let (through_frozen, other) = (nodes.process_on(frozen).await, nodes.process_on((leader + 2) % 3).await);
    for round in 0..30 {
        let ids: Vec<_> = (0..CLAIMS).map(|n| format!("follower-{round}-{n}")).collect();
        let owners = Owners::new();
        let last = take_all(&other, &ids, &owners).await;
        nodes.level(&other).await;
        nodes.signal(frozen, Signal::STOP);
        change_hands(&other, &format!("follower-{round}"), &ids, &last, &owners).await;
        if ask_frozen(nodes, frozen, &through_frozen, &ids, &owners).await > 0 {
            return;
        }
    }
    panic!("the node never gave an old answer, so nothing was tested");
}

/// A leader that does not know yet that another one was elected.
async fn freeze_the_leader(nodes: &Nodes, frozen: usize) {
    let (through_frozen, other) = (nodes.process_on(frozen).await, nodes.process_on((frozen + 1) % 3).await);
    let ids: Vec<_> = (0..CLAIMS).map(|n| format!("leader-{n}")).collect();
    let owners = Owners::new();
    let last = take_all(&other, &ids, &owners).await;
    nodes.level(&other).await;
    nodes.signal(frozen, Signal::STOP);
    until("another node leads", async || nodes.leader(&other).await != frozen).await;
    change_hands(&other, "leader", &ids, &last, &owners).await;
    ask_frozen(nodes, frozen, &through_frozen, &ids, &owners).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lags_causes_no_wrong_refusal() {
    let nodes = Nodes::start().await;
    let any = nodes.process(0).await;
    any.provision(3).await.unwrap();
    freeze_a_follower(&nodes, nodes.leader(&any).await).await;
    freeze_the_leader(&nodes, nodes.leader(&any).await).await;
}
