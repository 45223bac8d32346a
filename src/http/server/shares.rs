//! Limits of concurrent use per holder, for connections, requests, waiting reads and bytes of
//! responses.
//!
//! Dropping a share releases its amount.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::client_address::{ClientAddress, SITE_FACTOR, Site};

/// Amounts that are in use, by holder. All holders have the same limit. A holder without a share
/// needs no memory.
pub struct Shares<K> {
    most: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// Amount that one holder uses until the share is dropped.
pub struct Share<K: Hash + Eq> {
    shares: Arc<Shares<K>>,
    holder: K,
    amount: usize,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// Creates shares with a limit of `most` per holder.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// Takes `amount` for a holder. Returns `None` if the holder would exceed the limit. A holder
    /// without a share always gets its amount, so that a single item larger than the limit can
    /// still be served.
    #[must_use]
    pub fn take(self: &Arc<Self>, holder: K, amount: usize) -> Option<Share<K>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.get(&holder).copied().unwrap_or(0);
        let after = before.saturating_add(amount);
        if before > 0 && after > self.most {
            return None;
        }
        held.insert(holder.clone(), after);
        drop(held);
        Some(Share {
            shares: self.clone(),
            holder,
            amount,
        })
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        // No code panics while it holds the lock, so the data of a poisoned lock is consistent.
        let mut held = self
            .shares
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(left) = held.get_mut(&self.holder) else {
            return;
        };
        *left = left.saturating_sub(self.amount);
        if *left == 0 {
            held.remove(&self.holder);
        }
    }
}

/// Shares of clients. Each client address has the same limit. In addition, all addresses of one
/// IPv6 site share a larger limit.
pub struct ClientShares {
    clients: Arc<Shares<ClientAddress>>,
    sites: Arc<Shares<Site>>,
}

/// Amount that one client uses until the share is dropped.
pub struct ClientShare {
    _client: Share<ClientAddress>,
    _site: Option<Share<Site>>,
}

impl ClientShares {
    /// Creates shares with a limit of `most` for each client address.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            clients: Shares::new(most),
            sites: Shares::new(most.saturating_mul(SITE_FACTOR)),
        }
    }

    /// Takes `amount` for a client. Returns `None` if the client address or its site would exceed
    /// its limit.
    #[must_use]
    pub fn take(&self, client: ClientAddress, amount: usize) -> Option<ClientShare> {
        let site = match client.site() {
            Some(site) => Some(self.sites.take(site, amount)?),
            None => None,
        };
        Some(ClientShare {
            _client: self.clients.take(client, amount)?,
            _site: site,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn each_holder_has_its_own_limit_and_released_shares_are_reusable() {
        let shares = Shares::new(2);
        let first = shares.take("a", 1);
        let second = shares.take("a", 1);
        assert!(first.is_some() && second.is_some());
        assert!(shares.take("a", 1).is_none());
        assert!(shares.take("b", 1).is_some(), "another holder");
        drop(first);
        assert!(shares.take("a", 1).is_some());
        drop(second);
        assert!(
            shares.held.lock().unwrap().is_empty(),
            "nobody holds anything"
        );
    }

    #[test]
    fn first_share_can_exceed_the_limit() {
        let shares = Shares::new(10);
        let large = shares.take("a", 100);
        assert!(large.is_some() && shares.take("a", 1).is_none());
    }

    #[test]
    fn ipv6_site_is_limited_to_a_multiple_of_one_address() {
        let shares = ClientShares::new(2);
        let of = |network: u32| {
            let address: IpAddr = format!("2001:db8:7:{network:x}::1").parse().unwrap();
            ClientAddress::from(address)
        };
        let taken: Vec<_> = (0..1_000)
            .filter_map(|network| shares.take(of(network), 1))
            .collect();
        assert_eq!(taken.len(), 2 * SITE_FACTOR);
        let elsewhere: IpAddr = "2001:db8:8::1".parse().unwrap();
        assert!(shares.take(elsewhere.into(), 1).is_some());
        drop(taken);
        assert!(shares.take(of(1), 1).is_some());
    }
}
