//! Certificates of targets.

use tempfile::TempDir;

use crate::authority::{Authority, issue_self_signed, write};
use crate::both::Program;
use crate::http::Answer;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Module, PLAIN};
use super::target::Target;

/// A target over TLS, and the certificate of its CA.
pub(super) struct Site {
    folder: TempDir,
    target: Target,
}

impl Site {
    /// One whose certificate is for 127.0.0.1 and valid until 2060.
    pub(super) fn new() -> Self {
        Self::until(2060)
    }

    /// One whose certificate is valid until this year begins.
    fn until(year: i32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("CA of targets");
        write(folder.path(), "ca.pem", &authority.issuer.pem());
        authority.issue(folder.path(), "server", year);
        let target = Target::start_tls(folder.path(), "server");
        Self { folder, target }
    }

    /// One whose certificate is for this name alone.
    fn called(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("CA of targets");
        write(folder.path(), "ca.pem", &authority.issuer.pem());
        authority.issue_for(folder.path(), "server", name, 2060);
        let target = Target::start_tls(folder.path(), "server");
        Self { folder, target }
    }

    /// One with a certificate that issued itself, which is all that there is to trust.
    fn self_signed() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        issue_self_signed(folder.path(), "server");
        std::fs::copy(folder.path().join("server.pem"), folder.path().join("ca.pem"))
            .expect("a file");
        let target = Target::start_tls(folder.path(), "server");
        Self { folder, target }
    }

    /// A probe with these TLS settings.
    fn probe(&self, program: Program, settings: &str) -> Answer {
        probe(program, &self.target.url("/"), settings)
    }

    /// The setting that trusts its CA.
    fn ca(&self) -> String {
        format!("ca_file: '{}'", self.folder.path().join("ca.pem").display())
    }

    /// A probe that trusts the CA.
    pub(super) fn trusted(&self, program: Program) -> Answer {
        self.probe(program, &self.ca())
    }
}

/// What a call over TLS shows. The beginning of 2060 is 2840140800.
const SEEN: [&str; 3] = ["probe_success", "probe_http_ssl", "probe_ssl_earliest_cert_expiry"];

/// A probe of this URL with these TLS settings.
fn probe(program: Program, url: &str, settings: &str) -> Answer {
    let http = format!("tls_config: {{{settings}}}");
    Module { http: &http, ..PLAIN }.probe(program, url)
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a certificate of a CA that is trusted",
        observe: |program| Site::new().trusted(program).values(&SEEN),
        expected: Same(
            "probe_success 1, probe_http_ssl 1, probe_ssl_earliest_cert_expiry 2840140800",
        ),
    },
    Row {
        name: "when its chain ends",
        observe: |program| {
            Site::new().trusted(program).values(&["probe_ssl_last_chain_expiry_timestamp_seconds"])
        },
        expected: Same("probe_ssl_last_chain_expiry_timestamp_seconds 2840140800"),
    },
    Row {
        name: "what is told of the certificate",
        observe: |program| {
            let site = Site::called("auth.example");
            let settings = format!("{}, server_name: auth.example", site.ca());
            let answer = site.probe(program, &settings);
            let mut told: Vec<String> = answer
                .labels("probe_ssl_last_chain_info")
                .iter()
                .map(|(name, value)| match name.as_str() {
                    "fingerprint_sha256" => format!("{name} of {} digits", value.len()),
                    _ => format!("{name} {value}"),
                })
                // Newer versions have this one, too.
                .filter(|told| !told.starts_with("serialnumber"))
                .collect();
            told.sort();
            told.join(", ")
        },
        expected: Same(
            "fingerprint_sha256 of 64 digits, issuer CN=CA of targets, subject CN=server, \
             subjectalternative auth.example",
        ),
    },
    Row {
        name: "an address in the certificate",
        observe: |program| {
            let labels = Site::new().trusted(program).labels("probe_ssl_last_chain_info");
            let names = labels.iter().find(|(name, _)| name == "subjectalternative");
            names.map_or("no label".to_owned(), |(name, value)| format!("{name}=\"{value}\""))
        },
        expected: Differs {
            blackbox: "subjectalternative=\"\"",
            ours: "subjectalternative=\"127.0.0.1\"",
            why: "addresses are alternative names as well",
        },
    },
    Row {
        name: "the version of TLS",
        observe: |program| {
            let labels = Site::new().trusted(program).labels("probe_tls_version_info");
            format!("{labels:?}")
        },
        expected: Same("[(\"version\", \"TLS 1.3\")]"),
    },
    Row {
        name: "a certificate of a CA that nobody knows",
        observe: |program| {
            let names = ["probe_success", "probe_http_status_code"];
            Site::new().probe(program, "").values(&names)
        },
        expected: Same("probe_success 0, probe_http_status_code 0"),
    },
    Row {
        name: "the expiry of a certificate that nobody trusts, and of one that has expired",
        observe: |program| {
            let name = "probe_ssl_earliest_cert_expiry";
            let untrusted = Site::new().probe(program, "").value(name);
            format!("{untrusted}, {}", Site::until(2020).trusted(program).value(name))
        },
        expected: Differs {
            blackbox: "-, -",
            ours: "2840140800, 1577836800",
            why: "an alert on the expiry must not go away on the day that it is about",
        },
    },
    Row {
        name: "such a certificate with `insecure_skip_verify`",
        observe: |program| Site::new().probe(program, "insecure_skip_verify: true").values(&SEEN),
        expected: Same(
            "probe_success 1, probe_http_ssl 1, probe_ssl_earliest_cert_expiry 2840140800",
        ),
    },
    Row {
        name: "a certificate that has expired",
        observe: |program| Site::until(2020).trusted(program).values(&["probe_success"]),
        expected: Same("probe_success 0"),
    },
    Row {
        name: "an expired certificate with `insecure_skip_verify`",
        observe: |program| {
            Site::until(2020).probe(program, "insecure_skip_verify: true").values(&SEEN)
        },
        expected: Same(
            "probe_success 1, probe_http_ssl 1, probe_ssl_earliest_cert_expiry 1577836800",
        ),
    },
    Row {
        name: "a certificate that issued itself, as `ca_file`",
        observe: |program| Site::self_signed().trusted(program).values(&SEEN),
        expected: Same(
            "probe_success 1, probe_http_ssl 1, probe_ssl_earliest_cert_expiry 2840140800",
        ),
    },
    Row {
        name: "a certificate for another name",
        observe: |program| Site::called("auth.example").trusted(program).values(&["probe_success"]),
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a certificate for the name in `server_name`",
        observe: |program| {
            let site = Site::called("auth.example");
            let settings = format!("{}, server_name: auth.example", site.ca());
            site.probe(program, &settings).values(&["probe_success"])
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "an address in `server_name`",
        observe: |program| {
            let http = "tls_config: {server_name: 192.0.2.1}";
            super::configuration::checked(program, Module { http, ..PLAIN }, &["server_name"])
        },
        expected: Differs {
            blackbox: "fine",
            ours: "refused, naming server_name",
            why: "it is sent in the handshake, where only names go (RFC 6066 §3)",
        },
    },
    Row {
        name: "TLS settings and a target without TLS",
        observe: |program| {
            let (site, target) = (Site::new(), Target::start());
            probe(program, &target.url("/"), &site.ca()).values(&["probe_success"])
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "https where HTTP is spoken",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/").replace("http:", "https:");
            PLAIN.probe(program, &url).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 0, probe_http_status_code 0"),
    },
    Row {
        name: "HTTP where https is spoken",
        observe: |program| {
            let url = Site::new().target.url("/").replace("https:", "http:");
            PLAIN.probe(program, &url).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 0, probe_http_status_code 0"),
    },
    Row {
        name: "a `ca_file` that there is not",
        observe: |program| {
            let settings = "tls_config: {ca_file: /nowhere/ca.pem}";
            super::configuration::checked(
                program,
                Module { http: settings, ..PLAIN },
                &["/nowhere"],
            )
        },
        expected: Differs {
            blackbox: "fine",
            ours: "refused, naming /nowhere",
            why: "what is wrong is wrong at load, and not at night",
        },
    },
];
