//! Onboarding: how well a new reader is served after some questions, compared with other ways to choose the
//! questions.
//!
//! A simulated reader answers from the part of their papers that is not hidden. They like a paper that is one of these
//! or near one (as similar as one pair of papers in [`NEAR`] of the corpus), dislike a paper far from all of them (less
//! similar than one pair in [`FAR`]), and skip what lies between, as a person does who is not sure. The model that
//! serves users is fitted to these answers, and the ranks of the hidden papers are measured.

use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;
use rayon::prelude::*;

use super::methods::best_first;
use crate::engine::{Engine, Readership, Testbed, Topic};
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::{ndcg, recall};
use crate::eval::sets::{Group, Half, LogEntry, evenly};
use crate::eval::similar::{all_ids, present};
use crate::eval::table::{Cell, Table};
use crate::paper::{PaperId, prose};
use crate::rank::{QuestionPanel, QuestionPlanner};
use crate::themes::text::PhraseFinder;
use crate::vector::dot;

/// One pair of papers in so many counts as near: a reader of one would read the other.
const NEAR: usize = 1000;

/// All but one pair in so many count as far.
const FAR: usize = 30;

/// The similarities of pairs are sampled on so many papers.
const PAIRED: usize = 1500;

/// The ranking is measured after so many answers.
const ANSWERS: [usize; 3] = [0, 5, 10];

/// Readers simulated at a time.
const AT_ONCE: usize = 32;

/// The ways to choose the questions.
const WAYS: [&str; 3] = ["ours", "popular", "random"];

/// What to run.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The fold of the libraries whose papers are hidden.
    pub fold: usize,
    /// Readers of the log with fewer papers are left out.
    pub least: usize,
    /// Which readers to use.
    pub half: Half,
    /// At most so many readers, at even distances; 0 for all.
    pub readers: usize,
}

/// A reader to simulate. Papers are indices into the testbed.
struct SimulatedReader {
    /// Their number among all libraries.
    number: Option<u32>,
    /// The papers that they answer from.
    own: Vec<usize>,
    /// The papers whose ranks are measured.
    hidden: HashSet<usize>,
}

/// What all simulations share. Papers are indices into the testbed.
struct Simulation<'a> {
    testbed: &'a Testbed<'a>,
    /// The papers that may be asked about.
    open: Vec<usize>,
    /// The attention of every paper.
    attention: Vec<f32>,
    /// The open papers, the most popular first.
    popular: Vec<usize>,
    /// The papers that are ranked.
    candidates: Vec<usize>,
    /// The least similarity of papers that are near, and of papers that are not far.
    near: f32,
    far: f32,
    panel: QuestionPanel,
    /// For each paper of the panel, its index in the testbed and whether it may be asked about.
    panel_papers: Vec<usize>,
    askable: Vec<bool>,
    readership: Option<Readership>,
    titles: HashMap<usize, String>,
}

/// The metrics of one way to choose questions, after some number of answers.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    recall: f64,
    ndcg: f64,
    likes: f64,
}

/// Simulates readers of libraries. The papers of a fold are hidden: they are not asked about and nothing is learned
/// from them. Popularity is counted over the readers who are not simulated.
///
/// # Errors
/// Those of the engine's calls.
pub fn onboard_libraries(
    engine: &Engine,
    libraries: &[Group],
    folds: &HashMap<String, usize>,
    plan: &Onboarding,
    progress: Progress<'_>,
) -> Result<Table> {
    let hidden = |id: &str| folds.get(id) == Some(&plan.fold);
    let all: HashSet<&String> = folds.keys().chain(libraries.iter().flat_map(|l| &l.relevant)).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let mut ids = present(engine, &all)?.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>()?;
    ids.sort();
    let testbed = engine.testbed(&ids, |id| !hidden(id.as_str()))?;
    let (candidates, open): (Vec<usize>, Vec<usize>) = (0..ids.len()).partition(|k| hidden(ids[*k].as_str()));
    let places = |l: &Group| l.relevant.iter().filter_map(|id| testbed.place(id)).collect::<Vec<usize>>();
    let split: Vec<(Vec<usize>, Vec<usize>)> =
        libraries.iter().map(|l| places(l).into_iter().partition(|k| hidden(ids[*k].as_str()))).collect();
    let known: Vec<Vec<u32>> = split.iter().map(|(_, own)| own.iter().map(|k| *k as u32).collect()).collect();
    let mut attention = vec![0f32; ids.len()];
    let mut simulated_readers = Vec::new();
    let mut place = 0;
    for (number, (hidden, own)) in split.into_iter().enumerate() {
        let simulated = !hidden.is_empty() && !own.is_empty();
        place += usize::from(simulated);
        if simulated && plan.half.contains(place - 1) {
            simulated_readers.push(SimulatedReader {
                number: Some(number as u32),
                own,
                hidden: hidden.into_iter().collect(),
            });
        } else {
            own.iter().for_each(|k| attention[*k] += 1.0);
        }
    }
    let readership = Some(testbed.readership(&known, &candidates));
    let title = format!("new readers with papers in fold {}, {} candidates", plan.fold, candidates.len());
    run(
        engine,
        Simulation::new(&testbed, open, attention, candidates, readership),
        &ids,
        simulated_readers,
        plan,
        &title,
        progress,
    )
}

/// Simulates readers of a log. Half of the papers, chosen by their ids, is hidden. Popularity is the papers' own
/// attention.
///
/// # Errors
/// Those of the engine's calls.
pub fn onboard_log(engine: &Engine, log: &[LogEntry], plan: &Onboarding, progress: Progress<'_>) -> Result<Table> {
    let ids = all_ids(engine)?;
    // By the sum of the id's bytes: independent of the topic and of which other papers are there.
    let hidden = |id: &PaperId| id.as_str().bytes().map(usize::from).sum::<usize>().is_multiple_of(2);
    let testbed = engine.testbed(&ids, |id| !hidden(id))?;
    let mut attention = Vec::with_capacity(ids.len());
    for id in &ids {
        attention.push(engine.paper(id.as_str())?.attention() as f32);
    }
    let (candidates, open): (Vec<usize>, Vec<usize>) = (0..ids.len()).partition(|k| hidden(&ids[*k]));
    let mut by_user: BTreeMap<&str, HashSet<usize>> = BTreeMap::new();
    for taken in log {
        if let Some(k) = testbed.place(&taken.paper) {
            by_user.entry(&taken.user).or_default().insert(k);
        }
    }
    let mut simulated_readers: Vec<SimulatedReader> = Vec::new();
    for taken in by_user.into_values().filter(|t| t.len() >= plan.least) {
        let mut all: Vec<usize> = taken.into_iter().collect();
        all.sort_unstable();
        let (unseen, own): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|k| hidden(&ids[*k]));
        if !unseen.is_empty() && !own.is_empty() {
            simulated_readers.push(SimulatedReader { number: None, own, hidden: unseen.into_iter().collect() });
        }
    }
    let simulated_readers = plan.half.of(simulated_readers);
    let title = format!("new readers with at least {} papers in the log, {} candidates", plan.least, candidates.len());
    run(
        engine,
        Simulation::new(&testbed, open, attention, candidates, None),
        &ids,
        simulated_readers,
        plan,
        &title,
        progress,
    )
}

fn run(
    engine: &Engine,
    mut simulation: Simulation<'_>,
    ids: &[PaperId],
    mut simulated_readers: Vec<SimulatedReader>,
    plan: &Onboarding,
    title: &str,
    progress: Progress<'_>,
) -> Result<Table> {
    if plan.readers > 0 {
        simulated_readers = evenly(simulated_readers, plan.readers);
    }
    for k in simulated_readers.iter().flat_map(|p| &p.own) {
        if !simulation.titles.contains_key(k) {
            simulation.titles.insert(*k, engine.paper(ids[*k].as_str())?.title);
        }
    }
    // By reader: without and with a topic, every way to choose questions, every number of answers.
    let mut outcomes: Vec<[[[Outcome; 3]; 3]; 2]> = Vec::new();
    let mut liked_share = 0f64;
    for some in simulated_readers.chunks(AT_ONCE) {
        let some: Vec<(f64, [[[Outcome; 3]; 3]; 2])> =
            some.par_iter().map(|reader| simulation.simulate(reader)).collect::<Result<_>>()?;
        for (liked, figures) in some {
            liked_share += liked;
            outcomes.push(figures);
        }
        progress(outcomes.len(), simulated_readers.len());
    }
    let columns = ["begins with", "asked", "answers", "likes", "recall@100", "nDCG@10"];
    let share = 100.0 * liked_share / outcomes.len().max(1) as f64;
    let title = format!(
        "{} {title}; they like {share:.1}% of what may be asked (from {:.2} on, not below {:.2})",
        simulated_readers.len(),
        simulation.near,
        simulation.far
    );
    let mut table = Table::new(title, columns);
    for (t, start) in ["nothing", "a topic"].into_iter().enumerate() {
        for (n, answers) in ANSWERS.iter().enumerate() {
            let column =
                |w: usize, f: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(|s| f(&s[t][w][n])).collect::<Vec<_>>();
            let figures: [&dyn Fn(&Outcome) -> f64; 3] = [&|s| s.likes, &|s| s.recall, &|s| s.ndcg];
            for (w, way) in WAYS.iter().enumerate().filter(|(w, _)| *w == 0 || *answers > 0) {
                let mut row: Vec<Cell> = vec![start.into(), (*way).into(), (*answers).into()];
                row.extend(figures.iter().map(|f| Cell::from(bootstrap::mean(&column(w, f)))));
                table.rows.push(row);
            }
            for (w, way) in WAYS.iter().enumerate().skip(1).filter(|_| *answers > 0) {
                let name = format!("ours less {way}");
                let mut row: Vec<Cell> = vec![start.into(), name.as_str().into(), (*answers).into()];
                row.extend(figures.iter().map(|f| Cell::from(bootstrap::difference(&column(0, f), &column(w, f)))));
                table.rows.push(row);
            }
        }
    }
    Ok(table)
}

impl<'a> Simulation<'a> {
    fn new(
        testbed: &'a Testbed<'a>,
        open: Vec<usize>,
        attention: Vec<f32>,
        candidates: Vec<usize>,
        readership: Option<Readership>,
    ) -> Self {
        let mut popular = open.clone();
        let some: Vec<&[f32]> =
            open.iter().step_by(open.len().div_ceil(PAIRED).max(1)).map(|k| testbed.vector(*k)).collect();
        let mut pairs: Vec<f32> =
            some.par_iter().enumerate().flat_map_iter(|(i, a)| some[..i].iter().map(|b| dot(a, b))).collect();
        pairs.sort_unstable_by(|a, b| b.total_cmp(a));
        let one_in = |many: usize| pairs.get(pairs.len() / many).copied().unwrap_or(1.0);
        let (near, far) = (one_in(NEAR), one_in(FAR));
        popular.sort_by(|a, b| attention[*b].total_cmp(&attention[*a]).then(a.cmp(b)));
        let (panel, panel_papers, askable) = testbed.panel(&open, &attention);
        Simulation {
            testbed,
            open,
            attention,
            popular,
            candidates,
            near,
            far,
            panel,
            panel_papers,
            askable,
            readership,
            titles: HashMap::new(),
        }
    }

    /// Simulates a reader. Gives the share of the papers that they would like, and the outcome of every way to choose
    /// questions.
    fn simulate(&self, reader: &SimulatedReader) -> Result<(f64, [[[Outcome; 3]; 3]; 2])> {
        let mut random = Rng::with_seed(17 + 131 * reader.own[0] as u64 + reader.own.len() as u64);
        let some = bootstrap::draw(&mut random, &self.open, 300);
        let liked = some.iter().filter(|k| self.verdict(reader, **k) > 0.0).count() as f64 / some.len().max(1) as f64;
        let of = bootstrap::draw(&mut random, &reader.own, 1);
        let words = of.first().and_then(|k| self.titles.get(k)).map(|title| phrase(title)).unwrap_or_default();
        let topic = if words.is_empty() { None } else { Some(self.testbed.topic(&words)?) };
        let mut out = [[[Outcome::default(); 3]; 3]; 2];
        for (t, topic) in [None, topic.as_ref()].into_iter().enumerate() {
            for (w, after_answers) in out[t].iter_mut().enumerate() {
                *after_answers = self.ask(reader, w, topic, &mut random);
            }
        }
        Ok((liked, out))
    }

    fn ask(&self, reader: &SimulatedReader, way: usize, topic: Option<&Topic>, random: &mut Rng) -> [Outcome; 3] {
        let order = match way {
            1 => self.popular.iter().copied().take(ANSWERS[2]).collect(),
            2 => bootstrap::draw(random, &self.open, ANSWERS[2]),
            _ => Vec::new(),
        };
        let mut answers: Vec<(usize, f32)> = Vec::new();
        let mut outcomes = [Outcome::default(); 3];
        for asked in 0..=ANSWERS[2] {
            if let Some(n) = ANSWERS.iter().position(|a| *a == asked) {
                outcomes[n] = self.outcome(reader, topic, &answers, random);
            }
            if asked == ANSWERS[2] {
                break;
            }
            let next = if way == 0 { self.next(topic, &answers) } else { order.get(asked).copied() };
            let Some(next) = next else { continue };
            answers.push((next, self.verdict(reader, next)));
        }
        outcomes
    }

    /// The question that the service would ask after these answers.
    fn next(&self, topic: Option<&Topic>, answers: &[(usize, f32)]) -> Option<usize> {
        let mut questions = QuestionPlanner::new(&self.panel, self.askable.clone());
        questions.start(&topic.iter().map(|t| t.vector.as_slice()).collect::<Vec<_>>());
        for (k, verdict) in answers {
            match verdict {
                0.0 => questions.skip(self.testbed.vector(*k)),
                verdict => questions.answer(self.testbed.vector(*k), *verdict),
            }
        }
        let answered: HashSet<usize> = answers.iter().map(|a| a.0).collect();
        std::iter::from_fn(|| questions.ask()).map(|(k, _)| self.panel_papers[k]).find(|k| !answered.contains(k))
    }

    /// How a reader answers about a paper: 1 for a like, -1 for a dislike, 0 for a skip.
    fn verdict(&self, reader: &SimulatedReader, paper: usize) -> f32 {
        let vector = self.testbed.vector(paper);
        let near = reader.own.iter().map(|k| if *k == paper { 1.0 } else { dot(self.testbed.vector(*k), vector) });
        match near.fold(f32::NEG_INFINITY, f32::max) {
            near if near >= self.near => 1.0,
            near if near < self.far => -1.0,
            _ => 0.0,
        }
    }

    /// Ranks the hidden papers after some answers, as the service does: by attention while nothing is liked.
    fn outcome(
        &self,
        reader: &SimulatedReader,
        topic: Option<&Topic>,
        answers: &[(usize, f32)],
        random: &mut Rng,
    ) -> Outcome {
        let examples: Vec<(usize, f32)> = answers.iter().copied().filter(|a| a.1 != 0.0).collect();
        let likes: Vec<u32> = examples.iter().filter(|e| e.1 > 0.0).map(|e| e.0 as u32).collect();
        let mut scores = match self.testbed.preferences_from(topic, &examples) {
            Some(preferences) => self.testbed.score(&preferences, &self.candidates),
            // Ties are broken at random and not by the order of ids.
            None => self.candidates.iter().map(|k| self.attention[*k] + random.u32(..1 << 16) as f32 / 1e6).collect(),
        };
        let readership = self.readership.as_ref().filter(|_| !likes.is_empty());
        if let Some(more) = readership.and_then(|r| r.add(reader.number, &likes)) {
            scores.iter_mut().zip(more).for_each(|(score, more)| *score += more);
        }
        let order = best_first(&scores);
        let gains: Vec<f64> =
            order.iter().map(|k| f64::from(u8::from(reader.hidden.contains(&self.candidates[*k])))).collect();
        Outcome {
            recall: recall(&gains, reader.hidden.len(), 100),
            ndcg: ndcg(&gains, &vec![1.0; reader.hidden.len()], 10),
            likes: likes.len() as f64,
        }
    }
}

/// What somebody types who has a paper of this title in mind: its longest phrase.
fn phrase(title: &str) -> String {
    let mut best = (0, String::new());
    PhraseFinder::default().phrases(&prose(title), |key, written| {
        let length = (1 + key.matches(' ').count()) * 100 + written.len();
        if length > best.0 {
            best = (length, written.to_string());
        }
    });
    best.1
}
