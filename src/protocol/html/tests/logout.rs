//! Pages that ask whether to log out, and pages that do not.

use super::*;
use crate::protocol::html::logout_form;

/// The form, and the button by its name, value and label.
fn confirmed(html: &str) -> String {
    let page = page(html);
    let Some(found) = logout_form(&page) else { return "does not ask".to_owned() };
    let Some(confirm) = found.confirm else { return format!("form {}: -", found.form) };
    let button = &page.forms[found.form].controls[confirm];
    format!("form {}: [{}|{}|{}]", found.form, button.name, button.value, button.label)
}

#[test]
fn the_button_that_ends_the_session_is_told_from_the_one_that_does_not() {
    for (html, expected) in [
        // Buttons outside of a form that has no name for itself but an ID (npm's oidc-provider).
        (
            r#"<form id="op.logoutForm" method="post" action="/session/end/confirm"><input type="hidden" name="xsrf" value="x"></form>
               <button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, end it</button>
               <button type="submit" form="op.logoutForm">No, leave me in</button>"#,
            "form 0: [logout|yes|Yes, end it]",
        ),
        // Nothing but the button says it, and the other one stands first (django-oauth-toolkit).
        (
            r#"<form id="authorizationForm" method="post"><input type="submit" value="Cancel">
               <input type="submit" name="allow" value="Logout"></form>"#,
            "form 0: [allow|Logout|]",
        ),
        // django-allauth
        (
            r#"<form method="post" action="/o/out"><button name="action" value="logout">Sign Out</button>
               <button name="action" value="stay">Stay here</button></form>"#,
            "form 0: [action|logout|Sign Out]",
        ),
        // Canaille
        (
            r#"<form method="post" action=""><button name="answer" value="stay" id="stay">Remain</button>
               <button name="answer" value="logout" id="logout">Leave</button></form>"#,
            "form 0: [answer|logout|Leave]",
        ),
        // Keycloak
        (
            r#"<form class="form" action="/realms/x/protocol/openid-connect/logout/logout-confirm" method="POST">
               <input type="hidden" name="session_code" value="y"><input type="submit" name="confirmLogout" value="Go"></form>"#,
            "form 0: [confirmLogout|Go|]",
        ),
        // LemonLDAP::NG
        (
            r#"<form id="form" action="/oauth2/logout" method="post"><input type="hidden" name="confirm" value="c">
               <button type="submit">Accept</button><button id="refuse" type="submit" val="-c">Refuse</button></form>"#,
            "form 0: [||Accept]",
        ),
        // In words that are not known here.
        (
            r#"<form method="post" action="/logout"><button name="a" value="1">Wyloguj</button></form>"#,
            "form 0: [a|1|Wyloguj]",
        ),
        (
            r#"<form method="post" action="/logout"><button value="1">Tak</button><button value="2">Nie</button></form>"#,
            "form 0: -",
        ),
    ] {
        assert_eq!(confirmed(html), expected, "{html}");
    }
}

#[test]
fn a_goodbye_or_a_login_does_not_ask() {
    for html in [
        "<h1>You are logged out</h1><a href=/login>Log in again</a>",
        r#"<form method="get" action="/search"><input name="q"><button>Search</button></form> Logged out."#,
        r#"<form method="post" action="/login?next=/logout"><input name="user"><input type="password" name="p"><button>Log in</button></form>"#,
        r#"<form method="post" action="/i18n"><select name="language"><option>en</select><button>Go</button></form>"#,
        // Answered already, or by a script.
        r#"<form method="post" action="/logout"><input type="hidden" name="a" value="b"></form>"#,
    ] {
        assert_eq!(confirmed(html), "does not ask", "{html}");
    }
}
