//! Attention of one sequence at a time: keys and values of a head are packed as panels, then scores, softmax and the
//! weighted sum go over 32 queries at a time, so that a block of scores stays in the first cache.

use super::buffer::{Buffer, Kind, Rows};
use super::kernels::{Act, Block, Finish, How, Kernels, Out, Pack, Softmax};
use super::panels::{PANEL, Panels};
use std::ops::Range;
use std::ptr::null;

/// Queries of a block.
const QUERIES: usize = 32;

/// The memory attention works in.
pub(super) struct Attention {
    kind: Kind,
    heads: usize,
    dim: usize,
    rough: bool,
    keys: Panels,
    values: Panels,
    scores: Buffer,
    /// The softmax of the scores as the left side of a product; unused for f32, which works in place.
    weights: Buffer,
    sums: Buffer,
}

impl Attention {
    /// `rough` lets the softmax be good to 1e-4 only.
    pub fn new(kind: Kind, rough: bool, heads: usize, dim: usize) -> Attention {
        Attention {
            kind,
            heads,
            dim,
            rough,
            keys: Panels::new(kind, 0, dim),
            values: Panels::new(kind, 0, dim),
            scores: Buffer::new(0),
            weights: Buffer::new(0),
            sums: Buffer::new(0),
        }
    }

    /// Attends within the rows `span`. `qkv` holds queries (already scaled, for a softmax to the base of two), keys and
    /// values side by side; the result goes to the same rows of `out`, which is where row 0 would go.
    ///
    /// # Safety
    ///
    /// `out` has room for those rows and all heads, the last rounded up to 16 numbers; the kernels' `enter` has run.
    pub unsafe fn run(&mut self, k: &Kernels, qkv: &Rows, span: Range<usize>, out: Out) {
        let (len, hidden) = (span.len(), self.heads * self.dim);
        let wide = len.next_multiple_of(32);
        let score_stride = (wide + PANEL) | PANEL;
        let (weight_words, parts) = (self.kind.words(wide), self.kind.parts());
        let weight_stride = ((weight_words * parts / PANEL) | 1) * 64;
        self.scores.grow(QUERIES * score_stride * 4);
        self.weights.grow(QUERIES * weight_stride);
        self.sums.grow(QUERIES * (self.dim.next_multiple_of(32) * 4 + 64));
        self.keys.reshape(wide, self.dim);
        self.values.reshape(self.dim, wide);
        let per = self.kind.per_word();
        for head in 0..self.heads {
            let at = |part: usize| (part * hidden + head * self.dim) / per;
            pack_keys(k, qkv, &span, at(1), self.dim / per, &mut self.keys);
            pack_values(k, qkv, &span, at(2) * per, self.dim, &mut self.values);
            let mut q = 0;
            while q < len {
                let rows = QUERIES.min(len - q);
                let scores: *mut f32 = self.scores.mut_ptr().cast();
                let sums: *mut f32 = self.sums.mut_ptr().cast();
                let sums_stride = self.values.panels * PANEL;
                let mut inverse = [0f32; QUERIES];
                let (weights, weight_out) = match self.kind {
                    Kind::F32 => (scores.cast::<u8>(), Out::F32(scores, score_stride)),
                    _ => {
                        let p = self.weights.mut_ptr();
                        let out = match self.kind {
                            Kind::Split => Out::Split(p.cast(), weight_stride / 2, weight_words * 2),
                            _ => Out::Bf16(p.cast(), weight_stride / 2),
                        };
                        (p, out)
                    }
                };
                // SAFETY: the query rows lie in `qkv` (with its spare rows); scores, weights and sums were grown to 32
                // rows of the widths given; the caller vouches for `out` and the processor.
                unsafe {
                    let query = qkv.data.ptr().add((span.start + q) * qkv.stride + at(0) * 4);
                    blocks(
                        k,
                        Side { kind: self.kind, at: query, stride: qkv.stride, low: qkv.low },
                        rows,
                        &self.keys,
                        scores,
                        score_stride,
                    );
                    (k.softmax)(&Softmax {
                        scores,
                        stride: score_stride,
                        rows,
                        keys: len,
                        out: weight_out,
                        inverse: inverse.as_mut_ptr(),
                        rough: self.rough,
                    });
                    let stride = if self.kind == Kind::F32 { score_stride * 4 } else { weight_stride };
                    let left = Side { kind: self.kind, at: weights, stride, low: weight_words * 4 };
                    blocks(k, left, rows, &self.values, sums, sums_stride);
                    let finish = Finish {
                        c: sums,
                        c_stride: sums_stride,
                        rows,
                        // Past an uneven head this writes zeros, which the next head overwrites or the row's rest
                        // keeps.
                        columns: self.dim.next_multiple_of(PANEL),
                        integer: false,
                        row_scales: inverse.as_ptr(),
                        column_scales: null(),
                        bias: null(),
                        act: Act::None,
                        out: out.at(span.start + q, head * self.dim),
                    };
                    (k.finish)(&finish, 0, rows);
                }
                q += rows;
            }
        }
    }
}

/// The left side of a small product.
#[derive(Clone, Copy)]
struct Side {
    kind: Kind,
    at: *const u8,
    stride: usize,
    low: usize,
}

/// All panels of a product, unfinished, straight to `c`.
///
/// # Safety
///
/// `a` has `rows` rows (and up to 32 readable ones), `c` room for 32 rows of all panels.
unsafe fn blocks(k: &Kernels, a: Side, rows: usize, w: &Panels, c: *mut f32, c_stride: usize) {
    let dot = k.dot(a.kind, w.kind);
    let (most_rows, most_panels) = if k.tiles { (k.rows, 2) } else { (rows, w.panels) };
    let mut r = 0;
    while r < rows {
        let here = most_rows.min(rows - r);
        let mut p = 0;
        while p < w.panels {
            let panels = most_panels.min(w.panels - p);
            // SAFETY: rows and panels lie within what the caller vouches for.
            unsafe {
                let block = Block {
                    a: a.at.add(r * a.stride),
                    a_stride: a.stride,
                    a_low: a.low,
                    b: w.data.ptr().add(p * w.stride()),
                    b_stride: w.stride(),
                    b_low: w.low(),
                    lines: w.lines,
                    c: c.add(r * c_stride + p * PANEL),
                    c_stride,
                    rows: here,
                    panels,
                    start: null(),
                };
                dot(&block, None);
            }
            p += panels;
        }
        r += here;
    }
}

/// Keys as columns: every line of a panel holds the same word of 16 keys. `at` and `words` count words.
fn pack_keys(k: &Kernels, qkv: &Rows, span: &Range<usize>, at: usize, words: usize, keys: &mut Panels) {
    let (stride, lines, len) = (keys.stride() / 4, keys.lines, span.len());
    for part in 0..keys.kind.parts() {
        let (from, to) = (at + part * qkv.low / 4, part * keys.low() / 4);
        for panel in 0..keys.panels {
            let first = (span.start + panel * PANEL) * qkv.stride / 4 + from;
            let target = &mut keys.data.words_mut()[to + panel * stride..][..lines * PANEL];
            let here = len.saturating_sub(panel * PANEL).min(PANEL);
            let whole = if here == PANEL { words / 16 * 16 } else { 0 };
            let source = &qkv.data.words()[first..];
            assert!(here < PANEL || source.len() > (PANEL - 1) * qkv.stride / 4 + words);
            let pack = Pack {
                how: How::Transpose,
                from: source.as_ptr(),
                stride: qkv.stride / 4,
                rows: PANEL,
                width: whole,
                to: target.as_mut_ptr(),
            };
            // SAFETY: the assertion and the slice of `lines` lines bound what is read and written; whole is at most
            // lines.
            unsafe { (k.pack)(&pack) };
            target[whole * PANEL..].fill(0);
            for key in 0..here {
                for l in whole..words {
                    target[l * PANEL + key] = source[key * qkv.stride / 4 + l];
                }
            }
        }
    }
}

/// Values as rows of depth: f32 as they are, bf16 of two keys zipped. `at` counts numbers.
fn pack_values(k: &Kernels, qkv: &Rows, span: &Range<usize>, at: usize, dim: usize, values: &mut Panels) {
    let (stride, lines, len) = (values.stride() / 4, values.lines, span.len());
    let per = values.kind.per_word();
    for part in 0..values.kind.parts() {
        let to = part * values.low() / 4;
        for p in 0..values.panels {
            let target = &mut values.data.words_mut()[to + p * stride..][..lines * PANEL];
            let width = PANEL.min(dim.saturating_sub(p * PANEL));
            let used = if width == 0 { 0 } else { len.div_ceil(per) };
            target[used * PANEL..].fill(0);
            let first = span.start * qkv.stride / 4 + part * qkv.low / 4 + (at + p * PANEL) / per;
            let source = &qkv.data.words()[first..];
            if per == 1 {
                for (line, row) in target[..used * PANEL].chunks_exact_mut(PANEL).zip(source.chunks(qkv.stride / 4)) {
                    line[..width].copy_from_slice(&row[..width]);
                    line[width..].fill(0);
                }
            } else if width > 0 {
                assert!(source.len() >= (len - 1) * qkv.stride / 4 + PANEL / 2);
                let pack = Pack {
                    how: How::Zip,
                    from: source.as_ptr(),
                    stride: qkv.stride / 4,
                    rows: len,
                    width,
                    to: target.as_mut_ptr(),
                };
                // SAFETY: the assertion bounds the rows read, the slice the lines written: half as many as rows.
                unsafe { (k.pack)(&pack) };
                if width < PANEL {
                    // Of an uneven head, what was taken from the next one: it must not reach the context.
                    target[..used * PANEL].chunks_exact_mut(PANEL).for_each(|line| line[width..].fill(0));
                }
            }
        }
    }
}
