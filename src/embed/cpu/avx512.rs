//! Sixteen lanes of AVX-512, with the product instructions that the processor has.
//!
//! Every method here is sound under the contract of [`Lanes`]: the caller runs on a processor with AVX-512 F, BW, VL
//! and DQ (and BF16 or VNNI where the flag says so) and its pointers are good. None asks for alignment.

use super::lanes::{EXP2_UNIT, EXP2_UNIT_ROUGH, Lanes};
use std::arch::x86_64::*;

/// The flags say whether `vdpbf16ps` and `vpdpbusd` may be used.
#[derive(Clone, Copy)]
pub(super) struct Avx512<const BF16: bool, const VNNI: bool>;

impl<const BF16: bool, const VNNI: bool> Lanes for Avx512<BF16, VNNI> {
    const N: usize = 16;
    const OFFSET: bool = VNNI;
    const ROWS: usize = 8;
    type F = __m512;
    type I = __m512i;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        // SAFETY: see the head of this file; so for every block below.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        // SAFETY: the caller vouches for sixteen numbers at p.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: __m512) {
        // SAFETY: the caller vouches for sixteen numbers at p.
        unsafe { _mm512_storeu_ps(p, x) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn abs(a: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    unsafe fn sum(a: __m512) -> f32 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    unsafe fn top(a: __m512) -> f32 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_reduce_max_ps(a) }
    }
    #[inline(always)]
    unsafe fn exp2<const ROUGH: bool>(a: __m512) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe {
            // The part above the floor; `scalef` then multiplies by 2 to the floor and underflows to zero by itself.
            let f = _mm512_reduce_ps::<0b0000_1001>(a);
            let c = |x: f32| _mm512_set1_ps(x);
            let p = if ROUGH {
                let k = EXP2_UNIT_ROUGH;
                let p = _mm512_fmadd_ps(c(k[3]), f, c(k[2]));
                _mm512_fmadd_ps(_mm512_fmadd_ps(p, f, c(k[1])), f, c(k[0]))
            } else {
                let k = EXP2_UNIT;
                let mut p = _mm512_fmadd_ps(c(k[5]), f, c(k[4]));
                p = _mm512_fmadd_ps(p, f, c(k[3]));
                p = _mm512_fmadd_ps(p, f, c(k[2]));
                _mm512_fmadd_ps(_mm512_fmadd_ps(p, f, c(k[1])), f, c(k[0]))
            };
            _mm512_scalef_ps(p, a)
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> __m512 {
        // SAFETY: the caller vouches for sixteen numbers at p.
        unsafe {
            let x = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(x))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut u16, x: __m512) {
        // SAFETY: the caller vouches for sixteen numbers at p.
        unsafe {
            if BF16 {
                let y: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(x));
                _mm256_storeu_si256(p.cast(), y);
            } else {
                let bits = _mm512_castps_si512(x);
                let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
                let up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
                let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
                let quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x40_0000));
                let y = _mm512_srli_epi32::<16>(_mm512_mask_blend_epi32(nan, up, quiet));
                _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(y));
            }
        }
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut u8, x: __m512) {
        // SAFETY: the caller vouches for sixteen bytes at p.
        unsafe {
            let mut y = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));
            if Self::OFFSET {
                y = _mm_xor_si128(y, _mm_set1_epi8(-128));
            }
            _mm_storeu_si128(p.cast(), y);
        }
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, x: __m512) {
        // SAFETY: the caller vouches for sixteen numbers at p.
        unsafe {
            let y = _mm512_shuffle_epi32::<0b11_01_10_00>(_mm512_cvtps_epi32(x));
            _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(y));
        }
    }
    #[inline(always)]
    unsafe fn zip(even: *const u16, odd: *const u16) -> __m512i {
        // SAFETY: the caller vouches for sixteen numbers at both.
        unsafe {
            let wide = |p: *const u16| _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_or_si512(wide(even), _mm512_slli_epi32::<16>(wide(odd)))
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const u32, stride: usize, to: *mut u32) {
        // SAFETY: the caller vouches for 16 rows of 16 words and 256 words at `to`.
        unsafe {
            let rows: [__m512i; 16] = std::array::from_fn(|r| _mm512_loadu_si512(from.add(r * stride).cast()));
            // Within 128 bits: pairs of rows, then fours; `quads[4 g + c]` has column c (and c + 4, 8, 12) of rows 4 g
            // ..
            let mut quads = rows;
            for g in 0..4 {
                let [a, b, c, d] = [rows[4 * g], rows[4 * g + 1], rows[4 * g + 2], rows[4 * g + 3]];
                let (ab, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
                let (cd, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
                quads[4 * g] = _mm512_unpacklo_epi64(ab, cd);
                quads[4 * g + 1] = _mm512_unpackhi_epi64(ab, cd);
                quads[4 * g + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
                quads[4 * g + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
            }
            // Then the 128-bit parts themselves are transposed between the four groups.
            for c in 0..4 {
                let [a, b, d, e] = [quads[c], quads[4 + c], quads[8 + c], quads[12 + c]];
                let (ab, ab_high) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
                let (de, de_high) = (_mm512_shuffle_i32x4::<0x88>(d, e), _mm512_shuffle_i32x4::<0xdd>(d, e));
                _mm512_storeu_si512(to.add(16 * c).cast(), _mm512_shuffle_i32x4::<0x88>(ab, de));
                _mm512_storeu_si512(to.add(16 * (c + 4)).cast(), _mm512_shuffle_i32x4::<0x88>(ab_high, de_high));
                _mm512_storeu_si512(to.add(16 * (c + 8)).cast(), _mm512_shuffle_i32x4::<0xdd>(ab, de));
                _mm512_storeu_si512(to.add(16 * (c + 12)).cast(), _mm512_shuffle_i32x4::<0xdd>(ab_high, de_high));
            }
        }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a hint; it faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn words(p: *const u32) -> __m512i {
        // SAFETY: the caller vouches for sixteen words at p.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> __m512i {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_set1_epi32(x as i32) }
    }
    #[inline(always)]
    unsafe fn store_words(p: *mut u32, x: __m512i) {
        // SAFETY: the caller vouches for sixteen words at p.
        unsafe { _mm512_storeu_si512(p.cast(), x) }
    }
    #[inline(always)]
    unsafe fn bits(x: __m512) -> __m512i {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_castps_si512(x) }
    }
    #[inline(always)]
    unsafe fn as_f32(x: __m512i) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_castsi512_ps(x) }
    }
    #[inline(always)]
    unsafe fn to_f32(x: __m512i) -> __m512 {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_cvtepi32_ps(x) }
    }
    #[inline(always)]
    unsafe fn dot_bf16(acc: __m512, w: __m512i, a: __m512i) -> __m512 {
        // SAFETY: the table asks for this only where the flag says that it is there; 512 bits are 512 bits, whatever
        // they are called.
        unsafe {
            let (w, a) = (std::mem::transmute::<__m512i, __m512bh>(w), std::mem::transmute::<__m512i, __m512bh>(a));
            if BF16 { _mm512_dpbf16_ps(acc, w, a) } else { acc }
        }
    }
    #[inline(always)]
    unsafe fn half(w: __m512i, i: usize) -> __m512i {
        // SAFETY: the features are there by contract.
        unsafe {
            if i == 0 {
                _mm512_slli_epi32::<16>(w)
            } else {
                _mm512_and_si512(w, _mm512_set1_epi32(0xffff_0000_u32 as i32))
            }
        }
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: __m512i, w: __m512i, a: __m512i) -> __m512i {
        // SAFETY: as for `dot_bf16`.
        unsafe { if VNNI { _mm512_dpbusd_epi32(acc, a, w) } else { acc } }
    }
    #[inline(always)]
    unsafe fn bytes(w: __m512i, i: usize) -> __m512i {
        // SAFETY: the features are there by contract.
        unsafe { _mm512_srai_epi16::<8>(if i == 0 { _mm512_slli_epi16::<8>(w) } else { w }) }
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: __m512i, w: __m512i, a: __m512i) -> __m512i {
        // SAFETY: the features are there by contract.
        unsafe { if VNNI { _mm512_dpwssd_epi32(acc, w, a) } else { _mm512_add_epi32(acc, _mm512_madd_epi16(w, a)) } }
    }
}
