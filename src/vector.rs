//! Vector arithmetic shared by ranking, themes and the word index. A dense vector is a slice of numbers. A sparse
//! vector is a list of term numbers and values, sorted by term number, each once. The vector index has faster kernels
//! of its own.

/// The inner product, written in lanes that the compiler keeps in vector registers.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, b_lanes) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0f32; 16];
    for (x, y) in a_lanes.zip(b_lanes) {
        for k in 0..16 {
            lanes[k] += x[k] * y[k];
        }
    }
    rest + lanes.iter().sum::<f32>()
}

/// Adds `share` times `x` to `sum`.
pub fn add(sum: &mut [f32], share: f32, x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(s, x)| *s += share * x);
}

/// The inner product of two sparse vectors.
pub fn sparse_dot(a: &[(u32, f32)], b: &[(u32, f32)]) -> f32 {
    // The loop runs over the shorter one: a paper has a hundred terms, a model thousands.
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let (mut sum, mut rest) = (0.0, long);
    for &(term, value) in short {
        let at = rest.partition_point(|(t, _)| *t < term);
        rest = &rest[at..];
        match rest.first() {
            Some(&(t, other)) if t == term => sum += value * other,
            Some(_) => {}
            None => break,
        }
    }
    sum
}

/// A sparse vector from term numbers and values in any order; values of the same term are added.
pub fn sparse(mut terms: Vec<(u32, f32)>) -> Vec<(u32, f32)> {
    // A stable sort, so that sums are the same in every run.
    terms.sort_by_key(|(t, _)| *t);
    terms.dedup_by(|next, first| {
        let same = next.0 == first.0;
        if same {
            first.1 += next.1;
        }
        same
    });
    terms
}
