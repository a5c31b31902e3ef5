//! What an index holds once it is opened: what the store holds, whatever was written by whom before.

use roaring::RoaringBitmap;

use super::setups::{Tested, every_index};
use super::{clustered, insert};
use crate::config::IndexKind;
use crate::index::Haste;
use crate::paper::Row;

/// The content equals the store's, and every row is found by its own vector.
fn agrees(name: &str, index: &Tested) {
    let stored = index.stored();
    assert_eq!(index.rows(), stored.keys().copied().collect::<RoaringBitmap>(), "{name}");
    assert_eq!(index.len(), stored.len(), "{name}");
    for (row, vector) in stored.iter().step_by(7) {
        let found = index.search(vector, 1, None).expect("searches").neighbours;
        assert_eq!(found.first().map(|n| n.row), Some(Row(*row)), "{name}: row {row}");
    }
}

/// The store went on without the index: rows came, and rows went.
#[test]
fn holds_what_the_store_holds() {
    let data = clustered(700, 16, 21);
    for (name, mut index) in every_index(16) {
        for piece in data[..500].chunks(60) {
            insert(&index, piece);
        }
        agrees(name, &index);
        for rounds in 0..2 {
            let report = index.reopen(|store| {
                store.retain(|row, _| row % 5 != rounds);
                store.extend(data[500 + 100 * rounds as usize..][..100].iter().cloned());
            });
            assert_eq!(report.doubt, None, "{name}");
            agrees(name, &index);
            index.settle(index.change(), Haste::Wait).expect("settles");
            agrees(name, &index);
        }
    }
}

/// A folder goes from one kind to another and back, and no kind takes what another left for the truth.
#[test]
fn a_folder_changes_its_kind_freely() {
    let data = clustered(600, 16, 22);
    for kind in IndexKind::all() {
        for (name, mut index) in every_index(16) {
            insert(&index, &data[..400]);
            index.settle(index.change(), Haste::Wait).expect("settles");
            index.reopen_as(kind, |store| {
                store.extend(data[400..500].iter().cloned());
            });
            assert_eq!(index.name(), kind.name());
            agrees(name, &index);
            index.remove(&(0..90).map(Row).collect::<Vec<_>>()).expect("removes");
            let report = index.reopen(|store| {
                store.extend(data[500..].iter().cloned());
            });
            assert_eq!(report.doubt, None, "{name}");
            agrees(name, &index);
        }
    }
}

/// An older copy of the store is put back and goes on by another road while the folder has another kind: rows mean other
/// papers since, and nothing of the files may be believed when their kind comes back.
#[test]
fn files_that_are_newer_than_the_store_are_gone_whichever_kind_comes_first() {
    let (data, others) = (clustered(300, 16, 23), clustered(300, 16, 24));
    for kind in IndexKind::all() {
        for (name, mut index) in every_index(16) {
            insert(&index, &data[..200]);
            let older = index.change();
            for row in &data[200..] {
                insert(&index, std::slice::from_ref(row));
            }
            index.settle(index.change(), Haste::Wait).expect("settles");
            index.put_back(older);
            index.reopen_as(kind, |store| {
                store.retain(|row, _| *row < 200);
            });
            agrees(name, &index);
            // Far beyond the change that the files name.
            for (row, vector) in &others[200..] {
                insert(&index, &[(*row, vector.clone())]);
                index.put_back(index.change() + 10);
            }
            index.reopen(|_| ());
            agrees(name, &index);
        }
    }
}
