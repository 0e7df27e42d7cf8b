//! `--probe.block-networks`: whatever points there, nothing is sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use crate::program::{Program, run};
use crate::scrape::probe_path;

/// Where the network begins that is blocked. Linux takes all of 127.0.0.0/8 for itself.
const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 1);

/// A server at this address. It answers a path with what `answer` makes of it: further header
/// lines, and the body.
fn serve(
    address: Ipv4Addr,
    answer: impl Fn(&str) -> (String, String) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut first = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                reader.read_line(&mut first).unwrap();
                let rest = reader.lines().map_while(Result::ok);
                let head: Vec<String> = rest.take_while(|line| !line.is_empty()).collect();
                let (lines, body) = answer(first.split(' ').nth(1).unwrap_or_default());
                let status = if lines.contains("location") { "302 Found" } else { "200 OK" };
                assert!(!head.is_empty());
                let answer = format!(
                    "HTTP/1.1 {status}\r\n{lines}content-type: application/json\r\n\
                     cache-control: no-store\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                // It may have gone away.
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    url
}

/// What is in the blocked network: it answers all that it is asked, so that nothing of it fails
/// but by being blocked.
fn inside() -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noting = asked.clone();
    let url = serve(INSIDE, move |path| {
        noting.lock().unwrap().push(path.to_owned());
        let body = match path {
            "/token" => {
                r#"{"access_token": "opaque-text", "token_type": "Bearer", "expires_in": 60}"#
            }
            "/jwks" => r#"{"keys": []}"#,
            "/status" => r#"{"status": {"indicator": "none"}}"#,
            _ => "{}",
        };
        (String::new(), body.to_owned())
    });
    (url, asked)
}

/// The issuer, outside of the network, with metadata that leads into it as the path says.
fn issuer(inside: &str) -> String {
    let inside = inside.to_owned();
    let own = Arc::new(std::sync::OnceLock::<String>::new());
    let known = own.clone();
    let url = serve(Ipv4Addr::LOCALHOST, move |path| {
        let own = known.wait();
        let Some((way, rest)) = path.trim_start_matches('/').split_once('/') else {
            return (String::new(), "{}".to_owned());
        };
        let at = |of: &str| if way == of { inside.clone() } else { format!("{own}/{way}") };
        match rest {
            "token" => {
                // Header and claims of a token, and a signature that nobody gets to check.
                let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJleHAiOjQwMDAwMDAwMDB9.AAAA";
                let body = format!(
                    r#"{{"access_token": "{token}", "token_type": "Bearer", "expires_in": 60}}"#
                );
                (String::new(), body)
            }
            _ if way == "redirect" => (format!("location: {inside}/metadata\r\n"), String::new()),
            _ => {
                let body = format!(
                    r#"{{"issuer": "{own}/{way}", "token_endpoint": "{}/token", "jwks_uri": "{}/jwks"}}"#,
                    at("token"),
                    at("jwks"),
                );
                (String::new(), body)
            }
        }
    });
    own.set(url.clone()).unwrap();
    url
}

/// One module for each way into the network, with the story that it tells then.
fn modules(outside: &str, inside: &str) -> (String, Vec<(&'static str, String, &'static str)>) {
    let client = "client: {id: probe, secret: hidden-text-of-the-client}";
    let key = "key: hidden-text-of-the-key";
    let mut configuration = "modules:\n".to_owned();
    let mut expected = Vec::new();
    for (name, target, block, story) in [
        (
            "target",
            format!("{inside}/"),
            format!("prober: apikey, apikey: {{{key}, name: X-API-Key}}"),
            "request network_blocked",
        ),
        (
            "redirect",
            format!("{outside}/redirect"),
            format!("prober: oauth_cc, oauth_cc: {{{client}}}"),
            "discovery network_blocked, token -",
        ),
        (
            "token",
            format!("{outside}/token"),
            format!(
                "prober: oauth_cc, http: {{allowed_origins: ['{inside}']}}, oauth_cc: {{{client}}}"
            ),
            "discovery ok, token network_blocked",
        ),
        (
            "jwks",
            format!("{outside}/jwks"),
            format!("prober: oauth_cc, oauth_cc: {{{client}, validate: {{algorithms: [RS256]}}}}"),
            "discovery ok, token ok, jwks network_blocked, validate -",
        ),
        (
            "call_api",
            format!("{outside}/api"),
            format!("prober: oauth_cc, oauth_cc: {{{client}, call_api: {{url: '{inside}/api'}}}}"),
            "discovery ok, token ok, call_api network_blocked",
        ),
        (
            "metadata",
            format!("{inside}/saml"),
            "prober: saml, saml: {role: idp}".to_owned(),
            "metadata network_blocked, certificates -",
        ),
        (
            "status",
            format!("{outside}/"),
            format!(
                "prober: apikey, status_page: {{url: '{inside}/status'}}, \
                 apikey: {{{key}, name: X-API-Key}}"
            ),
            "request ok",
        ),
    ] {
        writeln!(configuration, "  {name}: {{targets: ['{target}'], {block}}}").unwrap();
        expected.push((name, target, story));
    }
    (configuration, expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_blocked_network_whatever_points_there() {
    let (inside, asked) = inside();
    let outside = issuer(&inside);
    let (configuration, expected) = modules(&outside, &inside);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration).unwrap();
    let none = BTreeMap::new();

    let blocking = ["--probe.block-networks=127.0.9.0/24,10.0.0.0/8"];
    let program = Program::start(&file, &blocking, &none).await;
    for (module, target, story) in &expected {
        let metrics = program.get(&probe_path(module, target)).await.metrics();
        assert_eq!(metrics.story(), *story, "{module}");
        if *module == "status" {
            assert_eq!(metrics.value("probe_auth_status_page_success"), Some(0.0));
        }
        // What was not contacted is not called down.
        let down = metrics.series().any(|(series, value)| {
            series.starts_with("probe_auth_endpoint_available") && value == 0.0
        });
        assert!(!down, "{module}");
    }
    assert!(asked.lock().unwrap().is_empty(), "{asked:?}");

    // Without the flag, and with an exception from it, all of them get there.
    for flags in [&[][..], &["--probe.block-networks", "--probe.allow-networks", "127.0.0.0/8"]] {
        let program = Program::start(&file, flags, &none).await;
        for (module, target, _) in &expected {
            asked.lock().unwrap().clear();
            let story = program.get(&probe_path(module, target)).await.metrics().story();
            assert!(!story.contains("network_blocked"), "{module}: {story}");
            assert!(!asked.lock().unwrap().is_empty(), "{module} with {flags:?}: {story}");
        }
    }
}

#[test]
fn one_probe_is_kept_out_too_and_a_flag_that_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    let module = "modules: {m: {prober: apikey, targets: ['http://127.0.0.1:1/'], \
                  apikey: {key: hidden-text-of-the-key, name: X-API-Key}}}";
    std::fs::write(&file, module).unwrap();
    let probe = |flags: &[&str]| {
        let mut arguments = vec!["probe", "m", "http://127.0.0.1:1/", "--format", "prometheus"];
        arguments.extend(["--config.file", file.to_str().unwrap()]);
        arguments.extend(flags);
        let output = run(&arguments, &BTreeMap::new());
        let reason = ["connection_refused", "network_blocked"]
            .into_iter()
            .find(|reason| String::from_utf8_lossy(&output.stdout).contains(reason));
        (output.status.code(), reason, String::from_utf8(output.stderr).unwrap())
    };
    let nothing = String::new;
    assert_eq!(probe(&[]), (Some(1), Some("connection_refused"), nothing()));
    let blocked = (Some(1), Some("network_blocked"), nothing());
    assert_eq!(probe(&["--probe.block-networks"]), blocked);
    assert_eq!(probe(&["--probe.block-networks=private"]), blocked);
    for (flags, error) in [
        (
            &["--probe.block-networks=10.0.0.1/8"][..],
            "--probe.block-networks or --probe.allow-networks: \"10.0.0.1/8\" is no network such as 10.0.0.0/8\n",
        ),
        (
            &["--probe.allow-networks=10.0.0.0/8"],
            "--probe.block-networks or --probe.allow-networks: exceptions mean nothing where no network is blocked\n",
        ),
    ] {
        assert_eq!(probe(flags), (Some(2), None, error.to_owned()));
    }
}
