//! What answers may know of what other readers did: the one door between readers.
//!
//! Attention in trending lists, questions for newcomers and the reading of others look at what comes out here and at nothing
//! else. Whoever can invent readers must not see, by asking before and after, that a real one did something. So:
//!
//! 1. **Only readers with a history count**: [`EVENTS`] events that came on [`DAYS`] different days. A day is the one on which this
//!    service received an event, not the one that the event names; a reading list counts as the day it came.
//! 2. **What they did is told in batches**, at the end of a day at the earliest. A batch waits until [`BATCH`] readers with a
//!    history have done something since the last one, and some more: how many, up to as many again, only a secret of the data
//!    folder knows. Within a day nothing changes whatever anybody does, but that who is forgotten is so at once; that does not
//!    move the ends of batches.
//! 3. **Attention is sampled**: of what a reader did with a paper one in [`ONE_IN`] counts, and stands for as many. Which, says a
//!    secret coin of this reader and this paper: asking again averages nothing, and nobody's coins tell anything of another's.
//!    All a reader did with a paper is one act, whatever it was and how often. Fewer than [`SAMPLED`] such acts count as none.
//!
//! What that promises of attention: an event of somebody without a history is seen by nobody. Of all other acts fifteen in
//! sixteen never change a byte of any answer, however many readers an attacker has kept up for however long. The sixteenth can
//! be seen where enough sampled acts of others are with it (an attacker needs some forty readers with a history for that paper
//! alone) and a batch ends; it then says that some reader did something with the paper before that day, not who or what.
//!
//! The reading of others (`engine/readers/coreading`) takes rules 1 and 2 and adds others of its own: sampled, it would say nothing.
//! There somebody who keeps dozens of readers for weeks, or half of a batch, can learn more; what, is said there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cancel;
use crate::engine::readers::Readers;
use crate::error::Result;
use crate::paper::PaperId;
use crate::store::ReadershipRelease;
use crate::user::{Event, EventKind, Moment};

/// Events that make a history.
pub const EVENTS: usize = 10;

/// Different days on which they came.
pub const DAYS: usize = 5;

/// Readers who did something since the last batch, from which on the next may be told.
const BATCH: usize = 20;

/// Of so many acts one counts.
const ONE_IN: u32 = 16;

/// Sampled acts from which on a paper had attention.
const SAMPLED: usize = 3;

/// What is told of all readers together, until the day ends or somebody is forgotten.
pub struct Released {
    /// The day on which it was made.
    day: i32,
    /// What came before this day is told.
    through: i32,
    /// Readers whose acts are told.
    readers: HashSet<i64>,
    /// The days of the sampled acts on each paper.
    attended: HashMap<PaperId, Vec<i32>>,
}

/// Where it is kept.
#[derive(Default)]
pub struct KeptReleased {
    // Only for a look and an exchange.
    slot: Mutex<Slot>,
    // Held while it is made, so that it is made once.
    making: Mutex<()>,
}

#[derive(Default)]
struct Slot {
    released: Option<Arc<Released>>,
    /// How many users were forgotten so far.
    forgotten: u64,
}

impl KeptReleased {
    fn look(&self) -> (Option<Arc<Released>>, u64) {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        (slot.released.clone(), slot.forgotten)
    }

    /// Lets go of what a user who is forgotten is in, and of what is being made. Says whether they may have been in it.
    pub fn forget(&self, user: i64) -> bool {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.forgotten += 1;
        let told = slot.released.as_ref().is_none_or(|released| released.tells_of(user));
        if told {
            slot.released = None;
        }
        told
    }
}

/// An act as it is told.
#[derive(Debug, Clone, Copy)]
pub struct Sampled {
    /// The day it is of.
    pub day: i32,
}

impl Sampled {
    /// How many acts it stands for.
    pub const WORTH: f32 = ONE_IN as f32;
}

/// A reader with a history, and what of it is told.
type History = (i64, Vec<Event>);

/// A reader with a history, and each event with the day from which on it may be told.
type Dated = (i64, Vec<(Event, i32)>);

impl Released {
    /// Papers with enough sampled acts on days from one on.
    pub fn attended_since(&self, first: i32) -> impl Iterator<Item = (&PaperId, Vec<Sampled>)> {
        self.attended.iter().filter_map(move |(paper, days)| {
            let recent: Vec<Sampled> = days.iter().filter(|d| **d >= first).map(|day| Sampled { day: *day }).collect();
            (recent.len() >= SAMPLED).then_some((paper, recent))
        })
    }

    /// Whether papers had the same attention.
    pub fn attends_as(&self, other: &Released) -> bool {
        self.attended == other.attended
    }

    /// The newest day of an act that counts.
    pub fn newest(&self) -> Option<i32> {
        self.attended.values().filter(|days| days.len() >= SAMPLED).flatten().copied().max()
    }

    /// Readers of whom something is told.
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    /// What it is of, in words that change with it.
    pub fn mark(&self) -> String {
        format!("{}.{}.{}", self.day, self.through, self.readers.len())
    }

    /// Whether anything of a reader is told.
    pub fn tells_of(&self, user: i64) -> bool {
        self.readers.contains(&user)
    }
}

impl Readers {
    /// What is told of all readers together, today.
    pub(super) fn released(&self) -> Result<Arc<Released>> {
        let day = Moment::now().day();
        loop {
            let (kept, forgotten) = self.released.look();
            if let Some(kept) = kept.filter(|r| r.day == day) {
                return Ok(kept);
            }
            // One reads them all; whoever comes meanwhile waits for it.
            let _making = self.released.making.lock().unwrap_or_else(PoisonError::into_inner);
            let (kept, by_now) = self.released.look();
            if by_now != forgotten || kept.is_some_and(|r| r.day == day) {
                continue;
            }
            let made = Arc::new(self.release(day)?);
            let mut slot = self.released.slot.lock().unwrap_or_else(PoisonError::into_inner);
            // Who was forgotten while it was made may be in it.
            if slot.forgotten == forgotten {
                slot.released = Some(Arc::clone(&made));
                return Ok(made);
            }
        }
    }

    /// Whether this is what is told now: nobody in it was forgotten.
    pub(super) fn still_released(&self, released: &Arc<Released>) -> bool {
        self.released.look().0.is_some_and(|kept| Arc::ptr_eq(&kept, released))
    }

    /// What is told now, in words that change with it.
    pub(super) fn others_mark(&self) -> Result<String> {
        Ok(format!("{}.{}", self.released()?.mark(), self.released.look().1))
    }

    fn release(&self, day: i32) -> Result<Released> {
        let secret = self.store.secret()?;
        let known = self.histories(day)?;
        let through = self.told_until(day)?;
        let histories = before(known, through);
        let names = if histories.is_empty() { HashMap::new() } else { self.store.user_names()? };
        let mut attended: HashMap<PaperId, Vec<i32>> = HashMap::new();
        for (user, events) in &histories {
            let Some(name) = names.get(user) else { continue };
            let mut acts: HashMap<&PaperId, i32> = HashMap::new();
            for event in events {
                if matches!(event.kind, EventKind::Like | EventKind::Save | EventKind::Click) {
                    let last = acts.entry(&event.paper).or_insert(i32::MIN);
                    *last = event.at.day().min(through.saturating_sub(1)).max(*last);
                }
            }
            // By name: who is forgotten and comes again has the same coins.
            acts.retain(|paper, _| coin(&secret, name, paper.as_str()).is_multiple_of(ONE_IN));
            for (paper, day) in acts {
                attended.entry(paper.clone()).or_default().push(day);
            }
        }
        attended.values_mut().for_each(|days| days.sort_unstable());
        let readers = histories.into_iter().map(|h| h.0).collect();
        Ok(Released { day, through, readers, attended })
    }

    /// What of the histories is told: by reader.
    pub(super) fn released_histories(&self, released: &Released) -> Result<Vec<History>> {
        let mut histories = before(self.histories(released.day)?, released.through);
        histories.retain(|(user, _)| released.tells_of(*user));
        Ok(histories)
    }

    /// What came before today of readers with a history, each event with the day from which on it may be told.
    fn histories(&self, today: i32) -> Result<Vec<Dated>> {
        let mut known: Vec<Dated> = Vec::new();
        let mut begun: Dated = (i64::MIN, Vec::new());
        self.store.each_event_before(today, &mut |user, event, received| {
            if user != begun.0 {
                let done = std::mem::replace(&mut begun, (user, Vec::new()));
                known.extend(with_history(done));
            }
            begun.1.push((event, received));
        })?;
        known.extend(with_history(begun));
        Ok(known)
    }

    /// Tells of more batches where they are complete: what readers did before today. To be called once a day, by the job
    /// `readership` of the service, and never for somebody who asks. Gives how many readers something is told of.
    ///
    /// What was told stays so: who could take batches apart by having readers forgotten would see between them. Therefore it
    /// is in the store before any answer knows of it.
    pub fn tell(&self) -> Result<usize> {
        let today = Moment::now().day();
        let (secret, known) = (self.store.secret()?, self.histories(today)?);
        let ReadershipRelease { before: noted, batches } = self.store.release()?;
        // Where it was noted by a clock that ran ahead.
        let told = noted.unwrap_or(i32::MIN).min(today);
        let mut active: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (user, events) in &known {
            cancel::check()?;
            let days: HashSet<i32> = events.iter().map(|e| e.1).filter(|day| *day >= told).collect();
            days.into_iter().for_each(|day| active.entry(day).or_default().push(*user));
        }
        let wanted = |k: usize| BATCH + coin(&secret, "batch", &k.to_string()) as usize % (BATCH + 1);
        let (through, more) = match told_through(&active, batches, wanted) {
            (_, more) if more == batches => (told, batches),
            further => further,
        };
        // Held, so that nobody puts what they began to make before this in the place of what comes after it.
        let _making = self.released.making.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_some_and(|noted| noted != through) || more != batches {
            self.store.put_release(ReadershipRelease { before: Some(through), batches: more })?;
        }
        // Made anew when somebody next asks.
        self.released.slot.lock().unwrap_or_else(PoisonError::into_inner).released = None;
        Ok(before(known, through).len())
    }

    /// The first day that is not told.
    fn told_until(&self, today: i32) -> Result<i32> {
        Ok(self.store.release()?.before.unwrap_or(i32::MIN).min(today))
    }
}

/// What of histories came before a day.
fn before(known: Vec<Dated>, day: i32) -> Vec<History> {
    let told = |(user, events): Dated| {
        let events: Vec<Event> = events.into_iter().filter(|e| e.1 < day).map(|e| e.0).collect();
        (!events.is_empty()).then_some((user, events))
    };
    known.into_iter().filter_map(told).collect()
}

/// A reader with a history, and each event with the day from which on it may be told: the one it came on, but not before the
/// history was one. None for a reader without.
fn with_history((user, mut events): Dated) -> Option<Dated> {
    let mut came: Vec<i32> = events.iter().map(|e| e.1).collect();
    came.sort_unstable();
    let enough = *came.get(EVENTS - 1)?;
    came.dedup();
    let since = enough.max(*came.get(DAYS - 1)?);
    events.iter_mut().for_each(|e| e.1 = e.1.max(since));
    Some((user, events))
}

/// The first day that is not told yet, behind the last on which a batch was complete, and the batches by then. `active` says
/// who did something on each day since the last of so many batches, `wanted` how many readers the next waits for.
fn told_through(active: &BTreeMap<i32, Vec<i64>>, batches: usize, wanted: impl Fn(usize) -> usize) -> (i32, usize) {
    let (mut through, mut batch, mut k) = (i32::MIN, HashSet::<i64>::new(), batches);
    for (day, users) in active {
        batch.extend(users);
        if batch.len() >= wanted(k) {
            (through, k) = (day.saturating_add(1), k + 1);
            batch.clear();
        }
    }
    (through, k)
}

/// A number that only the secret tells, the same every time.
fn coin(secret: &[u8; 32], of: &str, and: &str) -> u32 {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(&(of.len() as u64).to_le_bytes());
    hasher.update(of.as_bytes());
    hasher.update(and.as_bytes());
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Where between two steps the line lies from which on a value of this row is told as the greater: from 0 to 1.
pub fn dither(secret: &[u8; 32], row: u32) -> f32 {
    (coin(secret, "step", &row.to_string()) >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests;
