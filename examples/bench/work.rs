//! What a probe does, in the words of each contender.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::contenders::MANY_TARGETS;
use crate::target::{
    API_KEY, API_KEY_HEADER, AUDIENCE, CLIENT_ID, CLIENT_SECRET, ISSUER, LOGIN_PASSWORD,
    LOGIN_USER, SCOPE, Target,
};

/// What one probe does at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// A token request, its answer judged.
    Token,
    /// A token from one origin, an API call with it at another.
    TwoOrigins,
    /// The same at one origin.
    OneOrigin,
    /// A GET that is redirected nine times within its origin.
    Redirects,
    /// A token, verified with the keys of its issuer, and an API call with it, at one origin.
    Verified {
        /// Whether the key set has a thousand keys, and not one.
        many_keys: bool,
    },
    /// Signed metadata of a federation, fetched and verified, and one entity of it judged.
    Aggregate,
    /// A login with a form, and the exchange of its code for a token.
    Login,
    /// A token request at one of many targets that the configuration lists, or allows by a pattern.
    Targets {
        /// Whether it lists them.
        listed: bool,
    },
    /// As [`Work::Verified`] with one key, at one of many listed targets.
    Scheduled,
}

/// Where the metadata is.
pub(crate) const AGGREGATE_PATH: &str = "/metadata";

/// Where the key set is.
pub(crate) const fn keys_path(many_keys: bool) -> &'static str {
    if many_keys { "/keys/many" } else { "/keys/one" }
}

/// Redirects of [`Work::Redirects`].
pub(crate) const REDIRECTS: usize = 9;

impl Work {
    /// The module that does it.
    const fn module(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TwoOrigins => "two_origins",
            Self::OneOrigin => "one_origin",
            Self::Redirects => "redirects",
            Self::Verified { many_keys: false } => "verified",
            Self::Verified { many_keys: true } => "verified_among_many",
            Self::Aggregate => "aggregate",
            Self::Login => "login",
            Self::Targets { listed: true } => "listed",
            Self::Targets { listed: false } => "pattern",
            Self::Scheduled => "scheduled",
        }
    }

    /// Connections that it needs: what the exporter and the bare client may open, not one more.
    pub(crate) const fn connections(self) -> usize {
        if matches!(self, Self::TwoOrigins) { 2 } else { 1 }
    }

    /// Requests that it takes.
    pub(crate) const fn requests(self) -> usize {
        match self {
            Self::Token | Self::Aggregate | Self::Targets { .. } => 1,
            Self::TwoOrigins | Self::OneOrigin => 2,
            Self::Verified { .. } | Self::Scheduled => 3,
            // The request, the page, the form and the token.
            Self::Login => 4,
            Self::Redirects => REDIRECTS + 1,
        }
    }

    /// Requests of `blackbox_exporter`, which verifies nothing.
    pub(crate) const fn requests_of_blackbox(self) -> usize {
        if matches!(self, Self::Verified { .. } | Self::Scheduled) { 1 } else { self.requests() }
    }

    /// The scrapes of the exporter that do it, one for each of `targets` targets.
    pub(crate) fn exporter_paths(self, target: &Target, targets: usize) -> Vec<String> {
        let [first, _] = &target.origins;
        let urls = match self {
            Self::Token | Self::TwoOrigins | Self::OneOrigin | Self::Verified { .. } => {
                vec![format!("{first}/token")]
            }
            Self::Redirects => vec![format!("{first}/redirect/{REDIRECTS}")],
            Self::Login => vec![first.clone()],
            Self::Aggregate => vec![format!("{first}{AGGREGATE_PATH}")],
            Self::Targets { .. } | Self::Scheduled => token_urls(first, targets),
        };
        urls.iter().map(|url| self.path(url)).collect()
    }

    /// The scrape of `blackbox_exporter` that does it. Its target is what comes last.
    pub(crate) fn blackbox_paths(self, target: &Target) -> Vec<String> {
        let [first, second] = &target.origins;
        let url = match self {
            Self::Token | Self::Login | Self::Targets { .. } => format!("{first}/token"),
            Self::TwoOrigins => format!("{second}/api"),
            Self::OneOrigin => format!("{first}/api"),
            Self::Redirects => format!("{first}/redirect/{REDIRECTS}"),
            Self::Aggregate => format!("{first}{AGGREGATE_PATH}"),
            Self::Verified { many_keys } => format!("{first}{}", keys_path(many_keys)),
            Self::Scheduled => {
                let url = |number| format!("{first}{}?{number}", keys_path(false));
                return (0..MANY_TARGETS).map(|number| self.path(&url(number))).collect();
            }
        };
        vec![self.path(&url)]
    }

    /// The scrape that points its module at a target.
    pub(crate) fn path(self, target: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("module", self.module())
            .append_pair("target", target)
            .finish();
        format!("/probe?{query}")
    }
}

/// The targets of [`Work::Targets`] and [`Work::Scheduled`].
pub(crate) fn token_urls(origin: &str, targets: usize) -> Vec<String> {
    (0..targets).map(|number| format!("{origin}/token/{number}")).collect()
}

/// The exporter's client. Without discovery and endpoints, the target is where it asks.
fn client() -> String {
    format!(
        "discovery: false, client: {{id: {CLIENT_ID}, secret: {CLIENT_SECRET}}}, scopes: ['{SCOPE}']"
    )
}

/// The exporter's configuration for all works but [`Work::Targets`].
pub(crate) fn exporter_config(target: &Target) -> String {
    let ([first, second], client) = (&target.origins, client());
    let callback = target.callback_url();
    let verified = |name: &str, many_keys| {
        format!(
            "  {name}:
    prober: jwt
    timeout: 30s
    targets: [{first}/token]
    jwt:
      discovery: false
      endpoints: {{jwks: {}}}
      token: {{grant: client_credentials, client: {{id: {CLIENT_ID}, secret: {CLIENT_SECRET}}}, scopes: ['{SCOPE}']}}
      validate: {{algorithms: [RS256], issuer: {ISSUER}, audience: {AUDIENCE}, typ: at+jwt, required_claims: [sub, iat, exp], scopes: ['{SCOPE}']}}
      call_api: {{url: {first}/api}}
",
            keys_path(many_keys)
        )
    };
    let (one_key, many_keys) = (verified("verified", false), verified("verified_among_many", true));
    format!(
        "modules:
  token:
    prober: oauth_cc
    timeout: 30s
    targets: [{first}/token]
    oauth_cc: {{{client}}}
  two_origins:
    prober: oauth_cc
    timeout: 30s
    targets: [{first}/token]
    oauth_cc: {{{client}, call_api: {{url: {second}/api}}}}
  one_origin:
    prober: oauth_cc
    timeout: 30s
    targets: [{first}/token]
    oauth_cc: {{{client}, call_api: {{url: {first}/api}}}}
  redirects:
    prober: apikey
    timeout: 30s
    targets: [{first}/redirect/{REDIRECTS}]
    apikey: {{key: {API_KEY}, in: header, name: {API_KEY_HEADER}}}
  login:
    prober: oauth_authcode
    timeout: 30s
    targets: [{first}]
    oauth_authcode:
      discovery: false
      endpoints: {{authorization: /authorize, token: /token}}
      client: {{id: {CLIENT_ID}, secret: {CLIENT_SECRET}}}
      redirect_uri: {callback}
      scopes: ['{SCOPE}']
      login: {{username: {LOGIN_USER}, password: {LOGIN_PASSWORD}}}
{one_key}{many_keys}"
    )
}

/// The exporter's configuration for [`Work::Targets`].
pub(crate) fn targets_config(target: &Target, listed: bool, targets: usize) -> String {
    let ([first, _], client) = (&target.origins, client());
    let (module, whereto) = if listed {
        ("listed", format!("targets: [{}]", token_urls(first, targets).join(", ")))
    } else {
        ("pattern", format!("allowed_targets: ['{first}/token/*']"))
    };
    format!(
        "modules:
  {module}:
    prober: oauth_cc
    timeout: 30s
    {whereto}
    oauth_cc: {{{client}}}
"
    )
}

/// The exporter's configuration for [`Work::Scheduled`]. Whatever the target, the keys and the
/// API are at its own origin.
pub(crate) fn scheduled_config(targets: &[String]) -> String {
    format!(
        "modules:
  scheduled:
    prober: jwt
    timeout: 10s
    targets: [{}]
    jwt:
      discovery: false
      endpoints: {{jwks: {}}}
      token: {{grant: client_credentials, client: {{id: {CLIENT_ID}, secret: {CLIENT_SECRET}}}, scopes: ['{SCOPE}']}}
      validate: {{algorithms: [RS256], issuer: {ISSUER}, audience: {AUDIENCE}, typ: at+jwt, required_claims: [sub, iat, exp], scopes: ['{SCOPE}']}}
      call_api: {{url: /api}}
",
        targets.join(", "),
        keys_path(false)
    )
}

/// Modules of the configuration whose size is in question.
pub(crate) const MANY_MODULES: usize = 10_000;

/// As many modules for the exporter as for `blackbox_exporter`: each gets a token with a secret of
/// its own, and an answer of the API that must match a regular expression, which is always the same.
pub(crate) fn many_modules(target: &Target) -> String {
    let [first, second] = &target.origins;
    let mut config = "modules:\n".to_owned();
    for number in 0..MANY_MODULES {
        let _ = write!(
            config,
            "  module_{number}:
    prober: oauth_cc
    timeout: 30s
    targets: [{first}/token/{number}]
    oauth_cc:
      discovery: false
      client: {{id: client-{number}, secret: a-secret-of-client-{number}}}
      scopes: ['{SCOPE}']
      call_api: {{url: {second}/api, assertions: [{{type: response_matches, value: '{API_PATTERN}'}}]}}
"
        );
    }
    config
}

/// The same for `blackbox_exporter`.
pub(crate) fn many_modules_of_blackbox(target: &Target) -> String {
    let [first, _] = &target.origins;
    let mut config = "modules:\n".to_owned();
    for number in 0..MANY_MODULES {
        let _ = write!(
            config,
            "  module_{number}:
    prober: http
    timeout: 30s
    http:
      preferred_ip_protocol: ip4
      oauth2:
        client_id: client-{number}
        client_secret: a-secret-of-client-{number}
        token_url: {first}/token/{number}
        scopes: ['{SCOPE}']
      fail_if_body_not_matches_regexp: ['{API_PATTERN}']
"
        );
    }
    config
}

/// What the answer of the API has.
const API_PATTERN: &str = r#""active"\s*:\s*true"#;

/// The exporter's configuration for [`Work::Aggregate`], with the certificate of who signed it.
pub(crate) fn aggregate_config(target: &Target, entity_id: &str, certificate: &Path) -> String {
    let [first, _] = &target.origins;
    format!(
        "modules:
  aggregate:
    prober: saml
    timeout: 30s
    targets: [{first}{AGGREGATE_PATH}]
    http: {{body_size_limit: 100MB}}
    saml: {{role: idp, entity_id: {entity_id}, signature: {{certificate_file: {}}}}}
",
        certificate.display()
    )
}

/// The configuration of `blackbox_exporter` for the same work.
pub(crate) fn blackbox_config(target: &Target) -> String {
    let [first, _] = &target.origins;
    let oauth2 = format!(
        "      preferred_ip_protocol: ip4
      oauth2:
        client_id: {CLIENT_ID}
        client_secret: {CLIENT_SECRET}
        token_url: {first}/token
        scopes: ['{SCOPE}']"
    );
    format!(
        "modules:
  token:
    prober: http
    timeout: 30s
    http:
      preferred_ip_protocol: ip4
      method: POST
      headers:
        Accept: application/json
        Content-Type: application/x-www-form-urlencoded
      basic_auth: {{username: {CLIENT_ID}, password: {CLIENT_SECRET}}}
      body: grant_type=client_credentials&scope=monitoring%3Ahealth
      fail_if_body_not_matches_regexp: ['\"access_token\"\\s*:\\s*\"[^\"]+\"']
  two_origins:
    prober: http
    timeout: 30s
    http:
{oauth2}
  one_origin:
    prober: http
    timeout: 30s
    http:
{oauth2}
  redirects:
    prober: http
    timeout: 30s
    http:
      preferred_ip_protocol: ip4
      headers: {{{API_KEY_HEADER}: {API_KEY}}}
  verified: &get
    prober: http
    timeout: 30s
    http:
      preferred_ip_protocol: ip4
  verified_among_many: *get
  scheduled: *get
"
    )
}
