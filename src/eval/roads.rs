//! The roads on which candidates are ordered for somebody, as they serve. Nothing is stored.

use std::collections::HashMap;

use crate::engine::{Answer, Engine, Example, Recommend};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::rank::Strategy;
use crate::user::{Event, EventKind, Moment};

/// The reader for whom [`rank`] asks. There is none of this name, so that only what is said in the call counts.
const NOBODY: &str = "a reader of the evaluation";

/// What somebody likes, and what is to be ordered.
pub struct Asked<'a> {
    /// Papers that they like.
    pub likes: &'a [PaperId],
    /// The day of each like, as days since 1970-01-01; empty if all were given at once.
    pub days: &'a [i32],
    /// Papers that they dislike.
    pub dislikes: &'a [PaperId],
    /// The papers to order, each once, by the ids that they have in the corpus.
    pub candidates: &'a [PaperId],
}

/// The order of the candidates through `recommend` with a strategy, best first, as positions among them.
///
/// # Errors
/// Those of the call.
pub fn recommend(engine: &Engine, asked: &Asked<'_>, strategy: Strategy) -> Result<Vec<usize>> {
    let example = |id: &PaperId| Example { id: id.clone(), weight: 1.0 };
    let request = Recommend {
        like: asked.likes.iter().map(example).collect(),
        dislike: asked.dislikes.iter().map(example).collect(),
        strategy,
        candidates: Some(asked.candidates.to_vec()),
        ..Recommend::default()
    };
    order(&engine.recommend(&request)?, asked.candidates)
}

/// The order of the candidates through `rank`, best first, as positions among them.
///
/// # Errors
/// Those of the call.
pub fn rank(engine: &Engine, asked: &Asked<'_>) -> Result<Vec<usize>> {
    let event = |paper: &PaperId, kind, day| Event { paper: paper.clone(), kind, at: Moment::of_day(day), weight: 1.0 };
    let days = asked.days.iter().copied().chain(std::iter::repeat(0));
    let mut events: Vec<Event> =
        asked.likes.iter().zip(days).map(|(id, day)| event(id, EventKind::Like, day)).collect();
    let last = asked.days.iter().copied().max().unwrap_or(0);
    events.extend(asked.dislikes.iter().map(|id| event(id, EventKind::Dislike, last)));
    order(&engine.rank_for(NOBODY, asked.candidates, &events, false)?, asked.candidates)
}

fn order(answer: &Answer, candidates: &[PaperId]) -> Result<Vec<usize>> {
    let mut places: HashMap<&str, usize> = candidates.iter().enumerate().map(|(k, id)| (id.as_str(), k)).collect();
    // Taken out, so that a paper that comes twice does not count twice.
    let order: Vec<usize> = answer.papers.iter().filter_map(|hit| places.remove(hit.paper.id.as_str())).collect();
    if order.len() == candidates.len() {
        return Ok(order);
    }
    let problem = format!("of {} candidates {} came back", candidates.len(), order.len());
    Err(Error::Internal(problem))
}
