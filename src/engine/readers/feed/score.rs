//! What a candidate is worth to a reader: what the preference model says (`rank/preference_model`), what others who read alike
//! add (`readers/coreading`), and what it loses for its age. Feedback is added in `rank_candidates` alone; while nothing is
//! liked, `cold` orders. Reasons are made of the same parts in `why`.

use crate::engine::corpus::{Common, EmbeddingSpace, ScoredRow};
use crate::engine::readers::Readers;
use crate::engine::readers::coreading::Asker;
use crate::engine::readers::interests::standing;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::paper::Row;
use crate::rank::{PreferenceModel, decay};

/// What a paper loses at most for its age, in standard deviations of the score, and the days after which it has lost half
/// of that.
const AGE_COSTS: f32 = 0.5;
const AGE_HALF_LIFE: f32 = 30.0;

/// What papers are scored by for a reader.
#[derive(Clone, Copy)]
pub struct Scorer<'a> {
    pub space: &'a EmbeddingSpace,
    pub reader: &'a Reader,
    /// The reader's preference model, or the part of it that a mode asks for.
    pub preferences: &'a PreferenceModel,
    pub common: &'a Common,
}

impl Readers {
    /// Scores rows, and says which interest each belongs to.
    pub(super) fn score_rows(&self, by: Scorer<'_>, rows: &[Row]) -> Result<Vec<Scored>> {
        let length = by.common.background.length();
        let found = self.corpus.scores(by.space, by.preferences, rows)?.into_iter();
        let one =
            |ScoredRow { row, vector, score }| Scored::of(row, score, standing(&by.reader.interests, &vector, length));
        Ok(found.map(one).collect())
    }

    /// Adds what the reading of others says of each paper.
    pub(super) fn ask_others(&self, space: &EmbeddingSpace, reader: &Reader, scored: &mut [Scored]) -> Result<()> {
        if reader.interests.is_empty() {
            return Ok(());
        }
        let liked: Vec<Row> = reader.learned.iter().filter(|l| l.weight > 0.0).filter_map(|l| l.row).collect();
        let rows: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let asker = Asker { user: reader.user.number, liked: &liked, last: &reader.others };
        for (s, value) in scored.iter_mut().zip(self.others_add(space, asker, &rows)?) {
            s.others = value;
            s.score += value;
        }
        Ok(())
    }

    /// Takes off what a paper loses for its age.
    pub(super) fn age(&self, scored: &mut [Scored]) -> Result<()> {
        let Some(today) = self.corpus.today()? else { return Ok(()) };
        let rows: Vec<Row> = scored.iter().map(|s| s.row).collect();
        for (s, day) in scored.iter_mut().zip(self.store.list_days(&rows)?) {
            let kept = day.map_or(crate::rank::UNDATED, |day| decay((today - day) as f32, AGE_HALF_LIFE));
            s.age = -AGE_COSTS * (1.0 - kept);
            s.score += s.age;
        }
        Ok(())
    }
}
