//! Identity providers of `PyPI`'s pysaml2, with service providers of three makes.

use serde_json::{Value, json};

use super::{
    Consumer, IDP, Keys, PASSWORD, PEOPLE, Pair, Row, SP, Server, assert_stopped,
    each_has_its_story, row, sign_on, with,
};

const GREEN: &str = "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion ok, acs ok, refuse ok";

pub(super) fn provider(signing: &Pair, consumer: &Pair, acs_url: &str, changes: &Value) -> Server {
    let people = PEOPLE.map(|name| json!({"username": name, "password": PASSWORD}));
    let settings = json!({
        "entity_id": IDP,
        "signing": signing.as_json(),
        "people": people,
        "consumer": {"entity_id": SP, "acs_url": acs_url, "pair": consumer.as_json()},
    });
    Server::python("pysaml2_provider", with(&settings, changes))
}

pub(super) fn metadata(server: &Server) -> String {
    format!("{}/metadata", server.origin)
}

#[test]
fn service_providers_of_each_make_begin_a_session_and_tell_whether_they_begin_two() {
    let keys = Keys::new();
    let accepted = GREEN.replace("refuse ok", "refuse replay_accepted");
    let mut running = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for (consumer, story) in [
        // The libraries leave it to those who use them to remember assertions.
        (Consumer::Pysaml2, accepted.as_str()),
        (Consumer::NodeSaml, accepted.as_str()),
        (Consumer::Python3Saml, GREEN),
    ] {
        let sp = consumer.start(&keys);
        let acs = format!("{}/acs", sp.origin);
        let idp = provider(&keys.idp, &keys.sp, &acs, &json!({}));
        let name = format!("{consumer:?}");
        rows.push(row(&name, &metadata(&idp), sign_on("ada", &acs), story));
        let described = json!({"role": "sp", "entity_id": SP});
        rows.push(row(
            &format!("{name} metadata"),
            &metadata(&sp),
            described,
            "metadata ok, certificates ok",
        ));
        running.extend([sp, idp]);
    }
    each_has_its_story(&rows);
}

/// What the library does when nobody says otherwise: it signs with SHA-1, and encrypts with
/// triple DES, which is not supported here.
#[test]
fn its_own_algorithms_are_refused_by_name() {
    let keys = Keys::new();
    let (acs, none) = ("http://127.0.0.1:1/acs", json!({"sso": {"acs": null}}));
    let start = |changes: &Value| provider(&keys.idp, &keys.sp, acs, changes);
    let old = start(&json!({"sha1": true}));
    let encrypting = start(&json!({"encrypt": true}));
    let block = with(&sign_on("ada", acs), &none);
    let signature = |allow: bool| json!({"signature": {"certificate_file": keys.idp.certificate_file(), "allow_sha1": allow}});
    let encrypted = json!({"sso": {"decryption_key_file": keys.sp.key_file()}});
    let allow = json!({"sso": {"validate": {"allow_sha1": true}}});
    let green = GREEN.replace(", acs ok, refuse ok", "");
    each_has_its_story(&[
        row(
            "SHA-1",
            &metadata(&old),
            block.clone(),
            &green.replace("assertion ok", "assertion algorithm_refused"),
        ),
        row(
            "SHA-1, allowed",
            &metadata(&old),
            with(&block, &allow),
            &green.replace("assertion ok", "assertion ok [sha1_signature]"),
        ),
        row(
            "metadata with SHA-1",
            &metadata(&old),
            with(&block, &signature(false)),
            "metadata algorithm_refused, certificates -, sso -, login -, consent -, assertion -",
        ),
        row(
            "triple DES",
            &metadata(&encrypting),
            with(&block, &encrypted),
            &green.replace("assertion ok", "assertion decryption_failed"),
        ),
    ]);
}

#[test]
#[allow(clippy::too_many_lines)] // one table
fn each_way_has_its_story() {
    let keys = Keys::new();
    let sp = Consumer::Python3Saml.start(&keys);
    let acs = format!("{}/acs", sp.origin);
    let start = |signing: &Pair, changes: Value| provider(signing, &keys.sp, &acs, &changes);
    let idp = start(&keys.idp, json!({}));
    let whole = sign_on("ada", &acs);
    let signature = json!({"signature": {"certificate_file": keys.idp.certificate_file()}});
    let signed = |what: &str| json!({"sso": {"validate": {"signed": what}}});
    let both = start(&keys.idp, json!({"sign_response": true}));
    let wants = start(&keys.idp, json!({"want_signed_requests": true}));
    let key = json!({"sso": {"signing_key_file": keys.sp.key_file()}});
    let expired = start(&Pair::until(2026), json!({}));
    let elsewhere = start(&keys.idp, json!({"audience": "https://other.example/saml"}));
    let foreign = start(&Pair::new(), json!({}));
    let stopped = |at: &str| {
        let count = at.split(", ").count();
        let others = GREEN.split(", ").skip(count).filter_map(|step| step.split(' ').next());
        others.fold(at.to_owned(), |story, step| format!("{story}, {step} -"))
    };
    let asked =
        stopped("metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion ok");
    let at = |end: &str| {
        stopped(&asked.split_once("assertion").map_or(String::new(), |(s, _)| format!("{s}{end}")))
    };
    let rejected = stopped("metadata ok, certificates ok, sso ok, login login_rejected");
    let wrong_password = json!({"sso": {"login": {"username": "bob", "password": "another"}}});
    let rows = [
        row("whole", &metadata(&idp), with(&whole, &signature), GREEN),
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
                    "required_attributes": ["urn:oid:0.9.2342.19200300.100.1.3", "uid"],
                    "attributes": [{"path": "$.attributes.mail[0]", "value": "ada@app.example"}],
                }}}),
            ),
            GREEN,
        ),
        row("both signed", &metadata(&both), with(&whole, &signed("both")), GREEN),
        row("signed request", &metadata(&wants), with(&whole, &key), GREEN),
        row(
            "signed request, POST binding",
            &metadata(&wants),
            with(&with(&whole, &key), &json!({"sso": {"binding": "post"}})),
            GREEN,
        ),
        row(
            "assertion signed alone",
            &metadata(&idp),
            with(&whole, &signed("response")),
            &at("assertion signature_missing"),
        ),
        row(
            "missing attribute",
            &metadata(&idp),
            with(&whole, &json!({"sso": {"validate": {"required_attributes": ["eppn"]}}})),
            &at("assertion missing_claim"),
        ),
        row(
            "not encrypted",
            &metadata(&idp),
            with(
                &whole,
                &json!({"sso": {
                    "validate": {"encrypted": true},
                    "decryption_key_file": keys.sp.key_file(),
                }}),
            ),
            &at("assertion assertion_invalid"),
        ),
        row("wrong password", &metadata(&idp), with(&whole, &wrong_password), &rejected),
        // Not again within the pause.
        row("wrong password again", &metadata(&idp), with(&whole, &wrong_password), &rejected),
        row(
            "expired certificate",
            &metadata(&expired),
            whole.clone(),
            &stopped("metadata ok, certificates certificate_expired [key_expired]"),
        ),
        row(
            "wrong audience",
            &metadata(&elsewhere),
            whole.clone(),
            &at("assertion audience_mismatch"),
        ),
        row(
            "unknown to the service provider",
            &metadata(&foreign),
            whole.clone(),
            &at("assertion ok, acs http_4xx"),
        ),
        row(
            "metadata of somebody else",
            &metadata(&foreign),
            with(&whole, &signature),
            &stopped("metadata key_not_found"),
        ),
        // The login page is all that is waited for.
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
            &stopped("metadata ok, certificates ok, sso ok, login http_5xx"),
        ),
    ];
    let exporter = each_has_its_story(&rows);
    assert_stopped(idp, &exporter, &rows[0]);
}
