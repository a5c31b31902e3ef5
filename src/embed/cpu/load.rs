//! From a model's tensors to packed weights.

use super::super::{Pooling, Precision};
use super::buffer::Kind;
use super::kernels::{Act, table};
use super::layers::{Adapter, Layer, Linear, Normaliser, Widths};
use super::panels::PANEL;
use super::{Activation, BertShape, CpuBert, Isa};
use std::sync::Mutex;

/// Gives a tensor of the model by its name, as f32 in row-major order.
type Source<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<f32>, String>;

impl CpuBert {
    /// Reads the weights through `source`, which is asked for tensors by the names that Hugging Face gives them in a
    /// BERT without any prefix (`embeddings.word_embeddings.weight`, ..), and for adapters as
    /// `encoder.layer.0.output.adapter.down.weight` and so on. Each is asked for once and dropped when packed.
    pub fn load(
        shape: BertShape,
        source: Source,
        pooling: Pooling,
        precision: Precision,
        isa: Isa,
    ) -> Result<CpuBert, String> {
        let kernels = table(isa).ok_or_else(|| format!("this machine does not run {isa}"))?;
        if shape.heads == 0 || !shape.hidden.is_multiple_of(2 * shape.heads) {
            return Err(format!("{} numbers do not make {} heads of an even width", shape.hidden, shape.heads));
        }
        let bottleneck = shape.adapter.map_or(1, |a| a.width);
        if [bottleneck, shape.layers, shape.intermediate, shape.vocab, shape.positions, shape.types].contains(&0) {
            return Err("a size of the model is zero".into());
        }
        // With int8, attention is in bf16 where that is quick, else f32.
        let (kind, rows, attention) = match precision {
            Precision::F32 => (kernels.wide, kernels.wide, kernels.wide),
            Precision::Bf16 => (Kind::Bf16, kernels.half, kernels.half),
            Precision::Int8 => (Kind::I8, kernels.byte, if isa.has_quick_bf16() { kernels.half } else { Kind::F32 }),
            Precision::F16 => return Err("own kernels have no f16: say --precision bf16".into()),
        };
        let widths = Widths {
            hidden: shape.hidden,
            heads: shape.heads,
            intermediate: shape.intermediate,
            eps: shape.eps,
            act: act(shape.activation, precision),
            bottleneck: shape.adapter.map_or(0, |a| a.width),
            kind,
            rows,
            attention,
            rough: precision != Precision::F32,
        };
        let mut r = Loader { source, shape, kind, precision };
        let h = shape.hidden;
        let words = r.tensor("embeddings.word_embeddings.weight", shape.vocab * h)?;
        let words = words.into_iter().map(half::f16::from_f32).collect();
        let mut positions = r.tensor("embeddings.position_embeddings.weight", shape.positions * h)?;
        let types = r.tensor("embeddings.token_type_embeddings.weight", shape.types * h)?;
        for row in positions.chunks_exact_mut(h) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        let embedded = r.norm("embeddings.LayerNorm")?;
        let layers = (0..shape.layers).map(|i| r.layer(i)).collect::<Result<_, _>>()?;
        Ok(CpuBert {
            shape,
            pooling,
            precision,
            isa,
            kernels,
            widths,
            words,
            positions,
            embedded,
            layers,
            scratch: Mutex::new(Vec::new()),
        })
    }
}

struct Loader<'a> {
    source: Source<'a>,
    shape: BertShape,
    kind: Kind,
    precision: Precision,
}

fn act(activation: Activation, precision: Precision) -> Act {
    match (activation, precision) {
        (Activation::Gelu, Precision::F32) => Act::Gelu,
        (Activation::Gelu, _) => Act::GeluRough,
        (Activation::GeluTanh, _) => Act::GeluTanh,
        (Activation::Relu, _) => Act::Relu,
    }
}

impl Loader<'_> {
    fn tensor(&mut self, name: &str, len: usize) -> Result<Vec<f32>, String> {
        let t = (self.source)(name)?;
        if t.len() == len { Ok(t) } else { Err(format!("{name} has {} numbers instead of {len}", t.len())) }
    }

    fn norm(&mut self, name: &str) -> Result<Normaliser, String> {
        let h = self.shape.hidden;
        let mut gain = self.tensor(&format!("{name}.weight"), h)?;
        let mut shift = self.tensor(&format!("{name}.bias"), h)?;
        gain.resize(h.next_multiple_of(PANEL), 0.0);
        shift.resize(h.next_multiple_of(PANEL), 0.0);
        Ok(Normaliser { gain, shift })
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, String> {
        let weight = self.tensor(&format!("{name}.weight"), inputs * outputs)?;
        let bias = self.tensor(&format!("{name}.bias"), outputs)?;
        Ok(Linear::new(self.kind, &weight, &bias))
    }

    fn adapter(&mut self, at: &str) -> Result<Option<Adapter>, String> {
        let (Some(adapter), h) = (self.shape.adapter, self.shape.hidden) else { return Ok(None) };
        Ok(Some(Adapter {
            down: self.linear(&format!("{at}.output.adapter.down"), h, adapter.width)?,
            act: act(adapter.activation, self.precision),
            up: self.linear(&format!("{at}.output.adapter.up"), adapter.width, h)?,
        }))
    }

    fn layer(&mut self, i: usize) -> Result<Layer, String> {
        let BertShape { hidden: h, heads, intermediate, .. } = self.shape;
        let at = format!("encoder.layer.{i}");
        let (mut weight, mut bias) = (Vec::with_capacity(3 * h * h), Vec::with_capacity(3 * h));
        for part in ["query", "key", "value"] {
            weight.extend(self.tensor(&format!("{at}.attention.self.{part}.weight"), h * h)?);
            bias.extend(self.tensor(&format!("{at}.attention.self.{part}.bias"), h)?);
        }
        // The scale of the scores, and the base of two that the softmax works to, cost nothing inside the queries.
        let scale = std::f32::consts::LOG2_E / ((h / heads) as f32).sqrt();
        weight[..h * h].iter_mut().chain(&mut bias[..h]).for_each(|x| *x *= scale);
        let qkv = Linear::new(self.kind, &weight, &bias);
        drop(weight);
        Ok(Layer {
            qkv,
            output: self.linear(&format!("{at}.attention.output.dense"), h, h)?,
            after_attention: self.norm(&format!("{at}.attention.output.LayerNorm"))?,
            up: self.linear(&format!("{at}.intermediate.dense"), h, intermediate)?,
            down: self.linear(&format!("{at}.output.dense"), intermediate, h)?,
            adapter: self.adapter(&at)?,
            after_feed: self.norm(&format!("{at}.output.LayerNorm"))?,
        })
    }
}
