//! Secret in a notice's link: the notice's id and a keyed hash of it. Neither is stored in the log.

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

use crate::domain::kernel::keyed_hash::Purpose;
use crate::domain::{NoticeId, Secret};

/// Returns the token in the link of a notice: `<id>.<64 hex digits>`.
#[must_use]
pub fn link_token(id: NoticeId, key: &Secret) -> Secret {
    let hash = Purpose::NoticeLink.hash(key.reveal().as_bytes(), id.0.as_bytes());
    Secret::new(format!("{id}.{}", HEXLOWER.encode(&hash)))
}

/// Returns the notice of a token, if [`link_token`] made it with the same key. Compares in constant
/// time.
#[must_use]
pub fn notice_of_token(token: &str, key: &Secret) -> Option<NoticeId> {
    let (id, _) = token.split_once('.')?;
    let id: NoticeId = id.parse().ok()?;
    let ours = link_token(id, key);
    bool::from(ours.reveal().as_bytes().ct_eq(token.as_bytes())).then_some(id)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_tokens_signed_with_the_key_are_accepted() {
        let id = NoticeId(Uuid::from_u128(7));
        let key = Secret::new("key");
        let token = link_token(id, &key);
        assert_eq!(notice_of_token(token.reveal(), &key), Some(id));
        assert_eq!(
            notice_of_token(token.reveal(), &Secret::new("another")),
            None
        );
        let other = token.reveal().replacen('7', "8", 1);
        for text in [
            "",
            ".",
            "x.y",
            &token.reveal()[..80],
            &other,
            &token.reveal().to_uppercase(),
        ] {
            assert_eq!(notice_of_token(text, &key), None, "{text}");
        }
    }
}
