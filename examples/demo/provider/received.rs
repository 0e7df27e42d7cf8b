//! A request with its body, and the places where it may carry credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use url::form_urlencoded;

/// No request to an identity service is larger.
const MAX_BODY: usize = 64 * 1024;

pub(super) struct Received {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Received {
    /// Reads the body; `None` when it breaks off or is too large.
    pub(super) async fn read(request: Request<Incoming>) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes();
        Some(Self { method: parts.method, uri: parts.uri, headers: parts.headers, body })
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn is_form(&self) -> bool {
        let declared = self.header(&CONTENT_TYPE).unwrap_or_default();
        let media_type = declared.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// The fields of a form, in either encoding.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        if self.is_form() { pairs(&self.body) } else { self.multipart().unwrap_or_default() }
    }

    /// RFC 7578, without files.
    fn multipart(&self) -> Option<Vec<(String, String)>> {
        let declared = self.header(&CONTENT_TYPE)?;
        let boundary = declared.strip_prefix("multipart/form-data; boundary=")?.trim_matches('"');
        let body = std::str::from_utf8(&self.body).ok()?;
        let part = |part: &str| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let (_, name) = head.split_once("name=\"")?;
            Some((name.split('"').next()?.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
        };
        Some(body.split(&format!("--{boundary}")).filter_map(part).collect())
    }

    pub(super) fn query(&self) -> Vec<(String, String)> {
        pairs(self.uri.query().unwrap_or_default().as_bytes())
    }

    pub(super) fn cookies(&self) -> Vec<(String, String)> {
        self.header(&COOKIE)
            .into_iter()
            .flat_map(|cookies| cookies.split("; "))
            .filter_map(|cookie| cookie.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// What stands after this scheme in a header of credentials.
    fn credential(&self, header: &HeaderName, wanted: &str) -> Option<&str> {
        let (scheme, credential) = self.header(header)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case(wanted).then(|| credential.trim())
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.credential(&AUTHORIZATION, "Bearer")
    }

    /// User and password of RFC 7617, as they were before base64.
    pub(super) fn basic(&self) -> Option<(String, String)> {
        self.pair(&AUTHORIZATION)
    }

    /// The same, as a proxy gets it.
    pub(super) fn proxy_basic(&self) -> Option<(String, String)> {
        self.pair(&PROXY_AUTHORIZATION)
    }

    fn pair(&self, header: &HeaderName) -> Option<(String, String)> {
        let decoded = STANDARD.decode(self.credential(header, "Basic")?).ok()?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// One value as RFC 6749 §2.3.1 encodes it before Basic.
pub(super) fn form_decoded(text: &str) -> Option<String> {
    let pair = format!("x={text}");
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    match (decoded.next(), decoded.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}
