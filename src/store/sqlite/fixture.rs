//! What tests of the store begin with.

use tempfile::TempDir;

use super::SqliteStore;
use crate::paper::Paper;
use crate::store::{StoredModel, Vectors};

/// The fingerprint of the model of [`store`].
pub const MODEL: &str = "f";

/// A store without papers in a folder of its own, with a model of one number a vector.
pub fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("opens");
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

/// Paper `k`: some share a day, some have none, many are alike in votes.
pub fn paper(k: usize) -> Paper {
    let mut value = serde_json::json!({
        "id": format!("p{k}"), "title": format!("Title {k}"), "upvotes": k % 4, "comments": k % 3,
    });
    if !k.is_multiple_of(5) {
        value["date"] = format!("2026-03-{:02}", 1 + k * 7 % 9).into();
    }
    Paper::from_json(value).expect("a paper")
}
