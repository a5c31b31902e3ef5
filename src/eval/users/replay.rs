//! Replay: how high the papers rank that readers took up next, day by day.

use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;

use super::methods::{Method, best_first, scores};
use crate::engine::{Engine, Testbed};
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::{ndcg, recall, reciprocal_rank};
use crate::eval::sets::{Half, LogEntry};
use crate::eval::similar::all_ids;
use crate::eval::table::{Cell, Table, named};

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

/// A day on which a reader took something up. Papers are places of the testbed.
pub struct Day {
    /// The reader, by position among those that were given.
    pub reader: usize,
    /// Which day.
    pub day: i32,
    /// What the reader had taken up before, each with its day.
    pub past: Vec<(i32, usize)>,
    /// The papers that were listed on the day, without those of the past.
    pub candidates: Vec<usize>,
    /// Those that the reader took up.
    pub taken_up: HashSet<usize>,
}

/// Lengths of a history, with their names.
pub const SPANS: [(usize, usize, &str); 3] = [(1, 4, "1 to 4"), (5, 19, "5 to 19"), (20, usize::MAX, "20 and more")];

/// Which of [`SPANS`] a history of so many papers is in; none of nothing.
pub fn span(papers: usize) -> Option<usize> {
    SPANS.iter().position(|(from, to, _)| (*from..=*to).contains(&papers))
}

/// What readers of a log took up that is in the testbed, by the reader's name: days and papers.
pub fn by_reader<'a>(testbed: &Testbed<'_>, log: &'a [LogEntry]) -> BTreeMap<&'a str, Vec<(i32, usize)>> {
    let mut by_reader: BTreeMap<&str, Vec<(i32, usize)>> = BTreeMap::new();
    for taken in log {
        if let Some(k) = testbed.place(&taken.paper) {
            by_reader.entry(&taken.user).or_default().push((taken.day, k));
        }
    }
    by_reader
}

/// The papers of a testbed by the day on which they were listed.
pub fn by_day(testbed: &Testbed<'_>) -> HashMap<i32, Vec<usize>> {
    let mut by_day: HashMap<i32, Vec<usize>> = HashMap::new();
    for k in 0..testbed.len() {
        if let Some(day) = testbed.day(k) {
            by_day.entry(day).or_default().push(k);
        }
    }
    by_day
}

/// The last days of readers (what they took up: days and papers), latest first. Days with too few papers to choose from
/// are left out, and those without a past.
pub fn last_days(testbed: &Testbed<'_>, readers: &[Vec<(i32, usize)>], days: usize) -> Vec<Day> {
    let by_day = by_day(testbed);
    let mut tests = Vec::new();
    for (reader, taken) in readers.iter().enumerate() {
        let mut test_days: Vec<i32> = taken.iter().map(|t| t.0).collect();
        test_days.sort_unstable();
        test_days.dedup();
        for &day in test_days.iter().rev().take(days) {
            let past: Vec<(i32, usize)> = taken.iter().filter(|t| t.0 < day).copied().collect();
            let taken_up: HashSet<usize> = taken.iter().filter(|t| t.0 == day).map(|t| t.1).collect();
            let known: HashSet<usize> = past.iter().map(|p| p.1).collect();
            let candidates: Vec<usize> =
                by_day.get(&day).into_iter().flatten().copied().filter(|k| !known.contains(k)).collect();
            let enough = candidates.len() >= 2 * taken_up.len() && taken_up.iter().all(|w| candidates.contains(w));
            if enough && !past.is_empty() {
                tests.push(Day { reader, day, past, candidates, taken_up });
            }
        }
    }
    tests
}

/// For each of the last days on which a reader took a paper up, ranks the papers of that day by a model of the reader's
/// past. Days with too few papers to choose from are left out.
///
/// # Errors
/// Those of the engine's calls.
pub fn replay(engine: &Engine, log: &[LogEntry], plan: &Replay, progress: Progress<'_>) -> Result<Table> {
    let Replay { least, days, methods, half } = plan;
    let testbed = engine.testbed(&all_ids(engine)?, |_| true)?;
    let readers = by_reader(&testbed, log).into_values().filter(|taken| taken.len() >= *least).collect::<Vec<_>>();
    let mut tests = last_days(&testbed, &readers, *days);
    tests.retain(|test| half.contains(test.reader));
    let columns = ["history", "method", "tests", "recall@5", "nDCG@10", "MRR"];
    let mut table = Table::new(format!("{} readers, the last {days} days of each", readers.len()), columns);
    let (mut done, all) = (0, methods.len() * tests.len());
    for &method in methods {
        let mut figures: [[Vec<f64>; 3]; 3] = Default::default();
        for test in &tests {
            done += 1;
            progress(done, all);
            let Some(span) = span(test.past.len()) else { continue };
            let past: Vec<(usize, f32)> = test.past.iter().map(|(_, k)| (*k, 1.0)).collect();
            let (candidates, relevant) = (&test.candidates, test.taken_up.len());
            let mut random = Rng::with_seed(11 + test.reader as u64 * 7919 + test.day as u64);
            let scores = scores(&testbed, method, &past, candidates, &[], &mut random);
            let gain = |k: usize| f64::from(u8::from(test.taken_up.contains(&candidates[k])));
            let gains: Vec<f64> = best_first(&scores).into_iter().map(gain).collect();
            figures[span][0].push(recall(&gains, relevant, 5));
            figures[span][1].push(ndcg(&gains, &vec![1.0; relevant], 10));
            figures[span][2].push(reciprocal_rank(&gains));
        }
        for ((_, _, name), [recall, ndcg, mrr]) in SPANS.iter().zip(&figures) {
            let n = recall.len();
            let mut row: Vec<Cell> = vec![(*name).into(), named(&method).as_str().into(), n.into()];
            row.extend([recall, ndcg, mrr].map(|values| bootstrap::mean(values).into()));
            table.rows.push(row);
        }
    }
    table.rows.sort_by_key(|row| SPANS.iter().position(|(.., name)| row[0].to_string() == *name));
    Ok(table)
}
