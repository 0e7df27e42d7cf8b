//! Under which paths the exporter answers, and where it says that it is found.

use url::Url;

/// `--web.route-prefix` and `--web.external-url`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// Empty, or `/` and more without a `/` at its end.
    prefix: String,
    external: Option<External>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct External {
    /// Host and port.
    address: String,
    /// As the prefix.
    path: String,
    /// The whole, with a `/` at its end.
    url: String,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// What follows the prefix.
    Own(&'a str),
    /// It is found there.
    Elsewhere(String),
    /// Nothing.
    Unknown,
}

impl Paths {
    /// Without a prefix it is the path of the external URL. What is empty is not given, as in
    /// `blackbox_exporter`.
    ///
    /// # Errors
    /// When the URL is none of a web site, or the prefix none of a path.
    pub fn new(external_url: Option<&str>, route_prefix: Option<&str>) -> Result<Self, String> {
        let given = |text: &&str| !text.is_empty();
        let external = external_url.filter(given).map(external).transpose()?;
        let prefix = match route_prefix.filter(given) {
            Some(prefix) => path(prefix),
            None => external.as_ref().map(|external| external.path.clone()).unwrap_or_default(),
        };
        if prefix.contains(|c: char| !c.is_ascii_graphic() || "?#%\"<>\\^`{|}".contains(c)) {
            return Err(format!("{prefix:?} is no prefix of a path"));
        }
        Ok(Self { prefix, external })
    }

    /// Where a path leads. The landing page stands at the prefix with a `/`, for links are
    /// relative to it.
    pub(super) fn route<'a>(&self, path: &'a str) -> Route<'a> {
        let landing = || match &self.external {
            Some(external) => external.url.clone(),
            None => format!("{}/", self.prefix),
        };
        match path.strip_prefix(self.prefix.as_str()) {
            Some("") => Route::Elsewhere(landing()),
            Some(rest) if rest.starts_with('/') => Route::Own(rest),
            _ if path == "/" => Route::Elsewhere(landing()),
            _ => Route::Unknown,
        }
    }

    /// Host and port under which it is reached, if that was said.
    pub(super) fn address(&self) -> Option<&str> {
        self.external.as_ref().map(|external| external.address.as_str())
    }

    /// Whether it is reached over https, if that was said.
    pub(super) fn is_https(&self) -> Option<bool> {
        self.external.as_ref().map(|external| external.url.starts_with("https:"))
    }

    /// The path of a probe for who reaches it there.
    pub(super) fn probe(&self) -> String {
        let prefix = self.external.as_ref().map_or(&self.prefix, |external| &external.path);
        format!("{prefix}/probe")
    }
}

fn external(text: &str) -> Result<External, String> {
    let wrong = |what: &str| Err(format!("the URL {text:?} {what}"));
    let Ok(url) = Url::parse(text) else { return wrong("cannot be read") };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL holds a credential".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("holds a query or a fragment");
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return wrong("has no host");
    };
    let path = path(url.path());
    Ok(External {
        address: format!("{host}:{port}"),
        url: format!("{}{path}/", url.origin().ascii_serialization()),
        path,
    })
}

fn path(text: &str) -> String {
    match text.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(external_url: Option<&str>, route_prefix: Option<&str>) -> Paths {
        Paths::new(external_url, route_prefix).unwrap()
    }

    #[test]
    fn the_prefix_leads() {
        let elsewhere = |text: &str| Route::Elsewhere(text.to_owned());
        let plain = paths(None, None);
        assert_eq!(paths(Some(""), Some("")), plain);
        let prefixed = paths(None, Some("auth/exporter/"));
        let external = paths(Some("https://example.com/auth"), None);
        let empty = paths(Some("https://example.com/auth"), Some(""));
        let stripped = paths(Some("https://example.com:8443/auth/"), Some("/"));
        for (paths, path, route) in [
            (&plain, "/", Route::Own("/")),
            (&plain, "/probe", Route::Own("/probe")),
            (&plain, "", elsewhere("/")),
            (&prefixed, "/auth/exporter/", Route::Own("/")),
            (&prefixed, "/auth/exporter/-/reload", Route::Own("/-/reload")),
            (&prefixed, "/auth/exporter", elsewhere("/auth/exporter/")),
            (&prefixed, "/", elsewhere("/auth/exporter/")),
            (&prefixed, "/auth/exporters", Route::Unknown),
            (&prefixed, "/probe", Route::Unknown),
            (&external, "/auth/metrics", Route::Own("/metrics")),
            (&external, "/", elsewhere("https://example.com/auth/")),
            (&empty, "/auth/metrics", Route::Own("/metrics")),
            (&stripped, "/metrics", Route::Own("/metrics")),
            (&stripped, "/auth/metrics", Route::Own("/auth/metrics")),
        ] {
            assert_eq!(paths.route(path), route, "{paths:?} {path}");
        }
        assert_eq!((plain.address(), plain.probe()), (None, "/probe".to_owned()));
        let by_http = paths(Some("http://example.com"), None);
        assert_eq!(
            [&plain, &external, &by_http].map(Paths::is_https),
            [None, Some(true), Some(false)]
        );
        assert_eq!(
            (prefixed.address(), prefixed.probe()),
            (None, "/auth/exporter/probe".to_owned())
        );
        assert_eq!(
            (external.address(), external.probe()),
            (Some("example.com:443"), "/auth/probe".to_owned())
        );
        assert_eq!(
            (stripped.address(), stripped.probe()),
            (Some("example.com:8443"), "/auth/probe".to_owned())
        );
    }

    #[test]
    fn what_is_no_url_or_prefix_is_refused() {
        for (url, prefix, error) in [
            (Some("example.com"), None, "the URL \"example.com\" cannot be read"),
            (
                Some("\"https://example.com\""),
                None,
                "the URL \"\\\"https://example.com\\\"\" cannot be read",
            ),
            (
                Some("ftp://example.com"),
                None,
                "the URL \"ftp://example.com\" is neither http nor https",
            ),
            (Some("https://a:b@example.com"), None, "the URL holds a credential"),
            (
                Some("https://example.com/?a"),
                None,
                "the URL \"https://example.com/?a\" holds a query or a fragment",
            ),
            (None, Some("/a b"), "\"/a b\" is no prefix of a path"),
            (None, Some("/a?b"), "\"/a?b\" is no prefix of a path"),
        ] {
            assert_eq!(Paths::new(url, prefix), Err(error.to_owned()));
        }
    }
}
