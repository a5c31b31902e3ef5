//! What `config.json` says of a model: which architecture it is, and its sizes.

use serde_json::Value;

use super::bert_family::{Activation, BertFamily, BertShape, Naming};
use super::candle::NetworkConfig;

/// An architecture that runs, with its sizes.
pub enum Architecture {
    /// BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT: on our own kernels on the processor, or through candle on any
    /// device.
    Bert(BertFamily),
    /// ModernBERT, Nomic and Jina: through candle, in f32.
    Other(NetworkConfig),
}

/// Those that run, for a person whose model does not.
const RUNNING: &str = "bert (MiniLM, BGE, E5, GTE v1, SPECTER; Jina v2), roberta, xlm-roberta, camembert, distilbert, \
                       modernbert and nomic_bert (v1, v1.5)";

impl Architecture {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// What does not fit, as the end of the sentence "the model cannot be used: ".
    pub fn read(config: &Value) -> Result<Self, String> {
        let kind = config["model_type"].as_str().unwrap_or("bert");
        // Jina v2 calls itself bert, too; its positions give it away.
        let alibi = config["position_embedding_type"] == "alibi";
        let architecture = match kind {
            "bert" if alibi => NetworkConfig::jina(config).map(Architecture::Other),
            "bert" => family(config, Naming::Bert).map(Architecture::Bert),
            "roberta" | "xlm-roberta" | "camembert" => family(config, Naming::Roberta).map(Architecture::Bert),
            "distilbert" => family(config, Naming::DistilBert).map(Architecture::Bert),
            "modernbert" => NetworkConfig::modern_bert(config).map(Architecture::Other),
            "nomic_bert" => NetworkConfig::nomic(config).map(Architecture::Other),
            _ => Err(format!("its architecture is {kind:?}; paperkin runs {RUNNING}")),
        }?;
        let (hidden, heads) = (architecture.hidden(), architecture.heads());
        if hidden == 0 || heads == 0 || hidden % heads != 0 {
            return Err(format!("its hidden size {hidden} is not a multiple of its {heads} attention heads"));
        }
        Ok(architecture)
    }

    /// Numbers in a token's state, and so in a vector of full length.
    pub fn hidden(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.hidden,
            Architecture::Other(network) => network.hidden(),
        }
    }

    /// Tokens of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.vocab,
            Architecture::Other(network) => network.vocabulary(),
        }
    }

    /// The longest sequence that is read here, in tokens.
    pub fn positions(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.positions,
            Architecture::Other(network) => network.positions(),
        }
    }

    /// Whether our own kernels can run it, and with them the narrower precisions.
    pub fn fits_own_kernels(&self) -> bool {
        matches!(self, Architecture::Bert(_))
    }

    fn heads(&self) -> usize {
        match self {
            Architecture::Bert(family) => family.shape.heads,
            Architecture::Other(network) => network.heads(),
        }
    }
}

fn family(config: &Value, naming: Naming) -> Result<BertFamily, String> {
    let positions = config["position_embedding_type"].as_str().unwrap_or("absolute");
    if positions != "absolute" {
        return Err(format!("its position_embedding_type is {positions:?}; paperkin runs only \"absolute\""));
    }
    let pad = number(config, "pad_token_id").unwrap_or(usize::from(naming == Naming::Roberta));
    let rows = number(config, "max_position_embeddings")?;
    // RoBERTa counts positions from the one behind the padding's; the rows before it are never used.
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
            other => return Err(format!("its {activation} is {other:?}; paperkin runs gelu, gelu_new and relu")),
        },
        adapter: None,
    };
    Ok(BertFamily { naming, shape, pad: u32::try_from(pad).unwrap_or(0), skipped })
}

/// A whole number of `config.json`.
pub(super) fn number(config: &Value, name: &str) -> Result<usize, String> {
    let n = config[name].as_u64().and_then(|n| usize::try_from(n).ok());
    n.ok_or_else(|| format!("config.json: {name} is {}, not a whole number", config[name]))
}

/// A number of `config.json`.
pub(super) fn real(config: &Value, name: &str) -> Result<f64, String> {
    config[name].as_f64().ok_or_else(|| format!("config.json: {name} is {}, not a number", config[name]))
}

/// Refuses a setting that is there and has another value than the one that runs.
pub(super) fn must_be(config: &Value, name: &str, value: Value) -> Result<(), String> {
    match &config[name] {
        Value::Null => Ok(()),
        there if *there == value => Ok(()),
        there => Err(format!("its {name} is {there}; paperkin runs only {value}")),
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
        let Ok(Architecture::Other(NetworkConfig::ModernBert(new))) = Architecture::read(&config) else {
            panic!("ModernBERT")
        };
        let mut old = written("modernbert");
        for (name, value) in
            [("global_attn_every_n_layers", 3.0), ("global_rope_theta", 160_000.0), ("local_rope_theta", 10_000.0)]
        {
            old[name] = if name.contains("every") { json!(3) } else { json!(value) };
        }
        let Ok(Architecture::Other(NetworkConfig::ModernBert(old))) = Architecture::read(&old) else {
            panic!("ModernBERT")
        };
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
