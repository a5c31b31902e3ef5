//! The right side of a product, packed once: panels of 16 columns, a cache line for each word of depth.
//!
//! A line holds 16 columns x 1 f32, x 2 bf16 or x 4 int8, which is at once what one AVX-512 register, two AVX registers
//! and one row of a tile want. So one packed copy serves every instruction set.

use super::buffer::{Buffer, Kind};

/// Columns of a panel.
pub(super) const PANEL: usize = 16;

pub(super) struct Panels {
    pub kind: Kind,
    /// Columns of the product, that is outputs.
    pub columns: usize,
    /// Panels, always an even number since tiles go in pairs.
    pub panels: usize,
    /// Cache lines of one part of one panel.
    pub lines: usize,
    pub data: Buffer,
    /// The scale of each column, for int8.
    pub scales: Vec<f32>,
    /// -128 times the sum of each column, for kernels that take activations as u8 with an offset of 128.
    pub offsets: Vec<i32>,
}

impl Panels {
    /// Room for `columns` columns of `depth` numbers, all zero.
    pub fn new(kind: Kind, columns: usize, depth: usize) -> Panels {
        let mut p = Panels {
            kind,
            columns: 0,
            panels: 0,
            lines: 0,
            data: Buffer::new(0),
            scales: Vec::new(),
            offsets: Vec::new(),
        };
        p.reshape(columns, depth);
        p
    }

    /// Changes the shape and keeps the memory; the content is then undefined.
    pub fn reshape(&mut self, columns: usize, depth: usize) {
        self.columns = columns;
        self.panels = columns.div_ceil(PANEL).next_multiple_of(2);
        self.lines = self.kind.words(depth);
        self.data.grow(self.panels * self.stride());
    }

    /// Bytes from one panel to the next.
    pub fn stride(&self) -> usize {
        self.lines * self.kind.parts() * 64
    }

    /// Bytes from the high part of a panel to its low part.
    pub fn low(&self) -> usize {
        self.lines * 64
    }

    /// Packs a weight of a linear layer: `weight[n * depth + k]` takes input `k` to output `n`.
    pub fn pack(kind: Kind, weight: &[f32], columns: usize, depth: usize) -> Panels {
        let mut p = Panels::new(kind, columns, depth);
        if kind == Kind::I8 {
            p.scales = vec![0.0; p.panels * PANEL];
            p.offsets = vec![0; p.panels * PANEL];
        }
        let (group, stride, low) = (kind.per_word(), p.stride() / 4, p.low() / 4);
        for n in 0..columns {
            let row = &weight[n * depth..(n + 1) * depth];
            let at = n / PANEL * stride + n % PANEL;
            let top = row.iter().fold(0f32, |m, x| m.max(x.abs()));
            let (scale, inverse) = if top > 0.0 { (top / 127.0, 127.0 / top) } else { (0.0, 0.0) };
            let mut sum = 0i32;
            for (line, numbers) in row.chunks(group).enumerate() {
                let (mut word, mut rest) = (0u32, 0u32);
                for (i, &x) in numbers.iter().enumerate() {
                    match kind {
                        Kind::F32 => word = x.to_bits(),
                        Kind::Bf16 => word |= u32::from(to_bf16(x)) << (16 * i),
                        Kind::Split => {
                            let high = to_bf16(x);
                            word |= u32::from(high) << (16 * i);
                            rest |= u32::from(to_bf16(x - from_bf16(high))) << (16 * i);
                        }
                        Kind::I8 | Kind::I16 => {
                            let q = (x * inverse).round_ties_even() as i8;
                            sum += i32::from(q);
                            word |= u32::from(q as u8) << (8 * i);
                        }
                    }
                }
                let words = p.data.words_mut();
                words[at + line * PANEL] = word;
                if kind == Kind::Split {
                    words[at + low + line * PANEL] = rest;
                }
            }
            if kind == Kind::I8 {
                p.scales[n] = scale;
                p.offsets[n] = -128 * sum;
            }
        }
        p
    }
}

/// Rounds to the nearest bf16, ties to even; NaN stays NaN.
pub(super) fn to_bf16(x: f32) -> u16 {
    half::bf16::from_f32(x).to_bits()
}

pub(super) fn from_bf16(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}
