//! Modules with a secret in each field that may hold one.

use std::collections::BTreeMap;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use regex::{Captures, Regex};

use crate::provider::Fault;

/// A secret with the characters that encoders change, but for those that no header or cookie
/// may have. What is searched for are its letters and digits, which must not show up alone.
pub(super) fn canary(name: &str) -> String {
    format!("+/{}=%&<'", core(name))
}

pub(super) fn core(name: &str) -> String {
    format!("canary{name}q7x9z2w5")
}

/// The same in base32, which has fewer letters and digits.
pub(super) const TOTP_SECRET: &str = "CANARYTOTPQ7X3Z2W5K4M6N7P2Q3R4S5";

/// A module with a planted secret.
pub(super) struct Planted {
    pub(super) name: &'static str,
    /// What is searched for.
    pub(super) core: String,
    /// What it is made of, beside its targets.
    pub(super) module: String,
    /// Path of its target.
    pub(super) path: &'static str,
    /// Whether the secret itself is sent, so that the provider can repeat it.
    pub(super) is_sent: bool,
    /// The ways in which the provider repeats what it gets of this prober.
    pub(super) faults: &'static [Fault],
}

const OAUTH_CC_FAULTS: &[Fault] = &[
    Fault::DiscoveryEchoesSecrets,
    Fault::TokenDescriptionEchoesSecret,
    Fault::TokenErrorEchoesSecret,
    Fault::TokenTypeEchoesSecret,
    Fault::TokenRedirectEchoesSecret,
    Fault::ApiEchoesSecrets,
    Fault::ApiRedirectEchoesSecrets,
];
const JWT_FAULTS: &[Fault] = &[
    Fault::DiscoveryEchoesSecrets,
    Fault::TokenDescriptionEchoesSecret,
    Fault::TokenErrorEchoesSecret,
    Fault::TokenTypeEchoesSecret,
    Fault::TokenRedirectEchoesSecret,
    Fault::JwtClaimsEchoSecrets,
    Fault::JwtAlgorithmEchoesSecrets,
    Fault::JwtKidEchoesSecrets,
    Fault::JwtCriticalEchoesSecrets,
    Fault::JwtEncrypted,
    Fault::KeysEchoSecrets,
    Fault::ApiEchoesSecrets,
    Fault::ApiRedirectEchoesSecrets,
];
const LOGIN_FAULTS: &[Fault] = &[
    Fault::DiscoveryEchoesSecrets,
    Fault::AuthorizeLoginElsewhere,
    Fault::LoginEchoesSecrets,
    Fault::LoginRedirectEchoesSecrets,
    Fault::CallbackEchoesSecrets,
    Fault::CallbackElsewhere,
    Fault::CallbackFragment,
    Fault::TokenDescriptionEchoesSecret,
    Fault::TokenErrorEchoesSecret,
    Fault::TokenTypeEchoesSecret,
    Fault::TokenRedirectEchoesSecret,
    Fault::IdTokenEchoesSecrets,
    Fault::UserinfoEchoesSecrets,
    Fault::ApiEchoesSecrets,
];
const STATUS_PAGE_FAULTS: &[Fault] =
    &[Fault::StatusPageEchoesSecrets, Fault::StatusPageRedirect, Fault::StatusPage500];
/// A one-time code has to be waited for, so these are few.
const TOTP_FAULTS: &[Fault] = &[Fault::LoginEchoesSecrets, Fault::CallbackEchoesSecrets];
const APIKEY_FAULTS: &[Fault] =
    &[Fault::KeyEchoesSecrets, Fault::KeyRedirectEchoesSecrets, Fault::KeyInfoEchoesSecrets];

/// Name of the module, name of the canary, whether it is sent, block of `oauth_cc`.
///
/// `@canary:x@` is a canary, `@core:x@` its letters and digits alone, `@file:x@` a file that
/// holds it. The provider knows the canaries `client` and `key`.
const OAUTH_CC: &[(&str, &str, bool, &str)] = &[
    (
        "secret_basic",
        "client",
        true,
        "client: {id: monitor, secret: @canary:client@}, call_api: {url: /api/me}",
    ),
    (
        "secret_post",
        "client",
        true,
        "client: {id: monitor, auth: client_secret_post, secret: @canary:client@}, call_api: {url: /api/me}",
    ),
    ("secret_file", "client", true, "client: {id: monitor, secret_file: @file:client@}"),
    ("secret_variable", "client", true, "client: {id: monitor, secret: '${CANARY_client}'}"),
    (
        "secret_jwt",
        "client",
        false,
        "client: {id: monitor, auth: client_secret_jwt, secret: @canary:client@}",
    ),
    (
        "every_step",
        "client",
        true,
        "client: {id: monitor, secret: @canary:client@}, introspect: true, revoke: true, \
         call_api: {url: /api/me, must_refuse: [no_credential]}",
    ),
    (
        "private_key",
        "pem",
        false,
        "client: {id: monitor, auth: private_key_jwt, key_file: @file:pem@}",
    ),
    ("token_header", "th", true, "client: *public, headers: {X-Canary: @canary:th@}"),
    ("token_header_file", "thf", true, "client: *public, headers: {X-Canary: {file: @file:thf@}}"),
    ("parameter", "param", true, "client: *public, params: {ticket: @canary:param@}"),
    ("audience", "aud", true, "client: *public, audience: '${CANARY_aud}'"),
    (
        "assertion_value",
        "av",
        false,
        "client: *public, assertions: [{type: json_body, path: $.scope, value: '${CANARY_av}'}]",
    ),
    (
        "api_header",
        "ah",
        true,
        "client: *public, call_api: {url: /api/me, headers: {X-Canary: @canary:ah@}}",
    ),
    (
        "api_credential",
        "ac",
        true,
        "client: *public, call_api: {url: /api/me, headers: {X-Auth: Token @core:ac@}}",
    ),
    (
        "api_body",
        "ab",
        true,
        "client: *public, call_api: {url: /api/me, method: POST, body: @canary:ab@}",
    ),
    (
        "api_json",
        "aj",
        true,
        r#"client: *public, call_api: {url: /api/me, method: POST, body: '{"pin": ["@core:aj@"]}'}"#,
    ),
    ("api_url", "url", true, "client: *public, call_api: {url: '/api/me?t=${CORE_url}'}"),
];

/// The same of `apikey`.
const APIKEY: &[(&str, &str, bool, &str)] = &[
    (
        "key_header",
        "key",
        true,
        "key: @canary:key@, name: X-API-Key, must_refuse: [no_key, wrong_key]",
    ),
    ("key_prefix", "key", true, "key: @canary:key@, name: Authorization, prefix: 'Bearer '"),
    ("key_query", "key", true, "key: @canary:key@, in: query, name: api_key"),
    ("key_cookie", "key", true, "key: @canary:key@, in: cookie, name: api_key"),
    ("key_user", "key", true, "key: @canary:key@, in: basic"),
    ("key_password", "key", true, "key: @canary:key@, in: basic, name: somebody"),
    ("key_bearer", "key", true, "key: @canary:key@, in: bearer"),
    ("key_file", "key", true, "key_file: @file:key@, name: X-API-Key"),
    ("key_variable", "key", true, "key: '${CANARY_key}', name: X-API-Key"),
    (
        "key_info",
        "key",
        true,
        "key: @canary:key@, name: X-API-Key, key_info: {url: /v1/keys/self, \
         headers: {X-API-Key: @canary:key@}, expiry: {path: $.expires_at}, id: $.id}",
    ),
    (
        "request_header",
        "rh",
        true,
        "key: @canary:key@, name: X-API-Key, request: {headers: {X-Canary: @canary:rh@}}",
    ),
    (
        "request_body",
        "rb",
        true,
        "key: @canary:key@, name: X-API-Key, request: {method: PUT, body: @canary:rb@}",
    ),
];

/// The same of `jwt`.
const JWT: &[(&str, &str, bool, &str)] = &[
    (
        "jwt_client",
        "client",
        true,
        "token: {grant: client_credentials, client: {id: monitor, secret: @canary:client@}}, \
         validate: *validate, revoke: true, call_api: {url: /api/me, must_refuse: [no_credential, \
         tampered_signature, alg_none, foreign_key, hs256_public_key, revoked]}",
    ),
    (
        "jwt_password",
        "password",
        true,
        "token: {grant: password, client: *public, username: demo-user, \
         password: @canary:password@}, validate: *validate, call_api: {url: /api/me}",
    ),
    (
        "jwt_username",
        "un",
        true,
        "token: {grant: password, client: *public, username: '${CANARY_un}', password: x}",
    ),
    (
        "jwt_password_file",
        "pf",
        true,
        "token: {grant: password, client: *public, username: demo-user, password_file: @file:pf@}",
    ),
    (
        "jwt_refresh_token",
        "rt",
        true,
        "token: {grant: refresh_token, client: *public, refresh_token: @canary:rt@}",
    ),
    (
        "jwt_assertion",
        "as",
        true,
        "token: {grant: jwt_bearer, client: *public, assertion: @canary:as@}",
    ),
    (
        "jwt_subject_token",
        "st",
        true,
        "token: {grant: token_exchange, client: *public, subject_token: @canary:st@}",
    ),
    ("jwt_given", "gt", false, "token: {token: @canary:gt@}, call_api: {url: /api/me}"),
    ("jwt_given_file", "gf", false, "token: {token_file: @file:gf@}, call_api: {url: /api/me}"),
    (
        "jwt_parameter",
        "jp",
        true,
        "token: {grant: client_credentials, client: *public, params: {ticket: @canary:jp@}}",
    ),
    (
        "jwt_verifying_secret",
        "vs",
        false,
        "token: {grant: client_credentials, client: *public}, \
         validate: {algorithms: [HS256], secret: @canary:vs@}",
    ),
    (
        "jwt_decryption_key",
        "rsa",
        false,
        "token: {grant: client_credentials, client: *public}, \
         validate: {algorithms: [RS256], decryption_key_file: @file:rsa@}",
    ),
];

/// The same of `oauth_authcode`. The provider knows the canary `password` as well.
const LOGIN: &[(&str, &str, bool, &str)] = &[
    (
        "login_password",
        "password",
        true,
        "client: *public, *login, login: {*user, password: @canary:password@}, userinfo: true, \
         call_api: {url: /api/me, must_refuse: [no_credential]}, refresh: true, \
         replay_code: true, introspect: true, revoke: true, logout: true",
    ),
    (
        "login_password_file",
        "password",
        true,
        "client: *public, *login, par: true, response_mode: form_post, \
         login: {*user, password_file: @file:password@}",
    ),
    (
        "login_client",
        "client",
        true,
        "client: {id: monitor, secret: @canary:client@}, *login, par: true, refresh: true, \
         login: {*user, password: @canary:password@}",
    ),
    (
        "login_parameter",
        "lp",
        true,
        "client: *public, *login, params: {ticket: @canary:lp@}, \
         login: {*user, password: @canary:password@}",
    ),
    // Others are rejected, and would have this user wait.
    (
        "login_username",
        "lu",
        true,
        "client: *public, *login, login: {username: '${CANARY_lu}', password: not-the-password}",
    ),
    (
        "login_field",
        "lf",
        true,
        "client: *public, *login, login: {username: nobody, password: not-the-password, \
         fields: {code: @canary:lf@}}",
    ),
    ("login_code", "lc", true, "client: *public, *login, code: @canary:lc@"),
];

/// The same with a second factor. They come last: two programs cannot know which codes the other
/// one sent, so one of them is rejected and waits.
const TOTP: &[(&str, &str, bool, &str)] = &[
    (
        "login_totp",
        "totp",
        false,
        "client: *public, *login, params: {acr_values: one-time-code}, \
         login: {*user, password: @canary:password@, \
         totp_secret: 'otpauth://totp/x?secret=@core:totp@&period=1'}",
    ),
    (
        "login_totp_file",
        "totp",
        false,
        "client: *public, *login, params: {acr_values: one-time-code}, \
         login: {*user, password: @canary:password@, totp_secret_file: @file:totp@}",
    ),
];

/// Name of the module, name of the canary, whether it is sent, block `http`.
const HTTP: &[(&str, &str, bool, &str)] = &[
    ("http_header", "hh", true, "headers: {X-Canary: @canary:hh@}"),
    (
        "proxy_password",
        "proxy",
        true,
        "allow_plain_http: true, proxy_url: 'http://somebody:@core:proxy@@@other:origin@'",
    ),
    ("tls_key", "pem", false, "tls_config: {cert_file: @file:certificate@, key_file: @file:pem@}"),
];

/// The same with `jwt`.
const HTTP_JWT: &[(&str, &str, bool, &str)] =
    &[("jwt_http_header", "hj", true, "headers: {X-Canary: @canary:hj@}")];

/// The same with `status_page`.
const STATUS_PAGE: &[(&str, &str, bool, &str)] =
    &[("status_page", "sp", true, "url: '/status/api/v2/status.json?key=${CORE_sp}'")];

/// Every module. Files are written into the folder; the other origin serves as a proxy.
pub(super) fn planted(folder: &Path, other: &str) -> Vec<Planted> {
    let pair = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&pair).unwrap();
    let pem = pair.serialize_pem();
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
    // Of a key in base64 any whole line will do.
    let line = |pem: &str| pem.lines().nth(2).unwrap().to_owned();
    let place = Regex::new("@([a-z]+):([a-z]+)@").unwrap();
    let fill = |text: &str| {
        let filled = place.replace_all(text, |captures: &Captures<'_>| {
            let name = &captures[2];
            match &captures[1] {
                "core" if name == "totp" => TOTP_SECRET.to_owned(),
                "core" => core(name),
                "canary" => serde_json::to_string(&canary(name)).unwrap(),
                "other" => other.trim_start_matches("http://").to_owned(),
                "file" => {
                    let text = match name {
                        "pem" => pem.clone(),
                        "certificate" => certificate.pem(),
                        "rsa" => rsa.clone(),
                        "totp" => format!("otpauth://totp/x?secret={TOTP_SECRET}&period=1\n"),
                        name => canary(name) + "\n",
                    };
                    let file = folder.join(name);
                    std::fs::write(&file, text).unwrap();
                    file.display().to_string()
                }
                kind => panic!("no {kind}"),
            }
        });
        filled
            .replace("*public", "{id: monitor-public, auth: none}")
            .replace(
                "*login",
                "redirect_uri: 'https://app.example.com/callback', \
                 scopes: [openid, profile, offline_access]",
            )
            .replace("*user", "username: demo-user, consent: accept")
            .replace("*validate", "{algorithms: [RS256], audience: x, scopes: [y], typ: at+jwt}")
    };
    let plant = |rows: &'static [(&str, &str, bool, &str)], before: &str, after: &str, path| {
        let faults = match before {
            _ if before.contains("status_page") => STATUS_PAGE_FAULTS,
            _ if before.contains("apikey") => APIKEY_FAULTS,
            _ if before.contains("jwt") => JWT_FAULTS,
            _ if std::ptr::eq(rows, TOTP) => TOTP_FAULTS,
            _ if before.contains("authcode") => LOGIN_FAULTS,
            _ => OAUTH_CC_FAULTS,
        };
        let plant = |(name, canary, is_sent, block): &'static (&str, &str, bool, &str)| Planted {
            name,
            core: match *canary {
                "pem" => line(&pem),
                "rsa" => line(&rsa),
                "totp" => TOTP_SECRET.to_owned(),
                canary => core(canary),
            },
            module: fill(&format!("{before}{{{block}}}{after}")),
            path,
            is_sent: *is_sent,
            faults,
        };
        rows.iter().map(plant).collect::<Vec<_>>()
    };
    let mut planted = plant(OAUTH_CC, "prober: oauth_cc, oauth_cc: ", "", "");
    planted.extend(plant(JWT, "prober: jwt, jwt: ", "", ""));
    planted.extend(plant(APIKEY, "prober: apikey, apikey: ", "", "/v1/account"));
    let public = ", oauth_cc: {client: *public, discovery: false, endpoints: {token: /token}, \
                  call_api: {url: /api/me}}";
    planted.extend(plant(HTTP, "prober: oauth_cc, http: ", public, ""));
    let before = "prober: oauth_cc, oauth_cc: {client: *public}, status_page: ";
    planted.extend(plant(STATUS_PAGE, before, "", ""));
    planted.extend(plant(LOGIN, "prober: oauth_authcode, oauth_authcode: ", "", ""));
    let public = ", jwt: {token: {grant: client_credentials, client: *public}, \
                  validate: *validate}";
    planted.extend(plant(HTTP_JWT, "prober: jwt, http: ", public, ""));
    planted.extend(plant(TOTP, "prober: oauth_authcode, oauth_authcode: ", "", ""));
    planted
}

/// Variables by which the configuration names canaries.
pub(super) fn variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("CANARY_client", canary("client")),
        ("CANARY_key", canary("key")),
        ("CANARY_aud", canary("aud")),
        ("CANARY_av", canary("av")),
        ("CANARY_un", canary("un")),
        ("CANARY_lu", canary("lu")),
        ("CORE_url", core("url")),
        ("CORE_sp", core("sp")),
    ])
}
