//! npm's saml-idp, which signs everybody on who says who he is: it asks for no password.

use serde_json::{Value, json};

use super::{
    Consumer, IDP, Keys, Pair, SP, Server, assert_stopped, each_has_its_story, probe_story, row,
    sign_on, with,
};
use crate::http::get;
use crate::served::serve;

const GREEN: &str = "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion ok, acs ok, refuse replay_accepted";

fn provider(signing: &Pair, acs_url: &str, changes: &Value) -> Server {
    let settings = json!({
        "options": {"issuer": IDP, "acsUrl": acs_url, "audience": SP},
        "files": {"cert": signing.certificate, "key": signing.key},
    });
    let program = include_str!("../node/saml_idp.mjs");
    Server::node("saml-idp", program, with(&settings, changes))
}

fn metadata(server: &Server) -> String {
    format!("{}/metadata", server.origin)
}

/// Which of its forms is the one, and what the name goes into.
fn whole(acs_url: &str) -> Value {
    let fields = json!({
        "form.form-profile": "{form}",
        "userName": "{username}",
        "#btn-sign-in": "{submit}",
    });
    with(&sign_on("ada@app.example", acs_url), &json!({"sso": {"login": {"fields": fields}}}))
}

#[test]
#[allow(clippy::too_many_lines)] // one table
fn each_way_has_its_story() {
    let keys = Keys::new();
    let sp = Consumer::NodeSaml.start(&keys);
    let acs = format!("{}/acs", sp.origin);
    let start = |signing: &Pair, changes: Value| provider(signing, &acs, &changes);
    let idp = start(&keys.idp, json!({}));
    let unsigned =
        start(&keys.idp, json!({"options": {"disableRequestAcsUrl": true, "signResponse": false}}));
    let encrypting = start(
        &keys.idp,
        json!({
            "options": {"encryptAssertion": true},
            "files": {
                "encryptionCert": keys.sp.certificate,
                "encryptionPublicKey": keys.sp.public_key,
            },
        }),
    );
    let expired = start(&Pair::until(2026), json!({}));
    let elsewhere = start(&keys.idp, json!({"options": {"audience": "https://other.example"}}));
    let whole = whole(&acs);
    let address = idp.origin.trim_start_matches("http://");
    let published = format!("{}/0", serve(vec![get(address, "/metadata", "*/*")]));
    let decrypting = json!({"sso": {
        "decryption_key_file": keys.sp.key_file(),
        "validate": {"encrypted": true},
    }});
    let foreign = json!({"sso": {"decryption_key_file": keys.idp.key_file()}});
    let signed = |what: &str| json!({"sso": {"validate": {"signed": what}}});
    let assertion = |end: &str| {
        let others = ", acs -, refuse -";
        format!(
            "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion {end}{others}"
        )
    };
    let nothing_else = "sso -, login -, consent -, assertion -, acs -, refuse -";
    let rows = [
        row("whole", &metadata(&idp), whole.clone(), GREEN),
        row(
            "POST binding",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"binding": "post"}})),
            GREEN,
        ),
        row("both signed", &metadata(&idp), with(&whole, &signed("both")), GREEN),
        row(
            "response unsigned",
            &metadata(&unsigned),
            with(&whole, &signed("response")),
            &assertion("signature_missing"),
        ),
        row("encrypted", &metadata(&encrypting), with(&whole, &decrypting), GREEN),
        row(
            "encrypted, without a key",
            &metadata(&encrypting),
            whole.clone(),
            &assertion("decryption_failed"),
        ),
        row(
            "encrypted for another key",
            &metadata(&encrypting),
            with(&whole, &foreign),
            &assertion("decryption_failed"),
        ),
        row(
            "not encrypted",
            &metadata(&idp),
            with(&whole, &decrypting),
            &assertion("assertion_invalid"),
        ),
        row(
            "expired certificate",
            &metadata(&expired),
            whole.clone(),
            &format!("metadata ok, certificates certificate_expired [key_expired], {nothing_else}"),
        ),
        row(
            "wrong audience",
            &metadata(&elsewhere),
            whole.clone(),
            &assertion("audience_mismatch"),
        ),
        // Its metadata has no signature.
        row(
            "signature wanted",
            &metadata(&idp),
            with(&whole, &json!({"signature": {"certificate_file": keys.idp.certificate_file()}})),
            &format!("metadata signature_missing, certificates -, {nothing_else}"),
        ),
        row(
            "pinned",
            &metadata(&idp),
            with(&whole, &json!({"fingerprints": [keys.idp.fingerprint()]})),
            GREEN,
        ),
        row(
            "another pin",
            &metadata(&idp),
            with(&whole, &json!({"fingerprints": [keys.sp.fingerprint()]})),
            &format!("metadata ok, certificates fingerprint_mismatch, {nothing_else}"),
        ),
        // Its page asks for no password, and without a login nobody can say which form it is.
        row(
            "without a user",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"login": null, "acs": null}})),
            "metadata ok, certificates ok, sso login_form_not_found",
        ),
        // As a federation does, which does not stop with it.
        row(
            "published elsewhere",
            &published,
            with(&whole, &json!({"sso": {"login": {"allowed_hosts": ["127.0.0.1"]}}})),
            GREEN,
        ),
    ];
    let exporter = each_has_its_story(&rows);
    drop(sp);
    assert_eq!(
        probe_story(&exporter, &rows[0]),
        GREEN.replace("acs ok, refuse replay_accepted", "acs connection_refused, refuse -")
    );
    assert_stopped(idp, &exporter, &rows[0]);
    let published = rows.last().expect("the last row");
    assert_eq!(
        probe_story(&exporter, published),
        "metadata ok, certificates ok, sso connection_refused, login -, consent -, assertion -, \
         acs -, refuse -"
    );
}
