//! Cold start: how many hidden papers of a reader's library are found from the rest of it.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use fastrand::Rng;

use super::methods::{Method, best_first, scores};
use crate::engine::{Engine, Testbed};
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::{ndcg, recall};
use crate::eval::sets::{Group, Half};
use crate::eval::similar::present;
use crate::eval::table::{Cell, Table, named};
use crate::paper::PaperId;
use crate::vector::dot;

/// Diversity is measured on so many papers at the top of a ranking.
const SHOWN: usize = 20;

/// The measurements of one ranking.
struct Measures {
    /// Recall at 100.
    recall: f64,
    /// The mean over interests of their recall at 100.
    by_interest: Option<f64>,
    /// nDCG at 10.
    ndcg: f64,
    /// 1 less the mean cosine among the first papers.
    unlike: f64,
    /// Milliseconds for fitting and ranking.
    ms: f64,
}

/// What to run on libraries.
#[derive(Debug, Clone)]
pub struct ColdStart {
    /// The fold whose papers are hidden.
    pub fold: usize,
    /// Numbers of examples to try; 0 for the whole library.
    pub examples: Vec<usize>,
    /// The methods to compare.
    pub methods: Vec<Method>,
    /// Which readers to use.
    pub half: Half,
    /// Whether to rank all papers instead of only the hidden ones.
    pub everything: bool,
}

/// Hides the papers of a fold, fits a model for each reader to the rest of their library (or to some papers of it), and
/// ranks the hidden papers (with `everything`, all papers, to measure the cost). Nothing is learned from the hidden
/// fold.
///
/// # Errors
/// Those of the engine's calls.
pub fn libraries(
    engine: &Engine,
    libraries: &[Group],
    folds: &HashMap<String, usize>,
    plan: &ColdStart,
    progress: Progress<'_>,
) -> Result<Table> {
    let fold = plan.fold;
    let hidden = |id: &str| folds.get(id) == Some(&fold);
    let all: HashSet<&String> = folds.keys().chain(libraries.iter().flat_map(|l| &l.relevant)).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let mut ids = present(engine, &all)?.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>()?;
    ids.sort();
    let testbed = engine.testbed(&ids, |id| !hidden(id.as_str()))?;
    let candidates: Vec<usize> = (0..ids.len()).filter(|k| plan.everything || hidden(ids[*k].as_str())).collect();
    let mut readers = vec![0f32; ids.len()];
    for k in libraries.iter().flat_map(|l| &l.relevant).filter_map(|id| testbed.place(id)) {
        // Who reads a hidden paper is the answer that is tested.
        readers[k] += if hidden(ids[k].as_str()) { 0.0 } else { 1.0 };
    }
    let known: Vec<Vec<u32>> = libraries
        .iter()
        .map(|l| l.relevant.iter().filter_map(|id| testbed.place(id)))
        .map(|places| places.filter(|k| !hidden(ids[*k].as_str())).map(|k| k as u32).collect())
        .collect();
    let readership = testbed.readership(&known, &candidates);
    let splits: Vec<(u32, Vec<usize>, HashSet<usize>)> = libraries
        .iter()
        .enumerate()
        .map(|(number, l)| {
            let places = l.relevant.iter().filter_map(|id| testbed.place(id));
            let (test, train): (Vec<usize>, Vec<usize>) = places.partition(|k| hidden(ids[*k].as_str()));
            (number as u32, train, test.into_iter().collect())
        })
        .filter(|(_, train, test): &(u32, Vec<usize>, HashSet<usize>)| !train.is_empty() && !test.is_empty())
        .collect();
    let splits = plan.half.of(splits);
    let columns = ["examples", "method", "recall@100", "by interest", "nDCG@10", "unlike@20", "ms"];
    let title = format!(
        "{} readers with papers in fold {fold}, {} candidates; nothing was learned from that fold",
        splits.len(),
        candidates.len()
    );
    let mut table = Table::new(title, columns);
    let (mut done, all) = (0, plan.examples.len() * plan.methods.len() * splits.len());
    for &n in &plan.examples {
        for &method in &plan.methods {
            let mut measures: Vec<Measures> = Vec::new();
            for (place, (number, train, test)) in splits.iter().enumerate() {
                let mut random = Rng::with_seed(1 + 31 * place as u64 + n as u64);
                let train = if n == 0 { train.clone() } else { bootstrap::draw(&mut random, train, n) };
                let library: Vec<u32> = train.iter().map(|k| *k as u32).collect();
                let began = Instant::now();
                let coreading = if method == Method::Ours { readership.add(Some(*number), &library) } else { None };
                let took = began.elapsed().as_secs_f64() * 1e3;
                let input = RankingInput { candidates: &candidates, readers: &readers, coreading, took };
                measures.push(measure(&testbed, method, &train, test, &input, &mut random));
                done += 1;
                progress(done, all);
            }
            let shown = if n == 0 { "all".into() } else { n.to_string() };
            let mut row: Vec<Cell> = vec![shown.as_str().into(), named(&method).as_str().into()];
            let column = |f: &dyn Fn(&Measures) -> Option<f64>| {
                bootstrap::mean(&measures.iter().filter_map(f).collect::<Vec<_>>()).into()
            };
            row.extend([
                column(&|m| Some(m.recall)),
                column(&|m| m.by_interest),
                column(&|m| Some(m.ndcg)),
                column(&|m| Some(m.unlike)),
                column(&|m| Some(m.ms)),
            ]);
            table.rows.push(row);
        }
    }
    Ok(table)
}

/// What a reader's ranking is made from, beside their examples.
struct RankingInput<'a> {
    candidates: &'a [usize],
    /// Readers of each paper of the testbed.
    readers: &'a [f32],
    /// What co-reading adds to each candidate.
    coreading: Option<Vec<f32>>,
    /// The milliseconds that took.
    took: f64,
}

fn measure(
    testbed: &Testbed<'_>,
    method: Method,
    train: &[usize],
    test: &HashSet<usize>,
    input: &RankingInput<'_>,
    random: &mut Rng,
) -> Measures {
    let candidates = input.candidates;
    let examples: Vec<(usize, f32)> = train.iter().map(|k| (*k, 1.0)).collect();
    let began = Instant::now();
    let mut scores = scores(testbed, method, &examples, candidates, input.readers, random);
    for (score, added) in scores.iter_mut().zip(input.coreading.iter().flatten()) {
        *score += added;
    }
    let order = best_first(&scores);
    let ms = began.elapsed().as_secs_f64() * 1e3 + input.took;
    let gains: Vec<f64> = order.iter().map(|&k| f64::from(u8::from(test.contains(&candidates[k])))).collect();
    let shown: Vec<usize> = order.iter().take(SHOWN).map(|&k| candidates[k]).collect();
    let pairs = shown.iter().enumerate().flat_map(|(i, a)| shown[..i].iter().map(move |b| (*a, *b)));
    let alike: Vec<f64> = pairs.map(|(a, b)| f64::from(dot(testbed.vector(a), testbed.vector(b)))).collect();
    let found: HashSet<usize> = order.iter().take(100).map(|&k| candidates[k]).collect();
    Measures {
        recall: recall(&gains, test.len(), 100),
        by_interest: recall_by_interest(testbed, train, test, &found),
        ndcg: ndcg(&gains, &vec![1.0; test.len()], 10),
        unlike: 1.0 - alike.iter().sum::<f64>() / alike.len().max(1) as f64,
        ms,
    }
}

/// The mean, over the interests of a library with hidden papers, of the share of these papers that was found.
fn recall_by_interest(
    testbed: &Testbed<'_>,
    train: &[usize],
    test: &HashSet<usize>,
    found: &HashSet<usize>,
) -> Option<f64> {
    let train = &train[..train.len().min(200)];
    let examples: Vec<(usize, f32)> = train.iter().map(|k| (*k, 1.0)).collect();
    let preferences = testbed.preferences(&examples)?;
    let groups = testbed.interests(&preferences, train.len());
    let members = |g: usize| (0..train.len()).filter(|k| groups[*k] == g).collect::<Vec<_>>();
    let centroids: Vec<(Vec<f32>, f32)> =
        (0..=groups.iter().copied().max()?).map(|g| preferences.centroid(&members(g))).collect();
    let mut by_interest: HashMap<usize, (f64, f64)> = HashMap::new();
    for &k in test {
        let near = |m: &(Vec<f32>, f32)| dot(&m.0, testbed.vector(k)) - m.1;
        let closest = (0..centroids.len()).max_by(|a, b| near(&centroids[*a]).total_cmp(&near(&centroids[*b])))?;
        let entry = by_interest.entry(closest).or_default();
        entry.0 += f64::from(u8::from(found.contains(&k)));
        entry.1 += 1.0;
    }
    let n = by_interest.len() as f64;
    (n > 0.0).then(|| by_interest.values().map(|(hit, all)| hit / all).sum::<f64>() / n)
}
