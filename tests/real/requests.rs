//! The requests that a server saw, as it wrote them down.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One request.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    /// Which of the server's ports took it.
    pub(crate) site: String,
    /// Method and path.
    pub(crate) request: String,
    /// Subject of the client's certificate.
    #[serde(default)]
    pub(crate) certificate: Option<String>,
    /// Names in lower case.
    pub(crate) headers: Map<String, Value>,
    /// What came with it, from the servers that write it down.
    #[serde(default)]
    pub(crate) body: String,
}

impl Seen {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }

    /// The values of its form with this name.
    pub(crate) fn form(&self, name: &str) -> Vec<String> {
        let multipart = format!("name=\"{name}\"\r\n\r\n");
        if let Some((_, value)) = self.body.split_once(&multipart) {
            return vec![value.split("\r\n").next().unwrap_or_default().to_owned()];
        }
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// Whether its URL or body holds a text, as forms and URLs write it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        [&self.request, &self.body].iter().any(|at| at.contains(text) || at.contains(&encoded))
    }

    /// Whether the exporter sent it, and not one of the servers.
    pub(crate) fn is_of_exporter(&self) -> bool {
        self.header("user-agent").is_some_and(|agent| agent.starts_with("auth_exporter/"))
    }
}

/// The requests in the log, once there are so many. Not every server writes them down before it
/// answers.
pub(crate) fn read(log: &Path, count: usize) -> Vec<Seen> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.lines().count() >= count {
            let seen = text.lines().map(|line| serde_json::from_str(line).expect("a request"));
            return seen.collect();
        }
        assert!(Instant::now() < deadline, "{count} requests were expected:\n{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
