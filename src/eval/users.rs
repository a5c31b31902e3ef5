//! How good personal ranking is: new papers for readers of libraries, the next day's papers for logs of events, and likes
//! and dislikes in screening; methods side by side.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::Hear;
use super::bootstrap::{self, Random};
use super::metrics::{average_precision, ndcg, recall};
use super::sets::{Group, Half, Taken};
use super::similar::present;
use super::table::{Table, named};
use crate::engine::{Engine, Panel};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::rank::{Logistic, LogisticOptions, Sample, dot};
use crate::user::{Event, EventKind, Moment};

/// A way to rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// What serves: [`Method::Content`] and, for libraries, the reading of others.
    Ours,
    /// What serves, without the reading of others.
    Content,
    /// Similarity to the mean of the likes.
    Mean,
    /// Mean similarity to the three closest likes.
    Nearest,
    /// Mean of the likes less half the mean of the dislikes.
    Rocchio,
    /// The same on terms alone.
    Words,
    /// A logistic regression against a thousand papers at large and the dislikes.
    Logistic,
    /// By the number of readers, the same for all.
    Popularity,
    /// By chance.
    Random,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 9] = [
        Method::Ours,
        Method::Content,
        Method::Mean,
        Method::Nearest,
        Method::Rocchio,
        Method::Words,
        Method::Logistic,
        Method::Popularity,
        Method::Random,
    ];
}

/// Papers at large that the logistic regression is fitted against.
const AT_LARGE: usize = 1000;

/// The first papers of a ranking, whose unlikeness is measured.
const SHOWN: usize = 20;

/// What is measured of a ranking: recall of the first hundred and of each interest, nDCG of the first ten, how unlike each
/// other the first are, and the time that fitting and ranking took.
#[derive(Default)]
struct Measures {
    recall: Vec<f64>,
    by_interest: Vec<f64>,
    ndcg: Vec<f64>,
    unlike: Vec<f64>,
    ms: Vec<f64>,
}

/// What to run on libraries.
#[derive(Debug, Clone)]
pub struct ColdStart {
    /// The fold that is hidden.
    pub fold: usize,
    /// Numbers of examples; 0 for the whole library.
    pub examples: Vec<usize>,
    /// Methods.
    pub methods: Vec<Method>,
    /// Which readers count.
    pub half: Half,
    /// Whether all papers are ranked and not only the hidden ones.
    pub everything: bool,
}

/// Cold start: the papers of a fold are hidden, a reader is made from the rest of their library (or `examples` papers of
/// it), and the hidden papers are ranked (or, with `everything`, all papers: what that costs). Nothing is learned from the
/// hidden fold.
///
/// # Errors
/// Whatever the engine fails with.
pub fn libraries(
    engine: &Engine,
    libraries: &[Group],
    folds: &HashMap<String, usize>,
    plan: &ColdStart,
    hear: Hear<'_>,
) -> Result<Table> {
    let (fold, half) = (plan.fold, plan.half);
    let hidden = |id: &str| folds.get(id) == Some(&fold);
    let all: HashSet<&String> = folds.keys().chain(libraries.iter().flat_map(|l| &l.relevant)).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let mut ids = present(engine, &all)?.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>()?;
    ids.sort();
    let panel = engine.panel(&ids, |id| !hidden(id.as_str()))?;
    let candidates: Vec<usize> = (0..ids.len()).filter(|k| plan.everything || hidden(ids[*k].as_str())).collect();
    let mut readers = vec![0f32; ids.len()];
    for k in libraries.iter().flat_map(|l| &l.relevant).filter_map(|id| panel.place(id)) {
        // Who reads a hidden paper is what is asked for.
        readers[k] += if hidden(ids[k].as_str()) { 0.0 } else { 1.0 };
    }
    let known: Vec<Vec<u32>> = libraries
        .iter()
        .map(|l| l.relevant.iter().filter_map(|id| panel.place(id)))
        .map(|places| places.filter(|k| !hidden(ids[*k].as_str())).map(|k| k as u32).collect())
        .collect();
    let readership = panel.readership(&known, &candidates);
    let splits: Vec<(u32, Vec<usize>, HashSet<usize>)> = libraries
        .iter()
        .enumerate()
        .map(|(number, l)| {
            let places = l.relevant.iter().filter_map(|id| panel.place(id));
            let (test, train): (Vec<usize>, Vec<usize>) = places.partition(|k| hidden(ids[*k].as_str()));
            (number as u32, train, test.into_iter().collect())
        })
        .filter(|(_, train, test): &(u32, Vec<usize>, HashSet<usize>)| !train.is_empty() && !test.is_empty())
        .enumerate()
        .filter(|(place, _)| half.takes(*place))
        .map(|(_, split)| split)
        .collect();
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
            let mut measures = Measures::default();
            for (place, (number, train, test)) in splits.iter().enumerate() {
                let mut random = Random(1 + 31 * place as u64 + n as u64);
                let train = if n == 0 { train.clone() } else { random.draw(train, n) };
                let library: Vec<u32> = train.iter().map(|k| *k as u32).collect();
                let began = Instant::now();
                let others = if method == Method::Ours { readership.add(Some(*number), &library) } else { None };
                let took = began.elapsed().as_secs_f64() * 1e3;
                let place = Place { candidates: &candidates, readers: &readers, others, took };
                measure(&panel, method, &train, test, &place, &mut random, &mut measures);
                done += 1;
                hear(done, all);
            }
            let shown = if n == 0 { "all".into() } else { n.to_string() };
            let mut row: Vec<super::table::Cell> = vec![shown.as_str().into(), named(&method).as_str().into()];
            for values in [&measures.recall, &measures.by_interest, &measures.ndcg, &measures.unlike, &measures.ms] {
                row.push(bootstrap::mean(values).into());
            }
            table.rows.push(row);
        }
    }
    Ok(table)
}

/// What is ranked for a reader.
struct Place<'a> {
    candidates: &'a [usize],
    /// Readers of each paper of the panel.
    readers: &'a [f32],
    /// What the reading of others adds to each candidate, and the milliseconds it took.
    others: Option<Vec<f32>>,
    took: f64,
}

fn measure(
    panel: &Panel<'_>,
    method: Method,
    train: &[usize],
    test: &HashSet<usize>,
    place: &Place<'_>,
    random: &mut Random,
    into: &mut Measures,
) {
    let candidates = place.candidates;
    let examples: Vec<(usize, f32)> = train.iter().map(|k| (*k, 1.0)).collect();
    let began = Instant::now();
    let mut scores = scores(panel, method, &examples, candidates, place.readers, random);
    for (score, others) in scores.iter_mut().zip(place.others.iter().flatten()) {
        *score += others;
    }
    let order = best_first(&scores);
    into.ms.push(began.elapsed().as_secs_f64() * 1e3 + place.took);
    let gains: Vec<f64> = order.iter().map(|&k| f64::from(u8::from(test.contains(&candidates[k])))).collect();
    into.recall.push(recall(&gains, test.len(), 100));
    into.ndcg.push(ndcg(&gains, &vec![1.0; test.len()], 10));
    let shown: Vec<usize> = order.iter().take(SHOWN).map(|&k| candidates[k]).collect();
    let pairs = shown.iter().enumerate().flat_map(|(i, a)| shown[..i].iter().map(move |b| (*a, *b)));
    let alike: Vec<f64> = pairs.map(|(a, b)| f64::from(dot(panel.vector(a), panel.vector(b)))).collect();
    into.unlike.push(1.0 - alike.iter().sum::<f64>() / alike.len().max(1) as f64);
    let found: HashSet<usize> = order.iter().take(100).map(|&k| candidates[k]).collect();
    if let Some(mean) = recall_by_interest(panel, train, test, &found) {
        into.by_interest.push(mean);
    }
}

/// The mean, over the interests of a library that have hidden papers, of the share of those that was found.
fn recall_by_interest(
    panel: &Panel<'_>,
    train: &[usize],
    test: &HashSet<usize>,
    found: &HashSet<usize>,
) -> Option<f64> {
    let train = &train[..train.len().min(200)];
    let examples: Vec<(usize, f32)> = train.iter().map(|k| (*k, 1.0)).collect();
    let taste = panel.taste(&examples)?;
    let groups = panel.interests(&taste, train.len());
    let members = |g: usize| (0..train.len()).filter(|k| groups[*k] == g).collect::<Vec<_>>();
    let middles: Vec<(Vec<f32>, f32)> =
        (0..=groups.iter().copied().max()?).map(|g| taste.middle(&members(g))).collect();
    let mut by_interest: HashMap<usize, (f64, f64)> = HashMap::new();
    for &k in test {
        let near = |m: &(Vec<f32>, f32)| dot(&m.0, panel.vector(k)) - m.1;
        let closest = (0..middles.len()).max_by(|a, b| near(&middles[*a]).total_cmp(&near(&middles[*b])))?;
        let entry = by_interest.entry(closest).or_default();
        entry.0 += f64::from(u8::from(found.contains(&k)));
        entry.1 += 1.0;
    }
    let n = by_interest.len() as f64;
    (n > 0.0).then(|| by_interest.values().map(|(hit, all)| hit / all).sum::<f64>() / n)
}

/// The places of the greatest scores first.
fn best_first(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

fn scores(
    panel: &Panel<'_>,
    method: Method,
    examples: &[(usize, f32)],
    candidates: &[usize],
    readers: &[f32],
    random: &mut Random,
) -> Vec<f32> {
    let likes: Vec<usize> = examples.iter().filter(|e| e.1 > 0.0).map(|e| e.0).collect();
    let dislikes: Vec<usize> = examples.iter().filter(|e| e.1 < 0.0).map(|e| e.0).collect();
    let mean = |places: &[usize]| {
        let mut sum = vec![0f32; panel.dimension()];
        for &k in places {
            sum.iter_mut().zip(panel.vector(k)).for_each(|(s, x)| *s += x / places.len() as f32);
        }
        sum
    };
    let by = |f: &dyn Fn(usize) -> f32| candidates.iter().map(|&k| f(k)).collect::<Vec<f32>>();
    match method {
        Method::Ours | Method::Content => match panel.taste(examples) {
            Some(taste) => panel.score(&taste, candidates),
            None => vec![0.0; candidates.len()],
        },
        Method::Mean => {
            let m = mean(&likes);
            by(&|k| dot(&m, panel.vector(k)))
        }
        Method::Rocchio => {
            let (m, d) = (mean(&likes), mean(&dislikes));
            let q: Vec<f32> = m.iter().zip(&d).map(|(a, b)| a - 0.5 * b).collect();
            by(&|k| dot(&q, panel.vector(k)))
        }
        Method::Nearest => by(&|k| {
            let mut near: Vec<f32> = likes.iter().map(|&l| dot(panel.vector(l), panel.vector(k))).collect();
            near.sort_unstable_by(|a, b| b.total_cmp(a));
            near.iter().take(3).sum::<f32>() / near.len().clamp(1, 3) as f32
        }),
        Method::Words => {
            let mut weights = vec![0f32; panel.vocabulary()];
            for (places, share) in [(&likes, 1.0), (&dislikes, -0.5)] {
                for (term, value) in places.iter().flat_map(|&k| panel.terms(k)) {
                    weights[*term as usize] += share * value / places.len() as f32;
                }
            }
            by(&|k| panel.terms(k).iter().map(|(t, v)| weights[*t as usize] * v).sum())
        }
        Method::Logistic => {
            let used: HashSet<usize> = examples.iter().map(|e| e.0).chain(candidates.iter().copied()).collect();
            let at_large: Vec<usize> = (0..panel.len()).filter(|k| !used.contains(k)).collect();
            let at_large = random.draw(&at_large, AT_LARGE);
            let sample = |&k: &usize, positive| Sample { dense: panel.vector(k), sparse: &[], positive, weight: 1.0 };
            let mut samples: Vec<Sample<'_>> = likes.iter().map(|k| sample(k, true)).collect();
            samples.extend(dislikes.iter().chain(&at_large).map(|k| sample(k, false)));
            let model = Logistic::fit(&samples, 0, LogisticOptions::default(), &[]);
            by(&|k| model.score(panel.vector(k), &[]))
        }
        Method::Popularity => by(&|k| readers[k]),
        Method::Random => candidates.iter().map(|_| random.below(1 << 24) as f32).collect(),
    }
}

/// Screening: k likes and k dislikes of each review are drawn, the rest of it is ranked; mean average precision. What
/// serves is asked as it serves (`rank`), since it also learns from the candidates.
///
/// # Errors
/// Whatever the engine fails with.
pub fn screening(
    engine: &Engine,
    reviews: &[Group],
    examples: &[usize],
    draws: usize,
    methods: &[Method],
    half: Half,
    hear: Hear<'_>,
) -> Result<Table> {
    let reviews = reviews
        .iter()
        .map(|g| {
            let (relevant, others) = (present(engine, &g.relevant)?, present(engine, &g.others)?);
            Ok(Group { name: g.name.clone(), relevant, others })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut ids: Vec<&String> = reviews.iter().flat_map(|g| g.relevant.iter().chain(&g.others)).collect();
    ids.sort();
    ids.dedup();
    let ids = ids.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>()?;
    let panel = engine.panel(&ids, |_| true)?;
    let most = examples.iter().copied().max().unwrap_or(1);
    let reviews: Vec<&Group> = reviews
        .iter()
        .filter(|g| g.relevant.len() > most && g.others.len() > most)
        .enumerate()
        .filter(|(place, _)| half.takes(*place))
        .map(|(_, g)| g)
        .collect();
    let columns = ["likes and dislikes", "method", "MAP", "ms"];
    let mut table = Table::new(format!("{} reviews, {draws} draws each", reviews.len()), columns);
    let readers = vec![0f32; ids.len()];
    let (mut done, all) = (0, examples.len() * methods.len() * reviews.len());
    for &n in examples {
        for &method in methods {
            let (mut by_review, mut ms) = (Vec::new(), Vec::new());
            for (place, review) in reviews.iter().enumerate() {
                let mut random = Random(7 + 101 * place as u64 + n as u64);
                let mut of_review = Vec::new();
                for _ in 0..draws {
                    let likes = random.draw(&review.relevant, n);
                    let dislikes = random.draw(&review.others, n);
                    let began = Instant::now();
                    let gains = screen(engine, &panel, method, review, &likes, &dislikes, &readers)?;
                    ms.push(began.elapsed().as_secs_f64() * 1e3);
                    of_review.push(average_precision(&gains, review.relevant.len() - n));
                }
                by_review.push(of_review.iter().sum::<f64>() / draws.max(1) as f64);
                done += 1;
                hear(done, all);
            }
            let mean = bootstrap::mean(&by_review);
            table.rows.push(vec![n.into(), named(&method).as_str().into(), mean.into(), bootstrap::mean(&ms).into()]);
        }
    }
    Ok(table)
}

fn screen(
    engine: &Engine,
    panel: &Panel<'_>,
    method: Method,
    review: &Group,
    likes: &[String],
    dislikes: &[String],
    readers: &[f32],
) -> Result<Vec<f64>> {
    let used: HashSet<&String> = likes.iter().chain(dislikes).collect();
    let relevant: HashSet<&String> = review.relevant.iter().collect();
    let mut rest: Vec<&String> = review.relevant.iter().chain(&review.others).filter(|id| !used.contains(id)).collect();
    // Equal scores keep their order, which must not say what is relevant.
    rest = Random(3).draw(&rest, rest.len());
    let gain = |id: &String| f64::from(u8::from(relevant.contains(id)));
    if matches!(method, Method::Ours | Method::Content) {
        let said = |id: &String, kind| Ok(Event { paper: PaperId::new(id)?, kind, at: Moment::of_day(0), weight: 1.0 });
        let mut events = likes.iter().map(|id| said(id, EventKind::Like)).collect::<Result<Vec<_>>>()?;
        events.extend(dislikes.iter().map(|id| said(id, EventKind::Dislike)).collect::<Result<Vec<_>>>()?);
        let ids = rest.iter().map(|id| PaperId::new(id.as_str())).collect::<Result<Vec<_>>>()?;
        let ranked = engine.rank_for("a reader of the evaluation", &ids, &events, false)?;
        return Ok(ranked.papers.iter().map(|h| gain(&h.paper.id.to_string())).collect());
    }
    let place = |id: &&String| panel.place(id).ok_or_else(|| Error::no_paper(id));
    let mut examples: Vec<(usize, f32)> = Vec::new();
    for (ids, weight) in [(likes, 1.0), (dislikes, -1.0)] {
        for id in ids {
            examples.push((place(&id)?, weight));
        }
    }
    let candidates = rest.iter().map(place).collect::<Result<Vec<_>>>()?;
    let mut random = Random(5);
    let scores = scores(panel, method, &examples, &candidates, readers, &mut random);
    Ok(best_first(&scores).into_iter().map(|k| gain(rest[k])).collect())
}

/// Replay: at each of the last `days` days on which a reader took something up, a model of their past ranks the papers
/// listed that day. Readers with fewer than `least` papers are left out, and past days with nothing to choose from.
///
/// # Errors
/// Whatever the engine fails with.
pub fn replay(
    engine: &Engine,
    log: &[Taken],
    least: usize,
    days: usize,
    methods: &[Method],
    half: Half,
    hear: Hear<'_>,
) -> Result<Table> {
    let page = |after| engine.ids(after, 4096);
    let mut ids: Vec<PaperId> = Vec::new();
    let mut after = None;
    loop {
        let next = page(after)?;
        let Some((last, _)) = next.last() else { break };
        after = Some(*last);
        ids.extend(next.into_iter().map(|(_, id)| id));
    }
    let panel = engine.panel(&ids, |_| true)?;
    let mut by_day: HashMap<i32, Vec<usize>> = HashMap::new();
    for k in 0..panel.len() {
        if let Some(day) = panel.day(k) {
            by_day.entry(day).or_default().push(k);
        }
    }
    let mut by_user: std::collections::BTreeMap<&str, Vec<(i32, usize)>> = std::collections::BTreeMap::new();
    for taken in log {
        if let Some(k) = panel.place(&taken.paper) {
            by_user.entry(&taken.user).or_default().push((taken.day, k));
        }
    }
    by_user.retain(|_, taken| taken.len() >= least);
    let columns = ["history", "method", "tests", "recall@5", "nDCG@10", "MRR"];
    let mut table = Table::new(format!("{} readers, the last {days} days of each", by_user.len()), columns);
    let spans = [(1, 4), (5, 19), (20, usize::MAX)];
    let names = ["1 to 4", "5 to 19", "20 and more"];
    let readers: Vec<_> = by_user.values().enumerate().filter(|(place, _)| half.takes(*place)).collect();
    let (mut done, all) = (0, methods.len() * readers.len());
    for &method in methods {
        let mut figures: [[Vec<f64>; 3]; 3] = Default::default();
        for &(place, taken) in &readers {
            done += 1;
            hear(done, all);
            let mut test_days: Vec<i32> = taken.iter().map(|t| t.0).collect();
            test_days.sort_unstable();
            test_days.dedup();
            for &day in test_days.iter().rev().take(days) {
                let past: Vec<(usize, f32)> = taken.iter().filter(|t| t.0 < day).map(|t| (t.1, 1.0)).collect();
                let wanted: HashSet<usize> = taken.iter().filter(|t| t.0 == day).map(|t| t.1).collect();
                let Some(span) = spans.iter().position(|(a, b)| (*a..=*b).contains(&past.len())) else { continue };
                let known: HashSet<usize> = past.iter().map(|p| p.0).collect();
                let candidates: Vec<usize> =
                    by_day.get(&day).into_iter().flatten().copied().filter(|k| !known.contains(k)).collect();
                if candidates.len() < 2 * wanted.len() || !wanted.iter().all(|w| candidates.contains(w)) {
                    continue;
                }
                let mut random = Random(11 + place as u64 * 7919 + day as u64);
                let popular = vec![0f32; panel.len()];
                let scores = scores(&panel, method, &past, &candidates, &popular, &mut random);
                let gains: Vec<f64> = best_first(&scores)
                    .into_iter()
                    .map(|k| f64::from(u8::from(wanted.contains(&candidates[k]))))
                    .collect();
                figures[span][0].push(recall(&gains, wanted.len(), 5));
                figures[span][1].push(ndcg(&gains, &vec![1.0; wanted.len()], 10));
                figures[span][2].push(super::metrics::reciprocal_rank(&gains));
            }
        }
        for (name, [recall, ndcg, mrr]) in names.iter().zip(&figures) {
            let n = recall.len();
            let mut row: Vec<super::table::Cell> = vec![(*name).into(), named(&method).as_str().into(), n.into()];
            row.extend([recall, ndcg, mrr].map(|values| bootstrap::mean(values).into()));
            table.rows.push(row);
        }
    }
    table.rows.sort_by_key(|row| names.iter().position(|n| row[0].to_string() == *n));
    Ok(table)
}
