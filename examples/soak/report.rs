//! What was seen, as a table, and what of it is wrong.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::exporter::Held;
use crate::judge::Verdict;
use crate::scrape::Metrics;

/// Of the memory after the warm-up, this much more is still flat: pages that the allocator keeps.
const FLAT_RATIO: f64 = 1.05;
/// Or this much, in KiB.
const FLAT: u64 = 2048;
/// Or this much in a short run, which is all warm-up: less than it would keep of what it reads.
const FLAT_IF_SHORT: u64 = 16 * 1024;
/// What is a short run.
const SHORT: Duration = Duration::from_secs(600);
/// More descriptors than at the start, without work, are some that were forgotten.
const DESCRIPTORS: u64 = 3;
/// The pool of the runtime for what blocks comes and goes with the load.
const THREADS: u64 = 32;
/// Where so many answers cannot be judged because the machine was too busy, the others say
/// nothing either.
const STARVED_RATIO: f64 = 0.2;
/// How many of the wrong answers are printed.
const SHOWN: usize = 20;

/// What the exporter held at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Since the first one.
    pub(crate) at: Duration,
    pub(crate) held: Held,
    /// Nothing was wrong, and had not been for a moment: no probe hangs.
    pub(crate) quiet: bool,
}

/// What was seen in a run.
pub(crate) struct Report {
    pub(crate) lasting: Duration,
    pub(crate) seed: u64,
    /// What is wrong is told at once.
    aloud: bool,
    /// Before the first probe.
    pub(crate) start: Held,
    /// After the last one.
    pub(crate) idle: Option<Held>,
    samples: Vec<Sample>,
    times: Vec<Duration>,
    succeeded: usize,
    reasons: BTreeMap<String, usize>,
    as_expected: usize,
    healthy: usize,
    paused: usize,
    not_judged: usize,
    faults: BTreeMap<&'static str, usize>,
    /// The fault was switched while they ran.
    pub(crate) switching: usize,
    /// They ran out of time, and so did this program.
    pub(crate) starved: usize,
    pub(crate) debug_pages: usize,
    pub(crate) log_lines: usize,
    hung: Vec<String>,
    wrong: Vec<String>,
    broken: Vec<String>,
    leaked: Vec<String>,
    pub(crate) panics: Vec<String>,
    /// The exporter ended before it was told to.
    pub(crate) ended: Option<String>,
    /// CPU time of the exporter, and of the provider and all else here.
    pub(crate) computed: [Duration; 2],
}

impl Report {
    pub(crate) fn new(lasting: Duration, seed: u64, aloud: bool, start: Held) -> Self {
        Self {
            lasting,
            seed,
            aloud,
            start,
            idle: None,
            samples: Vec::new(),
            times: Vec::new(),
            succeeded: 0,
            reasons: BTreeMap::new(),
            as_expected: 0,
            healthy: 0,
            paused: 0,
            not_judged: 0,
            faults: BTreeMap::new(),
            switching: 0,
            starved: 0,
            debug_pages: 0,
            log_lines: 0,
            hung: Vec::new(),
            wrong: Vec::new(),
            broken: Vec::new(),
            leaked: Vec::new(),
            panics: Vec::new(),
            ended: None,
            computed: [Duration::ZERO; 2],
        }
    }

    pub(crate) fn answered(&mut self, took: Duration, metrics: &Metrics) {
        self.times.push(took);
        if metrics.success() {
            self.succeeded += 1;
        }
        for reason in metrics.steps().into_iter().filter_map(|step| step.reason) {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    pub(crate) fn judged(&mut self, module: &str, fault: &'static str, verdict: Verdict) {
        match verdict {
            Verdict::AsExpected => {
                self.as_expected += 1;
                *self.faults.entry(fault).or_default() += 1;
            }
            Verdict::Healthy => self.healthy += 1,
            Verdict::Paused => self.paused += 1,
            Verdict::NotJudged => self.not_judged += 1,
            Verdict::Wrong { told, wanted } => {
                let wrong = format!("{module} with {fault}: {told}, not {wanted}");
                self.tell(&wrong);
                self.wrong.push(wrong);
            }
        }
    }

    fn tell(&self, wrong: &str) {
        if self.aloud {
            eprintln!("WRONG: {wrong}");
        }
    }

    pub(crate) fn broken(&mut self, what: String) {
        self.tell(&what);
        self.broken.push(what);
    }

    pub(crate) fn hang(&mut self, what: String) {
        self.tell(&what);
        self.hung.push(what);
    }

    pub(crate) fn leaks(&mut self, found: &[String]) {
        self.leaked.extend_from_slice(found);
    }

    pub(crate) fn sample(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Probes that were answered with metrics.
    pub(crate) fn probes(&self) -> usize {
        self.times.len()
    }

    /// Faults of which an answer told the story to the letter.
    pub(crate) fn faults_seen(&self) -> usize {
        self.faults.len()
    }

    /// One line.
    pub(crate) fn so_far(&self, at: Duration) -> String {
        let held = self.samples.last().map_or(self.start, |sample| sample.held);
        format!(
            "{:>5.1} min: {} probes, {} faults, {} wrong, {} late, {} starved, {} of {} KiB allocated, {} descriptors, {} threads",
            at.as_secs_f64() / 60.0,
            self.probes(),
            self.faults_seen(),
            self.wrong.len() + self.broken.len() + self.leaked.len(),
            self.hung.len(),
            self.starved,
            held.memory,
            held.resident,
            held.descriptors,
            held.threads,
        )
    }

    /// What is held after the warm-up, which takes a quarter of the run: until then there are
    /// series, results and reports that were not there before.
    fn warm(&self) -> &[Sample] {
        let warm = self.lasting / 4;
        let first = self.samples.iter().position(|sample| sample.at >= warm);
        first.map_or(&[], |first| &self.samples[first..])
    }

    /// The median of a third of the samples after the warm-up: the first, or the last.
    fn third(&self, last: bool, of: impl Fn(&Held) -> u64, only_quiet: bool) -> u64 {
        let warm = self.warm();
        let third = warm.len() / 3;
        let part = if last { &warm[warm.len() - third..] } else { &warm[..third] };
        let chosen = part.iter().filter(|sample| sample.quiet || !only_quiet);
        median(chosen.map(|sample| of(&sample.held)).collect())
    }

    /// Least squares over what is held after the warm-up, in KiB per hour.
    fn slope(&self) -> f64 {
        let warm = self.warm();
        let count = warm.len() as f64;
        let hours = |sample: &Sample| sample.at.as_secs_f64() / 3600.0;
        let mean_hours = warm.iter().map(hours).sum::<f64>() / count;
        let mean = warm.iter().map(|sample| sample.held.memory as f64).sum::<f64>() / count;
        let (mut above, mut below) = (0.0, 0.0);
        for sample in warm {
            let off = hours(sample) - mean_hours;
            above += off * (sample.held.memory as f64 - mean);
            below += off * off;
        }
        above / below
    }

    /// All that must not be.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (what, list) in [
            ("wrong", &self.wrong),
            ("no metrics", &self.broken),
            ("late", &self.hung),
            ("leaked", &self.leaked),
            ("panicked", &self.panics),
        ] {
            wrong.extend(list.iter().take(SHOWN).map(|one| format!("{what}: {one}")));
            if list.len() > SHOWN {
                wrong.push(format!("{what}: {} more", list.len() - SHOWN));
            }
        }
        wrong.extend(self.ended.iter().map(|status| format!("the exporter ended: {status}")));
        if self.as_expected == 0 || self.healthy == 0 {
            wrong.push("hardly anything was judged".to_owned());
        }
        if self.starved as f64 > STARVED_RATIO * self.probes() as f64 {
            wrong
                .push(format!("the machine was too busy: {} answers are not judged", self.starved));
        }
        let [before, after] = [false, true].map(|last| self.third(last, |held| held.memory, false));
        let flat = if self.lasting < SHORT { FLAT_IF_SHORT } else { FLAT };
        if after > (before + flat).max((before as f64 * FLAT_RATIO) as u64) {
            wrong.push(format!("memory grows: from {before} KiB after the warm-up to {after}"));
        }
        let [before, after] =
            [false, true].map(|last| self.third(last, |held| held.threads, false));
        if after > before + THREADS {
            wrong.push(format!("threads grow: from {before} to {after}"));
        }
        match self.idle {
            Some(idle) if idle.descriptors > self.start.descriptors + DESCRIPTORS => {
                let (start, end) = (self.start.descriptors, idle.descriptors);
                wrong.push(format!("descriptors: {start} at the start, {end} at the end"));
            }
            Some(_) => {}
            None => wrong.push("the end was not looked at".to_owned()),
        }
        wrong
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut times = self.times.clone();
        times.sort_unstable();
        let minutes = self.lasting.as_secs_f64() / 60.0;
        let core = |time: Duration| 100.0 * time.as_secs_f64() / self.lasting.as_secs_f64();
        writeln!(f, "{:<34} {minutes:.1}, seed {}", "minutes", self.seed)?;
        writeln!(
            f,
            "{:<34} {} of {}",
            "faults seen to the letter",
            self.faults.len(),
            crate::provider::Fault::ALL.len()
        )?;
        writeln!(
            f,
            "{:<34} {} ({:.1}/s)",
            "probes",
            self.probes(),
            self.probes() as f64 / self.lasting.as_secs_f64()
        )?;
        writeln!(f, "{:<34} {}", "  succeeded", self.succeeded)?;
        writeln!(f, "{:<34} {}", "  told the fault to the letter", self.as_expected)?;
        writeln!(f, "{:<34} {}", "  told that all is well, rightly", self.healthy)?;
        writeln!(f, "{:<34} {}", "  paused after a rejected login", self.paused)?;
        writeln!(f, "{:<34} {}", "  may or may not see the fault", self.not_judged)?;
        writeln!(f, "{:<34} {}", "  fault switched meanwhile", self.switching)?;
        writeln!(f, "{:<34} {}", "  starved by the machine", self.starved)?;
        writeln!(f, "{:<34} {}", "debug pages", self.debug_pages)?;
        writeln!(f, "{:<34} {}", "log lines", self.log_lines)?;
        for percent in [50, 99, 100] {
            writeln!(f, "{:<34} {:.1} ms", format!("p{percent}"), percentile(&times, percent))?;
        }
        writeln!(
            f,
            "{:<34} {:.1} % of a core, {:.1} % beside it",
            "CPU",
            core(self.computed[0]),
            core(self.computed[1])
        )?;
        for (name, of, only_quiet, when) in [
            ("memory allocated, KiB", (|held| held.memory) as fn(&Held) -> u64, false, ""),
            ("memory resident, KiB", |held| held.resident, false, ""),
            ("descriptors", |held| held.descriptors, true, " when nothing is wrong"),
            ("threads", |held| held.threads, true, " when nothing is wrong"),
        ] {
            let most = self.samples.iter().map(|sample| of(&sample.held)).max().unwrap_or_default();
            let idle = self.idle.as_ref().map(of).unwrap_or_default();
            let [warm, end] = [false, true].map(|last| self.third(last, of, only_quiet));
            writeln!(
                f,
                "{name:<34} {} at the start, {warm} after the warm-up and {end} at the end{when}, {most} at most, {idle} without work",
                of(&self.start),
            )?;
        }
        let slope = self.slope();
        writeln!(f, "{:<34} {slope:.0} KiB/h after the warm-up", "slope of what is allocated")?;
        writeln!(f, "failures by reason")?;
        for (reason, count) in &self.reasons {
            writeln!(f, "{:<34} {count}", format!("  {reason}"))?;
        }
        writeln!(f, "{:<34} {}", "wrong verdicts", self.wrong.len())?;
        writeln!(f, "{:<34} {}", "answers without metrics", self.broken.len())?;
        writeln!(f, "{:<34} {}", "hangs past the budget", self.hung.len())?;
        writeln!(f, "{:<34} {}", "secrets in outputs", self.leaked.len())?;
        writeln!(f, "{:<34} {}", "panics", self.panics.len())?;
        let wrong = self.wrong();
        for one in &wrong {
            writeln!(f, "WRONG: {one}")?;
        }
        write!(f, "{}", if wrong.is_empty() { "All as it must be." } else { "NOT as it must be." })
    }
}
