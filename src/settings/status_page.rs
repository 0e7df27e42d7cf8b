//! The `status_page` block: where the provider says how well it is, and how that is read.

use serde::{Deserialize, Serialize};

use super::{
    Answered, Assertion, AssertionSettings, Content, Error, Location, Path, Transport,
    compile_assertions,
};
use crate::protocol::json::Document;
use crate::protocol::status_page::{self, StatusPageError};

pub use crate::protocol::status_page::{Indicator as StatusIndicator, Reading as StatusReading};

/// The block as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusPageSettings {
    url: Location,
    #[serde(default)]
    assertions: Vec<AssertionSettings>,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct StatusPage {
    /// Where the page is.
    pub url: Location,
    /// Whether its URL holds a secret.
    pub is_secret: bool,
    assertions: Vec<Assertion>,
}

/// Why a page says nothing.
#[derive(Debug, thiserror::Error)]
pub enum StatusPageProblem {
    /// It is not there.
    #[error("status {0}")]
    Status(u16),
    /// It cannot be understood.
    #[error(transparent)]
    Page(#[from] StatusPageError),
}

impl StatusPageSettings {
    /// The checked block. A page is public and may be read over plain http, unless its URL holds
    /// a secret.
    ///
    /// # Errors
    /// For a bad URL or assertion.
    pub fn compile(
        self,
        at: &Path,
        transport: Transport,
        is_secret: bool,
    ) -> Result<StatusPage, Error> {
        let allow_plain_http = transport.allow_plain_http || !is_secret;
        self.url.check(&at.key("url"), Transport { allow_plain_http, ..transport })?;
        Ok(StatusPage {
            url: self.url,
            is_secret,
            assertions: compile_assertions(self.assertions, &at.key("assertions"))?,
        })
    }
}

impl StatusPage {
    /// What the page says: by the assertions where there are any, else by its format.
    ///
    /// # Errors
    /// When it is not there, or of no known format.
    pub fn judge(
        &self,
        answered: Answered<'_>,
        body: &[u8],
        now: f64,
    ) -> Result<StatusReading, StatusPageProblem> {
        let status_judged = self.assertions.iter().any(Assertion::judges_status);
        if !answered.status.is_success() && !status_judged {
            return Err(StatusPageProblem::Status(answered.status.as_u16()));
        }
        if self.assertions.is_empty() {
            return Ok(status_page::read(body, now)?);
        }
        let document = self
            .assertions
            .iter()
            .any(Assertion::needs_json)
            .then(|| Document::parse(body).ok())
            .flatten();
        let json = document.as_ref().map(|document| &document.value);
        let answered = Answered { body: Content::Whole(body), json, ..answered };
        let failed: Vec<&str> = self
            .assertions
            .iter()
            .filter(|assertion| !assertion.holds(&answered))
            .map(Assertion::label)
            .collect();
        Ok(if failed.is_empty() {
            StatusReading { indicator: StatusIndicator::None, words: String::new() }
        } else {
            // An assertion cannot tell how bad it is.
            let words = format!("does not hold: {}", failed.join(", "));
            StatusReading { indicator: StatusIndicator::Unknown, words }
        })
    }
}
