//! Clients that prove themselves by a certificate, at nginx and at npm's oidc-provider.

use std::path::Path;

use serde_json::{Value, json};

use super::authority::{Authority, issue_self_signed, write};
use super::exporter::{Exporter, story};
use super::nginx::Nginx;
use super::provider::Provider;
use super::requests::Seen;

#[test]
fn a_client_certificate_opens_nginx_and_its_end_is_known() {
    let (clients, others) = (Authority::new("CA of clients"), Authority::new("CA of others"));
    let nginx = Nginx::start(&Authority::new("CA of servers"), &clients);
    let folder = nginx.folder.path();
    clients.issue(folder, "good", 2060);
    clients.issue(folder, "expired", 2020);
    others.issue(folder, "foreign", 2060);
    let target = format!("{}/certified", nginx.url);
    let module = |name: &str, certificate: &str| {
        format!(
            "
  {name}:
    prober: apikey
    targets: [{target}]
    http: {{tls_config: {{ca_file: {}{certificate}}}}}
    apikey: {{key: good-api-key, name: X-API-Key, must_refuse: [wrong_key]}}
",
            nginx.path("servers.pem")
        )
    };
    let mut modules = format!("modules:{}", module("without", ""));
    for name in ["good", "expired", "foreign"] {
        let (cert, key) = (nginx.path(&format!("{name}.pem")), nginx.path(&format!("{name}.key")));
        modules += &module(name, &format!(", cert_file: {cert}, key_file: {key}"));
    }
    let exporter = Exporter::start(&modules);
    let end = |name: &str, fingerprint_of: &str| {
        let metrics = exporter.probe(name, &target);
        let opening = format!(
            "probe_auth_certificate_not_after_timestamp_seconds{{source=\"client\",name=\"{fingerprint_of}.pem\""
        );
        let line = metrics.lines().find(|line| line.starts_with(&opening)).map(str::to_owned);
        let end = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        let success = metrics.contains("probe_success 1\n");
        let reason = metrics
            .lines()
            .find_map(|line| {
                line.strip_prefix("probe_auth_failure_info{step=\"request\",reason=\"")
            })
            .and_then(|rest| rest.split('"').next())
            .map(str::to_owned);
        (success, reason, end)
    };
    assert_eq!(end("good", "good"), (true, None, Some(2_840_140_800.0)));
    let refused = Some("http_4xx".to_owned());
    assert_eq!(end("without", "good"), (false, refused.clone(), None));
    assert_eq!(end("expired", "expired"), (false, refused.clone(), Some(1_577_836_800.0)));
    assert_eq!(end("foreign", "foreign"), (false, refused, Some(2_840_140_800.0)));
    // Rotated: read again without a reload.
    for ending in ["pem", "key"] {
        std::fs::copy(
            folder.join(format!("good.{ending}")),
            folder.join(format!("expired.{ending}")),
        )
        .expect("a copy");
    }
    assert_eq!(end("expired", "expired"), (true, None, Some(2_840_140_800.0)));
}

/// A client at oidc-provider, what becomes of it, and what the provider saw.
#[derive(Clone, Copy)]
struct Row {
    case: &'static str,
    client: &'static str,
    auth: &'static str,
    /// File of the certificate, without its ending.
    certificate: Option<&'static str>,
    /// Further settings of `oauth_cc`, with names of ports for their origins.
    settings: &'static str,
    story: &'static str,
    /// Each request: the name of the port, what was asked, and the subject of the certificate.
    seen: &'static [&'static str],
}

/// The client whose certificate a CA issued for the right name.
const BY_CA: Row = Row {
    case: "a certificate of the CA with the subject of the client",
    client: "by_ca",
    auth: "tls_client_auth",
    certificate: Some("good"),
    settings: WHOLE,
    story: "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok",
    seen: &[
        "https GET /.well-known/openid-configuration -",
        "mutual POST /token CN=good",
        "mutual POST /token/introspection CN=good",
        "https GET /api/opaque -",
        "https GET /api/opaque -",
        "mutual POST /token/revocation CN=good",
        "mutual POST /token/introspection CN=good",
    ],
};
const WHOLE: &str =
    "introspect: true, call_api: {url: /api/opaque, must_refuse: [no_credential]}, revoke: true";

/// The client that registered the certificate itself.
const BY_ITSELF: Row = Row {
    case: "the certificate that the client registered",
    client: "by_itself",
    auth: "self_signed_tls_client_auth",
    certificate: Some("itself"),
    seen: &[
        "https GET /.well-known/openid-configuration -",
        "mutual POST /token CN=itself",
        "mutual POST /token/introspection CN=itself",
        "https GET /api/opaque -",
        "https GET /api/opaque -",
        "mutual POST /token/revocation CN=itself",
        "mutual POST /token/introspection CN=itself",
    ],
    ..BY_CA
};

const REFUSED: &str = "discovery ok, token invalid_client [challenge_missing]";
const ROWS: &[Row] = &[
    BY_CA,
    BY_ITSELF,
    Row {
        case: "an expired certificate",
        certificate: Some("expired"),
        settings: "",
        story: REFUSED,
        seen: &["https GET /.well-known/openid-configuration -", "mutual POST /token CN=expired"],
        ..BY_CA
    },
    Row {
        case: "the right subject from another CA",
        certificate: Some("foreign/good"),
        settings: "",
        story: REFUSED,
        seen: &["https GET /.well-known/openid-configuration -", "mutual POST /token CN=good"],
        ..BY_CA
    },
    Row {
        case: "another subject from the CA",
        certificate: Some("other"),
        settings: "",
        story: REFUSED,
        seen: &["https GET /.well-known/openid-configuration -", "mutual POST /token CN=other"],
        ..BY_CA
    },
    Row {
        case: "another certificate than the one registered, with the same subject",
        certificate: Some("foreign/itself"),
        settings: "",
        story: REFUSED,
        seen: &["https GET /.well-known/openid-configuration -", "mutual POST /token CN=itself"],
        ..BY_ITSELF
    },
    Row {
        case: "no certificate",
        auth: "none",
        certificate: None,
        settings: "",
        story: REFUSED,
        seen: &["https GET /.well-known/openid-configuration -", "https POST /token -"],
        ..BY_CA
    },
    Row {
        case: "no certificate at the port that asks for one",
        auth: "none",
        certificate: None,
        settings: "endpoints: {token: 'mutual/token'}",
        story: "token invalid_client [challenge_missing]",
        seen: &["mutual POST /token -"],
        ..BY_CA
    },
    // Not what the aliases are for: the port of the issuer asks nobody for a certificate.
    Row {
        case: "a certificate that nobody asks for",
        settings: "endpoints: {token: 'https/token'}",
        story: "token invalid_client [client_certificate_unused challenge_missing]",
        seen: &["https POST /token -"],
        ..BY_CA
    },
    Row {
        case: "a certificate that nobody asks for, and a token all the same",
        client: "public",
        settings: "endpoints: {token: 'https/token'}",
        story: "token ok [client_certificate_unused]",
        seen: &["https POST /token -"],
        ..BY_CA
    },
    // A server that closes connections by itself.
    Row {
        case: "a good certificate at the strict port",
        settings: "endpoints: {token: 'strict/token'}",
        story: "token ok",
        seen: &["strict POST /token CN=good"],
        ..BY_CA
    },
    Row {
        case: "a foreign certificate at the strict port",
        certificate: Some("foreign/good"),
        settings: "endpoints: {token: 'strict/token'}",
        story: "token connection_closed",
        seen: &[],
        ..BY_CA
    },
    Row {
        case: "an expired certificate at the strict port",
        certificate: Some("expired"),
        settings: "endpoints: {token: 'strict/token'}",
        story: "token connection_closed",
        seen: &[],
        ..BY_CA
    },
    Row {
        case: "no certificate at the strict port",
        auth: "none",
        certificate: None,
        settings: "endpoints: {token: 'strict/token'}",
        story: "token tls_handshake",
        seen: &[],
        ..BY_CA
    },
];

impl Row {
    fn module(&self, provider: &Provider, folder: &Path, may_go_to_aliases: bool) -> String {
        let file = |name: &str| folder.join(name).display().to_string();
        let mut settings = self.settings.to_owned();
        for (port, origin) in [
            ("mutual", provider.mutual()),
            ("strict", provider.strict()),
            ("https", provider.issuer_over_tls()),
        ] {
            settings = settings.replace(&format!("'{port}/"), &format!("'{origin}/"));
        }
        let mut tls_config = json!({"ca_file": file("servers.pem")});
        if let Some(certificate) = self.certificate {
            tls_config["cert_file"] = file(&format!("{certificate}.pem")).into();
            tls_config["key_file"] = file(&format!("{certificate}.key")).into();
        }
        let allowed_origins = if may_go_to_aliases { vec![provider.mutual()] } else { vec![] };
        format!(
            "{{prober: oauth_cc, targets: ['{}'], http: {}, oauth_cc: {{client: {}, {settings}}}}}",
            provider.issuer_over_tls(),
            json!({"tls_config": tls_config, "allowed_origins": allowed_origins}),
            json!({"id": self.client, "auth": self.auth}),
        )
    }
}

fn clients(folder: &Path) -> Value {
    let by_itself = std::fs::read_to_string(folder.join("itself.pem")).expect("a certificate");
    let client = |id: &str, auth: &str| {
        json!({
            "client_id": id,
            "token_endpoint_auth_method": auth,
            "grant_types": ["client_credentials"],
        })
    };
    let mut clients = [
        client("by_ca", "tls_client_auth"),
        client("by_itself", "self_signed_tls_client_auth"),
        client("public", "none"),
    ];
    clients[0]["tls_client_auth_subject_dn"] = "CN=good".into();
    clients[1]["certificate"] = by_itself.into();
    clients.to_vec().into()
}

#[test]
fn a_client_is_its_certificate_at_the_aliases_of_oidc_provider() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).expect("a folder");
    let [servers, ca, other_ca] =
        ["CA of servers", "CA of clients", "another CA"].map(Authority::new);
    write(folder.path(), "servers.pem", &servers.issuer.pem());
    ca.issue(folder.path(), "good", 2060);
    ca.issue(folder.path(), "other", 2060);
    ca.issue(folder.path(), "expired", 2020);
    other_ca.issue(&foreign, "good", 2060);
    issue_self_signed(folder.path(), "itself");
    issue_self_signed(&foreign, "itself");
    let provider =
        Provider::start_mutual(&clients(folder.path()), &servers.certificate(), &ca.issuer.pem());

    let modules = ROWS.iter().enumerate().map(|(index, row)| {
        format!("  row{index}: {}\n", row.module(&provider, folder.path(), true))
    });
    // The aliases lie at another origin, to which metadata points no client unless it may.
    let elsewhere = BY_CA.module(&provider, folder.path(), false);
    let exporter = Exporter::start(&format!(
        "modules:\n{}  elsewhere: {elsewhere}\n",
        modules.collect::<String>()
    ));
    let probe = |module: &str| exporter.probe(module, provider.issuer_over_tls());

    let mut before = 0;
    for (index, row) in ROWS.iter().enumerate() {
        let metrics = probe(&format!("row{index}"));
        assert_eq!(story(&metrics), row.story, "{}\n{metrics}", row.case);
        let mut seen = provider.requests(before + row.seen.len());
        seen.retain(Seen::is_of_exporter);
        let seen: Vec<String> = seen
            .split_off(before)
            .iter()
            .map(|seen| {
                let certificate = seen.certificate.as_deref().unwrap_or("-");
                format!("{} {} {certificate}", seen.site, seen.request)
            })
            .collect();
        assert_eq!(seen, row.seen, "{}", row.case);
        before += seen.len();
    }
    let metrics = probe("elsewhere");
    let refused =
        "discovery ok, token endpoint_refused, introspect -, call_api -, refuse -, revoke -";
    assert_eq!(story(&metrics), refused, "{metrics}");
}
