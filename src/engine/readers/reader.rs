//! A user, ready to rank for: what their history comes to, the model fitted to it, and their interests.
//!
//! A reader is made from the store in some milliseconds and kept while nothing about the user changes. What it knows of
//! papers is checked again when the corpus has changed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use roaring::RoaringBitmap;

use crate::cancel;
use crate::embed::Kind;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::calibration::{PlattCalibration, calibration};
use crate::engine::readers::coreading::Asked;
use crate::engine::readers::feed::{Pool, Pools};
use crate::engine::readers::interests::{Interest, Liked};
use crate::error::{Error, Result};
use crate::index::TermVector;
use crate::paper::{Paper, PaperId, Row, Works};
use crate::rank::{Background, Candidate, PreferenceModel, WeightedExample, decay};
use crate::store::User;
use crate::themes::names::Name;
use crate::themes::text::Counts;
use crate::user::{Event, EventKind, Moment, Opinion, Settings, UserId, opinion};

/// Papers that a model learns from: the ones that weigh most.
const MAX_LEARNED: usize = 1000;

/// Papers whose title is known to the rule that no other version of a seen work is shown; of older ones the id alone.
const MAX_SEEN_IN_FULL: usize = 3000;

/// Days after which an event counts half, where the user says nothing.
const HALF_LIFE: f32 = 365.0;

/// Papers of the corpus that the background is taken from, and those that scores are brought to scale with.
const BACKGROUND: usize = 4000;
const SCALE: usize = 400;

/// Examples of all kept readers together; one takes some kilobytes.
const KEPT_EXAMPLES: usize = 100_000;

/// A paper that the model has learned from.
#[derive(Debug, Clone)]
pub struct Learned {
    /// The paper's id.
    pub id: PaperId,
    /// Its title.
    pub title: String,
    /// What it counts: above zero for a like.
    pub weight: f32,
    /// Where it stands in the corpus; none for papers of the library alone.
    pub row: Option<Row>,
    /// How often it holds each of its telling terms.
    pub counts: Vec<(u32, u8)>,
}

/// A user, ready to rank for.
pub struct Reader {
    pub user: User,
    /// The papers that the model has learned from, in the order of the preferences's examples.
    pub learned: Vec<Learned>,
    /// None while nothing is liked, or all of it is muted.
    pub preferences: Option<PreferenceModel>,
    pub interests: Vec<Interest>,
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
    /// What the reading of others adds for them.
    pub asked: Asked,
    /// Turns a score into the chance of a like. Only where enough verdicts were there.
    pub calibration: Option<PlattCalibration>,
    fingerprint: String,
    // The change of the store up to which its papers are known to be as they were when it was made.
    change: AtomicU64,
}

/// Terms of a paper by rising number.
type Terms = Vec<(u32, f32)>;

/// What is common in the corpus, and a sample of it.
pub struct Common {
    pub background: Background,
    pub sample: Vec<Row>,
    /// How frequent phrases are in the corpus, once somebody asked.
    pub phrases: OnceLock<Counts>,
    vectors: Vec<Vec<f32>>,
    fingerprint: String,
    rows: usize,
}

impl Common {
    /// From rows with their vectors; none without any.
    pub fn of(known: Vec<(Row, Vec<f32>)>, fingerprint: &str) -> Option<Self> {
        let (rows, step) = (known.len(), (known.len() / BACKGROUND).max(1));
        let known: Vec<(Row, Vec<f32>)> = known.into_iter().step_by(step).take(BACKGROUND).collect();
        let vectors: Vec<&[f32]> = known.iter().map(|k| k.1.as_slice()).collect();
        let background = Background::of(&vectors)?;
        let step = (known.len() / SCALE).max(1);
        let (sample, vectors) = known.into_iter().step_by(step).take(SCALE).unzip();
        let phrases = OnceLock::new();
        Some(Common { background, sample, phrases, vectors, fingerprint: fingerprint.to_string(), rows })
    }
}

/// The readers that are kept.
#[derive(Default)]
pub struct KeptReaders {
    // Only for a look and an exchange; never held while a model is fitted.
    kept: Mutex<HashMap<i64, Arc<Reader>>>,
    common: Mutex<Option<Arc<Common>>>,
    // Only for a look and an exchange.
    pub others: Mutex<crate::engine::readers::coreading::Slot>,
    // Held while they are made, so that they are made once.
    pub making_others: Mutex<()>,
    pub making_released: Mutex<()>,
    pub pools: Pools,
}

impl KeptReaders {
    /// Lets go of a user, and of all that was made of many.
    pub fn forget(&self, user: i64) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
        self.others.lock().unwrap_or_else(PoisonError::into_inner).forget(user);
    }

    fn get(&self, user: i64) -> Option<Arc<Reader>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned()
    }

    fn keep(&self, reader: &Arc<Reader>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(reader.user.number, Arc::clone(reader));
        let mut examples: usize = kept.values().map(|r| 1 + r.learned.len()).sum();
        while examples > KEPT_EXAMPLES && kept.len() > 1 {
            let Some(other) = kept.keys().copied().find(|u| *u != reader.user.number) else { break };
            examples -= kept.remove(&other).map_or(0, |r| 1 + r.learned.len());
        }
    }
}

impl Readers {
    /// The reader of this name, as it stands now.
    pub(super) fn reader(&self, space: &EmbeddingSpace, name: &str) -> Result<Arc<Reader>> {
        let user = self.store.user(name)?;
        let change = self.store.change()?;
        if let Some(kept) = self.kept.get(user.number)
            && kept.user.version == user.version
            && kept.fingerprint == space.model().fingerprint
            && (kept.change.load(Ordering::Relaxed) == change || self.still_there(&kept)?)
        {
            kept.change.fetch_max(change, Ordering::Relaxed);
            return Ok(kept);
        }
        let reader = Arc::new(self.read(space, user, &[])?);
        self.kept.keep(&reader);
        // Whoever was deleted while this was made must not be kept.
        if let Err(e) = self.store.user(name) {
            self.kept.forget(reader.user.number);
            return Err(e);
        }
        Ok(reader)
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
        let opinions = opinions(&events);
        // Never later than the clock: one that ran ahead for a day must not make all else old.
        let newest = events.iter().map(|e| e.at).max().map(|at| at.min(Moment::now()));
        let half_life = user.settings.half_life_days.unwrap_or(HALF_LIFE);
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
            self.store.outside(user.number)?.into_iter().map(|p| (p.id.clone(), p)).collect()
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
        let common = self.common(space)?;
        let mut preferences = common.as_ref().and_then(|c| PreferenceModel::fit(&weighted, &c.background));
        if let (Some(preferences), Some(common)) = (&mut preferences, &common) {
            self.bring_to_scale(preferences, common);
        }
        // Interests are kept: they may not be those of half a preferences.
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
                self.bring_to_scale(preferences, common);
            }
        }
        let calibration = common.as_ref().and_then(|common| {
            calibration(&weighted, |held_back| {
                let mut preferences = PreferenceModel::fit(held_back, &common.background)?;
                self.bring_to_scale(&mut preferences, common);
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
            names: OnceLock::new(),
            seen,
            works,
            gone,
            pool: Arc::default(),
            asked: Asked::default(),
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
        let mut known = space.vectors(&rows).into_iter().zip(of_rows);
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

    /// Vectors of papers that are not in the corpus: those that are known, else made now.
    pub(super) fn vectors_of(&self, space: &EmbeddingSpace, papers: &[&Paper]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = self.store.known_vectors(space.model(), papers)?;
        let lacking: Vec<usize> = (0..papers.len()).filter(|k| vectors[*k].is_none()).collect();
        if !lacking.is_empty() {
            let embedder = space.embedder()?;
            for window in lacking.chunks(256) {
                let texts: Vec<String> = window.iter().map(|&k| papers[k].text_joined(embedder.separator())).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let made: Vec<(&Paper, Vec<f32>)> =
                    window.iter().map(|&k| papers[k]).zip(embedder.embed(&texts, Kind::Document)?).collect();
                // So that after a move to another model a library is embedded once, and not by every process anew.
                if let Err(e) = self.store.put_vectors(space.model(), &made) {
                    tracing::warn!("vectors of a library were not kept: {e}");
                }
                for (k, (_, vector)) in window.iter().zip(made) {
                    vectors[*k] = Some(vector);
                }
            }
        }
        Ok(vectors.into_iter().map(|v| v.unwrap_or_else(|| vec![0.0; space.model().dimension])).collect())
    }

    /// Keeps papers of a user's library that are not in the corpus, so that they teach all the same.
    pub(super) fn put_outside(&self, name: &UserId, papers: &[Paper]) -> Result<()> {
        if papers.is_empty() {
            return Ok(());
        }
        let space = self.corpus.space();
        let refs: Vec<&Paper> = papers.iter().collect();
        let vectors = self.vectors_of(&space, &refs)?;
        let kept: Vec<(&Paper, &[f32])> = papers.iter().zip(&vectors).map(|(p, v)| (p, v.as_slice())).collect();
        self.store.put_outside(name, &kept, &space.model().fingerprint)
    }

    /// What is common in the corpus; taken again when it has grown by a tenth. None while there are no papers.
    pub(super) fn common(&self, space: &EmbeddingSpace) -> Result<Option<Arc<Common>>> {
        let rows = space.len();
        let mut kept = self.kept.common.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(common) = kept.as_ref() {
            let grown = rows.abs_diff(common.rows) * 10 > common.rows;
            if common.fingerprint == space.model().fingerprint && !grown {
                return Ok(Some(Arc::clone(common)));
            }
        }
        let all = self.corpus.lexical().rows();
        let step = (all.len() as usize / BACKGROUND).max(1);
        let some: Vec<Row> = all.iter().step_by(step).take(BACKGROUND).map(Row).collect();
        let found: Vec<(Row, Vec<f32>)> =
            some.iter().copied().zip(space.vectors(&some)).filter_map(|(row, v)| Some((row, v?))).collect();
        let Some(mut common) = Common::of(found, &space.model().fingerprint) else { return Ok(None) };
        common.rows = rows;
        let common = Arc::new(common);
        *kept = Some(Arc::clone(&common));
        Ok(Some(common))
    }

    pub(super) fn bring_to_scale(&self, preferences: &mut PreferenceModel, common: &Common) {
        let words = self.word_products(preferences, &common.sample);
        let sample: Vec<Candidate<'_>> =
            common.vectors.iter().zip(&words).map(|(v, w)| Candidate { vector: v, words: *w }).collect();
        preferences.calibrate(&sample);
    }

    /// The product of the preferences's words with the terms of each row.
    pub(super) fn word_products(&self, preferences: &PreferenceModel, rows: &[Row]) -> Vec<f32> {
        let words = preferences.words();
        let length = words.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        let mut products = self.corpus.lexical().cosines(&TermVector::from_weights(words.to_vec()), rows);
        products.iter_mut().for_each(|p| *p *= length);
        products
    }
}

/// What the events come to, paper by paper.
pub fn opinions(events: &[Event]) -> HashMap<&PaperId, Opinion> {
    let mut by_paper: HashMap<&PaperId, Vec<(EventKind, Moment, f32)>> = HashMap::new();
    for event in events {
        by_paper.entry(&event.paper).or_default().push((event.kind, event.at, event.weight));
    }
    by_paper.into_iter().filter_map(|(id, events)| Some((id, opinion(&events)?))).collect()
}
