//! The reading of others as one more reason: see `rank/coreading`. Kept in memory, made from the events, and thrown away
//! the moment a user is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::Engine;
use super::reader::{Reader, opinions};
use super::space::Space;
use crate::error::Result;
use crate::paper::{PaperId, Row};
use crate::rank::{Crowd, carried_over, weigh};
use crate::user::Event;

/// Users with a library from which on the reading of others says something.
const ENOUGH_READERS: usize = 20;

/// Liked papers that make a library.
const LIBRARY: usize = 3;

/// What counts as read with approval: a like, a save, more than one click.
const APPROVED: f32 = 0.35;

/// How long what was made is good enough while new events come in.
const GOOD_FOR: Duration = Duration::from_secs(60);

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
pub struct Slot {
    kept: Option<Arc<Others>>,
    /// How many users were forgotten so far.
    forgotten: u64,
}

impl Slot {
    /// Lets go of what was made, and of what is being made.
    pub fn forget(&mut self) {
        self.kept = None;
        self.forgotten += 1;
    }
}

/// Who read what, and which read papers are near which.
pub struct Others {
    crowd: Option<Crowd>,
    rows: Vec<Row>,
    places: HashMap<Row, u32>,
    users: HashMap<i64, u32>,
    read: RoaringBitmap,
    fingerprint: String,
    change: u64,
    made: Instant,
    // Only for a look and an exchange.
    near: Mutex<HashMap<Row, Near>>,
    /// The read papers when the first of these were found.
    near_of: RoaringBitmap,
}

/// What the reading of others adds to papers for one reader, as far as it was asked for.
#[derive(Default)]
pub struct Asked {
    // Only for a look and an exchange. Weak: what is out of date, and who was forgotten, must not stay for it.
    kept: Mutex<Option<Values>>,
}

/// By whose reading, and the values by row.
type Values = (Weak<Others>, HashMap<Row, f32>);

/// Papers that are remembered for one reader.
const ASKED: usize = 1024;

impl Engine {
    /// What is known of the reading of others; made when there is none, or when it is old and events came in.
    fn others(&self, space: &Space) -> Result<Arc<Others>> {
        let known = || {
            let slot = self.readers.others.lock().unwrap_or_else(PoisonError::into_inner);
            (slot.kept.clone().filter(|o| o.fingerprint == space.model.fingerprint), slot.forgotten)
        };
        let fresh = |others: &Others, change| others.change == change || others.made.elapsed() < GOOD_FOR;
        let (change, (old, _)) = (self.store.event_change()?, known());
        let _making = match old {
            Some(others) if fresh(&others, change) => return Ok(others),
            // One makes it anew; whoever comes meanwhile goes on with what there is.
            Some(others) => match self.readers.making_others.try_lock() {
                Ok(making) => making,
                Err(_) => return Ok(others),
            },
            None => self.readers.making_others.lock().unwrap_or_else(PoisonError::into_inner),
        };
        loop {
            // Read first: what is written meanwhile is then seen by the next.
            let (change, (now, forgotten)) = (self.store.event_change()?, known());
            if let Some(others) = now.as_ref().filter(|o| fresh(o, change)) {
                return Ok(Arc::clone(others));
            }
            let made = Arc::new(self.make_others(space, change, now.as_deref())?);
            let mut slot = self.readers.others.lock().unwrap_or_else(PoisonError::into_inner);
            // Who was forgotten while it was made may be in it.
            if slot.forgotten == forgotten {
                slot.kept = Some(Arc::clone(&made));
                return Ok(made);
            }
        }
    }

    /// Which reading of others an answer would look at now, as a number that changes with it.
    pub(super) fn others_mark(&self) -> Result<u64> {
        let change = self.store.event_change()?;
        let slot = self.readers.others.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = slot.kept.as_ref().filter(|others| others.made.elapsed() < GOOD_FOR);
        Ok(kept.map_or(change, |others| others.change))
    }

    fn make_others(&self, space: &Space, change: u64, old: Option<&Others>) -> Result<Others> {
        let mut others = Others {
            crowd: None,
            rows: Vec::new(),
            places: HashMap::new(),
            users: HashMap::new(),
            read: RoaringBitmap::new(),
            fingerprint: space.model.fingerprint.clone(),
            change,
            made: Instant::now(),
            near: Mutex::default(),
            near_of: RoaringBitmap::new(),
        };
        if self.store.count_users()? < ENOUGH_READERS {
            return Ok(others);
        }
        let mut by_user: HashMap<i64, Vec<Event>> = HashMap::new();
        self.store.each_event(|user, event| by_user.entry(user).or_default().push(event))?;
        let mut users: Vec<(i64, Vec<Event>)> = by_user.into_iter().collect();
        users.sort_unstable_by_key(|u| u.0);
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
            let crowd = Crowd::of(&libraries, others.rows.len());
            others.read = crowd.papers().map(|paper| others.rows[paper as usize].0).collect();
            others.crowd = Some(crowd);
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
    pub(super) fn others_add(&self, space: &Space, reader: &Reader, rows: &[Row]) -> Result<Vec<f32>> {
        let nothing = || vec![0.0; rows.len()];
        if reader.interests.is_empty() {
            return Ok(nothing());
        }
        let others = self.others(space)?;
        let Some(crowd) = &others.crowd else { return Ok(nothing()) };
        let lock = || reader.asked.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let current = |of: &Weak<Others>| std::ptr::eq(of.as_ptr(), Arc::as_ptr(&others));
        let mut known: HashMap<Row, f32> = match lock().as_ref() {
            Some((of, known)) if current(of) => rows.iter().filter_map(|row| Some((*row, *known.get(row)?))).collect(),
            _ => HashMap::new(),
        };
        let lacking: Vec<Row> = rows.iter().copied().filter(|row| !known.contains_key(row)).collect();
        if lacking.is_empty() {
            return Ok(rows.iter().map(|row| known[row]).collect());
        }
        let liked = reader.learned.iter().filter(|l| l.weight > 0.0).filter_map(|l| l.row);
        let library: Vec<u32> = liked.filter_map(|row| others.places.get(&row).copied()).collect();
        let Some(pull) = crowd.pull(&library, others.users.get(&reader.user.number).copied()) else {
            return Ok(nothing());
        };
        for (row, vector) in lacking.iter().zip(space.index.vectors(&lacking)) {
            let near = others.nearest(space, *row, vector)?;
            let near: Vec<(u32, f32)> =
                near.iter().filter_map(|(row, score)| Some((*others.places.get(row)?, *score))).collect();
            known.insert(*row, WEIGHT * carried_over(&pull, &near));
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

impl Others {
    fn place(&mut self, row: Row) -> u32 {
        let next = self.rows.len() as u32;
        *self.places.entry(row).or_insert_with(|| {
            self.rows.push(row);
            next
        })
    }

    /// The read papers nearest to a paper.
    fn nearest(&self, space: &Space, row: Row, vector: Option<Vec<f32>>) -> Result<Near> {
        if let Some(near) = self.near.lock().unwrap_or_else(PoisonError::into_inner).get(&row) {
            return Ok(Arc::clone(near));
        }
        let Some(vector) = vector else { return Ok(Arc::from([])) };
        let found = space.index.search(&vector, NEAREST, Some(&self.read))?;
        let mut near: Vec<(Row, f32)> = found.neighbours.iter().map(|n| (n.row, n.score)).collect();
        weigh(&mut near);
        let near: Near = near.into();
        let mut kept = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED {
            kept.clear();
        }
        kept.insert(row, Arc::clone(&near));
        Ok(near)
    }
}
