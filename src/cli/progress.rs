//! Progress of an ingest: a bar on a terminal, plain lines elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::show::thousands;
use crate::engine::Report;

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Refused lines that are shown one by one.
const SHOWN: usize = 20;

/// Draws what is committed.
pub struct Progress {
    name: String,
    total: Option<usize>,
    bar: Option<ProgressBar>,
    began: Instant,
    // Called from the committing thread only; a lock because callbacks are shared.
    state: Mutex<State>,
}

struct State {
    shown: usize,
    spoke: Instant,
}

impl Progress {
    /// For a source of `total` lines, where that is known.
    pub fn new(name: &str, total: Option<usize>) -> Self {
        let bar = Term::stderr().is_term().then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, |n| ProgressBar::new(n as u64));
            let template = match total {
                Some(_) => "{bar:30} {human_pos}/{human_len} papers  {per_sec}  {eta} left  {msg}",
                None => "{spinner} {human_pos} papers  {per_sec}  {msg}",
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        Progress { name: name.into(), total, bar, began: now, state: Mutex::new(State { shown: 0, spoke: now }) }
    }

    /// Hears the report so far.
    pub fn update(&self, report: &Report) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for rejected in report.rejected.iter().skip(state.shown).take(SHOWN.saturating_sub(state.shown)) {
            let id = rejected.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
            self.say(&format!("{}:{}: refused{id}: {}", self.name, rejected.line, rejected.reason));
        }
        if state.shown < SHOWN && report.rejected.len() > SHOWN {
            self.say(&format!("{}: further refused lines are only counted here; --json lists up to 1,000", self.name));
        }
        state.shown = report.rejected.len();
        if let Some(bar) = &self.bar {
            bar.set_position(report.lines() as u64);
            bar.set_message(if report.rejected_total > 0 {
                format!("{} refused", report.rejected_total)
            } else {
                String::new()
            });
        } else if state.spoke.elapsed() >= EVERY {
            state.spoke = Instant::now();
            eprintln!("{}", self.line(report.lines()));
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, done: usize) -> String {
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let papers = thousands(done);
        match self.total {
            Some(total) => {
                let left = total.saturating_sub(done) as f64 / rate.max(1e-3);
                format!("{}: {papers} of {} papers, {rate:.0}/s, {} left", self.name, thousands(total), duration(left))
            }
            None => format!("{}: {papers} papers, {rate:.0}/s", self.name),
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
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
