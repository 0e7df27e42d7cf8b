//! What the configuration says where detection is wrong.

use super::super::{SelectorError, Target};
use super::*;

fn target(text: &str) -> Target {
    Target::parse(text).unwrap()
}

/// The names of the controls that a text means in the first form that has some.
fn meant(html: &str, text: &str) -> Vec<String> {
    let page = page(html);
    let target = target(text);
    let name = |form: &Form, index: usize| form.controls[index].name.clone();
    page.forms
        .iter()
        .map(|form| target.controls(form).into_iter().map(|i| name(form, i)).collect::<Vec<_>>())
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}

#[test]
fn every_selector() {
    let html = "<form id=a><input name=one id=x:1 class='big red' type=TEXT></form>
        <form id=b name=two class=login action=/go><input name='user[login]' data-t='a b]'>
        <button name=three type=submit>x</button><select name=four></select></form>";
    for (text, expected) in [
        ("one", &["one"][..]),
        ("user[login]", &["user[login]"]),
        ("#x\\:1", &["one"]),
        (".red", &["one"]),
        ("input.big.red", &["one"]),
        ("input[type=text]", &["one"]),
        ("[name=three]", &["three"]),
        ("[name='user[login]']", &["user[login]"]),
        ("[name=\"user[login]\"]", &["user[login]"]),
        ("[name^=user]", &["user[login]"]),
        ("[name$='login]']", &["user[login]"]),
        ("input[name*=ser]", &["user[login]"]),
        ("[class~=red]", &["one"]),
        ("[data-t='a b]']", &["user[login]"]),
        ("[DATA-T]", &["user[login]"]),
        ("form#b input", &["user[login]"]),
        ("#b   button", &["three"]),
        ("form.login[action='/go'] *", &["user[login]", "three", "four"]),
        ("select", &["four"]),
        ("form#a button", &[]),
        ("[name^='']", &[]),
        ("nosuch", &[]),
        ("INPUT", &["one"]),
    ] {
        assert_eq!(meant(html, text), expected, "{text}");
    }
}

#[test]
fn a_name_wins_over_a_selector() {
    assert_eq!(
        meant("<form><input name=a><select name=input></select></form>", "input"),
        ["input"]
    );
}

#[test]
fn forms_are_meant_by_name_id_and_selector() {
    let page = page("<form id=a></form><form name=b class=x></form>");
    let meant = |text: &str| -> Vec<bool> {
        page.forms.iter().map(|form| target(text).is_form(form)).collect()
    };
    assert_eq!(meant("a"), [true, false]);
    assert_eq!(meant("b"), [false, true]);
    assert_eq!(meant("form.x"), [false, true]);
    assert_eq!(meant("#a"), [true, false]);
    assert_eq!(meant("form"), [true, true]);
    assert_eq!(meant("#a input"), [false, false]);
}

#[test]
fn what_is_no_selector_is_refused() {
    for (text, error) in [
        ("", SelectorError::Empty),
        ("  ", SelectorError::Empty),
        ("#", SelectorError::Unknown),
        ("[name", SelectorError::Unknown),
        ("[name='x]", SelectorError::Unknown),
        ("[name|=x]", SelectorError::Unknown),
        ("a > b", SelectorError::Unknown),
        ("a b c", SelectorError::Unknown),
        (".x:hover", SelectorError::Unknown),
        ("a=b", SelectorError::Unknown),
    ] {
        assert_eq!(Target::parse(text), Err(error), "{text}");
    }
    // Odd, and a name all the same.
    assert!(Target::parse("ctl00$Main$User").is_ok());
    assert!(Target::parse("j_id1:user").is_ok());
}

fn with(html: &str, overrides: &Overrides) -> String {
    let page = page(html);
    summary(&page, &classify(&page, overrides))
}

#[test]
fn named_fields_win_over_detection() {
    let html = "<form method=post><input name=user><input name=x><input type=password name=a>
        <input type=password name=b><button name=s>Cancel</button><button name=t>Log in</button></form>";
    assert_eq!(summary_of(html), "LoginFormNotFound");
    let overrides = Overrides {
        username: Some(target("x")),
        password: Some(target("input[name=b]")),
        submit: Some(target("s")),
        ..Overrides::default()
    };
    assert_eq!(with(html, &overrides), "login in form 0: x b - by s");
}

#[test]
fn one_named_field_leaves_the_others_to_detection() {
    let html = "<form method=post><input name=user><input name=x><input type=password name=p><input name=otp></form>";
    let username = Overrides { username: Some(target("x")), ..Overrides::default() };
    assert_eq!(with(html, &username), "login in form 0: x p - by -");
    let totp = Overrides { totp: Some(target("otp")), ..Overrides::default() };
    assert_eq!(with(html, &totp), "login in form 0: user p otp by -");
}

#[test]
fn fields_of_pages_that_come_later_are_not_missed_on_this_one() {
    let overrides = Overrides {
        username: Some(target("who")),
        password: Some(target("pass")),
        totp: Some(target("digits")),
        accept: Some(target("[value=go]")),
        ..Overrides::default()
    };
    for (html, expected) in [
        (
            "<form method=post><input name=who><button>1</button></form>",
            "login in form 0: who - - by 1",
        ),
        (
            "<form method=post><input name=pass><button>2</button></form>",
            "login in form 0: - pass - by 2",
        ),
        (
            "<form method=post><input name=digits><button>3</button></form>",
            "code in form 0: - - digits by 3",
        ),
        (
            "<form method=post><button name=a value=stop>4</button><button name=b value=go>5</button></form>",
            "consent in form 0: b []",
        ),
        (
            "<form method=post><input name=user><input type=password name=pw></form>",
            "login in form 0: user pw - by -",
        ),
    ] {
        assert_eq!(with(html, &overrides), expected, "{html}");
    }
}

#[test]
fn the_form_with_most_of_the_named_fields_is_meant() {
    let html = "<form method=post><input name=email></form>
        <form method=post><input name=email><input name=word></form>";
    let overrides = Overrides {
        username: Some(target("email")),
        password: Some(target("word")),
        ..Overrides::default()
    };
    assert_eq!(with(html, &overrides), "login in form 1: email word - by -");
}

#[test]
fn a_named_form_is_the_only_one_that_is_looked_at() {
    let html = "<form method=post id=a><input name=user><input type=password name=pw></form>
        <form method=post id=b><input name=user2><input type=password name=pw2></form>";
    let overrides = Overrides { form: Some(target("form#b")), ..Overrides::default() };
    assert_eq!(with(html, &overrides), "login in form 1: user2 pw2 - by -");
    let elsewhere = Overrides { form: Some(target("form#c")), ..Overrides::default() };
    assert_eq!(with(html, &elsewhere), "login in form 0: user pw - by -");
}

#[test]
fn a_hidden_field_is_never_what_one_types_into() {
    let html = "<form method=post><input type=hidden name=user><input name=user id=u><input type=password name=pw></form>";
    let overrides = Overrides { username: Some(target("user")), ..Overrides::default() };
    let page = page(html);
    let Found::Login(login) = classify(&page, &overrides) else { unreachable!() };
    assert_eq!(login.identifier, Some(1));
}
