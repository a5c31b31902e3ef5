//! What the process tells its operator: lines on stderr, as text or JSON.
//!
//! Everything is told through `tracing`; here it becomes lines. A line quotes texts that others sent, so what could break it or
//! steer a terminal is escaped (`line`). Whoever tells something does not wait until it is written (`writer`).

mod line;
mod writer;

use std::time::Duration;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;
use line::Lines;

/// The target of the line that each request gets.
pub const REQUESTS: &str = "paperkin::request";

/// How the log is to be.
#[derive(Debug, Clone)]
pub struct Logging {
    /// How a line is written.
    pub format: LogFormat,
    /// What is told, as directives of [`EnvFilter`]; one of them that cannot be read is left out.
    pub filter: String,
    /// Whether the level is shown in colours (only in text).
    pub colours: bool,
}

impl Logging {
    /// Tells from now on what this process logs, and every panic. A second call changes nothing.
    pub fn start(self) {
        let filter = EnvFilter::builder().parse_lossy(&self.filter);
        // Of what it asks for the library that fetches tells whole addresses, and some hold a key.
        let keyless = filter_fn(|told| *told.level() <= Level::INFO || !told.target().starts_with("ureq"));
        let filter = filter.and(keyless.with_max_level_hint(LevelFilter::TRACE));
        let lines = Lines::new(self.format, self.colours).with_filter(filter);
        // Fails where a program that uses this crate has its own subscriber, which then hears everything.
        if tracing_subscriber::registry().with(lines).try_init().is_ok() {
            std::panic::set_hook(Box::new(panicked));
        }
    }
}

/// From now on lines are written by a thread of their own, so that nobody waits for whoever reads them.
///
/// # Errors
/// The system's, when there is no thread to be had.
pub fn write_behind() -> std::io::Result<()> {
    writer::WRITER.behind()
}

/// Waits, at most so long, until everything is written that was told.
pub fn flush(patience: Duration) {
    writer::WRITER.flush(patience);
}

/// Tells of a panic on one line.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let trace = std::backtrace::Backtrace::capture();
    let trace = (trace.status() == std::backtrace::BacktraceStatus::Captured).then(|| trace.to_string());
    tracing::error!(backtrace = trace, "thread '{thread}' panicked at {place}: {message}");
}
