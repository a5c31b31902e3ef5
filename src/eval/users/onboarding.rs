//! Onboarding: how well a newcomer is served after some questions, beside other ways to choose what is asked.
//!
//! A reader is played who answers truly. What they know is the part of their papers that is not hidden: they like a question
//! that is one of these papers or near one (as like it as one pair of papers in [`NEAR`] of the corpus is); they turn down
//! what is far from all of them (no more like any than one pair in [`FAR`]); and they pass over what lies between, as somebody
//! does who is not sure. What is measured is how the hidden part is ranked by the model that serves, fitted to these answers.

use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;
use rayon::prelude::*;

use super::methods::best_first;
use crate::engine::{Engine, Readership, Testbed, Topic};
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::{ndcg, recall};
use crate::eval::sets::{Group, Half, Taken};
use crate::eval::similar::present;
use crate::eval::table::{Cell, Table};
use crate::paper::{PaperId, prose};
use crate::rank::{Panel, Questions};
use crate::themes::text::PhraseFinder;
use crate::vector::dot;

/// One pair of papers in so many is near: a reader of one would read the other.
const NEAR: usize = 1000;

/// One pair in so many is not even far.
const FAR: usize = 30;

/// Papers whose pairs are looked at for that.
const PAIRED: usize = 1500;

/// Numbers of answers after which a reader is served.
const ANSWERS: [usize; 3] = [0, 5, 10];

/// Readers played at a time.
const AT_ONCE: usize = 32;

/// A way to choose what is asked.
const WAYS: [&str; 3] = ["ours", "popular", "random"];

/// What to run.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The fold of the libraries that is hidden.
    pub fold: usize,
    /// Papers that a reader of the log needs.
    pub least: usize,
    /// Which readers count.
    pub half: Half,
    /// At most so many readers, spread over them; 0 for all.
    pub readers: usize,
}

/// A reader to be played.
struct Player {
    /// Their number among all libraries.
    number: Option<u32>,
    own: Vec<usize>,
    hidden: HashSet<usize>,
}

/// What all readers share.
struct Stage<'a> {
    testbed: &'a Testbed<'a>,
    /// What may be asked about.
    open: Vec<usize>,
    /// By place.
    attention: Vec<f32>,
    /// The open papers, the most popular first.
    popular: Vec<usize>,
    candidates: Vec<usize>,
    near: f32,
    far: f32,
    panel: Panel,
    stands: Vec<usize>,
    askable: Vec<bool>,
    readership: Option<Readership>,
    titles: HashMap<usize, String>,
}

/// What came of one way to ask, for each number of answers.
#[derive(Debug, Clone, Copy, Default)]
struct Served {
    recall: f64,
    ndcg: f64,
    likes: f64,
}

/// Readers of libraries: the papers of a fold are hidden, and nothing is asked about or learned from them. How popular
/// a paper is comes from the readers who are not played.
///
/// # Errors
/// Whatever the engine fails with.
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
    let mut players = Vec::new();
    let mut place = 0;
    for (number, (hidden, own)) in split.into_iter().enumerate() {
        let plays = !hidden.is_empty() && !own.is_empty();
        place += usize::from(plays);
        if plays && plan.half.takes(place - 1) {
            players.push(Player { number: Some(number as u32), own, hidden: hidden.into_iter().collect() });
        } else {
            own.iter().for_each(|k| attention[*k] += 1.0);
        }
    }
    let readership = Some(testbed.readership(&known, &candidates));
    let title = format!("newcomers with papers in fold {}, {} candidates", plan.fold, candidates.len());
    run(engine, Stage::new(&testbed, open, attention, candidates, readership), &ids, players, plan, &title, progress)
}

/// Readers of a log: half of the papers, by their ids, is hidden. Popularity is what the papers' own numbers say.
///
/// # Errors
/// Whatever the engine fails with.
pub fn onboard_log(engine: &Engine, log: &[Taken], plan: &Onboarding, progress: Progress<'_>) -> Result<Table> {
    let mut ids: Vec<PaperId> = Vec::new();
    let mut after = None;
    loop {
        let next = engine.ids(after, 4096)?;
        let Some((last, _)) = next.last() else { break };
        after = Some(*last);
        ids.extend(next.into_iter().map(|(_, id)| id));
    }
    // The same papers whatever else is there: by the sum of their letters, which knows nothing of what they are about.
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
    let mut players: Vec<Player> = Vec::new();
    for taken in by_user.into_values().filter(|t| t.len() >= plan.least) {
        let mut all: Vec<usize> = taken.into_iter().collect();
        all.sort_unstable();
        let (unseen, own): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|k| hidden(&ids[*k]));
        if !unseen.is_empty() && !own.is_empty() {
            players.push(Player { number: None, own, hidden: unseen.into_iter().collect() });
        }
    }
    let players = plan.half.of(players);
    let title = format!("newcomers with at least {} papers in the log, {} candidates", plan.least, candidates.len());
    run(engine, Stage::new(&testbed, open, attention, candidates, None), &ids, players, plan, &title, progress)
}

fn run(
    engine: &Engine,
    mut stage: Stage<'_>,
    ids: &[PaperId],
    mut players: Vec<Player>,
    plan: &Onboarding,
    title: &str,
    progress: Progress<'_>,
) -> Result<Table> {
    if plan.readers > 0 && players.len() > plan.readers {
        let step = players.len() as f64 / plan.readers as f64;
        let chosen: HashSet<usize> = (0..plan.readers).map(|k| (k as f64 * step) as usize).collect();
        let mut place = 0;
        players.retain(|_| {
            place += 1;
            chosen.contains(&(place - 1))
        });
    }
    for k in players.iter().flat_map(|p| &p.own) {
        if !stage.titles.contains_key(k) {
            stage.titles.insert(*k, engine.paper(ids[*k].as_str())?.title);
        }
    }
    // By reader: with and without a topic, every way to ask, every number of answers.
    let mut served: Vec<[[[Served; 3]; 3]; 2]> = Vec::new();
    let mut said = 0f64;
    for some in players.chunks(AT_ONCE) {
        let some: Vec<(f64, [[[Served; 3]; 3]; 2])> =
            some.par_iter().map(|player| stage.play(player)).collect::<Result<_>>()?;
        for (liked, figures) in some {
            said += liked;
            served.push(figures);
        }
        progress(served.len(), players.len());
    }
    let columns = ["begins with", "asked", "answers", "likes", "recall@100", "nDCG@10"];
    let share = 100.0 * said / served.len().max(1) as f64;
    let title = format!(
        "{} {title}; they like {share:.1}% of what may be asked (from {:.2} on, not below {:.2})",
        players.len(),
        stage.near,
        stage.far
    );
    let mut table = Table::new(title, columns);
    for (t, start) in ["nothing", "a topic"].into_iter().enumerate() {
        for (n, answers) in ANSWERS.iter().enumerate() {
            let column =
                |w: usize, f: &dyn Fn(&Served) -> f64| served.iter().map(|s| f(&s[t][w][n])).collect::<Vec<_>>();
            let figures: [&dyn Fn(&Served) -> f64; 3] = [&|s| s.likes, &|s| s.recall, &|s| s.ndcg];
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

impl<'a> Stage<'a> {
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
        let (panel, stands, askable) = testbed.panel(&open, &attention);
        Stage {
            testbed,
            open,
            attention,
            popular,
            candidates,
            near,
            far,
            panel,
            stands,
            askable,
            readership,
            titles: HashMap::new(),
        }
    }

    /// What a reader gets by every way to ask; and the share of what may be asked that they like.
    fn play(&self, player: &Player) -> Result<(f64, [[[Served; 3]; 3]; 2])> {
        let mut random = Rng::with_seed(17 + 131 * player.own[0] as u64 + player.own.len() as u64);
        let some = bootstrap::draw(&mut random, &self.open, 300);
        let liked = some.iter().filter(|k| self.verdict(player, **k) > 0.0).count() as f64 / some.len().max(1) as f64;
        let of = bootstrap::draw(&mut random, &player.own, 1);
        let words = of.first().and_then(|k| self.titles.get(k)).map(|title| phrase(title)).unwrap_or_default();
        let topic = if words.is_empty() { None } else { Some(self.testbed.topic(&words)?) };
        let mut out = [[[Served::default(); 3]; 3]; 2];
        for (t, topic) in [None, topic.as_ref()].into_iter().enumerate() {
            for (w, served) in out[t].iter_mut().enumerate() {
                *served = self.ask(player, w, topic, &mut random);
            }
        }
        Ok((liked, out))
    }

    fn ask(&self, player: &Player, way: usize, topic: Option<&Topic>, random: &mut Rng) -> [Served; 3] {
        let order = match way {
            1 => self.popular.iter().copied().take(ANSWERS[2]).collect(),
            2 => bootstrap::draw(random, &self.open, ANSWERS[2]),
            _ => Vec::new(),
        };
        let mut answers: Vec<(usize, f32)> = Vec::new();
        let mut served = [Served::default(); 3];
        for asked in 0..=ANSWERS[2] {
            if let Some(n) = ANSWERS.iter().position(|a| *a == asked) {
                served[n] = self.serve(player, topic, &answers, random);
            }
            if asked == ANSWERS[2] {
                break;
            }
            let next = if way == 0 { self.next(topic, &answers) } else { order.get(asked).copied() };
            let Some(next) = next else { continue };
            answers.push((next, self.verdict(player, next)));
        }
        served
    }

    /// The question that serves, after these answers.
    fn next(&self, topic: Option<&Topic>, answers: &[(usize, f32)]) -> Option<usize> {
        let mut questions = Questions::new(&self.panel, self.askable.clone());
        questions.start(&topic.iter().map(|t| t.vector.as_slice()).collect::<Vec<_>>());
        for (k, verdict) in answers {
            match verdict {
                0.0 => questions.pass(self.testbed.vector(*k)),
                verdict => questions.answer(self.testbed.vector(*k), *verdict),
            }
        }
        let answered: HashSet<usize> = answers.iter().map(|a| a.0).collect();
        std::iter::from_fn(|| questions.ask()).map(|(k, _)| self.stands[k]).find(|k| !answered.contains(k))
    }

    /// What a reader says of a paper: 1 for a like, -1 for a dislike, 0 when they pass it over.
    fn verdict(&self, player: &Player, paper: usize) -> f32 {
        let vector = self.testbed.vector(paper);
        let near = player.own.iter().map(|k| if *k == paper { 1.0 } else { dot(self.testbed.vector(*k), vector) });
        match near.fold(f32::NEG_INFINITY, f32::max) {
            near if near >= self.near => 1.0,
            near if near < self.far => -1.0,
            _ => 0.0,
        }
    }

    /// How the hidden papers are ranked after some answers, as it serves: by attention while nothing is liked.
    fn serve(&self, player: &Player, topic: Option<&Topic>, answers: &[(usize, f32)], random: &mut Rng) -> Served {
        let examples: Vec<(usize, f32)> = answers.iter().copied().filter(|a| a.1 != 0.0).collect();
        let likes: Vec<u32> = examples.iter().filter(|e| e.1 > 0.0).map(|e| e.0 as u32).collect();
        let mut scores = match self.testbed.taste_from(topic, &examples) {
            Some(preferences) => self.testbed.score(&preferences, &self.candidates),
            // A tie is broken by chance and not by the order of ids.
            None => self.candidates.iter().map(|k| self.attention[*k] + random.u32(..1 << 16) as f32 / 1e6).collect(),
        };
        let others = self.readership.as_ref().filter(|_| !likes.is_empty());
        if let Some(more) = others.and_then(|r| r.add(player.number, &likes)) {
            scores.iter_mut().zip(more).for_each(|(score, more)| *score += more);
        }
        let order = best_first(&scores);
        let gains: Vec<f64> =
            order.iter().map(|k| f64::from(u8::from(player.hidden.contains(&self.candidates[*k])))).collect();
        Served {
            recall: recall(&gains, player.hidden.len(), 100),
            ndcg: ndcg(&gains, &vec![1.0; player.hidden.len()], 10),
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
