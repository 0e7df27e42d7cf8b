//! The portal of Debian's `LemonLDAP::NG`: its form goes to `#`, and holds a token that is good
//! once, so that no page can be sent twice.

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::{
    CALLBACK, PLAIN_SECRET, Server, assert_stopped, block, each_has_its_story, row, stopped, with,
};

const LOGIN: &[&str] = &["POST /oauth2/authorize"];

fn server() -> Server {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a new key");
    let settings = json!({
        "clients": [
            {"id": "app", "secret": PLAIN_SECRET, "redirect_uri": CALLBACK},
            {"id": "trusted", "secret": PLAIN_SECRET, "redirect_uri": CALLBACK, "trusted": true},
        ],
        "signing_key": key.serialize_pem(),
        "public_key": key.public_key_pem(),
    });
    Server::perl(include_str!("../perl/portal.pl"), settings)
}

/// For a person whose name is the password.
fn whole(username: &str) -> Value {
    let block = block(username);
    with(
        &block,
        &json!({
            "client": {"secret": PLAIN_SECRET},
            "login": {"password": username},
            // It has no endpoint for that.
            "revoke": null,
        }),
    )
}

#[test]
fn each_way_has_its_story() {
    let server = server();
    let green = "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, userinfo ok, refresh ok, introspect ok, refuse ok, logout ok";
    let again = green.replace("consent ok", "consent unneeded");
    let rejected = stopped(green, "discovery ok, authorize ok, login login_rejected");
    let rows = [
        row("whole", whole("dwho"), [(green.to_owned(), LOGIN), (again.clone(), LOGIN)]),
        row(
            "trusted",
            with(&whole("rtyler"), &json!({"client": {"id": "trusted"}})),
            [(again.clone(), LOGIN)],
        ),
        row(
            "form_post",
            with(&whole("dwho"), &json!({"response_mode": "form_post"})),
            [(again, LOGIN)],
        ),
        row(
            "without_consent",
            with(&whole("rtyler"), &json!({"login": {"consent": "refuse_to_continue"}})),
            [(
                stopped(green, "discovery ok, authorize ok, login ok, consent consent_required"),
                LOGIN,
            )],
        ),
        row(
            "wrong_secret",
            with(&whole("rtyler"), &json!({"client": {"secret": "another-secret"}})),
            [(
                stopped(
                    green,
                    "discovery ok, authorize ok, login ok, consent ok, token invalid_client",
                ),
                LOGIN,
            )],
        ),
        // It looks at the request once somebody has logged in, and says what is wrong by a number
        // that a script puts into words.
        row(
            "wrong_redirect_uri",
            with(&whole("rtyler"), &json!({"redirect_uri": "https://app.example/elsewhere"})),
            [(stopped(green, "discovery ok, authorize ok, login script_required"), LOGIN)],
        ),
        row(
            "wrong_password",
            with(&whole("msmith"), &json!({"login": {"password": "another-password"}})),
            [(rejected.clone(), LOGIN), (rejected, &[])],
        ),
    ];
    let exporter = each_has_its_story(&server, &rows);
    assert_stopped(server, &exporter, "whole");
}
