//! The two text formats: OpenMetrics 1.0 as prometheus-client writes it, and the
//! classic format 0.0.4, which is made from it line by line.

use std::borrow::Cow;
use std::fmt::Write;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::{Kind, Metric, Sample, SampleValue};

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The classic text format.
    Classic,
}

impl Format {
    /// The format that an `Accept` header asks for (RFC 9110 §12.5.1): OpenMetrics when it is
    /// named with a quality above 0 and not below that of the classic format.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut open: f32 = 0.0;
        let mut classic: f32 = 0.0;
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let mut quality = 1.0;
            let mut version = None;
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q" | "Q", value)) => quality = value.trim().parse().unwrap_or(0.0),
                    Some(("version", value)) => version = Some(value.trim_matches('"')),
                    _ => {}
                }
            }
            match (media_type.as_str(), version) {
                ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
                    open = open.max(quality);
                }
                ("text/plain", None | Some("0.0.4")) => classic = classic.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= classic { Self::OpenMetrics } else { Self::Classic }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The samples as text. Samples of one metric stand together, in the order of the catalogue.
    #[must_use]
    pub fn encode(self, samples: Vec<Sample>) -> String {
        Writer::new(self).write(samples, true)
    }
}

/// Writes samples as text, in one piece or several.
pub(super) struct Writer {
    format: Format,
    /// The metric of the last sample.
    last: Option<&'static Metric>,
}

impl Writer {
    pub(super) const fn new(format: Format) -> Self {
        Self { format, last: None }
    }

    /// Writes on: `end` says whether nothing follows.
    pub(super) fn write(&mut self, samples: Vec<Sample>, end: bool) -> String {
        let (first, last) = (samples.first(), samples.last().map(|sample| sample.metric));
        let goes_on = first.zip(self.last).is_some_and(|(a, b)| std::ptr::eq(a.metric, b));
        self.last = last.or(self.last);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Encoded(samples)));
        let mut text = String::with_capacity(8 * 1024);
        // Writing into a String cannot fail.
        let _ = encode_registry(&mut text, &registry);
        if goes_on {
            // Its help and type were written before.
            let comments = text.split_inclusive('\n').take_while(|line| line.starts_with('#'));
            let length: usize = comments.map(str::len).sum();
            text.drain(..length);
        }
        match self.format {
            Format::Classic => classic(&text),
            Format::OpenMetrics => {
                if end {
                    let _ = encode_eof(&mut text);
                }
                text
            }
        }
    }
}

#[derive(Debug)]
struct Encoded(Vec<Sample>);

impl Collector for Encoded {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        // Samples of one metric come in one run; the catalogue's order is that of the makers.
        for run in self.0.chunk_by(|a, b| std::ptr::eq(a.metric, b.metric)) {
            let Some(first) = run.first() else { continue };
            let metric = first.metric;
            let mut family =
                encoder.encode_descriptor(metric.name, metric.help, None, metric_type(metric))?;
            for sample in run {
                let labels = Labels(metric, sample);
                if metric.labels.is_empty() {
                    encode_value(&mut family, &sample.value, metric.kind)?;
                } else {
                    encode_value(&mut family.encode_family(&labels)?, &sample.value, metric.kind)?;
                }
            }
        }
        Ok(())
    }
}

const fn metric_type(metric: &Metric) -> MetricType {
    match metric.kind {
        Kind::Gauge => MetricType::Gauge,
        Kind::Counter => MetricType::Counter,
        Kind::Histogram => MetricType::Histogram,
    }
}

fn encode_value(
    encoder: &mut MetricEncoder<'_>,
    value: &SampleValue,
    kind: Kind,
) -> Result<(), std::fmt::Error> {
    use prometheus_client::encoding::NoLabelSet;
    match value {
        SampleValue::Number(number) => match (kind, whole(*number)) {
            (Kind::Counter, None) => encoder.encode_counter::<NoLabelSet, f64, f64>(number, None),
            (Kind::Counter, Some(number)) => {
                encoder.encode_counter::<NoLabelSet, u64, f64>(&number.unsigned_abs(), None)
            }
            (_, None) => encoder.encode_gauge(number),
            (_, Some(number)) => encoder.encode_gauge(&number),
        },
        SampleValue::Histogram { sum, count, buckets } => {
            encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
        }
    }
}

/// The number where it is a whole one, which most are: it is written without a fraction, as Go
/// programs write it, and sooner.
// Only what comes back the same is taken.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_cmp)]
fn whole(number: f64) -> Option<i64> {
    let whole = number as i64;
    let same = whole as f64 == number && whole.unsigned_abs() < 1 << f64::MANTISSA_DIGITS;
    same.then_some(whole)
}

#[derive(Debug)]
struct Labels<'a>(&'static Metric, &'a Sample);

impl prometheus_client::encoding::EncodeLabelSet for Labels<'_> {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeLabel;
        for (name, value) in self.0.labels.iter().zip(&self.1.labels) {
            (*name, value.as_ref()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// OpenMetrics text as classic text. The sample lines are the same; the families of
/// counters carry `_total`, and infinity is written `+Inf`.
fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut counters: Vec<&str> = Vec::new();
    // TYPE follows HELP, and HELP must carry the suffix too.
    for line in open_metrics.lines() {
        if let Some((name, "counter")) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            counters.push(name);
        }
    }
    for line in open_metrics.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name, rest) = (
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
            );
            let suffix = if counters.contains(&name) { "_total" } else { "" };
            // Writing into a String cannot fail.
            let _ = writeln!(text, "# {keyword} {name}{suffix} {rest}");
        } else {
            let line = match line.strip_suffix(" inf") {
                Some(start) => Cow::Owned(format!("{start} +Inf")),
                None => Cow::Borrowed(line),
            };
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;

    fn some() -> Vec<Sample> {
        vec![
            Sample { metric: &catalogue::SUCCESS, labels: vec![], value: SampleValue::Number(1.0) },
            Sample {
                metric: &catalogue::FAILURE,
                labels: vec!["token".into(), "a \"quoted\"\\\nvalue".into()],
                value: SampleValue::Number(0.25),
            },
            Sample {
                metric: &catalogue::MODULE_UNKNOWN,
                labels: vec![],
                value: SampleValue::Number(3.0),
            },
            Sample {
                metric: &catalogue::PROBE_DURATION,
                labels: vec!["m".into()],
                value: SampleValue::Histogram {
                    sum: 0.5,
                    count: 2,
                    buckets: vec![(0.1, 1), (f64::INFINITY, 1)],
                },
            },
        ]
    }

    #[test]
    fn both_formats_whole() {
        assert_eq!(
            Format::OpenMetrics.encode(some()),
            concat!(
                "# HELP probe_success 1 when every planned step succeeded\n",
                "# TYPE probe_success gauge\n",
                "probe_success 1\n",
                "# HELP probe_auth_failure_info 1 for the failed step and its reason\n",
                "# TYPE probe_auth_failure_info gauge\n",
                "probe_auth_failure_info{step=\"token\",reason=\"a \\\"quoted\\\"\\\\\\nvalue\"} 0.25\n",
                "# HELP auth_exporter_module_unknown Probe requests for a module that the configuration does not have\n",
                "# TYPE auth_exporter_module_unknown counter\n",
                "auth_exporter_module_unknown_total 3\n",
                "# HELP auth_exporter_probe_duration_seconds Duration of the probes in seconds\n",
                "# TYPE auth_exporter_probe_duration_seconds histogram\n",
                "auth_exporter_probe_duration_seconds_sum{module=\"m\"} 0.5\n",
                "auth_exporter_probe_duration_seconds_count{module=\"m\"} 2\n",
                "auth_exporter_probe_duration_seconds_bucket{le=\"0.1\",module=\"m\"} 1\n",
                "auth_exporter_probe_duration_seconds_bucket{le=\"+Inf\",module=\"m\"} 2\n",
                "# EOF\n",
            )
        );
        let classic = Format::Classic.encode(some());
        assert!(classic.contains("# TYPE auth_exporter_module_unknown_total counter\n"));
        assert!(classic.contains("\nauth_exporter_module_unknown_total 3\n"));
        assert!(!classic.contains("EOF"));
    }

    #[test]
    fn a_whole_number_has_no_fraction_and_any_other_is_as_it_was() {
        let largest = 9_007_199_254_740_992.0;
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-3.0, "-3"),
            (67_090_118_400.0, "67090118400"),
            (largest - 1.0, "9007199254740991"),
            (largest, "9007199254740992.0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e-7, "1e-7"),
            (1e300, "1e300"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "NaN"),
        ] {
            let value = SampleValue::Number(number);
            let sample = Sample { metric: &catalogue::SUCCESS, labels: vec![], value };
            let answer = Format::Classic.encode(vec![sample]);
            assert_eq!(answer.lines().last(), Some(format!("probe_success {text}").as_str()));
        }
    }

    #[test]
    fn negotiation_honours_quality() {
        use Format::{Classic, OpenMetrics};
        for (accept, format) in [
            (None, Classic),
            (Some("*/*"), Classic),
            (Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), OpenMetrics),
            (Some("application/openmetrics-text;version=1.0.0;q=0"), Classic),
            (Some("application/openmetrics-text;version=2.0.0"), Classic),
            // Prometheus 2.42 and 3
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
            (
                Some(
                    "application/openmetrics-text;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.5",
                ),
                Classic,
            ),
        ] {
            assert_eq!(Format::negotiate(accept), format, "{accept:?}");
        }
    }
}
