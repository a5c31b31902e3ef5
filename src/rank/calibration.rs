//! From a score to a chance: a logistic curve fitted to scored verdicts (Platt, "Probabilistic outputs for support vector
//! machines", 1999; by Newton's method as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs for support vector
//! machines", Machine Learning 68, 2007), and the nearest numbers that keep to a given order (isotonic regression by pooling
//! adjacent violators: Ayer and others, 1955).

/// Newton steps at most.
const STEPS: usize = 100;

/// How likely a positive verdict is by the score: its log odds are `slope * score + constant`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlattCalibration {
    slope: f64,
    constant: f64,
}

impl PlattCalibration {
    /// Fits the curve to scores with their verdicts: true for a positive one. The scores must come from models that have not
    /// seen the verdict. What is fitted to is not 1 and 0 but, with `n` verdicts of a side, `(n + 1) / (n + 2)` and one less
    /// `(n + 1) / (n + 2)`: of few verdicts none is sure. Where greater scores do not mean more positive ones the curve is
    /// flat, at the share of the positive ones. `None` without verdicts of both sides.
    pub fn fit(scored: &[(f32, bool)]) -> Option<Self> {
        let positive = scored.iter().filter(|s| s.1).count() as f64;
        let negative = scored.len() as f64 - positive;
        if positive < 1.0 || negative < 1.0 {
            return None;
        }
        let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
        let samples: Vec<(f64, f64)> =
            scored.iter().map(|(score, yes)| (f64::from(*score), if *yes { high } else { low })).collect();
        let mut now = PlattCalibration { slope: 0.0, constant: ((positive + 1.0) / (negative + 1.0)).ln() };
        let mut loss = now.loss(&samples);
        for _ in 0..STEPS {
            let (mut a, mut b, mut aa, mut ab, mut bb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
            for (score, target) in &samples {
                let chance = now.at(*score);
                let (off, spread) = (chance - target, chance * (1.0 - chance));
                a += off * score;
                b += off;
                aa += spread * score * score;
                ab += spread * score;
                bb += spread;
            }
            if a.abs() < 1e-5 && b.abs() < 1e-5 {
                break;
            }
            let determinant = aa * bb - ab * ab;
            let step = ((bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant);
            // Half the step until it leads down.
            let mut part = 1.0;
            let next = loop {
                let next =
                    PlattCalibration { slope: now.slope - part * step.0, constant: now.constant - part * step.1 };
                let lower = next.loss(&samples);
                if lower < loss || part < 1e-6 {
                    break (next, lower);
                }
                part /= 2.0;
            };
            if !(next.1 < loss) {
                break;
            }
            (now, loss) = next;
        }
        if now.slope > 0.0 {
            return Some(now);
        }
        Some(PlattCalibration { slope: 0.0, constant: ((positive + 1.0) / (negative + 1.0)).ln() })
    }

    /// The chance of a positive verdict, from 0 to 1.
    pub fn chance(self, score: f32) -> f32 {
        self.at(f64::from(score)) as f32
    }

    fn at(self, score: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * score + self.constant)).exp())
    }

    /// The cross entropy to the targets.
    fn loss(self, samples: &[(f64, f64)]) -> f64 {
        let of = |(score, target): &(f64, f64)| {
            let odds = self.slope * score + self.constant;
            // ln(1 + e^odds) - target * odds, where nothing overflows.
            odds.max(0.0) + (-odds.abs()).exp().ln_1p() - target * odds
        };
        samples.iter().map(of).sum()
    }
}

/// The numbers nearest to `values` (by the sum of squares) that never rise along `order`, which is not increasing; equal where
/// `order` is. Their mean is that of the values.
pub fn never_rising(order: &[f32], values: &[f32]) -> Vec<f32> {
    // The sum of each block, how many values it has, and how many from its beginning on are of equal order.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mut k = 0;
    while k < values.len().min(order.len()) {
        let equal = order[k..].iter().take_while(|o| **o == order[k]).count().max(1);
        let equal = equal.min(values.len() - k);
        let mut block = (values[k..k + equal].iter().map(|v| f64::from(*v)).sum::<f64>(), equal);
        while let Some(last) = blocks.last().filter(|last| last.0 / last.1 as f64 <= block.0 / block.1 as f64) {
            block = (block.0 + last.0, block.1 + last.1);
            blocks.pop();
        }
        blocks.push(block);
        k += equal;
    }
    blocks.into_iter().flat_map(|(sum, n)| std::iter::repeat_n((sum / n as f64) as f32, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_curve_that_made_the_verdicts_is_found() {
        let mut random = fastrand::Rng::with_seed(3);
        let truth = PlattCalibration { slope: 1.7, constant: -0.8 };
        let scored: Vec<(f32, bool)> = (0..20_000)
            .map(|_| {
                let score = 4.0 * random.f32() - 2.0;
                (score, random.f32() < truth.chance(score))
            })
            .collect();
        let found = PlattCalibration::fit(&scored).expect("both sides");
        assert!((found.slope - 1.7).abs() < 0.1 && (found.constant + 0.8).abs() < 0.1, "{found:?}");
        let mean = scored.iter().map(|s| found.chance(s.0)).sum::<f32>() / 20_000.0;
        let share = scored.iter().filter(|s| s.1).count() as f32 / 20_000.0;
        assert!((mean - share).abs() < 1e-3, "{mean} {share}");
    }

    #[test]
    fn few_verdicts_make_nobody_sure_and_a_score_that_misleads_tells_nothing() {
        let scored: Vec<(f32, bool)> = (0..30).map(|k| (if k < 15 { 1.0 } else { -1.0 }, k < 15)).collect();
        let found = PlattCalibration::fit(&scored).expect("both sides");
        // As often as one positive verdict more on either side would make it.
        assert!(
            (found.chance(1.0) - 16.0 / 17.0).abs() < 1e-3 && (found.chance(-1.0) - 1.0 / 17.0).abs() < 1e-3,
            "{found:?}"
        );
        let turned: Vec<(f32, bool)> = scored.iter().map(|(s, yes)| (-s, *yes)).collect();
        let flat = PlattCalibration::fit(&turned).expect("both sides");
        assert_eq!((flat.chance(-9.0), flat.chance(9.0)), (0.5, 0.5));
        assert_eq!(PlattCalibration::fit(&scored[..15]), None);
    }

    proptest! {
        #[test]
        fn a_chance_is_one_and_rises_with_the_score(
            scored in prop::collection::vec((-1e4f32..1e4, any::<bool>()), 2..60), a in -2e4f32..2e4, b in -2e4f32..2e4,
        ) {
            let Some(found) = PlattCalibration::fit(&scored) else {
                prop_assert!(scored.iter().all(|s| s.1) || scored.iter().all(|s| !s.1));
                return Ok(());
            };
            let (low, high) = (found.chance(a.min(b)), found.chance(a.max(b)));
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low <= high, "{found:?}");
        }

        #[test]
        fn what_never_rises_keeps_the_mean_and_what_was_in_order(
            papers in prop::collection::vec((0i32..40, 0f32..1.0), 1..80)
        ) {
            let mut papers = papers;
            papers.sort_by(|a, b| b.0.cmp(&a.0));
            let order: Vec<f32> = papers.iter().map(|p| p.0 as f32).collect();
            let values: Vec<f32> = papers.iter().map(|p| p.1).collect();
            let out = never_rising(&order, &values);
            prop_assert_eq!(out.len(), values.len());
            for (o, v) in order.windows(2).zip(out.windows(2)) {
                prop_assert!(v[0] >= v[1] && (o[0] != o[1] || v[0] == v[1]));
            }
            let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
            prop_assert!((mean(&out) - mean(&values)).abs() < 1e-4);
            // Done twice it changes nothing more.
            let again = never_rising(&order, &out);
            prop_assert!(again.iter().zip(&out).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
