//! Logs on standard error, as logfmt or JSON.

use std::fmt::Write;

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use crate::server::PROBE_LOG;

/// The values of `--log.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Everything, the story of each probe included.
    Debug,
    /// What happens once.
    Info,
    /// What deserves attention.
    Warn,
    /// What failed.
    Error,
}

/// The values of `--log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
        }
    }
}

/// Starts logging for the life of the process, at one level for what probes say and at another
/// for all else, and keeps the messages of panics,
/// which may hold anything, out of it: only their place is logged.
pub fn init(level: Level, prober: Level, format: Format) {
    let (level, prober) = (level.filter(), prober.filter());
    // Libraries say nothing: at debug level they would print requests.
    let own = tracing_subscriber::filter::filter_fn(move |metadata| match metadata.target() {
        PROBE_LOG => *metadata.level() <= prober,
        other => *metadata.level() <= level && other.starts_with("auth_exporter"),
    });
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry();
    // A second call finds a subscriber in place and leaves it there.
    let _ = match format {
        Format::Logfmt => registry.with(layer.event_format(Logfmt).with_filter(own)).try_init(),
        Format::Json => registry
            .with(layer.json().flatten_event(true).with_target(false).with_filter(own))
            .try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "a bug: the program panicked");
    }));
}

/// `time=… level=… msg=… key=value`, as Go's slog writes it for the Prometheus tools.
struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        writer.write_str("time=")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, " level={}", event.metadata().level())?;
        let mut pairs = Pairs::default();
        event.record(&mut pairs);
        writeln!(writer, " msg={}{}", quoted(&pairs.message), pairs.others)
    }
}

#[derive(Default)]
struct Pairs {
    message: String,
    others: String,
}

impl Visit for Pairs {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            // Writing into a String cannot fail.
            let _ = write!(self.others, " {}={}", field.name(), quoted(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// The value, in quotes when it is not one plain word.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_what_is_not_one_plain_word() {
        assert_eq!(quoted("word"), "word");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("two words"), "\"two words\"");
        assert_eq!(quoted("a=\"b\"\n"), r#""a=\"b\"\n""#);
    }
}
