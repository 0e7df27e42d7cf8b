//! The list of public outages: each is replayed with the fault that it names, and ends as it
//! says.

use std::collections::BTreeSet;
use std::path::Path;

use crate::exporter::Exporter;
use crate::provider::{Certificate, Fault, Provider};
use crate::scrape::Metrics;

const LIST: &str = include_str!("../../alerting-rules/outages.md");
const DEMO: &str = include_str!("../../examples/demo/auth_exporter.yml");

/// A line of the list.
#[derive(Debug)]
struct Outage {
    what: String,
    module: String,
    fault: String,
    step: String,
    reason: String,
    alert: String,
}

fn outages() -> Vec<Outage> {
    let rows = LIST.lines().filter(|line| line.starts_with("| [2"));
    let outages = rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [when, whose, _, module, fault, failure, alert] = cells.as_slice() else {
            panic!("not a line of seven cells: {line}")
        };
        assert!(when.contains("](https://"), "no source: {line}");
        let name = |cell: &str| cell.trim_matches('`').to_owned();
        let (step, reason) = failure.split_once(": ").expect("a step and a reason");
        Outage {
            what: format!("{when} {whose}"),
            module: name(module),
            fault: name(fault),
            step: step.to_owned(),
            reason: reason.to_owned(),
            alert: name(alert),
        }
    });
    outages.collect()
}

/// The demo's configuration, and two modules more.
fn configuration(provider: &Provider, ca_file: &Path) -> String {
    let (url, key) = (provider.url(), &provider.credentials().api_key);
    std::fs::write(ca_file, provider.ca_pem()).unwrap();
    format!(
        "{}
  metadata:
    prober: saml
    targets: ['{url}/saml/metadata']
    saml: {{role: idp, entity_id: '{url}/saml/idp', signature: {{certificate_file: '{}'}}}}
  dated_key:
    prober: apikey
    targets: ['{url}/v1/account']
    apikey:
      key: {key}
      name: X-API-Key
      key_info: {{url: /v1/keys/self, headers: {{X-API-Key: {key}}}, expiry: {{path: $.expires_at}}}}
",
        provider.fill_in(DEMO, ca_file),
        provider.federation_file().display()
    )
}

fn target(provider: &Provider, module: &str) -> String {
    match module {
        "expired_certificate" => provider.tls_url(Certificate::Expired).to_owned(),
        "metadata" => format!("{}/saml/metadata", provider.url()),
        "api_key" | "dated_key" => format!("{}/v1/account", provider.url()),
        _ => provider.url().to_owned(),
    }
}

/// Whether what the alert is about is in the metrics of a probe. Its own tests say how long it
/// takes, and when it does not fire.
fn shows(alert: &str, metrics: &Metrics) -> bool {
    let failing: Vec<(String, String)> =
        metrics.steps().into_iter().filter_map(|step| Some((step.name, step.reason?))).collect();
    let fails = |steps: &[&str]| failing.iter().any(|(step, _)| steps.contains(&&**step));
    let down = |endpoints: &[&str]| {
        endpoints.iter().any(|endpoint| {
            let series = format!("probe_auth_endpoint_available{{endpoint=\"{endpoint}\"}}");
            metrics.value(&series) == Some(0.0)
        })
    };
    let below = |beginning: &str, limit: f64| {
        metrics.series().any(|(series, value)| series.starts_with(beginning) && value < limit)
    };
    match alert {
        "AuthStepFailing" => {
            let other = ["key_info", "logout", "refuse", "revoke"];
            failing.iter().any(|(step, _)| !other.contains(&&**step))
        }
        "AuthTokenEndpointDown" => down(&["token"]) && fails(&["token", "refresh"]),
        "AuthAuthorizationServerUnavailable" => {
            down(&["authorization", "discovery", "metadata", "sso"])
                && fails(&["authorize", "consent", "discovery", "login", "metadata", "par", "sso"])
        }
        "AuthPreviousTokenRefused" => metrics.failed_checks().contains(&"previous"),
        "AuthStepSlow" => metrics.steps().iter().any(|step| {
            let limit = format!("probe_auth_threshold_seconds{{step=\"{}\"}}", step.name);
            step.seconds > metrics.value(&limit) && metrics.value(&limit).is_some()
        }),
        "AuthTlsCertificateAboutToExpire" => {
            below("probe_auth_certificate_days_remaining{source=\"tls\"", 3.0)
        }
        "AuthCredentialAboutToExpire" => below("probe_auth_credential_days_remaining{", 7.0),
        other => panic!("nothing is known here of {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outage_is_replayed_by_its_fault() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(&provider, &folder.path().join("ca.pem"));
    let mut replayed = BTreeSet::new();
    let mut wrong = Vec::new();
    for outage in outages() {
        // The same fault is the same replay.
        let claim = (outage.fault.clone(), outage.module.clone(), outage.alert.clone());
        let known = !replayed.insert(claim);
        let fault = match outage.fault.as_str() {
            "certificate" => None,
            name => Some(Fault::from_name(name).unwrap_or_else(|| panic!("no fault {name}"))),
        };
        if known {
            continue;
        }
        // A new one: logins wait after one that was rejected.
        let exporter = Exporter::start(&configuration).await;
        let target = target(&provider, &outage.module);
        if outage.fault != "certificate" {
            // Healthy before, which is also when a token is kept that must stay good.
            let healthy = exporter.probe(&outage.module, &target, 10.0).await;
            assert!(healthy.success(), "{}: {}", outage.what, healthy.story());
        }
        if let Some(fault) = fault {
            provider.switch_on(fault);
        }
        let ill = exporter.probe(&outage.module, &target, 4.0).await;
        if let Some(fault) = fault {
            provider.switch_off(fault);
        }
        let step = ill.steps().into_iter().find(|step| step.name == outage.step);
        let reason = step.and_then(|step| step.reason);
        if reason.as_deref() != Some(&*outage.reason) || !shows(&outage.alert, &ill) {
            wrong.push(format!("{outage:?}\n  {}\n{}", ill.story(), ill.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(replayed.len() >= 12, "{replayed:?}");
}

#[test]
fn there_are_enough_and_each_is_told_once() {
    let outages = outages();
    let distinct: BTreeSet<&str> = outages.iter().map(|outage| &*outage.what).collect();
    assert_eq!(distinct.len(), outages.len());
    assert!(outages.len() >= 20, "{}", outages.len());
}

#[test]
fn every_alert_that_is_named_is_in_the_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting-rules");
    let mut alerts = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".rules.yml") {
            let text = std::fs::read_to_string(path).unwrap();
            let named = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
            alerts.extend(named.map(str::to_owned));
        }
    }
    let also = ["AuthFailureRateHigh".to_owned(), "AuthUnstable".to_owned()];
    let named: BTreeSet<String> =
        outages().into_iter().map(|outage| outage.alert).chain(also).collect();
    let missing: Vec<&String> = named.difference(&alerts).collect();
    assert_eq!(missing, Vec::<&String>::new());
}
