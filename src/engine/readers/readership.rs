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
//! The reading of others (`engine/coreading`) takes rules 1 and 2 and adds others of its own: sampled, it would say nothing.
//! There somebody who keeps dozens of readers for weeks, or half of a batch, can learn more; what, is said there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use crate::engine::readers::Readers;
use crate::error::Result;
use crate::paper::PaperId;
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
            let (kept, forgotten) = {
                let slot = self.kept.others.lock().unwrap_or_else(PoisonError::into_inner);
                (slot.released.clone(), slot.forgotten())
            };
            if let Some(kept) = kept.filter(|r| r.day == day) {
                return Ok(kept);
            }
            // One reads them all; whoever comes meanwhile waits for it.
            let _making = self.kept.making_released.lock().unwrap_or_else(PoisonError::into_inner);
            {
                let slot = self.kept.others.lock().unwrap_or_else(PoisonError::into_inner);
                if slot.forgotten() != forgotten || slot.released.as_ref().is_some_and(|r| r.day == day) {
                    continue;
                }
            }
            let made = Arc::new(self.release(day)?);
            let mut slot = self.kept.others.lock().unwrap_or_else(PoisonError::into_inner);
            // Who was forgotten while it was made may be in it.
            if slot.forgotten() == forgotten {
                slot.released = Some(Arc::clone(&made));
                return Ok(made);
            }
        }
    }

    fn release(&self, day: i32) -> Result<Released> {
        let secret = self.store.secret()?;
        let known = self.histories(day)?;
        let through = self.told_until(&known, day, &secret)?;
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
        self.store.each_event_before(today, |user, event, received| {
            if user != begun.0 {
                let done = std::mem::replace(&mut begun, (user, Vec::new()));
                known.extend(with_history(done));
            }
            begun.1.push((event, received));
        })?;
        known.extend(with_history(begun));
        Ok(known)
    }

    /// The first day that is not told. What was told stays so: who could take batches apart by having readers forgotten would
    /// see between them.
    fn told_until(&self, known: &[Dated], today: i32, secret: &[u8; 32]) -> Result<i32> {
        let (told, batches) = self.store.told_through()?;
        let mut told = told.unwrap_or(i32::MIN);
        if told > today {
            // Noted by a clock that ran ahead.
            told = today;
            self.store.tell_through(told, batches)?;
        }
        let mut active: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (user, events) in known {
            let days: HashSet<i32> = events.iter().map(|e| e.1).filter(|day| *day >= told).collect();
            days.into_iter().for_each(|day| active.entry(day).or_default().push(*user));
        }
        let wanted = |k: usize| BATCH + coin(secret, "batch", &k.to_string()) as usize % (BATCH + 1);
        match told_through(&active, batches, wanted) {
            (_, more) if more == batches => Ok(told),
            // What cannot be noted (no room on the disk) is not told yet.
            (through, more) => Ok(self.store.tell_through(through, more).map_or_else(
                |e| {
                    tracing::warn!("what readers did is not told yet: {e}");
                    told
                },
                |()| through,
            )),
        }
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
mod tests {
    use super::*;
    use crate::engine::{Answer, Engine, Feed, Incoming, Part, QuestionsOptions, SearchOptions};
    use proptest::prelude::*;

    fn event(k: usize) -> Event {
        let paper = PaperId::new(format!("p{k}")).expect("an id");
        Event { paper, kind: EventKind::Like, at: Moment(0), weight: 1.0 }
    }

    #[test]
    fn a_history_is_ten_events_of_five_days() {
        let of = |days: &[i32]| {
            let events = days.iter().enumerate().map(|(k, day)| (event(k), *day)).collect();
            with_history((1, events)).map(|(_, events)| events.iter().map(|e| e.1).collect::<Vec<_>>())
        };
        assert_eq!(of(&[7; 1000]), None, "all of one day");
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), None, "nine events");
        assert_eq!(of(&[1, 1, 1, 1, 1, 1, 2, 3, 4, 5]), Some(vec![5; 10]), "nothing is told of before");
        assert_eq!(of(&[1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 9]).map(|d| d[10]), Some(9));
    }

    #[test]
    fn a_batch_waits_for_enough_readers() {
        let days = |of: &[&[i64]]| (10..).zip(of.iter().map(|u| u.to_vec())).collect::<BTreeMap<i32, Vec<i64>>>();
        assert_eq!(told_through(&days(&[&[1, 2], &[1, 2], &[2]]), 0, |_| 3).0, i32::MIN, "two readers, however often");
        assert_eq!(told_through(&days(&[&[1, 2], &[3], &[4, 5]]), 0, |_| 3), (12, 1));
        assert_eq!(told_through(&days(&[&[1, 2, 3], &[4, 5], &[6]]), 7, |_| 3), (13, 9));
    }

    proptest! {
        #[test]
        fn what_comes_today_takes_back_nothing_that_is_told(
            active in prop::collection::btree_map(0i32..20, prop::collection::vec(0i64..40, 0..15), 0..15)
        ) {
            let before = told_through(&active, 0, |_| 20).0;
            let mut more = active.clone();
            more.entry(20).or_default().push(99);
            let after = told_through(&more, 0, |_| 20).0;
            prop_assert!(after == before || after == 21, "{before} {after}");
        }

        #[test]
        fn a_dither_lies_within_a_step(secret in any::<[u8; 32]>(), row in any::<u32>()) {
            prop_assert!((0.0..1.0).contains(&dither(&secret, row)));
        }
    }

    /// What somebody can ask, all of it, but for the time that it took.
    fn answers(engine: &Engine, askers: &[String]) -> String {
        let mut all = String::new();
        let mut note = |answer: Answer| {
            let papers = serde_json::to_string(&answer.papers).expect("JSON");
            all.push_str(&format!("{papers} {}\n", answer.meta.total));
        };
        for explain in [false, true] {
            let ask = SearchOptions { limit: 100, explain, ..SearchOptions::default() };
            for window in [1.0, 7.0, 3650.0] {
                note(engine.trending(window, &ask).expect("trending"));
            }
            for name in askers {
                note(engine.feed(name, &Feed { ask: ask.clone(), ..Feed::default() }).expect("a feed"));
                let ids: Vec<PaperId> = (0..60).map(paper).collect();
                note(engine.rank_for(name, &ids, &[], explain).expect("ranked"));
            }
        }
        let newcomer = QuestionsOptions { limit: 50, ..QuestionsOptions::default() };
        note(engine.questions("nobody", &newcomer).expect("questions"));
        note(engine.questions(&askers[0], &newcomer).expect("questions"));
        all
    }

    fn paper(k: usize) -> PaperId {
        PaperId::new(format!("p{k}")).expect("an id")
    }

    fn engine(folder: &std::path::Path, secret: [u8; 32]) -> Engine {
        let config = crate::config::Config { model: Some("hash".into()), ..crate::config::Config::new(folder) };
        let engine = Engine::open(config).expect("opens").engine;
        let incoming = |k: usize| {
            let value = serde_json::json!({
                "id": format!("p{k}"), "title": format!("Study {k} of topic{} and matter{}", k % 6, k % 11),
                "abstract": format!("We look at matter{} and thing{k}, as others did.", k % 11),
                "date": "2026-01-01", "upvotes": k % 5,
            });
            Ok(Incoming::new(k + 1, crate::paper::Paper::read(value).map_err(|_| panic!("a paper"))))
        };
        engine.ingest(&mut (0..80).map(incoming), &|_| {}).expect("goes in");
        engine.readers.store.set_secret(&secret).expect("written");
        engine
    }

    /// Somebody who came on ten days, and likes some papers.
    fn patient(engine: &Engine, name: &str, papers: impl Iterator<Item = usize>, day: i32) {
        let views = (0..EVENTS).map(|k| (paper(70 + k), EventKind::View, day - 20 + k as i32));
        let likes = papers.map(|k| (paper(k), EventKind::Like, day));
        let (events, received): (Vec<Event>, Vec<i32>) = views
            .chain(likes)
            .map(|(paper, kind, day)| (Event { paper, kind, at: Moment::of_day(day), weight: 1.0 }, day))
            .unzip();
        let name = crate::user::UserId::new(name).expect("a name");
        engine.readers.store.restore_events(&name, &events, &received).expect("written");
    }

    /// An attacker with `k` readers who have kept at it for weeks and one of today asks everything there is, where one of `real` readers
    /// likes a paper and where they do not. Gives in how many of some worlds, each with a secret of its own, anything differs.
    fn seen(k: usize, real: usize, worlds: u8) -> usize {
        let yesterday = Moment::now().day() - 1;
        let mut askers: Vec<String> = (0..k.min(2)).map(|n| format!("mole{n}")).collect();
        askers.push("fresh".into());
        let world = |secret: u8, acts: bool| {
            let folder = tempfile::tempdir().expect("a folder");
            let engine = engine(folder.path(), [secret; 32]);
            for n in 0..real {
                patient(&engine, &format!("real{n}"), (0..4).map(|j| (n * 7 + j * 5) % 60), yesterday - 1);
            }
            for n in 0..k {
                patient(&engine, &format!("mole{n}"), [61, n % 60, (n * 3) % 60].into_iter(), yesterday);
            }
            engine.add_events("fresh", &[Event { at: Moment::now(), ..event(61) }]).expect("written");
            if acts {
                let name = crate::user::UserId::new("real0").expect("a name");
                let act = Event { at: Moment::of_day(yesterday), ..event(61) };
                engine.readers.store.restore_events(&name, &[act], &[yesterday]).expect("written");
            }
            answers(&engine, &askers)
        };
        (0..worlds).filter(|secret| world(*secret, false) != world(*secret, true)).count()
    }

    #[test]
    fn what_one_reader_does_is_not_seen_by_three_or_by_a_crowd_of_invented_ones() {
        assert_eq!(seen(0, 1, 1), 0);
        assert_eq!(seen(2, 1, 2), 0);
        assert_eq!(seen(19, 1, 1), 0);
        // More readers than a batch takes: one act in sixteen counts, and has to fall together with others.
        let seen = seen(50, 10, 5);
        assert!(seen <= 1, "{seen}");
    }

    #[test]
    fn a_crowd_is_told_and_who_is_forgotten_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), [3; 32]);
        let yesterday = Moment::now().day() - 1;
        let trending = |engine: &Engine| {
            let answer = engine
                .trending(7.0, &SearchOptions { limit: 100, explain: true, ..SearchOptions::default() })
                .expect("trending");
            serde_json::to_string(&answer.papers).expect("JSON")
        };
        let (before, unasked) =
            (trending(&engine), engine.questions("nobody", &QuestionsOptions::default()).expect("asked"));
        for n in 0..200 {
            patient(&engine, &format!("r{n}"), [61, 2 * (n % 20), 2 * (n % 25)].into_iter(), yesterday);
        }
        assert_eq!(trending(&engine), before, "within a day nothing changes");
        // As if a day had passed.
        engine.readers.kept.others.lock().expect("no panic").released = None;
        let released = engine.readers.released().expect("made");
        let acts = released.attended_since(i32::MIN).find(|(id, _)| **id == paper(61)).map(|(_, acts)| acts.len());
        assert!((5..25).contains(&acts.expect("attended")), "{acts:?} of 200");
        assert!(trending(&engine).contains("\"others\""));
        engine
            .add_events("ada", &(0..5).map(|k| Event { at: Moment::now(), ..event(2 * k) }).collect::<Vec<_>>())
            .expect("in");
        let feed =
            Feed { ask: SearchOptions { limit: 50, explain: true, ..SearchOptions::default() }, ..Feed::default() };
        let others = |engine: &Engine| -> Vec<f32> {
            let hits = engine.feed("ada", &feed).expect("a feed").papers;
            let parts = hits.into_iter().filter_map(|hit| hit.why).flat_map(|why| why.parts);
            parts.filter_map(|p| if let Part::Others { value } = p { Some(value) } else { None }).collect()
        };
        let told = others(&engine);
        assert!(!told.is_empty() && told.iter().all(|v| (v / crate::rank::STEP).fract() == 0.0), "{told:?}");
        (0..200).for_each(|n| engine.delete_user(&format!("r{n}")).expect("forgotten"));
        assert_eq!(trending(&engine), before, "who is forgotten is so at once");
        assert!(others(&engine).is_empty());
        let after = engine.questions("nobody", &QuestionsOptions::default()).expect("asked");
        let ids = |answer: &Answer| answer.papers.iter().map(|hit| hit.paper.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&after), ids(&unasked));
    }

    #[test]
    fn one_act_in_sixteen_counts_and_no_coin_tells_of_another() {
        let secret = [7; 32];
        let heads =
            |name: &str| (0..16_000).filter(|k| coin(&secret, name, &format!("p{k}")).is_multiple_of(ONE_IN)).count();
        assert!((900..1100).contains(&heads("ada")), "{}", heads("ada"));
        let both = (0..16_000)
            .filter(|k| ["ada", "bob"].iter().all(|n| coin(&secret, n, &format!("p{k}")).is_multiple_of(ONE_IN)))
            .count();
        assert!((30..100).contains(&both), "{both}");
    }
}
