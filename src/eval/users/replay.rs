//! Replay: how high the papers rank that readers took up next, day by day.

use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;

use super::methods::{Method, best_first, scores};
use crate::engine::Engine;
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::{ndcg, recall, reciprocal_rank};
use crate::eval::sets::{Half, LogEntry};
use crate::eval::table::{Cell, Table, named};
use crate::paper::PaperId;

/// What to run on a log.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Readers with fewer papers are left out.
    pub least: usize,
    /// How many of the last days of each reader are tested.
    pub days: usize,
    /// The methods to compare.
    pub methods: Vec<Method>,
    /// Which readers to use.
    pub half: Half,
}

/// For each of the last days on which a reader took a paper up, ranks the papers of that day by a model of the reader's
/// past. Days with too few papers to choose from are left out.
///
/// # Errors
/// Those of the engine's calls.
pub fn replay(engine: &Engine, log: &[LogEntry], plan: &Replay, progress: Progress<'_>) -> Result<Table> {
    let Replay { least, days, methods, half } = plan;
    let page = |after| engine.ids(after, 4096);
    let mut ids: Vec<PaperId> = Vec::new();
    let mut after = None;
    loop {
        let next = page(after)?;
        let Some((last, _)) = next.last() else { break };
        after = Some(*last);
        ids.extend(next.into_iter().map(|(_, id)| id));
    }
    let testbed = engine.testbed(&ids, |_| true)?;
    let mut by_day: HashMap<i32, Vec<usize>> = HashMap::new();
    for k in 0..testbed.len() {
        if let Some(day) = testbed.day(k) {
            by_day.entry(day).or_default().push(k);
        }
    }
    let mut by_user: BTreeMap<&str, Vec<(i32, usize)>> = BTreeMap::new();
    for taken in log {
        if let Some(k) = testbed.place(&taken.paper) {
            by_user.entry(&taken.user).or_default().push((taken.day, k));
        }
    }
    by_user.retain(|_, taken| taken.len() >= *least);
    let columns = ["history", "method", "tests", "recall@5", "nDCG@10", "MRR"];
    let mut table = Table::new(format!("{} readers, the last {days} days of each", by_user.len()), columns);
    let spans = [(1, 4), (5, 19), (20, usize::MAX)];
    let names = ["1 to 4", "5 to 19", "20 and more"];
    let readers: Vec<_> = by_user.values().enumerate().filter(|(place, _)| half.contains(*place)).collect();
    let (mut done, all) = (0, methods.len() * readers.len());
    for &method in methods {
        let mut figures: [[Vec<f64>; 3]; 3] = Default::default();
        for &(place, taken) in &readers {
            done += 1;
            progress(done, all);
            let mut test_days: Vec<i32> = taken.iter().map(|t| t.0).collect();
            test_days.sort_unstable();
            test_days.dedup();
            for &day in test_days.iter().rev().take(*days) {
                let past: Vec<(usize, f32)> = taken.iter().filter(|t| t.0 < day).map(|t| (t.1, 1.0)).collect();
                let taken_up: HashSet<usize> = taken.iter().filter(|t| t.0 == day).map(|t| t.1).collect();
                let Some(span) = spans.iter().position(|(a, b)| (*a..=*b).contains(&past.len())) else { continue };
                let known: HashSet<usize> = past.iter().map(|p| p.0).collect();
                let candidates: Vec<usize> =
                    by_day.get(&day).into_iter().flatten().copied().filter(|k| !known.contains(k)).collect();
                if candidates.len() < 2 * taken_up.len() || !taken_up.iter().all(|w| candidates.contains(w)) {
                    continue;
                }
                let mut random = Rng::with_seed(11 + place as u64 * 7919 + day as u64);
                let scores = scores(&testbed, method, &past, &candidates, &[], &mut random);
                let gains: Vec<f64> = best_first(&scores)
                    .into_iter()
                    .map(|k| f64::from(u8::from(taken_up.contains(&candidates[k]))))
                    .collect();
                figures[span][0].push(recall(&gains, taken_up.len(), 5));
                figures[span][1].push(ndcg(&gains, &vec![1.0; taken_up.len()], 10));
                figures[span][2].push(reciprocal_rank(&gains));
            }
        }
        for (name, [recall, ndcg, mrr]) in names.iter().zip(&figures) {
            let n = recall.len();
            let mut row: Vec<Cell> = vec![(*name).into(), named(&method).as_str().into(), n.into()];
            row.extend([recall, ndcg, mrr].map(|values| bootstrap::mean(values).into()));
            table.rows.push(row);
        }
    }
    table.rows.sort_by_key(|row| names.iter().position(|n| row[0].to_string() == *n));
    Ok(table)
}
