//! Where the themes of a run lie: the middle of each, and the papers closest to it.

use rayon::prelude::*;

use crate::engine::corpus::EmbeddingSpace;
use crate::error::Result;
use crate::index::dot;
use crate::paper::Row;
use crate::themes::levels::{FINEST, Grouping, LEVELS};

/// Vectors looked at together.
pub(super) const BLOCK: usize = 4096;

/// Telling papers kept of a theme.
const EXAMPLES: usize = 5;

/// Themes kept that are like a theme.
const RELATED: usize = 5;

/// The middles of the themes of every level, and their most telling papers.
pub struct Centres {
    pub dimension: usize,
    /// For every level one unit vector a theme.
    vectors: Vec<Vec<f32>>,
    /// Papers of every finest theme.
    sizes: Vec<usize>,
    levels: Vec<Vec<u32>>,
    /// For every level and theme the rows closest to its middle.
    pub examples: Vec<Vec<Vec<Row>>>,
}

impl Centres {
    /// Of a grouping of rows.
    pub fn of(space: &EmbeddingSpace, rows: &[Row], grouping: &Grouping) -> Result<Self> {
        let d = space.model().dimension;
        let finest = grouping.themes(FINEST);
        let mut sums = vec![0f64; finest * d];
        let mut sizes = vec![0usize; finest];
        for (b, block) in rows.chunks(BLOCK).enumerate() {
            for (k, vector) in space.vectors(block)?.into_iter().enumerate() {
                let i = b * BLOCK + k;
                let (Some(vector), true) = (vector, grouping.member[i]) else { continue };
                let t = grouping.nearest[i] as usize;
                sizes[t] += 1;
                sums[t * d..(t + 1) * d].iter_mut().zip(&vector).for_each(|(s, x)| *s += f64::from(*x));
            }
        }
        let of_level = |of: &Vec<u32>| {
            let themes = of.iter().max().map_or(0, |m| *m as usize + 1);
            let mut all = vec![0f64; themes * d];
            for (c, t) in of.iter().enumerate() {
                let t = *t as usize;
                all[t * d..(t + 1) * d].iter_mut().zip(&sums[c * d..(c + 1) * d]).for_each(|(a, s)| *a += s);
            }
            all.chunks_exact(d)
                .flat_map(|v| {
                    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                    v.iter().map(move |x| (x / length) as f32)
                })
                .collect()
        };
        let vectors: Vec<Vec<f32>> = grouping.levels.iter().map(of_level).collect();
        let examples = examples(space, rows, grouping, &vectors, d)?;
        Ok(Centres { dimension: d, vectors, sizes, levels: grouping.levels.clone(), examples })
    }

    /// Those of the finest level, one after the other.
    pub fn finest(&self) -> &[f32] {
        self.vectors.last().map_or(&[], Vec::as_slice)
    }

    /// How many papers each finest theme has.
    pub fn weights(&self) -> Vec<f32> {
        self.sizes.iter().map(|s| *s as f32).collect()
    }

    /// Papers of a theme.
    pub fn size(&self, level: usize, theme: usize) -> usize {
        self.levels[level].iter().zip(&self.sizes).filter(|(t, _)| **t as usize == theme).map(|(_, n)| n).sum()
    }

    /// The themes of a level that are most like one of it, with their similarity.
    pub fn related(&self, level: usize, theme: usize) -> Vec<(usize, f32)> {
        let d = self.dimension;
        let all = &self.vectors[level];
        let own = &all[theme * d..(theme + 1) * d];
        let mut near: Vec<(usize, f32)> = all
            .chunks_exact(d)
            .enumerate()
            .filter(|(t, _)| *t != theme)
            .map(|(t, v)| (t, (dot(own, v) * 1e4).round() / 1e4))
            .collect();
        near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        near.truncate(RELATED);
        near
    }
}

/// For every level and theme the rows closest to its middle; of copies of one text only the first.
fn examples(
    space: &EmbeddingSpace,
    rows: &[Row],
    grouping: &Grouping,
    vectors: &[Vec<f32>],
    d: usize,
) -> Result<Vec<Vec<Vec<Row>>>> {
    let best = |level: usize| -> Result<Vec<Vec<Row>>> {
        let mut best: Vec<Vec<(f32, Row)>> = vec![Vec::new(); grouping.themes(level)];
        for (b, block) in rows.chunks(BLOCK).enumerate() {
            for (k, vector) in space.vectors(block)?.into_iter().enumerate() {
                let i = b * BLOCK + k;
                let (Some(vector), Some(t)) = (vector, grouping.theme(level, i)) else { continue };
                let t = t as usize;
                let score = dot(&vector, &vectors[level][t * d..(t + 1) * d]);
                let list = &mut best[t];
                if list.len() < EXAMPLES || list.last().is_some_and(|l| score > l.0) {
                    if list.iter().any(|(s, _)| (s - score).abs() < 1e-6) {
                        continue;
                    }
                    let at = list.partition_point(|l| l.0 >= score);
                    list.insert(at, (score, rows[i]));
                    list.truncate(EXAMPLES);
                }
            }
        }
        Ok(best.into_iter().map(|list| list.into_iter().map(|(_, row)| row).collect()).collect())
    };
    (0..LEVELS).into_par_iter().map(best).collect()
}
