//! The run: loops that scrape like Prometheus, somebody who switches faults, somebody who looks
//! at the exporter.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::exporter::{Exporter, computed, waited};
use crate::faults::{Switch, switch};
use crate::judge::{Judge, Verdict};
use crate::modules::{configuration, target};
use crate::needle::Haystack;
use crate::provider::{Credentials, Mark, Provider};
use crate::report::{Report, Sample};
use crate::scrape::{self, probe_path};

/// How long each loop waits from one scrape to the next, and for an answer at most. The slowest
/// answer that is a success takes 2.5 s.
pub(crate) const INTERVAL: Duration = Duration::from_secs(4);
/// What may pass beyond the scrape timeout before an answer is late.
pub(crate) const SLACK: Duration = Duration::from_millis(500);
/// How often it is looked at whether the programs get to run.
const NAP: Duration = Duration::from_millis(250);
/// Where the threads of one waited longer for a core in that time, the machine is too busy with
/// others to judge what ran out of time.
const STARVED: Duration = Duration::from_millis(125);
/// How often the exporter is looked at.
const LOOKED_AT: Duration = Duration::from_secs(2);

/// How much, how long, in which order.
pub(crate) struct Plan {
    pub(crate) lasting: Duration,
    /// Probes per second in all.
    pub(crate) rate: f64,
    pub(crate) seed: u64,
    /// How often a line says how it stands.
    pub(crate) told_every: Option<Duration>,
}

/// Each module, and for how many of twenty loops it stands. Of those that log in there is one:
/// simultaneous ones would share a run.
const SHARES: [(&str, usize); 10] = [
    ("flow", 4),
    ("asserted", 3),
    ("jwt", 3),
    ("key", 4),
    ("watched", 2),
    ("saml", 2),
    ("pinned", 2),
    ("login", 0),
    ("pushed", 0),
    ("sign_on", 0),
];

/// What the loops share.
struct Run {
    provider: Provider,
    exporter: Exporter,
    switch: Switch,
    secrets: Vec<String>,
    judge: Mutex<Judge>,
    report: Mutex<Report>,
    /// When sleepers woke up late.
    starved: Mutex<Vec<Instant>>,
    ends: Instant,
}

/// Probes as planned and tells what was seen.
pub(crate) async fn run(program: &Path, plan: &Plan) -> Report {
    let word = |what: &str| {
        format!("soak{what}{}", Credentials::random().password.replace(['-', '_'], "x"))
    };
    let credentials = Credentials {
        client_secret: word("client"),
        api_key: word("key"),
        password: word("password"),
        ..Credentials::random()
    };
    let mut secrets = vec![
        credentials.client_secret.clone(),
        credentials.api_key.clone(),
        credentials.password.clone(),
    ];
    // What the provider gives away is secret, too.
    secrets.push("eyJhbGciOiJ".to_owned());
    secrets.extend(Mark::SECRET.map(|mark| mark.text().to_owned()));

    let provider = Provider::start_with(credentials, ([127, 0, 0, 1], 0).into())
        .await
        .expect("loopback has free ports");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration(&provider)).expect("a file");
    let exporter = Exporter::start(program, &file, &[]);
    let at_start = exporter.held();
    let run = Arc::new(Run {
        provider,
        exporter,
        switch: Switch::new(),
        secrets,
        judge: Mutex::default(),
        report: Mutex::new(Report::new(
            plan.lasting,
            plan.seed,
            plan.told_every.is_some(),
            at_start,
        )),
        starved: Mutex::default(),
        ends: Instant::now() + plan.lasting,
    });

    let mut beside = JoinSet::new();
    beside.spawn({
        let (run, seed) = (run.clone(), plan.seed);
        async move { switch(&run.switch, &run.provider, seed, INTERVAL).await }
    });
    beside.spawn({
        let run = run.clone();
        async move { run.watch_the_clock().await }
    });
    beside.spawn({
        let (run, told_every) = (run.clone(), plan.told_every);
        async move { run.look(told_every).await }
    });
    let mut loops = JoinSet::new();
    let modules = modules(plan.rate);
    let count = modules.len();
    for (number, module) in modules.into_iter().enumerate() {
        let run = run.clone();
        // Spread over the interval.
        let first = INTERVAL.mul_f64(number as f64 / count as f64);
        loops.spawn(async move { run.scrape(module, first).await });
    }
    while let Some(ended) = loops.join_next().await {
        ended.expect("a loop that ends by itself");
    }
    beside.shutdown().await;
    let Ok(run) = Arc::try_unwrap(run) else { panic!("everybody has ended") };
    run.end().await
}

/// The module of each loop.
fn modules(rate: f64) -> Vec<&'static str> {
    let loops = (rate * INTERVAL.as_secs_f64()).max(20.0);
    let mut modules = Vec::new();
    for (module, share) in SHARES {
        let count = (loops * share as f64 / 20.0).round().max(1.0);
        modules.extend(std::iter::repeat_n(module, count as usize));
    }
    // Beside one another they would all be asked at the same moment.
    let (mut shuffled, mut next) = (Vec::new(), 0);
    while !modules.is_empty() {
        next = (next + 7) % modules.len();
        shuffled.push(modules.swap_remove(next));
    }
    shuffled
}

impl Run {
    /// One loop: an interval between two scrapes, and the timeout of each is the interval.
    async fn scrape(&self, module: &'static str, first: Duration) {
        let path = probe_path(module, &target(&self.provider, module));
        let header = format!("x-prometheus-scrape-timeout-seconds: {}", INTERVAL.as_secs_f64());
        let mut clock = tokio::time::interval_at((Instant::now() + first).into(), INTERVAL);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        for number in 0_u64.. {
            clock.tick().await;
            if Instant::now() >= self.ends {
                return;
            }
            // Now and then somebody looks at the story, too.
            let debug = number % 50 == 49;
            let path = if debug { format!("{path}&debug=true") } else { path.clone() };
            self.probe(module, &path, &header, debug).await;
        }
    }

    async fn probe(&self, module: &'static str, path: &str, header: &str, debug: bool) {
        let before = self.switch.now();
        let began = Instant::now();
        let headers = [header];
        let sent = scrape::send(self.exporter.address, "GET", path, &headers);
        let answer = tokio::time::timeout(INTERVAL + Duration::from_secs(10), sent).await;
        let took = began.elapsed();
        let steady = self.switch.now() == before;
        let path = path.to_owned();
        let answer = match answer {
            Ok(Ok(answer)) if answer.status == 200 => answer,
            Ok(Ok(answer)) => {
                return self.report().broken(format!("{path}: status {}", answer.status));
            }
            Ok(Err(error)) => return self.report().broken(format!("{path}: {error}")),
            Err(_) => return self.report().hang(format!("{path}: no answer in {took:?}")),
        };
        let leaks = self.leaks(&path, &answer.text());
        self.report().leaks(&leaks);
        if debug {
            self.report().debug_pages += 1;
            return;
        }
        let metrics = answer.metrics();
        let verdict = {
            let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
            judge.note(module, &metrics);
            judge.verdict(module, before.fault, &metrics)
        };
        // An assertion of a response time fails as well.
        let out_of_time = ["timeout", "assertion_failed"];
        let late = took > INTERVAL + SLACK;
        let in_doubt = late
            || matches!(&verdict, Verdict::Wrong { told, .. } if out_of_time.iter().any(|one| told.contains(one)));
        // Who waits for a core learns late that he did.
        if in_doubt {
            tokio::time::sleep(4 * NAP).await;
        }
        let starved = in_doubt && self.was_starved_since(began);
        let mut report = self.report();
        report.answered(took, &metrics);
        if starved {
            report.starved += 1;
        } else if late {
            report.hang(format!("{path}: {took:?}"));
        } else if steady {
            let fault = before.fault.map_or("no fault", crate::provider::Fault::name);
            report.judged(module, fault, verdict);
        } else {
            report.switching += 1;
        }
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secrets that stand in an output.
    fn leaks(&self, output: &str, text: &str) -> Vec<String> {
        let text = Haystack::new(text);
        let found = |secret: &String| Some(format!("{output}: {secret}, {}", text.found(secret)?));
        self.secrets.iter().filter_map(found).collect()
    }

    /// Notes when the exporter or this program does not get to run.
    async fn watch_the_clock(&self) {
        let mut before = [self.exporter.waited(), waited("self")];
        loop {
            let began = Instant::now();
            tokio::time::sleep(NAP).await;
            let now = [self.exporter.waited(), waited("self")];
            let longest = now.iter().zip(before).map(|(now, before)| now.saturating_sub(before));
            if longest.max().is_some_and(|wait| wait > STARVED) || began.elapsed() > 2 * NAP {
                self.starved.lock().unwrap_or_else(PoisonError::into_inner).push(began);
            }
            before = now;
        }
    }

    fn was_starved_since(&self, began: Instant) -> bool {
        let starved = self.starved.lock().unwrap_or_else(PoisonError::into_inner);
        starved.last().is_some_and(|at| *at + 2 * NAP >= began)
    }

    /// Looks at what the exporter holds and what else it tells.
    async fn look(&self, told_every: Option<Duration>) {
        let mut clock = tokio::time::interval(LOOKED_AT);
        let began = Instant::now();
        let mut told = Instant::now();
        let mut number = 0_u64;
        loop {
            clock.tick().await;
            let now = self.switch.now();
            let held = self.exporter.held();
            let quiet = now.fault.is_none() && now.since.elapsed() > LOOKED_AT;
            let mut outputs = BTreeMap::new();
            // Each page in turn.
            let pages = ["/", "/config", "/metrics", "/sd", "/logs?id=1"];
            let page = pages[usize::try_from(number).unwrap_or_default() % pages.len()];
            number += 1;
            if let Ok(answer) = scrape::send(self.exporter.address, "GET", page, &[]).await {
                outputs.insert(page.to_owned(), answer.text());
            }
            outputs.insert("the log".to_owned(), self.exporter.log().join("\n"));
            let leaks: Vec<_> =
                outputs.iter().flat_map(|(output, text)| self.leaks(output, text)).collect();
            let mut report = self.report();
            report.leaks(&leaks);
            report.log_lines += outputs["the log"].lines().count();
            let panicked = outputs["the log"].lines().filter(|line| line.contains("panicked"));
            report.panics.extend(panicked.map(str::to_owned));
            report.sample(Sample { at: began.elapsed(), held, quiet });
            if told_every.is_some_and(|every| told.elapsed() >= every) {
                told = Instant::now();
                println!("{}", report.so_far(began.elapsed()));
            }
        }
    }

    /// The exporter without work: what it still holds.
    async fn end(mut self) -> Report {
        // Idle connections are given up after a while.
        let deadline = Instant::now() + Duration::from_secs(15);
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut idle = self.exporter.held();
        while Instant::now() < deadline && idle.descriptors > report.start.descriptors {
            tokio::time::sleep(Duration::from_millis(100)).await;
            idle = self.exporter.held();
        }
        report.idle = Some(idle);
        report.computed = [self.exporter.computed(), computed("self")];
        report.ended = self.exporter.ended();
        report
    }
}
