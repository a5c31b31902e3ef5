//! Screening: how high the papers of a systematic review rank, from examples that belong to it and examples that do
//! not.

use std::collections::HashSet;
use std::time::Instant;

use fastrand::Rng;

use super::methods::{Method, best_first, scores};
use crate::engine::{Engine, Testbed};
use crate::error::{Error, Result};
use crate::eval::Progress;
use crate::eval::bootstrap;
use crate::eval::metrics::average_precision;
use crate::eval::roads::{self, Asked};
use crate::eval::sets::{Group, Half};
use crate::eval::similar::present;
use crate::eval::table::{Table, named};
use crate::paper::PaperId;

/// What to run on reviews.
#[derive(Debug, Clone)]
pub struct Screening {
    /// Numbers of examples to try: so many likes and as many dislikes.
    pub examples: Vec<usize>,
    /// Random draws of examples for each review.
    pub draws: usize,
    /// The methods to compare.
    pub methods: Vec<Method>,
    /// Which reviews to use.
    pub half: Half,
}

/// Draws k likes and k dislikes from each review, ranks the rest of it and gives the mean average precision. The method
/// that serves users is called through `rank`, since it also learns from the candidates.
///
/// # Errors
/// Those of the engine's calls.
pub fn screening(engine: &Engine, reviews: &[Group], plan: &Screening, progress: Progress<'_>) -> Result<Table> {
    let Screening { examples, draws, methods, half } = plan;
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
    let testbed = engine.testbed(&ids, |_| true)?;
    let most = examples.iter().copied().max().unwrap_or(1);
    let reviews: Vec<&Group> = reviews.iter().filter(|g| g.relevant.len() > most && g.others.len() > most).collect();
    let reviews = half.of(reviews);
    let columns = ["likes and dislikes", "method", "MAP", "ms"];
    let mut table = Table::new(format!("{} reviews, {draws} draws each", reviews.len()), columns);
    let (mut done, all) = (0, examples.len() * methods.len() * reviews.len());
    for &n in examples {
        for &method in methods {
            let (mut by_review, mut ms) = (Vec::new(), Vec::new());
            for (place, review) in reviews.iter().enumerate() {
                let mut random = Rng::with_seed(7 + 101 * place as u64 + n as u64);
                let mut of_review = Vec::new();
                for _ in 0..*draws {
                    let likes = bootstrap::draw(&mut random, &review.relevant, n);
                    let dislikes = bootstrap::draw(&mut random, &review.others, n);
                    let began = Instant::now();
                    let gains = screen(engine, &testbed, method, review, &likes, &dislikes)?;
                    ms.push(began.elapsed().as_secs_f64() * 1e3);
                    of_review.push(average_precision(&gains, review.relevant.len() - n));
                }
                by_review.push(of_review.iter().sum::<f64>() / (*draws).max(1) as f64);
                done += 1;
                progress(done, all);
            }
            let mean = bootstrap::mean(&by_review);
            table.rows.push(vec![n.into(), named(&method).as_str().into(), mean.into(), bootstrap::mean(&ms).into()]);
        }
    }
    Ok(table)
}

/// The gains of a review's other papers, in the order of a method.
fn screen(
    engine: &Engine,
    testbed: &Testbed<'_>,
    method: Method,
    review: &Group,
    likes: &[String],
    dislikes: &[String],
) -> Result<Vec<f64>> {
    let drawn: HashSet<&String> = likes.iter().chain(dislikes).collect();
    let relevant: HashSet<&String> = review.relevant.iter().collect();
    let mut rest: Vec<&String> =
        review.relevant.iter().chain(&review.others).filter(|id| !drawn.contains(id)).collect();
    // Equal scores keep their order, so it must not depend on relevance.
    Rng::with_seed(3).shuffle(&mut rest);
    let gain = |id: &String| f64::from(u8::from(relevant.contains(id)));
    if matches!(method, Method::Ours | Method::Content) {
        let ids = |ids: &[&String]| ids.iter().map(|id| PaperId::new(id.as_str())).collect::<Result<Vec<_>>>();
        let (likes, dislikes, rest_ids) =
            (ids(&likes.iter().collect::<Vec<_>>())?, ids(&dislikes.iter().collect::<Vec<_>>())?, ids(&rest)?);
        let asked = Asked { likes: &likes, days: &[], dislikes: &dislikes, candidates: &rest_ids };
        return Ok(roads::rank(engine, &asked)?.into_iter().map(|k| gain(rest[k])).collect());
    }
    let place = |id: &&String| testbed.place(id).ok_or_else(|| Error::no_paper(id));
    let mut examples: Vec<(usize, f32)> = Vec::new();
    for (ids, weight) in [(likes, 1.0), (dislikes, -1.0)] {
        for id in ids {
            examples.push((place(&id)?, weight));
        }
    }
    let candidates = rest.iter().map(place).collect::<Result<Vec<_>>>()?;
    let mut random = Rng::with_seed(5);
    let scores = scores(testbed, method, &examples, &candidates, &[], &mut random);
    Ok(best_first(&scores).into_iter().map(|k| gain(rest[k])).collect())
}
