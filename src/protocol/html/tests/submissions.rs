//! What a form sends, and where.

use super::super::{Kind, Method};
use super::*;

fn action(form: &str, head: &str) -> String {
    submit(&format!("{head}{form}"), &Filling::new()).url.to_string()
}

#[test]
fn the_action_is_resolved_as_in_a_browser() {
    let base = "<base href='https://cdn.example/dir/x'>";
    for (form, plain, with_base) in [
        // Empty is the page itself, whatever its base.
        (
            "<form method=post>",
            "https://auth.example/realm/page?q=1",
            "https://auth.example/realm/page?q=1",
        ),
        (
            "<form method=post action=''>",
            "https://auth.example/realm/page?q=1",
            "https://auth.example/realm/page?q=1",
        ),
        (
            "<form method=post action='#'>",
            "https://auth.example/realm/page?q=1",
            "https://cdn.example/dir/x",
        ),
        (
            "<form method=post action='?'>",
            "https://auth.example/realm/page?",
            "https://cdn.example/dir/x?",
        ),
        (
            "<form method=post action='?a=1'>",
            "https://auth.example/realm/page?a=1",
            "https://cdn.example/dir/x?a=1",
        ),
        (
            "<form method=post action=' go '>",
            "https://auth.example/realm/go",
            "https://cdn.example/dir/go",
        ),
        ("<form method=post action='/go#f'>", "https://auth.example/go", "https://cdn.example/go"),
        ("<form method=post action='//b.example/x'>", "https://b.example/x", "https://b.example/x"),
        ("<form method=post action='http://b.example'>", "http://b.example/", "http://b.example/"),
    ] {
        assert_eq!(action(form, ""), plain, "{form}");
        assert_eq!(action(form, base), with_base, "{form} with base");
    }
}

#[test]
fn a_get_form_replaces_the_query() {
    let sent = submit(
        "<form action='/s?old=1#f'><input name=a value='ü &'><input name=b>",
        &Filling::new(),
    );
    assert_eq!(
        sent,
        Submission {
            method: Method::Get,
            url: Url::parse("https://auth.example/s?a=%C3%BC+%26&b=").unwrap(),
            content_type: None,
            body: None,
        }
    );
}

#[test]
fn an_urlencoded_body_has_newlines_of_two_bytes() {
    let sent = submit(
        "<form method=POST enctype=nosuch><textarea name='t\n'>a\nb</textarea><input name=~*é value='x+y'>",
        &Filling::new(),
    );
    assert_eq!(sent.content_type.unwrap(), "application/x-www-form-urlencoded");
    assert_eq!(sent.body.unwrap(), "t%0D%0A=a%0D%0Ab&%7E*%C3%A9=x%2By");
}

#[test]
fn a_multipart_body_is_parted_by_the_given_boundary() {
    let sent = submit(
        "<form method=post enctype=multipart/form-data><input name='a\"b' value='1'>
         <textarea name=t>x\ny</textarea><input type=file name=f><input name=é value=ü>",
        &Filling::new(),
    );
    assert_eq!(sent.content_type.unwrap(), "multipart/form-data; boundary=BOUNDARY");
    assert_eq!(
        sent.body.unwrap(),
        "--BOUNDARY\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n\
         --BOUNDARY\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nx\r\ny\r\n\
         --BOUNDARY\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n\r\n\
         --BOUNDARY\r\nContent-Disposition: form-data; name=\"é\"\r\n\r\nü\r\n--BOUNDARY--\r\n"
    );
}

#[test]
fn a_boundary_that_stands_in_a_value_parts_nothing() {
    let page =
        page("<form method=post enctype=multipart/form-data><input name=a value=x--BOUNDARY>");
    let sent = page.submission(0, &Filling::new(), "BOUNDARY");
    assert_eq!(sent, Err(SubmitError::Boundary));
}

#[test]
fn a_text_body_is_lines() {
    let sent = submit(
        "<form method=post enctype=text/plain><input name=a value='1&2'><input name=b>",
        &Filling::new(),
    );
    assert_eq!(sent.content_type.unwrap(), "text/plain");
    assert_eq!(sent.body.unwrap(), "a=1&2\r\nb=\r\n");
}

#[test]
fn the_pushed_button_is_sent_in_its_place_and_says_where_and_how() {
    let html = "<form action=/a><input name=x value=1><button name=b value=2 formaction=/b
        formmethod=post formenctype=text/plain>B</button><input type=submit name=c value=C>
        <input type=image name=i><input type=hidden name=y value=3></form>";
    let push = |index| submit(html, &Filling::new().submitter(Some(index)));
    let b = push(1);
    assert_eq!(
        (b.method, b.url.path(), b.body.as_deref()),
        (Method::Post, "/b", Some("x=1\r\nb=2\r\ny=3\r\n"))
    );
    assert_eq!(push(2).url.as_str(), "https://auth.example/a?x=1&c=C&y=3");
    assert_eq!(push(3).url.as_str(), "https://auth.example/a?x=1&i.x=0&i.y=0&y=3");
    assert_eq!(submit(html, &Filling::new()).url.as_str(), "https://auth.example/a?x=1&y=3");
}

#[test]
fn a_button_with_an_empty_action_sends_to_the_page_itself() {
    let html = "<base href=/elsewhere/><form action=/a method=post><button formaction=''>B</button></form>";
    let sent = submit(html, &Filling::new().submitter(Some(0)));
    assert_eq!(sent.url.as_str(), "https://auth.example/realm/page?q=1");
}

#[test]
fn typing_ticking_and_choosing_replace_what_the_page_gives() {
    let page = page(
        "<form method=post><input name=a value=old><select name=s><option>1<option>2</select>
         <input type=radio name=r value=1 checked><input type=radio name=r value=2>
         <input type=checkbox name=c><input type=checkbox name=d checked value=x>",
    );
    let sent = |filling: Filling<'_>| page.submission(0, &filling, "").unwrap().body.unwrap();
    assert_eq!(
        sent(Filling::new().text(0, "n\new").text(1, "2").check(3).check(4)),
        "a=new&s=2&r=2&c=on&d=x"
    );
    // By value: a radio that is not of it, and a box that is not of it, are free.
    assert_eq!(sent(Filling::new().text(2, "2").text(3, "2").text(5, "no")), "a=old&s=1&r=2");
    // An option that is not there is not chosen.
    assert_eq!(sent(Filling::new().text(1, "9")), "a=old&s=1&r=1&d=x");
}

#[test]
fn controls_without_a_name_are_not_sent() {
    assert_eq!(
        submit(
            "<form><input value=1><input name='' value=2><input type=image>",
            &Filling::new().submitter(Some(2))
        )
        .url
        .query(),
        Some("x=0&y=0")
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for (form, error) in [
        (
            "<form method=post action='javascript:void(0)'>",
            SubmitError::Scheme("javascript".into()),
        ),
        ("<form method=post action='mailto:a@b'>", SubmitError::Scheme("mailto".into())),
        ("<form method=post action='file:///etc/passwd'>", SubmitError::Scheme("file".into())),
        ("<form method=post action='https://['>", SubmitError::InvalidAction),
        ("<form method=dialog>", SubmitError::Dialog),
        ("", SubmitError::NoForm),
    ] {
        let sent = page(form).submission(0, &Filling::new(), "");
        assert_eq!(sent, Err(error), "{form}");
    }
}

#[test]
fn a_secret_is_in_no_url_and_in_no_debug_text() {
    let get = page("<form><input name=a><input name=p type=password></form>");
    let filling = Filling::new().text(0, "ada").secret(1, "s3cret");
    assert_eq!(get.submission(0, &filling, ""), Err(SubmitError::SecretInUrl));
    let post = page(
        "<form method=post action=/l?t=token><input name=a><input name=p type=password></form>",
    );
    let sent = post.submission(0, &filling, "").unwrap();
    assert_eq!(sent.body.as_deref(), Some("a=ada&p=s3cret"));
    assert_eq!(format!("{sent:?}"), "Post /l Some(\"application/x-www-form-urlencoded\")");
    assert_eq!(post.forms[0].controls[1].kind, Kind::Password);
}
