use super::*;

const VALUE: &str = "s+cr%t/ü &=?\"0123";

fn hidden(text: &str) -> String {
    Redactor::new([VALUE]).redact(text)
}

#[test]
fn hides_the_plain_value_and_nothing_else() {
    assert_eq!(hidden(&format!("a {VALUE} b")), "a <secret> b");
    assert_eq!(hidden("a s+cr%t b"), "a s+cr%t b");
}

#[test]
fn hides_what_looks_encoded_by_itself() {
    for value in ["a%25b%2541c", r"a\\b\nc\u0041", "a&amp;b&lt;c", "Tenant-ABC"] {
        let redactor = Redactor::new([value]);
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let json = serde_json::to_string(value).unwrap_or_default();
        let html = value.replace('&', "&amp;");
        for text in [value.to_owned(), value.to_lowercase(), form, json, html] {
            let clean = redactor.redact(&format!("<{text}>"));
            assert!(["<<secret>>", "<\"<secret>\">"].contains(&&*clean), "{text}: {clean}");
        }
    }
    // Turning back is bounded.
    let slashes = "\\".repeat(300);
    let redactor = Redactor::new([format!("{slashes}x").as_str()]);
    assert_eq!(redactor.redact(&slashes.repeat(2)), slashes.repeat(2));
}

#[test]
fn a_url_has_a_host_and_a_path() {
    for (value, parts) in [
        (
            "https://u:p@hooks.example:8080/hook/T0SECRET99/x?q=1",
            &["hooks.example", "/hook/T0SECRET99/x", "T0SECRET99"][..],
        ),
        ("localhost:41711", &["localhost"]),
        ("hooks.example/services", &["hooks.example", "/services"]),
        ("https://idp:1/token", &[]),
        ("hunter2-hunter2", &[]),
        ("probe@auth.example.com", &[]),
        ("a sentence of https://a.person/here1234", &[]),
    ] {
        assert_eq!(parts_of_url(value).collect::<Vec<_>>(), parts, "{value}");
    }
}

#[test]
fn gives_up_on_text_that_is_made_to_be_searched() {
    let like = "a".repeat(4_000);
    let values: Vec<String> = (0..100).map(|number| format!("{like}{number}")).collect();
    let redactor = Redactor::new(values.iter().map(String::as_str));
    let clean = redactor.redact(&"a".repeat(25_000));
    assert!(clean.ends_with("<secret>") && clean.len() < 25_000, "{}", clean.len());
    assert_eq!(redactor.redact(&like), like);
}

#[test]
fn hides_a_code_and_shows_what_is_around_it() {
    let mut redactor = Redactor::new([VALUE]);
    redactor.learn_code("024680");
    assert_eq!(redactor.foreign("Code 024680 is wrong"), "Code <secret> is wrong");
    assert_eq!(redactor.foreign("Authorize App 2024"), "Authorize App 2024");
}

#[test]
fn hides_every_usual_encoding() {
    let form: String = url::form_urlencoded::byte_serialize(VALUE.as_bytes()).collect();
    let json = serde_json::to_string(VALUE).unwrap_or_default();
    for text in [
        form.clone(),
        form.to_lowercase(),
        json,
        VALUE.replace('&', "&amp;").replace('"', "&#34;"),
        VALUE.replace(' ', "%20"),
    ] {
        let clean = hidden(&format!("x{text}y"));
        assert!(clean.contains("<secret>"), "{text} became {clean}");
        assert!(!clean.contains("0123"), "{text} became {clean}");
    }
}

#[test]
fn hides_base64_in_every_alignment() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    for prefix in ["", "a", "ab", "client:", "a longer user name:"] {
        let pair = format!("{prefix}{VALUE}");
        for encoded in [STANDARD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)] {
            let clean = hidden(&format!("Basic {encoded}"));
            assert!(clean.contains("<secret>"), "{prefix:?} became {clean}");
        }
    }
}

#[test]
fn hides_what_a_secret_is_made_of() {
    for (value, part) in [
        ("Bearer k3y-0123456789", "k3y-0123456789"),
        ("Basic dXNlcjpzM2NyM3Q=", "dXNlcjpzM2NyM3Q="),
        ("Basic dXNlcjpwYTpzc3dvcmQtMQ==", "pa:ssword-1"),
        ("session=k3y-0123456789; lang=en", "k3y-0123456789"),
        ("grant_type=password&password=k3y%2F0123456789", "k3y/0123456789"),
        (r#"{"a": [{"b": "k3y \"0123456789"}], "c": 1}"#, "k3y \"0123456789"),
    ] {
        let redactor = Redactor::new([value]);
        assert_eq!(redactor.redact(&format!("a {part} b")), "a <secret> b", "{value}");
        assert_eq!(redactor.redact("grant_type en Bearer"), "grant_type en Bearer", "{value}");
    }
}

#[test]
fn no_encoding_is_shorter_than_the_value() {
    for length in SHORTEST_FOUND_IN_TEXT..100 {
        let value = "~".repeat(length);
        let form = |offset| base64_inner(value.as_bytes(), offset);
        assert!((0..3).all(|offset| form(offset).len() >= length), "{length}");
    }
}

#[test]
fn hides_what_is_not_ascii_wherever_a_server_escapes_it() {
    for (value, texts) in [
        (
            "pässwort+über/geheim=",
            &[
                r"p\u00e4sswort+\u00fcber/geheim=",
                r"p\u00E4sswort\u002b\u00FCber\/geheim\u003D",
                "p&#228;sswort+&#252;ber/geheim=",
                "p&#xE4;sswort&#43;&#x0000fc;ber/geheim&#x3d;",
                "p%C3%A4sswort%2B%c3%bcber%2Fgeheim%3D",
            ][..],
        ),
        (
            "クッキー🍪🍪",
            &[
                r"\u30af\u30c3\u30ad\u30fc\ud83c\udf6a\uD83C\uDF6A",
                "&#12463;&#x30C3;&#x30ad;&#12540;&#127850;&#x01F36A;",
                "&#12463;ッ%E3%82%ADー🍪%25F0%259F%258D%25AA",
            ],
        ),
    ] {
        let redactor = Redactor::new([value]);
        for text in texts {
            assert_eq!(redactor.redact(&format!("bad {text} é")), "bad <secret> é", "{text}");
        }
    }
    // Half a pair is no character, and half a character none either.
    for text in [r"secrets \ud83c", r"secrets \ud83c\u0041", "secrets &#xD83C;", "secrets ÃÃ"] {
        assert_eq!(Redactor::new(["secrets 🍪", "secrets é"]).redact(text), text);
    }
}

#[test]
fn hides_what_is_encoded_more_than_once() {
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    for value in [VALUE, "key=Zm9v+YmFy/==", "50%25 of %2541 %252B", "+a b/c-d_e+", "a~~>>>???b>>"]
    {
        let redactor = Redactor::new([value]);
        let base64 = STANDARD.encode(value);
        for text in [value, &base64] {
            let once = encoded(text);
            let twice = encoded(&once);
            for text in [text, &once, &twice, &encoded(&twice)] {
                let clean = redactor.redact(text);
                assert!(clean.starts_with(PLACEHOLDER) && clean.len() < 40, "{text}: {clean}");
            }
        }
    }
    let redactor = Redactor::new(["key=Zm9v+YmFy"]);
    assert_eq!(redactor.redact("/a?to=key%3DZm9v%252BYmFy"), "/a?to=<secret>");
    // However often it turns back, as long as it gets farther.
    let cookie = encoded(&encoded(&"{\"}".repeat(200)));
    assert_eq!(Redactor::new([cookie.as_str()]).redact(&cookie), PLACEHOLDER);
}

#[test]
fn its_search_does_not_grow_with_what_it_knows() {
    let mut redactor = Redactor::new([VALUE]);
    let value = |number: usize| format!("{:08x}", number.wrapping_mul(0x9E37_79B1) % (1 << 32));
    (1..MOST_LEARNT).for_each(|number| redactor.learn(&value(number)));
    let text = "/abcdefghijklmnopqrstuvwxyz".repeat(2_000);
    let effort = Cell::new(usize::MAX);
    for at in 0..text.len() {
        assert_eq!(redactor.match_start(&text.as_bytes()[at..], &effort), None);
    }
    let spent = usize::MAX - effort.get();
    assert!(spent < 100 * text.len(), "{spent}");
    for number in 1..MOST_LEARNT {
        assert_eq!(redactor.redact(&format!("a/{}/b", value(number))), "a/<secret>/b");
    }
    // No more is read than is shown.
    assert!(redactor.redact_to(&text, 100).len() < 110);
    assert_eq!(redactor.foreign(&text).chars().count(), 401);
}

#[test]
fn hides_all_when_there_is_more_than_it_searches_for() {
    let mut redactor = Redactor::new([VALUE]);
    let values: Vec<String> = (0..=MOST_LEARNT).map(|n| format!("a=cookie-{n:05}")).collect();
    values.iter().take(MOST_LEARNT / 2).for_each(|value| redactor.learn(value));
    // One that is known is no further one.
    values.iter().take(MOST_LEARNT / 2).for_each(|value| redactor.learn(value));
    assert_eq!(redactor.redact("see cookie-00001"), "see <secret>");
    assert_eq!(redactor.foreign("no"), "no");
    for value in &values {
        redactor.learn(value);
    }
    assert_eq!(redactor.redact("see cookie-01000"), PLACEHOLDER);
    assert!(redactor.foreign("see cookie-01000").starts_with("(withheld"));
}

#[test]
fn the_longest_secret_wins() {
    let redactor = Redactor::new(["abcdefgh", "abcdefghijkl"]);
    assert_eq!(redactor.redact("abcdefghijkl"), "<secret>");
}

#[test]
fn a_secret_is_found_in_the_form_encoded_basic_pair() {
    for secret in ["secret~value", "p+/w =%&ü-0123"] {
        let redactor = Redactor::new([secret]);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for id in ["m", "me", "mon"] {
            let pair = STANDARD.encode(format!("{id}:{encoded}"));
            let shown = redactor.redact(&pair);
            assert!(shown.contains(PLACEHOLDER) && shown.len() < pair.len(), "{shown}");
            // What is left are the id and the characters that depend on it.
            assert!(shown.len() < PLACEHOLDER.len() + 10, "{shown}");
        }
    }
}

#[test]
fn further_secrets_leave_the_others_as_they_are() {
    let first = Redactor::new(["first-value"]);
    let both = first.with(["second-value", "first-value"]);
    assert_eq!(both.redact("first-value second-value"), "<secret> <secret>");
    assert_eq!(first.redact("first-value second-value"), "<secret> second-value");
    assert!(Arc::ptr_eq(&both.needles, &both.with(["second-value"]).needles));
    assert!(both.with(["short"]).has_short() && !both.has_short());
}

#[test]
fn foreign_text_is_one_bounded_line_or_withheld() {
    let mut redactor = Redactor::new([VALUE]);
    assert_eq!(redactor.foreign(&format!("bad\n{VALUE}")), "bad <secret>");
    assert_eq!(redactor.foreign(&"x".repeat(1000)).chars().count(), 401);
    let long = format!("begin{}end", "0123456789".repeat(100));
    redactor.learn(&long);
    assert_eq!(redactor.foreign(&long.repeat(100)), format!("{}…", PLACEHOLDER.repeat(50)));
    // Long is not secret.
    assert!(redactor.is_clean(&"x\n".repeat(500)));
    assert!(!redactor.is_clean(&format!("{}{VALUE}", "x".repeat(1000))));
    redactor.learn("Basic YWRhOnB3MQ==");
    assert!(redactor.foreign("pw1").contains("withheld"));
    assert!(!redactor.is_clean("anything"));
    let mut redactor = Redactor::default();
    redactor.learn("short");
    assert!(redactor.foreign("anything").contains("withheld"));
}
