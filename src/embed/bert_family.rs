//! BERT and the architectures that are BERT under other names: RoBERTa, XLM-R, CamemBERT, DistilBERT.
//!
//! Every one of them is a [`BertFamily`]: a shape, and a mapping of BERT's tensor names to its own. What runs a BERT
//! (the kernels of `cpu`, or `candle`) asks for tensors by BERT's names and so runs them all.

/// How an architecture names its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As in BERT.
    Bert,
    /// As in BERT, under the prefix `roberta`. The first rows of the position table belong to no position.
    Roberta,
    /// Names of its own, and no token types.
    DistilBert,
}

/// The sizes of an encoder, as its config.json gives them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BertShape {
    /// Numbers in a token's state.
    pub hidden: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads; divides `hidden`.
    pub heads: usize,
    /// Numbers between the two products of a feed-forward block.
    pub intermediate: usize,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// The longest sequence, in tokens.
    pub positions: usize,
    /// Token types. Only the first is used: every call holds single texts.
    pub types: usize,
    /// Added to the variance in the layer norms.
    pub eps: f32,
    /// Inside the feed-forward blocks.
    pub activation: Activation,
    /// Behind every feed-forward block, where the model has them.
    pub adapter: Option<Bottleneck>,
}

/// An adapter: two more products a layer, with few numbers between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bottleneck {
    /// Numbers between the two products.
    pub width: usize,
    /// What is applied to them.
    pub activation: Activation,
}

/// The function inside the feed-forward blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// GELU by the error function.
    Gelu,
    /// GELU by its tanh approximation.
    GeluTanh,
    /// The positive part.
    Relu,
}

/// An encoder of BERT's shape.
#[derive(Debug, Clone, Copy)]
pub struct BertFamily {
    /// What its tensors are called.
    pub naming: Naming,
    /// Its sizes.
    pub shape: BertShape,
    /// The token id that pads a batch.
    pub pad: u32,
    /// Rows at the top of the position table that no token of a text uses.
    pub skipped: usize,
}

/// The parts of a layer: BERT's names on the left, DistilBERT's on the right. The first that fits counts.
pub const DISTILBERT: [(&str, &str); 8] = [
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
];

impl BertFamily {
    /// The names, in the order to try them, under which a file may hold the tensor that BERT calls `bert`: bare or with
    /// the architecture as prefix, and in files of older versions with `gamma` and `beta` for a norm's weight and bias.
    pub fn names(&self, bert: &str) -> [String; 4] {
        let (prefix, name) = (self.prefix(), self.own_name(bert));
        let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        [name.clone(), format!("{prefix}.{name}"), old.clone(), format!("{prefix}.{old}")]
    }

    fn prefix(&self) -> &'static str {
        match self.naming {
            Naming::Bert => "bert",
            Naming::Roberta => "roberta",
            Naming::DistilBert => "distilbert",
        }
    }

    fn own_name(&self, bert: &str) -> String {
        if self.naming != Naming::DistilBert {
            return bert.to_string();
        }
        let name = bert.replace("encoder.layer", "transformer.layer");
        match DISTILBERT.iter().find(|(from, _)| name.contains(from)) {
            Some((from, to)) => name.replace(from, to),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_names_its_tensors_its_own_way() {
        let shape = BertShape {
            hidden: 8,
            layers: 1,
            heads: 2,
            intermediate: 8,
            vocab: 40,
            positions: 4,
            types: 1,
            eps: 1e-12,
            activation: Activation::Gelu,
            adapter: None,
        };
        let first = |naming, name: &str| BertFamily { naming, shape, pad: 0, skipped: 0 }.names(name);
        let query = "encoder.layer.3.attention.self.query.weight";
        assert_eq!(first(Naming::Bert, query)[..2], [query.to_string(), format!("bert.{query}")]);
        assert_eq!(first(Naming::Roberta, query)[1], format!("roberta.{query}"));
        assert_eq!(first(Naming::DistilBert, query)[1], "distilbert.transformer.layer.3.attention.q_lin.weight");
        // The names of two products end alike; the longer one must win.
        let output = first(Naming::DistilBert, "encoder.layer.0.attention.output.dense.bias");
        assert_eq!(output[0], "transformer.layer.0.attention.out_lin.bias");
        assert_eq!(
            first(Naming::DistilBert, "encoder.layer.0.output.dense.bias")[0],
            "transformer.layer.0.ffn.lin2.bias"
        );
        assert_eq!(first(Naming::Bert, "embeddings.LayerNorm.bias")[2], "embeddings.LayerNorm.beta");
    }
}
