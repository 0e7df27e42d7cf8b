//! Whole HTTP answers, as bytes of a connection: status line, headers, cookies, redirects, times,
//! encodings and bodies.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use auth_exporter::net::{
    HttpSession, Origin, Proxy, Request, Route, Rules, SecretTo, SystemRoots, TlsOptions, Transport,
};
use auth_exporter::report::Endpoint;
use http::{HeaderMap, HeaderValue, Method};
use tokio::runtime::Runtime;
use url::Url;

use super::Target;
use super::seeds::texts;

/// The most that a body has when it is decoded.
const LIMIT: u64 = 100_000;

/// A server that answers each connection with what lies here. All requests reach it as their
/// proxy, so that no answer leads anywhere else.
struct Server {
    url: Url,
    runtime: Runtime,
    transport: Transport,
}

static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = ANSWER.lock().expect("no panic").clone();
            // It sends its whole request at once, and may go away before the answer.
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(&answer);
        }
    });
    let roots = SystemRoots::default();
    Server {
        url: Url::parse(&url).expect("a URL"),
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("one"),
        transport: Transport::new(&TlsOptions::default(), &roots).expect("TLS"),
    }
});

pub(crate) const ANSWERS: Target = Target {
    name: "answers over HTTP",
    read: |input| {
        let server = &*SERVER;
        *ANSWER.lock().expect("no panic") = input.to_vec();
        let target = Url::parse("http://id.example/login").expect("a URL");
        let rules = Rules {
            target: Origin::of(&target),
            allowed_origins: [].into(),
            allow_plain_http: false,
            body_size_limit: LIMIT,
            user_agent: HeaderValue::from_static("fuzz"),
            target_headers: HeaderMap::new(),
        };
        let route = Route { proxy: Proxy::new(server.url.clone(), ""), ..Route::default() };
        server.runtime.block_on(async {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
            let session = HttpSession::new(&server.transport, route, None, rules, deadline);
            let mut exchanges = Vec::new();
            let mut told = Vec::new();
            // The second request carries the cookies of the first.
            for _ in 0..2 {
                let mut request = Request::new(
                    Endpoint::Authorization,
                    Method::GET,
                    target.clone(),
                    SecretTo::Nobody,
                );
                request.cookies = true;
                let answer = session.send(request, &mut exchanges).await;
                if let Ok(answer) = &answer {
                    assert!(answer.body.len() as u64 <= LIMIT, "{}", answer.body.len());
                }
                told.push(match answer {
                    Ok(answer) => format!("{} {:?}", answer.status, answer.headers),
                    Err(failure) => failure.reason.to_string(),
                });
            }
            let retry: Vec<_> = exchanges.iter().map(|exchange| exchange.retry_after).collect();
            assert!(exchanges.len() <= 22, "{}", exchanges.len());
            format!("{} {} {retry:?}", told.join(" "), exchanges.len())
        })
    },
    seeds: || {
        texts(&[
            "HTTP/1.1 200 OK\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nset-cookie: a=b; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=60\r\nset-cookie: c=\"d\"; Domain=.example; Expires=Fri, 15-Jan-2027 08:00:00 GMT\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 302 Found\r\nlocation: /next?a=b\r\nset-cookie: s=1; Path=/login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: Fri, 15 Jan 2027 08:01:00 GMT\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer error=\"invalid_token\"\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ntrailer: x\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-encoding: gzip, identity\r\n\r\n\x1f\x08",
            "HTTP/1.0 307 Temporary Redirect\r\nLocation: http://other.example:81/../%2e?#x\r\n\r\n",
        ])
        .into_iter()
        .chain([gzipped(), gzipped_bomb()])
        .collect()
    },
};

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).expect("memory");
    let body = encoder.finish().expect("memory");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

fn gzipped() -> Vec<u8> {
    compressed(b"{\"issuer\": \"https://id.example\"}")
}

fn gzipped_bomb() -> Vec<u8> {
    compressed(&vec![b' '; 1_000_000])
}
