//! The inner loops as a table of functions, one table for each instruction set; all code above is shared.

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::buffer::Kind;
use super::generic;
use super::isa::Isa;
use super::lanes::Plain;
use super::tiles;

/// One block of a product: `rows` x `panels` panels of 16 columns, over the whole depth. Pointers and strides in bytes.
pub(super) struct Block {
    pub a: *const u8,
    pub a_stride: usize,
    /// From the high to the low part of a row (split numbers only).
    pub a_low: usize,
    pub b: *const u8,
    pub b_stride: usize,
    pub b_low: usize,
    /// Lines of a panel; a row has as many words, or twice as many where its numbers are wider than the panel's.
    pub lines: usize,
    /// Where the f32 (or i32) go; there must be room for the rows rounded up to 16.
    pub c: *mut f32,
    /// Numbers from one row of `c` to the next.
    pub c_stride: usize,
    pub rows: usize,
    pub panels: usize,
    /// What the columns start from (offset int8 only).
    pub start: *const i32,
}

/// Where finished numbers go. The strides count numbers of the type pointed to.
#[derive(Clone, Copy)]
pub(super) enum Out {
    F32(*mut f32, usize),
    /// Added to what is there: the residual.
    Add(*mut f32, usize),
    Bf16(*mut u16, usize),
    /// And the distance from the high to the low part.
    Split(*mut u16, usize, usize),
    /// With the scales of the rows.
    I8(*mut u8, usize, *mut f32),
    I16(*mut i16, usize, *mut f32),
}

impl Out {
    /// The same from another row and column on.
    pub fn at(self, row: usize, column: usize) -> Out {
        match self {
            Out::F32(p, s) => Out::F32(p.wrapping_add(row * s + column), s),
            Out::Add(p, s) => Out::Add(p.wrapping_add(row * s + column), s),
            Out::Bf16(p, s) => Out::Bf16(p.wrapping_add(row * s + column), s),
            Out::Split(p, s, low) => Out::Split(p.wrapping_add(row * s + column), s, low),
            Out::I8(p, s, scales) => Out::I8(p.wrapping_add(row * s + column), s, scales.wrapping_add(row)),
            Out::I16(p, s, scales) => Out::I16(p.wrapping_add(row * s + column), s, scales.wrapping_add(row)),
        }
    }
}

/// The function between the two products of a feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    None,
    Gelu,
    /// GELU to 1.4e-4, for results that are rounded to 8 bits anyway.
    GeluRough,
    GeluTanh,
    Relu,
}

/// What becomes of a block of a product: dequantised, scaled, biased, activated, stored.
pub(super) struct Finish {
    pub c: *const f32,
    pub c_stride: usize,
    pub rows: usize,
    /// A multiple of 16.
    pub columns: usize,
    /// Whether `c` holds i32.
    pub integer: bool,
    /// Factors of the rows, the columns; null for none.
    pub row_scales: *const f32,
    pub column_scales: *const f32,
    pub bias: *const f32,
    pub act: Act,
    pub out: Out,
}

/// Scores to probabilities, row by row.
pub(super) struct Softmax {
    pub scores: *mut f32,
    pub stride: usize,
    pub rows: usize,
    /// Real keys; the scores up to the next multiple of 32 are there but mean nothing.
    pub keys: usize,
    /// Written up to that multiple; F32 may be `scores` itself.
    pub out: Out,
    /// Gets 1 / sum of each row: the rows themselves are left unscaled.
    pub inverse: *mut f32,
    pub rough: bool,
}

/// Layer norm in place (where `gain` is not null) and the result encoded as the left side of a product.
pub(super) struct Norm {
    pub x: *mut f32,
    /// Whether `x` holds bf16, which then are only encoded. The stride counts numbers in any case.
    pub narrow: bool,
    pub stride: usize,
    pub rows: usize,
    pub width: usize,
    pub gain: *const f32,
    pub shift: *const f32,
    pub eps: f32,
    pub out: Option<Out>,
}

/// How rows become lines of panels.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// 16 rows of `width` words, a multiple of 16, side by side in the lines.
    Transpose,
    /// `rows` rows of 16 bf16, two in a line; a missing last one is zeros.
    Zip,
}

/// Rows to lines of a panel. The stride counts words.
pub(super) struct Pack {
    pub how: How,
    pub from: *const u32,
    pub stride: usize,
    pub rows: usize,
    pub width: usize,
    pub to: *mut u32,
}

/// Computes a block. The finish is of an earlier block and may be done before it or beside it.
pub(super) type Dot = unsafe fn(&Block, Option<&Finish>);

/// The inner loops of one instruction set.
///
/// # Safety
///
/// Each function needs what its argument says of pointers and sizes, a processor that has the instruction set, and for
/// the products the calls of `enter` before and `leave` after on the same thread.
pub(super) struct Kernels {
    /// Rows of a block that is then finished.
    pub rows: usize,
    /// Whether blocks have exactly two panels, and no more rows than that; else they may have any number.
    pub tiles: bool,
    /// How this set multiplies f32.
    pub wide: Kind,
    /// What it takes against weights in bf16, and against weights in int8.
    pub half: Kind,
    pub byte: Kind,
    pub enter: unsafe fn(),
    pub leave: unsafe fn(),
    pub dot_f32: Dot,
    /// f32 against weights in bf16.
    pub dot_mixed: Dot,
    pub dot_bf16: Dot,
    pub dot_split: Dot,
    pub dot_i8: Dot,
    /// Finishes the rows from the first number up to the second.
    pub finish: unsafe fn(&Finish, usize, usize),
    pub softmax: unsafe fn(&Softmax),
    pub norm: unsafe fn(&Norm),
    pub pack: unsafe fn(&Pack),
}

impl Kernels {
    /// The product of two kinds of number.
    pub fn dot(&self, rows: Kind, panels: Kind) -> Dot {
        match (rows, panels) {
            (Kind::F32, Kind::Bf16) => self.dot_mixed,
            (Kind::F32, _) => self.dot_f32,
            (Kind::Bf16, _) => self.dot_bf16,
            (Kind::Split, _) => self.dot_split,
            (Kind::I8 | Kind::I16, _) => self.dot_i8,
        }
    }
}

fn nothing() {}

/// In the place of a product that a table's `wide`, `half` and `byte` do not ask for.
unsafe fn never(_: &Block, _: Option<&Finish>) {
    debug_assert!(false, "a product this instruction set does not take");
}

/// A module of wrappers that give the generic kernels their target features, and the table of them.
macro_rules! table {
    ($name:ident, $lanes:ty, $half:expr, $byte:expr $(, $feature:literal)?) => {
        mod $name {
            use super::*;
            type V = $lanes;
            $(#[target_feature(enable = $feature)])?
            unsafe fn dot_f32(b: &Block, f: Option<&Finish>) {
                // SAFETY: the caller of a table's function vouches for its pointers, the table for the features.
                unsafe {
                    before(f);
                    tiles::dot::<V, tiles::F32>(b)
                }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn dot_mixed(b: &Block, f: Option<&Finish>) {
                // SAFETY: as above.
                unsafe {
                    before(f);
                    tiles::dot::<V, tiles::Mixed>(b)
                }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn dot_bf16(b: &Block, f: Option<&Finish>) {
                // SAFETY: as above; only a table with these products hands it out.
                unsafe {
                    before(f);
                    tiles::dot::<V, tiles::Bf16>(b)
                }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn dot_i8(b: &Block, f: Option<&Finish>) {
                // SAFETY: as above.
                unsafe {
                    before(f);
                    tiles::dot::<V, tiles::I8>(b)
                }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn dot_i16(b: &Block, f: Option<&Finish>) {
                // SAFETY: as above.
                unsafe {
                    before(f);
                    tiles::dot::<V, tiles::I16>(b)
                }
            }
            unsafe fn before(f: Option<&Finish>) {
                if let Some(f) = f {
                    // SAFETY: as above.
                    unsafe { finish(f, 0, f.rows) }
                }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn finish(f: &Finish, from: usize, to: usize) {
                // SAFETY: as above.
                unsafe { generic::finish::<V>(f, from, to) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn softmax(s: &Softmax) {
                // SAFETY: as above.
                unsafe { generic::softmax::<V>(s) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn norm(n: &Norm) {
                // SAFETY: as above.
                unsafe { generic::norm::<V>(n) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn pack(p: &Pack) {
                // SAFETY: as above.
                unsafe { generic::pack::<V>(p) }
            }
            pub static TABLE: Kernels = Kernels {
                rows: 24,
                tiles: false,
                wide: Kind::F32,
                half: $half,
                byte: $byte,
                enter: nothing,
                leave: nothing,
                dot_f32,
                dot_mixed,
                dot_bf16: if matches!($half, Kind::Bf16) { dot_bf16 } else { never },
                dot_split: never,
                dot_i8: if matches!($byte, Kind::I8) { dot_i8 } else { dot_i16 },
                finish,
                softmax,
                norm,
                pack,
            };
        }
    };
}

table!(plain, Plain, Kind::F32, Kind::I16);
#[cfg(target_arch = "x86_64")]
table!(avx2, super::super::avx2::Avx2, Kind::F32, Kind::I16, "avx2,fma");
#[cfg(target_arch = "x86_64")]
table!(avx512, super::super::avx512::Avx512<false, false>, Kind::F32, Kind::I16, "avx512f,avx512bw,avx512vl,avx512dq,fma");
#[cfg(target_arch = "x86_64")]
table!(avx512_bf16, super::super::avx512::Avx512<true, false>, Kind::Bf16, Kind::I16, "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma");
#[cfg(target_arch = "x86_64")]
table!(avx512_vnni, super::super::avx512::Avx512<false, true>, Kind::F32, Kind::I8, "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma");
#[cfg(target_arch = "x86_64")]
table!(avx512_both, super::super::avx512::Avx512<true, true>, Kind::Bf16, Kind::I8, "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,fma");
/// The finish that goes with tiles.
#[cfg(target_arch = "x86_64")]
pub(super) use avx512_bf16::finish as beside_tiles;

#[cfg(target_arch = "x86_64")]
static AMX: Kernels = Kernels {
    rows: 32,
    tiles: true,
    wide: Kind::Split,
    half: Kind::Bf16,
    byte: Kind::I8,
    enter: amx::enter,
    leave: amx::leave,
    dot_bf16: amx::dot_bf16,
    dot_split: amx::dot_split,
    dot_i8: amx::dot_i8,
    // Without VNNI: the tile product takes int8 signed, so its rows carry no offset.
    ..avx512_bf16::TABLE
};

/// The table of an instruction set, or `None` where this machine cannot run it.
pub(super) fn table(isa: Isa) -> Option<&'static Kernels> {
    if !isa.usable() {
        return None;
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx => Some(&AMX),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 { bf16: true, vnni: true } => Some(&avx512_both::TABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 { bf16: true, vnni: false } => Some(&avx512_bf16::TABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 { bf16: false, vnni: true } => Some(&avx512_vnni::TABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 { bf16: false, vnni: false } => Some(&avx512::TABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2Fma => Some(&avx2::TABLE),
        _ => Some(&plain::TABLE),
    }
}
