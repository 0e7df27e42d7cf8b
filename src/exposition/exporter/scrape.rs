//! A scrape of the exporter's own metrics, which is written in pieces.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::super::format::Writer;
use super::super::{
    Format, Sample, SampleValue, Samples, catalogue as m, number, process, unix_seconds,
};
use super::{BUCKETS, Counts, ExporterMetrics, ModuleCounters, State, TargetCounters};

/// An answer that is being written. With ten thousand targets it has 20 MB of text, which
/// nobody needs to hold at once.
pub struct Scrape {
    at: Cursor,
    writer: Writer,
}

impl Scrape {
    /// One that begins.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { at: Cursor::default(), writer: Writer::new(format) }
    }

    /// Whether everything is written.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.at.over
    }

    /// The next piece of its text, with the probes that wait and how many may run.
    pub fn piece(&mut self, metrics: &ExporterMetrics, waiting: usize, limit: usize) -> String {
        let samples = metrics.piece(&mut self.at, waiting, limit);
        self.writer.write(samples, self.at.over)
    }
}

impl ExporterMetrics {
    /// The next samples of a scrape, in the order of the catalogue, with the probes that wait and
    /// how many may run. Whoever has many targets has more samples than anybody should hold at
    /// once, or wait for while they are made.
    fn piece(&self, at: &mut Cursor, waiting: usize, limit: usize) -> Vec<Sample> {
        let mut samples = Samples::default();
        let state = self.state();
        if at.is_first() {
            state.own(&mut samples);
        }
        while let Some(family) = FAMILIES.get(at.family) {
            if !at.write(family, &state.modules, &mut samples) {
                return samples.0;
            }
            at.family += 1;
        }
        samples.set(&m::PROBES_IN_FLIGHT, number(state.in_flight));
        drop(state);
        samples.set(&m::PROBES_WAITING, number(waiting as u64));
        samples.set(&m::PROBES_LIMIT, number(limit as u64));
        process::samples(&mut samples);
        at.over = true;
        samples.0
    }
}

impl State {
    /// What there is once.
    fn own(&self, samples: &mut Samples) {
        samples.with(
            &m::BUILD_INFO,
            [env!("CARGO_PKG_VERSION").into(), env!("CARGO_PKG_RUST_VERSION").into()],
            1.0,
        );
        let good = self.reload_successful && !self.web_configuration_bad;
        samples.flag(&m::CONFIG_RELOAD_OK, good);
        let reloaded = self.reload_time.unwrap_or(UNIX_EPOCH);
        samples.set(&m::CONFIG_RELOAD_TIME, unix_seconds(reloaded));
        samples.set(&m::MODULE_UNKNOWN, number(self.module_unknown));
    }
}

/// Where a scrape stands: the next entry to be written. A reload meanwhile may remove it, then
/// the one after it is the next.
#[derive(Default)]
struct Cursor {
    family: usize,
    module: String,
    target: Arc<str>,
    /// Whether everything is written.
    over: bool,
}

/// A piece is made in less than a millisecond, and takes some tens of kilobytes of text.
const PIECE: usize = 512;

impl Cursor {
    fn is_first(&self) -> bool {
        self.family == 0 && self.module.is_empty()
    }

    /// Writes on. Whether the family is over.
    fn write(
        &mut self,
        family: &Family,
        modules: &Counts<String, ModuleCounters>,
        samples: &mut Samples,
    ) -> bool {
        let (first, target) = (std::mem::take(&mut self.module), std::mem::take(&mut self.target));
        for (name, module) in modules.from(&first) {
            match family {
                Family::Module(write) => {
                    if samples.0.len() >= PIECE {
                        self.module.clone_from(name);
                        return false;
                    }
                    write(samples, name.clone().into(), module);
                }
                Family::Target(write) => {
                    let from = if *name == first { &*target } else { "" };
                    for (target, counters) in module.targets.from(from) {
                        if samples.0.len() >= PIECE {
                            (self.module, self.target) = (name.clone(), target.clone());
                            return false;
                        }
                        let target = String::from(&**target).into();
                        write(samples, [name.clone().into(), target], counters);
                    }
                }
            }
        }
        true
    }
}

type Label = Cow<'static, str>;

/// A metric of each module, or of each of its targets.
enum Family {
    Module(fn(&mut Samples, Label, &ModuleCounters)),
    Target(fn(&mut Samples, [Label; 2], &TargetCounters)),
}

/// In the order of the catalogue.
static FAMILIES: [Family; 7] = [
    Family::Module(|samples, module, counters| {
        samples.with(&m::TARGET_REFUSED, [module], number(counters.target_refused));
    }),
    Family::Module(|samples, module, counters| {
        samples.with(&m::PROBES_ABANDONED, [module], number(counters.abandoned));
    }),
    Family::Target(|samples, [module, target], counters| {
        for (result, count) in counters.probes.each() {
            let labels = [module.clone(), target.clone(), result.into()];
            samples.with(&m::PROBES, labels, number(count));
        }
    }),
    Family::Target(|samples, [module, target], counters| {
        for (step, outcomes) in &counters.steps.0 {
            for (result, count) in outcomes.each() {
                let step = step.as_str().into();
                let labels = [module.clone(), target.clone(), step, result.into()];
                samples.with(&m::STEPS, labels, number(count));
            }
        }
    }),
    Family::Target(|samples, [module, target], counters| {
        for ((step, reason), count) in &counters.failures.0 {
            let (step, reason) = (step.as_str().into(), reason.as_str().into());
            let labels = [module.clone(), target.clone(), step, reason];
            samples.with(&m::PROBE_FAILURES, labels, number(*count));
        }
    }),
    Family::Target(|samples, [module, target], counters| {
        for (check, count) in &counters.jwt_errors.0 {
            let labels = [module.clone(), target.clone(), check.as_str().into()];
            samples.with(&m::JWT_VALIDATION_ERRORS, labels, number(*count));
        }
    }),
    Family::Module(|samples, module, counters| {
        samples.0.push(Sample {
            metric: &m::PROBE_DURATION,
            labels: vec![module],
            value: SampleValue::Histogram {
                sum: counters.duration_sum,
                count: counters.duration_buckets.iter().sum(),
                buckets: BUCKETS.into_iter().zip(counters.duration_buckets).collect(),
            },
        });
    }),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::ListedProbe;
    use super::*;
    use crate::report::{JwtCheck, Step};

    fn configured(metrics: &ExporterMetrics, modules: usize, targets: usize) {
        metrics.configured((0..modules).map(|module| ListedProbe {
            module: format!("m{module:04}"),
            targets: (0..targets).map(|target| format!("https://{target}").into()).collect(),
            steps: vec![Step::Token, Step::Validate],
            jwt_checks: vec![JwtCheck::Signature],
        }));
    }

    /// The pieces of a scrape; between the first ones something happens.
    fn pieces(metrics: &ExporterMetrics, format: Format, meanwhile: impl Fn(usize)) -> Vec<String> {
        let mut scrape = Scrape::new(format);
        let mut pieces = Vec::new();
        while !scrape.is_over() {
            pieces.push(scrape.piece(metrics, 0, 1));
            meanwhile(pieces.len());
        }
        pieces
    }

    /// The samples of a metric, which stand together under one help and one type.
    fn samples<'t>(text: &'t str, metric: &str) -> Vec<&'t str> {
        let of_metric = |line: &str| {
            let name = line.strip_prefix("# HELP ").or(line.strip_prefix("# TYPE "));
            let rest = name.unwrap_or(line).strip_prefix(metric);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
        };
        let lines: Vec<&str> = text.lines().skip_while(|line| !of_metric(line)).collect();
        let (run, rest) = lines.split_at(lines.iter().take_while(|line| of_metric(line)).count());
        assert!(!rest.iter().any(|line| of_metric(line)), "{metric} in two places");
        let (comments, samples) = run.split_at(2);
        assert!(comments[0].starts_with("# HELP ") && comments[1].starts_with("# TYPE "));
        assert!(samples.iter().all(|line| !line.starts_with('#')), "{metric}");
        samples.to_vec()
    }

    #[test]
    fn pieces_make_one_answer() {
        for (modules, targets) in [(1, 0), (2, 3), (1, 700), (700, 1), (30, 30)] {
            let metrics = ExporterMetrics::default();
            configured(&metrics, modules, targets);
            let all = modules * targets;
            for format in [Format::Classic, Format::OpenMetrics] {
                let pieces = pieces(&metrics, format, |_| {});
                for piece in &pieces {
                    assert!(piece.lines().count() < 20 * PIECE, "{}", piece.len());
                }
                assert_eq!(pieces.len() > 1, all > 50, "{modules} modules, {targets} targets");
                let text = pieces.concat();
                assert_eq!(text.ends_with("\n# EOF\n"), format == Format::OpenMetrics);
                assert_eq!(
                    text.matches("# EOF").count(),
                    usize::from(format == Format::OpenMetrics)
                );
                for (metric, count) in [
                    ("auth_exporter_target_refused_total", modules),
                    ("auth_exporter_probes_total", 2 * all),
                    ("auth_exporter_steps_total", 4 * all),
                    ("auth_exporter_jwt_validation_errors_total", all),
                    ("auth_exporter_probes_in_flight", 1),
                ] {
                    // In OpenMetrics, help and type name the family.
                    if count == 0 || format == Format::OpenMetrics && metric.ends_with("_total") {
                        continue;
                    }
                    let samples = samples(&text, metric);
                    let different: HashSet<_> = samples.iter().collect();
                    assert_eq!((samples.len(), different.len()), (count, count), "{metric}");
                }
            }
        }
    }

    #[test]
    fn a_reload_between_two_pieces_leaves_what_stays_whole() {
        let metrics = ExporterMetrics::default();
        configured(&metrics, 500, 3);
        let text = pieces(&metrics, Format::Classic, |made| {
            // Most modules are gone, the one that is next among them.
            if made == 5 {
                configured(&metrics, 100, 2);
            }
        })
        .concat();
        for metric in ["auth_exporter_probes_total", "auth_exporter_steps_total"] {
            let samples = samples(&text, metric);
            let different: HashSet<_> = samples.iter().collect();
            assert_eq!(samples.len(), different.len(), "{metric}: a series twice");
            for module in 0..100 {
                for target in 0..2 {
                    let labels = format!("{{module=\"m{module:04}\",target=\"https://{target}\"");
                    let count = samples.iter().filter(|sample| sample.contains(&labels)).count();
                    assert!(count > 0, "{metric}{labels}");
                }
            }
        }
    }
}
