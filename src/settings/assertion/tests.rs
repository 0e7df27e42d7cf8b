//! Assertions that hold, that do not, and that mean nothing.

use super::*;

fn compile_yaml(yaml: &str) -> Result<Vec<Assertion>, String> {
    let settings = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
    compile(settings, &Path::default().key("assertions")).map_err(|error| error.to_string())
}

fn holds(assertion: &str, body: &str) -> bool {
    let assertions = compile_yaml(&format!("[{assertion}]")).expect("test assertion");
    let json = serde_json::from_str(body).ok();
    let mut headers = HeaderMap::new();
    headers.append("x-kind", "one".parse().expect("header"));
    headers.append("x-kind", "two".parse().expect("header"));
    let answered = Answered {
        status: StatusCode::CREATED,
        headers: &headers,
        body: Content::Whole(body.as_bytes()),
        json: json.as_ref(),
        response_time: Duration::from_millis(150),
    };
    assertions.iter().all(|assertion| assertion.holds(&answered))
}

#[test]
fn a_body_that_passed_by_holds_a_text_or_not() {
    let assertions = compile_yaml(
        "[{type: response_contains, value: here}, {type: response_contains, value: there}, \
         {type: response_contains, operator: not_equals, value: here}, \
         {type: response_contains, operator: not_equals, value: nowhere}]",
    )
    .expect("test assertions");
    let mut occurrences = Occurrences::sought_by(&assertions);
    occurrences.push(b"it is he");
    occurrences.push(b"re");
    let answered = Answered {
        status: StatusCode::OK,
        headers: &HeaderMap::new(),
        body: Content::Passed(&occurrences),
        json: None,
        response_time: Duration::ZERO,
    };
    let held: Vec<_> = assertions.iter().map(|a| a.holds(&answered)).collect();
    assert_eq!(held, [true, false, false, true]);
}

#[test]
fn every_type_and_operator() {
    let body = r#"{"n": 5, "f": 5.0, "s": "5", "z": null, "a": ["x", 1], "o": {"k": [1]}}"#;
    for (assertion, expected) in [
        ("{type: status_code, value: 201}", true),
        ("{type: status_code, value: 200}", false),
        ("{type: status_code, operator: one_of, value: [200, 201]}", true),
        ("{type: status_code, operator: less_than, value: 300}", true),
        ("{type: header, path: X-Kind, value: two}", true),
        ("{type: header, path: X-Kind, operator: not_equals, value: two}", false),
        ("{type: header, path: X-Kind, operator: exists}", true),
        ("{type: header, path: X-Other, operator: not_exists}", true),
        ("{type: header, path: X-Other, operator: not_equals, value: a}", false),
        ("{type: json_body, path: $.n, value: 5}", true),
        ("{type: json_body, path: $.f, value: 5}", true),
        ("{type: json_body, path: $.s, value: 5}", false),
        ("{type: json_body, path: $.s, operator: greater_than, value: 1}", false),
        ("{type: json_body, path: $.n, operator: greater_than, value: 4.5}", true),
        ("{type: json_body, path: $.z, operator: exists}", true),
        ("{type: json_body, path: $.z, value: null}", true),
        ("{type: json_body, path: $.q, operator: exists}", false),
        ("{type: json_body, path: $.q, operator: not_exists}", true),
        ("{type: json_body, path: $.q, operator: not_equals, value: 1}", false),
        ("{type: json_body, path: '$.a[*]', value: x}", false),
        ("{type: json_body, path: '$.a[*]', operator: exists}", true),
        ("{type: json_body, path: $.a, operator: contains, value: 1}", true),
        ("{type: json_body, path: $.s, operator: one_of, value: ['4', '5']}", true),
        ("{type: json_body, path: $.o, value: {k: [1]}}", true),
        ("{type: json_body, path: $.s, operator: matches, value: '^[0-9]$'}", true),
        ("{type: response_time, operator: less_than, value: 200}", true),
        ("{type: response_time, operator: less_than, value: 100}", false),
        ("{type: response_contains, value: '\"n\"'}", true),
        ("{type: response_contains, operator: not_equals, value: '\"n\"'}", false),
        ("{type: response_matches, value: 'z.: null'}", true),
    ] {
        assert_eq!(holds(assertion, body), expected, "{assertion}");
    }
}

#[test]
fn json_assertions_fail_on_what_is_no_json() {
    assert!(!holds("{type: json_body, path: $.q, operator: not_exists}", "<html>"));
}

#[test]
fn integers_beyond_floats_stay_apart() {
    let body = r#"{"n": 9007199254740993}"#;
    assert!(!holds("{type: json_body, path: $.n, value: 9007199254740992}", body));
}

#[test]
fn labels_never_hold_the_value_and_are_numbered() {
    let assertions = compile_yaml(
        "[{type: status_code, value: 200}, {type: json_body, path: $.a, value: secret},
          {type: json_body, path: $.a, value: other}, {type: response_contains, value: x, name: words}]",
    )
    .expect("test assertions");
    let labels: Vec<_> = assertions.iter().map(Assertion::label).collect();
    assert_eq!(
        labels,
        ["status_code:equals", "json_body:$.a:equals", "json_body:$.a:equals#2", "words"]
    );
}

#[test]
fn impossible_combinations_are_errors() {
    for (yaml, message) in [
        ("[{type: header, value: x}]", "assertions[0]: header needs path, the header's name"),
        ("[{type: json_body, value: x}]", "assertions[0]: json_body needs path, a JSONPath"),
        (
            "[{type: status_code, path: $, value: 1}]",
            "assertions[0].path: means nothing for status_code",
        ),
        ("[{type: status_code}]", "assertions[0]: equals needs value"),
        ("[{type: status_code, value: '200'}]", "assertions[0].value: must be a number"),
        (
            "[{type: status_code, value: [200]}]",
            "assertions[0].value: is a list, which only one_of takes",
        ),
        (
            "[{type: response_time, value: 1}]",
            "assertions[0].operator: response_time takes less_than, greater_than",
        ),
        (
            "[{type: json_body, path: $.a, operator: exists, value: 1}]",
            "assertions[0].value: means nothing for exists and not_exists",
        ),
        (
            "[{type: json_body, path: $.a, operator: less_than, value: x}]",
            "assertions[0].value: must be a number",
        ),
        (
            "[{type: json_body, path: $.a, operator: one_of, value: x}]",
            "assertions[0].value: must be a list of values",
        ),
        (
            "[{type: status_code, value: 201, name: a}, {type: status_code, value: 202, name: a}]",
            "assertions[1].name: is the label of an earlier assertion",
        ),
        ("[{type: status_code, value: 2000}]", "assertions[0].value: is not a status code"),
        (
            "[{type: status_code, operator: one_of, value: [200, 99]}]",
            "assertions[0].value: is not a status code",
        ),
        (
            "[{type: response_contains, value: ''}]",
            "assertions[0].value: is empty: every body fits",
        ),
        (
            "[{type: json_body, path: 'a b', value: x}]",
            "assertions[0].path: is not a JSONPath (RFC 9535): it begins with $",
        ),
        (
            "[{type: json_body, path: '$.a[b]', value: x}]",
            "assertions[0].path: is not a JSONPath (RFC 9535): at position 3, it cannot be read",
        ),
        (
            "[{type: response_matches, value: 'hunter22('}]",
            "assertions[0].value: is not a regular expression: unclosed group",
        ),
        (
            "[{type: response_matches, value: '\\w{1000}{1000}'}]",
            "assertions[0].value: is not a regular expression: it needs more than 10485760 bytes",
        ),
    ] {
        assert_eq!(compile_yaml(yaml).expect_err(yaml), message);
    }
    let deep = format!("[{{type: json_body, path: '$[?{}', value: x}}]", "(".repeat(100_000));
    assert_eq!(
        compile_yaml(&deep).expect_err("deep"),
        "assertions[0].path: is not a JSONPath (RFC 9535): more than 50 brackets are open"
    );
}
