//! What tests of the store begin with.

use tempfile::TempDir;

use super::{Store, StoredModel};

/// The fingerprint of the model of [`store`].
pub const MODEL: &str = "f";

/// A store without papers in a folder of its own, with a model of one number a vector.
pub fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    let model = StoredModel {
        name: "m".into(),
        fingerprint: MODEL.into(),
        dimension: 1,
        source: "m".into(),
        precision: "f32".into(),
    };
    store.set_current_model(&model).expect("written");
    (folder, store)
}
