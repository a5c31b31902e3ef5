//! The encoder's layers: weights packed at load, and the pass of one group of sequences through all of them.

use super::attention::Attention;
use super::buffer::{Buffer, Kind, Rows};
use super::kernels::{Act, Kernels, Norm, Out};
use super::panels::{PANEL, Panels};
use super::product::{Goal, block_room, multiply};
use std::ops::Range;

/// A linear layer.
pub(super) struct Linear {
    pub panels: Panels,
    /// As long as the panels are wide.
    pub bias: Vec<f32>,
}

impl Linear {
    pub fn new(kind: Kind, weight: &[f32], bias: &[f32]) -> Linear {
        let panels = Panels::pack(kind, weight, bias.len(), weight.len() / bias.len());
        let mut bias = bias.to_vec();
        bias.resize(panels.panels * PANEL, 0.0);
        Linear { panels, bias }
    }
}

/// A layer norm, its numbers padded with zeros to whole panels.
pub(super) struct Normaliser {
    pub gain: Vec<f32>,
    pub shift: Vec<f32>,
}

pub(super) struct Layer {
    pub qkv: Linear,
    pub output: Linear,
    pub after_attention: Normaliser,
    pub up: Linear,
    pub down: Linear,
    pub adapter: Option<Adapter>,
    pub after_feed: Normaliser,
}

/// What joins the sum behind a feed-forward block: a narrow layer that has read the normed sum.
pub(super) struct Adapter {
    pub down: Linear,
    pub act: Act,
    pub up: Linear,
}

/// What a pass needs to know of the shape.
#[derive(Clone, Copy)]
pub(super) struct Widths {
    pub hidden: usize,
    pub heads: usize,
    pub intermediate: usize,
    /// The width of the adapters; 0 for none.
    pub bottleneck: usize,
    pub eps: f32,
    pub act: Act,
    /// How weights are held.
    pub kind: Kind,
    /// How the numbers that meet them are.
    pub rows: Kind,
    /// How attention is taken; never int8.
    pub attention: Kind,
    /// Whether its softmax may be rough.
    pub rough: bool,
}

/// The memory of one thread's pass; it grows to the largest group seen.
pub(super) struct Scratch {
    /// The residual stream.
    pub x: Rows,
    /// The stream as the left side of a product, where that is not f32.
    a: Rows,
    qkv: Rows,
    context: Rows,
    /// For int8: the context before its scale is known, in bf16 to stay in the cache. So with the middle.
    raw_context: Rows,
    middle: Rows,
    raw_middle: Rows,
    /// For adapters: the sum while its norm is read, and what lies between the two products.
    sum: Rows,
    narrow: Rows,
    raw_narrow: Rows,
    attention: Attention,
    room: Buffer,
}

impl Scratch {
    pub fn new(w: &Widths) -> Scratch {
        // An uneven head is written up to the next 16 numbers.
        let dim = w.hidden / w.heads;
        let context = w.hidden - dim + dim.next_multiple_of(PANEL);
        Scratch {
            x: Rows::new(Kind::F32, w.hidden),
            a: Rows::new(w.rows, w.hidden),
            qkv: Rows::new(w.attention, 3 * w.hidden),
            context: Rows::new(w.rows, context),
            raw_context: Rows::new(Kind::Bf16, context),
            middle: Rows::new(w.rows, w.intermediate),
            raw_middle: Rows::new(Kind::Bf16, w.intermediate),
            sum: Rows::new(Kind::F32, w.hidden),
            narrow: Rows::new(w.rows, w.bottleneck),
            raw_narrow: Rows::new(Kind::Bf16, w.bottleneck),
            attention: Attention::new(w.attention, w.rough, w.heads, dim),
            room: block_room(),
        }
    }

    /// Makes room for a group.
    pub fn grow(&mut self, w: &Widths, rows: usize) {
        for r in [&mut self.x, &mut self.qkv, &mut self.context, &mut self.middle] {
            r.grow(rows);
        }
        if w.bottleneck > 0 {
            for r in [&mut self.sum, &mut self.narrow, &mut self.raw_narrow] {
                r.grow(rows);
            }
        }
        if w.rows != Kind::F32 {
            self.a.grow(rows);
        }
        if w.kind == Kind::I8 {
            self.raw_context.grow(rows);
            self.raw_middle.grow(rows);
        }
    }
}

/// Tiles set up for as long as this lives.
struct Entered<'a>(&'a Kernels);

impl<'a> Entered<'a> {
    fn new(k: &'a Kernels) -> Entered<'a> {
        // SAFETY: a table is only handed out where the processor has its instruction set.
        unsafe { (k.enter)() };
        Entered(k)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `new`, on the same thread.
        unsafe { (self.0.leave)() };
    }
}

/// Takes the embedded sequences in `s.x` through norm and layers; `spans` says which rows are which sequence.
pub(super) fn pass(
    k: &Kernels,
    w: &Widths,
    first: &Normaliser,
    layers: &[Layer],
    s: &mut Scratch,
    spans: &[Range<usize>],
) {
    let rows = spans.last().map_or(0, |s| s.end);
    let _entered = Entered::new(k);
    normalise(k, w, first, s, rows);
    for layer in layers {
        let a = if w.rows == Kind::F32 { &s.x } else { &s.a };
        // SAFETY: every target below was grown to `rows` rows, and its width covers the panels' columns; `_entered`
        // holds for all of this function.
        unsafe {
            let goal = Goal { bias: &layer.qkv.bias, act: Act::None, out: s.qkv.out() };
            multiply(k, a, rows, &layer.qkv.panels, &mut s.room, &goal);
            let quantised = w.kind == Kind::I8;
            let context = if quantised { &mut s.raw_context } else { &mut s.context };
            let out = context.out();
            for span in spans {
                s.attention.run(k, &s.qkv, span.clone(), out);
            }
            if quantised {
                encode(k, &mut s.raw_context, rows, w.hidden, &mut s.context);
            }
            let residual = Out::Add(s.x.data.mut_ptr().cast(), s.x.stride / 4);
            let goal = Goal { bias: &layer.output.bias, act: Act::None, out: residual };
            multiply(k, &s.context, rows, &layer.output.panels, &mut s.room, &goal);
        }
        normalise(k, w, &layer.after_attention, s, rows);
        let a = if w.rows == Kind::F32 { &s.x } else { &s.a };
        // SAFETY: as above.
        unsafe {
            let middle = if w.kind == Kind::I8 { &mut s.raw_middle } else { &mut s.middle };
            let goal = Goal { bias: &layer.up.bias, act: w.act, out: middle.out() };
            multiply(k, a, rows, &layer.up.panels, &mut s.room, &goal);
            if w.kind == Kind::I8 {
                encode(k, &mut s.raw_middle, rows, w.intermediate, &mut s.middle);
            }
            let residual = Out::Add(s.x.data.mut_ptr().cast(), s.x.stride / 4);
            let goal = Goal { bias: &layer.down.bias, act: Act::None, out: residual };
            multiply(k, &s.middle, rows, &layer.down.panels, &mut s.room, &goal);
        }
        if let Some(adapter) = &layer.adapter {
            adapt(k, w, adapter, &layer.after_feed, s, rows);
        }
        normalise(k, w, &layer.after_feed, s, rows);
    }
}

/// Adds to the sum in `s.x` what the adapter makes of its norm.
fn adapt(k: &Kernels, w: &Widths, adapter: &Adapter, norm: &Normaliser, s: &mut Scratch, rows: usize) {
    for r in 0..rows {
        s.sum.row_mut(r, w.hidden).copy_from_slice(s.x.row(r, w.hidden));
    }
    normalise(k, w, norm, s, rows);
    let a = if w.rows == Kind::F32 { &s.x } else { &s.a };
    // SAFETY: as in `pass`, which calls this between enter and leave; the sum has the stride of x.
    unsafe {
        let narrow = if w.kind == Kind::I8 { &mut s.raw_narrow } else { &mut s.narrow };
        let goal = Goal { bias: &adapter.down.bias, act: adapter.act, out: narrow.out() };
        multiply(k, a, rows, &adapter.down.panels, &mut s.room, &goal);
        if w.kind == Kind::I8 {
            encode(k, &mut s.raw_narrow, rows, w.bottleneck, &mut s.narrow);
        }
        let add = Out::Add(s.sum.data.mut_ptr().cast(), s.sum.stride / 4);
        let goal = Goal { bias: &adapter.up.bias, act: Act::None, out: add };
        multiply(k, &s.narrow, rows, &adapter.up.panels, &mut s.room, &goal);
    }
    std::mem::swap(&mut s.x, &mut s.sum);
}

fn normalise(k: &Kernels, w: &Widths, n: &Normaliser, s: &mut Scratch, rows: usize) {
    let out = if w.rows == Kind::F32 { None } else { Some(s.a.out()) };
    // SAFETY: x and a were grown to `rows` rows of the hidden width, the gains are padded to whole panels.
    unsafe {
        (k.norm)(&Norm {
            x: s.x.data.mut_ptr().cast(),
            narrow: false,
            stride: s.x.stride / 4,
            rows,
            width: w.hidden,
            gain: n.gain.as_ptr(),
            shift: n.shift.as_ptr(),
            eps: w.eps,
            out,
        });
    }
}

/// Rows of bf16 as the int8 left side of a product.
fn encode(k: &Kernels, from: &mut Rows, rows: usize, width: usize, to: &mut Rows) {
    // SAFETY: both were grown to `rows` rows of this width.
    unsafe {
        (k.norm)(&Norm {
            x: from.data.mut_ptr().cast(),
            narrow: true,
            stride: from.stride / 2,
            rows,
            width,
            gain: std::ptr::null(),
            shift: std::ptr::null(),
            eps: 0.0,
            out: Some(to.out()),
        });
    }
}
