//! The one place with metric names: from reports to the text that Prometheus reads.

mod catalogue;
mod exporter;
mod format;
mod probe;
mod process;

pub use catalogue::{CATALOGUE, Kind, Metric};
pub use exporter::{ExporterMetrics, ListedProbe, Scrape};
pub use format::Format;
pub use probe::samples as probe_samples;

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use catalogue::Metric as M;

/// One value of one metric, with the values of its labels in the order of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    metric: &'static M,
    labels: Vec<Cow<'static, str>>,
    value: SampleValue,
}

#[derive(Debug, Clone, PartialEq)]
enum SampleValue {
    Number(f64),
    Histogram {
        sum: f64,
        count: u64,
        /// Upper bounds and the observations up to each, not cumulated.
        buckets: Vec<(f64, u64)>,
    },
}

/// Collects samples.
#[derive(Default)]
struct Samples(Vec<Sample>);

impl Samples {
    fn set(&mut self, metric: &'static M, value: f64) {
        self.with(metric, [], value);
    }

    fn with<const N: usize>(
        &mut self,
        metric: &'static M,
        labels: [Cow<'static, str>; N],
        value: f64,
    ) {
        debug_assert_eq!(metric.labels.len(), N, "labels of {}", metric.name);
        self.0.push(Sample { metric, labels: labels.into(), value: SampleValue::Number(value) });
    }

    fn flag(&mut self, metric: &'static M, value: bool) {
        self.set(metric, truth(value));
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// 1 for what is so, 0 for what is not.
fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

// Values are exposed as floats; 2^53 of anything is out of reach.
#[allow(clippy::cast_precision_loss)]
const fn number(value: u64) -> f64 {
    value as f64
}
