//! Papers for a set of examples.

use std::collections::HashSet;
use std::time::Instant;

use super::embed::check_texts;
use super::gather::{Rescore, Rules};
use super::search::check_query;
use super::space::Space;
use super::{Answer, Ask, Engine, Hit, Meta, Part, Why};
use crate::embed::{Kind, unit};
use crate::error::{Error, Result};
use crate::index::{Neighbour, Plan, VectorIndex};
use crate::paper::{PaperId, Row, Works, head};
use crate::rank::{Profile, Strategy, UNDATED, decay};

/// Most candidates and most examples in one call.
pub const MAX_CANDIDATES: usize = 20_000;
const MAX_EXAMPLES: usize = 10_000;

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
    pub ask: Ask,
}

impl Default for Recommend {
    fn default() -> Self {
        Recommend {
            like: Vec::new(),
            dislike: Vec::new(),
            text: Vec::new(),
            dislike_text: Vec::new(),
            vector: None,
            strategy: Strategy::Auto,
            candidates: None,
            half_life_days: None,
            per_author: None,
            exclude_liked: true,
            ask: Ask::default(),
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

impl Engine {
    /// Papers close to what is liked and far from what is not.
    ///
    /// # Errors
    /// [`Error::NotFound`] names an id that is not there; [`Error::Invalid`] says what of the request is not allowed.
    pub fn recommend(&self, request: &Recommend) -> Result<Answer> {
        let began = Instant::now();
        request.check()?;
        let space = &*self.space();
        let examples = self.examples(space, request)?;
        let (hits, plan, total) = match &request.candidates {
            Some(ids) => {
                let ranked = self.rank_candidates(space, ids, &examples.profile, request)?;
                let total = ranked.len();
                (ranked, Plan::Exact, total)
            }
            None => {
                let rescore =
                    |found: &mut Vec<Neighbour>| self.score(space, found, &examples.profile, request.half_life_days);
                // Rocchio without recency is the similarity to the query vector, which the index gives by itself.
                let own_score = request.strategy != Strategy::Nearest && request.half_life_days.is_none();
                let mut without: HashSet<Row> = examples.disliked.iter().copied().collect();
                if request.exclude_liked {
                    without.extend(&examples.liked);
                }
                let rules = Rules {
                    without,
                    never: if request.exclude_liked { examples.works.clone() } else { Works::default() },
                    per_author: request.per_author,
                    further_queries: examples.profile.further_queries().take(64).collect(),
                    rescore: (!own_score).then_some(&rescore as &Rescore<'_>),
                };
                let gathered = self.gather(space, examples.profile.query(), &request.ask, rules)?;
                (gathered.hits, gathered.plan, gathered.total)
            }
        };
        let rows: Vec<Row> = hits.iter().map(|(n, _)| n.row).collect();
        let vectors = if request.ask.explain { space.index.vectors(&rows) } else { vec![None; rows.len()] };
        let papers = hits
            .into_iter()
            .zip(vectors)
            .map(|((n, paper), vector)| Hit { why: vector.map(|v| examples.why(&v, n.score)), ..Hit::new(paper, n.score) })
            .collect();
        Ok(Answer { papers, meta: Meta::since(began, plan, total) })
    }

    fn examples(&self, space: &Space, request: &Recommend) -> Result<Examples> {
        let (mut names, mut sides) = (Vec::new(), [Vec::new(), Vec::new()]);
        let (mut rows, mut liked_papers) = ([Vec::new(), Vec::new()], Vec::new());
        for (k, (papers, texts)) in
            [(&request.like, &request.text), (&request.dislike, &request.dislike_text)].into_iter().enumerate()
        {
            for example in papers {
                let (row, paper) =
                    self.store.paper(example.id.as_str())?.ok_or_else(|| Error::no_paper(example.id.as_str()))?;
                let vector = space.vector(row, example.id.as_str())?;
                sides[k].push((example.weight, vector));
                names.push(Name::Paper { id: example.id.to_string(), title: paper.title.clone() });
                rows[k].push(row);
                if k == 0 {
                    liked_papers.push(paper);
                }
            }
            if !texts.is_empty() {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                check_texts(&texts)?;
                for (text, vector) in texts.iter().zip(space.embedder(&self.config)?.embed(&texts, Kind::Query)?) {
                    sides[k].push((1.0, vector));
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
                sides[k].push((1.0, vector));
                names.push(Name::Vector);
            }
        }
        let [likes, dislikes] = sides;
        let profile = Profile::new(request.strategy, likes, dislikes)
            .ok_or_else(|| Error::Invalid("the examples cancel each other out: nothing is left to look for".into()))?;
        let [liked, disliked] = rows;
        Ok(Examples { profile, names, liked, disliked, works: Works::of(&liked_papers) })
    }

    fn rank_candidates(
        &self,
        space: &Space,
        ids: &[PaperId],
        profile: &Profile,
        request: &Recommend,
    ) -> Result<Vec<(Neighbour, crate::paper::Paper)>> {
        let refs: Vec<&PaperId> = ids.iter().collect();
        let mut rows = Vec::with_capacity(ids.len());
        let mut seen = HashSet::new();
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            let row = row.ok_or_else(|| Error::no_paper(id.as_str()))?;
            if seen.insert(row) {
                rows.push(row);
            }
        }
        let mut ranked: Vec<Neighbour> = rows.into_iter().map(|row| Neighbour { row, score: 0.0 }).collect();
        self.score(space, &mut ranked, profile, request.half_life_days)?;
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        let order: Vec<Row> = ranked.iter().map(|n| n.row).collect();
        let scores: std::collections::HashMap<Row, f32> = ranked.iter().map(|n| (n.row, n.score)).collect();
        let papers = self.store.papers(&order)?;
        Ok(papers.into_iter().map(|(row, paper)| (Neighbour { row, score: scores[&row] }, paper)).collect())
    }

    /// The profile's score for each, less what age takes away.
    fn score(
        &self,
        space: &Space,
        found: &mut Vec<Neighbour>,
        profile: &Profile,
        half_life_days: Option<f32>,
    ) -> Result<()> {
        let rows: Vec<Row> = found.iter().map(|n| n.row).collect();
        let vectors = space.index.vectors(&rows);
        let mut vectors = vectors.iter();
        // A row that was deleted meanwhile has no vector any more, and no paper either.
        found.retain_mut(|n| match vectors.next() {
            Some(Some(v)) => {
                n.score = profile.score(v);
                true
            }
            _ => false,
        });
        if let Some(half_life) = half_life_days {
            let (days, newest) = self.store.days(&rows)?;
            for n in found {
                let factor = match (days.get(&n.row), newest) {
                    (Some(day), Some(newest)) => decay((newest - day) as f32, half_life),
                    _ => UNDATED,
                };
                // So that age never helps a paper whose score is below zero.
                n.score -= n.score.abs() * (1.0 - factor);
            }
        }
        Ok(())
    }
}

impl Recommend {
    fn check(&self) -> Result<()> {
        self.ask.check()?;
        if self.like.is_empty() && self.text.is_empty() && self.vector.is_none() {
            return Err(Error::Invalid("no example: give at least one paper to like, a text or a vector".into()));
        }
        if self.like.len() + self.dislike.len() > MAX_EXAMPLES {
            return Err(Error::Invalid(format!("more than {MAX_EXAMPLES} examples")));
        }
        for example in self.like.iter().chain(&self.dislike) {
            if !(example.weight.is_finite() && example.weight > 0.0) {
                return Err(Error::Invalid(format!(
                    "the weight of {:?} is {}; it must be above 0",
                    example.id.as_str(),
                    example.weight
                )));
            }
        }
        let liked: HashSet<&PaperId> = self.like.iter().map(|e| &e.id).collect();
        if let Some(both) = self.dislike.iter().find(|e| liked.contains(&e.id)) {
            return Err(Error::Invalid(format!("{:?} is both liked and disliked", both.id.as_str())));
        }
        for text in self.text.iter().chain(&self.dislike_text) {
            check_query(text)?;
        }
        if self.candidates.as_ref().is_some_and(|c| c.len() > MAX_CANDIDATES) {
            return Err(Error::Invalid(format!("more than {MAX_CANDIDATES} candidates")));
        }
        if self.half_life_days.is_some_and(|d| !(d.is_finite() && d > 0.0)) {
            return Err(Error::Invalid("half_life_days must be above 0".into()));
        }
        if self.per_author == Some(0) {
            return Err(Error::Invalid("per_author must be at least 1".into()));
        }
        if self.strategy == Strategy::Logistic {
            return Err(Error::Invalid(
                "strategy \"logistic\" is not available in this version; use \"rocchio\"".into(),
            ));
        }
        Ok(())
    }
}

impl Examples {
    fn why(&self, vector: &[f32], score: f32) -> Why {
        let values = self.profile.parts(vector);
        let own: f32 = values.iter().sum();
        let mut parts: Vec<Part> = self
            .names
            .iter()
            .zip(values)
            .filter(|(_, value)| *value != 0.0)
            .map(|(name, value)| match name {
                Name::Paper { id, title } => Part::Paper { id: id.clone(), title: title.clone(), value },
                Name::Text(text) => Part::Text { text: text.clone(), value },
                Name::Vector => Part::Vector { value },
            })
            .collect();
        // What the examples do not explain is what age took away; below rounding there was no age.
        if (score - own).abs() > 1e-5 {
            parts.push(Part::Recency { value: score - own });
        }
        Why::of(parts)
    }
}
