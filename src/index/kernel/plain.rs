//! The products as plain loops: the meaning that the others are held to.

/// See [`super::Kernel::products`].
pub fn products(query: &[i8], codes: &[u8], places: &[u32], out: &mut [i32]) {
    let stride = query.len();
    let shift = 128 * query.iter().map(|q| i32::from(*q)).sum::<i32>();
    for (place, out) in places.iter().zip(out) {
        let at = *place as usize * stride;
        *out = match codes.get(at..at + stride) {
            Some(record) => query.iter().zip(record).map(|(q, c)| i32::from(*q) * i32::from(*c)).sum::<i32>() - shift,
            None => 0,
        };
    }
}

/// See [`super::Kernel::f32`]. In 16 independent lanes, so that the compiler can use vector registers.
pub fn f32(a: &[f32], b: &[f32]) -> f32 {
    lanes(a.chunks_exact(16), b.chunks_exact(16), |x| x)
}

/// See [`super::Kernel::f16`].
pub fn f16(a: &[f32], b: &[u16]) -> f32 {
    lanes(a.chunks_exact(16), b.chunks_exact(16), |x| half::f16::from_bits(x).to_f32())
}

fn lanes<T: Copy>(
    a: std::slice::ChunksExact<'_, f32>,
    b: std::slice::ChunksExact<'_, T>,
    number: impl Fn(T) -> f32,
) -> f32 {
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * number(*y)).sum();
    let mut sums = [0f32; 16];
    for (x, y) in a.zip(b) {
        for k in 0..16 {
            sums[k] += x[k] * number(y[k]);
        }
    }
    rest + sums.iter().sum::<f32>()
}
