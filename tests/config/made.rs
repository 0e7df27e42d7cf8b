//! Bad files that nobody would want in a repository: huge, deep, or private keys.

/// A key that agrees and does not sign.
const X25519_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIKhsRQ/27HBjBoOgmRrRjJLBRjzay9xAiqZWkHV9UoB9
-----END PRIVATE KEY-----
";

/// A key that signs assertions and no handshakes.
const SECP256K1_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg50JTr8YC4K8YSeE+NMqk
4ZVSp/H9vuzLI836tt5mGeKhRANCAAQvpizH9m6PVVyuh1/CgWaVB3/uZ7jZxuQH
813O+u99rAeRPH06/LOwUMVQu8flN7sys5P0reeb+6UlO2U5bF6A
-----END PRIVATE KEY-----
";

/// A file, and the message that it must cause; without one it is only there to be named.
pub(crate) struct Made {
    pub(crate) file: &'static str,
    pub(crate) content: Vec<u8>,
    pub(crate) message: String,
}

/// All of them.
pub(crate) fn made() -> Vec<Made> {
    let mut all = odd_files();
    all.extend(misfitting_keys());
    all
}

fn a_file(file: &'static str, content: impl Into<Vec<u8>>, message: &str) -> Made {
    Made { file, content: content.into(), message: format!("{message}\n") }
}

/// Files that are too large, too deep, multiply, or are no text.
fn odd_files() -> Vec<Made> {
    let module = |key: &str| {
        format!(
            "modules: {{m: {{prober: apikey, targets: [https://a.example], apikey: {{{key}, in: bearer}}}}}}\n"
        )
    };
    let levels = ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].map(|level| {
        let (inner, outer) = level.split_at(1);
        format!("  {outer}: &{outer} [{}]\n", vec![format!("*{inner}"); 10].join(", "))
    });
    let many: Vec<String> = (1..=1000).map(|number| format!("  m{number}: {{}}\n")).collect();
    let indented: Vec<String> =
        (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let of_many: Vec<String> = (1..=20)
        .map(|number| format!("many.yml:{}: modules.m{number}: missing field `prober`", number + 1))
        .collect();
    vec![
        a_file(
            "utf16.yml",
            vec![0xff, 0xfe, b'm', 0],
            "cannot read utf16.yml: stream did not contain valid UTF-8",
        ),
        a_file(
            "large.yml",
            vec![b'#'; 8 * 1024 * 1024 + 1],
            "large.yml is larger than 8388608 bytes",
        ),
        a_file(
            "braces.yml",
            "{a: ".repeat(100_000),
            "braces.yml:1: bad YAML: more than 1000 brackets are open here",
        ),
        a_file(
            "brackets.yml",
            format!("modules:\n  m: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
            "brackets.yml:2: bad YAML: more than 1000 brackets are open here",
        ),
        a_file(
            "dashes.yml",
            "- ".repeat(100_000),
            "dashes.yml:1: bad YAML: recursion limit exceeded at line 1 column 257",
        ),
        a_file(
            "indented.yml",
            indented.concat(),
            "indented.yml:129: bad YAML: recursion limit exceeded at line 129 column 129",
        ),
        a_file(
            "bomb.yml",
            format!("modules:\n  a: &a [{}]\n{}", "x, ".repeat(10), levels.concat()),
            "bomb.yml: bad YAML: repetition limit exceeded",
        ),
        a_file(
            "many.yml",
            format!("modules:\n{}", many.concat()),
            &format!("{}\nand 980 more modules with a problem", of_many.join("\n")),
        ),
        a_file("large-secret", vec![b'x'; 64 * 1024 + 1], ""),
        a_file(
            "large-secret.yml",
            module("key_file: large-secret"),
            "large-secret.yml:1: modules.m.apikey.key_file: large-secret is larger than 65536 bytes",
        ),
        a_file("large-set", format!("{{\"keys\": [{}]}}", " ".repeat(64 * 1024)), ""),
        a_file(
            "large-set.yml",
            "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: app, auth: none}, validate: {jwks_file: large-set}}}}\n",
            "large-set.yml:1: modules.m.oauth_cc.validate.jwks_file: large-set is larger than 65536 bytes",
        ),
    ]
}

/// Private keys that do not fit what names them.
fn misfitting_keys() -> Vec<Made> {
    let mut all = Vec::new();
    let new_key = || rcgen::KeyPair::generate().expect("a key");
    let (key, foreign) = (new_key(), new_key());
    let certificate = rcgen::CertificateParams::new(["client.example".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .expect("a certificate");
    for (file, pem) in [
        ("client.pem", certificate.pem()),
        ("p256.key", foreign.serialize_pem()),
        ("secp256k1.key", SECP256K1_KEY.to_owned()),
        ("x25519.key", X25519_KEY.to_owned()),
    ] {
        all.push(a_file(file, pem, ""));
    }
    let jwt = |fields: &str| {
        format!(
            "modules:\n  m:\n    prober: oauth_cc\n    targets: [https://a.example]\n    oauth_cc: {{client: {{id: app, auth: private_key_jwt, {fields}}}}}\n"
        )
    };
    let encrypted = |key: &str| {
        format!(
            "modules:\n  m:\n    prober: jwt\n    targets: [https://a.example]\n    jwt: {{token: {{token: written-here}}, validate: {{decryption_key_file: {key}}}}}\n"
        )
    };
    let tls = |key: &str| {
        format!(
            "modules:\n  m:\n    prober: oauth_cc\n    targets: [https://a.example]\n    http:\n      tls_config: {{cert_file: client.pem, key_file: {key}}}\n    oauth_cc: {{client: {{id: app, auth: tls_client_auth}}}}\n"
        )
    };
    for (file, text, message) in [
        (
            "jwt_key_of_another_kind.yml",
            jwt("alg: RS256, key_file: p256.key"),
            "jwt_key_of_another_kind.yml:5: modules.m.oauth_cc.client.key_file: holds no RSA key of 2048 to 8192 bits, which RS256 signs with (RFC 7518 §3.1)",
        ),
        (
            "jwt_key_that_does_not_sign.yml",
            jwt("key_file: x25519.key"),
            "jwt_key_that_does_not_sign.yml:5: modules.m.oauth_cc.client.key_file: holds no RSA key of 2048 to 8192 bits, no EC key on P-256, P-384, P-521 or secp256k1, and no Ed25519 key",
        ),
        (
            "encrypted_to_a_curve_of_signatures.yml",
            encrypted("secp256k1.key"),
            "encrypted_to_a_curve_of_signatures.yml:5: modules.m.jwt.validate.decryption_key_file: holds no private RSA key (PKCS#8) and no private EC key on P-256, P-384 or P-521 in PEM",
        ),
        (
            "encrypted_to_x25519.yml",
            encrypted("x25519.key"),
            "encrypted_to_x25519.yml:5: modules.m.jwt.validate.decryption_key_file: holds no private RSA key (PKCS#8) and no private EC key on P-256, P-384 or P-521 in PEM",
        ),
        (
            "tls_key_of_another_certificate.yml",
            tls("p256.key"),
            "tls_key_of_another_certificate.yml:6: modules.m.http.tls_config: the key in key_file is not the key of the certificate in cert_file",
        ),
        (
            "tls_key_that_tls_does_not_know.yml",
            tls("secp256k1.key"),
            "tls_key_that_tls_does_not_know.yml:6: modules.m.http.tls_config: TLS cannot sign with the key in key_file: RSA, P-256, P-384, P-521 and Ed25519 can be used",
        ),
    ] {
        all.push(a_file(file, text, message));
    }
    all
}
