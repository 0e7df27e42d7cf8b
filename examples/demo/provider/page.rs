//! The pages that people see, with what real ones have beside the form that matters.

use std::fmt::Write;

use http::StatusCode;

use super::answer::Answer;
use super::id_token;

/// What a login page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginPage {
    NameAndPassword,
    Identifier,
    Password,
    Code,
    All,
}

/// The form of [`LoginPage::NameAndPassword`] begins like this, which some faults change.
pub(super) const LOGIN_FORM: &str = "<form id=\"login-form\" method=\"post\" action=\"?\">";
/// Its password.
pub(super) const PASSWORD: &str =
    "<label>Password <input type=\"password\" name=\"password\" required></label>";

/// Forms of other kinds, which come first.
const DECOYS: &str = "<form role=\"search\" action=\"/search\"><input type=\"search\" name=\"q\">\
<button>Search</button></form>\n<form method=\"post\" action=\"/language\"><select name=\"language\">\
<option value=\"en\" selected>English</option><option value=\"de\">Deutsch</option></select>\
<button>Change</button></form>\n";

/// A page of HTML.
pub(super) fn html(status: StatusCode, title: &str, body: &str) -> Answer {
    let title = escaped(title);
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         </head>\n<body>\n{body}\n</body>\n</html>\n"
    );
    Answer::new(status, "text/html; charset=utf-8", page)
}

/// A page that asks for nothing.
pub(super) fn plain(status: StatusCode, title: &str, text: &str) -> Answer {
    let text = escaped(text);
    html(status, title, &format!("<h1>{}</h1>\n<p>{text}</p>", escaped(title)))
}

pub(super) fn login(page: LoginPage, form_token: &str, wrong: Option<&str>) -> Answer {
    let name = "<label>Name <input name=\"username\" autocomplete=\"username\" required></label>";
    let token = hidden("form_token", form_token);
    let button = "<button name=\"action\" value=\"login\">Sign in</button>";
    // Each sends its form to its own path, and says so in another way; each has its hidden field
    // in another place.
    let form = match page {
        LoginPage::NameAndPassword => format!(
            "{LOGIN_FORM}{name}\n{PASSWORD}\n<button type=\"button\">Show</button>\n\
             <label>One-time code, if you have one \
             <input name=\"code\" autocomplete=\"one-time-code\"></label>\n{button}\n{token}</form>\n\
             <form method=\"post\" action=\"/reset\"><input type=\"email\" name=\"email\">\
             <button>Forgot your password?</button></form>"
        ),
        LoginPage::Identifier => format!(
            "<base href=\"/login/\"><form method=\"post\" action=\"identifier\">{token}{name}\n\
             <input type=\"submit\" value=\"Next\"></form>"
        ),
        LoginPage::Password => {
            format!("<form method=\"post\" action=\"\">{PASSWORD}\n{button}{token}</form>")
        }
        LoginPage::Code => format!(
            "<form method=\"post\" action=\"#\" enctype=\"multipart/form-data\">{token}\
             <label>Code of your authenticator app <input name=\"code\" inputmode=\"numeric\" \
             autocomplete=\"one-time-code\" required></label>\n\
             <button name=\"resend\" formaction=\"/resend\">Resend</button>\n\
             <button>Verify</button></form>"
        ),
        LoginPage::All => format!(
            "<form method=\"post\">{name}\n{PASSWORD}\n<label>One-time code <input name=\"code\" \
             autocomplete=\"one-time-code\" required></label>\n{token}{button}</form>"
        ),
    };
    let wrong = wrong.map_or(String::new(), |what| format!("<p role=\"alert\">{what}</p>\n"));
    html(StatusCode::OK, "Sign in", &format!("{DECOYS}<h1>Sign in</h1>\n{wrong}{form}"))
}

/// The button that refuses comes first, and boxes have to be ticked.
pub(super) fn consent(client: &str, scope: &str, form_token: &str) -> Answer {
    let boxes =
        scope.split(' ').filter(|word| *word != "openid").fold(String::new(), |mut boxes, word| {
            // Writing into a String cannot fail.
            let _ = writeln!(
                boxes,
                "<label><input type=\"checkbox\" name=\"grant\" value=\"{0}\"> {0}</label>",
                escaped(word)
            );
            boxes
        });
    let form = format!(
        "{DECOYS}<h1>{} would like to</h1>\n<form method=\"post\">{}{boxes}\
         <button name=\"decision\" value=\"refuse\">Refuse</button>\n\
         <button name=\"decision\" value=\"accept\">Allow</button></form>",
        escaped(client),
        hidden("form_token", form_token)
    );
    html(StatusCode::OK, "Consent", &form)
}

/// The form token of a session.
pub(super) fn of_session(session: &str) -> String {
    id_token::left_half(session)
}

pub(super) fn logout(session: &str) -> Answer {
    let form = format!(
        "<h1>Do you want to sign out?</h1>\n<form method=\"post\">{}\
         <button name=\"answer\" value=\"no\">No, stay signed in</button>\n\
         <button name=\"answer\" value=\"yes\">Yes, sign me out</button></form>",
        hidden("form_token", &of_session(session))
    );
    html(StatusCode::OK, "Sign out", &form)
}

/// A form that a script sends, or a person without scripts (form post response mode §2).
pub(super) fn form_post<'a>(
    action: &str,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Answer {
    let fields: String = parameters.map(|(name, value)| hidden(name, value)).collect();
    let form = format!(
        "<form method=\"post\" action=\"{}\">{fields}<noscript><button>Continue</button>\
         </noscript></form>\n<script>document.forms[0].submit()</script>",
        escaped(action)
    );
    html(StatusCode::OK, "One moment", &form)
}

pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value))
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
