//! Which index finds the nearest vectors.

use serde::{Deserialize, Serialize};

/// What finds the nearest vectors. In the file under `[index]`; in the environment as `PAPERKIN_INDEX_KIND`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexSettings {
    /// Which index. A data folder goes from one to another freely: each is made from the store when it is opened.
    pub kind: IndexKind,
}

/// What finds the nearest vectors. All give the cosine of the same vectors, so answers differ by what a graph misses alone.
//
// The help of `--index-kind` shows what is said of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum IndexKind {
    /// Graphs in mapped files of the data folder, each measured; opened without reading all vectors.
    #[default]
    Segments,
    /// Every paper is scored, nothing is missed: all vectors in memory, read at each start; time grows with the papers.
    Exact,
    /// One graph in memory by the crate hnsw_rs, beside all vectors; built behind the searches after each start.
    HnswRs,
}

impl IndexKind {
    /// All of them, the default first.
    pub fn all() -> impl Iterator<Item = IndexKind> {
        <Self as clap::ValueEnum>::value_variants().iter().copied()
    }

    /// Its name in settings and answers.
    pub fn name(self) -> &'static str {
        match self {
            IndexKind::Segments => "segments",
            IndexKind::Exact => "exact",
            IndexKind::HnswRs => "hnsw_rs",
        }
    }
}

impl std::fmt::Display for IndexKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// What an answer says may be written into the settings and behind `--index-kind`.
    #[test]
    fn a_kind_has_one_name() {
        assert_eq!(IndexKind::all().next(), Some(IndexKind::default()));
        for kind in IndexKind::all() {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.name());
            assert_eq!(IndexKind::from_str(kind.name(), false), Ok(kind));
        }
    }
}
