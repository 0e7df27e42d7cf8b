//! tinyproxy in front of all the real servers.

use serde_json::{Value, json};

use super::authority::{Authority, write};
use super::authorization_server::{AuthorizationServer, client};
use super::exporter::{Exporter, story};
use super::nginx::Nginx;
use super::port;
use super::provider::{Provider, SECRET};
use super::requests::Seen;
use super::tinyproxy::{PASSWORD, Tinyproxy, credentials};

fn nginx(servers: &Authority) -> Nginx {
    Nginx::start(servers, &Authority::new("CA of clients"))
}

#[test]
fn what_lies_behind_a_proxy_is_told_apart_from_the_proxy() {
    let nginx = nginx(&Authority::new("CA of servers"));
    let proxy = Tinyproxy::start();
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
            module("through", &format!("proxy_url: '{}'", proxy.url(PASSWORD))),
            module("wrong", &format!("proxy_url: '{}'", proxy.url("another-password"))),
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
        "probe_success 1\n",
        "probe_http_ssl 1\n",
        "probe_http_version 2\n",
        "probe_ssl_earliest_cert_expiry ",
        "probe_tls_version_info{version=\"TLS 1.3\"} 1\n",
        "probe_tls_cipher_info{cipher=\"TLS_AES_128_GCM_SHA256\"} 1\n",
        "probe_auth_step_http_duration_seconds{step=\"request\",phase=\"tls\"}",
    ] {
        assert!(through.contains(part), "{part}\n{through}");
    }
    for (name, reason) in [("wrong", "proxy_refused"), ("closed", "connection_refused")] {
        let failure =
            format!("probe_auth_failure_info{{step=\"request\",reason=\"{reason}\"}} 1\n");
        let metrics = probe(name);
        assert!(metrics.contains(&failure), "{name}: {failure}\n{metrics}");
    }
    assert!(probe("around").contains("probe_success 1\n"));
}

/// What is probed, and every request that it takes.
struct Row {
    server: &'static str,
    /// Of the URL: `http` is handed on, `https` goes through CONNECT.
    target: String,
    module: Value,
    story: &'static str,
    requests: &'static [&'static str],
    /// What the server saw, when it saw so many requests.
    seen: fn(&Servers, usize) -> Vec<Seen>,
}

const OIDC_PROVIDER: &[&str] = &[
    "GET /.well-known/openid-configuration",
    "POST /token",
    "POST /token/introspection",
    "GET /api/opaque",
    "GET /api/opaque",
    "POST /token/revocation",
    "POST /token/introspection",
];
const TOOLKIT: &[&str] = &[
    "GET /.well-known/openid-configuration",
    "GET /.well-known/oauth-authorization-server",
    "POST /token/",
    "POST /introspect/",
    "GET /api/scoped",
    "GET /api/scoped",
    "POST /revoke_token/",
    "POST /introspect/",
];
const NGINX: &[&str] = &["GET /account", "GET /account"];

const WHOLE: &str = "discovery ok, token ok, introspect ok, call_api ok, refuse ok, revoke ok";

fn whole_flow(client: &str, api: &str) -> Value {
    json!({"prober": "oauth_cc", "oauth_cc": {
        "client": {"id": client, "secret": SECRET},
        "scopes": ["monitoring:health"],
        "introspect": true,
        "call_api": {"url": api, "must_refuse": ["no_credential"]},
        "revoke": true,
    }})
}

/// All the real servers, each over plain http and over TLS.
struct Servers {
    provider: Provider,
    toolkit: AuthorizationServer,
    nginx: Nginx,
}

impl Servers {
    fn start(authority: &Authority) -> Self {
        let clients = json!([client("monitor", SECRET, "client-credentials")]);
        Self {
            provider: Provider::start_with(&authority.certificate()),
            toolkit: AuthorizationServer::start_with(json!({"clients": clients}), authority),
            nginx: nginx(authority),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let provider = |issuer: &str| Row {
            server: "oidc-provider",
            target: issuer.to_owned(),
            module: whole_flow("basic", "/api/opaque"),
            story: WHOLE,
            requests: OIDC_PROVIDER,
            seen: |servers, count| servers.provider.requests(count),
        };
        let toolkit = |issuer: &str| Row {
            server: "django-oauth-toolkit",
            target: issuer.to_owned(),
            module: whole_flow("monitor", "/api/scoped"),
            story: WHOLE,
            requests: TOOLKIT,
            seen: |servers, count| servers.toolkit.requests(count),
        };
        let nginx = |url: &str| Row {
            server: "nginx",
            target: format!("{url}/account"),
            module: json!({"prober": "apikey", "apikey": {
                "key": "good-api-key", "name": "X-API-Key", "must_refuse": ["no_key"],
            }}),
            story: "request ok, refuse ok",
            requests: NGINX,
            seen: |servers, count| servers.nginx.requests(count),
        };
        vec![
            provider(self.provider.issuer()),
            provider(self.provider.issuer_over_tls()),
            toolkit(self.toolkit.issuer()),
            toolkit(self.toolkit.issuer_over_tls()),
            nginx(&self.nginx.plain_url),
            nginx(&self.nginx.url),
        ]
    }
}

impl Row {
    /// The module with this target, reached through a proxy.
    fn through(&self, proxy: &str, ca_file: &str) -> Value {
        let mut module = self.module.clone();
        module["targets"] = json!([self.target]);
        // To the proxy, plain http is in the clear even where the target is on loopback.
        module["http"] = json!({
            "proxy_url": proxy,
            "tls_config": {"ca_file": ca_file},
            "allow_plain_http": self.scheme() == "http",
        });
        module
    }

    fn scheme(&self) -> &str {
        self.target.split_once(':').expect("a URL").0
    }

    /// What the server saw of the exporter over this scheme.
    fn seen(&self, servers: &Servers, count: usize) -> Vec<Seen> {
        let mut seen = (self.seen)(servers, count);
        seen.retain(|seen| seen.site == self.scheme() && seen.is_of_exporter());
        seen
    }

    /// What the proxy reads when it carries all of it.
    fn carried(&self) -> Vec<String> {
        let authority = self.target.split('/').nth(2).expect("a host");
        if self.scheme() == "https" {
            return vec![format!("CONNECT {authority} HTTP/1.1")];
        }
        let absolute = |request: &&str| {
            let (method, path) = request.split_once(' ').expect("method and path");
            format!("{method} http://{authority}{path} HTTP/1.1")
        };
        self.requests.iter().map(absolute).collect()
    }
}

#[test]
fn every_server_is_reached_and_none_of_them_gets_the_credentials_of_the_proxy() {
    let authority = Authority::new("CA of servers");
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "ca.pem", &authority.issuer.pem());
    let ca_file = folder.path().join("ca.pem").display().to_string();
    let (proxy, servers) = (Tinyproxy::start(), Servers::start(&authority));
    let rows = servers.rows();
    let mut modules = serde_json::Map::new();
    for (index, row) in rows.iter().enumerate() {
        for (name, url) in [
            ("no", proxy.url_without_credentials()),
            ("wrong", proxy.url("another-password")),
            ("right", proxy.url(PASSWORD)),
        ] {
            modules.insert(format!("{name} {index}"), row.through(&url, &ca_file));
        }
    }
    let exporter = Exporter::start(&json!({"modules": modules}).to_string());

    for (index, row) in rows.iter().enumerate() {
        let case = format!("{} at {}", row.server, row.target);
        let probe = |name: &str| exporter.probe(&format!("{name} {index}"), &row.target);
        let before = proxy.requests().len();

        // A proxy that refuses hands nothing on. tinyproxy answers a wrong password with 401 and
        // not with 407, which cannot be told from the target's own, but as answer to a CONNECT.
        let wrong = if row.scheme() == "https" { "proxy_refused" } else { "http_4xx" };
        for (name, reason) in [("no", "proxy_refused"), ("wrong", wrong)] {
            let metrics = probe(name);
            let first = row.story.split(' ').next().expect("a step");
            let begins = format!("{first} {reason}");
            assert!(story(&metrics).starts_with(&begins), "{case}: {begins}\n{metrics}");
        }
        assert_eq!(row.seen(&servers, 0).len(), 0, "{case}");
        assert_eq!(proxy.requests().len(), before + 2, "{case}");

        let metrics = probe("right");
        let mut told = row.story.to_owned();
        if row.target.starts_with("http:") {
            // Credentials go to the proxy as they are.
            for step in ["token", "introspect", "call_api", "revoke", "request"] {
                told = told.replace(&format!("{step} ok"), &format!("{step} ok [plain_http]"));
            }
        }
        assert_eq!(story(&metrics), told, "{case}\n{metrics}");
        assert_eq!(proxy.requests().split_off(before + 2), row.carried(), "{case}");

        let seen = row.seen(&servers, row.requests.len());
        let requests: Vec<&str> = seen.iter().map(|seen| seen.request.as_str()).collect();
        assert_eq!(requests, row.requests, "{case}");
        for seen in &seen {
            let sent = |name| seen.header(name).filter(|value| !value.is_empty());
            assert_eq!(sent("proxy-authorization"), None, "{case}: {seen:?}");
            // The proxy names itself in what it hands on, and cannot in what is encrypted.
            assert_eq!(sent("via").is_some(), row.scheme() == "http", "{case}: {seen:?}");
            let text = format!("{seen:?}");
            assert!(!credentials().iter().any(|part| text.contains(part)), "{case}: {text}");
        }
    }
}
