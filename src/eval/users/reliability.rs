//! How honest chances are: what is foreseen of verdicts that were held back, beside what came.

use std::collections::HashSet;

use fastrand::Rng;

use crate::engine::{Engine, Testbed};
use crate::error::{Error, Result};
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::sets::{Group, Half};
use crate::eval::similar::present;
use crate::eval::table::{Cell, Table};
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment};
use crate::vector::dot;

/// Likes that are held back of each reader or review.
const HELD_BACK: usize = 20;

/// Dislikes to a like, of readers of libraries and of reviews.
const OF_LIBRARIES: usize = 1;
const OF_REVIEWS: usize = 2;

/// What a reader does not have and dislikes is one of so many papers that are nearest to one that they like.
const NEAR: usize = 30;

/// Equal parts of the chances from 0 to 1.
const BINS: usize = 10;

/// What to run.
#[derive(Debug, Clone)]
pub struct Reliability {
    /// Numbers of verdicts that the chances are measured on.
    pub verdicts: Vec<usize>,
    /// Random draws of verdicts for each review.
    pub draws: usize,
    /// At most so many readers of libraries, at even distances; 0 for all.
    pub readers: usize,
    /// Which readers or reviews to use.
    pub half: Half,
}

/// Papers that somebody would like, and papers that they would dislike, each in a random order.
struct Verdicts {
    likes: Vec<PaperId>,
    dislikes: Vec<PaperId>,
}

/// A chance that was foreseen, and what came.
type Foreseen = (f64, bool);

/// Readers like papers of their libraries, and dislike as many that are near these and that they do not have. The papers that are
/// held back are too few to be ranked among themselves.
///
/// # Errors
/// Those of the engine's calls.
pub fn reliability_of_libraries(
    engine: &Engine,
    libraries: &[Group],
    plan: &Reliability,
    progress: Progress<'_>,
) -> Result<Table> {
    let all: HashSet<&String> = libraries.iter().flat_map(|l| &l.relevant).collect();
    let all: Vec<String> = all.into_iter().cloned().collect();
    let mut ids = present(engine, &all)?.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>()?;
    ids.sort();
    let testbed = engine.testbed(&ids, |_| true)?;
    let libraries = plan.half.of(libraries.iter().collect());
    let library = |l: &Group| l.relevant.iter().filter_map(|id| testbed.place(id)).collect::<Vec<_>>();
    let libraries: Vec<Vec<usize>> = libraries.into_iter().map(library).collect();
    measure(engine, plan, OF_LIBRARIES, progress, &|n| {
        let enough: Vec<&Vec<usize>> = libraries.iter().filter(|l| l.len() >= n + HELD_BACK).collect();
        let step = if plan.readers == 0 { 1 } else { enough.len().div_ceil(plan.readers).max(1) };
        let verdicts = |(place, library): (usize, &&Vec<usize>)| {
            let mut random = Rng::with_seed(11 + 31 * place as u64 + n as u64);
            let likes = bootstrap::draw(&mut random, library, n + HELD_BACK);
            let dislikes = near(&testbed, library, &likes, &mut random);
            let named = |places: Vec<usize>| places.into_iter().map(|k| ids[k].clone()).collect();
            Verdicts { likes: named(likes), dislikes: named(dislikes) }
        };
        enough.iter().step_by(step).enumerate().map(verdicts).collect()
    })
}

/// For each like one of the papers nearest to it that are not in the library, each once.
fn near(testbed: &Testbed<'_>, library: &[usize], likes: &[usize], random: &mut Rng) -> Vec<usize> {
    let mut taken: HashSet<usize> = library.iter().copied().collect();
    let mut drawn = Vec::with_capacity(likes.len());
    for &like in likes {
        let mut others: Vec<(usize, f32)> = (0..testbed.len())
            .filter(|k| !taken.contains(k))
            .map(|k| (k, dot(testbed.vector(k), testbed.vector(like))))
            .collect();
        if others.len() > NEAR {
            others.select_nth_unstable_by(NEAR, |a, b| b.1.total_cmp(&a.1));
            others.truncate(NEAR);
        }
        if let Some((other, _)) = random.choice(others) {
            taken.insert(other);
            drawn.push(other);
        }
    }
    drawn
}

/// Verdicts are the labels of reviews, two against a paper to one for a paper. The papers that are held back are enough to be ranked
/// among themselves.
///
/// # Errors
/// Those of the engine's calls.
pub fn reliability_of_screening(
    engine: &Engine,
    reviews: &[Group],
    plan: &Reliability,
    progress: Progress<'_>,
) -> Result<Table> {
    let of = |ids: &[String]| present(engine, ids)?.into_iter().map(PaperId::new).collect::<Result<Vec<_>>>();
    let reviews = reviews.iter().map(|g| Ok((of(&g.relevant)?, of(&g.others)?))).collect::<Result<Vec<_>>>()?;
    let reviews = plan.half.of(reviews);
    measure(engine, plan, OF_REVIEWS, progress, &|n| {
        let enough = reviews.iter().filter(|r| r.0.len() >= n + HELD_BACK && r.1.len() >= OF_REVIEWS * (n + HELD_BACK));
        let draws = |(place, (likes, dislikes)): (usize, &(Vec<PaperId>, Vec<PaperId>))| {
            let mut random = Rng::with_seed(13 + 101 * place as u64 + n as u64);
            let draw = |_| Verdicts {
                likes: bootstrap::draw(&mut random, likes, n + HELD_BACK),
                dislikes: bootstrap::draw(&mut random, dislikes, OF_REVIEWS * (n + HELD_BACK)),
            };
            (0..plan.draws).map(draw).collect::<Vec<_>>()
        };
        enough.enumerate().flat_map(draws).collect()
    })
}

/// The table over all that `verdicts` gives for a number of likes to measure on.
fn measure(
    engine: &Engine,
    plan: &Reliability,
    dislikes: usize,
    progress: Progress<'_>,
    verdicts: &dyn Fn(usize) -> Vec<Verdicts>,
) -> Result<Table> {
    let title =
        format!("What was foreseen of verdicts that were held back; {dislikes} against a paper to one for a paper");
    let columns = ["verdicts", "chance", "papers", "foreseen", "liked", "off by", "Brier", "base rate's Brier"];
    let mut table = Table::new(title, columns);
    for &n in &plan.verdicts {
        let likes = n / (1 + dislikes);
        let drawn = verdicts(likes);
        let mut foreseen: Vec<Foreseen> = Vec::new();
        for (done, one) in drawn.iter().enumerate() {
            foreseen.extend(foresee(engine, one, likes, likes * dislikes)?);
            progress(done + 1, drawn.len());
        }
        table.rows.extend(rows(n, &foreseen));
    }
    Ok(table)
}

/// Gives the first verdicts to a reader who is not stored, and asks what they would make of the others.
fn foresee(engine: &Engine, verdicts: &Verdicts, likes: usize, dislikes: usize) -> Result<Vec<Foreseen>> {
    let (liked, held_likes) = verdicts.likes.split_at(likes.min(verdicts.likes.len()));
    let (disliked, held_dislikes) = verdicts.dislikes.split_at(dislikes.min(verdicts.dislikes.len()));
    let event = |kind| move |id: &PaperId| Event { paper: id.clone(), kind, at: Moment::of_day(0), weight: 1.0 };
    let events: Vec<Event> =
        liked.iter().map(event(EventKind::Like)).chain(disliked.iter().map(event(EventKind::Dislike))).collect();
    let held: Vec<PaperId> = held_likes.iter().chain(held_dislikes).cloned().collect();
    let will_like: HashSet<&PaperId> = held_likes.iter().collect();
    let ranked = engine.rank_for("a reader of the evaluation", &held, &events, false)?;
    let one = |hit: &crate::engine::Hit| {
        let chance = hit.chance.ok_or_else(|| Error::Invalid(format!("{} verdicts give no chance", events.len())))?;
        Ok((f64::from(chance), will_like.contains(&hit.paper.id)))
    };
    ranked.papers.iter().map(one).collect()
}

/// A row for each part of the chances that has papers, and one for all: the mean distance of what was foreseen from what came over
/// the parts (expected calibration error), the mean square of each chance less its verdict (Brier), and what that would be had the
/// share of likes been foreseen of every paper.
fn rows(verdicts: usize, foreseen: &[Foreseen]) -> Vec<Vec<Cell>> {
    let bin = |chance: f64| ((chance * BINS as f64) as usize).min(BINS - 1);
    let came = |yes: bool| f64::from(u8::from(yes));
    let mean = |of: &dyn Fn(&Foreseen) -> f64, some: &[Foreseen]| {
        some.iter().map(of).sum::<f64>() / (some.len() as f64).max(1.0)
    };
    let row = |name: String, some: &[Foreseen]| -> Vec<Cell> {
        let chances: Vec<f64> = some.iter().map(|f| f.0).collect();
        let verdicts_of: Vec<f64> = some.iter().map(|f| came(f.1)).collect();
        let means = [bootstrap::mean(&chances).into(), bootstrap::mean(&verdicts_of).into()];
        let [foreseen, liked]: [Cell; 2] = means;
        vec![verdicts.into(), name.as_str().into(), some.len().into(), foreseen, liked]
    };
    let (mut rows, mut off) = (Vec::new(), 0.0);
    for part in 0..BINS {
        let some: Vec<Foreseen> = foreseen.iter().copied().filter(|f| bin(f.0) == part).collect();
        if some.is_empty() {
            continue;
        }
        off += (mean(&|f| f.0, &some) - mean(&|f| came(f.1), &some)).abs() * some.len() as f64;
        let (from, to) = (part as f64 / BINS as f64, (part + 1) as f64 / BINS as f64);
        let mut cells = row(format!("{from:.1} to {to:.1}"), &some);
        cells.resize_with(8, || "".into());
        rows.push(cells);
    }
    let share = mean(&|f| came(f.1), foreseen);
    let mut cells = row("all".into(), foreseen);
    let figure = |value: f64| Cell::Text(format!("{value:.3}"));
    cells.extend([
        figure(off / (foreseen.len() as f64).max(1.0)),
        figure(mean(&|f| (f.0 - came(f.1)).powi(2), foreseen)),
        figure(share * (1.0 - share)),
    ]);
    rows.push(cells);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_parts() {
        // 0.25 is foreseen of four papers, and one is liked; 0.75 of four, and all are.
        let foreseen: Vec<Foreseen> = (0..8).map(|k| if k < 4 { (0.25, k == 0) } else { (0.75, true) }).collect();
        let rows = rows(30, &foreseen);
        let shown: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[0][..4], ["30", "0.2 to 0.3", "4", "0.250 ±0.000"]);
        assert!(shown[0][4].starts_with("0.250") && shown[1][4] == "1.000 ±0.000", "{shown:?}");
        // Half of the papers are off by a quarter. Squares: 3 * 0.0625 + 0.5625 + 4 * 0.0625 of 8; share 5 of 8.
        assert_eq!(shown[2][5..], ["0.125", "0.125", "0.234"]);
    }
}
