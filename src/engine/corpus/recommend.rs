//! Papers for a set of examples.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::bounds;
use crate::cancel;
use crate::embed::{Kind, unit};
use crate::engine::answer::AnswerBudget;
use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, SearchOptions, Why};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, LexicalQuery, RetrievalQuery};
use crate::engine::corpus::common::Common;
use crate::engine::corpus::embed::{MAX_INPUTS, check_query, check_texts};
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::named::WithVector;
use crate::engine::corpus::preferences::ScoredCandidate;
use crate::engine::corpus::reasons::Besides;
use crate::engine::corpus::retrieve::Constraints;
use crate::error::{Error, Result};
use crate::index::{Plan, TermVector};
use crate::paper::{Paper, PaperId, Row, Works, head};
use crate::rank::{Background, PreferenceModel, Strategy, UNDATED, WeightedExample, decay};
use crate::user::Moment;

/// Most candidates and most examples in one call.
pub const MAX_CANDIDATES: usize = bounds::CANDIDATES;
const MAX_EXAMPLES: usize = bounds::EXAMPLES;

/// What an example may count beside the others.
const WEIGHTS: std::ops::RangeInclusive<f32> = 1e-6..=1e6;

/// Papers at large that a regression tells the likes from.
const BACKGROUND: usize = 1000;

/// Likes whose own neighbours are candidates for `nearest`, and for the whole model.
const FURTHER: usize = 64;
const FURTHER_OF_ALL: usize = 8;

/// A paper as an example.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Which paper.
    pub id: PaperId,
    /// How much it counts beside the others; above zero.
    pub weight: f32,
}

/// What to recommend from.
#[derive(Debug, Clone)]
pub struct Recommend {
    /// Papers to be close to.
    pub like: Vec<Example>,
    /// Papers to be far from.
    pub dislike: Vec<Example>,
    /// Phrases or abstracts to be close to.
    pub text: Vec<String>,
    /// Phrases or abstracts to be far from.
    pub dislike_text: Vec<String>,
    /// A vector of the current model to be close to; brought to unit length.
    pub vector: Option<Vec<f32>>,
    /// A stored user to recommend for, as their feed does; likes and dislikes are then taken as if they had given them now.
    pub user: Option<String>,
    /// How the examples become a score.
    pub strategy: Strategy,
    /// Only these papers, all of them, liked ones included.
    pub candidates: Option<Vec<PaperId>>,
    /// Days after which a paper counts half.
    pub half_life_days: Option<f32>,
    /// At most so many papers of one author.
    pub per_author: Option<usize>,
    /// Whether liked papers are left out of the answer.
    pub exclude_liked: bool,
    /// Limit, filter, diversity and the rest.
    pub ask: SearchOptions,
}

impl Default for Recommend {
    fn default() -> Self {
        Recommend {
            like: Vec::new(),
            dislike: Vec::new(),
            text: Vec::new(),
            dislike_text: Vec::new(),
            vector: None,
            user: None,
            strategy: Strategy::Auto,
            candidates: None,
            half_life_days: None,
            per_author: None,
            exclude_liked: true,
            ask: SearchOptions::default(),
        }
    }
}

/// An example, found and read.
struct Given {
    name: Name,
    /// Below zero for a dislike.
    weight: f32,
    vector: Vec<f32>,
    terms: Vec<(u32, f32)>,
    counts: Vec<(u32, u8)>,
}

/// What to call an example.
enum Name {
    Paper { id: String, title: String },
    Text(String),
    Vector,
}

/// The examples with what is to be kept out of an answer for them.
struct Examples {
    /// Likes, then dislikes.
    given: Vec<Given>,
    liked: Vec<Row>,
    disliked: Vec<Row>,
    works: Works,
}

impl Corpus {
    /// Papers close to what is liked and far from what is not.
    pub fn recommend(&self, request: &Recommend) -> Result<Answer> {
        let began = Instant::now();
        request.check()?;
        let space = &*self.space();
        let examples = self.examples(space, request)?;
        let common = self.common(space)?;
        let preferences = self.preferences(space, request, &examples, common.as_deref())?;
        let score = |found: &mut Vec<Candidate>| self.score(space, found, &preferences, request.half_life_days);
        let mut candidates = None;
        let (hits, plan, total) = match &request.candidates {
            Some(ids) => {
                // What a strategy or a mode asks for is a part of the model alone.
                let whole = request.strategy == Strategy::Auto && request.ask.mode == Mode::Hybrid;
                let counts: Vec<&[(u32, u8)]> = examples.given.iter().map(|e| e.counts.as_slice()).collect();
                let (mut rows, mut seen) = (self.rows_of_all_named(ids)?, HashSet::new());
                rows.retain(|row| seen.insert(*row));
                let among = common.as_deref().filter(|_| whole);
                let scored = &*candidates.insert(self.score_candidates(space, &preferences, among, &counts, &rows)?);
                let ranked = self.rank_candidates(&scored.papers, request.half_life_days)?;
                let total = ranked.len();
                (ranked, Plan::Exact, total)
            }
            None => {
                let mut without: HashSet<Row> = examples.disliked.iter().copied().collect();
                if request.exclude_liked {
                    without.extend(&examples.liked);
                    let versions = self.versions();
                    without.extend(examples.liked.iter().flat_map(|row| versions.others(*row)));
                }
                let rules = Constraints {
                    without,
                    retired: self.store.retired()?,
                    never: if request.exclude_liked { examples.works.clone() } else { Works::default() },
                    per_author: request.per_author,
                    rescore: Some(&score),
                    ..Constraints::default()
                };
                let mode = request.ask.mode;
                let vector = unit(preferences.direction().to_vec()).ok().filter(|_| mode != Mode::Lexical);
                let likely = preferences.words().iter().copied().filter(|(_, w)| *w > 0.0).collect();
                let terms = TermVector::from_weights(likely);
                let further = match preferences.strategy() {
                    Strategy::Nearest => FURTHER,
                    Strategy::Auto => FURTHER_OF_ALL,
                    _ => 0,
                };
                let likes = || examples.given.iter().filter(|e| e.weight > 0.0);
                let apart = vector.is_some() && likes().nth(1).is_some();
                let further: Vec<Vec<f32>> =
                    likes().filter(|_| apart).take(further).map(|e| e.vector.clone()).collect();
                let probe = RetrievalQuery {
                    vector: vector.as_deref(),
                    further: &further,
                    words: (!terms.is_empty() && mode != Mode::Dense).then_some(LexicalQuery::Terms(&terms)),
                    feedback: 0.0,
                };
                let retrieved = self.retrieve(space, &probe, &request.ask, rules)?;
                (retrieved.hits, retrieved.plan, retrieved.total)
            }
        };
        let rows: Vec<Row> = hits.iter().map(|(f, _)| f.row).collect();
        let mut whys: Vec<Option<Why>> = vec![None; rows.len()];
        if request.ask.explain {
            let (vectors, terms) = (space.vectors(&rows)?, self.lexical().terms(&rows));
            let example = |k: usize, value| match &examples.given[k].name {
                Name::Paper { id, title } => Part::Paper { id: id.clone(), title: title.clone(), value },
                Name::Text(text) => Part::Text { text: text.clone(), value },
                Name::Vector => Part::Vector { value },
            };
            for (k, (vector, terms)) in vectors.iter().zip(&terms).enumerate() {
                cancel::check()?;
                let Some(vector) = vector else { continue };
                let words = terms.as_ref().map_or(&[][..], |t| &t.terms);
                let found = &hits[k].0;
                let parts = match &candidates {
                    Some(scored) => scored.parts(found.row, vector, words),
                    None => preferences.parts(vector, words),
                };
                // What neither examples nor feedback explain is what age took away.
                let age =
                    if request.half_life_days.is_some() { found.score - parts.sum() - found.feedback } else { 0.0 };
                let age = if age.abs() > 2e-5 { age } else { 0.0 };
                let besides = Besides { age, feedback: found.feedback, others: 0.0 };
                whys[k] = Some(self.reasons(parts, &example, besides, found.score));
            }
        }
        let papers: Vec<Hit> =
            hits.into_iter().zip(whys).map(|((f, paper), why)| Hit { why, ..Hit::new(paper, f.score) }).collect();
        AnswerBudget::default().take(&papers)?;
        let mut meta = Meta::since(began, plan, total, request.ask.mode);
        meta.strategy = Some(preferences.strategy());
        Ok(Answer { papers, meta })
    }

    /// The preference model of the examples, or the part of it that a strategy or a mode asks for.
    fn preferences(
        &self,
        space: &EmbeddingSpace,
        request: &Recommend,
        examples: &Examples,
        common: Option<&Common>,
    ) -> Result<PreferenceModel> {
        let weighted: Vec<WeightedExample<'_>> = examples.given.iter().map(Given::weighted).collect();
        let at_large = match request.strategy {
            Strategy::Logistic => self.at_large(space, &[&examples.liked, &examples.disliked])?,
            _ => Vec::new(),
        };
        let at_large: Vec<WeightedExample<'_>> = at_large
            .iter()
            .map(|(vector, terms)| WeightedExample { weight: 1.0, vector, terms: &terms.terms })
            .collect();
        cancel::check()?;
        // Without any paper there is nothing to stand out from, and nothing to rank.
        let vectors: Vec<&[f32]> = weighted.iter().map(|e| e.vector).collect();
        let of_examples = if common.is_none() { Background::of(&vectors) } else { None };
        let background = common.map(|c| &c.background).or(of_examples.as_ref());
        let made = background.and_then(|b| PreferenceModel::of(request.strategy, &weighted, b, &at_large));
        // A regression that was given up is none.
        cancel::check()?;
        // No scale: for a request scores are similarities, the same whatever else there is in the corpus.
        let preferences = made
            .ok_or_else(|| Error::Invalid("the examples cancel each other out: nothing is left to look for".into()))?;
        Ok(match request.ask.mode {
            Mode::Hybrid => preferences,
            Mode::Dense => preferences.without_words(),
            Mode::Lexical => preferences.words_only(),
        })
    }

    fn examples(&self, space: &EmbeddingSpace, request: &Recommend) -> Result<Examples> {
        let mut given: Vec<Given> = Vec::new();
        let (mut rows, mut liked_papers) = ([Vec::new(), Vec::new()], Vec::new());
        for (k, (papers, texts)) in
            [(&request.like, &request.text), (&request.dislike, &request.dislike_text)].into_iter().enumerate()
        {
            let sign = if k == 0 { 1.0 } else { -1.0 };
            let ids: Vec<&str> = papers.iter().map(|given| given.id.as_str()).collect();
            let found = self.with_vectors(space, &ids)?;
            let of: Vec<Row> = found.iter().map(|f| f.row).collect();
            let read = self.lexical().terms(&of).into_iter().zip(self.lexical().counts(&of));
            for ((asked, WithVector { row, paper, vector }), (terms, counts)) in papers.iter().zip(found).zip(read) {
                let name = Name::Paper { id: paper.id.to_string(), title: paper.title.clone() };
                let terms = terms.unwrap_or_default().terms;
                given.push(Given { name, weight: sign * asked.weight, vector, terms, counts });
                rows[k].push(row);
                if k == 0 {
                    liked_papers.push(paper);
                }
            }
            if !texts.is_empty() {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                check_texts(&texts)?;
                for (text, vector) in texts.iter().zip(space.embedder()?.embed(&texts, Kind::Query)?) {
                    cancel::check()?;
                    let (terms, counts) = (self.lexical().terms_of(text).terms, self.lexical().counts_of(text));
                    given.push(Given { name: Name::Text(head(text.trim(), 80)), weight: sign, vector, terms, counts });
                }
            }
            if let Some(vector) = request.vector.as_ref().filter(|_| k == 0) {
                if vector.len() != space.model.dimension {
                    return Err(Error::Invalid(format!(
                        "the vector has {} numbers; those of {} have {}",
                        vector.len(),
                        space.model.name,
                        space.model.dimension
                    )));
                }
                let vector = unit(vector.clone())
                    .map_err(|_| Error::Invalid("the vector has no direction (all zero, or not finite)".into()))?;
                given.push(Given { name: Name::Vector, weight: 1.0, vector, terms: Vec::new(), counts: Vec::new() });
            }
        }
        if let Some(both) = rows[1].iter().position(|row| rows[0].contains(row)) {
            return Err(Error::Invalid(format!("{:?} is both liked and disliked", request.dislike[both].id.as_str())));
        }
        let [liked, disliked] = rows;
        Ok(Examples { given, liked, disliked, works: Works::of(&liked_papers) })
    }

    /// Papers of the corpus at large that are no examples, evenly over its rows, for a regression to tell the likes from.
    fn at_large(&self, space: &EmbeddingSpace, known: &[&[Row]; 2]) -> Result<Vec<(Vec<f32>, TermVector)>> {
        let live = self.lexical().rows();
        let step = (live.len() as usize / BACKGROUND).max(1);
        let rows: Vec<Row> =
            live.iter().step_by(step).map(Row).filter(|r| !known.iter().any(|k| k.contains(r))).collect();
        let pairs = space.vectors(&rows)?.into_iter().zip(self.lexical().terms(&rows));
        Ok(pairs.filter_map(|(vector, terms)| Some((vector?, terms.unwrap_or_default()))).collect())
    }

    /// Candidates with their papers, best first, less what age takes away.
    fn rank_candidates(
        &self,
        scored: &[ScoredCandidate],
        half_life_days: Option<f32>,
    ) -> Result<Vec<(Candidate, Paper)>> {
        let of = |c: &ScoredCandidate| Candidate {
            row: c.row,
            score: c.score,
            feedback: c.feedback,
            ..Candidate::default()
        };
        let mut ranked: Vec<Candidate> = scored.iter().map(of).collect();
        self.take_age(&mut ranked, half_life_days)?;
        ranked.sort_by(Candidate::best_first);
        let order: Vec<Row> = ranked.iter().map(|f| f.row).collect();
        let by_row: HashMap<Row, Candidate> = ranked.iter().map(|f| (f.row, *f)).collect();
        let mut papers = Vec::with_capacity(order.len());
        for piece in order.chunks(500) {
            cancel::check()?;
            papers.extend(self.store.papers(piece)?.into_iter().map(|(row, paper)| (by_row[&row], paper)));
        }
        Ok(papers)
    }

    /// The model's score for each, less what age takes away.
    fn score(
        &self,
        space: &EmbeddingSpace,
        found: &mut Vec<Candidate>,
        preferences: &PreferenceModel,
        half_life_days: Option<f32>,
    ) -> Result<()> {
        let rows: Vec<Row> = found.iter().map(|f| f.row).collect();
        let scored = self.scores(space, preferences, &rows)?;
        // A row that was deleted meanwhile has no vector any more, and no paper either.
        *found = scored.iter().map(|s| Candidate { row: s.row, score: s.score, ..Candidate::default() }).collect();
        self.take_age(found, half_life_days)
    }

    fn take_age(&self, found: &mut [Candidate], half_life_days: Option<f32>) -> Result<()> {
        let Some(half_life) = half_life_days else { return Ok(()) };
        let rows: Vec<Row> = found.iter().map(|f| f.row).collect();
        let (days, newest) = self.store.days(&rows, Moment::now().day())?;
        for f in found {
            let factor = match (days.get(&f.row), newest) {
                (Some(day), Some(newest)) => decay((newest - day) as f32, half_life),
                _ => UNDATED,
            };
            // So that age never helps a paper whose score is below zero.
            f.score -= f.score.abs() * (1.0 - factor);
        }
        Ok(())
    }
}

impl Given {
    fn weighted(&self) -> WeightedExample<'_> {
        WeightedExample { weight: self.weight, vector: &self.vector, terms: &self.terms }
    }
}

impl Recommend {
    pub fn check(&self) -> Result<()> {
        self.ask.check()?;
        if self.user.is_some() {
            let not_for_users = [
                ("text", !self.text.is_empty()),
                ("dislike_text", !self.dislike_text.is_empty()),
                ("vector", self.vector.is_some()),
                ("strategy", self.strategy != Strategy::Auto),
                ("half_life_days", self.half_life_days.is_some()),
                ("exclude_liked", !self.exclude_liked),
            ];
            if let Some((name, _)) = not_for_users.iter().find(|(_, given)| *given) {
                return Err(Error::Invalid(format!(
                    "`{name}` does not go with `user`: a user is ranked for by their own history"
                )));
            }
        } else if self.like.is_empty() && self.text.is_empty() && self.vector.is_none() {
            return Err(Error::Invalid("no example: give at least one paper to like, a text or a vector".into()));
        }
        if self.like.len() + self.dislike.len() > MAX_EXAMPLES {
            return Err(Error::Invalid(format!(
                "{} examples; at most {MAX_EXAMPLES} are allowed in one call",
                self.like.len() + self.dislike.len()
            )));
        }
        for example in self.like.iter().chain(&self.dislike) {
            if !WEIGHTS.contains(&example.weight) {
                return Err(Error::Invalid(format!(
                    "the weight of {:?} is {}; it goes from {} to {}",
                    example.id.as_str(),
                    example.weight,
                    WEIGHTS.start(),
                    WEIGHTS.end()
                )));
            }
        }
        let liked: HashSet<&PaperId> = self.like.iter().map(|e| &e.id).collect();
        if let Some(both) = self.dislike.iter().find(|e| liked.contains(&e.id)) {
            return Err(Error::Invalid(format!("{:?} is both liked and disliked", both.id.as_str())));
        }
        bounds::at_most("text", self.text.len(), bounds::TEXTS)?;
        bounds::at_most("dislike_text", self.dislike_text.len(), bounds::TEXTS)?;
        for text in self.text.iter().chain(&self.dislike_text) {
            check_query(text)?;
        }
        for texts in [&self.text, &self.dislike_text] {
            if texts.len() > MAX_INPUTS {
                return Err(Error::Invalid(format!("{} texts; at most {MAX_INPUTS} are allowed", texts.len())));
            }
        }
        if let Some(n) = self.candidates.as_ref().map(Vec::len).filter(|n| !(1..=MAX_CANDIDATES).contains(n)) {
            return Err(Error::Invalid(format!("{n} candidates; 1 to {MAX_CANDIDATES} are allowed")));
        }
        if self.half_life_days.is_some_and(|d| !(d.is_finite() && d > 0.0)) {
            return Err(Error::Invalid("half_life_days must be above 0".into()));
        }
        if self.per_author == Some(0) {
            return Err(Error::Invalid("per_author must be at least 1".into()));
        }
        Ok(())
    }
}
