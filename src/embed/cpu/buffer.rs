//! Memory on cache-line bounds, and the operands of products that lie in it.

use super::kernels::Out;

/// One cache line; a vector of these is what gives a buffer its alignment.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// Zeroed bytes that start on a cache line.
pub(super) struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    /// At least `bytes` bytes, all zero.
    pub fn new(bytes: usize) -> Buffer {
        Buffer { lines: vec![Line([0; 64]); bytes.div_ceil(64)] }
    }

    /// Grows to at least `bytes`; what was there stays, what comes is zero.
    pub fn grow(&mut self, bytes: usize) {
        let lines = bytes.div_ceil(64);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0; 64]));
        }
    }

    pub fn bytes(&self) -> usize {
        self.lines.len() * 64
    }

    pub fn ptr(&self) -> *const u8 {
        self.lines.as_ptr().cast()
    }

    pub fn mut_ptr(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }

    pub fn f32s(&self) -> &[f32] {
        // SAFETY: the lines are initialised, aligned to 64 and a multiple of 4 bytes long; every bit pattern is an f32.
        unsafe { std::slice::from_raw_parts(self.ptr().cast(), self.bytes() / 4) }
    }

    pub fn f32s_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `f32s`, and the exclusive borrow of self is handed on.
        unsafe { std::slice::from_raw_parts_mut(self.mut_ptr().cast(), self.bytes() / 4) }
    }

    pub fn words(&self) -> &[u32] {
        // SAFETY: as in `f32s`; every bit pattern is a u32.
        unsafe { std::slice::from_raw_parts(self.ptr().cast(), self.bytes() / 4) }
    }

    pub fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as in `f32s_mut`; every bit pattern is a u32.
        unsafe { std::slice::from_raw_parts_mut(self.mut_ptr().cast(), self.bytes() / 4) }
    }
}

/// How the numbers of a product are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    Bf16,
    /// An f32 as the sum of two bf16, so that the tile unit can multiply it: three of the four partial products are
    /// taken, which leaves a relative error of about 2^-16.
    Split,
    I8,
    /// Numbers of int8 range as int16, in the order that [`Lanes::store_i16`](super::lanes::Lanes::store_i16) says:
    /// rows against int8 panels where the processor multiplies no bytes.
    I16,
}

impl Kind {
    /// How many numbers share a 32-bit word; products take a word of every row against a cache line of weights.
    pub fn per_word(self) -> usize {
        match self {
            Kind::F32 => 1,
            Kind::Bf16 | Kind::Split | Kind::I16 => 2,
            Kind::I8 => 4,
        }
    }

    /// The words a row of `depth` numbers takes in a product. All but f32 come in whole tile rows of 16 words; those
    /// that meet narrower weights are as long as the panels are deep.
    pub fn words(self, depth: usize) -> usize {
        match self {
            Kind::F32 => depth,
            Kind::I16 => depth.next_multiple_of(64) / 2,
            _ => depth.div_ceil(self.per_word()).next_multiple_of(16),
        }
    }

    /// One for most; two where a number has a high and a low part.
    pub fn parts(self) -> usize {
        if self == Kind::Split { 2 } else { 1 }
    }
}

/// The rows that a kernel may touch beyond the last one asked for.
pub(super) const SPARE_ROWS: usize = 32;

/// The left side of a product: rows of numbers of one kind.
pub(super) struct Rows {
    pub kind: Kind,
    pub data: Buffer,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes from the high part of a row to its low part.
    pub low: usize,
    /// One scale a row, for int8.
    pub scales: Vec<f32>,
}

impl Rows {
    /// Rows of `width` numbers, none yet.
    pub fn new(kind: Kind, width: usize) -> Rows {
        // f32 may meet bf16, whose lines go in sixteens of two.
        let part = (kind.words(width.next_multiple_of(32)) * 4).next_multiple_of(64);
        // An odd number of cache lines a row spreads a column of the matrix over all sets of the cache.
        let lines = (part * kind.parts() / 64) | 1;
        Rows { kind, data: Buffer::new(0), stride: lines * 64, low: part, scales: Vec::new() }
    }

    /// Makes room for `rows` rows, and those a kernel may read past them.
    pub fn grow(&mut self, rows: usize) {
        self.data.grow((rows + SPARE_ROWS) * self.stride + 64);
        if matches!(self.kind, Kind::I8 | Kind::I16) && self.scales.len() < rows {
            self.scales.resize(rows + SPARE_ROWS, 0.0);
        }
    }

    /// One row of f32.
    pub fn row(&self, r: usize, width: usize) -> &[f32] {
        debug_assert_eq!(self.kind, Kind::F32);
        let at = r * self.stride / 4;
        &self.data.f32s()[at..at + width]
    }

    /// One row of f32, to write.
    pub fn row_mut(&mut self, r: usize, width: usize) -> &mut [f32] {
        debug_assert_eq!(self.kind, Kind::F32);
        let at = r * self.stride / 4;
        &mut self.data.f32s_mut()[at..at + width]
    }
}

impl Rows {
    /// Where kernels write these rows.
    pub fn out(&mut self) -> Out {
        let (stride, low, scales) = (self.stride, self.low, self.scales.as_mut_ptr());
        let p = self.data.mut_ptr();
        match self.kind {
            Kind::F32 => Out::F32(p.cast(), stride / 4),
            Kind::Bf16 => Out::Bf16(p.cast(), stride / 2),
            Kind::Split => Out::Split(p.cast(), stride / 2, low / 2),
            Kind::I8 => Out::I8(p, stride, scales),
            Kind::I16 => Out::I16(p.cast(), stride / 2, scales),
        }
    }
}
