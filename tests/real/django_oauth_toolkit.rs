//! `oauth_cc` against django-oauth-toolkit of `PyPI`: opaque tokens, introspection and revocation.

use serde_json::{Value, json};

use super::authorization_server::{AuthorizationServer, client};
use super::exporter::{Exporter, story};

/// RFC 6749 §2.3.1 encodes most of its characters before Basic.
const SECRET: &str = r#"s+cr%t/u &:"=<x>"#;

fn clients() -> Value {
    let mut disabled = client("disabled", SECRET, "client-credentials");
    disabled["disabled"] = true.into();
    let mut people = client("people", SECRET, "authorization-code");
    people["redirect_uris"] = "https://app.example/callback".into();
    let mut public = client("public", "", "client-credentials");
    public["client_type"] = "public".into();
    let [monitor, deleted] =
        ["monitor", "deleted"].map(|id| client(id, SECRET, "client-credentials"));
    json!([monitor, deleted, disabled, people, public])
}

/// What a module says of its client, beside the secret.
enum Credential {
    /// An id with the right secret, sent in this way.
    Right(&'static str, &'static str),
    /// An id with another secret.
    Wrong(&'static str, &'static str),
    /// An id alone.
    Public(&'static str),
}
use Credential::{Public, Right, Wrong};

const BASIC: Credential = Right("monitor", "client_secret_basic");
const POST: Credential = Right("monitor", "client_secret_post");

impl Credential {
    fn settings(&self) -> Value {
        match self {
            Right(id, auth) => json!({"id": id, "auth": auth, "secret": SECRET}),
            Wrong(id, auth) => json!({"id": id, "auth": auth, "secret": "another secret"}),
            Public(id) => json!({"id": id, "auth": "none"}),
        }
    }
}

/// A module and what its probe tells.
struct Row {
    /// What is special about it.
    name: &'static str,
    credential: Credential,
    /// Further settings of `oauth_cc`.
    settings: String,
    /// Each step and how it ended.
    story: &'static str,
}

fn row(
    name: &'static str,
    credential: Credential,
    settings: impl Into<String>,
    story: &'static str,
) -> Row {
    Row { name, credential, settings: settings.into(), story }
}

fn each_has_its_story(server: &AuthorizationServer, rows: &[Row]) {
    let issuer = server.issuer();
    let modules = rows.iter().map(|row| {
        let (client, name, settings) = (row.credential.settings(), row.name, &row.settings);
        format!(
            "
  {name}:
    prober: oauth_cc
    targets: ['{issuer}']
    oauth_cc: {{client: {client}, {settings}}}
"
        )
    });
    let exporter = Exporter::start(&format!("modules:{}", modules.collect::<String>()));
    for Row { name, story: expected, .. } in rows {
        let metrics = exporter.probe(name, issuer);
        assert_eq!(story(&metrics), *expected, "{name}\n{metrics}");
    }
}

#[test]
fn each_behaviour_has_its_reason() {
    let server = AuthorizationServer::start(json!({"clients": clients(), "deleted": ["deleted"]}));
    let health = "scopes: ['monitoring:health']";
    let whole = |api| {
        let api = format!("call_api: {{url: {api}, must_refuse: [no_credential]}}");
        format!("{health}, introspect: true, {api}, revoke: true")
    };
    let rows = [
        // Introspection and revocation with the client's own credential.
        row(
            "basic",
            BASIC,
            whole("/api/scoped"),
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        row(
            "post",
            POST,
            whole("/api/scoped"),
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        // A 403 without a challenge refuses, too.
        row(
            "bare_api",
            BASIC,
            whole("/api/bare"),
            "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok",
        ),
        // The client.
        row(
            "wrong_secret_in_basic",
            Wrong("monitor", "client_secret_basic"),
            whole("/api/bare"),
            "discovery ok, token invalid_client, introspect -, call_api -, refuse -, revoke -",
        ),
        row(
            "wrong_secret_in_post",
            Wrong("monitor", "client_secret_post"),
            health,
            "discovery ok, token invalid_client",
        ),
        row("no_secret", Public("monitor"), health, "discovery ok, token invalid_client"),
        row(
            "disabled",
            Right("disabled", "client_secret_basic"),
            health,
            "discovery ok, token invalid_client",
        ),
        row(
            "deleted",
            Right("deleted", "client_secret_basic"),
            health,
            "discovery ok, token invalid_client",
        ),
        row(
            "grant_in_basic",
            Right("people", "client_secret_basic"),
            health,
            "discovery ok, token unauthorized_client",
        ),
        row(
            "grant_in_post",
            Right("people", "client_secret_post"),
            health,
            "discovery ok, token unauthorized_client",
        ),
        // Against RFC 6749 §4.4 a public client gets a token.
        row("public", Public("public"), health, "discovery ok, token ok"),
        // The scope.
        row(
            "unknown_scope",
            BASIC,
            "scopes: ['monitoring:unheard']",
            "discovery ok, token invalid_scope",
        ),
        row(
            "one_scope_too_many",
            BASIC,
            "scopes: ['monitoring:health', 'monitoring:unheard']",
            "discovery ok, token invalid_scope",
        ),
        row("no_scope", BASIC, "introspect: true", "discovery ok, token ok, introspect ok"),
        row(
            "scope_of_another_api",
            BASIC,
            "scopes: ['monitoring:other'], call_api: {url: /api/scoped}",
            "discovery ok, token ok, call_api scope_missing",
        ),
        // Django sends whoever forgets the slash of a URL to the right one; a secret does not follow.
        row("token_without_slash", BASIC, "endpoints: {token: /token}", "token redirect_refused"),
        row(
            "introspection_without_slash",
            BASIC,
            "endpoints: {introspection: /introspect}, introspect: true",
            "discovery ok, token ok, introspect redirect_refused",
        ),
        row(
            "revocation_without_slash",
            BASIC,
            "endpoints: {revocation: /revoke_token}, revoke: true",
            "discovery ok, token ok, revoke redirect_refused",
        ),
    ];
    each_has_its_story(&server, &rows);
}

#[test]
fn an_api_elsewhere_asks_about_the_token_with_a_credential_of_its_own() {
    let server = AuthorizationServer::start(json!({
        "clients": [client("monitor", SECRET, "client-credentials"), client("api", "secret-of-api", "client-credentials")],
        "tokens": [
            {"token": "bearer-that-may-ask", "scope": "introspection"},
            {"token": "bearer-that-may-not", "scope": "monitoring:health"},
        ],
    }));
    let api = |credential: (&str, Value)| {
        let url = format!("{}/introspect/", server.issuer());
        let toolkit = json!({"RESOURCE_SERVER_INTROSPECTION_URL": url, credential.0: credential.1});
        AuthorizationServer::start(json!({"toolkit": toolkit}))
    };
    let [by_bearer, without_scope] = ["bearer-that-may-ask", "bearer-that-may-not"]
        .map(|token| api(("RESOURCE_SERVER_AUTH_TOKEN", token.into())));
    let by_basic =
        api(("RESOURCE_SERVER_INTROSPECTION_CREDENTIALS", json!(["api", "secret-of-api"])));
    let at = |api: &AuthorizationServer| {
        format!(
            "scopes: ['monitoring:health'], call_api: {{url: '{}/api/scoped', must_refuse: [no_credential]}}",
            api.issuer()
        )
    };
    each_has_its_story(
        &server,
        &[
            row(
                "by_bearer",
                BASIC,
                at(&by_bearer),
                "discovery ok, token ok, call_api ok, refuse ok",
            ),
            row("by_basic", BASIC, at(&by_basic), "discovery ok, token ok, call_api ok, refuse ok"),
            row(
                "without_scope",
                BASIC,
                at(&without_scope),
                "discovery ok, token ok, call_api oauth_error, refuse -",
            ),
        ],
    );
    let asked = server.requests(12).into_iter().filter(|seen| seen.request == "POST /introspect/");
    let schemes =
        asked.filter_map(|seen| seen.header("authorization").map(|value| value[..12].to_owned()));
    assert_eq!(schemes.collect::<Vec<_>>(), ["Bearer beare", "Basic YXBpOn", "Bearer beare"]);
}
