//! What is called, and what is expected of the answer: the `http` prober of `blackbox_exporter`
//! beside `apikey` and `oauth_cc`.

use crate::both::Program;
use crate::http::Answer;

use super::Expected::{Differs, Same};
use super::Row;
use super::exporter::{Exporter, KEY, Module, PLAIN};
use super::target::Target;

/// A call of this path, and whether it was a success.
fn call(program: Program, path: &str, module: Module<'_>) -> Answer {
    let target = Target::start();
    module.probe(program, &target.url(path))
}

fn success(program: Program, path: &str, module: Module<'_>) -> String {
    call(program, path, module).values(&["probe_success"])
}

/// What was asked of the target, and whether it was a success.
fn asked(program: Program, path: &str, module: Module<'_>) -> String {
    let target = Target::start();
    let answer = module.probe(program, &target.url(path));
    format!("{}: {}", target.requests(), answer.values(&["probe_success", "probe_http_redirects"]))
}

/// A program that gets a token there and calls an API with it, and its target.
pub(super) fn with_token(
    program: Program,
    token: &str,
    api: &str,
    flags: &[&str],
) -> (Exporter, String) {
    let client = "client_id: monitor, client_secret: secret-0123456789";
    let (configuration, target) = match program {
        Program::AuthExporter => (
            format!(
                "modules: {{m: {{prober: oauth_cc, targets: ['{token}'], oauth_cc: {{discovery: false, \
                 client: {{id: monitor, secret: secret-0123456789}}, call_api: {{url: '{api}'}}}}}}}}"
            ),
            token,
        ),
        Program::BlackboxExporter => (
            format!(
                "modules: {{m: {{prober: http, http: {{oauth2: {{{client}, token_url: '{token}'}}}}}}}}"
            ),
            api,
        ),
    };
    (Exporter::start(program, &configuration, flags), target.to_owned())
}

/// A program that sends the key so.
fn with_key(program: Program, ours: &str, blackbox: &str) -> String {
    let target = Target::start();
    let url = target.url("/");
    let configuration = match program {
        Program::AuthExporter => {
            format!("modules: {{m: {{prober: apikey, targets: ['{url}'], apikey: {{{ours}}}}}}}")
        }
        Program::BlackboxExporter => {
            format!("modules: {{m: {{prober: http, http: {{{blackbox}}}}}}}")
        }
    };
    Exporter::start(program, &configuration, &[]).probe(&url);
    target.first().header("authorization")
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "the key in a header",
        observe: |program| {
            let target = Target::start();
            let answer = PLAIN.probe(program, &target.url("/"));
            let sent = target.first().header("x-api-key") == KEY;
            format!("sent {sent}, {}", answer.values(&["probe_success"]))
        },
        expected: Same("sent true, probe_success 1"),
    },
    Row {
        name: "a bearer token",
        observe: |program| {
            let (ours, blackbox) = ("key: abcdefghij, in: bearer", "bearer_token: abcdefghij");
            with_key(program, ours, blackbox)
        },
        expected: Same("Bearer abcdefghij"),
    },
    Row {
        name: "a user and a password",
        observe: |program| {
            with_key(
                program,
                "key: password-1, in: basic, name: user",
                "basic_auth: {username: user, password: password-1}",
            )
        },
        expected: Same("Basic dXNlcjpwYXNzd29yZC0x"),
    },
    Row {
        name: "a token in a file that is replaced",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/");
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("token");
            std::fs::write(&file, "token-number-1").expect("a file");
            let configuration = match program {
                Program::AuthExporter => format!(
                    "modules: {{m: {{prober: apikey, targets: ['{url}'], apikey: {{key_file: {}, in: bearer}}}}}}",
                    file.display()
                ),
                Program::BlackboxExporter => format!(
                    "modules: {{m: {{prober: http, http: {{bearer_token_file: {}}}}}}}",
                    file.display()
                ),
            };
            let exporter = Exporter::start(program, &configuration, &[]);
            exporter.probe(&url);
            std::fs::write(&file, "token-number-2").expect("a file");
            exporter.probe(&url);
            let sent = target.seen();
            let sent: Vec<String> = sent.iter().map(|seen| seen.header("authorization")).collect();
            sent.join(", ")
        },
        expected: Same("Bearer token-number-1, Bearer token-number-2"),
    },
    Row {
        name: "a method, a header and a body",
        observe: |program| {
            let target = Target::start();
            let request = "method: POST, headers: {Content-Type: text/x-mine}, body: 'a=b'";
            let module = Module {
                auth_exporter: &format!("request: {{{request}}}"),
                blackbox_exporter: "method: POST, body: 'a=b'",
                ..PLAIN
            };
            // A block of YAML has one `headers`.
            let url = target.url("/");
            let configuration = module.configuration(program, &url).replace(
                &format!("headers: {{X-API-Key: {KEY}}}"),
                &format!("headers: {{X-API-Key: {KEY}, Content-Type: text/x-mine}}"),
            );
            let exporter = Exporter::start(program, &configuration, &[]);
            let verdict = exporter.probe(&url).values(&["probe_success"]);
            let seen = target.first();
            format!("{} {} {}, {verdict}", seen.request, seen.header("content-type"), seen.body)
        },
        expected: Same("POST / text/x-mine a=b, probe_success 1"),
    },
    Row {
        name: "the `User-Agent`",
        observe: |program| {
            let target = Target::start();
            PLAIN.probe(program, &target.url("/"));
            let agent = target.first().header("user-agent");
            agent.split('/').next().unwrap_or_default().to_owned()
        },
        expected: Differs {
            blackbox: "Blackbox Exporter",
            ours: "auth_exporter",
            why: "`user_agent` changes it",
        },
    },
    Row {
        name: "a 404",
        observe: |program| {
            call(program, "/status/404", PLAIN).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 0, probe_http_status_code 404"),
    },
    Row {
        name: "a 503",
        observe: |program| {
            call(program, "/status/503", PLAIN).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 0, probe_http_status_code 503"),
    },
    Row {
        name: "a 204",
        observe: |program| {
            call(program, "/status/204", PLAIN).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 1, probe_http_status_code 204"),
    },
    Row {
        name: "a 404 that is expected",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: status_code, value: 404}]",
                blackbox_exporter: "valid_status_codes: [404]",
                ..PLAIN
            };
            success(program, "/status/404", module)
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "a 200 where a 404 is expected",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: status_code, value: 404}]",
                blackbox_exporter: "valid_status_codes: [404]",
                ..PLAIN
            };
            success(program, "/", module)
        },
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a body that matches",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: response_matches, value: '^let.in$'}]",
                blackbox_exporter: "fail_if_body_not_matches_regexp: ['^let.in$']",
                ..PLAIN
            };
            success(program, "/", module)
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "a body that does not match",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: response_matches, value: '^out'}]",
                blackbox_exporter: "fail_if_body_not_matches_regexp: ['^out']",
                ..PLAIN
            };
            call(program, "/", module).values(&["probe_success", "probe_http_status_code"])
        },
        expected: Same("probe_success 0, probe_http_status_code 200"),
    },
    Row {
        name: "a body that must not match",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: response_matches, operator: not_equals, value: 'LET|let'}]",
                blackbox_exporter: "fail_if_body_matches_regexp: ['LET|let']",
                ..PLAIN
            };
            success(program, "/", module)
        },
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a header that matches",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: header, path: X-Checked, operator: matches, value: '^y'}]",
                blackbox_exporter: "fail_if_header_not_matches: [{header: X-Checked, regexp: '^y'}]",
                ..PLAIN
            };
            success(program, "/", module)
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "a header that is not there",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: header, path: X-Other, operator: matches, value: '^y'}]",
                blackbox_exporter: "fail_if_header_not_matches: [{header: X-Other, regexp: '^y'}]",
                ..PLAIN
            };
            success(program, "/", module)
        },
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a redirect",
        observe: |program| asked(program, "/redirect/1", PLAIN),
        expected: Same("GET /redirect/1, GET /redirect/0: probe_success 1, probe_http_redirects 1"),
    },
    Row {
        name: "the status after three redirects",
        observe: |program| {
            call(program, "/redirect/3", PLAIN)
                .values(&["probe_http_status_code", "probe_http_redirects"])
        },
        expected: Same("probe_http_status_code 200, probe_http_redirects 3"),
    },
    Row {
        name: "ten redirects",
        observe: |program| success(program, "/redirect/10", PLAIN),
        expected: Same("probe_success 1"),
    },
    Row {
        name: "redirects without an end",
        observe: |program| {
            let target = Target::start();
            let answer = PLAIN.probe(program, &target.url("/loop"));
            format!("{} requests, {}", target.seen().len(), answer.values(&["probe_success"]))
        },
        expected: Same("11 requests, probe_success 0"),
    },
    Row {
        name: "a redirect to another origin",
        observe: |program| {
            let other = Target::start();
            let target = Target::start();
            let answer = PLAIN.probe(program, &target.url(&format!("/to?{}", other.url("/"))));
            let key = other.seen().first().map(|seen| seen.header("x-api-key") == KEY);
            let key = key.map_or("nothing is sent there", |sent| {
                if sent { "the key is sent there" } else { "no key is sent there" }
            });
            format!("{}, {key}", answer.values(&["probe_success"]))
        },
        expected: Differs {
            blackbox: "probe_success 1, the key is sent there",
            ours: "probe_success 0, nothing is sent there",
            why: "a credential stays at the origin that it is for",
        },
    },
    Row {
        name: "a cookie that is set with a redirect",
        observe: |program| {
            let target = Target::start();
            let answer = PLAIN.probe(program, &target.url("/cookie"));
            let cookie = target.seen().last().map(|seen| seen.header("cookie"));
            format!(
                "{}, Cookie {}",
                answer.values(&["probe_success"]),
                cookie.as_deref().unwrap_or("-")
            )
        },
        expected: Differs {
            blackbox: "probe_success 1, Cookie a=b",
            ours: "probe_success 1, Cookie -",
            why: "a call is let in by its credential alone; logins keep their cookies",
        },
    },
    Row {
        name: "a body above `body_size_limit`",
        observe: |program| {
            let module = Module { http: "body_size_limit: 10B", ..PLAIN };
            success(program, "/bytes/11", module)
        },
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a body within `body_size_limit`",
        observe: |program| {
            let module = Module { http: "body_size_limit: 1KB", ..PLAIN };
            success(program, "/bytes/1000", module)
        },
        expected: Same("probe_success 1"),
    },
    Row {
        name: "a body in gzip",
        observe: |program| {
            let module = Module {
                auth_exporter: "assertions: [{type: response_contains, value: let in}]",
                blackbox_exporter: "compression: gzip, fail_if_body_not_matches_regexp: [let in]",
                ..PLAIN
            };
            call(program, "/gzip", module)
                .values(&["probe_success", "probe_http_uncompressed_body_length"])
        },
        expected: Same("probe_success 1, probe_http_uncompressed_body_length 6"),
    },
    Row {
        name: "a proxy",
        observe: |program| {
            let proxy = Target::start();
            // A key over plain HTTP is not for everybody on the way.
            let plain = match program {
                Program::AuthExporter => ", allow_plain_http: true",
                Program::BlackboxExporter => "",
            };
            let http = format!("proxy_url: '{}'{plain}", proxy.origin);
            let answer =
                Module { http: &http, ..PLAIN }.probe(program, "http://127.0.0.1:1/somewhere");
            format!("{}, {}", proxy.requests(), answer.values(&["probe_success"]))
        },
        expected: Same("GET http://127.0.0.1:1/somewhere, probe_success 1"),
    },
    Row {
        name: "an IPv4 address where `ip6` is preferred",
        observe: |program| {
            let http = "preferred_ip_protocol: ip6, ip_protocol_fallback: true";
            let answer = call(program, "/", Module { http, ..PLAIN });
            answer.values(&["probe_success", "probe_ip_protocol"])
        },
        expected: Same("probe_success 1, probe_ip_protocol 4"),
    },
    Row {
        name: "an IPv4 address where `ip6` is a must",
        observe: |program| {
            let http = "preferred_ip_protocol: ip6, ip_protocol_fallback: false";
            success(program, "/", Module { http, ..PLAIN })
        },
        expected: Same("probe_success 0"),
    },
    Row {
        name: "a name where `ip4` is a must",
        observe: |program| {
            let target = Target::start();
            let url = target.url("/").replace("127.0.0.1", "localhost");
            let http = "preferred_ip_protocol: ip4, ip_protocol_fallback: false";
            let answer = Module { http, ..PLAIN }.probe(program, &url);
            format!(
                "{}, Host {}",
                answer.values(&["probe_success", "probe_ip_protocol"]),
                target.first().header("host").split(':').next().unwrap_or_default()
            )
        },
        expected: Same("probe_success 1, probe_ip_protocol 4, Host localhost"),
    },
    Row {
        name: "a token of OAuth 2 that is used",
        observe: |program| {
            let target = Target::start();
            let (exporter, probed) =
                with_token(program, &target.url("/token"), &target.url("/api"), &[]);
            let answer = exporter.probe(&probed);
            let bearer = target.seen().last().map(|seen| seen.header("authorization"));
            format!(
                "{}, {}, {}",
                target.requests(),
                bearer.as_deref().unwrap_or("-"),
                answer.values(&["probe_success"])
            )
        },
        expected: Same("POST /token, GET /api, Bearer t-0123456789, probe_success 1"),
    },
    Row {
        name: "a token of OAuth 2 that is refused",
        observe: |program| {
            let target = Target::start();
            let (exporter, probed) =
                with_token(program, &target.url("/token-refused"), &target.url("/api"), &[]);
            let answer = exporter.probe(&probed);
            format!("{}, {}", target.requests(), answer.values(&["probe_success"]))
        },
        expected: Differs {
            blackbox: "POST /token-refused, POST /token-refused, probe_success 0",
            ours: "POST /token-refused, probe_success 0",
            why: "one wrong login a probe, so that no account is locked",
        },
    },
    Row {
        name: "the status of a refused token",
        observe: |program| {
            let target = Target::start();
            let (exporter, probed) =
                with_token(program, &target.url("/token-refused"), &target.url("/api"), &[]);
            exporter.probe(&probed).values(&["probe_http_status_code"])
        },
        expected: Differs {
            blackbox: "probe_http_status_code 0",
            ours: "probe_http_status_code 401",
            why: "refused is not the same as unreachable; `probe_auth_failure_info` has the reason",
        },
    },
];
