//! Whoever wrote, and however: everything follows.

use std::collections::BTreeSet;
use std::sync::Mutex;

use roaring::RoaringBitmap;
use serde_json::json;

use super::*;
use crate::engine::answer::{Mode, SearchOptions};
use crate::engine::corpus::fixture::{ingest, open, paper, read, row, vector};
use crate::engine::corpus::{Corpus, Follower};
use crate::paper::PaperId;
use crate::store::PaperWritten;

/// Writes papers into the store and nowhere else.
fn put(store: &dyn Store, corpus: &Corpus, papers: &[Paper]) -> u64 {
    let vectors: Vec<Vec<f32>> = papers.iter().map(|p| vector(corpus, p)).collect();
    let both: Vec<(&Paper, Option<&[f32]>)> =
        papers.iter().zip(&vectors).map(|(p, v)| (p, Some(v.as_slice()))).collect();
    store.put_papers(&both, &corpus.model().fingerprint).expect("written").change
}

fn by_words(corpus: &Corpus, query: &str) -> BTreeSet<String> {
    let ask = SearchOptions { limit: 500, mode: Mode::Lexical, ..SearchOptions::default() };
    let found = corpus.search(query, &ask).expect("an answer").papers;
    found.into_iter().map(|hit| hit.paper.id.to_string()).collect()
}

fn by_meaning(corpus: &Corpus, query: &str) -> BTreeSet<String> {
    let ask = SearchOptions { limit: 500, mode: Mode::Dense, ..SearchOptions::default() };
    let found = corpus.search(query, &ask).expect("an answer").papers;
    found.into_iter().map(|hit| hit.paper.id.to_string()).collect()
}

/// That everything derived says what the store says.
fn agree(store: &dyn Store, corpus: &Corpus) {
    let rows = store.rows_of_all().expect("read");
    assert_eq!(corpus.space().rows(), rows, "the index of vectors");
    assert_eq!(corpus.lexical().rows(), rows, "the words");
    assert_eq!(*corpus.versions(), Versions::read(store).expect("read"), "the versions");
    let change = store.change().expect("read");
    assert_eq!(corpus.followed(), Followed { papers: change, words: change });
    assert!(corpus.troubles().is_empty(), "{:?}", corpus.troubles());
}

/// Notes what it hears.
#[derive(Default)]
struct Ear(Mutex<Vec<(u64, u64, bool)>>);

impl Follower for Ear {
    fn hear(&self, changes: &Changes) {
        self.0.lock().expect("no panic").push((changes.from, changes.to, changes.other_space));
    }
}

#[test]
fn what_was_written_behind_its_back_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    ingest(&corpus, (0..20).map(paper));
    let ear = Arc::new(Ear::default());
    corpus.tell(&(Arc::clone(&ear) as Arc<dyn Follower>));
    let before = store.change().expect("read");
    // New ones, a second version of an older paper, another text and other fields of two that are there, and one that goes.
    let mut changed = paper(3);
    changed["title"] = json!("Nothing but zeppelins");
    let mut labelled = paper(5);
    labelled["keywords"] = json!(["xylophone"]);
    put(&*store, &corpus, &(20..25).map(paper).map(read).collect::<Vec<_>>());
    put(&*store, &corpus, &[read(json!({ "id": "2401.00001v1", "title": "Marmots", "date": "2024-01-01" }))]);
    put(&*store, &corpus, &[read(json!({ "id": "2401.00001v2", "title": "Marmots again", "date": "2024-02-01" }))]);
    put(&*store, &corpus, &[read(changed), read(labelled)]);
    store.delete_paper(&PaperId::new("p7").expect("an id")).expect("written").expect("it was there");
    corpus.derived.follow(&Handed::default());
    corpus.derived.commit_words().expect("written");
    agree(&*store, &corpus);
    assert_eq!(by_words(&corpus, "zeppelins"), BTreeSet::from(["p3".to_string()]));
    assert_eq!(by_words(&corpus, "xylophone"), BTreeSet::from(["p5".to_string()]));
    assert_eq!(
        by_words(&corpus, "marmots"),
        BTreeSet::from(["2401.00001v2".to_string()]),
        "the newest speaks for both"
    );
    let all = by_meaning(&corpus, "quasars and their jets");
    assert!(!all.contains("p7") && all.contains("p24") && all.len() == 25, "{all:?}");
    let heard = ear.0.lock().expect("no panic").clone();
    assert_eq!(heard.first().map(|h| h.0), Some(before));
    assert_eq!(heard.last().map(|h| h.1), Some(store.change().expect("read")));
    // And after that nothing is left to do.
    corpus.derived.follow(&Handed::default());
    assert_eq!(ear.0.lock().expect("no panic").len(), heard.len());
    drop(corpus);
    drop(store);
    let (store, corpus) = open(folder.path(), |_| {});
    agree(&*store, &corpus);
}

#[test]
fn a_write_takes_along_what_another_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    put(&*store, &corpus, &(0..3).map(paper).map(read).collect::<Vec<_>>());
    ingest(&corpus, (3..5).map(paper));
    agree(&*store, &corpus);
    put(&*store, &corpus, &(5..7).map(paper).map(read).collect::<Vec<_>>());
    corpus.delete("p1").expect("gone");
    agree(&*store, &corpus);
    // Asked for before anybody followed, a paper is found all the same.
    put(&*store, &corpus, &[read(paper(8))]);
    assert!(corpus.similar("p8", &SearchOptions::default()).is_ok());
    agree(&*store, &corpus);
}

#[test]
fn what_was_handed_over_for_nothing_does_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let (first, second) = (read(paper(0)), read(paper(1)));
    let vectors = [vector(&corpus, &first), vector(&corpus, &second)];
    let change = put(&*store, &corpus, &[first.clone(), second.clone()]);
    let (a, b) = (row(&*store, "p0"), row(&*store, "p1"));
    // Meanwhile one of them was taken away again, and that was followed first.
    store.delete_paper(&first.id).expect("written").expect("it was there");
    corpus.derived.follow(&Handed { gone: vec![a], ..Handed::default() });
    let papers = HashMap::from([(a, &first), (b, &second)]);
    let handed =
        Handed { change: Some(change), papers, vectors: vec![(a, &vectors[0]), (b, &vectors[1])], gone: Vec::new() };
    corpus.derived.follow(&handed);
    agree(&*store, &corpus);
}

#[test]
fn what_many_send_at_once_is_followed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    // Of those who send the same at the same moment all but one write nothing, and may follow first.
    for k in 0..40 {
        let ready = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    ready.wait();
                    ingest(&corpus, [paper(k)]);
                });
            }
        });
    }
    agree(&*store, &corpus);
    assert_eq!(store.count_papers().expect("read"), 40);
}

#[test]
fn what_another_wrote_later_goes_before_what_was_handed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let (mut first, mut later) = (paper(0), paper(0));
    first["keywords"] = json!(["zeppelin"]);
    later["keywords"] = json!(["xylophone"]);
    let first = read(first);
    let change = put(&*store, &corpus, std::slice::from_ref(&first));
    // Another has other fields for it, follows first, and brings no vector of its own.
    let later = read(later);
    let last = put(&*store, &corpus, std::slice::from_ref(&later));
    let of = row(&*store, "p0");
    let handed =
        |change, paper| Handed { change: Some(change), papers: HashMap::from([(of, paper)]), ..Handed::default() };
    corpus.derived.follow(&handed(last, &later));
    corpus.derived.follow(&handed(change, &first));
    agree(&*store, &corpus);
    assert!(corpus.similar("p0", &SearchOptions::default()).is_ok(), "it has its vector");
    // The other way round: what is older is handed over when both are in the store.
    let mut newest = paper(0);
    newest["keywords"] = json!(["marzipan"]);
    let between = put(&*store, &corpus, std::slice::from_ref(&first));
    put(&*store, &corpus, &[read(newest)]);
    put(&*store, &corpus, &[read(paper(1))]);
    corpus.derived.follow(&handed(between + 1, &first));
    corpus.derived.commit_words().expect("written");
    agree(&*store, &corpus);
    assert_eq!(by_words(&corpus, "marzipan"), BTreeSet::from(["p0".to_string()]));
    assert!(by_words(&corpus, "zeppelin").is_empty());
}

#[test]
fn many_write_at_once_and_each_finds_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let all = SearchOptions { limit: 500, mode: Mode::Dense, ..SearchOptions::default() };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (corpus, all) = (&corpus, &all);
            scope.spawn(move || {
                for k in (0..40).map(|k| 4 * k + writer) {
                    ingest(corpus, [paper(k)]);
                    let answer = corpus.similar(&format!("p{k}"), all).expect("what was taken in is there");
                    if k % 3 == 0 {
                        corpus.delete(&format!("p{k}")).expect("gone");
                        let found = by_meaning(corpus, crate::engine::corpus::fixture::TOPICS[writer]);
                        assert!(!found.contains(&format!("p{k}")), "what was taken away is in no answer");
                    }
                    assert!(answer.papers.iter().all(|hit| hit.paper.id.as_str() != format!("p{k}")));
                }
            });
        }
    });
    agree(&*store, &corpus);
    assert_eq!(store.count_papers().expect("read"), 160 - 54);
}

#[test]
fn changes_are_numbered_in_the_order_of_their_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let written: Mutex<Vec<(u64, Row)>> = Mutex::default();
    let (done, mut read_so_far, mut seen) = (std::sync::atomic::AtomicUsize::new(0), 0, RoaringBitmap::new());
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (store, corpus, written, done) = (&store, &corpus, &written, &done);
            scope.spawn(move || {
                for k in (0..25).map(|k| 4 * k + writer) {
                    let paper = read(paper(k));
                    let vector = vector(corpus, &paper);
                    let put =
                        store.put_papers(&[(&paper, Some(&vector))], &corpus.model().fingerprint).expect("written");
                    let PaperWritten::New(row) = put.papers[0] else { panic!("a new paper") };
                    written.lock().expect("no panic").push((put.change, row));
                }
                done.fetch_add(1, Ordering::AcqRel);
            });
        }
        // Who reads on from the number it has come to misses nothing, however the writers overtake each other.
        loop {
            let last = done.load(Ordering::Acquire) == 4;
            let changes = store.changes_since(read_so_far).expect("read");
            assert!(changes.to >= read_so_far);
            seen |= changes.came;
            read_so_far = changes.to;
            if last {
                break;
            }
        }
    });
    let mut written = written.into_inner().expect("no panic");
    written.sort_unstable();
    assert_eq!(written.iter().map(|w| w.0).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    assert!(written.windows(2).all(|w| w[0].1 < w[1].1), "a later change has a later row");
    assert_eq!(seen, store.rows_of_all().expect("read"));
}

#[test]
fn words_that_could_not_follow_catch_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    ingest(&corpus, (0..10).map(paper));
    // As after a full disk: what comes from here on is not given to the words.
    corpus.derived.words_missed(&crate::Error::StorageFull("the disk is full".into()));
    ingest(&corpus, (10..20).map(paper));
    corpus.delete("p3").expect("gone");
    assert_eq!(corpus.space().len(), 19, "the vectors follow all the same");
    let late = corpus.lexical().len();
    assert!(late == 9 || corpus.troubles().is_empty(), "what is gone is gone from the words as well: {late}");
    let began = std::time::Instant::now();
    while corpus.lexical().len() < 19 || !corpus.troubles().is_empty() {
        assert!(began.elapsed().as_secs() < 30, "it catches up by itself: {:?}", corpus.troubles());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    agree(&*store, &corpus);
    assert!(by_words(&corpus, "medieval wool trade").contains("p19"));
}
