//! Clients that prove themselves by assertions, introspection and revocation, against
//! npm's oidc-provider.

use std::path::{Path, PathBuf};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};

use super::exporter::Exporter;
use super::installed;
use super::provider::Provider;

const SCOPE: &str = "monitoring:health";
/// As long as HS256 wants it (RFC 7518 §3.2).
const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

/// The algorithms that oidc-provider takes for assertions, and keys for them.
const ALGORITHMS: [(&str, &SignatureAlgorithm); 4] = [
    ("RS256", &PKCS_RSA_SHA256),
    ("PS256", &PKCS_RSA_SHA256),
    ("ES256", &PKCS_ECDSA_P256_SHA256),
    ("EdDSA", &PKCS_ED25519),
];

fn key(folder: &Path, name: &str, kind: &'static SignatureAlgorithm) -> (PathBuf, String) {
    let pair = KeyPair::generate_for(kind).expect("a new key");
    let file = folder.join(name);
    std::fs::write(&file, pair.serialize_pem()).expect("a file");
    (file, pair.public_key_pem())
}

/// Keys in the older forms of PEM, as OpenSSL writes them: PKCS#1 and SEC1.
const TRADITIONAL: [(&str, &[&str], &str); 3] = [
    ("RS512", &["genrsa", "-traditional", "2048"], "-----BEGIN RSA PRIVATE KEY-----"),
    ("ES384", &["ecparam", "-name", "secp384r1", "-genkey"], "-----BEGIN EC PARAMETERS-----"),
    (
        "ES512",
        &["ecparam", "-name", "secp521r1", "-genkey", "-noout"],
        "-----BEGIN EC PRIVATE KEY-----",
    ),
];

/// A key that OpenSSL makes, and its public half.
fn openssl_key(folder: &Path, name: &str, make: &[&str], begins: &str) -> (PathBuf, String) {
    let run = |args: &[&str]| {
        let output = installed::debian("openssl").args(args).output().expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("PEM")
    };
    let file = folder.join(name);
    let pem = run(make);
    assert!(pem.starts_with(begins), "{pem}");
    std::fs::write(&file, pem).expect("a file");
    let public = run(&["pkey", "-pubout", "-in", &file.display().to_string()]);
    (file, public)
}

fn client(id: &str, method: &str, alg: &str) -> Value {
    json!({
        "client_id": id,
        "token_endpoint_auth_method": method,
        "token_endpoint_auth_signing_alg": alg,
        "grant_types": ["client_credentials"],
        "scope": SCOPE,
    })
}

/// A module whose token is introspected, used at an API that asks the provider about it, and revoked.
fn module(issuer: &str, name: &str, client: &str) -> String {
    format!(
        "
  {name}:
    prober: oauth_cc
    targets: [{issuer}]
    oauth_cc:
      client: {{{client}}}
      scopes: ['{SCOPE}']
      introspect: true
      call_api: {{url: /api/opaque, must_refuse: [no_credential]}}
      revoke: true
"
    )
}

/// Everything that each module needs to be told of its success.
fn assert_whole_flow(exporter: &Exporter, module: &str, issuer: &str) {
    let metrics = exporter.probe(module, issuer);
    for line in [
        "probe_success 1",
        "probe_auth_step_success{step=\"introspect\"} 1",
        "probe_auth_step_success{step=\"call_api\"} 1",
        "probe_auth_step_success{step=\"revoke\"} 1",
        "probe_auth_step_http_status_code{step=\"revoke\"} 200",
        "probe_auth_endpoint_available{endpoint=\"introspection\"} 1",
        "probe_auth_endpoint_available{endpoint=\"revocation\"} 1",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{module}: {line}\n{metrics}");
    }
    assert!(!metrics.contains("probe_auth_warning_info{"), "{module}\n{metrics}");
}

fn assert_fails(exporter: &Exporter, module: &str, issuer: &str, step: &str, reason: &str) {
    let metrics = exporter.probe(module, issuer);
    let failure = format!("probe_auth_failure_info{{step=\"{step}\",reason=\"{reason}\"}} 1\n");
    assert!(metrics.contains(&failure), "{module}: {failure}\n{metrics}");
}

#[test]
fn assertions_of_every_algorithm_are_taken_and_foreign_ones_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut clients = Vec::new();
    let mut files = Vec::new();
    let made = ALGORITHMS.map(|(alg, kind)| (alg, key(folder.path(), alg, kind)));
    let traditional =
        TRADITIONAL.map(|(alg, make, begins)| (alg, openssl_key(folder.path(), alg, make, begins)));
    for (alg, (file, public)) in made.into_iter().chain(traditional) {
        let mut client = client(alg, "private_key_jwt", alg);
        client["public_key"] = public.into();
        clients.push(client);
        files.push((alg, file));
    }
    let mut shared = client("shared", "client_secret_jwt", "HS256");
    shared["client_secret"] = SECRET.into();
    clients.push(shared);
    let provider = Provider::start_for(&clients.into(), 0);
    let issuer = provider.issuer();

    let signed = |alg: &str, file: &Path, more: &str| {
        format!("id: {alg}, auth: private_key_jwt, alg: {alg}, key_file: {}{more}", file.display())
    };
    let mut modules = "modules:".to_owned();
    for (alg, file) in &files {
        modules += &module(issuer, alg, &signed(alg, file, ""));
    }
    let (foreign, _) = key(folder.path(), "foreign", &PKCS_ECDSA_P256_SHA256);
    modules += &module(issuer, "foreign_key", &signed("ES256", &foreign, ""));
    let es256 = &files[2].1;
    let to_issuer = signed("ES256", es256, ", assertion_audience: issuer");
    modules += &module(issuer, "to_issuer", &to_issuer);
    let elsewhere = signed("ES256", es256, ", assertion_audience: 'https://elsewhere.example'");
    modules += &module(issuer, "for_somebody_else", &elsewhere);
    let shared = |secret: &str| format!("id: shared, auth: client_secret_jwt, secret: {secret}");
    modules += &module(issuer, "shared", &shared(SECRET));
    modules += &module(issuer, "wrong_secret", &shared(&SECRET.replace('a', "b")));
    let exporter = Exporter::start(&modules);

    for module in
        ["RS256", "PS256", "ES256", "EdDSA", "RS512", "ES384", "ES512", "to_issuer", "shared"]
    {
        assert_whole_flow(&exporter, module, issuer);
    }
    for module in ["foreign_key", "for_somebody_else", "wrong_secret"] {
        assert_fails(&exporter, module, issuer, "token", "invalid_client");
    }
    // The key is rotated: the file is read again, without a reload.
    std::fs::copy(es256, &foreign).expect("a copy");
    assert_whole_flow(&exporter, "foreign_key", issuer);
}

#[test]
fn a_clock_that_is_ahead_takes_an_assertion_for_expired() {
    let mut client = client("shared", "client_secret_jwt", "HS256");
    client["client_secret"] = SECRET.into();
    let provider = Provider::start_for(&json!([client]), 600);
    let issuer = provider.issuer();
    let credential = format!("id: shared, auth: client_secret_jwt, secret: {SECRET}");
    let exporter = Exporter::start(&format!("modules:{}", module(issuer, "m", &credential)));
    assert_fails(&exporter, "m", issuer, "token", "invalid_client");
}
