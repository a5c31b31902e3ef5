//! Every index there is, in every way to set it up, over a store that is a map.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use roaring::RoaringBitmap;

use crate::config::IndexKind;
use crate::error::Result;
use crate::index::{Haste, IndexOptions, OpenReport, Opening, VectorIndex, open};
use crate::paper::Row;

/// One way to set an index up.
#[derive(Clone, Copy)]
pub struct Setup {
    name: &'static str,
    kind: IndexKind,
    exact_below: usize,
    /// After how many calls of `insert` it is settled, so that graphs, merges and rebuilding are what is tested, and how;
    /// otherwise it is left to itself.
    settled: Option<(usize, Haste)>,
}

const SETUPS: [Setup; 9] = {
    use Haste::{Behind, Wait};
    use IndexKind::{Exact, HnswRs, Segments};
    const fn setup(name: &'static str, kind: IndexKind, exact_below: usize, settled: Option<(usize, Haste)>) -> Setup {
        Setup { name, kind, exact_below, settled }
    }
    [
        setup("segments, live", Segments, 4000, None),
        setup("segments, frozen at once", Segments, 4, Some((1, Wait))),
        setup("segments, frozen now and then", Segments, 4, Some((9, Wait))),
        setup("segments, frozen behind the searches", Segments, 20, None),
        setup("exact", Exact, 4000, Some((5, Wait))),
        setup("hnsw_rs, scored", HnswRs, 4000, None),
        setup("hnsw_rs, a graph from the start", HnswRs, 0, Some((1, Wait))),
        setup("hnsw_rs, linked now and then", HnswRs, 4, Some((9, Wait))),
        setup("hnsw_rs, linked behind the searches", HnswRs, 4, Some((2, Behind))),
    ]
};

/// The rows that are alive, with their vectors.
type Store = Arc<Mutex<BTreeMap<u32, Vec<f32>>>>;

/// An index over a store.
pub struct Tested {
    index: Arc<dyn VectorIndex>,
    setup: Setup,
    dimension: usize,
    folder: tempfile::TempDir,
    store: Store,
    change: AtomicU64,
    inserted: AtomicUsize,
}

/// Every set-up with vectors of so many numbers, empty.
pub fn every_index(dimension: usize) -> Vec<(&'static str, Tested)> {
    SETUPS.iter().map(|setup| (setup.name, Tested::new(*setup, dimension))).collect()
}

impl Tested {
    fn new(setup: Setup, dimension: usize) -> Self {
        let (folder, store) = (tempfile::tempdir().expect("a folder"), Store::default());
        let (index, report) = opened(setup.kind, setup, dimension, folder.path(), &store, 0);
        assert_eq!(report, OpenReport::default());
        Tested { index, setup, dimension, folder, store, change: AtomicU64::new(0), inserted: AtomicUsize::new(0) }
    }

    /// Inserts, and settles when it is time.
    pub fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        let change = self.change.fetch_add(1, Ordering::Relaxed) + 1;
        self.index.seen(change);
        self.index.insert(rows)?;
        for (row, vector) in rows {
            self.store.lock().expect("whole").entry(row.0).or_insert_with(|| vector.to_vec());
        }
        match self.setup.settled {
            Some((every, haste)) if (self.inserted.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every) => {
                self.index.settle(change, haste)
            }
            _ => Ok(()),
        }
    }

    /// Removes.
    pub fn remove(&self, rows: &[Row]) -> Result<()> {
        self.change.fetch_add(1, Ordering::Relaxed);
        rows.iter().for_each(|row| drop(self.store.lock().expect("whole").remove(&row.0)));
        self.index.remove(rows)
    }

    /// Closes it, changes the store behind its back, and opens it again.
    pub fn reopen(&mut self, meanwhile: impl FnOnce(&mut BTreeMap<u32, Vec<f32>>)) -> OpenReport {
        self.reopen_as(self.setup.kind, meanwhile)
    }

    /// The same as an index of another kind.
    pub fn reopen_as(&mut self, kind: IndexKind, meanwhile: impl FnOnce(&mut BTreeMap<u32, Vec<f32>>)) -> OpenReport {
        // The old one closes first: two over one folder would be two processes.
        let (nothing, _) =
            opened(IndexKind::Exact, self.setup, self.dimension, self.folder.path(), &Store::default(), u64::MAX);
        drop(std::mem::replace(&mut self.index, nothing));
        meanwhile(&mut self.store.lock().expect("whole"));
        let change = self.change.fetch_add(1, Ordering::Relaxed) + 1;
        let (index, report) = opened(kind, self.setup, self.dimension, self.folder.path(), &self.store, change);
        self.index = index;
        report
    }

    /// The store goes back to an older state: its change number too.
    pub fn put_back(&self, change: u64) {
        self.change.store(change, Ordering::Relaxed);
    }

    /// The store's change number.
    pub fn change(&self) -> u64 {
        self.change.load(Ordering::Relaxed)
    }

    /// What the store holds.
    pub fn stored(&self) -> BTreeMap<u32, Vec<f32>> {
        self.store.lock().expect("whole").clone()
    }
}

impl std::ops::Deref for Tested {
    type Target = dyn VectorIndex;
    fn deref(&self) -> &Self::Target {
        &*self.index
    }
}

fn opened(
    kind: IndexKind,
    setup: Setup,
    dimension: usize,
    folder: &std::path::Path,
    store: &Store,
    change: u64,
) -> (Arc<dyn VectorIndex>, OpenReport) {
    // Whatever can be walked is walked, under filters too.
    let options = IndexOptions {
        rows_a_step: 1,
        exact_below: setup.exact_below,
        ef_search: 64,
        checked_at_once: 8 << 10,
        ..IndexOptions::default()
    };
    let rows: RoaringBitmap = store.lock().expect("whole").keys().copied().collect();
    let from = Arc::clone(store);
    let source = Box::new(move |rows: &RoaringBitmap, f: &mut dyn FnMut(Row, &[f32]) -> Result<()>| {
        let all = from.lock().expect("whole").clone();
        rows.iter().filter_map(|row| all.get_key_value(&row)).try_for_each(|(row, v)| f(Row(*row), v))
    });
    let opening = Opening { folder, fingerprint: "a model", dimension, options, change, rows: &rows, source };
    open(kind, opening).expect("opens")
}
