//! What a scraper asks for: a target and a time budget.

use std::time::Duration;

use url::Url;

/// A target that may be probed, as far as its form goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    url: Url,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It does not parse.
    #[error("is not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// Control characters, or whitespace that a URL parser would drop in silence.
    #[error("holds a control character or a space")]
    Control,
    /// Another scheme.
    #[error("is not an http or https URL")]
    Scheme,
    /// A credential in the URL.
    #[error("holds userinfo: a credential belongs into the module")]
    Userinfo,
    /// A fragment, which is never sent.
    #[error("holds a fragment")]
    Fragment,
}

impl Target {
    /// Checks a target that was decoded once.
    ///
    /// # Errors
    /// When it is no plain http(s) URL.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(TargetError::Control);
        }
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        // The parser forgets an empty userinfo, as in `https://@host`, and wants no slashes.
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        let authority = rest.trim_start_matches(['/', '\\']).split(['/', '\\', '?', '#']).next();
        let authority = authority.unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(TargetError::Userinfo);
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// Exactly as it was received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As a URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// The scrape timeout that is assumed when the scraper names none.
const DEFAULT_SCRAPE_TIMEOUT: f64 = 120.0;
/// No budget is longer than this, whatever a scraper names.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The header of a scrape timeout is no finite positive number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("X-Prometheus-Scrape-Timeout-Seconds is not a finite positive number")]
pub struct BudgetError;

/// The time that a probe may take: the scrape timeout less the offset, but never less
/// than half of it; the module's own timeout wins when it is smaller.
///
/// # Errors
/// When the header is no finite positive number.
pub fn budget(
    scrape_timeout: Option<&str>,
    timeout_offset: f64,
    module_timeout: Option<Duration>,
) -> Result<Duration, BudgetError> {
    let seconds = match scrape_timeout {
        None => DEFAULT_SCRAPE_TIMEOUT,
        Some(text) => text
            .parse::<f64>()
            .ok()
            .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
            .ok_or(BudgetError)?,
    };
    let longest = (seconds - timeout_offset).max(seconds / 2.0);
    let longest = Duration::try_from_secs_f64(longest).map_or(LONGEST, |time| time.min(LONGEST));
    Ok(module_timeout.map_or(longest, |timeout| timeout.min(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_targets_that_hide_something() {
        for (text, error) in [
            ("https://user@example.com/", TargetError::Userinfo),
            ("https://:pw@example.com/", TargetError::Userinfo),
            ("https://@example.com/", TargetError::Userinfo),
            ("https:\\\\@example.com", TargetError::Userinfo),
            ("https:@example.com/x", TargetError::Userinfo),
            ("https:/@example.com/x", TargetError::Userinfo),
            ("https://example.com/#a", TargetError::Fragment),
            ("https://example.com/\n", TargetError::Control),
            (" https://example.com/", TargetError::Control),
            ("https://exam\u{7f}ple.com/", TargetError::Control),
            ("ftp://example.com/", TargetError::Scheme),
            ("file:///etc/passwd", TargetError::Scheme),
            ("javascript:alert(1)", TargetError::Scheme),
        ] {
            assert_eq!(Target::parse(text), Err(error), "{text}");
        }
        for text in ["example.com", "", "https://", "https://[::1", "https://a:99999/"] {
            assert!(matches!(Target::parse(text), Err(TargetError::NotAUrl(_))), "{text}");
        }
    }

    #[test]
    fn keeps_the_text_as_received() {
        for text in
            ["https://example.com", "https://example.com/a@b?x=%2B&y=a@b", "HTTPS://Example.com/"]
        {
            assert_eq!(Target::parse(text).map(|target| target.text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn budgets() {
        let seconds = Duration::from_secs_f64;
        for (header, module, expected) in [
            (None, None, 119.5),
            (None, Some(5.0), 5.0),
            (Some("10"), None, 9.5),
            (Some("10"), Some(20.0), 9.5),
            (Some("0.6"), None, 0.3),
            (Some("0.2"), Some(1.0), 0.1),
            (Some("1e300"), None, 86_400.0),
        ] {
            assert_eq!(
                budget(header, 0.5, module.map(seconds)),
                Ok(seconds(expected)),
                "{header:?}"
            );
        }
        for header in ["0", "-1", "NaN", "inf", "", "ten", " 5", "5s"] {
            assert_eq!(budget(Some(header), 0.5, None), Err(BudgetError), "{header:?}");
        }
    }
}
