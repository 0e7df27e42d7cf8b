//! Networks that nothing is sent to: an address is looked at where it is known for good, after the
//! name was resolved and before the connection to just this address is opened.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::report::{Failure, FailureReason};

/// What `private` stands for: all that is no part of the public Internet, by the registries of
/// special-purpose addresses (RFC 6890), and the one public address that is not public.
const PRIVATE: [&str; 26] = [
    "0.0.0.0/8",        // this host on this network; Linux connects to itself
    "10.0.0.0/8",       // private use (RFC 1918)
    "100.64.0.0/10",    // behind a carrier's NAT (RFC 6598)
    "127.0.0.0/8",      // loopback
    "168.63.129.16/32", // Azure's services for the machine itself
    "169.254.0.0/16",   // link-local (RFC 3927), where clouds serve metadata
    "172.16.0.0/12",    // private use
    "192.0.0.0/24",     // IETF protocol assignments (RFC 6890)
    "192.0.2.0/24",     // documentation (RFC 5737)
    "192.88.99.0/24",   // relays of 6to4, given up (RFC 7526)
    "192.168.0.0/16",   // private use
    "198.18.0.0/15",    // benchmarks (RFC 2544)
    "198.51.100.0/24",  // documentation
    "203.0.113.0/24",   // documentation
    "224.0.0.0/4",      // multicast (RFC 5771)
    "240.0.0.0/4",      // reserved, and broadcast at its end
    "::/127",           // unspecified and loopback
    "64:ff9b:1::/48",   // translation to a local IPv4 (RFC 8215)
    "100::/64",         // discarded (RFC 6666)
    "2001::/23",        // IETF protocol assignments, Teredo among them (RFC 2928)
    "2001:db8::/32",    // documentation (RFC 3849)
    "3fff::/20",        // documentation (RFC 9637)
    "5f00::/16",        // segment routing (RFC 9602)
    "fc00::/7",         // unique local (RFC 4193)
    "fe80::/9",         // link-local (RFC 4291), and site-local, given up (RFC 3879)
    "ff00::/8",         // multicast
];

/// An IP network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `ADDRESS/PREFIX`, or one address.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = match prefix {
            None => bits,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        let network = match address {
            // The same network in the notation of the other protocol.
            IpAddr::V6(mapped) if prefix >= 96 && mapped.to_ipv4_mapped().is_some() => {
                Self { address: address.to_canonical(), prefix: prefix.checked_sub(96)? }
            }
            _ => Self { address, prefix },
        };
        // A network with bits behind its prefix is mostly one with the wrong prefix.
        (prefix <= bits && network.first() == network.address).then_some(network)
    }

    /// The address with nothing behind the prefix.
    fn first(self) -> IpAddr {
        let kept = |bits: u8| bits.saturating_sub(self.prefix).into();
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(kept(32)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(kept(128)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        }
    }

    fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && Self { address, ..self }.first() == self.address
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// An IPv4 address that an IPv6 address leads to, by a translator or a tunnel.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if address.is_unspecified() || address.is_loopback() {
        return None;
    }
    let (high, low) = match address.segments() {
        // IPv4-mapped, -compatible (RFC 4291 §2.5.5) and -translated (RFC 2765 §2.1), and the
        // well-known prefix of NAT64 (RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4 (RFC 3056 §2).
        | [0x2002, high, low, ..] => (high, low),
        // Teredo, whose client is written inverted (RFC 4380 §4).
        [0x2001, 0, .., high, low] => (!high, !low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

/// Networks that nothing is sent to, and the exceptions from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    blocked: Vec<Network>,
    allowed: Vec<Network>,
}

impl Networks {
    /// Reads the networks to block, each as `ADDRESS/PREFIX`, one address, or `private` for all
    /// that are not of the public Internet; and exceptions. `None` without any to block.
    ///
    /// # Errors
    /// When one is none, or there is nothing that the exceptions could be from.
    pub fn parse(blocked: &[String], allowed: &[String]) -> Result<Option<Self>, String> {
        let read = |text: &str| {
            Network::parse(text).ok_or_else(|| format!("{text:?} is no network such as 10.0.0.0/8"))
        };
        if blocked.is_empty() && !allowed.is_empty() {
            return Err("exceptions mean nothing where no network is blocked".into());
        }
        if blocked.is_empty() {
            return Ok(None);
        }
        let names = blocked.iter().flat_map(|name| match name.as_str() {
            "private" => &PRIVATE[..],
            _ => &[],
        });
        let written = blocked.iter().map(String::as_str).filter(|name| *name != "private");
        Ok(Some(Self {
            blocked: names.copied().chain(written).map(read).collect::<Result<_, _>>()?,
            allowed: allowed.iter().map(|text| read(text)).collect::<Result<_, _>>()?,
        }))
    }

    /// The network for which this address is blocked. One that carries another address must be
    /// allowed as both.
    fn blocking(&self, address: IpAddr) -> Option<Network> {
        let carried = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => carried(address).map(IpAddr::from),
        };
        std::iter::once(address)
            .chain(carried)
            .find_map(|address| {
                let blocked = self.blocked.iter().find(|network| network.contains(address));
                blocked.filter(|_| !self.allowed.iter().any(|network| network.contains(address)))
            })
            .copied()
    }

    /// Whether this address is blocked.
    pub(super) fn block(&self, address: IpAddr) -> bool {
        self.blocking(address).is_some()
    }

    /// Whether a request to this URL may be sent, as far as the URL alone tells it. What a name
    /// leads to is seen when it is resolved; a proxy resolves it unseen, but for `localhost`,
    /// which is the proxy itself.
    ///
    /// # Errors
    /// `network_blocked`.
    pub(super) fn permit(&self, url: &Url, proxied: bool) -> Result<(), Failure> {
        let addresses: &[IpAddr] = match url.host() {
            Some(Host::Ipv4(address)) => &[address.into()],
            Some(Host::Ipv6(address)) => &[address.into()],
            Some(Host::Domain(name)) if proxied && is_localhost(name) => {
                &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Some(Host::Domain(_)) | None => &[],
        };
        match addresses.iter().find(|address| self.block(**address)) {
            Some(address) => Err(self.failure(url.host_str().unwrap_or_default(), *address)),
            None => Ok(()),
        }
    }

    /// A host has this blocked address, and no other that would do.
    pub(super) fn failure(&self, host: &str, address: IpAddr) -> Failure {
        let network = self.blocking(address).map(|network| network.to_string());
        Failure::new(
            FailureReason::NetworkBlocked,
            format!(
                "{host} is {address}, of the blocked network {}",
                network.as_deref().unwrap_or_default()
            ),
        )
    }
}

/// `localhost` and all below it (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(blocked: &[&str], allowed: &[&str]) -> Networks {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Networks::parse(&owned(blocked), &owned(allowed)).expect("networks").expect("some")
    }

    /// The networks for which a URL is blocked before anything is resolved.
    fn refusal(networks: &Networks, url: &str, proxied: bool) -> Option<String> {
        let url = Url::parse(url).expect("URL");
        networks.permit(&url, proxied).err().map(|failure| {
            assert_eq!(failure.reason, FailureReason::NetworkBlocked);
            failure.detail
        })
    }

    #[test]
    fn private_is_what_is_not_of_the_public_internet() {
        let private = networks(&["private"], &[]);
        for (address, blocked) in [
            ("0.0.0.0", Some("0.0.0.0/8")),
            ("0.1.2.3", Some("0.0.0.0/8")),
            ("1.0.0.0", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some("10.0.0.0/8")),
            ("10.255.255.255", Some("10.0.0.0/8")),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some("100.64.0.0/10")),
            ("100.100.100.200", Some("100.64.0.0/10")),
            ("100.127.255.255", Some("100.64.0.0/10")),
            ("100.128.0.0", None),
            ("127.0.0.1", Some("127.0.0.0/8")),
            ("127.255.255.254", Some("127.0.0.0/8")),
            ("128.0.0.0", None),
            ("168.63.129.15", None),
            ("168.63.129.16", Some("168.63.129.16/32")),
            ("169.253.255.255", None),
            ("169.254.169.254", Some("169.254.0.0/16")),
            ("169.255.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.1", Some("172.16.0.0/12")),
            ("172.31.255.255", Some("172.16.0.0/12")),
            ("172.32.0.0", None),
            ("192.0.0.192", Some("192.0.0.0/24")),
            ("192.0.1.0", None),
            ("192.0.2.1", Some("192.0.2.0/24")),
            ("192.88.99.1", Some("192.88.99.0/24")),
            ("192.167.255.255", None),
            ("192.168.0.1", Some("192.168.0.0/16")),
            ("192.169.0.0", None),
            ("198.17.255.255", None),
            ("198.19.255.255", Some("198.18.0.0/15")),
            ("198.20.0.0", None),
            ("198.51.100.7", Some("198.51.100.0/24")),
            ("203.0.113.7", Some("203.0.113.0/24")),
            ("223.255.255.255", None),
            ("224.0.0.1", Some("224.0.0.0/4")),
            ("239.255.255.250", Some("224.0.0.0/4")),
            ("240.0.0.1", Some("240.0.0.0/4")),
            ("255.255.255.255", Some("240.0.0.0/4")),
            ("::", Some("::/127")),
            ("::1", Some("::/127")),
            ("64:ff9b:1::a00:1", Some("64:ff9b:1::/48")),
            ("100::1", Some("100::/64")),
            ("2001:2::1", Some("2001::/23")),
            ("2001:200::1", None),
            ("2001:4860:4860::8888", None),
            ("2001:db8::1", Some("2001:db8::/32")),
            ("2a00:1450:4001::1", None),
            ("3fff:fff::1", Some("3fff::/20")),
            ("3fff:1000::1", None),
            ("5f00::1", Some("5f00::/16")),
            ("fbff::1", None),
            ("fc00::1", Some("fc00::/7")),
            ("fd00:ec2::254", Some("fc00::/7")),
            ("fe00::1", None),
            ("fe80::1", Some("fe80::/9")),
            ("febf::1", Some("fe80::/9")),
            ("fec0::1", Some("fe80::/9")),
            ("ff02::1", Some("ff00::/8")),
        ] {
            let found = private.blocking(address.parse().expect("address"));
            assert_eq!(found.map(|network| network.to_string()).as_deref(), blocked, "{address}");
        }
    }

    #[test]
    fn an_address_in_another_address_counts_too() {
        let private = networks(&["private"], &[]);
        for (carrying, blocked) in [
            ("::ffff:127.0.0.1", true),
            ("::ffff:169.254.169.254", true),
            ("::ffff:8.8.8.8", false),
            ("::10.0.0.1", true),
            ("::8.8.8.8", false),
            ("::ffff:0:10.0.0.1", true),
            ("::ffff:0:8.8.8.8", false),
            ("64:ff9b::10.0.0.1", true),
            ("64:ff9b::169.254.169.254", true),
            // Where a network has IPv6 alone, this is how it reaches the public IPv4.
            ("64:ff9b::8.8.8.8", false),
            ("2002:7f00:1::1", true),
            ("2002:a00:1::1", true),
            ("2002:808:808::1", false),
        ] {
            assert_eq!(private.block(carrying.parse().expect("address")), blocked, "{carrying}");
        }
        let ten = networks(&["10.0.0.0/8"], &[]);
        for (carrying, blocked) in [
            // 10.0.0.1 inverted.
            ("2001:0:808:808::f5ff:fffe", true),
            ("2001:0:808:808::f7f7:f7f7", false),
            ("::ffff:10.0.0.1", true),
        ] {
            assert_eq!(ten.block(carrying.parse().expect("address")), blocked, "{carrying}");
        }
    }

    #[test]
    fn an_exception_is_no_exception_for_what_it_carries() {
        let but_one = networks(&["private", "8.8.8.0/24"], &["10.1.0.0/16", "fd00:1::/32", "::1"]);
        for (address, blocked) in [
            ("10.0.255.255", true),
            ("10.1.0.0", false),
            ("10.1.255.255", false),
            ("10.2.0.0", true),
            ("::ffff:10.1.0.0", false),
            ("64:ff9b::10.1.0.0", false),
            ("64:ff9b::10.2.0.0", true),
            ("fd00:1::1", false),
            ("fd00:2::1", true),
            ("::1", false),
            ("::", true),
            ("8.8.8.8", true),
            ("8.8.4.4", false),
        ] {
            assert_eq!(but_one.block(address.parse().expect("address")), blocked, "{address}");
        }
    }

    #[test]
    fn a_url_tells_its_address_in_whatever_form() {
        let private = networks(&["private"], &[]);
        let loopback = Some("127.0.0.1 is 127.0.0.1, of the blocked network 127.0.0.0/8");
        for (url, refused) in [
            ("http://127.0.0.1:8080/", loopback),
            ("http://127.0.0.1./", loopback),
            ("http://127.1/", loopback),
            ("http://2130706433/", loopback),
            ("http://0x7f000001/", loopback),
            ("http://0177.0.0.1/", loopback),
            ("http://%31%32%37.0.0.1/", loopback),
            ("http://①②⑦.0.0.1/", loopback),
            ("http://user:pw@127.0.0.1/", loopback),
            ("http://[::1]/", Some("[::1] is ::1, of the blocked network ::/127")),
            (
                "https://[::ffff:7f00:1]/",
                Some("[::ffff:7f00:1] is ::ffff:127.0.0.1, of the blocked network 127.0.0.0/8"),
            ),
            ("https://8.8.8.8/", None),
            ("https://[2a00:1450:4001::1]/", None),
            // What these lead to is seen when they are resolved.
            ("https://localhost/", None),
            ("https://id.example/", None),
        ] {
            assert_eq!(refusal(&private, url, false).as_deref(), refused, "{url}");
        }
    }

    #[test]
    fn to_a_proxy_localhost_is_the_proxy() {
        let private = networks(&["private"], &[]);
        for (url, refused) in [
            ("http://localhost/", true),
            ("http://LOCALHOST./", true),
            ("http://a.localhost/", true),
            ("http://10.0.0.1/", true),
            ("http://notlocalhost/", false),
            ("http://id.example/", false),
        ] {
            assert_eq!(refusal(&private, url, true).is_some(), refused, "{url}");
        }
        assert_eq!(refusal(&networks(&["10.0.0.0/8"], &[]), "http://localhost/", true), None);
    }

    #[test]
    fn what_is_no_network_is_told() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "10.0.0.0/8/8",
            "::/129",
            "fe80::1/10",
            "fe80::1%eth0",
            "Private",
            "localhost",
            " ::1",
        ] {
            let error = Networks::parse(&[text.to_owned()], &[]);
            assert_eq!(error, Err(format!("{text:?} is no network such as 10.0.0.0/8")));
        }
        let error = Networks::parse(&["private".to_owned()], &["private".to_owned()]);
        assert_eq!(error, Err("\"private\" is no network such as 10.0.0.0/8".to_owned()));
        let error = Networks::parse(&[], &["::1".to_owned()]);
        assert_eq!(error, Err("exceptions mean nothing where no network is blocked".to_owned()));
        assert_eq!(Networks::parse(&[], &[]), Ok(None));
        for (text, read) in [
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            let network = Network::parse(text).map(|network| network.to_string());
            assert_eq!(network.as_deref(), Some(read), "{text}");
        }
    }
}
