//! The answer to a login that was refused, and to one that was not.

use super::*;

fn is_again(before: &str, after: &str) -> bool {
    let before = page(before);
    let (Found::Login(login) | Found::OneTimeCode(login)) = found(&before) else {
        unreachable!("no login")
    };
    let after = page(after);
    Asked::of(&before, &login).unwrap().is_again(&after, &found(&after))
}

fn form(action: &str, fields: &str) -> String {
    format!("<form method=post action='{action}'>{fields}<button>Log in</button></form>")
}

const NAME: &str = "<input name=user>";
const PASSWORD: &str = "<input type=password name=pw>";
const CODE: &str = "<input name=otp>";

#[test]
fn the_same_form_again() {
    let login = form("/login?code=1", &format!("{NAME}{PASSWORD}"));
    for answer in [
        login.clone(),
        // With another token, a message, the name kept.
        form("/login?code=2", &format!("<p>Wrong.</p><input name=user value=ada>{PASSWORD}")),
        form("/elsewhere", &format!("{NAME}{PASSWORD}")),
        form("/login", &format!("<input type=hidden name=user value=ada>{PASSWORD}")),
        // Names that change with each page.
        form("/login", "<input name=user_8><input type=password name=pw_8>"),
        // Nothing of it is the same, and a password is asked for.
        form("/second", "<input type=password name=other>"),
        // Back to the first of two pages.
        form("/start", NAME),
    ] {
        assert!(is_again(&login, &answer), "{answer}");
    }
}

#[test]
fn a_step_forward() {
    let login = form("/login", &format!("{NAME}{PASSWORD}"));
    for answer in [
        form("/login", CODE),
        "<form method=post id=consent><button>Allow</button></form>".to_owned(),
        "<p>Welcome</p>".to_owned(),
        form("https://other.example/login", &format!("{NAME}{PASSWORD}")),
    ] {
        assert!(!is_again(&login, &answer), "{answer}");
    }
}

#[test]
fn the_first_of_two_pages() {
    let first = form("/login", NAME);
    assert!(is_again(&first, &first));
    assert!(!is_again(&first, &form("/login", PASSWORD)));
    assert!(!is_again(&first, &form("/login", &format!("{NAME}{PASSWORD}"))));
}

#[test]
fn a_code_that_was_refused() {
    let code = form("/otp", CODE);
    assert!(is_again(&code, &code));
    assert!(is_again(&code, &form("/login", &format!("{NAME}{PASSWORD}"))));
    assert!(!is_again(&code, "<form method=post id=consent><button>Allow</button></form>"));
}
