//! Ranks a set of candidates for a reader. The candidates of a review or a reading list are all of one kind, so only
//! what differs among them says which ones to read; what they all share is removed first.
//!
//! Four features say so, each in standard deviations among the candidates:
//!
//! - `plain`: cosine of the vector to the weighted mean of the likes, less that to the dislikes (Rocchio);
//! - `words`: the same for terms, centred on the mean candidate. A term is weighted by the square root of its inverse
//!   document frequency among the candidates and by a count that saturates (Robertson and others, TREC-3, 1994);
//! - `near` and `near_words`: a soft maximum over single likes, weighted more the more likes there are.
//!
//! Their sum is mixed into the score of the [`super::PreferenceModel`], which knows the corpus: with one like hardly, with
//! many mostly. Pseudo-relevance feedback (Rocchio, 1971) is added: similarity to the best candidates. It weighs much with
//! few likes and hardly anything from twenty likes on, because what is typical of the candidates helps to extend one example
//! and blurs twenty. How far candidates are of one kind at all is measured ([`kinship`]): of a sample of the corpus nothing
//! is added. The constants were chosen on a prototype with all reviews in sight.

use std::collections::HashMap;

use super::score_parts::ScoreParts;
use super::weights::{scale, shares};
use crate::vector::{add, dot, sparse};

/// The smallest squared length of a paper after the mean candidate is subtracted. Below this only rounding errors are
/// left, and a cosine with them would be noise.
const LEAST_SQUARE: f32 = 1e-3;

/// A standard deviation below this comes from rounding: products of such short vectors have an error of 3e-4.
const ROUNDING: f32 = 1e-3;

/// The weight of `plain`; that of `words` is the rest of 1.
const PLAIN: f32 = 0.52;

/// How soon a term's count saturates (`k1` of BM25).
const K1: f32 = 1.5;

/// The greatest weight of `near` and of `near_words`, and the number of likes at which they have half of it.
const NEAR: f32 = 0.15;
const NEAR_HALF: f32 = 10.0;

/// Sharpness of the soft maxima: the larger, the nearer to a true maximum.
const SHARPNESS: f32 = 16.0;
const SHARPNESS_WORDS: f32 = 30.0;

/// `near` uses this many likes, the heaviest ones: each costs one product a candidate.
const NEAR_LIKES: usize = 100;

/// What the features among the candidates weigh at most beside the preference model, and the square of the number of likes
/// at which they weigh half of that.
const AMONG: f32 = 0.9;
const HALF_AMONG: f32 = 6.0;

/// How much nearer than two papers of the corpus two candidates are on average, as a part of what is possible, where they are
/// wholly of one kind; and that nearness of a corpus where the candidates are themselves the corpus.
const ONE_KIND: f32 = 0.15;
const CORPUS: f32 = 0.2;

/// Numbers of candidates below which they are no set, and from which on they are one wholly.
const SET: std::ops::Range<f32> = 50.0..100.0;

/// The weight of the feedback at zero likes, and the number of likes at which it is half of that.
const FEEDBACK: f32 = 2.5;
const FEEDBACK_HALF: f32 = 8.0;

/// The feedback comes from one in so many candidates, the best, and from no more than so many.
const BEST_PART: usize = 8;
const BEST: usize = 100;

/// A paper as vector and term counts.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its unit vector.
    pub vector: &'a [f32],
    /// How often it holds each term, sorted by term number.
    pub counts: &'a [(u32, u8)],
}

/// A set of candidates with their scores for one reader.
pub struct CandidateSetRanker {
    shares: Vec<f32>,
    // Vectors of the examples, then terms and vectors of the candidates.
    examples: Vec<Vec<f32>>,
    papers: Vec<Sparse>,
    vectors: Vec<Vec<f32>>,
    words: Words,
    near: Near,
    near_words: Vec<(usize, Vec<f32>)>,
    /// The weight of `near` and `near_words`.
    near_weight: f32,
    /// Mean and standard deviation of each feature, and of their weighted sum.
    scales: [(f32, f32); 4],
    sum_scale: (f32, f32),
    /// Mean and standard deviation of what the preference model says of the candidates.
    base_scale: (f32, f32),
    /// What its score, and the sum of the features, are multiplied with.
    mixed: (f32, f32),
    scores: Vec<f32>,
    feedback: Vec<f32>,
}

/// The terms of a paper as a sparse unit vector.
struct Sparse {
    /// Column among the candidates' terms, term number, weight.
    terms: Vec<(usize, u32, f32)>,
    /// Its length after the mean candidate is subtracted.
    length: f32,
    /// Its product with the mean candidate.
    with_mean: f32,
}

/// The likes and dislikes as one weight a term, centred on the mean candidate.
struct Words {
    weights: Vec<f32>,
    // Over the examples: the sum of share / length, and of share / length * product with the mean.
    shares: f32,
    shares_with_mean: f32,
    /// The squared length of the mean candidate.
    mean_square: f32,
}

/// The heaviest likes, centred on the mean candidate.
struct Near {
    /// Which example, its share, its centred unit vector, and that vector's product with the mean.
    likes: Vec<(usize, f32, Vec<f32>, f32)>,
    mean: Vec<f32>,
}

impl CandidateSetRanker {
    /// Scores the candidates by examples with their weights (below zero for a dislike). `base` is what the preference model
    /// says of each candidate, `kinship` how far they are of one kind ([`kinship`]). `None` without a like, a candidate or
    /// any kinship. All vectors have one dimension.
    pub fn new(
        examples: &[(f32, Document<'_>)],
        candidates: &[Document<'_>],
        base: &[f32],
        kinship: f32,
    ) -> Option<Self> {
        if kinship <= 0.0 {
            return None;
        }
        let (n, _, shares) = shares(&examples.iter().map(|e| e.0).collect::<Vec<_>>())?;
        let d = candidates.first()?.vector.len();
        let total = candidates.len() as f32;
        // The weight of each term among the candidates. A term of one candidate compares nothing.
        let mut frequency: HashMap<u32, u32> = HashMap::new();
        for (term, _) in candidates.iter().flat_map(|c| c.counts) {
            *frequency.entry(*term).or_default() += 1;
        }
        let mut vocabulary: Vec<(u32, f32)> = frequency
            .into_iter()
            .filter(|(_, papers)| *papers >= 2)
            .map(|(term, papers)| (term, ((total + 1.0) / (papers as f32 + 0.5)).ln().max(0.0).sqrt()))
            .collect();
        vocabulary.sort_unstable_by_key(|k| k.0);
        let columns: HashMap<u32, usize> = vocabulary.iter().enumerate().map(|(column, k)| (k.0, column)).collect();
        let sparse = |counts: &[(u32, u8)]| {
            let weigh = |(term, count): &(u32, u8)| {
                let column = *columns.get(term)?;
                let tf = f32::from(*count) * (K1 + 1.0) / (f32::from(*count) + K1);
                Some((column, *term, tf * vocabulary[column].1))
            };
            let mut terms: Vec<(usize, u32, f32)> = counts.iter().filter_map(weigh).collect();
            let length = terms.iter().map(|t| t.2 * t.2).sum::<f32>().sqrt();
            terms.iter_mut().for_each(|t| t.2 /= length.max(1e-9));
            Sparse { terms, length: 0.0, with_mean: 0.0 }
        };
        let mut papers: Vec<Sparse> = candidates.iter().map(|c| sparse(c.counts)).collect();
        let mut mean = vec![0f32; vocabulary.len()];
        for (column, _, weight) in papers.iter().flat_map(|p| &p.terms) {
            mean[*column] += weight / total;
        }
        let mean_square = dot(&mean, &mean);
        let centre = |p: &mut Sparse| {
            let square: f32 = p.terms.iter().map(|t| t.2 * t.2).sum();
            p.with_mean = p.terms.iter().map(|t| mean[t.0] * t.2).sum();
            p.length = (square - 2.0 * p.with_mean + mean_square).max(LEAST_SQUARE).sqrt();
        };
        papers.iter_mut().for_each(centre);
        let mut example_terms: Vec<Sparse> = examples.iter().map(|(_, e)| sparse(e.counts)).collect();
        example_terms.iter_mut().for_each(centre);
        let mut words = Words { weights: vec![0.0; vocabulary.len()], shares: 0.0, shares_with_mean: 0.0, mean_square };
        for (share, e) in shares.iter().zip(&example_terms) {
            e.terms.iter().for_each(|t| words.weights[t.0] += share / e.length * t.2);
            words.shares += share / e.length;
            words.shares_with_mean += share / e.length * e.with_mean;
        }
        // The heaviest likes, one by one.
        let mut likes: Vec<usize> = (0..examples.len()).filter(|k| examples[*k].0 > 0.0).collect();
        likes.sort_by(|a, b| examples[*b].0.total_cmp(&examples[*a].0).then(a.cmp(b)));
        likes.truncate(NEAR_LIKES);
        let mut mean_vector = vec![0f32; d];
        candidates.iter().for_each(|c| add(&mut mean_vector, 1.0 / total, c.vector));
        let near = Near {
            likes: likes
                .iter()
                .map(|&k| {
                    let mut centred = examples[k].1.vector.to_vec();
                    add(&mut centred, -1.0, &mean_vector);
                    let length = dot(&centred, &centred).sqrt().max(1e-6);
                    centred.iter_mut().for_each(|x| *x /= length);
                    let offset = dot(&centred, &mean_vector);
                    (k, shares[k], centred, offset)
                })
                .collect(),
            mean: mean_vector,
        };
        let near_words = likes.iter().map(|&k| {
            let mut spread = vec![0f32; vocabulary.len()];
            example_terms[k].terms.iter().for_each(|t| spread[t.0] = t.2);
            spread.push(example_terms[k].length);
            spread.push(example_terms[k].with_mean);
            (k, spread)
        });
        let mut ranker = CandidateSetRanker {
            examples: examples.iter().map(|(_, e)| e.vector.to_vec()).collect(),
            vectors: candidates.iter().map(|c| c.vector.to_vec()).collect(),
            near_words: near_words.collect(),
            shares,
            papers,
            words,
            near,
            near_weight: NEAR * n / (n + NEAR_HALF),
            scales: [(0.0, 1.0); 4],
            sum_scale: (0.0, 1.0),
            base_scale: (0.0, 1.0),
            mixed: (1.0, 0.0),
            scores: Vec::new(),
            feedback: Vec::new(),
        };
        ranker.score(base, kinship * AMONG * n * n / (n * n + HALF_AMONG));
        let feedback = kinship * FEEDBACK * FEEDBACK_HALF.powi(2) / (FEEDBACK_HALF.powi(2) + n * n);
        ranker.add_feedback(feedback * ranker.base_scale.1, &mut mean);
        Some(ranker)
    }

    /// Scores them: what the preference model says, mixed with the sum of the features, of which `among` is the weight. The
    /// scores keep mean and deviation of what the model says.
    fn score(&mut self, base: &[f32], among: f32) {
        let mut query = vec![0f32; self.vectors.first().map_or(0, Vec::len)];
        self.shares.iter().zip(&self.examples).for_each(|(share, e)| add(&mut query, *share, e));
        let features: [Vec<f32>; 4] = [
            self.vectors.iter().map(|v| dot(&query, v)).collect(),
            self.papers.iter().map(|p| self.words.of(p)).collect(),
            (0..self.papers.len()).map(|k| soft(&self.cosines(k), SHARPNESS)).collect(),
            (0..self.papers.len()).map(|k| soft(&self.term_cosines(k), SHARPNESS_WORDS)).collect(),
        ];
        self.scales = [0, 1, 2, 3].map(|r| scale(&features[r], ROUNDING));
        let weights = self.weights();
        let one =
            |k: usize| (0..4).map(|r| weights[r] * (features[r][k] - self.scales[r].0) / self.scales[r].1).sum::<f32>();
        let raw: Vec<f32> = (0..self.papers.len()).map(one).collect();
        self.sum_scale = scale(&raw, 10.0 * ROUNDING);
        self.base_scale = scale(base, 1e-6);
        let (base_mean, base_deviation) = self.base_scale;
        let standard = |k: usize| {
            let sum = (raw[k] - self.sum_scale.0) / self.sum_scale.1;
            (1.0 - among) * (base[k] - base_mean) / base_deviation + among * sum
        };
        let mixed: Vec<f32> = (0..raw.len()).map(standard).collect();
        let deviation = scale(&mixed, 1e-6).1;
        self.mixed = ((1.0 - among) / deviation, among * base_deviation / (self.sum_scale.1 * deviation));
        self.scores = mixed.iter().map(|s| base_mean + base_deviation * s / deviation).collect();
    }

    fn weights(&self) -> [f32; 4] {
        [PLAIN, 1.0 - PLAIN, self.near_weight, self.near_weight]
    }

    fn add_feedback(&mut self, weight: f32, term_sums: &mut [f32]) {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        order.sort_by(|a, b| self.scores[*b].total_cmp(&self.scores[*a]).then(a.cmp(b)));
        order.truncate((self.scores.len() / BEST_PART).min(BEST));
        let mut meaning = vec![0f32; self.near.mean.len()];
        term_sums.fill(0.0);
        for &k in &order {
            add(&mut meaning, 1.0, &self.vectors[k]);
            self.papers[k].terms.iter().for_each(|t| term_sums[t.0] += t.2);
        }
        let by_meaning: Vec<f32> = self.vectors.iter().map(|v| dot(&meaning, v)).collect();
        let by_words: Vec<f32> =
            self.papers.iter().map(|p| p.terms.iter().map(|t| term_sums[t.0] * t.2).sum()).collect();
        let (a, b) = (scale(&by_meaning, ROUNDING), scale(&by_words, ROUNDING));
        let of = |(x, y): (f32, f32)| weight * 0.5 * ((x - a.0) / a.1 + (y - b.0) / b.1);
        self.feedback = by_meaning.into_iter().zip(by_words).map(of).collect();
    }

    /// The score of each candidate by the examples, in the unit of the preference model, in their order.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// What the feedback adds to each candidate's score.
    pub fn feedback(&self) -> &[f32] {
        &self.feedback
    }

    /// The score of a candidate, without the feedback, by example and term. `base` are the parts of what the preference model
    /// says of it.
    pub fn parts(&self, candidate: usize, base: ScoreParts) -> ScoreParts {
        let own = self.own_parts(candidate);
        let (by_base, by_own) = self.mixed;
        let add = |a: f32, b: f32| by_base * a + by_own * b;
        let mut terms: Vec<(u32, f32)> = base.terms.iter().map(|t| (t.0, by_base * t.1)).collect();
        terms.extend(own.terms.iter().map(|t| (t.0, by_own * t.1)));
        ScoreParts {
            examples: base.examples.iter().zip(&own.examples).map(|(a, b)| add(*a, *b)).collect(),
            terms: sparse(terms),
            // Both with their mean among the candidates taken off, and that of the model put back.
            baseline: add(base.baseline - self.base_scale.0, own.baseline - self.sum_scale.0) + self.base_scale.0,
        }
    }

    /// The sum of the features by example and term.
    fn own_parts(&self, candidate: usize) -> ScoreParts {
        let (v, p) = (&self.vectors[candidate], &self.papers[candidate]);
        let weights = self.weights();
        let factor = |r: usize| weights[r] / self.scales[r].1;
        let mut examples: Vec<f32> =
            self.shares.iter().zip(&self.examples).map(|(share, e)| factor(0) * share * dot(e, v)).collect();
        for (r, cosines, sharpness) in
            [(2, self.cosines(candidate), SHARPNESS), (3, self.term_cosines(candidate), SHARPNESS_WORDS)]
        {
            let value = soft(&cosines, sharpness);
            let greatest = cosines.iter().map(|x| x.1).fold(f32::NEG_INFINITY, f32::max);
            let each: Vec<f32> = cosines.iter().map(|x| x.2 * (sharpness * (x.1 - greatest)).exp()).collect();
            let sum: f32 = each.iter().sum::<f32>().max(f32::MIN_POSITIVE);
            cosines.iter().zip(each).for_each(|(c, e)| examples[c.0] += factor(r) * value * e / sum);
        }
        let terms: Vec<(u32, f32)> =
            p.terms.iter().map(|t| (t.1, factor(1) * self.words.weights[t.0] * t.2 / p.length)).collect();
        let means: f32 = (0..4).map(|r| factor(r) * self.scales[r].0).sum();
        let baseline = factor(1) * self.words.constant(p) - means;
        ScoreParts { examples, terms, baseline }
    }

    /// For each of the heaviest likes: which example, its centred cosine with a candidate, its share.
    fn cosines(&self, candidate: usize) -> Vec<(usize, f32, f32)> {
        let v = &self.vectors[candidate];
        let mean = &self.near.mean;
        let length = (dot(v, v) - 2.0 * dot(v, mean) + dot(mean, mean)).max(LEAST_SQUARE).sqrt();
        self.near.likes.iter().map(|(k, share, e, offset)| (*k, (dot(e, v) - offset) / length, *share)).collect()
    }

    /// The same for terms.
    fn term_cosines(&self, candidate: usize) -> Vec<(usize, f32, f32)> {
        let p = &self.papers[candidate];
        let cosine = |(k, spread): &(usize, Vec<f32>)| {
            let (length, with_mean) = (spread[spread.len() - 2], spread[spread.len() - 1]);
            let product: f32 = p.terms.iter().map(|t| spread[t.0] * t.2).sum();
            let cosine = (product - p.with_mean - with_mean + self.words.mean_square) / (p.length * length);
            (*k, cosine, self.shares[*k])
        };
        self.near_words.iter().map(cosine).collect()
    }
}

/// How far candidates with these vectors are of one kind, from 0 to 1: by their number, and by how much nearer they are to one
/// another than those of the corpus, whose mean vector is given. Where the candidates are half of the corpus and more, they
/// are compared with what a mixed corpus is like.
pub fn kinship(vectors: &[&[f32]], corpus: usize, corpus_mean: &[f32]) -> f32 {
    let mut mean = vec![0f32; corpus_mean.len()];
    vectors.iter().for_each(|v| add(&mut mean, 1.0 / vectors.len() as f32, v));
    let at_large = if 2 * vectors.len() > corpus { CORPUS } else { dot(corpus_mean, corpus_mean) };
    let nearer = (dot(&mean, &mean) - at_large) / (1.0 - at_large).max(1e-6);
    let size = (vectors.len() as f32 - SET.start) / (SET.end - SET.start);
    (nearer / ONE_KIND).clamp(0.0, 1.0) * size.clamp(0.0, 1.0)
}

impl Words {
    /// The sum of the centred cosines to the examples, each times the example's share.
    fn of(&self, p: &Sparse) -> f32 {
        p.terms.iter().map(|t| self.weights[t.0] * t.2).sum::<f32>() / p.length + self.constant(p)
    }

    /// The part of that sum that no single term brings.
    fn constant(&self, p: &Sparse) -> f32 {
        ((self.mean_square - p.with_mean) * self.shares - self.shares_with_mean) / p.length
    }
}

/// The log of the mean of exponentials, by sharpness.
fn soft(cosines: &[(usize, f32, f32)], sharpness: f32) -> f32 {
    let greatest = cosines.iter().map(|x| x.1).fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = cosines.iter().map(|x| x.2 * (sharpness * (x.1 - greatest)).exp()).sum();
    if cosines.is_empty() { 0.0 } else { sum.max(f32::MIN_POSITIVE).ln() / sharpness + greatest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (Vec<f32>, Vec<(u32, u8)>);

    fn paper() -> impl Strategy<Value = Owned> {
        (prop::collection::vec(-1f32..1.0, 8), prop::collection::btree_map(0u32..40, 1u8..6, 0..12)).prop_map(
            |(v, counts)| {
                let length = dot(&v, &v).sqrt().max(1e-6);
                (v.iter().map(|x| x / length).collect(), counts.into_iter().collect())
            },
        )
    }

    fn document(paper: &Owned) -> Document<'_> {
        Document { vector: &paper.0, counts: &paper.1 }
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_score(
            examples in prop::collection::vec((-2f32..3.0, paper()), 1..12),
            candidates in prop::collection::vec(paper(), 1..60),
            kinship in 0.01f32..=1.0,
        ) {
            let examples: Vec<(f32, Document<'_>)> = examples.iter().map(|(w, p)| (*w, document(p))).collect();
            let candidates: Vec<Document<'_>> = candidates.iter().map(document).collect();
            let base: Vec<f32> = candidates.iter().map(|c| 2.0 * c.vector[0] + 0.3).collect();
            let Some(ranker) = CandidateSetRanker::new(&examples, &candidates, &base, kinship) else {
                prop_assert!(examples.iter().all(|e| e.0 <= 1e-6));
                return Ok(());
            };
            for (k, score) in ranker.scores().iter().enumerate() {
                // As the model might give them.
                let mut of_base = ScoreParts { examples: vec![0.0; examples.len()], terms: vec![(7, 0.3)], baseline: 0.0 };
                of_base.examples[0] = base[k] - 0.3;
                let parts = ranker.parts(k, of_base);
                prop_assert_eq!(parts.examples.len(), examples.len());
                prop_assert!((parts.sum() - score).abs() < 1e-3 * (1.0 + score.abs()), "{} {score}", parts.sum());
            }
            prop_assert!(ranker.feedback().iter().all(|f| f.is_finite()));
        }
    }

    #[test]
    fn what_all_candidates_share_tells_nothing() {
        // All hold the words 0 to 4; half of them the word 10, the others 11. The vectors say nothing.
        let vector = vec![1.0, 0.0];
        let paper = |k: u32| {
            let mut counts: Vec<(u32, u8)> = (0..5).map(|t| (t, 1 + ((k + t) % 3) as u8)).collect();
            counts.push((10 + k % 2, 1));
            counts.push((20 + k, 1));
            counts
        };
        let counts: Vec<Vec<(u32, u8)>> = (0..60).map(paper).collect();
        let of = |k: usize| Document { vector: &vector, counts: &counts[k] };
        let candidates: Vec<Document<'_>> = (2..60).map(of).collect();
        let ranker =
            CandidateSetRanker::new(&[(1.0, of(0)), (-1.0, of(1))], &candidates, &[0.0; 58], 1.0).expect("a like");
        let whole: Vec<f32> = ranker.scores().iter().zip(ranker.feedback()).map(|(s, f)| s + f).collect();
        let mut order: Vec<usize> = (0..whole.len()).collect();
        order.sort_by(|a, b| whole[*b].total_cmp(&whole[*a]));
        assert!(order[..29].iter().all(|k| (k + 2) % 2 == 0), "{order:?}");
        assert!(CandidateSetRanker::new(&[(-1.0, of(1))], &candidates, &[0.0; 58], 1.0).is_none());
        assert!(CandidateSetRanker::new(&[(1.0, of(1))], &[], &[], 1.0).is_none());
    }

    #[test]
    fn the_best_teach_much_while_there_are_few_likes() {
        let papers: Vec<Owned> = (0..80)
            .map(|k| {
                let angle = k as f32 / 20.0;
                (vec![angle.cos(), angle.sin()], vec![(k % 7, 1), (7 + k % 5, 1)])
            })
            .collect();
        let candidates: Vec<Document<'_>> = papers.iter().map(document).collect();
        let spread = |likes: usize| {
            let examples: Vec<(f32, Document<'_>)> = papers[..likes].iter().map(|p| (1.0, document(p))).collect();
            let base = vec![0.0; candidates.len()];
            let ranker = CandidateSetRanker::new(&examples, &candidates, &base, 1.0).expect("likes");
            ranker.feedback().iter().map(|f| f.abs()).fold(0.0, f32::max)
        };
        assert!(spread(1) > 4.0 * spread(20), "{} {}", spread(1), spread(20));
    }
}
