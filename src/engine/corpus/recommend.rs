//! Papers for a set of examples.

use std::collections::HashSet;
use std::time::Instant;

use crate::bounds;
use crate::cancel;
use crate::embed::{Kind, unit};
use crate::engine::answer::AnswerBudget;
use crate::engine::answer::{Answer, Hit, Meta, Mode, Part, SearchOptions, Why};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, LexicalQuery, RetrievalQuery, WORDS_SHARE};
use crate::engine::corpus::embed::{MAX_INPUTS, check_query, check_texts};
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::named::WithVector;
use crate::engine::corpus::retrieve::{Constraints, Rescore};
use crate::error::{Error, Result};
use crate::index::{Plan, TermVector, dot};
use crate::paper::{PaperId, Row, Works, head};
use crate::rank::{self, Profile, Strategy, UNDATED, decay};
use crate::user::Moment;

/// Most candidates and most examples in one call.
pub const MAX_CANDIDATES: usize = bounds::CANDIDATES;
const MAX_EXAMPLES: usize = bounds::EXAMPLES;

/// Examples that are named in an explanation: those that count most; the others are told together.
const NAMED: usize = 200;

/// What an example may count beside the others.
const WEIGHTS: std::ops::RangeInclusive<f32> = 1e-6..=1e6;

/// Papers at large that a regression tells the likes from.
const BACKGROUND: usize = 1000;

/// Likes whose own neighbours are candidates for `nearest`.
const FURTHER: usize = 64;

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

/// The examples, found and embedded.
struct Examples {
    profile: Profile,
    /// What to call each example, in the order of the profile's parts.
    names: Vec<Name>,
    liked: Vec<Row>,
    disliked: Vec<Row>,
    works: Works,
}

enum Name {
    Paper { id: String, title: String },
    Text(String),
    Vector,
}

impl Corpus {
    /// Papers close to what is liked and far from what is not.
    pub fn recommend(&self, request: &Recommend) -> Result<Answer> {
        let began = Instant::now();
        request.check()?;
        let space = &*self.space();
        let examples = self.examples(space, request)?;
        let profile = &examples.profile;
        let score = |found: &mut Vec<Candidate>| self.score(space, found, profile, request.half_life_days);
        let (hits, plan, total) = match &request.candidates {
            Some(ids) => {
                let ranked = self.rank_candidates(ids, &score)?;
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
                    never: if request.exclude_liked { examples.works.clone() } else { Works::default() },
                    per_author: request.per_author,
                    rescore: Some(&score),
                    ..Constraints::default()
                };
                let vector = unit(profile.dense().to_vec()).ok().filter(|_| request.ask.mode != Mode::Lexical);
                let likely = profile.words().iter().copied().filter(|(_, w)| *w > 0.0).collect();
                let terms = TermVector::from_weights(likely);
                let apart = profile.is_nearest() && vector.is_some();
                let further: Vec<Vec<f32>> =
                    profile.likes().iter().filter(|_| apart).take(FURTHER).map(|e| e.dense.clone()).collect();
                let probe = RetrievalQuery {
                    vector: vector.as_deref(),
                    further: &further,
                    words: (!terms.is_empty()).then_some(LexicalQuery::Terms(&terms)),
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
            for (k, (vector, terms)) in vectors.iter().zip(&terms).enumerate() {
                cancel::check()?;
                let words = terms.as_ref().map_or(&[][..], |t| &t.terms);
                whys[k] = vector.as_ref().map(|v| examples.why(v, words, hits[k].0.score));
            }
        }
        let papers: Vec<Hit> =
            hits.into_iter().zip(whys).map(|((f, paper), why)| Hit { why, ..Hit::new(paper, f.score) }).collect();
        AnswerBudget::default().take(&papers)?;
        let mut meta = Meta::since(began, plan, total, request.ask.mode);
        meta.strategy = Some(profile.strategy());
        Ok(Answer { papers, meta })
    }

    fn examples(&self, space: &EmbeddingSpace, request: &Recommend) -> Result<Examples> {
        let (mut names, mut sides) = (Vec::new(), [Vec::new(), Vec::new()]);
        let (mut rows, mut liked_papers) = ([Vec::new(), Vec::new()], Vec::new());
        let mode = request.ask.mode;
        let example = |weight: f32, dense: Vec<f32>, words: Option<TermVector>| rank::Example {
            weight,
            dense: if mode == Mode::Lexical { Vec::new() } else { dense },
            words: words.filter(|_| mode != Mode::Dense).map(|t| t.terms).unwrap_or_default(),
        };
        for (k, (papers, texts)) in
            [(&request.like, &request.text), (&request.dislike, &request.dislike_text)].into_iter().enumerate()
        {
            let ids: Vec<&str> = papers.iter().map(|given| given.id.as_str()).collect();
            let found = self.with_vectors(space, &ids)?;
            let terms = self.lexical().terms(&found.iter().map(|f| f.row).collect::<Vec<_>>());
            for ((given, WithVector { row, paper, vector }), terms) in papers.iter().zip(found).zip(terms) {
                sides[k].push(example(given.weight, vector, terms));
                names.push(Name::Paper { id: paper.id.to_string(), title: paper.title.clone() });
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
                    sides[k].push(example(1.0, vector, Some(self.lexical().terms_of(text))));
                    names.push(Name::Text(head(text.trim(), 80)));
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
                sides[k].push(example(1.0, vector, None));
                names.push(Name::Vector);
            }
        }
        if let Some(both) = rows[1].iter().position(|row| rows[0].contains(row)) {
            return Err(Error::Invalid(format!("{:?} is both liked and disliked", request.dislike[both].id.as_str())));
        }
        cancel::check()?;
        let [likes, dislikes] = sides;
        let share = match mode {
            Mode::Hybrid => WORDS_SHARE,
            Mode::Dense => 0.0,
            Mode::Lexical => 1.0,
        };
        let mut failed = None;
        let at_large = || match self.at_large(space, &rows, &example) {
            Ok(others) => others,
            Err(e) => {
                failed = Some(e);
                Vec::new()
            }
        };
        let profile = Profile::new(request.strategy, likes, dislikes, share, at_large);
        if let Some(e) = failed {
            return Err(e);
        }
        let profile = profile
            .ok_or_else(|| Error::Invalid("the examples cancel each other out: nothing is left to look for".into()))?;
        // A regression that was given up is none.
        cancel::check()?;
        let [liked, disliked] = rows;
        Ok(Examples { profile, names, liked, disliked, works: Works::of(&liked_papers) })
    }

    /// Papers of the corpus at large that are no examples, evenly over its rows, for a regression to tell the likes from.
    fn at_large(
        &self,
        space: &EmbeddingSpace,
        known: &[Vec<Row>; 2],
        example: &dyn Fn(f32, Vec<f32>, Option<TermVector>) -> rank::Example,
    ) -> Result<Vec<rank::Example>> {
        let live = self.lexical().rows();
        let step = (live.len() as usize / BACKGROUND).max(1);
        let rows: Vec<Row> =
            live.iter().step_by(step).map(Row).filter(|r| !known.iter().any(|k| k.contains(r))).collect();
        let vectors = space.vectors(&rows)?.into_iter();
        let pairs = vectors.zip(self.lexical().terms(&rows));
        Ok(pairs.filter_map(|(vector, terms)| Some(example(1.0, vector?, terms))).collect())
    }

    fn rank_candidates(&self, ids: &[PaperId], score: &Rescore<'_>) -> Result<Vec<(Candidate, crate::paper::Paper)>> {
        let (mut rows, mut seen) = (self.rows_of_all_named(ids)?, HashSet::new());
        rows.retain(|row| seen.insert(*row));
        let mut ranked: Vec<Candidate> =
            rows.into_iter().map(|row| Candidate { row, ..Candidate::default() }).collect();
        score(&mut ranked)?;
        ranked.sort_by(Candidate::best_first);
        let order: Vec<Row> = ranked.iter().map(|f| f.row).collect();
        let by_row: std::collections::HashMap<Row, Candidate> = ranked.iter().map(|f| (f.row, *f)).collect();
        let mut papers = Vec::with_capacity(order.len());
        for piece in order.chunks(500) {
            cancel::check()?;
            papers.extend(self.store.papers(piece)?.into_iter().map(|(row, paper)| (by_row[&row], paper)));
        }
        Ok(papers)
    }

    /// The profile's score for each, less what age takes away.
    fn score(
        &self,
        space: &EmbeddingSpace,
        found: &mut Vec<Candidate>,
        profile: &Profile,
        half_life_days: Option<f32>,
    ) -> Result<()> {
        let rows: Vec<Row> = found.iter().map(|f| f.row).collect();
        let vectors = space.vectors(&rows)?;
        let scores: Vec<f32> = if profile.is_nearest() {
            let terms = self.lexical().terms(&rows);
            let one = |(vector, terms): (&Option<Vec<f32>>, &Option<TermVector>)| -> Result<f32> {
                // Each against every example: of thousands of both that takes a while.
                cancel::check()?;
                let words = terms.as_ref().map_or(&[][..], |t| &t.terms);
                Ok(vector.as_ref().map_or(0.0, |v| profile.parts(v, words).iter().sum()))
            };
            vectors.iter().zip(&terms).map(one).collect::<Result<_>>()?
        } else {
            let words = TermVector { terms: profile.words().to_vec() };
            let words = if words.is_empty() { vec![0.0; rows.len()] } else { self.lexical().cosines(&words, &rows) };
            let meaning = |v: &Option<Vec<f32>>| {
                v.as_ref().filter(|v| v.len() == profile.dense().len()).map_or(0.0, |v| dot(profile.dense(), v))
            };
            vectors.iter().zip(words).map(|(v, w)| meaning(v) + w).collect()
        };
        let mut scored = vectors.iter().zip(scores);
        // A row that was deleted meanwhile has no vector any more, and no paper either.
        found.retain_mut(|f| match scored.next() {
            Some((Some(_), score)) => {
                f.score = score;
                true
            }
            _ => false,
        });
        if let Some(half_life) = half_life_days {
            let (days, newest) = self.store.days(&rows, Moment::now().day())?;
            for f in found {
                let factor = match (days.get(&f.row), newest) {
                    (Some(day), Some(newest)) => decay((newest - day) as f32, half_life),
                    _ => UNDATED,
                };
                // So that age never helps a paper whose score is below zero.
                f.score -= f.score.abs() * (1.0 - factor);
            }
        }
        Ok(())
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

impl Examples {
    fn why(&self, vector: &[f32], words: &[(u32, f32)], score: f32) -> Why {
        let values = self.profile.parts(vector, words);
        let own: f32 = values.iter().sum();
        let named = self.names.len().min(values.len());
        let mut order: Vec<usize> = (0..named).filter(|k| values[*k] != 0.0).collect();
        // Of thousands of examples those are named that count most.
        let rest: Vec<usize> = if order.len() > NAMED {
            order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
            let rest = order.split_off(NAMED);
            order.sort_unstable();
            rest
        } else {
            Vec::new()
        };
        let mut parts: Vec<Part> = order
            .into_iter()
            .map(|k| (&self.names[k], values[k]))
            .map(|(name, value)| match name {
                Name::Paper { id, title } => Part::Paper { id: id.clone(), title: title.clone(), value },
                Name::Text(text) => Part::Text { text: text.clone(), value },
                Name::Vector => Part::Vector { value },
            })
            .collect();
        if !rest.is_empty() {
            parts.push(Part::Rest { value: rest.iter().map(|k| values[*k]).sum() });
        }
        if let Some(value) = values.last().filter(|v| **v != 0.0) {
            parts.push(Part::Background { value: *value });
        }
        // What the examples do not explain is what age took away; below rounding there was no age.
        if (score - own).abs() > 2e-5 {
            parts.push(Part::Recency { value: score - own });
        }
        Why::of(parts)
    }
}
