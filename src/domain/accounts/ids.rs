//! Ids of accounts.

use crate::domain::kernel::ids::ids;

ids! {
    /// Id of a user: a person who may log in.
    UserId,
    /// Id of a session: one login and its chain of refresh tokens.
    SessionId,
    /// Id of a notice: a mail to a user about the user's own account.
    NoticeId,
    /// Id of an API key.
    ApiKeyId,
}
