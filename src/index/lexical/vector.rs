//! A text as weighted terms, and how alike two are.

use crate::vector::sparse;

/// Terms with their weights: tf-idf, `(1 + ln count) * ln((1 + papers) / (papers that hold it + 1/2))`, of unit length
/// together (or none at all). By rising number of the term, each once.
///
/// Only terms that tell something count: words of at least two letters that two papers or more hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TermVector {
    /// Number of the term, and its weight above zero.
    pub terms: Vec<(u32, f32)>,
}

impl TermVector {
    /// A vector of unit length from weights in any order; weights of one term are added, those that are zero fall away.
    pub fn from_weights(terms: Vec<(u32, f32)>) -> Self {
        let mut terms = Self::summed(terms);
        let norm = terms.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        if norm > 0.0 {
            terms.iter_mut().for_each(|(_, w)| *w /= norm);
        }
        TermVector { terms }
    }

    /// Weights by rising number, those of one term added, without those that are zero.
    pub fn summed(terms: Vec<(u32, f32)>) -> Vec<(u32, f32)> {
        let mut terms = sparse(terms);
        terms.retain(|(_, w)| *w != 0.0 && w.is_finite());
        terms
    }

    /// Whether no term is left.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The inner product, which between two papers is the cosine: from 0, nothing shared, to 1.
    #[cfg(test)]
    pub fn dot(&self, other: &TermVector) -> f32 {
        self.shared(other).map(|(_, v)| v).sum()
    }

    /// What each term that both hold adds to the inner product.
    pub fn shared<'a>(&'a self, other: &'a TermVector) -> impl Iterator<Item = (u32, f32)> + 'a {
        let mut there = other.terms.iter().peekable();
        self.terms.iter().filter_map(move |(term, weight)| {
            while there.next_if(|(t, _)| t < term).is_some() {}
            there.next_if(|(t, _)| t == term).map(|(_, w)| (*term, weight * w))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights() -> impl Strategy<Value = Vec<(u32, f32)>> {
        prop::collection::vec((0u32..30, 0.1f32..5.0), 0..20)
    }

    proptest! {
        #[test]
        fn unit_length_and_the_cosine(a in weights(), b in weights()) {
            let (va, vb) = (TermVector::from_weights(a.clone()), TermVector::from_weights(b.clone()));
            prop_assert!(va.terms.is_sorted_by(|x, y| x.0 < y.0));
            prop_assert!(a.is_empty() || (va.dot(&va) - 1.0).abs() < 1e-5);
            let (mut da, mut db) = ([0f32; 30], [0f32; 30]);
            a.iter().for_each(|(t, w)| da[*t as usize] += w);
            b.iter().for_each(|(t, w)| db[*t as usize] += w);
            let dot = |x: &[f32; 30], y: &[f32; 30]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f32>();
            let norm = (dot(&da, &da) * dot(&db, &db)).sqrt();
            let cosine = if norm > 0.0 { dot(&da, &db) / norm } else { 0.0 };
            prop_assert!((va.dot(&vb) - cosine).abs() < 1e-4);
            prop_assert!((va.dot(&vb) - vb.dot(&va)).abs() < 1e-6);
        }
    }
}
