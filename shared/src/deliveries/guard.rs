//! Which addresses may be called: public ones. Whoever may write an endpoint's address must not reach, through us,
//! what only our network reaches: databases, other services, the cloud's metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::{ConfigError, Environment};

/// Whether calls may leave for anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// https alone, and public addresses alone.
    Public,
    /// No guard at all: a laptop's endpoints are on the laptop.
    Off,
}

/// Why an address is not called, without more of it than its host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("only https is spoken to")]
    NotHttps,
    #[error("{0} is no public address")]
    NotPublic(IpAddr),
    #[error("{0} has no public address")]
    NoPublicAddress(String),
}

impl Guard {
    /// `ALLOW_PRIVATE_ENDPOINTS`.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(if environment.flag("ALLOW_PRIVATE_ENDPOINTS")? { Self::Off } else { Self::Public })
    }

    /// What can be said before a name is resolved. An address that is written out never gets to a resolver, so it is
    /// judged here; the URL's reader has already turned `0x7f.1` into 127.0.0.1.
    pub(super) fn check(self, url: &Url) -> Result<(), Forbidden> {
        let scheme = url.scheme();
        if scheme != "https" && !(self == Self::Off && scheme == "http") {
            return Err(Forbidden::NotHttps);
        }
        let written_out = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        match written_out {
            Some(address) if self == Self::Public && !is_public(address) => Err(Forbidden::NotPublic(address)),
            _ => Ok(()),
        }
    }

    /// The resolver that keeps to it; none where there is nothing to guard.
    pub(super) fn resolver(self) -> Option<Arc<PublicOnly>> {
        (self == Self::Public).then(|| Arc::new(PublicOnly))
    }
}

/// Resolves names to their public addresses. The connection is made to just these: a name that answers differently a
/// moment later (DNS rebinding) gains nothing by it.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Forbidden::NoPublicAddress(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// What is not globally reachable by IANA's registry of special-purpose IPv4 addresses, and multicast.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Between a carrier and its customers; also inside clouds.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, and in it the cloud's metadata at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved; the last of it is the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let lies_in = |(network, bits): &(Ipv4Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0;
    !SPECIAL_V4.iter().any(lies_in)
}

/// Only what is given out as global unicast (`2000::/3`), less what has another meaning in it. An IPv4 address in IPv6
/// clothes is judged as what it is.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = || Ipv4Addr::from_bits((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    match segments {
        // Mapped; and NAT64, by which a network without IPv4 reaches the IPv4 Internet (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(embedded()),
        // Documentation; and 6to4, which nobody is reached by any more (RFC 7526).
        [0x2001, 0x0db8, ..] | [0x2002, ..] => false,
        // Protocols' own (2001::/23): Teredo, benchmarks, ORCHID.
        [0x2001, second, ..] => second >= 0x0200,
        // Documentation (RFC 9637).
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: Guard, url: &str) -> Result<(), Forbidden> {
        guard.check(&url.parse().unwrap())
    }

    #[test]
    fn what_is_not_public_is_refused() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];

        for address in refused {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_is_public_is_called() {
        let called = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2001:4860:4860::8888",
            "3fff:1000::1",
            "2606:4700::1111",
            "2a05:d018::1",
            "3ffe::1",
        ];

        for address in called {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_that_is_written_out_is_judged_however_it_is_written() {
        let loopback = || Forbidden::NotPublic(Ipv4Addr::LOCALHOST.into());

        for url in ["https://127.0.0.1/", "https://0x7f.1/", "https://2130706433/", "https://0177.0.0.1:8443/"] {
            assert_eq!(check(Guard::Public, url), Err(loopback()), "{url}");
        }
        assert!(check(Guard::Public, "https://[::ffff:169.254.169.254]/latest").is_err());
        assert_eq!(check(Guard::Public, "https://[2606:4700::1111]/"), Ok(()));
        assert_eq!(check(Guard::Public, "https://hook.example/"), Ok(()));
    }

    #[test]
    fn without_a_guard_a_laptop_calls_itself_and_still_speaks_http_only() {
        assert_eq!(check(Guard::Public, "http://hook.example/"), Err(Forbidden::NotHttps));
        assert_eq!(check(Guard::Off, "http://127.0.0.1:4000/"), Ok(()));
        assert_eq!(check(Guard::Off, "file:///etc/passwd"), Err(Forbidden::NotHttps));
    }

    #[test]
    fn names_are_resolved_to_public_addresses_unless_there_is_no_guard() {
        assert!(Guard::Public.resolver().is_some());
        assert!(Guard::Off.resolver().is_none());
    }

    #[test]
    fn only_a_setting_takes_the_guard_away() {
        let read = |value| Guard::read(&Environment::from([("ALLOW_PRIVATE_ENDPOINTS", value)]));

        assert_eq!((read("false"), read("true")), (Ok(Guard::Public), Ok(Guard::Off)));
        assert!(read("").is_err() && read("no").is_err());
    }

    #[tokio::test]
    async fn of_a_name_the_public_addresses_are_called() {
        let resolved = PublicOnly.resolve("1.1.1.1".parse().unwrap()).await.ok().unwrap();

        let addresses: Vec<IpAddr> = resolved.map(|address| address.ip()).collect();
        assert_eq!(addresses, [Ipv4Addr::new(1, 1, 1, 1)]);
    }

    #[tokio::test]
    async fn a_name_without_a_public_address_is_not_resolved() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;

        let refused = resolved.err().unwrap().downcast::<Forbidden>().unwrap();
        assert_eq!(refused.to_string(), "localhost has no public address");
    }
}
