//! A tiny random model of every architecture, made here as a folder, opened like any other, and checked against candle's
//! implementation or the plain formula.

mod plain;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, distilbert, xlm_roberta};
use serde_json::{Value, json};

use super::architecture::Architecture;
use super::cpu::Isa;
use super::forward::load_cpu;
use super::model::read_hub;
use super::tokens::Tokens;
use super::{DeviceChoice, Embedder, Kind, ModelFiles, Options, Pooling, Precision, open};
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

    /// The vectors of all texts in one call, in this precision, are those that `truth` gives: the states of the tokens of
    /// one text, whose mean is taken here.
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
    }

    /// What runs on our kernels: every precision, through candle, and as on an accelerator.
    fn check_kin(&self, truth: impl Fn(&[u32]) -> Vec<Vec<f64>>) {
        for (precision, least) in [(Precision::F32, 0.999_99), (Precision::Bf16, 0.999), (Precision::Int8, 0.99)] {
            self.check(precision, least, &truth);
        }
        let files = ModelFiles::find(&self.path().to_string_lossy()).unwrap();
        let ids = self.ids();
        let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        let super::architecture::Architecture::Bert(kin) = &files.architecture else { panic!("none of BERT's kin") };
        let ours =
            |precision| super::bert::Bert::load(&files, kin, Device::Cpu, precision).unwrap().forward(&ids).unwrap();
        for (vectors, least) in [
            (super::stock::Stock::load(&files, Device::Cpu).unwrap().forward(&ids).unwrap(), 0.999_99),
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

#[test]
fn bert_agrees_with_candle_and_the_formula() {
    let config = bert_config("bert", POSITIONS, 2, 0);
    let tiny = bert_tensors("bert.", POSITIONS, 2).folder(&config);
    let model = bert::BertModel::load(tiny.vars(), &serde_json::from_value(config.clone()).unwrap()).unwrap();
    tiny.check_kin(|ids| states(ids, |ids| model.forward(ids, &ids.zeros_like()?, None)));
    let bare = bert_tensors("", POSITIONS, 2).folder(&config);
    let tensors = bare.plain();
    bare.check_kin(|ids| plain::bert(&tensors, ids, LAYERS, HEADS));
}

#[test]
fn the_adapter_of_specter2_agrees_with_the_formula() {
    let mut tiny = bert_tensors("", POSITIONS, 2).folder(&bert_config("bert", POSITIONS, 2, 0));
    let without = tiny.open(None).identity().clone();
    let mut m = Making::new();
    for i in 0..LAYERS {
        let at = format!("bert.encoder.layer.{i}.output.adapters.tiny");
        m.linear(&format!("{at}.adapter_down.0"), 5, HIDDEN);
        m.linear(&format!("{at}.adapter_up"), HIDDEN, 5);
    }
    candle_core::safetensors::save(&m.tensors, tiny.path().join("adapter.safetensors")).unwrap();
    // As AdapterHub writes it, without what says nothing of the form.
    let config = json!({
        "adapter_residual_before_ln": false, "cross_adapter": false, "inv_adapter": null, "is_parallel": false,
        "leave_out": [], "ln_after": false, "ln_before": false, "mh_adapter": false, "non_linearity": "relu",
        "original_ln_after": true, "original_ln_before": true, "output_adapter": true, "phm_layer": false,
        "reduction_factor": 5, "residual_before_ln": true, "scaling": 1.0, "use_gating": false,
    });
    let write = |config: &Value| {
        let file = json!({"config": config, "hidden_size": HIDDEN, "model_name": "tiny", "name": "tiny"});
        std::fs::write(tiny.folder.path().join("adapter_config.json"), file.to_string()).unwrap();
    };
    let mut other = config.clone();
    other["mh_adapter"] = json!(true);
    write(&other);
    let e = open(&tiny.options()).err().unwrap().to_string();
    assert!(e.contains("mh_adapter"), "{e}");
    write(&config);
    tiny.tensors.extend(m.tensors);
    let tensors = tiny.plain();
    for (precision, least) in [(Precision::F32, 0.999_99), (Precision::Bf16, 0.999), (Precision::Int8, 0.99)] {
        tiny.check(precision, least, |ids| plain::bert(&tensors, ids, LAYERS, HEADS));
    }
    // The kernels of every instruction set, not only of the one that is chosen.
    let files = ModelFiles::find(&tiny.path().display().to_string()).unwrap();
    let Architecture::Bert(kin) = &files.architecture else { panic!("a BERT") };
    let ids = [0, 5, 6, 7, 8, 9, 5, 2];
    let states = plain::bert(&tensors, &ids, LAYERS, HEADS);
    let mean: Vec<f64> = (0..HIDDEN).map(|k| states.iter().map(|s| s[k]).sum::<f64>()).collect();
    for isa in Isa::known().into_iter().filter(|isa| isa.usable()) {
        for (precision, least) in [(Precision::F32, 0.999_99), (Precision::Bf16, 0.999), (Precision::Int8, 0.99)] {
            let ours = load_cpu(&files, kin, precision, isa).unwrap().forward(&[&ids], 1).unwrap().concat();
            let c = cosine(&mean, &ours);
            assert!(c > least, "{isa}, {precision}: {c}");
        }
    }
    let with = tiny.open(None);
    assert_ne!(with.identity().fingerprint, without.fingerprint);
    assert_eq!(with.separator(), "[SEP]");
    // Without a word on pooling SPECTER2's holds.
    std::fs::remove_dir_all(tiny.path().join("1_Pooling")).unwrap();
    let cls = tiny.open(Some(Precision::F32)).embed(&["w5 w6 w7"], Kind::Document).unwrap().concat();
    let first = plain::bert(&tensors, &[0, 5, 6, 7, 2], LAYERS, HEADS).remove(0);
    assert!(cosine(&first, &cls) > 0.999_99);
    // The adapter alone is no model.
    std::fs::remove_file(tiny.path().join("config.json")).unwrap();
    let e = open(&tiny.options()).err().unwrap().to_string();
    assert!(e.contains("an adapter alone"), "{e}");
}

#[test]
fn roberta_and_xlm_roberta_agree_with_candle() {
    for (kind, prefix) in [("roberta", ""), ("xlm-roberta", "roberta.")] {
        let mut config = bert_config(kind, POSITIONS + 2, 1, 1);
        config["layer_norm_eps"] = json!(1e-5);
        let tiny = bert_tensors(prefix, POSITIONS + 2, 1).folder(&config);
        assert_eq!(tiny.ids()[5].len(), POSITIONS, "two rows of the table are no positions");
        let vars = if prefix.is_empty() { tiny.vars() } else { tiny.vars().pp("roberta") };
        let config: xlm_roberta::Config = serde_json::from_value(config).unwrap();
        let model = xlm_roberta::XLMRobertaModel::new(&config, vars).unwrap();
        tiny.check_kin(|ids| {
            states(ids, |ids| model.forward(ids, &ids.ones_like()?, &ids.zeros_like()?, None, None, None))
        });
    }
}

#[test]
fn distilbert_agrees_with_candle() {
    let mut m = Making::new();
    m.table("distilbert.embeddings.word_embeddings", WORDS);
    m.table("distilbert.embeddings.position_embeddings", POSITIONS);
    m.norm("distilbert.embeddings.LayerNorm");
    for i in 0..LAYERS {
        let at = |name: &str| format!("distilbert.transformer.layer.{i}.{name}");
        for part in ["q_lin", "k_lin", "v_lin", "out_lin"] {
            m.linear(&at(&format!("attention.{part}")), HIDDEN, HIDDEN);
        }
        m.norm(&at("sa_layer_norm"));
        m.linear(&at("ffn.lin1"), FED, HIDDEN);
        m.linear(&at("ffn.lin2"), HIDDEN, FED);
        m.norm(&at("output_layer_norm"));
    }
    // With GELU candle takes the tanh formula where the original takes erf, so ReLU tells more of the names.
    let config = json!({
        "model_type": "distilbert", "vocab_size": WORDS, "dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS,
        "hidden_dim": FED, "activation": "relu", "max_position_embeddings": POSITIONS, "initializer_range": 0.02,
        "pad_token_id": 0,
    });
    let tiny = m.folder(&config);
    let config: distilbert::Config = serde_json::from_value(config).unwrap();
    let model = distilbert::DistilBertModel::load(tiny.vars(), &config).unwrap();
    tiny.check_kin(|ids| {
        states(ids, |ids| {
            // Zero shows a token here.
            let n = ids.dim(1)?;
            model.forward(ids, &Tensor::zeros((1, 1, n, n), DType::U8, &Device::Cpu)?)
        })
    });
}

#[test]
fn modernbert_agrees_with_the_formula() {
    let (window, mut m) = (8, Making::new());
    m.table("embeddings.tok_embeddings", WORDS);
    m.gain("embeddings.norm");
    for i in 0..LAYERS {
        let at = |name: &str| format!("layers.{i}.{name}");
        if i > 0 {
            m.gain(&at("attn_norm"));
        }
        m.matrix(&at("attn.Wqkv"), 3 * HIDDEN, HIDDEN);
        m.matrix(&at("attn.Wo"), HIDDEN, HIDDEN);
        m.gain(&at("mlp_norm"));
        m.matrix(&at("mlp.Wi"), 2 * FED, HIDDEN);
        m.matrix(&at("mlp.Wo"), HIDDEN, FED);
    }
    m.gain("final_norm");
    let config = json!({
        "model_type": "modernbert", "vocab_size": WORDS, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": FED, "max_position_embeddings": POSITIONS,
        "norm_eps": 1e-5, "pad_token_id": 1, "global_attn_every_n_layers": 3, "global_rope_theta": 160_000.0,
        "local_attention": window, "local_rope_theta": 10_000.0, "hidden_activation": "gelu", "attention_bias": false,
    });
    let tiny = m.folder(&config);
    let tensors = tiny.plain();
    tiny.check_through_candle(|ids| plain::modern_bert(&tensors, ids, LAYERS, HEADS, window));
}

fn nomic(extra: &[(&str, Value)]) -> Tiny {
    let mut m = Making::new();
    m.table("embeddings.word_embeddings", WORDS);
    m.table("embeddings.token_type_embeddings", 2);
    m.norm("emb_ln");
    for i in 0..LAYERS {
        let at = |name: &str| format!("encoder.layers.{i}.{name}");
        m.matrix(&at("attn.Wqkv"), 3 * HIDDEN, HIDDEN);
        m.matrix(&at("attn.out_proj"), HIDDEN, HIDDEN);
        m.norm(&at("norm1"));
        m.matrix(&at("mlp.fc11"), FED, HIDDEN);
        m.matrix(&at("mlp.fc12"), FED, HIDDEN);
        m.matrix(&at("mlp.fc2"), HIDDEN, FED);
        m.norm(&at("norm2"));
    }
    let mut config = json!({
        "model_type": "nomic_bert", "vocab_size": WORDS, "n_embd": HIDDEN, "n_head": HEADS, "n_layer": LAYERS,
        "n_inner": FED, "n_positions": POSITIONS, "type_vocab_size": 2, "layer_norm_epsilon": 1e-12,
        "rotary_emb_fraction": 1.0, "rotary_emb_base": 1000, "rotary_emb_interleaved": false, "qkv_proj_bias": false,
        "mlp_fc1_bias": false, "mlp_fc2_bias": false, "activation_function": "swiglu", "prenorm": false,
    });
    for (name, value) in extra {
        config[*name] = value.clone();
    }
    m.folder(&config)
}

#[test]
fn nomic_agrees_with_the_formula() {
    let tiny = nomic(&[]);
    let tensors = tiny.plain();
    tiny.check_through_candle(|ids| plain::nomic(&tensors, ids, LAYERS, HEADS));
    let e = ModelFiles::find(&nomic(&[("num_experts", json!(8))]).path().to_string_lossy()).err().unwrap();
    assert!(e.to_string().contains("num_experts"), "{e}");
}

#[test]
fn jina_agrees_with_the_formula() {
    let mut m = Making::new();
    m.table("embeddings.word_embeddings", WORDS);
    m.table("embeddings.token_type_embeddings", 2);
    m.norm("embeddings.LayerNorm");
    for i in 0..LAYERS {
        let at = |name: &str| format!("encoder.layer.{i}.{name}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            m.linear(&at(&format!("attention.{part}")), HIDDEN, HIDDEN);
        }
        m.norm(&at("attention.output.LayerNorm"));
        m.matrix(&at("mlp.gated_layers"), 2 * FED, HIDDEN);
        m.linear(&at("mlp.wo"), HIDDEN, FED);
        m.norm(&at("mlp.layernorm"));
    }
    let mut config = bert_config("bert", POSITIONS, 2, 0);
    config["position_embedding_type"] = json!("alibi");
    config["feed_forward_type"] = json!("geglu");
    let tiny = m.folder(&config);
    let tensors = tiny.plain();
    tiny.check_through_candle(|ids| plain::jina(&tensors, ids, LAYERS, HEADS));
}

#[test]
fn a_shorter_vector_is_the_beginning_of_the_full_one() {
    let tiny = nomic(&[("matryoshka_dimensions", json!([24, 16, 8]))]);
    let at = |dimension| open(&Options { dimension, ..tiny.options() });
    let (full, short) = (at(None).unwrap(), at(Some(8)).unwrap());
    assert_eq!((full.identity().dimension, short.identity().dimension), (24, 8));
    assert_ne!(full.identity().fingerprint, short.identity().fingerprint);
    assert_eq!(full.identity(), at(Some(24)).unwrap().identity());
    let embed = |e: &dyn Embedder| e.embed(&["w5 w6 w7"], Kind::Query).unwrap().concat();
    let expected = super::unit(embed(&*full)[..8].to_vec()).unwrap();
    assert!(embed(&*short).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    let e = at(Some(12)).err().unwrap().to_string();
    assert!(e.contains("12 numbers") && e.contains("24, 16, 8"), "{e}");
}

/// A hub that is cut off while a model is fetched for the first time: never a model without the file that did not come.
#[test]
fn a_hub_that_is_cut_off_gives_no_half_model() {
    let tiny = bert_tensors("", POSITIONS, 2).folder(&bert_config("bert", POSITIONS, 2, 0));
    std::fs::write(tiny.path().join("1_Pooling/config.json"), json!({"pooling_mode_cls_token": true}).to_string())
        .unwrap();
    let there = |file: &str| Some(tiny.path().join(file)).filter(|path| path.is_file());
    // The hub gives so many files, each of which is then in the cache, and then nothing more.
    let read = |before: &[String], given: usize| {
        let cache = RefCell::new(before.to_vec());
        let asked = RefCell::new(Vec::new());
        let model =
            read_hub("some/model", &|file| there(file).filter(|_| cache.borrow().iter().any(|c| c == file)), &|file| {
                if asked.borrow().len() == given {
                    return Err("cut off".into());
                }
                asked.borrow_mut().push(file.to_string());
                cache.borrow_mut().extend(there(file).map(|_| file.to_string()));
                Ok(there(file))
            });
        (model, asked.into_inner(), cache.into_inner())
    };
    let (whole, asked, cached) = read(&[], usize::MAX);
    assert_eq!(whole.unwrap().pooling, Pooling::Cls);
    assert!(asked.contains(&"model.safetensors".into()) && !asked.contains(&"pytorch_model.bin".into()), "{asked:?}");
    let mut before = Vec::new();
    for (given, lacking) in asked.iter().enumerate() {
        let (model, _, cached) = read(&[], given);
        assert!(model.is_err(), "read without {lacking}");
        // Nor when it is tried again without a network.
        assert!(read(&cached, 0).0.is_err(), "read without {lacking} and what follows");
        before = cached;
    }
    // Where it stopped it goes on, and what was fetched to the end needs no network.
    assert_eq!(read(&before, usize::MAX).0.unwrap().pooling, Pooling::Cls);
    assert_eq!(read(&cached, 0).0.unwrap().pooling, Pooling::Cls);
}
