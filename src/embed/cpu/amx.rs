//! Products on the tile unit. The intrinsics are not stable, so the instructions stand in assembly;
//! between blocks of it the tiles keep what they hold, which the compiler never has to know.

use super::kernels::{Block, Finish, beside_tiles};
use std::arch::asm;
use std::sync::OnceLock;

/// Whether the processor has tiles for bf16 and int8 and the kernel of the system lets this process use them. The first
/// call asks it to; that holds for all threads to come.
pub(super) fn available() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| processor() && permitted())
}

fn processor() -> bool {
    let leaf = std::arch::x86_64::__cpuid(0);
    if leaf.eax < 7 {
        return false;
    }
    let edx = std::arch::x86_64::__cpuid_count(7, 0).edx;
    // amx-bf16, amx-tile, amx-int8.
    [22, 24, 25].iter().all(|bit| edx >> bit & 1 == 1)
}

#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const XFEATURE_XTILEDATA: i64 = 18;
    let result: i64;
    // SAFETY: a system call that touches no memory of ours; the registers it changes are named.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// All eight tiles as 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Shape([u8; 64]);

static SHAPE: Shape = {
    let mut s = [0; 64];
    s[0] = 1;
    let mut t = 0;
    while t < 8 {
        s[16 + 2 * t] = 64;
        s[48 + t] = 16;
        t += 1;
    }
    Shape(s)
};

/// Shapes the tiles of this thread.
pub(super) unsafe fn enter() {
    // SAFETY: the caller has seen `available`; the operand is 64 readable bytes of a valid shape.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPE, options(nostack, readonly)) }
}

/// Gives the tiles back, so that the system need not save them when it switches threads.
pub(super) unsafe fn leave() {
    // SAFETY: the caller has seen `available`.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

/// What is left to finish of an earlier block, done a few rows at a time between the steps of this one: the vector
/// units would idle while the tile unit multiplies.
struct Beside<'a> {
    finish: Option<&'a Finish>,
    row: usize,
    rows: usize,
    share: usize,
}

impl<'a> Beside<'a> {
    fn new(finish: Option<&'a Finish>, steps: usize) -> Beside<'a> {
        let rows = finish.map_or(0, |f| f.rows);
        Beside { finish, row: 0, rows, share: rows.div_ceil(steps.max(1)) }
    }

    /// # Safety
    ///
    /// The finish is one that a table's `finish` may be given.
    #[inline(always)]
    unsafe fn step(&mut self) {
        if self.row < self.rows
            && let Some(f) = self.finish
        {
            let to = self.rows.min(self.row + self.share);
            // SAFETY: the caller vouches for the finish; tiles come with AVX-512 BF16.
            unsafe { beside_tiles(f, self.row, to) };
            self.row = to;
        }
    }
}

/// 32 (or 16) rows by 32 columns with the product instruction named. The tiles keep their content from one block of
/// assembly to the next since no compiler uses them by itself, nor does what is called in between.
macro_rules! product {
    ($name:ident, $op:literal) => {
        pub(super) unsafe fn $name(b: &Block, finish: Option<&Finish>) {
            debug_assert!(b.panels == 2 && b.lines.is_multiple_of(16));
            let steps = b.lines / 16;
            let mut beside = Beside::new(finish, steps);
            // SAFETY: `enter` has run on this thread. The loads stay within the block's rows rounded up to 16 (operands
            // have that many spare rows) and whole groups of 16 lines (`Kind::words` sees to that), the stores within
            // rows and columns that the block's c has room for. The caller vouches for the finish.
            unsafe {
                let (a1, b1) = (b.a.add(16 * b.a_stride), b.b.add(b.b_stride));
                if b.rows > 16 {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        options(nostack, nomem),
                    );
                    for i in 0..steps {
                        asm!(
                            "tileloadd tmm4, [{a0} + {lda}]",
                            "tileloadd tmm6, [{b0} + {line}]",
                            "tileloadd tmm7, [{b1} + {line}]",
                            concat!($op, " tmm0, tmm4, tmm6"),
                            "tileloadd tmm5, [{a1} + {lda}]",
                            concat!($op, " tmm1, tmm4, tmm7"),
                            concat!($op, " tmm2, tmm5, tmm6"),
                            concat!($op, " tmm3, tmm5, tmm7"),
                            a0 = in(reg) b.a.add(64 * i),
                            a1 = in(reg) a1.add(64 * i),
                            lda = in(reg) b.a_stride,
                            b0 = in(reg) b.b.add(1024 * i),
                            b1 = in(reg) b1.add(1024 * i),
                            line = in(reg) 64usize,
                            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                            options(nostack, readonly),
                        );
                        beside.step();
                    }
                    asm!(
                        "tilestored [{c0} + {ldc}], tmm0",
                        "tilestored [{c0} + {ldc} + 64], tmm1",
                        "tilestored [{c1} + {ldc}], tmm2",
                        "tilestored [{c1} + {ldc} + 64], tmm3",
                        c0 = in(reg) b.c,
                        c1 = in(reg) b.c.add(16 * b.c_stride),
                        ldc = in(reg) b.c_stride * 4,
                        options(nostack),
                    );
                } else {
                    asm!(
                        "tilezero tmm0", "tilezero tmm1",
                        out("tmm0") _, out("tmm1") _,
                        options(nostack, nomem),
                    );
                    for i in 0..steps {
                        asm!(
                            "tileloadd tmm4, [{a0} + {lda}]",
                            "tileloadd tmm6, [{b0} + {line}]",
                            "tileloadd tmm7, [{b1} + {line}]",
                            concat!($op, " tmm0, tmm4, tmm6"),
                            concat!($op, " tmm1, tmm4, tmm7"),
                            a0 = in(reg) b.a.add(64 * i),
                            lda = in(reg) b.a_stride,
                            b0 = in(reg) b.b.add(1024 * i),
                            b1 = in(reg) b1.add(1024 * i),
                            line = in(reg) 64usize,
                            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
                            options(nostack, readonly),
                        );
                        beside.step();
                    }
                    asm!(
                        "tilestored [{c0} + {ldc}], tmm0",
                        "tilestored [{c0} + {ldc} + 64], tmm1",
                        c0 = in(reg) b.c,
                        ldc = in(reg) b.c_stride * 4,
                        options(nostack),
                    );
                }
            }
        }
    };
}

product!(dot_bf16, "tdpbf16ps");
product!(dot_i8, "tdpbssd");

/// The product of split numbers: high x high + low x high + high x low.
pub(super) unsafe fn dot_split(b: &Block, finish: Option<&Finish>) {
    debug_assert!(b.panels == 2 && b.lines.is_multiple_of(16));
    let steps = b.lines / 16;
    let mut beside = Beside::new(finish, steps);
    // With few rows the second pair of row tiles is the first again, and lands on the same place.
    let tall = if b.rows > 16 { 16 } else { 0 };
    // SAFETY: as for the other products; the low parts lie `a_low` and `b_low` bytes on, within the same rows and
    // panels.
    unsafe {
        let (a1, b1) = (b.a.add(tall * b.a_stride), b.b.add(b.b_stride));
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem),
        );
        for i in 0..steps {
            asm!(
                "tileloadd tmm4, [{a0} + {lda}]",
                "tileloadd tmm6, [{b0} + {line}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {line}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a1} + {lda}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {b0}, {blow}", "add {b1}, {blow}",
                "tileloadd tmm6, [{b0} + {line}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {line}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "sub {b0}, {blow}", "sub {b1}, {blow}",
                "add {a0}, {alow}", "add {a1}, {alow}",
                "tileloadd tmm4, [{a0} + {lda}]",
                "tileloadd tmm6, [{b0} + {line}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {line}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a1} + {lda}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                a0 = inout(reg) b.a.add(64 * i) => _,
                a1 = inout(reg) a1.add(64 * i) => _,
                lda = in(reg) b.a_stride,
                alow = in(reg) b.a_low,
                b0 = inout(reg) b.b.add(1024 * i) => _,
                b1 = inout(reg) b1.add(1024 * i) => _,
                blow = in(reg) b.b_low,
                line = in(reg) 64usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly),
            );
            beside.step();
        }
        asm!(
            "tilestored [{c0} + {ldc}], tmm0",
            "tilestored [{c0} + {ldc} + 64], tmm1",
            "tilestored [{c1} + {ldc}], tmm2",
            "tilestored [{c1} + {ldc} + 64], tmm3",
            c0 = in(reg) b.c,
            c1 = in(reg) b.c.add(tall * b.c_stride),
            ldc = in(reg) b.c_stride * 4,
            options(nostack),
        );
    }
}
