//! The three encodings of a form data set (WHATWG HTML §4.10.22.7 and .8; URL §5.2).

use url::form_urlencoded;

use super::Entry;

/// CR and LF alone become CRLF.
fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// `application/x-www-form-urlencoded`. A file is its name, and there is none.
pub(super) fn url_encoded(entries: &[Entry<'_>]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for entry in entries {
        text.append_pair(&with_crlf(&entry.name), &with_crlf(&entry.value));
    }
    text.finish()
}

/// `text/plain`
pub(super) fn text_plain(entries: &[Entry<'_>]) -> String {
    let line =
        |entry: &Entry<'_>| [with_crlf(&entry.name), with_crlf(&entry.value)].join("=") + "\r\n";
    entries.iter().map(line).collect()
}

/// `multipart/form-data`. `None` when the boundary is in a value.
pub(super) fn multipart(entries: &[Entry<'_>], boundary: &str) -> Option<String> {
    let mut parts = String::new();
    for entry in entries {
        let value = with_crlf(&entry.value);
        let name =
            with_crlf(&entry.name).replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
        if value.contains(boundary) || name.contains(boundary) {
            return None;
        }
        // What a browser sends of a file that was not chosen.
        let file = if entry.is_file {
            "; filename=\"\"\r\nContent-Type: application/octet-stream"
        } else {
            ""
        };
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
        parts += &[&format!("--{boundary}"), head.as_str(), "", &value, ""].join("\r\n");
    }
    Some(parts + "--" + boundary + "--\r\n")
}
