use super::{Fixture, Kind, MODEL, event, model, paper, titled, user};
use crate::error::Error;
use crate::paper::Paper;
use crate::store::LibraryPaper;
use crate::user::EventKind;

pub fn libraries_keep_papers_with_their_vectors(kind: Kind) {
    let store = Fixture::new(kind);
    let titles = ["beta", "Alpha", "alpha", "Ωmega", "Zeta", "zeta 2", "émile"];
    let papers: Vec<Paper> = titles.iter().enumerate().map(|(k, t)| titled(&format!("x{}", 9 - k), t)).collect();
    let vectors: Vec<[f32; 2]> = (0..titles.len()).map(|k| [k as f32, 1.0]).collect();
    let given: Vec<(&Paper, &[f32])> = papers.iter().zip(&vectors).map(|(p, v)| (p, v.as_slice())).collect();
    store.put_library_papers(&user("ada"), &given, MODEL).expect("written");
    let ada = store.user("ada").expect("made");
    let mut by_id = papers.clone();
    by_id.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(store.library(ada.number).expect("read"), by_id);
    let known = store.known_vectors(&model(MODEL), &[&papers[3]]).expect("read");
    assert_eq!(known, [Some(vec![3.0, 1.0])]);
    // By title, ASCII letters alike, then by id.
    let mut by_title = papers.clone();
    by_title.sort_by_key(|p| (p.title.to_ascii_lowercase(), p.id.to_string()));
    for n in [1, 3, 100, usize::MAX] {
        let (mut seen, mut skip) = (Vec::new(), Some(0));
        while let Some(from) = skip {
            let slice = store.library_slice(ada.number, from, n).expect("read");
            assert_eq!(slice.total, titles.len());
            seen.extend(slice.items);
            skip = slice.next;
        }
        let of = |p: &Paper| LibraryPaper { paper: p.clone(), imports: Vec::new() };
        assert_eq!(seen, by_title.iter().map(of).collect::<Vec<_>>(), "{n}");
    }
    assert!(store.library_slice(ada.number, usize::MAX, usize::MAX).expect("read").items.is_empty());
    // One of the same id takes the place of the one before; its vector goes with it.
    let other = titled("x9", "another text");
    store.put_library_papers(&user("ada"), &[(&other, &[0.5, 0.5])], MODEL).expect("written");
    assert_eq!(store.library(ada.number).expect("read").last(), Some(&other));
    assert_eq!(store.known_vectors(&model(MODEL), &[&papers[0], &other]).expect("read"), [None, Some(vec![0.5, 0.5])]);
    assert!(store.user("ada").expect("there").version > ada.version);
    assert!(store.put_library_papers(&user("bob"), &[(&other, &[0.5, 0.5])], "nobody's").is_err());
    assert!(store.user("bob").is_err());
    assert_eq!(store.count_papers().expect("read"), 0, "the corpus has none of them");
    // What this version reads as other texts would be told by nothing here: the texts are of this version.
    store.reread_libraries().expect("read");
    assert_eq!(store.known_vectors(&model(MODEL), &[&other]).expect("read"), [Some(vec![0.5, 0.5])]);
}

pub fn what_is_removed_goes_with_what_was_done(kind: Kind) {
    let store = Fixture::new(kind);
    let (own, both) = (titled("own", "1"), titled("both", "2"));
    store.put_library_papers(&user("ada"), &[(&own, &[1.0, 0.0]), (&both, &[1.0, 0.0])], MODEL).expect("written");
    let events = [event("own", EventKind::Like, 1), event("both", EventKind::Like, 2)];
    store.add_events(&user("ada"), &events).expect("written");
    store.put(&[paper(serde_json::json!({ "id": "both", "title": "of the corpus" }))]);
    let ada = store.user("ada").expect("there");
    store.remove_library_paper(ada.number, "own").expect("removed");
    assert_eq!(store.history(ada.number).expect("read"), events[1..]);
    // What was done speaks of the corpus's paper by now.
    store.remove_library_paper(ada.number, "both").expect("removed");
    assert_eq!(store.history(ada.number).expect("read"), events[1..]);
    assert!(store.library(ada.number).expect("read").is_empty());
    assert!(store.user("ada").expect("there").version > ada.version);
    let again = store.remove_library_paper(ada.number, "both");
    assert!(matches!(again, Err(Error::NotFound { what: "paper from outside the corpus", .. })));
}

pub fn what_lacks_a_vector_of_another_model_is_found(kind: Kind) {
    let store = Fixture::new(kind);
    let papers = [titled("a", "one text"), titled("b", "another"), titled("c", "one text")];
    let given: Vec<(&Paper, &[f32])> = papers.iter().map(|p| (p, &[1.0, 0.0][..])).collect();
    store.put_library_papers(&user("ada"), &given, MODEL).expect("written");
    let (own, other) = (super::model(MODEL), super::model("g"));
    let without = |model, n| store.library_without_vector(model, n).expect("read");
    assert!(without(&own, 9).is_empty());
    assert_eq!((without(&other, 9).len(), without(&other, 1).len()), (2, 1), "one of each text");
    for paper in without(&other, 9) {
        store.put_vectors(&other, &[(&paper, vec![0.0, 1.0])]).expect("written");
    }
    assert!(without(&other, 9).is_empty());
}
