//! From bytes to a [`Page`].
//!
//! The tokenizer is that of the standard; of tree construction only what decides which form
//! owns a control, and what is there at all.
//!
//! Scripting is disabled, in the standard's sense: the exporter runs no scripts. So the content
//! of `<noscript>` is ordinary content (WHATWG HTML §13.2.6.4.7), and a button that stands there
//! for people without scripts can be pushed.

use std::cell::Cell;
use std::rc::Rc;

use html5gum::{
    DefaultEmitter, Emitter, ForwardingEmitter, Readable, Reader, StringReader, Token, Tokenizer,
};
use url::Url;

use super::Page;
use super::tree::Tree;

/// The largest page that is read.
pub const MAX_BYTES: usize = 4 << 20;
/// The longest URL of a page, in bytes. Each form may take it, or the base, for its own.
pub const MAX_URL: usize = 16 << 10;
/// The most forms on a page.
pub const MAX_FORMS: usize = 256;
/// The most controls on a page, in and out of forms.
pub const MAX_CONTROLS: usize = 4096;
/// The most options on a page, in all its lists.
pub const MAX_OPTIONS: usize = 16_384;

/// The most attributes of a tag. The tokenizer takes a deeper stack for each that is in double
/// quotes, and some thousands would overflow it and end the process.
pub const MAX_ATTRIBUTES: usize = 256;

/// A page beyond what any login needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageTooLarge {
    /// More than [`MAX_BYTES`].
    #[error("the page has more than {MAX_BYTES} bytes")]
    Bytes,
    /// A URL longer than [`MAX_URL`].
    #[error("the page's URL has more than {MAX_URL} bytes")]
    Url,
    /// More than [`MAX_FORMS`].
    #[error("the page has more than {MAX_FORMS} forms")]
    Forms,
    /// More than [`MAX_CONTROLS`].
    #[error("the page has more than {MAX_CONTROLS} form controls")]
    Controls,
    /// More than [`MAX_OPTIONS`].
    #[error("the page has more than {MAX_OPTIONS} options")]
    Options,
    /// More than [`MAX_ATTRIBUTES`].
    #[error("a tag of the page has more than {MAX_ATTRIBUTES} attributes")]
    Attributes,
}

/// Reads a page that came from a URL. Its bytes are taken for UTF-8; what is not is replaced.
///
/// # Errors
/// When it is larger than the limits of this module. It is read in one pass, and stops there.
pub fn parse(html: &[u8], url: &Url) -> Result<Page, PageTooLarge> {
    if html.len() > MAX_BYTES {
        return Err(PageTooLarge::Bytes);
    }
    if url.as_str().len() > MAX_URL {
        return Err(PageTooLarge::Url);
    }
    let in_foreign_content = Rc::new(Cell::new(false));
    let attributes = Rc::new(Cell::new(0));
    let emitter = TagEmitter {
        inner: DefaultEmitter::default(),
        in_foreign_content: Rc::clone(&in_foreign_content),
        attributes: Rc::clone(&attributes),
    };
    let reader = BoundedReader { inner: html.to_reader(), attributes };
    let mut tokens = Tokenizer::new_with_emitter(reader, emitter);
    let mut tree = Tree::new(url);
    while let Some(token) = tokens.next() {
        match token? {
            Token::StartTag(tag) => {
                if let Some(state) = tree.start(&tag)? {
                    tokens.set_state(state);
                }
            }
            Token::EndTag(tag) => tree.end(&tag),
            Token::String(text) => tree.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
        in_foreign_content.set(tree.in_foreign_content());
    }
    Ok(tree.finish())
}

/// The default tokens without the errors, and with `<![CDATA[` where the standard has it.
struct TagEmitter {
    inner: DefaultEmitter,
    in_foreign_content: Rc<Cell<bool>>,
    /// Of the tag that is being read.
    attributes: Rc<Cell<usize>>,
}

impl ForwardingEmitter for TagEmitter {
    type Token = Token;

    fn inner(&mut self) -> &mut impl Emitter<Token = Self::Token> {
        &mut self.inner
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn init_start_tag(&mut self) {
        self.attributes.set(0);
        Emitter::init_start_tag(&mut self.inner);
    }

    fn init_end_tag(&mut self) {
        self.attributes.set(0);
        Emitter::init_end_tag(&mut self.inner);
    }

    fn init_attribute(&mut self) {
        self.attributes.set(self.attributes.get() + 1);
        Emitter::init_attribute(&mut self.inner);
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.in_foreign_content.get()
    }
}

/// The page, as long as no tag has too many attributes. An emitter cannot end the reading.
struct BoundedReader<'a> {
    inner: StringReader<'a>,
    attributes: Rc<Cell<usize>>,
}

impl BoundedReader<'_> {
    fn check(&self) -> Result<(), PageTooLarge> {
        if self.attributes.get() > MAX_ATTRIBUTES { Err(PageTooLarge::Attributes) } else { Ok(()) }
    }
}

impl Reader for BoundedReader<'_> {
    type Error = PageTooLarge;

    fn read_byte(&mut self) -> Result<Option<u8>, PageTooLarge> {
        self.check()?;
        let Ok(byte) = self.inner.read_byte();
        Ok(byte)
    }

    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, PageTooLarge> {
        let Ok(found) = self.inner.try_read_string(text, case_sensitive);
        Ok(found)
    }

    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        char_buf: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, PageTooLarge> {
        self.check()?;
        let Ok(read) = self.inner.read_until(needle, char_buf);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Filling, Found, Overrides, classify, logout_form};
    use super::*;

    /// The time that this thread has computed, whatever else the machine does.
    fn computed() -> Duration {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        let nanoseconds = text.split(' ').next().expect("a number");
        Duration::from_nanos(nanoseconds.parse().expect("a number"))
    }

    fn time_to_read(html: &str) -> Duration {
        let url = Url::parse("https://auth.example/").expect("URL");
        let start = computed();
        let page = parse(html.as_bytes(), &url).expect("within the limits");
        let found = classify(&page, &Overrides::default());
        let time = computed().saturating_sub(start);
        assert!(!matches!(found, Found::Consent(_)), "{html:.100}");
        time
    }

    /// Ten times the page takes about ten times as long, where a square takes a hundred times.
    #[test]
    fn time_grows_with_the_length_and_not_with_its_square() {
        for (before, after) in [
            ("<div>", "</div>"),
            ("<div>", "</b>"),
            ("<b>", "</b>"),
            ("<b><p>", "</b>"),
            ("<p>", "</section>"),
            ("<div><span>", "</span>"),
            ("<table><tr><td>", "</table>"),
            ("<svg><desc>", "</svg>"),
            ("<template>", "</template>"),
            ("<label>x", "</label>"),
            ("<li>", "</form>"),
            ("<fieldset disabled><legend>", "</fieldset>"),
            ("<a b=c d=\"\">", ""),
            ("<p id=x class=y>", ""),
            ("<!--", "-->"),
            ("<![CDATA[", ">"),
            ("<script>x.submit(", "</script>"),
            ("<", "&"),
            ("&amp;&#x26;&notanentity;", "text"),
        ] {
            let html = |size: usize| {
                let count = size / (before.len() + after.len());
                let login =
                    "<form method=post><input name=user><input type=password name=pw></form>";
                format!("{}{login}{}", before.repeat(count), after.repeat(count))
            };
            let size = if before == "<div>" { 450_000 } else { 200_000 };
            let short = (0..3).map(|_| time_to_read(&html(size / 10))).min().expect("a time");
            let long = time_to_read(&html(size));
            assert!(
                long < 30 * short + Duration::from_millis(50),
                "{before}: {short:?} for a tenth, {long:?} for {size} bytes"
            );
        }
    }

    /// All that is done with a page: read, understood both ways, and its consent sent.
    fn time_to_use(html: &str) -> Duration {
        let url = Url::parse("https://auth.example/").expect("URL");
        let start = computed();
        let page = parse(html.as_bytes(), &url).expect("within the limits");
        let _ = logout_form(&page);
        if let Found::Consent(form) = classify(&page, &Overrides::default()) {
            let filling = form.grants.iter().fold(Filling::new(), |f, grant| f.check(*grant));
            page.submission(form.form, &filling, "boundary").expect("a form that is sent");
        }
        computed().saturating_sub(start)
    }

    /// Ten times as much of two things, of which a page may have as much as it likes, takes no
    /// hundred times as long.
    #[test]
    fn time_grows_with_what_is_on_a_page_and_not_with_the_product_of_two() {
        type Html = fn(usize) -> String;
        let name = "x-".repeat(100);
        let pages: [(&str, Html); 6] = [
            ("hidden fields and buttons", |n| {
                let (hidden, button) = ("<input type=hidden name=NAME>", "<button>NAME</button>");
                format!("<form method=post>{}{}", hidden.repeat(n * 20), button.repeat(n * 20))
            }),
            ("hidden decisions and buttons", |n| {
                let (hidden, button) =
                    ("<input type=hidden name=decision value=NAME>", "<button>Go</button>");
                format!("<form method=post>{}{}", hidden.repeat(n * 20), button.repeat(n * 20))
            }),
            ("a long base and forms", |n| {
                let base = format!("<base href='/{}/'>", "x-".repeat(n * 1000));
                base + &"<form method=post action=y><input name=z></form>".repeat(n * 5 / 2)
            }),
            ("text and forms for a code", |n| {
                let form = "<form method=post><input name=otp><button>Go</button></form>";
                "a b ".repeat(n * 10) + "<p>sms</p>" + &form.repeat(n * 5 / 2)
            }),
            ("scopes and radios", |n| {
                let (scope, radio) =
                    ("<input type=checkbox name=scope>", "<input type=radio name=NAME checked>");
                format!(
                    "<form method=post>{}{}<button>Allow</button><button>Deny</button>",
                    scope.repeat(n * 20),
                    radio.repeat(n * 20)
                )
            }),
            ("a label and fields", |n| {
                format!(
                    "<form method=post>{}{}<button>Allow</button><button>Deny</button>",
                    "<label for=a>NAME</label>".repeat(n * 20),
                    "<input type=checkbox id=a name=scope>".repeat(n * 20)
                )
            }),
        ];
        for (what, html) in pages {
            let html = |n: usize| html(n).replace("NAME", &name);
            let short = (0..3).map(|_| time_to_use(&html(5))).min().expect("a time");
            let long = time_to_use(&html(50));
            assert!(
                long < 30 * short + Duration::from_millis(50),
                "{what}: {short:?} for a tenth, {long:?} for all"
            );
        }
    }
}
