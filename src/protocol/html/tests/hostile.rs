//! Pages that are made to cost much, or to be read wrongly.

use super::super::{
    MAX_ATTRIBUTES, MAX_BYTES, MAX_CONTROLS, MAX_FORMS, MAX_OPTIONS, MAX_URL, PageTooLarge,
};
use super::*;

fn refused(html: &str) -> PageTooLarge {
    parse(html.as_bytes(), &Url::parse(URL).unwrap()).unwrap_err()
}

#[test]
fn limits_are_held() {
    assert_eq!(refused(&" ".repeat(MAX_BYTES + 1)), PageTooLarge::Bytes);
    assert_eq!(refused(&"<form></form>".repeat(100_000)), PageTooLarge::Forms);
    assert_eq!(
        refused(&format!("<form>{}", "<input name=a>".repeat(10_000))),
        PageTooLarge::Controls
    );
    assert_eq!(refused(&"<input>".repeat(10_000)), PageTooLarge::Controls);
    assert_eq!(refused(&format!("<select>{}", "<option>".repeat(100_000))), PageTooLarge::Options);
    let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
    let from = |length| parse(b"<form>", &Url::parse(&long(length)).unwrap()).map(|page| page.url);
    assert_eq!(from(MAX_URL + 1).unwrap_err(), PageTooLarge::Url);
    assert_eq!(from(MAX_URL).unwrap().as_str().len(), MAX_URL);
    // As a base it is none.
    for (length, expected) in
        [(MAX_URL, "https://a.example/y"), (MAX_URL + 1, "https://auth.example/realm/y")]
    {
        let page = page(&format!("<base href={}><form action=y>", long(length)));
        assert_eq!(page.forms[0].action.as_ref().unwrap().as_str(), expected);
    }
    let full = "<form></form>".repeat(MAX_FORMS)
        + &"<input>".repeat(MAX_CONTROLS - 1)
        + "<select>"
        + &"<option>".repeat(MAX_OPTIONS);
    assert_eq!(page(&full).forms.len(), MAX_FORMS);
}

#[test]
fn many_attributes_are_no_deep_stack() {
    for attribute in ["a=\"\" ", "a=\"x\"", "a=\"\"/", "a = \"&amp;\"\n", "a='' ", "a=x ", "a "] {
        for tag in ["<input ", "</input ", "<svg><g "] {
            let html = format!("{tag}{}>", attribute.repeat(100_000));
            assert_eq!(refused(&html), PageTooLarge::Attributes, "{tag}{attribute}");
        }
    }
    // Each tag has its own.
    let full = "a=\"\" ".repeat(MAX_ATTRIBUTES);
    let full = format!("<form {full}><input {full}>");
    let full = format!("{full}</form {}><form>", "a=\"\" ".repeat(MAX_ATTRIBUTES));
    assert_eq!(page(&full).forms.len(), 2);
}

/// Each option that is chosen repeats the name of its list.
#[test]
fn a_form_that_would_send_far_more_than_the_page_is_not_sent() {
    let list = |options: usize| {
        let options = "<option value=x selected>".repeat(options);
        page(&format!("<form method=post><select multiple name={}>{options}", "n".repeat(100_000)))
            .submission(0, &Filling::new(), "BOUNDARY")
    };
    assert_eq!(list(MAX_OPTIONS).unwrap_err(), SubmitError::TooLarge);
    assert_eq!(list(2).unwrap().body.unwrap().len(), 2 * 100_002 + 1);
}

#[test]
fn a_login_is_found_below_any_depth() {
    for html in [
        format!(
            "{}<form method=post><input name=user><input type=password name=pw>",
            "<div>".repeat(75_000)
        ),
        format!(
            "{0}{1}<form method=post><input name=user><input type=password name=pw>",
            "<div>".repeat(75_000),
            "</div>".repeat(75_000)
        ),
        format!(
            "<form method=post>{}<input name=user><input type=password name=pw>",
            "<b>".repeat(150_000)
        ),
    ] {
        assert_eq!(summary_of(&html), "login in form 0: user pw - by -");
    }
}

#[test]
fn what_is_cut_off_is_read_as_far_as_it_goes() {
    let whole = "<form method=post action=/a><label>Name <input name=user></label><input type=password name=pw><select name=s><option>1</select><textarea name=t>x</textarea><button>Go</button></form>";
    for end in 0..whole.len() {
        let page = page(&whole[..end]);
        assert!(page.forms.len() <= 1, "{end}");
        let _ = found(&page);
    }
    assert_eq!(summary_of(&whole[..100]), "login in form 0: user pw - by -");
}

#[test]
fn forms_in_scripts_comments_and_attributes_do_not_distract() {
    let html = "<!-- <form method=post action=https://evil.example><input name=user><input type=password name=pw></form> -->
        <script>var f = '<form method=post action=https://evil.example><input name=user><input type=password name=pw>';</script>
        <a title='<form action=https://evil.example>'></a>
        <template><form action=https://evil.example method=post><input name=user><input type=password name=pw></form></template>
        <form method=post action=/right title='</form><form action=https://evil.example>'><input name=user>
        <form method=post action=https://evil.example></form><input type=password name=pw></form>";
    let page = page(html);
    assert_eq!(page.forms.len(), 1);
    assert_eq!(page.forms[0].action.as_ref().unwrap().as_str(), "https://auth.example/right");
}

#[test]
fn a_long_name_or_value_is_kept_whole_and_a_long_label_is_not() {
    let long = "x".repeat(100_000);
    let page = page(&format!(
        "<title>{long}</title><form><label>{long}<input name={long} value={long}></label></form>"
    ));
    let control = &page.forms[0].controls[0];
    assert_eq!((control.name.len(), control.value.len()), (100_000, 100_000));
    assert!(control.label.len() <= 256);
}
