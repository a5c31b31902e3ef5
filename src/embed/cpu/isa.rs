//! The instruction sets of our own kernels, detected at run time.

use std::fmt;

/// An instruction set, from the widest to the plainest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// AVX-512 with the tile unit (bf16 and int8 products on 16 x 16 tiles).
    Amx,
    /// AVX-512 F, BW, VL and DQ; the flags say which product instructions come with it.
    Avx512 {
        /// `vdpbf16ps`, the bf16 pair product.
        bf16: bool,
        /// `vpdpbusd`, the int8 quad product.
        vnni: bool,
    },
    /// AVX2 with FMA.
    Avx2Fma,
    /// 64-bit Arm. It runs the plain kernels, whose four-lane arrays compile to NEON there.
    Neon,
    /// Portable code without any assumption about the processor.
    Plain,
}

impl Isa {
    /// The best instruction set that this processor has and the operating system allows.
    pub fn detect() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            for isa in Isa::known() {
                if isa.usable() {
                    return isa;
                }
            }
        }
        if cfg!(target_arch = "aarch64") { Isa::Neon } else { Isa::Plain }
    }

    /// Every instruction set, best first.
    pub fn known() -> [Isa; 8] {
        [
            Isa::Amx,
            Isa::Avx512 { bf16: true, vnni: true },
            Isa::Avx512 { bf16: true, vnni: false },
            Isa::Avx512 { bf16: false, vnni: true },
            Isa::Avx512 { bf16: false, vnni: false },
            Isa::Avx2Fma,
            Isa::Neon,
            Isa::Plain,
        ]
    }

    /// Whether our kernels are vectorised for it. On the others candle is faster.
    pub fn has_kernels(self) -> bool {
        !matches!(self, Isa::Neon | Isa::Plain)
    }

    /// Whether products in bf16 take half the time of those in f32 or less. Tiles do, and `vdpbf16ps` on AMD's
    /// processors (measured: twice the rate on Zen 4); on Intel's it takes longer than the f32 product.
    pub fn has_quick_bf16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let amd = || raw_cpuid::CpuId::new().get_vendor_info().is_some_and(|v| v.as_str() == "AuthenticAMD");
            match self {
                Isa::Amx => true,
                Isa::Avx512 { bf16, .. } => bf16 && amd(),
                _ => false,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }

    /// Whether this machine can run it; also for those below [`Isa::detect`].
    pub fn usable(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let base = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq");
            let has_bf16 = is_x86_feature_detected!("avx512bf16");
            let has_vnni = is_x86_feature_detected!("avx512vnni");
            match self {
                Isa::Amx => base && has_bf16 && has_vnni && super::amx::available(),
                Isa::Avx512 { bf16, vnni } => base && (!bf16 || has_bf16) && (!vnni || has_vnni),
                Isa::Avx2Fma => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
                Isa::Neon => false,
                Isa::Plain => true,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            match self {
                Isa::Neon => cfg!(target_arch = "aarch64"),
                other => other == Isa::Plain,
            }
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isa::Amx => "AMX",
            Isa::Avx512 { bf16: true, vnni: true } => "AVX-512 with BF16 and VNNI",
            Isa::Avx512 { bf16: true, vnni: false } => "AVX-512 with BF16",
            Isa::Avx512 { bf16: false, vnni: true } => "AVX-512 with VNNI",
            Isa::Avx512 { bf16: false, vnni: false } => "AVX-512",
            Isa::Avx2Fma => "AVX2 with FMA",
            Isa::Neon => "NEON",
            Isa::Plain => "plain",
        })
    }
}
