//! Mails and notices that wait for a timer.

use time::OffsetDateTime;

use crate::commands::{CommandError, Commands};
use crate::domain::kernel::sending::SendingDecider;
use crate::event_log::Position;
use crate::workers::timers::{Release, Timer, release_due};

/// Mail that waits for a timer.
pub(super) struct Waiting<'a> {
    /// Id of the mail.
    pub id: &'a str,
    /// Position of its last event, which set the timer.
    pub position: Position,
    /// Time at which the timer fires.
    pub due_at: OffsetDateTime,
}

/// Outcome of checking a mail that waits for a timer.
pub(super) enum Checked {
    /// The mail was released.
    Released,
    /// The timer was set.
    TimerSet,
    /// The mail doesn't wait for this timer any more.
    NotWaiting,
}

/// Releases a mail whose timer should have fired, or sets its timer. `now` is the time of the
/// server that fires the timers.
pub(super) async fn release_or_set_timer<D: SendingDecider>(
    commands: &Commands,
    waiting: Waiting<'_>,
    now: OffsetDateTime,
) -> Result<Checked, CommandError> {
    let Waiting {
        id,
        position,
        due_at,
    } = waiting;
    if due_at <= now {
        return Ok(match release_due::<D>(commands, id, position).await? {
            Release::Released => Checked::Released,
            Release::Void | Release::Missing => Checked::NotWaiting,
        });
    }
    let timer = Timer {
        aggregate: D::AGGREGATE,
        id,
        position,
    };
    commands.log().set_timer(&timer.name(), due_at).await?;
    Ok(Checked::TimerSet)
}
