//! A configuration that is wrong is refused without repeating its secrets.

use std::collections::BTreeMap;

use super::needle::found;
use super::planted::core;
use crate::program::{Program, run};

/// Modules that are wrong. `CANARY` is a secret, in its own place or in a wrong one; the
/// variable CANARY holds it, too.
const BAD: &[&str] = &[
    // A secret of another type.
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret: [CANARY]}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret: {CANARY: x}}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret: {file: x, other: CANARY}}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: CANARY}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: CANARY",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, params: CANARY}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, params: [CANARY]}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, headers: CANARY}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, headers: {X-A: [CANARY]}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: CANARY, oauth_cc: {client: {id: x, auth: none}}",
    // A secret that is not wanted, missing its field, or given twice.
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none, secret: CANARY}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secrt: CANARY}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: CANARY}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret: CANARY, secret: CANARY}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret: CANARY, secret_file: /nothing}}",
    "prober: oauth_cc, oauth_cc: {client: {id: x, secret: CANARY}}",
    "prober: oauth_cc, targets: ['http://a.example'], oauth_cc: {client: {id: x, secret: CANARY}}",
    "prober: CANARY",
    // Secrets that cannot be sent.
    "prober: oauth_cc, targets: ['https://a.example'], http: {headers: {'bad name': CANARY}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {headers: {X-A: \"CANARY\\n\"}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, params: {client_secret: CANARY}}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: 'CANARY;', in: cookie, name: k}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: \"CANARY\\n\", in: bearer}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: CANARY, in: header}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: CANARY, in: CANARY}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: CANARY, in: bearer, must_refuse: [CANARY]}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: CANARY, in: bearer, request: {method: 'CANARY '}}",
    // Userinfo, where none may be.
    "prober: oauth_cc, targets: ['https://u:CANARY@a.example'], oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, allowed_targets: ['https://u:CANARY@a.example/*'], oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}, discovery: 'https://u:CANARY@a.example'}",
    "prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}, endpoints: {token: 'https://u:CANARY@a.example/t'}}",
    "prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}, call_api: {url: 'https://u:CANARY@a.example/t'}}",
    "prober: oauth_cc, http: {allowed_origins: ['https://u:CANARY@a.example']}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, http: {proxy_url: 'ftp://u:CANARY@a.example'}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {proxy_url: 'http://u:CANARY@a.example/path'}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {proxy_url: 'http://u:CANARY@'}, oauth_cc: {client: {id: x, auth: none}}",
    // Variables where they make no sense.
    "prober: oauth_cc, targets: ['https://a.example'], timeout: '${CANARY}', oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], thresholds: {token: '${CANARY}'}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {body_size_limit: '${CANARY}'}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {user_agent: \"${CANARY}\\n\"}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {allowed_origins: ['${CANARY}']}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {tls_config: {ca_file: '/${CANARY}'}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {tls_config: {server_name: '${CANARY}/'}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {tls_config: {min_version: '${CANARY}'}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {tls_config: {cert_file: '/${CANARY}', key_file: '/${CANARY}'}}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], http: {proxy_url: '${CANARY}'}, oauth_cc: {client: {id: x, auth: none}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, secret_file: '/${CANARY}'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: private_key_jwt, key_file: '/${CANARY}'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: client_secret_jwt, secret: y, alg: '${CANARY}'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none, expires_at: '${CANARY}'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, resource: '${CANARY}'}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, discovery: '${CANARY}'}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, endpoints: {token: 'ftp://${CANARY}'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, endpoints: {token: 'https://${CANARY} x'}}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, introspect: '${CANARY}'}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, assertions: [{type: '${CANARY}'}]}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, assertions: [{type: header, path: x, operator: matches, value: '(${CANARY}'}]}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, assertions: [{type: json_body, path: '${CANARY}', operator: exists}]}",
    "prober: oauth_cc, targets: ['https://a.example'], oauth_cc: {client: {id: x, auth: none}, assertions: [{type: status_code, value: '${CANARY}'}]}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: y, name: ' ${CANARY}'}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: y, in: bearer, key_info: {url: /x, expiry: {path: '${CANARY}'}}}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: y, in: bearer, key_info: {url: /x, expiry: {header: ' ${CANARY}'}}}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: y, in: bearer, refuse_status: ['${CANARY}'], must_refuse: [no_key]}",
    // Broken YAML.
    "prober: apikey, targets: ['https://a.example'], apikey: {key: \"CANARY",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: 'CANARY' 'x'}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: \"CANARY\\q\"}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: *CANARY}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: !CANARY x}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: '${CANARY'}",
    "prober: apikey, targets: ['https://a.example'], apikey: {key: '${not CANARY}'}",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_configuration_keeps_its_secrets() {
    let secret = core("badconfig");
    let variables = BTreeMap::from([("CANARY", secret.clone())]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(
        &file,
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}",
    )
    .unwrap();
    let program =
        Program::start(&file, &["--log.level", "debug", "--log.prober", "debug"], &variables).await;
    let mut wrong = Vec::new();
    for bad in BAD {
        // The name of the variable itself is no secret.
        let module = bad.replace("${CANARY", "${\u{0}").replace("CANARY", &secret);
        let module = module.replace('\u{0}', "CANARY");
        std::fs::write(&file, format!("modules:\n  m: {{{module}}}\n")).unwrap();
        let answer = program.send("POST", "/-/reload", &[]).await;
        if answer.status != 500 {
            wrong.push(format!("{} for {bad}", answer.status));
        }
        wrong.extend(
            found(&secret, &answer.text()).map(|how| format!("{how}: {bad}\n  {}", answer.text())),
        );
    }
    let checked = run(&["--config.check", "--config.file", file.to_str().unwrap()], &variables);
    assert_eq!(checked.status.code(), Some(2));
    let log = program.log();
    assert!(log.matches("the new configuration is bad").count() >= BAD.len(), "{log}");
    wrong.extend(found(&secret, &log).map(|how| format!("{how} in the log")));
    wrong.extend(found(&secret, &String::from_utf8(checked.stderr).unwrap()).map(str::to_owned));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
