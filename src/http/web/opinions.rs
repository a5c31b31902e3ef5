//! What a reader said of papers, as pages show it.

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::{Engine, PaperOpinion};
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::EventKind;

/// Papers that are asked about at once.
const BATCH: usize = 200;

/// What a reader said of a paper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// They like it.
    pub liked: bool,
    /// It is among what they keep.
    pub saved: bool,
    /// They want less like it.
    pub disliked: bool,
    /// They do not want to see it again.
    pub dismissed: bool,
    /// They opened it.
    pub opened: bool,
    /// They wrote a note on it.
    pub noted: bool,
}

impl From<&PaperOpinion> for Said {
    fn from(opinion: &PaperOpinion) -> Self {
        Said {
            liked: opinion.liked,
            saved: opinion.saved,
            disliked: opinion.against == Some(EventKind::Dislike),
            dismissed: opinion.against == Some(EventKind::Dismiss),
            opened: opinion.viewed,
            noted: opinion.note,
        }
    }
}

/// What a reader said of some papers. A reader of whom nothing is known said nothing.
///
/// # Errors
/// When the store cannot be read.
pub fn said(engine: &Engine, reader: &str, ids: &[&PaperId]) -> Result<HashMap<PaperId, Said>> {
    let mut all = HashMap::new();
    for some in ids.chunks(BATCH) {
        let some: Vec<PaperId> = some.iter().map(|id| (*id).clone()).collect();
        let opinions = engine.opinions(reader, &some)?;
        all.extend(some.into_iter().zip(opinions.iter().map(Said::from)));
    }
    Ok(all)
}
