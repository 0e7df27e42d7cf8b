//! Login pages that are hostile, or ask for what nobody can give who has no hands.

use http::StatusCode;

use super::super::answer::Answer;
use super::super::page::{self, LOGIN_FORM, LoginPage, PASSWORD};
use super::super::received::Received;
use super::super::{Mark, login};

fn text(good: &Answer) -> String {
    String::from_utf8_lossy(good.body()).into_owned()
}

/// The page with something put before a part of it. One that has no such part stays as it is.
fn before(good: &Answer, part: &str, more: &str) -> Answer {
    edited(good, &text(good).replacen(part, &format!("{more}{part}"), 1))
}

fn edited(good: &Answer, body: &str) -> Answer {
    let headers = good.headers.clone();
    Answer { status: good.status, headers, ..Answer::text(good.status, body) }
}

/// The form that a page shows when it did not like what it got.
pub(super) fn again(request: &Received) -> Answer {
    let shown = match request.path() {
        login::IDENTIFIER_PATH => LoginPage::Identifier,
        login::CODE_PATH => LoginPage::Code,
        _ => LoginPage::NameAndPassword,
    };
    page::login(shown, Mark::Form.text(), Some("Wrong name, password or code."))
}

/// A comment of so many bytes before the form.
pub(super) fn padded(good: &Answer, bytes: usize) -> Answer {
    before(good, LOGIN_FORM, &format!("<!--{}-->", "x".repeat(bytes)))
}

pub(super) fn fields(good: &Answer, count: usize) -> Answer {
    let fields = page::hidden("field", "x").repeat(count);
    edited(good, &text(good).replacen(LOGIN_FORM, &format!("{LOGIN_FORM}{fields}"), 1))
}

pub(super) fn deep(good: &Answer, count: usize) -> Answer {
    before(good, LOGIN_FORM, &"<div>".repeat(count))
}

/// A form in a form is none (WHATWG HTML §13.2.6.4.7): the outer one has the password.
pub(super) fn nested(good: &Answer, other: &str) -> Answer {
    let inner = format!("<form method=\"post\" action=\"{other}{}\">", login::PASSWORD_PATH);
    before(good, PASSWORD, &inner)
}

pub(super) fn form_to(good: &Answer, method: &str, action: &str) -> Answer {
    let form = format!("<form id=\"login-form\" method=\"{method}\" action=\"{action}\">");
    edited(good, &text(good).replacen(LOGIN_FORM, &form, 1))
}

pub(super) fn captcha(good: &Answer) -> Answer {
    let widget = "<div class=\"g-recaptcha\" data-sitekey=\"site-key\"></div>\
                  <script src=\"/captcha.js\"></script>";
    before(good, PASSWORD, widget)
}

pub(super) fn script_only() -> Answer {
    let body = "<noscript>You need to enable JavaScript to sign in.</noscript>\
                <div id=\"root\"></div><script src=\"/app.js\"></script>";
    page::html(StatusCode::OK, "Sign in", body)
}

pub(super) fn webauthn() -> Answer {
    let body = format!(
        "<h1>Touch your security key</h1>\n<form id=\"webauthn\" method=\"post\">{}{}{}</form>\n\
         <script>navigator.credentials.get(options)</script>",
        page::hidden("clientDataJSON", ""),
        page::hidden("authenticatorData", ""),
        page::hidden("signature", ""),
    );
    page::html(StatusCode::OK, "Security key", &body)
}

pub(super) fn message_code() -> Answer {
    let body = "<h1>We sent you a text message</h1>\n<form method=\"post\" action=\"sms\">\
                <label>Code <input name=\"sms_code\" inputmode=\"numeric\"></label>\
                <button>Verify</button></form>";
    page::html(StatusCode::OK, "Check your phone", body)
}

pub(super) fn change_password() -> Answer {
    let body = "<h1>Your password has expired</h1>\n<form method=\"post\" action=\"change\">\
                <label>Current password <input type=\"password\" name=\"old\"></label>\
                <label>New password <input type=\"password\" name=\"new_password\" \
                autocomplete=\"new-password\"></label>\
                <label>Again <input type=\"password\" name=\"repeat_password\" \
                autocomplete=\"new-password\"></label><button>Change</button></form>";
    page::html(StatusCode::OK, "Change your password", body)
}

/// Asks under a name that was never used, so that it is no form that came before.
pub(super) fn another_name() -> Answer {
    let path = Mark::Form.random();
    let body = format!(
        "<form method=\"post\" action=\"{path}\"><label>User name <input name=\"user_{path}\" \
         autocomplete=\"username\"></label><button>Next</button></form>"
    );
    page::html(StatusCode::OK, "Sign in", &body)
}

/// Leads to a path where nothing was before.
pub(super) fn refresh() -> Answer {
    let next = format!("{}{}", login::FOLDER, Mark::Form.random());
    let body = format!("<meta http-equiv=\"refresh\" content=\"0; url={next}\"><p>One moment.</p>");
    page::html(StatusCode::OK, "Sign in", &body)
}

/// Two buttons that say nothing, on the page that asks for consent.
pub(super) fn unclear(good: &Answer) -> Answer {
    let page = text(good)
        .replace("value=\"refuse\">Refuse", "value=\"1\">Bing")
        .replace("value=\"accept\">Allow", "value=\"2\">Bong");
    edited(good, &page)
}
