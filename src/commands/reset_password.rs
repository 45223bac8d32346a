//! Forgotten passwords: sending a link, setting a password with it, and informing users of a
//! password change.

use time::OffsetDateTime;

use super::change_user::{ChangedUser, look};
use super::{CommandContext, CommandError, Commands, IfVersion, Transaction};
use crate::domain::accounts::notice::{Notice, NoticeAbout, NoticeCommand, NoticeQueued};
use crate::domain::accounts::user::UserCommand;
use crate::domain::{Decider as _, NoticeId, Personal, Refusal, UserId};

/// Queues a mail with a link for setting a new password. The link is valid until `expires_at`, or
/// until the user's link epoch is no longer `epoch`.
///
/// # Errors
/// The log can't be used.
pub async fn send_reset_link(
    commands: &Commands,
    context: &CommandContext,
    id: NoticeId,
    user_id: UserId,
    epoch: u32,
    expires_at: OffsetDateTime,
) -> Result<(), CommandError> {
    let about = NoticeAbout::PasswordReset { expires_at, epoch };
    let queue = NoticeCommand::Queue(Box::new(NoticeQueued { user_id, about }));
    commands
        .execute::<Notice>(context, id, queue)
        .await
        .map(drop)
}

/// Sets a password with the link of a notice. After that, the link is no longer valid, all sessions
/// end, and a mail informs the user. API keys are also revoked, unless `keeps_api_keys` is true.
///
/// # Errors
/// The link is not valid, the user may not log in, or the log can't be used.
pub async fn reset_password(
    commands: &Commands,
    context: &CommandContext,
    link: NoticeId,
    id: UserId,
    password_hash: Personal<String>,
    keeps_api_keys: bool,
) -> Result<ChangedUser, CommandError> {
    let change = &UserCommand::ChangePassword {
        password_hash,
        keeps_api_keys,
    };
    let committed = commands
        .transact(context, |transaction| async move {
            let loaded = look(&transaction, id, &IfVersion::ANY).await?;
            let before = loaded.state.clone().active().ok_or(Refusal::LinkEnded)?;
            let done = transaction.decide_loaded(id, loaded, change)?;
            // The new password starts another epoch, in which the link is no longer valid. So the
            // link is checked in the epoch before.
            let notice = transaction.look::<Notice>(link).await?.state;
            let opens = |notice: &NoticeQueued| {
                notice.user_id == id && notice.about.opens(transaction.now(), before.link_epoch())
            };
            if !notice.mail.as_ref().is_some_and(opens) {
                return Err(Refusal::LinkEnded.into());
            }
            queue_password_notice(&transaction, id).await?;
            let account = done.state.clone().active().ok_or(Refusal::LinkEnded)?;
            Ok((done.position, done.events.len(), account))
        })
        .await?;
    Ok(committed.into())
}

/// Queues a mail that informs a user of the changed password, in the same commit as the change.
pub(super) async fn queue_password_notice(
    transaction: &Transaction,
    id: UserId,
) -> Result<(), CommandError> {
    let queue = Box::new(NoticeQueued {
        user_id: id,
        about: NoticeAbout::PasswordChanged,
    });
    let notice = transaction.derived_id(Notice::AGGREGATE, id);
    transaction
        .decide::<Notice>(notice, &NoticeCommand::Queue(queue))
        .await
        .map(drop)
}
