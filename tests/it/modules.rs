//! The modules that most tests probe with, and how they go when nothing is wrong.

use crate::provider::{Provider, REDIRECT_URI, USERNAME};

/// For whom the tokens are.
pub(crate) const AUDIENCE: &str = "https://api.example";
/// What is asked of them.
pub(crate) const VALIDATE: &str = "{algorithms: [RS256], audience: 'https://api.example', typ: at+jwt, \
     required_claims: [sub, iat, exp], scopes: [monitoring:health], leeway: 30s, \
     min_ttl: 1m, max_ttl: 1h}";

/// All that a login may be followed by.
pub(crate) const LOGIN: &str = "userinfo: true, call_api: {url: /api/me, must_refuse: [no_credential]}, \
     refresh: true, replay_code: true, introspect: true, revoke: true, logout: true";

/// The block of a login on one page, which is asked for consent each time. What is given for the
/// user comes first, and what is given for the flow last.
pub(crate) fn login(provider: &Provider, user: &str, flow: &str) -> String {
    let secrets = provider.credentials();
    format!(
        "{{client: {{id: monitor, secret: {}}}, redirect_uri: '{REDIRECT_URI}', \
         scopes: [openid, profile, offline_access, 'monitoring:health'], \
         params: {{prompt: login consent}}, validate: {{algorithms: [RS256], max_age: 10m}}, \
         login: {{username: {USERNAME}, password: {}, consent: accept, {user}}}, {flow}}}",
        secrets.client_secret, secrets.password,
    )
}

/// `flow` takes every step of `oauth_cc` and asserts nothing, `asserted` takes what the first
/// example of the documentation takes, `key` every step of `apikey`, `jwt` verifies and lets
/// the API refuse all that can be forged, `login` takes every step of `oauth_authcode`
/// but one, and `pushed` that one. `watched` looks at the status page, too.
pub(crate) fn configuration(provider: &Provider) -> String {
    let (url, secrets) = (provider.url(), provider.credentials());
    format!(
        r#"
modules:
  flow:
    prober: oauth_cc
    targets: [{url}]
    oauth_cc:
      client: {{id: monitor, secret: {client_secret}}}
      scopes: [monitoring:health]
      introspect: true
      call_api: {{url: /api/me, must_refuse: [no_credential]}}
      revoke: true
  asserted:
    prober: oauth_cc
    targets: [{url}]
    oauth_cc:
      client: {{id: monitor, auth: client_secret_post, secret: {client_secret}}}
      assertions:
        - {{type: status_code, value: 200}}
        - {{type: json_body, path: "$.access_token", operator: exists}}
        - {{type: json_body, path: "$.token_type", value: Bearer}}
        - {{type: json_body, path: "$.expires_in", operator: greater_than, value: 0}}
        - {{type: response_time, operator: less_than, value: 2000}}
  jwt:
    prober: jwt
    targets: [{url}]
    jwt:
      token:
        grant: client_credentials
        client: {{id: monitor, secret: {client_secret}}}
        scopes: [monitoring:health]
        audience: {AUDIENCE}
      validate: {VALIDATE}
      call_api:
        url: /api/me
        must_refuse: [no_credential, tampered_signature, alg_none, foreign_key, hs256_public_key]
  login:
    prober: oauth_authcode
    targets: [{url}]
    oauth_authcode: {login}
  pushed:
    prober: oauth_authcode
    targets: [{url}]
    oauth_authcode: {pushed}
  key:
    prober: apikey
    targets: ["{url}/v1/account"]
    apikey:
      key: {api_key}
      name: X-API-Key
      assertions:
        - {{type: json_body, path: "$.account.status", value: active}}
      must_refuse: [no_key, wrong_key]
      key_info:
        url: /v1/keys/self
        headers: {{Authorization: Bearer {api_key}}}
        expiry: {{path: "$.expires_at"}}
        id: "$.id"
  watched:
    prober: apikey
    targets: ["{url}/v1/account"]
    status_page: {{url: /status/api/v2/status.json}}
    apikey: {{key: {api_key}, name: X-API-Key}}
{saml}"#,
        client_secret = secrets.client_secret,
        api_key = secrets.api_key,
        login = login(provider, "", LOGIN),
        pushed = login(provider, "", "par: true"),
        saml = saml(provider),
    )
}

/// Metadata with its signature, with pinned certificates, and a sign-on.
fn saml(provider: &Provider) -> String {
    format!(
        r#"  saml:
    prober: saml
    targets: ["{url}/saml/metadata"]
    saml:
      role: idp
      entity_id: {url}/saml/idp
      signature: {{certificate_file: {federation}}}
      assertions:
        - {{type: status_code, value: 200}}
        - {{type: response_contains, value: EntityDescriptor}}
        - {{type: response_time, operator: less_than, value: 2000}}
  pinned:
    prober: saml
    targets: ["{url}/saml/metadata"]
    saml:
      role: idp
      entity_id: {url}/saml/idp
      fingerprints: ['{fingerprint}']
  sign_on:
    prober: saml
    targets: ["{url}/saml/metadata"]
    saml:
      role: idp
      entity_id: {url}/saml/idp
      sso:
        sp_entity_id: {url}/saml/sp
        acs_url: {url}/saml/acs
        signing_key_file: {sp_key}
        login: {{username: {USERNAME}, password: {password}}}
        validate:
          required_attributes: [mail]
          attributes: [{{path: "$.attributes.mail[0]", value: "{USERNAME}@example.com"}}]
        acs: {{assertions: [{{type: status_code, value: 303}}]}}
"#,
        url = provider.url(),
        federation = provider.federation_file().display(),
        fingerprint = provider.saml_fingerprint(),
        sp_key = provider.saml_sp_key_file().display(),
        password = provider.credentials().password,
    )
}

/// The target of a module of [`configuration`].
pub(crate) fn target(provider: &Provider, module: &str) -> String {
    let path = match module {
        "key" | "watched" => "/v1/account",
        "saml" | "pinned" | "sign_on" => "/saml/metadata",
        _ => "",
    };
    format!("{}{path}", provider.url())
}

/// The story of a module of [`configuration`] against a good provider.
pub(crate) fn healthy(module: &str) -> &'static str {
    match module {
        "flow" => "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok",
        "asserted" => "discovery ok, token ok",
        "jwt" => "discovery ok, token ok, jwks ok, validate ok, call_api ok, refuse ok",
        "login" => {
            "discovery ok, authorize ok, login ok, consent ok, token ok, jwks ok, validate ok, \
             userinfo ok, call_api ok, refresh ok, introspect ok, refuse ok, revoke ok, logout ok"
        }
        "pushed" => {
            "discovery ok, par ok, authorize ok, login ok, consent ok, token ok, jwks ok, \
             validate ok"
        }
        "key" => "request ok, refuse ok, key_info ok",
        "watched" => "request ok",
        "saml" | "pinned" => "metadata ok, certificates ok",
        "sign_on" => {
            "metadata ok, certificates ok, sso ok, login ok, consent unasked, assertion ok, acs ok, refuse ok"
        }
        _ => panic!("no module {module}"),
    }
}

/// The story of a module in which this step tells something else. Later steps are only reached
/// when it is `ok`.
pub(crate) fn told(module: &str, step: &str, tells: &str) -> String {
    let mut goes_on = true;
    let steps = healthy(module).split(", ").map(|told| {
        let name = told.split(' ').next().unwrap_or_default();
        if name == step {
            goes_on = tells.starts_with("ok");
            format!("{name} {tells}")
        } else if goes_on {
            told.to_owned()
        } else {
            format!("{name} -")
        }
    });
    steps.collect::<Vec<_>>().join(", ")
}
