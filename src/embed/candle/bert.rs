//! BERT and its family on candle's devices, in f32, bf16 or f16.
//!
//! Our own and not candle's `BertModel`, whose mask is `0 * -inf`, a NaN, in any type narrower than f32. Here what is
//! stored and multiplied has the narrow type; what adds up many numbers (products, softmax, norms, pooling) does so in
//! f32, and the mask is a finite number added to f32 scores.

use candle_core::{D, DType, Device, Result as Candle, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::{layer_norm, softmax_last_dim};

use super::weights::{tensor, weights};
use super::{device, message};
use crate::embed::bert_family::{Activation, BertFamily, BertShape};
use crate::embed::{ModelFiles, Pooling, Precision};
use crate::error::{Error, Result};

/// Added to the attention score of padding, whose weight is then exactly zero in f32.
const HIDDEN: f32 = -1e9;

/// A model that is ready to run. Not shared between threads: its operations are ordered in one stream.
pub struct Bert {
    device: Device,
    precision: Precision,
    pooling: Pooling,
    pad: u32,
    words: Tensor,
    /// With the embedding of the first token type added.
    positions: Tensor,
    embedded: Norm,
    layers: Vec<Layer>,
    heads: usize,
    activation: Activation,
    token_bytes: usize,
}

struct Layer {
    /// Queries, keys and values in one product; the scale of the scores is in the queries' weights.
    qkv: Linear,
    attended: Linear,
    after_attention: Norm,
    up: Linear,
    down: Linear,
    after_down: Norm,
}

struct Linear {
    weight: Tensor,
    bias: Tensor,
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

/// A batch on the device.
struct Padded {
    ids: Tensor,
    /// `(n, 1, longest)`: the weight of each token in the pooling.
    shares: Tensor,
    /// `(n, 1, 1, longest)`: 0 or [`HIDDEN`]; `None` when all have one length.
    mask: Option<Tensor>,
}

impl Bert {
    /// Builds the model on a device.
    ///
    /// # Errors
    /// [`Error::Model`] when a tensor is missing, has another shape than `config.json` says, or the precision is int8.
    pub fn load(files: &ModelFiles, family: &BertFamily, device: Device, precision: Precision) -> Result<Self> {
        let name = &files.identity().name;
        let refuse = |why: String| Error::Model(format!("the weights of {name} do not fit: {why}"));
        let dtype = match precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
            Precision::Int8 => return Err(Error::Model("int8 runs on the processor only: say --device cpu".into())),
        };
        let vars = weights(files, &device).map_err(|e| refuse(message(&e)))?;
        let loader = Loader { vars, family, dtype };
        let token_bytes = loader.token_bytes(files.max_tokens);
        loader.bert(device, precision, files.pooling, token_bytes).map_err(|e| refuse(message(&e)))
    }

    /// The pooled vector of each sequence, not yet of unit length, in the order given.
    ///
    /// `batch` holds token ids with the special ones; none may be empty or longer than the model's positions.
    pub fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let run = || self.run(&self.padded(batch)?)?.to_vec2();
        run().map_err(|e| Error::Model(format!("the model failed on {} texts: {}", batch.len(), message(&e))))
    }

    /// The tokens in a batch that keep a card busy without filling its memory: an eighth of what is free now, because
    /// two batches are in flight and the device's allocator and other programs need memory, too.
    pub fn token_budget(&self) -> usize {
        (device::free_memory(&self.device) / 8 / self.token_bytes).clamp(2048, 65_536)
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The precision it was built in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    fn padded(&self, batch: &[&[u32]]) -> Candle<Padded> {
        let (n, longest) = (batch.len(), batch.iter().map(|s| s.len()).max().unwrap_or(0));
        let room = || Vec::with_capacity(n * longest);
        let (mut ids, mut shares, mut mask) =
            (room(), Vec::with_capacity(n * longest), Vec::with_capacity(n * longest));
        for sequence in batch {
            let (length, padding) = (sequence.len(), longest - sequence.len());
            ids.extend_from_slice(sequence);
            ids.extend(std::iter::repeat_n(self.pad, padding));
            match self.pooling {
                Pooling::Mean => shares.extend(std::iter::repeat_n(1.0 / length as f32, length)),
                Pooling::Cls => shares.extend((0..length).map(|k| if k == 0 { 1.0 } else { 0.0 })),
            }
            shares.extend(std::iter::repeat_n(0f32, padding));
            mask.extend(std::iter::repeat_n(0f32, length));
            mask.extend(std::iter::repeat_n(HIDDEN, padding));
        }
        let even = batch.iter().all(|s| s.len() == longest);
        Ok(Padded {
            ids: Tensor::from_vec(ids, (n, longest), &self.device)?,
            shares: Tensor::from_vec(shares, (n, 1, longest), &self.device)?,
            mask: if even { None } else { Some(Tensor::from_vec(mask, (n, 1, 1, longest), &self.device)?) },
        })
    }

    fn run(&self, batch: &Padded) -> Candle<Tensor> {
        let (n, longest) = batch.ids.dims2()?;
        let hidden = self.words.dim(1)?;
        let words = self.words.index_select(&batch.ids.flatten_all()?, 0)?.reshape((n, longest, hidden))?;
        let x = words.broadcast_add(&self.positions.narrow(0, 0, longest)?)?;
        let mut x = self.embedded.of(&x.reshape((n * longest, hidden))?)?;
        for layer in &self.layers {
            x = layer.of(&x, (n, longest, self.heads), batch.mask.as_ref(), self.activation)?;
        }
        batch.shares.matmul(&x.reshape((n, longest, hidden))?.to_dtype(DType::F32)?)?.squeeze(1)
    }
}

impl Layer {
    /// `x` holds a token a row: `(n * longest, hidden)`.
    fn of(
        &self,
        x: &Tensor,
        (n, longest, heads): (usize, usize, usize),
        mask: Option<&Tensor>,
        activation: Activation,
    ) -> Candle<Tensor> {
        let width = x.dim(1)? / heads;
        let qkv = self.qkv.of(x)?.reshape((n, longest, 3, heads, width))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let scores = qkv.get(0)?.matmul(&qkv.get(1)?.t()?)?.to_dtype(DType::F32)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let attention = softmax_last_dim(&scores)?.to_dtype(x.dtype())?;
        let attended = attention.matmul(&qkv.get(2)?)?.transpose(1, 2)?.reshape((n * longest, heads * width))?;
        let x = self.after_attention.of(&(x + self.attended.of(&attended)?)?)?;
        let inner = self.up.of(&x)?;
        let inner = match activation {
            Activation::Gelu => inner.gelu_erf()?,
            Activation::GeluTanh => inner.gelu()?,
            Activation::Relu => inner.relu()?,
        };
        self.after_down.of(&(x + self.down.of(&inner)?)?)
    }
}

impl Linear {
    fn of(&self, x: &Tensor) -> Candle<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

impl Norm {
    fn of(&self, x: &Tensor) -> Candle<Tensor> {
        layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

/// Loads tensors: reads them in f32, checks their shapes, and rounds once, after all arithmetic on them.
struct Loader<'a> {
    vars: VarBuilder<'a>,
    family: &'a BertFamily,
    dtype: DType,
}

impl Loader<'_> {
    fn bert(&self, device: Device, precision: Precision, pooling: Pooling, token_bytes: usize) -> Candle<Bert> {
        let BertShape { hidden, layers, heads, vocab, positions, types, activation, .. } = self.family.shape;
        let positions = self.tensor("embeddings.position_embeddings.weight", &[positions, hidden])?;
        let types = self.tensor("embeddings.token_type_embeddings.weight", &[types, hidden])?;
        let words = self.tensor("embeddings.word_embeddings.weight", &[vocab, hidden])?;
        Ok(Bert {
            device,
            precision,
            pooling,
            pad: self.family.pad,
            words: words.to_dtype(self.dtype)?,
            positions: positions.broadcast_add(&types.narrow(0, 0, 1)?)?.to_dtype(self.dtype)?,
            embedded: self.norm("embeddings.LayerNorm")?,
            layers: (0..layers).map(|k| self.layer(k)).collect::<Candle<_>>()?,
            heads,
            activation,
            token_bytes,
        })
    }

    /// The bytes in use at a time for one token of a text of full length: a few rows of activations, and in the
    /// attention a row of scores for each head, twice in f32 (before and after the softmax) and twice in the narrow
    /// type.
    fn token_bytes(&self, longest: usize) -> usize {
        let (shape, size) = (&self.family.shape, self.dtype.size_in_bytes());
        let rows = (6 * shape.hidden + 2 * shape.intermediate) * size;
        rows + shape.heads * longest * 2 * (size_of::<f32>() + size)
    }

    fn layer(&self, k: usize) -> Candle<Layer> {
        let BertShape { hidden: h, intermediate: inner, heads, .. } = self.family.shape;
        let at = |name: &str| format!("encoder.layer.{k}.{name}");
        let scale = 1.0 / ((h / heads) as f64).sqrt();
        let part = |name: &str, by: f64| -> Candle<(Tensor, Tensor)> {
            let name = at(&format!("attention.self.{name}"));
            let weight = self.tensor(&format!("{name}.weight"), &[h, h])?;
            let bias = self.tensor(&format!("{name}.bias"), &[h])?;
            Ok((weight.affine(by, 0.0)?, bias.affine(by, 0.0)?))
        };
        let (q, k, v) = (part("query", scale)?, part("key", 1.0)?, part("value", 1.0)?);
        let qkv = Linear {
            weight: Tensor::cat(&[q.0, k.0, v.0], 0)?.to_dtype(self.dtype)?,
            bias: Tensor::cat(&[q.1, k.1, v.1], D::Minus1)?.to_dtype(self.dtype)?,
        };
        Ok(Layer {
            qkv,
            attended: self.linear(&at("attention.output.dense"), h, h)?,
            after_attention: self.norm(&at("attention.output.LayerNorm"))?,
            up: self.linear(&at("intermediate.dense"), inner, h)?,
            down: self.linear(&at("output.dense"), h, inner)?,
            after_down: self.norm(&at("output.LayerNorm"))?,
        })
    }

    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Candle<Linear> {
        let weight = self.tensor(&format!("{name}.weight"), &[outputs, inputs])?.to_dtype(self.dtype)?;
        let bias = self.tensor(&format!("{name}.bias"), &[outputs])?.to_dtype(self.dtype)?;
        Ok(Linear { weight, bias })
    }

    fn norm(&self, name: &str) -> Candle<Norm> {
        let BertShape { hidden: h, eps, .. } = self.family.shape;
        let weight = self.tensor(&format!("{name}.weight"), &[h])?.to_dtype(self.dtype)?;
        let bias = self.tensor(&format!("{name}.bias"), &[h])?.to_dtype(self.dtype)?;
        Ok(Norm { weight, bias, eps })
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Candle<Tensor> {
        let tensor = tensor(self.family, &self.vars, name)?;
        if tensor.dims() != shape {
            candle_core::bail!("{name} is of shape {:?}, not {shape:?}", tensor.dims());
        }
        Ok(tensor)
    }
}

#[cfg(feature = "bundled-model")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::architecture::Architecture;
    use crate::embed::candle::CandleModel;
    use crate::embed::tokens::Tokens;
    use crate::embed::{BUNDLED, Kind, unit};

    fn directions(vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        vectors.into_iter().map(|v| unit(v).expect("a direction")).collect()
    }

    fn family(files: &ModelFiles) -> BertFamily {
        let Architecture::Bert(family) = &files.architecture else { panic!("a BERT") };
        *family
    }

    /// Candle's own model, each text alone, so that there is no padding.
    fn reference(files: &ModelFiles, ids: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let model = CandleModel::load(files, Device::Cpu).expect("loads");
        directions(ids.iter().map(|ids| model.forward(&[ids]).expect("runs").concat()).collect())
    }

    /// Texts of very different length in one batch, in every precision and pooling: each as candle's own model has it
    /// alone, in f32.
    #[test]
    fn every_precision_agrees_with_candles_model() {
        let mut files = ModelFiles::find(BUNDLED).expect("bundled");
        let tokens = Tokens::new(&files).expect("a tokenizer");
        let long = "Ice sheets lose mass at their grounding lines. ".repeat(40);
        let corpus = include_str!("../../sources/invented.jsonl").lines().step_by(50).map(str::to_string);
        let mut texts: Vec<String> = corpus.collect();
        texts.extend(["a".into(), "protein folding".into(), "".into(), long]);
        let ids: Vec<Vec<u32>> = texts.iter().map(|t| tokens.encode(t, Kind::Document).expect("tokens")).collect();
        let batch: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        for pooling in [Pooling::Mean, Pooling::Cls] {
            files.pooling = pooling;
            let truth = reference(&files, &ids);
            // f16 has three bits more than bf16 behind the point.
            for (precision, least) in [(Precision::F32, 0.99999), (Precision::F16, 0.9999), (Precision::Bf16, 0.9995)] {
                let model = Bert::load(&files, &family(&files), Device::Cpu, precision).expect("loads");
                let together = directions(model.forward(&batch).expect("runs"));
                let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                let worst = together.iter().zip(&truth).map(|(a, b)| cosine(a, b)).fold(1.0, f32::min);
                println!("{precision}, {pooling:?}: the worst cosine of {} texts is {worst}", texts.len());
                assert!(worst > least, "{precision}, {pooling:?}: {worst}");
                for (k, one) in batch.iter().enumerate().step_by(4) {
                    let alone = directions(model.forward(&[one]).expect("runs")).concat();
                    let same = cosine(&alone, &together[k]);
                    assert!(same > 0.99999, "{precision}, {pooling:?}: text {k} alone and in company: {same}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let files = ModelFiles::find(BUNDLED).expect("bundled");
        let mut family = family(&files);
        assert!(Bert::load(&files, &family, Device::Cpu, Precision::Int8).is_err());
        family.shape.intermediate += 1;
        let error = Bert::load(&files, &family, Device::Cpu, Precision::F32).err().expect("refused").to_string();
        assert!(error.contains("intermediate.dense.weight is of shape"), "{error}");
    }

    #[test]
    fn a_batch_is_sized_to_the_memory() {
        let files = ModelFiles::find(BUNDLED).expect("bundled");
        let model = Bert::load(&files, &family(&files), Device::Cpu, Precision::Bf16).expect("loads");
        // The guess of 4 GiB: half a GiB for a batch, 48 kB a token.
        assert_eq!(model.token_budget(), (4 << 30) / 8 / ((6 * 384 + 2 * 1536) * 2 + 12 * 256 * 12));
    }
}
