//! Every fault of the provider: which step fails for which reason, and that all is well again
//! when the fault is over.

use crate::exporter::Exporter;
use crate::provider::{Fault, Provider};

/// Without assertions, so that what only warns does not fail.
const LENIENT: &str = "
  lenient:
    prober: oauth_cc
    targets: ['${DEMO_PROVIDER}']
    oauth_cc:
      client: {id: monitor, secret: '${DEMO_CLIENT_SECRET}'}
      scopes: [monitoring:health]
";

/// What a fault leads to.
enum Leads {
    /// The step fails for the reason.
    To(&'static str),
    /// The step succeeds with the warning, in a module without assertions.
    Warning(&'static str),
    /// Nothing: it is no fault for a client that keeps to the specifications.
    Nowhere,
}

/// The module that meets the fault, and what it leads to. A new fault does not compile
/// until it stands here.
fn expected(fault: Fault) -> (&'static str, Leads) {
    use Leads::{Nowhere, To, Warning};
    let (cc, key) = ("client_credentials", "api_key");
    match fault {
        Fault::ConnectionClosed => (cc, To("discovery connection_closed")),

        Fault::Discovery404 => (cc, To("discovery http_4xx")),
        Fault::DiscoveryOpenid404 => (cc, Nowhere),
        Fault::Discovery500 => (cc, To("discovery http_5xx")),
        Fault::DiscoveryHang => (cc, To("discovery timeout")),
        Fault::DiscoveryHtml => (cc, To("discovery content_type")),
        Fault::DiscoveryWrongIssuer | Fault::DiscoveryEchoesSecrets => {
            (cc, To("discovery issuer_mismatch"))
        }
        Fault::DiscoveryNoTokenEndpoint => (cc, To("discovery missing_endpoint")),
        Fault::DiscoveryForeignTokenEndpoint => (cc, To("token endpoint_refused")),
        Fault::DiscoveryRedirectLoop => (cc, To("discovery too_many_redirects")),

        Fault::TokenSlow | Fault::TokenHang | Fault::TokenSlowBody => (cc, To("token timeout")),
        Fault::Token429 => (cc, To("token rate_limited")),
        Fault::Token500 => (cc, To("token http_5xx")),
        Fault::TokenRefusesClient
        | Fault::TokenErrorWith200
        | Fault::TokenDescriptionEchoesSecret => (cc, To("token invalid_client")),
        Fault::TokenMalformedJson => (cc, To("token malformed_json")),
        Fault::TokenHtml => (cc, To("token content_type")),
        Fault::TokenNoAccessToken => (cc, To("token missing_access_token")),
        Fault::TokenTypeMac | Fault::TokenTypeEchoesSecret => (cc, To("token token_type")),
        Fault::TokenExpiresInZero => (cc, To("token expires_in")),
        Fault::TokenExpiresInString => ("lenient", Warning("token expires_in_type")),
        Fault::TokenNarrowScope => ("lenient", Warning("token scope_narrowed")),
        Fault::TokenScopeList => ("lenient", Warning("token scope_type")),
        Fault::TokenDuplicateMember => ("lenient", Warning("token duplicate_member")),
        Fault::TokenCacheable => ("lenient", Warning("token no_store_missing")),
        Fault::TokenStatus201 => ("lenient", Warning("token status_unexpected")),
        Fault::TokenPlainText => ("lenient", Warning("token content_type_unexpected")),
        Fault::TokenHugeBody | Fault::TokenEndlessBody | Fault::TokenGzipBomb => {
            (cc, To("token body_too_large"))
        }
        Fault::TokenTruncated => (cc, To("token connection_closed")),
        Fault::TokenRedirect | Fault::TokenRedirectEchoesSecret => {
            (cc, To("token redirect_refused"))
        }
        Fault::TokenErrorEchoesSecret => (cc, To("token oauth_error")),

        Fault::ApiAcceptsAnything => (cc, To("refuse bad_credential_accepted")),
        Fault::Api401 | Fault::ApiEchoesSecrets => (cc, To("call_api oauth_error")),
        Fault::Api401WithoutChallenge | Fault::ApiRedirectEchoesSecrets => {
            (cc, To("call_api http_4xx"))
        }
        Fault::Api403Scope => (cc, To("call_api scope_missing")),
        Fault::Api500 => (cc, To("call_api http_5xx")),
        Fault::ApiHang => (cc, To("call_api timeout")),
        Fault::ApiHangsWithoutToken => (cc, To("refuse timeout")),
        Fault::ApiCrashesWithoutToken => (cc, To("refuse http_5xx")),
        Fault::ApiSendsToLogin => (cc, To("refuse redirect_refused")),

        Fault::KeyAcceptsAnything => (key, To("refuse bad_credential_accepted")),
        Fault::KeyRefuses | Fault::KeyRedirectEchoesSecrets => (key, To("request http_4xx")),
        Fault::KeyAccountSuspended => (key, To("request assertion_failed")),
        Fault::KeyHang => (key, To("request timeout")),
        Fault::KeyHangsWithoutKey => (key, To("refuse timeout")),
        Fault::KeyRedirect => (key, To("request redirect_refused")),
        Fault::KeyEchoesSecrets => (key, To("request oauth_error")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_fails_its_step_and_is_over_when_it_is_over() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&provider, LENIENT).await;
    for fault in Fault::ALL {
        let (module, leads) = expected(*fault);
        let target = match module {
            "api_key" => format!("{}/v1/account", provider.url()),
            _ => provider.url().to_owned(),
        };
        let name = fault.name();
        provider.switch_on(*fault);
        let broken = exporter.probe(module, &target, "1.2").await;
        provider.switch_off(*fault);
        let (failures, warnings) = (broken.failures(), broken.warnings());
        match leads {
            Leads::To(failure) => {
                assert_eq!(
                    (broken.success(), failures),
                    (false, vec![failure.to_owned()]),
                    "{name}"
                );
                follows(&broken.steps(), name);
            }
            Leads::Warning(warning) => {
                assert_eq!((broken.success(), failures), (true, vec![]), "{name}");
                assert_eq!(warnings, [warning], "{name}");
            }
            Leads::Nowhere => {
                assert_eq!((broken.success(), failures), (true, vec![]), "{name}");
                assert_eq!(warnings, Vec::<String>::new(), "{name}");
            }
        }
        let healed = exporter.probe(module, &target, "10").await;
        assert_eq!(
            (healed.success(), healed.failures(), healed.warnings()),
            (true, vec![], vec![]),
            "after {name}"
        );
    }
}

/// The plan stands whole: successes, one failure, and what was not reached after it. The steps
/// are in the order of their names here, so only their numbers are compared.
fn follows(steps: &[String], fault: &str) {
    let failed = steps.iter().filter(|step| step.ends_with('!')).count();
    assert_eq!(failed, 1, "{fault}: {steps:?}");
    let planned: Vec<&str> = steps.iter().map(|step| step.trim_end_matches(['!', '?'])).collect();
    let whole: &[&str] = if planned.contains(&"request") {
        &["refuse", "request"]
    } else {
        &["call_api", "discovery", "refuse", "token"]
    };
    assert_eq!(planned, whole, "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_switched_over_http_too() {
    let provider = Provider::start().await;
    let address = provider.url().trim_start_matches("http://").to_owned();
    let exporter = Exporter::start(&provider, "").await;
    let failures =
        || async { exporter.probe("client_credentials", provider.url(), "10").await.failures() };
    let send = async |line: &str| crate::http::send(&address, line, &[]).await.status;

    assert_eq!(send("PUT /faults/token_refuses_client").await, 200);
    assert_eq!(failures().await, ["token invalid_client"]);
    assert_eq!(send("DELETE /faults/token_refuses_client").await, 200);
    assert_eq!(failures().await, Vec::<String>::new());
    assert_eq!(send("PUT /faults/no_such_fault").await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_probe_shows_all_that_it_found() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&provider, "").await;
    let target = provider.tls_url(crate::provider::Certificate::Good);
    let probe = exporter.probe("client_credentials", target, "10").await;
    assert!(probe.success(), "{probe:?}");
    assert_eq!(probe.steps(), ["call_api", "discovery", "refuse", "token"]);
    for (series, value) in [
        ("probe_http_status_code", 200.0),
        ("probe_http_ssl", 1.0),
        ("probe_ip_protocol", 4.0),
        ("probe_auth_refused{check=\"no_credential\"}", 1.0),
        ("probe_auth_endpoint_available{endpoint=\"token\"}", 1.0),
        ("probe_auth_threshold_seconds{step=\"token\"}", 0.5),
        ("probe_auth_share_threshold_ratio", 0.8),
        ("probe_auth_step_http_status_code{step=\"refuse\"}", 401.0),
        ("probe_tls_version_info{version=\"TLS 1.3\"}", 1.0),
        (
            "probe_auth_module_info{module=\"client_credentials\",prober=\"oauth_cc\",provider=\"demo\"}",
            1.0,
        ),
        (
            "probe_auth_assertion_success{step=\"token\",assertion=\"json_body:$.expires_in:greater_than\"}",
            1.0,
        ),
    ] {
        assert_eq!(probe.value(series), Some(value), "{series}");
    }
    let ttl = probe.value("probe_auth_token_ttl_seconds{token=\"access_token\"}").unwrap();
    assert!((298.0..=300.0).contains(&ttl), "{ttl}");
    assert!(probe.value("probe_ssl_earliest_cert_expiry").unwrap() > 2e9);
}
