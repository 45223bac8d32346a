//! Provenance of an event: its cause, and the credential of the request that led to it.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use uuid::Uuid;

use super::Position;
use crate::domain::{ApiKeyId, SessionId};

/// Event in response to which a process executed a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CausedBy {
    /// Id of the causing event.
    pub event_id: Uuid,
    /// Position of the causing event.
    pub position: Position,
}

impl Display for CausedBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.event_id, self.position)
    }
}

impl FromStr for CausedBy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (event_id, position) = text.split_once('@').ok_or(())?;
        Ok(Self {
            event_id: event_id.parse().map_err(|_| ())?,
            position: position.parse().map_err(|_| ())?,
        })
    }
}

/// Credential with which a request was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Access token of a session.
    Session(SessionId),
    /// API key.
    ApiKey(ApiKeyId),
}

impl Display for Via {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id}"),
            Self::ApiKey(id) => write!(f, "apikey:{id}"),
        }
    }
}

impl FromStr for Via {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':').ok_or(())? {
            ("session", id) => id.parse().map(Self::Session).map_err(|_| ()),
            ("apikey", id) => id.parse().map(Self::ApiKey).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_credential_survive_their_text_form() {
        let cause = CausedBy {
            event_id: Uuid::from_u128(1),
            position: 7,
        };
        assert_eq!(cause.to_string().parse(), Ok(cause));
        for via in [
            Via::Session(Uuid::from_u128(1).into()),
            Via::ApiKey(Uuid::from_u128(2).into()),
        ] {
            assert_eq!(via.to_string().parse(), Ok(via));
        }
        assert_eq!("7".parse::<CausedBy>(), Err(()));
        assert_eq!("passkey:1".parse::<Via>(), Err(()));
    }
}
