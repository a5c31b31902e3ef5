//! What every 64-bit Arm has.

use std::arch::aarch64::*;

/// See [`super::Kernel::products`]. Codes become signed by turning their top bit, so that nothing is to be taken off.
#[target_feature(enable = "neon")]
pub unsafe fn products(query: &[i8], codes: &[u8], places: &[u32], out: &mut [i32]) {
    let stride = query.len();
    let top = vdupq_n_u8(0x80);
    for (place, out) in places.iter().zip(out) {
        let at = *place as usize * stride;
        if at + stride > codes.len() {
            *out = 0;
            continue;
        }
        let mut sum = vdupq_n_s32(0);
        for i in (0..stride).step_by(16) {
            // Sound: `at + stride` was compared with the length, and both are read in whole steps of 16 below it.
            let (c, q) = unsafe { (vld1q_u8(codes.as_ptr().add(at + i)), vld1q_s8(query.as_ptr().add(i))) };
            let c = vreinterpretq_s8_u8(veorq_u8(c, top));
            sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(c), vget_low_s8(q)));
            sum = vpadalq_s16(sum, vmull_high_s8(c, q));
        }
        *out = vaddvq_s32(sum);
    }
}

/// See [`super::Kernel::f32`].
#[target_feature(enable = "neon")]
pub unsafe fn f32(a: &[f32], b: &[f32]) -> f32 {
    let whole = a.len() / 8 * 8;
    let (mut even, mut odd) = (vdupq_n_f32(0.0), vdupq_n_f32(0.0));
    for i in (0..whole).step_by(8) {
        // Sound: `i + 8` is at most the length of both.
        unsafe {
            even = vfmaq_f32(even, vld1q_f32(a.as_ptr().add(i)), vld1q_f32(b.as_ptr().add(i)));
            odd = vfmaq_f32(odd, vld1q_f32(a.as_ptr().add(i + 4)), vld1q_f32(b.as_ptr().add(i + 4)));
        }
    }
    vaddvq_f32(vaddq_f32(even, odd)) + super::plain::f32(&a[whole..], &b[whole..])
}
