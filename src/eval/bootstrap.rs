//! Confidence intervals of means over queries: percentile bootstrap (Efron and Tibshirani, "An introduction to the
//! bootstrap", 1993).

use fastrand::Rng;
use serde::Serialize;

/// Bootstrap samples.
const SAMPLES: usize = 2000;

/// A mean with its 95% confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The mean of some values with its interval. Deterministic: the same values give the same interval. All zero without
/// values.
pub fn mean(values: &[f64]) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let n = values.len();
    let mut random = Rng::with_seed(1);
    let mut means: Vec<f64> =
        (0..SAMPLES).map(|_| (0..n).map(|_| values[random.usize(..n)]).sum::<f64>() / n as f64).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((SAMPLES - 1) as f64 * share).round() as usize];
    Interval { mean: values.iter().sum::<f64>() / n as f64, low: at(0.025), high: at(0.975) }
}

/// The mean of the paired differences `a - b`. If its interval lies above zero, `a` is significantly greater.
pub fn difference(a: &[f64], b: &[f64]) -> Interval {
    mean(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// The standard error of the mean of some values; zero for fewer than two.
pub fn standard_error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
}

/// Draws `k` of the items without replacement (all, if there are fewer), in random order.
pub fn draw<T: Clone>(random: &mut Rng, items: &[T], k: usize) -> Vec<T> {
    let mut items = items.to_vec();
    let k = k.min(items.len());
    for place in 0..k {
        let other = random.usize(place..items.len());
        items.swap(place, other);
    }
    items.truncate(k);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_mean_and_shrinks_with_the_sample() {
        let values = |n: usize| -> Vec<f64> { (0..n).map(|k| (k % 10) as f64).collect() };
        let (few, many) = (mean(&values(30)), mean(&values(3000)));
        for i in [few, many] {
            assert!(i.low <= i.mean && i.mean <= i.high, "{i:?}");
            assert!((i.mean - 4.5).abs() < 1e-9);
        }
        assert!(many.high - many.low < 0.3 * (few.high - few.low));
        // The textbook's 1.96 standard errors.
        let error = 8.25f64.sqrt() / 3000f64.sqrt();
        assert!(((many.high - many.low) / (2.0 * 1.96 * error) - 1.0).abs() < 0.1);
        assert_eq!(mean(&[]), Interval::default());
        assert!((standard_error(&values(3000)) / error - 1.0).abs() < 1e-3);
        assert_eq!(standard_error(&[1.0]), 0.0);
        assert!(difference(&[2.0, 3.0], &[1.0, 2.0]).low > 0.99);
    }

    #[test]
    fn draws_are_without_repetition() {
        let items: Vec<usize> = (0..50).collect();
        let mut random = Rng::with_seed(7);
        for k in [0, 1, 20, 50, 99] {
            let mut drawn = draw(&mut random, &items, k);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), k.min(50));
        }
    }
}
