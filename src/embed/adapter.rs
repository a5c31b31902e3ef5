//! The bottleneck adapter of SPECTER2, as the AdapterHub library saves it: `adapter_config.json` beside
//! `pytorch_adapter.bin` or `adapter.safetensors`.
//!
//! The form is Pfeiffer's (<https://arxiv.org/abs/2005.00247>, `pfeiffer` or `seq_bn` in that library): behind each
//! feed-forward half, a narrow layer reads the normed sum and adds to the sum before the norm. Between its two products
//! stands a ReLU, so it cannot be multiplied into the weights; it runs as two more products a layer.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::bert_family::{Activation, Bottleneck};

/// What a model's `title` and `abstract` are joined by when it is a SPECTER2.
pub const SEPARATOR: &str = "[SEP]";

/// An adapter with its weights.
pub struct Adapter {
    /// Its size and what stands between its products.
    pub bottleneck: Bottleneck,
    scaling: f32,
    tensors: HashMap<String, Vec<f32>>,
}

impl Adapter {
    /// Checks that `adapter_config.json` describes the one form that runs. `tensors` are those of the adapter's file,
    /// as row-major f32.
    ///
    /// # Errors
    /// What does not fit, as the end of the sentence "the model cannot be used: ".
    pub fn read(file: &Value, tensors: HashMap<String, Vec<f32>>) -> Result<Self, String> {
        let config = &file["config"];
        let wrong = |name: &str| Err(format!("its adapter has {name} = {}, which paperkin does not run", config[name]));
        // These make the form, so they must be there.
        for (name, value) in [("output_adapter", true), ("mh_adapter", false), ("original_ln_before", true)] {
            if config[name] != value {
                return wrong(name);
            }
        }
        // These change it when they are there.
        for (name, value) in [
            ("original_ln_after", json!(true)),
            ("residual_before_ln", json!(true)),
            ("ln_before", json!(false)),
            ("ln_after", json!(false)),
            ("is_parallel", json!(false)),
            ("cross_adapter", json!(false)),
            ("use_gating", json!(false)),
            ("phm_layer", json!(false)),
            ("leave_out", json!([])),
        ] {
            if !config[name].is_null() && config[name] != value {
                return wrong(name);
            }
        }
        if !config["inv_adapter"].is_null() {
            return wrong("inv_adapter");
        }
        let activation = match config["non_linearity"].as_str() {
            Some("relu") => Activation::Relu,
            Some("gelu") => Activation::Gelu,
            Some("gelu_new") => Activation::GeluTanh,
            _ => return wrong("non_linearity"),
        };
        let scaling = match &config["scaling"] {
            Value::Null => 1.0,
            number => match number.as_f64() {
                Some(s) => s as f32,
                None => return wrong("scaling"),
            },
        };
        let mut adapter = Adapter { bottleneck: Bottleneck { width: 0, activation }, scaling, tensors };
        adapter.bottleneck.width = adapter.numbers("encoder.layer.0.output.adapter.down.bias")?.len();
        Ok(adapter)
    }

    /// The tensor that our kernels call `encoder.layer.{i}.output.adapter.{down, up}.{weight, bias}`, row-major; the
    /// adapter's scaling is in those of `up`.
    ///
    /// # Errors
    /// When the file holds none of this name, or several.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        // There they are `bert.encoder.layer.0.output.adapters.NAME.adapter_down.0.weight` and `.adapter_up.weight`.
        let saved = name
            .replace(".adapter.down", ".adapters.*.adapter_down.0")
            .replace(".adapter.up", ".adapters.*.adapter_up");
        let (before, after) = saved.split_once('*').unwrap_or((name, ""));
        let fits = |n: &&String| n.ends_with(after) && (n.starts_with(before) || n.contains(&format!(".{before}")));
        let mut found = self.tensors.iter().filter(|(n, _)| fits(n));
        let tensor = match (found.next(), found.next()) {
            (Some((_, tensor)), None) => tensor,
            (None, _) => return Err(format!("the adapter has no {saved}")),
            _ => return Err("its adapter file holds several adapters; paperkin runs one".into()),
        };
        let mut numbers = tensor.clone();
        if name.contains(".up.") {
            numbers.iter_mut().for_each(|x| *x *= self.scaling);
        }
        Ok(numbers)
    }
}
