//! Every kernel against plain arithmetic in f64 over odd shapes, and whole passes against the plain instruction set.

use super::attention::Attention;
use super::buffer::{Kind, Rows};
use super::kernels::{Act, Kernels, Norm, Out, table};
use super::panels::{PANEL, Panels, from_bf16, to_bf16};
use super::product::{Goal, block_room, multiply};
use super::*;
use crate::embed::bert_family::Bottleneck;
use proptest::prelude::*;

/// Numbers like a model's, from a seed.
struct Dice(fastrand::Rng);

impl Dice {
    fn next(&mut self) -> f32 {
        (0..3).map(|_| self.0.f32() - 0.5).sum::<f32>() * 2.0
    }
    fn many(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| self.next() * scale).collect()
    }
}

fn tables() -> Vec<(Isa, &'static Kernels)> {
    Isa::known().into_iter().filter_map(|i| Some((i, table(i)?))).collect()
}

/// What a kind makes of a number, for f64 references.
fn rounded(kind: Kind, x: f32) -> f64 {
    if kind == Kind::Bf16 { from_bf16(to_bf16(x)).into() } else { x.into() }
}

/// Encodes rows through the kernels of a table.
fn encoded(k: &Kernels, kind: Kind, values: &[f32], width: usize) -> Rows {
    let rows = values.len() / width;
    let (mut from, mut to) = (Rows::new(Kind::F32, width), Rows::new(kind, width));
    from.grow(rows);
    to.grow(rows);
    for (r, v) in values.chunks(width).enumerate() {
        from.row_mut(r, width).copy_from_slice(v);
    }
    let norm = Norm {
        x: from.data.mut_ptr().cast(),
        narrow: false,
        stride: from.stride / 4,
        rows,
        width,
        gain: std::ptr::null(),
        shift: std::ptr::null(),
        eps: 0.0,
        out: Some(to.out()),
    };
    // SAFETY: both hold `rows` rows of that width; the table is one this machine runs.
    unsafe { (k.norm)(&norm) };
    to
}

/// The error function by its series, in f64; enough for |x| < 6.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-18 && n < 400.0 {
        n += 1.0;
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + if x.abs() > 5.5 { x.signum() } else { erf(x / 2f64.sqrt()) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_agree_with_f64(rows in 1usize..70, depth in 1usize..150, columns in 1usize..120, seed: u64) {
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let (a, w, bias) = (dice.many(rows * depth, 1.0), dice.many(columns * depth, 0.3), dice.many(columns, 1.0));
        for (isa, k) in tables() {
            for (kind, rows_kind) in [(k.wide, k.wide), (Kind::Bf16, k.half), (Kind::I8, k.byte)] {
                let left = encoded(k, rows_kind, &a, depth);
                let panels = Panels::pack(kind, &w, columns, depth);
                let mut long = bias.clone();
                long.resize(panels.panels * PANEL, 0.0);
                let mut out = Rows::new(Kind::F32, columns);
                out.grow(rows);
                let goal = Goal { bias: &long, act: Act::None, out: out.out() };
                // SAFETY: `out` has the rows and columns; enter and leave surround the product on this thread.
                unsafe {
                    (k.enter)();
                    multiply(k, &left, rows, &panels, &mut block_room(), &goal);
                    (k.leave)();
                }
                let bound = match kind { Kind::F32 => 2e-5, Kind::Split => 1e-4, Kind::Bf16 => 1e-4, _ => 0.02 } * (depth as f64).sqrt();
                for r in 0..rows {
                    for c in 0..columns {
                        let exact: f64 = (0..depth).map(|i| rounded(rows_kind, a[r * depth + i]) * rounded(kind, w[c * depth + i])).sum::<f64>() + f64::from(bias[c]);
                        let got = f64::from(out.row(r, columns)[c]);
                        prop_assert!((got - exact).abs() < bound, "{isa} {kind:?} {r},{c}: {got} for {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn int8_products_are_the_same_everywhere(rows in 1usize..40, depth in 1usize..300, columns in 1usize..70, seed: u64) {
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let (a, w) = (dice.many(rows * depth, 1.0), dice.many(columns * depth, 0.3));
        let panels = Panels::pack(Kind::I8, &w, columns, depth);
        let bias = vec![0.0; panels.panels * PANEL];
        let mut first: Option<Vec<f32>> = None;
        for (isa, k) in tables() {
            let left = encoded(k, k.byte, &a, depth);
            let mut out = Rows::new(Kind::F32, columns);
            out.grow(rows);
            // SAFETY: as above.
            unsafe {
                (k.enter)();
                multiply(k, &left, rows, &panels, &mut block_room(), &Goal { bias: &bias, act: Act::None, out: out.out() });
                (k.leave)();
            }
            let got: Vec<f32> = (0..rows).flat_map(|r| out.row(r, columns).to_vec()).collect();
            match &first {
                None => first = Some(got),
                Some(f) => prop_assert!(f == &got, "{isa} differs"),
            }
        }
    }

    #[test]
    fn attention_agrees_with_f64(len in 1usize..100, before in 0usize..5, heads in 1usize..4, half in 1usize..20, seed: u64) {
        let dim = 2 * half;
        let hidden = heads * dim;
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let qkv = dice.many((before + len) * 3 * hidden, 1.0);
        for (isa, k) in tables() {
            for kind in [k.wide, k.half] {
                let left = encoded(k, kind, &qkv, 3 * hidden);
                let mut out = Rows::new(Kind::F32, hidden + PANEL);
                out.grow(before + len);
                let mut attention = Attention::new(kind, kind == Kind::Bf16, heads, dim);
                // A longer sequence first: what it leaves behind must not matter.
                // SAFETY: `out` has the rows and heads; enter and leave surround the products.
                unsafe {
                    (k.enter)();
                    attention.run(k, &left, 0..before + len, out.out());
                    attention.run(k, &left, before..before + len, out.out());
                    (k.leave)();
                }
                let at = |r: usize, c: usize| rounded(kind, qkv[(before + r) * 3 * hidden + c]);
                let bound = if kind == Kind::Bf16 { 0.02 } else { 2e-4 };
                for h in 0..heads {
                    for q in 0..len {
                        let scores: Vec<f64> = (0..len).map(|j| (0..dim).map(|d| at(q, h * dim + d) * at(j, hidden + h * dim + d)).sum::<f64>().exp2()).collect();
                        let total: f64 = scores.iter().sum();
                        for d in 0..dim {
                            let exact = scores.iter().enumerate().map(|(j, s)| s * at(j, 2 * hidden + h * dim + d)).sum::<f64>() / total;
                            let got = f64::from(out.row(before + q, hidden)[h * dim + d]);
                            prop_assert!((got - exact).abs() < bound, "{isa} {kind:?} head {h} query {q} {d}: {got} for {exact}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn norms_agree_with_f64(rows in 1usize..5, width in 1usize..100, offset in -20f32..20.0, seed: u64) {
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let x: Vec<f32> = dice.many(rows * width, 2.0).into_iter().map(|x| x + offset).collect();
        let wide = width.next_multiple_of(PANEL);
        let (mut gain, mut shift) = (dice.many(width, 1.0), dice.many(width, 1.0));
        gain.resize(wide, 0.0);
        shift.resize(wide, 0.0);
        for (isa, k) in tables() {
            let mut rows_of = Rows::new(Kind::F32, width);
            rows_of.grow(rows);
            let mut bytes = Rows::new(k.byte, width);
            bytes.grow(rows);
            for (r, v) in x.chunks(width).enumerate() {
                rows_of.row_mut(r, width).copy_from_slice(v);
            }
            // SAFETY: all have the rows and the width rounded up.
            unsafe {
                (k.norm)(&Norm {
                    x: rows_of.data.mut_ptr().cast(), narrow: false, stride: rows_of.stride / 4, rows, width,
                    gain: gain.as_ptr(), shift: shift.as_ptr(), eps: 1e-5, out: Some(bytes.out()),
                });
            }
            for (r, v) in x.chunks(width).enumerate() {
                let mean = v.iter().map(|x| f64::from(*x)).sum::<f64>() / width as f64;
                let variance = v.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / width as f64;
                for c in 0..width {
                    let exact = (f64::from(v[c]) - mean) / (variance + 1e-5).sqrt() * f64::from(gain[c]) + f64::from(shift[c]);
                    let got = f64::from(rows_of.row(r, width)[c]);
                    prop_assert!((got - exact).abs() < 2e-3, "{isa} {r},{c}: {got} for {exact}");
                }
                for c in width..wide {
                    prop_assert_eq!(rows_of.row(r, wide)[c], 0.0);
                }
                let top = rows_of.row(r, width).iter().fold(0f32, |m, x| m.max(x.abs()));
                prop_assert!((bytes.scales[r] - top / 127.0).abs() <= top * 1e-6);
            }
        }
    }

    #[test]
    fn whole_passes_agree_with_the_plain_ones(head in 1usize..9, heads in 1usize..4, extra in 1usize..60, lengths in prop::collection::vec(1usize..50, 1..6), act in 0usize..3, adapter: bool, seed: u64) {
        let shape = BertShape {
            hidden: 2 * head * heads, layers: 2, heads, intermediate: extra, vocab: 40, positions: 64, types: 2, eps: 1e-12,
            activation: [Activation::Gelu, Activation::GeluTanh, Activation::Relu][act],
            adapter: adapter.then_some(Bottleneck { width: extra, activation: Activation::Relu }),
        };
        let texts = texts(&lengths, seed);
        let views: Vec<&[u32]> = texts.iter().map(|t| &t[..]).collect();
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            let plain = model(shape, precision, Isa::Plain, seed).forward(&views, 1).unwrap();
            for (isa, _) in tables() {
                let m = model(shape, precision, isa, seed);
                let got = m.forward(&views, 1).unwrap();
                prop_assert_eq!(&got, &m.forward(&views, 3).unwrap(), "threads change nothing");
                for (i, text) in views.iter().enumerate() {
                    prop_assert_eq!(&got[i], &m.forward(&[text], 1).unwrap()[0], "{} {:?}: mates change nothing", isa, precision);
                    // Sums in another order round to other halves of a bit, which models of a few numbers make much of: of some
                    // thousands of them in bf16 one number was 0.04 off, and one whole vector 0.11.
                    let (bound, apart) = match precision { Precision::F32 => (1e-3, 1e-3), Precision::Bf16 => (0.08, 0.25), _ => (0.1, 0.4) };
                    for (x, y) in got[i].iter().zip(&plain[i]) {
                        prop_assert!((x - y).abs() < bound, "{isa} {precision:?} text {i}: {x} for {y}");
                    }
                    let squares: f32 = got[i].iter().zip(&plain[i]).map(|(x, y)| (x - y).powi(2)).sum();
                    prop_assert!(squares.sqrt() < apart, "{isa} {precision:?} text {i}: {} apart", squares.sqrt());
                }
            }
        }
    }
}

fn texts(lengths: &[usize], seed: u64) -> Vec<Vec<u32>> {
    let mut dice = Dice(fastrand::Rng::with_seed(seed ^ 7));
    lengths.iter().map(|n| (0..*n).map(|_| (dice.next().abs() * 1e4) as u32 % 40).collect()).collect()
}

fn model(shape: BertShape, precision: Precision, isa: Isa, seed: u64) -> CpuBert {
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let BertShape { hidden: h, intermediate: f, .. } = shape;
    let mut source = |name: &str| {
        Ok(match name {
            n if n.contains("word_emb") => dice.many(shape.vocab * h, 1.0),
            n if n.contains("position_emb") => dice.many(shape.positions * h, 0.5),
            n if n.contains("token_type") => dice.many(shape.types * h, 0.5),
            n if n.ends_with("Norm.weight") => dice.many(h, 0.1).iter().map(|x| x + 1.0).collect(),
            n if n.ends_with("intermediate.dense.bias") || n.ends_with("adapter.down.bias") => dice.many(f, 0.2),
            n if n.contains("adapter") && n.ends_with("weight") => dice.many(h * f, 0.3),
            n if n.ends_with("bias") => dice.many(h, 0.2),
            n if n.contains("intermediate") || n.ends_with("output.dense.weight") && !n.contains("attention") => {
                dice.many(h * f, 0.3)
            }
            _ => dice.many(h * h, 0.3),
        })
    };
    CpuBert::load(shape, &mut source, Pooling::Mean, precision, isa).unwrap()
}

#[test]
fn activations_agree_with_f64() {
    let x: Vec<f32> = (-8000..8000).map(|i| i as f32 / 1000.0).collect();
    for (isa, k) in tables() {
        for (act, bound) in [(Act::Gelu, 1e-6), (Act::GeluRough, 3e-4), (Act::GeluTanh, 1e-6), (Act::Relu, 0.0)] {
            let mut got = vec![0f32; x.len()];
            let finish = super::kernels::Finish {
                c: x.as_ptr(),
                c_stride: x.len(),
                rows: 1,
                columns: x.len(),
                integer: false,
                row_scales: std::ptr::null(),
                column_scales: std::ptr::null(),
                bias: std::ptr::null(),
                act,
                out: Out::F32(got.as_mut_ptr(), x.len()),
            };
            // SAFETY: one row of 16,000 numbers, a multiple of 16.
            unsafe { (k.finish)(&finish, 0, 1) };
            for (x, got) in x.iter().zip(&got) {
                let x = f64::from(*x);
                let exact = match act {
                    Act::Relu => x.max(0.0),
                    Act::GeluTanh => {
                        0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
                    }
                    _ => gelu(x),
                };
                assert!((f64::from(*got) - exact).abs() <= bound, "{isa} {act:?} at {x}: {got} for {exact}");
            }
        }
    }
}

#[test]
fn wrong_input_is_told() {
    let shape = BertShape {
        hidden: 8,
        layers: 1,
        heads: 2,
        intermediate: 8,
        vocab: 40,
        positions: 4,
        types: 1,
        eps: 1e-12,
        activation: Activation::Gelu,
        adapter: None,
    };
    let m = model(shape, Precision::F32, Isa::Plain, 1);
    assert!(m.forward(&[&[]], 1).is_err());
    assert!(m.forward(&[&[1, 2, 3, 4, 5]], 1).is_err());
    assert!(m.forward(&[&[40]], 1).is_err());
    assert_eq!(m.forward(&[], 2).unwrap().len(), 0);
    let mut missing = |name: &str| Err(name.to_string());
    assert!(CpuBert::load(shape, &mut missing, Pooling::Cls, Precision::F32, Isa::Plain).is_err());
}

#[test]
fn groups_cover_all_in_order() {
    let texts = texts(&[5, 30, 1, 70, 8, 8, 8, 8, 120, 3], 1);
    let views: Vec<&[u32]> = texts.iter().map(|t| &t[..]).collect();
    let cut = groups(&views, 40);
    assert_eq!(cut[0].start, 0);
    assert!(cut.windows(2).all(|w| w[0].end == w[1].start) && cut.iter().all(|g| !g.is_empty()));
    assert_eq!(cut.last().unwrap().end, 10);
}
