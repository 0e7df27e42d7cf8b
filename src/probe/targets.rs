//! Where a module may be pointed: listed targets and patterns.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;

use super::Target;

/// A target that the configuration lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTarget {
    /// The text of a [`Target`], which is parsed when it is probed: there may be thousands.
    pub target: Arc<str>,
    /// The user's labels, for service discovery.
    pub labels: BTreeMap<String, String>,
}

/// The targets that a module may be pointed at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    listed: Vec<ListedTarget>,
    /// Positions of those in the order of their texts.
    by_text: Vec<usize>,
    patterns: Vec<Pattern>,
}

impl Targets {
    /// The listed targets, which are compared exactly, character by character, and the
    /// patterns, which are matched part by part.
    #[must_use]
    pub fn new(listed: Vec<ListedTarget>, patterns: Vec<Pattern>) -> Self {
        let mut by_text: Vec<usize> = (0..listed.len()).collect();
        by_text.sort_by_key(|position| listed.get(*position).map(|listed| &listed.target));
        Self { listed, by_text, patterns }
    }

    /// The listed targets in the order of the configuration.
    #[must_use]
    pub fn listed(&self) -> &[ListedTarget] {
        &self.listed
    }

    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether the module may be pointed at this target. Without any list it may
    /// be pointed anywhere; the configuration allows that only to a module without secrets.
    #[must_use]
    pub fn allow(&self, target: &Target) -> bool {
        (self.listed.is_empty() && self.patterns.is_empty())
            || self.lists(target)
            || self.patterns.iter().any(|pattern| pattern.matches(target.url()))
    }

    /// Whether this is a part of a target or pattern, which everybody may see.
    #[must_use]
    pub fn show(&self, text: &str) -> bool {
        self.listed.iter().any(|listed| listed.target.contains(text))
            || self.patterns.iter().any(|pattern| pattern.host.contains(text))
    }

    /// Whether this very target is listed.
    #[must_use]
    pub fn lists(&self, target: &Target) -> bool {
        let wanted = Some(target.as_str());
        let text = |position: &usize| self.listed.get(*position).map(|listed| &*listed.target);
        self.by_text.binary_search_by(|position| text(position).cmp(&wanted)).is_ok()
    }
}

/// A pattern of `allowed_targets`. Scheme, host, port and path are matched each by
/// itself on the parsed URL, so that no part can be escaped through another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    scheme: String,
    /// Labels of the host, each literal or with one or more `*`.
    host: String,
    port: Option<u16>,
    path: PathPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PathPattern {
    Exact(String),
    /// Ends in `/`; everything below it.
    Below(String),
}

/// Stands in for `*` while the pattern is parsed as a URL.
const STAR: &str = "x--star--x";

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not a URL but for its stars.
    #[error("is not a pattern such as https://*.example.com/*")]
    NotAUrl,
    /// A star in the scheme or port, or in an address.
    #[error("`*` may stand in the labels of a host name and at the end of the path after a slash")]
    Star,
    /// A part that never matches.
    #[error("holds userinfo, a query or a fragment, which never match")]
    Part,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When a part is missing, or has a star where none may be.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.contains(STAR) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(PatternError::NotAUrl);
        }
        if text.contains(['?', '#', '@', '\\']) {
            return Err(PatternError::Part);
        }
        let (scheme, rest) = text.split_once("://").ok_or(PatternError::NotAUrl)?;
        if !matches!(scheme, "http" | "https") {
            return Err(if scheme.contains('*') {
                PatternError::Star
            } else {
                PatternError::NotAUrl
            });
        }
        let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        if authority.is_empty() {
            return Err(PatternError::NotAUrl);
        }
        let (path, below) = match path.strip_suffix("/*") {
            Some(path) => (format!("{path}/"), true),
            None => (path.to_owned(), false),
        };
        if path.contains('*') {
            return Err(PatternError::Star);
        }
        // The URL parser brings host and path into the form that targets have.
        let url = Url::parse(&format!("{scheme}://{}{path}", authority.replace('*', STAR)))
            .map_err(|_| {
                if authority.contains(":*") { PatternError::Star } else { PatternError::NotAUrl }
            })?;
        let host = url.host_str().ok_or(PatternError::NotAUrl)?.replace(STAR, "*");
        if host.matches('*').count() != authority.matches('*').count() {
            return Err(PatternError::Star);
        }
        let path = url.path().to_owned();
        Ok(Self {
            scheme: scheme.to_owned(),
            host,
            port: url.port_or_known_default(),
            path: if below { PathPattern::Below(path) } else { PathPattern::Exact(path) },
        })
    }

    /// Whether the URL matches in every part and has neither query nor fragment.
    #[must_use]
    pub fn matches(&self, url: &Url) -> bool {
        url.scheme() == self.scheme
            && url.port_or_known_default() == self.port
            && url.query().is_none()
            && url.fragment().is_none()
            && url.host().is_some_and(|host| self.matches_host(&host))
            && match &self.path {
                PathPattern::Exact(path) => url.path() == path,
                PathPattern::Below(path) => {
                    url.path().strip_prefix(&**path).is_some_and(stays_below)
                }
            }
    }

    /// A URL that it matches, with a letter or number for each star.
    #[must_use]
    pub fn example(&self) -> Option<Url> {
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        let star = if self.names_addresses() { "1" } else { "a" };
        Url::parse(&format!("{}://{}{port}/", self.scheme, self.host.replace('*', star))).ok()
    }

    /// Whether the host is written as an address of IPv4, of which stars leave a part.
    fn names_addresses(&self) -> bool {
        let mut literal = self.host.split('.').filter(|label| !label.contains('*')).peekable();
        literal.peek().is_some() && literal.all(|label| label.bytes().all(|b| b.is_ascii_digit()))
    }

    fn matches_host(&self, host: &url::Host<&str>) -> bool {
        // The labels of a name are none of an address, and anybody may have a name of numbers but
        // for its last label.
        let is_like_pattern = match host {
            url::Host::Domain(_) => !self.names_addresses(),
            url::Host::Ipv4(_) => self.names_addresses(),
            url::Host::Ipv6(_) => false,
        };
        if self.host.contains('*') && !is_like_pattern {
            return false;
        }
        let host = host.to_string();
        let mut labels = host.split('.');
        self.host
            .split('.')
            .all(|pattern| labels.next().is_some_and(|label| matches_label(pattern, label)))
            && labels.next().is_none()
    }
}

/// Whether servers that decode before they divide a path, or divide parameters from a segment (`..;x`,
/// RFC 3986 §3.3), see nothing in this part that leads out of the folder: no slash, backslash or dot
/// segment.
fn stays_below(path: &str) -> bool {
    path.split('/').all(|segment| {
        let mut name = percent_decode_str(segment).collect::<Vec<_>>();
        let is_one = !name.iter().any(|byte| b"/\\".contains(byte));
        name.truncate(name.iter().position(|byte| *byte == b';').unwrap_or(name.len()));
        is_one && name != b"." && name != b".."
    })
}

/// `*` stands for one or more characters of the label.
fn matches_label(pattern: &str, label: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let Some(rest) = label.strip_prefix(before) else {
        return false;
    };
    rest.char_indices()
        .skip(1)
        .map(|(at, _)| at)
        .chain([rest.len()])
        .filter(|_| !rest.is_empty())
        .any(|at| rest.get(at..).is_some_and(|rest| matches_label(after, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, target: &str) -> bool {
        Pattern::parse(pattern).expect(pattern).matches(&Url::parse(target).expect(target))
    }

    #[test]
    fn a_star_of_a_name_is_no_part_of_an_address() {
        for pattern in ["https://*/*", "https://*.*.*.*/*", "https://1*/*"] {
            for target in ["https://[::1]/", "https://[2001:db8::1]/", "https://192.0.2.1/"] {
                assert!(!matches(pattern, target), "{pattern} {target}");
            }
        }
        assert!(matches("https://*/*", "https://intranet/"));
        assert!(matches("https://192.0.2.*/*", "https://192.0.2.77/"));
        assert!(!matches("https://192.0.2.*/*", "https://192.0.3.77/"));
        assert!(!matches("https://192.0.2.*/*", "https://192.0.2.example/"));
        assert!(!matches("https://192.0.*/*", "https://192.0.example/"));
        assert!(matches("https://[2001:db8::1]/*", "https://[2001:db8::1]/"));
    }

    #[test]
    fn a_star_is_one_label_or_part_of_one() {
        let pattern = "https://*.tenants.example.com/*";
        for target in [
            "https://a.tenants.example.com/",
            "https://a.tenants.example.com:443/x/y",
            "HTTPS://A.Tenants.Example.com/",
        ] {
            assert!(matches(pattern, target), "{target}");
        }
        for target in [
            "http://a.tenants.example.com/",
            "https://a.b.tenants.example.com/",
            "https://tenants.example.com/",
            "https://.tenants.example.com/",
            "https://a.tenants.example.com:8443/",
            "https://a.tenants.example.com.evil.example/",
            "https://evil.example/a.tenants.example.com/",
            "https://evil.example/?https://a.tenants.example.com/",
            "https://a.tenants.example.com/?q",
            "https://a.tenants.example.com/#f",
            "https://evil.example\\.tenants.example.com/",
        ] {
            assert!(!matches(pattern, target), "{target}");
        }
        for pattern in [pattern, "https://192.0.2.*/*", "https://[2001:db8::1]/*"] {
            let example = Pattern::parse(pattern).expect(pattern).example().expect(pattern);
            assert!(matches(pattern, example.as_str()), "{pattern} {example}");
        }
        assert!(matches("https://eu-*.example.com/*", "https://eu-1.example.com/"));
        assert!(!matches("https://eu-*.example.com/*", "https://eu-.example.com/"));
        assert!(matches("https://*-a-*.example.com/", "https://x-a-a-y.example.com/"));
    }

    #[test]
    fn a_path_is_literal_or_a_folder() {
        assert!(matches("https://a.example/t/*", "https://a.example/t/x"));
        assert!(matches("https://a.example/t/*", "https://a.example/t/"));
        for target in [
            "https://a.example/t",
            "https://a.example/tx",
            "https://a.example/t/../secret",
            "https://a.example/t/%2e%2e/secret",
            // For servers that decode first.
            "https://a.example/t/..%2fsecret",
            "https://a.example/t/%2E%2E%2Fsecret",
            "https://a.example/t/..%5Csecret",
            "https://a.example/t/%2e%2e;/secret",
            "https://a.example/t/..;/secret",
            "https://a.example/t/x/.%2e;a=b/secret",
            "https://a.example/t/..%3b/secret",
        ] {
            assert!(!matches("https://a.example/t/*", target), "{target}");
        }
        assert!(matches("https://a.example/t/*", "https://a.example/t/%20.%2e"));
        assert!(matches("https://a.example/t%2fu/*", "https://a.example/t%2fu/x"));
        assert!(matches("https://a.example", "https://a.example/"));
        assert!(!matches("https://a.example", "https://a.example/x"));
        assert!(matches("https://[::1]:8443/*", "https://[::1]:8443/x"));
    }

    #[test]
    fn a_listed_target_is_found_by_its_exact_text() {
        let texts = ["https://b.example/", "https://a.example", "https://b.example/?x"];
        let listed = |text: &&str| ListedTarget { target: (*text).into(), labels: BTreeMap::new() };
        let targets = Targets::new(texts.iter().map(listed).collect(), Vec::new());
        let order: Vec<&str> = targets.listed().iter().map(|listed| &*listed.target).collect();
        assert_eq!(order, texts);
        let lists = |text: &str| targets.lists(&Target::parse(text).expect(text));
        for text in texts {
            assert!(lists(text), "{text}");
        }
        for text in ["https://b.example", "https://a.example/", "https://c.example", "https://0"] {
            assert!(!lists(text), "{text}");
        }
    }

    #[test]
    fn patterns_that_could_not_mean_what_they_say_are_refused() {
        for (pattern, error) in [
            ("*://a.example/", PatternError::Star),
            ("https://a.example:*/", PatternError::Star),
            ("https://a.example/*/x", PatternError::Star),
            ("https://a.example/x*", PatternError::Star),
            ("https://a.example/?x=*", PatternError::Part),
            ("https://u@a.example/", PatternError::Part),
            ("a.example", PatternError::NotAUrl),
            ("ftp://a.example/", PatternError::NotAUrl),
            ("https:///x", PatternError::NotAUrl),
        ] {
            assert_eq!(Pattern::parse(pattern), Err(error), "{pattern}");
        }
    }
}
