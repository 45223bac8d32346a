//! How often one client may call a route, and how often one account may be guessed at.
//!
//! Kept in this process alone: several API processes allow several times as much. Each table has a
//! bound; a full one evicts the keys that have called least, so that newcomers are served.

mod guesses;
mod table;

use std::time::{Duration, Instant};

use super::client_address::{ClientAddress, SITE_FACTOR, Site};
use super::settings::LimitSettings;
use super::{ApiError, ErrorCode};
use crate::domain::UserId;

pub use guesses::Guess;

use guesses::Guesses;
use table::RateTable;

/// What a rate is counted over.
const WINDOW: Duration = Duration::from_secs(60);
/// What codes and mails are counted over.
const HOUR: Duration = Duration::from_secs(3_600);
/// The most keys that a table remembers; about 4 MiB.
const MAX_KEYS: usize = 65_536;

/// What a route counts its callers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Routes that take a password; few a minute from one address.
    Password,
    /// Routes that anybody may call and that cost something.
    Public,
}

/// All tables of this process.
pub struct RateLimits {
    password: ByClient,
    public: ByClient,
    /// Guesses at a user's second factor, which few who know the password can make: six digits need a longer
    /// memory than a minute.
    codes: RateTable<UserId>,
    /// Guesses at accounts.
    guesses: Guesses,
    /// Mails with a link to set a password, by the claim of the address: whether there is such an account
    /// makes no difference.
    links: RateTable<String>,
}

impl RateLimits {
    /// As the operator has set them.
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
    /// 429 with `Retry-After`, if it was one too many; it isn't counted then.
    pub fn count(&self, limit: Limit, client: ClientAddress) -> Result<(), ApiError> {
        let (name, table) = match limit {
            Limit::Password => ("password", &self.password),
            Limit::Public => ("public", &self.public),
        };
        table.take(client, Instant::now()).map_err(|wait| too_many(name, wait))
    }

    /// Counts a guess at an account from an address, before it is known whether it is right.
    ///
    /// # Errors
    /// 429 with `Retry-After`, if there were too many wrong ones.
    pub fn guess(&self, account: &str, client: ClientAddress) -> Result<Guess, ApiError> {
        self.guesses.take(account, client, Instant::now())
    }

    /// Counts a mail with a link to set a password; whether it may be sent.
    pub fn sends_link(&self, account: &str) -> bool {
        self.links.take(&account.to_owned(), Instant::now()).is_ok()
    }

    /// The guess was right, and doesn't count; the address is known from now on.
    pub fn guessed_right(&self, guess: Guess) {
        self.guesses.was_right(guess, Instant::now());
    }

    /// The password was right, and doesn't count; without the second factor the address is not known by it.
    pub fn guessed_half(&self, guess: Guess) {
        self.guesses.give_back(guess);
    }

    /// Counts a guess at a user's second factor, before it is known whether it is right.
    ///
    /// # Errors
    /// 429 with `Retry-After`, if there were too many wrong ones.
    pub fn guess_code(&self, user: UserId) -> Result<(), ApiError> {
        self.codes.take(&user, Instant::now()).map_err(|wait| too_many("code", wait))
    }

    /// The code was right, and doesn't count.
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

/// Calls by client address. All addresses of one IPv6 site together have [`SITE_FACTOR`] times the bound, so a
/// site can neither call without end nor fill the table.
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
        let Some(site) = client.site() else { return self.clients.take(&client, now) };
        self.sites.take(&site, now)?;
        self.clients.take(&client, now).inspect_err(|_| self.sites.give_back(&site))
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
        let passed = (0..65_536).filter(|network| table.take(from_site(*network), now).is_ok()).count();
        assert_eq!(passed, 5 * SITE_FACTOR);
        assert_eq!(table.clients.len(), 5 * SITE_FACTOR, "no more keys than calls that were let through");
        for newcomer in ["2001:db8:8::1", "192.0.2.1"] {
            assert_eq!(table.take(at(newcomer), now), Ok(()), "{newcomer}");
        }
        // One address of another site is held by its own bound, and costs its site no more than that.
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
            assert_eq!(table.take(ClientAddress::V4((0x0a00_0000 + n).into()), now), Ok(()), "{n}");
        }
        assert!(table.clients.len() <= 500);
    }

    #[test]
    fn an_account_gets_few_links_an_hour() {
        let limits = RateLimits::new(&LimitSettings { reset_links_per_hour: 2, ..LimitSettings::default() });
        assert_eq!([1, 2, 3].map(|_| limits.sends_link("ada")), [true, true, false]);
        assert!(limits.sends_link("grace"));
        let (table, now) = (RateTable::new(HOUR, 2, 10), Instant::now());
        assert_eq!([1, 2].map(|_| table.take(&"a", now)), [Ok(()), Ok(())]);
        assert_eq!(table.take(&"a", now), Err(HOUR / 2));
    }

    #[test]
    fn the_answer_tells_when_to_come_back() {
        let settings = LimitSettings { password_per_minute: 1, ..LimitSettings::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.count(Limit::Password, ClientAddress::Unknown).is_ok());
        assert!(limits.count(Limit::Public, ClientAddress::Unknown).is_ok());
        let refused = limits.count(Limit::Password, ClientAddress::Unknown).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        assert!(refused.retry_after.is_some_and(|wait| wait > 50 * SECOND && wait <= 60 * SECOND));
    }
}
