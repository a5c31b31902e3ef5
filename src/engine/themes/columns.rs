//! The whole map as columns of bytes, for who draws all of it: 176,730 points as JSON are 14 MB, as columns 4.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `pkmap`, two zeros, and the version of the layout, 1 |
//! | 4 | u32: how many bytes of JSON follow, `h`; 16 + `h` is a multiple of 4 |
//! | 4 | u32: how many points there are, `n` |
//! | `h` | JSON in UTF-8, with spaces at its end |
//! | 4 `n` | f32: the place to the right |
//! | 4 `n` | f32: the place upwards |
//! | 4 `n` | i32: the finest theme, by its place in `themes`; -1 for none |
//! | 4 `n` | i32: the day, in days since 1970-01-01; -2147483648 for none |
//! | 4 `n` | u32: the number of the paper, by which `GET /v1/themes/map/papers` tells its id, title and date |
//! | 2 `n` | u16: its first category, by its place in `categories`; 65535 for none, or one that is not among the most frequent |
//!
//! The JSON holds `run`, `run_at`, `bounds` (left, bottom, right, top), `themes` (`id`, `name`, `level`, `parent`, `size`, `x`, `y`, as
//! in the JSON form), `categories` (the most frequent first) and `levels`: of the first `levels[z]` points is an even sample for
//! zoom `z`, and the last of `levels` is `n`.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, OnceLock, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::map::rounded;
use super::snapshot::ThemeSnapshot;
use super::view::time;
use super::{Themes, theme_id};
use crate::error::{Error, Result};
use crate::paper::Row;
use crate::store::Store;
use crate::themes::labels::DEEPEST;

/// What a map begins with: a name, and the version of the layout.
const MAGIC: &[u8; 8] = b"pkmap\0\0\x01";

/// Categories that are told apart.
const CATEGORIES: usize = 1_000;

/// A day that nobody knows, and a category that is none.
const NO_DAY: i32 = i32::MIN;
const NO_CATEGORY: u16 = u16::MAX;

/// The whole map (see the module).
pub struct MapColumns {
    rows: Vec<Row>,
    bytes: Vec<u8>,
    packed: OnceLock<Vec<u8>>,
    tag: String,
}

/// The map that was asked for last, and what it was made of.
#[derive(Default)]
pub struct Kept {
    made: Option<(Arc<ThemeSnapshot>, u64, Arc<MapColumns>)>,
    categories: FirstCategories,
}

/// The first category of every paper. Derived from the store by change number.
#[derive(Default)]
struct FirstCategories {
    change: u64,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    of: HashMap<Row, u32>,
}

#[derive(Serialize)]
struct Head {
    run: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    bounds: [f32; 4],
    levels: Vec<usize>,
    themes: Vec<HeadTheme>,
    categories: Vec<String>,
}

#[derive(Serialize)]
struct HeadTheme {
    id: String,
    name: String,
    level: usize,
    parent: Option<usize>,
    size: usize,
    x: f32,
    y: f32,
}

impl MapColumns {
    /// The papers of the points, in their order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The columns.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, packed with gzip; once for all who ask.
    pub fn packed(&self) -> &[u8] {
        self.packed.get_or_init(|| {
            // Places hardly become smaller, whatever time is spent.
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            // Into memory, writing does not fail.
            let _ = packer.write_all(&self.bytes);
            packer.finish().unwrap_or_default()
        })
    }

    /// What tells this map from every other: a hash of it.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    fn new(rows: Vec<Row>, head: &Head, columns: [Vec<[u8; 4]>; 5], categories: &[u16]) -> Result<Self> {
        let mut json = serde_json::to_vec(head).map_err(|e| Error::Internal(format!("the map: {e}")))?;
        json.resize(json.len().next_multiple_of(4), b' ');
        let long = |n: usize| u32::try_from(n).map_err(|_| Error::Internal("the map is too large".into()));
        let mut bytes = Vec::with_capacity(16 + json.len() + 22 * rows.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&long(json.len())?.to_le_bytes());
        bytes.extend_from_slice(&long(rows.len())?.to_le_bytes());
        bytes.extend_from_slice(&json);
        columns.iter().for_each(|column| bytes.extend_from_slice(column.as_flattened()));
        categories.iter().for_each(|category| bytes.extend_from_slice(&category.to_le_bytes()));
        let tag = blake3::hash(&bytes).to_hex()[..32].to_string();
        Ok(MapColumns { rows, bytes, packed: OnceLock::new(), tag })
    }

    fn empty() -> Result<Self> {
        let (levels, themes, categories) = (vec![0; DEEPEST + 2], Vec::new(), Vec::new());
        let head = Head { run: 0, run_at: None, bounds: [0.0; 4], levels, themes, categories };
        Self::new(Vec::new(), &head, Default::default(), &[])
    }

    fn of(snapshot: &ThemeSnapshot, categories: &FirstCategories) -> Result<Self> {
        let (counted, zooms) = (snapshot.counted(), snapshot.zooms());
        let mut order: Vec<usize> = (0..snapshot.papers.len()).collect();
        order.sort_by_key(|k| zooms[*k]);
        let levels = (0..=DEEPEST + 1).map(|z| order.partition_point(|k| usize::from(zooms[*k]) <= z)).collect();
        let papers = || order.iter().map(|k| &snapshot.papers[*k]);
        let (names, own) = categories.most_frequent(papers().map(|p| p.row));
        let columns = [
            papers().map(|p| rounded(p.at[0]).to_le_bytes()).collect(),
            papers().map(|p| rounded(p.at[1]).to_le_bytes()).collect(),
            papers().map(|p| p.theme.filter(|_| p.member).map_or(-1, |t| t as i32).to_le_bytes()).collect(),
            papers().map(|p| p.day.unwrap_or(NO_DAY).to_le_bytes()).collect(),
            papers().map(|p| p.row.0.to_le_bytes()).collect(),
        ];
        let theme = |t: usize| HeadTheme {
            id: theme_id(snapshot.themes[t].id),
            name: snapshot.themes[t].facts.name.clone(),
            level: snapshot.themes[t].level,
            parent: snapshot.themes[t].parent,
            size: counted.members[t].len(),
            x: rounded(counted.middles[t][0]),
            y: rounded(counted.middles[t][1]),
        };
        let [low, high] = counted.corners;
        let head = Head {
            run: snapshot.run.run,
            run_at: Some(time(snapshot.run.at)),
            bounds: [low[0], low[1], high[0], high[1]],
            levels,
            themes: (0..snapshot.themes.len()).map(theme).collect(),
            categories: names,
        };
        Self::new(papers().map(|p| p.row).collect(), &head, columns, &own)
    }
}

impl FirstCategories {
    /// Reads what came and went since it last did.
    fn catch_up(&mut self, store: &dyn Store) -> Result<()> {
        let since = self.change;
        let gone = store.changes_since(since)?.gone;
        // What goes between the two stays here, and is never looked for: a row does not come back.
        let (change, came) = store.first_categories(since)?;
        for row in &gone {
            self.of.remove(&Row(row));
        }
        for (row, name) in came {
            let Some(name) = name else {
                self.of.remove(&row);
                continue;
            };
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(name).or_insert_with_key(|name| {
                self.names.push(name.clone());
                next
            });
            self.of.insert(row, number);
        }
        self.change = change;
        Ok(())
    }

    /// The most frequent categories of some papers, the most frequent first, and the one of each by its place among these.
    fn most_frequent(&self, rows: impl Iterator<Item = Row>) -> (Vec<String>, Vec<u16>) {
        let numbers: Vec<Option<u32>> = rows.map(|row| self.of.get(&row).copied()).collect();
        let mut counts = vec![0usize; self.names.len()];
        numbers.iter().flatten().for_each(|number| counts[*number as usize] += 1);
        let mut order: Vec<usize> = (0..counts.len()).filter(|number| counts[*number] > 0).collect();
        order.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then_with(|| self.names[*a].cmp(&self.names[*b])));
        order.truncate(CATEGORIES);
        let mut places = vec![NO_CATEGORY; self.names.len()];
        order.iter().zip(0u16..).for_each(|(number, place)| places[*number] = place);
        let own = numbers.iter().map(|number| number.map_or(NO_CATEGORY, |number| places[number as usize])).collect();
        (order.into_iter().map(|number| self.names[number].clone()).collect(), own)
    }
}

impl Themes {
    /// The whole map. It is made anew when papers came, went or were changed since it was last asked for.
    ///
    /// # Errors
    /// [`Error::BeingMade`] before the first run.
    pub fn map_columns(&self) -> Result<Arc<MapColumns>> {
        let Some(snapshot) = self.snapshot_now()? else { return MapColumns::empty().map(Arc::new) };
        let change = self.store.change()?;
        let mut kept = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, at, columns)) = &kept.made
            && Arc::ptr_eq(of, &snapshot)
            && *at == change
        {
            return Ok(Arc::clone(columns));
        }
        kept.categories.catch_up(&*self.store)?;
        let columns = Arc::new(MapColumns::of(&snapshot, &kept.categories)?);
        kept.made = Some((snapshot, change, Arc::clone(&columns)));
        Ok(columns)
    }
}
