//! Ranks every case in every way, and puts the figures into a table.

use fastrand::Rng;
use rayon::prelude::*;

use super::Task;
use super::case::{Case, Measure};
use super::{Plan, seed};
use crate::error::Result;
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::kendall_tau;
use crate::eval::roads::{self, Asked};
use crate::eval::sets::Half;
use crate::eval::table::{Cell, Difference, Table, named};
use crate::eval::users::{Method, best_first, scores};
use crate::rank::Strategy;

/// Cases that are measured at once, between two reports of progress.
const AT_ONCE: usize = 16;

/// A way to order candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Recommend(Strategy),
    Rank,
    /// `rank` that is told the day of each like.
    RankDated,
    Plain(Method),
}

/// The plain methods.
const PLAIN: [Method; 6] =
    [Method::Mean, Method::Words, Method::Sum, Method::NearestWords, Method::RocchioWords, Method::Logistic];

/// The strategies that are parts of the whole.
const PARTS: [Strategy; 4] = [Strategy::Mean, Strategy::Nearest, Strategy::Rocchio, Strategy::Logistic];

impl Way {
    /// The ways of a task.
    fn of(task: &Task<'_>, plan: &Plan) -> Vec<Way> {
        let any = |what: fn(&Case) -> bool| task.cases.iter().any(what);
        // Where nothing is disliked, Rocchio is the sum; and where one paper is liked, it is the nearest.
        let plain = PLAIN.into_iter().filter(|method| match method {
            Method::RocchioWords => any(|case| !case.dislikes.is_empty()),
            Method::NearestWords => any(|case| case.likes.len() > 1),
            _ => true,
        });
        let dated = any(|case| !case.days.is_empty()).then_some(Way::RankDated);
        let parts = PARTS.into_iter().filter(|_| plan.parts).map(Way::Recommend);
        let roads = [Way::Recommend(Strategy::Auto), Way::Rank];
        roads.into_iter().chain(dated).chain(parts).chain(plain.map(Way::Plain)).collect()
    }

    fn name(self) -> String {
        match self {
            Way::Recommend(Strategy::Auto) => "recommend".into(),
            Way::Recommend(strategy) => format!("recommend, {}", named(&strategy)),
            Way::Rank => "rank".into(),
            Way::RankDated => "rank, dated likes".into(),
            Way::Plain(method) => named(&method),
        }
    }
}

/// What came of a case: by way the two figures, and how much the roads agree.
struct Outcome {
    figures: Vec<(f64, f64)>,
    tau: f64,
}

/// Measures all tasks. They take turns, so that the time that remains can be told from the time that has passed.
pub fn all(tasks: &[Task<'_>], plan: &Plan, progress: Progress<'_>) -> Result<Table> {
    let ways: Vec<Vec<Way>> = tasks.iter().map(|task| Way::of(task, plan)).collect();
    let mut jobs: Vec<(usize, usize)> =
        tasks.iter().enumerate().flat_map(|(t, task)| (0..task.cases.len()).map(move |c| (t, c))).collect();
    Rng::with_seed(1).shuffle(&mut jobs);
    let mut outcomes: Vec<Vec<Option<Outcome>>> =
        tasks.iter().map(|task| task.cases.iter().map(|_| None).collect()).collect();
    let mut done = 0;
    for some in jobs.chunks(AT_ONCE) {
        let measured: Vec<Outcome> =
            some.par_iter().map(|(t, c)| one(&tasks[*t], &tasks[*t].cases[*c], &ways[*t])).collect::<Result<_>>()?;
        for ((t, c), outcome) in some.iter().zip(measured) {
            outcomes[*t][*c] = Some(outcome);
        }
        done += some.len();
        progress(done, jobs.len());
    }
    let title = match plan.half {
        Half::All => "All readers, reviews and examples".to_string(),
        half => format!("The {} half of readers, reviews and examples", named(&half)),
    };
    let title = format!("{title}; {} draws for each review", plan.draws);
    let columns = ["situation", "cases", "figures", "method", "first", "second", "better by", "tau"];
    let mut table = Table::new(title, columns);
    for ((task, ways), outcomes) in tasks.iter().zip(&ways).zip(outcomes) {
        let outcomes: Vec<(usize, Outcome)> =
            task.cases.iter().zip(outcomes).filter_map(|(case, o)| Some((case.of, o?))).collect();
        table.rows.extend(rows(task, ways, &outcomes));
    }
    Ok(table)
}

/// Ranks a case in every way.
fn one(task: &Task<'_>, case: &Case, ways: &[Way]) -> Result<Outcome> {
    let ground = task.ground;
    let (likes, dislikes, candidates) =
        (ground.ids(&case.likes), ground.ids(&case.dislikes), ground.ids(&case.candidates));
    let undated = Asked { likes: &likes, days: &[], dislikes: &dislikes, candidates: &candidates };
    let mut orders = Vec::with_capacity(ways.len());
    for way in ways {
        orders.push(match way {
            Way::Recommend(strategy) => roads::recommend(ground.engine, &undated, *strategy)?,
            Way::Rank => roads::rank(ground.engine, &undated)?,
            Way::RankDated => roads::rank(ground.engine, &Asked { days: &case.days, ..undated })?,
            Way::Plain(method) => {
                let likes = case.likes.iter().map(|k| (*k, 1.0));
                let examples: Vec<(usize, f32)> = likes.chain(case.dislikes.iter().map(|k| (*k, -1.0))).collect();
                let mut random = Rng::with_seed(seed(&task.name, "logistic", case.of));
                best_first(&scores(&ground.testbed, *method, &examples, &case.candidates, &[], &mut random))
            }
        });
    }
    let (first, second) = task.measures;
    let figures = orders.iter().map(|order| {
        let gains: Vec<f64> = order.iter().map(|k| case.gains[*k]).collect();
        (first.of(&gains), second.map_or(0.0, |m: Measure| m.of(&gains)))
    });
    Ok(Outcome { figures: figures.collect(), tau: kendall_tau(&orders[0], &orders[1]) })
}

/// A row for each way.
fn rows(task: &Task<'_>, ways: &[Way], outcomes: &[(usize, Outcome)]) -> Vec<Vec<Cell>> {
    let (first, second) = task.measures;
    let figures = match second {
        Some(second) => format!("{}, {}", first.name(), second.name()),
        None => first.name(),
    };
    if outcomes.is_empty() {
        let mut row: Vec<Cell> = vec![task.name.as_str().into(), 0.into(), figures.as_str().into()];
        row.extend(["none: the sets hold no case of it", "", "", "", ""].map(Cell::from));
        return vec![row];
    }
    let by_way: Vec<Vec<f64>> = (0..ways.len()).map(|w| by_origin(outcomes, |o| o.figures[w].0)).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let plain = (0..ways.len()).filter(|w| matches!(ways[*w], Way::Plain(_)));
    let best = plain.max_by(|a, b| first.better_by(mean(&by_way[*a]), mean(&by_way[*b])).total_cmp(&0.0));
    let row = |(w, way): (usize, &Way)| {
        let better: Cell = match (way, best) {
            (Way::Plain(_), Some(best)) if best == w => "best plain".into(),
            (Way::Plain(_), _) | (_, None) => "".into(),
            (_, Some(best)) => {
                let by: Vec<f64> = by_way[w].iter().zip(&by_way[best]).map(|(a, b)| first.better_by(*a, *b)).collect();
                Cell::Difference(Difference { mean: mean(&by), standard_error: bootstrap::standard_error(&by) })
            }
        };
        vec![
            task.name.as_str().into(),
            outcomes.len().into(),
            figures.as_str().into(),
            way.name().as_str().into(),
            bootstrap::mean(&by_way[w]).into(),
            second.map_or("".into(), |_| bootstrap::mean(&by_origin(outcomes, |o| o.figures[w].1)).into()),
            better,
            if *way == Way::Rank { bootstrap::mean(&by_origin(outcomes, |o| o.tau)).into() } else { "".into() },
        ]
    };
    ways.iter().enumerate().map(row).collect()
}

/// A figure by reader, review or example: the mean over their cases.
fn by_origin(outcomes: &[(usize, Outcome)], figure: impl Fn(&Outcome) -> f64) -> Vec<f64> {
    let mut by_origin: std::collections::BTreeMap<usize, (f64, f64)> = std::collections::BTreeMap::new();
    for (of, outcome) in outcomes {
        let entry = by_origin.entry(*of).or_default();
        entry.0 += figure(outcome);
        entry.1 += 1.0;
    }
    by_origin.into_values().map(|(sum, n)| sum / n).collect()
}
