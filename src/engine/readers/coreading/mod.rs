//! The reading of others as one more reason, the same in feeds, `rank` and `recommend`: see `rank/coreading`. Made once a day from
//! what is told of readers (`engine/readers/readership`), kept in memory, and thrown away the moment a reader in it is forgotten.
//!
//! Nothing is said by fewer than [`ENOUGH_READERS`] readers with a history and a library, nothing of a paper that fewer than
//! [`MIN_READERS_TO_SHOW`](crate::rank::MIN_READERS_TO_SHOW) of them read, nor by fewer than
//! [`MIN_READERS_ALIKE`](crate::rank::MIN_READERS_ALIKE) with a paper in common. Who asks counts for none of these of a paper: the
//! answer is the one that they would get had they never read anything, and asked with the papers that they like. What is said is told
//! in steps of [`COREADING_STEP`](crate::rank::COREADING_STEP), with the line between two steps where only a secret of the data folder
//! knows. It is one value a paper, asked of every paper that is scored: who or how many stand behind it is not told.
//!
//! What that promises: whoever keeps fewer readers than are lacking for a matrix sees nothing. From then on one act moves a
//! value by a part of a step at most times, a batch of acts at once, and not before the day ends. (Of 2,776 real libraries one act
//! told to somebody with a paper in common moved 13 of 3,396 values by a step, as a mean over forty such pairs, and one value in six
//! hundred by more than half of one before rounding.) It is no promise against somebody who keeps as many readers with a history as a
//! matrix takes and asks with many libraries day after day: they can learn that readers of some papers read another since, and of a
//! paper that two of their own read that a third did, not which reader.
//!
//! What it costs: a search for each paper that is asked about first, once ([`near`]), and then a sum of sixteen products a paper.

mod near;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::learned::opinions;
use crate::engine::readers::readership::{Released, dither};
use crate::error::Result;
use crate::index::behind_requests;
use crate::paper::{PaperId, Row};
use crate::rank::{CoreadingMatrix, quantize};
use near::{NearRead, REMEMBERED};

/// Readers with a history and a library from which on the reading of others says something. Fewer would be few to hide among,
/// and of a few the reading says more wrong than right: of a tenth of the readings of docs/quality-users.md's 2,776 libraries
/// it costs more than it gives.
const ENOUGH_READERS: usize = 100;

/// Liked papers that make a library.
const LIBRARY: usize = 3;

/// What counts as read with approval: a like, a save, more than one click.
const APPROVED: f32 = 0.35;

/// How much the reading of others counts, in standard deviations of the score.
pub const WEIGHT: f32 = 1.2;

/// Papers whose neighbours are looked for in one go by the job.
const AHEAD: usize = 2048;

/// Where it is kept.
#[derive(Default)]
pub struct KeptOthers {
    // Only for a look and an exchange.
    kept: Mutex<Kept>,
    // Held while they are made, so that they are made once.
    making: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    others: Option<Arc<OtherReaders>>,
    /// What was near which when there were others last. No reader is in it, only papers.
    near: Option<Arc<NearRead>>,
}

impl KeptOthers {
    /// Lets go of it: a reader who is in it was forgotten.
    pub fn forget(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).others = None;
    }

    fn get(&self, fingerprint: &str) -> Option<Arc<OtherReaders>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.others.clone().filter(|o| o.fingerprint == fingerprint)
    }
}

/// Who asks what the reading of others adds.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The user's number.
    pub user: i64,
    /// The papers of the corpus that they like.
    pub liked: &'a [Row],
    /// What they were answered last.
    pub last: &'a LastAnswer,
}

/// What the reading of others added for a reader when they last asked: a feed asks the same again and again.
#[derive(Default)]
pub struct LastAnswer {
    // Only for a look and an exchange.
    kept: Mutex<Option<Answered>>,
}

struct Answered {
    /// By whose reading. Weak: what is out of date, and who was forgotten, must not stay for it.
    by: Weak<OtherReaders>,
    rows: Vec<Row>,
    added: Vec<f32>,
}

/// Papers up to which an answer is remembered for its reader, in eight bytes each.
const REMEMBERED_FOR_ONE: usize = 4096;

impl LastAnswer {
    fn get(&self, by: &Arc<OtherReaders>, rows: &[Row]) -> Option<Vec<f32>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |a: &&Answered| std::ptr::eq(a.by.as_ptr(), Arc::as_ptr(by)) && a.rows == rows;
        kept.as_ref().filter(same).map(|a| a.added.clone())
    }

    fn keep(&self, by: &Arc<OtherReaders>, rows: &[Row], added: &[f32]) {
        if rows.len() <= REMEMBERED_FOR_ONE {
            let answered = Answered { by: Arc::downgrade(by), rows: rows.to_vec(), added: added.to_vec() };
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(answered);
        }
    }
}

/// Who read what, and which read papers are near which.
pub struct OtherReaders {
    /// None where too few readers are told of.
    matrix: Option<CoreadingMatrix>,
    near: Arc<NearRead>,
    places: HashMap<Row, u32>,
    users: HashMap<i64, u32>,
    /// Papers at large: what the reading of others says of them on average counts nothing.
    sample: Vec<Row>,
    fingerprint: String,
    /// What it was made from.
    of: Arc<Released>,
    /// Where the lines between steps lie.
    secret: [u8; 32],
}

impl Readers {
    /// What is known of the reading of others; made when there is none of today.
    fn others(&self, space: &EmbeddingSpace) -> Result<Arc<OtherReaders>> {
        loop {
            let released = self.released()?;
            let fingerprint = &space.model().fingerprint;
            let fresh = |others: &Arc<OtherReaders>| Arc::ptr_eq(&others.of, &released);
            if let Some(others) = self.others.get(fingerprint).filter(fresh) {
                return Ok(others);
            }
            // One makes it; whoever comes meanwhile waits for it: of a day there is one answer.
            let _making = self.others.making.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(others) = self.others.get(fingerprint).filter(fresh) {
                return Ok(others);
            }
            let near = self.others.kept.lock().unwrap_or_else(PoisonError::into_inner).near.clone();
            let made = Arc::new(self.make_others(space, &released, near.as_deref())?);
            {
                let mut kept = self.others.kept.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Kept { others: Some(Arc::clone(&made)), near: Some(Arc::clone(&made.near)) };
            }
            // Who was forgotten while it was made may be in it.
            if self.still_released(&released) {
                return Ok(made);
            }
            self.others.forget();
        }
    }

    fn make_others(
        &self,
        space: &EmbeddingSpace,
        released: &Arc<Released>,
        known: Option<&NearRead>,
    ) -> Result<OtherReaders> {
        let (mut users, mut libraries) = (HashMap::new(), Vec::new());
        let (mut rows, mut places): (Vec<Row>, HashMap<Row, u32>) = Default::default();
        if released.readers() >= ENOUGH_READERS {
            for (user, events) in &self.released_histories(released)? {
                let liked: Vec<&PaperId> =
                    opinions(events).into_iter().filter(|(_, o)| o.weight >= APPROVED).map(|(id, _)| id).collect();
                let place = |row: Row| {
                    *places.entry(row).or_insert_with(|| {
                        rows.push(row);
                        rows.len() as u32 - 1
                    })
                };
                let library: Vec<u32> = self.store.rows(&liked)?.into_iter().flatten().map(place).collect();
                if library.len() >= LIBRARY {
                    users.insert(*user, libraries.len() as u32);
                    libraries.push(library);
                }
            }
        }
        let matrix = (libraries.len() >= ENOUGH_READERS).then(|| CoreadingMatrix::of(&libraries, rows.len()));
        let read: RoaringBitmap =
            matrix.iter().flat_map(CoreadingMatrix::papers).map(|paper| rows[paper as usize].0).collect();
        let fingerprint = space.model().fingerprint.clone();
        Ok(OtherReaders {
            near: Arc::new(NearRead::of(read, rows, &fingerprint, known)),
            sample: self.corpus.common(space)?.map(|common| common.sample.clone()).unwrap_or_default(),
            matrix,
            places,
            users,
            fingerprint,
            of: Arc::clone(released),
            secret: self.store.secret()?,
        })
    }

    /// What the reading of others adds to some papers for a reader, in their order: standard deviations above the mean of
    /// papers at large, in steps. Nothing to any of them when too few read the same, nor to one that is near no read paper.
    pub(super) fn others_add(&self, space: &EmbeddingSpace, asker: Asker<'_>, rows: &[Row]) -> Result<Vec<f32>> {
        let mut added = vec![0.0; rows.len()];
        let others = self.others(space)?;
        let Some(matrix) = &others.matrix else { return Ok(added) };
        if let Some(last) = asker.last.get(&others, rows) {
            return Ok(last);
        }
        let library: Vec<u32> = asker.liked.iter().filter_map(|row| others.places.get(row).copied()).collect();
        let Some(pull) = matrix.pull(&library, others.users.get(&asker.user).copied()) else { return Ok(added) };
        let line = |row: Row| dither(&others.secret, row.0);
        let (mut sum, mut n) = (0f32, 0f32);
        others.near.each(space, &others.sample, line, |_, placed| {
            if let Some(value) = pull.of(&placed.near) {
                sum += value;
                n += 1.0;
            }
        })?;
        // In steps too: over many papers the least change of what is taken off all of them would show.
        let at_large = quantize(WEIGHT * sum / f32::max(n, 1.0), dither(&others.secret, u32::MAX));
        others.near.each(space, rows, line, |k, placed| {
            added[k] = pull.of(&placed.near).map_or(0.0, |value| quantize(WEIGHT * value, placed.line) - at_large);
        })?;
        asker.last.keep(&others, rows, &added);
        Ok(added)
    }

    /// Looks for what is near which before somebody asks: for the newest papers of the corpus, as many as are remembered. It goes
    /// behind the requests, and does nothing where too few readers are told of. Gives how many papers that were.
    pub fn prepare_others(&self) -> Result<usize> {
        let asked = cancel::current();
        behind_requests(1, || asked.scope(|| self.look_ahead()))?
    }

    fn look_ahead(&self) -> Result<usize> {
        let space = self.corpus.space();
        let others = self.others(&space)?;
        if others.matrix.is_none() {
            return Ok(0);
        }
        let all = self.corpus.lexical().rows();
        let lacking = others.near.lacking(all.iter().rev().take(REMEMBERED).map(Row));
        for piece in lacking.chunks(AHEAD) {
            cancel::check()?;
            others.near.each(&space, piece, |row| dither(&others.secret, row.0), |_, _| {})?;
        }
        Ok(lacking.len())
    }
}

#[cfg(test)]
mod tests;
