//! Inner products of codes and of full vectors, on whatever the processor has.
//!
//! A code is a byte: 128 plus the signed value, so that the products of unsigned by signed bytes that AVX-512 VNNI has can
//! be taken as they come. The query is signed, and 128 times the sum of its values is taken off at the end. Every
//! implementation gives the same integer as [`Kernel::Plain`], and the same float but for the order of the sum.

#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

/// Places ahead whose codes are asked of memory while one is being multiplied.
const AHEAD: usize = 4;

/// The instructions that products are taken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// AVX2 with FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every 64-bit Arm has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// What the compiler makes of a loop.
    Plain,
}

impl Kernel {
    /// The fastest that this processor has.
    pub fn best() -> Kernel {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Kernel::available()[0])
    }

    /// All that this processor has, the fastest first.
    pub fn available() -> Vec<Kernel> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                all.push(Kernel::Vnni);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
                all.push(Kernel::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        all.push(Kernel::Neon);
        all.push(Kernel::Plain);
        all
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Vnni => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => "neon",
            Kernel::Plain => "plain",
        }
    }

    /// The products of a query with the codes at some places: `out[k]` is the sum of `query[i] * (code[i] - 128)` over
    /// the record `places[k]` of `codes`, each record as long as the query. A place behind the end gives 0.
    ///
    /// The length of the query is a multiple of 64 (zeros behind the vector; codes of 128), and `out` at least as long as
    /// `places`.
    pub fn products(self, query: &[i8], codes: &[u8], places: &[u32], out: &mut [i32]) {
        let stride = query.len();
        assert!(stride > 0 && stride.is_multiple_of(64) && out.len() >= places.len(), "a query of whole registers");
        match self {
            // Sound: `available` gave this kernel, so the processor has the instructions; the function checks each place
            // against the length of `codes` itself.
            #[cfg(target_arch = "x86_64")]
            Kernel::Vnni => unsafe { x86::products_vnni(query, codes, places, out) },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { x86::products_avx2(query, codes, places, out) },
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => unsafe { neon::products(query, codes, places, out) },
            Kernel::Plain => plain::products(query, codes, places, out),
        }
    }

    /// The inner product of a vector with one of half-precision numbers (their bits) of the same length.
    pub fn f16(self, a: &[f32], b: &[u16]) -> f32 {
        assert_eq!(a.len(), b.len());
        match self {
            // Sound: the processor has the instructions, and the lengths are equal.
            #[cfg(target_arch = "x86_64")]
            Kernel::Vnni => unsafe { x86::f16_avx512(a, b) },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { x86::f16_avx2(a, b) },
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => plain::f16(a, b),
            Kernel::Plain => plain::f16(a, b),
        }
    }

    /// The inner product of two vectors of the same length.
    pub fn f32(self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        match self {
            // Sound: the processor has the instructions, and the lengths are equal.
            #[cfg(target_arch = "x86_64")]
            Kernel::Vnni => unsafe { x86::f32_avx512(a, b) },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { x86::f32_avx2(a, b) },
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => unsafe { neon::f32(a, b) },
            Kernel::Plain => plain::f32(a, b),
        }
    }

    /// Asks memory for the bytes around `at`, which will be needed soon. Nothing happens where `at` is behind the end.
    #[inline]
    pub fn prefetch<T>(of: &[T], at: usize) {
        #[cfg(target_arch = "x86_64")]
        if at < of.len() {
            // Sound: the address is inside the slice, and a prefetch reads nothing.
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(of.as_ptr().add(at).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (of, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every kernel gives what the plain one gives, over odd lengths and places behind the end too.
        #[test]
        fn all_agree_with_the_plain_one(
            registers in 1usize..9,
            records in 1usize..40,
            seed in any::<u64>(),
            length in 0usize..700,
        ) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut random = move || rng.u32(..1 << 31);
            let stride = 64 * registers;
            // The ends of the range as well: their products are where narrow sums would overflow.
            let byte = |r: u32| if r.is_multiple_of(5) { if r & 8 == 0 { 255u8 } else { 1 } } else { (r % 255 + 1) as u8 };
            let codes: Vec<u8> = (0..records * stride).map(|_| byte(random())).collect();
            let query: Vec<i8> = (0..stride).map(|_| (byte(random()) ^ 0x80) as i8).collect();
            let places: Vec<u32> = (0..50).map(|_| random() % (records as u32 + 3)).collect();
            let mut truth = vec![0; places.len()];
            plain::products(&query, &codes, &places, &mut truth);
            let by_hand: i32 = (0..stride).map(|i| i32::from(query[i]) * (i32::from(codes[i]) - 128)).sum();
            let at_zero = places.iter().position(|p| *p == 0);
            prop_assert!(at_zero.is_none_or(|k| truth[k] == by_hand));
            let a: Vec<f32> = (0..length).map(|_| (random() % 2000) as f32 / 1000.0 - 1.0).collect();
            let b: Vec<f32> = (0..length).map(|_| (random() % 2000) as f32 / 1000.0 - 1.0).collect();
            let halves: Vec<u16> = b.iter().map(|x| half::f16::from_f32(*x).to_bits()).collect();
            let rounded: Vec<f32> = halves.iter().map(|h| half::f16::from_bits(*h).to_f32()).collect();
            let exact = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
            for kernel in Kernel::available() {
                let mut out = vec![-1; places.len()];
                kernel.products(&query, &codes, &places, &mut out);
                prop_assert_eq!(&out, &truth, "{}", kernel.name());
                prop_assert!((f64::from(kernel.f32(&a, &b)) - exact(&a, &b)).abs() < 1e-3, "{}", kernel.name());
                prop_assert!((f64::from(kernel.f16(&a, &halves)) - exact(&a, &rounded)).abs() < 1e-3, "{}", kernel.name());
            }
        }
    }
}
