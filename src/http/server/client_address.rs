//! Client address of a request: the peer's address, or the address that trusted proxies report.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::http::ApiError;

/// Largest number of entries of a forwarding header that are read, starting with the last entry.
const MAX_HOPS: usize = 16;
/// Limit of one IPv6 site, as a multiple of the limit of one address. A site is often one customer,
/// who can choose among 65,536 networks. Sometimes it is a mobile operator, with one customer in
/// each network.
pub const SITE_FACTOR: usize = 16;

/// Networks of trusted proxies. Only these proxies may report the address of a client. In the
/// configuration, the networks are one text, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Returns true if `address` belongs to a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.contains(address.to_canonical())
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = |text: &str| {
            let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
            text.parse::<IpNet>().ok().or_else(single).ok_or_else(|| {
                format!(
                    "{text:?} is not a network; give networks such as 10.0.0.0/8 or 2001:db8::/32, separated by commas"
                )
            })
        };
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &self
                .0
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        )
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Header in which the proxies report the address of the client. The program reads only the
/// configured header, because a client can send the other one itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, which most proxies use.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Address that identifies one client: an IPv4 address, or an IPv6 network of 64 bits, which is
/// usually one household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// An IPv4 address, or an IPv6 address that contains an IPv4 address.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address.
    V6Network(u64),
    /// The connection has no address, for example in tests without a socket.
    Unknown,
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the upper half fits after the shift"
            )]
            IpAddr::V6(address) => Self::V6Network((address.to_bits() >> 64) as u64),
        }
    }
}

/// First 48 bits of an IPv6 address. They are usually the network of one site or customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site(u64);

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6Network(network) => {
                write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*network) << 64))
            }
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl ClientAddress {
    /// Returns the site of an IPv6 address, or `None` for other addresses.
    #[must_use]
    pub const fn site(self) -> Option<Site> {
        match self {
            Self::V6Network(network) => Some(Site(network >> 16)),
            Self::V4(_) | Self::Unknown => None,
        }
    }

    /// Returns true if a trusted proxy has opened the request's connection.
    #[must_use]
    pub fn is_relayed(request: &Request, trusted: &TrustedProxies) -> bool {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        peer.is_some_and(|ConnectInfo(peer)| trusted.trusts(peer.ip()))
    }

    /// Returns the client address of a request. The address is personal data. It is logged only for
    /// rejected log-ins and for routes that accept a password.
    #[must_use]
    pub fn of(request: &Request, trusted: &TrustedProxies, header: ForwardingHeader) -> Self {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Self::Unknown;
        };
        behind(peer.ip(), request.headers(), trusted, header).into()
    }
}

/// Extracts the address that the observe layer has stored in the request.
impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Self>().copied();
        client.ok_or_else(|| ApiError::internal("no layer has stored the client's address"))
    }
}

/// Follows the reported addresses from the peer towards the client, and returns the first address
/// that is not a trusted proxy. If all are trusted, or an entry can't be read, returns the last
/// address that was read.
fn behind(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
    header: ForwardingHeader,
) -> IpAddr {
    let mut client = peer.to_canonical();
    for hop in hops(headers, header) {
        if !trusted.contains(client) {
            break;
        }
        // The host at the last readable address wrote this entry. So the addresses before it are
        // unknown.
        let Some(address) = hop else { break };
        client = address.to_canonical();
    }
    client
}

/// Returns the addresses in the header, starting with the last one. An entry that can't be read
/// gives `None`.
fn hops(headers: &HeaderMap, header: ForwardingHeader) -> Vec<Option<IpAddr>> {
    let values = match header {
        ForwardingHeader::XForwardedFor => headers.get_all("x-forwarded-for"),
        ForwardingHeader::Forwarded => headers.get_all(FORWARDED),
    };
    let mut hops = Vec::new();
    for value in values.iter().rev() {
        for element in value.to_str().unwrap_or("?").rsplit(',').take(MAX_HOPS) {
            let address = match header {
                ForwardingHeader::XForwardedFor => address(element),
                ForwardingHeader::Forwarded => forwarded_for(element),
            };
            hops.push(address);
        }
        if hops.len() >= MAX_HOPS {
            break;
        }
    }
    hops
}

/// Parses the `for` parameter of one element, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let named = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim().trim_matches('"').to_owned())
    };
    address(&element.split(';').find_map(named)?)
}

/// Parses an address with or without a port. An IPv6 address may be in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    text.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(header: ForwardingHeader, peer: &str, values: &[&str]) -> String {
        let trusted: TrustedProxies = "10.0.0.0/8, 2001:db8:1::/48".parse().unwrap();
        let name = match header {
            ForwardingHeader::XForwardedFor => "x-forwarded-for",
            ForwardingHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        behind(peer.parse().unwrap(), &headers, &trusted, header).to_string()
    }

    #[test]
    fn forwarding_header_is_used_only_from_trusted_proxies() {
        for (peer, values, client) in [
            ("192.0.2.7", &["198.51.100.1"][..], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // The client sent the first entry itself, and the proxy appended the second one.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.1, 10.9.9.9"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["203.0.113.9, nonsense, 10.9.9.9"], "10.9.9.9"),
            ("::ffff:10.0.0.1", &["[2001:db8:2::5]:443"], "2001:db8:2::5"),
            ("2001:db8:1::1", &["2001:db8:2::5"], "2001:db8:2::5"),
        ] {
            assert_eq!(
                seen(ForwardingHeader::XForwardedFor, peer, values),
                client,
                "{peer} {values:?}"
            );
        }
    }

    #[test]
    fn standard_forwarded_header_is_used_if_selected() {
        for (value, client) in [
            ("for=198.51.100.1;proto=https", "198.51.100.1"),
            (
                "for=203.0.113.9, For=\"198.51.100.1:4711\"; by=10.0.0.1",
                "198.51.100.1",
            ),
            ("for=\"[2001:db8:2::5]:4711\"", "2001:db8:2::5"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(
                seen(ForwardingHeader::Forwarded, "10.0.0.1", &[value]),
                client,
                "{value}"
            );
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let of = |text: &str| ClientAddress::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1").site(), of("2001:db8:1:3::1").site());
        assert_ne!(of("2001:db8:1:2::1").site(), of("2001:db8:2:2::1").site());
        assert_eq!(of("192.0.2.7").site(), None);
        let shown = ["2001:db8:1:2::7", "::ffff:192.0.2.7"].map(|text| of(text).to_string());
        assert_eq!(shown, ["2001:db8:1:2::/64", "192.0.2.7"]);
    }

    #[test]
    fn trusted_networks_are_parsed_and_displayed_equally() {
        let text = "10.0.0.0/8, 192.0.2.7/32, 2001:db8::/32";
        let proxies: TrustedProxies = "10.0.0.0/8,192.0.2.7, 2001:db8::/32,".parse().unwrap();
        assert_eq!(proxies.to_string(), text);
        assert_eq!(text.parse::<TrustedProxies>(), Ok(proxies));
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
    }

    proptest! {
        /// A header of an untrusted peer never changes its address, and no header causes a panic.
        #[test]
        fn headers_of_untrusted_peers_do_not_change_the_address(text in "[ -~]{0,200}") {
            for header in [ForwardingHeader::XForwardedFor, ForwardingHeader::Forwarded] {
                prop_assert_eq!(seen(header, "192.0.2.7", &[&text]), "192.0.2.7");
                seen(header, "10.0.0.1", &[&text]);
            }
        }
    }
}
