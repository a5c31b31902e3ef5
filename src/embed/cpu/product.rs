//! Whole products from blocks: rows times packed panels, each block finished while it is still in the first cache.

use super::buffer::{Buffer, Kind, Rows, SPARE_ROWS};
use super::kernels::{Act, Block, Finish, Kernels, Out};
use super::panels::{PANEL, Panels};
use std::ptr::null;

/// The widest block any kernel makes, in columns.
const WIDEST: usize = 3 * PANEL;

/// Places for two blocks of sums.
pub(super) fn block_room() -> Buffer {
    Buffer::new(2 * SPARE_ROWS * WIDEST * 4)
}

/// What a product does with its sums.
pub(super) struct Goal<'a> {
    pub bias: &'a [f32],
    pub act: Act,
    pub out: Out,
}

/// `goal(a * w)` for the first `rows` rows of `a`.
///
/// # Safety
///
/// `goal.out` has room for those rows and all panels' columns; the kernels' `enter` has run on this thread.
pub(super) unsafe fn multiply(k: &Kernels, a: &Rows, rows: usize, w: &Panels, room: &mut Buffer, goal: &Goal) {
    assert!(goal.bias.len() >= w.panels * PANEL && room.bytes() >= 2 * SPARE_ROWS * WIDEST * 4);
    let words = w.lines * w.kind.per_word() / a.kind.per_word();
    assert!(a.data.bytes() >= (rows + SPARE_ROWS) * a.stride && words * 4 <= a.stride);
    let (dot, integer) = (k.dot(a.kind, w.kind), w.kind == Kind::I8);
    // Two places for sums: one is finished while the other is filled.
    let room: *mut f32 = room.mut_ptr().cast();
    let mut pending: Option<Finish> = None;
    let mut turn = 0;
    let mut p = 0;
    while p < w.panels {
        let panels = if k.tiles { 2 } else { (WIDEST / PANEL).min(w.panels - p) };
        let c_stride = panels * PANEL;
        let mut r = 0;
        while r < rows {
            let here = k.rows.min(rows - r);
            // SAFETY: the assertions above bound what is read; each block of sums fits its half of `room`; the caller
            // vouches for the goal.
            unsafe {
                let c = room.add(turn * SPARE_ROWS * WIDEST);
                let block = Block {
                    a: a.data.ptr().add(r * a.stride),
                    a_stride: a.stride,
                    a_low: a.low,
                    b: w.data.ptr().add(p * w.stride()),
                    b_stride: w.stride(),
                    b_low: w.low(),
                    lines: w.lines,
                    c,
                    c_stride,
                    rows: here,
                    panels,
                    start: if w.offsets.is_empty() { null() } else { w.offsets.as_ptr().add(p * PANEL) },
                };
                dot(&block, pending.as_ref());
                pending = Some(Finish {
                    c,
                    c_stride,
                    rows: here,
                    columns: c_stride.min(w.columns.next_multiple_of(PANEL).saturating_sub(p * PANEL)),
                    integer,
                    row_scales: if integer { a.scales.as_ptr().add(r) } else { null() },
                    column_scales: if integer { w.scales.as_ptr().add(p * PANEL) } else { null() },
                    bias: goal.bias.as_ptr().add(p * PANEL),
                    act: goal.act,
                    out: goal.out.at(r, p * PANEL),
                });
            }
            turn ^= 1;
            r += here;
        }
        p += panels;
    }
    if let Some(f) = &pending {
        // SAFETY: as above.
        unsafe { (k.finish)(f, 0, f.rows) };
    }
}
