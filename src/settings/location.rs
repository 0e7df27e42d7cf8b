//! URLs that the configuration names, absolute or relative to the target.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Error, Path};

/// A URL of the configuration: absolute, or relative to the target (RFC 3986 §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location(String);

/// What the `http` block of a module says of how its secrets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// `http.allow_plain_http`.
    pub allow_plain_http: bool,
    /// Whether `http.tls_config` has a client certificate.
    pub client_certificate: bool,
}

impl Transport {
    /// Refuses a URL of the configuration over which a secret would travel in the clear.
    ///
    /// # Errors
    /// For plain http to a host that is not loopback, unless the module allows it.
    pub fn check(self, url: &Url, at: &Path) -> Result<(), Error> {
        self.check_carrying("a secret", url, at)
    }

    /// The same for a URL that carries something else than a secret.
    pub(super) fn check_carrying(self, what: &str, url: &Url, at: &Path) -> Result<(), Error> {
        if url.scheme() == "http" && !self.allow_plain_http && !is_loopback(url) {
            return Err(at.error(format!(
                "{what} would travel over plain http: use https, or set http.allow_plain_http"
            )));
        }
        Ok(())
    }
}

/// Whether the host is an address of the loopback range or the name `localhost`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Refuses text of a URL that the parser would take for another: it drops what surrounds a
/// URL, and line ends inside of it.
///
/// # Errors
/// For text that is empty or holds a space or a control character.
pub(super) fn check_text(text: &str, at: &Path) -> Result<(), Error> {
    if text.is_empty() {
        return Err(at.error("is empty"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(at.error("holds a control character or a space"));
    }
    Ok(())
}

impl Location {
    /// Checks the URL. A relative one is checked again with each target, where it cannot fail.
    ///
    /// # Errors
    /// For a URL that does not parse, another scheme than http(s), userinfo or a
    /// fragment, and for plain http that would carry a secret.
    pub fn check(&self, at: &Path, transport: Transport) -> Result<(), Error> {
        self.check_carrying("a secret", at, transport)
    }

    /// The same for a URL that carries something else than a secret.
    pub(super) fn check_carrying(
        &self,
        what: &str,
        at: &Path,
        transport: Transport,
    ) -> Result<(), Error> {
        check_text(&self.0, at)?;
        // Any http(s) base does: what a relative reference may hold does not depend on it.
        let url = Url::parse("https://target.invalid/")
            .and_then(|base| base.join(&self.0))
            .map_err(|error| at.error(format!("is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(at.error("is not an http or https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(at.error("holds userinfo: put the credential into its own field"));
        }
        if url.fragment().is_some() {
            return Err(at.error("holds a fragment, which is never sent"));
        }
        transport.check_carrying(what, &url, at)
    }

    /// The URL as it is written, where it is an absolute one.
    #[must_use]
    pub fn absolute(&self) -> Option<&str> {
        Url::parse(&self.0).is_ok().then_some(self.0.as_str())
    }

    /// The URL seen from this target; `None` only for a location that [`Location::check`] refuses.
    #[must_use]
    pub fn resolve(&self, target: &Url) -> Option<Url> {
        target.join(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let strict = Transport { allow_plain_http: false, client_certificate: false };
        Location(text.into())
            .check(&Path::default().key("url"), strict)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn takes_absolute_and_relative_urls() {
        for text in [
            "https://api.example.com/me",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
            "http://localhost/",
            "/me",
            "me?x=1",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_called_safely() {
        for (text, message) in [
            ("ftp://example.com/", "url: is not an http or https URL"),
            (
                "https://user:pw@example.com/",
                "url: holds userinfo: put the credential into its own field",
            ),
            ("https://example.com/#x", "url: holds a fragment, which is never sent"),
            ("", "url: is empty"),
            (" https://example.com/", "url: holds a control character or a space"),
            ("https://exa mple.com/", "url: holds a control character or a space"),
            ("https://exa%20mple.com/", "url: is not a URL: invalid international domain name"),
            (
                "http://api.example.com/",
                "url: a secret would travel over plain http: use https, or set http.allow_plain_http",
            ),
        ] {
            assert_eq!(check(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn resolves_against_the_target() {
        let target = Url::parse("https://a.example/tenant/v1").expect("URL");
        let resolve =
            |text: &str| Location(text.into()).resolve(&target).map(|url| url.to_string());
        assert_eq!(resolve("/me").as_deref(), Some("https://a.example/me"));
        assert_eq!(resolve("me").as_deref(), Some("https://a.example/tenant/me"));
        assert_eq!(resolve("https://b.example/x").as_deref(), Some("https://b.example/x"));
    }
}
