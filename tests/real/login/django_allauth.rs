//! django-allauth of `PyPI` as a provider: its forms lie on the pages for people, and a second
//! page asks for a one-time code.

use serde_json::{Value, json};

use super::{
    CALLBACK, PASSWORD, PLAIN_SECRET, Server, assert_stopped, block, each_has_its_story, row,
    signing_key, stopped, with,
};

const LOGIN: &[&str] = &["POST /accounts/login/"];

/// People, each with a secret for codes, so that nobody has to wait for the next code because of
/// somebody else.
const PEOPLE: [[&str; 2]; 7] = [
    ["ada", "GAYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["bob", "GEYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["cyd", "GIYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["dan", "GMYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["eve", "GQYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["fay", "GUYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
    ["gil", "GYYTEMZUGU3DOOBZMFRGGZDFGAYTEMZU"],
];

fn server() -> Server {
    let people = PEOPLE.map(
        |[name, secret]| json!({"username": name, "password": PASSWORD, "totp_secret": secret}),
    );
    let client = |id: &str, skip_consent: bool| {
        json!({
            "id": id,
            "name": "App",
            "secret": PLAIN_SECRET,
            "scopes": "openid\nprofile",
            "grant_types": "authorization_code\nrefresh_token",
            "redirect_uris": CALLBACK,
            "skip_consent": skip_consent,
        })
    };
    Server::python(
        "allauth_provider",
        json!({
            "clients": [client("app", false), client("trusted", true)],
            "people": people,
            "signing_key": signing_key(),
        }),
    )
}

/// Of the person with this number.
fn whole(person: usize) -> Value {
    let [name, secret] = PEOPLE[person];
    with(
        &block(name),
        &json!({"client": {"secret": PLAIN_SECRET}, "login": {"totp_secret": secret}}),
    )
}

#[test]
fn each_way_has_its_story() {
    let server = server();
    let green = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, userinfo ok, refresh ok, introspect ok, refuse ok, revoke ok, logout ok";
    let rejected = stopped(green, "discovery ok, authorize ok, login login_rejected");
    let rows = [
        // It asks for consent each time, and takes a code once.
        row("whole", whole(0), [(green.to_owned(), LOGIN), (green.to_owned(), LOGIN)]),
        // But not for a client that is trusted.
        row(
            "trusted",
            with(&whole(6), &json!({"client": {"id": "trusted"}})),
            [(green.replace("consent ok", "consent unneeded"), LOGIN)],
        ),
        row(
            "wrong_secret",
            with(&whole(1), &json!({"client": {"secret": "another secret"}})),
            [(
                stopped(
                    green,
                    "discovery ok, authorize ok, login ok, consent ok, token invalid_client",
                ),
                LOGIN,
            )],
        ),
        // It looks at the request once somebody has logged in.
        row(
            "wrong_redirect_uri",
            with(&whole(2), &json!({"redirect_uri": "https://app.example/elsewhere"})),
            [(stopped(green, "discovery ok, authorize ok, login redirect_mismatch"), LOGIN)],
        ),
        row(
            "wrong_password",
            with(&whole(3), &json!({"login": {"password": "another-password"}})),
            [(rejected.clone(), LOGIN), (rejected.clone(), &[])],
        ),
        row(
            "wrong_code",
            with(&whole(4), &json!({"login": {"totp_secret": PEOPLE[5][1]}})),
            [(rejected.clone(), LOGIN), (rejected, &[])],
        ),
        row(
            "no_code",
            with(&whole(5), &json!({"login": {"totp_secret": null}})),
            [(stopped(green, "discovery ok, authorize ok, login mfa_required"), LOGIN)],
        ),
    ];
    let exporter = each_has_its_story(&server, &rows);
    let codes = server.codes("code", 6);
    assert_ne!(codes[0], codes[1], "the code of a time step is spent");
    assert_stopped(server, &exporter, "whole");
}
