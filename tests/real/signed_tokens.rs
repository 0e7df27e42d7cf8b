//! JWT access tokens of npm's oidc-provider, and the APIs that judge them: two with npm's jose, one
//! that is wrong on purpose.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::exporter::{Exporter, story};
use super::http::send;
use super::provider::{Provider, SigningKeys};

/// A token for the resource at this path.
fn token(provider: &Provider, path: &str) -> String {
    let issuer = provider.issuer();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("grant_type", "client_credentials"),
        ("client_id", "public"),
        ("scope", "monitoring:health"),
        ("resource", &format!("{issuer}{path}")),
    ]);
    let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
    let (status, body) = send(address(provider), "POST /token", &form_type, &form.finish());
    assert_eq!(status, "200", "{body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn address(provider: &Provider) -> &str {
    provider.issuer().trim_start_matches("http://")
}

/// The status with which the API at this path answers a token.
fn status(provider: &Provider, path: &str, token: &str) -> String {
    let credential = format!("Bearer {token}");
    send(address(provider), &format!("GET {path}"), &[("Authorization", &credential)], "").0
}

/// A part of a token, decoded.
fn part(token: &str, index: usize) -> Value {
    let encoded = token.split('.').nth(index).expect("a part");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A token that nobody signed, with the claims of another one and this `alg`.
fn unsigned(token: &str, alg: &str, audience: Option<&str>, lifetime: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    let mut claims = part(token, 1);
    claims["exp"] = (i64::try_from(now).expect("a time") + lifetime).into();
    if let Some(audience) = audience {
        claims["aud"] = audience.into();
    }
    let header = json!({"alg": alg, "typ": "at+jwt"});
    let [header, claims] =
        [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.")
}

#[test]
fn tokens_of_each_algorithm_are_for_their_api_alone() {
    let provider = Provider::start();
    let issuer = provider.issuer();
    let (rs256, es256) = (token(&provider, "/api/jwt"), token(&provider, "/api/jwt/es256"));
    assert_eq!(part(&rs256, 0)["alg"], "RS256");
    assert_eq!(part(&es256, 0)["alg"], "ES256");
    let module = |name: &str, resource: &str, api: &str| {
        format!(
            "
  {name}:
    prober: oauth_cc
    targets: ['{issuer}']
    oauth_cc:
      client: {{id: public, auth: none}}
      scopes: ['monitoring:health']
      resource: '{issuer}{resource}'
      call_api: {{url: {api}, must_refuse: [no_credential]}}
"
        )
    };
    let rows = [
        ("rs256", "/api/jwt", "/api/jwt", "call_api ok, refuse ok"),
        ("es256", "/api/jwt/es256", "/api/jwt/es256", "call_api ok, refuse ok"),
        ("careless", "/api/jwt", "/api/careless", "call_api ok, refuse ok"),
        ("for_es256", "/api/jwt/es256", "/api/jwt", "call_api oauth_error, refuse -"),
        ("for_rs256", "/api/jwt", "/api/jwt/es256", "call_api oauth_error, refuse -"),
        ("for_none", "/api/jwt/es256", "/api/careless", "call_api oauth_error, refuse -"),
    ];
    let modules = rows.map(|(name, resource, api, _)| module(name, resource, api));
    let exporter = Exporter::start(&format!("modules:{}", modules.concat()));
    for (name, _, _, end) in rows {
        let metrics = exporter.probe(name, issuer);
        assert_eq!(story(&metrics), format!("discovery ok, token ok, {end}"), "{name}\n{metrics}");
    }
}

#[test]
fn only_the_careless_api_takes_a_token_that_nobody_signed() {
    let provider = Provider::start();
    let signed = token(&provider, "/api/jwt");
    let elsewhere = Some("https://elsewhere.example");
    for (case, token, jose, careless) in [
        ("as it was issued", signed.clone(), "200", "200"),
        ("alg: none", unsigned(&signed, "none", None, 60), "401", "200"),
        ("alg: None", unsigned(&signed, "None", None, 60), "401", "200"),
        ("alg: NONE", unsigned(&signed, "NONE", None, 60), "401", "200"),
        ("alg: nOnE", unsigned(&signed, "nOnE", None, 60), "401", "200"),
        ("expired", unsigned(&signed, "none", None, -60), "401", "401"),
        ("for another API", unsigned(&signed, "none", elsewhere, 60), "401", "401"),
        ("signature left out", signed[..=signed.rfind('.').unwrap_or(0)].to_owned(), "401", "401"),
        ("no token", "x".to_owned(), "401", "401"),
    ] {
        assert_eq!(status(&provider, "/api/jwt", &token), jose, "{case}");
        assert_eq!(status(&provider, "/api/careless", &token), careless, "{case}");
    }
}

#[test]
fn a_restart_can_replace_the_keys_with_and_without_the_older_ones_in_the_set() {
    const APIS: [&str; 2] = ["/api/jwt", "/api/jwt/es256"];
    let [keys, next, last] = [(); 3].map(|()| SigningKeys::generate());
    let mut provider = Provider::start_signing(&keys);
    let issuer = provider.issuer().to_owned();
    let issue = |provider: &Provider| APIS.map(|path| token(provider, path));
    let answers = |provider: &Provider, tokens: &[String; 2]| {
        [0, 1].map(|index| status(provider, APIS[index], &tokens[index]))
    };
    let older = issue(&provider);
    for (case, keys, of_older, same_key) in [
        ("the same keys", &[&keys][..], "200", true),
        ("next keys beside them", &[&next, &keys], "200", false),
        ("other keys instead", &[&last, &next], "401", false),
    ] {
        provider = provider.restart_signing(keys);
        assert_eq!(provider.issuer(), issuer);
        assert_eq!(answers(&provider, &older), [of_older; 2], "{case}");
        let fresh = issue(&provider);
        assert_eq!(answers(&provider, &fresh), ["200"; 2], "{case}");
        for (older, fresh) in older.iter().zip(&fresh) {
            assert_eq!(part(older, 0)["kid"] == part(fresh, 0)["kid"], same_key, "{case}");
        }
    }
}
