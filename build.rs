//! Says what is wrong where the model is to be compiled in and is not there: in the crate as registries have it, which take 10 MB at most.

use std::path::Path;

/// The largest file of the model, 45 MB.
const WEIGHTS: &str = "models/all-MiniLM-L6-v2/model.safetensors";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={WEIGHTS}");
    if std::env::var_os("CARGO_FEATURE_BUNDLED_MODEL").is_some() && !Path::new(WEIGHTS).is_file() {
        println!(
            "cargo::error=the feature bundled-model compiles {WEIGHTS} in, which is not in the crate as registries have it. Build without it \
             (cargo install paperkin --no-default-features) and name a model (--model sentence-transformers/all-MiniLM-L6-v2 fetches the \
             same from the hub), or build from the sources that have it (cargo install --path .)"
        );
    }
}
