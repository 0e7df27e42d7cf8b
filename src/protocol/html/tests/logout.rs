//! Pages that ask whether to end a session.

use super::super::logout;
use super::page;

/// The button that ends the session, by its name or else its value.
fn ends_by(html: &str) -> Option<String> {
    let page = page(html);
    let form = logout(&page)?;
    let button = &page.forms[form.form].controls[form.accept?];
    Some(if button.name.is_empty() {
        button.label.clone()
    } else {
        format!("{}={}", button.name, button.value)
    })
}

#[test]
fn the_button_that_ends_the_session() {
    for (html, expected) in [
        // A form at the path that was asked for, with the button that refuses first.
        (
            r#"<form method="post" action="/logout"><input type="hidden" name="t" value="1">
               <button name="answer" value="no">No, stay signed in</button>
               <button name="answer" value="yes">Yes, sign me out</button></form>"#,
            "answer=yes",
        ),
        // Buttons elsewhere on the page than their form.
        (
            r#"<form id="my.logoutForm" method="post" action="/session/end/confirm"></form>
               <button form="my.logoutForm" name="logout" value="yes">Yes</button>
               <button form="my.logoutForm" name="stay" value="1">Cancel</button>"#,
            "logout=yes",
        ),
        // One button, which says what it does.
        (
            r#"<form method="post" action="/bye"><input type="submit" name="confirmLogout" value="Logout"></form>"#,
            "confirmLogout=Logout",
        ),
        (
            r#"<form method="post" action="/sign_out"><input type="hidden" name="_method" value="delete">
               <button name="go" value="1">Sign out</button></form>"#,
            "go=1",
        ),
    ] {
        assert_eq!(ends_by(html).as_deref(), Some(expected), "{html}");
    }
}

#[test]
fn pages_that_ask_for_nothing() {
    for html in [
        "<h1>Goodbye</h1>",
        r#"<form role="search" action="/search"><input name="q"><button>Search</button></form>"#,
        r#"<form action="/language"><select name="language"></select><button>Go</button></form>"#,
        r#"<form method="post" action="/login"><input name="user"><input type="password" name="pw">
           <button>Log in</button></form>"#,
    ] {
        assert_eq!(ends_by(html), None, "{html}");
    }
}
