//! Just enough of an HTTP client to ask the exporter, Prometheus and providers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The body of the answer, which must be a 200.
pub(crate) fn get(address: &str, path: &str, accept: &str) -> String {
    let (status, body) = send(address, &format!("GET {path}"), &[("Accept", accept)], "");
    assert_eq!(status, "200", "{path}\n{body}");
    body
}

/// Status and body of the answer to a method and path with these headers and a body.
pub(crate) fn send(
    address: &str,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (String, String) {
    let answer = exchange(address, request, headers, body);
    (answer.status.to_string(), String::from_utf8(answer.body).expect("an answer in UTF-8"))
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(answer: &[u8]) -> Option<Self> {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(answer[..end].to_vec()).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: answer[end + 4..].to_vec() })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The whole answer to the same.
pub(crate) fn exchange(
    address: &str,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    try_exchange(address, request, headers, body).expect("an answer")
}

/// The same of a server that may go away before it answers.
pub(crate) fn try_exchange(
    address: &str,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let (headers, length) = (headers.collect::<String>(), body.len());
    // The answer to HTTP/1.0 ends where the connection ends.
    write!(
        stream,
        "{request} HTTP/1.0\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Answer::parse(&answer).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

/// A path with a query.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{path}?{}", query.finish())
}
