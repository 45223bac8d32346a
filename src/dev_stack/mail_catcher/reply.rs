//! Replies to recipients. They can simulate failures of a mail server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Reply to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The message is stored.
    Accept,
    /// The recipient is rejected.
    Refuse {
        /// SMTP code: 4xx for a temporary failure, 5xx for a permanent one.
        code: u16,
        /// Text, which starts with an enhanced status code (RFC 3463).
        text: String,
    },
    /// The message is stored, but the connection closes without a reply. The sender doesn't know
    /// the outcome.
    HangUp,
}

/// Function from a recipient's address to the reply.
pub type ReplyRule = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// Maximum number of remembered `tempfail-once-` addresses. After that, new ones are accepted.
const MAX_REMEMBERED: usize = 100_000;

/// Returns a rule that depends on the prefix of the address. `reject-` gets 550. `tempfail-once-`
/// gets 451 the first time. `tempfail-` gets 451 every time. `hangup-` gets no reply. All other
/// addresses are accepted.
pub fn rehearsal() -> ReplyRule {
    let seen = Mutex::new(HashSet::new());
    Arc::new(move |address| {
        if address.starts_with("reject-") {
            refuse(550, "5.1.1 no such mailbox")
        } else if address.starts_with("tempfail-once-") {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.len() < MAX_REMEMBERED && seen.insert(address.to_owned()) {
                refuse(451, "4.7.1 greylisted, try again")
            } else {
                Reply::Accept
            }
        } else if address.starts_with("tempfail-") {
            refuse(451, "4.3.0 try again later")
        } else if address.starts_with("hangup-") {
            Reply::HangUp
        } else {
            Reply::Accept
        }
    })
}

fn refuse(code: u16, text: &str) -> Reply {
    Reply::Refuse {
        code,
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_of_the_address_selects_the_smtp_reply() {
        let rule = rehearsal();
        let code = |address: &str| match rule(address) {
            Reply::Refuse { code, .. } => code,
            Reply::Accept => 250,
            Reply::HangUp => 0,
        };
        assert_eq!(code("ann@example.org"), 250);
        assert_eq!(code("reject-ann@example.org"), 550);
        assert_eq!(code("tempfail-ann@example.org"), 451);
        assert_eq!(code("tempfail-ann@example.org"), 451);
        assert_eq!(code("tempfail-once-ann@example.org"), 451);
        assert_eq!(code("tempfail-once-ann@example.org"), 250);
        assert_eq!(code("hangup-ann@example.org"), 0);
    }
}
