//! The architectures as their papers have them, in f64, one text at a time: slow, short, and written without a look at
//! what is checked.

use std::collections::HashMap;

use candle_core::Tensor;

/// A vector for each token.
pub type Rows = Vec<Vec<f64>>;

/// Tensors by name: their shape, and their numbers.
pub struct Tensors(HashMap<String, (Vec<usize>, Vec<f64>)>);

impl Tensors {
    pub fn new(tensors: &HashMap<String, Tensor>) -> Self {
        let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let plain = |t: &Tensor| (t.dims().to_vec(), numbers(t).into_iter().map(f64::from).collect());
        Tensors(tensors.iter().map(|(name, t)| (name.clone(), plain(t))).collect())
    }

    fn row(&self, table: &str, k: usize) -> &[f64] {
        let (shape, numbers) = &self.0[table];
        &numbers[k * shape[1]..(k + 1) * shape[1]]
    }

    fn linear(&self, x: &Rows, name: &str) -> Rows {
        let outputs = self.0[&format!("{name}.weight")].0[0];
        let bias = self.0.get(&format!("{name}.bias"));
        let one = |x: &Vec<f64>, o| dot(self.row(&format!("{name}.weight"), o), x) + bias.map_or(0.0, |b| b.1[o]);
        x.iter().map(|x| (0..outputs).map(|o| one(x, o)).collect()).collect()
    }

    fn norm(&self, x: &Rows, name: &str, eps: f64) -> Rows {
        let gain = &self.0[&format!("{name}.weight")].1;
        let shift = self.0.get(&format!("{name}.bias"));
        let one = |x: &Vec<f64>| {
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
            let scaled = |(i, x): (usize, &f64)| (x - mean) / (variance + eps).sqrt() * gain[i];
            x.iter().enumerate().map(|(i, v)| scaled((i, v)) + shift.map_or(0.0, |s| s.1[i])).collect()
        };
        x.iter().map(one).collect()
    }

    /// The sum of some tables' rows for each token.
    fn embed(&self, ids: &[u32], word: &str, others: impl Fn(usize) -> Vec<(String, usize)>) -> Rows {
        let mut x: Rows = ids.iter().map(|&id| self.row(word, id as usize).to_vec()).collect();
        for (position, x) in x.iter_mut().enumerate() {
            for (table, k) in others(position) {
                *x = x.iter().zip(self.row(&table, k)).map(|(a, b)| a + b).collect();
            }
        }
        x
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn both(a: &Rows, b: &Rows, f: impl Fn(f64, f64) -> f64) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()).collect()
}

fn add(a: &Rows, b: &Rows) -> Rows {
    both(a, b, |a, b| a + b)
}

fn each(a: &Rows, f: impl Fn(f64) -> f64) -> Rows {
    a.iter().map(|a| a.iter().map(|&a| f(a)).collect()).collect()
}

/// The `k`-th of `n` equal parts of every row.
fn part(a: &Rows, k: usize, n: usize) -> Rows {
    a.iter().map(|a| a[k * a.len() / n..(k + 1) * a.len() / n].to_vec()).collect()
}

fn gelu(x: f64) -> f64 {
    let z = x / 2f64.sqrt();
    let (mut term, mut sum) = (z, z);
    for n in 1..200 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    // The series loses its digits where the function has long come to rest.
    let erf = if z.abs() > 5.0 { z.signum() } else { sum * 2.0 / std::f64::consts::PI.sqrt() };
    0.5 * x * (1.0 + erf)
}

/// Softmax attention; `bias(head, i, j)` is added to the score, minus infinity hides `j` from `i`.
fn attend(q: &Rows, k: &Rows, v: &Rows, heads: usize, bias: impl Fn(usize, usize, usize) -> f64) -> Rows {
    let (n, width) = (q.len(), q[0].len() / heads);
    let mut out = vec![vec![0.0; width * heads]; n];
    for h in 0..heads {
        let of = |x: &[f64]| x[h * width..(h + 1) * width].to_vec();
        for i in 0..n {
            let score = |j: usize| dot(&of(&q[i]), &of(&k[j])) / (width as f64).sqrt() + bias(h, i, j);
            let weights: Vec<f64> = (0..n).map(|j| score(j).exp()).collect();
            let total: f64 = weights.iter().sum();
            for d in h * width..(h + 1) * width {
                out[i][d] = (0..n).map(|j| weights[j] * v[j][d]).sum::<f64>() / total;
            }
        }
    }
    out
}

/// Rotary positions (<https://arxiv.org/abs/2104.09864>), the pairs half a head apart.
fn turn(x: &Rows, heads: usize, base: f64) -> Rows {
    let width = x[0].len() / heads;
    let mut out = x.clone();
    for (t, (x, out)) in x.iter().zip(&mut out).enumerate() {
        for at in (0..heads).map(|h| h * width) {
            for i in 0..width / 2 {
                let (sin, cos) = (t as f64 / base.powf(2.0 * i as f64 / width as f64)).sin_cos();
                let (a, b) = (x[at + i], x[at + i + width / 2]);
                (out[at + i], out[at + i + width / 2]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }
    }
    out
}

/// Before the layers everything, in them a norm before each half; every third layer sees all, the others a window.
pub fn modern_bert(w: &Tensors, ids: &[u32], layers: usize, heads: usize, window: usize) -> Rows {
    let eps = 1e-5;
    let mut x = w.norm(&w.embed(ids, "embeddings.tok_embeddings.weight", |_| vec![]), "embeddings.norm", eps);
    for l in 0..layers {
        let at = format!("layers.{l}");
        let (base, near) = if l % 3 == 0 { (160_000.0, usize::MAX) } else { (10_000.0, window / 2) };
        let h = if l == 0 { x.clone() } else { w.norm(&x, &format!("{at}.attn_norm"), eps) };
        let qkv = w.linear(&h, &format!("{at}.attn.Wqkv"));
        let [q, k, v] = [0, 1, 2].map(|i| part(&qkv, i, 3));
        let hide = |_, i: usize, j: usize| if i.abs_diff(j) <= near { 0.0 } else { f64::NEG_INFINITY };
        let seen = attend(&turn(&q, heads, base), &turn(&k, heads, base), &v, heads, hide);
        x = add(&x, &w.linear(&seen, &format!("{at}.attn.Wo")));
        let wide = w.linear(&w.norm(&x, &format!("{at}.mlp_norm"), eps), &format!("{at}.mlp.Wi"));
        let gated = both(&each(&part(&wide, 0, 2), gelu), &part(&wide, 1, 2), |a, b| a * b);
        x = add(&x, &w.linear(&gated, &format!("{at}.mlp.Wo")));
    }
    w.norm(&x, "final_norm", eps)
}

/// BERT with rotary positions and SwiGLU.
pub fn nomic(w: &Tensors, ids: &[u32], layers: usize, heads: usize) -> Rows {
    let eps = 1e-12;
    let types = |_| vec![("embeddings.token_type_embeddings.weight".to_string(), 0)];
    let mut x = w.norm(&w.embed(ids, "embeddings.word_embeddings.weight", types), "emb_ln", eps);
    for l in 0..layers {
        let at = format!("encoder.layers.{l}");
        let qkv = w.linear(&x, &format!("{at}.attn.Wqkv"));
        let [q, k, v] = [0, 1, 2].map(|i| part(&qkv, i, 3));
        let seen = attend(&turn(&q, heads, 1000.0), &turn(&k, heads, 1000.0), &v, heads, |_, _, _| 0.0);
        x = w.norm(&add(&x, &w.linear(&seen, &format!("{at}.attn.out_proj"))), &format!("{at}.norm1"), eps);
        let gate = each(&w.linear(&x, &format!("{at}.mlp.fc12")), |g| g / (1.0 + (-g).exp()));
        let gated = both(&w.linear(&x, &format!("{at}.mlp.fc11")), &gate, |a, b| a * b);
        x = w.norm(&add(&x, &w.linear(&gated, &format!("{at}.mlp.fc2"))), &format!("{at}.norm2"), eps);
    }
    x
}

/// What ALiBi (<https://arxiv.org/abs/2108.12409>) takes off a score for each token in between, by head.
fn slopes(heads: usize) -> Vec<f64> {
    let even = |n: usize| (1..=n).map(move |h| 2f64.powf(-8.0 * h as f64 / n as f64));
    let below = 1 << heads.ilog2();
    even(below).chain(even(2 * below).step_by(2)).take(heads).collect()
}

/// BERT without a position table, with ALiBi and GEGLU.
pub fn jina(w: &Tensors, ids: &[u32], layers: usize, heads: usize) -> Rows {
    let eps = 1e-12;
    let types = |_| vec![("embeddings.token_type_embeddings.weight".to_string(), 0)];
    let slopes = slopes(heads);
    let mut x = w.norm(&w.embed(ids, "embeddings.word_embeddings.weight", types), "embeddings.LayerNorm", eps);
    for l in 0..layers {
        let at = format!("encoder.layer.{l}");
        let [q, k, v] = ["query", "key", "value"].map(|n| w.linear(&x, &format!("{at}.attention.self.{n}")));
        let seen = attend(&q, &k, &v, heads, |h, i, j| -slopes[h] * i.abs_diff(j) as f64);
        let seen = w.linear(&seen, &format!("{at}.attention.output.dense"));
        x = w.norm(&add(&x, &seen), &format!("{at}.attention.output.LayerNorm"), eps);
        let wide = w.linear(&x, &format!("{at}.mlp.gated_layers"));
        let gated = both(&each(&part(&wide, 0, 2), gelu), &part(&wide, 1, 2), |a, b| a * b);
        x = w.norm(&add(&x, &w.linear(&gated, &format!("{at}.mlp.wo"))), &format!("{at}.mlp.layernorm"), eps);
    }
    x
}

/// BERT; with an adapter behind each feed-forward half where the tensors hold one (<https://arxiv.org/abs/2005.00247>):
/// it reads the normed sum, and its answer joins the sum before the norm.
pub fn bert(w: &Tensors, ids: &[u32], layers: usize, heads: usize) -> Rows {
    let eps = 1e-12;
    let tables = |p| {
        let name = |t: &str| format!("embeddings.{t}_embeddings.weight");
        vec![(name("position"), p), (name("token_type"), 0)]
    };
    let mut x = w.norm(&w.embed(ids, "embeddings.word_embeddings.weight", tables), "embeddings.LayerNorm", eps);
    for l in 0..layers {
        let at = format!("encoder.layer.{l}");
        let [q, k, v] = ["query", "key", "value"].map(|n| w.linear(&x, &format!("{at}.attention.self.{n}")));
        let seen = w.linear(&attend(&q, &k, &v, heads, |_, _, _| 0.0), &format!("{at}.attention.output.dense"));
        x = w.norm(&add(&x, &seen), &format!("{at}.attention.output.LayerNorm"), eps);
        let fed = each(&w.linear(&x, &format!("{at}.intermediate.dense")), gelu);
        let mut sum = add(&x, &w.linear(&fed, &format!("{at}.output.dense")));
        let adapter = format!("bert.{at}.output.adapters.tiny");
        if w.0.contains_key(&format!("{adapter}.adapter_up.weight")) {
            let normed = w.norm(&sum, &format!("{at}.output.LayerNorm"), eps);
            let narrow = each(&w.linear(&normed, &format!("{adapter}.adapter_down.0")), |x| x.max(0.0));
            sum = add(&sum, &w.linear(&narrow, &format!("{adapter}.adapter_up")));
        }
        x = w.norm(&sum, &format!("{at}.output.LayerNorm"), eps);
    }
    x
}
