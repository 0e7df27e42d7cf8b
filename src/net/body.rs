//! A response body: decoded while it arrives, never beyond its limit.
//!
//! gzip is undone here and not by reqwest, which would take `Content-Length` and
//! `Content-Encoding` away from those who look at the headers.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use crate::report::{Failure, FailureReason};

/// A body that is being read.
pub(super) struct Body(Decoder);

enum Decoder {
    Identity(Bounded),
    Gzip { decoder: Box<MultiGzDecoder<Bounded>>, begun: bool },
}

impl Body {
    /// The body of an answer with these headers. Encodings that we did not ask for stay as they are.
    pub(super) fn new(headers: &HeaderMap, limit: u64) -> Self {
        let declared =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let bytes = Bounded::new(limit, declared.unwrap_or(0));
        // RFC 9110 §8.4.1.3: x-gzip is the same.
        let gzip = headers.get(CONTENT_ENCODING).is_some_and(|encoding| {
            let encoding = encoding.as_bytes();
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        });
        Self(if gzip {
            Decoder::Gzip { decoder: Box::new(MultiGzDecoder::new(bytes)), begun: false }
        } else {
            Decoder::Identity(bytes)
        })
    }

    /// Adds what arrived.
    ///
    /// # Errors
    /// `body_too_large`, or `malformed_http` for what is no gzip.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.0 {
            Decoder::Identity(bytes) => bytes.write_all(chunk),
            Decoder::Gzip { decoder, begun } => {
                *begun |= !chunk.is_empty();
                decoder.write_all(chunk)
            }
        };
        written.map_err(|error| self.failure(&error))
    }

    /// The whole body, or what was not taken of it, after its last byte arrived. Its length stays
    /// known.
    ///
    /// # Errors
    /// As [`Body::push`], and for a gzip stream without its end.
    pub(super) fn finish(&mut self) -> Result<Bytes, Failure> {
        if let Decoder::Gzip { decoder, begun: true } = &mut self.0 {
            let finished = decoder.try_finish();
            finished.map_err(|error| self.failure(&error))?;
        }
        Ok(self.take())
    }

    /// How much of it was decoded and not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.bytes().bytes.len()
    }

    /// What was decoded since it was last taken.
    pub(super) fn take(&mut self) -> Bytes {
        match &mut self.0 {
            Decoder::Identity(bytes) => bytes.take(),
            Decoder::Gzip { decoder, .. } => decoder.get_mut().take(),
        }
    }

    /// Decoded bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.bytes().length
    }

    fn bytes(&self) -> &Bounded {
        match &self.0 {
            Decoder::Identity(bytes) => bytes,
            Decoder::Gzip { decoder, .. } => decoder.get_ref(),
        }
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let bytes = self.bytes();
        if bytes.overflown {
            Failure::plain(
                FailureReason::BodyTooLarge,
                format!("the decoded body is larger than {} bytes", bytes.limit),
            )
        } else {
            Failure::new(
                FailureReason::MalformedHttp,
                format!("the body is declared as gzip and does not decode: {error}"),
            )
        }
    }
}

/// So much room is made for a body before it arrives, whatever length it declares.
const MOST_ROOM: u64 = 1024 * 1024;

/// Bytes up to a limit; the first beyond it is an error.
struct Bounded {
    bytes: Vec<u8>,
    length: u64,
    limit: u64,
    overflown: bool,
}

impl Bounded {
    /// With room for as much as was declared, so that the body is not moved while it grows.
    fn new(limit: u64, declared: u64) -> Self {
        let room = declared.min(limit).min(MOST_ROOM);
        let bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
        Self { bytes, length: 0, limit, overflown: false }
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).into()
    }
}

impl Write for Bounded {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let room = usize::try_from(self.limit - self.length).unwrap_or(usize::MAX);
        let fitting = chunk.get(..room).unwrap_or(chunk);
        self.bytes.extend_from_slice(fitting);
        self.length += fitting.len() as u64;
        if fitting.len() < chunk.len() {
            self.overflown = true;
            return Err(io::Error::other("beyond the limit"));
        }
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("gzip");
        encoder.finish().expect("gzip")
    }

    /// The body, or the reason and the length up to it.
    fn read(
        encoding: Option<&'static str>,
        chunks: &[&[u8]],
        limit: u64,
    ) -> Result<Bytes, (FailureReason, u64)> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.parse().expect("header"));
        }
        let mut body = Body::new(&headers, limit);
        let pushed = chunks.iter().try_for_each(|chunk| body.push(chunk));
        let result = pushed.and_then(|()| body.finish());
        result.map_err(|failure| (failure.reason, body.len()))
    }

    #[test]
    fn gzip_is_undone_and_other_encodings_stay() {
        let packed = gzip(b"hello");
        let (head, tail) = packed.split_at(7);
        assert_eq!(read(Some("gzip"), &[head, tail], 5), Ok("hello".into()));
        assert_eq!(read(Some("X-Gzip"), &[&packed, &packed], 10), Ok("hellohello".into()));
        assert_eq!(read(Some("gzip"), &[], 5), Ok(Bytes::new()));
        assert_eq!(read(Some("br"), &[b"?"], 5), Ok("?".into()));
        assert_eq!(read(None, &[b"hel", b"lo"], 5), Ok("hello".into()));
    }

    #[test]
    fn the_limit_holds_for_decoded_bytes() {
        use FailureReason::BodyTooLarge;
        assert_eq!(read(None, &[b"hel", b"lo!"], 5), Err((BodyTooLarge, 5)));
        let bomb = gzip(&vec![0; 10_000_000]);
        assert_eq!(read(Some("gzip"), &[&bomb], 1000), Err((BodyTooLarge, 1000)));
    }

    #[test]
    fn what_is_no_gzip_is_malformed() {
        use FailureReason::MalformedHttp;
        assert_eq!(read(Some("gzip"), &[b"{\"a\": 1} is no gzip"], 99), Err((MalformedHttp, 0)));
        let packed = gzip(b"hello");
        for length in [5, 15, packed.len() - 1] {
            let cut = packed.get(..length).expect("shorter");
            let reason = read(Some("gzip"), &[cut], 99).err().map(|(reason, _)| reason);
            assert_eq!(reason, Some(MalformedHttp), "{length}");
        }
    }
}
