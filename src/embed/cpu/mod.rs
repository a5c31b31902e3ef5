//! Our own kernels: the fastest way to embed texts on an x86-64 processor, for encoders of BERT's shape.
//!
//! [`CpuBert::load`] packs the weights once for a precision; [`CpuBert::forward`] takes token ids and returns one
//! pooled vector for each sequence, not normalised. Sequences are concatenated without padding. A group of sequences
//! goes through all layers on one thread, and each thread takes the next group when it is free. A sequence's vector
//! does not depend on the others in the batch.

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buffer;
mod generic;
mod isa;
mod kernels;
mod lanes;
mod layers;
mod load;
mod panels;
mod product;
mod release;
#[cfg(test)]
mod tests;
mod tiles;

pub use isa::Isa;
pub use release::release;

use super::bert_family::{Activation, BertShape};
use super::{Pooling, Precision};
use half::slice::HalfFloatSliceExt;
use kernels::Kernels;
use layers::{Layer, Normaliser, Scratch, Widths};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An encoder with its weights packed.
pub struct CpuBert {
    shape: BertShape,
    pooling: Pooling,
    precision: Precision,
    isa: Isa,
    kernels: &'static Kernels,
    widths: Widths,
    /// One row a token of the vocabulary. f16 halves the largest table of a small model at no measurable loss.
    words: Vec<half::f16>,
    /// One row a position, the first type's row added.
    positions: Vec<f32>,
    embedded: Normaliser,
    layers: Vec<Layer>,
    /// Working memory of earlier passes, to use again.
    scratch: Mutex<Vec<Scratch>>,
}

/// Tokens in a group: enough that weights are seldom read from memory, few enough that a group's states stay in the L2
/// cache.
const GROUP: usize = 256;

impl CpuBert {
    /// How its products are taken.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// One vector of `hidden` numbers for each sequence of token ids, in their order, pooled but not normalised.
    /// Sequences hold their special tokens. At most `threads` threads work.
    ///
    /// # Errors
    /// When a sequence is empty, longer than the model's positions, or holds an id beyond the vocabulary.
    pub fn forward(&self, sequences: &[&[u32]], threads: usize) -> Result<Vec<Vec<f32>>, String> {
        for s in sequences {
            if s.is_empty() {
                return Err("an empty sequence has no vector".into());
            }
            if s.len() > self.shape.positions {
                return Err(format!("a sequence of {} tokens, the model reads {}", s.len(), self.shape.positions));
            }
            if let Some(id) = s.iter().find(|id| **id as usize >= self.shape.vocab) {
                return Err(format!("token {id}, the vocabulary ends at {}", self.shape.vocab));
            }
        }
        let total: usize = sequences.iter().map(|s| s.len()).sum();
        let groups = groups(sequences, GROUP.min(total.div_ceil(threads.max(1))).max(32));
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut scratch = self.take();
            let mut done = Vec::new();
            loop {
                let g = next.fetch_add(1, Ordering::Relaxed);
                let Some(group) = groups.get(g) else { break };
                done.push((g, self.group(&mut scratch, &sequences[group.clone()])));
            }
            self.give(scratch);
            done
        };
        let mut done = Vec::new();
        let others = threads.min(groups.len()).saturating_sub(1);
        if others == 0 {
            done = worker();
        } else {
            std::thread::scope(|scope| -> Result<(), String> {
                let spawned: Vec<_> = (0..others).map(|_| scope.spawn(worker)).collect();
                done = worker();
                for s in spawned {
                    done.extend(s.join().map_err(|_| "an encoder thread panicked".to_string())?);
                }
                Ok(())
            })?;
        }
        done.sort_unstable_by_key(|(g, _)| *g);
        Ok(done.into_iter().flat_map(|(_, vectors)| vectors).collect())
    }

    fn take(&self) -> Scratch {
        let used = self.scratch.lock().ok().and_then(|mut s| s.pop());
        used.unwrap_or_else(|| Scratch::new(&self.widths))
    }

    fn give(&self, scratch: Scratch) {
        if let Ok(mut free) = self.scratch.lock() {
            free.push(scratch);
        }
    }

    /// All layers for a few sequences.
    fn group(&self, scratch: &mut Scratch, sequences: &[&[u32]]) -> Vec<Vec<f32>> {
        let hidden = self.shape.hidden;
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(sequences.len());
        for s in sequences {
            let start = spans.last().map_or(0, |s| s.end);
            spans.push(start..start + s.len());
        }
        scratch.grow(&self.widths, spans.last().map_or(0, |s| s.end));
        for (s, span) in sequences.iter().zip(&spans) {
            for (position, &id) in s.iter().enumerate() {
                let x = scratch.x.row_mut(span.start + position, hidden);
                self.words[id as usize * hidden..][..hidden].convert_to_f32_slice(x);
                for (x, p) in x.iter_mut().zip(&self.positions[position * hidden..][..hidden]) {
                    *x += p;
                }
            }
        }
        layers::pass(self.kernels, &self.widths, &self.embedded, &self.layers, scratch, &spans);
        spans.into_iter().map(|span| self.pool(scratch, span)).collect()
    }

    fn pool(&self, scratch: &Scratch, span: Range<usize>) -> Vec<f32> {
        let hidden = self.shape.hidden;
        let mut v = scratch.x.row(span.start, hidden).to_vec();
        if self.pooling == Pooling::Mean {
            let share = 1.0 / span.len() as f32;
            for r in span.start + 1..span.end {
                for (v, x) in v.iter_mut().zip(scratch.x.row(r, hidden)) {
                    *v += x;
                }
            }
            v.iter_mut().for_each(|v| *v *= share);
        }
        v
    }
}

/// Cuts the sequences into runs of about `target` tokens.
fn groups(sequences: &[&[u32]], target: usize) -> Vec<Range<usize>> {
    let (mut out, mut start, mut tokens) = (Vec::new(), 0, 0);
    for (i, s) in sequences.iter().enumerate() {
        // A sequence joins the group if that is nearer to the target than ending before it.
        if i > start && (tokens + s.len()).saturating_sub(target) > target.saturating_sub(tokens) {
            out.push(start..i);
            (start, tokens) = (i, 0);
        }
        tokens += s.len();
    }
    if start < sequences.len() {
        out.push(start..sequences.len());
    }
    out
}
