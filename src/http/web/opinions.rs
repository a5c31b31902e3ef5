//! What a reader said of papers, and how a page takes it.

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::user::{Event, EventKind};

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
}

impl Said {
    /// Whether they did anything with it.
    pub fn any(self) -> bool {
        self != Said::default()
    }
}

/// What a reader said of some papers.
///
/// # Errors
/// When the store cannot be read. A reader of whom nothing is known said nothing.
pub fn said(engine: &Engine, reader: &str, ids: &[&PaperId]) -> Result<HashMap<PaperId, Said>> {
    let mut events: HashMap<PaperId, Vec<Event>> = ids.iter().map(|id| ((*id).clone(), Vec::new())).collect();
    let mut cursor = None;
    loop {
        let page = match engine.events(reader, 500, cursor.as_deref()) {
            Ok(page) => page,
            Err(Error::NotFound { .. }) => return Ok(HashMap::new()),
            Err(e) => return Err(e),
        };
        for event in page.items {
            if let Some(own) = events.get_mut(&event.paper) {
                own.push(event);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(events.into_iter().map(|(id, own)| (id, of_events(own.iter().rev()))).collect())
}

/// What events come to, oldest first: of the verdicts the last counts, `unsave` takes back a save and `clear` all.
fn of_events<'a>(events: impl Iterator<Item = &'a Event>) -> Said {
    let mut verdicts: Vec<EventKind> = Vec::new();
    let mut opened = false;
    for event in events {
        match event.kind {
            EventKind::View | EventKind::Click => opened = true,
            EventKind::Unsave => verdicts.retain(|kind| *kind != EventKind::Save),
            EventKind::Clear => verdicts.clear(),
            kind => verdicts.push(kind),
        }
    }
    let last = verdicts.last().copied();
    let against = matches!(last, Some(EventKind::Dislike | EventKind::Dismiss));
    let liked = verdicts.iter().rev().find(|kind| **kind != EventKind::Save) == Some(&EventKind::Like);
    Said {
        liked: liked && !against,
        saved: !against && verdicts.contains(&EventKind::Save),
        disliked: last == Some(EventKind::Dislike),
        dismissed: last == Some(EventKind::Dismiss),
        opened,
    }
}
