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
    let mut stream = TcpStream::connect(address).expect("a server that listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let (headers, length) = (headers.collect::<String>(), body.len());
    // The answer to HTTP/1.0 ends where the connection ends.
    write!(
        stream,
        "{request} HTTP/1.0\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer with a head");
    (head.split(' ').nth(1).expect("a status").to_owned(), body.to_owned())
}

/// A path with a query.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{path}?{}", query.finish())
}
