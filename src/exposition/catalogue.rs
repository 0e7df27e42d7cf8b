//! Every metric, declared once: name, kind, labels, help. The README's table,
//! dashboards and rules are checked against this list.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only goes up. Its name here is without `_total`, which the formats add.
    Counter,
    /// Observations in buckets.
    Histogram,
}

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name; of a counter, without `_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(super) static $constant: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)+

        /// Every metric, in the order in which they are exposed.
        pub static CATALOGUE: &[&Metric] = &[$(&$constant),+];
    };
}

catalogue! {
    SUCCESS: Gauge "probe_success" []
        "1 when every planned step succeeded";
    DURATION: Gauge "probe_duration_seconds" []
        "How long the probe took in seconds";
    TIMEOUT: Gauge "probe_timeout_seconds" []
        "The time budget of the probe in seconds";
    HTTP_STATUS: Gauge "probe_http_status_code" []
        "Status code of the last exchange of a step that proves the flow, 0 without an answer";
    HTTP_VERSION: Gauge "probe_http_version" []
        "HTTP version of that exchange";
    HTTP_REDIRECTS: Gauge "probe_http_redirects" []
        "Number of redirects that led to that exchange";
    HTTP_SSL: Gauge "probe_http_ssl" []
        "1 when that exchange used TLS";
    HTTP_CONTENT_LENGTH: Gauge "probe_http_content_length" []
        "Content-Length of that exchange, -1 when it was not stated";
    HTTP_BODY_LENGTH: Gauge "probe_http_uncompressed_body_length" []
        "Bytes of its body after decompression, as far as it was read";
    HTTP_DURATION: Gauge "probe_http_duration_seconds" ["phase"]
        "Time spent in each phase, summed over all exchanges of the probe, in seconds";
    IP_PROTOCOL: Gauge "probe_ip_protocol" []
        "IP protocol of that exchange, 4 or 6, 0 when there was no connection";
    IP_ADDR_HASH: Gauge "probe_ip_addr_hash" []
        "Hash of the address of that exchange, to notice that it changes";
    DNS_LOOKUP: Gauge "probe_dns_lookup_time_seconds" []
        "Time of the name resolution of that exchange in seconds";
    SSL_EARLIEST_EXPIRY: Gauge "probe_ssl_earliest_cert_expiry" []
        "Earliest expiry of the certificates presented by any origin, in Unix seconds, also when they were refused";
    SSL_LAST_CHAIN_EXPIRY: Gauge "probe_ssl_last_chain_expiry_timestamp_seconds" []
        "Expiry of the chain of the last TLS connection in Unix seconds";
    SSL_LAST_CHAIN_INFO: Gauge "probe_ssl_last_chain_info" ["fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber"]
        "Leaf certificate of the last TLS connection";
    TLS_VERSION: Gauge "probe_tls_version_info" ["version"]
        "TLS version of the last TLS connection";
    TLS_CIPHER: Gauge "probe_tls_cipher_info" ["cipher"]
        "Cipher suite of the last TLS connection";
    MODULE_INFO: Gauge "probe_auth_module_info" ["module", "prober", "provider"]
        "The module that was probed";
    STEP_SUCCESS: Gauge "probe_auth_step_success" ["step"]
        "1 when the planned step succeeded, 0 when it failed or was never reached";
    STEP_REACHED: Gauge "probe_auth_step_reached" ["step"]
        "0 when an earlier failure stopped the flow before the step";
    STEP_DURATION: Gauge "probe_auth_step_duration_seconds" ["step"]
        "How long the step took in seconds";
    STEP_STATUS: Gauge "probe_auth_step_http_status_code" ["step"]
        "Last status code of the step";
    STEP_HTTP_DURATION: Gauge "probe_auth_step_http_duration_seconds" ["step", "phase"]
        "Time spent in each phase over the exchanges of the step in seconds";
    FAILURE: Gauge "probe_auth_failure_info" ["step", "reason"]
        "1 for the failed step and its reason";
    WARNING: Gauge "probe_auth_warning_info" ["step", "warning"]
        "1 for what works but breaks a specification or is about to fail";
    ENDPOINT_AVAILABLE: Gauge "probe_auth_endpoint_available" ["endpoint"]
        "1 when the endpoint gave an HTTP answer below 500, 0 on a transport failure or 5xx; absent when not contacted";
    AUTH_DURATION: Gauge "probe_auth_duration_seconds" ["part"]
        "Time of the steps that obtain and check credentials (auth) and that use them (api) in seconds";
    THRESHOLD: Gauge "probe_auth_threshold_seconds" ["step"]
        "Latency limit of the module for the step, or for the whole probe as total, in seconds";
    SHARE_THRESHOLD: Gauge "probe_auth_share_threshold_ratio" []
        "Limit of the module for the share of authentication in auth and api together";
    ASSERTION: Gauge "probe_auth_assertion_success" ["step", "assertion"]
        "1 when the configured assertion held";
    TOKEN_TTL: Gauge "probe_auth_token_ttl_seconds" ["token"]
        "Seconds until the token expires, when it was received";
    TOKEN_EXPIRY: Gauge "probe_auth_token_expiry_timestamp_seconds" ["token"]
        "When the token expires in Unix seconds";
    TOKEN_ISSUED: Gauge "probe_auth_token_issued_timestamp_seconds" ["token"]
        "When the token says that it was issued in Unix seconds";
    CLOCK_SKEW: Gauge "probe_auth_clock_skew_seconds" ["source"]
        "The provider's clock minus the exporter's in seconds";
    JWT_CHECK: Gauge "probe_auth_jwt_check_success" ["token", "check"]
        "1 when the check of the token passed; absent when it could not run";
    JWT_ERRORS: Gauge "probe_auth_jwt_validation_errors" []
        "Checks of tokens that failed in this probe";
    JWKS_KEYS: Gauge "probe_auth_jwks_keys" []
        "Keys of the key set that can verify signatures";
    JWKS_HASH: Gauge "probe_auth_jwks_hash" []
        "Hash of the key set, to notice that it changes";
    JWKS_KEY_INFO: Gauge "probe_auth_jwks_key_info" ["kid", "kty", "alg", "use"]
        "A key of the key set, the first 10 of them";
    REFUSED: Gauge "probe_auth_refused" ["check"]
        "1 when the bad credential was refused, as it must be";
    SAML_ENTITIES: Gauge "probe_auth_saml_entities" []
        "Entities that the SAML metadata holds";
    SAML_SIGNATURE: Gauge "probe_auth_saml_signature_valid" []
        "1 when the metadata has a signature that verifies, 0 when it does not; absent when none is configured, and without the entity unless the whole document is signed";
    SAML_VALID_UNTIL: Gauge "probe_auth_saml_valid_until_timestamp_seconds" []
        "When the metadata of the entity ends in Unix seconds: the earliest validUntil of entity, role and aggregates";
    SAML_VALID_UNTIL_DAYS: Gauge "probe_auth_saml_valid_until_days_remaining" []
        "Days until the metadata of the entity ends, negative once it has";
    SAML_CACHE_DURATION: Gauge "probe_auth_saml_cache_duration_seconds" []
        "How long the metadata may be kept: the shortest cacheDuration of entity, role and aggregates in seconds";
    SAML_ROLE_INFO: Gauge "probe_auth_saml_role_info" ["role", "want_authn_requests_signed", "authn_requests_signed", "want_assertions_signed"]
        "What the role of the entity says of signatures";
    SAML_ENDPOINT_INFO: Gauge "probe_auth_saml_endpoint_info" ["role", "binding"]
        "A binding of SingleSignOnService (idp) or AssertionConsumerService (sp)";
    SAML_SIGNING_CERTIFICATES: Gauge "probe_auth_saml_signing_certificates" ["state"]
        "Signing certificates of the role in the metadata: valid, expired or not_yet_valid";
    CERTIFICATE_NOT_AFTER: Gauge "probe_auth_certificate_not_after_timestamp_seconds" ["source", "name", "role", "use", "fingerprint_sha256"]
        "Expiry of the certificate in Unix seconds";
    CERTIFICATE_DAYS: Gauge "probe_auth_certificate_days_remaining" ["source", "name", "role", "use", "fingerprint_sha256"]
        "Days until the certificate expires, negative once it has";
    CREDENTIAL_EXPIRY: Gauge "probe_auth_credential_expiry_timestamp_seconds" ["credential"]
        "When the credential of the module ends in Unix seconds";
    CREDENTIAL_DAYS: Gauge "probe_auth_credential_days_remaining" ["credential"]
        "Days until the credential of the module ends, negative once it has";
    STATUS_PAGE: Gauge "probe_auth_status_page_success" []
        "1 when the status page of the provider could be read; it never fails the probe";
    PROVIDER_STATUS: Gauge "probe_auth_provider_status" ["indicator"]
        "1 for what the status page says: none, minor, major, critical, maintenance or unknown";
    RESULT_AGE: Gauge "probe_auth_result_age_seconds" []
        "Age of the result in seconds, 0 for a fresh run: of a result that is served again within min_interval the time since its run, of a login that waits after a rejected one the time since that";
    MIN_INTERVAL: Gauge "probe_auth_min_interval_seconds" []
        "For how long the module serves a result again, where it does";
    BUILD_INFO: Gauge "auth_exporter_build_info" ["version", "rustversion"]
        "The exporter that runs";
    CONFIG_RELOAD_OK: Gauge "auth_exporter_config_last_reload_successful" []
        "1 when the last load of the configuration succeeded, and that of --web.config.file";
    CONFIG_RELOAD_TIME: Gauge "auth_exporter_config_last_reload_success_timestamp_seconds" []
        "When a configuration was last loaded with success in Unix seconds";
    MODULE_UNKNOWN: Counter "auth_exporter_module_unknown" []
        "Probe requests for a module that the configuration does not have";
    TARGET_REFUSED: Counter "auth_exporter_target_refused" ["module"]
        "Probe requests for a target that the module may not be pointed at";
    PROBES_ABANDONED: Counter "auth_exporter_probes_abandoned" ["module"]
        "Probe requests whose scraper went away before they were answered";
    PROBES: Counter "auth_exporter_probes" ["module", "target", "result"]
        "Probes that ended, by result: success or failure";
    STEPS: Counter "auth_exporter_steps" ["module", "target", "step", "result"]
        "Steps that were reached, by result: success or failure";
    PROBE_FAILURES: Counter "auth_exporter_probe_failures" ["module", "target", "step", "reason"]
        "Failed steps by reason";
    JWT_VALIDATION_ERRORS: Counter "auth_exporter_jwt_validation_errors" ["module", "target", "check"]
        "Checks of tokens that failed";
    PROBE_DURATION: Histogram "auth_exporter_probe_duration_seconds" ["module"]
        "Duration of the probes in seconds";
    PROBES_IN_FLIGHT: Gauge "auth_exporter_probes_in_flight" []
        "Probes that run now";
    PROBES_WAITING: Gauge "auth_exporter_probes_waiting" []
        "Probes that wait until fewer run";
    PROBES_LIMIT: Gauge "auth_exporter_probes_in_flight_limit" []
        "Probes that run at once at most, as --probe.max-in-flight says; 0 without a limit";
    PROCESS_CPU: Counter "process_cpu_seconds" []
        "User and system CPU time of the process in seconds";
    PROCESS_OPEN_FDS: Gauge "process_open_fds" []
        "Open file descriptors";
    PROCESS_MAX_FDS: Gauge "process_max_fds" []
        "Limit of open file descriptors";
    PROCESS_VIRTUAL: Gauge "process_virtual_memory_bytes" []
        "Virtual memory in bytes";
    PROCESS_RESIDENT: Gauge "process_resident_memory_bytes" []
        "Resident memory in bytes";
    PROCESS_START: Gauge "process_start_time_seconds" []
        "When the process started in Unix seconds";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_counters_have_no_suffix() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for metric in CATALOGUE {
            assert!(!metric.name.ends_with("_total"), "{}", metric.name);
            assert!(!metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
