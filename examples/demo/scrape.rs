//! Asks the exporter over HTTP and reads its answers, as a scraper does.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::form_urlencoded;

/// An answer, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    /// Body, not decoded.
    pub(crate) body: Vec<u8>,
}

/// Sends a request without a body and reads the answer to the end of the connection. Header
/// lines are written as they stand.
///
/// # Errors
/// When nobody listens, or what came is no answer.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
) -> io::Result<Answer> {
    exchange(address, method, path, headers, "").await
}

/// Sends a form.
///
/// # Errors
/// When nobody listens, or what came is no answer.
pub(crate) async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[&str],
    form: &[(&str, &str)],
) -> io::Result<Answer> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let length = format!("content-length: {}", body.len());
    let own = ["content-type: application/x-www-form-urlencoded", &length];
    exchange(address, "POST", path, &[headers, &own].concat(), &body).await
}

async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> io::Result<Answer> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(body);
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Answer::parse(&bytes)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

/// The path of a probe.
pub(crate) fn probe_path(module: &str, target: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("module", module)
        .append_pair("target", target)
        .finish();
    format!("/probe?{query}")
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Self { status, head, body: bytes[end + 4..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = joined(&answer.body)?;
        }
        Some(answer)
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The metrics in the body.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics(self.text())
    }
}

/// The chunks of a body in one (RFC 9112 §7.1); nothing where the last one is missing.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&chunks[..line]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = chunks.get(line + 2..)?;
        body.extend_from_slice(chunk.get(..size)?);
        chunks = chunk.get(size + 2..)?;
    }
}

/// Metrics in a text format of Prometheus.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(pub(crate) String);

/// What the metrics of a probe say of a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) success: bool,
    pub(crate) reached: bool,
    pub(crate) seconds: Option<f64>,
    pub(crate) reason: Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl Metrics {
    /// Every series with its value.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series, value.parse().ok()?))
        })
    }

    /// The value of a series, with its labels as they are written.
    pub(crate) fn value(&self, wanted: &str) -> Option<f64> {
        self.series().find(|(series, _)| *series == wanted).map(|(_, value)| value)
    }

    /// Values of one label in all series of a metric, where another label has this value.
    fn labels(&self, metric: &str, wanted: &str, step: &str) -> Vec<String> {
        self.series()
            .filter(|(series, _)| series.split('{').next() == Some(metric))
            .filter(|(series, _)| label(series, "step") == Some(step))
            .filter_map(|(series, _)| label(series, wanted).map(str::to_owned))
            .collect()
    }

    /// Whether the probe succeeded.
    pub(crate) fn success(&self) -> bool {
        self.value("probe_success").is_some_and(|value| value > 0.0)
    }

    /// The steps in the order of the plan.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let planned = self.series().filter_map(|(series, value)| {
            let rest = series.strip_prefix("probe_auth_step_success")?;
            Some((label(rest, "step")?.to_owned(), value > 0.0))
        });
        planned
            .map(|(name, success)| {
                let of = |metric| self.value(&format!("{metric}{{step=\"{name}\"}}"));
                Step {
                    success,
                    reached: of("probe_auth_step_reached").is_some_and(|value| value > 0.0),
                    seconds: of("probe_auth_step_duration_seconds"),
                    reason: self.labels("probe_auth_failure_info", "reason", &name).pop(),
                    warnings: self.labels("probe_auth_warning_info", "warning", &name),
                    name,
                }
            })
            .collect()
    }

    /// The checks of the tokens that failed.
    pub(crate) fn failed_checks(&self) -> Vec<&str> {
        self.checks().filter(|(_, value)| *value == 0.0).map(|(check, _)| check).collect()
    }

    /// The checks of the tokens, with 1 for those that passed.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&str, f64)> {
        self.series().filter_map(|(series, value)| {
            let labels = series.strip_prefix("probe_auth_jwt_check_success")?;
            Some((label(labels, "check")?, value))
        })
    }

    /// The steps on one line: `discovery ok, consent unasked, token rate_limited, call_api -`, where
    /// `unasked` was not needed, `-` was not reached and warnings follow in brackets.
    pub(crate) fn story(&self) -> String {
        let steps = self.steps().into_iter().map(|step| {
            let state = match (step.success, step.reached, step.reason) {
                (true, true, None) => "ok".to_owned(),
                (true, false, None) => "unasked".to_owned(),
                (false, false, None) => "-".to_owned(),
                (false, true, Some(reason)) => reason,
                inconsistent => format!("{inconsistent:?}"),
            };
            let mut text = format!("{} {state}", step.name);
            if !step.warnings.is_empty() {
                // Writing into a String cannot fail.
                let _ = write!(text, " [{}]", step.warnings.join(" "));
            }
            text
        });
        steps.collect::<Vec<_>>().join(", ")
    }
}

/// The value of a label that holds no quotes.
fn label<'s>(series: &'s str, name: &str) -> Option<&'s str> {
    let (_, labels) = series.split_once('{')?;
    labels.split(&['{', ',', '}'][..]).find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found == name).then(|| value.trim_matches('"'))
    })
}
