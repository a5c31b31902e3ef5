//! Regularised logistic regression over dense and sparse features, by coordinate descent in the dual: Yu, Huang and
//! Lin, "Dual coordinate descent methods for logistic regression and maximum entropy models", Machine Learning 85,
//! 2011.
//!
//! The dual has one variable for each sample, and the weights are the sum of the samples times these variables. So
//! the part of each sample in a score comes for free.

use fastrand::Rng;

use super::WeightedExample;
use crate::cancel;
use crate::vector::{add, dot, sparse_dot};

/// A training sample: features, class and weight.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Dense features, the same number in every sample; empty counts as all zero.
    pub dense: &'a [f32],
    /// Sparse features: feature number and value.
    pub sparse: &'a [(u32, f32)],
    /// Whether it is a positive one.
    pub positive: bool,
    /// The cost of misclassifying it, before classes are balanced; above zero.
    pub weight: f32,
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The cost of errors (`C`) against the penalty, which is half the squared weights.
    pub c: f32,
    /// Whether both classes get the same total weight, whatever their numbers.
    pub balanced: bool,
    /// The value of the constant feature: the larger, the less the bias is penalised.
    pub bias: f32,
    /// Passes over the samples, at most.
    pub passes: usize,
    /// Stop when no dual variable moves by more than this share of its range.
    pub tolerance: f32,
}

impl Default for Options {
    fn default() -> Self {
        Options { c: 1.0, balanced: true, bias: 1.0, passes: 60, tolerance: 1e-3 }
    }
}

/// A fitted model: the log odds of a sample are `dense . x + sparse . y + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Weights of the dense features.
    pub dense: Vec<f32>,
    /// Weights of the sparse features that the samples have, sorted by feature number.
    pub sparse: Vec<(u32, f32)>,
    /// The intercept.
    pub bias: f32,
    /// What each sample adds: `dense` is the sum of `share * sample.dense`, `bias` that of `share * options.bias^2`,
    /// and so on. Above zero for positives, below for the rest.
    pub shares: Vec<f32>,
}

impl Logistic {
    /// Fits a model. It is finite for any samples, even none or those of one class only, because of the penalty.
    ///
    /// `sparse_features` is one more than the greatest number of a sparse feature. If the work is
    /// [cancelled](crate::cancel), the model is not converged and must not be used.
    pub fn fit(samples: &[Sample<'_>], sparse_features: usize, options: Options) -> Self {
        let dimension = samples.iter().map(|s| s.dense.len()).max().unwrap_or(0);
        let costs = costs(samples, options);
        let mut fit = Fit {
            dense: vec![0.0; dimension],
            sparse: vec![0.0; sparse_features],
            bias: 0.0,
            options,
            // The starting point of the paper's algorithm.
            duals: costs.iter().map(|cost| (1e-3 * cost).min(1e-6)).collect(),
        };
        for (k, s) in samples.iter().enumerate() {
            fit.add(s, if s.positive { fit.duals[k] } else { -fit.duals[k] });
        }
        let norms: Vec<f32> = samples.iter().map(|s| norm(s, options.bias)).collect();
        let mut turn = Shuffle::new(samples.len());
        for _ in 0..options.passes {
            if cancel::check().is_err() {
                break;
            }
            let mut moved = 0f32;
            for &k in turn.next() {
                moved = moved.max(fit.step(&samples[k], k, costs[k], norms[k]));
            }
            if moved < options.tolerance {
                break;
            }
        }
        let used: std::collections::BTreeSet<u32> =
            samples.iter().flat_map(|s| s.sparse).map(|(term, _)| *term).collect();
        Logistic {
            sparse: used.into_iter().map(|term| (term, fit.sparse[term as usize])).collect(),
            dense: fit.dense,
            bias: fit.bias * options.bias,
            shares: samples.iter().zip(&fit.duals).map(|(s, a)| if s.positive { *a } else { -a }).collect(),
        }
    }

    /// The log odds of a sample.
    pub fn score(&self, dense: &[f32], sparse: &[(u32, f32)]) -> f32 {
        dot(&self.dense, dense) + sparse_dot(&self.sparse, sparse) + self.bias
    }
}

struct Fit {
    dense: Vec<f32>,
    sparse: Vec<f32>,
    bias: f32,
    options: Options,
    /// One a sample, strictly between 0 and its cost.
    duals: Vec<f32>,
}

impl Fit {
    fn add(&mut self, s: &Sample<'_>, share: f32) {
        add(&mut self.dense, share, s.dense);
        for &(term, value) in s.sparse {
            self.sparse[term as usize] += share * value;
        }
        self.bias += share * self.options.bias;
    }

    /// Optimises one dual variable while the others are fixed; gives how far it moved, as a share of its range.
    ///
    /// The function is `a ln a + (C - a) ln(C - a) + a b + (a - old)^2 q / 2`, with `b` the margin and `q` the squared
    /// length. Newton steps in `a`, or in `C - a` where that is the smaller, so that neither end loses digits.
    fn step(&mut self, s: &Sample<'_>, k: usize, cost: f32, norm: f32) -> f32 {
        let sign = if s.positive { 1.0 } else { -1.0 };
        let sparse: f32 = s.sparse.iter().map(|&(term, value)| self.sparse[term as usize] * value).sum();
        let margin = f64::from(sign * (dot(&self.dense, s.dense) + sparse + self.bias * self.options.bias));
        let (c, q, old) = (f64::from(cost), f64::from(norm), f64::from(self.duals[k]));
        // z is the distance from the nearer end of the range: a below the middle, else C - a with the margin negated.
        let low = margin + q * (c / 2.0 - old) >= 0.0;
        let (mut z, b, from) = if low { (old, margin, old) } else { (c - old, -margin, c - old) };
        let tiny = 1e-12 * c;
        z = z.clamp(tiny, c - tiny);
        if z > 0.5 * c {
            z *= 0.1;
        }
        for _ in 0..50 {
            let gradient = q * (z - from) + b + (z / (c - z)).ln();
            let curvature = q + c / (z * (c - z));
            let next = z - gradient / curvature;
            // A step beyond the range is shortened, as in the paper.
            let next = if next <= 0.0 { 0.1 * z } else { next.min(c - tiny) };
            let done = (next - z).abs() < 1e-6 * c.min(1.0);
            z = next.max(tiny);
            if done {
                break;
            }
        }
        let new = if low { z } else { c - z };
        let change = (new - old) as f32;
        self.duals[k] = new as f32;
        if change != 0.0 {
            self.add(s, sign * change);
        }
        change.abs() / cost
    }
}

/// The cost of each sample: `C` times its weight, times the factor that balances its class.
fn costs(samples: &[Sample<'_>], options: Options) -> Vec<f32> {
    let total = |positive: bool| samples.iter().filter(|s| s.positive == positive).map(|s| s.weight).sum::<f32>();
    let (up, down) = (total(true), total(false));
    let factor = |own: f32| if options.balanced && up > 0.0 && down > 0.0 { (up + down) / (2.0 * own) } else { 1.0 };
    samples.iter().map(|s| (options.c * s.weight * factor(if s.positive { up } else { down })).max(1e-6)).collect()
}

fn norm(s: &Sample<'_>, bias: f32) -> f32 {
    dot(s.dense, s.dense) + s.sparse.iter().map(|(_, v)| v * v).sum::<f32>() + bias * bias
}

/// A new random order for each pass, the same in every run. In one fixed order coordinate descent is far slower.
struct Shuffle {
    order: Vec<usize>,
    random: Rng,
}

impl Shuffle {
    fn new(n: usize) -> Self {
        Shuffle { order: (0..n).collect(), random: Rng::with_seed(1) }
    }

    fn next(&mut self) -> &[usize] {
        self.random.shuffle(&mut self.order);
        &self.order
    }
}

/// The coefficient of each example in a regression that tells the likes among the first `given` from all the others, vectors
/// and words weighing alike.
pub(super) fn shares(examples: &[WeightedExample<'_>], given: usize) -> Vec<f32> {
    let root = 0.5f32.sqrt();
    let dense: Vec<Vec<f32>> = examples.iter().map(|e| e.vector.iter().map(|x| x * root).collect()).collect();
    // Term numbers of the index may be large, so features are numbered by the terms that occur.
    let mut known: Vec<u32> = examples.iter().flat_map(|e| e.terms.iter().map(|(t, _)| *t)).collect();
    known.sort_unstable();
    known.dedup();
    let place = |t: &u32| known.binary_search(t).unwrap_or(0) as u32;
    let words: Vec<Vec<(u32, f32)>> =
        examples.iter().map(|e| e.terms.iter().map(|(t, w)| (place(t), w * root)).collect()).collect();
    let sample = |(k, e): (usize, &WeightedExample<'_>)| Sample {
        dense: &dense[k],
        sparse: &words[k],
        positive: k < given && e.weight > 0.0,
        weight: e.weight.abs(),
    };
    let samples: Vec<Sample<'_>> = examples.iter().enumerate().map(sample).collect();
    Logistic::fit(&samples, known.len(), Options::default()).shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Data = Vec<(Vec<f32>, Vec<(u32, f32)>, bool, f32)>;

    fn samples(data: &Data) -> Vec<Sample<'_>> {
        data.iter()
            .map(|(dense, sparse, positive, weight)| Sample { dense, sparse, positive: *positive, weight: *weight })
            .collect()
    }

    const FINE: Options = Options { c: 2.0, balanced: true, bias: 1.0, passes: 2000, tolerance: 1e-7 };

    /// The gradient of the primal objective at the fitted weights: zero at the optimum.
    fn gradient(data: &Data, options: Options, model: &Logistic) -> Vec<f32> {
        let samples = samples(data);
        let costs = costs(&samples, options);
        let mut g: Vec<f32> = model.dense.clone();
        let mut sparse: std::collections::BTreeMap<u32, f32> = model.sparse.iter().copied().collect();
        let mut bias = model.bias / options.bias;
        for (s, cost) in samples.iter().zip(costs) {
            let sign = if s.positive { 1.0 } else { -1.0 };
            let margin = sign * model.score(s.dense, s.sparse);
            let pull = -sign * cost / (1.0 + margin.exp());
            g.iter_mut().zip(s.dense).for_each(|(g, x)| *g += pull * x);
            for (term, value) in s.sparse {
                *sparse.get_mut(term).expect("a feature of the model") += pull * value;
            }
            bias += pull * options.bias;
        }
        g.extend(sparse.values());
        g.push(bias);
        g
    }

    fn data() -> impl Strategy<Value = Data> {
        let sparse = prop::collection::btree_map(0u32..20, -1f32..1.0, 0..6).prop_map(|m| m.into_iter().collect());
        prop::collection::vec((prop::collection::vec(-1f32..1.0, 7), sparse, any::<bool>(), 0.2f32..3.0), 1..40)
    }

    proptest! {
        #[test]
        fn the_fit_is_the_optimum(data in data(), balanced: bool) {
            let options = Options { balanced, ..FINE };
            let model = Logistic::fit(&samples(&data), 20, options);
            for g in gradient(&data, options, &model) {
                prop_assert!(g.abs() < 2e-3, "the gradient is {g}");
            }
        }

        #[test]
        fn the_weights_are_the_sum_of_the_shares(data in data(), x in prop::collection::vec(-1f32..1.0, 7)) {
            let samples = samples(&data);
            let model = Logistic::fit(&samples, 20, FINE);
            let y = [(3, 0.5), (11, -0.25)];
            let sum: f32 = samples.iter().zip(&model.shares)
                .map(|(s, share)| share * (dot(s.dense, &x) + sparse_dot(s.sparse, &y) + FINE.bias * FINE.bias)).sum();
            prop_assert!((sum - model.score(&x, &y)).abs() < 1e-3 * (1.0 + sum.abs()), "{sum} {}", model.score(&x, &y));
            for (s, share) in samples.iter().zip(&model.shares) {
                prop_assert!((*share > 0.0) == s.positive);
            }
        }

        #[test]
        fn any_numbers_give_finite_weights(
            data in prop::collection::vec((prop::collection::vec(-1e3f32..1e3, 3), any::<bool>(), 1e-3f32..1e3), 0..12)
        ) {
            let data: Data = data.into_iter().map(|(x, p, w)| (x, vec![], p, w)).collect();
            let model = Logistic::fit(&samples(&data), 0, Options::default());
            prop_assert!(model.dense.iter().chain([&model.bias]).chain(&model.shares).all(|w| w.is_finite()));
        }
    }

    #[test]
    fn two_classes_are_separated() {
        let data: Data = (0..40)
            .map(|k| {
                let positive = k % 4 == 0;
                let turn = k as f32;
                (vec![if positive { 1.0 } else { -1.0 }, turn.sin(), turn.cos()], vec![], positive, 1.0)
            })
            .collect();
        let model = Logistic::fit(&samples(&data), 0, Options::default());
        for (x, _, positive, _) in &data {
            assert_eq!(model.score(x, &[]) > 0.0, *positive);
        }
        assert!(model.dense[0] > 3.0 * model.dense[1].abs().max(model.dense[2].abs()));
    }
}
