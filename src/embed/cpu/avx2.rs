//! Eight lanes of AVX2 with FMA; bf16 and int8 products are put together from what there is, with the same results.
//!
//! Every method here is sound under the contract of [`Lanes`]: the caller runs on a processor with AVX2 and FMA and its
//! pointers are good. None asks for alignment.

use super::lanes::{EXP2_CENTRED, Lanes, ROUNDER};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(super) struct Avx2;

impl Lanes for Avx2 {
    const N: usize = 8;
    const OFFSET: bool = false;
    const ROWS: usize = 6;
    type F = __m256;
    type I = __m256i;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        // SAFETY: see the head of this file; so for every block below.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        // SAFETY: the caller vouches for eight numbers at p.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: __m256) {
        // SAFETY: the caller vouches for eight numbers at p.
        unsafe { _mm256_storeu_ps(p, x) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn max(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn abs(a: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }
    #[inline(always)]
    unsafe fn sum(a: __m256) -> f32 {
        // SAFETY: the features are there by contract.
        unsafe {
            let x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
            _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)))
        }
    }
    #[inline(always)]
    unsafe fn top(a: __m256) -> f32 {
        // SAFETY: the features are there by contract.
        unsafe {
            let x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let x = _mm_max_ps(x, _mm_movehl_ps(x, x));
            _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)))
        }
    }
    #[inline(always)]
    unsafe fn exp2<const ROUGH: bool>(a: __m256) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe {
            let rounder = _mm256_set1_ps(ROUNDER);
            let x = _mm256_max_ps(a, _mm256_set1_ps(-126.0));
            let shifted = _mm256_add_ps(x, rounder);
            let f = _mm256_sub_ps(x, _mm256_sub_ps(shifted, rounder));
            let mut p = _mm256_set1_ps(EXP2_CENTRED[5]);
            for k in (0..5).rev() {
                p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(EXP2_CENTRED[k]));
            }
            let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power))
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> __m256 {
        // SAFETY: the caller vouches for eight numbers at p.
        unsafe {
            let x = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(x))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut u16, x: __m256) {
        // SAFETY: the caller vouches for eight numbers at p.
        unsafe {
            let bits = _mm256_castps_si256(x);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(x, x));
            let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
            let y = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(up, quiet, nan));
            let packed = _mm_packus_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256::<1>(y));
            _mm_storeu_si128(p.cast(), packed);
        }
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut u8, x: __m256) {
        // SAFETY: the caller vouches for eight bytes at p.
        unsafe {
            let y = _mm256_cvtps_epi32(x);
            let y = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256::<1>(y));
            _mm_storel_epi64(p.cast(), _mm_packs_epi16(y, y));
        }
    }
    #[inline(always)]
    unsafe fn store_i16(p: *mut i16, x: __m256) {
        // SAFETY: the caller vouches for eight numbers at p.
        unsafe {
            let y = _mm256_shuffle_epi32::<0b11_01_10_00>(_mm256_cvtps_epi32(x));
            let y = _mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256::<1>(y));
            _mm_storeu_si128(p.cast(), y);
        }
    }
    #[inline(always)]
    unsafe fn zip(even: *const u16, odd: *const u16) -> __m256i {
        // SAFETY: the caller vouches for eight numbers at both.
        unsafe {
            let wide = |p: *const u16| _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_or_si256(wide(even), _mm256_slli_epi32::<16>(wide(odd)))
        }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a hint; it faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn words(p: *const u32) -> __m256i {
        // SAFETY: the caller vouches for eight words at p.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> __m256i {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_set1_epi32(x as i32) }
    }
    #[inline(always)]
    unsafe fn store_words(p: *mut u32, x: __m256i) {
        // SAFETY: the caller vouches for eight words at p.
        unsafe { _mm256_storeu_si256(p.cast(), x) }
    }
    #[inline(always)]
    unsafe fn bits(x: __m256) -> __m256i {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_castps_si256(x) }
    }
    #[inline(always)]
    unsafe fn as_f32(x: __m256i) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_castsi256_ps(x) }
    }
    #[inline(always)]
    unsafe fn to_f32(x: __m256i) -> __m256 {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_cvtepi32_ps(x) }
    }
    #[inline(always)]
    unsafe fn dot_bf16(acc: __m256, _: __m256i, _: __m256i) -> __m256 {
        acc
    }
    #[inline(always)]
    unsafe fn half(w: __m256i, i: usize) -> __m256i {
        // SAFETY: the features are there by contract.
        unsafe {
            if i == 0 {
                _mm256_slli_epi32::<16>(w)
            } else {
                _mm256_and_si256(w, _mm256_set1_epi32(0xffff_0000_u32 as i32))
            }
        }
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: __m256i, _: __m256i, _: __m256i) -> __m256i {
        acc
    }
    #[inline(always)]
    unsafe fn bytes(w: __m256i, i: usize) -> __m256i {
        // SAFETY: the features are there by contract.
        unsafe { _mm256_srai_epi16::<8>(if i == 0 { _mm256_slli_epi16::<8>(w) } else { w }) }
    }
    #[inline(always)]
    unsafe fn dot_i16(acc: __m256i, w: __m256i, a: __m256i) -> __m256i {
        // SAFETY: the features are there by contract. Products of 16 bits cannot overflow, which `vpmaddubsw` could.
        unsafe { _mm256_add_epi32(acc, _mm256_madd_epi16(w, a)) }
    }
}
