//! Limits of password guesses, by account and client address.
//!
//! With one limit per account, an attacker could lock out the owner of the account. So each address
//! has its own limit for an account. A larger, common limit applies to all addresses together, as a
//! defence against distributed guessing. An address from which the owner has logged in before is
//! exempt from the common limit, like the trusted clients of OWASP's "Device Cookies".

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{MAX_KEYS, RateTable, WINDOW, too_many};
use crate::http::ApiError;
use crate::http::server::client_address::ClientAddress;
use crate::http::settings::LimitSettings;

/// Time for which an address is exempt from the common limit after a successful log-in.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Counted guesses by account. An account is identified by the claim of the user name or e-mail
/// address that the client sent, so the same limits apply to accounts that do not exist.
pub(super) struct Guesses {
    from_one: RateTable<(String, ClientAddress)>,
    from_all: RateTable<String>,
    known: Mutex<Known>,
}

/// Guess that has been counted and can be uncounted if it is right.
#[derive(Debug)]
pub struct Guess {
    account: String,
    client: ClientAddress,
    counted_for_all: bool,
}

impl Guesses {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        Self {
            from_one: RateTable::new(WINDOW, settings.failed_logins_per_minute, MAX_KEYS),
            from_all: RateTable::new(WINDOW, settings.failed_logins_of_all_per_minute, MAX_KEYS),
            known: Mutex::new(Known::new(MAX_KEYS)),
        }
    }

    pub(super) fn take(
        &self,
        account: &str,
        client: ClientAddress,
        now: Instant,
    ) -> Result<Guess, ApiError> {
        let from = (account.to_owned(), client);
        self.from_one
            .take(&from, now)
            .map_err(|wait| too_many("account", wait))?;
        let counted_for_all = !self.known(|known| known.knows(&from, now));
        if counted_for_all && let Err(wait) = self.from_all.take(&from.0, now) {
            self.from_one.give_back(&from);
            return Err(too_many("account", wait));
        }
        Ok(Guess {
            account: from.0,
            client,
            counted_for_all,
        })
    }

    pub(super) fn was_right(&self, guess: Guess, now: Instant) {
        let from = self.give_back(guess);
        self.known(|known| known.remember(from, now));
    }

    pub(super) fn give_back(&self, guess: Guess) -> (String, ClientAddress) {
        if guess.counted_for_all {
            self.from_all.give_back(&guess.account);
        }
        let from = (guess.account, guess.client);
        self.from_one.give_back(&from);
        from
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        // As in the tables, the data of a poisoned lock is consistent.
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Addresses that are exempt from the common limit of an account. Only a log-in with the right
/// password adds an entry.
struct Known {
    since: HashMap<(String, ClientAddress), Instant>,
    capacity: usize,
}

impl Known {
    fn new(capacity: usize) -> Self {
        Self {
            since: HashMap::new(),
            capacity,
        }
    }

    fn knows(&self, from: &(String, ClientAddress), now: Instant) -> bool {
        self.since
            .get(from)
            .is_some_and(|since| now.duration_since(*since) < KNOWN_FOR)
    }

    fn remember(&mut self, from: (String, ClientAddress), now: Instant) {
        if self.since.len() >= self.capacity && !self.since.contains_key(&from) {
            self.since
                .retain(|_, since| now.duration_since(*since) < KNOWN_FOR);
            let oldest = self
                .since
                .iter()
                .min_by_key(|(_, since)| **since)
                .map(|(from, _)| from.clone());
            if let Some(oldest) = oldest.filter(|_| self.since.len() >= self.capacity) {
                self.since.remove(&oldest);
            }
        }
        self.since.insert(from, now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::http::ErrorCode;

    fn guesses() -> Guesses {
        let failed_logins_per_minute = 2;
        let failed_logins_of_all_per_minute = 5;
        let settings = LimitSettings {
            failed_logins_per_minute,
            failed_logins_of_all_per_minute,
            ..LimitSettings::default()
        };
        Guesses::new(&settings)
    }

    const fn address(n: u8) -> ClientAddress {
        ClientAddress::V4(Ipv4Addr::new(198, 51, 100, n))
    }

    #[test]
    fn guesses_from_one_address_do_not_block_other_addresses() {
        let guesses = guesses();
        let now = Instant::now();
        for _ in 0..2 {
            guesses.take("ada", address(1), now).unwrap();
        }
        let refused = guesses.take("ada", address(1), now).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        let owner = guesses.take("ada", address(2), now).unwrap();
        guesses.was_right(owner, now);
    }

    #[test]
    fn unknown_addresses_share_a_limit_that_excludes_known_addresses() {
        let guesses = guesses();
        let now = Instant::now();
        let owner = guesses.take("ada", address(1), now).unwrap();
        guesses.was_right(owner, now);
        let passed = (2..100)
            .filter(|n| guesses.take("ada", address(*n), now).is_ok())
            .count();
        assert_eq!(passed, 5);
        // The address of the owner also has its own limit, which the exemption does not raise.
        let tries = (0..4)
            .filter(|_| guesses.take("ada", address(1), now).is_ok())
            .count();
        assert_eq!(tries, 2);
        assert!(
            guesses.take("grace", address(99), now).is_ok(),
            "guesses are counted separately for each account"
        );
    }

    #[test]
    fn known_addresses_expire_and_are_limited_in_number() {
        let mut known = Known::new(2);
        let now = Instant::now();
        let from = |n| ("ada".to_owned(), address(n));
        for n in 0..3 {
            known.remember(from(n), now + Duration::from_secs(n.into()));
        }
        assert_eq!(
            [0, 1, 2].map(|n| known.knows(&from(n), now + Duration::from_secs(3))),
            [false, true, true]
        );
        assert!(!known.knows(&from(1), now + KNOWN_FOR + Duration::from_secs(1)));
    }
}
