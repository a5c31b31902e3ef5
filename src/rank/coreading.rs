//! Collaborative filtering: what readers of the same papers read besides, by neighbourhoods of readers (Herlocker and
//! others, "An algorithmic framework for performing collaborative filtering", SIGIR 1999). A paper that nobody has read
//! yet takes the value of its nearest read papers by vector, so that new papers are not at a disadvantage.

/// The least number of readers of a paper at which it counts, and of other readers with a paper in common at which a
/// result is given at all. With fewer, an answer could reveal what a single person reads.
pub const MIN_READERS_TO_SHOW: usize = 4;

/// The resolution at which the effect of co-reading is given out, in standard deviations of the score.
pub const COREADING_STEP: f32 = 0.125;

/// The exponent of the similarity in the weights of the nearest read papers.
const POWER: i32 = 5;

/// Who read what: a sparse binary matrix of readers by papers, both numbered from 0.
#[derive(Debug, Clone)]
pub struct CoreadingMatrix {
    /// The papers of each reader, sorted, without those that too few read.
    libraries: Vec<Vec<u32>>,
    /// The readers of each paper; empty where there are too few.
    readers: Vec<Vec<u32>>,
}

impl CoreadingMatrix {
    /// Builds the matrix from the papers of each reader; `papers` is the number of papers.
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
                let mut papers_read: Vec<u32> = library.iter().filter(known).copied().collect();
                papers_read.sort_unstable();
                papers_read.dedup();
                papers_read
            })
            .collect();
        CoreadingMatrix { libraries, readers }
    }

    /// The papers with enough readers ([`MIN_READERS_TO_SHOW`]).
    pub fn papers(&self) -> impl Iterator<Item = u32> + '_ {
        self.readers.iter().enumerate().filter(|(_, r)| !r.is_empty()).map(|(paper, _)| paper as u32)
    }

    /// For each paper, how much more than the average paper it is read by readers who share papers with `library`: 1 on
    /// average over the papers with enough readers. `except` is the reader who asks. `None` when fewer than
    /// [`MIN_READERS_TO_SHOW`] others read any of the papers.
    pub fn pull(&self, library: &[u32], except: Option<u32>) -> Option<Vec<f32>> {
        let mut common = vec![0f32; self.libraries.len()];
        for readers in library.iter().filter_map(|paper| self.readers.get(*paper as usize)) {
            for &reader in readers.iter().filter(|r| Some(**r) != except) {
                // Weighs less: a paper that everybody read, and a reader who read everything.
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

/// Turns the cosines of a paper to its nearest read papers into weights, in place: they sum to 1, or to 0 where no
/// cosine is positive.
pub fn weigh_neighbours<T>(nearest: &mut [(T, f32)]) {
    nearest.iter_mut().for_each(|n| n.1 = n.1.max(0.0).powi(POWER));
    let sum: f32 = nearest.iter().map(|n| n.1).sum();
    if sum > 0.0 {
        nearest.iter_mut().for_each(|n| n.1 /= sum);
    }
}

/// The co-reading value of a paper: the logarithm of one plus the weighted mean pull of its nearest read papers, whose
/// weights come from [`weigh_neighbours`]. Zero or more; about 0.7 for the average paper.
pub fn neighbour_pull(pull: &[f32], nearest: &[(u32, f32)]) -> f32 {
    nearest.iter().map(|(paper, part)| part * pull.get(*paper as usize).copied().unwrap_or(0.0)).sum::<f32>().ln_1p()
}

/// Quantizes a value to steps of [`COREADING_STEP`] with dither: `dither`, from 0 to 1, moves the point between two
/// steps at which it is rounded up, so that the mean over all dithers is the value.
pub fn quantize(value: f32, dither: f32) -> f32 {
    COREADING_STEP * (value / COREADING_STEP + dither).floor()
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
        assert_eq!(pull[20], 0.0, "what only two read is not shown");
        assert!(!matrix.papers().any(|p| p == 20));
        assert!(matrix.pull(&[20], None).is_none() && matrix.pull(&[], None).is_none());
        // A new paper near the papers of the reader's own school gains.
        let says = |mut nearest: Vec<(u32, f32)>| {
            weigh_neighbours(&mut nearest);
            neighbour_pull(&pull, &nearest)
        };
        let near = says(vec![(3, 0.9), (5, 0.8)]);
        let far = says(vec![(13, 0.9), (15, 0.8)]);
        assert!(far < 0.2 && neighbour_pull(&pull, &[]) == 0.0, "{far}");
        // Between the values of its two neighbours, and above that of the average paper.
        let says = |p: usize| pull[p].ln_1p();
        let (least, most) = (says(3).min(says(5)), says(3).max(says(5)));
        assert!((least..=most).contains(&near) && near > std::f32::consts::LN_2, "{near} of {least} and {most}");
    }

    #[test]
    fn values_are_quantized_and_their_mean_is_kept() {
        for value in [0.0, 0.1, 0.3, 0.83, 1.37, 1.76] {
            let dithered: Vec<f32> = (0..1000).map(|k| quantize(value, (k as f32 + 0.5) / 1000.0)).collect();
            assert!(dithered.iter().all(|v| (v / COREADING_STEP).fract() == 0.0 && (v - value).abs() < COREADING_STEP));
            assert!((dithered.iter().sum::<f32>() / 1000.0 - value).abs() < 0.01);
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
