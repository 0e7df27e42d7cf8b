//! Answers, whole ones and such as never end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

/// An answer that a fault may still change.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

/// The body of an answer.
pub(super) enum Content {
    Whole(Bytes),
    /// What a task writes, as long as somebody reads; an error closes the connection.
    Written(mpsc::Receiver<io::Result<Bytes>>),
}

impl Answer {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            content: Content::Whole(body.into()),
        }
    }

    pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    pub(super) fn html(status: StatusCode, title: &str) -> Self {
        let page = format!("<!DOCTYPE html>\n<title>{title}</title>\n<h1>{title}</h1>\n");
        Self::new(status, "text/html; charset=utf-8", page)
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(super) fn redirect(status: StatusCode, location: &str) -> Self {
        Self::text(status, "").with(LOCATION, location)
    }

    /// The same with a header, whose old values it loses.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        // Bytes above ASCII are for those faults that repeat what they were sent.
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("no control characters");
        self.headers.insert(name, value);
        self
    }

    /// The same with one more cookie.
    pub(super) fn cookie(mut self, cookie: &str) -> Self {
        self.headers.append(SET_COOKIE, HeaderValue::from_str(cookie).expect("a cookie of ours"));
        self
    }

    pub(super) fn without(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    pub(super) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.content = Content::Whole(body.into());
        self
    }

    /// The same with its JSON object changed.
    pub(super) fn edit(self, change: impl FnOnce(&mut Map<String, Value>)) -> Self {
        let mut object = serde_json::from_slice(self.body()).expect("a JSON object");
        change(&mut object);
        self.with_body(Value::Object(object).to_string())
    }

    /// The body of an answer that is still whole.
    pub(super) fn body(&self) -> &[u8] {
        match &self.content {
            Content::Whole(body) => body,
            Content::Written(_) => &[],
        }
    }

    /// The same, but the connection is closed after half of the body.
    pub(super) fn truncated(self) -> Self {
        let body = self.body();
        let (length, half) = (body.len(), Bytes::copy_from_slice(&body[..body.len() / 2]));
        let (writer, content) = mpsc::channel(2);
        for part in [Ok(half), Err(io::Error::other("closed on purpose"))] {
            writer.try_send(part).expect("room for two");
        }
        let content = Content::Written(content);
        Self { content, ..self }.with(CONTENT_LENGTH, &length.to_string())
    }

    /// The same, but with this chunk over and over, each after a pause.
    pub(super) fn endless(self, chunk: &'static [u8], pause: std::time::Duration) -> Self {
        let (writer, content) = mpsc::channel(1);
        tokio::spawn(async move {
            while writer.send(Ok(Bytes::from_static(chunk))).await.is_ok() {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        });
        Self { content: Content::Written(content), ..self }
    }
}

impl From<Answer> for Response<Content> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.content);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Written(written) => {
                written.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => Full::new(body.clone()).size_hint(),
            Self::Written(_) => SizeHint::default(),
        }
    }
}
