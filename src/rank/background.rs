//! The background of a corpus: the mean of its vectors and a metric, against which a reader's examples stand out.
//!
//! Papers of one field share most of their direction, and in some directions all papers vary. Neither says anything
//! about a reader, so vectors are centred and directions of great variance are damped: linear discriminant analysis
//! with a strong ridge (Friedman, "Regularized discriminant analysis", JASA 84, 1989). On libraries of real readers
//! this beat one logistic regression per reader against random negatives, and it costs one product a paper.

use crate::vector::{add, dot};

/// The ridge, in units of the mean variance. From 1 to 10 it hardly matters; below 1, rare directions are amplified.
const RIDGE: f32 = 3.0;

/// Mean and metric of a corpus.
#[derive(Debug, Clone)]
pub struct Background {
    mean: Vec<f32>,
    /// The inverse of `1 + C / ridge` with the covariance C, row by row: symmetric, eigenvalues between 0 and 1.
    metric: Vec<f32>,
    /// The mean length of a centred paper under the metric.
    length: f32,
}

impl Background {
    /// From a sample of the corpus; some thousands are enough. `None` for no vector. Takes `d * d` numbers for
    /// dimension `d`, and `d * d` products a vector.
    pub fn of(vectors: &[&[f32]]) -> Option<Self> {
        let d = vectors.first()?.len();
        let n = vectors.len() as f32;
        let mut mean = vec![0f32; d];
        for v in vectors {
            mean.iter_mut().zip(*v).for_each(|(m, x)| *m += x / n);
        }
        let mut covariance = vec![0f32; d * d];
        // Four vectors a pass: the matrix is larger than the first cache.
        for four in vectors.chunks(4) {
            let centred: Vec<Vec<f32>> =
                four.iter().map(|v| v.iter().zip(&mean).map(|(x, m)| x - m).collect()).collect();
            for (i, row) in covariance.chunks_exact_mut(d).enumerate() {
                for v in &centred {
                    let x = v[i] / n;
                    add(&mut row[..=i], x, v);
                }
            }
        }
        let variance = (0..d).map(|i| covariance[i * d + i]).sum::<f32>() / d as f32;
        let scale = 1.0 / (RIDGE * variance).max(1e-9);
        let metric = if variance < 1e-9 { identity(d) } else { inverse_of_one_plus(&covariance, d, scale) };
        let mut background = Background { mean, metric, length: 1.0 };
        let some = vectors.iter().step_by((vectors.len() / 256).max(1));
        let lengths: Vec<f32> = some.map(|v| background.length_of(v)).collect();
        background.length = (lengths.iter().sum::<f32>() / lengths.len().max(1) as f32).max(1e-6);
        Some(background)
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// `metric * (x - mean)`, and the offset that centres its products with raw vectors: `project(x).0 . y -
    /// project(x).1` is the product of x and y under the metric, both centred.
    pub fn project(&self, x: &[f32]) -> (Vec<f32>, f32) {
        let centred: Vec<f32> = x.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let mapped: Vec<f32> = self.metric.chunks_exact(self.mean.len()).map(|row| dot(row, &centred)).collect();
        let offset = dot(&mapped, &self.mean);
        (mapped, offset)
    }

    /// The length of a centred paper under the metric.
    fn length_of(&self, x: &[f32]) -> f32 {
        let (mapped, offset) = self.project(x);
        (dot(&mapped, x) - offset).max(0.0).sqrt()
    }

    /// The centroid of some papers under the metric, to find the papers near them: `centroid.0 . x - centroid.1` is the
    /// mean of their cosines with x, times the length of x. `None` for no papers.
    pub fn centroid<'a>(&self, vectors: impl IntoIterator<Item = &'a [f32]>) -> Option<(Vec<f32>, f32)> {
        let (mut centroid, mut n) = ((vec![0f32; self.dimension()], 0f32), 0f32);
        for x in vectors {
            let (mapped, offset) = self.project(x);
            let share = 1.0 / (dot(&mapped, x) - offset).max(0.0).sqrt().max(1e-6);
            add(&mut centroid.0, share, &mapped);
            centroid.1 += share * offset;
            n += 1.0;
        }
        centroid.0.iter_mut().for_each(|x| *x /= n.max(1.0));
        centroid.1 /= n.max(1.0);
        (n > 0.0).then_some(centroid)
    }

    /// The mean vector.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The mean length of a centred paper under the metric.
    pub fn length(&self) -> f32 {
        self.length
    }
}

fn identity(d: usize) -> Vec<f32> {
    (0..d * d).map(|k| if k / d == k % d { 1.0 } else { 0.0 }).collect()
}

/// The inverse of `1 + scale * C`, from the lower half of C, through its Cholesky factor. All eigenvalues are at least
/// 1, so it always exists.
fn inverse_of_one_plus(c: &[f32], d: usize, scale: f32) -> Vec<f32> {
    // l: the factor, row by row below the diagonal.
    let mut l = vec![0f32; d * d];
    for i in 0..d {
        for j in 0..=i {
            let own = scale * c[i * d + j] + if i == j { 1.0 } else { 0.0 };
            let rest = own - dot(&l[i * d..i * d + j], &l[j * d..j * d + j]);
            l[i * d + j] = if i == j { rest.max(1e-6).sqrt() } else { rest / l[j * d + j] };
        }
    }
    // The inverse of the factor, stored by columns, so that both products run along memory.
    let mut inverse = vec![0f32; d * d];
    for j in 0..d {
        inverse[j * d + j] = 1.0 / l[j * d + j];
        for i in j + 1..d {
            let sum = dot(&l[i * d + j..i * d + i], &inverse[j * d + j..j * d + i]);
            inverse[j * d + i] = -sum / l[i * d + i];
        }
    }
    let mut out = vec![0f32; d * d];
    for i in 0..d {
        for j in 0..=i {
            // Column i begins at i.
            let value = dot(&inverse[i * d + i..(i + 1) * d], &inverse[j * d + i..(j + 1) * d]);
            out[i * d + j] = value;
            out[j * d + i] = value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refs(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
        vectors.iter().map(Vec::as_slice).collect()
    }

    proptest! {
        #[test]
        fn the_metric_is_the_inverse(vectors in prop::collection::vec(prop::collection::vec(-1f32..1.0, 9), 2..60)) {
            let background = Background::of(&refs(&vectors)).expect("vectors");
            let (d, n) = (9, vectors.len() as f32);
            let centred: Vec<Vec<f32>> =
                vectors.iter().map(|v| v.iter().zip(&background.mean).map(|(x, m)| x - m).collect()).collect();
            let c = |i: usize, j: usize| centred.iter().map(|v| v[i] * v[j]).sum::<f32>() / n;
            let ridge = RIDGE * (0..d).map(|i| c(i, i)).sum::<f32>() / d as f32;
            for i in 0..d {
                for j in 0..d {
                    let product: f32 = (0..d)
                        .map(|k| background.metric[i * d + k] * (c(k, j) / ridge + if k == j { 1.0 } else { 0.0 }))
                        .sum();
                    let wanted = if i == j { 1.0 } else { 0.0 };
                    prop_assert!((product - wanted).abs() < 1e-3, "{product} at {i}, {j}");
                }
            }
        }

        #[test]
        fn products_count_from_the_mean(vectors in prop::collection::vec(prop::collection::vec(-1f32..1.0, 5), 2..30)) {
            let background = Background::of(&refs(&vectors)).expect("vectors");
            let (x, y) = (&vectors[0], &vectors[1]);
            let product = |x: &[f32], y: &[f32]| { let (m, o) = background.project(x); dot(&m, y) - o };
            prop_assert!((product(x, y) - product(y, x)).abs() < 1e-4);
            prop_assert!(product(x, &background.mean).abs() < 1e-4);
            prop_assert!(product(x, x) >= -1e-5);
        }
    }

    #[test]
    fn what_varies_everywhere_counts_less() {
        let vectors: Vec<Vec<f32>> =
            (0..200).map(|k| vec![(k as f32).sin(), 0.05 * (k as f32 * 1.7).cos(), 0.3]).collect();
        let background = Background::of(&refs(&vectors)).expect("vectors");
        let along = background.length_of(&[0.1 + background.mean[0], background.mean[1], background.mean[2]]);
        let across = background.length_of(&[background.mean[0], 0.1 + background.mean[1], background.mean[2]]);
        assert!(along < 0.9 * across, "{along} {across}");
        assert!(Background::of(&[]).is_none());
        assert!(Background::of(&[&[1.0, 0.0]]).is_some_and(|b| b.length() > 0.0));
    }
}
