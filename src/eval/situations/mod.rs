//! Every situation in which somebody asks for papers, made from labelled sets: what the two roads that serve answer
//! ([`super::roads`]), beside plain methods.
//!
//! A situation is a list of cases (`case`): likes, dislikes, candidates and what each of these is worth. One file
//! draws the cases of each situation. Generators are seeded by the reader, review or example that a case is drawn from,
//! so that a half has the same cases whatever else is measured.

mod case;
mod corpus;
mod day;
mod few;
mod ground;
mod measure;
mod one;
mod set;

use std::collections::HashMap;

use case::{Case, Measure};
use ground::Ground;
use serde::{Deserialize, Serialize};

use super::Progress;
use super::sets::{Group, Half, LogEntry};
use super::table::Table;
use super::users::{SPANS, by_reader};
use crate::engine::Engine;
use crate::error::Result;

/// In which somebody asks for papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Situation {
    /// Few candidates and a varied history.
    Few,
    /// One example and a pool.
    One,
    /// A set of candidates with likes and dislikes.
    Set,
    /// A whole corpus.
    Corpus,
    /// The papers of a day.
    Day,
}

impl Situation {
    /// All of them.
    pub const ALL: [Situation; 5] = [Situation::Few, Situation::One, Situation::Set, Situation::Corpus, Situation::Day];

    /// The labelled sets that it is made of.
    pub fn sets(self) -> &'static [SetName] {
        match self {
            Situation::Few => &[SetName::Libraries, SetName::HfDaily],
            Situation::One => &[SetName::Libraries, SetName::Screening],
            Situation::Set => &[SetName::Screening],
            Situation::Corpus => &[SetName::Libraries],
            Situation::Day => &[SetName::HfDaily],
        }
    }
}

/// A labelled set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetName {
    /// Libraries of readers, and folds of their papers.
    Libraries,
    /// Systematic reviews with included and excluded papers.
    Screening,
    /// Daily lists of papers, and who submitted them.
    HfDaily,
}

/// The labels of the sets, each with the folder that holds its papers. Those that no situation of a plan needs may be
/// absent; what is absent is not measured.
#[derive(Default)]
pub struct Sets<'a> {
    /// Libraries, and the fold of each paper.
    pub libraries: Option<(&'a Engine, Vec<Group>, HashMap<String, usize>)>,
    /// Reviews.
    pub screening: Option<(&'a Engine, Vec<Group>)>,
    /// The log of a daily list.
    pub hf_daily: Option<(&'a Engine, Vec<LogEntry>)>,
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which situations.
    pub situations: Vec<Situation>,
    /// Which readers, reviews and examples.
    pub half: Half,
    /// Random draws for each review; three times as many in [`Situation::One`], and half as many for each reader in
    /// [`Situation::Few`].
    pub draws: usize,
    /// At most so many readers or examples of a situation, at even distances.
    pub readers: usize,
    /// Whether to measure the strategies of `recommend` too, which are parts of the whole.
    pub parts: bool,
}

/// The papers of a review, by their places.
struct Review {
    name: String,
    included: Vec<usize>,
    excluded: Vec<usize>,
}

/// A library, by the places of its papers.
struct Library {
    name: String,
    papers: Vec<usize>,
    /// Those among them that are in the fold [`corpus::FOLD`].
    hidden: Vec<usize>,
}

/// A situation made of one set.
struct Task<'a> {
    name: String,
    ground: &'a Ground<'a>,
    /// The figure by which methods are compared, and another.
    measures: (Measure, Option<Measure>),
    cases: Vec<Case>,
}

/// Measures every situation of the plan, on the sets that are there. `progress` counts rankings.
///
/// # Errors
/// Those of the engine's calls.
pub fn run(sets: &Sets<'_>, plan: &Plan, progress: Progress<'_>) -> Result<Table> {
    let libraries = sets.libraries.as_ref().map(|(engine, ..)| Ground::of(engine)).transpose()?;
    let screening = sets.screening.as_ref().map(|(engine, _)| Ground::of(engine)).transpose()?;
    let hf_daily = sets.hf_daily.as_ref().map(|(engine, _)| Ground::of(engine)).transpose()?;
    let libraries = libraries.as_ref().zip(sets.libraries.as_ref());
    let readers = libraries.map_or_else(Vec::new, |(ground, (_, all, folds))| read_libraries(ground, all, folds, plan));
    let reviews = screening.as_ref().zip(sets.screening.as_ref());
    let reviews = reviews.map(|(ground, (_, groups))| (ground, read_reviews(ground, groups, plan)));
    let log = hf_daily.as_ref().zip(sets.hf_daily.as_ref());

    let mut tasks: Vec<Task<'_>> = Vec::new();
    for situation in &plan.situations {
        let mut add = |from: &str, ground, measures, cases| {
            let name = format!("{}, {from}", super::table::named(situation));
            tasks.push(Task { name, ground, measures, cases });
        };
        match situation {
            Situation::Few => {
                let measures = (Measure::WrongPairs, None);
                if let Some((ground, (_, libraries, _))) = libraries {
                    add("libraries", ground, measures, few::libraries(ground, libraries, &readers, plan));
                }
                if let Some((ground, (_, log))) = log {
                    add("submitters", ground, measures, few::log(ground, log, plan));
                }
            }
            Situation::One => {
                let measures = (Measure::AveragePrecision, Some(Measure::NdcgFifth));
                if let Some((ground, reviews)) = &reviews {
                    add("screening", ground, measures, one::reviews(reviews, plan));
                }
                if let Some((ground, (_, libraries, _))) = libraries {
                    add("libraries", ground, measures, one::libraries(ground, libraries, plan));
                }
            }
            Situation::Set => {
                let measures = (Measure::AveragePrecision, Some(Measure::NdcgFifth));
                for examples in set::EXAMPLES {
                    if let Some((ground, reviews)) = &reviews {
                        let name = format!("screening, {examples} and {examples}");
                        add(&name, ground, measures, set::reviews(reviews, examples, plan));
                    }
                }
            }
            Situation::Corpus => {
                let measures = (Measure::Recall(100), Some(Measure::Ndcg10));
                if let Some((ground, (_, _, folds))) = libraries {
                    add("libraries", ground, measures, corpus::libraries(ground, &readers, folds, plan));
                }
            }
            Situation::Day => {
                let measures = (Measure::Recall(5), Some(Measure::Ndcg10));
                for (length, (.., span)) in SPANS.iter().enumerate() {
                    if let Some((ground, (_, log))) = log {
                        let name = format!("submitters, after {span}");
                        add(&name, ground, measures, day::log(ground, log, length, plan));
                    }
                }
            }
        }
    }
    measure::all(&tasks, plan, progress)
}

/// The libraries of the half. They are halved as in `eval users`, so that what was tuned there is reported here on
/// others.
fn read_libraries(ground: &Ground<'_>, groups: &[Group], folds: &HashMap<String, usize>, plan: &Plan) -> Vec<Library> {
    let library = |g: &Group| {
        let in_fold = |id: &&String| folds.get(*id) == Some(&corpus::FOLD);
        let hidden: Vec<String> = g.relevant.iter().filter(in_fold).cloned().collect();
        Library { name: g.name.clone(), papers: ground.places(&g.relevant), hidden: ground.places(&hidden) }
    };
    let split = |l: &Library| !l.hidden.is_empty() && l.hidden.len() < l.papers.len();
    plan.half.of(groups.iter().map(library).filter(split).collect())
}

/// The readers of a log that are in the half: name, and days and papers. They are halved by the number of their papers,
/// since a few have most of all.
fn read_log<'a>(ground: &Ground<'_>, log: &'a [LogEntry], plan: &Plan) -> Vec<(&'a str, Vec<(i32, usize)>)> {
    let mut readers: Vec<(&str, Vec<(i32, usize)>)> = by_reader(&ground.testbed, log).into_iter().collect();
    readers.sort_by_key(|(_, taken)| std::cmp::Reverse(taken.len()));
    plan.half.of(readers)
}

/// The reviews of the half with enough papers of both kinds for every situation.
fn read_reviews(ground: &Ground<'_>, groups: &[Group], plan: &Plan) -> Vec<Review> {
    let most = set::EXAMPLES.into_iter().max().unwrap_or(1);
    let review = |g: &Group| Review {
        name: g.name.clone(),
        included: ground.places(&g.relevant),
        excluded: ground.places(&g.others),
    };
    let enough = |r: &Review| r.included.len() > most && r.excluded.len() > most;
    plan.half.of(groups.iter().map(review).filter(enough).collect())
}

/// The seed of a generator: by the situation, by what the case is drawn from, and by the number of the draw (FNV-1a).
fn seed(situation: &str, of: &str, draw: usize) -> u64 {
    let bytes = situation.bytes().chain([0]).chain(of.bytes()).chain([0]).chain((draw as u64).to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
