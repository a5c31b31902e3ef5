//! What `config.json` says of a model: which architecture it is, and its sizes.

use candle_transformers::models::{jina_bert, modernbert, nomic_bert};
use serde_json::Value;

use super::bert_family::{BertFamily, Naming};
use super::cpu::{Activation, BertShape};

/// An architecture that runs, with its sizes.
///
/// The first runs on our own kernels on the processor, in every precision, and through candle elsewhere; the others run
/// through candle everywhere, in f32.
pub enum Architecture {
    /// BERT, RoBERTa, XLM-R, DistilBERT.
    Bert(BertFamily),
    /// <https://arxiv.org/abs/2412.13663>
    ModernBert(modernbert::Config),
    /// <https://arxiv.org/abs/2402.01613>, versions 1 and 1.5.
    Nomic(nomic_bert::Config),
    /// <https://arxiv.org/abs/2310.19923>
    Jina(jina_bert::Config),
}

/// Those that run, for a person whose model does not.
const RUNNING: &str = "bert (MiniLM, BGE, E5, GTE v1, SPECTER; Jina v2), roberta, xlm-roberta, camembert, distilbert, \
                       modernbert and nomic_bert (v1, v1.5)";

/// Candle lays the scores of all pairs of tokens out in memory, which for 8192 tokens takes gigabytes a text; Nomic was
/// trained on 2048, and an abstract seldom has a quarter of that.
const LONGEST_THROUGH_CANDLE: usize = 2048;

impl Architecture {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// What does not fit, in words that go behind "the model cannot be used: ".
    pub fn read(config: &Value) -> Result<Self, String> {
        let kind = config["model_type"].as_str().unwrap_or("bert");
        // Jina v2 calls itself bert, too; its positions give it away.
        let alibi = config["position_embedding_type"] == "alibi";
        let architecture = match kind {
            "bert" if alibi => jina(config).map(Architecture::Jina),
            "bert" => family(config, Naming::Bert).map(Architecture::Bert),
            "roberta" | "xlm-roberta" | "camembert" => family(config, Naming::Roberta).map(Architecture::Bert),
            "distilbert" => family(config, Naming::DistilBert).map(Architecture::Bert),
            "modernbert" => modern(config).map(Architecture::ModernBert),
            "nomic_bert" => nomic(config).map(Architecture::Nomic),
            _ => Err(format!("its architecture is {kind:?}; those that run are {RUNNING}")),
        }?;
        let (hidden, heads) = (architecture.hidden(), architecture.heads());
        if hidden == 0 || heads == 0 || hidden % heads != 0 {
            return Err(format!("its hidden size {hidden} is not divided by its {heads} attention heads"));
        }
        Ok(architecture)
    }

    /// Numbers in a token's vector.
    pub fn hidden(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.hidden,
            Architecture::ModernBert(c) => c.hidden_size,
            Architecture::Nomic(c) => c.n_embd,
            Architecture::Jina(c) => c.hidden_size,
        }
    }

    /// Words in the vocabulary.
    pub fn vocabulary(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.vocab,
            Architecture::ModernBert(c) => c.vocab_size,
            Architecture::Nomic(c) => c.vocab_size,
            Architecture::Jina(c) => c.vocab_size,
        }
    }

    /// The longest sequence it reads here.
    pub fn positions(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.positions,
            Architecture::ModernBert(c) => c.max_position_embeddings.min(LONGEST_THROUGH_CANDLE),
            Architecture::Nomic(c) => c.n_positions.min(LONGEST_THROUGH_CANDLE),
            Architecture::Jina(c) => c.max_position_embeddings.min(LONGEST_THROUGH_CANDLE),
        }
    }

    /// Whether our own kernels know it, and with them the narrower precisions.
    pub fn has_kernels(&self) -> bool {
        matches!(self, Architecture::Bert(_))
    }

    fn heads(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.heads,
            Architecture::ModernBert(c) => c.num_attention_heads,
            Architecture::Nomic(c) => c.n_head,
            Architecture::Jina(c) => c.num_attention_heads,
        }
    }
}

fn family(config: &Value, naming: Naming) -> Result<BertFamily, String> {
    let positions = config["position_embedding_type"].as_str().unwrap_or("absolute");
    if positions != "absolute" {
        return Err(format!("its position_embedding_type is {positions:?}; absolute is what runs"));
    }
    let pad = number(config, "pad_token_id").unwrap_or(usize::from(naming == Naming::Roberta));
    let rows = number(config, "max_position_embeddings")?;
    // RoBERTa counts positions from the one behind the padding's, whatever the text.
    let skipped = if naming == Naming::Roberta { pad + 1 } else { 0 };
    let distil = naming == Naming::DistilBert;
    let name = |bert, other| if distil { other } else { bert };
    let activation = name("hidden_act", "activation");
    let shape = BertShape {
        hidden: number(config, name("hidden_size", "dim"))?,
        layers: number(config, name("num_hidden_layers", "n_layers"))?,
        heads: number(config, name("num_attention_heads", "n_heads"))?,
        intermediate: number(config, name("intermediate_size", "hidden_dim"))?,
        vocab: number(config, "vocab_size")?,
        positions: rows.saturating_sub(skipped),
        types: if distil { 1 } else { number(config, "type_vocab_size")? },
        eps: if distil { 1e-12 } else { real(config, "layer_norm_eps")? as f32 },
        activation: match config[activation].as_str().unwrap_or("gelu") {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" | "geluapproximate" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => return Err(format!("its {activation} is {other:?}; gelu, gelu_new and relu are what runs")),
        },
        adapter: None,
    };
    Ok(BertFamily { naming, shape, pad: u32::try_from(pad).unwrap_or(0), skipped })
}

fn modern(config: &Value) -> Result<modernbert::Config, String> {
    for bias in ["attention_bias", "mlp_bias", "norm_bias"] {
        must_be(config, bias, false.into())?;
    }
    must_be(config, "hidden_activation", "gelu".into())?;
    // Transformers 5 keeps both bases under `rope_parameters`.
    let theta = |old: &str, new: &str| theta(&config["rope_parameters"][new]).unwrap_or_else(|| real(config, old));
    Ok(modernbert::Config {
        vocab_size: number(config, "vocab_size")?,
        hidden_size: number(config, "hidden_size")?,
        num_hidden_layers: number(config, "num_hidden_layers")?,
        num_attention_heads: number(config, "num_attention_heads")?,
        intermediate_size: number(config, "intermediate_size")?,
        max_position_embeddings: number(config, "max_position_embeddings")?,
        layer_norm_eps: real(config, "norm_eps").or_else(|_| real(config, "layer_norm_eps"))?,
        pad_token_id: number(config, "pad_token_id").ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        global_attn_every_n_layers: layers_between_global(config)?,
        global_rope_theta: theta("global_rope_theta", "full_attention")?,
        local_attention: number(config, "local_attention")?,
        local_rope_theta: theta("local_rope_theta", "sliding_attention")?,
        classifier_config: None,
    })
}

/// The base of the rotary positions in the form of Transformers 5; none where that is not there.
fn theta(parameters: &Value) -> Option<Result<f64, String>> {
    let theta = parameters["rope_theta"].as_f64()?;
    Some(must_be(parameters, "rope_type", "default".into()).map(|()| theta))
}

/// Every how many layers one sees the whole text: a number, or in Transformers 5 a list that names each layer.
fn layers_between_global(config: &Value) -> Result<usize, String> {
    let Some(list) = config["layer_types"].as_array() else {
        let n = number(config, "global_attn_every_n_layers")?;
        return if n > 0 { Ok(n) } else { Err("config.json: global_attn_every_n_layers is 0".into()) };
    };
    let whole: Vec<bool> = list.iter().map(|kind| kind == "full_attention").collect();
    let n = whole.iter().skip(1).position(|&w| w).map_or(whole.len().max(1), |k| k + 1);
    if whole.iter().enumerate().any(|(i, &w)| w != (i % n == 0)) {
        return Err("its layer_types do not repeat; one layer in every so many that sees all is what runs".into());
    }
    Ok(n)
}

fn nomic(config: &Value) -> Result<nomic_bert::Config, String> {
    // The second version's experts, and variants that never were published, would be left out silently.
    for (name, value) in [
        ("activation_function", "swiglu".into()),
        ("use_rms_norm", false.into()),
        ("parallel_block", false.into()),
        ("num_experts", 0.into()),
        ("moe_every_n_layers", 0.into()),
    ] {
        must_be(config, name, value)?;
    }
    let flag = |name: &str| config[name].as_bool().unwrap_or(false);
    // Nomic's own names, or those of Transformers 5, where it is one model among others.
    let own = !config["n_embd"].is_null();
    let name = |own_name, common| if own { own_name } else { common };
    if !own {
        must_be(config, "hidden_act", "silu".into())?;
    }
    let theta = theta(&config["rope_parameters"]).unwrap_or_else(|| real(config, "rotary_emb_base"));
    Ok(nomic_bert::Config {
        vocab_size: number(config, "vocab_size")?,
        n_embd: number(config, name("n_embd", "hidden_size"))?,
        n_head: number(config, name("n_head", "num_attention_heads"))?,
        n_layer: number(config, name("n_layer", "num_hidden_layers"))?,
        n_inner: number(config, name("n_inner", "intermediate_size"))?,
        n_positions: number(config, name("n_positions", "max_position_embeddings"))?,
        type_vocab_size: number(config, "type_vocab_size")?,
        layer_norm_epsilon: real(config, name("layer_norm_epsilon", "layer_norm_eps"))?,
        rotary_emb_fraction: if own { real(config, "rotary_emb_fraction")? } else { 1.0 },
        rotary_emb_base: theta?,
        rotary_emb_interleaved: flag("rotary_emb_interleaved"),
        qkv_proj_bias: flag("qkv_proj_bias"),
        mlp_fc1_bias: flag("mlp_fc1_bias"),
        mlp_fc2_bias: flag("mlp_fc2_bias"),
        activation_function: "swiglu".into(),
        prenorm: flag("prenorm"),
        model_type: Some("nomic_bert".into()),
    })
}

fn jina(config: &Value) -> Result<jina_bert::Config, String> {
    must_be(config, "feed_forward_type", "geglu".into())?;
    Ok(jina_bert::Config {
        vocab_size: number(config, "vocab_size")?,
        hidden_size: number(config, "hidden_size")?,
        num_hidden_layers: number(config, "num_hidden_layers")?,
        num_attention_heads: number(config, "num_attention_heads")?,
        intermediate_size: number(config, "intermediate_size")?,
        hidden_act: candle_nn::Activation::Gelu,
        max_position_embeddings: number(config, "max_position_embeddings")?,
        type_vocab_size: number(config, "type_vocab_size")?,
        initializer_range: 0.02,
        layer_norm_eps: real(config, "layer_norm_eps")?,
        pad_token_id: number(config, "pad_token_id").unwrap_or(0),
        position_embedding_type: jina_bert::PositionEmbeddingType::Alibi,
    })
}

fn number(config: &Value, name: &str) -> Result<usize, String> {
    let n = config[name].as_u64().and_then(|n| usize::try_from(n).ok());
    n.ok_or_else(|| format!("config.json: {name} is {}, not a whole number", config[name]))
}

fn real(config: &Value, name: &str) -> Result<f64, String> {
    config[name].as_f64().ok_or_else(|| format!("config.json: {name} is {}, not a number", config[name]))
}

/// Refuses a setting that is there and has another value than the one that runs.
fn must_be(config: &Value, name: &str, value: Value) -> Result<(), String> {
    match &config[name] {
        Value::Null => Ok(()),
        there if *there == value => Ok(()),
        there => Err(format!("its {name} is {there}; {value} is what runs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The sizes as Transformers 5 writes them.
    fn written(kind: &str) -> Value {
        json!({
            "model_type": kind, "vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 3,
            "intermediate_size": 40, "max_position_embeddings": 8192, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "norm_eps": 1e-5, "local_attention": 8,
        })
    }

    #[test]
    fn both_ways_of_writing_modernbert_are_read() {
        let mut config = written("modernbert");
        config["layer_types"] = json!(["full_attention", "sliding_attention", "sliding_attention", "full_attention"]);
        config["rope_parameters"] = json!({
            "full_attention": {"rope_theta": 160_000.0, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        });
        let Ok(Architecture::ModernBert(new)) = Architecture::read(&config) else { panic!("ModernBERT") };
        let mut old = written("modernbert");
        for (name, value) in
            [("global_attn_every_n_layers", 3.0), ("global_rope_theta", 160_000.0), ("local_rope_theta", 10_000.0)]
        {
            old[name] = if name.contains("every") { json!(3) } else { json!(value) };
        }
        let Ok(Architecture::ModernBert(old)) = Architecture::read(&old) else { panic!("ModernBERT") };
        assert_eq!(new, old);
        for (path, value, word) in [
            ("/rope_parameters/full_attention/rope_type", json!("yarn"), "yarn"),
            ("/layer_types/1", json!("full_attention"), "layer_types"),
        ] {
            let mut other = config.clone();
            *other.pointer_mut(path).expect("there") = value;
            let e = Architecture::read(&other).err().expect(word);
            assert!(e.contains(word), "{e}");
        }
    }

    #[test]
    fn both_ways_of_writing_nomic_are_read() {
        let mut config = written("nomic_bert");
        config["hidden_act"] = json!("silu");
        config["rope_parameters"] = json!({"rope_theta": 1000.0, "rope_type": "default"});
        let new = Architecture::read(&config).expect("Nomic");
        assert_eq!((new.hidden(), new.heads(), new.vocabulary(), new.positions()), (24, 3, 50, 2048));
        config["hidden_act"] = json!("gelu");
        assert!(Architecture::read(&config).is_err_and(|e| e.contains("hidden_act")));
    }
}
