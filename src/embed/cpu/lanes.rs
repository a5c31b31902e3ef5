//! What a vector register must be able to do; the kernels are written once over this.

/// A register of `N` numbers. `N` divides 16.
///
/// # Safety
///
/// Every method may use instructions that the processor lacks: call them only inside a function whose target features
/// (or whose caller) vouch for them. Pointers must be good for `N` numbers of the type read or written.
pub(super) trait Lanes: Copy {
    const N: usize;
    /// Whether int8 activations are stored with an offset of 128, as u8.
    const OFFSET: bool;
    /// Rows of a tile of sums: as many as the register file holds beside a line of weights and an activation.
    const ROWS: usize;
    /// `N` f32.
    type F: Copy;
    /// `N` 32-bit words, or signed integers.
    type I: Copy;

    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    unsafe fn store(p: *mut f32, x: Self::F);
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the processor can.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn abs(a: Self::F) -> Self::F;
    /// The sum of all lanes.
    unsafe fn sum(a: Self::F) -> f32;
    /// The greatest lane.
    unsafe fn top(a: Self::F) -> f32;
    /// 2^a, to about 1e-7 of its value, or 1e-4 where `ROUGH`; zero or next to it below -126.
    unsafe fn exp2<const ROUGH: bool>(a: Self::F) -> Self::F;
    /// Reads bf16.
    unsafe fn load_bf16(p: *const u16) -> Self::F;
    /// Writes bf16, rounded to nearest, ties to even.
    unsafe fn store_bf16(p: *mut u16, x: Self::F);
    /// Writes int8, rounded to nearest even; `x` lies within -127..=127. With `OFFSET`, 128 is added.
    unsafe fn store_i8(p: *mut u8, x: Self::F);
    /// The same as int16, the two inner ones of every four swapped: so they meet what `bytes` makes of a word.
    unsafe fn store_i16(p: *mut i16, x: Self::F);

    /// Words of a bf16 from `even` (low half) and one from `odd` (high half).
    unsafe fn zip(even: *const u16, odd: *const u16) -> Self::I;
    /// Turns 16 rows of 16 words into 16 lines of 16. Strides in words.
    ///
    /// # Safety
    ///
    /// As for all: rows and lines must be there.
    #[inline(always)]
    unsafe fn transpose(from: *const u32, stride: usize, to: *mut u32) {
        for r in 0..16 {
            for c in 0..16 {
                // SAFETY: the caller vouches for 16 rows of 16 words and 256 words at `to`.
                unsafe { *to.add(c * 16 + r) = *from.add(r * stride + c) };
            }
        }
    }
    /// Asks for the cache line at `p`, which may be any address.
    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}
    unsafe fn words(p: *const u32) -> Self::I;
    unsafe fn splat_word(x: u32) -> Self::I;
    unsafe fn store_words(p: *mut u32, x: Self::I);
    unsafe fn bits(x: Self::F) -> Self::I;
    /// The bits as f32.
    unsafe fn as_f32(x: Self::I) -> Self::F;
    /// The signed integers as f32.
    unsafe fn to_f32(x: Self::I) -> Self::F;
    /// `acc + w1 * a1 + w0 * a0` for the two bf16 of every word. Only where the processor has it: the tables of the
    /// others never ask, and theirs returns `acc`. So with `dot_i8`.
    unsafe fn dot_bf16(acc: Self::F, w: Self::I, a: Self::I) -> Self::F;
    /// Bf16 number `i` of every word, as the bits of an f32.
    unsafe fn half(w: Self::I, i: usize) -> Self::I;
    /// `acc + w0 * a0 + .. + w3 * a3` for the four int8 of every word, `a` as u8. Only where there is `OFFSET`.
    unsafe fn dot_i8(acc: Self::I, w: Self::I, a: Self::I) -> Self::I;
    /// Int8 numbers `i` and `i + 2` of every word, as int16.
    unsafe fn bytes(w: Self::I, i: usize) -> Self::I;
    /// `acc + w0 * a0 + w1 * a1` for the two int16 of every word.
    unsafe fn dot_i16(acc: Self::I, w: Self::I, a: Self::I) -> Self::I;
}

/// 2^x on [-1/2, 1/2], lowest power first; fitted to the least relative error.
pub(super) const EXP2_CENTRED: [f32; 6] =
    [1.000_000_1, 0.693_146_94, 0.240_221_2, 0.055_507_135, 0.009_675_542, 0.001_327_646_8];
/// 2^x on [0, 1], to 7e-8.
#[cfg(target_arch = "x86_64")]
pub(super) const EXP2_UNIT: [f32; 6] =
    [0.999_999_94, 0.693_153_1, 0.240_153_63, 0.055_826_314, 0.008_989_342, 0.001_877_576_1];
/// 2^x on [0, 1], to 7e-5.
#[cfg(target_arch = "x86_64")]
pub(super) const EXP2_UNIT_ROUGH: [f32; 4] = [0.999_925_26, 0.695_833_44, 0.226_067_3, 0.078_024_47];
/// Adding this to a small float leaves its nearest integer in the low bits.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// Four lanes in portable code. The reference of all others, and what NEON machines run: there the compiler turns
/// these arrays into registers.
#[derive(Clone, Copy)]
pub(super) struct Plain;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; 4] {
    [f(0), f(1), f(2), f(3)]
}

impl Lanes for Plain {
    const N: usize = 4;
    const OFFSET: bool = false;
    const ROWS: usize = 2;
    type F = [f32; 4];
    type I = [u32; 4];

    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for four numbers at p; no alignment is asked for.
        unsafe { p.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: [f32; 4]) {
        // SAFETY: as in `load`.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn div(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        // Arm always has the instruction; elsewhere `mul_add` could become a slow library call.
        if cfg!(target_arch = "aarch64") { each(|i| a[i].mul_add(b[i], c[i])) } else { each(|i| a[i] * b[i] + c[i]) }
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn min(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn abs(a: [f32; 4]) -> [f32; 4] {
        each(|i| a[i].abs())
    }
    #[inline(always)]
    unsafe fn sum(a: [f32; 4]) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }
    #[inline(always)]
    unsafe fn top(a: [f32; 4]) -> f32 {
        a[0].max(a[1]).max(a[2].max(a[3]))
    }
    #[inline(always)]
    unsafe fn exp2<const ROUGH: bool>(a: [f32; 4]) -> [f32; 4] {
        each(|i| {
            let x = if a[i] < -126.0 { -126.0 } else { a[i] };
            let shifted = x + ROUNDER;
            let f = x - (shifted - ROUNDER);
            let c = EXP2_CENTRED;
            let p = c[0] + f * (c[1] + f * (c[2] + f * (c[3] + f * (c[4] + f * c[5]))));
            f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
        })
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> [f32; 4] {
        // SAFETY: the caller vouches for four numbers at p.
        let x = unsafe { p.cast::<[u16; 4]>().read_unaligned() };
        each(|i| super::panels::from_bf16(x[i]))
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut u16, x: [f32; 4]) {
        let x = x.map(super::panels::to_bf16);
        // SAFETY: the caller vouches for four numbers at p.
        unsafe { p.cast::<[u16; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut u8, x: [f32; 4]) {
        let x = x.map(|x| x.round_ties_even() as i8 as u8);
        // SAFETY: the caller vouches for four bytes at p.
        unsafe { p.cast::<[u8; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, x: [f32; 4]) {
        let x = x.map(|x| x.round_ties_even() as i16);
        // SAFETY: the caller vouches for four numbers at p.
        unsafe { p.cast::<[i16; 4]>().write_unaligned([x[0], x[2], x[1], x[3]]) }
    }
    #[inline(always)]
    unsafe fn zip(even: *const u16, odd: *const u16) -> [u32; 4] {
        // SAFETY: the caller vouches for four numbers at both.
        let (e, o) = unsafe { (even.cast::<[u16; 4]>().read_unaligned(), odd.cast::<[u16; 4]>().read_unaligned()) };
        std::array::from_fn(|i| u32::from(e[i]) | u32::from(o[i]) << 16)
    }
    #[inline(always)]
    unsafe fn words(p: *const u32) -> [u32; 4] {
        // SAFETY: the caller vouches for four words at p.
        unsafe { p.cast::<[u32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> [u32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn store_words(p: *mut u32, x: [u32; 4]) {
        // SAFETY: the caller vouches for four words at p.
        unsafe { p.cast::<[u32; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn bits(x: [f32; 4]) -> [u32; 4] {
        x.map(f32::to_bits)
    }
    #[inline(always)]
    unsafe fn as_f32(x: [u32; 4]) -> [f32; 4] {
        x.map(f32::from_bits)
    }
    #[inline(always)]
    unsafe fn to_f32(x: [u32; 4]) -> [f32; 4] {
        x.map(|x| x as i32 as f32)
    }
    #[inline(always)]
    unsafe fn dot_bf16(acc: [f32; 4], w: [u32; 4], a: [u32; 4]) -> [f32; 4] {
        let high = |x: u32| f32::from_bits(x & 0xffff_0000);
        let low = |x: u32| f32::from_bits(x << 16);
        each(|i| (acc[i] + high(w[i]) * high(a[i])) + low(w[i]) * low(a[i]))
    }
    #[inline(always)]
    unsafe fn half(w: [u32; 4], i: usize) -> [u32; 4] {
        w.map(|w| if i == 0 { w << 16 } else { w & 0xffff_0000 })
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: [u32; 4], _: [u32; 4], _: [u32; 4]) -> [u32; 4] {
        acc
    }
    #[inline(always)]
    unsafe fn bytes(w: [u32; 4], i: usize) -> [u32; 4] {
        let part = |w: u32, at: usize| u32::from((w >> (8 * at)) as u8 as i8 as i16 as u16);
        w.map(|w| part(w, i) | part(w, i + 2) << 16)
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: [u32; 4], w: [u32; 4], a: [u32; 4]) -> [u32; 4] {
        let product = |w: u32, a: u32| i32::from(w as i16) * i32::from(a as i16);
        std::array::from_fn(|i| {
            let sum = product(w[i], a[i]) + product(w[i] >> 16, a[i] >> 16);
            acc[i].wrapping_add(sum as u32)
        })
    }
}
