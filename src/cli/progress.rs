//! What is under way: a bar on a terminal, plain lines elsewhere; on stderr.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::show::{plain, thousands};
use crate::engine::Report;

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Rejected lines that are shown one by one.
const SHOWN: usize = 20;

/// Draws how many of how many things are done.
pub struct Progress {
    name: String,
    /// What is counted, for example `papers`.
    what: &'static str,
    bar: Option<ProgressBar>,
    began: Instant,
    // A lock because callbacks are shared.
    state: Mutex<State>,
}

struct State {
    total: Option<usize>,
    spoke: Instant,
}

impl Progress {
    /// For work on `total` things, where that is known.
    pub fn new(name: &str, what: &'static str, total: Option<usize>) -> Self {
        let bar = spinner();
        let now = Instant::now();
        let state = Mutex::new(State { total: None, spoke: now });
        let progress = Progress { name: plain(name), what, bar, began: now, state };
        if let Some(bar) = &progress.bar {
            bar.set_style(style(&format!("{{spinner}} {{human_pos}} {what}  {{per_sec}}  {{msg}}")));
        }
        if let Some(total) = total {
            progress.at(0, total);
        }
        progress
    }

    /// So many of `total` are done.
    pub fn at(&self, done: usize, total: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(bar), true) = (&self.bar, state.total != Some(total)) {
            bar.set_length(total as u64);
            let what = self.what;
            let template = format!("{{bar:30}} {{human_pos}}/{{human_len}} {what}  {{per_sec}}  {{eta}} left  {{msg}}");
            bar.set_style(style(&template));
        }
        state.total = Some(total);
        drop(state);
        self.done(done);
    }

    /// So many are done.
    pub fn done(&self, done: usize) {
        if let Some(bar) = &self.bar {
            return bar.set_position(done as u64);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.spoke.elapsed() >= EVERY {
            state.spoke = Instant::now();
            eprintln!("{}", self.line(done, state.total));
        }
    }

    /// Says a line without disturbing the bar.
    pub fn say(&self, text: &str) {
        let text = plain(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, done: usize, total: Option<usize>) -> String {
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let (name, what, so_far) = (&self.name, self.what, thousands(done));
        match total {
            Some(total) => {
                let left = duration(total.saturating_sub(done) as f64 / rate.max(1e-3));
                format!("{name}: {so_far} of {} {what}, {rate:.0}/s, {left} left", thousands(total))
            }
            None => format!("{name}: {so_far} {what}, {rate:.0}/s"),
        }
    }
}

/// Draws what an ingest has committed, and tells the lines that were rejected.
pub struct Intake {
    progress: Progress,
    told: Mutex<usize>,
}

impl Intake {
    /// For a source of `total` lines, where that is known.
    pub fn new(name: &str, total: Option<usize>) -> Self {
        Intake { progress: Progress::new(name, "papers", total), told: Mutex::new(0) }
    }

    /// Hears the report so far.
    pub fn update(&self, report: &Report) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &self.progress.name;
        for rejected in report.rejected.iter().skip(*told).take(SHOWN.saturating_sub(*told)) {
            let id = rejected.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
            self.progress.say(&format!("{name}:{}: rejected{id}: {}", rejected.line, rejected.reason));
        }
        if *told <= SHOWN && report.rejected.len() > SHOWN {
            self.progress
                .say(&format!("{name}: further rejected lines are only counted here; --json lists up to 1,000"));
        }
        *told = report.rejected.len();
        if let (Some(bar), true) = (&self.progress.bar, report.rejected_total > 0) {
            bar.set_message(format!("{} rejected", report.rejected_total));
        }
        self.progress.done(report.lines());
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.progress.finish();
    }
}

/// Says what is being done while it is done, where nothing can be counted: on a terminal with the time that went by.
pub fn meanwhile<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let what = plain(what);
    let Some(bar) = spinner() else {
        eprintln!("{what}…");
        return work();
    };
    bar.set_style(style("{spinner} {msg}…  {elapsed}"));
    bar.set_message(what);
    let out = work();
    bar.finish_and_clear();
    out
}

/// A bar that turns, on a terminal.
fn spinner() -> Option<ProgressBar> {
    Term::stderr().is_term().then(|| {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
