//! Messages that a worker has received from one consumer and not settled yet, and their heartbeats.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Client, Request, Subject};
use bytes::Bytes;

use crate::event_log::Position;

/// Message that extends the ack wait.
const HEARTBEAT: Bytes = Bytes::from_static(b"+WPI");
/// Number of heartbeats within the consumer's ack wait.
const BEATS_PER_ACK_WAIT: u32 = 4;

/// Messages of one consumer that this process handles or keeps.
///
/// A message is lost if no heartbeat was confirmed within the ack wait. The server then delivers it
/// again, maybe to another process. This process sends no more heartbeats for it, because they
/// would keep the other delivery alive. While this process still has the message, it ignores
/// further copies.
pub(super) struct InHand(Mutex<Messages>);

struct Messages {
    ack_wait: Duration,
    /// Messages by their sequence.
    open: HashMap<Position, Open>,
}

struct Open {
    /// Subject of the acknowledgement.
    reply: Subject,
    /// Time of the delivery or of the last confirmed heartbeat.
    alive_at: Instant,
}

impl Messages {
    fn is_alive(&self, message: &Open) -> bool {
        message.alive_at.elapsed() < self.ack_wait
    }
}

impl InHand {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Messages {
            ack_wait: Duration::from_secs(1),
            open: HashMap::new(),
        }))
    }

    /// Sets the ack wait of the consumer.
    pub(super) fn set_ack_wait(&self, ack_wait: Duration) {
        self.messages().ack_wait = ack_wait;
    }

    /// Adds a message. Returns false if this process has it already.
    pub(super) fn add(&self, sequence: Position, reply: Subject) -> bool {
        let mut messages = self.messages();
        if messages.open.contains_key(&sequence) {
            return false;
        }
        let alive_at = Instant::now();
        messages.open.insert(sequence, Open { reply, alive_at });
        true
    }

    /// Removes a message that is settled or left to the server.
    pub(super) fn remove(&self, sequence: Position) {
        self.messages().open.remove(&sequence);
    }

    /// Returns true if the server may have delivered the message again.
    pub(super) fn is_lost(&self, sequence: Position) -> bool {
        let messages = self.messages();
        let message = messages.open.get(&sequence);
        message.is_none_or(|message| !messages.is_alive(message))
    }

    /// Sends heartbeats for all messages that are not lost. Never ends.
    pub(super) async fn keep_alive(&self, client: &Client) {
        loop {
            let beat = self.messages().ack_wait / BEATS_PER_ACK_WAIT;
            tokio::time::sleep(beat).await;
            let begun = Instant::now();
            let alive = self.alive();
            let Some(((_, last), others)) = alive.split_last() else {
                continue;
            };
            for (_, reply) in others {
                // The confirmation of the last heartbeat shows that these were received, too.
                let _ = client.publish(reply.clone(), HEARTBEAT).await;
            }
            let confirmed = Request::new().payload(HEARTBEAT).timeout(Some(beat));
            if client.send_request(last.clone(), confirmed).await.is_ok() {
                self.confirm(&alive, begun);
            }
        }
    }

    fn alive(&self) -> Vec<(Position, Subject)> {
        let messages = self.messages();
        let alive = messages.open.iter();
        alive
            .filter(|(_, message)| messages.is_alive(message))
            .map(|(sequence, message)| (*sequence, message.reply.clone()))
            .collect()
    }

    /// Notes the heartbeats that were sent at `begun`. A message that is lost by now remains so.
    fn confirm(&self, alive: &[(Position, Subject)], begun: Instant) {
        let mut messages = self.messages();
        let ack_wait = messages.ack_wait;
        for (sequence, _) in alive {
            if let Some(message) = messages.open.get_mut(sequence)
                && message.alive_at.elapsed() < ack_wait
            {
                message.alive_at = message.alive_at.max(begun);
            }
        }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(in_hand: &InHand) -> Vec<Position> {
        let mut alive: Vec<_> = in_hand.alive().into_iter().map(|(at, _)| at).collect();
        alive.sort_unstable();
        alive
    }

    #[test]
    fn settled_message_gets_no_heartbeat_and_can_be_delivered_again() {
        let in_hand = InHand::new();
        in_hand.set_ack_wait(Duration::MAX);
        assert!(in_hand.add(1, Subject::from("first")));
        assert!(in_hand.add(2, Subject::from("second")));
        assert!(!in_hand.add(2, Subject::from("second copy")));
        in_hand.remove(1);
        assert_eq!(sequences(&in_hand), [2]);
        assert!(in_hand.add(1, Subject::from("redelivery")));
    }

    #[test]
    fn message_without_confirmed_heartbeats_stays_lost() {
        let in_hand = InHand::new();
        assert!(in_hand.add(1, Subject::from("lost")));
        let sent = in_hand.alive();
        in_hand.set_ack_wait(Duration::ZERO);
        assert!(in_hand.is_lost(1));
        in_hand.confirm(&sent, Instant::now());
        assert!(in_hand.is_lost(1) && sequences(&in_hand).is_empty());
        assert!(
            !in_hand.add(1, Subject::from("copy")),
            "still being handled"
        );
        in_hand.remove(1);
        assert!(in_hand.add(1, Subject::from("redelivery")));
    }
}
