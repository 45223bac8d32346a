//! Whose address a request comes from, as far as it can be known: the peer's, or what trusted proxies say.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ApiError;

/// Entries of a forwarding header that are looked at, from the last one on.
const MAX_HOPS: usize = 16;
/// The bound of one IPv6 site, as a multiple of the bound of one address. A site is often one customer with
/// 65,536 networks to choose from, and sometimes a mobile operator with as many customers.
pub const SITE_FACTOR: usize = 16;

/// Networks whose word on a client's address counts. In the configuration one text, with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Returns true for the address of a trusted proxy.
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
                format!("{text:?} is no network; give such as 10.0.0.0/8 or 2001:db8::/32, with commas")
            })
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the proxies write whom they ask for. Only one counts: the other may be the client's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, as most proxies have it.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Who is counted as one client: an IPv4 address, or what one household gets of IPv6, a /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// An IPv4 address, also one that was written as IPv6.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address.
    V6Network(u64),
    /// The transport doesn't tell, as in tests without a socket.
    Unknown,
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            #[allow(clippy::cast_possible_truncation, reason = "the upper half fits after the shift")]
            IpAddr::V6(address) => Self::V6Network((address.to_bits() >> 64) as u64),
        }
    }
}

/// The first 48 bits of an IPv6 address: what one site or customer usually gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site(u64);

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6Network(network) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*network) << 64)),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl ClientAddress {
    /// Returns the site of an IPv6 address.
    #[must_use]
    pub const fn site(self) -> Option<Site> {
        match self {
            Self::V6Network(network) => Some(Site(network >> 16)),
            Self::V4(_) | Self::Unknown => None,
        }
    }

    /// Returns true if the connection that the request came by is of a trusted proxy.
    #[must_use]
    pub fn is_relayed(request: &Request, trusted: &TrustedProxies) -> bool {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        peer.is_some_and(|ConnectInfo(peer)| trusted.trusts(peer.ip()))
    }

    /// Returns the client of a request. It is personal data: only refused log-ins and password routes log it.
    #[must_use]
    pub fn of(request: &Request, trusted: &TrustedProxies, header: ForwardingHeader) -> Self {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Self::Unknown;
        };
        behind(peer.ip(), request.headers(), trusted, header).into()
    }
}

/// The layer that observes requests has looked.
impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Self>().copied();
        client.ok_or_else(|| ApiError::internal("no layer has looked at the client's address"))
    }
}

/// Goes back along the hops, from the peer on, for as long as the one that tells is trusted.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies, header: ForwardingHeader) -> IpAddr {
    let mut client = peer.to_canonical();
    for hop in hops(headers, header) {
        if !trusted.contains(client) {
            break;
        }
        // What can't be read was written by the last one that could be: nobody before it is known.
        let Some(address) = hop else { break };
        client = address.to_canonical();
    }
    client
}

/// The addresses in the header, the last one first; `None` where one can't be read.
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

/// The `for` of one element, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let named = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"').to_owned())
    };
    address(&element.split(';').find_map(named)?)
}

/// An address, with a port or without, IPv6 in brackets or bare.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
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
    fn only_trusted_proxies_are_believed() {
        for (peer, values, client) in [
            ("192.0.2.7", &["198.51.100.1"][..], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // What the client itself wrote stands before what the proxy has added.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9, nonsense, 10.9.9.9"], "10.9.9.9"),
            ("::ffff:10.0.0.1", &["[2001:db8:2::5]:443"], "2001:db8:2::5"),
            ("2001:db8:1::1", &["2001:db8:2::5"], "2001:db8:2::5"),
        ] {
            assert_eq!(seen(ForwardingHeader::XForwardedFor, peer, values), client, "{peer} {values:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_chosen() {
        for (value, client) in [
            ("for=198.51.100.1;proto=https", "198.51.100.1"),
            ("for=203.0.113.9, For=\"198.51.100.1:4711\"; by=10.0.0.1", "198.51.100.1"),
            ("for=\"[2001:db8:2::5]:4711\"", "2001:db8:2::5"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(seen(ForwardingHeader::Forwarded, "10.0.0.1", &[value]), client, "{value}");
        }
    }

    #[test]
    fn one_household_of_ipv6_is_one_client() {
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
    fn networks_are_read_and_shown_alike() {
        let text = "10.0.0.0/8, 192.0.2.7/32, 2001:db8::/32";
        let proxies: TrustedProxies = "10.0.0.0/8,192.0.2.7, 2001:db8::/32,".parse().unwrap();
        assert_eq!(proxies.to_string(), text);
        assert_eq!(text.parse::<TrustedProxies>(), Ok(proxies));
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
    }

    proptest! {
        /// Whatever a client writes, an untrusted peer stays who it is, and nothing panics.
        #[test]
        fn what_strangers_write_changes_nothing(text in "[ -~]{0,200}") {
            for header in [ForwardingHeader::XForwardedFor, ForwardingHeader::Forwarded] {
                prop_assert_eq!(seen(header, "192.0.2.7", &[&text]), "192.0.2.7");
                seen(header, "10.0.0.1", &[&text]);
            }
        }
    }
}
