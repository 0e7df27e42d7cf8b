//! What people write: configurations, and what stands in a scrape.

use std::sync::LazyLock;

use auth_exporter::config::Config;
use auth_exporter::config::Surroundings;
use auth_exporter::modules::PROBERS;
use auth_exporter::net::{Networks, SystemRoots};
use auth_exporter::probe::{Pattern, Target as ProbeTarget, budget};
use auth_exporter::server::WebConfig;
use auth_exporter::settings::{
    Answered, AssertionSettings, Content, Path, compile_assertions, parse,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use std::time::Duration;

use super::Target;
use super::seeds::{files, texts};

pub(crate) const CONFIGURATIONS: Target = Target {
    name: "configurations",
    read: |input| {
        static ROOTS: LazyLock<SystemRoots> = LazyLock::new(SystemRoots::default);
        let text = String::from_utf8_lossy(input);
        let surroundings = Surroundings {
            environment: &|name| Ok(format!("value-of-{name}")),
            probers: PROBERS,
            roots: &ROOTS,
            networks: None,
        };
        match Config::load(&text, &surroundings) {
            Ok(config) => format!("{:?} {:?}", config.shown().len(), config.warnings.len()),
            Err(invalid) => {
                let told = invalid.problems.iter().map(|problem| problem.message.as_str());
                told.collect::<Vec<_>>().join(" ")
            }
        }
    },
    seeds: || {
        // Paths lead nowhere, so that damage opens no file.
        let mut seeds = files("tests/config/good", ".yml");
        seeds.extend(files("examples", ".yml"));
        seeds.extend(files("tests/config/bad", ".yml").into_iter().step_by(9));
        seeds
    },
};

pub(crate) const ASSERTIONS: Target = Target {
    name: "assertions",
    read: |input| {
        let Ok(value) = serde_yaml::from_slice::<serde_yaml::Value>(input) else {
            return "no YAML".to_owned();
        };
        let settings: Result<Vec<AssertionSettings>, _> = parse(&value, &Path::default());
        let assertions =
            match settings.and_then(|settings| compile_assertions(settings, &Path::default())) {
                Ok(assertions) => assertions,
                Err(error) => return error.to_string(),
            };
        let body = json!({"account": {"status": "active", "n": [1, 2.5, -3, null]}, "é": "\"x\""});
        let text = body.to_string();
        let headers = HeaderMap::from_iter([(
            http::header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, private"),
        )]);
        let answered = Answered {
            status: StatusCode::OK,
            headers: &headers,
            body: Content::Whole(text.as_bytes()),
            json: Some(&body),
            response_time: Duration::from_millis(7),
        };
        let held: Vec<_> = assertions.iter().map(|assertion| assertion.holds(&answered)).collect();
        format!("{held:?}")
    },
    seeds: || {
        texts(&[
            "- {type: status_code, operator: one_of, value: [200, 201]}\n- {type: json_body, path: '$.account.status', value: active}\n- {type: header, path: cache-control, operator: contains, value: no-store}\n",
            "- {type: json_body, path: \"$..n[?@ > 1 && length(@) < 3]\", operator: exists}\n- {type: response_matches, value: '(?i)a(c|b)*tive{1,3}'}\n",
            "- {type: json_body, path: '$[\"account\"].n[-1:0:-2]', operator: not_exists, name: n}\n- {type: response_time, operator: less_than, value: 2000}\n- {type: response_contains, value: active}\n",
        ])
    },
};

pub(crate) const WEB_CONFIGURATIONS: Target = Target {
    name: "web configurations",
    read: |input| {
        static FOLDER: LazyLock<tempfile::TempDir> =
            LazyLock::new(|| tempfile::tempdir().expect("a folder"));
        let file = FOLDER.path().join("web.yml");
        std::fs::write(&file, input).expect("a file");
        match WebConfig::open(&file) {
            Ok(web) => format!("{} {:?}", web.has_tls(), web.warnings()),
            Err(error) => error.to_string().replace(&*FOLDER.path().to_string_lossy(), ""),
        }
    },
    seeds: || {
        texts(&[
            "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus.example.com]\n  min_version: TLS12\n  max_version: TLS13\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [X25519, CurveP256]\n",
            "basic_auth_users:\n  ada: $2y$10$abcdefghijklmnopqrstuuVJQJRYnyrwoqGQfQBzBJyBcFMpOAAfe\n  bob: $2b$04$abcdefghijklmnopqrstuuVJQJRYnyrwoqGQfQBzBJyBcFMpOAAfe\nhttp_server_config:\n  http2: false\n  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}\nrate_limit: {interval: 10ms, burst: 100}\n",
            "tls_server_config: {}\n",
        ])
    },
};

pub(crate) const PROBE_REQUESTS: Target = Target {
    name: "targets and scrape timeouts",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let (first, second) = text.split_once('\n').unwrap_or((&text, "https://a.example/*"));
        let target = ProbeTarget::parse(first);
        if let Ok(target) = &target {
            let url = target.url();
            assert!(["http", "https"].contains(&url.scheme()), "{url}");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            assert!(url.fragment().is_none() && url.host_str().is_some(), "{url}");
            assert_eq!(target.as_str(), first);
        }
        let pattern = Pattern::parse(second);
        let matches = match (&pattern, &target) {
            (Ok(pattern), Ok(target)) => Some((pattern.matches(target.url()), pattern.example())),
            _ => None,
        };
        let budget = budget(Some(first), 0.5, Some(Duration::from_secs(5)));
        if let Ok(budget) = budget {
            assert!(budget <= Duration::from_secs(5));
        }
        format!("{:?} {matches:?} {budget:?}", target.map(|target| target.url().clone()))
    },
    seeds: || {
        texts(&[
            "https://a.tenants.example.com:8443/x/y?z=%2B\nhttps://*.tenants.example.com:8443/*",
            "http://[::ffff:127.0.0.1]/\nhttp://[::1]/*",
            "HTTPS://ID.Example.\nhttps://id*.example/a/b",
            "https://xn--mnchen-3ya.example/ü\nhttps://münchen.example/*",
            "10.5",
            "1e300",
            "0x10",
        ])
    },
};

pub(crate) const NETWORKS: Target = Target {
    name: "networks",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let mut lists = text.split('\n').map(|line| line.split(',').map(str::to_owned).collect());
        let (blocked, allowed): (Vec<_>, Vec<_>) =
            (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
        format!("{:?}", Networks::parse(&blocked, &allowed).map(|networks| networks.is_some()))
    },
    seeds: || {
        texts(&[
            "private,203.0.113.0/24\n10.1.0.0/16,fd00::/8,::1",
            "::ffff:10.0.0.0/104,64:ff9b::/96,0.0.0.0/0,::/0",
        ])
    },
};
