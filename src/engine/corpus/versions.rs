//! Versions of one work: they are shown once, the newest speaking for all.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::paper::Row;
use crate::store::Store;

/// The works of which there is more than one version.
#[derive(Debug, Default, PartialEq)]
pub struct Versions {
    /// All rows of the work by each of them, the newest first.
    of: HashMap<Row, Arc<[Row]>>,
    /// How many rows do not speak when all are allowed.
    superseded: usize,
}

impl Versions {
    /// Reads them from the store.
    pub fn read(store: &dyn Store) -> Result<Self> {
        let mut versions = Versions::default();
        for rows in store.works()? {
            versions.set(rows);
        }
        Ok(versions)
    }

    /// Brings them up to what came or changed and what went. They are locked only for looks and exchanges.
    ///
    /// # Errors
    /// When the store cannot be read; then they are as they were, and are to be brought up again.
    pub fn follow(
        versions: &RwLock<Self>,
        store: &dyn Store,
        came: &RoaringBitmap,
        gone: &RoaringBitmap,
    ) -> Result<()> {
        let known = |row: Row| versions.read().unwrap_or_else(PoisonError::into_inner).others(row);
        // A changed paper may leave one work and come to another: both are looked at again, as is what one that went has left.
        let touched: Vec<Row> = came.iter().chain(gone).flat_map(|row| known(Row(row))).collect();
        let mut works: Vec<Vec<Row>> = gone.iter().map(|row| vec![Row(row)]).collect();
        let looked: Vec<Row> = came.iter().map(Row).chain(touched).filter(|row| !gone.contains(row.0)).collect();
        for (row, rows) in looked.iter().copied().zip(store.versions(&looked)?) {
            if rows.len() > 1 || versions.read().unwrap_or_else(PoisonError::into_inner).of.contains_key(&row) {
                works.push(if rows.is_empty() { vec![row] } else { rows });
            }
        }
        if !works.is_empty() {
            let mut versions = versions.write().unwrap_or_else(PoisonError::into_inner);
            works.into_iter().for_each(|rows| versions.set(rows));
        }
        Ok(())
    }

    fn set(&mut self, rows: Vec<Row>) {
        for row in &rows {
            if let Some(old) = self.of.remove(row) {
                self.superseded -= usize::from(old.first() != Some(row));
            }
        }
        if rows.len() < 2 {
            return;
        }
        self.superseded += rows.len() - 1;
        let rows: Arc<[Row]> = rows.into();
        for row in rows.iter() {
            self.of.insert(*row, Arc::clone(&rows));
        }
    }

    /// Whether a row is the newest of its work among the allowed ones.
    pub fn is_representative(&self, row: Row, allowed: Option<&RoaringBitmap>) -> bool {
        match self.of.get(&row) {
            None => true,
            Some(rows) => {
                rows.iter().find(|r| allowed.is_none_or(|a| a.contains(r.0))).is_none_or(|first| *first == row)
            }
        }
    }

    /// The newest row of a row's work: itself where there is no other.
    pub fn newest(&self, row: Row) -> Row {
        self.of.get(&row).and_then(|rows| rows.first().copied()).unwrap_or(row)
    }

    /// How many of the allowed rows do not speak, those of `without` not counted.
    pub fn superseded(&self, allowed: Option<&RoaringBitmap>, without: &HashSet<Row>) -> usize {
        let Some(rows) = allowed else {
            return self.superseded - without.iter().filter(|row| !self.is_representative(**row, None)).count();
        };
        let counts =
            |row: &&Row| rows.contains(row.0) && !without.contains(row) && !self.is_representative(**row, allowed);
        self.of.keys().filter(counts).count()
    }

    /// The allowed rows that stand behind a newer allowed version of their work.
    pub fn superseded_rows(&self, allowed: Option<&RoaringBitmap>) -> RoaringBitmap {
        let behind = |row: &&Row| allowed.is_none_or(|a| a.contains(row.0)) && !self.is_representative(**row, allowed);
        self.of.keys().filter(behind).map(|row| row.0).collect()
    }

    /// The other rows of a row's work, the newest first.
    pub fn others(&self, row: Row) -> Vec<Row> {
        self.of.get(&row).map_or_else(Vec::new, |rows| rows.iter().copied().filter(|r| *r != row).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::engine::corpus::fixture::{ingest, open};

    /// Rows by work, the newest first, as whoever looks at all of them would say it.
    fn spoken(works: &[Vec<Row>], row: Row, allowed: Option<&RoaringBitmap>) -> bool {
        let own = works.iter().find(|work| work.contains(&row));
        let first = own.and_then(|work| work.iter().find(|r| allowed.is_none_or(|a| a.contains(r.0))));
        first.is_none_or(|first| *first == row)
    }

    proptest! {
        #[test]
        fn the_newest_of_the_allowed_speaks(
            of in prop::collection::vec(0u32..12, 30), allowed in prop::collection::vec(any::<bool>(), 30),
            without in prop::collection::hash_set(0u32..30, 0..10), all in any::<bool>(),
        ) {
            let mut works: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
            of.iter().zip(0..).for_each(|(work, row)| works.entry(*work).or_default().insert(0, Row(row)));
            let works: Vec<Vec<Row>> = works.into_values().collect();
            let mut versions = Versions::default();
            works.iter().for_each(|work| versions.set(work.clone()));
            let rows: RoaringBitmap = (0..30).filter(|k| allowed[*k as usize]).collect();
            let allowed = (!all).then_some(&rows);
            let without: HashSet<Row> = without.into_iter().map(Row).collect();
            let behind: RoaringBitmap = (0..30)
                .filter(|k| allowed.is_none_or(|a| a.contains(*k)) && !spoken(&works, Row(*k), allowed))
                .collect();
            for k in 0..30 {
                prop_assert_eq!(versions.is_representative(Row(k), allowed), spoken(&works, Row(k), allowed));
                let own = works.iter().find(|work| work.contains(&Row(k))).expect("one of them");
                prop_assert_eq!(versions.newest(Row(k)), own[0]);
                prop_assert_eq!(versions.others(Row(k)).len(), own.len() - 1);
            }
            prop_assert_eq!(&versions.superseded_rows(allowed), &behind);
            let counted = behind.iter().filter(|k| !without.contains(&Row(*k))).count();
            prop_assert_eq!(versions.superseded(allowed, &without), counted);
            // Taken apart again, all speak.
            of.iter().zip(0..).for_each(|(_, row)| versions.set(vec![Row(row)]));
            prop_assert_eq!(versions, Versions::default());
        }
    }

    #[test]
    fn works_are_followed_through_whatever_happens_to_their_papers() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        let version =
            |k: usize, title: &str| json!({ "id": format!("2401.0000{}v{}", k / 3, k % 3 + 1), "title": title });
        let agree = |what: &str| assert_eq!(*corpus.versions(), Versions::read(&*store).expect("read"), "{what}");
        ingest(&corpus, (0..9).map(|k| version(k, "Marmots of the north")));
        agree("they came");
        assert_eq!(
            corpus.paper_in_full("2401.00001v3").expect("it is there").versions.len(),
            8,
            "one work, by its title"
        );
        ingest(&corpus, (3..6).map(|k| version(k, "Whales, and nothing else but whales")));
        agree("some have another title");
        corpus.delete("2401.00001v3").expect("gone");
        agree("the newest went");
        assert_eq!(corpus.paper_in_full("2401.00001v1").expect("it is there").versions.len(), 1);
        corpus.delete("2401.00001v1").expect("gone");
        agree("one is left");
        assert!(corpus.paper_in_full("2401.00001v2").expect("it is there").versions.is_empty());
    }
}
