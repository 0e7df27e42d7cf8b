//! Clients that prove themselves by a certificate, at nginx and at npm's oidc-provider.

use super::authority::Authority;
use super::exporter::Exporter;
use super::nginx::Nginx;

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
        let success = metrics.contains("probe_success 1.0\n");
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
