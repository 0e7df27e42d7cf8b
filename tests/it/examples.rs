//! Every example loads and runs: against the provider of the demo, whose origin, client and key
//! are put where the examples have those of a user.

use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_exporter::config::{Config, Surroundings};
use auth_exporter::modules::PROBERS;
use auth_exporter::net::SystemRoots;
use auth_exporter::probe::{self, Target};

use crate::provider::{CLIENT_ID, Provider, USERNAME};

/// What stands in the examples, and what of the provider takes its place: issuers first,
/// since they begin like nothing else.
fn at_home(text: &str, provider: &Provider) -> String {
    [
        "https://example.eu.auth0.com/",
        "https://keycloak.example.com/realms/production",
        "https://example.okta.com/oauth2/default",
        "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0",
        "https://auth.example.com",
        "https://metadata.example.com",
        "https://api.example.com",
    ]
    .into_iter()
    .fold(text.to_owned(), |text, origin| text.replace(origin, provider.url()))
    .replace("api://monitoring/.default", "monitoring:health")
    .replace("/etc/auth_exporter/sp.key", &provider.saml_sp_key_file().display().to_string())
    .replace("/etc/auth_exporter/federation.pem", &provider.federation_file().display().to_string())
}

fn configurations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        // That of Prometheus is checked by promtool and runs in a Prometheus.
        .filter(|path| !path.ends_with("prometheus.yml"))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_loads_and_its_probes_succeed() {
    let provider = Provider::start().await;
    let credentials = provider.credentials().clone();
    let environment = |name: &str| match name {
        name if name.ends_with("CLIENT_ID") => Some(CLIENT_ID.to_owned()),
        name if name.ends_with("CLIENT_SECRET") => Some(credentials.client_secret.clone()),
        name if name.ends_with("API_KEY") => Some(credentials.api_key.clone()),
        "MONITOR_USERNAME" => Some(USERNAME.to_owned()),
        "MONITOR_PASSWORD" => Some(credentials.password.clone()),
        "MONITOR_TOTP_SECRET" => Some(credentials.totp_secret.clone()),
        "MACHINE_TOKEN" => Some(provider.subject_token()),
        "PARTNER_ASSERTION" => Some(provider.assertion()),
        _ => None,
    };
    let surroundings = Surroundings {
        environment: &environment,
        probers: PROBERS,
        roots: &SystemRoots::default(),
    };
    let files = configurations();
    assert_eq!(files.len(), 7, "{files:?}");
    let mut probed = 0;
    let memory = std::sync::Arc::new(probe::Memory::default());
    for file in files {
        let text = at_home(&std::fs::read_to_string(&file).unwrap(), &provider);
        let config = Config::load(&text, &surroundings)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for module in config.modules.values() {
            for listed in module.targets.listed() {
                let target = Target::parse(&listed.target).unwrap();
                let budget = Duration::from_secs(10);
                let report = probe::run(module, &target, budget, &memory).await.report;
                assert!(
                    report.success(),
                    "{} of {}: {:?}",
                    module.name,
                    file.display(),
                    report.failure()
                );
                // An example that causes a warning teaches it.
                let warnings: Vec<_> =
                    report.steps.iter().flat_map(|step| &step.warnings).collect();
                assert!(warnings.is_empty(), "{}: {warnings:?}", module.name);
                probed += 1;
            }
        }
    }
    assert_eq!(probed, 22);
}
