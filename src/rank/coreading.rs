//! Collaborative filtering: what readers of the same papers read besides, by neighbourhoods of readers (Herlocker and
//! others, "An algorithmic framework for performing collaborative filtering", SIGIR 1999). A paper that nobody has read
//! yet takes the value of its nearest read papers by vector, so that new papers are not at a disadvantage.
//!
//! Three steps: [`CoreadingMatrix::pull`] says for one reader how much each read paper is read by those who read alike;
//! [`Pull::of`] carries that to any paper by its [`Neighbours`]; [`quantize`] rounds it to what may be told.

/// The least number of readers of a paper, other than the one who asks, at which it counts. With fewer, an answer could
/// reveal what a single person reads.
pub const MIN_READERS_TO_SHOW: usize = 3;

/// The least number of other readers with a paper in common at which a result is given at all.
pub const MIN_READERS_ALIKE: usize = 4;

/// The resolution at which the effect of co-reading is given out, in standard deviations of the score.
pub const COREADING_STEP: f32 = 0.125;

/// The nearest read papers that speak for a paper. With 50 recall was no better than with 16 (docs/quality-users.md).
pub const NEIGHBOURS: usize = 16;

/// The nearest read papers that are remembered of a paper: some to spare, for those that do not count for the one who asks.
pub const KEPT_NEIGHBOURS: usize = 20;

/// The exponent of the similarity in the weights of the nearest read papers.
const POWER: i32 = 5;

/// Who read what: a sparse binary matrix of readers by papers, both numbered from 0.
#[derive(Debug, Clone)]
pub struct CoreadingMatrix {
    /// The papers of each reader, sorted, without those that too few read.
    libraries: Vec<Vec<u32>>,
    /// The readers of each paper; empty where there are too few.
    readers: Vec<Vec<u32>>,
    /// How many these are, by reader and by paper.
    sizes: Vec<u32>,
    counts: Vec<u32>,
}

/// How much more than the average paper each read paper is read by the readers who share papers with one reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// By paper: 1 on average over the papers that count; [`SILENT`] for one that does not.
    values: Vec<f32>,
}

/// Stands for a paper that too few others read.
const SILENT: f32 = -1.0;

impl CoreadingMatrix {
    /// Builds the matrix from the papers of each reader; `papers` is the number of papers.
    pub fn of(libraries: &[Vec<u32>], papers: usize) -> Self {
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); papers];
        for (reader, library) in libraries.iter().enumerate() {
            let mut library = library.clone();
            library.sort_unstable();
            library.dedup();
            for paper in library {
                if let Some(of) = readers.get_mut(paper as usize) {
                    of.push(reader as u32);
                }
            }
        }
        let mut kept: Vec<Vec<u32>> = vec![Vec::new(); libraries.len()];
        for (paper, readers) in readers.iter_mut().enumerate() {
            if readers.len() < MIN_READERS_TO_SHOW {
                readers.clear();
            }
            readers.iter().for_each(|reader| kept[*reader as usize].push(paper as u32));
        }
        let lengths = |lists: &[Vec<u32>]| lists.iter().map(|list| list.len() as u32).collect();
        CoreadingMatrix { sizes: lengths(&kept), counts: lengths(&readers), libraries: kept, readers }
    }

    /// The papers with enough readers ([`MIN_READERS_TO_SHOW`]).
    pub fn papers(&self) -> impl Iterator<Item = u32> + '_ {
        self.readers.iter().enumerate().filter(|(_, r)| !r.is_empty()).map(|(paper, _)| paper as u32)
    }

    /// What readers who share papers with `library` read besides. `except` is the reader who asks: the result is the one
    /// of a matrix without them. `None` when fewer than [`MIN_READERS_ALIKE`] others read any of the papers.
    pub fn pull(&self, library: &[u32], except: Option<u32>) -> Option<Pull> {
        // Other readers of each paper; 0 for a paper that does not count.
        let (mut others, mut sizes) = (self.counts.clone(), self.sizes.clone());
        if let Some(own) = except.and_then(|reader| self.libraries.get(reader as usize)) {
            for &paper in own {
                others[paper as usize] -= 1;
                if (others[paper as usize] as usize) < MIN_READERS_TO_SHOW {
                    others[paper as usize] = 0;
                    self.readers[paper as usize].iter().for_each(|reader| sizes[*reader as usize] -= 1);
                }
            }
        }
        let counted = |paper: &u32| others.get(*paper as usize).is_some_and(|n| *n > 0);
        let mut common = vec![0f32; self.libraries.len()];
        for &paper in library.iter().filter(|paper| counted(paper)) {
            for &reader in self.readers[paper as usize].iter().filter(|r| Some(**r) != except) {
                // Weighs less: a paper that everybody read, and a reader who read everything.
                common[reader as usize] += 1.0 / others[paper as usize] as f32;
            }
        }
        let alike: Vec<(usize, f32)> = common
            .iter()
            .enumerate()
            .filter(|(_, c)| **c > 0.0)
            .map(|(r, c)| (r, c / (sizes[r] as f32).sqrt()))
            .collect();
        if alike.len() < MIN_READERS_ALIKE {
            return None;
        }
        let total: f32 = alike.iter().map(|a| a.1).sum();
        let mut values = vec![0f32; self.readers.len()];
        for (reader, weight) in alike {
            let share = weight / (total * sizes[reader] as f32);
            self.libraries[reader].iter().for_each(|paper| values[*paper as usize] += share);
        }
        let (mut sum, mut n) = (0.0, 0.0);
        for (value, others) in values.iter_mut().zip(&others) {
            if *others == 0 {
                *value = SILENT;
                continue;
            }
            n += 1.0;
            if *value > 0.0 {
                *value /= (*others as f32).sqrt();
                sum += *value;
            }
        }
        let mean = f32::max(sum / f32::max(n, 1.0), f32::MIN_POSITIVE);
        values.iter_mut().filter(|v| **v > 0.0).for_each(|v| *v /= mean);
        Some(Pull { values })
    }
}

impl Pull {
    /// How much more than the average paper a paper is read; `None` for one that too few others read.
    pub fn at(&self, paper: u32) -> Option<f32> {
        self.values.get(paper as usize).copied().filter(|v| *v >= 0.0)
    }

    /// The co-reading value of a paper: the logarithm of one plus the weighted mean of its nearest read papers, the first
    /// `NEIGHBOURS` that count. Zero or more; `None` where none counts.
    pub fn of(&self, near: &Neighbours) -> Option<f32> {
        let (mut sum, mut weights, mut counted) = (0f32, 0f32, 0);
        for (paper, weight) in near.papers.iter().zip(near.weights) {
            let value = self.values.get(*paper as usize).copied().unwrap_or(SILENT);
            if value >= 0.0 && weight > 0 {
                let weight = f32::from(weight);
                sum += weight * value;
                weights += weight;
                counted += 1;
                if counted == NEIGHBOURS {
                    break;
                }
            }
        }
        (weights > 0.0).then(|| (sum / weights).ln_1p())
    }
}

/// The read papers nearest to a paper, nearest first, in six bytes each: the number of the paper, and its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    papers: [u32; KEPT_NEIGHBOURS],
    /// By the cosine alone, so that none tells of another; 0 ends the list.
    weights: [u16; KEPT_NEIGHBOURS],
}

impl Neighbours {
    /// From the nearest read papers with their cosines, nearest first; only those with a positive cosine, and no more than
    /// [`KEPT_NEIGHBOURS`] of them.
    pub fn of(nearest: &[(u32, f32)]) -> Self {
        let mut near = Neighbours { papers: [0; KEPT_NEIGHBOURS], weights: [0; KEPT_NEIGHBOURS] };
        for (k, (paper, cosine)) in nearest.iter().filter(|n| n.1 > 0.0).take(KEPT_NEIGHBOURS).enumerate() {
            near.papers[k] = *paper;
            // At least 1: a paper that is there is never taken for the end.
            near.weights[k] = (f32::from(u16::MAX) * cosine.powi(POWER)).round().clamp(1.0, f32::from(u16::MAX)) as u16;
        }
        near
    }

    /// The same list where papers have other numbers, without those that have none any more. `None` where so many of them
    /// went that others could be among the first `NEIGHBOURS` now.
    pub fn renumbered(&self, number: impl Fn(u32) -> Option<u32>) -> Option<Self> {
        let mut near = Neighbours { papers: [0; KEPT_NEIGHBOURS], weights: [0; KEPT_NEIGHBOURS] };
        let (mut kept, mut gone) = (0, false);
        for (paper, weight) in self.papers.iter().zip(self.weights).take_while(|(_, weight)| *weight > 0) {
            match number(*paper) {
                Some(paper) => {
                    (near.papers[kept], near.weights[kept]) = (paper, weight);
                    kept += 1;
                }
                None => gone = true,
            }
        }
        (!gone || kept >= NEIGHBOURS).then_some(near)
    }
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
        let sum = |papers: std::ops::Range<u32>| papers.filter_map(|p| pull.at(p)).sum::<f32>();
        assert!(sum(0..10) > 15.0 && sum(10..20) < 1.0, "{pull:?}");
        assert_eq!(pull.at(20), None, "what only two read is not shown");
        assert!(!matrix.papers().any(|p| p == 20));
        assert!(matrix.pull(&[20], None).is_none() && matrix.pull(&[], None).is_none());
        // A new paper near the papers of the reader's own school gains.
        let says = |nearest: &[(u32, f32)]| pull.of(&Neighbours::of(nearest)).expect("neighbours");
        let (near, far) = (says(&[(3, 0.9), (5, 0.8)]), says(&[(13, 0.9), (15, 0.8)]));
        assert!(far < 0.2 && pull.of(&Neighbours::of(&[])).is_none(), "{far}");
        // Between the values of its two neighbours, and above that of the average paper.
        let says = |p: u32| pull.at(p).expect("read").ln_1p();
        let (least, most) = (says(3).min(says(5)), says(3).max(says(5)));
        assert!((least..=most).contains(&near) && near > std::f32::consts::LN_2, "{near} of {least} and {most}");
    }

    #[test]
    fn three_others_are_enough_and_two_are_not() {
        // Five share paper 0; three of them read paper 1, and two read paper 2.
        let libraries = [vec![0, 1], vec![0, 1, 2], vec![0, 1, 2], vec![0], vec![0]];
        let pull =
            |libraries: &[Vec<u32>], except| CoreadingMatrix::of(libraries, 3).pull(&[0], except).expect("alike");
        assert!(pull(&libraries, None).at(1).is_some_and(|p| p > 0.0) && pull(&libraries, None).at(2).is_none());
        // Who asks is no reader for themselves: with them three read paper 2, and it says nothing still.
        let mut with_me = libraries.to_vec();
        with_me.push(vec![0, 2]);
        assert!(pull(&with_me, Some(5)).at(2).is_none() && pull(&with_me, None).at(2).is_some());
        // Nobody is told anything where three others share a paper.
        assert!(CoreadingMatrix::of(&libraries[..3], 3).pull(&[0], None).is_none());
    }

    #[test]
    fn values_are_quantized_and_their_mean_is_kept() {
        for value in [0.0, 0.1, 0.3, 0.83, 1.37, 1.76] {
            let dithered: Vec<f32> = (0..1000).map(|k| quantize(value, (k as f32 + 0.5) / 1000.0)).collect();
            assert!(dithered.iter().all(|v| (v / COREADING_STEP).fract() == 0.0 && (v - value).abs() < COREADING_STEP));
            assert!((dithered.iter().sum::<f32>() / 1000.0 - value).abs() < 0.01);
        }
    }

    fn libraries() -> impl Strategy<Value = Vec<Vec<u32>>> {
        prop::collection::vec(prop::collection::vec(0u32..12, 0..8), 0..20)
    }

    proptest! {
        #[test]
        fn who_asks_is_answered_as_if_they_had_read_nothing(
            libraries in libraries(), own in prop::collection::vec(0u32..12, 0..6), asks in prop::collection::vec(0u32..12, 0..6)
        ) {
            let mut all = libraries.clone();
            all.push(own);
            let me = libraries.len() as u32;
            let told = CoreadingMatrix::of(&all, 12).pull(&asks, Some(me));
            prop_assert_eq!(&told, &CoreadingMatrix::of(&libraries, 12).pull(&asks, None));
            for paper in 0..12 {
                let others = libraries.iter().filter(|l| l.contains(&paper)).count();
                let value = told.as_ref().and_then(|pull| pull.at(paper));
                prop_assert!(value.is_none_or(|v| v.is_finite() && others >= MIN_READERS_TO_SHOW));
            }
        }

        #[test]
        fn a_list_says_the_same_when_papers_have_other_numbers(
            cosines in prop::collection::vec(0.05f32..1.0, 0..30), values in prop::collection::vec(0f32..9.0, 30), gone in prop::collection::vec(any::<bool>(), 30)
        ) {
            let mut nearest: Vec<(u32, f32)> = (0..).zip(cosines).collect();
            nearest.sort_by(|a, b| b.1.total_cmp(&a.1));
            let near = Neighbours::of(&nearest);
            // What does not count for somebody is as what is not there.
            let counts = |k: usize, v: f32| if gone[k] { SILENT } else { v };
            let pull = Pull { values: values.iter().enumerate().map(|(k, v)| counts(k, *v)).collect() };
            let turned = Pull { values: pull.values.iter().rev().copied().collect() };
            match near.renumbered(|p| (!gone[p as usize]).then_some(29 - p)) {
                Some(other) => prop_assert_eq!(pull.of(&near), turned.of(&other)),
                None => prop_assert!(nearest.iter().take(KEPT_NEIGHBOURS).filter(|n| !gone[n.0 as usize]).count() < NEIGHBOURS),
            }
            if let Some(value) = pull.of(&near) {
                let counted: Vec<f32> = nearest.iter().map(|n| pull.values[n.0 as usize]).filter(|v| *v >= 0.0).collect();
                let (least, most) = counted.iter().fold((f32::INFINITY, 0f32), |(a, b), v| (a.min(*v), b.max(*v)));
                prop_assert!((least.ln_1p() - 1e-4..=most.ln_1p() + 1e-4).contains(&value));
            }
        }
    }
}
