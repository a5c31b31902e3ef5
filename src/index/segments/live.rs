//! The rows that came last: small blocks in memory, all of them scored.

use super::codes::{Codes, encode, stride};
use crate::paper::Row;

/// Rows with their codes and vectors, in ascending order of the rows; never changed once made.
#[derive(Debug, Default)]
pub struct Block {
    /// In ascending order.
    pub rows: Vec<u32>,
    bytes: Vec<u8>,
    scales: Vec<f32>,
    /// Bits of half-precision numbers, one vector after the other.
    pub vectors: Vec<u16>,
    dimension: usize,
}

impl Block {
    /// Of rows that are in no particular order, each once.
    pub fn new(rows: &[(Row, &[f32])], dimension: usize) -> Self {
        let mut order: Vec<&(Row, &[f32])> = rows.iter().collect();
        order.sort_unstable_by_key(|(row, _)| *row);
        let mut block = Block { dimension, ..Block::default() };
        for (row, vector) in order {
            block.rows.push(row.0);
            block.scales.push(encode(vector, stride(dimension), &mut block.bytes));
            block.vectors.extend(vector.iter().map(|x| half::f16::from_f32(*x).to_bits()));
        }
        block
    }

    /// Both blocks as one.
    pub fn merged(&self, other: &Block) -> Self {
        let mut all: Vec<(u32, &Block, usize)> = Vec::with_capacity(self.rows.len() + other.rows.len());
        for block in [self, other] {
            all.extend(block.rows.iter().enumerate().map(|(place, row)| (*row, block, place)));
        }
        all.sort_by_key(|(row, ..)| *row);
        let mut merged = Block { dimension: self.dimension, ..Block::default() };
        for (row, block, place) in all {
            merged.rows.push(row);
            merged.bytes.extend_from_slice(block.codes().record(place as u32));
            merged.scales.push(block.scales[place]);
            merged.vectors.extend_from_slice(block.vector(place as u32));
        }
        merged
    }

    /// The codes, by place.
    pub fn codes(&self) -> Codes<'_> {
        Codes { bytes: &self.bytes, scales: &self.scales, stride: stride(self.dimension) }
    }

    /// The vector at a place.
    pub fn vector(&self, place: u32) -> &[u16] {
        &self.vectors[place as usize * self.dimension..][..self.dimension]
    }

    /// Where a row stands.
    pub fn place(&self, row: u32) -> Option<u32> {
        self.rows.binary_search(&row).ok().map(|p| p as u32)
    }
}
