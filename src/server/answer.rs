//! Answers: text, metrics, and errors in plain words.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};

use super::App;
use crate::exposition::{Format, Sample, Scrape};

/// Every answer.
pub(super) type Answer = Response<Body>;

/// What is sent whole, and what is sent while it is made.
pub(super) type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

/// Bodies below this size are not worth compressing.
const MIN_COMPRESSED: usize = 1024;

pub(super) fn whole(body: impl Into<Bytes>) -> Body {
    Either::Left(Full::new(body.into()))
}

/// A text with its type.
pub(super) fn content(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(whole(body));
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

/// Why a request gets nothing.
pub(super) struct Refused {
    status: StatusCode,
    /// It holds nothing that the client sent.
    pub(super) reason: String,
    /// What the client sent, for the client alone.
    sent: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, reason: impl std::fmt::Display) -> Self {
        Self { status, reason: reason.to_string(), sent: None }
    }

    /// 400.
    pub(super) fn bad(reason: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// The same, about this.
    pub(super) fn about(self, sent: &str) -> Self {
        Self { sent: Some(sent.to_owned()), ..self }
    }
}

impl From<Refused> for Answer {
    fn from(Refused { status, reason, sent }: Refused) -> Self {
        match sent {
            None => error(status, reason),
            Some(sent) => error(status, format!("{reason} {sent:?}")),
        }
    }
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

/// The metrics of a probe as the scraper wants them.
pub(super) fn metrics(wanted: Wanted, samples: Vec<Sample>) -> Answer {
    metrics_text(wanted, wanted.format.encode(samples))
}

fn metrics_text(Wanted { format, gzip }: Wanted, text: String) -> Answer {
    let compressed =
        (gzip && text.len() >= MIN_COMPRESSED).then(|| compressed(text.as_bytes())).flatten();
    let encoded = compressed.is_some();
    metrics_body(format, encoded, compressed.map_or_else(|| whole(text), whole))
}

fn metrics_body(format: Format, encoded: bool, body: Body) -> Answer {
    let mut answer = content(StatusCode::OK, format.content_type(), String::new());
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if encoded {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *answer.body_mut() = body;
    answer
}

/// The exporter's own metrics. Where there are many targets they are sent while they are made,
/// and probes have their turn between the pieces.
pub(super) fn own_metrics(wanted: Wanted, app: &Arc<App>) -> Answer {
    app.metrics.web_configuration(app.web.problem().is_none());
    let mut scrape = Scrape::new(wanted.format);
    let first = piece(&mut scrape, app);
    if scrape.is_over() {
        return metrics_text(wanted, first);
    }
    let (sender, body) = Channel::new(1);
    tokio::spawn(send(sender, wanted.gzip, first, scrape, app.clone()));
    metrics_body(wanted.format, wanted.gzip, Either::Right(body))
}

fn piece(scrape: &mut Scrape, app: &App) -> String {
    scrape.piece(&app.metrics, app.admission.waiting(), app.admission.limit())
}

/// Sends the pieces. Who goes away is sent nothing more.
async fn send(
    mut sender: Sender<Bytes, io::Error>,
    gzip: bool,
    first: String,
    mut scrape: Scrape,
    app: Arc<App>,
) {
    let mut gzip = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
    let mut text = first;
    loop {
        let over = scrape.is_over();
        let bytes = match &mut gzip {
            None => Ok(text.into_bytes()),
            Some(gzip) => compressed_piece(gzip, text.as_bytes(), over),
        };
        match bytes {
            // Writing to memory does not fail. If it did, the answer would be cut off.
            Err(error) => return sender.abort(error),
            // The compressor keeps what it may still make smaller.
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => {
                if sender.send_data(bytes.into()).await.is_err() {
                    return;
                }
            }
        }
        if over {
            return;
        }
        tokio::task::yield_now().await;
        text = piece(&mut scrape, &app);
    }
}

fn compressed_piece(gzip: &mut GzEncoder<Vec<u8>>, text: &[u8], last: bool) -> io::Result<Vec<u8>> {
    gzip.write_all(text)?;
    if last {
        gzip.try_finish()?;
    }
    Ok(std::mem::take(gzip.get_mut()))
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
            .split_once('=')
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1.0, |(_, quality)| quality.trim().parse().unwrap_or(0.0_f32));
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
            (Some("gzip;Q=0"), false),
            (Some("*"), true),
            (Some("*, gzip;q=0"), false),
            (Some("identity"), false),
        ] {
            assert_eq!(accepts_gzip(header), accepted, "{header:?}");
        }
    }
}
