//! Which form owns a control, and what a control holds.

use super::*;

/// Every form with what it sends, and what belongs to none.
fn owned(html: &str) -> (Vec<String>, Vec<String>) {
    let page = page(html);
    let strays = page.strays.iter().map(|control| control.name.clone()).collect();
    (page.forms.iter().map(entries).collect(), strays)
}

fn forms(html: &str) -> Vec<String> {
    let (forms, strays) = owned(html);
    assert_eq!(strays, Vec::<String>::new());
    forms
}

#[test]
fn controls_in_a_form_are_its_own() {
    assert_eq!(
        owned("<input name=a><form><div><input name=b></div></form><input name=c>"),
        (vec!["b=".into()], vec!["a".into(), "c".into()])
    );
}

#[test]
fn the_form_attribute_wins_wherever_the_control_stands() {
    assert_eq!(
        forms(
            "<input form=two name=a><form id=one><input form=two name=b><input name=c></form>
             <form id=two><input name=d></form><button name=e form=one>x</button>"
        ),
        ["c=", "a=&b=&d="]
    );
}

#[test]
fn a_form_attribute_without_its_form_takes_the_control_out() {
    assert_eq!(
        owned(
            "<p id=dup></p><form id=dup><input name=a form=dup><input name=b form=''>
             <input name=c form=nowhere><input name=d></form>"
        ),
        (vec!["d=".into()], vec!["a".into(), "b".into(), "c".into()])
    );
}

#[test]
fn a_form_in_a_form_is_no_form() {
    assert_eq!(
        forms("<form id=a><input name=a><form id=b><input name=b></form></form>"),
        ["a=&b="]
    );
    // The end tag that is left over ends nothing, and the next form is one again.
    assert_eq!(forms("<form><form></form><form><input name=c></form>"), ["", "c="]);
    assert_eq!(
        owned("<form id=a><form id=b></form></form><input name=x form=b>"),
        (vec![String::new()], vec!["x".into()])
    );
}

#[test]
fn a_form_between_the_parts_of_a_table_owns_the_cells_after_it() {
    assert_eq!(
        owned(
            "<table><form><tr><td><input name=a></td></tr><tr><td><input name=b></form></td>
             <td><input name=c></table>"
        ),
        (vec!["a=&b=".into()], vec!["c".into()])
    );
}

#[test]
fn an_end_tag_too_early_leaves_what_is_still_inside() {
    // The parser has left the form, and the open div stands in it.
    assert_eq!(
        owned("<form><div></form><input name=a></div><input name=b>"),
        (vec!["a=".into()], vec!["b".into()])
    );
    // The div has ended the form, and the parser has not.
    assert_eq!(forms("<div><form></div><input name=a></form>"), ["a="]);
}

#[test]
fn parts_of_tables_end_what_is_open_and_are_nothing_without_a_table() {
    assert_eq!(
        forms("<table><form><fieldset disabled><input name=a><td><input name=b></table></form>"),
        ["b="]
    );
    assert_eq!(owned("<form><td></form><input name=a>"), (vec![String::new()], vec!["a".into()]));
    // What a form's end tag implies is ended with it, and out of a cell it ends nothing.
    assert_eq!(owned("<form><li></form><input name=a>"), (vec![String::new()], vec!["a".into()]));
    assert_eq!(forms("<form><table><td></form><input name=a></table>"), ["a="]);
}

#[test]
fn what_stands_in_a_template_is_not_there() {
    let page = page(
        "<template><form id=t><input name=a></form><base href=/t/><input name=b></template>
         <form><template><input name=c></form></template><input name=d form=t><input name=e></form>",
    );
    assert_eq!(page.forms.len(), 1);
    assert_eq!(entries(&page.forms[0]), "e=");
    assert_eq!(page.strays.len(), 1);
    assert_eq!(page.base.as_str(), URL);
}

#[test]
fn text_that_looks_like_forms_is_text() {
    for text in [
        "<!-- <form><input name=x></form> -->",
        "<!--><!-- <form> --!>",
        "<script>'<form><input name=x>'</script>",
        "<script><!-- <script>'</script>' <form> --></script>",
        "<style><form></style>",
        "<title><form></title>",
        "<textarea><form><input name=x></textarea>",
        "<xmp><form></xmp><iframe><form></iframe><noembed><form></noembed>",
        "<a title='</script><form>'>x</a>",
        "<a title=\"<form><input name=x>\">x</a>",
        "<svg><style><![CDATA[ a > b <form><input name=x> ]]></style></svg>",
        "<svg><form><input name=x></form></svg>",
        "<math><form><input name=x></form></math>",
        "<?php <form ?>",
        "</ <form>>",
    ] {
        let page = page(&format!("{text}<form><input name=a></form>"));
        let found: Vec<String> = page.forms.iter().map(entries).collect();
        let strays: Vec<&str> = page.strays.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(found, ["a="], "{text}");
        assert!(strays.iter().all(|name| name.is_empty()), "{text}: {strays:?}");
    }
}

#[test]
fn an_end_tag_in_an_attribute_ends_nothing() {
    assert_eq!(
        forms("<form><input name=a value='</form>'><input name=b title=\"></form>\"></form>"),
        ["a=</form>&b="]
    );
}

#[test]
fn pictures_and_their_titles_swallow_nothing() {
    assert_eq!(
        forms(
            "<form><svg><title/><path d=M0/></svg><input name=a><svg/><input name=b>
             <svg><title>x</title><g><foreignObject><input name=c></foreignObject></g></svg>
             <svg><p><input name=d></form>"
        ),
        ["a=&b=&c=&d="]
    );
}

#[test]
fn noscript_is_there_for_us() {
    let page = page("<form><noscript><input name=a><button name=b>Go</button></noscript></form>");
    let controls: Vec<_> =
        page.forms[0].controls.iter().map(|c| (c.name.as_str(), c.in_noscript)).collect();
    assert_eq!(controls, [("a", true), ("b", true)]);
}

#[test]
fn a_title_is_kept_longer_than_it_is_shown() {
    let long = "word ".repeat(10_000);
    assert_eq!(page(&format!("<title>{long}</title>")).title, long.trim_end());
    let endless = "x".repeat(1 << 20);
    assert_eq!(page(&format!("<title>{endless}</title>")).title.len(), 128 * 1024);
}

#[test]
fn character_references_are_decoded_in_values_and_text() {
    let page = page(
        "<title>A &amp; B&lt;</title><form action='/x?a=1&amp;b=2&copy=3&notit;'>
         <input name='a&#x5B;&#93;' value='&quot;&euro;&#128;&#0;&nosuch;&ampx'>
         <button name=b>Caf&eacute; &gt;</button><textarea name=t>\n&lt;b></textarea></form>",
    );
    let form = &page.forms[0];
    assert_eq!(page.title, "A & B<");
    // Without a semicolon not decoded in an attribute, as in old links.
    assert_eq!(form.action.as_ref().unwrap().query(), Some("a=1&b=2&copy=3&notit;"));
    assert_eq!(form.controls[0].name, "a[]");
    assert_eq!(form.controls[0].value, "\"€€\u{fffd}&nosuch;&ampx");
    assert_eq!(form.controls[1].label, "Café >");
    assert_eq!(form.controls[2].value, "<b>");
}

#[test]
fn the_first_of_two_attributes_counts_in_any_case() {
    assert_eq!(forms("<FORM><INPUT NAME=a name=b VALUE=1 value=2></FORM>"), ["a=1"]);
}

#[test]
fn what_is_disabled_is_not_sent() {
    assert_eq!(
        forms(
            "<form><input name=a disabled><fieldset disabled><legend><input name=b></legend>
             <legend><input name=c></legend><input name=d><fieldset><input name=e></fieldset>
             </fieldset><input name=f readonly><select name=g disabled><option>1</select></form>"
        ),
        ["b=&f="]
    );
}

#[test]
fn lists_send_their_chosen_options() {
    for (select, sent) in [
        ("<select name=s><option>One  two\n<option value=2>x</select>", "s=One two"),
        ("<select name=s><option>1<option selected>2<option selected>3</select>", "s=3"),
        ("<select name=s><option disabled>1<option>2</select>", "s=2"),
        ("<select name=s><optgroup disabled><option>1</optgroup><option>2</select>", "s=2"),
        ("<select name=s><option value=''>-<option selected disabled>1</select>", ""),
        (
            "<select name=s multiple><option selected>1<option>2<option selected>3</select>",
            "s=1&s=3",
        ),
        ("<select name=s multiple><option>1</select>", ""),
        ("<select name=s size=3><option>1</select>", ""),
        ("<select name=s></select>", ""),
        ("<select name=s><option>1<hr><option selected>2</select><option>3", "s=2"),
        (
            "<select name=s><button><selectedcontent></selectedcontent></button><option>1</select>",
            "s=1",
        ),
        // Each ends the list before it.
        ("<select name=s><option>1<input name=i>", "s=1&i="),
        // A list in a list only ends it.
        ("<select name=s><option>1<select name=t><option>2</select><input name=i>", "s=1&i="),
        ("<select name=s><option>1", "s=1"),
        ("<table><tr><td><select name=s><option>1</table><input name=i>", "s=1&i="),
        ("<datalist><option>1</option><input name=d></datalist>", ""),
    ] {
        assert_eq!(forms(&format!("<form>{select}</form>")), [sent], "{select}");
    }
}

#[test]
fn boxes_and_radios_send_what_is_checked() {
    assert_eq!(
        forms(
            "<form><input type=checkbox name=a><input type=checkbox name=b checked>
             <input type=checkbox name=c checked value=1><input type=radio name=r value=1 checked>
             <input type=radio name=r value=2 checked><input type=radio name=r value=3></form>"
        ),
        ["b=on&c=1&r=2"]
    );
}

#[test]
fn values_are_sanitized_as_their_types_want() {
    assert_eq!(
        forms(
            "<form><input name=a value='1\n2'><input name=b type=email value=' a@b\n '>
             <input name=c type=number value=x><input name=d type=number value=1e2>
             <input name=e type=hidden value='1\n2'><input name=f type=nosuch value=1>
             <input name=_charset_ type=hidden value=x></form>"
        ),
        ["a=12&b=a@b&c=&d=1e2&e=1\n2&f=1&_charset_=UTF-8"]
    );
}

#[test]
fn buttons_without_a_type_submit_and_others_do_not() {
    let page = page(
        "<form><button name=a>A</button><button name=b type=BUTTON>B</button>
         <button name=c type=nosuch>C</button><button name=d type=reset>D</button>
         <input type=image name=e><input type=button name=f><button name=g command=x>G</button></form>",
    );
    let submits: Vec<&str> = page.forms[0]
        .controls
        .iter()
        .filter(|control| control.kind.submits())
        .map(|control| control.name.as_str())
        .collect();
    assert_eq!(submits, ["a", "c", "e"]);
}

#[test]
fn labels_belong_to_controls_by_nesting_and_by_id() {
    let page = page(
        "<form><label for=x>By <b>ID</b></label><label>Around <input name=a> it</label>
         <label for=nosuch>Nobody's <input name=b></label><input name=c id=x aria-label=Aria>
         <button name=d>Text <img alt=Picture></button><label for=x>Twice</label></form>",
    );
    let labels: Vec<&str> =
        page.forms[0].controls.iter().map(|control| control.label.as_str()).collect();
    assert_eq!(labels, ["Around it", "", "By ID Twice", "Text Picture"]);
}

#[test]
fn what_is_out_of_sight_is_known_so() {
    let page = page(
        "<form><div style='Display : none'><input name=a></div><input name=b hidden>
         <p hidden><input name=c></p><input name=d aria-hidden=true><input name=e
         style=visibility:hidden><input name=f></form>",
    );
    let concealed: Vec<&str> = page.forms[0]
        .controls
        .iter()
        .filter(|control| control.concealed)
        .map(|control| control.name.as_str())
        .collect();
    assert_eq!(concealed, ["a", "b", "c", "d", "e"]);
}

#[test]
fn the_first_base_with_an_address_counts() {
    for (html, base) in [
        ("", URL),
        ("<base target=x><base href=/a/><base href=/b/>", "https://auth.example/a/"),
        ("<base href='javascript:x'>", URL),
        ("<base href='https://['>", URL),
        ("<base href=//other.example>", "https://other.example/"),
    ] {
        assert_eq!(page(html).base.as_str(), base, "{html}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let url = Url::parse(URL).unwrap();
    let page = parse(b"\xef\xbb\xbf<form><input name=a value=\xff\x00>", &url).unwrap();
    assert_eq!(entries(&page.forms[0]), "a=\u{fffd}\u{fffd}");
}

#[test]
fn values_are_in_no_debug_text() {
    let page = page(
        "<title>T</title><form action=/x?t=canary><input name=a value=canary type=hidden></form>",
    );
    let text = format!("{:?} {:?}", page.forms[0].controls, page.forms[0].entries(&Filling::new()));
    assert_eq!(text, "[Hidden \"a\"] [a=…]");
}
