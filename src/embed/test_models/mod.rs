//! Tiny random models, each written as a folder, opened like any other, and checked against a reference.
//! `agree` does so for every architecture; `plain` holds their formulas; `hub` fetches one.

mod agree;
mod hub;
mod plain;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde_json::{Value, json};

use super::architecture::Architecture;
use super::candle::{Bert, CandleModel};
use super::tokens::Tokens;
use super::{DeviceChoice, Embedder, KernelChoice, Kind, ModelFiles, Options, Precision, open};
use plain::Tensors;

const HIDDEN: usize = 24;
const HEADS: usize = 3;
const LAYERS: usize = 4;
const FED: usize = 40;
const WORDS: usize = 50;
const POSITIONS: usize = 48;

/// A model in a folder that goes when this goes.
struct Tiny {
    folder: tempfile::TempDir,
    tensors: HashMap<String, Tensor>,
}

/// Numbers from a seed, spread like a model's.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn tensor(&mut self, shape: &[usize], middle: f32, spread: f32) -> Tensor {
        let n = shape.iter().product();
        Tensor::from_vec((0..n).map(|_| middle + spread * self.next()).collect::<Vec<f32>>(), shape, &Device::Cpu)
            .unwrap()
    }
}

/// The tensors of a model, filled at random as they are named.
struct Making {
    dice: Dice,
    tensors: HashMap<String, Tensor>,
}

impl Making {
    fn new() -> Self {
        Making { dice: Dice(7), tensors: HashMap::new() }
    }

    fn table(&mut self, name: &str, rows: usize) {
        let table = self.dice.tensor(&[rows, HIDDEN], 0.0, 1.0);
        self.tensors.insert(format!("{name}.weight"), table);
    }

    fn matrix(&mut self, name: &str, outputs: usize, inputs: usize) {
        let matrix = self.dice.tensor(&[outputs, inputs], 0.0, 0.5);
        self.tensors.insert(format!("{name}.weight"), matrix);
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.matrix(name, outputs, inputs);
        let bias = self.dice.tensor(&[outputs], 0.0, 0.3);
        self.tensors.insert(format!("{name}.bias"), bias);
    }

    fn gain(&mut self, name: &str) {
        let gain = self.dice.tensor(&[HIDDEN], 1.0, 0.3);
        self.tensors.insert(format!("{name}.weight"), gain);
    }

    fn norm(&mut self, name: &str) {
        self.gain(name);
        let shift = self.dice.tensor(&[HIDDEN], 0.0, 0.3);
        self.tensors.insert(format!("{name}.bias"), shift);
    }

    /// Writes the folder: weights, config, a tokenizer of words `w4` to `w49`, and mean pooling.
    fn folder(self, config: &Value) -> Tiny {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
        candle_core::safetensors::save(&self.tensors, folder.path().join("model.safetensors")).unwrap();
        write("config.json", config.clone());
        std::fs::create_dir(folder.path().join("1_Pooling")).unwrap();
        write("1_Pooling/config.json", json!({"pooling_mode_mean_tokens": true}));
        let special = ["<s>", "<pad>", "</s>", "<unk>"];
        let words = special.into_iter().map(String::from).chain((4..WORDS).map(|k| format!("w{k}")));
        let vocab: serde_json::Map<_, _> = words.enumerate().map(|(k, w)| (w, json!(k))).collect();
        let one = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let known = |name: &str, id: u32| json!({"id": name, "ids": [id], "tokens": [name]});
        write(
            "tokenizer.json",
            json!({
                "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
                "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
                "post_processor": {
                    "type": "TemplateProcessing", "single": [one("<s>"), text, one("</s>")], "pair": [],
                    "special_tokens": {"<s>": known("<s>", 0), "</s>": known("</s>", 2)},
                },
                "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"},
            }),
        );
        Tiny { folder, tensors: self.tensors }
    }
}

/// Texts of several lengths, the last beyond the positions.
fn texts() -> Vec<String> {
    let mut dice = Dice(3);
    let mut word = || format!("w{}", 4 + (dice.next().abs() * 45.0) as u32);
    [1, 7, 30, 3, 7, 80].map(|n| (0..n).map(|_| word()).collect::<Vec<_>>().join(" ")).to_vec()
}

impl Tiny {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn options(&self) -> Options {
        Options { device: DeviceChoice::Cpu, ..Options::new(self.path().to_string_lossy()) }
    }

    fn open(&self, precision: Option<Precision>) -> Box<dyn Embedder> {
        open(&Options { precision, ..self.options() }).unwrap()
    }

    fn vars(&self) -> VarBuilder<'static> {
        VarBuilder::from_tensors(self.tensors.clone(), DType::F32, &Device::Cpu)
    }

    fn plain(&self) -> Tensors {
        Tensors::new(&self.tensors)
    }

    fn ids(&self) -> Vec<Vec<u32>> {
        let tokens = Tokens::new(&ModelFiles::find(&self.path().to_string_lossy()).unwrap()).unwrap();
        texts().iter().map(|t| tokens.encode(t, Kind::Document).unwrap()).collect()
    }

    /// The vectors of all texts in one call, in this precision, are those that `truth` gives: the states of the tokens
    /// of one text, whose mean is taken here.
    fn check(&self, precision: Precision, least: f64, truth: impl Fn(&[u32]) -> Vec<Vec<f64>>) {
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let together = self.open(Some(precision)).embed(&texts, Kind::Document).unwrap();
        let mut worst = 1f64;
        for (vector, ids) in together.iter().zip(self.ids()) {
            let states = truth(&ids);
            assert_eq!(states.len(), ids.len());
            let mean: Vec<f64> = (0..HIDDEN).map(|d| states.iter().map(|s| s[d]).sum::<f64>()).collect();
            worst = worst.min(cosine(&mean, vector));
        }
        let wide: Vec<f64> = together[1].iter().map(|&x| x.into()).collect();
        assert!(cosine(&wide, &together[2]) < 0.99, "all texts look alike: this checks nothing");
        println!("{precision}: least cosine {worst:.7}");
        assert!(worst > least, "{precision}: cosine {worst}");
    }

    /// Only the precision that candle has, and a text alone as in company.
    fn check_through_candle(&self, truth: impl Fn(&[u32]) -> Vec<Vec<f64>>) {
        self.check(Precision::F32, 0.999_999, truth);
        let encoder = self.open(None);
        assert_eq!(encoder.identity().precision, Precision::F32);
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let together = encoder.embed(&texts, Kind::Document).unwrap();
        for (text, vector) in texts.iter().zip(&together) {
            let alone: Vec<f64> =
                encoder.embed(&[text], Kind::Document).unwrap()[0].iter().map(|&x| x.into()).collect();
            assert!(cosine(&alone, vector) > 0.999_999, "{text}");
        }
        for precision in [Precision::Bf16, Precision::Int8] {
            let e = open(&Options { precision: Some(precision), ..self.options() }).err().unwrap().to_string();
            assert!(e.contains("f32 only") && e.contains(&precision.to_string()), "{e}");
        }
        let own = Options { kernels: KernelChoice::Own, ..self.options() };
        assert!(open(&own).is_err_and(|e| e.to_string().contains("--kernels candle")));
    }

    /// A member of BERT's family: on our own kernels in every precision, through candle on the processor, and through
    /// candle in the narrow types of a card.
    fn check_family(&self, truth: impl Fn(&[u32]) -> Vec<Vec<f64>>) {
        for (precision, least) in [(Precision::F32, 0.999_99), (Precision::Bf16, 0.999), (Precision::Int8, 0.99)] {
            self.check(precision, least, &truth);
        }
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let options = Options { kernels: KernelChoice::Candle, precision: Some(Precision::F32), ..self.options() };
        let candle = open(&options).unwrap();
        let own = open(&Options { kernels: KernelChoice::Own, ..options }).unwrap();
        assert_eq!(own.identity(), candle.identity());
        let through_candle = candle.embed(&texts, Kind::Document).unwrap();
        for (a, b) in own.embed(&texts, Kind::Document).unwrap().iter().zip(&through_candle) {
            let a: Vec<f64> = a.iter().map(|&x| x.into()).collect();
            assert!(cosine(&a, b) > 0.9999, "own kernels and candle: {}", cosine(&a, b));
        }
        for (vector, ids) in through_candle.iter().zip(self.ids()) {
            let states = truth(&ids);
            let mean: Vec<f64> = (0..HIDDEN).map(|d| states.iter().map(|s| s[d]).sum::<f64>()).collect();
            assert!(cosine(&mean, vector) > 0.999_99, "{}", cosine(&mean, vector));
        }
        let files = ModelFiles::find(&self.path().to_string_lossy()).unwrap();
        let ids = self.ids();
        let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        let Architecture::Bert(family) = &files.architecture else { panic!("none of BERT's family") };
        let ours = |precision| Bert::load(&files, family, Device::Cpu, precision).unwrap().forward(&ids).unwrap();
        for (vectors, least) in [
            (CandleModel::load(&files, Device::Cpu).unwrap().forward(&ids).unwrap(), 0.999_99),
            (ours(Precision::F32), 0.999_99),
            (ours(Precision::F16), 0.999_9),
            (ours(Precision::Bf16), 0.999),
        ] {
            for (vector, ids) in vectors.iter().zip(&ids) {
                let states = truth(ids);
                let mean: Vec<f64> = (0..HIDDEN).map(|d| states.iter().map(|s| s[d]).sum::<f64>()).collect();
                assert!(cosine(&mean, vector) > least, "{}", cosine(&mean, vector));
            }
        }
    }
}

fn cosine(a: &[f64], b: &[f32]) -> f64 {
    let b: Vec<f64> = b.iter().map(|&x| x.into()).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    dot(a, &b) / (dot(a, a) * dot(&b, &b)).sqrt()
}

/// Candle's states of one text, without padding.
fn states(ids: &[u32], run: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> Vec<Vec<f64>> {
    let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    run(&ids).unwrap().squeeze(0).unwrap().to_dtype(DType::F64).unwrap().to_vec2().unwrap()
}

/// BERT's tensors, each under `prefix`.
fn bert_tensors(prefix: &str, rows: usize, types: usize) -> Making {
    let mut m = Making::new();
    let at = |name: &str| format!("{prefix}{name}");
    m.table(&at("embeddings.word_embeddings"), WORDS);
    m.table(&at("embeddings.position_embeddings"), rows);
    m.table(&at("embeddings.token_type_embeddings"), types);
    m.norm(&at("embeddings.LayerNorm"));
    for i in 0..LAYERS {
        let at = |name: &str| format!("{prefix}encoder.layer.{i}.{name}");
        for part in ["query", "key", "value"] {
            m.linear(&at(&format!("attention.self.{part}")), HIDDEN, HIDDEN);
        }
        m.linear(&at("attention.output.dense"), HIDDEN, HIDDEN);
        m.norm(&at("attention.output.LayerNorm"));
        m.linear(&at("intermediate.dense"), FED, HIDDEN);
        m.linear(&at("output.dense"), HIDDEN, FED);
        m.norm(&at("output.LayerNorm"));
    }
    m
}

fn bert_config(kind: &str, rows: usize, types: usize, pad: usize) -> Value {
    json!({
        "model_type": kind, "vocab_size": WORDS, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": FED, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1, "max_position_embeddings": rows, "type_vocab_size": types,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": pad, "position_embedding_type": "absolute",
    })
}
