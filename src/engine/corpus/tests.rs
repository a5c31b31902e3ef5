//! Searches over a corpus that is large enough for a graph, through an index that remembers what it was asked: what a filter
//! allows is what is found, nothing else, and as much as there is.

use std::sync::{Arc, Mutex};

use roaring::RoaringBitmap;

use crate::config::{Config, IndexKind};
use crate::engine::{Engine, Feed, Incoming, Mode, SearchOptions, Since};
use crate::error::Result;
use crate::index::{
    Allowed, Found, Haste, IndexCheck, IndexOptions, IndexStatus, NeighbourGraph, Opening, Plan, VectorIndex, dot, open,
};
use crate::paper::{Filter, Paper, PaperDate, PaperId, Row};
use crate::user::{Event, EventKind, Moment};

const PAPERS: usize = 1600;
const TOPICS: [&str; 5] =
    ["quasars and their jets", "soil fungi", "graph colouring", "medieval trade", "coral bleaching"];

/// Paper `k`: topic and category go by different numbers, so that a filter cuts through every topic.
fn category(k: usize) -> &'static str {
    ["cs.DS", "math.CO", "q-bio.PE"][k % 3]
}

fn year(k: usize) -> usize {
    2010 + k / 7 % 10
}

fn author(k: usize) -> String {
    format!("Author {}", k % 4)
}

fn number(paper: &Paper) -> usize {
    paper.id.as_str()[1..].parse().expect("a number")
}

fn filled(folder: &std::path::Path) -> Engine {
    let engine = Engine::open(Config { model: Some("hash".into()), ..Config::new(folder) }).expect("opens").engine;
    let paper = |k: usize| {
        let value = serde_json::json!({
            "id": format!("p{k}"),
            "title": format!("{}: observation {k} of {}", TOPICS[k % 5], k * 7919 % 1000),
            "abstract": format!("On {} and {} beside {}.", TOPICS[k % 5], k * 31 % 97, TOPICS[k * 13 % 5]),
            "date": format!("{}-06-01", year(k)),
            "categories": [category(k)],
            "authors": [author(k)],
        });
        let paper = Paper::read(value).map_err(|_| crate::engine::Rejection { id: None, reason: "no paper".into() });
        Ok(Incoming::new(k + 1, paper))
    };
    engine.ingest(&mut (0..PAPERS).map(paper), &|_| {}).expect("goes in");
    engine
}

/// Passes everything on, and keeps what was allowed.
struct Spy {
    inner: Arc<dyn VectorIndex>,
    heard: Mutex<Vec<(Option<Filter>, RoaringBitmap)>>,
}

impl Spy {
    fn hear(&self, allowed: Option<Allowed<'_>>) {
        if let Some(allowed) = allowed {
            self.heard.lock().expect("whole").push((allowed.filter.cloned(), allowed.rows.clone()));
        }
    }
}

impl VectorIndex for Spy {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }
    fn len(&self) -> usize {
        self.inner.len()
    }
    fn rows(&self) -> RoaringBitmap {
        self.inner.rows()
    }
    fn insert(&self, rows: &[(Row, &[f32])]) -> Result<()> {
        self.inner.insert(rows)
    }
    fn remove(&self, rows: &[Row]) -> Result<()> {
        self.inner.remove(rows)
    }
    fn search_many(&self, queries: &[&[f32]], k: usize, allowed: Option<Allowed<'_>>) -> Result<Vec<Found>> {
        self.hear(allowed);
        self.inner.search_many(queries, k, allowed)
    }
    fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<Allowed<'_>>) -> Result<Found> {
        self.hear(allowed);
        self.inner.search_exactly(query, k, allowed)
    }
    fn vectors(&self, rows: &[Row]) -> Result<Vec<Option<Vec<f32>>>> {
        self.inner.vectors(rows)
    }
    fn neighbour_graph(&self, k: usize) -> Result<NeighbourGraph> {
        self.inner.neighbour_graph(k)
    }
    fn seen(&self, change: u64) {
        self.inner.seen(change);
    }
    fn settle(&self, change: u64, haste: Haste) -> Result<()> {
        self.inner.settle(change, haste)
    }
    fn is_due(&self) -> bool {
        self.inner.is_due()
    }
    fn lasts(&self) -> bool {
        self.inner.lasts()
    }
    fn status(&self) -> IndexStatus {
        self.inner.status()
    }
    fn check(&self, sample: usize) -> Result<IndexCheck> {
        self.inner.check(sample)
    }
}

/// Puts an index in the engine's space that walks wherever it can.
fn walking(engine: &Engine, kind: IndexKind, folder: &std::path::Path) -> Arc<Spy> {
    let (store, space) = (Arc::clone(&engine.corpus.store), engine.corpus.space());
    let model = space.model().clone();
    let options = IndexOptions { exact_below: 40, rows_a_step: 1, ef_search: 80, ..IndexOptions::default() };
    let (change, rows) = (store.change().expect("read"), store.rows_of_all().expect("read"));
    let (fingerprint, dimension) = (&model.fingerprint.clone(), model.dimension);
    let source = Box::new(move |rows: &RoaringBitmap, f: &mut dyn FnMut(Row, &[f32]) -> Result<()>| {
        store.vectors_of(&model, rows, f)
    });
    let opening = Opening { folder, fingerprint, dimension, options, change, rows: &rows, source };
    let inner = open(kind, opening).expect("opens").0;
    inner.settle(change, Haste::Wait).expect("settles");
    let spy = Arc::new(Spy { inner, heard: Mutex::default() });
    engine.corpus.derived.move_to(space.with_index(spy.clone()), change, || Ok(())).expect("moves");
    spy
}

/// A filter, and which papers it means.
type Case = (Filter, fn(usize) -> bool);

fn cases() -> Vec<Case> {
    let date = |text: &str| PaperDate::try_from(text.to_string()).ok();
    let by = |categories: &[&str], authors: &[&str], from, to| Filter {
        categories: categories.iter().map(|c| c.to_string()).collect(),
        authors: authors.iter().map(|a| a.to_string()).collect(),
        from,
        to,
        ..Filter::default()
    };
    vec![
        (Filter::default(), |_| true),
        (by(&["math", "cs"], &[], None, None), |k| category(k) != "q-bio.PE"),
        (by(&["cs.DS", "q-bio.PE"], &[], date("2012"), None), |k| category(k) != "math.CO" && year(k) >= 2012),
        (by(&[], &["author 3"], None, date("2016-12-31")), |k| k % 4 == 3 && year(k) <= 2016),
        (by(&["cs.DS"], &["Author 0"], date("2015"), date("2015")), |k| k % 12 == 0 && year(k) == 2015),
        (Filter { exclude: vec![PaperId::new("p0").expect("an id")], ..by(&["cs.DS"], &[], None, None) }, |k| {
            category(k) == "cs.DS" && k != 0
        }),
    ]
}

/// What is heard of a filter is the filter that was asked for, and the rows are those that it means.
fn heard_rightly(what: &str, engine: &Engine, spy: &Spy, filter: &Filter, meant: fn(usize) -> bool) {
    let heard = std::mem::take(&mut *spy.heard.lock().expect("whole"));
    assert_eq!(heard.is_empty(), Filter { exclude: Vec::new(), ..filter.clone() }.is_empty(), "{what}");
    for (pushed, rows) in heard {
        assert_eq!(pushed.as_ref(), Some(filter), "{what}: another filter went down");
        let rows: Vec<Row> = rows.iter().map(Row).collect();
        for (_, paper) in engine.corpus.store.papers(&rows).expect("read") {
            assert!(meant(number(&paper)) || filter.exclude.contains(&paper.id), "{what}: {} is allowed", paper.id);
        }
    }
}

#[test]
fn a_filter_holds_whether_rows_are_scored_or_walked() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = filled(folder.path());
    for kind in IndexKind::all() {
        let walks = kind != IndexKind::Exact;
        let own = tempfile::tempdir().expect("a folder");
        let spy = walking(&engine, kind, own.path());
        let vectors: Vec<(usize, Vec<f32>)> = {
            let rows: Vec<Row> = spy.inner.rows().iter().map(Row).collect();
            let papers = engine.corpus.store.papers(&rows).expect("read");
            let found = spy.inner.vectors(&papers.iter().map(|(row, _)| *row).collect::<Vec<_>>()).expect("read");
            papers.iter().map(|(_, paper)| number(paper)).zip(found.into_iter().flatten()).collect()
        };
        assert_eq!(vectors.len(), PAPERS);
        for (n, (filter, meant)) in cases().into_iter().enumerate() {
            let what = format!("{kind}, filter {n}");
            let (mut hits, mut possible) = (0, 0);
            for of in (0..PAPERS).step_by(97) {
                let ask =
                    SearchOptions { limit: 10, mode: Mode::Dense, filter: filter.clone(), ..SearchOptions::default() };
                let answer = engine.similar(&format!("p{of}"), &ask).expect("found");
                let query = &vectors.iter().find(|(k, _)| *k == of).expect("there").1;
                let mut scores: Vec<f32> =
                    vectors.iter().filter(|(k, _)| *k != of && meant(*k)).map(|(_, v)| dot(query, v)).collect();
                scores.sort_by(|a, b| b.total_cmp(a));
                scores.truncate(10);
                assert_eq!(answer.papers.len(), scores.len(), "{what}: not all that there is");
                assert!(answer.papers.iter().all(|h| meant(number(&h.paper))), "{what}: a paper that it forbids");
                let least = scores.last().copied().unwrap_or_default() - 1e-3;
                hits += answer.papers.iter().filter(|h| h.score >= least).count();
                possible += scores.len();
                // The first two are large enough for a walk.
                if n < 2 {
                    let plan = if n == 0 { Plan::Hnsw } else { Plan::Filtered };
                    assert_eq!(answer.meta.plan, if walks { plan } else { Plan::Exact }, "{what}");
                }
            }
            assert!(hits as f64 >= 0.95 * possible as f64, "{what}: recall {hits} of {possible}");
            heard_rightly(&what, &engine, &spy, &filter, meant);
        }
    }
}

#[test]
fn a_feed_shows_what_its_filter_allows_over_every_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = filled(folder.path());
    let at = Moment::parse("2026-01-01").expect("a day");
    let like = |k: usize| {
        let paper = PaperId::new(format!("p{}", 5 * k)).expect("an id");
        Event { paper, kind: EventKind::Like, at, weight: 1.0 }
    };
    engine.add_events("ada", &(0..30).map(like).collect::<Vec<_>>()).expect("written");
    let mut shown: Vec<Vec<Vec<String>>> = Vec::new();
    for kind in IndexKind::all() {
        let own = tempfile::tempdir().expect("a folder");
        let spy = walking(&engine, kind, own.path());
        let mut lists = Vec::new();
        for (n, (filter, meant)) in cases().into_iter().enumerate() {
            let ask = SearchOptions { limit: 15, filter: filter.clone(), ..SearchOptions::default() };
            let feed = Feed { ask, since: Since::Ever, per_author: Some(100), ..Feed::default() };
            let answer = engine.feed("ada", &feed).expect("a feed");
            let known = |k: usize| k.is_multiple_of(5) && k / 5 < 30;
            let there = (0..PAPERS).filter(|k| meant(*k) && !known(*k)).count();
            assert_eq!((answer.papers.len(), answer.meta.total), (there.min(15), there), "{kind}, filter {n}");
            assert!(answer.papers.iter().all(|h| meant(number(&h.paper)) && !known(number(&h.paper))), "{kind}, {n}");
            spy.heard.lock().expect("whole").iter().for_each(|(pushed, _)| {
                assert_eq!(pushed.as_ref(), Some(&filter), "{kind}, filter {n}: another filter went down");
            });
            spy.heard.lock().expect("whole").clear();
            lists.push(answer.papers.iter().map(|h| h.paper.id.to_string()).collect::<Vec<_>>());
        }
        shown.push(lists);
    }
    // A graph may miss a candidate; it does not make another feed.
    for lists in &shown[1..] {
        for (list, exact) in lists.iter().zip(&shown[0]) {
            let same = list.iter().filter(|id| exact.contains(id)).count();
            assert!(same * 10 >= exact.len() * 8, "{list:?} instead of {exact:?}");
        }
    }
}
