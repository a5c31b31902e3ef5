//! The sizes of the architectures that run through candle's own implementations, read from `config.json`.

use candle_transformers::models::{jina_bert, modernbert, nomic_bert};
use serde_json::Value;

use crate::embed::architecture::{must_be, number, real};

/// Candle holds the attention scores of all pairs of tokens at once: gigabytes for a text of 8192 tokens. Nomic was
/// trained on 2048, and an abstract seldom has a quarter of that.
const LONGEST: usize = 2048;

/// An architecture that candle implements and our own kernels do not, with its sizes.
pub enum NetworkConfig {
    /// <https://arxiv.org/abs/2412.13663>
    ModernBert(modernbert::Config),
    /// <https://arxiv.org/abs/2402.01613>, versions 1 and 1.5.
    Nomic(nomic_bert::Config),
    /// <https://arxiv.org/abs/2310.19923>
    Jina(jina_bert::Config),
}

impl NetworkConfig {
    /// Numbers in a token's state.
    pub fn hidden(&self) -> usize {
        match self {
            NetworkConfig::ModernBert(c) => c.hidden_size,
            NetworkConfig::Nomic(c) => c.n_embd,
            NetworkConfig::Jina(c) => c.hidden_size,
        }
    }

    /// Tokens of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        match self {
            NetworkConfig::ModernBert(c) => c.vocab_size,
            NetworkConfig::Nomic(c) => c.vocab_size,
            NetworkConfig::Jina(c) => c.vocab_size,
        }
    }

    /// The longest sequence that is read here, in tokens.
    pub fn positions(&self) -> usize {
        match self {
            NetworkConfig::ModernBert(c) => c.max_position_embeddings.min(LONGEST),
            NetworkConfig::Nomic(c) => c.n_positions.min(LONGEST),
            NetworkConfig::Jina(c) => c.max_position_embeddings.min(LONGEST),
        }
    }

    /// Attention heads.
    pub fn heads(&self) -> usize {
        match self {
            NetworkConfig::ModernBert(c) => c.num_attention_heads,
            NetworkConfig::Nomic(c) => c.n_head,
            NetworkConfig::Jina(c) => c.num_attention_heads,
        }
    }

    /// Reads the sizes of a ModernBERT.
    ///
    /// # Errors
    /// What does not fit, as the end of the sentence "the model cannot be used: ".
    pub fn modern_bert(config: &Value) -> Result<Self, String> {
        for bias in ["attention_bias", "mlp_bias", "norm_bias"] {
            must_be(config, bias, false.into())?;
        }
        must_be(config, "hidden_activation", "gelu".into())?;
        // Transformers 5 keeps both bases under `rope_parameters`.
        let theta = |old: &str, new: &str| theta(&config["rope_parameters"][new]).unwrap_or_else(|| real(config, old));
        Ok(NetworkConfig::ModernBert(modernbert::Config {
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
        }))
    }

    /// Reads the sizes of a Nomic BERT.
    ///
    /// # Errors
    /// What does not fit, as the end of the sentence "the model cannot be used: ".
    pub fn nomic(config: &Value) -> Result<Self, String> {
        // The second version's experts, and variants that never were published, would be ignored without a word.
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
        Ok(NetworkConfig::Nomic(nomic_bert::Config {
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
        }))
    }

    /// Reads the sizes of a Jina v2.
    ///
    /// # Errors
    /// What does not fit, as the end of the sentence "the model cannot be used: ".
    pub fn jina(config: &Value) -> Result<Self, String> {
        must_be(config, "feed_forward_type", "geglu".into())?;
        Ok(NetworkConfig::Jina(jina_bert::Config {
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
        }))
    }
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
        return Err(
            "its layer_types do not repeat; paperkin runs models where every n-th layer sees the whole text".into()
        );
    }
    Ok(n)
}
