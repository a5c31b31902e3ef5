//! The model as it scores, by the examples and strategies it is made of.

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::{Background, Candidate, PreferenceModel, Strategy, WeightedExample, dot};
use crate::rank::words_share;

type Owned = (f32, Vec<f32>, Vec<(u32, f32)>);

fn unit(v: Vec<f32>) -> Vec<f32> {
    let n = dot(&v, &v).sqrt().max(1e-6);
    v.into_iter().map(|x| x / n).collect()
}

fn of(examples: &[Owned], corpus: &[Vec<f32>]) -> Option<PreferenceModel> {
    let vectors: Vec<&[f32]> = corpus.iter().map(Vec::as_slice).collect();
    let background = Background::of(&vectors).expect("a corpus");
    let mut preferences = PreferenceModel::fit(&weighted(examples), &background)?;
    let sample: Vec<Candidate<'_>> =
        corpus.iter().map(|v| Candidate { vector: v, words: 0.1 * v[0], terms: &[] }).collect();
    preferences.calibrate(&sample);
    Some(preferences)
}

fn vector() -> impl prop::strategy::Strategy<Value = Vec<f32>> {
    prop::collection::vec(-1f32..1.0, 8).prop_map(unit)
}

fn terms() -> impl prop::strategy::Strategy<Value = Vec<(u32, f32)>> {
    prop::collection::btree_map(0u32..30, 0.05f32..1.0, 0..12).prop_map(|m| m.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn parts_sum_to_the_score(
        examples in prop::collection::vec((prop_oneof![0.01f32..3.0, -3f32..-0.01], vector(), terms()), 1..25),
        corpus in prop::collection::vec(vector(), 2..20),
        paper in vector(), paper_terms in terms(),
    ) {
        let Some(preferences) = of(&examples, &corpus) else {
            prop_assert!(examples.iter().all(|e| e.0 < 0.0));
            return Ok(());
        };
        let words = preferences.word_product(&paper_terms);
        let score = preferences.score(Candidate { vector: &paper, words, terms: &paper_terms });
        let parts = preferences.parts(&paper, &paper_terms);
        prop_assert!(score.is_finite());
        prop_assert!((parts.sum() - score).abs() < 1e-4 * (1.0 + score.abs()), "{} {}", parts.sum(), score);
        prop_assert_eq!(parts.examples.len(), examples.len());
    }
}

fn weighted(examples: &[Owned]) -> Vec<WeightedExample<'_>> {
    examples.iter().map(|(weight, vector, terms)| WeightedExample { weight: *weight, vector, terms }).collect()
}

const ALL: [Strategy; 5] = [Strategy::Auto, Strategy::Mean, Strategy::Nearest, Strategy::Rocchio, Strategy::Logistic];

proptest! {
    #[test]
    fn parts_of_every_strategy_sum_to_the_score(
        examples in prop::collection::vec((prop_oneof![0.01f32..3.0, -3f32..-0.01], vector(), terms()), 1..12),
        corpus in prop::collection::vec(vector(), 2..20),
        paper in vector(), paper_terms in terms(),
        candidates in 1usize..30, scaled in any::<bool>(), bent in 0..3,
    ) {
        let vectors: Vec<&[f32]> = corpus.iter().map(Vec::as_slice).collect();
        let background = Background::of(&vectors).expect("a corpus");
        let sample: Vec<Candidate<'_>> =
            corpus.iter().map(|v| Candidate { vector: v, words: 0.0, terms: &[] }).collect();
        let at_large: Vec<Owned> = corpus.iter().map(|v| (1.0, v.clone(), vec![(3, 1.0)])).collect();
        for strategy in ALL {
            let (examples, at_large) = (weighted(&examples), weighted(&at_large));
            let Some(mut model) = PreferenceModel::of(strategy, &examples, &background, &at_large) else { continue };
            prop_assert_eq!(model.strategy(), strategy);
            if scaled {
                model.calibrate(&sample);
            }
            let model = match bent {
                0 => model.among(candidates),
                1 => model.without_words(),
                _ => model.words_only(),
            };
            let words = model.word_product(&paper_terms);
            let score = model.score(Candidate { vector: &paper, words, terms: &paper_terms });
            let parts = model.parts(&paper, &paper_terms);
            prop_assert!(score.is_finite());
            prop_assert!((parts.sum() - score).abs() < 1e-3 * (1.0 + score.abs()), "{strategy:?} {parts:?} {score}");
            prop_assert_eq!(parts.examples.len(), examples.len());
        }
    }
}

const X: [f32; 3] = [1.0, 0.0, 0.0];
const Y: [f32; 3] = [0.0, 1.0, 0.0];
const Z: [f32; 3] = [0.0, 0.0, 1.0];

/// The score of a paper by likes and dislikes that are vectors alone.
fn by(strategy: Strategy, likes: &[[f32; 3]], dislikes: &[[f32; 3]], paper: [f32; 3]) -> Option<f32> {
    let side = |of: &[[f32; 3]], weight: f32| of.iter().map(move |v| (weight, v.to_vec(), vec![])).collect::<Vec<_>>();
    let background = Background::of(&[&X, &Y, &Z]).expect("a corpus");
    let (examples, at_large) = ([side(likes, 1.0), side(dislikes, -1.0)].concat(), side(&[X, Y, Z], 1.0));
    let model = PreferenceModel::of(strategy, &weighted(&examples), &background, &weighted(&at_large))?;
    Some(model.score(Candidate { vector: &paper, words: 0.0, terms: &[] }))
}

#[test]
fn dislikes_push_away_by_every_strategy_but_the_mean() {
    for strategy in [Strategy::Auto, Strategy::Rocchio, Strategy::Nearest, Strategy::Logistic] {
        let of = |paper| by(strategy, &[X], &[Y], paper).expect("a direction");
        assert!(of(X) > of(Z) && of(Z) > of(Y), "{strategy:?} {} {} {}", of(X), of(Z), of(Y));
    }
    assert!(by(Strategy::Mean, &[X], &[Y], Y).expect("a direction").abs() < 1e-6);
}

#[test]
fn nearest_keeps_separate_interests() {
    let likes = [X, X, X, Y, Y, Y];
    let between = [0.5f32.sqrt(), 0.5f32.sqrt(), 0.0];
    let of = |strategy, paper| by(strategy, &likes, &[], paper).expect("a direction");
    assert!(of(Strategy::Mean, between) > of(Strategy::Mean, X), "the mean prefers what lies between");
    assert!(of(Strategy::Nearest, between) < of(Strategy::Nearest, X));
}

#[test]
fn no_like_or_no_direction_is_no_model() {
    assert!(ALL.into_iter().all(|strategy| by(strategy, &[], &[X], Z).is_none()));
    assert!(by(Strategy::Mean, &[X, [-1.0, 0.0, 0.0]], &[], Z).is_none());
}

#[test]
fn of_one_like_it_is_the_sum_of_two_cosines() {
    let corpus: Vec<Vec<f32>> = (0..30).map(|k| unit(vec![(k as f32).sin(), (k as f32).cos(), 0.4])).collect();
    let terms: Vec<(u32, f32)> = (0..80).map(|k| (k, (1.0f32 / 80.0).sqrt())).collect();
    let vectors: Vec<&[f32]> = corpus.iter().map(Vec::as_slice).collect();
    let background = Background::of(&vectors).expect("a corpus");
    let like = [(2.0, corpus[3].clone(), terms.clone())];
    let model = PreferenceModel::fit(&weighted(&like), &background).expect("a like");
    let share = words_share(terms.len());
    for v in &corpus {
        let score = model.score(Candidate { vector: v, words: 0.25, terms: &[] });
        assert!((score - (1.0 - share) * dot(v, &corpus[3]) - share * 0.25).abs() < 1e-4);
    }
}

proptest! {
    #[test]
    fn a_closer_look_changes_no_order_at_the_top(
        examples in prop::collection::vec((0.01f32..3.0, vector(), terms()), 3..12),
        corpus in prop::collection::vec(vector(), 20..60), closely in 1usize..80,
    ) {
        let preferences = of(&examples, &corpus).expect("likes");
        let papers: Vec<Candidate<'_>> = corpus.iter().map(|v| Candidate { vector: v, words: 0.0, terms: &[] }).collect();
        let scores = preferences.score_all(&papers, closely);
        let close = scores.iter().zip(&papers).filter(|(s, p)| (**s - preferences.score(**p)).abs() < 1e-5).count();
        prop_assert!(close >= closely.min(papers.len()));
        if closely >= papers.len() {
            prop_assert!(scores.iter().zip(&papers).all(|(s, p)| (s - preferences.score(*p)).abs() < 1e-5));
        }
    }
}

#[test]
fn separate_interests_do_not_blur() {
    let axis = |k: usize| (0..6).map(|j| if j == k { 1.0 } else { 0.05 }).collect::<Vec<f32>>();
    let corpus: Vec<Vec<f32>> = (0..60).map(|k| unit(axis(k % 6))).collect();
    let likes: Vec<Owned> = (0..8).map(|k| (1.0, unit(axis(k % 2)), vec![])).collect();
    let preferences = of(&likes, &corpus).expect("likes");
    let score = |v: Vec<f32>| preferences.score(Candidate { vector: &unit(v), words: 0.0, terms: &[] });
    let between = vec![0.7, 0.7, 0.05, 0.05, 0.05, 0.05];
    assert!(score(axis(0)) > score(axis(3)) && score(axis(1)) > score(axis(3)));
    // The mean of two interests lies between them; the papers do not.
    let near = |v: Vec<f32>| preferences.near(&unit(v));
    assert!(near(axis(0)) > near(between));
}

#[test]
fn a_paper_liked_in_several_versions_counts_once() {
    let corpus: Vec<Vec<f32>> = (0..40).map(|k| unit(vec![(k as f32).sin(), (k as f32).cos(), 0.5])).collect();
    let (x, y) = (unit(vec![1.0, 0.0, 0.3]), unit(vec![0.0, 1.0, 0.3]));
    let like = |v: &Vec<f32>| (1.0, v.clone(), vec![]);
    let once = of(&[like(&x), like(&y)], &corpus).expect("likes");
    let thrice = of(&[like(&x), like(&x), like(&x), like(&y)], &corpus).expect("likes");
    for v in &corpus {
        let paper = Candidate { vector: v, words: 0.0, terms: &[] };
        assert!((once.score(paper) - thrice.score(paper)).abs() < 1e-3);
    }
}

#[test]
fn dislikes_push_away_and_alone_say_nothing() {
    let corpus: Vec<Vec<f32>> = (0..40).map(|k| unit(vec![(k as f32).sin(), (k as f32).cos(), 0.5])).collect();
    let (x, y) = (unit(vec![1.0, 0.0, 0.3]), unit(vec![0.0, 1.0, 0.3]));
    let dislikes: Vec<Owned> = (0..6).map(|_| (-1.0, y.clone(), vec![])).collect();
    assert!(of(&dislikes, &corpus).is_none());
    let mut both = dislikes;
    let alone = of(&[(1.0, x.clone(), vec![])], &corpus).expect("a like");
    both.push((1.0, x, vec![]));
    let preferences = of(&both, &corpus).expect("a like");
    let y = Candidate { vector: &y, words: 0.0, terms: &[] };
    assert!(preferences.score(y) < alone.score(y));
}
