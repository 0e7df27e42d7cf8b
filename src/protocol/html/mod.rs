//! Login pages, read and filled in as a person without scripts would.
//!
//! [`parse()`] makes a [`Page`] of bytes, in one pass and within limits. [`classify()`] says what it
//! asks for. [`Page::submission`] is what a form sends. [`Asked`] tells whether an answer asks
//! for the same again.
//!
//! ```
//! use auth_exporter::protocol::html::{Filling, Found, Overrides, classify, parse};
//! use url::Url;
//!
//! let url = Url::parse("https://auth.example.com/login?next=%2F").unwrap();
//! let page = parse(
//!     br#"<form method="post" action="?step=1"><input type="hidden" name="csrf" value="t">
//!         <label>User <input name="user"></label> <input type="password" name="pw">
//!         <button name="go" value="1">Log in</button></form>"#,
//!     &url,
//! )
//! .unwrap();
//! let Found::Login(login) = classify(&page, &Overrides::default()) else { panic!() };
//! let filling = Filling::new()
//!     .text(login.identifier.unwrap(), "ada")
//!     .secret(login.password.unwrap(), "s3cret&")
//!     .submitter(login.submit);
//! let sent = page.submission(login.form, &filling, "boundary").unwrap();
//! assert_eq!(sent.url.as_str(), "https://auth.example.com/login?step=1");
//! assert_eq!(sent.body.unwrap(), "csrf=t&user=ada&pw=s3cret%26&go=1");
//! ```
//!
//! What is not read: style sheets, frames, other encodings than UTF-8. Section numbers are those
//! of the WHATWG HTML standard.

mod again;
mod attributes;
mod classify;
mod encode;
mod page;
mod parse;
mod refresh;
mod selector;
mod submit;
#[cfg(test)]
mod tests;
mod tree;
mod words;

pub use again::Asked;
pub use attributes::Attributes;
pub use classify::{
    ConsentForm, Found, LoginForm, LogoutForm, Overrides, asks_to_log_in, classify, logout_form,
    soon_left_for,
};
pub use page::{Choice, Control, Enctype, Form, Kind, Method, Page, Refresh, Scripts};
pub use parse::{
    MAX_ATTRIBUTES, MAX_BYTES, MAX_CONTROLS, MAX_FORMS, MAX_OPTIONS, MAX_URL, PageTooLarge, parse,
};
pub use refresh::parse_refresh;
pub use selector::{SelectorError, Target};
pub use submit::{Entry, Filling, Submission, SubmitError};
