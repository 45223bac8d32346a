//! Tests with a node that is frozen and then resumed. The node then answers with outdated data.
//! This must not cause a wrong refusal, nor the wrong result that there is nothing to do.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::future::join_all;
use laureate::commands::CommandError;
use laureate::domain::kernel::claim::{
    Claim, ClaimCommand, ClaimEvent, ClaimKind, ClaimReleased, ClaimTaken,
};
use laureate::domain::{DomainEvent, Refusal};
use laureate::event_log::{Append, Commit, Consistency, EventLog, NewEvent, Position};
use rustix::process::Signal;
use uuid::Uuid;

use super::fixture::{append, commands, event_with, person};
use super::nodes::Nodes;
use crate::support::until;

const KIND: ClaimKind = ClaimKind::UserName;
/// Number of claims whose owner changes while a node is frozen.
const CLAIMS: usize = 20;
/// Number of messages that a frozen node has to process before it receives the changed claims.
const BALLAST: usize = 3_000;

struct Owners {
    first: Uuid,
    second: Uuid,
}

impl Owners {
    fn new() -> Self {
        Self {
            first: Uuid::new_v4(),
            second: Uuid::new_v4(),
        }
    }
}

async fn take(log: &EventLog, id: &str, owner: Uuid) -> Result<Position, CommandError> {
    let take = ClaimCommand::Take { kind: KIND, owner };
    commands(log)
        .execute::<Claim>(&person(), id, take)
        .await
        .map(|done| done.position)
}

/// Takes all claims for the first owner, and returns the position of each claim.
async fn take_all(log: &EventLog, ids: &[String], owners: &Owners) -> Vec<Position> {
    let done = join_all(ids.iter().map(|id| take(log, id, owners.first))).await;
    done.into_iter().map(Result::unwrap).collect()
}

/// Releases all claims of the first owner, and gives every second one to the second owner. Does not
/// load the claims, because loading would wait for the frozen node.
async fn change_hands(
    log: &EventLog,
    round: &str,
    ids: &[String],
    last: &[Position],
    owners: &Owners,
) {
    let subject = |n| log.names().aggregate("ballast", &format!("{round}-{n}"));
    // The messages are published individually, because a node applies a whole batch before it
    // answers.
    let sent =
        join_all((0..BALLAST).map(|n| log.context().publish(subject(n), "ballast".into()))).await;
    for stored in join_all(
        sent.into_iter()
            .map(|acknowledged| acknowledged.unwrap().into_future()),
    )
    .await
    {
        stored.unwrap();
    }
    join_all(
        ids.iter()
            .zip(last)
            .enumerate()
            .map(async |(n, (id, last))| {
                let released = claim_event(
                    ClaimReleased {
                        kind: KIND,
                        owner: owners.first,
                    }
                    .into(),
                );
                let taken = claim_event(
                    ClaimTaken {
                        kind: KIND,
                        owner: owners.second,
                    }
                    .into(),
                );
                let events = if n % 2 == 1 {
                    vec![released, taken]
                } else {
                    vec![released]
                };
                let append = Append {
                    aggregate: "claim",
                    ..append(id, *last, events)
                };
                log.append(Commit::new(log.names(), vec![append]))
                    .await
                    .unwrap();
            }),
    )
    .await;
}

fn claim_event(event: ClaimEvent) -> NewEvent {
    let body = Bytes::from(event.encode());
    NewEvent {
        event_type: event.event_type(),
        ..event_with(body)
    }
}

/// Requests claims through a frozen node. A third owner requests the claims that are free, but
/// which the node still regards as taken. The first owner requests the claims of the second owner,
/// which the node still regards as those of the first owner. The node is resumed when all requests
/// have been sent. Returns how many outdated answers the node gave.
async fn ask_frozen(
    nodes: &Nodes,
    node: usize,
    log: &EventLog,
    ids: &[String],
    owners: &Owners,
) -> usize {
    let sent = || {
        log.client()
            .statistics()
            .out_messages
            .load(Ordering::Relaxed)
    };
    let before = sent();
    let third = Uuid::new_v4();
    let wishes = join_all(ids.iter().enumerate().map(|(n, id)| {
        let owner = if n % 2 == 1 { owners.first } else { third };
        take(log, id, owner)
    }));
    let reads = commands(log);
    let at = &Consistency::Any;
    let answers = join_all(ids.iter().map(|id| reads.load_at::<Claim>(id, at)));
    let goes_on = async {
        until("all requests are sent", async || {
            sent() >= before + 2 * ids.len() as u64
        })
        .await;
        nodes.signal(node, Signal::CONT);
    };
    let (wishes, answers, ()) = tokio::join!(wishes, answers, goes_on);
    for (n, wish) in wishes.into_iter().enumerate() {
        match wish {
            Ok(_) => assert_eq!(
                n % 2,
                0,
                "reported as held by an owner that has lost the claim"
            ),
            Err(CommandError::Refused(Refusal::Taken(_))) => {
                assert_eq!(n % 2, 1, "a free claim was refused")
            }
            Err(error) => panic!("{error}"),
        }
    }
    answers
        .iter()
        .filter(|answer| {
            let holder = answer.as_ref().ok().and_then(|claim| claim.state.0);
            holder == Some(owners.first)
        })
        .count()
}

/// Tests a follower that lags. In the first round, it nearly always gives an outdated answer.
async fn freeze_a_follower(nodes: &Nodes, leader: usize) {
    let frozen = (leader + 1) % 3;
    let through_frozen = nodes.process_on(frozen).await;
    let other = nodes.process_on((leader + 2) % 3).await;
    for round in 0..30 {
        let ids: Vec<_> = (0..CLAIMS)
            .map(|n| format!("follower-{round}-{n}"))
            .collect();
        let owners = Owners::new();
        let last = take_all(&other, &ids, &owners).await;
        nodes.level(&other).await;
        nodes.signal(frozen, Signal::STOP);
        change_hands(&other, &format!("follower-{round}"), &ids, &last, &owners).await;
        if ask_frozen(nodes, frozen, &through_frozen, &ids, &owners).await > 0 {
            return;
        }
    }
    panic!("the node gave no outdated answer, so nothing was tested");
}

/// Tests a leader that does not know yet that another leader was elected. In the first round, it
/// nearly always gives an outdated answer.
async fn freeze_the_leader(nodes: &Nodes, any: &EventLog) {
    for round in 0..5 {
        let frozen = nodes.leader(any).await;
        let through_frozen = nodes.process_on(frozen).await;
        let other = nodes.process_on((frozen + 1) % 3).await;
        let ids: Vec<_> = (0..CLAIMS).map(|n| format!("leader-{round}-{n}")).collect();
        let owners = Owners::new();
        let last = take_all(&other, &ids, &owners).await;
        nodes.level(&other).await;
        nodes.signal(frozen, Signal::STOP);
        until("another node is the leader", async || {
            nodes.leader(&other).await != frozen
        })
        .await;
        change_hands(&other, &format!("leader-{round}"), &ids, &last, &owners).await;
        if ask_frozen(nodes, frozen, &through_frozen, &ids, &owners).await > 0 {
            return;
        }
    }
    panic!("the node gave no outdated answer, so nothing was tested");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lagging_node_causes_no_wrong_refusal() {
    let nodes = Nodes::start().await;
    let any = nodes.process(0).await;
    any.provision(3).await.unwrap();
    freeze_a_follower(&nodes, nodes.leader(&any).await).await;
    freeze_the_leader(&nodes, &any).await;
}
