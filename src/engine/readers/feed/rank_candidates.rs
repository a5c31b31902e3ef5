//! Exactly these papers, ranked for a user. Candidates that are all of one kind are judged by what tells them apart.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::Shown;
use super::why::Explain;
use crate::engine::answer::AnswerBudget;
use crate::engine::answer::{Answer, Meta, Mode};
use crate::engine::corpus::{MAX_CANDIDATES, ScoredCandidate};
use crate::engine::readers::Readers;
use crate::engine::readers::calibration::foresee;
use crate::engine::readers::interests::standing;
use crate::engine::readers::pool::Scored;
use crate::error::{Error, Result};
use crate::index::Plan;
use crate::paper::{PaperId, Row};
use crate::user::Event;

impl Readers {
    /// Ranks exactly these papers for a user, all of them, seen ones included; with events that are taken as if they had
    /// happened, and are not stored.
    pub fn rank_for(
        &self,
        name: &str,
        ids: &[PaperId],
        hypothetical_events: &[Event],
        explain: bool,
    ) -> Result<Answer> {
        let began = Instant::now();
        if ids.is_empty() || ids.len() > MAX_CANDIDATES {
            return Err(Error::Invalid(format!("{} candidates; 1 to {MAX_CANDIDATES} are allowed", ids.len())));
        }
        let space = self.corpus.space();
        let reader = self.reader_for(&space, name, hypothetical_events)?;
        let (mut rows, mut known) = (self.corpus.rows_of_all_named(ids)?, HashSet::new());
        rows.retain(|row| known.insert(*row));
        let total = rows.len();
        let (Some(own), Some(common)) = (&reader.preferences, self.corpus.common(&space)?) else {
            return self.rank_cold(rows, explain, began);
        };
        let counts: Vec<&[(u32, u8)]> = reader.learned.iter().map(|l| l.counts.as_slice()).collect();
        let found = self.corpus.score_candidates(&space, own, Some(&common), &counts, &rows)?;
        let length = common.background.length();
        let of = |c: &ScoredCandidate| Scored {
            score: c.score,
            feedback: c.feedback,
            ..Scored::of(c.row, c.liking, standing(&reader.interests, &c.vector, length))
        };
        let mut scored: Vec<Scored> = found.papers.iter().map(of).collect();
        self.ask_others(&space, &reader, &mut scored)?;
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        foresee(reader.calibration, &mut scored);
        let order: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let papers = self.store.papers(&order)?;
        let by_row: HashMap<Row, &Scored> = scored.iter().map(|s| (s.row, s)).collect();
        let shown = |(row, paper)| Shown { scored: by_row[&row], paper, explore: false, follow: None };
        let page = papers.into_iter().map(shown).collect();
        let apart: &Explain<'_> = &|row, vector, terms| found.parts(row, vector, terms);
        let papers = self.hits(&space, &reader, page, explain.then_some(apart))?;
        AnswerBudget::default().take(&papers)?;
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }
}
