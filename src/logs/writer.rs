//! Where lines go: to stderr, at once or behind whoever tells something.

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of lines that wait at most. Beyond them lines are left out, and counted.
const ROOM: usize = 4 << 20;

/// How long lines are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(10);

/// The one of this process.
pub static WRITER: Writer = Writer::new();

/// Writes lines to stderr.
pub struct Writer {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// Everything is written.
    done: Condvar,
}

struct State {
    /// Whether a thread of its own writes.
    behind: bool,
    waiting: Vec<u8>,
    /// Lines for which there was no room, since the last that were written.
    left_out: u64,
    writing: bool,
    /// Somebody waits until all is written.
    hurry: bool,
}

impl Writer {
    const fn new() -> Self {
        let state = State { behind: false, waiting: Vec::new(), left_out: 0, writing: false, hurry: false };
        Writer { state: Mutex::new(state), more: Condvar::new(), done: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line, or has it written.
    pub fn put(&self, line: &[u8]) {
        let mut state = self.state();
        if !state.behind {
            drop(state);
            // There is nowhere to tell that it could not be told.
            let _ = std::io::stderr().write_all(line);
            return;
        }
        if state.waiting.len() + line.len() > ROOM {
            state.left_out += 1;
            drop(state);
            metrics::counter!("paperkin_log_lines_dropped_total").increment(1);
            return;
        }
        let first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if first {
            self.more.notify_one();
        }
    }

    /// From now on a thread writes.
    ///
    /// # Errors
    /// The system's, when there is no thread to be had.
    pub fn behind(&'static self) -> std::io::Result<()> {
        let mut state = self.state();
        if !state.behind {
            std::thread::Builder::new().name("log".into()).spawn(|| self.write())?;
            state.behind = true;
        }
        Ok(())
    }

    /// Waits, at most so long, until everything is written.
    pub fn flush(&self, patience: Duration) {
        let mut state = self.state();
        state.hurry = true;
        self.more.notify_one();
        let open = |state: &mut State| !state.waiting.is_empty() || state.writing;
        let (mut state, _) =
            self.done.wait_timeout_while(state, patience, open).unwrap_or_else(PoisonError::into_inner);
        state.hurry = false;
    }

    /// What the thread does.
    fn write(&self) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.state();
            state = self.more.wait_while(state, |s| s.waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
            let gathered = self.more.wait_timeout_while(state, GATHER, |s| !s.hurry);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
            std::mem::swap(&mut lines, &mut state.waiting);
            let left_out = std::mem::take(&mut state.left_out);
            state.writing = true;
            drop(state);
            let _ = std::io::stderr().write_all(&lines);
            lines.clear();
            // One that grew under a flood gives its memory back.
            lines.shrink_to(64 << 10);
            self.state().writing = false;
            self.done.notify_all();
            if left_out > 0 {
                tracing::warn!("{left_out} lines of the log were left out: nobody read them in time");
            }
        }
    }
}
