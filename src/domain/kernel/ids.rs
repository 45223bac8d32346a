//! Typed UUIDs, and the rule by which repeated work gets the same id again. Each context declares its
//! own ids.

use uuid::Uuid;

/// Namespace of all name-based ids of Laureate (RFC 9562 §5.5), generated once at random.
const LAUREATE: Uuid = Uuid::from_u128(0x6f2d_41c8_95b7_4a0e_9d53_27e1_0c8b_f4a6);

/// Declares types of ids.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::parse_str(text).map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}
pub(in crate::domain) use ids;

ids! {
    /// Id of a command; its idempotency key.
    CommandId,
}

impl CommandId {
    /// Returns the id of the `n`th command that `process` derives from an event. A redelivery
    /// yields the same id, so the command finds the events that it appended before.
    #[must_use]
    pub fn of_process(event_id: Uuid, process: &str, n: usize) -> Self {
        Self(named(&[
            "command",
            &event_id.to_string(),
            process,
            &n.to_string(),
        ]))
    }

    /// Returns the id of the event that this command appends at `index` to one aggregate.
    #[must_use]
    pub fn event_id(self, aggregate: &str, id: &str, index: usize) -> Uuid {
        named(&[
            "event",
            &self.0.to_string(),
            aggregate,
            id,
            &index.to_string(),
        ])
    }
}

/// Returns the UUIDv5 of the parts, joined by U+001F, which no part contains.
pub(in crate::domain) fn named(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&LAUREATE, parts.join("\u{1f}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_derived_deterministically_from_the_work() {
        let event = Uuid::from_u128(1);
        assert_eq!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "mail", 0)
        );
        assert_ne!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "mail", 1)
        );
        assert_ne!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "issue", 0)
        );
    }
}
