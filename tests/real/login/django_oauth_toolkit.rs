//! django-oauth-toolkit of `PyPI` behind the login page of Django's administration, with its
//! token against forged requests in a cookie and in each form.

use serde_json::{Value, json};

use super::super::authorization_server::client;
use super::{
    CALLBACK, PASSWORD, SECRET, Server, assert_stopped, block, each_has_its_story, row,
    signing_key, stopped, with,
};

const LOGIN: &[&str] = &["POST /admin/login/"];

fn server(toolkit: &Value) -> Server {
    let mut app = client("app", SECRET, "authorization-code");
    app["redirect_uris"] = CALLBACK.into();
    app["algorithm"] = "RS256".into();
    let people = ["ada", "bob"]
        .map(|name| json!({"username": name, "password": PASSWORD, "is_staff": true}));
    Server::python(
        "authorization_server",
        json!({
            "clients": [app],
            "people": people,
            "openid_key": signing_key(),
            "toolkit": toolkit,
        }),
    )
}

fn whole(username: &str) -> Value {
    with(
        &block(username),
        &json!({
            "scopes": ["openid", "monitoring:health"],
            // Its discovery does not name them.
            "endpoints": {"introspection": "/introspect/", "revocation": "/revoke_token/"},
        }),
    )
}

const GREEN: &str = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, userinfo ok, refresh ok, introspect ok, refuse ok, revoke ok, logout ok";

#[test]
fn each_way_has_its_story() {
    let server = server(&json!({}));
    let whole = whole("ada");
    let rejected = stopped(GREEN, "discovery ok, authorize ok, login login_rejected");
    let rows = [
        // It asks for consent each time.
        row("whole", whole.clone(), [(GREEN.to_owned(), LOGIN), (GREEN.to_owned(), LOGIN)]),
        row(
            "without_consent",
            with(&whole, &json!({"login": {"consent": "refuse_to_continue"}})),
            [(
                stopped(GREEN, "discovery ok, authorize ok, login ok, consent consent_required"),
                LOGIN,
            )],
        ),
        row(
            "wrong_secret",
            with(&whole, &json!({"client": {"secret": "another secret"}})),
            [(
                stopped(
                    GREEN,
                    "discovery ok, authorize ok, login ok, consent ok, token invalid_client",
                ),
                LOGIN,
            )],
        ),
        // It looks at the request once somebody has logged in.
        row(
            "wrong_redirect_uri",
            with(&whole, &json!({"redirect_uri": "https://app.example/elsewhere"})),
            [(stopped(GREEN, "discovery ok, authorize ok, login redirect_mismatch"), LOGIN)],
        ),
        row(
            "wrong_password",
            with(&whole, &json!({"login": {"username": "bob", "password": "another-password"}})),
            [(rejected.clone(), LOGIN), (rejected, &[])],
        ),
    ];
    let exporter = each_has_its_story(&server, &rows);
    assert_stopped(server, &exporter, "whole");
}

#[test]
fn consent_is_remembered_as_long_as_there_is_a_token() {
    let server = server(&json!({"REQUEST_APPROVAL_PROMPT": "auto"}));
    let block = with(
        &whole("ada"),
        &json!({
            "endpoints": {"revocation": null},
            "revoke": null,
            "replay_code": null,
            // It deletes all tokens of the person.
            "logout": null,
        }),
    );
    let first = GREEN.replace(", refuse ok, revoke ok, logout ok", "");
    let again = first.replace("consent ok", "consent unneeded");
    each_has_its_story(&server, &[row("app", block, [(first, LOGIN), (again, LOGIN)])]);
}
