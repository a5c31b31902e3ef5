//! What readers with the same papers read besides: neighbourhoods of readers (Herlocker and others, "An algorithmic
//! framework for performing collaborative filtering", SIGIR 1999), carried over to papers that nobody has read yet by their
//! nearest neighbours in meaning, so that a new paper does not suffer.

/// Readers from which on a paper counts, and other readers with a paper in common from which on anything is said: nobody
/// can be read from what is said of a few.
pub const MIN_READERS_TO_SHOW: usize = 4;

/// The steps in which it is told what the reading of others adds, in standard deviations of the score.
pub const STEP: f32 = 0.125;

/// The power of the similarity by which neighbours in meaning weigh.
const POWER: i32 = 5;

/// Who read what. Readers and papers are numbers from 0.
#[derive(Debug, Clone)]
pub struct CoreadingMatrix {
    /// The papers of each reader that enough others read, rising.
    libraries: Vec<Vec<u32>>,
    /// The readers of each paper; empty where they are too few.
    readers: Vec<Vec<u32>>,
}

impl CoreadingMatrix {
    /// From the libraries of readers over so many papers.
    pub fn of(libraries: &[Vec<u32>], papers: usize) -> Self {
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); papers];
        for (reader, library) in libraries.iter().enumerate() {
            for paper in library {
                if let Some(of) = readers.get_mut(*paper as usize)
                    && of.last() != Some(&(reader as u32))
                {
                    of.push(reader as u32);
                }
            }
        }
        readers.iter_mut().filter(|r| r.len() < MIN_READERS_TO_SHOW).for_each(Vec::clear);
        let known = |paper: &&u32| readers.get(**paper as usize).is_some_and(|r| !r.is_empty());
        let libraries = libraries
            .iter()
            .map(|library| {
                let mut kept: Vec<u32> = library.iter().filter(known).copied().collect();
                kept.sort_unstable();
                kept.dedup();
                kept
            })
            .collect();
        CoreadingMatrix { libraries, readers }
    }

    /// Papers that enough readers read.
    pub fn papers(&self) -> impl Iterator<Item = u32> + '_ {
        self.readers.iter().enumerate().filter(|(_, r)| !r.is_empty()).map(|(paper, _)| paper as u32)
    }

    /// How much readers of the same papers pull towards each paper, 1 for a paper at large; `but` is the reader
    /// themselves. None when fewer than [`MIN_READERS_TO_SHOW`] others read any of the papers.
    pub fn pull(&self, library: &[u32], but: Option<u32>) -> Option<Vec<f32>> {
        let mut common = vec![0f32; self.libraries.len()];
        for readers in library.iter().filter_map(|paper| self.readers.get(*paper as usize)) {
            for &reader in readers.iter().filter(|r| Some(**r) != but) {
                // A paper that everybody read says little, and so does a reader who read everything.
                common[reader as usize] += 1.0 / readers.len() as f32;
            }
        }
        let alike: Vec<(usize, f32)> = common
            .iter()
            .enumerate()
            .filter(|(_, c)| **c > 0.0)
            .map(|(r, c)| (r, c / (self.libraries[r].len() as f32).sqrt()))
            .collect();
        if alike.len() < MIN_READERS_TO_SHOW {
            return None;
        }
        let total: f32 = alike.iter().map(|a| a.1).sum();
        let mut pull = vec![0f32; self.readers.len()];
        for (reader, weight) in alike {
            let share = weight / (total * self.libraries[reader].len() as f32);
            for &paper in &self.libraries[reader] {
                pull[paper as usize] += share;
            }
        }
        let (mut sum, mut n) = (0.0, 0.0);
        for (p, readers) in pull.iter_mut().zip(&self.readers).filter(|(_, r)| !r.is_empty()) {
            *p /= (readers.len() as f32).sqrt();
            sum += *p;
            n += 1.0;
        }
        let mean = sum / f32::max(n, 1.0);
        pull.iter_mut().for_each(|p| *p /= mean.max(f32::MIN_POSITIVE));
        Some(pull)
    }
}

/// Brings the similarities of a paper's nearest read papers (from -1 to 1; what is not alike does not count) to the parts
/// that they have in what is said of it: they sum to 1, or to 0 where nothing is alike.
pub fn weigh<T>(nearest: &mut [(T, f32)]) {
    nearest.iter_mut().for_each(|n| n.1 = n.1.max(0.0).powi(POWER));
    let sum: f32 = nearest.iter().map(|n| n.1).sum();
    if sum > 0.0 {
        nearest.iter_mut().for_each(|n| n.1 /= sum);
    }
}

/// What the pull towards the nearest read papers, [weighed](weigh), says of a paper: the logarithm of one more than their
/// mean. Zero or more, about 0.7 for a paper at large.
pub fn carried_over(pull: &[f32], nearest: &[(u32, f32)]) -> f32 {
    nearest.iter().map(|(paper, part)| part * pull.get(*paper as usize).copied().unwrap_or(0.0)).sum::<f32>().ln_1p()
}

/// A value in steps of [`STEP`]. `line`, from 0 to 1, says where between two of them it counts as the greater; over all lines the
/// mean is the value.
pub fn told(value: f32, line: f32) -> f32 {
    STEP * (value / STEP + line).floor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two schools of ten readers, each over its own ten papers, and a paper that only two read.
    fn schools() -> Vec<Vec<u32>> {
        let mut libraries: Vec<Vec<u32>> =
            (0..20).map(|r| (0..10).filter(|p| (p + r) % 3 != 0).map(|p| p + 10 * (r % 2)).collect()).collect();
        libraries[0].push(20);
        libraries[1].push(20);
        libraries
    }

    #[test]
    fn readers_of_the_same_papers_pull() {
        let matrix = CoreadingMatrix::of(&schools(), 21);
        let pull = matrix.pull(&[1, 2, 4], None).expect("readers");
        let (own, other): (f32, f32) = (pull[..10].iter().sum(), pull[10..20].iter().sum());
        assert!(own > 15.0 && other < 1.0, "{own} {other}");
        assert_eq!(pull[20], 0.0, "what two read is not told");
        assert!(!matrix.papers().any(|p| p == 20));
        assert!(matrix.pull(&[20], None).is_none() && matrix.pull(&[], None).is_none());
        // A new paper near the own school's papers gains, whoever reads it.
        let says = |mut nearest: Vec<(u32, f32)>| {
            weigh(&mut nearest);
            carried_over(&pull, &nearest)
        };
        let near = says(vec![(3, 0.9), (5, 0.8)]);
        let far = says(vec![(13, 0.9), (15, 0.8)]);
        assert!(far < 0.2 && carried_over(&pull, &[]) == 0.0, "{far}");
        // Between what its two neighbours say, and more than a paper at large gets.
        let says = |p: usize| pull[p].ln_1p();
        let (least, most) = (says(3).min(says(5)), says(3).max(says(5)));
        assert!((least..=most).contains(&near) && near > std::f32::consts::LN_2, "{near} of {least} and {most}");
    }

    #[test]
    fn values_are_told_in_steps_and_their_mean_is_kept() {
        for value in [0.0, 0.1, 0.3, 0.83, 1.37, 1.76] {
            let lines: Vec<f32> = (0..1000).map(|k| told(value, (k as f32 + 0.5) / 1000.0)).collect();
            assert!(lines.iter().all(|v| (v / STEP).fract() == 0.0 && (v - value).abs() < STEP));
            assert!((lines.iter().sum::<f32>() / 1000.0 - value).abs() < 0.01);
        }
    }

    proptest! {
        #[test]
        fn nobody_is_told_of_themselves(
            libraries in prop::collection::vec(prop::collection::vec(0u32..12, 0..8), 0..20), own in prop::collection::vec(0u32..12, 0..6)
        ) {
            let mut all = libraries.clone();
            all.push(own.clone());
            let me = libraries.len() as u32;
            let matrix = CoreadingMatrix::of(&all, 12);
            if let Some(pull) = matrix.pull(&own, Some(me)) {
                prop_assert!(pull.iter().all(|p| p.is_finite() && *p >= 0.0));
                for (paper, p) in pull.iter().enumerate() {
                    let others = libraries.iter().filter(|l| l.contains(&(paper as u32))).count();
                    prop_assert!(*p == 0.0 || others + 1 >= MIN_READERS_TO_SHOW);
                    prop_assert!(*p == 0.0 || others > 0, "only the reader read paper {paper}");
                }
            }
        }
    }
}
