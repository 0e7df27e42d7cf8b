//! npm's oidc-provider with a login page and a consent page of our own.

use serde_json::json;

use super::{
    CALLBACK, PASSWORD, SECRET, Server, assert_stopped, block, each_has_its_story, row, stopped,
    with,
};

const LOGIN: &[&str] = &["POST /interaction/…"];

/// A provider that three people may log in to.
pub(crate) fn server() -> Server {
    let client = |id: &str, auth: &str| {
        json!({
            "client_id": id,
            "client_secret": SECRET,
            "token_endpoint_auth_method": auth,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
        })
    };
    let program = include_str!("../node/login.mjs");
    let settings = json!({
        "clients": [client("app", "client_secret_basic"), client("other", "client_secret_post")],
        "people": [
            {"username": "ada", "password": PASSWORD},
            {"username": "bob", "password": PASSWORD},
            {"username": "cyd", "password": PASSWORD},
        ],
    });
    Server::node("oidc-provider", program, settings)
}

#[test]
fn each_way_has_its_story() {
    let server = server();
    let whole = block("ada");
    let green = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, userinfo ok, refresh ok, introspect ok, refuse ok, revoke ok, logout ok";
    let remembers =
        with(&block("cyd"), &json!({"replay_code": null, "revoke": null, "logout": null}));
    let first = green.replace(", refuse ok, revoke ok, logout ok", "");
    let again = first.replace("consent ok", "consent unneeded");
    let post = json!({"client": {"id": "other", "auth": "client_secret_post"}});
    let rejected = stopped(green, "discovery ok, authorize ok, login login_rejected");
    let rows = [
        // Who replays a code, revokes a token or logs out takes the consent with it.
        row("whole", whole.clone(), [(green.to_owned(), LOGIN), (green.to_owned(), LOGIN)]),
        row("remembered", remembers, [(first, LOGIN), (again, LOGIN)]),
        row(
            "pushed",
            with(&with(&whole, &post), &json!({"par": true})),
            [(green.replace("authorize", "par ok, authorize"), LOGIN)],
        ),
        row(
            "form_post",
            with(&whole, &json!({"response_mode": "form_post"})),
            [(green.to_owned(), LOGIN)],
        ),
        row(
            "without_consent",
            with(&whole, &json!({"login": {"consent": "refuse_to_continue"}})),
            [(
                stopped(green, "discovery ok, authorize ok, login ok, consent consent_required"),
                LOGIN,
            )],
        ),
        row(
            "wrong_secret",
            with(&whole, &json!({"client": {"secret": "another secret"}})),
            [(
                stopped(
                    green,
                    "discovery ok, authorize ok, login ok, consent ok, token invalid_client",
                ),
                LOGIN,
            )],
        ),
        row(
            "wrong_redirect_uri",
            with(&whole, &json!({"redirect_uri": "https://app.example/elsewhere"})),
            [(stopped(green, "discovery ok, authorize redirect_mismatch"), &[])],
        ),
        row(
            "nobody",
            with(&whole, &json!({"login": {"username": "nobody"}})),
            [(rejected.clone(), LOGIN)],
        ),
        // Not again within the pause.
        row(
            "wrong_password",
            with(&block("bob"), &json!({"login": {"password": "another-password"}})),
            [(rejected.clone(), LOGIN), (rejected.clone(), &[])],
        ),
        // Not by another module either.
        row("right_after_wrong", block("bob"), [(rejected, &[])]),
    ];
    let exporter = each_has_its_story(&server, &rows);
    assert_stopped(server, &exporter, "whole");
}
