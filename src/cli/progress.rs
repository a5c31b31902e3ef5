//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::show::{plain, thousands};
use super::streams::{Streams, here};
use crate::engine::{Report, Warning};

/// Time between two lines if there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// A bar is drawn at most so often a second.
const FRAMES: u8 = 20;

/// So many rejected lines, and as many warnings, are shown one by one.
const SHOWN: usize = 20;

/// Shows how many of how many items are done.
pub struct Progress {
    name: String,
    /// What is counted, for example `papers`.
    what: &'static str,
    bar: Option<ProgressBar>,
    /// The streams of the command; progress may be reported from other threads.
    streams: Arc<Streams>,
    began: Instant,
    // A lock because callbacks are shared.
    state: Mutex<State>,
}

struct State {
    total: Option<usize>,
    spoke: Instant,
    /// Items that took no time, left out of the estimate of the remaining time.
    free: usize,
    /// Shown behind the rate.
    note: String,
}

impl Progress {
    /// For `total` items, if that is known.
    pub fn new(name: &str, what: &'static str, total: Option<usize>) -> Self {
        let streams = here();
        let (bar, now) = (spinner(&streams), Instant::now());
        let state = Mutex::new(State { total: None, spoke: now, free: 0, note: String::new() });
        let progress = Progress { name: plain(name), what, bar, streams, began: now, state };
        if let Some(bar) = &progress.bar {
            bar.set_style(style(&format!("{{spinner}} {{human_pos}} {what}  {{msg}}")));
        }
        if let Some(total) = total {
            progress.at(0, total);
        }
        progress
    }

    /// Sets how many of `total` items are done.
    pub fn at(&self, done: usize, total: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.of(total, &mut state);
        drop(state);
        self.done(done);
    }

    fn of(&self, total: usize, state: &mut State) {
        if let (Some(bar), true) = (&self.bar, state.total != Some(total)) {
            bar.set_length(total as u64);
            let what = self.what;
            bar.set_style(style(&format!("{{bar:30}} {{human_pos}}/{{human_len}} {what}  {{msg}}")));
        }
        state.total = Some(total);
    }

    /// Sets how many items are done.
    pub fn done(&self, done: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = self.pace(done, &state);
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(pace);
        } else if state.spoke.elapsed() >= EVERY {
            state.spoke = Instant::now();
            let of = state.total.map_or_else(String::new, |total| format!(" of {}", thousands(total)));
            let done = thousands(done);
            self.streams.say(format_args!("{}: {done}{of} {}, {pace}", self.name, self.what));
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn say(&self, text: &str) {
        let text = plain(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| self.streams.say(format_args!("{text}"))),
            None => self.streams.say(format_args!("{text}")),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The rate so far, what remains at that rate, and the note.
    fn pace(&self, done: usize, state: &State) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let dear = done.saturating_sub(state.free);
        let rate = if dear > 0 { dear } else { done } as f64 / seconds;
        let mut text = if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") };
        if let Some(total) = state.total.filter(|_| done > 0) {
            text += &format!(", {} left", duration(total.saturating_sub(done) as f64 / rate));
        }
        text + &state.note
    }
}

/// Shows what an ingest has committed, and prints the rejected lines.
pub struct Intake {
    progress: Progress,
    /// How many rejected lines and warnings were handled already.
    told: Mutex<(usize, usize)>,
}

impl Intake {
    /// For a source of `total` lines, where that is known.
    pub fn new(name: &str, total: Option<usize>) -> Self {
        Intake { progress: Progress::new(name, "papers", total), told: Mutex::default() }
    }

    /// Says how many lines there will be, as far as that is known by now.
    pub fn foresee(&self, total: usize, known: bool) {
        if known {
            let mut state = self.progress.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.progress.of(total, &mut state);
        }
    }

    /// Takes the report so far.
    pub fn update(&self, report: &Report) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &self.progress.name;
        let id = |id: &Option<String>| match id {
            Some(id) if !id.is_empty() => format!(" ({id})"),
            _ => String::new(),
        };
        let rejected =
            report.rejected.iter().map(|r| format!("{name}:{}: rejected{}: {}", r.line, id(&r.id), r.reason));
        self.tell(&mut told.0, "rejected lines", rejected);
        let warning = |w: &Warning| {
            format!("{name}:{}: warning{}: the field `{}` is left out: {}", w.line, id(&w.id), w.field, w.reason)
        };
        self.tell(&mut told.1, "warnings", report.warnings.iter().map(warning));
        let mut state = self.progress.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free = report.unchanged + report.rejected_total;
        if report.rejected_total > 0 {
            state.note = format!(", {} rejected", thousands(report.rejected_total));
        }
        drop(state);
        self.progress.done(report.lines());
    }

    /// Prints the rejected lines not printed yet, up to the limit.
    fn tell(&self, told: &mut usize, what: &str, lines: impl ExactSizeIterator<Item = String>) {
        let all = lines.len();
        lines.skip(*told).take(SHOWN.saturating_sub(*told)).for_each(|line| self.progress.say(&line));
        if *told <= SHOWN && all > SHOWN {
            let name = &self.progress.name;
            self.progress.say(&format!("{name}: further {what} are only counted here; --json lists up to 1,000"));
        }
        *told = all;
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.progress.finish();
    }
}

/// Shows a message while something runs that cannot be counted; on a terminal with the elapsed time.
pub fn meanwhile<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let what = plain(what);
    let streams = here();
    let Some(bar) = spinner(&streams) else {
        streams.say(format_args!("{what}…"));
        return work();
    };
    bar.set_style(style("{spinner} {msg}…  {elapsed}"));
    bar.set_message(what);
    let out = work();
    bar.finish_and_clear();
    out
}

/// A spinner, on a terminal.
fn spinner(streams: &Streams) -> Option<ProgressBar> {
    let term = streams.err_term();
    term.is_term().then(|| {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::term(term.clone(), FRAMES));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Seconds as text for people.
pub fn duration(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
