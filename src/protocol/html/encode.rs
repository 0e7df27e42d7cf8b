//! The three encodings of a form data set (WHATWG HTML §4.10.22.7 and .8; URL §5.2).

use url::form_urlencoded;

use super::Entry;

/// CR and LF alone become CRLF.
fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// `application/x-www-form-urlencoded`. A file is its name, and there is none.
pub(super) fn url_encoded(entries: &[Entry]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for entry in entries {
        text.append_pair(&with_crlf(&entry.name), &with_crlf(&entry.value));
    }
    text.finish()
}

/// `text/plain`
pub(super) fn text_plain(entries: &[Entry]) -> String {
    entries
        .iter()
        .map(|entry| format!("{}={}\r\n", with_crlf(&entry.name), with_crlf(&entry.value)))
        .collect()
}

/// `multipart/form-data`. `None` when the boundary is in a value.
pub(super) fn multipart(entries: &[Entry], boundary: &str) -> Option<String> {
    let mut body = String::new();
    for entry in entries {
        let value = with_crlf(&entry.value);
        let name =
            with_crlf(&entry.name).replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
        if value.contains(boundary) || name.contains(boundary) {
            return None;
        }
        let file = if entry.is_file {
            "; filename=\"\"\r\nContent-Type: application/octet-stream"
        } else {
            ""
        };
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    Some(body)
}
