//! Secrets planted in every secret field, repeated by the provider in every way that it has,
//! are in no output of the exporter, however encoded.

mod bad_configurations;
mod later;
mod needle;
mod planted;
mod short;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use needle::{Haystack, found};
use planted::{Planted, TOTP_SECRET, canary, core, planted, variables};

use crate::program::{Program, run};
use crate::provider::{Credentials, Fault, Mark, Provider};
use crate::scrape::probe_path;

/// Under these the `probe` subcommand is run as well.
const TERMINAL_FAULTS: [Fault; 3] =
    [Fault::TokenDescriptionEchoesSecret, Fault::KeyEchoesSecrets, Fault::CallbackEchoesSecrets];

/// After these the next login waits, unless the exporter is started anew.
const PAUSING_FAULTS: [Fault; 2] = [Fault::LoginEchoesSecrets, Fault::LoginRedirectEchoesSecrets];

/// An output of the exporter, and what it is called.
type Output = (String, String);

/// A program for each format of the log.
struct Programs {
    logfmt: Program,
    json: Program,
}

impl Programs {
    async fn start(file: &Path) -> Self {
        let flags =
            |format| ["--log.level", "debug", "--log.prober", "debug", "--log.format", format];
        let (logfmt, json) = (flags("logfmt"), flags("json"));
        let variables = variables();
        let (logfmt, json) = tokio::join!(
            Program::start(file, &logfmt, &variables),
            Program::start(file, &json, &variables)
        );
        Self { logfmt, json }
    }

    /// What they tell about themselves.
    async fn whole(&self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (format, program) in [("logfmt", &self.logfmt), ("json", &self.json)] {
            let told = whole(program).await;
            outputs
                .extend(told.into_iter().map(|(name, text)| (format!("{name} ({format})"), text)));
        }
        outputs
    }
}

/// What running exporters tell about a module.
async fn pages(programs: &mut Programs, path: &str, file: &Path, pausing: bool) -> Vec<Output> {
    let openmetrics = "accept: application/openmetrics-text;version=1.0.0";
    let debug = format!("{path}&debug=true");
    let mut outputs = Vec::new();
    for (name, path, headers) in [
        ("classic", path, &[][..]),
        ("OpenMetrics", path, &[openmetrics]),
        ("debug page", &debug, &[]),
    ] {
        // Of the other program only the log is looked at.
        let (answer, _) =
            tokio::join!(programs.logfmt.send("GET", path, headers), programs.json.get(path));
        outputs.push((name.to_owned(), answer.text()));
        if pausing || name == "debug page" {
            outputs.push(story(&programs.logfmt, path).await);
        }
        if pausing {
            outputs.extend(programs.whole().await);
            *programs = Programs::start(file).await;
        }
    }
    outputs
}

/// The story of the last probe of this path, without the style that all pages have.
async fn story(program: &Program, path: &str) -> Output {
    let probe = path.replace("/probe?", "/logs?").replace("&debug=true", "");
    let answer = program.get(&probe).await;
    assert_eq!(answer.status, 200, "{probe}");
    let page = answer.text();
    let (_, body) = page.split_once("<body>").unwrap();
    assert!(body.contains("<ol class=\"story\">"), "{body}");
    ("story".to_owned(), body.to_owned())
}

/// What the `probe` subcommand tells about a module.
fn terminal(file: &Path, module: &str, target: &str) -> Vec<Output> {
    let file = file.to_str().unwrap();
    let arguments = ["probe", module, target, "--config.file", file, "--log.level", "debug"];
    let output = run(&arguments, &variables());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    vec![
        ("terminal".to_owned(), text(output.stdout)),
        ("log of the terminal".to_owned(), text(output.stderr)),
    ]
}

/// What is told about the exporter as a whole.
async fn whole(program: &Program) -> Vec<Output> {
    let mut outputs = vec![("log".to_owned(), program.log())];
    for path in ["/", "/config", "/sd", "/metrics"] {
        let answer = program.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        outputs.push((path.to_owned(), answer.text()));
    }
    outputs
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_secret() {
    let credentials = Credentials {
        client_secret: canary("client"),
        api_key: canary("key"),
        password: canary("password"),
        totp_secret: TOTP_SECRET.to_owned(),
        totp_period: 1,
    };
    let provider = Provider::start_with(credentials, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let all = planted(folder.path(), provider.other_url());
    let configuration = all.iter().fold("modules:\n".to_owned(), |text, planted| {
        let Planted { name, module, path, .. } = planted;
        format!("{text}  {name}: {{targets: ['{}{path}'], {module}}}\n", provider.url())
    });
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration).unwrap();
    let mut programs = Programs::start(&file).await;

    let mut outputs = Vec::new();
    let mut wrong = Vec::new();
    for planted in &all {
        let target = format!("{}{}", provider.url(), planted.path);
        let path = probe_path(planted.name, &target);
        let before = provider.seen().len();
        for fault in planted.faults.iter().copied().map(Some).chain([None]) {
            fault.inspect(|fault| provider.switch_on(*fault));
            let pausing = fault.is_some_and(|fault| PAUSING_FAULTS.contains(&fault));
            let mut told = pages(&mut programs, &path, &file, pausing).await;
            if fault.is_some_and(|fault| TERMINAL_FAULTS.contains(&fault)) {
                told.extend(terminal(&file, planted.name, &target));
            }
            fault.inspect(|fault| provider.switch_off(*fault));
            let fault = fault.map_or("no fault", Fault::name);
            outputs.extend(told.into_iter().map(|(output, text)| {
                (format!("{output} of {} with {fault}", planted.name), text)
            }));
        }
        let seen = provider.seen().split_off(before);
        let holds = |secret: &String| secret.contains(&planted.core);
        if seen.iter().any(|seen| seen.secrets.iter().any(holds)) != planted.is_sent {
            wrong.push(format!("{}: sent {}", planted.name, !planted.is_sent));
        }
    }
    outputs.extend(programs.whole().await);
    for format in ["logfmt", "json"] {
        let name = format!("log ({format})");
        let log =
            |(output, text): &Output| output.contains(&name) && text.contains("issuer_mismatch");
        assert!(outputs.iter().any(log), "the {format} log has no story");
    }

    let hidden = outputs.iter().filter(|(_, text)| text.contains("<secret>")).count();
    assert!(hidden > all.len(), "only {hidden} outputs hide something");
    let mut cores: Vec<&str> = all.iter().map(|planted| planted.core.as_str()).collect();
    cores.sort_unstable();
    cores.dedup();
    // What the provider gives away is secret, too. Every token begins like this, and the rest has
    // its mark.
    cores.push("eyJhbGciOiJ");
    let all_seen = provider.seen();
    let sends = |mark: &str| {
        all_seen.iter().any(|seen| seen.secrets.iter().any(|secret| secret.contains(mark)))
    };
    for mark in Mark::SECRET {
        assert!(sends(mark.text()), "{mark:?} was never sent back");
        cores.push(mark.text());
    }
    assert!(all_seen.iter().any(|seen| seen.line == "POST /login/code"), "no one-time code");
    let mut known = BTreeSet::new();
    for (output, text) in &outputs {
        // Most lines are in many outputs, and no secret is longer than a line.
        let new: Vec<&str> = text.lines().filter(|line| known.insert(*line)).collect();
        let text = Haystack::new(&new.join("\n"));
        for core in &cores {
            wrong.extend(text.found(core).map(|how| format!("{output}: {core}, {how}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A credential in the target is refused without being repeated.
#[tokio::test(flavor = "multi_thread")]
async fn userinfo_in_a_target_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(
        &file,
        "modules: {m: {prober: oauth_cc, oauth_cc: {client: {id: x, auth: none}}}}",
    )
    .unwrap();
    let program =
        Program::start(&file, &["--log.level", "debug", "--log.prober", "debug"], &BTreeMap::new())
            .await;
    let secret = core("userinfo");
    for target in
        [format!("https://{secret}@127.0.0.1:1"), format!("https://u:{secret}@127.0.0.1:1/x")]
    {
        let answer = program.get(&probe_path("m", &target)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(found(&secret, &answer.text()), None);
        let terminal = run(
            &["probe", "m", &target, "--config.file", file.to_str().unwrap()],
            &BTreeMap::new(),
        );
        assert_eq!(found(&secret, &String::from_utf8(terminal.stderr).unwrap()), None);
    }
    assert_eq!(found(&secret, &program.log()), None);
}
