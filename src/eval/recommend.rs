//! Quality of `recommend` by the number of examples, the strategy and the mode.

use std::collections::HashSet;

use fastrand::Rng;

use super::Progress;
use super::bootstrap::draw;
use super::metrics::Figures;
use super::search::row;
use super::sets::Group;
use super::similar::present;
use super::table::{Table, named};
use crate::engine::{Engine, Example, Mode, Recommend, SearchOptions};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::rank::Strategy;

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Numbers of examples to try.
    pub examples: Vec<usize>,
    /// Strategies.
    pub strategies: Vec<Strategy>,
    /// Modes.
    pub modes: Vec<Mode>,
    /// Random draws of examples for each group.
    pub draws: usize,
    /// Groups with fewer relevant papers are left out.
    pub least: usize,
    /// Use at most so many groups.
    pub groups: usize,
}

/// Draws k likes from each group, and k dislikes if the group has papers that do not belong to it. Then ranks the rest
/// of the group (or the corpus, if the group has no such papers) and measures the ranks of the other relevant papers.
///
/// # Errors
/// Those of the engine's calls.
pub fn run(engine: &Engine, groups: &[Group], plan: &Plan, progress: Progress<'_>) -> Result<Table> {
    let mut there: Vec<Group> = Vec::new();
    for group in groups {
        let group = Group {
            name: group.name.clone(),
            relevant: present(engine, &group.relevant)?,
            others: present(engine, &group.others)?,
        };
        if group.relevant.len() >= plan.least.max(2) {
            there.push(group);
        }
        if there.len() >= plan.groups {
            break;
        }
    }
    let columns = ["examples", "strategy", "mode"].into_iter().chain(Figures::NAMES);
    let mut table = Table::new(format!("{} groups, {} draws of examples each", there.len(), plan.draws), columns);
    let rows = plan.examples.len() * plan.strategies.len() * plan.modes.len();
    for &k in &plan.examples {
        for &strategy in &plan.strategies {
            for &mode in &plan.modes {
                let mut figures = Vec::new();
                for group in &there {
                    // The same examples for every strategy and mode.
                    let mut random = Rng::with_seed(97 + k as u64);
                    let mut of_group = Vec::new();
                    for _ in 0..plan.draws {
                        let likes = draw(&mut random, &group.relevant, k.min(group.relevant.len() - 1));
                        let dislikes = draw(&mut random, &group.others, k.min(group.others.len()));
                        of_group.push(one(engine, group, &likes, &dislikes, strategy, mode)?);
                    }
                    figures.push(average(&of_group));
                    progress(table.rows.len() * there.len() + figures.len(), rows * there.len());
                }
                let mut cells = vec![k.into(), named(&strategy).as_str().into()];
                cells.extend(row(&named(&mode), &figures));
                table.rows.push(cells);
            }
        }
    }
    Ok(table)
}

fn one(
    engine: &Engine,
    group: &Group,
    likes: &[String],
    dislikes: &[String],
    strategy: Strategy,
    mode: Mode,
) -> Result<Figures> {
    let drawn: HashSet<&String> = likes.iter().chain(dislikes).collect();
    let rest = |ids: &[String]| -> Vec<String> { ids.iter().filter(|id| !drawn.contains(id)).cloned().collect() };
    let relevant: HashSet<String> = rest(&group.relevant).into_iter().collect();
    let ids = |ids: &[String]| ids.iter().map(PaperId::new).collect::<Result<Vec<_>>>();
    let example = |id| Example { id, weight: 1.0 };
    let candidates =
        if group.others.is_empty() { None } else { Some(ids(&[rest(&group.relevant), rest(&group.others)].concat())?) };
    let request = Recommend {
        like: ids(likes)?.into_iter().map(example).collect(),
        dislike: ids(dislikes)?.into_iter().map(example).collect(),
        strategy,
        candidates,
        ask: SearchOptions { limit: 500, mode, versions: true, ..SearchOptions::default() },
        ..Recommend::default()
    };
    let found = match engine.recommend(&request) {
        Ok(answer) => answer.papers,
        // Likes without words, or with words that cancel out, find nothing.
        Err(Error::Invalid(_)) => Vec::new(),
        Err(e) => return Err(e),
    };
    let gain = |id: &str| if relevant.contains(id) { 1.0 } else { 0.0 };
    let gains: Vec<f64> = found.iter().map(|h| gain(h.paper.id.as_str())).collect();
    Ok(Figures::of(&gains, &vec![1.0; relevant.len()]))
}

fn average(figures: &[Figures]) -> Figures {
    let n = figures.len().max(1) as f64;
    let mean = |f: fn(&Figures) -> f64| figures.iter().map(f).sum::<f64>() / n;
    Figures {
        map: mean(|f| f.map),
        ndcg_10: mean(|f| f.ndcg_10),
        recall_10: mean(|f| f.recall_10),
        recall_100: mean(|f| f.recall_100),
        mrr: mean(|f| f.mrr),
    }
}
