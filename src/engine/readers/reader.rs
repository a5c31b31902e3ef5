//! A user, ready to rank for: what their history comes to, the model fitted to it, and their interests.
//!
//! A reader is made from the store in some milliseconds and kept while nothing about the user changes. What it knows of
//! papers is checked again when the corpus has changed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::calibration::calibration;
use crate::engine::readers::coreading::LastAnswer;
use crate::engine::readers::interests::{Interest, Liked};
use crate::engine::readers::learned::{Learned, opinions};
use crate::engine::readers::pool::Pool;
use crate::error::{Error, Result};
use crate::index::TermVector;
use crate::paper::{Paper, PaperId, Row, Works};
use crate::rank::{PlattCalibration, PreferenceModel, WeightedExample, decay};
use crate::store::{StoredSearch, User};
use crate::themes::names::Name;
use crate::user::{Event, Moment, Settings, UserId};

/// Papers that a model learns from: the ones that weigh most.
const MAX_LEARNED: usize = 1000;

/// Papers whose title is known to the rule that no other version of a seen work is shown; of older ones the id alone.
const MAX_SEEN_IN_FULL: usize = 3000;

/// Examples of all kept readers together; one takes some kilobytes.
const KEPT_EXAMPLES: usize = 100_000;

/// A user, ready to rank for.
pub struct Reader {
    pub user: User,
    /// The papers that the model has learned from, in the order of the preference model's examples.
    pub learned: Vec<Learned>,
    /// None while nothing is liked, or all of it is muted.
    pub preferences: Option<PreferenceModel>,
    pub interests: Vec<Interest>,
    /// What they follow.
    pub follows: Vec<StoredSearch>,
    /// What the interests are called, once somebody asked.
    pub names: OnceLock<Vec<Name>>,
    /// Every paper that the user has done something with, by id without version.
    pub seen: HashSet<String>,
    /// The same works under other names.
    pub works: Works,
    /// The rows of these papers, and of the other versions of their works.
    pub gone: RoaringBitmap,
    /// What was scored for them last.
    pub pool: Arc<Pool>,
    /// What the reading of others added when they last asked.
    pub others: LastAnswer,
    /// Turns a score into the chance of a like. Only where enough verdicts were there.
    pub calibration: Option<PlattCalibration>,
    fingerprint: String,
    // The change of the store up to which its papers are known to be as they were when it was made.
    change: AtomicU64,
}

/// Terms of a paper by rising number.
type Terms = Vec<(u32, f32)>;

/// The readers that are kept.
pub struct KeptReaders {
    // Only for a look and an exchange; never held while a model is fitted.
    kept: Mutex<HashMap<i64, Arc<Reader>>>,
    /// The examples of all of them together, at most; of each its own and one more.
    pub most_examples: usize,
}

impl Default for KeptReaders {
    fn default() -> Self {
        KeptReaders { kept: Mutex::default(), most_examples: KEPT_EXAMPLES }
    }
}

impl KeptReaders {
    /// Lets go of a user.
    pub fn forget(&self, user: i64) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }

    fn get(&self, user: i64) -> Option<Arc<Reader>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned()
    }

    /// Keeps a reader, and gives the users for whom there is no place any more.
    fn keep(&self, reader: &Arc<Reader>) -> Vec<i64> {
        let mut gone = Vec::new();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(reader.user.number, Arc::clone(reader));
        let mut examples: usize = kept.values().map(|r| 1 + r.learned.len()).sum();
        while examples > self.most_examples && kept.len() > 1 {
            let Some(other) = kept.keys().copied().find(|u| *u != reader.user.number) else { break };
            examples -= kept.remove(&other).map_or(0, |r| 1 + r.learned.len());
            gone.push(other);
        }
        gone
    }
}

impl Reader {
    /// Whether it was made of what the user has done until now, in this space.
    fn is_of(&self, space: &EmbeddingSpace, user: &User) -> bool {
        self.user.version == user.version && self.fingerprint == space.model().fingerprint
    }
}

impl Readers {
    /// The reader of this name, as it stands now.
    pub(super) fn reader(&self, space: &EmbeddingSpace, name: &str) -> Result<Arc<Reader>> {
        let user = self.store.user(name)?;
        let change = self.store.change()?;
        if let Some(kept) = self.kept.get(user.number)
            && kept.is_of(space, &user)
            && (kept.change.load(Ordering::Relaxed) == change || self.still_there(&kept)?)
        {
            kept.change.fetch_max(change, Ordering::Relaxed);
            return Ok(kept);
        }
        let reader = Arc::new(self.read(space, user, &[])?);
        // What was found of those for whom there is no place any more is found again.
        self.kept.keep(&reader).into_iter().for_each(|gone| self.found.forget(gone));
        // Whoever was deleted while this was made must not be kept.
        if let Err(e) = self.store.user(name) {
            self.forget(reader.user.number);
            return Err(e);
        }
        Ok(reader)
    }

    /// Whether the user's reader is here, made of their present history.
    pub(super) fn is_ready(&self, space: &EmbeddingSpace, user: &User) -> bool {
        self.kept.get(user.number).is_some_and(|kept| kept.is_of(space, user))
    }

    /// The reader as they would be with some more events.
    pub(super) fn reader_with(
        &self,
        space: &EmbeddingSpace,
        name: &str,
        hypothetical_events: &[Event],
    ) -> Result<Reader> {
        let user = match self.store.user(name) {
            Ok(user) => user,
            Err(Error::NotFound { .. }) => User {
                number: -1,
                name: UserId::new(name)?,
                settings: Settings::default(),
                created: Moment::now(),
                version: 0,
            },
            Err(e) => return Err(e),
        };
        self.read(space, user, hypothetical_events)
    }

    /// Whether the papers that a reader was made of are the same as when it was made.
    fn still_there(&self, reader: &Reader) -> Result<bool> {
        let ids: Vec<&PaperId> = reader.learned.iter().map(|l| &l.id).collect();
        let rows = self.store.rows(&ids)?;
        Ok(rows.iter().zip(&reader.learned).all(|(row, l)| *row == l.row))
    }

    pub(super) fn read(&self, space: &EmbeddingSpace, user: User, hypothetical_events: &[Event]) -> Result<Reader> {
        let change = self.store.change()?;
        let mut events = if user.number < 0 { Vec::new() } else { self.store.history(user.number)? };
        events.extend_from_slice(hypothetical_events);
        let follows = if user.number < 0 { Vec::new() } else { self.store.searches(user.number)? };
        let opinions = opinions(&events);
        // Never later than the clock: one that ran ahead for a day must not make all else old.
        let newest = events.iter().map(|e| e.at).max().map(|at| at.min(Moment::now()));
        let half_life = user.settings.half_life_days.unwrap_or(Settings::HALF_LIFE_DAYS);
        let mut weighed: Vec<(&PaperId, f32, Moment)> = opinions
            .iter()
            .map(|(id, o)| {
                let age = newest.map_or(0.0, |n| n.days_since(o.at).max(0.0));
                let factor = if half_life > 0.0 { decay(age, half_life) } else { 1.0 };
                (*id, o.weight * factor, o.at)
            })
            .collect();
        weighed.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(b.2.cmp(&a.2)).then(a.0.cmp(b.0)));
        let seen = opinions.keys().map(|id| id.base().to_string()).collect();
        let in_full: Vec<&PaperId> = weighed.iter().take(MAX_SEEN_IN_FULL).map(|w| w.0).collect();
        let found = self.papers_of(&in_full)?;
        let outside: HashMap<PaperId, Paper> = if user.number < 0 {
            HashMap::new()
        } else {
            self.store.library(user.number)?.into_iter().map(|p| (p.id.clone(), p)).collect()
        };
        let works = Works::of(found.values().map(|(_, p)| p).chain(outside.values()));
        let all: Vec<&PaperId> = opinions.keys().copied().collect();
        let mut gone: RoaringBitmap = self.store.rows(&all)?.into_iter().flatten().map(|row| row.0).collect();
        {
            let versions = self.corpus.versions();
            let others: Vec<u32> = gone.iter().flat_map(|row| versions.others(Row(row))).map(|row| row.0).collect();
            gone.extend(others);
        }
        let mut learned = Vec::new();
        let mut papers: Vec<&Paper> = Vec::new();
        for (id, weight, _) in weighed.iter().filter(|w| w.1 != 0.0) {
            cancel::check()?;
            let (row, paper) = match (found.get(id), outside.get(id)) {
                (Some((row, paper)), _) => (Some(*row), paper),
                (None, Some(paper)) => (None, paper),
                // Gone from the corpus: it counts again when it comes back.
                (None, None) => continue,
            };
            learned.push(Learned {
                id: (*id).clone(),
                title: paper.title.clone(),
                weight: *weight,
                row,
                counts: Vec::new(),
            });
            papers.push(paper);
            if learned.len() == MAX_LEARNED {
                break;
            }
        }
        let (vectors, terms) = self.features(space, &mut learned, &papers)?;
        let mut weighted: Vec<WeightedExample<'_>> = learned
            .iter()
            .zip(&vectors)
            .zip(&terms)
            .map(|((l, v), t)| WeightedExample { weight: l.weight, vector: v, terms: t })
            .collect();
        cancel::check()?;
        let common = self.corpus.common(space)?;
        let mut preferences = common.as_ref().and_then(|c| PreferenceModel::fit(&weighted, &c.background));
        if let (Some(preferences), Some(common)) = (&mut preferences, &common) {
            self.corpus.bring_to_scale(preferences, common);
        }
        // What is found of interests is noted: what was given up half way must not be.
        cancel::check()?;
        let interests = match &common {
            Some(common) => {
                let liked = Liked { learned: &learned, vectors: &vectors, preferences: preferences.as_ref() };
                self.find_interests(space, common, &user, liked, hypothetical_events.is_empty())?
            }
            None => Vec::new(),
        };
        let muted: Vec<usize> =
            interests.iter().filter(|i| i.edits.muted).flat_map(|i| i.members.iter().copied()).collect();
        if let Some(common) = common.as_ref().filter(|_| !muted.is_empty()) {
            // What is muted teaches nothing: no paper is shown because of it.
            muted.into_iter().for_each(|k| weighted[k].weight = 0.0);
            preferences = PreferenceModel::fit(&weighted, &common.background);
            if let Some(preferences) = &mut preferences {
                self.corpus.bring_to_scale(preferences, common);
            }
        }
        let calibration = common.as_ref().and_then(|common| {
            let verdicts: Vec<bool> = learned.iter().map(|l| opinions[&l.id].explicit).collect();
            calibration(&weighted, &verdicts, |held_back| {
                let mut preferences = PreferenceModel::fit(held_back, &common.background)?;
                self.corpus.bring_roughly_to_scale(&mut preferences, common);
                Some(preferences)
            })
        });
        // What was given up in the middle is no reader, and nobody may keep it.
        cancel::check()?;
        Ok(Reader {
            fingerprint: space.model().fingerprint.clone(),
            change: AtomicU64::new(change),
            learned,
            preferences,
            interests,
            follows,
            names: OnceLock::new(),
            seen,
            works,
            gone,
            pool: Arc::default(),
            others: LastAnswer::default(),
            calibration,
            user,
        })
    }

    /// Row and paper of those ids that are in the corpus.
    fn papers_of(&self, ids: &[&PaperId]) -> Result<HashMap<PaperId, (Row, Paper)>> {
        let rows: Vec<Row> = self.store.rows(ids)?.into_iter().flatten().collect();
        Ok(self.store.papers(&rows)?.into_iter().map(|(row, paper)| (paper.id.clone(), (row, paper))).collect())
    }

    /// Vector and terms of each learned paper; the counts go into the papers themselves.
    fn features(
        &self,
        space: &EmbeddingSpace,
        learned: &mut [Learned],
        papers: &[&Paper],
    ) -> Result<(Vec<Vec<f32>>, Vec<Terms>)> {
        let rows: Vec<Row> = learned.iter().filter_map(|l| l.row).collect();
        let of_rows = self.corpus.lexical().terms(&rows).into_iter().zip(self.corpus.lexical().counts(&rows));
        let mut known = space.vectors(&rows)?.into_iter().zip(of_rows);
        let zero = || vec![0.0; space.model().dimension];
        let (mut vectors, mut terms, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
        for (k, l) in learned.iter_mut().enumerate() {
            let (vector, (words, counts)) = match l.row {
                Some(_) => known.next().unwrap_or_default(),
                None => {
                    lacking.push(k);
                    let text = papers[k].text();
                    (None, (Some(self.corpus.lexical().terms_of(&text)), self.corpus.lexical().counts_of(&text)))
                }
            };
            l.counts = counts;
            vectors.push(vector.unwrap_or_else(zero));
            terms.push(words.map_or_else(Vec::new, |w: TermVector| w.terms));
        }
        if !lacking.is_empty() {
            let texts: Vec<&Paper> = lacking.iter().map(|&k| papers[k]).collect();
            for (k, vector) in lacking.into_iter().zip(self.vectors_of(space, &texts)?) {
                vectors[k] = vector;
            }
        }
        Ok((vectors, terms))
    }
}
