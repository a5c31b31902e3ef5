//! Nearest neighbours by something of one's own: `cargo run --release --example own_index`.
//!
//! The engine knows an index by one trait. This one scores every row; in its place could stand a library, or a database of vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use paperkin::config::Config;
use paperkin::engine::{Engine, SearchOptions};
use paperkin::index::{
    Allowed, Found, Haste, IndexCheck, IndexStatus, MakeIndex, Neighbour, NeighbourGraph, OpenReport, Opening, Plan,
    VectorIndex, check_by_searching, dot, graph_by_searching,
};
use paperkin::paper::Row;
use paperkin::{Error, Result, sources};
use roaring::RoaringBitmap;

/// All vectors by row, in memory.
struct Everything {
    dimension: usize,
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    vectors: BTreeMap<u32, Vec<f32>>,
    /// What was taken away never comes back.
    gone: BTreeSet<u32>,
}

impl Everything {
    fn checked<'a>(&self, vector: &'a [f32]) -> Result<&'a [f32]> {
        let fits = vector.len() == self.dimension && vector.iter().all(|x| x.is_finite());
        if fits { Ok(vector) } else { Err(Error::Internal("a vector that does not fit".into())) }
    }
}

impl VectorIndex for Everything {
    fn name(&self) -> &'static str {
        "everything"
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.held.read().unwrap_or_else(PoisonError::into_inner).vectors.len()
    }

    fn rows(&self) -> RoaringBitmap {
        self.held.read().unwrap_or_else(PoisonError::into_inner).vectors.keys().collect()
    }

    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        rows.iter().try_for_each(|(_, vector)| self.checked(vector).map(drop))?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for (row, vector) in rows {
            if !held.gone.contains(&row.0) {
                held.vectors.entry(row.0).or_insert_with(|| vector.to_vec());
            }
        }
        Ok(())
    }

    fn remove(&self, rows: &[Row]) -> Result<()> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            if held.vectors.remove(&row.0).is_some() {
                held.gone.insert(row.0);
            }
        }
        Ok(())
    }

    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let search = |query: &&[f32]| {
            let query = self.checked(query)?;
            let may = |row: u32| allowed.is_none_or(|allowed| allowed.rows.contains(row));
            let scored = held.vectors.iter().filter(|(row, _)| may(**row));
            let mut neighbours: Vec<Neighbour> =
                scored.map(|(row, vector)| Neighbour { row: Row(*row), score: dot(query, vector) }).collect();
            // Rows come in their order, which decides between equal scores.
            neighbours.sort_by(|a, b| b.score.total_cmp(&a.score));
            neighbours.truncate(k);
            Ok(Found { neighbours, plan: Plan::Exact })
        };
        queries.iter().map(search).collect()
    }

    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.search(query, k, allowed)
    }

    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.iter().map(|row| held.vectors.get(&row.0).cloned()).collect())
    }

    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        graph_by_searching(self, k)
    }

    fn settle(&self, _change: u64, _haste: Haste) -> Result<()> {
        Ok(())
    }

    fn is_due(&self) -> bool {
        false
    }

    fn lasts(&self) -> bool {
        false
    }

    fn status(&self) -> IndexStatus {
        IndexStatus { rows: self.len(), live: self.len(), kernel: "everything", ..IndexStatus::default() }
    }

    fn check(&self, sample: usize) -> Result<IndexCheck> {
        check_by_searching(self, sample)
    }
}

/// Made from what the store holds, at each opening.
fn make(opening: Opening<'_>) -> Result<(Arc<dyn VectorIndex>, OpenReport)> {
    let index = Everything { dimension: opening.dimension, held: RwLock::default() };
    (opening.source)(opening.rows, &mut |row, vector| index.insert(&[(row, vector)]))?;
    Ok((Arc::new(index), OpenReport::default()))
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let make: Arc<MakeIndex> = Arc::new(make);
    let engine = Engine::open_with_index(Config::new(folder.path()), make)?.engine;
    engine.ingest(&mut sources::invented(), &|_| {})?;
    println!("an index called {:?}, of {} papers", engine.info()?.index.kind, engine.info()?.papers);
    let ask = SearchOptions { limit: 5, ..SearchOptions::default() };
    for hit in engine.search("what lives under the ice", &ask)?.papers {
        println!("{:.3}  {}", hit.score, hit.paper.title);
    }
    Ok(())
}
