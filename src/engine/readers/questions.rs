//! The papers to ask a new user about: each answer should tell as much as possible.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::bounds;
use crate::engine::answer::check_limit;
use crate::engine::answer::{Answer, Hit, Meta, Mode};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::reader::Reader;
use crate::engine::readers::readership::{Released, Sampled};
use crate::error::{Error, Result};
use crate::index::Plan;
use crate::paper::{Filter, Paper, PaperId, Row, plain};
use crate::rank::{QuestionPanel, QuestionPlanner, choose_panel, well_known};
use crate::vector::add;

/// Papers that stand for a corpus.
pub const LOOKED_AT: usize = 1500;

/// Verdicts that are learned from: the ones that weigh most.
const LEARNED: usize = 60;

/// Papers that say where an author or a theme lies.
const SAMPLE: usize = 200;

/// Starting points of one request, at most.
const MOST_STARTS: usize = bounds::STARTS;

/// Characters of an abstract from which on a paper can be judged by it.
const READABLE: usize = 150;

/// What somebody begins with, and what is wanted.
#[derive(Debug, Clone)]
pub struct QuestionsOptions {
    /// Questions wanted: 1 to 500.
    pub limit: usize,
    /// Topics as they were typed, and saved searches.
    pub topics: Vec<String>,
    /// Themes by id.
    pub themes: Vec<String>,
    /// Authors by name.
    pub authors: Vec<String>,
    /// Papers that were passed over: neither they nor what is nearly the same is asked about.
    pub passed: Vec<PaperId>,
}

impl Default for QuestionsOptions {
    fn default() -> Self {
        QuestionsOptions { limit: 10, topics: Vec::new(), themes: Vec::new(), authors: Vec::new(), passed: Vec::new() }
    }
}

/// The papers that stand for the corpus, ready to be asked about.
pub struct QuestionSample {
    panel: QuestionPanel,
    rows: Vec<Row>,
    /// Which can be judged by what is shown of them.
    readable: Vec<bool>,
    fingerprint: String,
    papers: usize,
    changes: u64,
    /// What was told of readers when it was made.
    released: Arc<Released>,
}

/// Where it is kept.
#[derive(Default)]
pub struct KeptSample(Mutex<Option<Arc<QuestionSample>>>);

impl KeptSample {
    /// Lets go of what a user who is forgotten had a part in.
    pub fn forget(&self, user: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_if(|corpus| corpus.released.tells_of(user));
    }
}

/// How much a paper weighs by the attention it had: readers work where there is most of it.
pub fn weight(attention: f32) -> f32 {
    1.0 + attention.max(0.0)
}

impl Readers {
    /// Papers that a user has said nothing of, the most telling first, each with the bits of information that its
    /// answer is expected to give. They follow from the starting points and from what the user has liked and disliked;
    /// the second and later ones as if those before had not been liked. The user need not exist.
    pub fn questions(&self, name: &str, ask: &QuestionsOptions) -> Result<Answer> {
        let began = Instant::now();
        check_limit(ask.limit)?;
        let starts = ask.topics.len() + ask.themes.len() + ask.authors.len();
        if starts > MOST_STARTS {
            return Err(Error::Invalid(format!("{starts} starting points; at most {MOST_STARTS} are allowed")));
        }
        bounds::at_most("passed", ask.passed.len(), bounds::PASSED)?;
        let space = self.corpus.space();
        let reader = match self.reader(&space, name) {
            Err(Error::NotFound { .. }) => Arc::new(self.reader_with(&space, name, &[])?),
            found => found?,
        };
        let starts = self.starts(&space, ask)?;
        let passed = self.passed(&ask.passed)?;
        let total = self.corpus.lexical().rows().len() as usize;
        let Some(corpus) = self.corpus(&space)? else {
            return Ok(Answer { papers: Vec::new(), meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) });
        };
        let versions = |row: &Row| reader.gone.contains(row.0) || passed.contains(row);
        let open = corpus.rows.iter().zip(&corpus.readable).map(|(row, readable)| *readable && !versions(row));
        let mut questions = QuestionPlanner::new(&corpus.panel, open.collect());
        questions.start(&starts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (row, weight) in self.verdicts(&space, &reader)? {
            questions.answer(&row, weight);
        }
        space.vectors(&passed)?.iter().flatten().for_each(|v| questions.skip(v));
        let mut papers: Vec<Hit> = Vec::with_capacity(ask.limit);
        while papers.len() < ask.limit {
            let Some((place, bits)) = questions.ask() else { break };
            let Some((_, paper)) = self.store.papers(&[corpus.rows[place]])?.pop() else { continue };
            if !reader.seen.contains(paper.id.base()) && !reader.works.contains(&paper) {
                papers.push(Hit::new(paper, bits));
            }
        }
        // The order is that in which they are to be asked; a score never rises along a list.
        let mut least = f32::INFINITY;
        for hit in &mut papers {
            least = least.min(hit.score);
            hit.score = least;
        }
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// The vectors of what somebody begins with.
    fn starts(&self, space: &EmbeddingSpace, ask: &QuestionsOptions) -> Result<Vec<Vec<f32>>> {
        let mut starts = Vec::new();
        for topic in &ask.topics {
            crate::engine::corpus::check_query(topic)?;
            starts.push(self.corpus.embed_query(space, topic)?);
        }
        for theme in &ask.themes {
            starts.push(self.middle(space, &self.themes.rows_of_theme(theme)?)?);
        }
        for author in &ask.authors {
            let filter = Filter { authors: vec![author.clone()], ..Filter::default() };
            filter.check()?;
            let rows: Vec<Row> = self.store.allowed(&filter)?.unwrap_or_default().iter().map(Row).collect();
            if rows.is_empty() {
                return Err(Error::NotFound { what: "author", id: author.clone() });
            }
            starts.push(self.middle(space, &rows)?);
        }
        Ok(starts)
    }

    fn middle(&self, space: &EmbeddingSpace, rows: &[Row]) -> Result<Vec<f32>> {
        let some: Vec<Row> = rows.iter().step_by(rows.len().div_ceil(SAMPLE).max(1)).copied().collect();
        let mut sum = vec![0f32; space.model().dimension];
        space.vectors(&some)?.iter().flatten().for_each(|v| add(&mut sum, 1.0 / some.len() as f32, v));
        Ok(sum)
    }

    fn passed(&self, ids: &[PaperId]) -> Result<Vec<Row>> {
        let refs: Vec<&PaperId> = ids.iter().collect();
        let rows = self.store.rows(&refs)?;
        ids.iter().zip(rows).map(|(id, row)| row.ok_or_else(|| Error::no_paper(id.as_str()))).collect()
    }

    /// What a reader has said, by vector and weight: the verdicts that weigh most.
    fn verdicts(&self, space: &EmbeddingSpace, reader: &Reader) -> Result<Vec<(Vec<f32>, f32)>> {
        let learned = reader.learned.iter().take(LEARNED);
        Ok(match &reader.preferences {
            Some(preferences) => learned.zip(preferences.vectors()).map(|(l, v)| (v.clone(), l.weight)).collect(),
            None => {
                let known: Vec<(Row, f32)> = learned.filter_map(|l| Some((l.row?, l.weight))).collect();
                let rows: Vec<Row> = known.iter().map(|k| k.0).collect();
                let vectors = space.vectors(&rows)?;
                vectors.into_iter().zip(known).filter_map(|(v, (_, weight))| Some((v?, weight))).collect()
            }
        })
    }

    /// The attention that each paper had: votes, and the readers here who liked, kept or opened it, as far as that is told
    /// (`engine/readers/readership`).
    fn readers_of(&self, rows: &[Row], released: &Released) -> Result<Vec<f32>> {
        let votes = self.store.days_and_votes(rows)?;
        let mut attention: Vec<f32> = votes.iter().map(|v| v.map_or(0.0, |v| v.1 as f32)).collect();
        let told: Vec<(&PaperId, f32)> = released
            .attended_since(i32::MIN)
            .map(|(paper, acts)| (paper, acts.len() as f32 * Sampled::WORTH))
            .collect();
        let ids: Vec<&PaperId> = told.iter().map(|t| t.0).collect();
        let place: HashMap<Row, usize> = rows.iter().enumerate().map(|(k, row)| (*row, k)).collect();
        for ((_, worth), row) in told.iter().zip(self.store.rows(&ids)?) {
            if let Some(k) = row.and_then(|row| place.get(&self.corpus.versions().newest(row))) {
                attention[*k] += worth;
            }
        }
        Ok(attention)
    }

    /// The papers that stand for the corpus; chosen again when it has changed by a twentieth. None without papers.
    fn corpus(&self, space: &EmbeddingSpace) -> Result<Option<Arc<QuestionSample>>> {
        let papers = space.len();
        let (changes, released) = (self.corpus.followed().papers, self.released()?);
        let mut kept = self.questions.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(corpus) = kept.as_ref() {
            let some = papers / 20;
            let near = papers.abs_diff(corpus.papers) <= some && changes.saturating_sub(corpus.changes) <= some as u64;
            let same = Arc::ptr_eq(&corpus.released, &released) || corpus.released.attends_as(&released);
            if corpus.fingerprint == space.model().fingerprint && near && same {
                return Ok(Some(Arc::clone(corpus)));
            }
        }
        let works = space.rows() - self.corpus.versions().superseded_rows(None) - self.store.retired()?;
        let works: Vec<Row> = works.iter().map(Row).collect();
        let read = self.readers_of(&works, &released)?;
        let rows: Vec<Row> = choose_panel(&read, LOOKED_AT).into_iter().map(|k| works[k]).collect();
        let read: HashMap<Row, f32> = works.into_iter().zip(read).collect();
        let vectors = space.vectors(&rows)?;
        let papers_of: Vec<(Row, Paper)> = self.store.papers(&rows)?;
        let mut found = papers_of.iter().peekable();
        let (mut kept_rows, mut known, mut attention, mut readable) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, vector) in rows.iter().zip(vectors) {
            let Some((_, paper)) = found.next_if(|(r, _)| r == row) else { continue };
            let Some(vector) = vector else { continue };
            kept_rows.push(*row);
            known.push(vector);
            attention.push(read.get(row).copied().unwrap_or_default());
            readable.push(plain(&paper.summary).chars().count() >= READABLE);
        }
        // Where few papers have an abstract, titles have to do.
        if readable.iter().filter(|r| **r).count() * 2 < readable.len() {
            readable.fill(true);
        }
        if known.is_empty() {
            return Ok(None);
        }
        // What is worth asking about among what can be judged; where that is nothing, whatever can be judged.
        let worth: Vec<bool> = well_known(&attention).iter().zip(&readable).map(|(w, r)| *w && *r).collect();
        let readable = if worth.iter().any(|w| *w) { worth } else { readable };
        let weights: Vec<f32> = attention.iter().map(|a| weight(*a)).collect();
        let panel = QuestionPanel::of(&known.iter().map(Vec::as_slice).collect::<Vec<_>>(), &weights);
        let fingerprint = space.model().fingerprint.clone();
        let corpus =
            Arc::new(QuestionSample { panel, rows: kept_rows, readable, fingerprint, papers, changes, released });
        *kept = Some(Arc::clone(&corpus));
        Ok(Some(corpus))
    }
}
