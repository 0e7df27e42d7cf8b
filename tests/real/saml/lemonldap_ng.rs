//! Debian's `LemonLDAP::NG`, whose SAML is that of the library Lasso.

use serde_json::{Value, json};

use super::{
    Consumer, IDP, Keys, Pair, SP, Server, assert_stopped, each_has_its_story, row, sign_on, with,
};

const GREEN: &str = "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion ok, acs ok, refuse ok";

/// The metadata that a service provider gives to it.
fn described(entity_id: &str, acs_url: &str, pair: &Pair) -> String {
    let certificate: String =
        pair.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let key = |usage: &str| {
        format!(
            "<KeyDescriptor use=\"{usage}\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\
             <X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>\
             </KeyDescriptor>"
        )
    };
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\">\
         <SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         {}{}<AssertionConsumerService index=\"0\" isDefault=\"true\" Location=\"{acs_url}\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"/></SPSSODescriptor>\
         </EntityDescriptor>",
        key("signing"),
        key("encryption"),
    )
}

fn provider(signing: &Pair, sp: &Value, saml: &Value) -> Server {
    let settings = json!({"saml": {
        "entity_id": IDP,
        "pair": signing.as_json(),
        "service_providers": [sp],
    }});
    let program = include_str!("../perl/portal.pl");
    Server::perl(program, with(&settings, &json!({"saml": saml})))
}

fn metadata(server: &Server) -> String {
    format!("{}/saml/metadata", server.origin)
}

/// For a person whose name is the password.
fn whole(username: &str, acs_url: &str) -> Value {
    with(&sign_on(username, acs_url), &json!({"sso": {"login": {"password": username}}}))
}

#[test]
#[allow(clippy::too_many_lines)] // one table
fn each_way_has_its_story() {
    let keys = Keys::new();
    let sp = Consumer::Python3Saml.start(&keys);
    let acs = format!("{}/acs", sp.origin);
    let known = json!({"name": "sp", "metadata": described(SP, &acs, &keys.sp)});
    let start = |signing: &Pair, saml: Value| provider(signing, &known, &saml);
    let idp = start(&keys.idp, json!({}));
    let expired = start(&Pair::until(2026), json!({}));
    let sha1 = start(&keys.idp, json!({"algorithm": "RSA_SHA1"}));
    let encrypting =
        provider(&keys.idp, &with(&known, &json!({"encryption": "assertion"})), &json!({}));
    let checks = provider(
        &keys.idp,
        &with(&known, &json!({"check_request": 1})),
        &json!({"want_signed_requests": 1}),
    );
    let stopped = |at: &str| {
        let count = at.split(", ").count();
        let others = GREEN.split(", ").skip(count).filter_map(|step| step.split(' ').next());
        others.fold(at.to_owned(), |story, step| format!("{story}, {step} -"))
    };
    let whole = whole("dwho", &acs);
    let rejected = stopped("metadata ok, certificates ok, sso ok, login login_rejected");
    let refused = stopped("metadata ok, certificates ok, sso ok, login script_required");
    let wrong_password =
        json!({"sso": {"login": {"username": "msmith", "password": "another-password"}}});
    let key = json!({"sso": {"signing_key_file": keys.sp.key_file()}});
    let rows = [
        row("whole", &metadata(&idp), whole.clone(), GREEN),
        row(
            "POST binding",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"binding": "post"}})),
            GREEN,
        ),
        row(
            "attributes",
            &metadata(&idp),
            with(
                &whole,
                &json!({"sso": {"validate": {
                    "required_attributes": ["mail"],
                    "attributes": [{"path": "$.attributes.mail[0]", "value": "dwho@badwolf.org"}],
                }}}),
            ),
            GREEN,
        ),
        row("signed request", &metadata(&checks), with(&whole, &key), GREEN),
        // It looks at the request once somebody has logged in, and says what is wrong by a number
        // that a script puts into words.
        row(
            "unsigned request",
            &metadata(&checks),
            whole.clone(),
            &stopped(
                "metadata ok, certificates ok, sso ok [request_unsigned], login script_required",
            ),
        ),
        row(
            "encrypted",
            &metadata(&encrypting),
            with(
                &whole,
                &json!({"sso": {
                    "decryption_key_file": keys.sp.key_file(),
                    "validate": {"encrypted": true},
                }}),
            ),
            GREEN,
        ),
        row("wrong password", &metadata(&idp), with(&whole, &wrong_password), &rejected),
        row("wrong password again", &metadata(&idp), with(&whole, &wrong_password), &rejected),
        row(
            "expired certificate",
            &metadata(&expired),
            whole.clone(),
            &stopped("metadata ok, certificates certificate_expired [key_expired]"),
        ),
        row(
            "SHA-1",
            &metadata(&sha1),
            whole.clone(),
            &stopped(
                "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion algorithm_refused",
            ),
        ),
        row(
            "without a user",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"login": null, "acs": null}})),
            "metadata ok, certificates ok, sso ok",
        ),
        row(
            "unknown to the identity provider",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"sp_entity_id": "https://nobody.example"}})),
            &refused,
        ),
        row(
            "wrong ACS",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"acs_url": "http://127.0.0.1:1/other"}})),
            &refused,
        ),
    ];
    let exporter = each_has_its_story(&rows);
    assert_stopped(idp, &exporter, &rows[0]);
}
