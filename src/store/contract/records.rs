//! What sources say of papers, and the papers made of it.

use super::{Fixture, Kind, MODEL, id, titled, vector};
use crate::paper::{Paper, PaperId};
use crate::store::{
    BY_HAND, Fingerprints, KnownRecord, MergedPaper, MergedWritten, PaperWritten, SourceRecord, SourceState, Store,
};
use crate::user::{EventKind, Moment};

fn record(source: &str, key: &str, since: i64, paper: &Paper) -> SourceRecord {
    let (source, key) = (source.to_string(), key.to_string());
    SourceRecord { kind: "feed".into(), source, key, since: Moment(since), gone: false, paper: paper.clone() }
}

/// Writes one paper that was made of records.
pub fn put(store: &dyn Store, paper: &Paper, records: &[SourceRecord], absorbs: &[PaperId]) -> MergedWritten {
    let vector = vector(paper);
    let merged = MergedPaper { paper, vector: Some(&vector), records, absorbs, seen: &[] };
    store.put_merged(&[merged], MODEL).expect("written")
}

pub fn records_come_back_with_their_paper(kind: Kind) {
    let store = Fixture::new(kind);
    let (paper, other) = (titled("a", "One"), titled("b-key", "Another"));
    let records = [record("one", "a", 1, &paper), record("two", "b-key", 2, &other)];
    let written = put(&*store, &paper, &records, &[]);
    assert!(matches!(written.papers[..], [PaperWritten::New(_)]) && written.change == 1, "{written:?}");
    let read = |store: &Fixture| store.records_of(&[&id("a"), &id("none")]).expect("read");
    assert_eq!(read(&store).get(&id("a")).map(Vec::as_slice), Some(&records[..]));
    assert_eq!(read(&store).len(), 1);
    let known = store.known_records("two", &["b-key", "a"]).expect("read");
    let wanted = KnownRecord { paper: Some(id("a")), hash: records[1].hash(), gone: false };
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [("b-key".to_string(), wanted)]);
    // The same again changes nothing; a record that says something else changes no paper.
    assert!(matches!(put(&*store, &paper, &records, &[]).papers[..], [PaperWritten::Unchanged(_)]));
    let gone = SourceRecord { gone: true, since: Moment(7), ..records[1].clone() };
    let again = put(&*store, &paper, &[records[0].clone(), gone.clone()], &[]);
    assert!(matches!(again.papers[..], [PaperWritten::Unchanged(_)]) && again.change == 1);
    assert_eq!(read(&store.reopened())[&id("a")], [records[0].clone(), gone]);
}

pub fn papers_that_are_one_become_one(kind: Kind) {
    let store = Fixture::new(kind);
    let (a, b) = (titled("a", "One"), titled("b", "One"));
    put(&*store, &a, &[record("one", "a", 1, &a)], &[]);
    put(&*store, &b, &[record("two", "b", 1, &b)], &[]);
    let (row_a, row_b) = (store.row("a"), store.row("b"));
    // Neither has the id: the first lends its row.
    let both = [record("one", "a", 1, &a), record("two", "b", 1, &b)];
    let c = titled("c", "One");
    let written = put(&*store, &c, &both, &[id("a"), id("b")]);
    assert_eq!((written.papers, written.gone), (vec![PaperWritten::Updated(row_a)], vec![row_b]));
    assert_eq!(store.count_papers().expect("read"), 1);
    let changes = store.changes_since(2).expect("read");
    assert_eq!((changes.came.len(), changes.gone.iter().collect::<Vec<_>>()), (1, vec![row_b.0]));
    // Their ids still name it.
    for name in ["a", "b", "c"] {
        assert_eq!(store.row(name), row_a, "{name}");
        assert_eq!(store.paper(name).expect("read").map(|(_, p)| p.id), Some(id("c")));
    }
    // So do events, which are told under its present id.
    store.add_events(&super::user("ada"), &[super::event("a", EventKind::Like, 1)]).expect("written");
    let (_, unknown) =
        store.add_known_events(&[(&super::user("ada"), &[super::event("b", EventKind::Save, 2)])]).expect("written");
    assert_eq!(unknown, [Vec::<usize>::new()]);
    let number = store.user("ada").expect("there").number;
    let history = store.history(number).expect("read");
    assert_eq!(history.iter().map(|e| e.paper.as_str()).collect::<Vec<_>>(), ["c", "c"]);
    // Once more, and the old names follow.
    let d = titled("d", "Two");
    put(&*store, &d, &both, &[id("c")]);
    assert_eq!((store.row("a"), store.row("c")), (store.row("d"), store.row("d")));
    // Until another paper has one of them.
    store.put(&[titled("a", "Of its own")]);
    assert_ne!(store.row("a"), store.row("d"));
    assert_eq!(store.paper("a").expect("read").map(|(_, p)| p.title), Some("Of its own".into()));
}

pub fn what_another_has_changed_is_not_written_over(kind: Kind) {
    let store = Fixture::new(kind);
    let (a, newer) = (titled("a", "One"), titled("a", "Two"));
    let seen = |paper: &Paper| vec![(paper.id.clone(), Some(Fingerprints::of(paper).all))];
    let write = |paper: &Paper, seen: &[(PaperId, Option<[u8; 16]>)]| {
        let (vector, records) = (vector(paper), [record("one", "a", 1, paper)]);
        let merged = MergedPaper { paper, vector: Some(&vector), records: &records, absorbs: &[], seen };
        store.put_merged(&[merged], MODEL).expect("written").papers.remove(0)
    };
    assert!(matches!(write(&a, &[(id("a"), None)]), PaperWritten::New(_)));
    assert_eq!(write(&newer, &[(id("a"), None)]), PaperWritten::NeedsVector);
    assert_eq!(write(&newer, &seen(&newer)), PaperWritten::NeedsVector);
    assert_eq!(store.paper("a").expect("read").map(|(_, p)| p), Some(a.clone()));
    assert!(matches!(write(&newer, &seen(&a)), PaperWritten::Replaced { .. }));
}

pub fn what_was_taken_away_by_hand_stays_away(kind: Kind) {
    let store = Fixture::new(kind);
    let a = titled("a", "One");
    put(&*store, &a, &[record("one", "a", 1, &a), record(BY_HAND, "a", 1, &a)], &[id("old")]);
    assert_eq!(store.row("old"), store.row("a"));
    store.delete("a");
    let known = store.known_records("one", &["a"]).expect("read");
    assert_eq!(known.get("a").map(|k| k.paper.clone()), Some(None));
    assert!(store.known_records(BY_HAND, &["a"]).expect("read").is_empty());
    assert!(store.rows(&[&id("old")]).expect("read")[0].is_none());
    assert!(store.records_of(&[&id("a")]).expect("read").is_empty());
}

pub fn papers_that_were_taken_back_are_on_no_list(kind: Kind) {
    let store = Fixture::new(kind);
    let dated = |k: usize, status: &str| {
        super::paper(
            serde_json::json!({ "id": format!("p{k}"), "title": format!("T{k}"), "date": "2026-01-05", "status": status }),
        )
    };
    store.put(&[dated(1, "accepted"), dated(2, "retracted"), dated(3, "withdrawn")]);
    let day = crate::paper::PaperDate::parse("2026-01-05").expect("a day").first_day();
    let rows = |ids: &[&str]| ids.iter().map(|id| store.row(id).0).collect::<roaring::RoaringBitmap>();
    assert_eq!(store.retired().expect("read"), rows(&["p2", "p3"]));
    assert_eq!(store.listed_in(day, day).expect("read"), rows(&["p1"]));
    let page = store.list(crate::store::ListOrder::Day, Some((day, day)), None, 10).expect("a page");
    assert_eq!((page.items.len(), page.total), (1, 1));
    // What was taken back may be given again.
    store.put(&[dated(2, "published")]);
    assert_eq!(store.retired().expect("read"), rows(&["p3"]));
    store.delete("p3");
    assert!(store.retired().expect("read").is_empty());
}

pub fn where_to_go_on_is_remembered(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.source_state("one").expect("read"), SourceState::default());
    store.set_source_place("one", "2026-11-20").expect("written");
    let a = titled("a", "One");
    put(&*store, &a, &[record("one", "a", 1, &a), record("one", "b", 1, &a)], &[]);
    put(&*store, &a, &[record("one", "a", 2, &a)], &[]);
    store.set_source_succeeded("one", Moment(5)).expect("written");
    store.set_source_place("one", "2026-11-21").expect("written");
    let wanted = SourceState { place: Some("2026-11-21".into()), records: 2, succeeded: Some(Moment(5)) };
    assert_eq!(store.reopened().source_state("one").expect("read"), wanted);
}
