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
    let issuers = [
        "https://example.eu.auth0.com/",
        "https://keycloak.example.com/realms/production",
        "https://example.okta.com/oauth2/default",
        "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0",
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE00",
        "https://auth.pingone.eu/00000000-0000-0000-0000-000000000000/as",
        "https://sso.example.com",
        "https://auth.example.com",
        "https://metadata.example.com",
        "https://api.example.com",
    ];
    let url = provider.url();
    let of = |path: &str| format!("{url}{path}");
    let file = |file: PathBuf| file.display().to_string();
    let others = [
        ("https://oauth2.googleapis.com/token", of("/token")),
        ("https://api.github.com/user", of("/v1/account")),
        // SAML: documents first, their addresses hold the names of entities.
        (
            "https://mdq.federation.example/entities/https%3A%2F%2Fidp.example.com%2Fidp",
            of("/saml/metadata"),
        ),
        (
            "https://mdq.federation.example/entities/https%3A%2F%2Fapp.example.com%2Fshibboleth",
            of("/saml/metadata"),
        ),
        ("https://metadata.federation.example/aggregate.xml", of("/saml/metadata")),
        ("https://idp.example.com/idp", of("/saml/idp")),
        ("https://app.example.com/shibboleth", of("/saml/sp")),
        ("/etc/auth_exporter/sp.key", file(provider.saml_sp_key_file())),
        ("/etc/auth_exporter/federation.pem", file(provider.federation_file())),
        // Scopes and audiences.
        ("api://monitoring/.default", "monitoring:health".to_owned()),
        ("monitoring/health", "monitoring:health".to_owned()),
        ("audience: api://default", format!("audience: {}", of("/api"))),
        ("audience: 11111111-1111-1111-1111-111111111111", format!("audience: {}", of("/api"))),
    ];
    let text = issuers.into_iter().fold(text.to_owned(), |text, issuer| text.replace(issuer, url));
    others.into_iter().fold(text, |text, (written, here)| text.replace(written, &here))
}

fn configurations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        // Those of Prometheus and its operator are checked by theirs.
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("\nmodules:\n"))
        .collect();
    files.sort();
    files
}

/// Those about one provider each.
const PROVIDERS: [&str; 9] = [
    "auth0",
    "cognito",
    "entra",
    "github",
    "google",
    "keycloak",
    "okta",
    "ping",
    "saml_federation",
];

#[test]
fn the_examples_of_providers_say_what_a_probe_needs_and_costs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in PROVIDERS {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yml"))).unwrap();
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        for topic in ["Endpoints", "Client", "Quota", "Interval"] {
            let told = format!("# {topic:<11} ");
            assert!(comment.iter().any(|line| line.starts_with(&told)), "{name} lacks {topic}");
        }
        assert!(text.contains("\n    provider: "), "{name} names no provider");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_loads_and_its_probes_succeed() {
    let provider = Provider::start().await;
    let credentials = provider.credentials().clone();
    let environment = |name: &str| match name {
        name if name.ends_with("CLIENT_ID") => Some(CLIENT_ID.to_owned()),
        name if name.ends_with("CLIENT_SECRET") => Some(credentials.client_secret.clone()),
        name if name.ends_with("API_KEY") => Some(credentials.api_key.clone()),
        "GITHUB_TOKEN" => Some(credentials.api_key.clone()),
        "GOOGLE_REFRESH_TOKEN" => Some(provider.refresh_token()),
        name if name.ends_with("USERNAME") => Some(USERNAME.to_owned()),
        name if name.ends_with("PASSWORD") => Some(credentials.password.clone()),
        "MONITOR_TOTP_SECRET" => Some(credentials.totp_secret.clone()),
        "MACHINE_TOKEN" => Some(provider.subject_token()),
        "PARTNER_ASSERTION" => Some(provider.assertion()),
        _ => None,
    };
    let environment = |name: &str| environment(name).ok_or(std::env::VarError::NotPresent);
    let surroundings = Surroundings {
        environment: &environment,
        probers: PROBERS,
        roots: &SystemRoots::default(),
        networks: None,
    };
    let files = configurations();
    assert_eq!(files.len(), 15, "{files:?}");
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
    assert_eq!(probed, 31);
}
