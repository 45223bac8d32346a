//! Rate limits: requests by client address, and log-in attempts by account.
//!
//! Each process counts for itself, so several API processes together allow several times the limit.
//! The number of keys in a table is limited. A full table evicts the keys with the fewest calls to
//! make room for new keys.

mod guesses;
mod table;

use std::time::{Duration, Instant};

use crate::domain::UserId;
use crate::http::server::client_address::{ClientAddress, SITE_FACTOR, Site};
use crate::http::settings::LimitSettings;
use crate::http::{ApiError, ErrorCode};

pub use guesses::Guess;

use guesses::Guesses;
use table::RateTable;

/// Window of all limits except those of second-factor codes and password reset mails.
const WINDOW: Duration = Duration::from_secs(60);
/// Window of the limits of second-factor codes and password reset mails.
const HOUR: Duration = Duration::from_secs(3_600);
/// Largest number of keys in a table. A full table takes about 4 MiB.
const MAX_KEYS: usize = 65_536;

/// Rate limit of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Limit of routes that accept a password: a few calls per minute from one address.
    Password,
    /// Limit of public routes whose requests are expensive to answer.
    Public,
}

/// All rate tables of this process.
pub struct RateLimits {
    password: ByClient,
    public: ByClient,
    /// Guesses of a user's second-factor code. Only callers who know the password can make such a
    /// guess. A code has only six digits, so the window is an hour instead of a minute.
    codes: RateTable<UserId>,
    /// Guesses of the passwords of accounts.
    guesses: Guesses,
    /// Password reset mails, by the claim of the e-mail address. Addresses without an account have
    /// the same limit, so that the response does not reveal whether an account exists.
    links: RateTable<String>,
}

impl RateLimits {
    /// Creates the tables with the operator's limits.
    #[must_use]
    pub fn new(settings: &LimitSettings) -> Self {
        Self {
            password: ByClient::new(settings.password_per_minute, MAX_KEYS),
            public: ByClient::new(settings.public_per_minute, MAX_KEYS),
            codes: RateTable::new(HOUR, settings.wrong_codes_per_hour, MAX_KEYS),
            guesses: Guesses::new(settings),
            links: RateTable::new(HOUR, settings.reset_links_per_hour, MAX_KEYS),
        }
    }

    /// Counts one call of `client` against `limit`.
    ///
    /// # Errors
    /// 429 with `Retry-After` if the limit is reached. A rejected call is not counted.
    pub fn count(&self, limit: Limit, client: ClientAddress) -> Result<(), ApiError> {
        let (name, table) = match limit {
            Limit::Password => ("password", &self.password),
            Limit::Public => ("public", &self.public),
        };
        table
            .take(client, Instant::now())
            .map_err(|wait| too_many(name, wait))
    }

    /// Counts a guess of the password of `account` by `client`. Must be called before the password
    /// is checked.
    ///
    /// # Errors
    /// 429 with `Retry-After` if there were too many wrong guesses.
    pub fn guess(&self, account: &str, client: ClientAddress) -> Result<Guess, ApiError> {
        self.guesses.take(account, client, Instant::now())
    }

    /// Counts a password reset mail. Returns true if it may be sent.
    pub fn sends_link(&self, account: &str) -> bool {
        self.links.take(&account.to_owned(), Instant::now()).is_ok()
    }

    /// Uncounts a guess whose password was right, and exempts its address from the common limit of
    /// the account.
    pub fn guessed_right(&self, guess: Guess) {
        self.guesses.was_right(guess, Instant::now());
    }

    /// Uncounts a guess whose password was right but whose second factor is missing. Its address is
    /// not exempted from the common limit.
    pub fn guessed_half(&self, guess: Guess) {
        self.guesses.give_back(guess);
    }

    /// Counts a guess of a user's second-factor code. Must be called before the code is checked.
    ///
    /// # Errors
    /// 429 with `Retry-After` if there were too many wrong guesses.
    pub fn guess_code(&self, user: UserId) -> Result<(), ApiError> {
        self.codes
            .take(&user, Instant::now())
            .map_err(|wait| too_many("code", wait))
    }

    /// Uncounts a guess whose code was right.
    pub fn code_was_right(&self, user: UserId) {
        self.codes.give_back(&user);
    }
}

fn too_many(limit: &'static str, wait: Duration) -> ApiError {
    metrics::counter!("laureate_rate_limited_total", "limit" => limit).increment(1);
    let seconds = wait.as_secs() + 1;
    let message = format!("too many requests of this kind; try again in {seconds} seconds");
    ApiError::new(ErrorCode::TooManyRequests, message).retry_after(Duration::from_secs(seconds))
}

/// Calls by client address. In addition, all addresses of one IPv6 site share [`SITE_FACTOR`] times
/// the limit of one address. So one site can neither exceed that limit nor fill the table.
struct ByClient {
    clients: RateTable<ClientAddress>,
    sites: RateTable<Site>,
}

impl ByClient {
    fn new(per_minute: u32, capacity: usize) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "the constant is small")]
        let of_site = per_minute.saturating_mul(SITE_FACTOR as u32);
        Self {
            clients: RateTable::new(WINDOW, per_minute, capacity),
            sites: RateTable::new(WINDOW, of_site, capacity),
        }
    }

    fn take(&self, client: ClientAddress, now: Instant) -> Result<(), Duration> {
        let Some(site) = client.site() else {
            return self.clients.take(&client, now);
        };
        self.sites.take(&site, now)?;
        self.clients
            .take(&client, now)
            .inspect_err(|_| self.sites.give_back(&site))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(text: &str) -> ClientAddress {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn ipv6_site_cannot_fill_the_table() {
        let table = ByClient::new(5, 2_000);
        let now = Instant::now();
        let from_site = |network: u32| at(&format!("2001:db8:7:{network:x}::1"));
        let passed = (0..65_536)
            .filter(|network| table.take(from_site(*network), now).is_ok())
            .count();
        assert_eq!(passed, 5 * SITE_FACTOR);
        assert_eq!(
            table.clients.len(),
            5 * SITE_FACTOR,
            "no more keys than calls that were let through"
        );
        for newcomer in ["2001:db8:8::1", "192.0.2.1"] {
            assert_eq!(table.take(at(newcomer), now), Ok(()), "{newcomer}");
        }
        // Each address also has its own limit. Calls that this limit rejects are not counted for
        // the site.
        for _ in 0..100 {
            let _ = table.take(at("2001:db8:9::1"), now);
        }
        assert!(table.take(at("2001:db8:9::1"), now).is_err());
        assert_eq!(table.take(at("2001:db8:9:1::1"), now), Ok(()));
    }

    #[test]
    fn new_clients_are_served_while_many_sites_send_requests() {
        let table = ByClient::new(5, 500);
        let now = Instant::now();
        for n in 0..3_000_u32 {
            let _ = table.take(at(&format!("2001:db9:{:x}:{:x}::1", n % 97, n)), now);
            assert_eq!(
                table.take(ClientAddress::V4((0x0a00_0000 + n).into()), now),
                Ok(()),
                "{n}"
            );
        }
        assert!(table.clients.len() <= 500);
    }

    #[test]
    fn reset_links_per_account_and_hour_are_limited() {
        let limits = RateLimits::new(&LimitSettings {
            reset_links_per_hour: 2,
            ..LimitSettings::default()
        });
        assert_eq!(
            [1, 2, 3].map(|_| limits.sends_link("ada")),
            [true, true, false]
        );
        assert!(limits.sends_link("grace"));
        let table = RateTable::new(HOUR, 2, 10);
        let now = Instant::now();
        assert_eq!([1, 2].map(|_| table.take(&"a", now)), [Ok(()), Ok(())]);
        assert_eq!(table.take(&"a", now), Err(HOUR / 2));
    }

    #[test]
    fn rejected_request_gets_a_retry_after_time() {
        let settings = LimitSettings {
            password_per_minute: 1,
            ..LimitSettings::default()
        };
        let limits = RateLimits::new(&settings);
        assert!(
            limits
                .count(Limit::Password, ClientAddress::Unknown)
                .is_ok()
        );
        assert!(limits.count(Limit::Public, ClientAddress::Unknown).is_ok());
        let refused = limits
            .count(Limit::Password, ClientAddress::Unknown)
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        assert!(
            refused
                .retry_after
                .is_some_and(|wait| wait > 50 * SECOND && wait <= 60 * SECOND)
        );
    }
}
