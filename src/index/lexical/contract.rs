//! What the words must do, whatever came and went: the answers of an index that was fed, cut short and opened again are
//! those of one that was made at once from what is left.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TOPICS: [&str; 6] = [
    "quantum computing",
    "protein folding",
    "graph neural networks",
    "monetary policy",
    "deep-sea corals",
    "ResNet-50 pruning",
];

fn title(k: u32) -> String {
    format!("On {} number{k}", TOPICS[k as usize % 6])
}

fn summary(k: u32) -> String {
    format!("We study {} with method{} and {}.", TOPICS[k as usize % 6], k % 11, TOPICS[k as usize % 4])
}

struct Fed {
    folder: tempfile::TempDir,
    lexical: Lexical,
    /// What the store would hold: row and keyword.
    papers: BTreeMap<u32, String>,
    change: u64,
}

impl Fed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (lexical, report) = Lexical::open(folder.path(), &RoaringBitmap::new(), 0).expect("opens");
        assert_eq!(report, LexicalReport::default());
        Fed { folder, lexical, papers: BTreeMap::new(), change: 0 }
    }

    fn insert(&mut self, rows: &[(u32, &str)]) {
        self.change += 1;
        insert(&self.lexical, rows, self.change);
        self.papers.extend(rows.iter().map(|(r, k)| (*r, k.to_string())));
    }

    fn remove(&mut self, row: u32) {
        self.change += 1;
        self.papers.remove(&row);
        self.lexical.remove(&[Row(row)]).expect("removed");
    }

    /// Opens the folder again, as after the process was killed, and does what the engine does.
    fn killed(&mut self) -> LexicalReport {
        let rows: RoaringBitmap = self.papers.keys().copied().collect();
        // The old one must let go of the folder first.
        let elsewhere = tempfile::tempdir().expect("a folder");
        let (other, _) = Lexical::open(elsewhere.path(), &RoaringBitmap::new(), 0).expect("opens");
        drop(std::mem::replace(&mut self.lexical, other));
        let (lexical, report) = Lexical::open(self.folder.path(), &rows, self.change).expect("opens");
        self.lexical = lexical;
        if report.change < self.change {
            let all: Vec<(u32, &str)> = self.papers.iter().map(|(r, k)| (*r, k.as_str())).collect();
            insert(&self.lexical, &all, report.change);
            self.lexical.commit(self.change).expect("committed");
        }
        report
    }
}

fn insert(lexical: &Lexical, rows: &[(u32, &str)], change: u64) {
    let texts: Vec<(u32, String, String, [String; 1])> =
        rows.iter().map(|(r, k)| (*r, title(*r), summary(*r), [k.to_string()])).collect();
    let documents: Vec<Document<'_>> = texts
        .iter()
        .map(|(row, title, summary, keywords)| Document { row: *row, title, summary, keywords, ..Document::default() })
        .collect();
    lexical.insert(&documents, change).expect("inserted");
}

/// Rows for some words, by the share they have of them.
fn search(lexical: &Lexical, query: &str, k: usize, allowed: Option<&RoaringBitmap>) -> Vec<crate::index::Neighbour> {
    let words = lexical.words(query).expect("read");
    let mut found = lexical.search(&words, k, allowed).expect("searches");
    let rows: Vec<Row> = found.iter().map(|n| n.row).collect();
    found.iter_mut().zip(lexical.shares(&words, &rows)).for_each(|(n, share)| n.score = share);
    found.sort_by(crate::index::closest_first);
    found
}

/// An index made at once from what is left.
fn afresh(papers: &BTreeMap<u32, String>) -> (tempfile::TempDir, Lexical) {
    let folder = tempfile::tempdir().expect("a folder");
    let (lexical, _) = Lexical::open(folder.path(), &RoaringBitmap::new(), 0).expect("opens");
    let all: Vec<(u32, &str)> = papers.iter().map(|(r, k)| (*r, k.as_str())).collect();
    insert(&lexical, &all, 1);
    lexical.commit(1).expect("committed");
    (folder, lexical)
}

/// By term instead of by number, since numbers depend on who came first.
fn readable(lexical: &Lexical, row: u32) -> Option<BTreeMap<String, i64>> {
    let vector = lexical.terms(&[Row(row)]).pop().flatten()?;
    let term = |id: u32| lexical.state().dictionary.term(id).map(str::to_string).expect("a known term");
    Some(vector.terms.into_iter().map(|(id, w)| (term(id), (w * 1e4).round() as i64)).collect())
}

fn check(lexical: &Lexical, papers: &BTreeMap<u32, String>) {
    let (_folder, truth) = afresh(papers);
    assert_eq!(lexical.rows(), papers.keys().copied().collect::<RoaringBitmap>());
    for row in 0..40 {
        assert_eq!(readable(lexical, row), readable(&truth, row), "row {row}");
    }
    for query in ["quantum computing", "resnet50", "number7", "rare", "method3 corals deep", "nothing of it"] {
        // All that match, and fewer than match: then equal scores and where the segments end must not tell either.
        for k in [100, 3] {
            let found = |l: &Lexical| -> Vec<(u32, i32)> {
                let found = search(l, query, k, None);
                let mut found: Vec<(u32, i32)> =
                    found.iter().map(|n| (n.row.0, (n.score * 1e3).round() as i32)).collect();
                found.sort_unstable();
                found
            };
            assert_eq!(found(lexical), found(&truth), "{query}, {k}");
        }
    }
}

#[test]
fn finds_what_holds_the_words() {
    let mut fed = Fed::new();
    fed.insert(&(0..30).map(|k| (k, "key")).collect::<Vec<_>>());
    fed.lexical.commit(fed.change).expect("committed");
    let rows = |query: &str, k, allowed: Option<&RoaringBitmap>| -> Vec<u32> {
        search(&fed.lexical, query, k, allowed).iter().map(|n| n.row.0).collect()
    };
    assert_eq!(rows("number17", 1, None), [17]);
    for spelling in ["resnet50", "ResNet-50", "resnet 50"] {
        assert_eq!(rows(spelling, 30, None).len(), 5, "{spelling}");
    }
    assert!(rows("the of and", 5, None).is_empty() && rows("", 5, None).is_empty());
    assert_eq!(rows("quantum", 0, None), [] as [u32; 0]);
    let allowed: RoaringBitmap = [6, 7].into_iter().collect();
    assert_eq!(rows("quantum graph protein", 9, Some(&allowed)).len(), 2);
    let found = search(&fed.lexical, "quantum", 30, None);
    assert!(found.is_sorted_by(|a, b| a.score >= b.score) && found.iter().all(|n| n.score > 0.0));
    let vectors = fed.lexical.terms(&[Row(0), Row(99), Row(6)]);
    assert!(vectors[1].is_none());
    let (a, b) = (vectors[0].clone().expect("there"), vectors[2].clone().expect("there"));
    let cosine = fed.lexical.cosines(&a, &[Row(6), Row(0), Row(99)]);
    assert!((cosine[0] - a.dot(&b)).abs() < 1e-5 && (cosine[1] - 1.0).abs() < 1e-5 && cosine[2] == 0.0);
    let text = fed.lexical.terms_of("Quantum computing and nonsense9");
    assert!(!text.is_empty() && text.dot(&a) > 0.3);
    assert_eq!(fed.lexical.term(text.terms[0].0).map(|t| t.to_lowercase().starts_with(['q', 'c'])), Some(true));
}

#[test]
fn damage_is_said_and_nothing_of_it_is_used() {
    let mut fed = Fed::new();
    fed.insert(&(0..30).map(|k| (k, "key")).collect::<Vec<_>>());
    fed.lexical.commit(fed.change).expect("committed");
    let folder = fed.folder.path().to_path_buf();
    let names = || -> Vec<PathBuf> {
        let words = fs::read_dir(folder.join("words")).expect("there");
        let own = fs::read_dir(&folder).expect("there");
        let mut all: Vec<PathBuf> = words.chain(own).flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
        all.retain(|p| !p.to_string_lossy().contains("lock") && !p.ends_with(".managed.json"));
        all.sort();
        all
    };
    let (count, change, papers) = (names().len(), fed.change, fed.papers.clone());
    assert!(count >= 6);
    for k in 0..count {
        let path = names()[k].clone();
        let mut bytes = fs::read(&path).expect("there");
        if let Some(last) = bytes.len().checked_sub(bytes.len() / 3 + 1) {
            bytes[last] ^= 0x41;
        }
        fs::write(&path, bytes).expect("written");
        let report = fed.killed();
        // tantivy's list of segments has no checksum; what is changed in it shows, or changes no answer.
        let noticed = report.doubt.is_some() && report.change < change;
        assert!(noticed || path.ends_with("meta.json"), "{} was not noticed", path.display());
        check(&fed.lexical, &papers);
        assert_eq!(fed.killed(), LexicalReport { doubt: None, change }, "{} was not healed", path.display());
    }
    fed.change = 0;
    assert!(fed.killed().doubt.is_some_and(|d| d.contains("newer")));
}

/// A file of words has room for 255 bytes a term: two that are the same so far must be one from the beginning.
#[test]
fn long_numbers_are_no_damage() {
    let mut fed = Fed::new();
    let digits = "7".repeat(300);
    fed.insert(&[(1, &format!("{digits}1")), (2, &format!("{digits}2 {}", "é".repeat(200)))]);
    fed.lexical.commit(fed.change).expect("committed");
    let change = fed.change;
    assert_eq!(fed.killed(), LexicalReport { doubt: None, change });
    assert_eq!(search(&fed.lexical, &digits, 9, None).len(), 2);
    check(&fed.lexical, &fed.papers);
}

#[test]
fn after_a_failure_nothing_says_that_all_is_there() {
    let mut fed = Fed::new();
    fed.insert(&[(1, "key")]);
    fed.lexical.commit(fed.change).expect("committed");
    let folder = fed.folder.path().to_path_buf();
    assert_eq!(fed.killed().doubt, None);
    {
        // Another writer has the folder, so the first call fails; then it goes.
        let theirs = tantivy::Index::open_in_dir(folder.join("words")).expect("opens");
        let _writer = theirs.writer_with_num_threads::<tantivy::TantivyDocument>(1, 16 << 20).expect("writes");
        let paper = Document { row: 2, title: "lost", ..Document::default() };
        assert!(fed.lexical.insert(&[paper], 2).is_err());
    }
    let paper = Document { row: 3, title: "found", ..Document::default() };
    let told = fed.lexical.insert(&[paper], 3).expect_err("refused").to_string();
    assert!(told.contains("added by itself"), "{told}");
    assert!(fed.lexical.remove(&[Row(1)]).is_err());
    assert!(fed.lexical.commit(3).is_err());
    // The files are opened anew without a restart: what they say is what they hold, so the rest comes from the store again.
    let there = [1, 2, 3].into_iter().collect();
    assert_eq!(fed.lexical.recover(&there, 3).expect("recovers"), LexicalReport { doubt: None, change: 1 });
    assert_eq!(fed.lexical.standing(), Some((false, 1)));
    let papers = [Document { row: 3, title: "found", ..Document::default() }];
    fed.lexical.insert(&papers, 3).expect("takes them again");
    // So it is after a kill.
    (fed.change, fed.papers) = (3, (1..4).map(|row| (row, "key".to_string())).collect());
    assert_eq!(fed.killed(), LexicalReport { doubt: None, change: 1 });
    check(&fed.lexical, &fed.papers);
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u32),
    Again(u32),
    Remove(u32),
    Commit,
    Join,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u32..3).prop_map(Step::Insert),
        2 => (0u32..40).prop_map(Step::Again),
        2 => (0u32..40).prop_map(Step::Remove),
        3 => Just(Step::Commit),
        1 => Just(Step::Join),
        2 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Any order of inserting, changing, removing, committing and being killed ends at the same answers.
    #[test]
    fn history_leaves_no_trace(steps in prop::collection::vec(step(), 1..40)) {
        let mut fed = Fed::new();
        let mut next = 0;
        for step in steps {
            match step {
                Step::Insert(n) => {
                    let rows: Vec<(u32, &str)> = (next..next + n).map(|r| (r, "key")).collect();
                    fed.insert(&rows);
                    next += n;
                }
                Step::Again(row) if fed.papers.contains_key(&row) => fed.insert(&[(row, "rare")]),
                Step::Again(_) => {}
                Step::Remove(row) => fed.remove(row),
                Step::Commit => fed.lexical.commit(fed.change).expect("committed"),
                Step::Join => fed.lexical.join().expect("joined"),
                Step::Kill => { fed.killed(); }
            }
        }
        fed.lexical.commit(fed.change).expect("committed");
        check(&fed.lexical, &fed.papers);
        fed.killed();
        check(&fed.lexical, &fed.papers);
    }
}
