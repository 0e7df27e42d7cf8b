//! Canaille of `PyPI`, which asks for the name, the password and a one-time code on a page each,
//! in multipart forms without an action. The page for the password has a field for the name, too.

use serde_json::{Value, json};

use super::{
    CALLBACK, PASSWORD, PLAIN_SECRET, Server, assert_stopped, block, each_has_its_story, row,
    signing_key, stopped, with,
};

const LOGIN: &[&str] = &["POST /auth/password"];

/// People, each with a secret for codes and what it is in base32, so that nobody has to wait for
/// the next code because of somebody else.
const PEOPLE: [[&str; 3]; 6] = [
    ["ada", "0123456789abcde0", "GAYTEMZUGU3DOOBZMFRGGZDFGA"],
    ["bob", "0123456789abcde1", "GAYTEMZUGU3DOOBZMFRGGZDFGE"],
    ["cyd", "0123456789abcde2", "GAYTEMZUGU3DOOBZMFRGGZDFGI"],
    ["dan", "0123456789abcde3", "GAYTEMZUGU3DOOBZMFRGGZDFGM"],
    ["eve", "0123456789abcde4", "GAYTEMZUGU3DOOBZMFRGGZDFGQ"],
    ["fay", "0123456789abcde5", "GAYTEMZUGU3DOOBZMFRGGZDFGU"],
];

fn server() -> Server {
    let people = PEOPLE.map(|[name, secret, _]| {
        json!({
            "user_name": name,
            "formatted_name": name,
            "family_name": name,
            "emails": [format!("{name}@app.example")],
            "password": PASSWORD,
            "secret_token": secret,
        })
    });
    let client = json!({
        "client_id": "app",
        "client_name": "App",
        "client_secret": PLAIN_SECRET,
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [CALLBACK],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": ["openid", "profile"],
        "id_token_signed_response_alg": "RS256",
    });
    Server::python(
        "canaille_provider",
        json!({
            "clients": [client],
            "people": people,
            "signing_key": signing_key(),
            "factors": ["password", "otp"],
        }),
    )
}

/// Of the person with this number.
fn whole(person: usize) -> Value {
    let [name, _, base32] = PEOPLE[person];
    with(
        &block(name),
        &json!({"client": {"secret": PLAIN_SECRET}, "login": {"totp_secret": base32}}),
    )
}

#[test]
fn each_way_has_its_story() {
    let server = server();
    let green = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, userinfo ok, refresh ok, introspect ok, refuse ok, revoke ok, logout ok";
    let again = green.replace("consent ok", "consent unneeded");
    let rejected = stopped(green, "discovery ok, authorize ok, login login_rejected");
    let rows = [
        row("whole", whole(0), [(green.to_owned(), LOGIN), (again, LOGIN)]),
        // Its store in memory takes the consent of one person for that of all.
        row(
            "wrong_secret",
            with(&whole(1), &json!({"client": {"secret": "another secret"}})),
            [(
                stopped(
                    green,
                    "discovery ok, authorize ok, login ok, consent unneeded, token invalid_client",
                ),
                LOGIN,
            )],
        ),
        // It looks at the request once somebody has logged in, and says nothing but 400.
        row(
            "wrong_redirect_uri",
            with(&whole(2), &json!({"redirect_uri": "https://app.example/elsewhere"})),
            [(stopped(green, "discovery ok, authorize ok, login http_4xx"), LOGIN)],
        ),
        row(
            "wrong_password",
            with(&whole(3), &json!({"login": {"password": "another-password"}})),
            [(rejected.clone(), LOGIN), (rejected.clone(), &[])],
        ),
        row(
            "wrong_code",
            with(&whole(4), &json!({"login": {"totp_secret": PEOPLE[0][2].replace('G', "H")}})),
            [(rejected.clone(), LOGIN), (rejected, &[])],
        ),
        row(
            "no_code",
            with(&whole(5), &json!({"login": {"totp_secret": null}})),
            [(stopped(green, "discovery ok, authorize ok, login mfa_required"), LOGIN)],
        ),
    ];
    let exporter = each_has_its_story(&server, &rows);
    let codes = server.codes("otp", 5);
    assert_ne!(codes[0], codes[1], "the code of a time step is spent");
    assert_stopped(server, &exporter, "whole");
}
