//! Products in registers: tiles of rows by panels, written over [`Lanes`] and inlined into wrappers that carry the
//! target features.
//!
//! A tile keeps all its sums in registers for the whole depth, so a line of weights is loaded once for all its rows and
//! an activation once for all its columns. Each sum adds up in the order of the depth, whatever tile it falls into:
//! that is what makes a row's result independent of its neighbours.

use super::kernels::Block;
use super::lanes::Lanes;
use super::panels::PANEL;

/// How many lines ahead of the sums weights are asked for: they stream from the second cache.
const AHEAD: usize = 12;

/// How one pair of kinds of number is multiplied and summed. Sums are held as words, be they f32 or i32.
pub(super) trait Dot<V: Lanes> {
    /// Words of a row that meet one line of a panel.
    const STEPS: usize;
    /// Lines between two steps of the pointers: address arithmetic takes turns at the ports that multiply. Where a line
    /// is taken in two steps as it is, more of them would run out of registers.
    const UNROLL: usize = if Self::STEPS == 1 { 4 } else { 1 };
    /// What of a line of weights meets the row's word number `step`.
    ///
    /// # Safety
    ///
    /// For both: as for [`Lanes`].
    #[inline(always)]
    unsafe fn part(w: V::I, _step: usize) -> V::I {
        w
    }
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I;
}

/// f32 by f32.
pub(super) struct F32;
/// f32 by weights in bf16, which are widened on the way: half the memory at nearly the speed of f32.
pub(super) struct Mixed;
/// bf16 by bf16, in the processor's own product.
pub(super) struct Bf16;
/// u8 by int8, in the processor's own product.
pub(super) struct I8;
/// int16 by int8.
pub(super) struct I16;

impl<V: Lanes> Dot<V> for F32 {
    const STEPS: usize = 1;
    #[inline(always)]
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I {
        // SAFETY: the contract of `Lanes` is handed on to the caller; so in all of these.
        unsafe { V::bits(V::fma(V::as_f32(w), V::as_f32(a), V::as_f32(sum))) }
    }
}

impl<V: Lanes> Dot<V> for Mixed {
    const STEPS: usize = 2;
    #[inline(always)]
    unsafe fn part(w: V::I, step: usize) -> V::I {
        // SAFETY: as above.
        unsafe { V::half(w, step) }
    }
    #[inline(always)]
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I {
        // SAFETY: as above.
        unsafe { <F32 as Dot<V>>::add(sum, w, a) }
    }
}

impl<V: Lanes> Dot<V> for Bf16 {
    const STEPS: usize = 1;
    #[inline(always)]
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I {
        // SAFETY: as above.
        unsafe { V::bits(V::dot_bf16(V::as_f32(sum), w, a)) }
    }
}

impl<V: Lanes> Dot<V> for I8 {
    const STEPS: usize = 1;
    #[inline(always)]
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I {
        // SAFETY: as above.
        unsafe { V::dot_i8(sum, w, a) }
    }
}

impl<V: Lanes> Dot<V> for I16 {
    const STEPS: usize = 2;
    #[inline(always)]
    unsafe fn part(w: V::I, step: usize) -> V::I {
        // SAFETY: as above.
        unsafe { V::bytes(w, step) }
    }
    #[inline(always)]
    unsafe fn add(sum: V::I, w: V::I, a: V::I) -> V::I {
        // SAFETY: as above.
        unsafe { V::dot_i16(sum, w, a) }
    }
}

/// A block of any height and width, cut into the tiles that are compiled.
///
/// # Safety
///
/// As for a table's products, and for [`Lanes`].
#[inline(always)]
pub(super) unsafe fn dot<V: Lanes, D: Dot<V>>(b: &Block) {
    let mut p = 0;
    while p < b.panels {
        let left = b.panels - p;
        // SAFETY: each strip takes panels within those of the block, in registers of `PANEL / V::N` a panel.
        unsafe {
            p += match V::N {
                // Four left go better as two pairs than as three and one.
                16 if left >= 3 && left != 4 => strip::<V, D, 3>(b, p),
                16 if left >= 2 => strip::<V, D, 2>(b, p),
                16 => strip::<V, D, 1>(b, p),
                8 => strip::<V, D, 2>(b, p),
                _ => strip::<V, D, 4>(b, p),
            };
        }
    }
}

/// All rows of a block by `W` registers. Returns how many panels those are.
#[inline(always)]
unsafe fn strip<V: Lanes, D: Dot<V>, const W: usize>(b: &Block, panel: usize) -> usize {
    let mut r = 0;
    while r < b.rows {
        // SAFETY: each tile takes rows within those of the block.
        unsafe {
            r += match b.rows - r {
                8.. if V::ROWS == 8 => tile::<V, D, 8, W>(b, r, panel),
                // Eight left go as twice four.
                6.. if V::ROWS == 6 && b.rows - r != 8 => tile::<V, D, 6, W>(b, r, panel),
                4.. if V::ROWS >= 4 => tile::<V, D, 4, W>(b, r, panel),
                2.. => tile::<V, D, 2, W>(b, r, panel),
                _ => tile::<V, D, 1, W>(b, r, panel),
            };
        }
    }
    W * V::N / PANEL
}

/// `R` rows by `W` registers. Returns `R`.
#[inline(always)]
// Indices say what an iterator would hide: they walk arrays of registers that must all be unrolled.
#[allow(clippy::needless_range_loop)]
unsafe fn tile<V: Lanes, D: Dot<V>, const R: usize, const W: usize>(b: &Block, row: usize, panel: usize) -> usize {
    // SAFETY: the block's pointers are good for its rows (of STEPS words a line), panels and lines; a register lies
    // within a line, and `start` has as many numbers as there are columns.
    unsafe {
        let zero = V::splat_word(0);
        let mut sums = [[zero; W]; R];
        if V::OFFSET && !b.start.is_null() {
            for w in 0..W {
                let from = V::words(b.start.add(panel * PANEL + w * V::N).cast());
                for r in 0..R {
                    sums[r][w] = from;
                }
            }
        }
        let mut a = b.a.add(row * b.a_stride);
        let mut line = b.b.add(panel * b.b_stride);
        let mut left = b.lines;
        while left >= D::UNROLL {
            for l in 0..D::UNROLL {
                lines::<V, D, R, W>(b, &mut sums, a.add(l * D::STEPS * 4), line.add(l * 64));
            }
            a = a.add(D::UNROLL * D::STEPS * 4);
            line = line.add(D::UNROLL * 64);
            left -= D::UNROLL;
        }
        while left > 0 {
            lines::<V, D, R, W>(b, &mut sums, a, line);
            a = a.add(D::STEPS * 4);
            line = line.add(64);
            left -= 1;
        }
        for r in 0..R {
            for w in 0..W {
                let to = b.c.add((row + r) * b.c_stride + panel * PANEL + w * V::N);
                V::store_words(to.cast(), sums[r][w]);
            }
        }
        R
    }
}

/// Adds the products of one line of `W` registers, which starts at `line` in the first panel, with the words of `R`
/// rows from `a` on.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
unsafe fn lines<V: Lanes, D: Dot<V>, const R: usize, const W: usize>(
    b: &Block,
    sums: &mut [[V::I; W]; R],
    a: *const u8,
    line: *const u8,
) {
    // SAFETY: as in `tile`, which counts the lines; what is asked for ahead need not be there.
    unsafe {
        for w in (0..W).step_by(PANEL / V::N) {
            V::prefetch(line.wrapping_add(w * V::N / PANEL * b.b_stride + AHEAD * 64));
        }
        for step in 0..D::STEPS {
            // The line is held and the rows are gone through one by one. The other way round all activations would have
            // to be held, and the registers spill.
            let mut held = [V::splat_word(0); W];
            for w in 0..W {
                let at = w * V::N / PANEL * b.b_stride + w * V::N % PANEL * 4;
                held[w] = D::part(V::words(line.add(at).cast()), step);
            }
            for r in 0..R {
                let x = V::splat_word(a.add(r * b.a_stride + step * 4).cast::<u32>().read());
                for w in 0..W {
                    sums[r][w] = D::add(sums[r][w], held[w], x);
                }
            }
        }
    }
}
