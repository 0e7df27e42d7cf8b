//! A provider and an API on loopback: every issuer that it is told, one token, one document.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

/// The token that it issues.
const TOKEN: &str = "token-of-the-stub";

/// Runs until the test process ends.
pub(crate) struct Stub {
    origin: String,
    known: Arc<Known>,
}

struct Known {
    issuers: Mutex<Vec<String>>,
    /// Secrets and keys that are accepted.
    credentials: Vec<String>,
    received: Mutex<Vec<Received>>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Stub {
    /// A server that accepts these secrets and keys, and no others.
    pub(crate) fn start(credentials: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let known =
            Arc::new(Known { issuers: Mutex::default(), credentials, received: Mutex::default() });
        let (of_thread, own) = (known.clone(), origin.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (known, origin) = (of_thread.clone(), own.clone());
                std::thread::spawn(move || serve(stream, &known, &origin));
            }
        });
        Self { origin, known }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Serves the metadata of this issuer too.
    pub(crate) fn issue_for(&self, issuer: String) {
        self.known.issuers.lock().unwrap().push(issuer);
    }

    /// The requests since the last call.
    pub(crate) fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut self.known.received.lock().unwrap())
    }
}

/// One request a connection.
fn serve(stream: TcpStream, known: &Known, origin: &str) {
    let Some(request) = read(&stream) else { return };
    let (status, headers, body) = answer(&request, known, origin);
    known.received.lock().unwrap().push(request);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    // A client that went away is none of our business.
    let _ = (&stream).write_all(answer.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Received { method, path, headers, body: String::new() };
    let length =
        request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

fn answer(request: &Received, known: &Known, origin: &str) -> (&'static str, &'static str, String) {
    if request.path.contains("/.well-known/") {
        let issuers = known.issuers.lock().unwrap();
        return match issuers.iter().find(|issuer| is_metadata_of(issuer, &request.path)) {
            None => ("404 Not Found", "", "{}".to_owned()),
            Some(issuer) => {
                let body =
                    format!(r#"{{"issuer": "{issuer}", "token_endpoint": "{origin}/token"}}"#);
                ("200 OK", "", body)
            }
        };
    }
    if request.body.contains("grant_type=client_credentials") {
        return if client_is_known(request, known) {
            let body = format!(
                r#"{{"access_token": "{TOKEN}", "token_type": "Bearer", "expires_in": 3600}}"#
            );
            ("200 OK", "Cache-Control: no-store\r\n", body)
        } else {
            (
                "401 Unauthorized",
                "WWW-Authenticate: Basic\r\n",
                r#"{"error": "invalid_client"}"#.into(),
            )
        };
    }
    if key_is_known(request, known) {
        ("200 OK", "", r#"{"account": {"status": "active"}}"#.into())
    } else {
        ("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "{}".into())
    }
}

/// OpenID Connect Discovery section 4 and RFC 8414 section 3.1.
fn is_metadata_of(issuer: &str, path: &str) -> bool {
    let url = Url::parse(issuer).expect("an issuer");
    let issuer = url.path().trim_end_matches('/');
    path == format!("{issuer}/.well-known/openid-configuration")
        || path == format!("/.well-known/oauth-authorization-server{issuer}")
}

fn client_is_known(request: &Received, known: &Known) -> bool {
    let decode = |text: &str| -> Vec<(String, String)> {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    };
    let secret = match basic(request) {
        // Id and secret are form-encoded (RFC 6749 section 2.3.1).
        Some((_, secret)) => decode(&secret).into_iter().map(|(secret, _)| secret).next(),
        None => decode(&request.body)
            .into_iter()
            .find_map(|(name, value)| (name == "client_secret").then_some(value)),
    };
    secret.is_some_and(|secret| known.credentials.contains(&secret))
}

fn basic(request: &Received) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Wherever the key is: which place is right is the business of the example.
fn key_is_known(request: &Received, known: &Known) -> bool {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut places: Vec<String> =
        form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect();
    places.extend(request.headers.iter().map(|(_, value)| value.clone()));
    if let Some((user, password)) = basic(request) {
        places.extend([user, password]);
    }
    places.iter().any(|place| {
        place == &format!("Bearer {TOKEN}")
            || known.credentials.iter().any(|key| place.ends_with(key.as_str()))
    })
}
