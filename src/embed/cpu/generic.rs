//! The inner loops around the products, written over [`Lanes`]. Everything here is inlined into wrappers that carry the
//! target features.

use super::kernels::{Act, Finish, How, Norm, Out, Pack, Softmax};
use super::lanes::Lanes;
use super::panels::PANEL;

/// Normal distribution function below zero, times e^(x^2/2), as a polynomial in 1 / (1 + 0.35 x); with the rounding the
/// GELU from it is good to 2.4e-7.
const TAIL: [f32; 6] = [-0.000_724_472_1, 0.141_695_8, 0.155_136_15, 0.031_271_543, 0.269_228_2, -0.096_611_954];
/// The same function itself on [0, 4] as a polynomial in x, zero at 4: good to 1.4e-4 times x.
const TAIL_ROUGH: [f32; 8] = [
    0.497_354_98,
    -0.373_967_5,
    -0.075_274_98,
    0.170_614_14,
    -0.073_352_29,
    0.014_451_526,
    -0.001_322_935,
    4.163_661_7e-5,
];

#[inline(always)]
unsafe fn polynomial<V: Lanes, const K: usize>(c: &[f32; K], x: V::F) -> V::F {
    // SAFETY: arithmetic only; the caller vouches for the features.
    unsafe {
        let mut p = V::splat(c[K - 1]);
        for k in (0..K - 1).rev() {
            p = V::fma(p, x, V::splat(c[k]));
        }
        p
    }
}

#[inline(always)]
unsafe fn activate<V: Lanes>(act: Act, x: V::F) -> V::F {
    // SAFETY: arithmetic only; the caller vouches for the features.
    unsafe {
        let zero = V::splat(0.0);
        match act {
            Act::None => x,
            Act::Relu => V::max(x, zero),
            Act::Gelu => {
                let a = V::abs(x);
                let t = V::div(V::splat(1.0), V::fma(a, V::splat(0.35), V::splat(1.0)));
                let e = V::exp2::<false>(V::mul(V::mul(a, a), V::splat(-0.5 * std::f32::consts::LOG2_E)));
                V::sub(V::max(x, zero), V::mul(V::mul(a, e), polynomial::<V, 6>(&TAIL, t)))
            }
            Act::GeluRough => {
                let a = V::abs(x);
                let p = polynomial::<V, 8>(&TAIL_ROUGH, V::min(a, V::splat(4.0)));
                V::sub(V::max(x, zero), V::mul(a, p))
            }
            Act::GeluTanh => {
                // x (1 + tanh u) / 2 = x / (1 + e^(-2u)); the bound keeps e^(-2u) finite.
                const K: f32 = -2.0 * 0.797_884_6 * std::f32::consts::LOG2_E;
                let u = V::mul(x, V::fma(V::mul(x, x), V::splat(0.044_715 * K), V::splat(K)));
                let e = V::exp2::<false>(V::min(u, V::splat(126.0)));
                V::div(x, V::add(V::splat(1.0), e))
            }
        }
    }
}

/// Writes one register to its place. `at` counts numbers from the start of the row.
#[inline(always)]
unsafe fn put<V: Lanes>(out: Out, row: usize, at: usize, x: V::F) {
    // SAFETY: the caller's `Out` has room for this row and column.
    unsafe {
        match out {
            Out::F32(p, stride) => V::store(p.add(row * stride + at), x),
            Out::Add(p, stride) => {
                let p = p.add(row * stride + at);
                V::store(p, V::add(V::load(p), x));
            }
            Out::Bf16(p, stride) => V::store_bf16(p.add(row * stride + at), x),
            Out::Split(p, stride, low) => {
                let p = p.add(row * stride + at);
                V::store_bf16(p, x);
                V::store_bf16(p.add(low), V::sub(x, V::load_bf16(p)));
            }
            Out::I8(p, stride, _) => V::store_i8(p.add(row * stride + at), x),
            Out::I16(p, stride, _) => V::store_i16(p.add(row * stride + at), x),
        }
    }
}

#[inline(always)]
pub(super) unsafe fn finish<V: Lanes>(f: &Finish, from: usize, to: usize) {
    // One compiled loop for each pair that occurs, so that nothing is decided inside.
    // SAFETY: the argument is handed on as it came.
    unsafe {
        match (f.act, f.out) {
            (Act::None, Out::Add(..)) => finish_rows::<V>(f, from, to, Act::None, f.out),
            (Act::None, Out::Bf16(..)) => finish_rows::<V>(f, from, to, Act::None, f.out),
            (Act::None, Out::F32(..)) => finish_rows::<V>(f, from, to, Act::None, f.out),
            (Act::GeluRough, Out::Bf16(..)) => finish_rows::<V>(f, from, to, Act::GeluRough, f.out),
            (Act::GeluRough, Out::F32(..)) => finish_rows::<V>(f, from, to, Act::GeluRough, f.out),
            (act, out) => finish_rows::<V>(f, from, to, act, out),
        }
    }
}

#[inline(always)]
unsafe fn finish_rows<V: Lanes>(f: &Finish, from: usize, to: usize, act: Act, out: Out) {
    // SAFETY: handed on as it came; which pointers are null decides which loop may run.
    unsafe {
        match (f.integer, f.row_scales.is_null()) {
            (true, _) => finish_loop::<V, true, true>(f, from, to, act, out),
            (false, false) => finish_loop::<V, false, true>(f, from, to, act, out),
            (false, true) => finish_loop::<V, false, false>(f, from, to, act, out),
        }
    }
}

#[inline(always)]
unsafe fn finish_loop<V: Lanes, const INTEGER: bool, const SCALED: bool>(
    f: &Finish,
    from: usize,
    to: usize,
    act: Act,
    out: Out,
) {
    // SAFETY: the argument's pointers are good for its rows and columns, the scales and the bias for its columns.
    unsafe {
        let mut j = 0;
        while j < f.columns {
            let bias = if f.bias.is_null() { V::splat(0.0) } else { V::load(f.bias.add(j)) };
            let column = if INTEGER { V::load(f.column_scales.add(j)) } else { bias };
            for r in from..to {
                let c = f.c.add(r * f.c_stride + j);
                let mut x = if INTEGER { V::to_f32(V::words(c.cast())) } else { V::load(c) };
                if SCALED {
                    x = V::mul(x, V::splat(*f.row_scales.add(r)));
                }
                x = if INTEGER { V::fma(x, column, bias) } else { V::add(x, bias) };
                put::<V>(out, r, j, activate::<V>(act, x));
            }
            j += V::N;
        }
    }
}

#[inline(always)]
pub(super) unsafe fn softmax<V: Lanes>(s: &Softmax) {
    let wide = s.keys.next_multiple_of(32);
    // SAFETY: the argument's rows have room for `wide` scores and results.
    unsafe {
        // All rows first: a vector load right after these small stores would have to wait for them.
        for r in 0..s.rows {
            for k in s.keys..wide {
                *s.scores.add(r * s.stride + k) = -1e30;
            }
        }
        match (s.rough, s.out) {
            (true, Out::Bf16(..)) => softmax_rows::<V, true>(s, wide, s.out),
            (false, out) => softmax_rows::<V, false>(s, wide, out),
            (true, out) => softmax_rows::<V, true>(s, wide, out),
        }
    }
}

#[inline(always)]
unsafe fn softmax_rows<V: Lanes, const ROUGH: bool>(s: &Softmax, wide: usize, out: Out) {
    // SAFETY: as in `softmax`; 32 is a multiple of two registers.
    unsafe {
        for r in 0..s.rows {
            let row = s.scores.add(r * s.stride);
            let (mut m0, mut m1) = (V::load(row), V::load(row.add(V::N)));
            let mut j = 2 * V::N;
            while j < wide {
                m0 = V::max(m0, V::load(row.add(j)));
                m1 = V::max(m1, V::load(row.add(j + V::N)));
                j += 2 * V::N;
            }
            let top = V::splat(V::top(V::max(m0, m1)));
            let (mut s0, mut s1) = (V::splat(0.0), V::splat(0.0));
            j = 0;
            while j < wide {
                let e0 = V::exp2::<ROUGH>(V::sub(V::load(row.add(j)), top));
                let e1 = V::exp2::<ROUGH>(V::sub(V::load(row.add(j + V::N)), top));
                s0 = V::add(s0, e0);
                s1 = V::add(s1, e1);
                put::<V>(out, r, j, e0);
                put::<V>(out, r, j + V::N, e1);
                j += 2 * V::N;
            }
            *s.inverse.add(r) = 1.0 / V::sum(V::add(s0, s1));
        }
    }
}

#[inline(always)]
pub(super) unsafe fn norm<V: Lanes>(n: &Norm) {
    // SAFETY: the argument is handed on as it came.
    unsafe { if n.narrow { norm_rows::<V, true>(n) } else { norm_rows::<V, false>(n) } }
}

#[inline(always)]
unsafe fn norm_rows<V: Lanes, const NARROW: bool>(n: &Norm) {
    let wide = n.width.next_multiple_of(PANEL);
    // SAFETY: the rows, the gains and shifts have room for `wide` numbers, those past the width being zero.
    unsafe {
        for r in 0..n.rows {
            let x = if NARROW { n.x.cast::<u16>().add(r * n.stride).cast() } else { n.x.add(r * n.stride) };
            if !NARROW && !n.gain.is_null() {
                let sum = across::<V>(wide, |acc, j| V::add(acc, V::load(x.add(j))), |a, b| V::add(a, b));
                let mean = V::sum(sum) / n.width as f32;
                let centre = V::splat(mean);
                let square = |acc, j| {
                    let d = V::sub(V::load(x.add(j)), centre);
                    V::fma(d, d, acc)
                };
                // The zeros past the width must not stand in the sum: taken off afterwards they would leave their
                // rounding.
                let whole = n.width / PANEL * PANEL;
                let mut squares = V::sum(across::<V>(whole, square, |a, b| V::add(a, b)));
                for j in whole..n.width {
                    let d = *x.add(j) - mean;
                    squares += d * d;
                }
                let variance = squares / n.width as f32;
                let scale = V::splat(1.0 / (variance + n.eps).sqrt());
                let mut j = 0;
                while j < wide {
                    let d = V::mul(V::sub(V::load(x.add(j)), centre), scale);
                    V::store(x.add(j), V::fma(d, V::load(n.gain.add(j)), V::load(n.shift.add(j))));
                    j += V::N;
                }
            }
            match n.out {
                Some(Out::I8(_, _, scales) | Out::I16(_, _, scales)) => {
                    let greater = |acc, j| V::max(acc, V::abs(source::<V, NARROW>(x, j)));
                    let top = V::top(across::<V>(wide, greater, |a, b| V::max(a, b)));
                    let (scale, inverse) = if top > 0.0 { (top / 127.0, 127.0 / top) } else { (0.0, 0.0) };
                    *scales.add(r) = scale;
                    let inverse = V::splat(inverse);
                    encode::<V, NARROW>(n.out, r, x, wide, |y| V::mul(y, inverse));
                }
                Some(_) => encode::<V, NARROW>(n.out, r, x, wide, |y| y),
                None => {}
            }
        }
    }
}

/// Takes a row into one register, by way of four so that no step waits for the last.
#[inline(always)]
unsafe fn across<V: Lanes>(wide: usize, take: impl Fn(V::F, usize) -> V::F, join: impl Fn(V::F, V::F) -> V::F) -> V::F {
    // SAFETY: arithmetic only; the caller vouches for the features, and for what `take` reads below `wide`.
    let mut acc = [unsafe { V::splat(0.0) }; 4];
    let mut j = 0;
    while j + 4 * V::N <= wide {
        for (i, a) in acc.iter_mut().enumerate() {
            *a = take(*a, j + i * V::N);
        }
        j += 4 * V::N;
    }
    while j < wide {
        acc[0] = take(acc[0], j);
        j += V::N;
    }
    join(join(acc[0], acc[1]), join(acc[2], acc[3]))
}

#[inline(always)]
unsafe fn source<V: Lanes, const NARROW: bool>(x: *const f32, j: usize) -> V::F {
    // SAFETY: within the row, as the caller counts.
    unsafe { if NARROW { V::load_bf16(x.cast::<u16>().add(j)) } else { V::load(x.add(j)) } }
}

#[inline(always)]
unsafe fn encode<V: Lanes, const NARROW: bool>(
    out: Option<Out>,
    r: usize,
    x: *const f32,
    wide: usize,
    f: impl Fn(V::F) -> V::F,
) {
    if let Some(out) = out {
        let mut j = 0;
        while j < wide {
            // SAFETY: within the row, as the caller counts.
            unsafe { put::<V>(out, r, j, f(source::<V, NARROW>(x, j))) };
            j += V::N;
        }
    }
}

#[inline(always)]
pub(super) unsafe fn pack<V: Lanes>(p: &Pack) {
    // SAFETY: the argument's rows and lines are there.
    unsafe {
        match p.how {
            How::Transpose => {
                let mut w = 0;
                while w < p.width {
                    V::transpose(p.from.add(w), p.stride, p.to.add(w * PANEL));
                    w += 16;
                }
            }
            How::Zip => {
                let zeros = [0u16; PANEL];
                for l in 0..p.rows.div_ceil(2) {
                    let even = p.from.add(2 * l * p.stride).cast::<u16>();
                    let odd =
                        if 2 * l + 1 < p.rows { p.from.add((2 * l + 1) * p.stride).cast() } else { zeros.as_ptr() };
                    let mut c = 0;
                    while c < PANEL {
                        V::store_words(p.to.add(l * PANEL + c), V::zip(even.add(c), odd.add(c)));
                        c += V::N;
                    }
                }
            }
        }
    }
}
