//! Every parser is fed with damaged input: nothing panics, no input takes long, and no answer is
//! much larger than its input.
//!
//! Inputs are seeds of ours, damaged; one that brings a parser to a new answer becomes a seed.
//! `cargo test` makes the same few hundred for each target each time. For a long run, with other
//! inputs each time, of so many seconds a target:
//!
//! ```text
//! FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture
//! ```
//!
//! A failure prints its input, and `FUZZ_SEED`, which makes it again. What ends the whole process, as
//! a stack that overflows, prints nothing: `FUZZ_KEEP=FILE` keeps the last input.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests end where something is not as it must be, and say what they did"
)]

mod answers;
mod damage;
mod documents;
mod files;
mod seeds;
mod tokens;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime};

use damage::{Damager, Random};

/// A parser, or several that read the same.
pub(crate) struct Target {
    /// As it stands in the README.
    name: &'static str,
    /// Reads the input and tells all that it found. Whatever must hold is asserted there.
    read: fn(&[u8]) -> String,
    /// Inputs that are read without a fault, or nearly.
    seeds: fn() -> Vec<Vec<u8>>,
}

/// Inputs are at most so long, in bytes.
const LONGEST: usize = 64 * 1024;
/// No input takes more time of the processor, whatever else the machine does.
const SLOWEST: Duration = Duration::from_secs(5);
/// Inputs that are kept for the answers they brought, beside the seeds.
const MOST_KEPT: usize = 2000;
/// Inputs of a target where no time is given.
const RUNS: u64 = 400;

/// What a run found.
struct Found {
    runs: u64,
    kept: usize,
    slowest: Duration,
}

fn fuzz(target: &Target) {
    let seconds = variable("FUZZ_SECONDS").map(Duration::from_secs);
    let seed = match (variable("FUZZ_SEED"), seconds) {
        (Some(seed), _) => seed,
        (None, None) => 1,
        (None, Some(_)) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            u64::try_from(now.expect("after 1970").as_nanos()).unwrap_or_default()
        }
    };
    let found = run(target, seed, seconds);
    eprintln!(
        "{}: {} inputs, {} kept, the slowest took {:?}",
        target.name, found.runs, found.kept, found.slowest
    );
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

fn run(target: &Target, seed: u64, time: Option<Duration>) -> Found {
    let begun = Instant::now();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    let damager = Damager::new(&seeds);
    let mut random = Random::new(seed);
    let mut corpus = seeds.clone();
    let mut known = HashSet::new();
    let mut found = Found { runs: 0, kept: 0, slowest: Duration::ZERO };
    loop {
        let next = usize::try_from(found.runs).unwrap_or(usize::MAX);
        let input = match seeds.get(next) {
            Some(seed) => seed.clone(),
            None => damager.damage(&corpus, &mut random),
        };
        let (answer, took) = one(target, &input, seed);
        found.runs += 1;
        found.slowest = found.slowest.max(took);
        if known.insert(shape(&answer)) && next >= seeds.len() {
            if corpus.len() < seeds.len() + MOST_KEPT {
                corpus.push(input);
            } else {
                let at = seeds.len() + random.below(MOST_KEPT);
                corpus[at] = input;
            }
        }
        let over = match time {
            None => found.runs >= RUNS + seeds.len() as u64,
            Some(time) => found.runs > seeds.len() as u64 && begun.elapsed() >= time,
        };
        if over {
            found.kept = corpus.len() - seeds.len();
            return found;
        }
    }
}

/// Reads one input, and holds the answer to what must be so for each.
fn one(target: &Target, input: &[u8], seed: u64) -> (String, Duration) {
    if let Some(file) = std::env::var_os("FUZZ_KEEP") {
        std::fs::write(file, input).expect("a file");
    }
    let begun = computed();
    let answer = std::panic::catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    let took = computed().saturating_sub(begun);
    let most = 100 * 1024 + 100 * input.len();
    match answer {
        Ok(answer) if answer.len() <= most && took <= SLOWEST => (answer, took),
        answer => {
            let wrong = match answer {
                Ok(answer) => format!("{took:?}, and {} bytes of answer", answer.len()),
                Err(_) => "a panic".to_owned(),
            };
            panic!("{}, FUZZ_SEED={seed}: {wrong} for\n{}", target.name, input.escape_ascii());
        }
    }
}

/// How long this thread has computed.
fn computed() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().expect("a number");
    Duration::from_nanos(nanoseconds.parse().expect("a number"))
}

/// The answer without what is quoted or counted in it: when that is new, something new happened.
fn shape(answer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut quoted = false;
    let mut escaped = false;
    for c in answer.chars().take(2000) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted || c.is_ascii_digit() => {}
            _ => c.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// A test for each target.
macro_rules! targets {
    ($($name:ident = $target:expr;)+) => {
        const TARGETS: &[&Target] = &[$(&$target),+];
        $(
            #[test]
            fn $name() {
                fuzz(&$target);
            }
        )+
    };
}

targets! {
    signed_tokens = tokens::SIGNED;
    encrypted_tokens = tokens::ENCRYPTED;
    claims = tokens::CLAIMS;
    key_sets = tokens::KEY_SETS;
    keys_and_certificates = tokens::KEYS;
    token_responses = documents::TOKEN_RESPONSES;
    provider_metadata = documents::PROVIDER_METADATA;
    callbacks = documents::CALLBACKS;
    challenges = documents::CHALLENGES;
    login_pages = documents::LOGIN_PAGES;
    selectors = documents::SELECTORS;
    xml = documents::XML;
    saml_metadata = documents::SAML_METADATA;
    saml_responses = documents::SAML_RESPONSES;
    saml_assertions = documents::SAML_ASSERTIONS;
    status_pages = documents::STATUS_PAGES;
    dates = documents::DATES;
    one_time_codes = documents::ONE_TIME_CODES;
    answers_over_http = answers::ANSWERS;
    configurations = files::CONFIGURATIONS;
    assertions = files::ASSERTIONS;
    web_configurations = files::WEB_CONFIGURATIONS;
    probe_requests = files::PROBE_REQUESTS;
    networks = files::NETWORKS;
}

#[test]
fn the_readme_names_every_target() {
    let readme = std::fs::read_to_string(seeds::here().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- fuzz -->\n").expect("its beginning");
    let (told, _) = rest.split_once("\n<!-- /fuzz -->").expect("its end");
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    let expected = format!("{}.", names.join(", "));
    assert_eq!(told.split_whitespace().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn a_failure_names_its_input() {
    let target = Target {
        name: "a parser with a fault",
        read: |input| {
            assert!(!input.ends_with(b"]"), "a fault");
            String::new()
        },
        seeds: || vec![b"[a]b".to_vec()],
    };
    let failed = std::panic::catch_unwind(AssertUnwindSafe(|| run(&target, 1, None)));
    let told = failed.err().expect("a failure").downcast::<String>().expect("a message");
    let (first, input) = told.split_once('\n').unwrap();
    assert_eq!(first, "a parser with a fault, FUZZ_SEED=1: a panic for");
    assert!(input.ends_with(']'), "{input}");
}
