//! The reading of others as one more reason: see `rank/coreading`. Made once a day from what is told of readers
//! (`engine/readers/readership`), kept in memory, and thrown away the moment a reader in it is forgotten.
//!
//! Nothing is said by fewer than [`ENOUGH_READERS`] readers with a history and a library, nothing of a paper that fewer than
//! [`MIN_READERS_TO_SHOW`](crate::rank::MIN_READERS_TO_SHOW) of them read, nor by fewer than as many with a paper in common; and what is said is told in steps of
//! [`COREADING_STEP`](crate::rank::COREADING_STEP), with the line between two steps where only a secret of the data folder knows. It is one value a paper: who or
//! how many stand behind it is not told.
//!
//! What that promises: whoever keeps fewer readers than are lacking for a matrix sees nothing. From then on one act moves a
//! value by a part of a step at most times, a batch of acts at once, and not before the day ends. It is no promise against
//! somebody who keeps as many readers with a history as a matrix takes and asks with many libraries day after day: they can
//! learn that readers of some papers read another since, not which reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use roaring::RoaringBitmap;

use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::learned::opinions;
use crate::engine::readers::readership::{Released, dither};
use crate::error::Result;
use crate::paper::{PaperId, Row};
use crate::rank::{CoreadingMatrix, neighbour_pull, quantize, weigh_neighbours};

/// Readers with a history and a library from which on the reading of others says something. Fewer would be few to hide among,
/// and of a few the reading says more wrong than right: of a tenth of the readings of docs/quality-users.md's 2,776 libraries
/// it costs more than it gives.
const ENOUGH_READERS: usize = 100;

/// Liked papers that make a library.
const LIBRARY: usize = 3;

/// What counts as read with approval: a like, a save, more than one click.
const APPROVED: f32 = 0.35;

/// Nearest read papers that speak for a paper.
pub const NEAREST: usize = 50;

/// How much the reading of others counts, in standard deviations of the score.
pub const WEIGHT: f32 = 1.2;

/// Papers whose neighbours are remembered.
const REMEMBERED: usize = 50_000;

/// Read papers, weighed by their similarity. By row: rows last, and so what is near them can be carried over.
type Near = Arc<[(Row, f32)]>;

/// The share of the read papers that may have changed while what is near which is carried over.
const CHANGED: u64 = 50;

/// Where it is kept.
#[derive(Default)]
pub struct KeptOthers {
    // Only for a look and an exchange.
    kept: Mutex<Option<Arc<OtherReaders>>>,
    // Held while they are made, so that they are made once.
    making: Mutex<()>,
}

impl KeptOthers {
    /// Lets go of it: a reader who is in it was forgotten.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self, fingerprint: &str) -> Option<Arc<OtherReaders>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone().filter(|o| o.fingerprint == fingerprint)
    }
}

/// Who asks what the reading of others adds.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The user's number.
    pub user: i64,
    /// The papers of the corpus that they like.
    pub liked: &'a [Row],
    /// What was answered before.
    pub asked: &'a CoreadingRequest,
}

/// Who read what, and which read papers are near which.
pub struct OtherReaders {
    matrix: Option<CoreadingMatrix>,
    rows: Vec<Row>,
    places: HashMap<Row, u32>,
    users: HashMap<i64, u32>,
    read: RoaringBitmap,
    fingerprint: String,
    /// What it was made from.
    of: Arc<Released>,
    /// Where the lines between steps lie.
    secret: [u8; 32],
    // Only for a look and an exchange.
    near: Mutex<HashMap<Row, Near>>,
    /// The read papers when the first of these were found.
    near_of: RoaringBitmap,
}

/// What the reading of others adds to papers for one reader, as far as it was asked for.
#[derive(Default)]
pub struct CoreadingRequest {
    // Only for a look and an exchange. Weak: what is out of date, and who was forgotten, must not stay for it.
    kept: Mutex<Option<Values>>,
}

/// By whose reading, and the values by row.
type Values = (Weak<OtherReaders>, HashMap<Row, f32>);

/// Papers that are remembered for one reader.
const ASKED: usize = 1024;

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
            let old = self.others.get(fingerprint);
            if let Some(others) = old.as_ref().filter(|o| fresh(o)) {
                return Ok(Arc::clone(others));
            }
            let made = Arc::new(self.make_others(space, &released, old.as_deref())?);
            *self.others.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
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
        old: Option<&OtherReaders>,
    ) -> Result<OtherReaders> {
        let mut others = OtherReaders {
            matrix: None,
            rows: Vec::new(),
            places: HashMap::new(),
            users: HashMap::new(),
            read: RoaringBitmap::new(),
            fingerprint: space.model().fingerprint.clone(),
            of: Arc::clone(released),
            secret: self.store.secret()?,
            near: Mutex::default(),
            near_of: RoaringBitmap::new(),
        };
        if released.readers() < ENOUGH_READERS {
            return Ok(others);
        }
        let users = self.released_histories(released)?;
        let mut libraries = Vec::new();
        for (user, events) in &users {
            let liked: Vec<&PaperId> =
                opinions(events).into_iter().filter(|(_, o)| o.weight >= APPROVED).map(|(id, _)| id).collect();
            let library: Vec<u32> =
                self.store.rows(&liked)?.into_iter().flatten().map(|row| others.place(row)).collect();
            if library.len() >= LIBRARY {
                others.users.insert(*user, libraries.len() as u32);
                libraries.push(library);
            }
        }
        if libraries.len() >= ENOUGH_READERS {
            let matrix = CoreadingMatrix::of(&libraries, others.rows.len());
            others.read = matrix.papers().map(|paper| others.rows[paper as usize].0).collect();
            others.matrix = Some(matrix);
        }
        others.near_of = others.read.clone();
        if let Some(old) = old.filter(|old| {
            (&old.near_of ^ &others.read).len() * CHANGED <= others.read.len() && old.fingerprint == others.fingerprint
        }) {
            let near = old.near.lock().unwrap_or_else(PoisonError::into_inner).clone();
            (others.near, others.near_of) = (Mutex::new(near), old.near_of.clone());
        }
        Ok(others)
    }

    /// What the reading of others adds to some papers for a reader, in their order; nothing when too few read the same.
    pub(super) fn others_add(&self, space: &EmbeddingSpace, asker: Asker<'_>, rows: &[Row]) -> Result<Vec<f32>> {
        let nothing = || vec![0.0; rows.len()];
        let others = self.others(space)?;
        let Some(matrix) = &others.matrix else { return Ok(nothing()) };
        let lock = || asker.asked.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let current = |of: &Weak<OtherReaders>| std::ptr::eq(of.as_ptr(), Arc::as_ptr(&others));
        let mut known: HashMap<Row, f32> = match lock().as_ref() {
            Some((of, known)) if current(of) => rows.iter().filter_map(|row| Some((*row, *known.get(row)?))).collect(),
            _ => HashMap::new(),
        };
        let lacking: Vec<Row> = rows.iter().copied().filter(|row| !known.contains_key(row)).collect();
        if lacking.is_empty() {
            return Ok(rows.iter().map(|row| known[row]).collect());
        }
        let library: Vec<u32> = asker.liked.iter().filter_map(|row| others.places.get(row).copied()).collect();
        let Some(pull) = matrix.pull(&library, others.users.get(&asker.user).copied()) else {
            return Ok(nothing());
        };
        for (row, near) in lacking.iter().zip(others.nearest(space, &lacking)?) {
            let near: Vec<(u32, f32)> =
                near.iter().filter_map(|(row, score)| Some((*others.places.get(row)?, *score))).collect();
            known.insert(*row, quantize(WEIGHT * neighbour_pull(&pull, &near), dither(&others.secret, row.0)));
        }
        let mut kept = lock();
        match kept.as_mut() {
            Some((of, all)) if current(of) && all.len() < ASKED => {
                all.extend(lacking.iter().map(|row| (*row, known[row])));
            }
            _ => *kept = Some((Arc::downgrade(&others), known.clone())),
        }
        Ok(rows.iter().map(|row| known[row]).collect())
    }
}

impl OtherReaders {
    fn place(&mut self, row: Row) -> u32 {
        let next = self.rows.len() as u32;
        *self.places.entry(row).or_insert_with(|| {
            self.rows.push(row);
            next
        })
    }

    /// The read papers nearest to each of some papers; none for a paper that was deleted meanwhile.
    fn nearest(&self, space: &EmbeddingSpace, rows: &[Row]) -> Result<Vec<Near>> {
        let lock = || self.near.lock().unwrap_or_else(PoisonError::into_inner);
        let mut near: Vec<Option<Near>> = {
            let kept = lock();
            rows.iter().map(|row| kept.get(row).cloned()).collect()
        };
        let unknown: Vec<usize> = (0..rows.len()).filter(|k| near[*k].is_none()).collect();
        let vectors = space.vectors(&unknown.iter().map(|k| rows[*k]).collect::<Vec<_>>())?;
        let looked: Vec<(usize, &[f32])> =
            unknown.iter().zip(&vectors).filter_map(|(k, v)| Some((*k, v.as_deref()?))).collect();
        let queries: Vec<&[f32]> = looked.iter().map(|(_, v)| *v).collect();
        let found = space.search_many(&queries, NEAREST, Some((&self.read).into()))?;
        let mut kept = lock();
        for ((k, _), found) in looked.iter().zip(found) {
            let mut closest: Vec<(Row, f32)> = found.neighbours.iter().map(|n| (n.row, n.score)).collect();
            weigh_neighbours(&mut closest);
            let closest: Near = closest.into();
            if kept.len() >= REMEMBERED {
                kept.clear();
            }
            kept.insert(rows[*k], Arc::clone(&closest));
            near[*k] = Some(closest);
        }
        Ok(near.into_iter().map(|near| near.unwrap_or_else(|| Arc::from([]))).collect())
    }
}
