//! One ranking to make, and how it is measured.

use crate::eval::metrics::{average_precision, ndcg, recall, wrong_pairs};

/// Somebody with likes and dislikes, and the papers to order for them. All papers are places of the testbed.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The reader, review or example that it was drawn from; figures are means over these.
    pub of: usize,
    /// Papers that are liked.
    pub likes: Vec<usize>,
    /// The day of each like; empty if they have none.
    pub days: Vec<i32>,
    /// Papers that are disliked.
    pub dislikes: Vec<usize>,
    /// The papers to order, in random order.
    pub candidates: Vec<usize>,
    /// What each of them is worth.
    pub gains: Vec<f64>,
}

impl Case {
    /// From relevant papers and others, which are shuffled.
    pub fn new(of: usize, likes: Vec<usize>, relevant: &[usize], others: &[usize], random: &mut fastrand::Rng) -> Self {
        let mut worth: Vec<(usize, f64)> =
            relevant.iter().map(|k| (*k, 1.0)).chain(others.iter().map(|k| (*k, 0.0))).collect();
        // Equal scores keep their order, so it must not depend on relevance.
        random.shuffle(&mut worth);
        let (candidates, gains) = worth.into_iter().unzip();
        Case { of, likes, days: Vec::new(), dislikes: Vec::new(), candidates, gains }
    }

    /// The same with dislikes.
    pub fn with_dislikes(self, dislikes: Vec<usize>) -> Self {
        Case { dislikes, ..self }
    }

    /// The same with days for the likes.
    pub fn with_days(self, days: Vec<i32>) -> Self {
        Case { days, ..self }
    }
}

/// A figure of one ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// The share of pairs in the wrong order; less is better.
    WrongPairs,
    /// Average precision.
    AveragePrecision,
    /// nDCG of the first fifth of the candidates.
    NdcgFifth,
    /// nDCG of the first ten.
    Ndcg10,
    /// The share of the relevant papers among so many of the first.
    Recall(usize),
}

impl Measure {
    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Measure::WrongPairs => "wrong pairs".into(),
            Measure::AveragePrecision => "MAP".into(),
            Measure::NdcgFifth => "nDCG@20%".into(),
            Measure::Ndcg10 => "nDCG@10".into(),
            Measure::Recall(k) => format!("recall@{k}"),
        }
    }

    /// Its value for the gains of a ranking, best first.
    pub fn of(self, gains: &[f64]) -> f64 {
        let relevant = gains.iter().filter(|g| **g > 0.0).count();
        match self {
            Measure::WrongPairs => wrong_pairs(gains),
            Measure::AveragePrecision => average_precision(gains, relevant),
            Measure::NdcgFifth => ndcg(gains, gains, gains.len().div_ceil(5)),
            Measure::Ndcg10 => ndcg(gains, gains, 10),
            Measure::Recall(k) => recall(gains, relevant, k),
        }
    }

    /// How much better a value is than another; below zero if it is worse.
    pub fn better_by(self, value: f64, than: f64) -> f64 {
        if self == Measure::WrongPairs { than - value } else { value - than }
    }
}
