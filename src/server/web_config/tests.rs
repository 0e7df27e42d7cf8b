//! Files, good and bad.

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// A folder with a certificate and its key, a key of another, and a file that is none.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    write("cert.pem", &params.self_signed(&key).unwrap().pem());
    write("key.pem", &key.serialize_pem());
    write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    write("text.pem", "no certificate\n");
    folder
}

/// What becomes of a file: its warnings, or what is wrong with it.
fn load(folder: &TempDir, text: &str) -> Result<Vec<String>, String> {
    let path = folder.path().join("web.yml");
    std::fs::write(&path, text).unwrap();
    let place = format!("{}:", path.display());
    let nearby = format!("{}/", folder.path().display());
    WebConfig::open(&path)
        .map(|web| web.warnings())
        .map_err(|error| error.to_string().replace(&place, "").replace(&nearby, ""))
}

const PAIR: &str = "cert_file: cert.pem, key_file: key.pem";

#[test]
fn files_that_are_taken() {
    let folder = folder();
    let hash = bcrypt::hash("password", 4).unwrap();
    let plain = "basic_auth_users: passwords are sent in plain text without tls_server_config";
    for (text, warnings) in [
        ("", &[][..]),
        ("---\n# nothing\n", &[]),
        ("tls_server_config: {}", &[]),
        ("rate_limit: {interval: 1s, burst: 20}", &[]),
        ("rate_limit: {interval: 0}", &[]),
        (&format!("basic_auth_users: {{alice: '{hash}'}}"), &[plain]),
        (&format!("tls_server_config: {{{PAIR}}}\nbasic_auth_users: {{alice: '{hash}'}}"), &[]),
        (&format!("tls_server_config: {{{PAIR}, client_auth_type: ''}}"), &[]),
        (
            &format!(
                "tls_server_config: {{{PAIR}, client_auth_type: RequireClientCert, client_allowed_sans: [a]}}"
            ),
            &[
                "tls_server_config.client_allowed_sans: anybody can make a certificate with such a name, and none is verified with this client_auth_type",
            ],
        ),
        (
            &format!(
                "tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem}}"
            ),
            &[],
        ),
        (
            &format!(
                "tls_server_config: {{{PAIR}, client_auth_type: RequestClientCert, client_ca_file: cert.pem}}"
            ),
            &[
                "tls_server_config.client_ca_file: no certificate is verified with this client_auth_type",
            ],
        ),
        (&format!("tls_server_config: {{{PAIR}, min_version: TLS13, max_version: TLS13}}"), &[]),
        (
            &format!("tls_server_config: {{{PAIR}, min_version: TLS10}}"),
            &["tls_server_config.min_version: nothing older than TLS12 is spoken"],
        ),
        (
            &format!(
                "tls_server_config: {{{PAIR}, prefer_server_cipher_suites: false, curve_preferences: [CurveP256, X25519], \
                 cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]}}"
            ),
            &["tls_server_config.cipher_suites: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is not spoken"],
        ),
        (
            "http_server_config: {http2: false, headers: {X-Frame-Options: deny, X-XSS-Protection: '', X-Content-Type-Options: nosniff, \
             Strict-Transport-Security: max-age=31536000, Content-Security-Policy: \"default-src 'self'\"}}",
            &[],
        ),
    ] {
        let warnings: Vec<_> = warnings.iter().map(|warning| (*warning).to_owned()).collect();
        assert_eq!(load(&folder, text), Ok(warnings), "{text}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one long table")]
fn files_that_are_refused() {
    let folder = folder();
    let tls = |fields: &str| format!("tls_server_config: {{{fields}}}");
    let with = |fields: &str| format!("tls_server_config: {{{PAIR}, {fields}}}");
    for (text, error) in [
        (
            "tls: {}",
            "1: tls: unknown field `tls`, expected one of `tls_server_config`, `http_server_config`, `basic_auth_users`, `rate_limit`",
        ),
        ("[]", " is a list, expected a mapping"),
        (
            "tls_server_config:\n",
            "1: tls_server_config: has no value: give it one, or leave it out",
        ),
        ("basic_auth_users: {a: b, a: c}", "1: basic_auth_users.a: is given twice"),
        ("basic_auth_users:\n  a: password\n", "2: basic_auth_users.a: is no bcrypt hash"),
        ("basic_auth_users: [alice]", "1: basic_auth_users: is a list, expected a mapping"),
        ("rate_limit: {burst: 1}", "1: rate_limit.burst: needs an interval"),
        (
            "rate_limit: {interval: 1s}",
            "1: rate_limit: needs a burst of 1 or more: nothing would be answered",
        ),
        (
            "http_server_config: {headers: {Server: x}}",
            "1: http_server_config.headers.Server: cannot be set, only: Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: DENY}}",
            "1: http_server_config.headers.X-Frame-Options: must be deny or sameorigin",
        ),
        (
            "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}",
            "1: http_server_config.headers.X-XSS-Protection: is no value of a header",
        ),
        (&tls("min_version: TLS13"), "1: tls_server_config: needs cert_file (or cert)"),
        (&tls("cert_file: cert.pem"), "1: tls_server_config: needs key_file (or key)"),
        (
            &tls("cert_file: cert.pem, key_file: missing.pem"),
            "1: tls_server_config.key_file: cannot read missing.pem: No such file or directory (os error 2)",
        ),
        (
            &tls("cert_file: text.pem, key_file: key.pem"),
            "1: tls_server_config.cert_file: holds no PEM certificate that can be read",
        ),
        (
            &tls("cert_file: cert.pem, key_file: text.pem"),
            "1: tls_server_config.key_file: holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted)",
        ),
        (
            &tls("cert_file: cert.pem, key_file: other.pem"),
            "1: tls_server_config.key_file: is not the key of the certificate",
        ),
        (&with("cert: x"), "1: tls_server_config.cert: stands beside cert_file: give one"),
        (
            &with("min_version: SSL30"),
            "1: tls_server_config.min_version: is none of the known values, expected one of `TLS10`, `TLS11`, `TLS12`, `TLS13`",
        ),
        (
            &with("max_version: TLS11"),
            "1: tls_server_config.max_version: is older than TLS12: nothing could be spoken",
        ),
        (
            &with("min_version: TLS13, max_version: TLS12"),
            "1: tls_server_config.max_version: is older than min_version",
        ),
        (
            &with("cipher_suites: [TLS_MINE]"),
            "1: tls_server_config.cipher_suites[0]: is no cipher suite that is known",
        ),
        (
            &with("max_version: TLS12, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
            "1: tls_server_config.cipher_suites: names no suite of TLS12 that is spoken",
        ),
        (
            &with("curve_preferences: [X25519, CurveP521]"),
            "1: tls_server_config.curve_preferences[1]: is not spoken here",
        ),
        (
            &with("client_ca_file: cert.pem"),
            "1: tls_server_config.client_ca_file: needs a client_auth_type",
        ),
        (
            &with("client_auth_type: Maybe"),
            "1: tls_server_config.client_auth_type: is none of the known values, expected one of ``, `NoClientCert`, `RequestClientCert`, `RequireAnyClientCert`, `RequireClientCert`, `VerifyClientCertIfGiven`, `RequireAndVerifyClientCert`",
        ),
        (
            &with("client_auth_type: RequireAndVerifyClientCert"),
            "1: tls_server_config.client_auth_type: needs client_ca_file (or client_ca)",
        ),
        (
            &with("client_auth_type: RequireAndVerifyClientCert, client_ca_file: text.pem"),
            "1: tls_server_config.client_ca_file: holds no PEM certificate that can be read",
        ),
        (
            &with(
                "client_auth_type: VerifyClientCertIfGiven, client_ca_file: cert.pem, client_allowed_sans: [a]",
            ),
            "1: tls_server_config.client_allowed_sans: needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert",
        ),
    ] {
        assert_eq!(load(&folder, text), Err(error.to_owned()), "{text}");
    }
}
