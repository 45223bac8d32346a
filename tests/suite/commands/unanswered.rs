//! Commands whose first write gets no answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use laureate::commands::{CommandError, Commands, Committed, Transaction};
use laureate::domain::accounts::user::User;
use laureate::domain::{Refusal, UserId};
use laureate::event_log::LogError;

use crate::log::fixture::{Log, change_password, commands, open, person, registered};
use crate::support::{Relay, servers};

/// Process whose connection to the log can be cut.
struct Cuttable {
    relay: Relay,
    server: SocketAddr,
    commands: Commands,
}

impl Cuttable {
    async fn on(log: &Log) -> Self {
        let url = &servers().nats_url;
        let server = url.rsplit(['/', '@']).next().unwrap();
        let relay = Relay::start().await;
        let server: SocketAddr = server.parse().unwrap();
        relay.forward_to(Some(server));
        let url = url.replace(&server.to_string(), &relay.address().to_string());
        Self {
            relay,
            server,
            commands: commands(&open(&url, log.namespace.name()).await),
        }
    }

    /// Changes the password of a user. The connection is cut before the write. The second attempt
    /// calls `meanwhile`, and refuses after the connection is back. It looks at the user again if
    /// `looks_again` is true.
    async fn change_unanswered(
        &self,
        id: UserId,
        looks_again: bool,
        meanwhile: impl AsyncFn(),
    ) -> Result<Committed<()>, CommandError> {
        let attempts = &AtomicUsize::new(0);
        let command = &change_password(1);
        let meanwhile = &meanwhile;
        let body = |transaction: Transaction| async move {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            if attempt == 0 {
                transaction.decide::<User>(id, command).await?;
                self.relay.forward_to(None);
                return Ok(());
            }
            if attempt == 1 {
                meanwhile().await;
                self.relay.forward_to(Some(self.server));
            }
            if looks_again {
                transaction.look::<User>(id).await?;
            }
            Err(Refusal::Stale.into())
        };
        self.commands.transact(&person(), body).await
    }
}

async fn write_may_still_follow() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let process = Cuttable::on(&log).await;
    let outcome = process.change_unanswered(id, false, async || {}).await;
    let Err(CommandError::Log(LogError::Unavailable(_))) = outcome else {
        panic!("{outcome:?}")
    };
}

async fn write_is_overtaken() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let process = Cuttable::on(&log).await;
    let other = async || {
        let change = change_password(2);
        let changed = log.commands.execute::<User>(&person(), id, change).await;
        changed.unwrap();
    };
    let outcome = process.change_unanswered(id, true, other).await;
    let Err(CommandError::Refused(Refusal::Stale)) = outcome else {
        panic!("{outcome:?}")
    };
}

#[tokio::test]
async fn refusal_after_an_unanswered_write_counts_only_if_the_write_can_not_follow() {
    tokio::join!(write_may_still_follow(), write_is_overtaken());
}
