//! The papers to ask a new user about: each answer should tell as much as possible.

use std::time::Instant;

use super::{Answer, Ask, Engine, Hit, Meta, Mode};
use crate::error::Result;
use crate::index::Plan;
use crate::paper::Row;
use crate::rank::Candidate;
use crate::vector::dot;

/// Papers that are looked at: enough to stand for a corpus.
const LOOKED_AT: usize = 1500;

impl Engine {
    /// Papers that a user has said nothing of, the most telling first: such as stand for many others, far from what was
    /// asked already and from each other, and of which the model does not know whether they will be liked. After each
    /// answer (a like or a dislike) the next ones follow from it.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such user; [`crate::Error::Invalid`] for a limit out of range.
    pub fn questions(&self, name: &str, limit: usize) -> Result<Answer> {
        let began = Instant::now();
        Ask { limit, ..Ask::default() }.check()?;
        let space = self.space();
        let reader = self.reader(&space, name)?;
        let all = self.lexical.rows();
        let step = (all.len() as usize).div_ceil(LOOKED_AT).max(1);
        let rows: Vec<Row> = all.iter().step_by(step).map(Row).collect();
        let papers: Vec<(Row, Vec<f32>)> =
            rows.iter().zip(space.index.vectors(&rows)).filter_map(|(row, v)| Some((*row, v?))).collect();
        let words = match &reader.taste {
            Some(taste) => self.word_products(taste, &papers.iter().map(|p| p.0).collect::<Vec<_>>()),
            None => vec![0.0; papers.len()],
        };
        // How much of the corpus a paper stands for: its mean closeness to a part of the others.
        let part: Vec<&Vec<f32>> = papers.iter().step_by((papers.len() / 150).max(1)).map(|p| &p.1).collect();
        let stands_for: Vec<f32> = papers
            .iter()
            .map(|(_, v)| part.iter().map(|o| dot(v, o).max(0.0).powi(2)).sum::<f32>() / part.len().max(1) as f32)
            .collect();
        let uncertain: Vec<f32> = papers
            .iter()
            .zip(&words)
            .map(|((_, vector), words)| match &reader.taste {
                // Between an average paper and a sure hit lies what an answer decides.
                Some(taste) => {
                    let score = taste.score(Candidate { vector, words: *words });
                    1.0 / (1.0 + (score - 1.0).powi(2))
                }
                None => 1.0,
            })
            .collect();
        let answered: Vec<Row> = reader.learned.iter().filter_map(|l| l.row).collect();
        let mut nearest: Vec<f32> = vec![0.0; papers.len()];
        let come_closer = |nearest: &mut Vec<f32>, to: &[f32]| {
            for (n, (_, v)) in nearest.iter_mut().zip(&papers) {
                *n = n.max(dot(v, to));
            }
        };
        for vector in space.index.vectors(&answered).into_iter().flatten() {
            come_closer(&mut nearest, &vector);
        }
        let mut chosen: Vec<(Row, f32)> = Vec::new();
        let mut left: Vec<usize> = (0..papers.len()).filter(|k| !answered.contains(&papers[*k].0)).collect();
        while chosen.len() < 2 * limit && !left.is_empty() {
            let value = |k: usize| stands_for[k].sqrt() * (1.0 - nearest[k]).max(0.0) * uncertain[k];
            let Some(place) = (0..left.len()).max_by(|a, b| value(left[*a]).total_cmp(&value(left[*b]))) else { break };
            let k = left.swap_remove(place);
            chosen.push((papers[k].0, value(k)));
            come_closer(&mut nearest, &papers[k].1);
        }
        let rows: Vec<Row> = chosen.iter().map(|c| c.0).collect();
        let found = self.store.papers(&rows)?;
        let score = |row: Row| chosen.iter().find(|c| c.0 == row).map_or(0.0, |c| c.1);
        let unseen = found.into_iter().filter(|(_, p)| !reader.seen.contains(p.id.base()) && !reader.works.contains(p));
        let papers = unseen.take(limit).map(|(row, paper)| Hit::new(paper, score(row))).collect();
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, all.len() as usize, Mode::Hybrid) })
    }
}
