//! Vectors as bytes: a quarter of the memory, and products that the processor takes 64 at a time.
//!
//! Each vector has its own scale (its greatest number becomes 127), which keeps the product of two within some 0.001 of
//! the exact one for 384 numbers; who needs better scores the best few again with the full vectors.

use super::walk::Visited;
use crate::index::kernel::Kernel;

/// Bytes of a record: the dimension, filled up to whole registers.
pub fn stride(dimension: usize) -> usize {
    dimension.max(1).next_multiple_of(64)
}

/// Codes of vectors in one array, by place.
#[derive(Debug, Clone, Copy)]
pub struct Codes<'a> {
    /// `places * stride` bytes: 128 plus the number over the scale.
    pub bytes: &'a [u8],
    /// One for each place.
    pub scales: &'a [f32],
    /// Bytes of a record.
    pub stride: usize,
}

/// Appends the code of a vector and gives its scale.
pub fn encode(vector: &[f32], stride: usize, bytes: &mut Vec<u8>) -> f32 {
    let greatest = vector.iter().fold(0f32, |m, x| m.max(x.abs()));
    let (scale, factor) = if greatest > 0.0 { (greatest / 127.0, 127.0 / greatest) } else { (0.0, 0.0) };
    bytes.extend(vector.iter().map(|x| ((x * factor).round() as i32 + 128) as u8));
    bytes.resize(bytes.len() + stride - vector.len(), 128);
    scale
}

/// What codes are compared with: a code made signed.
#[derive(Debug, Clone, Default)]
pub struct CodedQuery {
    values: Vec<i8>,
    scale: f32,
}

impl CodedQuery {
    /// Of a vector.
    pub fn new(vector: &[f32], stride: usize) -> Self {
        let mut bytes = Vec::with_capacity(stride);
        let scale = encode(vector, stride, &mut bytes);
        CodedQuery { values: bytes.into_iter().map(signed).collect(), scale }
    }

    /// Becomes the code at a place.
    pub fn take(&mut self, codes: Codes<'_>, place: u32) {
        self.values.clear();
        self.values.extend(codes.record(place).iter().map(|b| signed(*b)));
        self.scale = codes.scales[place as usize];
    }
}

fn signed(byte: u8) -> i8 {
    (byte ^ 0x80) as i8
}

impl<'a> Codes<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// The code at a place.
    pub fn record(&self, place: u32) -> &'a [u8] {
        let at = place as usize * self.stride;
        &self.bytes[at..at + self.stride]
    }

    /// About the cosine of the query and the vectors at some places, one after the other into `scores`. `products` is
    /// room to work in.
    pub fn scores(&self, query: &CodedQuery, places: &[u32], products: &mut Vec<i32>, scores: &mut Vec<f32>) {
        products.resize(places.len().max(products.len()), 0);
        Kernel::best().products(&query.values, self.bytes, places, products);
        scores.clear();
        scores.extend(
            places.iter().zip(products.iter()).map(|(p, dot)| *dot as f32 * query.scale * self.scales[*p as usize]),
        );
    }

    /// As [`Codes::scores`], for one place.
    pub fn score(&self, query: &CodedQuery, place: u32) -> f32 {
        let mut product = [0];
        Kernel::best().products(&query.values, self.bytes, &[place], &mut product);
        product[0] as f32 * query.scale * self.scales[place as usize]
    }
}

/// Room to work in, one a thread.
#[derive(Default)]
pub struct ScoringBuffers {
    pub places: Vec<u32>,
    pub products: Vec<i32>,
    pub scores: Vec<f32>,
    pub visited: Visited,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::dot;
    use proptest::prelude::*;

    proptest! {
        /// The score of codes is near the product of the vectors, whatever their dimension and size.
        #[test]
        fn scores_are_near_the_product(
            (a, b) in (1usize..200).prop_flat_map(|d| {
                let v = || prop::collection::vec(-1f32..1.0, d);
                (v(), v())
            }),
        ) {
            let stride = stride(a.len());
            let (mut bytes, mut room) = (Vec::new(), ScoringBuffers::default());
            let scales = [encode(&a, stride, &mut bytes), encode(&b, stride, &mut bytes)];
            let codes = Codes { bytes: &bytes, scales: &scales, stride };
            codes.scores(&CodedQuery::new(&a, stride), &[1, 0], &mut room.products, &mut room.scores);
            // Each number is off by half a step of 1/127 at most, and the steps of both add up.
            let bound = a.len() as f32 * (1.0 / 127.0 + 1e-4) + 1e-5;
            prop_assert!((room.scores[0] - dot(&a, &b)).abs() <= bound);
            prop_assert!((room.scores[1] - dot(&a, &a)).abs() <= bound);
            let mut again = CodedQuery::default();
            again.take(codes, 0);
            prop_assert_eq!(codes.score(&again, 1), room.scores[0]);
        }
    }
}
