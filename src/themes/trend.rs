//! Whether a theme rises: its papers a week against its own past, with a test.
//!
//! The corpus grows by itself, so what is expected of the last weeks is the theme's past share of all papers times the
//! papers of these weeks. The spread of the past weeks around their own expectation says how far chance carries
//! (overdispersed Poisson counts, as in McCullagh and Nelder); the error of the share itself is added. With many themes
//! some would rise by chance, so the p-values of a level are corrected by the method of Benjamini and Hochberg, 1995.

use serde::Serialize;

/// Weeks that count as now.
pub const RECENT_WEEKS: usize = 4;

/// Weeks before these that count as the past, at most.
pub const PAST_WEEKS: usize = 26;

/// Weeks of the past that are needed for a test.
const LEAST_PAST: usize = 6;

/// Papers that must be expected or seen for a test.
const LEAST_PAPERS: f64 = 5.0;

/// The rate of false findings that is accepted.
const ACCEPTED: f64 = 0.05;

/// Change of rate worth the word, besides the test.
const WORTH: f64 = 1.15;

/// Where a theme is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More papers than its past lets expect.
    Rising,
    /// As many as expected, or not surely more or fewer.
    Steady,
    /// Fewer than expected.
    Falling,
    /// Too few papers, or too short a past, to say.
    Unknown,
}

/// The trend of a theme.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trend {
    /// What the test says.
    pub direction: Direction,
    /// Papers a week in the last four weeks.
    pub per_week: f64,
    /// Papers a week that the theme's own past lets expect; absent without a past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_per_week: Option<f64>,
    /// The one over the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// How likely so great a difference is by chance, corrected for the number of themes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Papers of each week, oldest first, the last one ending with the newest day of the corpus.
    pub weeks: Vec<u32>,
}

/// The trends of some themes from their papers by week (`weeks[t]`, oldest first, all of one length), and those of the
/// whole corpus in the same weeks.
pub fn trends(weeks: &[Vec<u32>], corpus: &[u32]) -> Vec<Trend> {
    let mut out: Vec<(Trend, Option<f64>)> = weeks.iter().map(|w| one(w, corpus)).collect();
    // Benjamini and Hochberg: the corrected p of rank r of m is the least p * m / rank of this and all greater ones.
    let mut order: Vec<usize> = (0..out.len()).filter(|t| out[*t].1.is_some()).collect();
    order.sort_by(|a, b| out[*b].1.unwrap_or(1.0).total_cmp(&out[*a].1.unwrap_or(1.0)).then(a.cmp(b)));
    let m = order.len() as f64;
    let mut least = 1f64;
    for (k, t) in order.iter().enumerate() {
        least = least.min(out[*t].1.unwrap_or(1.0) * m / (m - k as f64));
        let trend = &mut out[*t].0;
        trend.p_value = Some((least * 1e6).round() / 1e6);
        let ratio = trend.ratio.unwrap_or(1.0);
        trend.direction = match least <= ACCEPTED {
            true if ratio >= WORTH => Direction::Rising,
            true if ratio <= 1.0 / WORTH => Direction::Falling,
            _ => Direction::Steady,
        };
    }
    out.into_iter().map(|(trend, _)| trend).collect()
}

fn one(weeks: &[u32], corpus: &[u32]) -> (Trend, Option<f64>) {
    let n = weeks.len();
    let recent = RECENT_WEEKS.min(n);
    let now: f64 = weeks[n - recent..].iter().map(|w| f64::from(*w)).sum();
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    let mut trend = Trend {
        direction: Direction::Unknown,
        per_week: rounded(now / recent.max(1) as f64),
        expected_per_week: None,
        ratio: None,
        p_value: None,
        weeks: weeks.to_vec(),
    };
    let past: Vec<(f64, f64)> = weeks[..n - recent]
        .iter()
        .zip(corpus)
        .rev()
        .take(PAST_WEEKS)
        .map(|(w, c)| (f64::from(*w), f64::from(*c)))
        .filter(|(_, c)| *c > 0.0)
        .collect();
    let (seen, all) = past.iter().fold((0.0, 0.0), |(a, b), (w, c)| (a + w, b + c));
    let corpus_now: f64 = corpus[n - recent..].iter().map(|c| f64::from(*c)).sum();
    if past.len() < LEAST_PAST || all <= 0.0 || corpus_now <= 0.0 {
        return (trend, None);
    }
    let share = seen / all;
    let expected = share * corpus_now;
    trend.expected_per_week = Some(rounded(expected / recent as f64));
    trend.ratio = (expected > 0.0).then(|| rounded(now / expected));
    if expected.max(now) < LEAST_PAPERS {
        return (trend, None);
    }
    // Spread of the past around its own expectation, never less than chance alone gives.
    let spread = past.iter().filter(|(_, c)| share * c > 0.0).map(|(w, c)| (w - share * c).powi(2) / (share * c));
    let dispersion = (spread.sum::<f64>() / (past.len() - 1) as f64).max(1.0);
    // A theme without a past is tested against half a paper.
    let base = expected.max(0.5 * corpus_now / all);
    let variance = dispersion * base * (1.0 + corpus_now / all);
    let z = (now - base) / variance.sqrt();
    (trend, Some(2.0 * upper_tail(z.abs())))
}

/// The share of a normal distribution above `z` (Abramowitz and Stegun, 7.1.26; good to 1.5e-7).
fn upper_tail(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let polynomial = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    (polynomial * (-x * x).exp() / 2.0).clamp(0.0, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction(theme: &[u32], corpus: &[u32]) -> Direction {
        trends(&[theme.to_vec()], corpus)[0].direction
    }

    #[test]
    fn a_theme_that_doubles_rises_and_one_that_follows_the_corpus_does_not() {
        let corpus = [100u32; 30];
        let mut theme = [10u32, 9, 11, 10, 12, 8, 10, 9, 11, 10].repeat(3);
        assert_eq!(direction(&theme, &corpus), Direction::Steady);
        theme[26..].fill(20);
        assert_eq!(direction(&theme, &corpus), Direction::Rising);
        theme[26..].fill(2);
        assert_eq!(direction(&theme, &corpus), Direction::Falling);
        // Twice the papers in a corpus of twice the papers is no rise.
        theme[26..].fill(20);
        let mut grown = corpus;
        grown[26..].fill(200);
        assert_eq!(direction(&theme, &grown), Direction::Steady);
    }

    #[test]
    fn a_noisy_past_asks_for_more() {
        let corpus = [100u32; 30];
        let mut noisy: Vec<u32> = (0..30).map(|k| if k % 3 == 0 { 30 } else { 1 }).collect();
        noisy[26..].fill(17);
        assert_eq!(direction(&noisy, &corpus), Direction::Steady);
    }

    #[test]
    fn a_short_past_or_few_papers_say_nothing() {
        assert_eq!(direction(&[9, 9, 9, 30, 30], &[50; 5]), Direction::Unknown);
        assert_eq!(direction(&[0, 1].repeat(15), &[50; 30]), Direction::Unknown);
        assert_eq!(direction(&[], &[]), Direction::Unknown);
    }

    #[test]
    fn many_themes_by_chance_give_few_findings() {
        let mut random = fastrand::Rng::with_seed(3);
        let themes: Vec<Vec<u32>> = (0..400)
            .map(|_| (0..30).map(|_| (0..40).filter(|_| random.f64() < 0.25).count() as u32).collect())
            .collect();
        let corpus: Vec<u32> = (0..30).map(|w| themes.iter().map(|t| t[w]).sum()).collect();
        let found = trends(&themes, &corpus).iter().filter(|t| t.direction != Direction::Steady).count();
        assert!(found <= 8, "{found} of 400 themes rise or fall by chance");
    }

    #[test]
    fn the_tail_is_that_of_the_normal_distribution() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.158_655), (1.959_964, 0.025), (3.0, 0.001_350)] {
            assert!((upper_tail(z) - p).abs() < 1e-5, "{z}");
        }
    }
}
