//! Rate limits: calls of routes by client, and log-in attempts by account.
//!
//! The counts are kept in this process only, so several API processes allow several times as much.
//! Each table is bounded. A full table evicts the keys with the fewest calls, so that new keys get
//! a place.

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

/// Window of most limits.
const WINDOW: Duration = Duration::from_secs(60);
/// Window of the limits of second-factor codes and password reset mails.
const HOUR: Duration = Duration::from_secs(3_600);
/// Largest number of keys in a table; about 4 MiB.
const MAX_KEYS: usize = 65_536;

/// Rate limit of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Limit of routes that take a password; a few calls per minute from one address.
    Password,
    /// Limit of public routes that are expensive.
    Public,
}

/// All rate tables of this process.
pub struct RateLimits {
    password: ByClient,
    public: ByClient,
    /// Guesses at a user's second factor. Only callers who know the password can make them. A code
    /// has only six digits, so the window is longer than a minute.
    codes: RateTable<UserId>,
    /// Password guesses at accounts.
    guesses: Guesses,
    /// Password reset mails, by the claim of the e-mail address. The limit is the same for
    /// addresses without an account.
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

    /// Counts a call.
    ///
    /// # Errors
    /// 429 with `Retry-After` if the limit is reached. The rejected call is not counted.
    pub fn count(&self, limit: Limit, client: ClientAddress) -> Result<(), ApiError> {
        let (name, table) = match limit {
            Limit::Password => ("password", &self.password),
            Limit::Public => ("public", &self.public),
        };
        table
            .take(client, Instant::now())
            .map_err(|wait| too_many(name, wait))
    }

    /// Counts a password guess at an account from an address, before the password is checked.
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

    /// Removes a right guess from the count and marks its address as known.
    pub fn guessed_right(&self, guess: Guess) {
        self.guesses.was_right(guess, Instant::now());
    }

    /// Removes a guess from the count whose password was right but whose second factor is missing.
    /// Its address does not become known.
    pub fn guessed_half(&self, guess: Guess) {
        self.guesses.give_back(guess);
    }

    /// Counts a guess at a user's second factor, before the code is checked.
    ///
    /// # Errors
    /// 429 with `Retry-After` if there were too many wrong guesses.
    pub fn guess_code(&self, user: UserId) -> Result<(), ApiError> {
        self.codes
            .take(&user, Instant::now())
            .map_err(|wait| too_many("code", wait))
    }

    /// Removes a right code from the count.
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

/// Calls by client address. All addresses of one IPv6 site share [`SITE_FACTOR`] times the limit,
/// so a site can neither exceed that nor fill the table.
struct ByClient {
    clients: RateTable<ClientAddress>,
    sites: RateTable<Site>,
}

impl ByClient {
    fn new(per_minute: u32, capacity: usize) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
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
    fn a_site_of_ipv6_cannot_fill_the_table() {
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
        // An address of another site is limited by its own bound. Its rejected calls do not count
        // for its site.
        for _ in 0..100 {
            let _ = table.take(at("2001:db8:9::1"), now);
        }
        assert!(table.take(at("2001:db8:9::1"), now).is_err());
        assert_eq!(table.take(at("2001:db8:9:1::1"), now), Ok(()));
    }

    #[test]
    fn newcomers_are_served_while_many_sites_call() {
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
    fn an_account_gets_few_links_an_hour() {
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
    fn the_answer_tells_when_to_come_back() {
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
