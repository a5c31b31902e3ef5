//! The last snapshot: what is answered from, how papers join it, and whether another run is due.
//!
//! Whoever asks for themes gets it and changes nothing; who lets papers join is said in `upkeep`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::Instant;

use super::snapshot::ThemeSnapshot;
use super::{CHANGED_SHARE, NAMING, State, Themes};
use crate::error::{Error, Result};
use crate::paper::Row;
use crate::store::StoredAssignment;

/// Up to so many papers a run that is due takes a moment, and is made whenever papers have come.
pub const IN_A_MOMENT: usize = 2_000;

impl Themes {
    /// The snapshot to answer from: the last one, without what is gone from the corpus since. None while there are no papers.
    ///
    /// # Errors
    /// [`Error::BeingMade`] before the first run.
    pub(super) fn snapshot_now(&self) -> Result<Option<Arc<ThemeSnapshot>>> {
        // Read before the rows, so that what goes meanwhile is looked for again.
        let changed = self.changed.load(Ordering::Acquire);
        let space = self.corpus.space();
        // What nobody looked at yet is read. Then, in this order: a snapshot that holds all papers now is the last one, or a later one does.
        self.last()?;
        let fresh = self.is_up_to_date();
        let Some(last) = self.last()? else {
            return match space.len() {
                0 => Ok(None),
                papers => Err(Error::BeingMade {
                    job: "themes",
                    message: format!("the themes of {papers} papers are being made for the first time"),
                }),
            };
        };
        if fresh {
            return Ok(Some(last));
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, at, without)) = &*shown
            && Arc::ptr_eq(of, &last)
            && *at == changed
        {
            return Ok(Some(Arc::clone(without)));
        }
        let gone: Vec<Row> = (&last.rows - &self.works(&space)).iter().map(Row).collect();
        let without = if gone.is_empty() { Arc::clone(&last) } else { Arc::new(last.with(Vec::new(), &gone)) };
        *shown = Some((last, changed, Arc::clone(&without)));
        Ok(Some(without))
    }

    /// The last snapshot, as it was made and joined; none before the first run.
    pub(super) fn last(&self) -> Result<Option<Arc<ThemeSnapshot>>> {
        {
            let state = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
            match &*state {
                State::Unread => {}
                State::Nothing => return Ok(None),
                State::Made(snapshot) => return Ok(Some(Arc::clone(snapshot))),
            }
        }
        let mut state = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Unread = *state {
            *state = ThemeSnapshot::read(&*self.store)?.map_or(State::Nothing, |p| State::Made(Arc::new(p)));
            // Papers may have come before anybody looked.
            self.fall_behind();
        }
        Ok(match &*state {
            State::Made(snapshot) => Some(Arc::clone(snapshot)),
            State::Unread | State::Nothing => None,
        })
    }

    /// Lets papers that are new join the last snapshot by their neighbours, and those that are gone leave it. Gives how many.
    pub(super) fn join_new(&self) -> Result<(usize, usize)> {
        loop {
            let changed = self.changed.load(Ordering::Acquire);
            let seen = || self.seen.store(changed, Ordering::Release);
            let Some(last) = self.last()? else {
                seen();
                return Ok((0, 0));
            };
            let space = self.corpus.space();
            let rows = self.works(&space);
            if last.rows == rows {
                seen();
                return Ok((0, 0));
            }
            let began = Instant::now();
            let gone: Vec<Row> = (&last.rows - &rows).iter().map(Row).collect();
            let new: Vec<Row> = (&rows - &last.rows).iter().map(Row).collect();
            let joined = self.join(&space, &last, &new)?;
            let stored: Vec<StoredAssignment> = joined.iter().map(|p| last.stored(p)).collect();
            let next = Arc::new(last.with(joined, &gone));
            let mut state = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
            if !matches!(&*state, State::Made(now) if Arc::ptr_eq(now, &last)) {
                // A run has put another in its place meanwhile.
                continue;
            }
            // What cannot be kept now (a full disk) is found again when the folder is next opened; reading goes on.
            self.store
                .join_themes(&stored, &gone)
                .unwrap_or_else(|e| tracing::warn!("places in themes were not kept: {e}"));
            *state = State::Made(next);
            seen();
            tracing::info!(
                "{} papers joined the themes, {} left, in {:.3} s",
                new.len(),
                gone.len(),
                began.elapsed().as_secs_f64()
            );
            return Ok((new.len(), gone.len()));
        }
    }

    /// The last snapshot with every paper in it; none before the first run.
    pub(super) fn snapshot_of_all(&self) -> Result<Option<Arc<ThemeSnapshot>>> {
        self.join_new()?;
        self.last()
    }

    /// Whether a run is worth it: there was none, much has changed since, or the model is another.
    pub fn themes_due(&self) -> Result<bool> {
        Ok(match self.last()? {
            None => !self.corpus.space().is_empty(),
            Some(last) => self.is_due(&last),
        })
    }

    fn is_due(&self, last: &ThemeSnapshot) -> bool {
        let space = self.corpus.space();
        let coming = if self.is_up_to_date() {
            0
        } else {
            let rows = self.works(&space);
            (&rows - &last.rows).len().max((&last.rows - &rows).len())
        };
        last.run.model != space.model().fingerprint
            || last.facts.naming != NAMING
            || (last.changed as u64 + coming) as f64 > CHANGED_SHARE * last.run.papers as f64
    }

    /// Changes when papers have joined the themes.
    pub fn joins(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Whether nothing is to be waited for: all papers are in the themes, there are some where there are papers, and none is
    /// due that takes but a moment. It waits for nothing itself.
    pub fn themes_are_settled(&self) -> bool {
        let papers = self.corpus.space().len();
        let last = {
            let state = match self.snapshot.try_read() {
                Ok(state) => state,
                Err(TryLockError::Poisoned(e)) => e.into_inner(),
                // Held where another is put in its place.
                Err(TryLockError::WouldBlock) => return false,
            };
            match &*state {
                State::Unread => return false,
                State::Nothing => return papers == 0 && self.is_up_to_date(),
                State::Made(snapshot) => Arc::clone(snapshot),
            }
        };
        self.is_up_to_date() && !(papers <= IN_A_MOMENT && self.is_due(&last))
    }
}
