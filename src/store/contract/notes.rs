use super::{Fixture, Kind, id, records, titled, user};
use crate::error::Error;
use crate::store::StoredNote;
use crate::user::Moment;

const ODD: &str = "<script>alert(1)</script>\nü \u{202e} '; DROP TABLE notes; --\n\tand \"so on\"";

fn note(paper: &str, text: &str, changed: i64) -> StoredNote {
    StoredNote { paper: id(paper), text: text.into(), created: Moment(1), changed: Moment(changed) }
}

pub fn a_note_is_one_text_on_a_paper(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&["a", "b", "c"].map(|name| titled(name, name)));
    let put = |reader: &str, paper: &str, text: &str, at| {
        store.put_note(&user(reader), &id(paper), text, Moment(at), 2).expect("asked")
    };
    let unknown = store.put_note(&user("ada"), &id("nowhere"), "x", Moment(1), 2);
    assert!(matches!(unknown, Err(Error::NotFound { what: "paper", .. })));
    assert!(store.user("ada").is_err(), "nobody is made for that");
    assert_eq!(put("ada", "a", ODD, 1), Some(note("a", ODD, 1)));
    let ada = store.user("ada").expect("made");
    let long = "word ".repeat(40_000);
    assert_eq!(put("ada", "a", &long, 7), Some(note("a", &long, 7)));
    assert!(put("ada", "b", ODD, 5).is_some());
    assert_eq!(put("ada", "c", "one too many", 9), None);
    assert!(put("bob", "a", "theirs", 9).is_some());
    let number = ada.number;
    assert_eq!(store.user("ada").expect("there"), ada, "it teaches nothing");
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let on = store.notes_on(number, &[&c, &b, &a]).expect("read");
    assert_eq!(on, [None, Some(StoredNote { created: Moment(5), ..note("b", ODD, 5) }), Some(note("a", &long, 7))]);
    // Those changed last first, a page at a time.
    let page = |skip, n| {
        let slice = store.notes(number, skip, n).expect("read");
        let ids: Vec<String> = slice.items.iter().map(|n| n.paper.to_string()).collect();
        (ids.join(" "), slice.next, slice.total)
    };
    assert_eq!(page(0, 1), ("a".into(), Some(1), 2));
    assert_eq!(page(1, 9), ("b".into(), None, 2));
    assert_eq!(page(usize::MAX, usize::MAX), (String::new(), None, 2));
    // A note outlives its paper, and can be changed all the same.
    store.delete("b");
    assert_eq!(put("ada", "b", "of what is gone", 8).map(|n| n.created), Some(Moment(5)));
    let mut all = Vec::new();
    store.each_note(number, &mut |note| all.push(note.text)).expect("read");
    all.sort();
    assert_eq!(all, ["of what is gone".to_string(), long]);
    // What was written over is soon in no file, what is forgotten at once.
    store.settle_forgotten();
    let is_somewhere = |store: &Fixture, text: &str| {
        let files = std::fs::read_dir(store.folder.path()).expect("a folder").flatten();
        let all: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.path()).expect("readable")).collect();
        all.iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert!(!is_somewhere(&store, "DROP TABLE notes") && is_somewhere(&store, "of what is gone"));
    store.delete_note(number, &b).expect("forgotten");
    assert!(!is_somewhere(&store, "of what is gone"));
    assert!(matches!(store.delete_note(number, &b), Err(Error::NotFound { .. })));
    let store = store.reopened();
    assert_eq!(store.notes(number, 0, 9).expect("read").total, 1);
    assert_eq!(store.notes(store.user("bob").expect("there").number, 0, 9).expect("read").total, 1);
}

pub fn notes_of_papers_that_are_one_are_one(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "one"), titled("b", "the same")]);
    for (paper, at) in [("b", 3), ("a", 2)] {
        let text = format!("on {paper}");
        store.put_note(&user("ada"), &id(paper), &text, Moment(at), 9).expect("written").expect("room");
    }
    let ada = store.user("ada").expect("made").number;
    records::put(&*store, &titled("a", "one"), &[], &[id("b")]);
    let one = store.notes_on(ada, &[&id("a")]).expect("read").remove(0).expect("a note");
    assert_eq!((one.text.as_str(), one.created, one.changed), ("on a\n\non b", Moment(2), Moment(3)));
    // One in every list, among others of the reader; and what goes out comes in again.
    store.put(&[titled("c", "another")]);
    store.put_note(&user("ada"), &id("c"), "on c", Moment(1), 9).expect("written").expect("room");
    let other = note("c", "on c", 1);
    let page = |store: &Fixture, skip, n| {
        let slice = store.notes(ada, skip, n).expect("read");
        (slice.items, slice.next, slice.total)
    };
    assert_eq!(page(&store, 0, 9), (vec![one.clone(), other.clone()], None, 2));
    assert_eq!(page(&store, 0, 1), (vec![one.clone()], Some(1), 2));
    assert_eq!(page(&store, 1, 1), (vec![other.clone()], None, 2));
    let mut all = Vec::new();
    store.each_note(ada, &mut |note| all.push(note)).expect("read");
    all.sort_by(|a, b| a.paper.cmp(&b.paper));
    assert_eq!(all, [one, other.clone()]);
    let elsewhere = Fixture::new(kind);
    let there = elsewhere.made("ada");
    assert_eq!(elsewhere.restore_notes(there, &all, 9).expect("restored"), 0);
    assert_eq!(elsewhere.notes(there, 0, 9).expect("read").items, all);
    store.put_note(&user("ada"), &id("a"), "of both", Moment(9), 9).expect("written").expect("room");
    assert_eq!(
        store.notes(ada, 0, 9).expect("read").items,
        [StoredNote { created: Moment(2), ..note("a", "of both", 9) }, other]
    );
}

pub fn notes_are_restored(kind: Kind) {
    let store = Fixture::new(kind);
    let ada = store.made("ada");
    let brought = [note("a", ODD, 5), note("b", "two", 6)];
    for _ in 0..2 {
        assert_eq!(store.restore_notes(ada, &brought, 9).expect("restored"), 0);
    }
    assert_eq!(store.restore_notes(ada + 1, &brought, 9).expect("nobody's is no error"), 0);
    assert_eq!(store.restore_notes(ada, &[note("a", "older", 4), note("b", "newer", 7)], 9).expect("restored"), 0);
    let all = store.notes(ada, 0, 9).expect("read").items;
    assert_eq!(all, [note("b", "newer", 7), note("a", ODD, 5)]);
    assert_eq!(store.restore_notes(ada, &[note("c", "x", 1), note("d", "x", 1)], 3).expect("restored"), 1);
}
