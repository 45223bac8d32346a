//! Proofs that a command was decided on the current state, and the requests that they need.

use std::sync::Arc;

use laureate::commands::second_factor::begin_session;
use laureate::commands::stop_mails::is_revoked;
use laureate::commands::{Aggregates, CommandContext, CommandError, Commands, Wanted};
use laureate::domain::accounts::second_factor::{SecondFactor, SecondFactorCommand, Shown};
use laureate::domain::accounts::session::SessionStarted;
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use laureate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use laureate::domain::{IssuanceId, Refusal, SessionId, UserId};
use laureate::event_log::{Consistency, Position};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::log::fixture::{Log, person};
use crate::log::tap::Tap;
use crate::workers::issuing::request;

fn take(owner: u128) -> ClaimCommand {
    ClaimCommand::Take {
        kind: ClaimKind::UserName,
        owner: Uuid::from_u128(owner),
    }
}

async fn take_claim(log: &Log, id: &str) {
    let taken = log.commands.execute::<Claim>(&person(), id, take(1)).await;
    taken.unwrap();
}

#[tokio::test]
async fn refusal_on_aggregates_that_were_loaded_together_is_not_proven_again() {
    let log = Log::provisioned().await;
    take_claim(&log, "c1").await;
    for (at, requests) in [(Consistency::Leader(None), 0), (Consistency::Any, 1)] {
        let mut loaded = Aggregates::default();
        let mut wanted = Wanted::default();
        wanted.add::<Claim>("c1");
        let commands = &log.commands;
        commands
            .load_together(&mut loaded, wanted, &at)
            .await
            .unwrap();
        let mut tap = Tap::on(&log).await;
        let refused = commands
            .transact_on(&Arc::new(loaded), &person(), |transaction| async move {
                transaction.decide::<Claim>("c1", &take(2)).await
            })
            .await;
        assert!(matches!(
            refused,
            Err(CommandError::Refused(Refusal::Taken(_)))
        ));
        assert_eq!(tap.requests().await.leader.len(), requests, "{at:?}");
    }
}

/// A worker acts on an event at a position. A replica with exactly this position may lack a later
/// one, so "it is not there" needs the leader even if the worker writes something else.
#[tokio::test]
async fn absence_of_an_aggregate_is_proven_by_the_leader_beside_a_write() {
    let log = Log::provisioned().await;
    take_claim(&log, "c1").await;
    let cause = log.all().await.remove(0);
    let context = CommandContext::of_process(&cause, "tester", 0);
    let mut tap = Tap::on(&log).await;
    let committed = log.commands.transact(&context, |transaction| async move {
        transaction.look::<Claim>("absent").await?;
        transaction.decide::<Claim>("c2", &take(1)).await
    });
    committed.await.unwrap();
    assert_eq!(tap.requests().await.leader.len(), 1);
}

async fn confirm_second_factor(commands: &Commands, id: UserId) {
    let sealed_secret = || "sealed".to_owned().into();
    let begin = SecondFactorCommand::Begin {
        sealed_secret: sealed_secret(),
    };
    let confirm = SecondFactorCommand::Confirm {
        shown: Shown::Code {
            sealed_secret: sealed_secret(),
            step: 1,
        },
        recovery_sha256: Vec::new(),
    };
    for command in [begin, confirm] {
        let done = commands
            .execute::<SecondFactor>(&person(), id, command)
            .await;
        done.unwrap();
    }
}

async fn begin(commands: &Commands, user_id: UserId) -> Option<Position> {
    let now = OffsetDateTime::now_utc();
    let started = SessionStarted {
        user_id,
        refresh_sha256: "ab".repeat(32),
        expires_at: now,
        ends_at: Some(now),
        epoch: 0,
    };
    let session = (SessionId(Uuid::new_v4()), started);
    let begun = begin_session(commands, &person(), user_id, None, session).await;
    begun.unwrap()
}

/// Turns on the second factor of a user, and logs in at once without a code, in another process.
pub async fn new_second_factor_is_required(writer: &Commands, other: &Commands) {
    let id = UserId(Uuid::new_v4());
    assert!(begin(other, id).await.is_some());
    confirm_second_factor(writer, id).await;
    assert_eq!(begin(other, id).await, None);
}

#[tokio::test]
async fn second_factor_that_was_turned_on_during_a_log_in_is_required() {
    let log = Log::provisioned().await;
    new_second_factor_is_required(&log.commands, &log.commands).await;
    let sessions = log.all().await;
    let sessions = sessions.iter().filter(|event| event.aggregate == "session");
    assert_eq!(sessions.count(), 1);
}

#[tokio::test]
async fn history_of_an_issuance_is_read_only_if_an_event_follows_its_pdf() {
    let log = Log::provisioned().await;
    let commands = &log.commands;
    let id = IssuanceId(Uuid::new_v4());
    let request = request("Ada", "ada@example.com");
    let pdf = CertificateGenerated {
        certificate_id: request.certificate_id,
        public_id: request.public_id.clone(),
        object_key: "certificates/a.pdf".to_owned(),
        sha256: "ab".repeat(32),
        size: 9,
    };
    let mut last = 0;
    for command in [
        IssuanceCommand::Request(Box::new(request)),
        IssuanceCommand::RecordGenerated(pdf),
    ] {
        let done = commands.execute::<Issuance>(&person(), id, command).await;
        last = done.unwrap().position;
    }
    let at = Consistency::Leader(None);
    let mut tap = Tap::on(&log).await;
    assert!(!is_revoked(commands, id, Some(last), &at).await.unwrap());
    let requests = tap.requests().await;
    let histories = requests.replicas.iter();
    let mut histories = histories.filter(|ask| !ask["next_by_subj"].is_null());
    assert!(histories.next().is_none(), "{requests:?}");

    assert!(!is_revoked(commands, id, None, &at).await.unwrap());
    let why = CertificateRevoked {
        reason: WhyRevoked::WrongPerson,
        note: None,
        batch_id: None,
    };
    let revoke = IssuanceCommand::Revoke(why);
    let revoked = commands.execute::<Issuance>(&person(), id, revoke).await;
    revoked.unwrap();
    assert!(is_revoked(commands, id, Some(last), &at).await.unwrap());
}
