//! Every architecture against candle's implementation of it, or the plain formula.

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{bert, distilbert, xlm_roberta};
use serde_json::{Value, json};

use super::super::architecture::Architecture;
use super::super::cpu::Isa;
use super::super::forward::load_own;
use super::super::{Embedder, Kind, ModelFiles, Options, Precision, open, unit};
use super::{
    FED, HEADS, HIDDEN, LAYERS, Making, POSITIONS, Tiny, WORDS, bert_config, bert_tensors, cosine, plain, states,
};

#[test]
fn bert_agrees_with_candle_and_the_formula() {
    let config = bert_config("bert", POSITIONS, 2, 0);
    let tiny = bert_tensors("bert.", POSITIONS, 2).folder(&config);
    let model = bert::BertModel::load(tiny.vars(), &serde_json::from_value(config.clone()).unwrap()).unwrap();
    tiny.check_family(|ids| states(ids, |ids| model.forward(ids, &ids.zeros_like()?, None)));
    let bare = bert_tensors("", POSITIONS, 2).folder(&config);
    let tensors = bare.plain();
    bare.check_family(|ids| plain::bert(&tensors, ids, LAYERS, HEADS));
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
    let Architecture::Bert(family) = &files.architecture else { panic!("a BERT") };
    let ids = [0, 5, 6, 7, 8, 9, 5, 2];
    let states = plain::bert(&tensors, &ids, LAYERS, HEADS);
    let mean: Vec<f64> = (0..HIDDEN).map(|k| states.iter().map(|s| s[k]).sum::<f64>()).collect();
    for isa in Isa::known().into_iter().filter(|isa| isa.usable()) {
        for (precision, least) in [(Precision::F32, 0.999_99), (Precision::Bf16, 0.999), (Precision::Int8, 0.99)] {
            let ours = load_own(&files, family, precision, isa).unwrap().forward(&[&ids], 1).unwrap().concat();
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
        tiny.check_family(|ids| {
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
    tiny.check_family(|ids| {
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
    let expected = unit(embed(&*full)[..8].to_vec()).unwrap();
    assert!(embed(&*short).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    let e = at(Some(12)).err().unwrap().to_string();
    assert!(e.contains("12 numbers") && e.contains("24, 16, 8"), "{e}");
}
