//! AVX-512 (with VNNI) and AVX2.

use std::arch::x86_64::*;

use super::AHEAD;

/// Asks memory for a record of codes.
#[inline(always)]
fn prefetch(codes: &[u8], place: u32, stride: usize) {
    let at = place as usize * stride;
    if at + stride <= codes.len() {
        for line in (0..stride).step_by(64) {
            // Sound: the address is inside the slice, and a prefetch reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(codes.as_ptr().add(at + line).cast()) };
        }
    }
}

/// See [`super::Kernel::products`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn products_vnni(query: &[i8], codes: &[u8], places: &[u32], out: &mut [i32]) {
    let stride = query.len();
    let ones = _mm512_set1_epi8(1);
    // Sound: `query` is a whole number of 64-byte registers (checked by the caller), each read inside it.
    let load_query = |i: usize| unsafe { _mm512_loadu_si512(query.as_ptr().add(i).cast()) };
    let mut sum = _mm512_setzero_si512();
    for i in (0..stride).step_by(64) {
        sum = _mm512_dpbusd_epi32(sum, ones, load_query(i));
    }
    let shift = 128 * _mm512_reduce_add_epi32(sum);
    for place in &places[..AHEAD.min(places.len())] {
        prefetch(codes, *place, stride);
    }
    for (k, place) in places.iter().enumerate() {
        if let Some(next) = places.get(k + AHEAD) {
            prefetch(codes, *next, stride);
        }
        let at = *place as usize * stride;
        if at + stride > codes.len() {
            out[k] = 0;
            continue;
        }
        // Sound: `at + stride` was just compared with the length.
        let load = |i: usize| unsafe { _mm512_loadu_si512(codes.as_ptr().add(at + i).cast()) };
        let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        let mut i = 0;
        while i + 128 <= stride {
            even = _mm512_dpbusd_epi32(even, load(i), load_query(i));
            odd = _mm512_dpbusd_epi32(odd, load(i + 64), load_query(i + 64));
            i += 128;
        }
        if i < stride {
            even = _mm512_dpbusd_epi32(even, load(i), load_query(i));
        }
        out[k] = _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd)) - shift;
    }
}

/// See [`super::Kernel::products`]. Widened to 16 bits first: the 8-bit products of AVX2 saturate.
#[target_feature(enable = "avx2")]
pub unsafe fn products_avx2(query: &[i8], codes: &[u8], places: &[u32], out: &mut [i32]) {
    let stride = query.len();
    let shift = 128 * query.iter().map(|q| i32::from(*q)).sum::<i32>();
    for place in &places[..AHEAD.min(places.len())] {
        prefetch(codes, *place, stride);
    }
    for (k, place) in places.iter().enumerate() {
        if let Some(next) = places.get(k + AHEAD) {
            prefetch(codes, *next, stride);
        }
        let at = *place as usize * stride;
        if at + stride > codes.len() {
            out[k] = 0;
            continue;
        }
        let mut sums = [_mm256_setzero_si256(); 2];
        for i in (0..stride).step_by(32) {
            for (half, sum) in sums.iter_mut().enumerate() {
                // Sound: `at + stride` was compared with the length, and both are read in whole steps of 32 below it.
                let (c, q) = unsafe {
                    (
                        _mm_loadu_si128(codes.as_ptr().add(at + i + 16 * half).cast()),
                        _mm_loadu_si128(query.as_ptr().add(i + 16 * half).cast()),
                    )
                };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepu8_epi16(c), _mm256_cvtepi8_epi16(q)));
            }
        }
        let sum = _mm256_add_epi32(sums[0], sums[1]);
        let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum));
        out[k] = _mm_cvtsi128_si32(sum) - shift;
    }
}

/// See [`super::Kernel::f16`].
#[target_feature(enable = "avx512f")]
pub unsafe fn f16_avx512(a: &[f32], b: &[u16]) -> f32 {
    let whole = a.len() / 16 * 16;
    let mut sum = _mm512_setzero_ps();
    for i in (0..whole).step_by(16) {
        // Sound: `i + 16` is at most the length of both.
        let (x, y) = unsafe { (_mm512_loadu_ps(a.as_ptr().add(i)), _mm256_loadu_si256(b.as_ptr().add(i).cast())) };
        sum = _mm512_fmadd_ps(x, _mm512_cvtph_ps(y), sum);
    }
    _mm512_reduce_add_ps(sum) + super::plain::f16(&a[whole..], &b[whole..])
}

/// See [`super::Kernel::f16`].
#[target_feature(enable = "avx2,fma,f16c")]
pub unsafe fn f16_avx2(a: &[f32], b: &[u16]) -> f32 {
    let whole = a.len() / 8 * 8;
    let mut sum = _mm256_setzero_ps();
    for i in (0..whole).step_by(8) {
        // Sound: `i + 8` is at most the length of both.
        let (x, y) = unsafe { (_mm256_loadu_ps(a.as_ptr().add(i)), _mm_loadu_si128(b.as_ptr().add(i).cast())) };
        sum = _mm256_fmadd_ps(x, _mm256_cvtph_ps(y), sum);
    }
    reduce_avx2(sum) + super::plain::f16(&a[whole..], &b[whole..])
}

/// See [`super::Kernel::f32`].
#[target_feature(enable = "avx512f")]
pub unsafe fn f32_avx512(a: &[f32], b: &[f32]) -> f32 {
    let whole = a.len() / 32 * 32;
    let (mut even, mut odd) = (_mm512_setzero_ps(), _mm512_setzero_ps());
    for i in (0..whole).step_by(32) {
        // Sound: `i + 32` is at most the length of both.
        unsafe {
            even = _mm512_fmadd_ps(_mm512_loadu_ps(a.as_ptr().add(i)), _mm512_loadu_ps(b.as_ptr().add(i)), even);
            odd =
                _mm512_fmadd_ps(_mm512_loadu_ps(a.as_ptr().add(i + 16)), _mm512_loadu_ps(b.as_ptr().add(i + 16)), odd);
        }
    }
    _mm512_reduce_add_ps(_mm512_add_ps(even, odd)) + super::plain::f32(&a[whole..], &b[whole..])
}

/// See [`super::Kernel::f32`].
#[target_feature(enable = "avx2,fma")]
pub unsafe fn f32_avx2(a: &[f32], b: &[f32]) -> f32 {
    let whole = a.len() / 16 * 16;
    let (mut even, mut odd) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    for i in (0..whole).step_by(16) {
        // Sound: `i + 16` is at most the length of both.
        unsafe {
            even = _mm256_fmadd_ps(_mm256_loadu_ps(a.as_ptr().add(i)), _mm256_loadu_ps(b.as_ptr().add(i)), even);
            odd = _mm256_fmadd_ps(_mm256_loadu_ps(a.as_ptr().add(i + 8)), _mm256_loadu_ps(b.as_ptr().add(i + 8)), odd);
        }
    }
    reduce_avx2(_mm256_add_ps(even, odd)) + super::plain::f32(&a[whole..], &b[whole..])
}

#[target_feature(enable = "avx2")]
fn reduce_avx2(sum: __m256) -> f32 {
    let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
    let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    _mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps::<1>(sum, sum)))
}
