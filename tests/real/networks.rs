//! The networks that an exporter stands in: nginx that wants a client certificate, and tinyproxy
//! in front of a server.

use super::authority::{Authority, write};
use super::exporter::Exporter;
use super::nginx::Nginx;
use super::running::Running;
use super::{installed, port};

#[test]
fn a_client_certificate_opens_nginx_and_its_end_is_known() {
    let (clients, others) = (Authority::new("CA of clients"), Authority::new("CA of others"));
    let nginx = Nginx::start(&clients);
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

#[test]
fn a_proxy_with_credentials_stands_in_front_and_hands_none_of_them_on() {
    let nginx = Nginx::start(&Authority::new("CA of clients"));
    let folder = tempfile::tempdir().expect("a folder");
    let port = port::free();
    write(
        folder.path(),
        "tinyproxy.conf",
        &format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth monitor proxy-password\n"
        ),
    );
    let mut command = installed::debian("tinyproxy");
    command.arg("-d").arg("-c").arg(folder.path().join("tinyproxy.conf"));
    let _running = Running::start("tinyproxy", &mut command);
    port::wait_until_it_listens(port);

    let target = format!("{}/account", nginx.url);
    let closed = port::free();
    let module = |name: &str, http: &str| {
        format!(
            "
  {name}:
    prober: apikey
    timeout: 5s
    targets: [{target}]
    http: {{{http}, tls_config: {{ca_file: {}}}}}
    apikey: {{key: good-api-key, name: X-API-Key, must_refuse: [no_key]}}
",
            nginx.path("servers.pem")
        )
    };
    let exporter = Exporter::start(
        &[
            "modules:".to_owned(),
            module(
                "through",
                &format!("proxy_url: 'http://monitor:proxy-password@127.0.0.1:{port}'"),
            ),
            module(
                "wrong",
                &format!("proxy_url: 'http://monitor:another-password@127.0.0.1:{port}'"),
            ),
            module("closed", &format!("proxy_url: 'http://127.0.0.1:{closed}'")),
            module(
                "around",
                &format!("proxy_url: 'http://127.0.0.1:{closed}', no_proxy: 127.0.0.0/8"),
            ),
        ]
        .concat(),
    );
    let probe = |name: &str| exporter.probe(name, &target);
    let through = probe("through");
    for part in [
        "probe_success 1.0\n",
        "probe_http_ssl 1.0\n",
        "probe_http_version 2.0\n",
        "probe_ssl_earliest_cert_expiry ",
        "probe_tls_version_info{version=\"TLS 1.3\"} 1.0\n",
        "probe_tls_cipher_info{cipher=\"TLS_AES_256_GCM_SHA384\"} 1.0\n",
        "probe_auth_step_http_duration_seconds{step=\"request\",phase=\"tls\"}",
    ] {
        assert!(through.contains(part), "{part}\n{through}");
    }
    for (name, reason) in [("wrong", "proxy_refused"), ("closed", "connection_refused")] {
        let failure =
            format!("probe_auth_failure_info{{step=\"request\",reason=\"{reason}\"}} 1.0\n");
        let metrics = probe(name);
        assert!(metrics.contains(&failure), "{name}: {failure}\n{metrics}");
    }
    assert!(probe("around").contains("probe_success 1.0\n"));
    // What nginx saw: no credential of the proxy.
    let log = nginx.log();
    assert!(log.lines().count() >= 4, "{log}");
    assert!(log.lines().all(|line| line.starts_with("-|")), "{log}");
}
