//! Candidates with their scores, kept for a reader's next page and next visit.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::engine::corpus::Followed;
use crate::engine::readers::interests::Standing;
use crate::index::Plan;
use crate::paper::Row;

/// A paper that could be shown.
#[derive(Debug, Clone)]
pub struct Scored {
    pub row: Row,
    /// What it is worth in all.
    pub score: f32,
    /// What the preference model alone says of it, among papers at large.
    pub liking: f32,
    /// What it has of the best candidates.
    pub feedback: f32,
    /// What the reading of others adds.
    pub others: f32,
    /// What age took away.
    pub age: f32,
    /// What the reader follows that it matches, as a place among that; and how far that lifted it.
    pub follow: Option<usize>,
    pub lift: f32,
    /// The chance that the reader likes it; see `calibration`.
    pub chance: Option<f32>,
    /// What it is to the reader's interests.
    pub standing: Standing,
}

impl Scored {
    /// A paper of which only the model has said something.
    pub fn of(row: Row, liking: f32, standing: Standing) -> Self {
        let (feedback, others, age, lift) = (0.0, 0.0, 0.0, 0.0);
        Scored { row, score: liking, liking, feedback, others, age, follow: None, lift, chance: None, standing }
    }
}

/// What was scored for a reader over the whole corpus, for as long as corpus and reader stay as they are: the dearest part
/// of a feed.
#[derive(Default)]
pub struct Pool {
    // Only for a look and an exchange.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    followed: Followed,
    step: usize,
    scored: (Vec<Scored>, Plan),
}

impl Pool {
    /// What was scored when the corpus had followed so far, for pages of this step, and how it was found.
    pub fn get(&self, followed: Followed, step: usize) -> Option<(Vec<Scored>, Plan)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|k| k.followed == followed && k.step == step).map(|k| k.scored.clone())
    }

    fn set(&self, kept: Option<Kept>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

/// The readers whose pools are kept: those of the last visits. A pool takes some 150 kilobytes.
#[derive(Default)]
pub struct Pools {
    // Only for a look and an exchange.
    last: Mutex<VecDeque<Weak<Pool>>>,
}

const MOST_POOLS: usize = 256;

impl Pools {
    /// Keeps what was scored for a reader, and lets go of what was scored longest ago for another.
    pub fn keep(&self, pool: &Arc<Pool>, followed: Followed, step: usize, scored: (Vec<Scored>, Plan)) {
        pool.set(Some(Kept { followed, step, scored }));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|p| p.strong_count() > 0 && !std::ptr::eq(p.as_ptr(), Arc::as_ptr(pool)));
        last.push_back(Arc::downgrade(pool));
        if last.len() > MOST_POOLS
            && let Some(oldest) = last.pop_front().and_then(|p| p.upgrade())
        {
            oldest.set(None);
        }
    }
}
