//! Answers: text, metrics, and errors in plain words.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::exposition::{Format, Sample};

/// The body of every answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// Bodies below this size are not worth compressing.
const MIN_COMPRESSED: usize = 1024;

/// A text with its type.
pub(super) fn content(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What a text says of itself is not for a browser to guess.
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// Plain text.
pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    content(status, "text/plain; charset=utf-8", body.into())
}

/// An error, in one line.
pub(super) fn error(status: StatusCode, message: impl std::fmt::Display) -> Answer {
    text(status, format!("{message}\n"))
}

/// A path that leads to nothing.
pub(super) fn not_found() -> Answer {
    error(StatusCode::NOT_FOUND, "404 page not found")
}

/// What is found elsewhere.
pub(super) fn redirect(url: &str) -> Answer {
    let mut answer = error(StatusCode::FOUND, "Found");
    if let Ok(url) = HeaderValue::try_from(url) {
        answer.headers_mut().insert(LOCATION, url);
    }
    answer
}

/// A method that the path does not have.
pub(super) fn method_not_allowed(allow: &'static str) -> Answer {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    answer
}

/// How a scraper wants its metrics.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    format: Format,
    gzip: bool,
}

impl Wanted {
    /// As the headers of the request say.
    pub(super) fn by(request: &HeaderMap) -> Self {
        Self {
            format: Format::negotiate(joined(request, &ACCEPT).as_deref()),
            gzip: accepts_gzip(joined(request, &ACCEPT_ENCODING).as_deref()),
        }
    }
}

/// Metrics in the format and encoding that the scraper asks for.
pub(super) fn metrics(Wanted { format, gzip }: Wanted, samples: Vec<Sample>) -> Answer {
    let body = format.encode(samples);
    let compressed =
        (gzip && body.len() >= MIN_COMPRESSED).then(|| compressed(body.as_bytes())).flatten();
    let mut answer = content(StatusCode::OK, format.content_type(), String::new());
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if compressed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *answer.body_mut() = Full::new(compressed.map_or_else(|| Bytes::from(body), Bytes::from));
    answer
}

fn joined(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let values: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// RFC 9110 §12.5.3: a coding is acceptable unless its quality is 0.
fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let mut any = false;
    for coding in accept_encoding.unwrap_or_default().split(',') {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = quality
            .trim()
            .strip_prefix("q=")
            .map_or(1.0, |quality| quality.trim().parse().unwrap_or(0.0_f32));
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return quality > 0.0,
            "*" => any = quality > 0.0,
            _ => {}
        }
    }
    any
}

thread_local! {
    /// Its tables are large: making them anew for each scrape costs more than compressing it.
    /// Fast rather than small, since that too is spent on every scrape.
    static COMPRESS: RefCell<Compress> =
        RefCell::new(Compress::new_gzip(Compression::fast(), GZIP_WINDOW_BITS));
}

/// The largest window of deflate (RFC 1951 §2).
const GZIP_WINDOW_BITS: u8 = 15;

fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        let mut compressed = Vec::with_capacity(body.len() / 4);
        loop {
            let read = usize::try_from(compress.total_in()).ok()?;
            compressed.reserve(body.len() / 8 + 64);
            let rest = body.get(read..)?;
            match compress.compress_vec(rest, &mut compressed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Some(compressed),
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{accepts_gzip, compressed};

    #[test]
    fn what_is_compressed_can_be_read_again() {
        for size in [0, 1, 1024, 1_000_000] {
            // The compressor of this thread serves every one of them.
            let body: String = "abcdefg".chars().cycle().take(size).collect();
            let compressed = compressed(body.as_bytes()).expect("gzip");
            let mut text = String::new();
            flate2::read::GzDecoder::new(&compressed[..]).read_to_string(&mut text).expect("gzip");
            assert!(text == body, "{size}");
        }
    }

    #[test]
    fn gzip_is_accepted_when_it_is_named_and_not_refused() {
        for (header, accepted) in [
            (None, false),
            (Some("gzip"), true),
            (Some("deflate, gzip;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("gzip; q=0"), false),
            (Some("*"), true),
            (Some("*, gzip;q=0"), false),
            (Some("identity"), false),
        ] {
            assert_eq!(accepts_gzip(header), accepted, "{header:?}");
        }
    }
}
