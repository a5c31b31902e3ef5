//! What a history comes to: an opinion of each paper, and the papers that a model learns from.

use std::collections::HashMap;

use crate::paper::{PaperId, Row};
use crate::user::{Event, EventKind, Moment, Opinion, opinion};

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

/// What the events come to, paper by paper.
pub fn opinions(events: &[Event]) -> HashMap<&PaperId, Opinion> {
    let mut by_paper: HashMap<&PaperId, Vec<(EventKind, Moment, f32)>> = HashMap::new();
    for event in events {
        by_paper.entry(&event.paper).or_default().push((event.kind, event.at, event.weight));
    }
    by_paper.into_iter().filter_map(|(id, events)| Some((id, opinion(&events)?))).collect()
}
