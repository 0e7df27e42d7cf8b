//! How connections reach a host: directly or through a proxy, by which address family, and
//! under which name.

use std::net::IpAddr;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Networks;

/// The routing of a module.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The proxy, for every host that it is not kept from.
    pub proxy: Option<Proxy>,
    /// The name that is sent and checked in handshakes with the target's origin, instead of the
    /// host in its URL (RFC 6066 §3).
    pub server_name: Option<String>,
    /// Which addresses are taken.
    pub family: Family,
    /// Networks that no request goes to, whoever named its URL. The proxy may lie in them.
    pub networks: Option<Arc<Networks>>,
}

/// Which addresses of a name are taken. There is one attempt, to one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// The first in the order of the system (RFC 6724).
    #[default]
    System,
    /// The first of IPv4; without one the first of the other family, where that may be.
    Ipv4 {
        /// Whether an address of the other family will do.
        fallback: bool,
    },
    /// The first of IPv6; without one the first of the other family, where that may be.
    Ipv6 {
        /// Whether an address of the other family will do.
        fallback: bool,
    },
}

impl Family {
    /// The address to connect to.
    pub(super) fn choose(self, found: &[IpAddr]) -> Option<IpAddr> {
        let first = |wanted: fn(&IpAddr) -> bool, fallback: bool| {
            let preferred = found.iter().find(|address| wanted(address));
            preferred.or(found.first().filter(|_| fallback)).copied()
        };
        match self {
            Self::System => found.first().copied(),
            Self::Ipv4 { fallback } => first(IpAddr::is_ipv4, fallback),
            Self::Ipv6 { fallback } => first(IpAddr::is_ipv6, fallback),
        }
    }
}

/// A forward proxy, or one of SOCKS.
#[derive(Clone)]
pub struct Proxy {
    /// With its userinfo, which is a secret.
    url: Url,
    matcher: Arc<Matcher>,
}

/// The schemes of proxies. Through one of `https` there would be two handshakes, whose
/// certificates could not be told apart.
const SCHEMES: [&str; 4] = ["http", "socks4", "socks5", "socks5h"];

impl Proxy {
    /// The proxy at this URL, for every host that `no_proxy` does not name: a list, with commas,
    /// of addresses, networks, and domains with all below them, or `*`. `None` for a scheme
    /// that is not `http`, `socks4`, `socks5` or `socks5h`.
    #[must_use]
    pub fn new(url: Url, no_proxy: &str) -> Option<Self> {
        if !SCHEMES.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
            return None;
        }
        let matcher = Matcher::builder().all(url.as_str()).no(no_proxy).build();
        Some(Self { url, matcher: Arc::new(matcher) })
    }

    /// Where it is.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether requests to this URL go through it.
    pub(super) fn takes(&self, url: &Url) -> bool {
        // The scheme chooses between proxies; here is one for all.
        url.as_str().parse().is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }

    /// Whether it reads requests to this URL and hands them on, instead of a connection.
    pub(super) fn hands_on(&self, url: &Url) -> bool {
        self.url.scheme() == "http" && url.scheme() == "http" && self.takes(url)
    }

    /// For the client of those requests that it takes.
    pub(super) fn client_side(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        reqwest::Proxy::all(self.url.as_str())
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({}://{})", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("URL")
    }

    #[test]
    fn a_proxy_takes_all_but_what_it_is_kept_from() {
        let no_proxy = "192.0.2.0/24, ::1, .internal.example";
        let proxy = Proxy::new(url("http://user:pw@proxy.example:3128"), no_proxy).expect("proxy");
        for (to, taken) in [
            ("https://id.example/", true),
            ("http://127.0.0.1:8080/", true),
            ("https://192.0.2.7/", false),
            ("https://[::1]/", false),
            ("https://a.internal.example/", false),
            ("https://internal.example/", false),
            ("https://notinternal.example/", true),
        ] {
            assert_eq!(proxy.takes(&url(to)), taken, "{to}");
        }
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example)");
        let hands_on = |proxy: &str, to: &str| {
            Proxy::new(url(proxy), no_proxy).expect("proxy").hands_on(&url(to))
        };
        assert!(hands_on("http://proxy.example", "http://id.example/"));
        assert!(!hands_on("http://proxy.example", "http://internal.example/"));
        assert!(!hands_on("http://proxy.example", "https://id.example/"));
        assert!(!hands_on("socks5://proxy.example", "http://id.example/"));
        assert!(Proxy::new(url("https://proxy.example"), "").is_none());
        assert!(Proxy::new(url("ftp://proxy.example"), "").is_none());
    }

    #[test]
    fn the_preferred_family_is_taken_and_the_other_only_where_it_may_be() {
        let [v4, v6]: [IpAddr; 2] =
            ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().expect("address"));
        let ipv4 = |fallback| Family::Ipv4 { fallback };
        let ipv6 = |fallback| Family::Ipv6 { fallback };
        for (family, found, expected) in [
            (Family::System, &[v6, v4][..], Some(v6)),
            (Family::System, &[], None),
            (ipv4(false), &[v6, v4], Some(v4)),
            (ipv4(false), &[v6], None),
            (ipv4(true), &[v6], Some(v6)),
            (ipv6(true), &[v4, v6], Some(v6)),
            (ipv6(true), &[v4], Some(v4)),
            (ipv6(false), &[v4], None),
        ] {
            assert_eq!(family.choose(found), expected, "{family:?} {found:?}");
        }
    }
}
