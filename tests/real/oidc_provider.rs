//! `oauth_cc` against npm's oidc-provider, a certified OpenID Connect provider.

use super::exporter::Exporter;
use super::provider::{Provider, SECRET};

/// A client that the configurations of these tests use.
struct Client {
    id: &'static str,
    auth: &'static str,
    secret: Option<&'static str>,
}

const BASIC: Client = Client { id: "basic", auth: "client_secret_basic", secret: Some(SECRET) };

/// What a probe answered, and the exporter that did it.
struct Probed {
    metrics: String,
    _exporter: Exporter,
}

/// One probe of `target` by a module for this client with `settings`, lines of its block.
fn probe(client: &Client, target: &str, settings: &str) -> Probed {
    let secret = client
        .secret
        .map_or(String::new(), |secret| format!(", secret: {}", serde_json::Value::from(secret)));
    let exporter = Exporter::start(&format!(
        "
modules:
  cc:
    prober: oauth_cc
    targets: [{target:?}]
    oauth_cc:
      client: {{id: {}, auth: {}{secret}}}
{settings}",
        client.id, client.auth
    ));
    Probed { metrics: exporter.probe("cc", target), _exporter: exporter }
}

impl Probed {
    /// The series that say how the probe went, without those that differ from probe to probe.
    fn verdict(&self) -> Vec<&str> {
        const METRICS: [&str; 8] = [
            "probe_success",
            "probe_auth_step_success",
            "probe_auth_step_http_status_code",
            "probe_auth_failure_info",
            "probe_auth_warning_info",
            "probe_auth_endpoint_available",
            "probe_auth_assertion_success",
            "probe_auth_refused",
        ];
        let name = |line: &&str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
        self.metrics.lines().filter(|line| METRICS.contains(&name(line).as_str())).collect()
    }

    /// The value of a series.
    fn value(&self, series: &str) -> f64 {
        let of_series = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        let value = self.metrics.lines().find_map(of_series);
        value.unwrap_or_else(|| panic!("no {series} in\n{}", self.metrics))
    }
}

/// The block that asks for a scope, judges the token and uses it at an API that asks
/// the provider about it.
const WHOLE_FLOW: &str = r#"
      scopes: [monitoring:health]
      assertions:
        - {type: status_code, value: 200}
        - {type: json_body, path: "$.access_token", operator: exists}
        - {type: json_body, path: "$.token_type", value: Bearer}
        - {type: json_body, path: "$.expires_in", operator: greater_than, value: 0}
      call_api: {url: /api/opaque, must_refuse: [no_credential]}
"#;

const WHOLE_FLOW_PASSES: &[&str] = &[
    "probe_success 1",
    r#"probe_auth_step_success{step="discovery"} 1"#,
    r#"probe_auth_step_success{step="token"} 1"#,
    r#"probe_auth_step_success{step="call_api"} 1"#,
    r#"probe_auth_step_success{step="refuse"} 1"#,
    r#"probe_auth_step_http_status_code{step="discovery"} 200"#,
    r#"probe_auth_step_http_status_code{step="token"} 200"#,
    r#"probe_auth_step_http_status_code{step="call_api"} 200"#,
    r#"probe_auth_step_http_status_code{step="refuse"} 401"#,
    r#"probe_auth_endpoint_available{endpoint="token"} 1"#,
    r#"probe_auth_endpoint_available{endpoint="discovery"} 1"#,
    r#"probe_auth_endpoint_available{endpoint="api"} 1"#,
    r#"probe_auth_assertion_success{step="token",assertion="status_code:equals"} 1"#,
    r#"probe_auth_assertion_success{step="token",assertion="json_body:$.access_token:exists"} 1"#,
    r#"probe_auth_assertion_success{step="token",assertion="json_body:$.token_type:equals"} 1"#,
    r#"probe_auth_assertion_success{step="token",assertion="json_body:$.expires_in:greater_than"} 1"#,
    r#"probe_auth_refused{check="no_credential"} 1"#,
];

#[test]
fn pass_with_basic_and_a_secret_that_must_be_encoded() {
    let provider = Provider::start();
    let probed = probe(&BASIC, provider.issuer(), WHOLE_FLOW);
    assert_eq!(probed.verdict(), WHOLE_FLOW_PASSES);
    let ttl = probed.value(r#"probe_auth_token_ttl_seconds{token="access_token"}"#);
    assert_eq!(ttl, 300.0, "an opaque token lives for its expires_in");
    let issued = probed.metrics.contains("probe_auth_token_issued_timestamp_seconds{");
    assert!(!issued, "nothing says when it was issued");
}

#[test]
fn pass_with_post() {
    let provider = Provider::start();
    let client = Client { id: "post", auth: "client_secret_post", secret: Some(SECRET) };
    let probed = probe(&client, provider.issuer(), WHOLE_FLOW);
    assert_eq!(probed.verdict(), WHOLE_FLOW_PASSES);
}

#[test]
fn pass_with_a_public_client() {
    let provider = Provider::start();
    let client = Client { id: "public", auth: "none", secret: None };
    let probed = probe(&client, provider.issuer(), WHOLE_FLOW);
    assert_eq!(probed.verdict(), WHOLE_FLOW_PASSES);
}

#[test]
fn pass_with_a_jwt_for_a_resource() {
    let provider = Provider::start();
    let probed = probe(
        &BASIC,
        provider.issuer(),
        &format!(
            "
      scopes: [monitoring:health]
      discovery: oauth
      resource: {}/api/jwt
      call_api: {{url: /api/jwt, must_refuse: [no_credential]}}
",
            provider.issuer()
        ),
    );
    assert_eq!(probed.value("probe_success"), 1.0);
    assert_eq!(probed.value(r#"probe_auth_refused{check="no_credential"}"#), 1.0);
    let of_token = |name: &str| probed.value(&format!(r#"{name}{{token="access_token"}}"#));
    let expiry = of_token("probe_auth_token_expiry_timestamp_seconds");
    let issued = of_token("probe_auth_token_issued_timestamp_seconds");
    assert_eq!(expiry - issued, 300.0, "exp and iat of the token");
    let ttl = of_token("probe_auth_token_ttl_seconds");
    assert!((270.0..=300.0).contains(&ttl), "a token that was just issued, {ttl}");
}

#[test]
fn warn_of_a_scope_that_was_not_granted() {
    let provider = Provider::start();
    let probed =
        probe(&BASIC, provider.issuer(), "      scopes: [monitoring:health, monitoring:unheard]");
    assert_eq!(
        probed.verdict(),
        [
            "probe_success 1",
            r#"probe_auth_step_success{step="discovery"} 1"#,
            r#"probe_auth_step_success{step="token"} 1"#,
            r#"probe_auth_step_http_status_code{step="discovery"} 200"#,
            r#"probe_auth_step_http_status_code{step="token"} 200"#,
            r#"probe_auth_warning_info{step="token",warning="scope_narrowed"} 1"#,
            r#"probe_auth_endpoint_available{endpoint="token"} 1"#,
            r#"probe_auth_endpoint_available{endpoint="discovery"} 1"#,
        ]
    );
}

#[test]
fn fail_on_a_wrong_secret() {
    let provider = Provider::start();
    let client = Client { secret: Some("another-secret"), ..BASIC };
    assert_eq!(
        probe(&client, provider.issuer(), WHOLE_FLOW).verdict(),
        [
            "probe_success 0",
            r#"probe_auth_step_success{step="discovery"} 1"#,
            r#"probe_auth_step_success{step="token"} 0"#,
            r#"probe_auth_step_success{step="call_api"} 0"#,
            r#"probe_auth_step_success{step="refuse"} 0"#,
            r#"probe_auth_step_http_status_code{step="discovery"} 200"#,
            r#"probe_auth_step_http_status_code{step="token"} 401"#,
            r#"probe_auth_failure_info{step="token",reason="invalid_client"} 1"#,
            r#"probe_auth_endpoint_available{endpoint="token"} 1"#,
            r#"probe_auth_endpoint_available{endpoint="discovery"} 1"#,
            r#"probe_auth_assertion_success{step="token",assertion="status_code:equals"} 0"#,
            r#"probe_auth_assertion_success{step="token",assertion="json_body:$.access_token:exists"} 0"#,
            r#"probe_auth_assertion_success{step="token",assertion="json_body:$.token_type:equals"} 0"#,
            r#"probe_auth_assertion_success{step="token",assertion="json_body:$.expires_in:greater_than"} 0"#,
        ]
    );
}

#[test]
fn fail_on_what_the_provider_refuses() {
    let provider = Provider::start();
    let unregistered = Client { id: "nobody", ..BASIC };
    let without_grant = Client { id: "without_grant", ..BASIC };
    for (client, target, settings, reason) in [
        (&unregistered, provider.issuer(), "", "invalid_client"),
        // Its word for a grant that the client may not use is invalid_request.
        (&without_grant, provider.issuer(), "", "oauth_error"),
        (&BASIC, provider.issuer(), "      scopes: [openid]", "invalid_scope"),
        // invalid_target of RFC 8707
        (&BASIC, provider.issuer(), "      resource: https://api.example.com", "oauth_error"),
        // An issuer with a path, whose metadata stands below it.
        (&BASIC, &provider.tenant(), "", "unsupported_grant_type"),
    ] {
        let probed = probe(client, target, settings);
        assert_eq!(probed.value(r#"probe_auth_step_success{step="discovery"}"#), 1.0);
        let findings: Vec<&str> =
            probed.verdict().into_iter().filter(|series| series.contains("_info{")).collect();
        assert_eq!(
            findings,
            [format!(r#"probe_auth_failure_info{{step="token",reason="{reason}"}} 1"#)],
            "{} {target} {settings}",
            client.id
        );
    }
}

/// The server knows its metadata under both URLs, and its issuer has no slash at the end.
#[test]
fn fail_on_an_issuer_with_a_slash_too_many() {
    let provider = Provider::start();
    let target = format!("{}/", provider.issuer());
    assert_eq!(
        probe(&BASIC, &target, "").verdict(),
        [
            "probe_success 0",
            r#"probe_auth_step_success{step="discovery"} 0"#,
            r#"probe_auth_step_success{step="token"} 0"#,
            r#"probe_auth_step_http_status_code{step="discovery"} 200"#,
            r#"probe_auth_failure_info{step="discovery",reason="issuer_mismatch"} 1"#,
            r#"probe_auth_endpoint_available{endpoint="discovery"} 1"#,
        ]
    );
}
